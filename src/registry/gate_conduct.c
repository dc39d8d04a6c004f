// The conditions of a gate on how the evidence came about: that it belongs together, is large
// enough, was not looked at too often, does not leak, and may be used.
#include "gate.h"

#include <math.h>
#include <string.h>

static const rml_gate_numbers no_numbers = {NAN, NAN, NAN, NAN};

static void check_evidence(rml_gate *g)
{
    rml_str name = RML_STR("evidence");
    if (!g->evaluation || !g->manifest) {
        rml_gate_add(g, name, RML_UNDECIDED, no_numbers, "there is no %s",
                     g->evaluation ? "manifest of the dataset version" : "evaluation");
        return;
    }
    char version[RML_HASH_TEXT];
    rml_hash_text(&g->version, version);
    rml_str judged = g->evaluation->version;
    rml_str split = g->evaluation->split.len > 0 ? g->evaluation->split : RML_STR("no");
    if (!g->model) {
        rml_gate_add(g, name, RML_UNDECIDED, no_numbers, "the evaluation does not hold model %.*s",
                     g->request->model.len > 12 ? 12 : RML_FMT(g->request->model));
    } else if (!rml_str_equal(judged, rml_str_of(version))) {
        rml_gate_add(g, name, RML_FAIL, no_numbers,
                     "the evaluation is of version %.*s, the manifest is of %.12s",
                     judged.len > 12 ? 12 : RML_FMT(judged), version);
    } else if (!rml_str_equal(split, g->policy.split)) {
        rml_gate_add(g, name, RML_UNDECIDED, no_numbers,
                     "the evaluation is of the %.*s split, %.*s is asked for", RML_FMT(split),
                     RML_FMT(g->policy.split));
    } else {
        rml_gate_add(g, name, RML_PASS, no_numbers,
                     "the evaluation is of this model on the %.*s split of version %.12s",
                     RML_FMT(split), version);
    }
}

// NaN for a count that is not told.
static double number_of(int64_t count)
{
    return count < 0 ? NAN : (double)count;
}

// At least so many of something in the evaluation; -1: it does not say.
static void check_size(rml_gate *g, int64_t count, rml_str name, int64_t least)
{
    double found = number_of(count);
    rml_gate_numbers n = {found, NAN, NAN, (double)least};
    if (!isfinite(found)) {
        rml_gate_add(g, name, RML_UNDECIDED, n, "the evaluation does not say how many there are");
        return;
    }
    rml_gate_add(g, name, found >= (double)least ? RML_PASS : RML_UNDECIDED, n,
                 "%.0f, at least %lld are asked for", found, (long long)least);
}

static void check_looks(rml_gate *g)
{
    if (g->policy.max_looks < 0) {
        return;
    }
    double looks = number_of(g->evaluation ? g->evaluation->looks : -1);
    rml_gate_numbers n = {looks, NAN, NAN, (double)g->policy.max_looks};
    rml_str name = RML_STR("looks at the split");
    if (!isfinite(looks)) {
        rml_gate_add(g, name, RML_UNDECIDED, n, "the evaluation does not say how many there were");
        return;
    }
    rml_gate_add(g, name, looks <= n.limit ? RML_PASS : RML_FAIL, n,
                 "%.0f, at most %lld are allowed", looks, (long long)g->policy.max_looks);
}

static void check_leaks(rml_gate *g)
{
    if (!g->policy.leaks_clean) {
        return;
    }
    const rml_json *clean = rml_json_get(g->leaks, "clean");
    rml_str name = RML_STR("leak check");
    if (!clean || clean->kind != RML_JSON_BOOL) {
        rml_gate_add(g, name, RML_UNDECIDED, no_numbers, "there is no leak report");
    } else if (clean->boolean) {
        rml_gate_add(g, name, RML_PASS, no_numbers, "nothing stands on two sides");
    } else {
        rml_str worst = rml_json_get_str(g->leaks, "worst", RML_STR(""));
        rml_gate_add(g, name, RML_FAIL, no_numbers, "the dataset leaks: %.*s",
                     RML_FMT(worst.len > 0 ? worst : RML_STR("no finding is named")));
    }
}

static void check_probabilities(rml_gate *g)
{
    if (!g->policy.probabilities) {
        return;
    }
    bool has = g->model && g->model->has_probability;
    rml_gate_add(g, RML_STR("probabilities"), has ? RML_PASS : RML_UNDECIDED, no_numbers, "%s",
                 has        ? "the predictions have them"
                 : g->model ? "the predictions have none, so their confidence cannot be judged"
                            : "the evaluation does not hold this model");
}

static bool is_stated(rml_str text)
{
    return text.len > 0 && !rml_str_equal(text, RML_STR("not-stated"));
}

static bool is_among(const rml_array *allowed, rml_str text)
{
    for (size_t i = 0; i < allowed->count; i++) {
        if (rml_str_equal(*RML_AT(allowed, rml_str, i), text)) {
            return true;
        }
    }
    return false;
}

// The worst of the verdicts on one text and on those in a list of all sources: the strictest may be
// allowed where another one is not.
static void check_allowed(rml_gate *g, rml_str name, const rml_array *allowed, const char *one,
                          const char *all)
{
    if (allowed->count == 0) {
        return;
    }
    rml_str strictest = rml_json_get_str(g->manifest, one, RML_STR(""));
    rml_str forbidden = {0};
    bool missing = !is_stated(strictest);
    if (!missing && !is_among(allowed, strictest)) {
        forbidden = strictest;
    }
    const rml_json *list = all ? rml_json_get(g->manifest, all) : NULL;
    for (const rml_json *item = list ? list->child : NULL; item; item = item->next) {
        missing = missing || !is_stated(item->string);
        if (is_stated(item->string) && !is_among(allowed, item->string)) {
            forbidden = item->string;
        }
    }
    if (forbidden.len > 0) {
        rml_gate_add(g, name, RML_FAIL, no_numbers, "%.*s is not allowed", RML_FMT(forbidden));
    } else if (missing) {
        rml_gate_add(g, name, RML_UNDECIDED, no_numbers, "not stated for every source");
    } else {
        rml_gate_add(g, name, RML_PASS, no_numbers, "%.*s is allowed", RML_FMT(strictest));
    }
}

// Different persons who approved in that role.
static int64_t count_approvals(const rml_gate_request *r, rml_str role)
{
    int64_t count = 0;
    for (size_t i = 0; i < r->approval_count; i++) {
        const rml_approval *a = &r->approvals[i];
        bool counts = rml_str_equal(a->role, role) && a->person.len > 0;
        for (size_t j = 0; j < i && counts; j++) {
            counts = !(rml_str_equal(r->approvals[j].role, role) &&
                       rml_str_equal(r->approvals[j].person, a->person));
        }
        count += counts;
    }
    return count;
}

static void check_approvals(rml_gate *g)
{
    for (size_t i = 0; i < g->policy.roles.count; i++) {
        const rml_policy_role *role = RML_AT(&g->policy.roles, rml_policy_role, i);
        int64_t found = count_approvals(g->request, role->role);
        rml_gate_numbers n = {(double)found, NAN, NAN, (double)role->count};
        rml_str name = rml_arena_printf(g->arena, "approval by %.*s", RML_FMT(role->role));
        rml_gate_add(g, name, found >= role->count ? RML_PASS : RML_UNDECIDED, n,
                     "%lld of %lld approvals by %.*s", (long long)found, (long long)role->count,
                     RML_FMT(role->role));
    }
}

void rml_gate_check_conduct(rml_gate *g)
{
    check_evidence(g);
    const rml_evaluation *e = g->evaluation;
    check_size(g, e ? e->windows : -1, RML_STR("windows in the test set"), g->policy.min_windows);
    check_size(g, e ? e->families : -1, RML_STR("families in the test set"), g->policy.min_units);
    check_looks(g);
    check_leaks(g);
    check_probabilities(g);
    check_allowed(g, RML_STR("licence"), &g->policy.licences, "licence", "licences");
    check_allowed(g, RML_STR("purpose"), &g->policy.purposes, "purpose", NULL);
    check_approvals(g);
}
