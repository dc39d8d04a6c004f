// FlatBuffers by their binary schema into columns. Fields stand in the order of their numbers;
// deprecated ones stay out. A table or struct is a struct, a vector a list, [ubyte] is binary, an
// enum its number. An absent field is null where the schema knows that it may be (optional numbers,
// texts, vectors, tables), else its default. A struct of sec and nsec is a time, a table that
// begins with one named timestamp says its sensor time. Of a union, a struct with a column for each
// member, all but the one at hand are null.
//
// What is refused by name: a type within itself, a union's vector.
#include "flatbuffer.h"

#include <string.h>

#include "append.h"
#include "plan.h"

#define SHAPES_MAX RML_PLAN_NODES_MAX
// What one message may become in columns, against its size: vectors may share what they point to.
#define SHARED_MAX 16
#define SHARED_FREE 65536

typedef enum shape_kind {
    K_NUMBER,
    K_TEXT,
    K_BYTES,
    K_TIME,
    K_LIST,  // of inside[0]
    K_TABLE, // of inside[count]
    K_STRUCT,
    K_UNION,
} shape_kind;

typedef struct shape {
    shape_kind kind;
    rml_fb_base base; // NUMBER
    uint32_t id;      // of the field in a table
    size_t offset;    // of the field in a struct
    size_t size;      // bytes where the value stands in place: a number, a struct; else 0
    size_t length;    // LIST of a fixed length in a struct; 0: a vector
    bool optional;
    int64_t integer; // what an absent number is
    double real;
    const struct shape *inside;
    size_t count;
    int64_t value; // of a member of a union
} shape;

typedef struct state {
    shape root;
    size_t stamp; // inside of root: a time named timestamp or stamp; root.count: none
} state;

// ---- Compiling ---------------------------------------------------------------------------------

typedef struct compiler {
    rml_fb_schema schema;
    rml_arena *arena;
    rml_str file;
    int32_t path[RML_PLAN_DEPTH_MAX]; // objects that are being compiled
    size_t depth, total;
    rml_error *err;
} compiler;

static const struct {
    rml_type type;
    rml_type list; // BINARY for bytes
} numbers[] = {
    [RML_FB_UTYPE] = {RML_TYPE_I16, RML_TYPE_LIST},
    [RML_FB_BOOL] = {RML_TYPE_BOOL, RML_TYPE_LIST},
    [RML_FB_BYTE] = {RML_TYPE_I8, RML_TYPE_LIST},
    [RML_FB_UBYTE] = {RML_TYPE_I16, RML_TYPE_BINARY},
    [RML_FB_SHORT] = {RML_TYPE_I16, RML_TYPE_LIST},
    [RML_FB_USHORT] = {RML_TYPE_I32, RML_TYPE_LIST},
    [RML_FB_INT] = {RML_TYPE_I32, RML_TYPE_LIST},
    [RML_FB_UINT] = {RML_TYPE_I64, RML_TYPE_LIST},
    [RML_FB_LONG] = {RML_TYPE_I64, RML_TYPE_LIST},
    [RML_FB_ULONG] = {RML_TYPE_U64, RML_TYPE_LIST},
    [RML_FB_FLOAT] = {RML_TYPE_F32, RML_TYPE_LIST},
    [RML_FB_DOUBLE] = {RML_TYPE_F64, RML_TYPE_LIST},
};

static rml_status fail_schema(const compiler *c, const char *what)
{
    return rml_fail(c->err, RML_ERR_DATA, rml_place_file(c->file), NULL,
                    "expected a binary schema of FlatBuffers that holds together, found %s", what);
}

static bool is_time(const rml_fb_object *o)
{
    return o->is_struct && o->size == 8 && o->count == 2 &&
           rml_str_equal(o->fields[0].name, RML_STR("sec")) &&
           (rml_str_equal(o->fields[1].name, RML_STR("nsec")) ||
            rml_str_equal(o->fields[1].name, RML_STR("nanosec"))) &&
           o->fields[1].type.base == RML_FB_UINT &&
           (o->fields[0].type.base == RML_FB_UINT || o->fields[0].type.base == RML_FB_INT);
}

static rml_status count_shape(compiler *c)
{
    return ++c->total <= SHAPES_MAX
               ? RML_OK
               : rml_fail(c->err, RML_ERR_LIMIT, rml_place_file(c->file), NULL,
                          "expected at most %d fields in a message, found more", SHAPES_MAX);
}

// Makes a column a compound of as many children as `out` is to have inside.
static rml_status make_inside(compiler *c, rml_type type, size_t count, shape *out,
                              rml_field *column, shape **inside, rml_field **fields)
{
    *inside = RML_NEW_ARRAY(c->arena, shape, count);
    *fields = RML_NEW_ARRAY(c->arena, rml_field, count);
    if (*inside == NULL || *fields == NULL) {
        return rml_fail_memory(c->err, count * sizeof **fields);
    }
    for (size_t i = 0; i < count; i++) {
        (*fields)[i].nullable = true;
    }
    out->inside = *inside;
    out->count = count;
    column->type = type;
    column->children = *fields;
    column->child_count = count;
    return RML_OK;
}

static rml_status compile_object(compiler *c, int32_t index, shape *out, rml_field *column);

static rml_status object_at(const compiler *c, int32_t index, const rml_fb_object **out)
{
    if (index < 0 || (size_t)index >= c->schema.object_count) {
        return fail_schema(c, "a type that is not there");
    }
    *out = &c->schema.objects[index];
    return RML_OK;
}

// One value of a base type: a number, a text, a table or a struct.
static rml_status compile_one(compiler *c, rml_fb_base base, int32_t index, shape *out,
                              rml_field *column)
{
    const rml_fb_object *o = NULL;
    size_t size = rml_fb_size(base);
    if (size > 0) {
        out->kind = K_NUMBER;
        out->base = base;
        out->size = size;
        column->type = numbers[base].type;
        return RML_OK;
    }
    if (base == RML_FB_STRING) {
        out->kind = K_TEXT;
        column->type = RML_TYPE_STRING;
        return RML_OK;
    }
    if (base != RML_FB_OBJECT) {
        return rml_fail(c->err, RML_ERR_UNSUPPORTED, rml_place_file(c->file), NULL,
                        "expected fields of FlatBuffers of the types that are read, found a vector "
                        "of unions or a type of number %d",
                        (int)base);
    }
    RML_TRY(object_at(c, index, &o));
    if (is_time(o)) {
        out->kind = K_TIME;
        out->base = o->fields[0].type.base;
        out->size = 8;
        column->type = RML_TYPE_I64;
        return RML_OK;
    }
    return compile_object(c, index, out, column);
}

static rml_status compile_list(compiler *c, const rml_fb_type *type, shape *out, rml_field *column)
{
    bool is_enum = type->index >= 0;
    if (rml_fb_size(type->element) > 0 && numbers[type->element].list == RML_TYPE_BINARY &&
        !is_enum) {
        out->kind = K_BYTES;
        column->type = RML_TYPE_BINARY;
        return RML_OK;
    }
    shape *inside;
    rml_field *element;
    RML_TRY(make_inside(c, RML_TYPE_LIST, 1, out, column, &inside, &element));
    element->name = RML_STR("element");
    out->kind = K_LIST;
    return compile_one(c, type->element, type->index, inside, element);
}

// A union: a struct with a column for each member but NONE.
static rml_status compile_union(compiler *c, int32_t index, shape *out, rml_field *column)
{
    if (index < 0 || (size_t)index >= c->schema.enum_count || !c->schema.enums[index].is_union) {
        return fail_schema(c, "a union that is not there");
    }
    const rml_fb_enum *e = &c->schema.enums[index];
    shape *inside;
    rml_field *fields;
    if (e->count == 0) {
        return fail_schema(c, "a union without members");
    }
    RML_TRY(make_inside(c, RML_TYPE_STRUCT, e->count, out, column, &inside, &fields));
    out->kind = K_UNION;
    for (size_t i = 0; i < e->count; i++) {
        RML_TRY(count_shape(c));
        inside[i].value = e->members[i].value;
        RML_TRY(
            rml_plan_unique_name(c->arena, fields, i, e->members[i].name, &fields[i].name, c->err));
        RML_TRY(compile_one(c, e->members[i].type.base, e->members[i].type.index, &inside[i],
                            &fields[i]));
    }
    return RML_OK;
}

static rml_status compile_field(compiler *c, const rml_fb_object *o, const rml_fb_schema_field *f,
                                shape *out, rml_field *column)
{
    *out = (shape){.id = f->id,
                   .offset = f->offset,
                   .optional = f->optional,
                   .integer = f->default_integer,
                   .real = f->default_real};
    RML_TRY(count_shape(c));
    bool list = f->type.base == RML_FB_VECTOR || f->type.base == RML_FB_ARRAY;
    if (list) {
        RML_TRY(compile_list(c, &f->type, out, column));
        out->length = f->type.base == RML_FB_ARRAY ? f->type.fixed_length : 0;
    } else if (f->type.base == RML_FB_UNION) {
        RML_TRY(compile_union(c, f->type.index, out, column));
    } else {
        RML_TRY(compile_one(c, f->type.base, f->type.index, out, column));
    }
    // In a struct everything has its place; what does not fit there is no struct.
    size_t item = !list ? out->size : out->kind == K_BYTES ? 1 : out->inside[0].size;
    size_t bytes = f->type.base == RML_FB_VECTOR ? 0 : list ? out->length * item : item;
    bool fits = bytes > 0 && out->offset + bytes <= (size_t)(o->size > 0 ? o->size : 0);
    if (o->is_struct && !fits) {
        return fail_schema(c, "a struct whose fields do not lie in it");
    }
    return o->is_struct || f->type.base != RML_FB_ARRAY ? RML_OK
                                                        : fail_schema(c, "an array in a table");
}

static rml_status enter(compiler *c, int32_t index, const rml_fb_object *o)
{
    for (size_t i = 0; i < c->depth; i++) {
        if (c->path[i] == index) {
            return rml_fail(c->err, RML_ERR_UNSUPPORTED, rml_place_file(c->file), NULL,
                            "expected types of FlatBuffers that do not hold themselves, found %.*s",
                            RML_FMT(o->name));
        }
    }
    if (c->depth == RML_PLAN_DEPTH_MAX) {
        return rml_fail(c->err, RML_ERR_LIMIT, rml_place_file(c->file), NULL,
                        "expected types nested at most %d deep, found more at %.*s",
                        RML_PLAN_DEPTH_MAX, RML_FMT(o->name));
    }
    c->path[c->depth++] = index;
    return RML_OK;
}

static rml_status compile_object(compiler *c, int32_t index, shape *out, rml_field *column)
{
    const rml_fb_object *o = NULL;
    RML_TRY(object_at(c, index, &o));
    RML_TRY(enter(c, index, o));
    if (o->count == 0) {
        return rml_fail(c->err, RML_ERR_UNSUPPORTED, rml_place_file(c->file), NULL,
                        "expected a type with fields, found %.*s without", RML_FMT(o->name));
    }
    shape *inside;
    rml_field *fields;
    RML_TRY(make_inside(c, RML_TYPE_STRUCT, o->count, out, column, &inside, &fields));
    out->kind = o->is_struct ? K_STRUCT : K_TABLE;
    out->size = o->is_struct && o->size > 0 ? (size_t)o->size : 0;
    for (size_t i = 0; i < o->count; i++) {
        RML_TRY(
            rml_plan_unique_name(c->arena, fields, i, o->fields[i].name, &fields[i].name, c->err));
        RML_TRY(compile_field(c, o, &o->fields[i], &inside[i], &fields[i]));
    }
    c->depth--;
    return RML_OK;
}

// The table that a channel's schema names; its package may be left out where that is clear.
static rml_status root_of(const compiler *c, rml_str name, int32_t *out)
{
    for (size_t i = 0; i < c->schema.object_count; i++) {
        bool named = name.len > 0 ? rml_str_equal(c->schema.objects[i].name, name)
                                  : rml_str_equal(c->schema.objects[i].name, c->schema.root);
        if (named && !c->schema.objects[i].is_struct) {
            *out = (int32_t)i;
            return RML_OK;
        }
    }
    return rml_fail(c->err, RML_ERR_DATA, rml_place_file(c->file), NULL,
                    "expected a table %.*s in the binary schema, found none", RML_FMT(name));
}

static rml_status compile(const rml_message_kind *kind, rml_str file, rml_message_plan *plan,
                          rml_error *err)
{
    compiler c = {.arena = &plan->arena, .file = file, .err = err};
    state *st = RML_NEW(&plan->arena, state);
    rml_field row = {0};
    int32_t root = -1;
    if (st == NULL) {
        return rml_fail_memory(err, sizeof *st);
    }
    RML_TRY(rml_fb_schema_parse(kind->schema, file, &plan->arena, &c.schema, err));
    RML_TRY(root_of(&c, kind->schema_name, &root));
    RML_TRY(compile_object(&c, root, &st->root, &row));
    plan->state = st;
    plan->schema = (rml_schema){row.children, row.child_count};
    st->stamp = st->root.count;
    for (size_t i = st->root.count; i > 0; i--) {
        rml_str name = row.children[i - 1].name;
        if (st->root.inside[i - 1].kind == K_TIME &&
            (rml_str_equal(name, RML_STR("timestamp")) || rml_str_equal(name, RML_STR("stamp")))) {
            st->stamp = i - 1;
        }
    }
    return RML_OK;
}

// ---- Decoding ----------------------------------------------------------------------------------

typedef struct decoder {
    rml_bytes data;
    rml_place place;
    uint64_t left; // bytes that may yet be appended
    rml_error *err;
} decoder;

static rml_status fail_at(const decoder *d, size_t at, const char *what)
{
    return rml_fail(d->err, RML_ERR_DATA, d->place, NULL,
                    "expected %s within the message, found it torn at its byte %zu", what, at);
}

static rml_status spend(decoder *d, size_t bytes)
{
    if (bytes > d->left) {
        return rml_fail(d->err, RML_ERR_LIMIT, d->place, NULL,
                        "expected a message whose parts are shared at most %d times", SHARED_MAX);
    }
    d->left -= bytes;
    return RML_OK;
}

static rml_status put_number(decoder *d, const shape *s, size_t at, rml_column *c)
{
    const uint8_t *p = d->data.data + at;
    switch (s->base) {
    case RML_FB_BOOL: {
        if (p[0] > 1) {
            return rml_fail(d->err, RML_ERR_DATA, d->place, NULL,
                            "expected a bool of 0 or 1, found %u at byte %zu of the message", p[0],
                            at);
        }
        return rml_column_bool(c, p[0] != 0, d->err);
    }
    case RML_FB_BYTE:
        return rml_column_i64(c, (int8_t)p[0], d->err);
    case RML_FB_UTYPE:
    case RML_FB_UBYTE:
        return rml_column_i64(c, p[0], d->err);
    case RML_FB_SHORT:
        return rml_column_i64(c, (int16_t)rml_load_u16(p), d->err);
    case RML_FB_USHORT:
        return rml_column_i64(c, rml_load_u16(p), d->err);
    case RML_FB_UINT:
        return rml_column_i64(c, rml_load_u32(p), d->err);
    default: // as it stands there: little-endian, as the column has it
        return rml_append_value(c, p, s->size, d->err);
    }
}

static rml_status put_default(decoder *d, const shape *s, rml_column *c)
{
    bool real = s->base == RML_FB_FLOAT || s->base == RML_FB_DOUBLE;
    uint64_t bits = (uint64_t)s->integer;
    return real                      ? rml_column_f64(c, s->real, d->err)
           : s->base == RML_FB_ULONG ? rml_column_value(c, &bits, d->err)
           : s->base == RML_FB_BOOL  ? rml_column_bool(c, s->integer != 0, d->err)
                                     : rml_column_i64(c, s->integer, d->err);
}

static rml_status put_time(decoder *d, const shape *s, size_t at, rml_column *c)
{
    uint32_t raw = rml_load_u32(d->data.data + at),
             nanoseconds = rml_load_u32(d->data.data + at + 4);
    int64_t seconds = s->base == RML_FB_INT ? (int32_t)raw : (int64_t)raw;
    return rml_column_i64(c, seconds * 1000000000 + nanoseconds, d->err);
}

static rml_status put_text(decoder *d, size_t at, rml_column *c)
{
    size_t first, count;
    if (!rml_fb_vector(d->data, at, 1, &first, &count)) {
        return fail_at(d, at, "a text");
    }
    rml_str text = {(const char *)d->data.data + first, count};
    if (!rml_utf8_valid(text)) {
        return rml_fail(d->err, RML_ERR_DATA, d->place, NULL,
                        "expected UTF-8 in a text, found other bytes at byte %zu of the message",
                        first);
    }
    RML_TRY(spend(d, count));
    return rml_append_bytes(c, text.data, text.len, d->err);
}

static rml_status put_bytes(decoder *d, size_t at, rml_column *c)
{
    size_t first, count;
    if (!rml_fb_vector(d->data, at, 1, &first, &count)) {
        return fail_at(d, at, "bytes");
    }
    RML_TRY(spend(d, count));
    return rml_append_bytes(c, d->data.data + first, count, d->err);
}

static rml_status put_table(decoder *d, const shape *s, size_t at, rml_column *c);
static rml_status put_struct(decoder *d, const shape *s, size_t at, rml_column *c);

// A value that stands in place (a number, a struct) or that an offset led to.
static rml_status put_value(decoder *d, const shape *s, size_t at, rml_column *c)
{
    switch (s->kind) {
    case K_NUMBER:
        return put_number(d, s, at, c);
    case K_TIME:
        return put_time(d, s, at, c);
    case K_STRUCT:
        return put_struct(d, s, at, c);
    case K_TEXT:
        return put_text(d, at, c);
    case K_BYTES:
        return put_bytes(d, at, c);
    default:
        return put_table(d, s, at, c);
    }
}

static rml_status put_items(decoder *d, const shape *item, size_t first, size_t count,
                            rml_column *c)
{
    size_t size = item->size > 0 ? item->size : 4;
    RML_TRY(spend(d, count * size));
    for (size_t i = 0; i < count; i++) {
        size_t at = first + i * size;
        if (item->size == 0 && !rml_fb_follow(d->data, at, &at)) {
            return fail_at(d, at, "an item");
        }
        RML_TRY(put_value(d, item, at, &c->children[0]));
    }
    return rml_end_list(c, d->err);
}

static rml_status put_list(decoder *d, const shape *s, size_t at, rml_column *c)
{
    size_t first, count, size = s->inside[0].size > 0 ? s->inside[0].size : 4;
    if (!rml_fb_vector(d->data, at, size, &first, &count)) {
        return fail_at(d, at, "a vector");
    }
    return put_items(d, &s->inside[0], first, count, c);
}

// A struct lies in the message as a whole: whoever calls has seen to it.
static rml_status put_struct(decoder *d, const shape *s, size_t at, rml_column *c)
{
    for (size_t i = 0; i < s->count; i++) {
        const shape *f = &s->inside[i];
        rml_column *child = &c->children[i];
        size_t there = at + f->offset;
        RML_TRY(f->length > 0 && f->kind == K_LIST
                    ? put_items(d, &f->inside[0], there, f->length, child)
                : f->length > 0 ? rml_append_bytes(child, d->data.data + there, f->length, d->err)
                                : put_value(d, f, there, child));
    }
    return rml_end_struct(c, d->err);
}

// The member that the field before it names; the others are null.
static rml_status put_union(decoder *d, const rml_fb_table *t, const shape *s, size_t at,
                            rml_column *c)
{
    size_t kind_at;
    if (s->id == 0 || !rml_fb_field(t, s->id - 1, 1, &kind_at)) {
        return fail_at(d, t->at, "the kind of a union");
    }
    uint8_t kind = kind_at == 0 ? 0 : d->data.data[kind_at];
    if (kind == 0) {
        return rml_column_null(c, d->err);
    }
    bool known = false;
    for (size_t i = 0; i < s->count; i++) {
        bool here = s->inside[i].value == kind;
        known = known || here;
        RML_TRY(here ? put_value(d, &s->inside[i], at, &c->children[i])
                     : rml_column_null(&c->children[i], d->err));
    }
    return known ? rml_end_struct(c, d->err)
                 : rml_fail(d->err, RML_ERR_DATA, d->place, NULL,
                            "expected a member of the union that the schema names, found number %u",
                            kind);
}

static rml_status put_absent(decoder *d, const shape *s, rml_column *c)
{
    return s->kind == K_NUMBER && !s->optional ? put_default(d, s, c) : rml_column_null(c, d->err);
}

static rml_status put_field(decoder *d, const rml_fb_table *t, const shape *s, rml_column *c)
{
    size_t at;
    if (!rml_fb_field(t, s->id, s->size > 0 ? s->size : 4, &at)) {
        return fail_at(d, t->at, "a field");
    }
    if (at == 0) {
        return put_absent(d, s, c);
    }
    if (s->size > 0) {
        return put_value(d, s, at, c);
    }
    if (!rml_fb_follow(d->data, at, &at)) {
        return fail_at(d, at, "an offset");
    }
    return s->kind == K_LIST    ? put_list(d, s, at, c)
           : s->kind == K_UNION ? put_union(d, t, s, at, c)
                                : put_value(d, s, at, c);
}

static rml_status put_fields(decoder *d, const shape *s, const rml_fb_table *t, rml_column *columns)
{
    RML_TRY(spend(d, 4));
    for (size_t i = 0; i < s->count; i++) {
        RML_TRY(put_field(d, t, &s->inside[i], &columns[i]));
    }
    return RML_OK;
}

static rml_status put_table(decoder *d, const shape *s, size_t at, rml_column *c)
{
    rml_fb_table t;
    if (!rml_fb_table_at(d->data, at, &t)) {
        return fail_at(d, at, "a table");
    }
    RML_TRY(put_fields(d, s, &t, c->children));
    return rml_end_struct(c, d->err);
}

static rml_status decode(const rml_message_plan *plan, rml_bytes data, rml_place place,
                         rml_column *columns, rml_error *err)
{
    const state *st = plan->state;
    decoder d = {data, place, (uint64_t)data.len * SHARED_MAX + SHARED_FREE, err};
    rml_fb_table t;
    return rml_fb_root(data, &t) ? put_fields(&d, &st->root, &t, columns)
                                 : fail_at(&d, 0, "a root table");
}

static bool sensor_ns(const rml_message_plan *plan, rml_bytes data, int64_t *out)
{
    const state *st = plan->state;
    rml_fb_table t;
    size_t at;
    if (st->stamp == st->root.count || !rml_fb_root(data, &t) ||
        !rml_fb_field(&t, st->root.inside[st->stamp].id, 8, &at) || at == 0) {
        return false;
    }
    uint32_t seconds = rml_load_u32(data.data + at);
    *out = (st->root.inside[st->stamp].base == RML_FB_INT ? (int32_t)seconds : (int64_t)seconds) *
               1000000000 +
           rml_load_u32(data.data + at + 4);
    return true;
}

const rml_encoding rml_encoding_flatbuffer = {.message_encoding = "flatbuffer",
                                              .schema_encoding = "flatbuffer",
                                              .compile = compile,
                                              .decode = decode,
                                              .sensor_ns = sensor_ns};
