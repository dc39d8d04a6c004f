// The MD5 of a ROS 1 message type. Source: genmsg, gentools.py (compute_md5_text): the constants,
// then the fields, a line each; a field of another message type is written as the MD5 of that type.
#include <stdio.h>
#include <string.h>

#include "plan.h"
#include "roadmill/codec.h"
#include "roadmill/message/ros.h"

#define DEPTH_MAX 32

// Sums are made once for each type, whatever uses it: types that use each other twice and twice
// again would be summed 2^n times.
typedef struct type_sum {
    rml_str text; // of the type, with its constants
    bool known;
    char sum[RML_MD5_TEXT];
} type_sum;

typedef struct summer {
    rml_definition definition; // the fields
    rml_array sums;            // type_sum, by type
    size_t fields;             // that were summed
    rml_str file;
    rml_error *err;
} summer;

// ---- Constants ---------------------------------------------------------------------------------

static rml_str next_word(rml_str *rest)
{
    rml_str text = rml_str_trim(*rest);
    size_t n = 0;
    while (n < text.len && text.data[n] != ' ' && text.data[n] != '\t' && text.data[n] != '=') {
        n++;
    }
    *rest = rml_str_trim((rml_str){text.data + n, text.len - n});
    return (rml_str){text.data, n};
}

// "TYPE NAME=VALUE" of a line that is a constant. A string's value goes on to the end of the line.
static bool constant_of(rml_str line, rml_str *type, rml_str *name, rml_str *value)
{
    rml_str code, rest;
    (void)rml_str_cut(line, '#', &code);
    rest = code;
    *type = next_word(&rest);
    *name = next_word(&rest);
    if (name->len == 0 || !rml_str_starts(rest, RML_STR("="))) {
        return false;
    }
    rml_str head;
    bool is_text = rml_str_equal(*type, RML_STR("string"));
    *value = rml_str_trim(rml_str_cut(is_text ? line : rest, '=', &head));
    return true;
}

static rml_status put_constants(const summer *s, rml_str text, rml_buffer *out)
{
    while (text.len > 0) {
        rml_str line, type, name, value;
        text = rml_str_cut(text, '\n', &line);
        if (constant_of(line, &type, &name, &value)) {
            RML_TRY(rml_buffer_printf(out, s->err, "%.*s %.*s=%.*s\n", RML_FMT(type), RML_FMT(name),
                                      RML_FMT(value)));
        }
    }
    return RML_OK;
}

// The parts of a definition between its separators, one for each type.
static rml_status split(summer *s, rml_str text)
{
    type_sum *at = rml_array_push(&s->sums, s->err);
    const char *first = text.data;
    while (at != NULL && text.len > 0) {
        rml_str line, code;
        const char *end = text.data;
        text = rml_str_cut(text, '\n', &line);
        (void)rml_str_cut(line, '#', &code);
        bool last = text.len == 0;
        if (rml_definition_separates(rml_str_trim(code))) {
            at->text = (rml_str){first, (size_t)(end - first)};
            at = last ? at : rml_array_push(&s->sums, s->err);
            first = text.data;
        } else if (last) {
            at->text = (rml_str){first, (size_t)(line.data + line.len - first)};
        }
    }
    return at != NULL ? RML_OK : RML_ERR_MEMORY;
}

// ---- Fields ------------------------------------------------------------------------------------

static rml_status sum_type(summer *s, const rml_definition_type *type, size_t depth,
                           const char **out);

static rml_status put_field(summer *s, const rml_definition_type *inside,
                            const rml_definition_field *f, size_t depth, rml_buffer *out)
{
    if (++s->fields > RML_PLAN_NODES_MAX) {
        return rml_fail(s->err, RML_ERR_LIMIT, rml_place_file(s->file), NULL,
                        "expected at most %d fields in a message, found more", RML_PLAN_NODES_MAX);
    }
    if (f->wire == RML_WIRE_NESTED) {
        const char *sum;
        const rml_definition_type *type =
            rml_definition_find(&s->definition, f->type, inside->name);
        if (type == NULL) {
            return rml_fail(s->err, RML_ERR_DATA, rml_place_file(s->file), NULL,
                            "expected a definition of %.*s, found none", RML_FMT(f->type));
        }
        RML_TRY(sum_type(s, type, depth + 1, &sum));
        return rml_buffer_printf(out, s->err, "%s %.*s\n", sum, RML_FMT(f->name));
    }
    RML_TRY(rml_buffer_str(out, f->type, s->err));
    if (f->shape == RML_SHAPE_FIXED) {
        RML_TRY(rml_buffer_printf(out, s->err, "[%u]", f->length));
    } else if (f->shape == RML_SHAPE_SEQUENCE) {
        RML_TRY(rml_buffer_str(out, RML_STR("[]"), s->err));
    }
    return rml_buffer_printf(out, s->err, " %.*s\n", RML_FMT(f->name));
}

static rml_status sum_type(summer *s, const rml_definition_type *type, size_t depth,
                           const char **out)
{
    if (depth > DEPTH_MAX) {
        return rml_fail(s->err, RML_ERR_LIMIT, rml_place_file(s->file), NULL,
                        "expected types nested at most %d deep, found more at %.*s", DEPTH_MAX,
                        RML_FMT(type->name));
    }
    const rml_definition_type *first = RML_AT(&s->definition.types, rml_definition_type, 0);
    type_sum *own = RML_AT(&s->sums, type_sum, type - first);
    *out = own->sum;
    if (own->known) {
        return RML_OK;
    }
    rml_buffer text = {0};
    uint8_t sum[16];
    rml_status st = put_constants(s, own->text, &text);
    for (size_t i = 0; !st && i < type->fields.count; i++) {
        st = put_field(s, type, RML_AT(&type->fields, rml_definition_field, i), depth, &text);
    }
    rml_str trimmed = rml_str_trim(rml_buffer_text(&text));
    if (!st && rml_md5(trimmed.data, trimmed.len, sum) != RML_OK) {
        st = rml_fail_memory(s->err, text.len);
    }
    rml_buffer_reset(&text);
    for (size_t i = 0; !st && i < sizeof sum; i++) {
        (void)snprintf(own->sum + 2 * i, 3, "%02x", sum[i]);
    }
    own->known = st == RML_OK;
    return st;
}

rml_status rml_ros1_md5(rml_str name, rml_str text, rml_str file, char out[RML_MD5_TEXT],
                        rml_error *err)
{
    summer s = {.sums = RML_ARRAY(type_sum), .file = file, .err = err};
    rml_arena arena = {0};
    const char *sum = NULL;
    rml_status st = rml_definition_parse(RML_ROS1MSG, name, text, file, &arena, &s.definition, err);
    if (!st) {
        st = split(&s, text);
        // A separator without a type behind it, or types without one between them.
        while (!st && s.sums.count < s.definition.types.count) {
            st = rml_array_push(&s.sums, err) != NULL ? RML_OK : RML_ERR_MEMORY;
        }
        st = st ? st : sum_type(&s, RML_AT(&s.definition.types, rml_definition_type, 0), 0, &sum);
        rml_definition_reset(&s.definition);
    }
    if (!st) {
        memcpy(out, sum, RML_MD5_TEXT);
    }
    rml_array_reset(&s.sums);
    rml_arena_reset(&arena);
    return st;
}
