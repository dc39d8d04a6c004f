// The command that turns the wheel: `turn`.
#include <string.h>

#include "command.h"

#define APPROVALS_MAX 16
#define TEXT_MAX ((size_t)1 << 20)

static const rml_option options[] = {
    {"--config", "FILE", "YAML of the turn (docs/turn.md; default: small models, split by family)"},
    {"--policy", "FILE", "YAML of the gate (docs/gate.md; default: the built-in one)"},
    {"--approve", "ROLE=PERSON", "an approval that the policy asks for; may be repeated"},
    {"--licence", "NAME", "licence of the sources, as you state it (default: not stated)"},
    {"--purpose", "NAME", "purpose that the sources may be used for"},
    {"--region", "NAME", "region of the sources"},
    {"--vehicle", "NAME", "vehicle that recorded them"},
};

static rml_status read_file(rml_cli *cli, const char *option, rml_str *text, rml_str *file,
                            rml_error *err)
{
    const char *path = rml_cli_value(cli, option);
    if (path == NULL) {
        return RML_OK;
    }
    rml_buffer content = {0};
    rml_status st = rml_store_get(rml_str_of(path), TEXT_MAX, &content, err);
    if (!st) {
        *text = rml_arena_str(&cli->arena, rml_buffer_text(&content));
        *file = rml_str_of(path);
    }
    rml_buffer_reset(&content);
    return st;
}

static rml_status read_approvals(rml_cli *cli, rml_approval *approvals, size_t *count,
                                 rml_error *err)
{
    const char *text;
    for (*count = 0; (text = rml_cli_value_at(cli, "--approve", *count)) != NULL; ++*count) {
        rml_str role, person = rml_str_cut(rml_str_of(text), '=', &role);
        if (*count == APPROVALS_MAX || role.len == 0 || person.len == 0) {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0},
                            "for example: --approve safety=j.doe",
                            "expected at most %d times --approve ROLE=PERSON, found \"%s\"",
                            APPROVALS_MAX, text);
        }
        approvals[*count] = (rml_approval){role, person};
    }
    return RML_OK;
}

static rml_str option_text(const rml_cli *cli, const char *option)
{
    return rml_str_of(rml_cli_value(cli, option));
}

static rml_status read_config(rml_cli *cli, rml_turn_config *config, rml_error *err)
{
    rml_str text = {0}, file = {0};
    RML_TRY(read_file(cli, "--config", &text, &file, err));
    RML_TRY(rml_turn_config_parse(text, file, &cli->arena, config, err));
    config->policy = rml_gate_builtin();
    config->policy_file = RML_STR("built-in policy");
    return read_file(cli, "--policy", &config->policy, &config->policy_file, err);
}

static void print_result(rml_cli *cli, const rml_home *home, const rml_turn_result *r)
{
    for (size_t i = 0; i < r->step_count; i++) {
        const rml_turn_step_result *s = &r->steps[i];
        rml_cli_print(cli, "%-9.*s %7.1f s%s\n", RML_FMT(s->name), s->seconds,
                      s->done_before ? "  (unchanged, not done again)" : "");
    }
    rml_cli_print(cli, "\nversion %.12s, model %.12s, child version %.12s\n", r->version, r->model,
                  r->child);
    rml_cli_print(cli, "gate: %s: %.*s\n", rml_verdict_name(r->verdict), RML_FMT(r->reason));
    rml_cli_print(cli, "report: %.*s\n", RML_FMT(r->report));
    rml_cli_print(cli, "next: roadmill lineage --home %.*s %.12s\n", RML_FMT(home->path), r->model);
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

static rml_status run_turn(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_turn_config config;
    rml_approval approvals[APPROVALS_MAX];
    size_t approval_count;
    RML_TRY(read_config(cli, &config, err));
    RML_TRY(read_approvals(cli, approvals, &approval_count, err));
    RML_TRY(rml_cli_home(cli, true, &home, err));
    rml_source_options source = {.vehicle = option_text(cli, "--vehicle"),
                                 .licence = option_text(cli, "--licence"),
                                 .purpose = option_text(cli, "--purpose"),
                                 .region = option_text(cli, "--region"),
                                 .threads = rml_pool_threads(cli->pool),
                                 .jobs = rml_pool_threads(cli->pool)};
    rml_str *sources = RML_NEW_ARRAY(&cli->arena, rml_str, cli->argument_count + 1);
    if (sources == NULL) {
        return rml_fail_memory(err, cli->argument_count * sizeof *sources);
    }
    for (size_t i = 0; i < cli->argument_count; i++) {
        sources[i] = rml_str_of(cli->arguments[i]);
    }
    rml_turn_result result;
    RML_TRY(rml_turn_run(home, &config, sources, cli->argument_count, &source, approvals,
                         approval_count, cli->pool, &cli->progress, &cli->arena, &result, err));
    if (cli->json) {
        write_result(&cli->writer, &result);
    }
    print_result(cli, home, &result);
    return RML_OK;
}

static const rml_command commands[] = {
    {
        .name = "turn",
        .arguments = "[SOURCE…]",
        .summary = "do the whole loop; goes on where it was stopped, repeats no step in vain",
        .example = "roadmill turn --licence CC-BY-4.0 recordings/ scenarios/",
        .arguments_max = -1,
        .options = options,
        .option_count = sizeof options / sizeof *options,
        .run = run_turn,
    },
};

const rml_command_group rml_turn_commands = {commands, sizeof commands / sizeof *commands};
