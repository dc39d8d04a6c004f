// The digest of rows that does not depend on how they lie in files (docs/lake.md, "The digest of
// rows"): every group has a digest of its own, fed with runs of its rows, so that channels may come
// one between the other; within a group rows must come in order.
#include "roadmill/parquet/rows.h"

#include <string.h>

#include "roadmill/codec.h"

#include "digest.h"
#include "row_order.h"

enum {
    GROUPS_MAX = 1 << 20,
    NODES_MAX = 16384, // of the schemas of all open groups: three hashes each, 1 KB
};

typedef struct group {
    rml_digest digest; // while it is open
    rml_batch last;    // its last row, to go on from
    const struct shape *shape;
    uint64_t used;
    enum { GROUP_NEW, GROUP_OPEN, GROUP_CLOSED } state;
    rml_hash hash; // once it is closed
} group;

// A schema that was met, and its order.
typedef struct shape {
    rml_schema schema;
    rml_row_order order;
    size_t nodes;
} shape;

struct rml_rows_digest {
    rml_arena arena;
    rml_array shapes; // shape *
    rml_map names;    // of groups, to index
    rml_array groups; // group *
    size_t open_nodes;
    uint64_t clock;
    bool disordered;
    rml_buffer name; // scratch, as what follows, of one part
    rml_array runs, places;
};

// Rows of a part that follow each other and belong to one group.
typedef struct run {
    size_t from, count, group;
} run;

// A row of a part and the group it belongs to.
typedef struct place {
    size_t row, group;
} place;

rml_status rml_rows_digest_make(rml_rows_digest **out, rml_error *err)
{
    rml_rows_digest *d = rml_heap_make(sizeof *d);
    *out = d;
    if (d == NULL) {
        return rml_fail_memory(err, sizeof *d);
    }
    d->shapes = RML_ARRAY(shape *);
    d->groups = RML_ARRAY(group *);
    d->runs = RML_ARRAY(run);
    d->places = RML_ARRAY(place);
    return RML_OK;
}

static group *group_at(const rml_rows_digest *d, size_t index)
{
    return *RML_AT(&d->groups, group *, index);
}

static void clear(rml_rows_digest *d)
{
    for (size_t i = 0; i < d->groups.count; i++) {
        rml_digest_close(&group_at(d, i)->digest);
        rml_batch_reset(&group_at(d, i)->last);
    }
    rml_array_clear(&d->groups);
    rml_array_clear(&d->shapes);
    rml_map_reset(&d->names);
    rml_arena_reset(&d->arena);
    d->open_nodes = 0;
}

void rml_rows_digest_free(rml_rows_digest *d)
{
    if (d == NULL) {
        return;
    }
    clear(d);
    rml_array_reset(&d->groups);
    rml_array_reset(&d->shapes);
    rml_array_reset(&d->runs);
    rml_array_reset(&d->places);
    rml_buffer_reset(&d->name);
    rml_heap_free(d);
}

// ---- Groups ------------------------------------------------------------------------------------

static bool same_schema(rml_schema a, rml_schema b)
{
    bool same = a.count == b.count;
    for (size_t i = 0; same && i < a.count; i++) {
        same = rml_str_equal(a.fields[i].name, b.fields[i].name) &&
               rml_field_same(&a.fields[i], &b.fields[i]);
    }
    return same;
}

static rml_status shape_of(rml_rows_digest *d, rml_schema schema, const shape **out, rml_error *err)
{
    for (size_t i = 0; i < d->shapes.count; i++) {
        *out = *RML_AT(&d->shapes, shape *, i);
        if (same_schema((*out)->schema, schema)) {
            return RML_OK;
        }
    }
    shape *fresh = RML_NEW(&d->arena, shape);
    if (fresh == NULL) {
        return rml_fail_memory(err, sizeof *fresh);
    }
    RML_TRY(rml_schema_copy(&d->arena, schema, &fresh->schema, err));
    RML_TRY(rml_row_order_of(&d->arena, fresh->schema, &fresh->order, err));
    fresh->nodes = rml_digest_nodes(schema);
    shape **item = rml_array_push(&d->shapes, err);
    if (item == NULL) {
        return RML_ERR_MEMORY;
    }
    *item = fresh;
    *out = fresh;
    return RML_OK;
}

static rml_status close_group(rml_rows_digest *d, group *g, rml_error *err)
{
    RML_TRY(rml_digest_end_by(&g->digest, g->shape->order.by_name, &g->hash, err));
    rml_batch_reset(&g->last);
    d->open_nodes -= g->shape->nodes;
    g->state = GROUP_CLOSED;
    return RML_OK;
}

// Closes the groups that were used longest ago until another one of so many nodes has room.
static rml_status make_room(rml_rows_digest *d, size_t nodes, rml_error *err)
{
    while (d->open_nodes > 0 && d->open_nodes + nodes > NODES_MAX) {
        group *oldest = NULL;
        for (size_t i = 0; i < d->groups.count; i++) {
            group *g = group_at(d, i);
            oldest =
                g->state == GROUP_OPEN && (oldest == NULL || g->used < oldest->used) ? g : oldest;
        }
        RML_TRY(close_group(d, oldest, err));
    }
    return RML_OK;
}

static rml_status open_group(rml_rows_digest *d, group *g, rml_error *err)
{
    RML_TRY(make_room(d, g->shape->nodes, err));
    RML_TRY(rml_digest_begin(&g->digest, g->shape->schema, err));
    RML_TRY(rml_batch_init(&g->last, g->shape->schema, err));
    g->state = GROUP_OPEN;
    d->open_nodes += g->shape->nodes;
    return RML_OK;
}

// A group of the name in d->name.
static rml_status make_group(rml_rows_digest *d, const shape *s, rml_error *err)
{
    if (d->groups.count == GROUPS_MAX) {
        d->disordered = true;
        return RML_OK;
    }
    group *g = RML_NEW(&d->arena, group);
    group **item = rml_array_push(&d->groups, err);
    if (g == NULL || item == NULL) {
        d->groups.count -= item != NULL;
        return rml_fail_memory(err, sizeof *g);
    }
    *item = g;
    g->shape = s;
    return rml_map_put(&d->names, rml_buffer_text(&d->name), d->groups.count - 1, err);
}

// The name of a row's group: each of its columns as a byte that tells a null, a length, a text.
static rml_status name_group(rml_rows_digest *d, const shape *s, rml_row_at at, rml_error *err)
{
    rml_buffer_clear(&d->name);
    for (size_t i = 0; i < s->order.group; i++) {
        const rml_column *c = &at.columns[s->order.columns[i]];
        bool null = rml_column_is_null(c, at.row);
        rml_str text = null ? (rml_str){0} : rml_column_get_str(c, at.row);
        uint8_t head[9] = {null};
        rml_save_u64(head + 1, text.len);
        RML_TRY(rml_buffer_append(&d->name, head, sizeof head, err));
        RML_TRY(rml_buffer_str(&d->name, text, err));
    }
    return RML_OK;
}

static rml_status group_of(rml_rows_digest *d, const shape *s, rml_row_at at, size_t *out,
                           rml_error *err)
{
    uint64_t index = d->groups.count;
    RML_TRY(name_group(d, s, at, err));
    if (!rml_map_get(&d->names, rml_buffer_text(&d->name), &index)) {
        RML_TRY(make_group(d, s, err));
    } else if (group_at(d, index)->state == GROUP_CLOSED || group_at(d, index)->shape != s) {
        d->disordered = true;
    }
    *out = (size_t)index;
    return RML_OK;
}

// ---- A part ------------------------------------------------------------------------------------

enum { BLOCK_ROWS = 256 };

// How many rows from one on hold the same text as it, at most `most`. Texts of one length that lie
// one behind the other are the same if each byte is that of a length before: one comparison for a
// block of rows.
static size_t same_texts(const rml_column *c, size_t from, size_t most)
{
    const int64_t *offsets = (const int64_t *)(const void *)c->offsets.data + from;
    size_t len = (size_t)(offsets[1] - offsets[0]), n = 1;
    const uint8_t *first = c->values.data + (len > 0 ? offsets[0] : 0);
    while (n < most && (size_t)(offsets[n + 1] - offsets[n]) == len) {
        n++;
    }
    size_t same = 1;
    while (same < n) {
        size_t step = n - same < BLOCK_ROWS ? n - same : BLOCK_ROWS;
        if (len > 0 && memcmp(first + (same - 1) * len, first + same * len, step * len) != 0) {
            break;
        }
        same += step;
    }
    while (same < n &&
           (len == 0 || memcmp(first + (same - 1) * len, first + same * len, len) == 0)) {
        same++;
    }
    return same;
}

// Rows from one on that belong to its group.
static size_t run_of(const shape *s, const rml_batch *rows, size_t from)
{
    size_t count = rows->count - from;
    for (size_t i = 0; i < s->order.group; i++) {
        const rml_column *c = &rows->columns[s->order.columns[i]];
        size_t n = 1;
        if (c->null_count == 0) {
            n = same_texts(c, from, count);
        } else {
            while (n < count &&
                   rml_row_compare(&s->order, i, i + 1, (rml_row_at){rows->columns, from},
                                   (rml_row_at){rows->columns, from + n}) == 0) {
                n++;
            }
        }
        count = n;
    }
    return count;
}

// Whether a run follows the order. Nearly always its first column, a time, ascends.
static bool is_sorted(const shape *s, const rml_batch *rows, size_t from, size_t count)
{
    const rml_row_order *o = &s->order;
    const rml_column *c = o->group < o->count ? &rows->columns[o->columns[o->group]] : NULL;
    bool times = c != NULL && c->type == RML_TYPE_I64 && c->null_count == 0;
    const int64_t *t_ns = times ? (const int64_t *)(const void *)c->values.data : NULL;
    for (size_t i = from + 1; i < from + count; i++) {
        if (times && t_ns[i - 1] < t_ns[i]) {
            continue;
        }
        if (rml_row_compare(o, o->group, o->count, (rml_row_at){rows->columns, i - 1},
                            (rml_row_at){rows->columns, i}) > 0) {
            return false;
        }
    }
    return true;
}

// The runs of a part, and whether the rows of each follow the order.
static rml_status look(rml_rows_digest *d, const shape *s, const rml_batch *rows, bool *sorted,
                       rml_error *err)
{
    *sorted = true;
    for (size_t from = 0; from < rows->count && !d->disordered;) {
        run *r = rml_array_push(&d->runs, err);
        if (r == NULL) {
            return RML_ERR_MEMORY;
        }
        *r = (run){.from = from, .count = run_of(s, rows, from)};
        *sorted = *sorted && is_sorted(s, rows, from, r->count);
        RML_TRY(group_of(d, s, (rml_row_at){rows->columns, from}, &r->group, err));
        from += r->count;
    }
    return RML_OK;
}

typedef struct sorting {
    const rml_row_order *order;
    const rml_column *columns;
} sorting;

static int compare_places(const void *a, const void *b, void *context)
{
    const sorting *s = context;
    const place *x = a, *y = b;
    if (x->group != y->group) {
        return x->group < y->group ? -1 : 1;
    }
    return rml_row_compare(s->order, s->order->group, s->order->count,
                           (rml_row_at){s->columns, x->row}, (rml_row_at){s->columns, y->row});
}

// A place for every row, sorted, and the runs of rows that are sorted so.
static rml_status sort_places(rml_rows_digest *d, const shape *s, const rml_batch *rows,
                              rml_error *err)
{
    sorting by = {&s->order, rows->columns};
    rml_array_clear(&d->places);
    place *places = rml_array_push_many(&d->places, rows->count, err);
    if (places == NULL) {
        return RML_ERR_MEMORY;
    }
    for (size_t i = 0, at = 0; i < d->runs.count; i++) {
        const run *r = RML_AT(&d->runs, run, i);
        for (size_t k = 0; k < r->count; k++, at++) {
            places[at] = (place){at, r->group};
        }
    }
    RML_TRY(rml_array_sort(&d->places, compare_places, &by, err));
    places = d->places.data;
    rml_array_clear(&d->runs);
    run *r = NULL;
    for (size_t i = 0; i < rows->count; i++) {
        if (r == NULL || r->group != places[i].group) {
            r = rml_array_push(&d->runs, err);
            if (r == NULL) {
                return RML_ERR_MEMORY;
            }
            *r = (run){.from = i, .group = places[i].group};
        }
        r->count++;
    }
    return RML_OK;
}

// Brings the rows group by group and each into its order.
static rml_status sort(rml_rows_digest *d, const shape *s, rml_batch *rows, rml_error *err)
{
    RML_TRY(sort_places(d, s, rows, err));
    rml_batch moved;
    RML_TRY(rml_batch_init(&moved, rows->schema, err));
    rml_status st = RML_OK;
    for (size_t i = 0; st == RML_OK && i < rows->count;) {
        size_t from = RML_AT(&d->places, place, i)->row, n = 1;
        while (i + n < rows->count && RML_AT(&d->places, place, i + n)->row == from + n) {
            n++;
        }
        for (size_t k = 0; st == RML_OK && k < rows->schema.count; k++) {
            st = rml_column_append(&moved.columns[k], &rows->columns[k], from, n, err);
        }
        i += n;
    }
    if (st == RML_OK) {
        moved.count = rows->count;
        rml_batch_reset(rows);
        *rows = moved;
    } else {
        rml_batch_reset(&moved);
    }
    return st;
}

// Rows [from, from + count) of a group.
static rml_status add_run(rml_rows_digest *d, group *g, const rml_batch *rows, size_t from,
                          size_t count, rml_error *err)
{
    const rml_row_order *o = &g->shape->order;
    RML_TRY(g->state == GROUP_NEW ? open_group(d, g, err) : RML_OK);
    g->used = ++d->clock;
    if (g->last.count > 0 &&
        rml_row_compare(o, o->group, o->count, (rml_row_at){g->last.columns, 0},
                        (rml_row_at){rows->columns, from}) > 0) {
        d->disordered = true;
        return RML_OK;
    }
    rml_batch_clear(&g->last);
    for (size_t k = 0; k < g->last.schema.count; k++) {
        RML_TRY(
            rml_column_append(&g->last.columns[k], &rows->columns[k], from + count - 1, 1, err));
    }
    g->last.count = 1;
    return rml_digest_add(&g->digest, rows->columns, from, count, err);
}

enum { RUN_ROWS = 16 }; // shorter ones on average are gathered first

rml_status rml_rows_digest_add(rml_rows_digest *d, rml_batch *rows, rml_error *err)
{
    const shape *s = NULL;
    bool sorted = true;
    if (d->disordered || rows->count == 0) {
        return RML_OK;
    }
    RML_TRY(shape_of(d, rows->schema, &s, err));
    rml_array_clear(&d->runs);
    RML_TRY(look(d, s, rows, &sorted, err));
    bool short_runs = d->runs.count > 1 && d->runs.count * RUN_ROWS > rows->count;
    if (!d->disordered && (!sorted || short_runs)) {
        RML_TRY(sort(d, s, rows, err));
    }
    for (size_t i = 0; i < d->runs.count && !d->disordered; i++) {
        const run *r = RML_AT(&d->runs, run, i);
        group *g = group_at(d, r->group);
        d->disordered = g->state == GROUP_CLOSED; // by another group of this part
        RML_TRY(d->disordered ? RML_OK : add_run(d, g, rows, r->from, r->count, err));
    }
    return RML_OK;
}

// ---- The end -----------------------------------------------------------------------------------

static int compare_groups(const void *a, const void *b, void *context)
{
    (void)context;
    const group *x = *(group *const *)a, *y = *(group *const *)b;
    return memcmp(x->hash.bytes, y->hash.bytes, sizeof x->hash.bytes);
}

static rml_status hash_groups(rml_rows_digest *d, rml_hash *out, rml_error *err)
{
    for (size_t i = 0; i < d->groups.count; i++) {
        group *g = group_at(d, i);
        RML_TRY(g->state == GROUP_OPEN ? close_group(d, g, err) : RML_OK);
    }
    RML_TRY(rml_array_sort(&d->groups, compare_groups, NULL, err));
    rml_sha256_state all = {0};
    RML_TRY(rml_sha256_begin(&all, err));
    for (size_t i = 0; i < d->groups.count; i++) {
        rml_sha256_add(&all, group_at(d, i)->hash.bytes, sizeof(rml_hash));
    }
    rml_sha256_end(&all, out);
    return RML_OK;
}

rml_status rml_rows_digest_end(rml_rows_digest *d, bool *ordered, rml_hash *out, rml_error *err)
{
    *ordered = !d->disordered;
    *out = (rml_hash){0};
    rml_status st = *ordered ? hash_groups(d, out, err) : RML_OK;
    clear(d);
    d->disordered = false;
    return st;
}
