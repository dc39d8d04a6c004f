// A gate: policy and evidence become conditions, conditions become a verdict, the verdict is put
// into the catalog.
#include "gate.h"

#include "roadmill/codec.h"
#include "roadmill/os.h"

#include <stdio.h>
#include <string.h>

const char *rml_verdict_name(rml_verdict v)
{
    return v == RML_PASS ? "pass" : v == RML_FAIL ? "fail" : "undecided";
}

void rml_gate_add(rml_gate *g, rml_str name, rml_verdict verdict, rml_gate_numbers numbers,
                  const char *reason, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, reason);
    vsnprintf(text, sizeof text, reason, arguments);
    va_end(arguments);
    rml_condition *c = g->status == RML_OK ? rml_array_push(&g->conditions, g->err) : NULL;
    if (!c) {
        g->status = RML_ERR_MEMORY;
        return;
    }
    *c = (rml_condition){.name = name,
                         .verdict = verdict,
                         .value = numbers.value,
                         .low = numbers.low,
                         .high = numbers.high,
                         .limit = numbers.limit,
                         .reason = rml_arena_str(g->arena, rml_str_of(text))};
    if (!name.data || !c->reason.data) {
        g->status = rml_fail_memory(g->err, sizeof text);
    }
}

// ---- Evidence ----------------------------------------------------------------------------------

static rml_status read_evidence(rml_gate *g, rml_str text, const char *name, const rml_json **out)
{
    *out = NULL;
    return rml_str_trim(text).len == 0
               ? RML_OK
               : rml_json_parse(g->arena, text, rml_str_of(name), out, g->err);
}

static bool is_or_came_from(rml_str hash, rml_str model, const rml_array *sources)
{
    if (rml_str_equal(hash, model)) {
        return true;
    }
    for (size_t i = 0; i < sources->count; i++) {
        const rml_edge *edge = RML_AT(sources, rml_edge, i);
        if (rml_str_equal(edge->role, RML_STR("run")) && rml_str_equal(edge->to, hash)) {
            return true;
        }
    }
    return false;
}

// The judged model in the evaluation, by its own hash or by that of the run it was made from.
static rml_status find_model(rml_gate *g, rml_catalog *catalog)
{
    rml_array sources = RML_ARRAY(rml_edge);
    RML_TRY(rml_catalog_edges(catalog, g->request->model, true, g->arena, &sources, g->err));
    size_t count = g->evaluation ? g->evaluation->model_count : 0;
    for (size_t i = 0; i < count && !g->model; i++) {
        const rml_evidence_model *m = &g->evaluation->models[i];
        if (m->kind == RML_EVIDENCE_MODEL && m->hash.len > 0 &&
            is_or_came_from(m->hash, g->request->model, &sources)) {
            g->model = m;
        }
    }
    rml_array_reset(&sources);
    return RML_OK;
}

static rml_status gather(rml_gate *g, rml_catalog *catalog)
{
    const rml_gate_request *r = g->request;
    if (rml_str_trim(r->evaluation).len > 0) {
        RML_TRY(rml_evidence_read(r->evaluation, RML_STR("evaluation"), g->arena, &g->evaluation,
                                  g->err));
    }
    RML_TRY(read_evidence(g, r->manifest, "manifest", &g->manifest));
    RML_TRY(read_evidence(g, r->leaks, "leak report", &g->leaks));
    if (g->manifest) {
        RML_TRY(rml_json_hash(g->manifest, &g->version, g->err));
    }
    return find_model(g, catalog);
}

// ---- The verdict -------------------------------------------------------------------------------

// Fail if any fails, else undecided if any is, else pass; the first of the deciding ones is named.
static rml_status conclude(rml_gate *g, rml_gate_result *out)
{
    const rml_condition *first = NULL;
    size_t failed = 0, undecided = 0;
    for (size_t i = 0; i < g->conditions.count; i++) {
        const rml_condition *c = RML_AT(&g->conditions, rml_condition, i);
        failed += c->verdict == RML_FAIL;
        undecided += c->verdict == RML_UNDECIDED;
        bool decides = c->verdict == RML_FAIL
                           ? failed == 1
                           : c->verdict == RML_UNDECIDED && undecided == 1 && failed == 0;
        first = decides ? c : first;
    }
    out->verdict = failed > 0 ? RML_FAIL : undecided > 0 ? RML_UNDECIDED : RML_PASS;
    out->reason =
        first
            ? rml_arena_printf(g->arena, "%.*s: %.*s", RML_FMT(first->name), RML_FMT(first->reason))
            : rml_arena_printf(g->arena, "all %zu conditions hold", g->conditions.count);
    rml_condition *copy = RML_NEW_ARRAY(g->arena, rml_condition, g->conditions.count);
    if (!copy || !out->reason.data) {
        return rml_fail_memory(g->err, g->conditions.count * sizeof *copy);
    }
    memcpy(copy, g->conditions.data, g->conditions.count * sizeof *copy);
    out->conditions = copy;
    out->deciding = first ? copy + (first - (const rml_condition *)g->conditions.data) : NULL;
    out->condition_count = g->conditions.count;
    return RML_OK;
}

rml_status rml_gate_judge(rml_catalog *catalog, const rml_gate_request *request, rml_arena *arena,
                          rml_gate_result *out, rml_error *err)
{
    rml_gate g = {
        .request = request, .arena = arena, .conditions = RML_ARRAY(rml_condition), .err = err};
    bool own = request->policy.len > 0;
    *out = (rml_gate_result){.verdict = RML_UNDECIDED};
    RML_TRY(rml_policy_parse(own ? request->policy : rml_gate_builtin(),
                             own ? request->policy_file : RML_STR("built-in policy"), arena,
                             &g.policy, err));
    rml_status st = gather(&g, catalog);
    if (st == RML_OK) {
        rml_gate_check_conduct(&g);
        rml_gate_check_bounds(&g);
        st = g.status;
    }
    if (st == RML_OK) {
        st = conclude(&g, out);
    }
    if (st == RML_OK) {
        st = rml_gate_store(&g, catalog, out, err);
    }
    rml_array_reset(&g.conditions);
    rml_policy_reset(&g.policy);
    return st;
}
