// Leaves of a schema, and their values as Dremel levels.
#include "leaf.h"

#include <string.h>

// ---- Leaves ------------------------------------------------------------------------------------

static rml_status find_leaves(const rml_field *field, size_t child, const rml_leaf *above,
                              rml_array *leaves, rml_error *err)
{
    rml_leaf here = *above;
    if (here.depth == RML_LEAF_DEPTH_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, NULL,
                        "column %.*s: expected at most %d levels of nesting, found more",
                        RML_FMT(here.path[0]->name), RML_LEAF_DEPTH_MAX);
    }
    here.path[here.depth] = field;
    here.child[here.depth++] = child;
    here.max_definition = (uint8_t)(here.max_definition + (field->nullable ? 1 : 0));
    if (field->type == RML_TYPE_LIST) {
        here.max_definition++;
        here.max_repetition++;
        here.in_list = true;
        return find_leaves(&field->children[0], 0, &here, leaves, err);
    }
    if (field->type == RML_TYPE_STRUCT && field->child_count > 0) {
        for (size_t i = 0; i < field->child_count; i++) {
            RML_TRY(find_leaves(&field->children[i], i, &here, leaves, err));
        }
        return RML_OK;
    }
    here.type = field->type;
    if (field->type == RML_TYPE_STRUCT) {
        here.type = RML_TYPE_BOOL;
        here.of_empty = true;
        here.max_definition++;
    }
    rml_leaf *leaf = rml_array_push(leaves, err);
    if (leaf == NULL) {
        return RML_ERR_MEMORY;
    }
    *leaf = here;
    return RML_OK;
}

rml_status rml_leaves(rml_schema schema, rml_array *leaves, rml_error *err)
{
    for (size_t i = 0; i < schema.count; i++) {
        RML_TRY(find_leaves(&schema.fields[i], i, &(rml_leaf){0}, leaves, err));
    }
    return RML_OK;
}

// ---- Levels ------------------------------------------------------------------------------------

// A pair of levels on its way from the column to the leaf.
typedef struct entry {
    uint64_t slot; // in the column reached so far; GONE when the value ended above
    uint8_t definition, repetition;
} entry;
#define GONE UINT64_MAX

static rml_status fail_null(const rml_leaf *leaf, size_t depth, uint64_t slot, rml_error *err)
{
    return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                    "column %.*s: field %.*s is not nullable, found a null in row %llu",
                    RML_FMT(leaf->path[0]->name), RML_FMT(leaf->path[depth]->name),
                    (unsigned long long)slot);
}

// Where a value is null its entry ends; otherwise it is defined one level deeper.
static rml_status step_null(const rml_leaf *leaf, size_t depth, const rml_column *c, entry *entries,
                            size_t count, rml_error *err)
{
    bool nullable = leaf->path[depth]->nullable;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].slot == GONE) {
            continue;
        }
        if (c->null_count > 0 && !rml_bit_get(c->validity.data, entries[i].slot)) {
            if (!nullable) {
                return fail_null(leaf, depth, entries[i].slot, err);
            }
            entries[i].slot = GONE;
        } else if (nullable) {
            entries[i].definition++;
        }
    }
    return RML_OK;
}

// Each list becomes its elements; the first keeps the repetition level, the others get the list's.
static rml_status step_list(const rml_column *c, uint8_t repetition, rml_buffer *from,
                            rml_buffer *to, rml_error *err)
{
    const entry *entries = (const entry *)(const void *)from->data;
    size_t count = from->len / sizeof *entries;
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        size_t first = 0, n = 0;
        if (entries[i].slot != GONE) {
            rml_column_get_list(c, (size_t)entries[i].slot, &first, &n);
        }
        total += n > 0 ? n : 1;
    }
    rml_buffer_clear(to);
    if (total == 0) {
        return RML_OK;
    }
    entry *out = (entry *)(void *)rml_buffer_add(to, total * sizeof *out, err);
    if (out == NULL) {
        return RML_ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        size_t first = 0, n = 0;
        if (entries[i].slot != GONE) {
            rml_column_get_list(c, (size_t)entries[i].slot, &first, &n);
        }
        if (n == 0) {
            *out = entries[i];
            (out++)->slot = GONE;
        }
        for (size_t k = 0; k < n; k++) {
            *out++ = (entry){.slot = first + k,
                             .definition = (uint8_t)(entries[i].definition + 1),
                             .repetition = k == 0 ? entries[i].repetition : repetition};
        }
    }
    return RML_OK;
}

// Splits the entries into the arrays that are encoded.
static rml_status split(rml_shred *s, const rml_leaf *leaf, const rml_buffer *from, rml_error *err)
{
    const entry *entries = (const entry *)(const void *)from->data;
    s->entries = from->len / sizeof *entries;
    if (s->entries == 0) {
        return RML_OK;
    }
    uint8_t *definition = rml_buffer_add(&s->definition, s->entries, err);
    uint8_t *repetition = rml_buffer_add(&s->repetition, s->entries, err);
    uint64_t *slots = (uint64_t *)(void *)rml_buffer_add(&s->slots, s->entries * 8, err);
    if (definition == NULL || repetition == NULL || slots == NULL) {
        return RML_ERR_MEMORY;
    }
    s->dense = true;
    for (size_t i = 0; i < s->entries; i++) {
        definition[i] = entries[i].definition;
        repetition[i] = entries[i].repetition;
        if (entries[i].slot != GONE && !leaf->of_empty) {
            slots[s->present] = entries[i].slot;
            s->dense = s->dense && slots[s->present] == slots[0] + s->present;
            s->present++;
        }
    }
    s->first = s->present > 0 ? (size_t)slots[0] : 0;
    return RML_OK;
}

// Without a null on the path values lie one behind the other, and only a list has levels to tell.
// False, with nothing done, where there is one, or a list within a list.
static rml_status shred_whole(rml_shred *s, const rml_leaf *leaf, const rml_column *columns,
                              size_t from, size_t count, bool *done, rml_error *err)
{
    const rml_column *c = &columns[leaf->child[0]], *list = NULL;
    *done = false;
    for (size_t depth = 0; depth < leaf->depth; depth++) {
        c = depth == 0 ? c : &c->children[leaf->child[depth]];
        bool is_list = leaf->path[depth]->type == RML_TYPE_LIST;
        if (c->null_count > 0 || (is_list && list != NULL)) {
            return RML_OK;
        }
        list = is_list ? c : list;
    }
    s->flat = list == NULL;
    s->dense = true;
    s->column = c;
    s->first = from;
    s->entries = s->present = count;
    if (list == NULL || count == 0) {
        *done = true;
        return RML_OK;
    }
    size_t last, n;
    rml_column_get_list(list, from, &s->first, &n);
    rml_column_get_list(list, from + count - 1, &last, &n);
    s->entries = s->present = last + n - s->first;
    uint8_t *levels = rml_buffer_add(&s->repetition, s->entries, err);
    if (levels == NULL) {
        return RML_ERR_MEMORY;
    }
    memset(levels, 1, s->entries);
    for (size_t i = 0; i < count; i++) {
        rml_column_get_list(list, from + i, &last, &n);
        if (n == 0) {
            rml_buffer_clear(&s->repetition); // an empty list has an entry without a value
            return RML_OK;
        }
        levels[last - s->first] = 0;
    }
    *done = true;
    return RML_OK;
}

rml_status rml_shred_rows(rml_shred *s, const rml_leaf *leaf, const rml_column *columns,
                          size_t from, size_t count, rml_error *err)
{
    rml_buffer_clear(&s->definition);
    rml_buffer_clear(&s->repetition);
    rml_buffer_clear(&s->slots);
    s->flat = false;
    bool done = false;
    RML_TRY(leaf->of_empty ? RML_OK : shred_whole(s, leaf, columns, from, count, &done, err));
    if (done) {
        return RML_OK;
    }
    s->flat = false;
    s->present = 0;
    const rml_column *c = &columns[leaf->child[0]];
    rml_buffer *now = &s->work[0], *next = &s->work[1];
    rml_buffer_clear(now);
    entry *entries = NULL;
    if (count > 0) {
        entries = (entry *)(void *)rml_buffer_add(now, count * sizeof *entries, err);
        if (entries == NULL) {
            return RML_ERR_MEMORY;
        }
    }
    for (size_t i = 0; i < count; i++) {
        entries[i] = (entry){.slot = from + i};
    }
    uint8_t repetition = 0;
    for (size_t depth = 0; depth < leaf->depth; depth++) {
        c = depth == 0 ? c : &c->children[leaf->child[depth]];
        RML_TRY(
            step_null(leaf, depth, c, (entry *)(void *)now->data, now->len / sizeof *entries, err));
        if (leaf->path[depth]->type == RML_TYPE_LIST) {
            RML_TRY(step_list(c, ++repetition, now, next, err));
            rml_buffer *swap = now;
            now = next;
            next = swap;
        }
    }
    s->column = leaf->of_empty ? NULL : c;
    return split(s, leaf, now, err);
}

void rml_shred_reset(rml_shred *s)
{
    rml_buffer_reset(&s->definition);
    rml_buffer_reset(&s->repetition);
    rml_buffer_reset(&s->slots);
    rml_buffer_reset(&s->work[0]);
    rml_buffer_reset(&s->work[1]);
    *s = (rml_shred){0};
}
