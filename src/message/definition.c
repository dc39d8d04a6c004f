// ROS interface definitions (.msg), concatenated with their dependencies as recordings hold them:
// the message first, then after lines of "=" a line "MSG: package/Type" and its definition. Source:
// wiki.ros.org/msg; design.ros2.org/articles/legacy_interface_definition.html;
// mcap.dev/spec/registry "ros1msg", "ros2msg".
#include "definition.h"

#include <string.h>

#define FIELDS_MAX 4096

static const struct {
    const char *name;
    rml_wire wire;
} primitives[] = {
    {"bool", RML_WIRE_BOOL},
    {"byte", RML_WIRE_U8},
    {"char", RML_WIRE_U8},
    {"int8", RML_WIRE_I8},
    {"uint8", RML_WIRE_U8},
    {"int16", RML_WIRE_I16},
    {"uint16", RML_WIRE_U16},
    {"int32", RML_WIRE_I32},
    {"uint32", RML_WIRE_U32},
    {"int64", RML_WIRE_I64},
    {"uint64", RML_WIRE_U64},
    {"float32", RML_WIRE_F32},
    {"float64", RML_WIRE_F64},
    {"string", RML_WIRE_STRING},
    {"wstring", RML_WIRE_WSTRING},
    {"time", RML_WIRE_TIME},
    {"duration", RML_WIRE_DURATION},
    {"Time", RML_WIRE_TIME},
    {"Duration", RML_WIRE_DURATION},
    {"builtin_interfaces/Time", RML_WIRE_TIME},
    {"builtin_interfaces/Duration", RML_WIRE_DURATION},
};

// "package/msg/Type" is "package/Type".
rml_status rml_definition_name(rml_str name, rml_arena *arena, rml_str *out, rml_error *err)
{
    rml_str package, type;
    type = rml_str_cut(name, '/', &package);
    rml_str last = type;
    for (rml_str head; last.len > 0 && rml_str_find(last, RML_STR("/")) < last.len;) {
        last = rml_str_cut(last, '/', &head);
    }
    *out = type.data == NULL
               ? rml_arena_str(arena, name)
               : rml_arena_printf(arena, "%.*s/%.*s", RML_FMT(package), RML_FMT(last));
    return out->data == NULL ? rml_fail_memory(err, name.len) : RML_OK;
}

// A type token: base, bound of a string, array suffix. false where it does not follow the form.
static bool split_type(rml_str token, rml_str *base, rml_definition_field *f)
{
    f->shape = RML_SHAPE_ONE;
    f->length = f->string_bound = UINT32_MAX;
    rml_str suffix = rml_str_cut(token, '[', base);
    int64_t number;
    if (suffix.data != NULL) {
        if (!rml_str_ends(suffix, RML_STR("]"))) {
            return false;
        }
        suffix.len--;
        f->shape = RML_SHAPE_SEQUENCE;
        if (rml_str_starts(suffix, RML_STR("<="))) {
            suffix = (rml_str){suffix.data + 2, suffix.len - 2};
        } else if (suffix.len > 0) {
            f->shape = RML_SHAPE_FIXED;
        }
        if (suffix.len > 0) {
            if (!rml_parse_i64(suffix, &number) || number < 1 || number >= UINT32_MAX) {
                return false;
            }
            f->length = (uint32_t)number;
        } else if (suffix.data[-1] != '[') {
            return false;
        }
    }
    rml_str bound = rml_str_cut(*base, '<', base);
    if (bound.data != NULL) {
        if (!rml_str_starts(bound, RML_STR("="))) {
            return false;
        }
        bound = (rml_str){bound.data + 1, bound.len - 1};
        if (!rml_parse_i64(bound, &number) || number < 0 || number >= UINT32_MAX) {
            return false;
        }
        f->string_bound = (uint32_t)number;
    }
    return base->len > 0;
}

static bool name_valid(rml_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i > 0 && c >= '0' && c <= '9')) {
            return false;
        }
    }
    return name.len > 0;
}

// The part of a line before a comment. A default or constant of a string may hold a '#', but what
// stands behind the name is not read, so cutting there does no harm.
static rml_str code_of(rml_str line)
{
    rml_str code;
    (void)rml_str_cut(line, '#', &code);
    return rml_str_trim(code);
}

rml_str rml_definition_word(rml_str *text)
{
    rml_str rest = rml_str_trim(*text);
    size_t n = 0;
    while (n < rest.len && rest.data[n] != ' ' && rest.data[n] != '\t') {
        n++;
    }
    rml_str word = {rest.data, n};
    *text = (rml_str){rest.data + n, rest.len - n};
    return word;
}

// What a name of a type stands for on the wire.
static rml_wire wire_of(rml_dialect dialect, rml_str name)
{
    // In ROS 1 a byte is signed (wiki.ros.org/msg), and a message may be called Time.
    bool ros1 = dialect == RML_ROS1MSG;
    if (ros1 && rml_str_equal(name, RML_STR("byte"))) {
        return RML_WIRE_I8;
    }
    for (size_t i = 0; i < sizeof(primitives) / sizeof(primitives[0]); i++) {
        if (rml_str_equal(name, rml_str_of(primitives[i].name)) &&
            !(ros1 && primitives[i].wire >= RML_WIRE_TIME && name.data[0] != 't' &&
              name.data[0] != 'd')) {
            return primitives[i].wire;
        }
    }
    return RML_WIRE_NESTED;
}

static rml_status parse_field(rml_dialect dialect, rml_str code, rml_place at, rml_arena *arena,
                              rml_definition_type *type, rml_error *err)
{
    rml_str rest = code, base;
    rml_str token = rml_definition_word(&rest), name = rml_definition_word(&rest);
    rml_definition_field f = {0};
    rml_str after = rml_str_trim(rest);
    // "TYPE NAME=VALUE" and "TYPE NAME = VALUE" are constants. The bound "<=" stands in the type.
    if (rml_str_find(name, RML_STR("=")) < name.len || rml_str_starts(after, RML_STR("="))) {
        return RML_OK;
    }
    if (!split_type(token, &base, &f) || !name_valid(name)) {
        return rml_fail(err, RML_ERR_DATA, at, NULL,
                        "expected a field \"type name\" or a constant \"type NAME=value\", found "
                        "\"%.*s\"",
                        RML_FMT(code));
    }
    if (type->fields.count >= FIELDS_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, at, NULL, "expected at most %d fields in a type",
                        FIELDS_MAX);
    }
    RML_TRY(rml_definition_name(base, arena, &f.type, err));
    f.wire = wire_of(dialect, f.type);
    if (f.string_bound != UINT32_MAX && f.wire != RML_WIRE_STRING && f.wire != RML_WIRE_WSTRING) {
        return rml_fail(err, RML_ERR_DATA, at, NULL,
                        "expected a bound \"<=\" on a string, found it on %.*s", RML_FMT(base));
    }
    f.name = name;
    rml_definition_field *field = rml_array_push(&type->fields, err);
    if (field == NULL) {
        return RML_ERR_MEMORY;
    }
    *field = f;
    return RML_OK;
}

static rml_status add_type(rml_definition *d, rml_str name, rml_arena *arena, rml_error *err)
{
    rml_str normal;
    RML_TRY(rml_definition_name(name, arena, &normal, err));
    rml_definition_type *type = rml_array_push(&d->types, err);
    if (type == NULL) {
        return RML_ERR_MEMORY;
    }
    *type = (rml_definition_type){normal, RML_ARRAY(rml_definition_field)};
    return RML_OK;
}

bool rml_definition_separates(rml_str line)
{
    size_t n = 0;
    while (n < line.len && line.data[n] == '=') {
        n++;
    }
    return n >= 3 && n == line.len;
}

static rml_status parse_lines(rml_dialect dialect, rml_str name, rml_str text, rml_str file,
                              rml_arena *arena, rml_definition *d, rml_error *err)
{
    RML_TRY(add_type(d, name, arena, err));
    bool want_name = false;
    uint32_t number = 0;
    while (text.len > 0) {
        rml_str line;
        text = rml_str_cut(text, '\n', &line);
        rml_place at = rml_place_line(file, ++number, 0);
        rml_str code = code_of(line);
        if (code.len == 0) {
            continue;
        }
        if (rml_definition_separates(code)) {
            want_name = true;
            continue;
        }
        if (!want_name) {
            RML_TRY(parse_field(dialect, code, at, arena,
                                RML_AT(&d->types, rml_definition_type, d->types.count - 1), err));
            continue;
        }
        if (!rml_str_starts(code, RML_STR("MSG:"))) {
            return rml_fail(err, RML_ERR_DATA, at, NULL,
                            "expected \"MSG: package/Type\" after a line of =, found \"%.*s\"",
                            RML_FMT(code));
        }
        rml_str type = rml_str_trim((rml_str){code.data + 4, code.len - 4});
        RML_TRY(add_type(d, type, arena, err));
        want_name = false;
    }
    return RML_OK;
}

rml_status rml_definition_parse(rml_dialect dialect, rml_str name, rml_str text, rml_str file,
                                rml_arena *arena, rml_definition *out, rml_error *err)
{
    *out = (rml_definition){RML_ARRAY(rml_definition_type)};
    rml_status st = parse_lines(dialect, name, text, file, arena, out, err);
    if (st) {
        rml_definition_reset(out);
    }
    return st;
}

void rml_definition_reset(rml_definition *d)
{
    for (size_t i = 0; i < d->types.count; i++) {
        rml_array_reset(&RML_AT(&d->types, rml_definition_type, i)->fields);
    }
    rml_array_reset(&d->types);
}

static const rml_definition_type *find_exact(const rml_definition *d, rml_str package, rml_str type)
{
    for (size_t i = 0; i < d->types.count; i++) {
        const rml_definition_type *t = RML_AT(&d->types, rml_definition_type, i);
        if (t->name.len == package.len + 1 + type.len && rml_str_starts(t->name, package) &&
            t->name.data[package.len] == '/' && rml_str_ends(t->name, type)) {
            return t;
        }
    }
    return NULL;
}

const rml_definition_type *rml_definition_find(const rml_definition *d, rml_str name,
                                               rml_str inside)
{
    rml_str package;
    rml_str type = rml_str_cut(name, '/', &package);
    if (type.data != NULL) {
        return find_exact(d, package, type);
    }
    rml_str own;
    (void)rml_str_cut(inside, '/', &own);
    const rml_definition_type *found = find_exact(d, own, name);
    // "Header" alone is std_msgs/Header, as ROS has always read it.
    return found == NULL ? find_exact(d, RML_STR("std_msgs"), name) : found;
}
