// Who is judged: models as given, and the task's baselines, fitted on the train split of the
// version.
#include "evaluation.h"

static rml_status add_baseline(rml_judging *e, const char *name, const rml_split_arrays *train,
                               const rml_split_arrays *of, rml_error *err)
{
    rml_eval_baseline baseline;
    if (!rml_eval_baseline_find(name, &baseline)) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected a baseline, found %s", name);
    }
    rml_entrant *entrant = rml_array_push(&e->entrants, err);
    if (entrant == NULL) {
        return RML_ERR_MEMORY;
    }
    *entrant = (rml_entrant){.name = rml_str_of(baseline.name),
                             .kind = baseline.blind ? RML_EVIDENCE_BLIND : RML_EVIDENCE_BASELINE,
                             .has_probability = true,
                             .seeds = 1};
    return baseline.answer(name, train, of, e->options->seed, e->pool, &entrant->own, err);
}

rml_status rml_entrants_add_baselines(rml_judging *e, rml_error *err)
{
    const char *const *names = e->task->baselines;
    size_t count = 0;
    rml_split_arrays train, of;
    if (rml_dataset_count(e->dataset, RML_TRAIN) == 0) {
        return rml_fail(err, RML_ERR_MISSING, (rml_place){0}, NULL,
                        "expected scenes in the train split to fit the baselines on, found none");
    }
    RML_TRY(rml_split_arrays_make(&e->arena, e->dataset, e->task, RML_TRAIN, &train, err));
    RML_TRY(rml_split_arrays_make(&e->arena, e->dataset, e->task, e->options->split, &of, err));
    e->truth = (rml_truth){e->n, of.steps, of.axes, of.target_xy, of.target_valid};
    of.target_xy = of.target_valid = NULL; // a baseline has no business with the truth
    while (names[count] != NULL) {
        count++;
    }
    for (size_t k = 0; k < count; k++) {
        RML_TRY(rml_progress_check(e->progress, "fitting baselines", err));
        RML_TRY(add_baseline(e, names[k], &train, &of, err));
        rml_progress_report(e->progress, "baselines", (double)(k + 1), (double)count, "baselines");
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
    for (size_t m = 0; m < e->metric_count; m++) {
        const rml_metric *metric = e->metrics[m];
        const rml_forecast *all = entrant->own.count > 0 ? &entrant->own : entrant->futures;
        const rml_forecast *from = metric->k == 1 && entrant->ones != NULL ? entrant->ones : all;
        if (!is_defined(entrant, metric, from)) {
            continue;
        }
        entrant->values[m] = RML_NEW_ARRAY(&e->arena, double *, entrant->seeds);
        if (entrant->values[m] == NULL) {
            return rml_fail_memory(err, entrant->seeds * sizeof(double *));
        }
        for (size_t s = 0; s < entrant->seeds; s++) {
            if (from[s].count != e->n || from[s].steps != e->truth.steps ||
                from[s].axes != e->truth.axes) {
                return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                                "expected %zu answers of %u steps of %u from %.*s, found %zu of %u "
                                "of %u",
                                e->n, e->truth.steps, e->truth.axes, RML_FMT(entrant->name),
                                from[s].count, from[s].steps, from[s].axes);
            }
            double *values = RML_NEW_ARRAY(&e->arena, double, e->n + 1);
            if (values == NULL) {
                return rml_fail_memory(err, e->n * sizeof(double));
            }
            metric->compute(&e->truth, &from[s], metric->k, e->miss_m, values);
            entrant->values[m][s] = values;
        }
    }
    return RML_OK;
}
