// Commands on the home itself: init.
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

static const rml_command commands[] = {
    {
        .name = "init",
        .arguments = "[DIR]",
        .summary = "make a home for a lake, a catalog, versions, runs and models",
        .example = "roadmill init fleet",
        .arguments_max = 1,
        .run = run_init,
    },
};

const rml_command_group rml_home_commands = {commands, sizeof commands / sizeof *commands};
