// Selection of a batch: ranks into a score, then greedy k-centre against the score.
//
// Source of the greedy step: Sener and Savarese, "Active learning for convolutional neural
// networks: a core-set approach", ICLR 2018 (k-centre greedy), here weighed against the score.
// Candidates are cut into fixed blocks; the best of each joins in block order, so the picks are the
// same at any number of threads.
#include <math.h>
#include <stdlib.h>

#include "roadmill/base/random.h"
#include "roadmill/mine.h"

#define BLOCK 1024
#define NONE UINT32_MAX
#define STREAM_TIES 0x54494553 // "TIES"

typedef struct selection {
    const rml_mine_scores *scores;
    double diversity;
    double *score, *hard, *novel; // [n]
    double *nearest;              // [n] to the picks so far
    double scale;                 // D; 0 while it is not known
    uint64_t *tie;                // [n] a keyed number, the smaller wins
    bool *closed;                 // [n] picked, or its unit is full
    uint32_t *best;               // of each block
    uint32_t latest;              // the pick that nearest[] has not seen yet, or NONE
} selection;

// ---- Ranks -------------------------------------------------------------------------------------

typedef struct ranked {
    float value;
    uint32_t index;
} ranked;

static int compare_ranked(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    return x->value < y->value   ? -1
           : x->value > y->value ? 1
           : x->index < y->index ? -1
                                 : x->index > y->index;
}

// Ranks from 0 (smallest) to 1, equal values the middle of theirs; NaN where there is no value.
static rml_status rank(const float *values, size_t n, rml_arena *arena, double *out, rml_error *err)
{
    size_t known = 0;
    for (size_t i = 0; i < n; i++) {
        out[i] = NAN;
    }
    if (values == NULL) {
        return RML_OK;
    }
    ranked *order = RML_NEW_ARRAY(arena, ranked, n);
    if (order == NULL) {
        return rml_fail_memory(err, n * sizeof *order);
    }
    for (size_t i = 0; i < n; i++) {
        if (!isnan(values[i])) {
            order[known++] = (ranked){values[i], (uint32_t)i};
        }
    }
    if (known > 1) {
        qsort(order, known, sizeof *order, compare_ranked);
    }
    for (size_t from = 0, end; from < known; from = end) {
        for (end = from; end < known && order[end].value == order[from].value; end++) {
        }
        double middle = known > 1 ? (double)(from + end - 1) / 2 / (double)(known - 1) : 0.5;
        for (size_t k = from; k < end; k++) {
            out[order[k].index] = middle;
        }
    }
    return RML_OK;
}

static rml_status score(selection *s, const rml_mine_options *o, rml_arena *arena, rml_error *err)
{
    size_t n = s->scores->count;
    double weight[3] = {o->weight_loss, o->weight_disagreement, o->weight_novelty};
    if (weight[0] == 0 && weight[1] == 0 && weight[2] == 0) {
        weight[0] = weight[1] = weight[2] = 1;
    }
    const float *values[3] = {s->scores->loss, s->scores->disagreement, s->scores->novelty};
    double *ranks[3];
    for (int k = 0; k < 3; k++) {
        ranks[k] = RML_NEW_ARRAY(arena, double, n);
        if (ranks[k] == NULL) {
            return rml_fail_memory(err, n * sizeof(double));
        }
        RML_TRY(rank(weight[k] > 0 ? values[k] : NULL, n, arena, ranks[k], err));
    }
    for (size_t i = 0; i < n; i++) {
        double sum = 0, of = 0;
        for (int k = 0; k < 3; k++) {
            if (!isnan(ranks[k][i])) {
                sum += weight[k] * ranks[k][i];
                of += weight[k];
            }
        }
        s->score[i] = of > 0 ? sum / of : 0;
        s->hard[i] =
            fmax(isnan(ranks[0][i]) ? 0 : ranks[0][i], isnan(ranks[1][i]) ? 0 : ranks[1][i]);
        s->novel[i] = isnan(ranks[2][i]) ? 0 : ranks[2][i];
    }
    return RML_OK;
}

// ---- Greedy ------------------------------------------------------------------------------------

static double distance(const float *a, const float *b, uint32_t width)
{
    double sum = 0;
    for (uint32_t k = 0; k < width; k++) {
        double d = (double)a[k] - (double)b[k];
        sum += d * d;
    }
    return sqrt(sum);
}

static double spread_of(const selection *s, size_t i)
{
    return s->scale > 0 ? s->nearest[i] / s->scale : 0;
}

static double worth(const selection *s, size_t i)
{
    double share = s->latest == NONE ? 0 : s->diversity; // nothing to be far from yet
    return (1 - share) * s->score[i] + share * spread_of(s, i);
}

static bool is_better(const selection *s, uint32_t a, uint32_t b)
{
    if (b == NONE) {
        return true;
    }
    double x = worth(s, a), y = worth(s, b);
    return x != y ? x > y : s->tie[a] != s->tie[b] ? s->tie[a] < s->tie[b] : a < b;
}

static size_t block_end(const selection *s, size_t block)
{
    size_t end = (block + 1) * BLOCK;
    return end < s->scores->count ? end : s->scores->count;
}

static void see_latest(void *context, size_t block, size_t worker)
{
    (void)worker;
    selection *s = context;
    const float *e = s->scores->embedding;
    size_t width = s->scores->width;
    for (size_t i = block * BLOCK; i < block_end(s, block); i++) {
        double d = distance(e + i * width, e + s->latest * width, s->scores->width);
        s->nearest[i] = d < s->nearest[i] ? d : s->nearest[i];
    }
}

static void best_of_block(void *context, size_t block, size_t worker)
{
    (void)worker;
    selection *s = context;
    s->best[block] = NONE;
    for (size_t i = block * BLOCK; i < block_end(s, block); i++) {
        if (!s->closed[i] && is_better(s, (uint32_t)i, s->best[block])) {
            s->best[block] = (uint32_t)i;
        }
    }
}

static uint32_t pick_next(selection *s, rml_pool *pool)
{
    size_t n = s->scores->count, blocks = (n + BLOCK - 1) / BLOCK;
    if (s->latest != NONE && s->diversity > 0) {
        rml_pool_run(pool, blocks, see_latest, s);
        if (s->scale == 0) { // the first pick has just been seen
            for (size_t i = 0; i < n; i++) {
                s->scale = s->nearest[i] > s->scale ? s->nearest[i] : s->scale;
            }
            s->scale = s->scale > 0 ? s->scale : INFINITY; // all in one place
        }
    }
    rml_pool_run(pool, blocks, best_of_block, s);
    uint32_t best = NONE;
    for (size_t b = 0; b < blocks; b++) {
        if (s->best[b] != NONE && is_better(s, s->best[b], best)) {
            best = s->best[b];
        }
    }
    return best;
}

static const char *reason_of(const selection *s, uint32_t i)
{
    double diverse = s->diversity > 0 ? spread_of(s, i) : 0;
    if (diverse > s->hard[i] && diverse > s->novel[i]) {
        return "diverse";
    }
    return s->novel[i] > s->hard[i] ? "novel" : "hard";
}

// A picked scene is closed, and with a full unit all the others of it.
static void close_off(selection *s, uint32_t picked, const rml_mine_pick *picks, size_t count,
                      size_t per_unit_max)
{
    s->closed[picked] = true;
    const uint32_t *unit = s->scores->unit;
    if (per_unit_max == 0 || unit == NULL) {
        return;
    }
    size_t taken = 0;
    for (size_t k = 0; k < count; k++) {
        taken += unit[picks[k].index] == unit[picked];
    }
    for (size_t i = 0; taken >= per_unit_max && i < s->scores->count; i++) {
        s->closed[i] = s->closed[i] || unit[i] == unit[picked];
    }
}

static rml_status prepare(selection *s, const rml_mine_options *options, rml_arena *arena,
                          rml_error *err)
{
    size_t n = s->scores->count;
    s->score = RML_NEW_ARRAY(arena, double, n);
    s->hard = RML_NEW_ARRAY(arena, double, n);
    s->novel = RML_NEW_ARRAY(arena, double, n);
    s->nearest = RML_NEW_ARRAY(arena, double, n);
    s->tie = RML_NEW_ARRAY(arena, uint64_t, n);
    s->closed = RML_NEW_ARRAY(arena, bool, n);
    s->best = RML_NEW_ARRAY(arena, uint32_t, n / BLOCK + 1);
    if (!s->score || !s->hard || !s->novel || !s->nearest || !s->tie || !s->closed || !s->best) {
        return rml_fail_memory(err, n * 5 * sizeof(double));
    }
    for (size_t i = 0; i < n; i++) {
        s->nearest[i] = INFINITY;
        s->tie[i] = rml_random_u64(options->seed, STREAM_TIES, i);
    }
    return score(s, options, arena, err);
}

rml_status rml_mine_select(const rml_mine_scores *scores, const rml_mine_options *options,
                           rml_pool *pool, rml_mine_pick *picks, size_t *count, rml_error *err)
{
    *count = 0;
    double diversity = options->diversity == 0 ? 0.5 : fmax(options->diversity, 0);
    if (!(diversity <= 1) || !(options->weight_loss >= 0) || !(options->weight_disagreement >= 0) ||
        !(options->weight_novelty >= 0) || scores->count >= NONE) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected diversity up to 1, weights of at least 0 and fewer than 2^32 "
                        "candidates, found %g, %g, %g, %g and %zu",
                        options->diversity, options->weight_loss, options->weight_disagreement,
                        options->weight_novelty, scores->count);
    }
    if (scores->count == 0) {
        return RML_OK;
    }
    rml_arena arena = {0};
    selection s = {.scores = scores, .latest = NONE};
    s.diversity = scores->embedding != NULL ? diversity : 0;
    rml_status st = prepare(&s, options, &arena, err);
    while (st == RML_OK && *count < options->budget) {
        uint32_t next = pick_next(&s, pool);
        if (next == NONE) {
            break;
        }
        picks[(*count)++] = (rml_mine_pick){next, (float)s.score[next], reason_of(&s, next)};
        close_off(&s, next, picks, *count, options->per_unit_max);
        s.latest = next;
    }
    rml_arena_reset(&arena);
    return st;
}
