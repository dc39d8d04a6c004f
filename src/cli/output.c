// What goes to stdout, through a pager where git would use one, and the progress line on stderr.
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "roadmill/os.h"

enum { HELD_MOST = 1 << 18 };

void rml_cli_say(rml_cli *cli, const char *format, ...)
{
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    int len = vsnprintf(NULL, 0, format, list);
    va_end(list);
    if (len > 0 && rml_buffer_reserve(&cli->output, (size_t)len + 1, NULL) == RML_OK) {
        vsnprintf((char *)cli->output.data + cli->output.len, (size_t)len + 1, format, again);
        cli->output.len += (size_t)len;
    }
    va_end(again);
}

// ---- The pager ---------------------------------------------------------------------------------

static const char *pager_command(void)
{
    const char *command = rml_env("ROADMILL_PAGER");
    command = command != NULL ? command : rml_env("PAGER");
    return command != NULL ? command : "less -FRX";
}

static bool is_tall(const rml_cli *cli)
{
    int lines = 0, most = rml_terminal_rows(1) - 1;
    for (size_t i = 0; i < cli->output.len && lines < most; i++) {
        lines += cli->output.data[i] == '\n';
    }
    return lines >= most;
}

// True while it is open whether a pager is needed: then text is held back.
static bool page(rml_cli *cli, bool last)
{
    if (cli->paging || cli->unpaged) {
        return false;
    }
    if (cli->json || cli->no_pager || !rml_terminal_is(1) || strcmp(pager_command(), "cat") == 0) {
        cli->unpaged = true;
    } else if (is_tall(cli)) {
        cli->paging = rml_pager_open(pager_command());
        cli->unpaged = !cli->paging;
    } else {
        return !last;
    }
    return false;
}

rml_status rml_cli_flush(rml_cli *cli, bool last, rml_error *err)
{
    if (!last && page(cli, false)) {
        return RML_OK;
    }
    if (!last && cli->output.len < HELD_MOST && !rml_terminal_is(1)) {
        return RML_OK;
    }
    if (last) {
        (void)page(cli, true);
    }
    rml_cli_progress_clear(cli);
    size_t put = fwrite(cli->output.data, 1, cli->output.len, stdout);
    bool whole = put == cli->output.len && fflush(stdout) == 0;
    rml_buffer_clear(&cli->output);
    if (last && cli->paging) {
        rml_pager_close();
        return RML_OK;
    }
    return whole ? RML_OK
                 : rml_fail(err, RML_ERR_STOPPED, rml_place_file(RML_STR("stdout")), NULL,
                            "expected a reader, the pipe is closed");
}

// ---- Progress ----------------------------------------------------------------------------------

void rml_cli_progress_clear(rml_cli *cli)
{
    if (cli->shown) {
        fprintf(stderr, "\r\033[K");
        fflush(stderr);
        cli->shown = false;
    }
}

// "ingest  45 %  12.3 MB/s  8 s left", at most ten times a second.
static void report(void *context, const char *what, double done, double total, const char *unit)
{
    rml_cli *cli = context;
    int64_t now = rml_clock_monotonic_ns();
    if (now - cli->last_ns < 100000000) {
        return;
    }
    if (cli->what != what) {
        cli->what = what;
        cli->start_ns = now;
    }
    cli->last_ns = now;
    double seconds = (double)(now - cli->start_ns) * 1e-9;
    double rate = seconds > 0 ? done / seconds : 0;
    bool bytes = strcmp(unit, "B") == 0;
    char left[48] = "";
    if (rate > 0 && total > done) {
        snprintf(left, sizeof left, "  %.0f s left", (total - done) / rate);
    }
    fprintf(stderr, "\r\033[K%s  %3.0f %%  %.1f %s/s%s", what, total > 0 ? 100 * done / total : 0,
            bytes ? rate / 1e6 : rate, bytes ? "MB" : unit, left);
    fflush(stderr);
    cli->shown = true;
}

static bool stop(void *context)
{
    (void)context;
    return rml_signals_stop();
}

void rml_cli_progress_of(rml_cli *cli, rml_progress *out)
{
    bool shows = rml_terminal_is(2) && !cli->quiet && !cli->paging;
    *out = (rml_progress){shows ? report : NULL, stop, cli};
}
