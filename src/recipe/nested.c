// Nested columns by name; see nested.h.
#include "nested.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

rml_nested rml_nested_column(const rml_batch *batch, size_t index)
{
    return (rml_nested){&batch->schema.fields[index], &batch->columns[index]};
}

rml_nested rml_nested_at(rml_nested from, const char *path)
{
    rml_str rest = path ? rml_str_of(path) : (rml_str){0};
    if (!path) {
        return (rml_nested){0};
    }
    while (rest.len > 0 && from.field) {
        rml_str name;
        rest = rml_str_cut(rest, '.', &name);
        rml_nested found = {0};
        for (size_t i = 0; from.field->type == RML_TYPE_STRUCT && i < from.field->child_count;
             i++) {
            if (rml_str_equal(from.field->children[i].name, name)) {
                found = (rml_nested){&from.field->children[i], &from.column->children[i]};
            }
        }
        from = found;
    }
    return from;
}

rml_nested rml_nested_element(rml_nested list)
{
    bool is_list = list.field && list.field->type == RML_TYPE_LIST;
    return is_list ? (rml_nested){&list.field->children[0], &list.column->children[0]}
                   : (rml_nested){0};
}

double rml_nested_f64(rml_nested from, size_t row)
{
    bool number = from.field && from.field->type <= RML_TYPE_F64;
    return number ? rml_column_get_f64(from.column, row) : NAN;
}

static rml_str hexadecimal(rml_bytes bytes, char *text, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < bytes.len && len + 2 < size; i++) {
        len += (size_t)snprintf(text + len, size - len, "%02x", bytes.data[i]);
    }
    return (rml_str){text, len};
}

rml_str rml_nested_name(rml_nested from, size_t row, char *text, size_t size)
{
    if (!from.field || rml_column_is_null(from.column, row)) {
        return (rml_str){0};
    }
    if (from.field->type == RML_TYPE_STRING) {
        return rml_column_get_str(from.column, row);
    }
    if (from.field->type == RML_TYPE_BINARY) {
        return hexadecimal(rml_column_get_bytes(from.column, row), text, size);
    }
    if (from.field->type > RML_TYPE_U64) {
        return (rml_str){0};
    }
    int64_t number = rml_column_get_i64(from.column, row);
    int len = from.field->type == RML_TYPE_U64 ? snprintf(text, size, "%" PRIu64, (uint64_t)number)
                                               : snprintf(text, size, "%" PRId64, number);
    return (rml_str){text, len > 0 ? (size_t)len : 0};
}

void rml_nested_span(rml_nested list, size_t row, size_t *first, size_t *count)
{
    *first = *count = 0;
    if (list.field && list.field->type == RML_TYPE_LIST && !rml_column_is_null(list.column, row)) {
        rml_column_get_list(list.column, row, first, count);
    }
}
