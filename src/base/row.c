// Rows between the struct that holds them and the columns of a batch, by the table's list of
// fields.
#include "roadmill/base/row.h"

#include <math.h>
#include <string.h>

// ---- Names of enumerations ---------------------------------------------------------------------

const char *rml_names_text(const rml_names *names, size_t value)
{
    return value < names->count ? names->texts[value] : "unknown";
}

bool rml_names_find(const rml_names *names, rml_str text, size_t *out)
{
    for (size_t i = 0; i < names->count; i++) {
        if (rml_str_equal(text, rml_str_of(names->texts[i]))) {
            *out = i;
            return true;
        }
    }
    return false;
}

// ---- Appending ---------------------------------------------------------------------------------

static rml_status append_value(rml_column *c, const rml_field *f, const char *row, rml_error *err);

static rml_status append_text(rml_column *c, const rml_field *f, const void *data, size_t len,
                              rml_error *err)
{
    return len == 0 && f->nullable ? rml_column_null(c, err) : rml_column_bytes(c, data, len, err);
}

static rml_status append_number(rml_column *c, const rml_field *f, double value, rml_error *err)
{
    return isnan(value) && f->nullable ? rml_column_null(c, err) : rml_column_f64(c, value, err);
}

static rml_status append_item(rml_column *c, const rml_field *f, const char *item, rml_error *err)
{
    if (f->type != RML_TYPE_STRUCT) {
        return append_value(c, f, item, err);
    }
    for (size_t i = 0; i < f->child_count; i++) {
        RML_TRY(append_value(&c->children[i], &f->children[i], item, err));
    }
    return rml_column_struct_end(c, err);
}

static rml_status append_list(rml_column *c, const rml_field *f, const char *row, rml_error *err)
{
    const rml_member_list *list = f->member_of;
    const char *items = *(const char *const *)(const void *)(row + f->offset);
    size_t count = *(const size_t *)(const void *)(row + list->count_offset);
    for (size_t i = 0; i < count; i++) {
        RML_TRY(append_item(&c->children[0], &f->children[0], items + i * list->item_size, err));
    }
    return rml_column_list_end(c, err);
}

static rml_status append_value(rml_column *c, const rml_field *f, const char *row, rml_error *err)
{
    const void *at = row + f->offset;
    if (f->has_offset != 0 && !*(const bool *)(row + f->has_offset)) {
        return rml_column_null(c, err);
    }
    switch ((rml_member)f->member) {
    case RML_MEMBER_STR: {
        const rml_str *text = at;
        return append_text(c, f, text->data, text->len, err);
    }
    case RML_MEMBER_BYTES: {
        const rml_bytes *bytes = at;
        return append_text(c, f, bytes->data, bytes->len, err);
    }
    case RML_MEMBER_ID:
        return append_text(c, f, at, strlen(at), err);
    case RML_MEMBER_BOOL:
        return rml_column_bool(c, *(const bool *)at, err);
    case RML_MEMBER_I64:
        return rml_column_i64(c, *(const int64_t *)at, err);
    case RML_MEMBER_U64:
        return rml_column_i64(c, (int64_t) * (const uint64_t *)at, err);
    case RML_MEMBER_U32:
        return rml_column_i64(c, *(const uint32_t *)at, err);
    case RML_MEMBER_I32:
        return rml_column_i64(c, *(const int32_t *)at, err);
    case RML_MEMBER_F64:
        return append_number(c, f, *(const double *)at, err);
    case RML_MEMBER_F32:
        return append_number(c, f, (double)*(const float *)at, err);
    case RML_MEMBER_NAME:
        return rml_column_str(c, rml_str_of(rml_names_text(f->member_of, *(const unsigned *)at)),
                              err);
    case RML_MEMBER_LIST:
        return append_list(c, f, row, err);
    case RML_MEMBER_OWN:
        return ((const rml_member_own *)f->member_of)->append(c, at, err);
    case RML_MEMBER_NONE:
        break;
    }
    return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                    "expected a column that says where its value lies, found %.*s",
                    RML_FMT(f->name));
}

rml_status rml_row_append(rml_batch *batch, const void *row, rml_error *err)
{
    rml_status st = RML_OK;
    for (size_t i = 0; st == RML_OK && i < batch->schema.count; i++) {
        st = append_value(&batch->columns[i], &batch->schema.fields[i], row, err);
    }
    st = st ? st : rml_batch_row_end(batch, err);
    for (size_t i = 0; st != RML_OK && i < batch->schema.count; i++) {
        rml_column_cut(&batch->columns[i], batch->count);
    }
    return st;
}

rml_status rml_schema_columns(rml_schema schema, rml_buffer *out, rml_error *err)
{
    for (size_t i = 0; i < schema.count; i++) {
        RML_TRY(rml_buffer_printf(out, err, "%s%.*s", i > 0 ? ", " : "",
                                  RML_FMT(schema.fields[i].name)));
    }
    return RML_OK;
}

// ---- Reading -----------------------------------------------------------------------------------

static rml_status read_value(const rml_column *c, const rml_field *f, size_t row, rml_arena *arena,
                             char *out, rml_error *err);

static rml_status read_text(rml_str text, rml_arena *arena, rml_str *out, rml_error *err)
{
    *out = arena == NULL || text.len == 0 ? text : rml_arena_str(arena, text);
    return out->data == NULL && text.len > 0 ? rml_fail_memory(err, text.len) : RML_OK;
}

static rml_status read_item(const rml_column *c, const rml_field *f, size_t row, rml_arena *arena,
                            char *item, rml_error *err)
{
    if (f->type != RML_TYPE_STRUCT) {
        return read_value(c, f, row, arena, item, err);
    }
    for (size_t i = 0; i < f->child_count; i++) {
        RML_TRY(read_value(&c->children[i], &f->children[i], row, arena, item, err));
    }
    return RML_OK;
}

static rml_status read_list(const rml_column *c, const rml_field *f, size_t row, rml_arena *arena,
                            char *out, rml_error *err)
{
    const rml_member_list *list = f->member_of;
    size_t first, count;
    rml_column_get_list(c, row, &first, &count);
    char *items = arena == NULL ? NULL : rml_arena_make_array(arena, count, list->item_size);
    if (count > 0 && arena == NULL) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected an arena for the list %.*s, found none", RML_FMT(f->name));
    }
    if (count > 0 && items == NULL) {
        return rml_fail_memory(err, count * list->item_size);
    }
    for (size_t i = 0; i < count; i++) {
        RML_TRY(read_item(&c->children[0], &f->children[0], first + i, arena,
                          items + i * list->item_size, err));
    }
    memcpy(out + f->offset, &items, sizeof items);
    memcpy(out + list->count_offset, &count, sizeof count);
    return RML_OK;
}

static rml_status read_name(const rml_field *f, rml_str text, unsigned *out, rml_error *err)
{
    const rml_names *names = f->member_of;
    size_t value;
    if (!rml_names_find(names, text, &value) &&
        !rml_names_find(names, RML_STR("unknown"), &value)) {
        return rml_fail(err, RML_ERR_DATA, (rml_place){0}, NULL,
                        "expected a name such as %s in column %.*s, found %.*s", names->texts[0],
                        RML_FMT(f->name), RML_FMT(text));
    }
    *out = (unsigned)value;
    return RML_OK;
}

static rml_status read_id(const rml_field *f, rml_str text, char *out, rml_error *err)
{
    if (text.len >= RML_HASH_TEXT) {
        return rml_fail(err, RML_ERR_DATA, (rml_place){0}, NULL,
                        "expected an id of at most %d characters in column %.*s, found %zu",
                        RML_HASH_TEXT - 1, RML_FMT(f->name), text.len);
    }
    memset(out, 0, RML_HASH_TEXT);
    memcpy(out, text.len > 0 ? text.data : "", text.len);
    return RML_OK;
}

static rml_status read_value(const rml_column *c, const rml_field *f, size_t row, rml_arena *arena,
                             char *out, rml_error *err)
{
    void *at = out + f->offset;
    if (f->has_offset != 0) {
        *(bool *)(out + f->has_offset) = !rml_column_is_null(c, row);
    }
    switch ((rml_member)f->member) {
    case RML_MEMBER_STR:
        return read_text(rml_column_get_str(c, row), arena, at, err);
    case RML_MEMBER_BYTES: {
        rml_str text;
        RML_TRY(read_text(rml_column_get_str(c, row), arena, &text, err));
        *(rml_bytes *)at = rml_bytes_of_str(text);
        return RML_OK;
    }
    case RML_MEMBER_BOOL:
        *(bool *)at = rml_column_get_i64(c, row) != 0;
        return RML_OK;
    case RML_MEMBER_I64:
        *(int64_t *)at = rml_column_get_i64(c, row);
        return RML_OK;
    case RML_MEMBER_U64:
        *(uint64_t *)at = (uint64_t)rml_column_get_i64(c, row);
        return RML_OK;
    case RML_MEMBER_U32:
        *(uint32_t *)at = (uint32_t)rml_column_get_i64(c, row);
        return RML_OK;
    case RML_MEMBER_I32:
        *(int32_t *)at = (int32_t)rml_column_get_i64(c, row);
        return RML_OK;
    case RML_MEMBER_F64:
        *(double *)at = rml_column_get_f64(c, row);
        return RML_OK;
    case RML_MEMBER_F32:
        *(float *)at = (float)rml_column_get_f64(c, row);
        return RML_OK;
    case RML_MEMBER_NAME:
        return read_name(f, rml_column_get_str(c, row), at, err);
    case RML_MEMBER_ID:
        return read_id(f, rml_column_get_str(c, row), at, err);
    case RML_MEMBER_LIST:
        return read_list(c, f, row, arena, out, err);
    case RML_MEMBER_OWN:
        return ((const rml_member_own *)f->member_of)->read(c, row, arena, at, err);
    case RML_MEMBER_NONE:
        break;
    }
    return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                    "expected a column that says where its value goes, found %.*s",
                    RML_FMT(f->name));
}

// What a field holds where its table lacks the column.
static void read_missing(const rml_field *f, char *out)
{
    void *at = out + f->offset;
    if (f->has_offset != 0) {
        *(bool *)(out + f->has_offset) = false;
    }
    if (f->member == RML_MEMBER_F64) {
        *(double *)at = NAN;
    } else if (f->member == RML_MEMBER_F32) {
        *(float *)at = NAN;
    } else if (f->member == RML_MEMBER_STR) {
        *(rml_str *)at = (rml_str){0};
    }
}

rml_status rml_row_reader_init(rml_row_reader *r, rml_schema schema, rml_schema given,
                               rml_error *err)
{
    *r = (rml_row_reader){.schema = schema};
    if (schema.count > RML_ROW_FIELDS_MAX || given.count >= UINT16_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, NULL,
                        "expected at most %d columns, found %zu", RML_ROW_FIELDS_MAX, schema.count);
    }
    for (size_t i = 0; i < schema.count; i++) {
        const rml_field *f = &schema.fields[i];
        size_t at = rml_schema_find(given, f->name);
        if (at < given.count && given.fields[at].type == f->type) {
            r->at[i] = (uint16_t)(at + 1);
        } else if (!f->nullable || at < given.count) {
            return rml_fail(err, RML_ERR_DATA, (rml_place){0}, NULL,
                            "expected a column %.*s of type %s, found %s", RML_FMT(f->name),
                            rml_type_name(f->type),
                            at < given.count ? rml_type_name(given.fields[at].type) : "none");
        }
    }
    return RML_OK;
}

rml_status rml_row_read(const rml_row_reader *r, const rml_batch *batch, size_t row,
                        rml_arena *arena, void *out, rml_error *err)
{
    for (size_t i = 0; i < r->schema.count; i++) {
        const rml_field *f = &r->schema.fields[i];
        if (r->at[i] == 0) {
            read_missing(f, out);
        } else {
            RML_TRY(read_value(&batch->columns[r->at[i] - 1], f, row, arena, out, err));
        }
    }
    return RML_OK;
}
