// The evidence that the catalog holds on a model.
#include "roadmill/evidence.h"
#include "roadmill/registry.h"

typedef struct newest {
    bool found, gate; // gate: of the gate split, which goes before any other
    rml_object_row row;
} newest;

static rml_status consider(const rml_object_row *row, rml_arena *arena, newest *best,
                           rml_error *err)
{
    const rml_evaluation *e;
    RML_TRY(rml_evidence_read(row->body, RML_STR("evaluation"), arena, &e, err));
    bool gate = rml_str_equal(e->split, RML_STR("gate"));
    if (!best->found || gate > best->gate ||
        (gate == best->gate && row->created_ns >= best->row.created_ns)) {
        *best = (newest){true, gate, *row};
    }
    return RML_OK;
}

// The newest evaluation made of a thing.
static rml_status look_below(rml_catalog *catalog, rml_str hash, rml_arena *arena, newest *best,
                             rml_error *err)
{
    rml_array edges = RML_ARRAY(rml_edge);
    rml_status st = rml_catalog_edges(catalog, hash, false, arena, &edges, err);
    for (size_t i = 0; i < edges.count && st == RML_OK; i++) {
        rml_object_row row;
        rml_error missing;
        st = rml_catalog_get(catalog, "evaluation", RML_AT(&edges, rml_edge, i)->from, arena, &row,
                             &missing);
        if (st == RML_OK) {
            st = consider(&row, arena, best, err);
        } else if (st == RML_ERR_MISSING) {
            st = RML_OK; // something else was made of it
        } else if (err) {
            *err = missing;
        }
    }
    rml_array_reset(&edges);
    return st;
}

static rml_status find_evaluation(rml_catalog *catalog, rml_str model, rml_arena *arena,
                                  newest *best, rml_error *err)
{
    rml_array sources = RML_ARRAY(rml_edge);
    rml_status st = look_below(catalog, model, arena, best, err);
    st = st ? st : rml_catalog_edges(catalog, model, true, arena, &sources, err);
    for (size_t i = 0; i < sources.count && st == RML_OK; i++) {
        const rml_edge *edge = RML_AT(&sources, rml_edge, i);
        if (rml_str_equal(edge->role, RML_STR("run"))) {
            st = look_below(catalog, edge->to, arena, best, err);
        }
    }
    rml_array_reset(&sources);
    return st;
}

static rml_status find_manifest(rml_catalog *catalog, rml_str evaluation, rml_arena *arena,
                                rml_str *out, rml_error *err)
{
    const rml_evaluation *e;
    rml_object_row version;
    rml_error missing;
    RML_TRY(rml_evidence_read(evaluation, RML_STR("evaluation"), arena, &e, err));
    rml_status st = rml_catalog_get(catalog, "dataset", e->version, arena, &version, &missing);
    if (st == RML_OK) {
        *out = version.body;
    } else if (st != RML_ERR_MISSING && err) {
        *err = missing;
    }
    return st == RML_ERR_MISSING ? RML_OK : st;
}

rml_status rml_gate_gather(rml_catalog *catalog, rml_str model, rml_str evaluation,
                           rml_arena *arena, rml_gate_request *out, rml_error *err)
{
    newest best = {0};
    out->model = model;
    out->evaluation = out->manifest = (rml_str){0};
    if (evaluation.len > 0) {
        best.found = true;
        RML_TRY(rml_catalog_get(catalog, "evaluation", evaluation, arena, &best.row, err));
    } else {
        RML_TRY(find_evaluation(catalog, model, arena, &best, err));
    }
    if (!best.found) {
        return RML_OK;
    }
    out->evaluation = best.row.body;
    return find_manifest(catalog, best.row.body, arena, &out->manifest, err);
}
