// From words to a command: the longest command name that matches, then options anywhere, as
// "--name value" or "--name=value"; "--" ends them. A word that fits nothing is answered with the
// nearest one that would.
#include <string.h>

#include "state.h"

const rml_option rml_cli_common[] = {
    {"--home", "DIR", "the home to work in (default: ROADMILL_HOME, or found upwards from here)"},
    {"--json", NULL, "print one JSON document (docs/json.md)"},
    {"--quiet", NULL, "no progress line"},
    {"--threads", "N", "threads to use (default: ROADMILL_THREADS, or all processors)"},
    {"--help", NULL, "show this help"},
};
const size_t rml_cli_common_count = sizeof rml_cli_common / sizeof *rml_cli_common;

// Edits between two words; words are short.
static size_t edit_distance(rml_str a, rml_str b)
{
    size_t row[64];
    if (a.len > 60 || b.len > 60) {
        return 64;
    }
    for (size_t j = 0; j <= b.len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t above = row[j];
            size_t change = corner + (a.data[i - 1] != b.data[j - 1]);
            size_t best = above < row[j - 1] ? above + 1 : row[j - 1] + 1;
            row[j] = change < best ? change : best;
            corner = above;
        }
    }
    return row[b.len];
}

static const rml_command *command_find(rml_str name)
{
    for (size_t g = 0; g < rml_command_group_count; g++) {
        for (size_t i = 0; i < rml_command_groups[g]->count; i++) {
            const rml_command *c = &rml_command_groups[g]->commands[i];
            if (rml_str_equal(rml_str_of(c->name), name)) {
                return c;
            }
        }
    }
    return NULL;
}

static const char *command_nearest(rml_str name)
{
    const char *nearest = NULL;
    size_t least = name.len / 2 + 2;
    for (size_t g = 0; g < rml_command_group_count; g++) {
        for (size_t i = 0; i < rml_command_groups[g]->count; i++) {
            const char *candidate = rml_command_groups[g]->commands[i].name;
            size_t distance = edit_distance(name, rml_str_of(candidate));
            if (distance < least) {
                least = distance;
                nearest = candidate;
            }
        }
    }
    return nearest;
}

const rml_option *rml_cli_option_find(const rml_command *command, rml_str name)
{
    for (size_t i = 0; command != NULL && i < command->option_count; i++) {
        if (rml_str_equal(rml_str_of(command->options[i].name), name)) {
            return &command->options[i];
        }
    }
    for (size_t i = 0; i < rml_cli_common_count; i++) {
        if (rml_str_equal(rml_str_of(rml_cli_common[i].name), name)) {
            return &rml_cli_common[i];
        }
    }
    return NULL;
}

static rml_status fail_option(rml_cli *cli, rml_str name, rml_error *err)
{
    const char *nearest = NULL;
    size_t least = name.len / 2 + 1;
    for (size_t i = 0; i < cli->command->option_count; i++) {
        size_t distance = edit_distance(name, rml_str_of(cli->command->options[i].name));
        if (distance < least) {
            least = distance;
            nearest = cli->command->options[i].name;
        }
    }
    rml_str remedy = rml_arena_printf(&cli->arena, "%s%s%sroadmill %s --help lists them",
                                      nearest ? "did you mean " : "", nearest ? nearest : "",
                                      nearest ? "? " : "", cli->command->name);
    return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, remedy.data,
                    "expected an option of \"%s\", found %.*s", cli->command->name, RML_FMT(name));
}

// Finds the command in the first words; *used words belong to its name.
static rml_status parse_command(rml_cli *cli, int argc, char **argv, int *used, rml_error *err)
{
    const char *first = argc > 0 ? argv[0] : "";
    if (argc > 1 && argv[1][0] != '-') {
        rml_str two = rml_arena_printf(&cli->arena, "%s %s", first, argv[1]);
        cli->command = command_find(two);
        if (cli->command != NULL) {
            *used = 2;
            return RML_OK;
        }
    }
    cli->command = command_find(rml_str_of(first));
    if (cli->command != NULL) {
        *used = 1;
        return RML_OK;
    }
    rml_str words = argc > 1 && argv[1][0] != '-'
                        ? rml_arena_printf(&cli->arena, "%s %s", first, argv[1])
                        : rml_str_of(first);
    const char *nearest = command_nearest(words);
    rml_str remedy = rml_arena_printf(&cli->arena, "%s%s%sroadmill --help lists them",
                                      nearest ? "did you mean \"" : "", nearest ? nearest : "",
                                      nearest ? "\"? " : "");
    return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, remedy.data,
                    "expected a command, found \"%.*s\"", RML_FMT(words));
}

static rml_status parse_option(rml_cli *cli, int argc, char **argv, int *i, rml_error *err)
{
    rml_str name;
    rml_str value = rml_str_cut(rml_str_of(argv[*i]), '=', &name);
    const rml_option *option = rml_cli_option_find(cli->command, name);
    if (option == NULL) {
        return fail_option(cli, name, err);
    }
    rml_cli_given given = {option->name, ""};
    if (option->value != NULL) {
        if (value.data != NULL) {
            given.value = value.data;
        } else if (*i + 1 < argc) {
            given.value = argv[++*i];
        } else {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                            "expected %s %s, found no value", option->name, option->value);
        }
    } else if (value.data != NULL) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected %s without a value, found \"%s\"", option->name, value.data);
    }
    if (cli->state->given_count == RML_CLI_OPTIONS_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, NULL, "expected at most %d options",
                        RML_CLI_OPTIONS_MAX);
    }
    cli->state->given[cli->state->given_count++] = given;
    return RML_OK;
}

rml_status rml_cli_parse(rml_cli *cli, int argc, char **argv, rml_error *err)
{
    int i = 0;
    RML_TRY(parse_command(cli, argc, argv, &i, err));
    size_t most = sizeof cli->state->arguments / sizeof *cli->state->arguments;
    bool options = true;
    cli->arguments = cli->state->arguments;
    for (; i < argc; i++) {
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (options && argv[i][0] == '-' && argv[i][1] == '-') {
            RML_TRY(parse_option(cli, argc, argv, &i, err));
        } else if (cli->argument_count == most) {
            return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, "name a folder instead",
                            "expected at most %zu arguments", most);
        } else {
            cli->state->arguments[cli->argument_count++] = argv[i];
        }
    }
    cli->json = rml_cli_flag(cli, "--json");
    if (rml_cli_flag(cli, "--help")) {
        return RML_OK;
    }
    int count = (int)cli->argument_count;
    if (count < cli->command->arguments_min ||
        (cli->command->arguments_max >= 0 && count > cli->command->arguments_max)) {
        rml_str remedy = rml_arena_printf(&cli->arena, "for example: %s", cli->command->example);
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, remedy.data,
                        "expected roadmill %s %s, found %d arguments", cli->command->name,
                        cli->command->arguments, count);
    }
    return RML_OK;
}
