// Metric and baselines of the time until an agent stands.
#include "stands.h"

#include <math.h>
#include <stdlib.h>

void rml_stands_error(const rml_truth *truth, const rml_forecast *f, uint32_t k, double miss_m,
                      double *out)
{
    (void)k, (void)miss_m;
    for (size_t i = 0; i < truth->count; i++) {
        out[i] = truth->valid[i] > 0 ? fabs((double)f->xy[i] - (double)truth->xy[i]) : NAN;
    }
}

typedef struct seen {
    float speed_mps, stands_s;
} seen;

static int compare(const void *a, const void *b)
{
    const seen *x = a, *y = b; // by speed, then by time: no tie is left to qsort
    return x->speed_mps != y->speed_mps
               ? (x->speed_mps > y->speed_mps) - (x->speed_mps < y->speed_mps)
               : (x->stands_s > y->stands_s) - (x->stands_s < y->stands_s);
}

static int compare_number(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

// Over the last step of the focus' past.
static float speed_of(const rml_split_arrays *a, size_t i)
{
    const float *xy = a->history_xy + (i + 1) * (size_t)a->history * 2 - 4;
    float dx = xy[2] - xy[0], dy = xy[3] - xy[1];
    return sqrtf(dx * dx + dy * dy) / (float)a->dt_s;
}

static rml_status answers(const rml_split_arrays *of, float value, rml_forecast *out,
                          rml_error *err)
{
    RML_TRY(rml_answers_make(out, of->count, 1, 1, 1, err));
    for (size_t i = 0; i < of->count; i++) {
        out->xy[i] = value;
        out->probability[i] = 1;
    }
    return RML_OK;
}

rml_status rml_stands_never(const char *name, const rml_split_arrays *train,
                            const rml_split_arrays *of, uint64_t seed, rml_pool *pool,
                            rml_forecast *out, rml_error *err)
{
    (void)name, (void)seed, (void)pool;
    float most = 0; // the horizon, where any agent drives through it
    for (size_t i = 0; i < train->count; i++) {
        most = fmaxf(most, train->target_xy[i]);
    }
    return answers(of, most, out, err);
}

enum { BINS = 10 };

rml_status rml_stands_blind(const char *name, const rml_split_arrays *train,
                            const rml_split_arrays *of, uint64_t seed, rml_pool *pool,
                            rml_forecast *out, rml_error *err)
{
    (void)name, (void)seed, (void)pool;
    size_t n = train->count;
    rml_arena arena = {0};
    seen *pairs = RML_NEW_ARRAY(&arena, seen, n);
    float *times = RML_NEW_ARRAY(&arena, float, n);
    if (pairs == NULL || times == NULL) {
        rml_arena_reset(&arena);
        return rml_fail_memory(err, 3 * n * sizeof(float));
    }
    for (size_t i = 0; i < n; i++) {
        pairs[i].speed_mps = speed_of(train, i);
        pairs[i].stands_s = train->target_xy[i];
    }
    qsort(pairs, n, sizeof *pairs, compare);
    float from[BINS], median[BINS];
    for (size_t b = 0; b < BINS; b++) {
        size_t first = b * n / BINS, end = (b + 1) * n / BINS;
        end = end > first ? end : first + 1; // n >= 1
        from[b] = pairs[first].speed_mps;
        for (size_t i = first; i < end; i++) {
            times[i - first] = pairs[i].stands_s;
        }
        qsort(times, end - first, sizeof *times, compare_number);
        median[b] = times[(end - first) / 2];
    }
    rml_status st = answers(of, 0, out, err);
    for (size_t i = 0; st == RML_OK && i < of->count; i++) {
        size_t b = BINS - 1;
        while (b > 0 && speed_of(of, i) < from[b]) {
            b--;
        }
        out->xy[i] = median[b];
    }
    rml_arena_reset(&arena);
    return st;
}
