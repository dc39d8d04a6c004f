// The order of a table's rows (docs/lake.md, "The digest of rows").
#include "row_order.h"

#include <string.h>

#include "roadmill/parquet/rows.h"

#include "nan.h"

// Rows of one recording come channel by channel, those of a channel by the time they were written.
static const char *const first_names[] = {"log_ns",   "drive_id", "source",   "track_id",
                                          "t_ns",     "t0_ns",    "start_ns", "offset",
                                          "sequence", "frame",    "signal"};

// ---- Columns -----------------------------------------------------------------------------------

static bool is_sortable(rml_type type)
{
    return type <= RML_TYPE_U64 || type == RML_TYPE_STRING;
}

static size_t find(rml_schema schema, const char *name, bool text)
{
    for (size_t i = 0; i < schema.count; i++) {
        const rml_field *f = &schema.fields[i];
        bool fits = text ? f->type == RML_TYPE_STRING : is_sortable(f->type);
        if (fits && rml_str_equal(f->name, rml_str_of(name))) {
            return i;
        }
    }
    return schema.count;
}

static void take(rml_row_order *o, bool *taken, size_t index, size_t count)
{
    if (index < count && !taken[index]) {
        o->columns[o->count++] = index;
        taken[index] = true;
    }
}

static void sort_by_name(rml_schema schema, size_t *indexes)
{
    for (size_t i = 0; i < schema.count; i++) {
        size_t at = i;
        for (; at > 0 &&
               rml_str_compare(schema.fields[indexes[at - 1]].name, schema.fields[i].name) > 0;
             at--) {
            indexes[at] = indexes[at - 1];
        }
        indexes[at] = i;
    }
}

rml_status rml_row_order_of(rml_arena *arena, rml_schema schema, rml_row_order *out, rml_error *err)
{
    size_t n = schema.count;
    *out = (rml_row_order){.columns = RML_NEW_ARRAY(arena, size_t, n + 1),
                           .by_name = RML_NEW_ARRAY(arena, size_t, n + 1)};
    bool *taken = RML_NEW_ARRAY(arena, bool, n + 1);
    if (out->columns == NULL || out->by_name == NULL || taken == NULL) {
        return rml_fail_memory(err, n * sizeof(size_t));
    }
    sort_by_name(schema, out->by_name);
    take(out, taken, find(schema, "recording_id", true), n);
    size_t channel = find(schema, "channel", true);
    take(out, taken, channel < n ? channel : find(schema, "bus", true), n);
    out->group = out->count;
    for (size_t i = 0; i < sizeof first_names / sizeof *first_names; i++) {
        take(out, taken, find(schema, first_names[i], false), n);
    }
    for (size_t i = 0; i < n; i++) {
        if (is_sortable(schema.fields[out->by_name[i]].type)) {
            take(out, taken, out->by_name[i], n);
        }
    }
    out->coarse = out->count;
    for (size_t i = 0; i < n; i++) {
        take(out, taken, out->by_name[i], n);
    }
    return RML_OK;
}

// ---- Values ------------------------------------------------------------------------------------

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_values(const rml_column *x, size_t a, const rml_column *y, size_t b);

static int compare_lists(const rml_column *x, size_t a, const rml_column *y, size_t b)
{
    size_t first_x, n_x, first_y, n_y;
    rml_column_get_list(x, a, &first_x, &n_x);
    rml_column_get_list(y, b, &first_y, &n_y);
    for (size_t i = 0; i < n_x && i < n_y; i++) {
        int c = compare_values(&x->children[0], first_x + i, &y->children[0], first_y + i);
        if (c != 0) {
            return c;
        }
    }
    return compare_u64(n_x, n_y);
}

static int compare_fixed(const rml_column *x, size_t a, const rml_column *y, size_t b)
{
    if (x->type == RML_TYPE_F64 || x->type == RML_TYPE_U64) {
        uint64_t v, w;
        memcpy(&v, x->values.data + 8 * a, 8);
        memcpy(&w, y->values.data + 8 * b, 8);
        bool number = x->type == RML_TYPE_U64;
        return number ? compare_u64(v, w) : compare_u64(rml_nan64(v), rml_nan64(w));
    }
    if (x->type == RML_TYPE_F32) {
        uint32_t v, w;
        memcpy(&v, x->values.data + 4 * a, 4);
        memcpy(&w, y->values.data + 4 * b, 4);
        return compare_u64(rml_nan32(v), rml_nan32(w));
    }
    int64_t v = rml_column_get_i64(x, a), w = rml_column_get_i64(y, b);
    return (v > w) - (v < w);
}

static int compare_values(const rml_column *x, size_t a, const rml_column *y, size_t b)
{
    bool null_x = rml_column_is_null(x, a), null_y = rml_column_is_null(y, b);
    if (null_x || null_y) {
        return (int)null_y - (int)null_x;
    }
    switch (x->type) {
    case RML_TYPE_STRING:
    case RML_TYPE_BINARY:
        return rml_str_compare(rml_column_get_str(x, a), rml_column_get_str(y, b));
    case RML_TYPE_LIST:
        return compare_lists(x, a, y, b);
    case RML_TYPE_STRUCT:
        for (size_t i = 0; i < x->child_count; i++) {
            int c = compare_values(&x->children[i], a, &y->children[i], b);
            if (c != 0) {
                return c;
            }
        }
        return 0;
    default:
        return compare_fixed(x, a, y, b);
    }
}

int rml_row_compare(const rml_row_order *o, size_t from, size_t to, rml_row_at a, rml_row_at b)
{
    int c = 0;
    for (size_t i = from; c == 0 && i < to; i++) {
        size_t k = o->columns[i];
        c = compare_values(&a.columns[k], a.row, &b.columns[k], b.row);
    }
    return c;
}

// ---- SQL ---------------------------------------------------------------------------------------

rml_status rml_rows_order_by(rml_schema schema, rml_buffer *out, rml_error *err)
{
    rml_arena arena = {0};
    rml_row_order o;
    rml_status st = rml_row_order_of(&arena, schema, &o, err);
    for (size_t i = 0; st == RML_OK && i < o.coarse; i++) {
        rml_str name = schema.fields[o.columns[i]].name;
        st = rml_buffer_str(out, i > 0 ? RML_STR(", \"") : RML_STR("\""), err);
        for (size_t k = 0; st == RML_OK && k < name.len; k++) {
            bool quote = name.data[k] == '"';
            st = rml_buffer_append(out, quote ? "\"\"" : name.data + k, quote ? 2 : 1, err);
        }
        st = st ? st : rml_buffer_str(out, RML_STR("\" ASC NULLS FIRST"), err);
    }
    // Without a column to sort by any order does.
    if (st == RML_OK && o.coarse == 0) {
        st = rml_buffer_str(out, RML_STR("1"), err);
    }
    rml_arena_reset(&arena);
    return st;
}

rml_status rml_rows_open_end(const rml_batch *rows, size_t *out, rml_error *err)
{
    rml_arena arena = {0};
    rml_row_order o;
    rml_status st = rml_row_order_of(&arena, rows->schema, &o, err);
    size_t at = rows->count;
    if (st == RML_OK && at > 0) {
        at--;
        while (at > 0 && rml_row_compare(&o, 0, o.coarse, (rml_row_at){rows->columns, at - 1},
                                         (rml_row_at){rows->columns, at}) == 0) {
            at--;
        }
    }
    *out = at;
    rml_arena_reset(&arena);
    return st;
}
