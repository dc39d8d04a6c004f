// The hash that ROS 2 knows a message type by: RIHS01, SHA-256 over the description of the type and
// of all types in it as JSON, written as Python's json.dumps does. Source: REP 2016; rosidl
// (rosidl_generator_type_description, calculate_type_hash; type_description_interfaces/FieldType).
#include <stdio.h>
#include <string.h>

#include "plan.h"
#include "roadmill/codec.h"
#include "roadmill/message/ros.h"

#define TYPES_MAX 256
// What is added to the number of a type for an array, a sequence with a bound, one without.
enum { OF_ARRAY = 48, OF_BOUNDED = 96, OF_UNBOUNDED = 144, NESTED = 1 };

static const struct {
    const char *name;
    int id, bounded_id; // with a bound on its length
} type_ids[] = {
    {"int8", 2, 0},     {"uint8", 3, 0},  {"char", 3, 0},  {"int16", 4, 0},    {"uint16", 5, 0},
    {"int32", 6, 0},    {"uint32", 7, 0}, {"int64", 8, 0}, {"uint64", 9, 0},   {"float32", 10, 0},
    {"float64", 11, 0}, {"bool", 15, 0},  {"byte", 16, 0}, {"string", 17, 21}, {"wstring", 18, 22},
};

typedef struct describer {
    rml_definition definition;
    rml_arena arena;
    rml_str names[TYPES_MAX]; // "package/msg/Type" of all types within, in order of meeting
    size_t count;
    size_t fields; // that were described; each twice
    rml_str file;
    rml_error *err;
} describer;

// "package/Type" -> "package/msg/Type"
static rml_str full_name(describer *d, rml_str name)
{
    rml_str package, type = rml_str_cut(name, '/', &package);
    return rml_arena_printf(&d->arena, "%.*s/msg/%.*s", RML_FMT(package), RML_FMT(type));
}

static rml_status meet(describer *d, rml_str name)
{
    for (size_t i = 0; i < d->count; i++) {
        if (rml_str_equal(d->names[i], name)) {
            return RML_OK;
        }
    }
    if (d->count == TYPES_MAX || name.data == NULL) {
        return rml_fail(d->err, RML_ERR_LIMIT, rml_place_file(d->file), NULL,
                        "expected at most %d types in a message", TYPES_MAX);
    }
    d->names[d->count++] = name;
    return RML_OK;
}

// The name of a field's message type; empty for a number or text.
static rml_status nested_name(describer *d, const rml_definition_type *inside,
                              const rml_definition_field *f, rml_str *out)
{
    *out = (rml_str){0};
    if (f->wire == RML_WIRE_TIME || f->wire == RML_WIRE_DURATION) {
        *out = f->wire == RML_WIRE_TIME ? RML_STR("builtin_interfaces/msg/Time")
                                        : RML_STR("builtin_interfaces/msg/Duration");
    } else if (f->wire == RML_WIRE_NESTED) {
        const rml_definition_type *type =
            rml_definition_find(&d->definition, f->type, inside->name);
        if (type == NULL) {
            return rml_fail(d->err, RML_ERR_DATA, rml_place_file(d->file), NULL,
                            "expected a definition of %.*s, found none", RML_FMT(f->type));
        }
        *out = full_name(d, type->name);
    }
    return RML_OK;
}

static rml_status put_field(describer *d, const rml_definition_type *inside,
                            const rml_definition_field *f, bool first, rml_buffer *out)
{
    rml_str nested;
    int id = NESTED;
    bool bounded_text = f->string_bound != UINT32_MAX;
    if (++d->fields > 2 * RML_PLAN_NODES_MAX) {
        return rml_fail(d->err, RML_ERR_LIMIT, rml_place_file(d->file), NULL,
                        "expected at most %d fields in a message, found more", RML_PLAN_NODES_MAX);
    }
    RML_TRY(nested_name(d, inside, f, &nested));
    RML_TRY(nested.len > 0 ? meet(d, nested) : RML_OK);
    for (size_t i = 0; nested.len == 0 && i < sizeof type_ids / sizeof *type_ids; i++) {
        if (rml_str_equal(f->type, rml_str_of(type_ids[i].name))) {
            id = bounded_text ? type_ids[i].bounded_id : type_ids[i].id;
        }
    }
    bool sequence = f->shape == RML_SHAPE_SEQUENCE, bounded = f->length != UINT32_MAX;
    id += f->shape == RML_SHAPE_FIXED ? OF_ARRAY
          : !sequence                 ? 0
          : bounded                   ? OF_BOUNDED
                                      : OF_UNBOUNDED;
    return rml_buffer_printf(out, d->err,
                             "%s{\"name\": \"%.*s\", \"type\": {\"type_id\": %d, \"capacity\": %u, "
                             "\"string_capacity\": %u, \"nested_type_name\": \"%.*s\"}}",
                             first ? "" : ", ", RML_FMT(f->name), id,
                             f->shape != RML_SHAPE_ONE && bounded ? f->length : 0,
                             bounded_text ? f->string_bound : 0, RML_FMT(nested));
}

static rml_status put_type(describer *d, rml_str name, const rml_definition_type *type,
                           rml_buffer *out)
{
    static const rml_definition_field empty = {.wire = RML_WIRE_U8,
                                               .type = {"uint8", 5},
                                               .name = {"structure_needs_at_least_one_member", 35},
                                               .length = UINT32_MAX,
                                               .string_bound = UINT32_MAX};
    static const rml_definition_field seconds = {.wire = RML_WIRE_I32,
                                                 .type = {"int32", 5},
                                                 .name = {"sec", 3},
                                                 .length = UINT32_MAX,
                                                 .string_bound = UINT32_MAX};
    static const rml_definition_field nanoseconds = {.wire = RML_WIRE_U32,
                                                     .type = {"uint32", 6},
                                                     .name = {"nanosec", 7},
                                                     .length = UINT32_MAX,
                                                     .string_bound = UINT32_MAX};
    RML_TRY(
        rml_buffer_printf(out, d->err, "{\"type_name\": \"%.*s\", \"fields\": [", RML_FMT(name)));
    if (type == NULL) { // Time or Duration
        RML_TRY(put_field(d, NULL, &seconds, true, out));
        RML_TRY(put_field(d, NULL, &nanoseconds, false, out));
    } else if (type->fields.count == 0) {
        RML_TRY(put_field(d, type, &empty, true, out));
    }
    for (size_t i = 0; type != NULL && i < type->fields.count; i++) {
        RML_TRY(put_field(d, type, RML_AT(&type->fields, rml_definition_field, i), i == 0, out));
    }
    return rml_buffer_str(out, RML_STR("]}"), d->err);
}

static const rml_definition_type *type_of(const describer *d, rml_str full)
{
    rml_str package, rest = rml_str_cut(full, '/', &package);
    rest = rml_str_cut(rest, '/', &(rml_str){0});
    for (size_t i = 0; i < d->definition.types.count; i++) {
        const rml_definition_type *t = RML_AT(&d->definition.types, rml_definition_type, i);
        rml_str own_package, own = rml_str_cut(t->name, '/', &own_package);
        if (rml_str_equal(package, own_package) && rml_str_equal(rest, own)) {
            return t;
        }
    }
    return NULL;
}

static int compare_names(const void *a, const void *b, void *context)
{
    (void)context;
    return rml_str_compare(*(const rml_str *)a, *(const rml_str *)b);
}

// The types within: met by describing each until no new ones come, then written in order of name.
static rml_status put_referenced(describer *d, rml_buffer *out)
{
    rml_buffer scratch = {0};
    rml_status st = RML_OK;
    for (size_t i = 0; !st && i < d->count; i++) {
        st = put_type(d, d->names[i], type_of(d, d->names[i]), &scratch);
    }
    rml_buffer_reset(&scratch);
    RML_TRY(st);
    rml_array sorted = RML_ARRAY(rml_str);
    for (size_t i = 0; !st && i < d->count; i++) {
        rml_str *name = rml_array_push(&sorted, d->err);
        st = name != NULL ? RML_OK : RML_ERR_MEMORY;
        if (name != NULL) {
            *name = d->names[i];
        }
    }
    st = st ? st : rml_array_sort(&sorted, compare_names, NULL, d->err);
    for (size_t i = 0; !st && i < sorted.count; i++) {
        rml_str name = *RML_AT(&sorted, rml_str, i);
        st = rml_buffer_str(out, i > 0 ? RML_STR(", ") : (rml_str){0}, d->err);
        st = st ? st : put_type(d, name, type_of(d, name), out);
    }
    rml_array_reset(&sorted);
    return st;
}

static rml_status describe(describer *d, rml_str name, rml_buffer *out)
{
    const rml_definition_type *first = RML_AT(&d->definition.types, rml_definition_type, 0);
    RML_TRY(rml_buffer_str(out, RML_STR("{\"type_description\": "), d->err));
    RML_TRY(put_type(d, name, first, out));
    RML_TRY(rml_buffer_str(out, RML_STR(", \"referenced_type_descriptions\": ["), d->err));
    RML_TRY(put_referenced(d, out));
    return rml_buffer_str(out, RML_STR("]}"), d->err);
}

rml_status rml_ros2_hash(rml_str name, rml_str text, rml_str file, char out[RML_ROS2_HASH_TEXT],
                         rml_error *err)
{
    describer *d = rml_heap_make(sizeof *d);
    rml_buffer json = {0};
    rml_hash hash = {0};
    if (d == NULL) {
        return rml_fail_memory(err, sizeof *d);
    }
    d->file = file;
    d->err = err;
    rml_status st =
        rml_definition_parse(RML_ROS2MSG, name, text, file, &d->arena, &d->definition, err);
    if (!st) {
        const rml_definition_type *first = RML_AT(&d->definition.types, rml_definition_type, 0);
        st = describe(d, full_name(d, first->name), &json);
        if (!st && rml_sha256(json.data, json.len, &hash) != RML_OK) {
            st = rml_fail_memory(err, json.len);
        }
        rml_definition_reset(&d->definition);
    }
    memcpy(out, RML_RIHS01, sizeof RML_RIHS01);
    rml_hash_text(&hash, out + sizeof RML_RIHS01 - 1);
    rml_buffer_reset(&json);
    rml_arena_reset(&d->arena);
    rml_heap_free(d);
    return st;
}
