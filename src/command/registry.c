// Commands on models: the gate, the registry, promotion and lineage.
#include "roadmill/registry.h"
#include "approvals.h"
#include "call.h"
#include "roadmill/dataset.h"
#include "roadmill/evidence.h"

enum { POLICY_SIZE_MAX = 1 << 20 };

// ---- gate --------------------------------------------------------------------------------------

// The leak check of the version that was evaluated.
static rml_status check_leaks(rml_call *call, rml_home *home, rml_gate_request *request,
                              rml_error *err)
{
    const rml_evaluation *evaluation;
    rml_dataset *d = NULL;
    rml_leak_report report;
    rml_buffer text = {0};
    if (request->manifest.len == 0) {
        return RML_OK;
    }
    RML_TRY(rml_evidence_read(request->evaluation, RML_STR("evaluation"), &call->arena, &evaluation,
                              err));
    RML_TRY(rml_dataset_open(home->store, evaluation->version, &d, err));
    rml_status st = rml_dataset_leaks(d, home->lake, &report, err);
    rml_dataset_close(d);
    if (st == RML_OK) {
        rml_json_writer w;
        rml_json_writer_init(&w, &text, err);
        rml_leak_report_write(&report, &w);
        st = rml_json_finish(&w);
    }
    if (st == RML_OK) {
        request->leaks = rml_arena_str(&call->arena, rml_buffer_text(&text));
    }
    rml_buffer_reset(&text);
    return st;
}

// A registered model, or anything else that has a name: a run, somebody's predictions.
static rml_status find_thing(rml_call *call, const char *name, rml_str *hash, rml_error *err)
{
    rml_object_row row = {0};
    rml_error other;
    rml_home *home;
    rml_str text = rml_call_text(call, name);
    RML_TRY(rml_call_home(call, false, &home, err));
    rml_catalog *catalog = home->catalog;
    rml_status st = rml_model_find(catalog, text, &call->arena, &row, err);
    if (st == RML_ERR_MISSING) {
        st = rml_catalog_get(catalog, NULL, text, &call->arena, &row, &other);
        if (st != RML_OK && st != RML_ERR_MISSING && err) {
            *err = other; // an ambiguous prefix, say, tells more than that there is no such model
        }
    }
    *hash = row.hash;
    return st;
}

static void write_gate(rml_call *call, rml_str model, const rml_gate_result *r)
{
    rml_json_writer *w = &call->writer;
    rml_json_object(w);
    rml_json_kv_str(w, "model", model);
    rml_json_kv_str(w, "gate", rml_str_of(r->hash));
    rml_json_kv_str(w, "verdict", rml_str_of(rml_verdict_name(r->verdict)));
    rml_json_kv_str(w, "reason", r->reason);
    rml_json_key(w, "conditions");
    rml_json_list(w);
    for (size_t i = 0; i < r->condition_count; i++) {
        const rml_condition *c = &r->conditions[i];
        rml_json_object(w);
        rml_json_kv_str(w, "name", c->name);
        rml_json_kv_str(w, "verdict", rml_str_of(rml_verdict_name(c->verdict)));
        rml_json_kv_f64(w, "value", c->value);
        rml_json_kv_f64(w, "low", c->low);
        rml_json_kv_f64(w, "high", c->high);
        rml_json_kv_f64(w, "limit", c->limit);
        rml_json_kv_str(w, "reason", c->reason);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    rml_json_object_end(w);
}

static rml_status run_gate(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_str model;
    rml_gate_request request = {0};
    rml_gate_result result;
    if (rml_call_flag(call, "show-policy")) {
        rml_json_str(&call->writer, rml_gate_builtin());
        return RML_OK;
    }
    if (rml_call_count(call, "MODEL") == 0) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, "roadmill models lists them",
                        "expected a model, found none");
    }
    RML_TRY(rml_call_home(call, false, &home, err));
    RML_TRY(rml_call_approvals(call, &request.approvals, &request.approval_count, err));
    RML_TRY(rml_call_read(call, "policy", POLICY_SIZE_MAX, &request.policy, err));
    request.policy_file = rml_call_text(call, "policy");
    RML_TRY(find_thing(call, "MODEL", &model, err));
    RML_TRY(rml_gate_gather(home->catalog, model, rml_call_text(call, "evaluation"), &call->arena,
                            &request, err));
    RML_TRY(check_leaks(call, home, &request, err));
    RML_TRY(rml_gate_judge(home->catalog, &request, &call->arena, &result, err));
    write_gate(call, model, &result);
    call->lossy = result.verdict != RML_PASS;
    return RML_OK;
}

// ---- models, promote ---------------------------------------------------------------------------

static void write_model(rml_call *call, const rml_object_row *row)
{
    rml_json_writer *w = &call->writer;
    rml_json_object(w);
    rml_json_kv_str(w, "name", row->name);
    rml_json_kv_str(w, "hash", row->hash);
    rml_json_kv_ns(w, "created_ns", row->created_ns);
    rml_json_object_end(w);
}

static rml_status run_models(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_array rows = RML_ARRAY(rml_object_row);
    RML_TRY(rml_call_home(call, false, &home, err));
    rml_status st = rml_catalog_list(home->catalog, "model", &call->arena, &rows, err);
    rml_json_list(&call->writer);
    for (size_t i = 0; st == RML_OK && i < rows.count; i++) {
        write_model(call, RML_AT(&rows, rml_object_row, i));
    }
    rml_json_list_end(&call->writer);
    rml_array_reset(&rows);
    return st;
}

static rml_status run_show(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_object_row row;
    const rml_json *body;
    rml_json_writer *w = &call->writer;
    RML_TRY(rml_call_home(call, false, &home, err));
    RML_TRY(rml_model_find(home->catalog, rml_call_text(call, "MODEL"), &call->arena, &row, err));
    RML_TRY(rml_call_body(call, &row, &body, err));
    rml_json_object(w);
    rml_json_kv_str(w, "name", row.name);
    rml_json_kv_str(w, "hash", row.hash);
    rml_json_kv_ns(w, "created_ns", row.created_ns);
    rml_json_key(w, "body");
    rml_json_value(w, body);
    rml_json_object_end(w);
    return RML_OK;
}

static rml_status run_add(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_object_row run = {0};
    rml_str hash, name = rml_call_text(call, "NAME");
    uint32_t number;
    rml_json_writer *w = &call->writer;
    RML_TRY(rml_call_home(call, false, &home, err));
    if (rml_call_count(call, "run") > 0) {
        RML_TRY(rml_call_object(call, "run", &run, err));
    }
    RML_TRY(rml_model_register(home->store, home->catalog, name, rml_call_path(call, "FOLDER"),
                               run.hash, &call->arena, &hash, &number, err));
    rml_json_object(w);
    rml_json_kv_str(w, "name", name);
    rml_json_kv_i64(w, "number", number);
    rml_json_kv_str(w, "hash", hash);
    rml_json_object_end(w);
    return RML_OK;
}

static rml_status run_promote(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_str model = rml_call_text(call, "MODEL"), alias = rml_call_text(call, "NAME@LABEL");
    rml_str actor = rml_call_text(call, "actor"), user = rml_str_of(rml_env("USER"));
    actor = actor.len > 0 ? actor : user.len > 0 ? user : RML_STR("unknown");
    RML_TRY(rml_call_home(call, false, &home, err));
    RML_TRY(rml_model_promote(home->catalog, model, alias, actor, err));
    rml_json_object(&call->writer);
    rml_json_kv_str(&call->writer, "alias", alias);
    rml_json_kv_str(&call->writer, "model", model);
    rml_json_object_end(&call->writer);
    return RML_OK;
}

// ---- lineage -----------------------------------------------------------------------------------

static void write_row(rml_call *call, const rml_lineage_row *row)
{
    rml_json_writer *w = &call->writer;
    rml_json_object(w);
    rml_json_kv_i64(w, "depth", row->depth);
    rml_json_kv_str(w, "role", row->role);
    rml_json_kv_str(w, "kind", row->kind);
    rml_json_kv_str(w, "hash", row->hash);
    rml_json_kv_str(w, "name", row->name);
    rml_json_object_end(w);
}

static rml_status run_lineage(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_str hash;
    rml_array rows = RML_ARRAY(rml_lineage_row);
    RML_TRY(rml_call_home(call, false, &home, err));
    RML_TRY(find_thing(call, "THING", &hash, err));
    rml_status st = rml_lineage(home->catalog, hash, &call->arena, &rows, err);
    rml_json_list(&call->writer);
    for (size_t i = 0; i < rows.count && st == RML_OK; i++) {
        write_row(call, RML_AT(&rows, rml_lineage_row, i));
    }
    rml_json_list_end(&call->writer);
    rml_array_reset(&rows);
    return st;
}

// ---- The table ---------------------------------------------------------------------------------

#define MODEL(text)                                                                                \
    {                                                                                              \
        "MODEL", .type = RML_OPTION_NAME, .kind = "model", .help = (text), .required = true        \
    }

static const rml_option gate_arguments[] = {
    {"MODEL", .type = RML_OPTION_NAME, .kind = "model|run",
     .help = "a registered model, or anything else that was evaluated"},
    {0},
};
static const rml_option gate_options[] = {
    {"policy", .type = RML_OPTION_PATH, .value = "FILE",
     .help = "the conditions, as YAML (docs/gate.md)",
     .otherwise = "the built-in ones, which --show-policy prints"},
    {"show-policy", .help = "print the built-in policy and stop"},
    {"evaluation", .type = RML_OPTION_NAME, .value = "NAME", .kind = "evaluation",
     .help = "its name or hash", .otherwise = "the newest one of the model"},
    APPROVE_OPTION,
    {0},
};
static const rml_option show_arguments[] = {MODEL("NAME, NAME/N, NAME@LABEL or a hash"), {0}};
static const rml_option add_arguments[] = {
    {"NAME", .type = RML_OPTION_TEXT, .help = "of the model", .required = true},
    {"FOLDER", .type = RML_OPTION_PATH, .help = "what is registered", .required = true},
    {0},
};
static const rml_option add_options[] = {
    {"run", .type = RML_OPTION_NAME, .value = "NAME", .kind = "run",
     .help = "the run that it was trained in"},
    {0},
};
static const rml_option promote_arguments[] = {
    MODEL("what the alias shall mean"),
    {"NAME@LABEL", .type = RML_OPTION_TEXT, .help = "the alias", .required = true},
    {0},
};
static const rml_option promote_options[] = {
    {"actor", .type = RML_OPTION_TEXT, .value = "PERSON", .help = "who does it",
     .otherwise = "the user's name"},
    {0},
};
static const rml_option lineage_arguments[] = {
    {"THING", .type = RML_OPTION_NAME, .kind = "model|run|dataset",
     .help = "anything by its name or hash", .required = true},
    {0},
};

static const rml_view gate_view[] = {
    {.when = "{$show-policy?}", .text = ""},
    {.when = "{$show-policy!}"},
    {.each = "conditions", .table = "verdict | condition=name | reason"},
    {.line = "\n{verdict}: {reason}"},
    {.line = "gate {gate:id}"},
    {0},
};
static const rml_view models_view[] = {
    {.each = "", .table = "model=name | hash:id | registered=created_ns:time"},
    {0},
};
static const rml_view show_view[] = {
    {.fields = "model=name | hash | run=[{body.run}] | registered=created_ns:time"},
    {.each = "body.files", .table = "sha256:id | bytes | path"},
    {0},
};
static const rml_view add_view[] = {{.line = "{name}/{number} {hash:id}"}, {0}};
static const rml_view promote_view[] = {{.line = "{alias} is now {model}"}, {0}};
static const rml_view lineage_view[] = {
    {.each = "", .line = "{depth:indent}[{role}: ]{kind} {hash:id}[ {name}]"},
    {0},
};

const rml_command rml_registry_commands[] = {
    {
        .name = "gate",
        .summary = "judge a model by a policy: every condition passes, fails or is undecided",
        .example = "roadmill gate predictor --approve safety=j.doe",
        .arguments = gate_arguments,
        .options = gate_options,
        .view = gate_view,
        .run = run_gate,
    },
    {
        .name = "models",
        .summary = "list registered models",
        .example = "roadmill models",
        .view = models_view,
        .run = run_models,
    },
    {
        .name = "models show",
        .summary = "show a model's files and run; MODEL is NAME, NAME/N, NAME@LABEL or a hash",
        .example = "roadmill models show predictor",
        .arguments = show_arguments,
        .view = show_view,
        .run = run_show,
    },
    {
        .name = "models add",
        .summary = "register a folder (weights, configuration, exports) as the next NAME/N",
        .example = "roadmill models add predictor build/bundle",
        .arguments = add_arguments,
        .options = add_options,
        .view = add_view,
        .run = run_add,
    },
    {
        .name = "promote",
        .summary = "let an alias point to a model that passed its gate",
        .example = "roadmill promote predictor/1 predictor@production",
        .arguments = promote_arguments,
        .options = promote_options,
        .view = promote_view,
        .run = run_promote,
    },
    {
        .name = "lineage",
        .summary = "show what a thing was made from, down to recordings",
        .example = "roadmill lineage predictor",
        .arguments = lineage_arguments,
        .view = lineage_view,
        .run = run_lineage,
    },
    {0},
};
