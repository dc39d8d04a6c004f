// Commands on models: the gate, the registry, promotion and lineage.
#include <string.h>

#include "command.h"
#include "roadmill/dataset.h"
#include "roadmill/evidence.h"
#include "roadmill/registry.h"

enum { APPROVALS_MAX = 16, POLICY_SIZE_MAX = 1 << 20 };

// ---- gate --------------------------------------------------------------------------------------

static rml_status read_approvals(rml_cli *cli, rml_approval *approvals, rml_gate_request *request,
                                 rml_error *err)
{
    const char *text;
    size_t count = 0;
    for (; (text = rml_cli_value_at(cli, "--approve", count)) != NULL; count++) {
        rml_str role, person = rml_str_cut(rml_str_of(text), '=', &role);
        if (role.len == 0 || person.len == 0 || count == APPROVALS_MAX) {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0},
                            "for example: --approve safety=j.doe",
                            "expected at most %d times --approve ROLE=PERSON, found \"%s\"",
                            APPROVALS_MAX, text);
        }
        approvals[count] = (rml_approval){role, person};
    }
    request->approvals = approvals;
    request->approval_count = count;
    return RML_OK;
}

static rml_status read_policy(rml_cli *cli, rml_gate_request *request, rml_error *err)
{
    const char *path = rml_cli_value(cli, "--policy");
    if (path == NULL) {
        return RML_OK;
    }
    rml_buffer text = {0};
    rml_status st = rml_store_get(rml_str_of(path), POLICY_SIZE_MAX, &text, err);
    if (st == RML_OK) {
        request->policy = rml_arena_str(&cli->arena, rml_buffer_text(&text));
        request->policy_file = rml_str_of(path);
    }
    rml_buffer_reset(&text);
    return st;
}

// The leak check of the version that was evaluated.
static rml_status check_leaks(rml_cli *cli, rml_home *home, rml_gate_request *request,
                              rml_error *err)
{
    const rml_evaluation *evaluation;
    rml_dataset *d = NULL;
    rml_leak_report report;
    rml_buffer text = {0};
    if (request->manifest.len == 0) {
        return RML_OK;
    }
    RML_TRY(rml_evidence_read(request->evaluation, RML_STR("evaluation"), &cli->arena, &evaluation,
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
        request->leaks = rml_arena_str(&cli->arena, rml_buffer_text(&text));
    }
    rml_buffer_reset(&text);
    return st;
}

// A registered model, or anything else that has a name: a run, somebody's predictions.
static rml_status find_thing(rml_cli *cli, rml_catalog *catalog, rml_str *hash, rml_error *err)
{
    rml_object_row row = {0};
    rml_error other;
    rml_str text = rml_str_of(cli->arguments[0]);
    rml_status st = rml_model_find(catalog, text, &cli->arena, &row, err);
    if (st == RML_ERR_MISSING) {
        st = rml_catalog_get(catalog, NULL, text, &cli->arena, &row, &other);
        if (st != RML_OK && st != RML_ERR_MISSING && err) {
            *err = other; // an ambiguous prefix, say, tells more than that there is no such model
        }
    }
    *hash = row.hash;
    return st;
}

static void print_gate_json(rml_cli *cli, rml_str model, const rml_gate_result *r)
{
    rml_json_writer *w = &cli->writer;
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

static void print_gate(rml_cli *cli, const rml_gate_result *r)
{
    static const char *const heads[] = {"verdict", "condition", "reason"};
    rml_cli_table t;
    rml_cli_table_begin(&t, heads, 3);
    for (size_t i = 0; i < r->condition_count; i++) {
        const rml_condition *c = &r->conditions[i];
        rml_cli_table_cell(cli, &t, "%s", rml_verdict_name(c->verdict));
        rml_cli_table_cell(cli, &t, "%.*s", RML_FMT(c->name));
        rml_cli_table_cell(cli, &t, "%.*s", RML_FMT(c->reason));
    }
    rml_cli_table_end(cli, &t);
    rml_cli_print(cli, "\n%s: %.*s\ngate %.12s\n", rml_verdict_name(r->verdict), RML_FMT(r->reason),
                  r->hash);
}

static rml_status run_gate(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_str model;
    rml_approval approvals[APPROVALS_MAX];
    rml_gate_request request = {0};
    rml_gate_result result;
    if (rml_cli_flag(cli, "--show-policy")) {
        rml_cli_print(cli, "%.*s", RML_FMT(rml_gate_builtin()));
        if (cli->json) {
            rml_json_str(&cli->writer, rml_gate_builtin());
        }
        return RML_OK;
    }
    if (cli->argument_count == 0) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, "roadmill models lists them",
                        "expected a model, found none");
    }
    RML_TRY(rml_cli_home(cli, false, &home, err));
    RML_TRY(read_approvals(cli, approvals, &request, err));
    RML_TRY(read_policy(cli, &request, err));
    RML_TRY(find_thing(cli, home->catalog, &model, err));
    RML_TRY(rml_gate_gather(home->catalog, model, rml_str_of(rml_cli_value(cli, "--evaluation")),
                            &cli->arena, &request, err));
    RML_TRY(check_leaks(cli, home, &request, err));
    RML_TRY(rml_gate_judge(home->catalog, &request, &cli->arena, &result, err));
    if (cli->json) {
        print_gate_json(cli, model, &result);
    } else {
        print_gate(cli, &result);
    }
    cli->exit_code = result.verdict == RML_PASS ? 0 : 3;
    return RML_OK;
}

// ---- models, promote
// -----------------------------------------------------------------------------

static void write_model(rml_cli *cli, const rml_object_row *row)
{
    rml_json_writer *w = &cli->writer;
    rml_json_object(w);
    rml_json_kv_str(w, "name", row->name);
    rml_json_kv_str(w, "hash", row->hash);
    rml_json_kv_ns(w, "created_ns", row->created_ns);
    rml_json_object_end(w);
}

static rml_status run_models(rml_cli *cli, rml_error *err)
{
    static const char *const heads[] = {"model", "hash", "registered"};
    rml_home *home;
    rml_array rows = RML_ARRAY(rml_object_row);
    RML_TRY(rml_cli_home(cli, false, &home, err));
    rml_status st = rml_catalog_list(home->catalog, "model", &cli->arena, &rows, err);
    if (st != RML_OK) {
        rml_array_reset(&rows);
        return st;
    }
    rml_cli_table t;
    rml_cli_table_begin(&t, heads, 3);
    if (cli->json) {
        rml_json_list(&cli->writer);
    }
    for (size_t i = 0; i < rows.count; i++) {
        const rml_object_row *row = RML_AT(&rows, rml_object_row, i);
        char time[40];
        rml_clock_text(row->created_ns, time);
        if (cli->json) {
            write_model(cli, row);
        }
        rml_cli_table_cell(cli, &t, "%.*s", RML_FMT(row->name));
        rml_cli_table_cell(cli, &t, "%.12s", row->hash.data);
        rml_cli_table_cell(cli, &t, "%.19s", time);
    }
    if (cli->json) {
        rml_json_list_end(&cli->writer);
    }
    rml_cli_table_end(cli, &t);
    rml_array_reset(&rows);
    return RML_OK;
}

static rml_status run_show(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_object_row row;
    const rml_json *body;
    RML_TRY(rml_cli_home(cli, false, &home, err));
    RML_TRY(rml_model_find(home->catalog, rml_str_of(cli->arguments[0]), &cli->arena, &row, err));
    RML_TRY(rml_json_parse(&cli->arena, row.body, RML_STR("model"), &body, err));
    if (cli->json) {
        rml_json_object(&cli->writer);
        rml_json_kv_str(&cli->writer, "name", row.name);
        rml_json_kv_str(&cli->writer, "hash", row.hash);
        rml_json_kv_ns(&cli->writer, "created_ns", row.created_ns);
        rml_json_key(&cli->writer, "body");
        rml_json_value(&cli->writer, body);
        rml_json_object_end(&cli->writer);
        return RML_OK;
    }
    rml_cli_print(cli, "%.*s\nhash %.*s\nrun  %.*s\n", RML_FMT(row.name), RML_FMT(row.hash),
                  RML_FMT(rml_json_get_str(body, "run", RML_STR(""))));
    const rml_json *files = rml_json_get(body, "files");
    for (const rml_json *f = files ? files->child : NULL; f != NULL; f = f->next) {
        rml_cli_print(cli, "%.12s %10lld %.*s\n", rml_json_get_str(f, "sha256", RML_STR("")).data,
                      (long long)rml_json_get_i64(f, "bytes", 0),
                      RML_FMT(rml_json_get_str(f, "path", RML_STR(""))));
    }
    return RML_OK;
}

static rml_status run_add(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_object_row run = {0};
    rml_str hash;
    uint32_t number;
    RML_TRY(rml_cli_home(cli, false, &home, err));
    const char *from = rml_cli_value(cli, "--run");
    if (from != NULL) {
        RML_TRY(rml_catalog_get(home->catalog, "run", rml_str_of(from), &cli->arena, &run, err));
    }
    RML_TRY(rml_model_register(home->store, home->catalog, rml_str_of(cli->arguments[0]),
                               cli->arguments[1], run.hash, &cli->arena, &hash, &number, err));
    if (cli->json) {
        rml_json_object(&cli->writer);
        rml_json_kv_str(&cli->writer, "name", rml_str_of(cli->arguments[0]));
        rml_json_kv_i64(&cli->writer, "number", number);
        rml_json_kv_str(&cli->writer, "hash", hash);
        rml_json_object_end(&cli->writer);
    }
    rml_cli_print(cli, "%s/%u %.12s\n", cli->arguments[0], number, hash.data);
    return RML_OK;
}

static rml_status run_promote(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    const char *actor = rml_cli_value(cli, "--actor");
    actor = actor != NULL ? actor : rml_env("USER");
    RML_TRY(rml_cli_home(cli, false, &home, err));
    RML_TRY(rml_model_promote(home->catalog, rml_str_of(cli->arguments[0]),
                              rml_str_of(cli->arguments[1]),
                              rml_str_of(actor != NULL ? actor : "unknown"), err));
    if (cli->json) {
        rml_json_object(&cli->writer);
        rml_json_kv_str(&cli->writer, "alias", rml_str_of(cli->arguments[1]));
        rml_json_kv_str(&cli->writer, "model", rml_str_of(cli->arguments[0]));
        rml_json_object_end(&cli->writer);
    }
    rml_cli_print(cli, "%s is now %s\n", cli->arguments[1], cli->arguments[0]);
    return RML_OK;
}

// ---- lineage -----------------------------------------------------------------------------------

static void write_row(rml_cli *cli, const rml_lineage_row *row)
{
    rml_json_writer *w = &cli->writer;
    rml_json_object(w);
    rml_json_kv_i64(w, "depth", row->depth);
    rml_json_kv_str(w, "role", row->role);
    rml_json_kv_str(w, "kind", row->kind);
    rml_json_kv_str(w, "hash", row->hash);
    rml_json_kv_str(w, "name", row->name);
    rml_json_object_end(w);
}

static rml_status run_lineage(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_str hash;
    rml_array rows = RML_ARRAY(rml_lineage_row);
    RML_TRY(rml_cli_home(cli, false, &home, err));
    RML_TRY(find_thing(cli, home->catalog, &hash, err));
    rml_status st = rml_lineage(home->catalog, hash, &cli->arena, &rows, err);
    if (st == RML_OK && cli->json) {
        rml_json_list(&cli->writer);
    }
    for (size_t i = 0; i < rows.count && st == RML_OK; i++) {
        const rml_lineage_row *row = RML_AT(&rows, rml_lineage_row, i);
        if (cli->json) {
            write_row(cli, row);
        }
        rml_cli_print(cli, "%*s%.*s%s%.*s %.12s %.*s\n", (int)row->depth * 2, "",
                      RML_FMT(row->role), row->role.len > 0 ? ": " : "", RML_FMT(row->kind),
                      row->hash.data, RML_FMT(row->name));
    }
    if (st == RML_OK && cli->json) {
        rml_json_list_end(&cli->writer);
    }
    rml_array_reset(&rows);
    return st;
}

// ---- The table ---------------------------------------------------------------------------------

static const rml_option gate_options[] = {
    {"--policy", "FILE", "the conditions, as YAML (docs/gate.md); built in: --show-policy"},
    {"--show-policy", NULL, "print the built-in policy and stop"},
    {"--evaluation", "NAME", "name or hash; the newest one of the model if left out"},
    {"--approve", "ROLE=PERSON", "an approval that the policy asks for; may be repeated"},
};
static const rml_option add_options[] = {
    {"--run", "NAME", "the run that it was trained in"},
};
static const rml_option promote_options[] = {
    {"--actor", "PERSON", "who does it; the user's name if left out"},
};

static const rml_command commands[] = {
    {
        .name = "gate",
        .arguments = "[MODEL]",
        .summary = "judge a model by a policy: every condition passes, fails or is undecided",
        .example = "roadmill gate predictor --approve safety=j.doe",
        .arguments_max = 1,
        .options = gate_options,
        .option_count = sizeof gate_options / sizeof *gate_options,
        .run = run_gate,
    },
    {
        .name = "models",
        .arguments = "",
        .summary = "list registered models",
        .example = "roadmill models",
        .run = run_models,
    },
    {
        .name = "models show",
        .arguments = "MODEL",
        .summary = "show a model's files and run; MODEL is NAME, NAME/N, NAME@LABEL or a hash",
        .example = "roadmill models show predictor",
        .arguments_min = 1,
        .arguments_max = 1,
        .run = run_show,
    },
    {
        .name = "models add",
        .arguments = "NAME FOLDER",
        .summary = "register a folder (weights, configuration, exports) as the next NAME/N",
        .example = "roadmill models add predictor build/bundle",
        .arguments_min = 2,
        .arguments_max = 2,
        .options = add_options,
        .option_count = sizeof add_options / sizeof *add_options,
        .run = run_add,
    },
    {
        .name = "promote",
        .arguments = "MODEL NAME@LABEL",
        .summary = "let an alias point to a model that passed its gate",
        .example = "roadmill promote predictor/1 predictor@production",
        .arguments_min = 2,
        .arguments_max = 2,
        .options = promote_options,
        .option_count = sizeof promote_options / sizeof *promote_options,
        .run = run_promote,
    },
    {
        .name = "lineage",
        .arguments = "THING",
        .summary = "show what a thing was made from, down to recordings",
        .example = "roadmill lineage predictor",
        .arguments_min = 1,
        .arguments_max = 1,
        .run = run_lineage,
    },
};

const rml_command_group rml_registry_commands = {commands, sizeof commands / sizeof *commands};
