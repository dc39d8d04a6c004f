// The command that turns the wheel: `turn`.
#include "roadmill/turn.h"
#include "approvals.h"
#include "call.h"

#define TEXT_MAX ((size_t)1 << 20)

static rml_status read_config(rml_call *call, rml_turn_config *config, rml_error *err)
{
    rml_str text = {0};
    RML_TRY(rml_call_read(call, "config", TEXT_MAX, &text, err));
    RML_TRY(rml_turn_config_parse(text, rml_call_text(call, "config"), &call->arena, config, err));
    config->policy = rml_gate_builtin();
    config->policy_file = RML_STR("built-in policy");
    if (rml_call_count(call, "policy") > 0) {
        config->policy_file = rml_call_text(call, "policy");
    }
    return rml_call_read(call, "policy", TEXT_MAX, &config->policy, err);
}

static void write_result(rml_json_writer *w, const rml_turn_result *r)
{
    rml_json_object(w);
    rml_json_kv_str(w, "version", rml_str_of(r->version));
    rml_json_kv_str(w, "run", rml_str_of(r->run));
    rml_json_kv_str(w, "model", rml_str_of(r->model));
    rml_json_kv_str(w, "child", rml_str_of(r->child));
    rml_json_kv_str(w, "verdict", rml_str_of(rml_verdict_name(r->verdict)));
    rml_json_kv_str(w, "reason", r->reason);
    rml_json_kv_str(w, "report", r->report);
    rml_json_key(w, "steps");
    rml_json_list(w);
    for (size_t i = 0; i < r->step_count; i++) {
        rml_json_object(w);
        rml_json_kv_str(w, "name", r->steps[i].name);
        rml_json_kv_f64(w, "seconds", r->steps[i].seconds);
        rml_json_kv_bool(w, "done_before", r->steps[i].done_before);
        rml_json_kv_str(w, "result", r->steps[i].result);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    rml_json_object_end(w);
}

static rml_status run_turn(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_turn_config config;
    const rml_approval *approvals;
    rml_str *sources;
    size_t approval_count, count;
    rml_turn_result result;
    RML_TRY(read_config(call, &config, err));
    RML_TRY(rml_call_approvals(call, &approvals, &approval_count, err));
    RML_TRY(rml_call_list(call, "SOURCE", &sources, &count, err));
    RML_TRY(rml_call_home(call, true, &home, err));
    const rml_source_options source = {.vehicle = rml_call_text(call, "vehicle"),
                                       .licence = rml_call_text(call, "licence"),
                                       .purpose = rml_call_text(call, "purpose"),
                                       .region = rml_call_text(call, "region"),
                                       .threads = rml_pool_threads(call->pool),
                                       .jobs = rml_pool_threads(call->pool)};
    RML_TRY(rml_turn_run(home, &config, sources, count, &source, approvals, approval_count,
                         call->pool, &call->progress, &call->arena, &result, err));
    write_result(&call->writer, &result);
    return RML_OK;
}

static const rml_option arguments[] = {
    {"SOURCE", .type = RML_OPTION_PATH, .help = "a file, or a folder of files, to ingest first",
     .repeated = true},
    {0},
};
static const rml_option options[] = {
    {"config", .type = RML_OPTION_PATH, .value = "FILE", .help = "YAML of the turn (docs/turn.md)",
     .otherwise = "small models, split by family"},
    {"policy", .type = RML_OPTION_PATH, .value = "FILE", .help = "YAML of the gate (docs/gate.md)",
     .otherwise = "the built-in one"},
    APPROVE_OPTION,
    {"licence", .type = RML_OPTION_TEXT, .value = "NAME",
     .help = "licence of the sources, as you state it", .otherwise = "not stated"},
    {"purpose", .type = RML_OPTION_TEXT, .value = "NAME",
     .help = "purpose that the sources may be used for"},
    {"region", .type = RML_OPTION_TEXT, .value = "NAME", .help = "region of the sources"},
    {"vehicle", .type = RML_OPTION_TEXT, .value = "NAME", .help = "vehicle that recorded them"},
    {0},
};
static const rml_view view[] = {
    {.each = "steps",
     .table = "step=name | seconds:.1f | =[{done_before?}unchanged, not done again]"},
    {.line = "\nversion {version:id}, model {model:id}, child version {child:id}"},
    {.line = "gate: {verdict}: {reason}"},
    {.line = "report: {report}"},
    {.line = "next: roadmill lineage --home {$home} {model:id}"},
    {0},
};

const rml_command rml_turn_commands[] = {
    {
        .name = "turn",
        .summary = "do the whole loop; goes on where it was stopped, repeats no step in vain",
        .example = "roadmill turn --licence CC-BY-4.0 recordings/ scenarios/",
        .arguments = arguments,
        .options = options,
        .view = view,
        .run = run_turn,
    },
    {0},
};
