// What a command prints: text and tables on stdout, one progress line on a terminal's stderr.
#include <stdio.h>
#include <string.h>

#include "state.h"

void rml_cli_print(rml_cli *cli, const char *format, ...)
{
    if (cli->json) {
        return;
    }
    va_list list;
    va_start(list, format);
    va_list again;
    va_copy(again, list);
    int len = vsnprintf(NULL, 0, format, list);
    va_end(list);
    if (len > 0 && rml_buffer_reserve(&cli->output, (size_t)len + 1, NULL) == RML_OK) {
        vsnprintf((char *)cli->output.data + cli->output.len, (size_t)len + 1, format, again);
        cli->output.len += (size_t)len;
    }
    va_end(again);
}

rml_status rml_cli_flush(rml_cli *cli, rml_error *err)
{
    rml_cli_progress_clear(cli);
    size_t put = fwrite(cli->output.data, 1, cli->output.len, stdout);
    bool whole = put == cli->output.len && fflush(stdout) == 0;
    rml_buffer_clear(&cli->output);
    return whole ? RML_OK
                 : rml_fail(err, RML_ERR_STOPPED, rml_place_file(RML_STR("stdout")), NULL,
                            "expected a reader, the pipe is closed");
}

void rml_cli_table_begin(rml_cli_table *t, const char *const *heads, size_t columns)
{
    *t = (rml_cli_table){.cells = RML_ARRAY(rml_str), .columns = columns};
    for (size_t i = 0; i < columns; i++) {
        rml_str *cell = rml_array_push(&t->cells, NULL);
        if (cell != NULL) {
            *cell = rml_str_of(heads[i]);
        }
    }
}

void rml_cli_table_cell(rml_cli *cli, rml_cli_table *t, const char *format, ...)
{
    char text[512];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    rml_str *cell = rml_array_push(&t->cells, NULL);
    if (cell != NULL) {
        *cell = rml_arena_str(&cli->arena, rml_str_of(text));
    }
}

// Columns on a screen; bytes that only continue a character of UTF-8 take none.
static int width_of(rml_str text)
{
    int width = 0;
    for (size_t i = 0; i < text.len; i++) {
        width += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    }
    return width;
}

static bool is_number(rml_str text)
{
    return text.len > 0 && strchr("0123456789+-.", text.data[0]) != NULL;
}

// A column is set right when all its cells below the head are numbers or empty.
static bool column_is_right(const rml_cli_table *t, size_t column)
{
    bool any = false;
    for (size_t i = t->columns + column; i < t->cells.count; i += t->columns) {
        rml_str cell = *RML_AT(&t->cells, rml_str, i);
        if (cell.len > 0 && !is_number(cell)) {
            return false;
        }
        any |= cell.len > 0;
    }
    return any;
}

void rml_cli_table_end(rml_cli *cli, rml_cli_table *t)
{
    int width[32] = {0};
    bool right[32] = {false};
    size_t columns = t->columns < 32 ? t->columns : 32;
    for (size_t i = 0; i < t->cells.count; i++) {
        int w = width_of(*RML_AT(&t->cells, rml_str, i));
        width[i % columns] = w > width[i % columns] ? w : width[i % columns];
    }
    for (size_t c = 0; c < columns; c++) {
        right[c] = column_is_right(t, c);
    }
    for (size_t i = 0; i < t->cells.count; i++) {
        rml_str cell = *RML_AT(&t->cells, rml_str, i);
        size_t c = i % columns;
        int pad = width[c] - width_of(cell);
        bool last = c + 1 == columns;
        rml_cli_print(cli, "%*s%.*s%*s%s", right[c] ? pad : 0, "", RML_FMT(cell),
                      right[c] || last ? 0 : pad, "", last ? "\n" : "  ");
    }
    rml_array_reset(&t->cells);
}

void rml_cli_progress_clear(rml_cli *cli)
{
    if (cli->state->progress_shown) {
        fprintf(stderr, "\r\033[K");
        fflush(stderr);
        cli->state->progress_shown = false;
    }
}

// "ingest  45 %  12.3 MB/s  8 s left", at most ten times a second.
static void report(void *context, const char *what, double done, double total, const char *unit)
{
    rml_cli *cli = context;
    struct rml_cli_state *s = cli->state;
    int64_t now = rml_clock_monotonic_ns();
    if (!s->terminal || now - s->progress_last_ns < 100000000) {
        return;
    }
    if (s->progress_what != what) {
        s->progress_what = what;
        s->progress_start_ns = now;
    }
    s->progress_last_ns = now;
    double seconds = (double)(now - s->progress_start_ns) * 1e-9;
    double rate = seconds > 0 ? done / seconds : 0;
    bool bytes = strcmp(unit, "B") == 0;
    char left[48] = "";
    if (rate > 0 && total > done) {
        snprintf(left, sizeof left, "  %.0f s left", (total - done) / rate);
    }
    fprintf(stderr, "\r\033[K%s  %3.0f %%  %.1f %s/s%s", what, total > 0 ? 100 * done / total : 0,
            bytes ? rate / 1e6 : rate, bytes ? "MB" : unit, left);
    fflush(stderr);
    s->progress_shown = true;
}

static bool stop(void *context)
{
    (void)context;
    return rml_signals_stop();
}

void rml_cli_progress_init(rml_cli *cli)
{
    cli->state->terminal = rml_terminal_is(2) && !rml_cli_flag(cli, "--quiet");
    cli->progress = (rml_progress){report, stop, cli};
}
