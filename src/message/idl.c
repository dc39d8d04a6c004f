// Interface definitions in OMG IDL 4.2 as ROS 2 writes them: modules with structs, typedefs, enums
// and constants; files one after the other, each after a line of "=" and a line "IDL:
// package/msg/Type". Annotations are passed over. Sources: OMG IDL 4.2, clause 7.4;
// design.ros2.org/articles/idl_interface_definition.html; mcap.dev/spec/registry "ros2idl".
//
// What is refused by name: unions, bit sets, maps, structs that inherit, wide characters, long
// double, lists of lists.
#include <string.h>

#include "definition.h"

#define DEPTH_MAX 16
#define ITEMS_MAX 65536

typedef enum token_kind { T_END, T_NAME, T_NUMBER, T_TEXT, T_PUNCTUATION } token_kind;
typedef struct token {
    token_kind kind;
    rml_str text; // PUNCTUATION: one character, or "::"
    uint32_t line;
} token;

// A typedef or an enum: what stands for its name.
typedef struct alias {
    rml_definition_field type;
    rml_str scope; // in which its own type is looked up
} alias;

typedef struct struct_type {
    rml_str name, scope; // scope: "package::msg"
    rml_array fields;    // rml_definition_field, types as written
} struct_type;

typedef struct idl_parser {
    rml_str left, file;
    uint32_t line;
    token at;
    rml_str scopes[DEPTH_MAX];
    size_t depth;
    rml_array aliases, structs;
    rml_map names; // full name -> 1 + place in aliases; 0: a struct
    rml_arena *arena;
    rml_error *err;
} idl_parser;

// ---- Tokens ------------------------------------------------------------------------------------

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void drop(idl_parser *p, size_t count)
{
    p->left = (rml_str){p->left.data + count, p->left.len - count};
}

// The line at hand is over from here on.
static void drop_line(idl_parser *p)
{
    const char *end = p->left.len > 0 ? memchr(p->left.data, '\n', p->left.len) : NULL;
    drop(p, end == NULL ? p->left.len : (size_t)(end - p->left.data));
}

static void drop_comment(idl_parser *p)
{
    drop(p, 2);
    while (p->left.len > 0 && !rml_str_starts(p->left, RML_STR("*/"))) {
        p->line += p->left.data[0] == '\n';
        drop(p, 1);
    }
    drop(p, p->left.len < 2 ? p->left.len : 2);
}

// White space, comments, lines of the preprocessor, lines between files.
static void drop_space(idl_parser *p)
{
    while (p->left.len > 0) {
        char c = p->left.data[0];
        if (c == '\n') {
            p->line++;
            drop(p, 1);
        } else if (c == ' ' || c == '\t' || c == '\r') {
            drop(p, 1);
        } else if (rml_str_starts(p->left, RML_STR("/*"))) {
            drop_comment(p);
        } else if (rml_str_starts(p->left, RML_STR("//")) || c == '#' ||
                   rml_str_starts(p->left, RML_STR("===")) ||
                   rml_str_starts(p->left, RML_STR("IDL:"))) {
            drop_line(p);
        } else {
            return;
        }
    }
}

static size_t text_length(const idl_parser *p)
{
    size_t n = 1;
    while (n < p->left.len && p->left.data[n] != p->left.data[0]) {
        n += p->left.data[n] == '\\' ? 2 : 1;
    }
    return n < p->left.len ? n + 1 : p->left.len;
}

static void next(idl_parser *p)
{
    drop_space(p);
    size_t n = 1;
    token_kind kind = T_PUNCTUATION;
    p->at = (token){T_END, {0}, p->line};
    if (p->left.len == 0) {
        return;
    }
    char c = p->left.data[0];
    if (is_letter(c)) {
        kind = T_NAME;
        while (n < p->left.len && (is_letter(p->left.data[n]) || is_digit(p->left.data[n]))) {
            n++;
        }
    } else if (is_digit(c)) {
        kind = T_NUMBER;
        while (n < p->left.len && (is_letter(p->left.data[n]) || is_digit(p->left.data[n]) ||
                                   p->left.data[n] == '.')) {
            n++;
        }
    } else if (c == '"' || c == '\'') {
        kind = T_TEXT;
        n = text_length(p);
    } else if (rml_str_starts(p->left, RML_STR("::"))) {
        n = 2;
    }
    p->at = (token){kind, {p->left.data, n}, p->line};
    for (size_t i = 0; kind == T_TEXT && i < n; i++) {
        p->line += p->left.data[i] == '\n';
    }
    drop(p, n);
}

static bool is(const idl_parser *p, const char *text)
{
    return p->at.kind != T_TEXT && rml_str_equal(p->at.text, rml_str_of(text));
}

static bool take(idl_parser *p, const char *text)
{
    bool there = is(p, text);
    if (there) {
        next(p);
    }
    return there;
}

static rml_status fail(const idl_parser *p, const char *expected)
{
    return rml_fail(p->err, RML_ERR_DATA, rml_place_line(p->file, p->at.line, 0), NULL,
                    "expected %s in the IDL, found \"%.*s\"", expected, RML_FMT(p->at.text));
}

static rml_status refuse(const idl_parser *p, rml_str what)
{
    return rml_fail(p->err, RML_ERR_UNSUPPORTED, rml_place_line(p->file, p->at.line, 0), NULL,
                    "expected IDL of structs, typedefs and enums, found %.*s", RML_FMT(what));
}

static rml_status need(idl_parser *p, const char *text)
{
    return take(p, text) ? RML_OK : fail(p, text);
}

static rml_status name(idl_parser *p, rml_str *out)
{
    if (p->at.kind != T_NAME) {
        return fail(p, "a name");
    }
    *out = p->at.text;
    next(p);
    return RML_OK;
}

// "(...)", whatever stands in it.
static rml_status drop_brackets(idl_parser *p)
{
    size_t depth = 0;
    do {
        depth += is(p, "(");
        depth -= is(p, ")");
        if (p->at.kind == T_END) {
            return fail(p, "\")\"");
        }
        next(p);
    } while (depth > 0);
    return RML_OK;
}

static rml_status drop_annotations(idl_parser *p)
{
    rml_str what;
    while (take(p, "@")) {
        RML_TRY(name(p, &what));
        while (take(p, "::")) {
            RML_TRY(name(p, &what));
        }
        RML_TRY(is(p, "(") ? drop_brackets(p) : RML_OK);
    }
    return RML_OK;
}

// ---- Types -------------------------------------------------------------------------------------

static const struct {
    const char *idl, *plain;
    rml_wire wire;
} primitives[] = {
    {"boolean", "bool", RML_WIRE_BOOL},    {"octet", "byte", RML_WIRE_U8},
    {"char", "char", RML_WIRE_U8},         {"int8", "int8", RML_WIRE_I8},
    {"uint8", "uint8", RML_WIRE_U8},       {"short", "int16", RML_WIRE_I16},
    {"int16", "int16", RML_WIRE_I16},      {"uint16", "uint16", RML_WIRE_U16},
    {"int32", "int32", RML_WIRE_I32},      {"uint32", "uint32", RML_WIRE_U32},
    {"int64", "int64", RML_WIRE_I64},      {"uint64", "uint64", RML_WIRE_U64},
    {"float", "float32", RML_WIRE_F32},    {"double", "float64", RML_WIRE_F64},
    {"string", "string", RML_WIRE_STRING}, {"wstring", "wstring", RML_WIRE_WSTRING},
};

static rml_status count_of(idl_parser *p, uint32_t *out)
{
    int64_t value = 0;
    if (p->at.kind != T_NUMBER || !rml_parse_i64(p->at.text, &value) || value < 1 ||
        value >= UINT32_MAX) {
        return fail(p, "a length");
    }
    *out = (uint32_t)value;
    next(p);
    return RML_OK;
}

// "short", "long", "long long", each perhaps "unsigned".
static rml_status integer(idl_parser *p, rml_definition_field *f)
{
    bool is_unsigned = take(p, "unsigned");
    if (take(p, "short")) {
        f->wire = is_unsigned ? RML_WIRE_U16 : RML_WIRE_I16;
    } else if (take(p, "long")) {
        if (is(p, "double")) {
            return refuse(p, RML_STR("long double"));
        }
        bool twice = take(p, "long");
        f->wire = twice ? (is_unsigned ? RML_WIRE_U64 : RML_WIRE_I64)
                        : (is_unsigned ? RML_WIRE_U32 : RML_WIRE_I32);
    } else {
        return fail(p, "a type of integers");
    }
    for (size_t i = 0; i < sizeof primitives / sizeof *primitives; i++) {
        if (primitives[i].wire == f->wire) {
            f->type = rml_str_of(primitives[i].plain);
        }
    }
    return RML_OK;
}

static rml_status scoped_name(idl_parser *p, rml_str *out)
{
    rml_str part;
    bool absolute = take(p, "::");
    RML_TRY(name(p, &part));
    *out = absolute ? rml_arena_printf(p->arena, "::%.*s", RML_FMT(part)) : part;
    while (take(p, "::")) {
        RML_TRY(name(p, &part));
        *out = rml_arena_printf(p->arena, "%.*s::%.*s", RML_FMT(*out), RML_FMT(part));
    }
    return out->data == NULL ? rml_fail_memory(p->err, 64) : RML_OK;
}

// A type without a list of it: the field's wire, name and bound.
static rml_status simple_type(idl_parser *p, rml_definition_field *f)
{
    static const char *const refused[] = {"wchar", "map", "any", "fixed", "sequence"};
    *f = (rml_definition_field){.length = UINT32_MAX, .string_bound = UINT32_MAX};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (is(p, refused[i])) {
            return refuse(p, rml_str_of(refused[i]));
        }
    }
    if (is(p, "unsigned") || is(p, "long")) {
        return integer(p, f);
    }
    for (size_t i = 0; i < sizeof primitives / sizeof *primitives; i++) {
        if (take(p, primitives[i].idl)) {
            f->wire = primitives[i].wire;
            f->type = rml_str_of(primitives[i].plain);
            bool text = f->wire == RML_WIRE_STRING || f->wire == RML_WIRE_WSTRING;
            if (text && take(p, "<")) {
                RML_TRY(count_of(p, &f->string_bound));
                return need(p, ">");
            }
            return RML_OK;
        }
    }
    f->wire = RML_WIRE_NESTED;
    return scoped_name(p, &f->type);
}

static rml_status type_of(idl_parser *p, rml_definition_field *f)
{
    if (!take(p, "sequence")) {
        return simple_type(p, f);
    }
    RML_TRY(need(p, "<"));
    RML_TRY(simple_type(p, f));
    f->shape = RML_SHAPE_SEQUENCE;
    if (take(p, ",")) {
        RML_TRY(count_of(p, &f->length));
    }
    return need(p, ">");
}

// "name", "name[3]", "name[3][4]": the last is twelve in a row on the wire.
static rml_status declarator(idl_parser *p, rml_definition_field *f)
{
    uint64_t total = 0;
    RML_TRY(name(p, &f->name));
    while (take(p, "[")) {
        uint32_t count;
        RML_TRY(count_of(p, &count));
        RML_TRY(need(p, "]"));
        total = total == 0 ? count : total * count;
        if (f->shape == RML_SHAPE_SEQUENCE || total >= UINT32_MAX) {
            return refuse(p, RML_STR("a list of lists"));
        }
    }
    if (total > 0) {
        f->shape = RML_SHAPE_FIXED;
        f->length = (uint32_t)total;
    }
    return RML_OK;
}

// ---- Declarations ------------------------------------------------------------------------------

static rml_str scope_of(const idl_parser *p)
{
    return p->depth > 0 ? p->scopes[p->depth - 1] : (rml_str){0};
}

static rml_status in_scope(idl_parser *p, rml_str own, rml_str *out)
{
    rml_str scope = scope_of(p);
    *out = rml_arena_printf(p->arena, "%.*s%s%.*s", RML_FMT(scope), scope.len > 0 ? "::" : "",
                            RML_FMT(own));
    return out->data == NULL ? rml_fail_memory(p->err, own.len) : RML_OK;
}

static rml_status add_alias(idl_parser *p, const rml_definition_field *type)
{
    if (p->aliases.count >= ITEMS_MAX) {
        return refuse(p, RML_STR("more types than are read"));
    }
    alias *a = rml_array_push(&p->aliases, p->err);
    if (a == NULL) {
        return RML_ERR_MEMORY;
    }
    rml_str full;
    *a = (alias){.type = *type, .scope = scope_of(p)};
    RML_TRY(in_scope(p, type->name, &full));
    return rml_map_put(&p->names, full, p->aliases.count, p->err);
}

static rml_status typedef_declaration(idl_parser *p)
{
    rml_definition_field type, own;
    RML_TRY(type_of(p, &type));
    do {
        own = type;
        RML_TRY(declarator(p, &own));
        RML_TRY(add_alias(p, &own));
    } while (take(p, ","));
    return need(p, ";");
}

// An enum is a number of 32 bits on the wire (DDS-XTypes 1.3, 7.4.3).
static rml_status enum_declaration(idl_parser *p)
{
    rml_definition_field type = {.wire = RML_WIRE_I32,
                                 .type = RML_STR("int32"),
                                 .length = UINT32_MAX,
                                 .string_bound = UINT32_MAX};
    RML_TRY(name(p, &type.name));
    RML_TRY(add_alias(p, &type));
    while (!is(p, "}")) {
        if (p->at.kind == T_END) {
            return fail(p, "\"}\"");
        }
        next(p);
    }
    next(p);
    return need(p, ";");
}

static rml_status constant_declaration(idl_parser *p)
{
    while (!is(p, ";")) {
        if (p->at.kind == T_END) {
            return fail(p, "\";\"");
        }
        next(p);
    }
    next(p);
    return RML_OK;
}

static rml_status member(idl_parser *p, struct_type *s)
{
    rml_definition_field type;
    RML_TRY(drop_annotations(p));
    RML_TRY(type_of(p, &type));
    do {
        if (s->fields.count >= ITEMS_MAX) {
            return refuse(p, RML_STR("more fields than are read"));
        }
        rml_definition_field *f = rml_array_push(&s->fields, p->err);
        if (f == NULL) {
            return RML_ERR_MEMORY;
        }
        *f = type;
        RML_TRY(declarator(p, f));
    } while (take(p, ","));
    return need(p, ";");
}

static rml_status struct_declaration(idl_parser *p)
{
    rml_str own;
    RML_TRY(name(p, &own));
    if (take(p, ";")) {
        return RML_OK; // said to exist, defined elsewhere
    }
    if (is(p, ":")) {
        return refuse(p, RML_STR("a struct that inherits"));
    }
    if (p->structs.count >= ITEMS_MAX) {
        return refuse(p, RML_STR("more types than are read"));
    }
    struct_type *s = rml_array_push(&p->structs, p->err);
    if (s == NULL) {
        return RML_ERR_MEMORY;
    }
    *s = (struct_type){.scope = scope_of(p), .fields = RML_ARRAY(rml_definition_field)};
    RML_TRY(in_scope(p, own, &s->name));
    RML_TRY(rml_map_put(&p->names, s->name, 0, p->err));
    RML_TRY(need(p, "{"));
    while (!take(p, "}")) {
        RML_TRY(member(p, s));
    }
    return need(p, ";");
}

static rml_status open_module(idl_parser *p)
{
    rml_str own, full;
    RML_TRY(name(p, &own));
    RML_TRY(in_scope(p, own, &full));
    if (p->depth == DEPTH_MAX) {
        return refuse(p, RML_STR("modules nested deeper than are read"));
    }
    p->scopes[p->depth++] = full;
    return need(p, "{");
}

static rml_status declaration(idl_parser *p)
{
    RML_TRY(drop_annotations(p));
    if (p->depth > 0 && take(p, "}")) {
        p->depth--;
        return need(p, ";");
    }
    return take(p, "module")    ? open_module(p)
           : take(p, "struct")  ? struct_declaration(p)
           : take(p, "typedef") ? typedef_declaration(p)
           : take(p, "enum")    ? enum_declaration(p)
           : take(p, "const")   ? constant_declaration(p)
                                : refuse(p, p->at.text);
}

// ---- Names -------------------------------------------------------------------------------------

// "package::msg::Type" -> "package/Type", as definitions of ROS are known; deeper scopes stay.
static rml_status plain_name(idl_parser *p, rml_str full, rml_str *out)
{
    size_t at = rml_str_find(full, RML_STR("::"));
    rml_str package = {full.data, at};
    rml_str rest = at < full.len ? (rml_str){full.data + at + 2, full.len - at - 2} : (rml_str){0};
    if (rml_str_starts(rest, RML_STR("msg::"))) {
        rest = (rml_str){rest.data + 5, rest.len - 5};
    }
    *out = rest.len > 0 ? rml_arena_printf(p->arena, "%.*s/%.*s", RML_FMT(package), RML_FMT(rest))
                        : full;
    return out->data == NULL ? rml_fail_memory(p->err, full.len) : RML_OK;
}

// The full name that `written` means in a scope: looked up from the innermost outwards.
static rml_status look_up(idl_parser *p, rml_str written, rml_str scope, const alias **found,
                          rml_str *full)
{
    *found = NULL;
    if (rml_str_starts(written, RML_STR("::"))) {
        written = (rml_str){written.data + 2, written.len - 2};
        scope = (rml_str){0};
    }
    for (;;) {
        *full = rml_arena_printf(p->arena, "%.*s%s%.*s", RML_FMT(scope), scope.len > 0 ? "::" : "",
                                 RML_FMT(written));
        if (full->data == NULL) {
            return rml_fail_memory(p->err, written.len);
        }
        uint64_t place = 0;
        bool known = rml_map_get(&p->names, *full, &place);
        *found = place > 0 ? RML_AT(&p->aliases, alias, place - 1) : NULL;
        if (known || scope.len == 0) {
            return RML_OK;
        }
        size_t cut = scope.len;
        while (cut > 0 && scope.data[cut - 1] != ':') {
            cut--;
        }
        scope.len = cut >= 2 ? cut - 2 : 0;
    }
}

// Replaces names by what they stand for, until a number, a text or a struct is left.
static rml_status resolve(idl_parser *p, rml_definition_field *f, rml_str scope)
{
    for (size_t steps = 0; f->wire == RML_WIRE_NESTED; steps++) {
        const alias *a;
        rml_str full;
        RML_TRY(look_up(p, f->type, scope, &a, &full));
        if (a == NULL) {
            RML_TRY(plain_name(p, full, &f->type));
            bool time = rml_str_equal(f->type, RML_STR("builtin_interfaces/Time"));
            bool duration = rml_str_equal(f->type, RML_STR("builtin_interfaces/Duration"));
            f->wire = time ? RML_WIRE_TIME : duration ? RML_WIRE_DURATION : RML_WIRE_NESTED;
            return RML_OK;
        }
        bool both = f->shape != RML_SHAPE_ONE && a->type.shape != RML_SHAPE_ONE;
        if (both || steps > DEPTH_MAX) {
            return refuse(p, both ? RML_STR("a list of lists") : RML_STR("a typedef of itself"));
        }
        rml_str own = f->name;
        rml_shape shape = f->shape;
        uint32_t length = f->length;
        *f = a->type;
        f->name = own;
        if (shape != RML_SHAPE_ONE) {
            f->shape = shape;
            f->length = length;
        }
        scope = a->scope;
    }
    return RML_OK;
}

// Structs as types of a definition, the one that is asked for first.
static rml_status finish(idl_parser *p, rml_str wanted, rml_definition *out)
{
    rml_definition_type first = {0};
    for (size_t i = 0; i < p->structs.count; i++) {
        struct_type *s = RML_AT(&p->structs, struct_type, i);
        for (size_t k = 0; k < s->fields.count; k++) {
            RML_TRY(resolve(p, RML_AT(&s->fields, rml_definition_field, k), s->scope));
        }
        rml_definition_type *t = rml_array_push(&out->types, p->err);
        if (t == NULL) {
            return RML_ERR_MEMORY;
        }
        t->fields = s->fields;
        s->fields = RML_ARRAY(rml_definition_field);
        // A struct without members has one that says so, which stands on the wire too.
        rml_definition_field *only =
            t->fields.count == 1 ? RML_AT(&t->fields, rml_definition_field, 0) : NULL;
        if (only != NULL &&
            rml_str_equal(only->name, RML_STR("structure_needs_at_least_one_member"))) {
            rml_array_clear(&t->fields);
        }
        RML_TRY(plain_name(p, s->name, &t->name));
        if (first.name.len == 0 && rml_str_equal(t->name, wanted)) {
            rml_definition_type *zero = RML_AT(&out->types, rml_definition_type, 0);
            first = *t;
            *t = *zero;
            *zero = first;
        }
    }
    return first.name.len > 0
               ? RML_OK
               : rml_fail(p->err, RML_ERR_DATA, rml_place_file(p->file), NULL,
                          "expected a struct %.*s in the IDL, found none", RML_FMT(wanted));
}

rml_status rml_idl_parse(rml_str wanted, rml_str text, rml_str file, rml_arena *arena,
                         rml_definition *out, rml_error *err)
{
    idl_parser p = {.left = text,
                    .file = file,
                    .line = 1,
                    .aliases = RML_ARRAY(alias),
                    .structs = RML_ARRAY(struct_type),
                    .arena = arena,
                    .err = err};
    *out = (rml_definition){RML_ARRAY(rml_definition_type)};
    rml_status st = RML_OK;
    for (next(&p); st == RML_OK && p.at.kind != T_END;) {
        st = declaration(&p);
    }
    st = st            ? st
         : p.depth > 0 ? fail(&p, "\"};\" at the end of a module")
                       : finish(&p, wanted, out);
    for (size_t i = 0; i < p.structs.count; i++) {
        rml_array_reset(&RML_AT(&p.structs, struct_type, i)->fields);
    }
    rml_array_reset(&p.structs);
    rml_array_reset(&p.aliases);
    rml_map_reset(&p.names);
    if (st) {
        rml_definition_reset(out);
    }
    return st;
}
