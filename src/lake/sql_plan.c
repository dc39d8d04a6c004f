// How the vectors of a result become columns.
#include "sql_plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "roadmill/parquet.h"

// ---- Types -------------------------------------------------------------------------------------

// Types whose values are copied, converted by a factor, or widened.
static const struct {
    int type;
    rml_type ours;
} simple[] = {
    {DUCKDB_BOOLEAN, RML_TYPE_BOOL},     {DUCKDB_TINYINT, RML_TYPE_I8},
    {DUCKDB_SMALLINT, RML_TYPE_I16},     {DUCKDB_INTEGER, RML_TYPE_I32},
    {DUCKDB_BIGINT, RML_TYPE_I64},       {DUCKDB_UTINYINT, RML_TYPE_I16},
    {DUCKDB_USMALLINT, RML_TYPE_I32},    {DUCKDB_UINTEGER, RML_TYPE_I64},
    {DUCKDB_UBIGINT, RML_TYPE_U64},      {DUCKDB_FLOAT, RML_TYPE_F32},
    {DUCKDB_DOUBLE, RML_TYPE_F64},       {DUCKDB_VARCHAR, RML_TYPE_STRING},
    {DUCKDB_BLOB, RML_TYPE_BINARY},      {DUCKDB_DATE, RML_TYPE_I32},
    {DUCKDB_TIMESTAMP, RML_TYPE_I64},    {DUCKDB_TIMESTAMP_S, RML_TYPE_I64},
    {DUCKDB_TIMESTAMP_MS, RML_TYPE_I64}, {DUCKDB_TIMESTAMP_NS, RML_TYPE_I64},
    {DUCKDB_TIMESTAMP_TZ, RML_TYPE_I64}, {DUCKDB_HUGEINT, RML_TYPE_I64},
    {DUCKDB_SQLNULL, RML_TYPE_I32},
};

typedef struct maker {
    const rml_duckdb *api;
    rml_arena *arena;
    rml_str column; // for errors
    rml_error *err;
} maker;

static rml_status make_type(maker *m, duckdb_handle type, rml_sql_plan *plan, rml_field *field);

static rml_status make_children(maker *m, size_t count, rml_sql_plan *plan, rml_field *field,
                                rml_field **fields)
{
    plan->child_count = count;
    plan->children = RML_NEW_ARRAY(m->arena, rml_sql_plan, count + 1);
    *fields = RML_NEW_ARRAY(m->arena, rml_field, count + 1);
    if (plan->children == NULL || *fields == NULL) {
        return rml_fail_memory(m->err, count * sizeof **fields);
    }
    field->children = *fields;
    field->child_count = count;
    return RML_OK;
}

// Takes the type's handle.
static rml_status make_child(maker *m, duckdb_handle type, rml_str name, rml_sql_plan *plan,
                             rml_field *field)
{
    rml_status st = make_type(m, type, plan, field);
    m->api->destroy_logical_type(&type);
    field->name = name;
    return st;
}

static rml_status make_struct(maker *m, duckdb_handle type, rml_sql_plan *plan, rml_field *field)
{
    rml_field *fields = NULL;
    RML_TRY(make_children(m, (size_t)m->api->struct_type_child_count(type), plan, field, &fields));
    field->type = RML_TYPE_STRUCT;
    for (size_t i = 0; i < plan->child_count; i++) {
        char *text = m->api->struct_type_child_name(type, i);
        rml_str name = rml_arena_str(m->arena, rml_str_of(text));
        m->api->free(text);
        if (name.data == NULL) {
            return rml_fail_memory(m->err, 64);
        }
        RML_TRY(make_child(m, m->api->struct_type_child_type(type, i), name, &plan->children[i],
                           &fields[i]));
    }
    if (plan->child_count == 1 && fields[0].type == RML_TYPE_BOOL &&
        rml_str_equal(fields[0].name, RML_STR(RML_EMPTY_FIELD))) {
        plan->empty = true;
        plan->child_count = 0;
        field->child_count = 0;
        field->children = NULL;
    }
    return RML_OK;
}

static rml_status make_list(maker *m, duckdb_handle type, rml_sql_plan *plan, rml_field *field)
{
    rml_field *element = NULL;
    RML_TRY(make_children(m, 1, plan, field, &element));
    field->type = RML_TYPE_LIST;
    if (plan->type != DUCKDB_MAP) {
        plan->array_size = plan->type == DUCKDB_ARRAY ? m->api->array_type_array_size(type) : 0;
        duckdb_handle child = plan->type == DUCKDB_ARRAY ? m->api->array_type_child_type(type)
                                                         : m->api->list_type_child_type(type);
        return make_child(m, child, RML_STR("element"), plan->children, element);
    }
    // A map is a list of structs (key, value).
    rml_field *pair = NULL;
    plan->children->type = DUCKDB_STRUCT;
    RML_TRY(make_children(m, 2, plan->children, element, &pair));
    *element = (rml_field){.name = RML_STR("element"),
                           .type = RML_TYPE_STRUCT,
                           .nullable = true,
                           .children = pair,
                           .child_count = 2};
    rml_sql_plan *plans = plan->children->children;
    RML_TRY(make_child(m, m->api->map_type_key_type(type), RML_STR("key"), &plans[0], &pair[0]));
    return make_child(m, m->api->map_type_value_type(type), RML_STR("value"), &plans[1], &pair[1]);
}

static rml_status make_enum(maker *m, duckdb_handle type, rml_sql_plan *plan, rml_field *field)
{
    field->type = RML_TYPE_STRING;
    plan->storage = m->api->enum_internal_type(type);
    plan->name_count = m->api->enum_dictionary_size(type);
    plan->names = RML_NEW_ARRAY(m->arena, rml_str, plan->name_count + 1);
    if (plan->names == NULL) {
        return rml_fail_memory(m->err, plan->name_count * sizeof *plan->names);
    }
    for (size_t i = 0; i < plan->name_count; i++) {
        char *text = m->api->enum_dictionary_value(type, i);
        plan->names[i] = rml_arena_str(m->arena, rml_str_of(text));
        m->api->free(text);
    }
    return RML_OK;
}

// decimal(n,0): i64 up to 18 digits, u64 up to 20; anything else is a double.
static void make_decimal(maker *m, duckdb_handle type, rml_sql_plan *plan, rml_field *field)
{
    unsigned width = m->api->decimal_width(type), scale = m->api->decimal_scale(type);
    plan->storage = m->api->decimal_internal_type(type);
    plan->scale = scale;
    field->type = scale > 0 || width > 20 ? RML_TYPE_F64 : width > 18 ? RML_TYPE_U64 : RML_TYPE_I64;
}

static rml_status make_type(maker *m, duckdb_handle type, rml_sql_plan *plan, rml_field *field)
{
    *field = (rml_field){.nullable = true};
    *plan = (rml_sql_plan){.type = m->api->get_type_id(type)};
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++) {
        if (simple[i].type == plan->type) {
            field->type = simple[i].ours;
            return RML_OK;
        }
    }
    switch (plan->type) {
    case DUCKDB_DECIMAL:
        make_decimal(m, type, plan, field);
        return RML_OK;
    case DUCKDB_ENUM:
        return make_enum(m, type, plan, field);
    case DUCKDB_LIST:
    case DUCKDB_ARRAY:
    case DUCKDB_MAP:
        return make_list(m, type, plan, field);
    case DUCKDB_STRUCT:
        return make_struct(m, type, plan, field);
    default:
        return rml_fail(m->err, RML_ERR_UNSUPPORTED, (rml_place){0},
                        "cast it in the query, for instance to VARCHAR",
                        "column %.*s: expected a type that a column can hold, found DuckDB's "
                        "type %d",
                        RML_FMT(m->column), plan->type);
    }
}

rml_status rml_sql_plan_make(const rml_duckdb *api, duckdb_handle type, rml_str name,
                             rml_arena *arena, rml_sql_plan *plan, rml_field *field, rml_error *err)
{
    maker m = {.api = api, .arena = arena, .column = name, .err = err};
    RML_TRY(make_type(&m, type, plan, field));
    field->name = name;
    return RML_OK;
}

// ---- Values ------------------------------------------------------------------------------------

static bool is_valid(const uint64_t *validity, uint64_t i)
{
    return validity == NULL || (validity[i / 64] >> (i % 64) & 1) != 0;
}

static rml_str text_of(const duckdb_text *text)
{
    const char *data = text->length <= 12 ? text->prefix : text->data;
    return (rml_str){data, text->length};
}

static rml_status fail_range(const char *type, rml_error *err)
{
    return rml_fail(err, RML_ERR_LIMIT, (rml_place){0},
                    "cast it in the query, to DOUBLE or VARCHAR",
                    "expected a number that %s holds, found a larger one", type);
}

static int64_t integer_at(int type, const void *data, uint64_t i)
{
    switch (type) {
    case DUCKDB_SMALLINT:
        return ((const int16_t *)data)[i];
    case DUCKDB_INTEGER:
    case DUCKDB_DATE:
        return ((const int32_t *)data)[i];
    case DUCKDB_UTINYINT:
        return ((const uint8_t *)data)[i];
    case DUCKDB_USMALLINT:
        return ((const uint16_t *)data)[i];
    case DUCKDB_UINTEGER:
        return ((const uint32_t *)data)[i];
    default:
        return ((const int64_t *)data)[i];
    }
}

// 128 bits as decimal digits, correctly rounded: value / 10^scale, as the text's reader rounds it.
static double decimal_number(duckdb_hugeint v, unsigned scale)
{
    bool negative = v.upper < 0;
    uint64_t high = (uint64_t)v.upper, low = v.lower;
    if (negative) {
        low = ~low + 1;
        high = ~high + (low == 0);
    }
    char text[64];
    size_t at = sizeof text;
    uint32_t words[4] = {(uint32_t)(high >> 32), (uint32_t)high, (uint32_t)(low >> 32),
                         (uint32_t)low};
    for (bool more = true; more;) {
        uint64_t rest = 0;
        more = false;
        for (size_t i = 0; i < 4; i++) {
            uint64_t part = rest << 32 | words[i];
            words[i] = (uint32_t)(part / 10);
            rest = part % 10;
            more = more || words[i] != 0;
        }
        text[--at] = (char)('0' + rest);
    }
    char number[80];
    int len = snprintf(number, sizeof number, "%s%.*se-%u", negative ? "-" : "",
                       (int)(sizeof text - at), text + at, scale);
    double out = 0;
    return rml_parse_f64((rml_str){number, (size_t)len}, &out) ? out : NAN;
}

static rml_status append_huge(duckdb_hugeint v, const rml_sql_plan *plan, rml_column *out,
                              rml_error *err)
{
    if (out->type == RML_TYPE_F64) {
        return rml_column_f64(out, decimal_number(v, plan->scale), err);
    }
    if (out->type == RML_TYPE_U64) {
        return v.upper == 0 ? rml_column_value(out, &v.lower, err) : fail_range("u64", err);
    }
    int64_t low = (int64_t)v.lower;
    return v.upper == (low < 0 ? -1 : 0) ? rml_column_i64(out, low, err) : fail_range("i64", err);
}

static rml_status append_decimal(const rml_sql_plan *plan, const void *data, uint64_t i,
                                 rml_column *out, rml_error *err)
{
    if (plan->storage == DUCKDB_HUGEINT) {
        return append_huge(((const duckdb_hugeint *)data)[i], plan, out, err);
    }
    int64_t v = integer_at(plan->storage, data, i);
    if (out->type == RML_TYPE_F64) {
        duckdb_hugeint wide = {(uint64_t)v, v < 0 ? -1 : 0};
        return rml_column_f64(out, decimal_number(wide, plan->scale), err);
    }
    return rml_column_i64(out, v, err);
}

static rml_status append_time(int type, int64_t v, rml_column *out, rml_error *err)
{
    int64_t factor = type == DUCKDB_TIMESTAMP_S    ? 1000000000
                     : type == DUCKDB_TIMESTAMP_MS ? 1000000
                     : type == DUCKDB_TIMESTAMP_NS ? 1
                                                   : 1000;
    if (v > INT64_MAX / factor || v < INT64_MIN / factor) {
        return fail_range("i64 (nanoseconds)", err);
    }
    return rml_column_i64(out, v * factor, err);
}

static rml_status append_scalar(const rml_sql_plan *plan, const void *data, uint64_t i,
                                rml_column *out, rml_error *err)
{
    switch (plan->type) {
    case DUCKDB_VARCHAR:
    case DUCKDB_BLOB: {
        rml_str text = text_of(&((const duckdb_text *)data)[i]);
        return rml_column_bytes(out, text.data, text.len, err);
    }
    case DUCKDB_ENUM: {
        int64_t index = integer_at(plan->storage, data, i);
        return rml_column_str(out, plan->names[index], err);
    }
    case DUCKDB_DECIMAL:
        return append_decimal(plan, data, i, out, err);
    case DUCKDB_HUGEINT:
        return append_huge(((const duckdb_hugeint *)data)[i], plan, out, err);
    case DUCKDB_TIMESTAMP:
    case DUCKDB_TIMESTAMP_TZ:
    case DUCKDB_TIMESTAMP_S:
    case DUCKDB_TIMESTAMP_MS:
    case DUCKDB_TIMESTAMP_NS:
        return append_time(plan->type, ((const int64_t *)data)[i], out, err);
    case DUCKDB_UTINYINT:
    case DUCKDB_USMALLINT:
    case DUCKDB_UINTEGER:
        return rml_column_i64(out, integer_at(plan->type, data, i), err);
    default:
        return rml_column_value(out, (const char *)data + i * rml_type_size(out->type), err);
    }
}

// Types of DuckDB whose values lie in memory as ours do.
static bool is_copied(int type)
{
    return (type >= DUCKDB_BOOLEAN && type <= DUCKDB_BIGINT) || type == DUCKDB_DATE ||
           (type >= DUCKDB_UBIGINT && type <= DUCKDB_DOUBLE);
}

static rml_status append_scalars(const rml_duckdb *api, const rml_sql_plan *plan,
                                 duckdb_handle vector, uint64_t from, uint64_t count,
                                 rml_column *out, rml_error *err)
{
    const void *data = api->vector_get_data(vector);
    const uint64_t *validity = api->vector_get_validity(vector);
    if (plan->type == DUCKDB_SQLNULL) {
        for (uint64_t i = 0; i < count; i++) {
            RML_TRY(rml_column_null(out, err));
        }
        return RML_OK;
    }
    if (validity == NULL && out->null_count == 0 && is_copied(plan->type)) {
        size_t size = rml_type_size(out->type);
        RML_TRY(rml_buffer_append(&out->values, (const char *)data + from * size,
                                  (size_t)count * size, err));
        out->count += (size_t)count;
        return RML_OK;
    }
    for (uint64_t i = from; i < from + count; i++) {
        if (is_valid(validity, i)) {
            RML_TRY(append_scalar(plan, data, i, out, err));
        } else {
            RML_TRY(rml_column_null(out, err));
        }
    }
    return RML_OK;
}

// ---- Nested ------------------------------------------------------------------------------------

// Elements of rows that lie one after the other are appended together, and only then do the rows
// end: first the elements, row by row the spans.
static rml_status append_lists(const rml_duckdb *api, const rml_sql_plan *plan,
                               duckdb_handle vector, uint64_t from, uint64_t count, rml_column *out,
                               rml_error *err)
{
    const uint64_t *validity = api->vector_get_validity(vector);
    bool array = plan->type == DUCKDB_ARRAY;
    const duckdb_list_entry *entries = array ? NULL : api->vector_get_data(vector);
    duckdb_handle child =
        array ? api->array_vector_get_child(vector) : api->list_vector_get_child(vector);
    for (uint64_t i = from; i < from + count; i++) {
        if (!is_valid(validity, i)) {
            RML_TRY(rml_column_null(out, err));
            continue;
        }
        uint64_t first = array ? i * plan->array_size : entries[i].offset;
        uint64_t length = array ? plan->array_size : entries[i].length;
        if (length > 0) {
            RML_TRY(rml_sql_plan_append(api, plan->children, child, first, length,
                                        &out->children[0], err));
        }
        RML_TRY(rml_column_list_end(out, err));
    }
    return RML_OK;
}

static rml_status append_structs(const rml_duckdb *api, const rml_sql_plan *plan,
                                 duckdb_handle vector, uint64_t from, uint64_t count,
                                 rml_column *out, rml_error *err)
{
    const uint64_t *validity = api->vector_get_validity(vector);
    if (validity == NULL && out->null_count == 0) {
        for (size_t k = 0; k < plan->child_count; k++) {
            RML_TRY(rml_sql_plan_append(api, &plan->children[k],
                                        api->struct_vector_get_child(vector, k), from, count,
                                        &out->children[k], err));
        }
        out->count += (size_t)count;
        return RML_OK;
    }
    for (uint64_t i = from; i < from + count; i++) {
        if (!is_valid(validity, i)) {
            RML_TRY(rml_column_null(out, err));
            continue;
        }
        for (size_t k = 0; k < plan->child_count; k++) {
            RML_TRY(rml_sql_plan_append(api, &plan->children[k],
                                        api->struct_vector_get_child(vector, k), i, 1,
                                        &out->children[k], err));
        }
        RML_TRY(rml_column_struct_end(out, err));
    }
    return RML_OK;
}

rml_status rml_sql_plan_append(const rml_duckdb *api, const rml_sql_plan *plan,
                               duckdb_handle vector, uint64_t from, uint64_t count, rml_column *out,
                               rml_error *err)
{
    switch (plan->type) {
    case DUCKDB_LIST:
    case DUCKDB_ARRAY:
    case DUCKDB_MAP:
        return append_lists(api, plan, vector, from, count, out, err);
    case DUCKDB_STRUCT:
        return append_structs(api, plan, vector, from, count, out, err);
    default:
        return append_scalars(api, plan, vector, from, count, out, err);
    }
}
