// One command line from its words to its exit code.
#include <stdio.h>
#include <string.h>

#include "roadmill/cli.h"
#include "state.h"

const char *rml_cli_value_at(const rml_cli *cli, const char *option, size_t index)
{
    for (size_t i = 0; i < cli->state->given_count; i++) {
        const rml_cli_given *given = &cli->state->given[i];
        if (strcmp(given->name, option) == 0 && index-- == 0) {
            return given->value;
        }
    }
    return NULL;
}

const char *rml_cli_value(const rml_cli *cli, const char *option)
{
    return rml_cli_value_at(cli, option, 0);
}

bool rml_cli_flag(const rml_cli *cli, const char *option)
{
    return rml_cli_value(cli, option) != NULL;
}

rml_status rml_cli_i64(const rml_cli *cli, const char *option, int64_t low, int64_t high,
                       int64_t *out, rml_error *err)
{
    const char *text = rml_cli_value(cli, option);
    int64_t value;
    if (text == NULL) {
        return RML_OK;
    }
    if (!rml_parse_i64(rml_str_of(text), &value) || value < low || value > high) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected %s between %lld and %lld, found \"%s\"", option, (long long)low,
                        (long long)high, text);
    }
    *out = value;
    return RML_OK;
}

rml_status rml_cli_f64(const rml_cli *cli, const char *option, double low, double high, double *out,
                       rml_error *err)
{
    const char *text = rml_cli_value(cli, option);
    double value;
    if (text == NULL) {
        return RML_OK;
    }
    if (!rml_parse_f64(rml_str_of(text), &value) || !(value >= low && value <= high)) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected %s between %g and %g, found \"%s\"", option, low, high, text);
    }
    *out = value;
    return RML_OK;
}

rml_status rml_cli_home(rml_cli *cli, bool make, rml_home **out, rml_error *err)
{
    struct rml_cli_state *s = cli->state;
    if (!s->home_open) {
        RML_TRY(rml_home_open(&s->home, rml_cli_value(cli, "--home"), make, err));
        s->home_open = true;
    }
    *out = &s->home;
    return RML_OK;
}

rml_status rml_cli_ranks(rml_cli *cli, rml_ranks **out, rml_error *err)
{
    struct rml_cli_state *s = cli->state;
    RML_TRY(rml_ranks_open(&s->ranks, err));
    *out = s->ranks;
    if (rml_ranks_index(s->ranks) > 0) {
        cli->json = false;
        cli->progress.report = NULL;
    }
    return RML_OK;
}

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
    if (rml_ranks_index(cli->state->ranks) > 0) {
        snprintf(rank, sizeof rank, "rank %zu: ", rml_ranks_index(cli->state->ranks));
    }
    rml_error_text(err, text, sizeof text);
    fprintf(stderr, "roadmill: %s%s\n", rank, text);
}

static int finish(rml_cli *cli, rml_status st, const rml_error *err)
{
    rml_error flush_error = {0};
    if (cli->json && st == RML_OK && cli->output.len > 0) {
        st = rml_buffer_str(&cli->output, RML_STR("\n"), NULL);
    }
    rml_status flushed = rml_cli_flush(cli, &flush_error);
    if (st != RML_OK && st != RML_END && (st != RML_ERR_STOPPED || flushed == RML_OK)) {
        print_error(cli, err);
    }
    return st == RML_OK || st == RML_END ? cli->exit_code : exit_code_of(st);
}

static rml_status run_command(rml_cli *cli, rml_error *err)
{
    int64_t threads = (int64_t)rml_thread_count();
    RML_TRY(rml_cli_i64(cli, "--threads", 1, 1024, &threads, err));
    RML_TRY(rml_pool_make((size_t)threads, &cli->pool, err));
    rml_signals_catch();
    rml_cli_progress_init(cli);
    // Without --json a command may write its document all the same; nobody sees it.
    rml_json_writer_init(&cli->writer, cli->json ? &cli->output : &cli->state->unseen, err);
    RML_TRY(cli->command->run(cli, err));
    return cli->json ? rml_json_finish(&cli->writer) : RML_OK;
}

// The few words that are no command.
static bool answer_directly(rml_cli *cli, int argc, char **argv)
{
    if (argc == 0 || strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 ||
        strcmp(argv[0], "help") == 0) {
        rml_cli_help(cli, rml_str_of(argc > 1 ? argv[1] : ""));
        cli->exit_code = argc == 0 ? 2 : 0;
        return true;
    }
    if (strcmp(argv[0], "--version") == 0) {
        rml_cli_print(cli, "roadmill %s\n", RML_VERSION);
        return true;
    }
    return false;
}

int rml_cli_main(int argc, char **argv)
{
    static struct rml_cli_state state;
    rml_cli cli = {.state = &state};
    rml_error err = {0};
    rml_status st = RML_OK;
    if (!answer_directly(&cli, argc - 1, argv + 1)) {
        st = rml_cli_parse(&cli, argc - 1, argv + 1, &err);
        if (!st && rml_cli_flag(&cli, "--help")) {
            rml_cli_help_command(&cli, cli.command);
        } else if (!st) {
            st = run_command(&cli, &err);
        }
    }
    int code = finish(&cli, st, &err);
    if (state.home_open) {
        rml_home_close(&state.home);
    }
    rml_ranks_close(state.ranks, st != RML_OK && st != RML_END);
    rml_pool_free(cli.pool);
    rml_buffer_reset(&cli.output);
    rml_buffer_reset(&state.unseen);
    rml_arena_reset(&cli.arena);
    return code;
}
