// Commands on the home itself: init, home upgrade.
#include "command.h"

static rml_status run_init(rml_cli *cli, rml_error *err)
{
    const char *path = cli->argument_count > 0 ? cli->arguments[0] : "roadmill";
    RML_TRY(rml_home_init(path, err));
    if (cli->json) {
        rml_json_object(&cli->writer);
        rml_json_kv_str(&cli->writer, "home", rml_str_of(path));
        rml_json_object_end(&cli->writer);
    }
    rml_cli_print(cli, "home %s is ready; next: roadmill ingest --home %s FILE…\n", path, path);
    return RML_OK;
}

static rml_status tell_table(void *context, rml_str table, const rml_lake_upgrade_result *made,
                             rml_error *err)
{
    rml_cli *cli = context;
    char before[RML_HASH_TEXT], after[RML_HASH_TEXT];
    (void)err;
    rml_hash_text(&made->before, before);
    rml_hash_text(&made->after, after);
    if (cli->json) {
        rml_json_object(&cli->writer);
        rml_json_kv_str(&cli->writer, "table", table);
        rml_json_kv_i64(&cli->writer, "files", (int64_t)made->files);
        rml_json_kv_str(&cli->writer, "before", rml_str_of(before));
        rml_json_kv_str(&cli->writer, "after", rml_str_of(after));
        rml_json_object_end(&cli->writer);
    }
    rml_cli_print(cli, "%.*s: %llu files told; state %.12s is now %.12s\n", RML_FMT(table),
                  (unsigned long long)made->files, before, after);
    return RML_OK;
}

static rml_status run_upgrade(rml_cli *cli, rml_error *err)
{
    bool old = false;
    if (cli->json) {
        rml_json_object(&cli->writer);
        rml_json_key(&cli->writer, "tables");
        rml_json_list(&cli->writer);
    }
    RML_TRY(rml_home_upgrade(rml_cli_value(cli, "--home"), tell_table, cli, &old, err));
    if (cli->json) {
        rml_json_list_end(&cli->writer);
        rml_json_kv_bool(&cli->writer, "upgraded", old);
        rml_json_object_end(&cli->writer);
    }
    rml_cli_print(cli, old ? "the home is of today's format\n"
                           : "the home was of today's format already\n");
    return RML_OK;
}

static const rml_command commands[] = {
    {
        .name = "init",
        .arguments = "[DIR]",
        .summary = "make a home for a lake, a catalog, versions, runs and models",
        .example = "roadmill init fleet",
        .arguments_max = 1,
        .run = run_init,
    },
    {
        .name = "home upgrade",
        .arguments = "",
        .summary = "bring a home that an earlier program made to today's format; no data changes",
        .example = "roadmill home upgrade --home fleet",
        .run = run_upgrade,
    },
};

const rml_command_group rml_home_commands = {commands, sizeof commands / sizeof *commands};
