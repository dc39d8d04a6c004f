// Who is judged: models as given, and every baseline, fitted on the train split of the version.
#include <assert.h>
#include <math.h>
#include <string.h>

#include "evaluation.h"

#define MODES 6

enum { T_HISTORY = 2, T_TARGET = 5, T_TARGET_VALID = 6 };

// Past and target of the focus agent of each scene.
static rml_status gather(const rml_dataset *d, rml_split split, rml_arena *arena, rml_pasts *pasts,
                         float **valid, rml_error *err)
{
    const rml_scene_spec *spec = rml_dataset_scene_spec(d);
    size_t n = rml_dataset_count(d, split), past = 2 * (size_t)spec->history;
    size_t future = 2 * (size_t)spec->future;
    float *history = RML_NEW_ARRAY(arena, float, n *past + 1);
    float *target = RML_NEW_ARRAY(arena, float, n *future + 1);
    *valid = RML_NEW_ARRAY(arena, float, n * spec->future + 1);
    if (history == NULL || target == NULL || *valid == NULL) {
        return rml_fail_memory(err, n * (past + future) * sizeof(float));
    }
    for (size_t i = 0; i < n; i++) {
        const float *tensors[RML_SCENE_TENSORS];
        rml_dataset_sample(d, split, i, tensors);
        memcpy(history + i * past, tensors[T_HISTORY], past * sizeof(float));
        memcpy(target + i * future, tensors[T_TARGET], future * sizeof(float));
        memcpy(*valid + i * spec->future, tensors[T_TARGET_VALID], spec->future * sizeof(float));
    }
    *pasts = (rml_pasts){.count = n,
                         .history = spec->history,
                         .steps = spec->future,
                         .dt_s = (double)rml_dataset_step_ns(d) * 1e-9,
                         .history_xy = history,
                         .target_xy = target};
    return RML_OK;
}

static rml_status add_baseline(rml_judging *e, const rml_baseline_kind *kind,
                               const rml_pasts *train, const rml_pasts *pasts, rml_error *err)
{
    rml_baseline *fitted = NULL;
    rml_entrant *entrant = rml_array_push(&e->entrants, err);
    if (entrant == NULL) {
        return RML_ERR_MEMORY;
    }
    *entrant = (rml_entrant){.name = rml_str_of(kind->name),
                             .kind = kind->blind ? RML_EVIDENCE_BLIND : RML_EVIDENCE_BASELINE,
                             .has_probability = true,
                             .seeds = 1};
    RML_TRY(rml_baseline_fit(kind, train, MODES, e->options->seed, e->pool, &fitted, err));
    rml_status st =
        rml_forecast_make(&entrant->own, e->n, kind->blind ? MODES : 1, pasts->steps, err);
    st = st ? st : rml_baseline_predict(fitted, pasts, &entrant->own, err);
    rml_baseline_free(fitted);
    return st;
}

rml_status rml_entrants_add_baselines(rml_judging *e, rml_error *err)
{
    size_t kinds;
    const rml_baseline_kind *kind = rml_baseline_kinds(&kinds);
    rml_pasts train, pasts;
    float *valid;
    if (rml_dataset_count(e->dataset, RML_TRAIN) == 0) {
        return rml_fail(err, RML_ERR_MISSING, (rml_place){0}, NULL,
                        "expected scenes in the train split to fit the baselines on, found none");
    }
    RML_TRY(gather(e->dataset, RML_TRAIN, &e->arena, &train, &valid, err));
    RML_TRY(gather(e->dataset, e->options->split, &e->arena, &pasts, &valid, err));
    e->truth = (rml_truth){e->n, pasts.steps, pasts.target_xy, valid};
    pasts.target_xy = NULL; // a baseline has no business with the truth
    for (size_t k = 0; k < kinds; k++) {
        RML_TRY(rml_progress_check(e->progress, "fitting baselines", err));
        RML_TRY(add_baseline(e, &kind[k], &train, &pasts, err));
        rml_progress_report(e->progress, "baselines", (double)(k + 1), (double)kinds, "baselines");
    }
    return RML_OK;
}

// K = 1 is the single-mode head where there is one. Without probabilities nobody knows which of
// several modes is the most probable.
static bool is_defined(const rml_entrant *entrant, const rml_metric *metric, const rml_forecast *f)
{
    bool ranked = entrant->has_probability || f->modes == 1;
    return (!metric->needs_probability || entrant->has_probability) && (metric->k > 1 || ranked);
}

rml_status rml_entrant_judge(rml_judging *e, rml_entrant *entrant, rml_error *err)
{
    size_t count;
    const rml_metric *metrics = rml_metrics(&count);
    assert(count == RML_METRICS);
    for (size_t m = 0; m < count; m++) {
        const rml_forecast *all = entrant->own.count > 0 ? &entrant->own : entrant->futures;
        const rml_forecast *from = metrics[m].k == 1 && entrant->ones != NULL ? entrant->ones : all;
        if (!is_defined(entrant, &metrics[m], from)) {
            continue;
        }
        entrant->values[m] = RML_NEW_ARRAY(&e->arena, double *, entrant->seeds);
        if (entrant->values[m] == NULL) {
            return rml_fail_memory(err, entrant->seeds * sizeof(double *));
        }
        for (size_t s = 0; s < entrant->seeds; s++) {
            if (from[s].count != e->n || from[s].steps != e->truth.steps) {
                return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                                "expected %zu forecasts of %u steps from %.*s, found %zu of %u",
                                e->n, e->truth.steps, RML_FMT(entrant->name), from[s].count,
                                from[s].steps);
            }
            double *values = RML_NEW_ARRAY(&e->arena, double, e->n + 1);
            if (values == NULL) {
                return rml_fail_memory(err, e->n * sizeof(double));
            }
            metrics[m].compute(&e->truth, &from[s], metrics[m].k, e->miss_m, values);
            entrant->values[m][s] = values;
        }
    }
    return RML_OK;
}
