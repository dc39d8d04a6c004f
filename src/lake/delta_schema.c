// Schemas in Delta's JSON form.
#include "delta_schema.h"

#include <string.h>

#include "roadmill/parquet.h"

// ---- Writing -----------------------------------------------------------------------------------

static const struct {
    const char *delta;
    rml_type type;
    bool exact; // written by us
} names[] = {
    {"boolean", RML_TYPE_BOOL, true},       {"byte", RML_TYPE_I8, true},
    {"short", RML_TYPE_I16, true},          {"integer", RML_TYPE_I32, true},
    {"long", RML_TYPE_I64, true},           {"decimal(20,0)", RML_TYPE_U64, true},
    {"float", RML_TYPE_F32, true},          {"double", RML_TYPE_F64, true},
    {"string", RML_TYPE_STRING, true},      {"binary", RML_TYPE_BINARY, true},
    {"date", RML_TYPE_I32, false},          {"timestamp", RML_TYPE_I64, false},
    {"timestamp_ntz", RML_TYPE_I64, false}, {"void", RML_TYPE_I32, false},
};
enum { NAME_COUNT = sizeof names / sizeof *names };

static void put_type(rml_json_writer *j, const rml_field *field);

static void put_struct(rml_json_writer *j, const rml_field *fields, size_t count)
{
    static const rml_field empty = {.name = {RML_EMPTY_FIELD, sizeof RML_EMPTY_FIELD - 1},
                                    .type = RML_TYPE_BOOL};
    if (count == 0) {
        fields = &empty;
        count = 1;
    }
    rml_json_object(j);
    rml_json_kv_str(j, "type", RML_STR("struct"));
    rml_json_key(j, "fields");
    rml_json_list(j);
    for (size_t i = 0; i < count; i++) {
        rml_json_object(j);
        rml_json_kv_str(j, "name", fields[i].name);
        rml_json_key(j, "type");
        put_type(j, &fields[i]);
        rml_json_kv_bool(j, "nullable", true);
        rml_json_key(j, "metadata");
        rml_json_object(j);
        rml_json_object_end(j);
        rml_json_object_end(j);
    }
    rml_json_list_end(j);
    rml_json_object_end(j);
}

static void put_type(rml_json_writer *j, const rml_field *field)
{
    if (field->type == RML_TYPE_STRUCT) {
        put_struct(j, field->children, field->child_count);
        return;
    }
    if (field->type == RML_TYPE_LIST) {
        rml_json_object(j);
        rml_json_kv_str(j, "type", RML_STR("array"));
        rml_json_key(j, "elementType");
        put_type(j, &field->children[0]);
        rml_json_kv_bool(j, "containsNull", true);
        rml_json_object_end(j);
        return;
    }
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (names[i].exact && names[i].type == field->type) {
            rml_json_str(j, rml_str_of(names[i].delta));
        }
    }
}

rml_status rml_schema_delta(rml_schema schema, rml_buffer *out, rml_error *err)
{
    rml_json_writer j;
    rml_json_writer_init(&j, out, err);
    put_struct(&j, schema.fields, schema.count);
    return rml_json_finish(&j);
}

// ---- Reading -----------------------------------------------------------------------------------

typedef struct parser {
    rml_arena *arena;
    rml_place at;
    bool exact;
    rml_error *err;
} parser;

static rml_status parse_type(parser *p, const rml_json *type, rml_field *out);

static rml_status parse_fields(parser *p, const rml_json *type, const rml_field **out,
                               size_t *count)
{
    const rml_json *list = rml_json_get(type, "fields");
    if (list == NULL || list->kind != RML_JSON_ARRAY) {
        return rml_fail(p->err, RML_ERR_DATA, p->at, NULL,
                        "expected a struct with an array of fields in schemaString");
    }
    rml_field *fields = RML_NEW_ARRAY(p->arena, rml_field, list->count + 1);
    if (fields == NULL) {
        return rml_fail_memory(p->err, list->count * sizeof *fields);
    }
    size_t n = 0;
    for (const rml_json *item = list->child; item != NULL; item = item->next, n++) {
        const rml_json *field_type = rml_json_get(item, "type");
        rml_str name = rml_json_get_str(item, "name", (rml_str){0});
        if (field_type == NULL || name.data == NULL) {
            return rml_fail(p->err, RML_ERR_DATA, p->at, NULL,
                            "expected a name and a type in each field of schemaString");
        }
        RML_TRY(parse_type(p, field_type, &fields[n]));
        fields[n].name = rml_arena_str(p->arena, name);
        fields[n].nullable = true;
        if (fields[n].name.data == NULL) {
            return rml_fail_memory(p->err, name.len);
        }
    }
    bool empty = n == 1 && fields[0].type == RML_TYPE_BOOL &&
                 rml_str_equal(fields[0].name, RML_STR(RML_EMPTY_FIELD));
    *out = empty ? NULL : fields;
    *count = empty ? 0 : n;
    return RML_OK;
}

static rml_status parse_list(parser *p, const rml_json *element, rml_field *out)
{
    rml_field *child = RML_NEW(p->arena, rml_field);
    if (child == NULL) {
        return rml_fail_memory(p->err, sizeof *child);
    }
    if (element == NULL) {
        return rml_fail(p->err, RML_ERR_DATA, p->at, NULL,
                        "expected an elementType in each array of schemaString");
    }
    RML_TRY(parse_type(p, element, child));
    child->name = RML_STR("element");
    child->nullable = true;
    *out = (rml_field){.type = RML_TYPE_LIST, .children = child, .child_count = 1};
    return RML_OK;
}

static rml_status parse_map(parser *p, const rml_json *type, rml_field *out)
{
    const rml_json *key = rml_json_get(type, "keyType"), *value = rml_json_get(type, "valueType");
    rml_field *entry = RML_NEW(p->arena, rml_field);
    rml_field *pair = RML_NEW_ARRAY(p->arena, rml_field, 2);
    if (entry == NULL || pair == NULL) {
        return rml_fail_memory(p->err, sizeof *entry);
    }
    if (key == NULL || value == NULL) {
        return rml_fail(p->err, RML_ERR_DATA, p->at, NULL,
                        "expected a keyType and a valueType in each map of schemaString");
    }
    RML_TRY(parse_type(p, key, &pair[0]));
    RML_TRY(parse_type(p, value, &pair[1]));
    pair[0].name = RML_STR("key");
    pair[1].name = RML_STR("value");
    pair[0].nullable = pair[1].nullable = true;
    *entry = (rml_field){.name = RML_STR("element"),
                         .type = RML_TYPE_STRUCT,
                         .nullable = true,
                         .children = pair,
                         .child_count = 2};
    *out = (rml_field){.type = RML_TYPE_LIST, .children = entry, .child_count = 1};
    p->exact = false;
    return RML_OK;
}

// decimal(precision,scale) as SQL hands it over: see table/sql.h.
static rml_type decimal_type(rml_str text)
{
    rml_str head, precision;
    rml_str scale = rml_str_cut(rml_str_cut(text, '(', &head), ',', &precision);
    uint64_t digits = 0;
    if (!rml_str_equal(rml_str_trim(scale), RML_STR("0)")) ||
        !rml_parse_u64(rml_str_trim(precision), &digits) || digits > 20) {
        return RML_TYPE_F64;
    }
    return digits > 18 ? RML_TYPE_U64 : RML_TYPE_I64;
}

static rml_status parse_type(parser *p, const rml_json *type, rml_field *out)
{
    *out = (rml_field){0};
    if (type->kind == RML_JSON_OBJECT) {
        rml_str kind = rml_json_get_str(type, "type", RML_STR(""));
        if (rml_str_equal(kind, RML_STR("struct"))) {
            out->type = RML_TYPE_STRUCT;
            return parse_fields(p, type, &out->children, &out->child_count);
        }
        if (rml_str_equal(kind, RML_STR("array"))) {
            return parse_list(p, rml_json_get(type, "elementType"), out);
        }
        if (rml_str_equal(kind, RML_STR("map"))) {
            return parse_map(p, type, out);
        }
        return rml_fail(p->err, RML_ERR_UNSUPPORTED, p->at, NULL,
                        "expected struct, array or map as nested type, found %.*s", RML_FMT(kind));
    }
    for (size_t i = 0; i < NAME_COUNT && type->kind == RML_JSON_STRING; i++) {
        if (rml_str_equal(type->string, rml_str_of(names[i].delta))) {
            out->type = names[i].type;
            p->exact = p->exact && names[i].exact;
            return RML_OK;
        }
    }
    if (type->kind == RML_JSON_STRING && rml_str_starts(type->string, RML_STR("decimal("))) {
        out->type = decimal_type(type->string);
        p->exact = false;
        return RML_OK;
    }
    return rml_fail(p->err, RML_ERR_UNSUPPORTED, p->at, NULL,
                    "expected a type that a column can hold, found %.*s", RML_FMT(type->string));
}

rml_status rml_schema_parse(rml_arena *arena, const rml_json *text, rml_place at, rml_schema *out,
                            bool *exact, rml_error *err)
{
    parser p = {.arena = arena, .at = at, .exact = true, .err = err};
    RML_TRY(parse_fields(&p, text, &out->fields, &out->count));
    *exact = p.exact;
    return RML_OK;
}
