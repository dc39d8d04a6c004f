// Schemas of columns: copies and comparison.
#include "roadmill/base/column.h"

static rml_status copy_fields(rml_arena *arena, const rml_field *from, size_t count,
                              const rml_field **out, rml_error *err)
{
    *out = NULL;
    if (count == 0) {
        return RML_OK;
    }
    rml_field *to = RML_NEW_ARRAY(arena, rml_field, count);
    if (to == NULL) {
        return rml_fail_memory(err, count * sizeof *to);
    }
    for (size_t i = 0; i < count; i++) {
        to[i] = from[i];
        to[i].name = rml_arena_str(arena, from[i].name);
        if (to[i].name.data == NULL) {
            return rml_fail_memory(err, from[i].name.len);
        }
        RML_TRY(copy_fields(arena, from[i].children, from[i].child_count, &to[i].children, err));
    }
    *out = to;
    return RML_OK;
}

rml_status rml_schema_copy(rml_arena *arena, rml_schema schema, rml_schema *out, rml_error *err)
{
    out->count = schema.count;
    return copy_fields(arena, schema.fields, schema.count, &out->fields, err);
}

bool rml_field_same(const rml_field *a, const rml_field *b)
{
    if (a->type != b->type || a->child_count != b->child_count) {
        return false;
    }
    for (size_t i = 0; i < a->child_count; i++) {
        bool named = a->type == RML_TYPE_STRUCT;
        if ((named && !rml_str_equal(a->children[i].name, b->children[i].name)) ||
            !rml_field_same(&a->children[i], &b->children[i])) {
            return false;
        }
    }
    return true;
}
