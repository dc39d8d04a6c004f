// From words to a call: the longest command name that matches, then options anywhere, as
// "--name value" or "--name=value"; "--" ends them. A word that fits nothing is answered with the
// nearest one that would.
#include <string.h>

#include "cli.h"

// The command of the first words; *used of them are its name. NULL: there is none.
static const rml_command *command_of(rml_cli *cli, int argc, char **argv, int *used)
{
    if (argc > 1) {
        rml_str two = rml_arena_printf(&cli->arena, "%s %s", argv[0], argv[1]);
        const rml_command *found = rml_command_find(two);
        if (found != NULL) {
            *used = 2;
            return found;
        }
    }
    *used = 1;
    return argc > 0 ? rml_command_find(rml_str_of(argv[0])) : NULL;
}

static rml_status fail_command(rml_cli *cli, int argc, char **argv, rml_error *err)
{
    rml_str first = rml_str_of(argc > 0 ? argv[0] : "");
    rml_str words = argc > 1 && argv[1][0] != '-'
                        ? rml_arena_printf(&cli->arena, "%s %s", first.data, argv[1])
                        : first;
    const rml_command *nearest = rml_command_nearest(words);
    nearest = nearest != NULL ? nearest : rml_command_nearest(first);
    rml_str remedy = rml_arena_printf(
        &cli->arena, "%s%s%sroadmill %s%s--help lists them", nearest ? "did you mean \"" : "",
        nearest ? nearest->name : "", nearest ? "\"? " : "",
        rml_cli_is_group(first) ? first.data : "", rml_cli_is_group(first) ? " " : "");
    return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, remedy.data,
                    "expected a command, found \"%.*s\"", RML_FMT(words));
}

// One option, whose value may be the next word.
static rml_status parse_option(rml_cli *cli, int argc, char **argv, int *i, rml_error *err)
{
    rml_str name, value = rml_str_cut(rml_str_of(argv[*i] + 2), '=', &name);
    name = rml_arena_str(&cli->arena, name);
    const rml_option *option = rml_command_option(cli->command, name);
    bool needs = option != NULL && option->type != RML_OPTION_FLAG && value.data == NULL;
    if (needs && *i + 1 == argc) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected --%s %s, found no value", option->name, option->value);
    }
    if (needs) {
        value = rml_str_of(argv[++*i]);
    }
    return rml_call_set(cli->call, name.data, value, err);
}

rml_status rml_cli_parse(rml_cli *cli, int argc, char **argv, rml_error *err)
{
    int i = 0;
    cli->command = command_of(cli, argc, argv, &i);
    if (cli->command == NULL) {
        return fail_command(cli, argc, argv, err);
    }
    RML_TRY(rml_call_make(cli->command, &cli->call, err));
    const char **words = RML_NEW_ARRAY(&cli->arena, const char *, (size_t)argc);
    if (words == NULL) {
        return rml_fail_memory(err, (size_t)argc * sizeof *words);
    }
    size_t count = 0;
    bool options = true;
    for (; i < argc; i++) {
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (options && strcmp(argv[i], "-h") == 0) {
            cli->help = true;
        } else if (options && strncmp(argv[i], "--", 2) == 0) {
            RML_TRY(parse_option(cli, argc, argv, &i, err));
        } else {
            words[count++] = argv[i];
        }
    }
    cli->help = cli->help || rml_call_value(cli->call, "help").data != NULL;
    cli->json = rml_call_value(cli->call, "json").data != NULL;
    cli->quiet = rml_call_value(cli->call, "quiet").data != NULL;
    cli->no_pager = rml_call_value(cli->call, "no-pager").data != NULL;
    // "roadmill runs shwo": a command that takes no such word, but whose neighbour does.
    const rml_option *takes = cli->command->arguments;
    if (!cli->help && count > 0 && (takes == NULL || takes->name == NULL) &&
        rml_cli_is_group(rml_str_of(argv[0]))) {
        return fail_command(cli, argc, argv, err);
    }
    if (cli->help) {
        return RML_OK;
    }
    RML_TRY(rml_call_arguments(cli->call, words, count, err));
    cli->table = cli->command->rows != NULL && cli->command->rows[0] != '\0' && !cli->json &&
                 rml_call_value(cli->call, "csv").data == NULL;
    return cli->table ? rml_call_set(cli->call, "csv", RML_STR(""), err) : RML_OK;
}
