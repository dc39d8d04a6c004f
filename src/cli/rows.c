// Rows that a command streams, pulled one by one: memory does not grow with their number.
#include "cli.h"
#include "roadmill/os.h"
#include "view.h"

#include <string.h>

enum { MEASURED = 1000 }; // rows that set the widths of a table

// The document with its rows in their place: {head…, "rows":[row,row…]}.
static rml_status render_json(rml_cli *cli, rml_error *err)
{
    rml_str head = rml_call_document(cli->call);
    rml_status st;
    const char *before = "";
    RML_TRY(rml_buffer_append(&cli->output, head.data, head.len - 1, err));
    RML_TRY(rml_buffer_printf(&cli->output, err, "%s\"%s\":[", head.len > 2 ? "," : "",
                              cli->command->rows));
    do {
        size_t at = cli->output.len;
        RML_TRY(rml_buffer_str(&cli->output, rml_str_of(before), err));
        st = rml_call_next(cli->call, &cli->output, err);
        if (st != RML_OK) {
            cli->output.len = at;
            break;
        }
        before = ",";
        st = rml_cli_flush(cli, false, err);
    } while (st == RML_OK);
    return st == RML_END ? rml_buffer_str(&cli->output, RML_STR("]}\n"), err) : st;
}

// A line each.
static rml_status render_lines(rml_cli *cli, rml_error *err)
{
    rml_status st;
    bool csv = strcmp(rml_call_media(cli->call), "text/csv") == 0;
    while ((st = rml_call_next(cli->call, &cli->output, err)) == RML_OK) {
        RML_TRY(csv ? RML_OK : rml_buffer_str(&cli->output, RML_STR("\n"), err));
        RML_TRY(rml_cli_flush(cli, false, err));
    }
    return st == RML_END ? RML_OK : st;
}

// ---- A table -----------------------------------------------------------------------------------

typedef struct rows {
    rml_cli *cli;
    rml_page page;
    rml_array columns, cells;
    rml_arena arena; // of the rows that are held
    rml_buffer row, cell;
    bool begun;
} rows;

// The columns that the head of the stream lists: their names, and by type which are set right.
static rml_status read_head(rows *r, rml_error *err)
{
    const rml_json *head;
    RML_TRY(rml_json_parse(&r->cli->arena, rml_call_document(r->cli->call), RML_STR("head"), &head,
                           err));
    const rml_json *list = rml_json_get(head, "columns");
    for (const rml_json *c = list ? list->child : NULL; c != NULL; c = c->next) {
        rml_table_column *column = rml_array_push(&r->columns, err);
        if (column == NULL) {
            return RML_ERR_MEMORY;
        }
        rml_str type = rml_json_get_str(c, "type", RML_STR(""));
        *column = (rml_table_column){.head = rml_json_get_str(c, "name", RML_STR("")),
                                     .right = type.len > 0 && strchr("iuf", type.data[0]) != NULL};
    }
    return RML_OK;
}

// The next cell of a line of CSV (RFC 4180) into *text; false behind the last.
static bool take_cell(rml_str *line, rml_buffer *text, rml_error *err)
{
    bool quoted = line->len > 0 && line->data[0] == '"';
    size_t i = quoted;
    rml_buffer_clear(text);
    if (line->data == NULL) {
        return false;
    }
    for (; i < line->len; i++) {
        char c = line->data[i];
        bool ends = quoted ? c == '"' && (i + 1 == line->len || line->data[i + 1] != '"')
                           : c == ',' || c == '\r';
        if (ends) {
            break;
        }
        i += quoted && c == '"';
        c = (unsigned char)c < ' ' ? ' ' : c; // a cell has one line
        if (rml_buffer_append(text, &c, 1, err) != RML_OK) {
            return false;
        }
    }
    i += quoted;
    bool more = i < line->len && line->data[i] == ',';
    *line = more ? (rml_str){line->data + i + 1, line->len - i - 1} : (rml_str){0};
    return true;
}

// A row in its form as CSV: cells are text there, and what is not a number is told from what is
// missing.
static rml_status hold_row(rows *r, rml_error *err)
{
    rml_str line = rml_buffer_text(&r->row);
    for (size_t i = 0; i < r->columns.count; i++) {
        if (!take_cell(&line, &r->cell, err)) {
            return rml_fail_memory(err, r->row.len);
        }
        rml_str *cell = rml_array_push(&r->cells, err);
        if (cell == NULL) {
            return RML_ERR_MEMORY;
        }
        *cell = rml_arena_str(&r->arena, rml_buffer_text(&r->cell));
    }
    return RML_OK;
}

static rml_status say_held(rows *r, rml_error *err)
{
    if (!r->begun) {
        rml_table_measure(&r->page, &r->columns, &r->cells);
        RML_TRY(rml_table_heads(&r->page, &r->columns, err));
        r->begun = true;
    }
    RML_TRY(rml_table_rows(&r->page, &r->columns, &r->cells, err));
    rml_array_clear(&r->cells);
    rml_arena_reset(&r->arena);
    return rml_cli_flush(r->cli, false, err);
}

static rml_status render_table(rml_cli *cli, rml_error *err)
{
    rows r = {.cli = cli,
              .columns = RML_ARRAY(rml_table_column),
              .cells = RML_ARRAY(rml_str),
              .page = {.out = &cli->output,
                       .call = cli->call,
                       .terminal = rml_terminal_is(1),
                       .columns = rml_terminal_columns(1)}};
    r.page.arena = &r.arena;
    size_t held = 0;
    rml_status st = read_head(&r, err);
    st = st ? st : rml_call_next(cli->call, &r.row, err); // the names, which the head has too
    while (st == RML_OK) {
        rml_buffer_clear(&r.row);
        st = rml_call_next(cli->call, &r.row, err);
        st = st == RML_OK ? hold_row(&r, err) : st;
        if (st == RML_END || (st == RML_OK && ++held % MEASURED == 0)) {
            rml_status said = say_held(&r, err);
            st = said != RML_OK ? said : st;
        }
    }
    rml_array_reset(&r.columns);
    rml_array_reset(&r.cells);
    rml_arena_reset(&r.arena);
    rml_buffer_reset(&r.row);
    rml_buffer_reset(&r.cell);
    return st == RML_END ? RML_OK : st;
}

// ---- Document or rows --------------------------------------------------------------------------

static rml_status render_document(rml_cli *cli, rml_error *err)
{
    rml_str text = rml_call_document(cli->call);
    const rml_json *document;
    if (text.len == 0) {
        return RML_OK;
    }
    if (cli->json) {
        RML_TRY(rml_buffer_str(&cli->output, text, err));
        return rml_buffer_str(&cli->output, RML_STR("\n"), err);
    }
    RML_TRY(rml_json_parse(&cli->arena, text, rml_str_of(cli->command->name), &document, err));
    rml_page page = {.out = &cli->output,
                     .arena = &cli->arena,
                     .call = cli->call,
                     .terminal = rml_terminal_is(1),
                     .columns = rml_terminal_columns(1)};
    return rml_page_render(&page, document, cli->command->view, err);
}

rml_status rml_cli_render(rml_cli *cli, rml_error *err)
{
    if (!rml_call_streams(cli->call)) {
        return render_document(cli, err);
    }
    if (cli->table) {
        return render_table(cli, err);
    }
    bool lines = cli->command->rows[0] == '\0' || !cli->json;
    return lines ? render_lines(cli, err) : render_json(cli, err);
}
