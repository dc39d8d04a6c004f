// `recipes`: the built-in ways from channels to ego, as text that a person copies and changes.
#include "command.h"
#include "roadmill/drive.h"

static rml_status run_list(rml_cli *cli, rml_error *err)
{
    (void)err;
    if (cli->json) {
        rml_json_object(&cli->writer);
        rml_json_key(&cli->writer, "recipes");
        rml_json_list(&cli->writer);
    }
    for (size_t i = 0; rml_recipe_builtin_name(i) != NULL; i++) {
        if (cli->json) {
            rml_json_str(&cli->writer, rml_str_of(rml_recipe_builtin_name(i)));
        }
        rml_cli_print(cli, "%s\n", rml_recipe_builtin_name(i));
    }
    if (cli->json) {
        rml_json_list_end(&cli->writer);
        rml_json_object_end(&cli->writer);
    }
    return RML_OK;
}

static rml_status run_show(rml_cli *cli, rml_error *err)
{
    rml_str text = rml_recipe_builtin(rml_str_of(cli->arguments[0]));
    if (text.len == 0) {
        return rml_fail(err, RML_ERR_MISSING, (rml_place){0}, "roadmill recipes lists them",
                        "expected a built-in recipe, found %s", cli->arguments[0]);
    }
    if (cli->json) {
        rml_json_object(&cli->writer);
        rml_json_kv_str(&cli->writer, "name", rml_str_of(cli->arguments[0]));
        rml_json_kv_str(&cli->writer, "text", text);
        rml_json_object_end(&cli->writer);
    }
    rml_cli_print(cli, "%.*s", RML_FMT(text));
    return RML_OK;
}

static const rml_command commands[] = {
    {
        .name = "recipes",
        .arguments = "",
        .summary = "list the built-in recipes from channels to ego, in the order they are tried",
        .example = "roadmill recipes",
        .run = run_list,
    },
    {
        .name = "recipes show",
        .arguments = "NAME",
        .summary = "print a built-in recipe: copy it, change it, ingest --recipe FILE",
        .example = "roadmill recipes show gnss_imu > mine.yaml",
        .arguments_min = 1,
        .arguments_max = 1,
        .run = run_show,
    },
};

const rml_command_group rml_recipes_commands = {commands, sizeof commands / sizeof *commands};
