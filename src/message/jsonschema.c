// Messages of JSON (RFC 8259) with a JSON Schema (json-schema.org, drafts 4 to 2020-12: type,
// properties, items, $ref within the schema, contentEncoding base64) into columns. An object of sec
// and nsec alone is a time: one I64 of nanoseconds. What the schema does not tell the type of, and
// a type within itself, is a column of JSON text; without a schema of an object the whole message
// is one, named "json". A member that is absent is no value; a member that the schema does not name
// stays out.
#include <math.h>
#include <string.h>

#include "plan.h"
#include "roadmill/base/json.h"

typedef enum shape_kind {
    K_BOOL,
    K_INT,
    K_NUMBER,
    K_TEXT,
    K_BYTES,
    K_TIME,
    K_JSON,
    K_LIST,
    K_OBJECT
} shape_kind;

typedef struct shape {
    shape_kind kind;
    rml_str key;                // of a member, as the text has it
    const struct shape *inside; // LIST: 1, OBJECT: as many as fields
    const rml_field *fields;    // OBJECT: the columns, named as their members
    size_t count;
} shape;

typedef struct state {
    const shape *root; // NULL: the whole message is one text
} state;

// ---- Compiling ---------------------------------------------------------------------------------

typedef struct compiler {
    rml_arena *arena;
    rml_str file;
    const rml_json *root;
    const rml_json *path[RML_PLAN_DEPTH_MAX];
    size_t depth, total;
    rml_error *err;
} compiler;

// "#/$defs/Pose" of the schema; NULL if it leads nowhere. Escapes in names are not used by tools.
static const rml_json *follow(const rml_json *root, rml_str pointer)
{
    rml_str left = pointer, part;
    if (!rml_str_starts(pointer, RML_STR("#"))) {
        return NULL;
    }
    left = (rml_str){left.data + 1, left.len - 1};
    const rml_json *at = root;
    while (left.len > 0 && at != NULL) {
        left = (rml_str){left.data + 1, left.len - 1}; // the slash
        left = rml_str_cut(left, '/', &part);
        const rml_json *child = at->kind == RML_JSON_OBJECT ? at->child : NULL;
        while (child != NULL && !rml_str_equal(child->key, part)) {
            child = child->next;
        }
        at = child;
        if (left.len > 0) {
            left = (rml_str){left.data - 1, left.len + 1};
        }
    }
    return at;
}

// The type that is not "null", where a list of two says that a value may be missing.
static rml_str type_of(const rml_json *schema)
{
    const rml_json *type = rml_json_get(schema, "type");
    if (type != NULL && type->kind == RML_JSON_ARRAY && type->count <= 2) {
        for (const rml_json *t = type->child; t != NULL; t = t->next) {
            if (t->kind == RML_JSON_STRING && !rml_str_equal(t->string, RML_STR("null"))) {
                return type->count == 2 || t->next == NULL ? t->string : (rml_str){0};
            }
        }
    }
    return type != NULL && type->kind == RML_JSON_STRING ? type->string : (rml_str){0};
}

static bool is_time(const rml_json *properties)
{
    return properties->count == 2 && rml_json_get(properties, "sec") != NULL &&
           (rml_json_get(properties, "nsec") != NULL ||
            rml_json_get(properties, "nanosec") != NULL);
}

static rml_status compile_value(compiler *c, const rml_json *schema, shape *out, rml_field *field);

static rml_status compile_object(compiler *c, const rml_json *properties, shape *out,
                                 rml_field *field)
{
    shape *inside = RML_NEW_ARRAY(c->arena, shape, properties->count);
    rml_field *fields = RML_NEW_ARRAY(c->arena, rml_field, properties->count);
    if (inside == NULL || fields == NULL) {
        return rml_fail_memory(c->err, properties->count * sizeof *fields);
    }
    size_t i = 0;
    for (const rml_json *p = properties->child; p != NULL; p = p->next, i++) {
        fields[i].nullable = true;
        RML_TRY(rml_plan_unique_name(c->arena, fields, i, p->key, &fields[i].name, c->err));
        inside[i].key = p->key;
        RML_TRY(compile_value(c, p, &inside[i], &fields[i]));
    }
    *out =
        (shape){.kind = K_OBJECT, .key = out->key, .inside = inside, .fields = fields, .count = i};
    field->type = RML_TYPE_STRUCT;
    field->children = fields;
    field->child_count = i;
    return RML_OK;
}

static rml_status compile_list(compiler *c, const rml_json *items, shape *out, rml_field *field)
{
    shape *inside = RML_NEW(c->arena, shape);
    rml_field *element = RML_NEW(c->arena, rml_field);
    if (inside == NULL || element == NULL) {
        return rml_fail_memory(c->err, sizeof *element);
    }
    *element = (rml_field){.name = RML_STR("element"), .nullable = true};
    RML_TRY(compile_value(c, items, inside, element));
    *out = (shape){.kind = K_LIST, .key = out->key, .inside = inside};
    field->type = RML_TYPE_LIST;
    field->children = element;
    field->child_count = 1;
    return RML_OK;
}

static void scalar(shape *out, rml_field *field, shape_kind k, rml_type type)
{
    *out = (shape){.kind = k, .key = out->key};
    field->type = type;
}

static rml_status compile_type(compiler *c, const rml_json *schema, shape *out, rml_field *field)
{
    rml_str type = type_of(schema);
    const rml_json *properties = rml_json_get(schema, "properties");
    const rml_json *items = rml_json_get(schema, "items");
    bool object = rml_str_equal(type, RML_STR("object")) && properties != NULL &&
                  properties->kind == RML_JSON_OBJECT && properties->count > 0;
    if (object && is_time(properties)) {
        scalar(out, field, K_TIME, RML_TYPE_I64);
    } else if (object) {
        return compile_object(c, properties, out, field);
    } else if (rml_str_equal(type, RML_STR("array")) && items != NULL &&
               items->kind == RML_JSON_OBJECT) {
        return compile_list(c, items, out, field);
    } else if (rml_str_equal(type, RML_STR("string"))) {
        rml_str encoding = rml_json_get_str(schema, "contentEncoding", (rml_str){0});
        bool bytes = rml_str_equal(encoding, RML_STR("base64"));
        scalar(out, field, bytes ? K_BYTES : K_TEXT, bytes ? RML_TYPE_BINARY : RML_TYPE_STRING);
    } else if (rml_str_equal(type, RML_STR("integer"))) {
        scalar(out, field, K_INT, RML_TYPE_I64);
    } else if (rml_str_equal(type, RML_STR("number"))) {
        scalar(out, field, K_NUMBER, RML_TYPE_F64);
    } else if (rml_str_equal(type, RML_STR("boolean"))) {
        scalar(out, field, K_BOOL, RML_TYPE_BOOL);
    } else {
        scalar(out, field, K_JSON, RML_TYPE_STRING);
    }
    return RML_OK;
}

static rml_status compile_value(compiler *c, const rml_json *schema, shape *out, rml_field *field)
{
    const rml_json *at = schema;
    for (int hops = 0; hops < 8 && rml_json_get(at, "$ref") != NULL; hops++) {
        at = follow(c->root, rml_json_get_str(at, "$ref", (rml_str){0}));
    }
    bool within_itself = at == NULL;
    for (size_t i = 0; i < c->depth; i++) {
        within_itself |= c->path[i] == at;
    }
    if (within_itself || rml_json_get(at, "$ref") != NULL) {
        scalar(out, field, K_JSON, RML_TYPE_STRING);
        return RML_OK;
    }
    if (c->depth == RML_PLAN_DEPTH_MAX || ++c->total > RML_PLAN_NODES_MAX) {
        return rml_fail(c->err, RML_ERR_LIMIT, rml_place_file(c->file), NULL,
                        "expected a schema of at most %d members, %d deep, found more",
                        RML_PLAN_NODES_MAX, RML_PLAN_DEPTH_MAX);
    }
    c->path[c->depth++] = at;
    rml_status st = compile_type(c, at, out, field);
    c->depth--;
    return st;
}

static rml_status compile_text(rml_message_plan *plan)
{
    static const rml_field whole = {.name = {"json", 4}, .type = RML_TYPE_STRING, .nullable = true};
    plan->schema = (rml_schema){&whole, 1};
    return RML_OK;
}

static rml_status compile_schema(const rml_message_kind *kind, rml_str file, rml_message_plan *plan,
                                 rml_error *err)
{
    compiler c = {.arena = &plan->arena, .file = file, .err = err};
    state *st = RML_NEW(&plan->arena, state);
    shape *root = RML_NEW(&plan->arena, shape);
    rml_field row = {0};
    if (st == NULL || root == NULL) {
        return rml_fail_memory(err, sizeof *root);
    }
    plan->state = st;
    rml_str text = rml_str_of_bytes(kind->schema);
    if (rml_str_trim(text).len == 0) {
        return compile_text(plan);
    }
    RML_TRY(rml_json_parse(&plan->arena, text, file, &c.root, err));
    RML_TRY(compile_value(&c, c.root, root, &row));
    if (root->kind != K_OBJECT) {
        return compile_text(plan);
    }
    st->root = root;
    plan->schema = (rml_schema){root->fields, root->count};
    return RML_OK;
}

static rml_status compile_without(const rml_message_kind *kind, rml_str file,
                                  rml_message_plan *plan, rml_error *err)
{
    (void)kind;
    (void)file;
    plan->state = RML_NEW(&plan->arena, state);
    return plan->state == NULL ? rml_fail_memory(err, sizeof(state)) : compile_text(plan);
}

// ---- Decoding ----------------------------------------------------------------------------------

typedef struct decoder {
    rml_place place;
    rml_error *err;
} decoder;

static rml_status misfit(const decoder *d, rml_str name, const char *expected)
{
    return rml_fail(d->err, RML_ERR_DATA, d->place, NULL,
                    "expected %s in %.*s, as its schema says, found something else", expected,
                    RML_FMT(name));
}

static rml_status append_time(const decoder *d, const rml_json *v, rml_str name, rml_column *c)
{
    const rml_json *sec = rml_json_get(v, "sec"), *nsec = rml_json_get(v, "nsec");
    nsec = nsec == NULL ? rml_json_get(v, "nanosec") : nsec;
    const int64_t most = INT64_MAX / 1000000000 - 3;
    if (sec == NULL || nsec == NULL || sec->kind != RML_JSON_INT || nsec->kind != RML_JSON_INT ||
        sec->integer > most || sec->integer < -most || nsec->integer < 0 ||
        nsec->integer > 4294967295) {
        return misfit(d, name, "sec and nsec");
    }
    return rml_column_i64(c, sec->integer * 1000000000 + nsec->integer, d->err);
}

static rml_status append_json(const decoder *d, const rml_json *v, rml_column *c)
{
    rml_buffer text = {0};
    rml_json_writer w;
    rml_json_writer_init(&w, &text, d->err);
    rml_json_value(&w, v);
    rml_status st = rml_json_finish(&w);
    st = st ? st : rml_column_str(c, rml_buffer_text(&text), d->err);
    rml_buffer_reset(&text);
    return st;
}

static rml_status append_bytes(const decoder *d, const rml_json *v, rml_str name, rml_column *c)
{
    rml_buffer bytes = {0};
    rml_status st = rml_base64_append(v->string, &bytes, NULL);
    st = st == RML_OK ? rml_column_bytes(c, bytes.data, bytes.len, d->err)
                      : misfit(d, name, "base64");
    rml_buffer_reset(&bytes);
    return st;
}

static rml_status append(const decoder *d, const shape *s, const rml_json *v, rml_str name,
                         rml_column *c);

static rml_status append_members(const decoder *d, const shape *s, const rml_json *v,
                                 rml_column *columns)
{
    for (size_t i = 0; i < s->count; i++) {
        RML_TRY(append(d, &s->inside[i], rml_json_get(v, s->inside[i].key.data), s->fields[i].name,
                       &columns[i]));
    }
    return RML_OK;
}

static rml_status append_elements(const decoder *d, const shape *s, const rml_json *v, rml_str name,
                                  rml_column *c)
{
    for (const rml_json *e = v->child; e != NULL; e = e->next) {
        RML_TRY(append(d, s->inside, e, name, &c->children[0]));
    }
    return rml_column_list_end(c, d->err);
}

static rml_status append(const decoder *d, const shape *s, const rml_json *v, rml_str name,
                         rml_column *c)
{
    if (v == NULL || v->kind == RML_JSON_NULL) {
        return rml_column_null(c, d->err);
    }
    bool number = v->kind == RML_JSON_INT || v->kind == RML_JSON_NUMBER;
    bool whole =
        v->kind == RML_JSON_INT || (v->kind == RML_JSON_NUMBER && v->number == floor(v->number) &&
                                    fabs(v->number) <= 9007199254740992.0);
    switch (s->kind) {
    case K_BOOL:
        return v->kind == RML_JSON_BOOL ? rml_column_bool(c, v->boolean, d->err)
                                        : misfit(d, name, "true or false");
    case K_INT:
        return whole ? rml_column_i64(c, v->kind == RML_JSON_INT ? v->integer : (int64_t)v->number,
                                      d->err)
                     : misfit(d, name, "an integer");
    case K_NUMBER:
        return number ? rml_column_f64(c, v->number, d->err) : misfit(d, name, "a number");
    case K_TEXT:
        return v->kind == RML_JSON_STRING ? rml_column_str(c, v->string, d->err)
                                          : misfit(d, name, "a string");
    case K_BYTES:
        return v->kind == RML_JSON_STRING ? append_bytes(d, v, name, c)
                                          : misfit(d, name, "a string of base64");
    case K_TIME:
        return append_time(d, v, name, c);
    case K_LIST:
        return v->kind == RML_JSON_ARRAY ? append_elements(d, s, v, name, c)
                                         : misfit(d, name, "an array");
    case K_OBJECT:
        if (v->kind != RML_JSON_OBJECT) {
            return misfit(d, name, "an object");
        }
        RML_TRY(append_members(d, s, v, c->children));
        return rml_column_struct_end(c, d->err);
    default:
        return append_json(d, v, c);
    }
}

static rml_status decode(const rml_message_plan *plan, rml_bytes data, rml_place place,
                         rml_column *columns, rml_error *err)
{
    const decoder d = {place, err};
    const shape *root = ((const state *)plan->state)->root;
    rml_arena arena = {0};
    const rml_json *value;
    rml_status st = rml_json_parse(&arena, rml_str_of_bytes(data), place.file, &value, err);
    if (st == RML_OK && root == NULL) {
        st = rml_column_str(&columns[0], rml_str_of_bytes(data), err);
    } else if (st == RML_OK) {
        st = value->kind == RML_JSON_OBJECT ? append_members(&d, root, value, columns)
                                            : misfit(&d, RML_STR("the message"), "an object");
    }
    rml_arena_reset(&arena);
    return st;
}

static bool sensor_ns(const rml_message_plan *plan, rml_bytes data, int64_t *out)
{
    (void)plan;
    rml_arena arena = {0};
    const rml_json *value = NULL;
    if (rml_json_parse(&arena, rml_str_of_bytes(data), (rml_str){0}, &value, NULL) != RML_OK) {
        value = NULL;
    }
    const rml_json *time = rml_json_get(value, "timestamp");
    time = time != NULL ? time : rml_json_get(rml_json_get(value, "header"), "stamp");
    const rml_json *sec = rml_json_get(time, "sec"), *nsec = rml_json_get(time, "nsec");
    nsec = nsec != NULL ? nsec : rml_json_get(time, "nanosec");
    bool found = sec != NULL && nsec != NULL && sec->kind == RML_JSON_INT &&
                 nsec->kind == RML_JSON_INT && sec->integer >= 0 &&
                 sec->integer < INT64_MAX / 1000000000 - 3 && nsec->integer >= 0 &&
                 nsec->integer < 1000000000;
    *out = found ? sec->integer * 1000000000 + nsec->integer : 0;
    rml_arena_reset(&arena);
    return found;
}

const rml_encoding rml_encoding_json = {.message_encoding = "json",
                                        .schema_encoding = "jsonschema",
                                        .compile = compile_schema,
                                        .decode = decode,
                                        .sensor_ns = sensor_ns};
const rml_encoding rml_encoding_json_alone = {.message_encoding = "json",
                                              .schema_encoding = "",
                                              .compile = compile_without,
                                              .decode = decode,
                                              .sensor_ns = sensor_ns};
