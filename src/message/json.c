// A row of columns as JSON, for `log cat`. Integers beyond 2^53 are strings, as everywhere in
// Roadmill's JSON; binary is base64 (RFC 4648 section 4).
#include "roadmill/base/json.h"
#include "roadmill/message.h"

#define EXACT_MAX ((int64_t)1 << 53)

// Times are text whatever their size, so that a reader need not look.
static void write_integer(rml_str name, int64_t value, rml_json_writer *w)
{
    if (rml_str_ends(name, RML_STR("_ns")) || value > EXACT_MAX || value < -EXACT_MAX) {
        rml_json_ns(w, value);
    } else {
        rml_json_i64(w, value);
    }
}

void rml_message_json_value(const rml_field *field, const rml_column *c, size_t row,
                            rml_json_writer *w)
{
    if (rml_column_is_null(c, row)) {
        rml_json_null(w);
        return;
    }
    switch (field->type) {
    case RML_TYPE_BOOL:
        rml_json_bool(w, rml_column_get_i64(c, row) != 0);
        break;
    case RML_TYPE_I8:
    case RML_TYPE_I16:
    case RML_TYPE_I32:
    case RML_TYPE_I64:
        write_integer(field->name, rml_column_get_i64(c, row), w);
        break;
    case RML_TYPE_U64: {
        uint64_t value = ((const uint64_t *)(const void *)c->values.data)[row];
        if (value <= (uint64_t)EXACT_MAX) {
            rml_json_i64(w, (int64_t)value);
        } else {
            char text[24];
            size_t n = sizeof(text);
            for (uint64_t left = value; left > 0; left /= 10) {
                text[--n] = (char)('0' + left % 10);
            }
            rml_json_str(w, (rml_str){text + n, sizeof(text) - n});
        }
        break;
    }
    case RML_TYPE_F32:
    case RML_TYPE_F64:
        rml_json_f64(w, rml_column_get_f64(c, row));
        break;
    case RML_TYPE_STRING:
        rml_json_str(w, rml_column_get_str(c, row));
        break;
    case RML_TYPE_BINARY:
        rml_json_base64(w, rml_column_get_bytes(c, row));
        break;
    case RML_TYPE_LIST: {
        size_t first, count;
        rml_column_get_list(c, row, &first, &count);
        rml_json_list(w);
        for (size_t i = 0; i < count; i++) {
            rml_message_json_value(&field->children[0], &c->children[0], first + i, w);
        }
        rml_json_list_end(w);
        break;
    }
    case RML_TYPE_STRUCT:
        rml_message_json((rml_schema){field->children, field->child_count}, c->children, row, w);
        break;
    }
}

void rml_message_json(rml_schema schema, const rml_column *columns, size_t row, rml_json_writer *w)
{
    rml_json_object(w);
    for (size_t i = 0; i < schema.count; i++) {
        rml_json_key(w, schema.fields[i].name.data);
        rml_message_json_value(&schema.fields[i], &columns[i], row, w);
    }
    rml_json_object_end(w);
}

rml_status rml_message_text(const rml_message_plan *plan, rml_bytes data, rml_place place,
                            rml_buffer *out, rml_error *err)
{
    rml_batch row = {0};
    rml_json_writer w;
    rml_schema schema = rml_message_schema(plan);
    RML_TRY(rml_batch_init(&row, schema, err));
    rml_status st = rml_message_decode(plan, data, place, row.columns, err);
    if (st == RML_OK) {
        rml_json_writer_init(&w, out, err);
        rml_message_json(schema, row.columns, 0, &w);
        st = rml_json_finish(&w);
    }
    rml_batch_reset(&row);
    return st;
}
