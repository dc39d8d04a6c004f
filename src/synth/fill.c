// Fills message columns by path; see fill.h.
#include "fill.h"

#include <stdio.h>
#include <string.h>

typedef struct filler {
    const synth_value *values;
    size_t count;
    rml_error *err;
} filler;

enum { PATH_MAX_BYTES = 256 };

static const synth_value *value_find(const filler *f, const char *path)
{
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->values[i].path, path) == 0) {
            return &f->values[i];
        }
    }
    return NULL;
}

static rml_status list_fill(const filler *f, rml_column *c, const synth_value *v)
{
    for (size_t i = 0; v && i < v->list_count; i++) {
        RML_TRY(rml_column_f64(&c->children[0], v->list[i], f->err));
    }
    return rml_column_list_end(c, f->err);
}

static rml_status field_fill(const filler *f, const rml_field *field, rml_column *c,
                             const char *prefix)
{
    char path[PATH_MAX_BYTES];
    snprintf(path, sizeof path, "%s%s%.*s", prefix, prefix[0] ? "." : "", RML_FMT(field->name));
    const synth_value *v = value_find(f, path);
    switch (field->type) {
    case RML_TYPE_STRUCT:
        for (size_t i = 0; i < field->child_count; i++) {
            RML_TRY(field_fill(f, &field->children[i], &c->children[i], path));
        }
        return rml_column_struct_end(c, f->err);
    case RML_TYPE_LIST:
        return list_fill(f, c, v);
    case RML_TYPE_STRING:
    case RML_TYPE_BINARY:
        return rml_column_str(c, rml_str_of(v ? v->text : ""), f->err);
    case RML_TYPE_F32:
    case RML_TYPE_F64:
        return rml_column_f64(c, v ? v->number : 0, f->err);
    case RML_TYPE_BOOL:
        return rml_column_bool(c, v && v->integer, f->err);
    default:
        return rml_column_i64(c, v ? v->integer : 0, f->err);
    }
}

rml_status rml_synth_fill(rml_schema schema, rml_column *columns, const synth_value *values,
                          size_t count, rml_error *err)
{
    const filler f = {values, count, err};
    for (size_t i = 0; i < schema.count; i++) {
        RML_TRY(field_fill(&f, &schema.fields[i], &columns[i], ""));
    }
    return RML_OK;
}
