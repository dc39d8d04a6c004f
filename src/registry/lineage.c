// Lineage: from a thing through the edges of the catalog down to the recordings it came from.
#include "roadmill/registry.h"

typedef struct walk {
    rml_catalog *catalog;
    rml_arena *arena;
    rml_array *rows;
    rml_map seen;
    rml_array open; // rml_lineage_row: found, not listed yet; the last is listed next
} walk;

static rml_status describe(walk *w, rml_lineage_row *row, rml_error *err)
{
    rml_object_row object;
    rml_error missing;
    rml_status st = rml_catalog_get(w->catalog, NULL, row->hash, w->arena, &object, &missing);
    if (st == RML_OK) {
        row->kind = object.kind;
        row->name = object.name;
        return RML_OK;
    }
    if (st != RML_ERR_MISSING) {
        if (err) {
            *err = missing;
        }
        return st;
    }
    // A recording lives in the lake; the catalog knows it by the edges to it.
    row->kind = rml_str_equal(row->role, RML_STR("recording")) ? row->role : RML_STR("unknown");
    row->name = RML_STR("");
    return RML_OK;
}

// The things that a row was made from, so that the first of them is listed next.
static rml_status open_sources(walk *w, const rml_lineage_row *row, rml_error *err)
{
    rml_array edges = RML_ARRAY(rml_edge);
    rml_status st = rml_catalog_edges(w->catalog, row->hash, true, w->arena, &edges, err);
    for (size_t i = edges.count; i > 0 && st == RML_OK; i--) {
        const rml_edge *edge = RML_AT(&edges, rml_edge, i - 1);
        rml_lineage_row *next = rml_array_push(&w->open, err);
        if (!next) {
            st = RML_ERR_MEMORY;
            break;
        }
        *next = (rml_lineage_row){.depth = row->depth + 1, .role = edge->role, .hash = edge->to};
    }
    rml_array_reset(&edges);
    return st;
}

static rml_status list_next(walk *w, rml_error *err)
{
    rml_lineage_row row = *RML_AT(&w->open, rml_lineage_row, w->open.count - 1);
    w->open.count--;
    if (rml_map_get(&w->seen, row.hash, NULL)) {
        return RML_OK;
    }
    RML_TRY(rml_map_put(&w->seen, row.hash, 1, err));
    RML_TRY(describe(w, &row, err));
    rml_lineage_row *slot = rml_array_push(w->rows, err);
    if (!slot) {
        return RML_ERR_MEMORY;
    }
    *slot = row;
    return open_sources(w, &row, err);
}

rml_status rml_lineage(rml_catalog *catalog, rml_str hash, rml_arena *arena, rml_array *rows,
                       rml_error *err)
{
    rml_object_row start;
    RML_TRY(rml_catalog_get(catalog, NULL, hash, arena, &start, err));
    walk w = {.catalog = catalog, .arena = arena, .rows = rows, .open = RML_ARRAY(rml_lineage_row)};
    rml_lineage_row *first = rml_array_push(&w.open, err);
    rml_status st = first ? RML_OK : RML_ERR_MEMORY;
    if (first) {
        *first = (rml_lineage_row){.role = RML_STR(""), .hash = start.hash};
    }
    while (st == RML_OK && w.open.count > 0) {
        st = list_next(&w, err);
    }
    rml_map_reset(&w.seen);
    rml_array_reset(&w.open);
    return st;
}
