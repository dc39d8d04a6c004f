// Commands on the lake: its tables, their history, and SQL over all of them.
#include <inttypes.h>
#include <string.h>

#include "command.h"
#include "roadmill/lake.h"
#include "roadmill/message.h"

// ---- lake tables, lake history -----------------------------------------------------------------

static rml_status run_tables(rml_cli *cli, rml_error *err)
{
    rml_home *home = NULL;
    RML_TRY(rml_cli_home(cli, false, &home, err));
    rml_array tables = RML_ARRAY(rml_lake_table);
    rml_status st = rml_lake_tables(home->lake, &cli->arena, &tables, err);
    if (st == RML_OK && cli->json) {
        rml_json_list(&cli->writer);
    }
    static const char *const heads[] = {"table", "version", "files", "rows", "bytes", "state"};
    rml_cli_table text;
    rml_cli_table_begin(&text, heads, 6);
    for (size_t i = 0; st == RML_OK && i < tables.count; i++) {
        const rml_lake_table *table = RML_AT(&tables, rml_lake_table, i);
        char state[RML_HASH_TEXT];
        rml_hash_text(&table->state, state);
        if (cli->json) {
            rml_json_object(&cli->writer);
            rml_json_kv_str(&cli->writer, "name", table->name);
            rml_json_kv_i64(&cli->writer, "version", table->version);
            rml_json_kv_i64(&cli->writer, "files", (int64_t)table->files);
            rml_json_kv_i64(&cli->writer, "rows", (int64_t)table->rows);
            rml_json_kv_i64(&cli->writer, "bytes", (int64_t)table->bytes);
            rml_json_kv_str(&cli->writer, "state", rml_str_of(state));
            rml_json_object_end(&cli->writer);
        }
        rml_cli_table_cell(cli, &text, "%.*s", RML_FMT(table->name));
        rml_cli_table_cell(cli, &text, "%" PRId64, table->version);
        rml_cli_table_cell(cli, &text, "%" PRIu64, table->files);
        rml_cli_table_cell(cli, &text, "%" PRIu64, table->rows);
        rml_cli_table_cell(cli, &text, "%" PRIu64, table->bytes);
        rml_cli_table_cell(cli, &text, "%.12s", state);
    }
    if (st == RML_OK && cli->json) {
        rml_json_list_end(&cli->writer);
    }
    if (st == RML_OK) {
        rml_cli_table_end(cli, &text);
    }
    rml_array_reset(&text.cells);
    rml_array_reset(&tables);
    return st;
}

static rml_status run_history(rml_cli *cli, rml_error *err)
{
    rml_home *home = NULL;
    RML_TRY(rml_cli_home(cli, false, &home, err));
    rml_array commits = RML_ARRAY(rml_lake_commit_info);
    rml_status st = rml_lake_history(home->lake, cli->arguments[0], &cli->arena, &commits, err);
    if (st == RML_OK && cli->json) {
        rml_json_list(&cli->writer);
    }
    static const char *const heads[] = {"version", "time", "operation", "files",
                                        "removed", "rows", "owner"};
    rml_cli_table text;
    rml_cli_table_begin(&text, heads, 7);
    for (size_t i = 0; st == RML_OK && i < commits.count; i++) {
        const rml_lake_commit_info *c = RML_AT(&commits, rml_lake_commit_info, i);
        if (cli->json) {
            rml_json_object(&cli->writer);
            rml_json_kv_i64(&cli->writer, "version", c->version);
            rml_json_kv_ns(&cli->writer, "time_ns", c->time_ns);
            rml_json_kv_str(&cli->writer, "operation", c->operation);
            rml_json_kv_str(&cli->writer, "owner", c->owner);
            rml_json_kv_i64(&cli->writer, "files_added", (int64_t)c->files_added);
            rml_json_kv_i64(&cli->writer, "files_removed", (int64_t)c->files_removed);
            rml_json_kv_i64(&cli->writer, "rows_added", (int64_t)c->rows_added);
            rml_json_object_end(&cli->writer);
        }
        char time[40];
        rml_clock_text(c->time_ns, time);
        rml_cli_table_cell(cli, &text, "%" PRId64, c->version);
        rml_cli_table_cell(cli, &text, "%s", time);
        rml_cli_table_cell(cli, &text, "%.*s", RML_FMT(c->operation));
        rml_cli_table_cell(cli, &text, "%" PRIu64, c->files_added);
        rml_cli_table_cell(cli, &text, "%" PRIu64, c->files_removed);
        rml_cli_table_cell(cli, &text, "%" PRIu64, c->rows_added);
        rml_cli_table_cell(cli, &text, "%.*s", RML_FMT(c->owner));
    }
    if (st == RML_OK && cli->json) {
        rml_json_list_end(&cli->writer);
    }
    if (st == RML_OK) {
        rml_cli_table_end(cli, &text);
    }
    rml_array_reset(&text.cells);
    rml_array_reset(&commits);
    return st;
}

// ---- query -------------------------------------------------------------------------------------

enum { CELL_MAX = 60 }; // characters of a cell in a table for people

// A value as text: numbers and texts plain, nested ones and bytes as JSON; a null is empty.
static rml_status put_value(const rml_field *field, const rml_column *c, size_t row,
                            rml_buffer *out, rml_error *err)
{
    char number[RML_F64_TEXT];
    if (rml_column_is_null(c, row)) {
        return RML_OK;
    }
    switch (field->type) {
    case RML_TYPE_BOOL:
        return rml_buffer_str(
            out, rml_column_get_i64(c, row) != 0 ? RML_STR("true") : RML_STR("false"), err);
    case RML_TYPE_STRING:
        return rml_buffer_str(out, rml_column_get_str(c, row), err);
    case RML_TYPE_F32:
        rml_format_f32((float)rml_column_get_f64(c, row), number);
        return rml_buffer_str(out, rml_str_of(number), err);
    case RML_TYPE_F64:
        rml_format_f64(rml_column_get_f64(c, row), number);
        return rml_buffer_str(out, rml_str_of(number), err);
    case RML_TYPE_U64: {
        uint64_t v;
        memcpy(&v, c->values.data + row * sizeof v, sizeof v);
        return rml_buffer_printf(out, err, "%" PRIu64, v);
    }
    case RML_TYPE_BINARY:
    case RML_TYPE_LIST:
    case RML_TYPE_STRUCT: {
        // An object with the one field; what stands between is the value.
        rml_field one = *field;
        one.name = RML_STR("v");
        size_t from = out->len;
        rml_json_writer w;
        rml_json_writer_init(&w, out, err);
        rml_message_json((rml_schema){&one, 1}, c, row, &w);
        RML_TRY(rml_json_finish(&w));
        size_t head = sizeof "{\"v\":" - 1;
        memmove(out->data + from, out->data + from + head, out->len - from - head - 1);
        out->len -= head + 1;
        return RML_OK;
    }
    default:
        return rml_buffer_printf(out, err, "%" PRId64, rml_column_get_i64(c, row));
    }
}

static bool is_number(rml_type type)
{
    return type >= RML_TYPE_I8 && type <= RML_TYPE_F64;
}

// Bytes of the first `most` characters; *width is how many there are.
static size_t cut(rml_str text, size_t most, size_t *width)
{
    size_t count = 0, i = 0;
    for (; i < text.len; i++) {
        bool begins = ((unsigned char)text.data[i] & 0xC0) != 0x80;
        if (begins && count == most) {
            break;
        }
        count += begins;
    }
    *width = count;
    return i;
}

typedef struct printer {
    rml_cli *cli;
    rml_schema schema;
    size_t *widths; // set by the first rows
    rml_buffer cell;
} printer;

// One cell of a table, padded; the last is not.
static void print_cell(printer *p, size_t column, rml_str text)
{
    size_t width = 0;
    size_t whole = cut(text, SIZE_MAX, &width);
    bool long_one = width > CELL_MAX;
    size_t len = long_one ? cut(text, CELL_MAX - 1, &width) : whole;
    width += long_one;
    int pad = p->widths[column] > width ? (int)(p->widths[column] - width) : 0;
    bool right = is_number(p->schema.fields[column].type);
    bool last = column + 1 == p->schema.count;
    rml_cli_print(p->cli, "%*s%.*s%s%*s%s", right ? pad : 0, "", (int)len, text.data,
                  long_one ? "…" : "", right || last ? 0 : pad, "", last ? "\n" : "  ");
}

static rml_status measure(printer *p, const rml_batch *batch, rml_error *err)
{
    p->widths = RML_NEW_ARRAY(&p->cli->arena, size_t, p->schema.count + 1);
    if (p->widths == NULL) {
        return rml_fail_memory(err, p->schema.count);
    }
    for (size_t i = 0; i < p->schema.count; i++) {
        cut(p->schema.fields[i].name, CELL_MAX, &p->widths[i]);
        for (size_t row = 0; batch != NULL && row < batch->count; row++) {
            rml_buffer_clear(&p->cell);
            RML_TRY(put_value(&p->schema.fields[i], &batch->columns[i], row, &p->cell, err));
            size_t width = 0;
            cut(rml_buffer_text(&p->cell), CELL_MAX, &width);
            p->widths[i] = width > p->widths[i] ? width : p->widths[i];
        }
    }
    for (size_t i = 0; i < p->schema.count; i++) {
        print_cell(p, i, p->schema.fields[i].name);
    }
    return RML_OK;
}

static rml_status print_text(printer *p, const rml_batch *batch, rml_error *err)
{
    for (size_t row = 0; row < batch->count; row++) {
        for (size_t i = 0; i < p->schema.count; i++) {
            rml_buffer_clear(&p->cell);
            RML_TRY(put_value(&p->schema.fields[i], &batch->columns[i], row, &p->cell, err));
            for (size_t k = 0; k < p->cell.len; k++) {
                // A table has one line a row.
                p->cell.data[k] = p->cell.data[k] < ' ' ? ' ' : p->cell.data[k];
            }
            print_cell(p, i, rml_buffer_text(&p->cell));
        }
    }
    return RML_OK;
}

// RFC 4180: quotes where a cell holds a comma, a quote or a line end. A null is nothing, an empty
// text is two quotes.
static rml_status put_csv(rml_buffer *out, rml_str text, bool null, rml_error *err)
{
    bool quote = text.len == 0 && !null;
    for (size_t i = 0; i < text.len; i++) {
        quote = quote || memchr(",\"\r\n", text.data[i], 4) != NULL;
    }
    if (!quote) {
        return rml_buffer_str(out, text, err);
    }
    RML_TRY(rml_buffer_str(out, RML_STR("\""), err));
    for (size_t i = 0; i < text.len; i++) {
        RML_TRY(rml_buffer_append(out, text.data + i, 1, err));
        if (text.data[i] == '"') {
            RML_TRY(rml_buffer_str(out, RML_STR("\""), err));
        }
    }
    return rml_buffer_str(out, RML_STR("\""), err);
}

static rml_status print_csv(printer *p, const rml_batch *batch, rml_error *err)
{
    rml_buffer *out = &p->cli->output;
    for (size_t row = 0; row < (batch != NULL ? batch->count : 1); row++) {
        for (size_t i = 0; i < p->schema.count; i++) {
            const rml_field *field = &p->schema.fields[i];
            rml_str text = field->name;
            bool null = false;
            if (batch != NULL) {
                rml_buffer_clear(&p->cell);
                RML_TRY(put_value(field, &batch->columns[i], row, &p->cell, err));
                null = rml_column_is_null(&batch->columns[i], row);
                text = rml_buffer_text(&p->cell);
            }
            RML_TRY(put_csv(out, text, null, err));
            bool last = i + 1 == p->schema.count;
            RML_TRY(rml_buffer_str(out, last ? RML_STR("\r\n") : RML_STR(","), err));
        }
    }
    return RML_OK;
}

static void begin_json(printer *p)
{
    rml_json_writer *w = &p->cli->writer;
    rml_json_object(w);
    rml_json_key(w, "columns");
    rml_json_list(w);
    for (size_t i = 0; i < p->schema.count; i++) {
        rml_json_object(w);
        rml_json_kv_str(w, "name", p->schema.fields[i].name);
        rml_json_kv_str(w, "type", rml_str_of(rml_type_name(p->schema.fields[i].type)));
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    rml_json_key(w, "rows");
    rml_json_list(w);
}

// Prints batch by batch, so that memory does not grow with the result.
static rml_status print_rows(printer *p, rml_rows *rows, bool csv, rml_error *err)
{
    rml_cli *cli = p->cli;
    const rml_batch *batch = NULL;
    rml_status st = RML_OK;
    bool first = true;
    if (cli->json) {
        begin_json(p);
    } else if (csv) {
        RML_TRY(print_csv(p, NULL, err));
    }
    while (st == RML_OK) {
        st = rml_rows_next(rows, &batch, err);
        if (first && !cli->json && !csv && (st == RML_OK || st == RML_END)) {
            RML_TRY(measure(p, st == RML_OK ? batch : NULL, err));
        }
        first = false;
        if (st != RML_OK) {
            break;
        }
        for (size_t i = 0; cli->json && i < batch->count; i++) {
            rml_message_json(p->schema, batch->columns, i, &cli->writer);
        }
        if (!cli->json) {
            st = csv ? print_csv(p, batch, err) : print_text(p, batch, err);
        }
        if (st == RML_OK) {
            st = rml_cli_flush(cli, err);
        }
        if (st == RML_OK && rml_progress_stop(&cli->progress)) {
            st = rml_fail(err, RML_ERR_STOPPED, (rml_place){0}, NULL, "stopped by a signal");
        }
    }
    if (st == RML_END && cli->json) {
        rml_json_list_end(&cli->writer);
        rml_json_object_end(&cli->writer);
    }
    return st == RML_END ? RML_OK : st;
}

static rml_status run_query(rml_cli *cli, rml_error *err)
{
    rml_home *home = NULL;
    RML_TRY(rml_cli_home(cli, false, &home, err));
    rml_rows *rows = NULL;
    RML_TRY(rml_lake_sql(home->lake, rml_str_of(cli->arguments[0]), &rows, err));
    printer p = {.cli = cli, .schema = rml_rows_schema(rows)};
    rml_status st = print_rows(&p, rows, rml_cli_flag(cli, "--csv"), err);
    rml_buffer_reset(&p.cell);
    rml_rows_close(rows);
    return st;
}

static const rml_option query_options[] = {
    {"--csv", NULL, "print comma-separated values (RFC 4180)"},
};

static const rml_command commands[] = {
    {
        .name = "lake tables",
        .arguments = "",
        .summary = "list the tables of the lake, their rows and state hashes",
        .example = "roadmill lake tables",
        .run = run_tables,
    },
    {
        .name = "lake history",
        .arguments = "TABLE",
        .summary = "list the commits of a table",
        .example = "roadmill lake history recordings",
        .arguments_min = 1,
        .arguments_max = 1,
        .run = run_history,
    },
    {
        .name = "query",
        .arguments = "SQL",
        .summary = "ask the tables of the lake in SQL",
        .example = "roadmill query \"SELECT count(*) AS rows FROM recordings\"",
        .arguments_min = 1,
        .arguments_max = 1,
        .options = query_options,
        .option_count = sizeof query_options / sizeof *query_options,
        .run = run_query,
    },
};

const rml_command_group rml_lake_commands = {commands, sizeof commands / sizeof *commands};
