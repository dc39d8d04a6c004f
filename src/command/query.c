// `query`: SQL over the tables of the lake, a row at a time.
#include <inttypes.h>
#include <string.h>

#include "call.h"
#include "roadmill/message.h"

typedef struct answer {
    rml_rows *rows;
    rml_schema schema;
    const rml_batch *batch;
    size_t row;      // of the batch
    bool csv, begun; // the head of CSV is written
    rml_buffer cell;
} answer;

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

// The names of the columns, or a row, as a line of CSV.
static rml_status put_line(answer *a, bool head, rml_buffer *out, rml_error *err)
{
    for (size_t i = 0; i < a->schema.count; i++) {
        const rml_field *field = &a->schema.fields[i];
        rml_str text = field->name;
        bool null = false;
        if (!head) {
            const rml_column *column = &a->batch->columns[i];
            rml_buffer_clear(&a->cell);
            RML_TRY(put_value(field, column, a->row, &a->cell, err));
            null = rml_column_is_null(column, a->row);
            text = rml_buffer_text(&a->cell);
        }
        RML_TRY(put_csv(out, text, null, err));
        bool last = i + 1 == a->schema.count;
        RML_TRY(rml_buffer_str(out, last ? RML_STR("\r\n") : RML_STR(","), err));
    }
    return RML_OK;
}

static rml_status put_row(answer *a, rml_buffer *out, rml_error *err)
{
    rml_json_writer w;
    if (a->csv) {
        return put_line(a, false, out, err);
    }
    rml_json_writer_init(&w, out, err);
    rml_message_json(a->schema, a->batch->columns, a->row, &w);
    return rml_json_finish(&w);
}

static rml_status next(void *context, rml_buffer *out, rml_error *err)
{
    answer *a = context;
    if (a->csv && !a->begun) {
        a->begun = true;
        return put_line(a, true, out, err); // the head is the first line
    }
    while (a->batch == NULL || a->row == a->batch->count) {
        RML_TRY(rml_rows_next(a->rows, &a->batch, err));
        a->row = 0;
    }
    rml_status st = put_row(a, out, err);
    a->row++;
    return st;
}

static void close_answer(void *context)
{
    answer *a = context;
    rml_buffer_reset(&a->cell);
    rml_rows_close(a->rows);
}

static rml_status run_query(rml_call *call, rml_error *err)
{
    rml_home *home = NULL;
    rml_json_writer *w = &call->writer;
    answer *a = RML_NEW(&call->arena, answer);
    if (a == NULL) {
        return rml_fail_memory(err, sizeof *a);
    }
    RML_TRY(rml_call_home(call, false, &home, err));
    RML_TRY(rml_lake_sql(home->lake, rml_call_text(call, "SQL"), &a->rows, err));
    a->schema = rml_rows_schema(a->rows);
    a->csv = rml_call_flag(call, "csv");
    call->stream = (rml_stream){.context = a,
                                .next = next,
                                .close = close_answer,
                                .media = a->csv ? "text/csv" : "application/json"};
    rml_json_object(w);
    rml_json_key(w, "columns");
    rml_json_list(w);
    for (size_t i = 0; i < a->schema.count; i++) {
        rml_json_object(w);
        rml_json_kv_str(w, "name", a->schema.fields[i].name);
        rml_json_kv_str(w, "type", rml_str_of(rml_type_name(a->schema.fields[i].type)));
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    rml_json_object_end(w);
    return RML_OK;
}

static const rml_option arguments[] = {
    {"SQL", .type = RML_OPTION_TEXT, .help = "of DuckDB, over the tables by their names",
     .required = true},
    {0},
};
static const rml_option options[] = {
    {"csv", .help = "print comma-separated values (RFC 4180)"},
    {0},
};

const rml_command rml_query_commands[] = {
    {
        .name = "query",
        .summary = "ask the tables of the lake in SQL",
        .example = "roadmill query \"SELECT count(*) AS rows FROM recordings\"",
        .arguments = arguments,
        .options = options,
        .rows = "rows",
        .run = run_query,
    },
    {0},
};
