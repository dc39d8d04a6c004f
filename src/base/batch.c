// Batches: columns of equal length, and the checks that bytes from outside must pass.
#include "roadmill/base/column.h"

#include <string.h>

rml_status rml_batch_init(rml_batch *b, rml_schema schema, rml_error *err)
{
    *b = (rml_batch){.schema = schema};
    if (schema.count == 0) {
        return RML_OK;
    }
    b->columns = rml_heap_make(schema.count * sizeof *b->columns);
    if (!b->columns) {
        *b = (rml_batch){0};
        return rml_fail_memory(err, schema.count * sizeof *b->columns);
    }
    for (size_t i = 0; i < schema.count; i++) {
        rml_status st = rml_column_init(&b->columns[i], &schema.fields[i], err);
        if (st != RML_OK) {
            rml_batch_reset(b);
            return st;
        }
    }
    return RML_OK;
}

void rml_batch_clear(rml_batch *b)
{
    for (size_t i = 0; b->columns && i < b->schema.count; i++) {
        rml_column_clear(&b->columns[i]);
    }
    b->count = 0;
}

void rml_batch_reset(rml_batch *b)
{
    for (size_t i = 0; b->columns && i < b->schema.count; i++) {
        rml_column_reset(&b->columns[i]);
    }
    rml_heap_free(b->columns);
    *b = (rml_batch){0};
}

rml_column *rml_batch_column(const rml_batch *b, const char *name)
{
    rml_str wanted = rml_str_of(name);
    for (size_t i = 0; i < b->schema.count; i++) {
        if (rml_str_equal(b->schema.fields[i].name, wanted)) {
            return &b->columns[i];
        }
    }
    return NULL;
}

rml_status rml_batch_row_end(rml_batch *b, rml_error *err)
{
    for (size_t i = 0; i < b->schema.count; i++) {
        if (b->columns[i].count != b->count + 1) {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                            "column %.*s: expected %zu values, found %zu",
                            RML_FMT(b->schema.fields[i].name), b->count + 1, b->columns[i].count);
        }
    }
    b->count++;
    return RML_OK;
}

static rml_status fail(const rml_field *field, const char *what, size_t want, size_t found,
                       rml_error *err)
{
    return rml_fail(err, RML_ERR_DATA, (rml_place){0}, NULL,
                    "column %.*s: expected %s %zu, found %zu", RML_FMT(field->name), what, want,
                    found);
}

static rml_status check_offsets(const rml_column *c, const rml_field *field, bool full,
                                rml_error *err)
{
    size_t want = c->count == 0 ? 0 : (c->count + 1) * sizeof(int64_t);
    if (c->offsets.len != want) {
        return fail(field, "bytes of offsets", want, c->offsets.len, err);
    }
    size_t inner = c->type == RML_TYPE_LIST ? c->children[0].count : c->values.len;
    int64_t before = 0;
    for (size_t i = 0; c->count > 0 && i <= c->count; i += full ? 1 : c->count) {
        int64_t offset;
        memcpy(&offset, c->offsets.data + i * sizeof offset, sizeof offset);
        if (offset < before || (uint64_t)offset > inner || (i == 0 && offset != 0)) {
            return rml_fail(err, RML_ERR_DATA, (rml_place){0}, NULL,
                            "column %.*s: expected offset %zu between %lld and %zu, found %lld",
                            RML_FMT(field->name), i, (long long)before, i == 0 ? 0 : inner,
                            (long long)offset);
        }
        before = offset;
    }
    if ((uint64_t)before != inner) {
        return fail(field, "a last offset of", inner, (size_t)before, err);
    }
    return RML_OK;
}

static rml_status check_validity(const rml_column *c, const rml_field *field, bool full,
                                 rml_error *err)
{
    size_t want = c->null_count > 0 ? (c->count + 7) / 8 : 0;
    if (c->validity.len != want) {
        return fail(field, "bytes of validity", want, c->validity.len, err);
    }
    size_t nulls = 0;
    for (size_t i = 0; full && i < c->count; i++) {
        nulls += rml_column_is_null(c, i);
    }
    return full && nulls != c->null_count ? fail(field, "nulls", c->null_count, nulls, err)
                                          : RML_OK;
}

static rml_status check_strings(const rml_column *c, const rml_field *field, rml_error *err)
{
    for (size_t i = 0; i < c->count; i++) {
        if (!rml_utf8_valid(rml_column_get_str(c, i))) {
            return rml_fail(err, RML_ERR_DATA, (rml_place){0}, NULL,
                            "column %.*s: expected UTF-8, found other bytes in row %zu",
                            RML_FMT(field->name), i);
        }
    }
    return RML_OK;
}

// may_be_null: the field is nullable, or lies in a struct that is null in some rows.
static rml_status check_column(const rml_column *c, const rml_field *field, size_t count,
                               bool may_be_null, bool full, rml_error *err)
{
    if (c->type != field->type || c->child_count != field->child_count) {
        return rml_fail(err, RML_ERR_DATA, (rml_place){0}, NULL,
                        "column %.*s: expected %s with %zu children, found %s with %zu",
                        RML_FMT(field->name), rml_type_name(field->type), field->child_count,
                        rml_type_name(c->type), c->child_count);
    }
    if (c->count != count) {
        return fail(field, "rows", count, c->count, err);
    }
    RML_TRY(check_validity(c, field, full, err));
    if (!may_be_null && c->null_count > 0) {
        return fail(field, "nulls", 0, c->null_count, err);
    }
    size_t size = rml_type_size(c->type);
    if (size > 0 && c->values.len != count * size) {
        return fail(field, "bytes of values", count * size, c->values.len, err);
    }
    if (c->type == RML_TYPE_LIST && c->child_count != 1) {
        return fail(field, "children of a list", 1, c->child_count, err);
    }
    if (size == 0 && c->type != RML_TYPE_STRUCT) {
        RML_TRY(check_offsets(c, field, full, err));
    }
    if (full && c->type == RML_TYPE_STRING) {
        RML_TRY(check_strings(c, field, err));
    }
    for (size_t i = 0; i < c->child_count; i++) {
        size_t rows = c->type == RML_TYPE_LIST ? c->children[i].count : count;
        bool null_inside =
            field->children[i].nullable || (c->type == RML_TYPE_STRUCT && may_be_null);
        RML_TRY(check_column(&c->children[i], &field->children[i], rows, null_inside, full, err));
    }
    return RML_OK;
}

rml_status rml_batch_check(const rml_batch *b, bool full, rml_error *err)
{
    for (size_t i = 0; i < b->schema.count; i++) {
        const rml_field *field = &b->schema.fields[i];
        RML_TRY(check_column(&b->columns[i], field, b->count, field->nullable, full, err));
    }
    return RML_OK;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

size_t rml_schema_find(rml_schema schema, rml_str name)
{
    for (size_t i = 0; i < schema.count; i++) {
        rml_str field = schema.fields[i].name;
        size_t same = 0;
        while (field.len == name.len && same < name.len &&
               lower(field.data[same]) == lower(name.data[same])) {
            same++;
        }
        if (same == name.len && field.len == name.len) {
            return i;
        }
    }
    return schema.count;
}
