// Gate policies from YAML (docs/gate.md), and the built-in one.
#include "policy.h"

#include "roadmill/base/yaml.h"

#include <math.h>

static const char builtin[] =
    "name: default\n"
    "split: gate          # the evaluation must be of this split\n"
    "min_windows: 100     # below: undecided\n"
    "min_units: 3         # independent families of recordings\n"
    "max_looks: 20        # at the gate split, over all models of a version\n"
    "leaks: clean         # or: ignored\n"
    "probabilities: required\n"
    "licences: [CC0-1.0, PDDL-1.0, public-domain, Unlicense, 0BSD, MIT, BSD-2-Clause, "
    "BSD-3-Clause,\n"
    "  Apache-2.0, CC-BY-3.0, CC-BY-4.0, MPL-2.0, CC-BY-SA-3.0, CC-BY-SA-4.0, ODbL-1.0]\n"
    "approvals:\n"
    "  safety: 1          # persons of that role\n"
    "margins:             # upper end of the interval of the relative difference\n"
    "  - {metric: min_fde_1, slice: all, against: cv_1, at_most: 0.02}\n"
    "  - {metric: min_fde_1, slice: moving, against: cv_1, at_most: 0.05}\n"
    "  - {metric: min_fde_6, slice: all, against: best_blind, at_most: 0.0}\n";

rml_str rml_gate_builtin(void)
{
    return RML_STR(builtin);
}

static rml_status read_texts(const rml_yaml *map, const char *key, rml_array *out, rml_error *err)
{
    const rml_yaml *list = rml_yaml_get(map, key);
    if (list && list->kind != RML_YAML_LIST) {
        return rml_fail(err, RML_ERR_DATA, list->at, NULL, "%s: expected a list of texts", key);
    }
    for (const rml_yaml *item = list ? list->child : NULL; item; item = item->next) {
        rml_str *slot = rml_array_push(out, err);
        if (!slot) {
            return RML_ERR_MEMORY;
        }
        if (item->kind != RML_YAML_SCALAR || item->text.len == 0) {
            return rml_fail(err, RML_ERR_DATA, item->at, NULL, "%s: expected a text", key);
        }
        *slot = item->text;
    }
    if (list && out->count == 0) {
        return rml_fail(err, RML_ERR_DATA, list->at, "leave the key out to allow any",
                        "%s: expected at least one text, found none", key);
    }
    return RML_OK;
}

static rml_status read_count(const rml_yaml *map, const char *key, int64_t *out, rml_error *err)
{
    RML_TRY(rml_yaml_get_i64(map, key, out, err));
    if (rml_yaml_get(map, key) && *out < 0) {
        return rml_fail(err, RML_ERR_DATA, rml_yaml_get(map, key)->at, NULL,
                        "%s: expected 0 or more, found %lld", key, (long long)*out);
    }
    return RML_OK;
}

// A key with two words: true for the first.
static rml_status read_choice(const rml_yaml *map, const char *key, const char *yes, const char *no,
                              bool *out, rml_error *err)
{
    rml_str text = rml_str_of(*out ? yes : no);
    RML_TRY(rml_yaml_get_str(map, key, &text, err));
    *out = rml_str_equal(text, rml_str_of(yes));
    return *out || rml_str_equal(text, rml_str_of(no))
               ? RML_OK
               : rml_fail(err, RML_ERR_DATA, rml_yaml_get(map, key)->at, NULL,
                          "%s: expected %s or %s, found %.*s", key, yes, no, RML_FMT(text));
}

static rml_status read_roles(const rml_yaml *map, rml_policy *out, rml_error *err)
{
    const rml_yaml *roles = rml_yaml_get(map, "approvals");
    if (roles && roles->kind != RML_YAML_MAP) {
        return rml_fail(err, RML_ERR_DATA, roles->at, NULL,
                        "approvals: expected ROLE: NUMBER of persons");
    }
    for (const rml_yaml *m = roles ? roles->child : NULL; m; m = m->next) {
        rml_policy_role *role = rml_array_push(&out->roles, err);
        if (!role) {
            return RML_ERR_MEMORY;
        }
        role->role = m->key;
        if (m->kind != RML_YAML_SCALAR || !rml_parse_i64(m->text, &role->count) ||
            role->count < 1) {
            return rml_fail(err, RML_ERR_DATA, m->at, NULL,
                            "approvals: expected a number of persons of 1 or more for %.*s",
                            RML_FMT(m->key));
        }
    }
    return RML_OK;
}

static rml_status read_limit(const rml_yaml *item, rml_policy_bound *bound, rml_error *err)
{
    bound->at_least = rml_yaml_get(item, "at_least") != NULL;
    bool at_most = rml_yaml_get(item, "at_most") != NULL;
    if (bound->at_least == at_most) {
        return rml_fail(err, RML_ERR_DATA, item->at, NULL,
                        "expected one of at_most and at_least, found %s",
                        at_most ? "both" : "neither");
    }
    const char *key = at_most ? "at_most" : "at_least";
    RML_TRY(rml_yaml_get_f64(item, key, &bound->limit, err));
    return isfinite(bound->limit) ? RML_OK
                                  : rml_fail(err, RML_ERR_DATA, rml_yaml_get(item, key)->at, NULL,
                                             "%s: expected a finite number", key);
}

static rml_status read_bound(const rml_yaml *item, bool margin, const rml_policy *policy,
                             rml_policy_bound *bound, rml_error *err)
{
    static const char *const known[] = {"metric",      "slice",     "at_most", "at_least",
                                        "min_windows", "min_units", "against"};
    *bound = (rml_policy_bound){.slice = RML_STR("all"),
                                .min_windows = policy->min_windows,
                                .min_units = policy->min_units};
    RML_TRY(rml_yaml_only(item, known, margin ? 7 : 6, err));
    RML_TRY(rml_yaml_get_str(item, "metric", &bound->metric, err));
    RML_TRY(rml_yaml_get_str(item, "slice", &bound->slice, err));
    RML_TRY(rml_yaml_get_str(item, "against", &bound->against, err));
    RML_TRY(read_count(item, "min_windows", &bound->min_windows, err));
    RML_TRY(read_count(item, "min_units", &bound->min_units, err));
    if (bound->metric.len == 0 || (margin && bound->against.len == 0)) {
        return rml_fail(err, RML_ERR_DATA, item->at, NULL, "expected %s, found none",
                        bound->metric.len == 0 ? "a metric"
                                               : "against: a baseline, a model or best_blind");
    }
    return read_limit(item, bound, err);
}

static rml_status read_bounds(const rml_yaml *map, const char *key, bool margin, rml_policy *out,
                              rml_error *err)
{
    const rml_yaml *list = rml_yaml_get(map, key);
    if (list && list->kind != RML_YAML_LIST) {
        return rml_fail(err, RML_ERR_DATA, list->at, NULL, "%s: expected a list", key);
    }
    for (const rml_yaml *item = list ? list->child : NULL; item; item = item->next) {
        rml_policy_bound *bound = rml_array_push(&out->bounds, err);
        if (!bound) {
            return RML_ERR_MEMORY;
        }
        RML_TRY(read_bound(item, margin, out, bound, err));
    }
    return RML_OK;
}

static rml_status read_policy(const rml_yaml *map, rml_policy *out, rml_error *err)
{
    static const char *const known[] = {"name",      "split",      "min_windows", "min_units",
                                        "max_looks", "leaks",      "licences",    "purposes",
                                        "approvals", "thresholds", "margins",     "probabilities"};
    RML_TRY(rml_yaml_only(map, known, sizeof known / sizeof known[0], err));
    RML_TRY(rml_yaml_get_str(map, "name", &out->name, err));
    RML_TRY(rml_yaml_get_str(map, "split", &out->split, err));
    RML_TRY(read_count(map, "min_windows", &out->min_windows, err));
    RML_TRY(read_count(map, "min_units", &out->min_units, err));
    RML_TRY(read_count(map, "max_looks", &out->max_looks, err));
    RML_TRY(read_choice(map, "leaks", "clean", "ignored", &out->leaks_clean, err));
    RML_TRY(read_choice(map, "probabilities", "required", "optional", &out->probabilities, err));
    RML_TRY(read_texts(map, "licences", &out->licences, err));
    RML_TRY(read_texts(map, "purposes", &out->purposes, err));
    RML_TRY(read_roles(map, out, err));
    RML_TRY(read_bounds(map, "thresholds", false, out, err));
    RML_TRY(read_bounds(map, "margins", true, out, err));
    if (out->bounds.count == 0) {
        return rml_fail(err, RML_ERR_DATA, map->at, "docs/gate.md shows a policy",
                        "expected at least one threshold or margin, found none: such a gate would "
                        "let anything through");
    }
    return RML_OK;
}

rml_status rml_policy_parse(rml_str text, rml_str file, rml_arena *arena, rml_policy *out,
                            rml_error *err)
{
    *out = (rml_policy){.name = RML_STR("unnamed"),
                        .split = RML_STR("gate"),
                        .min_windows = 100,
                        .min_units = 3,
                        .max_looks = -1,
                        .leaks_clean = true,
                        .licences = RML_ARRAY(rml_str),
                        .purposes = RML_ARRAY(rml_str),
                        .roles = RML_ARRAY(rml_policy_role),
                        .bounds = RML_ARRAY(rml_policy_bound)};
    const rml_yaml *map;
    RML_TRY(rml_yaml_parse(arena, text, file, &map, err));
    rml_status st = read_policy(map, out, err);
    if (st != RML_OK) {
        rml_policy_reset(out);
    }
    return st;
}

void rml_policy_reset(rml_policy *policy)
{
    rml_array_reset(&policy->licences);
    rml_array_reset(&policy->purposes);
    rml_array_reset(&policy->roles);
    rml_array_reset(&policy->bounds);
}
