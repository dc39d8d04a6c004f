// Columns in Arrow's layout. An append reserves all that it needs first, so that one that fails
// leaves the column as it was.
#include "roadmill/base/column.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [RML_TYPE_BOOL] = {"bool", 1},     [RML_TYPE_I8] = {"i8", 1},
    [RML_TYPE_I16] = {"i16", 2},       [RML_TYPE_I32] = {"i32", 4},
    [RML_TYPE_I64] = {"i64", 8},       [RML_TYPE_U64] = {"u64", 8},
    [RML_TYPE_F32] = {"f32", 4},       [RML_TYPE_F64] = {"f64", 8},
    [RML_TYPE_STRING] = {"string", 0}, [RML_TYPE_BINARY] = {"binary", 0},
    [RML_TYPE_LIST] = {"list", 0},     [RML_TYPE_STRUCT] = {"struct", 0},
};

size_t rml_type_size(rml_type type)
{
    return types[type].size;
}

const char *rml_type_name(rml_type type)
{
    return types[type].name;
}

static bool has_offsets(rml_type type)
{
    return type == RML_TYPE_STRING || type == RML_TYPE_BINARY || type == RML_TYPE_LIST;
}

rml_status rml_column_init(rml_column *c, const rml_field *field, rml_error *err)
{
    *c = (rml_column){.type = field->type};
    if (field->child_count == 0) {
        return RML_OK;
    }
    c->children = rml_heap_make(field->child_count * sizeof *c->children);
    if (!c->children) {
        return rml_fail_memory(err, field->child_count * sizeof *c->children);
    }
    c->child_count = field->child_count;
    for (size_t i = 0; i < c->child_count; i++) {
        rml_status st = rml_column_init(&c->children[i], &field->children[i], err);
        if (st != RML_OK) {
            rml_column_reset(c);
            return st;
        }
    }
    return RML_OK;
}

void rml_column_clear(rml_column *c)
{
    c->count = 0;
    c->null_count = 0;
    rml_buffer_clear(&c->validity);
    rml_buffer_clear(&c->offsets);
    rml_buffer_clear(&c->values);
    for (size_t i = 0; i < c->child_count; i++) {
        rml_column_clear(&c->children[i]);
    }
}

void rml_column_reset(rml_column *c)
{
    for (size_t i = 0; i < c->child_count; i++) {
        rml_column_reset(&c->children[i]);
    }
    rml_heap_free(c->children);
    rml_buffer_reset(&c->validity);
    rml_buffer_reset(&c->offsets);
    rml_buffer_reset(&c->values);
    *c = (rml_column){.type = c->type};
}

// ---- Reserving ---------------------------------------------------------------------------------

static rml_status reserve_validity(rml_column *c, size_t rows, rml_error *err)
{
    size_t bytes = (c->count + rows + 7) / 8;
    return bytes > c->validity.len ? rml_buffer_reserve(&c->validity, bytes - c->validity.len, err)
                                   : RML_OK;
}

static rml_status reserve_offsets(rml_column *c, size_t rows, rml_error *err)
{
    return rml_buffer_reserve(&c->offsets, (rows + 1) * sizeof(int64_t), err);
}

// ---- Committing: nothing here fails
// --------------------------------------------------------------

// Marks the next `rows` rows, which are not counted yet. Room is there if any row may be null.
static void mark_rows(rml_column *c, size_t rows, bool valid)
{
    if (valid && c->null_count == 0) {
        return;
    }
    size_t bytes = (c->count + rows + 7) / 8;
    if (c->null_count == 0) {
        memset(c->validity.data, 0xff, bytes);
    } else {
        memset(c->validity.data + c->validity.len, 0xff, bytes - c->validity.len);
    }
    c->validity.len = bytes;
    for (size_t i = 0; i < rows; i++) {
        rml_bit_set(c->validity.data, c->count + i, valid);
    }
    // Bits after the last row are zero, so that equal columns have equal bytes.
    for (size_t i = c->count + rows; i < bytes * 8; i++) {
        rml_bit_set(c->validity.data, i, false);
    }
    c->null_count += valid ? 0 : rows;
}

static void push_offset(rml_column *c, int64_t end)
{
    int64_t zero = 0;
    if (c->offsets.len == 0) {
        memcpy(c->offsets.data, &zero, sizeof zero);
        c->offsets.len = sizeof zero;
    }
    memcpy(c->offsets.data + c->offsets.len, &end, sizeof end);
    c->offsets.len += sizeof end;
}

static int64_t offset_at(const rml_column *c, size_t i)
{
    int64_t offset = 0;
    if (c->offsets.len > 0) {
        memcpy(&offset, c->offsets.data + i * sizeof offset, sizeof offset);
    }
    return offset;
}

// A valid row whose value has been written: room for its bit must be there when there are nulls.
static rml_status begin_valid(rml_column *c, rml_error *err)
{
    return c->null_count > 0 ? reserve_validity(c, 1, err) : RML_OK;
}

// ---- Appending ---------------------------------------------------------------------------------

static rml_status reserve_null(rml_column *c, rml_error *err)
{
    RML_TRY(reserve_validity(c, 1, err));
    if (has_offsets(c->type)) {
        return reserve_offsets(c, 1, err);
    }
    if (c->type != RML_TYPE_STRUCT) {
        return rml_buffer_reserve(&c->values, rml_type_size(c->type), err);
    }
    for (size_t i = 0; i < c->child_count; i++) {
        RML_TRY(reserve_null(&c->children[i], err));
    }
    return RML_OK;
}

static void commit_null(rml_column *c)
{
    if (has_offsets(c->type)) {
        push_offset(c, c->count > 0 ? offset_at(c, c->count) : 0);
    } else if (c->type != RML_TYPE_STRUCT) {
        size_t size = rml_type_size(c->type);
        memset(c->values.data + c->values.len, 0, size);
        c->values.len += size;
    } else {
        for (size_t i = 0; i < c->child_count; i++) {
            commit_null(&c->children[i]);
        }
    }
    mark_rows(c, 1, false);
    c->count++;
}

rml_status rml_column_null(rml_column *c, rml_error *err)
{
    RML_TRY(reserve_null(c, err));
    commit_null(c);
    return RML_OK;
}

rml_status rml_column_value(rml_column *c, const void *value, rml_error *err)
{
    size_t size = rml_type_size(c->type);
    assert(size > 0);
    RML_TRY(begin_valid(c, err));
    RML_TRY(rml_buffer_append(&c->values, value, size, err));
    mark_rows(c, 1, true);
    c->count++;
    return RML_OK;
}

static rml_status fail_range(const rml_column *c, int64_t v, rml_error *err)
{
    return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                    "expected a value that a column of %s can hold, found %lld",
                    rml_type_name(c->type), (long long)v);
}

rml_status rml_column_i64(rml_column *c, int64_t v, rml_error *err)
{
    switch (c->type) {
    case RML_TYPE_I8: {
        int8_t narrow = (int8_t)v;
        return narrow == v ? rml_column_value(c, &narrow, err) : fail_range(c, v, err);
    }
    case RML_TYPE_I16: {
        int16_t narrow = (int16_t)v;
        return narrow == v ? rml_column_value(c, &narrow, err) : fail_range(c, v, err);
    }
    case RML_TYPE_I32: {
        int32_t narrow = (int32_t)v;
        return narrow == v ? rml_column_value(c, &narrow, err) : fail_range(c, v, err);
    }
    case RML_TYPE_I64:
        return rml_column_value(c, &v, err);
    case RML_TYPE_U64:
        return v >= 0 ? rml_column_value(c, &v, err) : fail_range(c, v, err);
    default:
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected a column of integers, found one of %s", rml_type_name(c->type));
    }
}

rml_status rml_column_f64(rml_column *c, double v, rml_error *err)
{
    if (c->type == RML_TYPE_F64) {
        return rml_column_value(c, &v, err);
    }
    if (c->type == RML_TYPE_F32) {
        float single = (float)v;
        return rml_column_value(c, &single, err);
    }
    return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                    "expected a column of f32 or f64, found one of %s", rml_type_name(c->type));
}

rml_status rml_column_bool(rml_column *c, bool v, rml_error *err)
{
    uint8_t byte = v;
    if (c->type != RML_TYPE_BOOL) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected a column of bool, found one of %s", rml_type_name(c->type));
    }
    return rml_column_value(c, &byte, err);
}

rml_status rml_column_bytes(rml_column *c, const void *data, size_t len, rml_error *err)
{
    if (c->type != RML_TYPE_STRING && c->type != RML_TYPE_BINARY) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected a column of string or binary, found one of %s",
                        rml_type_name(c->type));
    }
    RML_TRY(begin_valid(c, err));
    RML_TRY(reserve_offsets(c, 1, err));
    RML_TRY(rml_buffer_append(&c->values, data, len, err));
    push_offset(c, (int64_t)c->values.len);
    mark_rows(c, 1, true);
    c->count++;
    return RML_OK;
}

rml_status rml_column_str(rml_column *c, rml_str text, rml_error *err)
{
    return rml_column_bytes(c, text.data, text.len, err);
}

rml_status rml_column_list_end(rml_column *c, rml_error *err)
{
    assert(c->type == RML_TYPE_LIST);
    RML_TRY(begin_valid(c, err));
    RML_TRY(reserve_offsets(c, 1, err));
    push_offset(c, (int64_t)c->children[0].count);
    mark_rows(c, 1, true);
    c->count++;
    return RML_OK;
}

rml_status rml_column_struct_end(rml_column *c, rml_error *err)
{
    assert(c->type == RML_TYPE_STRUCT);
    for (size_t i = 0; i < c->child_count; i++) {
        if (c->children[i].count != c->count + 1) {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                            "expected %zu values in field %zu of a struct, found %zu", c->count + 1,
                            i, c->children[i].count);
        }
    }
    RML_TRY(begin_valid(c, err));
    mark_rows(c, 1, true);
    c->count++;
    return RML_OK;
}

// ---- Appending rows of another column ----------------------------------------------------------

static rml_status reserve_rows(rml_column *c, const rml_column *other, size_t from, size_t count,
                               rml_error *err)
{
    if (c->null_count > 0 || other->null_count > 0) {
        RML_TRY(reserve_validity(c, count, err));
    }
    if (c->type == RML_TYPE_STRUCT) {
        for (size_t i = 0; i < c->child_count; i++) {
            RML_TRY(reserve_rows(&c->children[i], &other->children[i], from, count, err));
        }
        return RML_OK;
    }
    if (!has_offsets(c->type)) {
        return rml_buffer_reserve(&c->values, count * rml_type_size(c->type), err);
    }
    RML_TRY(reserve_offsets(c, count, err));
    size_t first = (size_t)offset_at(other, from), last = (size_t)offset_at(other, from + count);
    return c->type == RML_TYPE_LIST
               ? reserve_rows(&c->children[0], &other->children[0], first, last - first, err)
               : rml_buffer_reserve(&c->values, last - first, err);
}

static void add_values(rml_column *c, const rml_column *other, size_t first, size_t size)
{
    if (size > 0) {
        memcpy(c->values.data + c->values.len, other->values.data + first, size);
        c->values.len += size;
    }
}

static void commit_rows(rml_column *c, const rml_column *other, size_t from, size_t count)
{
    if (count == 0) {
        return;
    }
    size_t before = c->count;
    if (c->type == RML_TYPE_STRUCT) {
        for (size_t i = 0; i < c->child_count; i++) {
            commit_rows(&c->children[i], &other->children[i], from, count);
        }
    } else if (!has_offsets(c->type)) {
        size_t size = rml_type_size(c->type);
        add_values(c, other, from * size, count * size);
    } else {
        int64_t shift = (before > 0 ? offset_at(c, before) : 0) - offset_at(other, from);
        for (size_t i = 1; i <= count; i++) {
            push_offset(c, offset_at(other, from + i) + shift);
        }
        size_t first = (size_t)offset_at(other, from);
        size_t size = (size_t)offset_at(other, from + count) - first;
        if (c->type == RML_TYPE_LIST) {
            commit_rows(&c->children[0], &other->children[0], first, size);
        } else {
            add_values(c, other, first, size);
        }
    }
    if (other->null_count == 0) {
        mark_rows(c, count, true);
        c->count += count;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        mark_rows(c, 1, !rml_column_is_null(other, from + i));
        c->count++;
    }
}

void rml_column_cut(rml_column *c, size_t rows)
{
    size_t size = rml_type_size(c->type);
    if (c->type == RML_TYPE_STRUCT) {
        for (size_t i = 0; i < c->child_count; i++) {
            rml_column_cut(&c->children[i], rows);
        }
    } else if (size > 0) {
        c->values.len = rows * size;
    } else {
        size_t inner = rows == 0 ? 0 : (size_t)offset_at(c, rows);
        if (c->type == RML_TYPE_LIST) {
            rml_column_cut(&c->children[0], inner);
        } else {
            c->values.len = inner;
        }
        c->offsets.len = rows == 0 ? 0 : (rows + 1) * sizeof(int64_t);
    }
    for (size_t i = rows; c->null_count > 0 && i < c->count; i++) {
        c->null_count -= !rml_bit_get(c->validity.data, i);
    }
    c->validity.len = c->null_count > 0 ? (rows + 7) / 8 : 0;
    for (size_t i = rows; i < c->validity.len * 8; i++) {
        rml_bit_set(c->validity.data, i, false);
    }
    c->count = rows;
}

rml_status rml_column_append(rml_column *c, const rml_column *other, size_t from, size_t count,
                             rml_error *err)
{
    assert(c->type == other->type && c->child_count == other->child_count);
    assert(from <= other->count && count <= other->count - from);
    if (count == 0) {
        return RML_OK;
    }
    RML_TRY(reserve_rows(c, other, from, count, err));
    commit_rows(c, other, from, count);
    return RML_OK;
}

// ---- Reading -----------------------------------------------------------------------------------

bool rml_column_is_null(const rml_column *c, size_t row)
{
    return c->null_count > 0 && !rml_bit_get(c->validity.data, row);
}

int64_t rml_column_get_i64(const rml_column *c, size_t row)
{
    const uint8_t *p = c->values.data + row * rml_type_size(c->type);
    switch (c->type) {
    case RML_TYPE_BOOL:
        return *p;
    case RML_TYPE_I8:
        return (int8_t)*p;
    case RML_TYPE_I16:
        return (int16_t)rml_load_u16(p);
    case RML_TYPE_I32:
        return (int32_t)rml_load_u32(p);
    case RML_TYPE_I64:
    case RML_TYPE_U64:
        return (int64_t)rml_load_u64(p);
    default:
        assert(false && "a column of integers");
        return 0;
    }
}

double rml_column_get_f64(const rml_column *c, size_t row)
{
    if (rml_column_is_null(c, row)) {
        return NAN;
    }
    if (c->type == RML_TYPE_F64) {
        double v;
        memcpy(&v, c->values.data + row * sizeof v, sizeof v);
        return v;
    }
    if (c->type == RML_TYPE_F32) {
        float v;
        memcpy(&v, c->values.data + row * sizeof v, sizeof v);
        return (double)v;
    }
    int64_t v = rml_column_get_i64(c, row);
    return c->type == RML_TYPE_U64 ? (double)(uint64_t)v : (double)v;
}

rml_bytes rml_column_get_bytes(const rml_column *c, size_t row)
{
    assert(c->type == RML_TYPE_STRING || c->type == RML_TYPE_BINARY);
    size_t first = (size_t)offset_at(c, row), last = (size_t)offset_at(c, row + 1);
    return (rml_bytes){first < last ? c->values.data + first : NULL, last - first};
}

rml_str rml_column_get_str(const rml_column *c, size_t row)
{
    return rml_str_of_bytes(rml_column_get_bytes(c, row));
}

void rml_column_get_list(const rml_column *c, size_t row, size_t *first, size_t *count)
{
    assert(c->type == RML_TYPE_LIST);
    *first = (size_t)offset_at(c, row);
    *count = (size_t)offset_at(c, row + 1) - *first;
}
