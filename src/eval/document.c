// The evaluation as one JSON document: every entrant on every slice with its intervals, and the
// models against every baseline, paired by window. docs/evaluation.md tells the fields.
#include <math.h>
#include <string.h>

#include "evaluation.h"

static const char *const kind_names[] = {"model", "baseline", "blind", "reads-future"};

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
    rml_evaluation *e;
    rml_array jobs;
    rml_draws draws[RML_SLICES_MAX];
} document;

// Differences of nll have no sensible ratio: it passes through zero.
static bool is_compared(const rml_metric *m)
{
    return strcmp(m->unit, "nat") != 0;
}

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
    return a->kind == RML_ENTRANT_MODEL &&
           (b->kind == RML_ENTRANT_BASELINE || b->kind == RML_ENTRANT_BLIND ||
            (b->kind == RML_ENTRANT_MODEL && b > a));
}

// In the order in which they are written.
static rml_status list_jobs(document *d, rml_error *err)
{
    size_t metric_count;
    const rml_metric *metrics = rml_metrics(&metric_count);
    rml_evaluation *e = d->e;
    for (size_t i = 0; i < e->entrants.count; i++) {
        const rml_entrant *a = RML_AT(&e->entrants, rml_entrant, i);
        for (size_t s = 0; s < e->slice_count; s++) {
            for (size_t m = 0; m < metric_count; m++) {
                RML_TRY(add_job(d, a, NULL, m, &e->slices[s], err));
            }
            for (size_t k = 0; k < e->entrants.count; k++) {
                const rml_entrant *b = RML_AT(&e->entrants, rml_entrant, k);
                for (size_t m = 0; against(a, b) && m < metric_count; m++) {
                    if (is_compared(&metrics[m]) && a->values[m] && b->values[m]) {
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
    rml_evaluation *e = d->e;
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
    rml_evaluation *e = d->e;
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

// ---- Writing -----------------------------------------------------------------------------------

static void write_slice(document *d, rml_json_writer *w, const rml_metric *metrics, size_t *at)
{
    const job *jobs = d->jobs.data;
    const rml_entrant *a = jobs[*at].a;
    const rml_slice *slice = jobs[*at].slice;
    rml_json_object(w);
    rml_json_kv_str(w, "name", slice->name);
    rml_json_kv_str(w, "query", slice->query);
    rml_json_kv_i64(w, "windows", (int64_t)slice->windows);
    rml_json_kv_i64(w, "units", (int64_t)slice->units);
    rml_json_key(w, "metrics");
    rml_json_list(w);
    for (;
         *at < d->jobs.count && jobs[*at].a == a && jobs[*at].slice == slice && jobs[*at].b == NULL;
         (*at)++) {
        const job *j = &jobs[*at];
        rml_json_object(w);
        rml_json_kv_str(w, "name", rml_str_of(metrics[j->metric].name));
        rml_json_kv_f64(w, "value", j->interval.estimate);
        rml_json_kv_f64(w, "low", j->interval.low);
        rml_json_kv_f64(w, "high", j->interval.high);
        rml_json_kv_str(w, "method", rml_str_of(j->interval.method));
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    rml_json_key(w, "against");
    rml_json_list(w);
    for (;
         *at < d->jobs.count && jobs[*at].a == a && jobs[*at].slice == slice && jobs[*at].b != NULL;
         (*at)++) {
        const job *j = &jobs[*at];
        rml_json_object(w);
        rml_json_kv_str(w, "baseline", j->b->name);
        rml_json_kv_str(w, "metric", rml_str_of(metrics[j->metric].name));
        rml_json_kv_f64(w, "relative", j->interval.estimate);
        rml_json_kv_f64(w, "low", j->interval.low);
        rml_json_kv_f64(w, "high", j->interval.high);
        rml_json_kv_i64(w, "units", (int64_t)j->interval.units);
        rml_json_kv_str(w, "method", rml_str_of(j->interval.method));
        rml_json_kv_f64(w, "p", j->p);
        rml_json_kv_f64(w, "smallest_change", j->smallest_change);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    rml_json_object_end(w);
}

static void write_calibration(document *d, rml_json_writer *w, const rml_entrant *a)
{
    const rml_forecast *f = a->own.count > 0 ? &a->own : a->futures;
    double confidence[10], accuracy[10];
    if (!a->has_probability || f->modes < 2) {
        return;
    }
    rml_json_key(w, "calibration");
    rml_json_object(w);
    rml_json_kv_f64(w, "error", rml_calibration(&d->e->truth, f, confidence, accuracy));
    rml_json_key(w, "bins");
    rml_json_list(w);
    for (int b = 0; b < 10; b++) {
        rml_json_object(w);
        rml_json_kv_f64(w, "confidence", confidence[b]);
        rml_json_kv_f64(w, "accuracy", accuracy[b]);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    rml_json_object_end(w);
}

// The blind baseline with the smallest min_fde_6 over all windows: the bar.
static rml_str best_blind(const document *d)
{
    rml_str best = {0};
    double least = INFINITY;
    size_t count;
    const rml_metric *metrics = rml_metrics(&count);
    for (size_t i = 0; i < d->jobs.count; i++) {
        const job *j = RML_AT(&d->jobs, job, i);
        if (j->b == NULL && j->a->kind == RML_ENTRANT_BLIND && j->slice == d->e->slices &&
            strcmp(metrics[j->metric].name, "min_fde_6") == 0 && j->interval.estimate < least) {
            least = j->interval.estimate;
            best = j->a->name;
        }
    }
    return best;
}

static void write_entrants(document *d, rml_json_writer *w, const rml_metric *metrics)
{
    size_t at = 0;
    rml_json_key(w, "models");
    rml_json_list(w);
    while (at < d->jobs.count) {
        const rml_entrant *a = RML_AT(&d->jobs, job, at)->a;
        rml_json_object(w);
        rml_json_kv_str(w, "name", a->name);
        rml_json_kv_str(w, "hash", a->hash);
        rml_json_kv_str(w, "kind", rml_str_of(kind_names[a->kind]));
        rml_json_kv_bool(w, "has_probability", a->has_probability);
        rml_json_kv_i64(w, "seeds", (int64_t)a->seeds);
        write_calibration(d, w, a);
        rml_json_key(w, "slices");
        rml_json_list(w);
        while (at < d->jobs.count && RML_AT(&d->jobs, job, at)->a == a) {
            write_slice(d, w, metrics, &at);
        }
        rml_json_list_end(w);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
}

static void write_document(document *d, rml_json_writer *w)
{
    size_t count;
    const rml_metric *metrics = rml_metrics(&count);
    rml_evaluation *e = d->e;
    rml_json_object(w);
    rml_json_kv_str(w, "format", RML_STR("roadmill-evaluation-1"));
    rml_json_kv_str(w, "version", rml_dataset_hash(e->dataset));
    rml_json_kv_str(w, "split", rml_str_of(rml_split_name(e->options->split)));
    rml_json_kv_i64(w, "looks", e->looks);
    rml_json_kv_i64(w, "families", (int64_t)e->families);
    rml_json_kv_i64(w, "windows", (int64_t)e->n);
    rml_json_kv_f64(w, "miss_m", e->miss_m);
    rml_json_kv_f64(w, "level", RML_LEVEL);
    rml_json_kv_i64(w, "draws", RML_DRAWS);
    rml_json_key(w, "metrics");
    rml_json_list(w);
    for (size_t m = 0; m < count; m++) {
        rml_json_object(w);
        rml_json_kv_str(w, "name", rml_str_of(metrics[m].name));
        rml_json_kv_str(w, "unit", rml_str_of(metrics[m].unit));
        rml_json_kv_i64(w, "k", metrics[m].k);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    write_entrants(d, w, metrics);
    rml_json_kv_str(w, "best_blind", best_blind(d));
    rml_json_object_end(w);
}

rml_status rml_evaluation_write(rml_evaluation *e, rml_buffer *out, rml_error *err)
{
    document d = {.e = e, .jobs = RML_ARRAY(job)};
    rml_buffer text = {0};
    rml_arena arena = {0};
    rml_json_writer w;
    const rml_json *tree;
    rml_json_writer_init(&w, &text, err);
    rml_status st = list_jobs(&d, err);
    st = st ? st : run_jobs(&d, err);
    if (st == RML_OK) {
        write_document(&d, &w);
        st = rml_json_finish(&w);
    }
    st =
        st ? st : rml_json_parse(&arena, rml_buffer_text(&text), RML_STR("evaluation"), &tree, err);
    st = st ? st : rml_json_canonical(tree, out, err);
    rml_array_reset(&d.jobs);
    rml_buffer_reset(&text);
    rml_arena_reset(&arena);
    return st;
}
