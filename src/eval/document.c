// The evaluation as evidence: every entrant on every slice with its intervals, and the models
// against every baseline, paired by window.
#include <math.h>
#include <string.h>

#include "evaluation.h"

#define BINS 10 // of rml_calibration

// One interval to be found; b NULL: a mean.
typedef struct job {
    const rml_entrant *a, *b;
    size_t metric;
    const rml_slice *slice;
    rml_interval interval;
    double p, smallest_change;
    rml_status status;
    rml_error error;
} job;

typedef struct document {
    rml_judging *e;
    rml_array jobs;
    rml_draws draws[RML_SLICES_MAX];
} document;

static rml_status add_job(document *d, const rml_entrant *a, const rml_entrant *b, size_t metric,
                          const rml_slice *slice, rml_error *err)
{
    job *j = rml_array_push(&d->jobs, err);
    if (j == NULL) {
        return RML_ERR_MEMORY;
    }
    *j = (job){.a = a, .b = b, .metric = metric, .slice = slice, .p = NAN, .smallest_change = NAN};
    j->interval = (rml_interval){NAN, NAN, NAN, 0, 0, "not given"};
    return RML_OK;
}

// A model against every baseline and the models behind it.
static bool against(const rml_entrant *a, const rml_entrant *b)
{
    return a->kind == RML_EVIDENCE_MODEL &&
           (b->kind == RML_EVIDENCE_BASELINE || b->kind == RML_EVIDENCE_BLIND ||
            (b->kind == RML_EVIDENCE_MODEL && b > a));
}

// In the order in which they are written.
static rml_status list_jobs(document *d, rml_error *err)
{
    rml_judging *e = d->e;
    for (size_t i = 0; i < e->entrants.count; i++) {
        const rml_entrant *a = RML_AT(&e->entrants, rml_entrant, i);
        for (size_t s = 0; s < e->slice_count; s++) {
            for (size_t m = 0; m < e->metric_count; m++) {
                RML_TRY(add_job(d, a, NULL, m, &e->slices[s], err));
            }
            for (size_t k = 0; k < e->entrants.count; k++) {
                const rml_entrant *b = RML_AT(&e->entrants, rml_entrant, k);
                for (size_t m = 0; against(a, b) && m < e->metric_count; m++) {
                    if (e->metrics[m]->compared && a->values[m] && b->values[m]) {
                        RML_TRY(add_job(d, a, b, m, &e->slices[s], err));
                    }
                }
            }
        }
    }
    return RML_OK;
}

static rml_status find_interval(document *d, job *j, rml_arena *arena, rml_error *err)
{
    rml_judging *e = d->e;
    size_t seeds = j->a->seeds, n = 0;
    double **own = j->a->values[j->metric];
    if (own == NULL) {
        return RML_OK;
    }
    // Only what stands in the slice.
    double **a = RML_NEW_ARRAY(arena, double *, seeds), **b = RML_NEW_ARRAY(arena, double *, seeds);
    uint32_t *number = RML_NEW_ARRAY(arena, uint32_t, j->slice->windows + 1);
    double *scratch = RML_NEW_ARRAY(arena, double, RML_DRAWS);
    double *pool = RML_NEW_ARRAY(arena, double, 2 * seeds * j->slice->windows + 1);
    if (!a || !b || !number || !scratch || !pool) {
        return rml_fail_memory(err, 2 * seeds * j->slice->windows * sizeof(double));
    }
    for (size_t s = 0; s < seeds; s++) {
        a[s] = pool + 2 * s * j->slice->windows;
        b[s] = a[s] + j->slice->windows;
        const double *other = j->b ? j->b->values[j->metric][s % j->b->seeds] : NULL;
        n = 0;
        for (size_t i = 0; i < e->n; i++) {
            if (j->slice->number[i] != RML_NOT_IN_SLICE) {
                number[n] = j->slice->number[i];
                a[s][n] = own[s][i];
                b[s][n++] = other ? other[i] : 0;
            }
        }
    }
    rml_unit_sums sums;
    const double *const *left = (const double *const *)a, *const *right = (const double *const *)b;
    RML_TRY(rml_unit_sums_make(left, j->b ? right : NULL, seeds, n, number, j->slice->units,
                               j->b != NULL, arena, &sums, err));
    rml_draws draws = d->draws[j->slice - e->slices];
    if (sums.units >= 10 && (draws.units != sums.units || draws.seeds != seeds)) {
        RML_TRY(rml_draws_make(sums.units, seeds, e->options->seed, arena, &draws, err));
    }
    rml_unit_sums_interval(&sums, &draws, RML_LEVEL, scratch, &j->interval);
    if (j->b != NULL && sums.units > 0) {
        double *differences = RML_NEW_ARRAY(arena, double, sums.units);
        if (differences == NULL) {
            return rml_fail_memory(err, sums.units * sizeof(double));
        }
        rml_unit_sums_above(&sums, differences);
        j->p = sums.units < 3 ? NAN : rml_sign_flip(differences, sums.units, e->options->seed);
        j->smallest_change = rml_unit_sums_smallest_change(&sums);
    }
    return RML_OK;
}

static void run_job(void *context, size_t tile, size_t worker)
{
    (void)worker;
    document *d = context;
    job *j = RML_AT(&d->jobs, job, tile);
    rml_arena arena = {0};
    j->status = find_interval(d, j, &arena, &j->error);
    rml_arena_reset(&arena);
}

static rml_status run_jobs(document *d, rml_error *err)
{
    rml_judging *e = d->e;
    // Most entrants have one seed; the draws of the models are made where they are needed.
    for (size_t s = 0; s < e->slice_count; s++) {
        if (e->slices[s].units >= 10) {
            RML_TRY(rml_draws_make(e->slices[s].units, 1, e->options->seed, &e->arena, &d->draws[s],
                                   err));
        }
    }
    rml_pool_run(e->pool, d->jobs.count, run_job, d);
    for (size_t i = 0; i < d->jobs.count; i++) {
        const job *j = RML_AT(&d->jobs, job, i);
        if (j->status) {
            if (err) {
                *err = j->error;
            }
            return j->status;
        }
    }
    return RML_OK;
}

// ---- Evidence ----------------------------------------------------------------------------------

// Jobs in their order become the numbers of a slice, slices those of an entrant.
typedef struct filling {
    const document *d;
    size_t at; // the next job
    rml_arena *arena;
} filling;

static bool is_at(const filling *f, const rml_entrant *a, const rml_slice *slice, bool paired)
{
    const job *j = f->at < f->d->jobs.count ? RML_AT(&f->d->jobs, job, f->at) : NULL;
    return j != NULL && j->a == a && j->slice == slice && (j->b != NULL) == paired;
}

static rml_status fill_slice(filling *f, const rml_entrant *a, const rml_slice *slice,
                             rml_evidence_slice *out, rml_error *err)
{
    const rml_metric *const *metrics = f->d->e->metrics;
    size_t count = f->d->e->metric_count;
    size_t pairs = count * f->d->e->entrants.count;
    rml_evidence_value *values = RML_NEW_ARRAY(f->arena, rml_evidence_value, count);
    rml_evidence_difference *differences =
        RML_NEW_ARRAY(f->arena, rml_evidence_difference, a->kind == RML_EVIDENCE_MODEL ? pairs : 1);
    if (values == NULL || differences == NULL) {
        return rml_fail_memory(err, pairs * sizeof *differences);
    }
    *out = (rml_evidence_slice){.name = slice->name,
                                .query = slice->query,
                                .windows = (int64_t)slice->windows,
                                .units = (int64_t)slice->units,
                                .values = values,
                                .differences = differences};
    for (; is_at(f, a, slice, false); f->at++) {
        const job *j = RML_AT(&f->d->jobs, job, f->at);
        values[out->value_count++] =
            (rml_evidence_value){rml_str_of(metrics[j->metric]->name), j->interval.estimate,
                                 j->interval.low, j->interval.high, rml_str_of(j->interval.method)};
    }
    for (; is_at(f, a, slice, true); f->at++) {
        const job *j = RML_AT(&f->d->jobs, job, f->at);
        differences[out->difference_count++] =
            (rml_evidence_difference){.baseline = j->b->name,
                                      .metric = rml_str_of(metrics[j->metric]->name),
                                      .relative = j->interval.estimate,
                                      .low = j->interval.low,
                                      .high = j->interval.high,
                                      .units = (int64_t)j->interval.units,
                                      .method = rml_str_of(j->interval.method),
                                      .p = j->p,
                                      .smallest_change = j->smallest_change};
    }
    return RML_OK;
}

static rml_status fill_calibration(const document *d, const rml_entrant *a, rml_arena *arena,
                                   const rml_evidence_calibration **out, rml_error *err)
{
    const rml_forecast *f = a->own.count > 0 ? &a->own : a->futures;
    if (!a->has_probability || f->modes < 2) {
        return RML_OK;
    }
    rml_evidence_calibration *c = RML_NEW(arena, rml_evidence_calibration);
    double *bins = RML_NEW_ARRAY(arena, double, 2 * BINS);
    if (c == NULL || bins == NULL) {
        return rml_fail_memory(err, sizeof *c + 2 * BINS * sizeof *bins);
    }
    *c = (rml_evidence_calibration){rml_calibration(&d->e->truth, f, bins, bins + BINS), bins,
                                    bins + BINS, BINS};
    *out = c;
    return RML_OK;
}

static rml_status fill_model(filling *f, const rml_entrant *a, rml_evidence_model *out,
                             rml_error *err)
{
    const rml_judging *e = f->d->e;
    rml_evidence_slice *slices = RML_NEW_ARRAY(f->arena, rml_evidence_slice, e->slice_count + 1);
    if (slices == NULL) {
        return rml_fail_memory(err, e->slice_count * sizeof *slices);
    }
    *out = (rml_evidence_model){.name = a->name,
                                .hash = a->hash,
                                .kind = a->kind,
                                .has_probability = a->has_probability,
                                .seeds = (int64_t)a->seeds,
                                .slices = slices,
                                .slice_count = e->slice_count};
    RML_TRY(fill_calibration(f->d, a, f->arena, &out->calibration, err));
    for (size_t s = 0; s < e->slice_count; s++) {
        RML_TRY(fill_slice(f, a, &e->slices[s], &slices[s], err));
    }
    return RML_OK;
}

// The blind baseline that is best by that metric over all windows: the bar.
static rml_str best_blind(const rml_evaluation *e, const char *metric)
{
    rml_str best = {0};
    double least = INFINITY;
    for (size_t i = 0; i < e->model_count; i++) {
        const rml_evidence_model *m = &e->models[i];
        const rml_evidence_value *v = rml_evidence_value_of(m->slices, rml_str_of(metric));
        if (m->kind == RML_EVIDENCE_BLIND && v != NULL && v->value < least) {
            least = v->value;
            best = m->name;
        }
    }
    return best;
}

static rml_status fill(const document *d, rml_arena *arena, rml_evaluation *out, rml_error *err)
{
    const rml_judging *e = d->e;
    filling f = {.d = d, .arena = arena};
    size_t count = e->metric_count, models = e->entrants.count;
    rml_evidence_metric *told = RML_NEW_ARRAY(arena, rml_evidence_metric, count);
    rml_evidence_model *m = RML_NEW_ARRAY(arena, rml_evidence_model, models + 1);
    if (told == NULL || m == NULL) {
        return rml_fail_memory(err, models * sizeof *m);
    }
    for (size_t i = 0; i < count; i++) {
        told[i] = (rml_evidence_metric){rml_str_of(e->metrics[i]->name),
                                        rml_str_of(e->metrics[i]->unit), e->metrics[i]->k};
    }
    for (size_t i = 0; i < models; i++) {
        RML_TRY(fill_model(&f, RML_AT(&e->entrants, rml_entrant, i), &m[i], err));
    }
    *out = (rml_evaluation){.version = rml_dataset_hash(e->dataset),
                            .split = rml_str_of(rml_split_name(e->options->split)),
                            .looks = e->looks,
                            .families = (int64_t)e->families,
                            .windows = (int64_t)e->n,
                            .miss_m = e->miss_m,
                            .level = RML_LEVEL,
                            .draws = RML_DRAWS,
                            .metrics = told,
                            .metric_count = count,
                            .models = m,
                            .model_count = models};
    if (e->task != rml_task_find(RML_STR(""))) { // the first's documents are as before tasks
        out->task = rml_str_of(e->task->name);
        out->compared = rml_str_of(e->task->compared);
    }
    out->best_blind = best_blind(out, e->task->compared);
    return RML_OK;
}

rml_status rml_judging_write(rml_judging *e, rml_buffer *out, rml_hash *hash, rml_error *err)
{
    document d = {.e = e, .jobs = RML_ARRAY(job)};
    rml_evaluation evidence;
    rml_status st = list_jobs(&d, err);
    st = st ? st : run_jobs(&d, err);
    st = st ? st : fill(&d, &e->arena, &evidence, err);
    st = st ? st : rml_evidence_write(&evidence, out, hash, err);
    rml_array_reset(&d.jobs);
    return st;
}
