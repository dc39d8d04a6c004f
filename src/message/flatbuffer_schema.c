// A binary schema of FlatBuffers as types and fields (reflection/reflection.fbs of
// google/flatbuffers). Numbers of the reflection's own fields stand beside their names.
#include "flatbuffer.h"

#include <string.h>

// Of all lists together, and bytes of a name: a schema may list one type, or name, again and again.
#define ITEMS_MAX 65536
#define NAME_MAX_BYTES 1024

// ---- The wire ----------------------------------------------------------------------------------

bool rml_fb_follow(rml_bytes data, size_t at, size_t *out)
{
    if (at > data.len || data.len - at < 4) {
        return false;
    }
    uint32_t offset = rml_load_u32(data.data + at);
    *out = at + offset;
    return offset > 0 && offset < data.len - at;
}

bool rml_fb_table_at(rml_bytes data, size_t at, rml_fb_table *out)
{
    if (at > data.len || data.len - at < 4) {
        return false;
    }
    int64_t vtable = (int64_t)at - (int32_t)rml_load_u32(data.data + at);
    if (vtable < 0 || (uint64_t)vtable + 4 > data.len) {
        return false;
    }
    const uint8_t *p = data.data + vtable;
    *out = (rml_fb_table){.data = data,
                          .at = at,
                          .vtable = (size_t)vtable,
                          .vtable_size = rml_load_u16(p),
                          .size = rml_load_u16(p + 2)};
    return out->vtable_size >= 4 && out->vtable_size % 2 == 0 &&
           data.len - out->vtable >= out->vtable_size && out->size >= 4 &&
           data.len - at >= out->size;
}

bool rml_fb_root(rml_bytes data, rml_fb_table *out)
{
    size_t at;
    return rml_fb_follow(data, 0, &at) && rml_fb_table_at(data, at, out);
}

bool rml_fb_field(const rml_fb_table *t, uint32_t id, size_t size, size_t *out)
{
    size_t slot = 4 + (size_t)id * 2;
    *out = 0;
    if (slot + 2 > t->vtable_size) {
        return true;
    }
    size_t offset = rml_load_u16(t->data.data + t->vtable + slot);
    *out = offset == 0 ? 0 : t->at + offset;
    return offset == 0 || (offset <= t->size && t->size - offset >= size);
}

bool rml_fb_vector(rml_bytes data, size_t at, size_t size, size_t *first, size_t *count)
{
    if (at > data.len || data.len - at < 4) {
        return false;
    }
    *count = rml_load_u32(data.data + at);
    *first = at + 4;
    return size == 0 || *count <= (data.len - *first) / size;
}

size_t rml_fb_size(rml_fb_base base)
{
    static const uint8_t sizes[] = {0, 1, 1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8};
    return (size_t)base < sizeof sizes ? sizes[base] : 0;
}

// ---- Reading the reflection --------------------------------------------------------------------

typedef struct parser {
    rml_bytes data;
    rml_str file;
    rml_arena *arena;
    size_t items; // of the lists so far
    rml_error *err;
} parser;

static rml_status fail_torn(const parser *p, const char *what)
{
    return rml_fail(p->err, RML_ERR_DATA, rml_place_file(p->file), NULL,
                    "expected a binary schema of FlatBuffers (bfbs), found a torn %s", what);
}

// A number of a table; `absent` where it is not there.
static bool number(const rml_fb_table *t, uint32_t id, size_t size, int64_t absent, int64_t *out)
{
    size_t at;
    if (!rml_fb_field(t, id, size, &at)) {
        return false;
    }
    const uint8_t *p = t->data.data + at;
    *out = at == 0     ? absent
           : size == 1 ? p[0]
           : size == 2 ? rml_load_u16(p)
           : size == 4 ? (int32_t)rml_load_u32(p)
                       : (int64_t)rml_load_u64(p);
    return true;
}

// What a field of offset leads to; false where it is torn, *out 0 where it is absent.
static bool target(const rml_fb_table *t, uint32_t id, size_t *out)
{
    size_t at;
    if (!rml_fb_field(t, id, 4, &at)) {
        return false;
    }
    *out = 0;
    return at == 0 || rml_fb_follow(t->data, at, out);
}

static rml_status text(parser *p, const rml_fb_table *t, uint32_t id, rml_str *out)
{
    size_t at, first, count;
    *out = (rml_str){0};
    if (!target(t, id, &at) || (at != 0 && !rml_fb_vector(p->data, at, 1, &first, &count))) {
        return fail_torn(p, "text");
    }
    if (at == 0) {
        return RML_OK;
    }
    rml_str found = {(const char *)p->data.data + first, count};
    if (count > NAME_MAX_BYTES || !rml_utf8_valid(found)) {
        return fail_torn(p, "text");
    }
    *out = rml_arena_str(p->arena, found);
    return out->data == NULL ? rml_fail_memory(p->err, count) : RML_OK;
}

// Tables of a vector of a table's field.
static rml_status tables(parser *p, const rml_fb_table *t, uint32_t id, size_t *first,
                         size_t *count)
{
    size_t at;
    *first = *count = 0;
    if (!target(t, id, &at) || (at != 0 && !rml_fb_vector(p->data, at, 4, first, count))) {
        return fail_torn(p, "list");
    }
    p->items += *count;
    return p->items <= ITEMS_MAX
               ? RML_OK
               : rml_fail(p->err, RML_ERR_LIMIT, rml_place_file(p->file), NULL,
                          "expected at most %d types and fields in a schema, found more",
                          ITEMS_MAX);
}

static bool item(const parser *p, size_t first, size_t index, rml_fb_table *out)
{
    size_t at;
    return rml_fb_follow(p->data, first + 4 * index, &at) && rml_fb_table_at(p->data, at, out);
}

// Type: base_type = 0, element = 1, index = 2, fixed_length = 3; a field of another table.
static rml_status type(parser *p, const rml_fb_table *t, uint32_t id, rml_fb_type *out)
{
    size_t at;
    rml_fb_table inner;
    int64_t base, element, index, length;
    *out = (rml_fb_type){.index = -1};
    if (!target(t, id, &at) || (at != 0 && !rml_fb_table_at(p->data, at, &inner))) {
        return fail_torn(p, "type");
    }
    if (at == 0) {
        return RML_OK;
    }
    if (!number(&inner, 0, 1, 0, &base) || !number(&inner, 1, 1, 0, &element) ||
        !number(&inner, 2, 4, -1, &index) || !number(&inner, 3, 2, 0, &length)) {
        return fail_torn(p, "type");
    }
    bool known = base <= RML_FB_ARRAY && element <= RML_FB_ARRAY;
    *out =
        (rml_fb_type){known ? (rml_fb_base)base : RML_FB_NONE,
                      known ? (rml_fb_base)element : RML_FB_NONE, (int32_t)index, (uint16_t)length};
    return RML_OK;
}

// Field: name = 0, type = 1, id = 2, offset = 3, default_integer = 4, default_real = 5,
// deprecated = 6, optional = 11.
static rml_status field(parser *p, const rml_fb_table *t, rml_fb_schema_field *out,
                        bool *deprecated)
{
    int64_t id, offset, real, is_deprecated, optional;
    RML_TRY(text(p, t, 0, &out->name));
    RML_TRY(type(p, t, 1, &out->type));
    if (!number(t, 2, 2, 0, &id) || !number(t, 3, 2, 0, &offset) ||
        !number(t, 4, 8, 0, &out->default_integer) || !number(t, 5, 8, 0, &real) ||
        !number(t, 6, 1, 0, &is_deprecated) || !number(t, 11, 1, 0, &optional) ||
        out->name.len == 0) {
        return fail_torn(p, "field");
    }
    memcpy(&out->default_real, &real, sizeof real);
    out->id = (uint16_t)id;
    out->offset = (uint16_t)offset;
    *deprecated = is_deprecated != 0;
    out->optional = optional != 0;
    return RML_OK;
}

static int by_id(const void *a, const void *b, void *context)
{
    (void)context;
    return ((const rml_fb_schema_field *)a)->id - ((const rml_fb_schema_field *)b)->id;
}

// Object: name = 0, fields = 1, is_struct = 2, bytesize = 4.
static rml_status object(parser *p, const rml_fb_table *t, rml_fb_object *out)
{
    size_t first, count;
    int64_t is_struct, size;
    RML_TRY(text(p, t, 0, &out->name));
    RML_TRY(tables(p, t, 1, &first, &count));
    if (!number(t, 2, 1, 0, &is_struct) || !number(t, 4, 4, 0, &size)) {
        return fail_torn(p, "type");
    }
    out->is_struct = is_struct != 0;
    out->size = (int32_t)size;
    rml_array fields = RML_ARRAY(rml_fb_schema_field);
    rml_status st = RML_OK;
    for (size_t i = 0; !st && i < count; i++) {
        rml_fb_table inner;
        rml_fb_schema_field f = {0};
        bool deprecated = false;
        st = item(p, first, i, &inner) ? field(p, &inner, &f, &deprecated) : fail_torn(p, "field");
        rml_fb_schema_field *place = st || deprecated ? NULL : rml_array_push(&fields, p->err);
        st = st || deprecated || place != NULL ? st : RML_ERR_MEMORY;
        if (place != NULL) {
            *place = f;
        }
    }
    st = st ? st : rml_array_sort(&fields, by_id, NULL, p->err);
    rml_fb_schema_field *kept = RML_NEW_ARRAY(p->arena, rml_fb_schema_field, fields.count + 1);
    st = st ? st : kept == NULL ? rml_fail_memory(p->err, fields.count) : RML_OK;
    if (!st && fields.count > 0) {
        memcpy(kept, fields.data, fields.count * sizeof *kept);
    }
    out->fields = kept;
    out->count = fields.count;
    rml_array_reset(&fields);
    return st;
}

// Enum: values = 1, is_union = 2. EnumVal: name = 0, value = 1, union_type = 3.
static rml_status enumeration(parser *p, const rml_fb_table *t, rml_fb_enum *out)
{
    size_t first, count;
    int64_t is_union;
    if (!number(t, 2, 1, 0, &is_union)) {
        return fail_torn(p, "enum");
    }
    out->is_union = is_union != 0;
    if (!out->is_union) {
        return RML_OK; // its number is kept, its names are not needed
    }
    RML_TRY(tables(p, t, 1, &first, &count));
    rml_fb_member *members = RML_NEW_ARRAY(p->arena, rml_fb_member, count + 1);
    if (members == NULL) {
        return rml_fail_memory(p->err, count * sizeof *members);
    }
    out->members = members;
    for (size_t i = 0; i < count; i++) {
        rml_fb_table inner;
        rml_fb_member *m = &members[out->count];
        if (!item(p, first, i, &inner) || !number(&inner, 1, 8, 0, &m->value)) {
            return fail_torn(p, "union");
        }
        RML_TRY(text(p, &inner, 0, &m->name));
        RML_TRY(type(p, &inner, 3, &m->type));
        out->count += m->value != 0;
    }
    return RML_OK;
}

// Schema: objects = 0, enums = 1, root_table = 4.
static rml_status schema(parser *p, const rml_fb_table *root, rml_fb_schema *out)
{
    size_t first;
    rml_fb_table inner;
    RML_TRY(tables(p, root, 0, &first, &out->object_count));
    rml_fb_object *objects = RML_NEW_ARRAY(p->arena, rml_fb_object, out->object_count + 1);
    if (objects == NULL) {
        return rml_fail_memory(p->err, out->object_count * sizeof *objects);
    }
    out->objects = objects;
    for (size_t i = 0; i < out->object_count; i++) {
        RML_TRY(item(p, first, i, &inner) ? object(p, &inner, &objects[i]) : fail_torn(p, "type"));
    }
    RML_TRY(tables(p, root, 1, &first, &out->enum_count));
    rml_fb_enum *enums = RML_NEW_ARRAY(p->arena, rml_fb_enum, out->enum_count + 1);
    if (enums == NULL) {
        return rml_fail_memory(p->err, out->enum_count * sizeof *enums);
    }
    out->enums = enums;
    for (size_t i = 0; i < out->enum_count; i++) {
        RML_TRY(item(p, first, i, &inner) ? enumeration(p, &inner, &enums[i])
                                          : fail_torn(p, "enum"));
    }
    size_t at;
    if (!target(root, 4, &at) || (at != 0 && !rml_fb_table_at(p->data, at, &inner))) {
        return fail_torn(p, "root");
    }
    return at == 0 ? RML_OK : text(p, &inner, 0, &out->root);
}

rml_status rml_fb_schema_parse(rml_bytes bfbs, rml_str file, rml_arena *arena, rml_fb_schema *out,
                               rml_error *err)
{
    parser p = {.data = bfbs, .file = file, .arena = arena, .err = err};
    rml_fb_table root;
    *out = (rml_fb_schema){0};
    if (bfbs.len < 8 || memcmp(bfbs.data + 4, "BFBS", 4) != 0) {
        return rml_fail(err, RML_ERR_DATA, rml_place_file(file), NULL,
                        "expected a binary schema of FlatBuffers with \"BFBS\" at byte 4, found "
                        "none");
    }
    return rml_fb_root(bfbs, &root) ? schema(&p, &root, out) : fail_torn(&p, "root");
}
