// The conditions of a gate on the model's numbers. A bound holds when the whole interval lies on
// its good side, is broken when the whole interval lies on its bad side, and is undecided between.
#include "gate.h"

#include <math.h>

bool rml_gate_needs_probability(rml_str metric)
{
    return rml_str_starts(metric, RML_STR("brier_")) || rml_str_starts(metric, RML_STR("nll")) ||
           rml_str_starts(metric, RML_STR("calibration"));
}

// The numbers of a bound, with NaN for what the evaluation does not hold, and the units they are
// of.
static rml_gate_numbers find_numbers(const rml_gate *g, const rml_policy_bound *bound,
                                     const rml_evidence_slice *slice, int64_t *units)
{
    *units = slice ? slice->units : -1;
    if (bound->against.len == 0) {
        const rml_evidence_value *v = rml_evidence_value_of(slice, bound->metric);
        return v ? (rml_gate_numbers){v->value, v->low, v->high, bound->limit}
                 : (rml_gate_numbers){NAN, NAN, NAN, bound->limit};
    }
    const rml_evidence_difference *d = rml_evidence_difference_to(
        slice, rml_evidence_name(g->evaluation, bound->against), bound->metric);
    *units = d && d->units >= 0 ? d->units : *units;
    return d ? (rml_gate_numbers){d->relative, d->low, d->high, bound->limit}
             : (rml_gate_numbers){NAN, NAN, NAN, bound->limit};
}

// Why the numbers of a bound cannot be judged, NULL if they can.
static const char *obstacle(const rml_gate *g, const rml_policy_bound *bound,
                            const rml_evidence_slice *slice, rml_gate_numbers n)
{
    if (!g->model) {
        return "the evaluation does not hold this model";
    }
    if (rml_gate_needs_probability(bound->metric) && !g->model->has_probability) {
        return "it needs probabilities, and the predictions have none";
    }
    if (!slice) {
        return "the evaluation has no such slice";
    }
    if (!isfinite(n.value)) {
        return "the evaluation does not hold this number";
    }
    if (!isfinite(n.low) || !isfinite(n.high)) {
        return "its interval is undecided: there are too few independent units";
    }
    return NULL;
}

static rml_verdict compare(const rml_policy_bound *bound, rml_gate_numbers n)
{
    if (bound->at_least) {
        return n.low >= n.limit ? RML_PASS : n.high < n.limit ? RML_FAIL : RML_UNDECIDED;
    }
    return n.high <= n.limit ? RML_PASS : n.low > n.limit ? RML_FAIL : RML_UNDECIDED;
}

static void judge_numbers(rml_gate *g, const rml_policy_bound *bound, rml_str name,
                          rml_gate_numbers n)
{
    rml_verdict verdict = compare(bound, n);
    const char *words = verdict == RML_PASS   ? "clear of"
                        : verdict == RML_FAIL ? "on the wrong side of"
                                              : "not clear of";
    const char *side = bound->at_least ? "at least" : "at most";
    if (bound->against.len > 0) {
        rml_gate_add(g, name, verdict, n,
                     "%+.1f %% against %.*s, interval %+.1f to %+.1f %%: %s the bound, %s %+.1f %%",
                     100 * n.value, RML_FMT(rml_evidence_name(g->evaluation, bound->against)),
                     100 * n.low, 100 * n.high, words, side, 100 * n.limit);
    } else {
        rml_gate_add(g, name, verdict, n, "%.4g, interval %.4g to %.4g: %s the bound, %s %.4g",
                     n.value, n.low, n.high, words, side, n.limit);
    }
}

static void check_bound(rml_gate *g, const rml_policy_bound *bound)
{
    const rml_evidence_slice *slice = rml_evidence_slice_named(g->model, bound->slice);
    bool margin = bound->against.len > 0;
    int64_t units;
    rml_gate_numbers n = find_numbers(g, bound, slice, &units);
    rml_str name =
        margin ? rml_arena_printf(g->arena, "%.*s against %.*s, %.*s", RML_FMT(bound->metric),
                                  RML_FMT(bound->against), RML_FMT(bound->slice))
               : rml_arena_printf(g->arena, "%.*s, %.*s", RML_FMT(bound->metric),
                                  RML_FMT(bound->slice));
    const char *why = obstacle(g, bound, slice, n);
    if (why) {
        rml_gate_add(g, name, RML_UNDECIDED, n, "%s", why);
        return;
    }
    if (slice->windows < bound->min_windows || units < bound->min_units) {
        rml_gate_add(g, name, RML_UNDECIDED, n,
                     "%lld windows in %lld independent units, %lld in %lld are asked for",
                     (long long)slice->windows, (long long)units, (long long)bound->min_windows,
                     (long long)bound->min_units);
        return;
    }
    judge_numbers(g, bound, name, n);
}

void rml_gate_check_bounds(rml_gate *g)
{
    for (size_t i = 0; i < g->policy.bounds.count; i++) {
        check_bound(g, RML_AT(&g->policy.bounds, rml_policy_bound, i));
    }
}
