// One command line from its words to its exit code.
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "roadmill/cli.h"
#include "roadmill/os.h"

static int exit_code_of(rml_status status)
{
    switch (status) {
    case RML_OK:
    case RML_END:
        return 0;
    case RML_ERR_ARGUMENT:
        return 2;
    case RML_ERR_STOPPED:
        return 130;
    default:
        return 1;
    }
}

// A rank that only hears of another's fault has no words of its own.
static void print_error(const rml_cli *cli, const rml_error *err)
{
    char text[1200], rank[40] = "";
    if (err->what[0] == '\0') {
        return;
    }
    size_t index = cli->call != NULL ? rml_call_rank(cli->call) : 0;
    if (index > 0) {
        snprintf(rank, sizeof rank, "rank %zu: ", index);
    }
    rml_error_text(err, text, sizeof text);
    fprintf(stderr, "roadmill: %s%s\n", rank, text);
}

static rml_status run(rml_cli *cli, rml_error *err)
{
    rml_progress progress;
    rml_signals_catch();
    rml_cli_progress_of(cli, &progress);
    rml_call_progress(cli->call, &progress);
    RML_TRY(rml_command_call(cli->call, err));
    return rml_cli_render(cli, err);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

// The few words that are no command: help, the version, a group alone.
static bool answer_directly(rml_cli *cli, int argc, char **argv, int *code)
{
    const char *first = argc > 0 ? argv[0] : "";
    bool help = argc == 0 || is_help(first) || strcmp(first, "help") == 0;
    *code = argc == 0 ? 2 : 0;
    if (help) {
        const char *topic = argc > 2 ? rml_arena_printf(&cli->arena, "%s %s", argv[1], argv[2]).data
                            : argc > 1 ? argv[1]
                                       : "";
        return rml_cli_help(cli, rml_str_of(topic));
    }
    if (strcmp(first, "--version") == 0) {
        rml_cli_say(cli, "roadmill %s\n", RML_VERSION);
        return true;
    }
    bool group = rml_cli_is_group(rml_str_of(first)) && rml_command_find(rml_str_of(first)) == NULL;
    if (group && (argc == 1 || (argc == 2 && is_help(argv[1])))) {
        *code = argc == 1 ? 2 : 0;
        return rml_cli_help(cli, rml_str_of(first));
    }
    return false;
}

int rml_cli_main(int argc, char **argv)
{
    rml_cli cli = {0};
    rml_error err = {0}, unread;
    rml_status st = RML_OK;
    int code = 0;
    if (!answer_directly(&cli, argc - 1, argv + 1, &code)) {
        st = rml_cli_parse(&cli, argc - 1, argv + 1, &err);
        if (!st && cli.help) {
            rml_cli_help_command(&cli, cli.command);
        } else if (!st) {
            st = run(&cli, &err);
        }
    }
    bool done = st == RML_OK || st == RML_END;
    rml_status flushed = rml_cli_flush(&cli, true, &unread);
    if (!done && (st != RML_ERR_STOPPED || flushed == RML_OK)) {
        print_error(&cli, &err);
    }
    if (done && cli.call != NULL && rml_call_lossy(cli.call)) {
        code = 3;
    }
    code = done ? code : exit_code_of(st);
    rml_call_free(cli.call);
    rml_buffer_reset(&cli.output);
    rml_arena_reset(&cli.arena);
    return code;
}
