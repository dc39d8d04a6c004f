// Definitions put together from the table of the common packages: the type, then each type that it
// needs once, after lines of "=".
#include "common.h"

#define TYPES_MAX 64
#define SEPARATOR                                                                                  \
    "================================================================================\nMSG: "

static const struct row {
    const char *type, *distributions, *fields;
} rows[] = {
#include "common_table.h"
};
#define ROW_COUNT (sizeof rows / sizeof *rows)

typedef struct builder {
    const struct row *types[TYPES_MAX]; // the first is the message itself
    size_t count;
    rml_str wanted, file;
    rml_error *err;
} builder;

static rml_status fail_ambiguous(const builder *b, size_t first)
{
    char text[256] = "";
    size_t len = 0;
    for (size_t i = first;
         i < ROW_COUNT && rml_str_equal(rml_str_of(rows[i].type), rml_str_of(rows[first].type));
         i++) {
        rml_str names = rml_str_of(rows[i].distributions);
        for (size_t k = 0; k < names.len && len + 4 < sizeof text; k++) {
            text[len++] = names.data[k];
        }
        text[len++] = ';';
        text[len++] = ' ';
    }
    return rml_fail(b->err, RML_ERR_UNSUPPORTED, rml_place_file(b->file), NULL,
                    "expected a recording that carries the definition of %.*s, found none, and "
                    "distributions of ROS 2 define %s differently (%.*s)",
                    RML_FMT(b->wanted), rows[first].type, (int)(len > 2 ? len - 2 : 0), text);
}

// Adds a type unless it is there.
static rml_status add_type(builder *b, rml_str name)
{
    for (size_t i = 0; i < b->count; i++) {
        if (rml_str_equal(rml_str_of(b->types[i]->type), name)) {
            return RML_OK;
        }
    }
    size_t at = 0;
    while (at < ROW_COUNT && !rml_str_equal(rml_str_of(rows[at].type), name)) {
        at++;
    }
    if (at == ROW_COUNT || b->count == TYPES_MAX) {
        return rml_fail(b->err, RML_ERR_UNSUPPORTED, rml_place_file(b->file), NULL,
                        "expected a recording that carries the definition of %.*s, found none, "
                        "and %.*s is none of the common types",
                        RML_FMT(b->wanted), RML_FMT(name));
    }
    if (at + 1 < ROW_COUNT && rml_str_equal(rml_str_of(rows[at + 1].type), name)) {
        return fail_ambiguous(b, at);
    }
    b->types[b->count++] = &rows[at];
    return RML_OK;
}

// The types that the fields of a row need: those with a slash in their name.
static rml_status add_needed(builder *b, const struct row *row)
{
    rml_str left = rml_str_of(row->fields), line, type;
    while (left.len > 0) {
        left = rml_str_cut(left, '\n', &line);
        (void)rml_str_cut(line, ' ', &type);
        (void)rml_str_cut(type, '[', &type);
        if (rml_str_find(type, RML_STR("/")) < type.len) {
            RML_TRY(add_type(b, type));
        }
    }
    return RML_OK;
}

rml_status rml_message_common(rml_str name, rml_str file, rml_arena *arena, rml_str *out,
                              rml_error *err)
{
    builder b = {.wanted = name, .file = file, .err = err};
    rml_str middle = RML_STR("/msg/");
    size_t at = rml_str_find(name, middle);
    rml_str type = name;
    if (at < name.len) {
        type = rml_arena_printf(arena, "%.*s/%.*s", (int)at, name.data,
                                (int)(name.len - at - middle.len), name.data + at + middle.len);
    }
    if (type.data == NULL) {
        return rml_fail_memory(err, name.len);
    }
    RML_TRY(add_type(&b, type));
    rml_buffer text = {0};
    rml_status st = RML_OK;
    for (size_t i = 0; st == RML_OK && i < b.count; i++) {
        st = add_needed(&b, b.types[i]);
        st = st ? st
                : rml_buffer_printf(&text, err, "%s%s%s%s", i == 0 ? "" : SEPARATOR,
                                    i == 0 ? "" : b.types[i]->type, i == 0 ? "" : "\n",
                                    b.types[i]->fields);
    }
    *out = st == RML_OK ? rml_arena_str(arena, rml_buffer_text(&text)) : (rml_str){0};
    st = st == RML_OK && out->data == NULL ? rml_fail_memory(err, text.len) : st;
    rml_buffer_reset(&text);
    return st;
}
