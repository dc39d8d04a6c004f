// What a mined batch is worth against random batches of the same size, at equal budget, and the
// control: the same selection on shuffled scores, which must show no gain.
//
// For each seed a small model is trained on the train split and scores the dev split; three models
// are then trained anew, each on the train split and one batch from dev (mined, random, shuffled),
// with the same configuration and seed, and judged on the validation split, which none of them saw.
#include "roadmill/mine/gain.h"

#include <math.h>
#include <string.h>

#include "roadmill/base/random.h"
#include "roadmill/eval.h"

// What a batch of runner predictions is cut into.
#define PREDICT_BATCH 32
// Streams of random numbers of this file.
enum { STREAM_RANDOM_BATCH = 1, STREAM_SHUFFLE };

typedef struct rml_dev_scores {
    size_t count;
    float *loss, *disagreement, *novelty, *embedding;
    uint32_t width;
    uint32_t *family;
} rml_dev_scores;

static rml_status embed(rml_runner *model, const rml_dataset *d, rml_split split, rml_arena *arena,
                        float **embedding, float **losses, float **disagreement, rml_error *err)
{
    const rml_model *c = rml_runner_model(model);
    size_t n = rml_dataset_count(d, split);
    *embedding = RML_NEW_ARRAY(arena, float, n * c->width);
    *losses = RML_NEW_ARRAY(arena, float, n);
    *disagreement = RML_NEW_ARRAY(arena, float, n);
    if (n > 0 && (*embedding == NULL || *losses == NULL || *disagreement == NULL)) {
        return rml_fail_memory(err, n * c->width * sizeof(float));
    }
    rml_forecast f = {0};
    RML_TRY(rml_runner_answers_make(model, n, false, &f, err));
    rml_status st = rml_runner_predict(model, d, split, NULL, &f, NULL, *losses, *embedding, err);
    if (!st) {
        rml_mine_disagreement(&f, *disagreement);
    }
    rml_forecast_free(&f);
    return st;
}

static rml_status score_dev(rml_runner *model, const rml_dataset *d, rml_arena *arena,
                            rml_dev_scores *out, rml_error *err)
{
    float *known, *loss, *spread;
    size_t n = rml_dataset_count(d, RML_DEV), m = rml_dataset_count(d, RML_TRAIN);
    out->count = n;
    out->width = rml_runner_model(model)->width;
    RML_TRY(embed(model, d, RML_TRAIN, arena, &known, &loss, &spread, err));
    RML_TRY(embed(model, d, RML_DEV, arena, &out->embedding, &out->loss, &out->disagreement, err));
    out->novelty = RML_NEW_ARRAY(arena, float, n);
    out->family = RML_NEW_ARRAY(arena, uint32_t, n);
    if (n > 0 && (out->novelty == NULL || out->family == NULL)) {
        return rml_fail_memory(err, n * sizeof(float));
    }
    rml_mine_novelty(out->embedding, n, known, m, out->width, NULL, out->novelty);
    const rml_dataset_scene *scenes = rml_dataset_scenes(d, RML_DEV);
    for (size_t i = 0; i < n; i++) {
        out->family[i] = scenes[i].family;
    }
    return RML_OK;
}

// Scores that belong to other scenes: the same numbers, in a keyed order.
static rml_status shuffle_scores(rml_dev_scores *s, uint64_t seed, rml_arena *arena, rml_error *err)
{
    float *loss = RML_NEW_ARRAY(arena, float, s->count);
    float *spread = RML_NEW_ARRAY(arena, float, s->count);
    float *novelty = RML_NEW_ARRAY(arena, float, s->count);
    float *embedding = RML_NEW_ARRAY(arena, float, s->count * s->width);
    if (s->count > 0 && (loss == NULL || spread == NULL || novelty == NULL || embedding == NULL)) {
        return rml_fail_memory(err, s->count * s->width * sizeof(float));
    }
    uint64_t key = rml_random_u64(seed, STREAM_SHUFFLE, 0);
    for (size_t i = 0; i < s->count; i++) {
        size_t from = (size_t)rml_permute(key, s->count, i);
        loss[i] = s->loss[from];
        spread[i] = s->disagreement[from];
        novelty[i] = s->novelty[from];
        memcpy(embedding + i * s->width, s->embedding + from * s->width, s->width * sizeof(float));
    }
    s->loss = loss;
    s->disagreement = spread;
    s->novelty = novelty;
    s->embedding = embedding;
    return RML_OK;
}

static void choose_random(size_t count, size_t budget, uint64_t seed, rml_batch_picks *out)
{
    uint64_t key = rml_random_u64(seed, STREAM_RANDOM_BATCH, 0);
    for (out->count = 0; out->count < budget && out->count < count; out->count++) {
        out->picks[out->count] =
            (rml_mine_pick){(uint32_t)rml_permute(key, count, out->count), 0, "random"};
    }
}

rml_status rml_batch_choose(rml_runner *model, const rml_dataset *d, rml_batch_arm arm,
                            const rml_mine_options *wanted, uint64_t seed, rml_arena *arena,
                            rml_batch_picks *out, rml_error *err)
{
    *out = (rml_batch_picks){.picks = RML_NEW_ARRAY(arena, rml_mine_pick, wanted->budget)};
    if (wanted->budget > 0 && out->picks == NULL) {
        return rml_fail_memory(err, wanted->budget * sizeof *out->picks);
    }
    if (arm == RML_ARM_RANDOM) {
        choose_random(rml_dataset_count(d, RML_DEV), wanted->budget, seed, out);
        return RML_OK;
    }
    rml_dev_scores s = {0};
    RML_TRY(score_dev(model, d, arena, &s, err));
    if (arm == RML_ARM_SHUFFLED) {
        RML_TRY(shuffle_scores(&s, seed, arena, err));
    }
    rml_mine_scores scores = {s.count,     s.loss,  s.disagreement, s.novelty,
                              s.embedding, s.width, s.family};
    rml_mine_options options = *wanted;
    options.seed = seed;
    return rml_mine_select(&scores, &options, NULL, out->picks, &out->count, err);
}

// ---- The comparison ----------------------------------------------------------------------------

// Base model, then one model for each arm.
#define MODELS 4

typedef struct rml_comparison {
    const rml_gain_setup *setup;
    rml_arena *arena;
    const rml_dataset *dataset;
    rml_split_arrays validation;
    double *values[MODELS]; // [seeds * validation]
    rml_status *status;     // [seeds]
    rml_error *errors;      // [seeds]
} rml_comparison;

static rml_status train_and_judge(const rml_comparison *c, const rml_batch_picks *batch,
                                  uint64_t seed, rml_arena *arena, rml_runner **model,
                                  double *values, rml_error *err)
{
    size_t base = rml_dataset_count(c->dataset, RML_TRAIN);
    size_t count = base + (batch == NULL ? 0 : batch->count);
    rml_sample_ref *samples = RML_NEW_ARRAY(arena, rml_sample_ref, count);
    if (samples == NULL) {
        return rml_fail_memory(err, count * sizeof *samples);
    }
    for (size_t i = 0; i < count; i++) {
        samples[i] = i < base ? (rml_sample_ref){RML_TRAIN, (uint32_t)i}
                              : (rml_sample_ref){RML_DEV, batch->picks[i - base].index};
    }
    rml_train_config config = c->setup->compare;
    config.seed = seed;
    RML_TRY(
        rml_train_fit(c->dataset, samples, count, &config, PREDICT_BATCH, NULL, NULL, model, err));
    rml_forecast f = {0};
    RML_TRY(rml_runner_answers_make(*model, c->validation.count, false, &f, err));
    rml_status st =
        rml_runner_predict(*model, c->dataset, RML_VALIDATION, NULL, &f, NULL, NULL, NULL, err);
    if (!st) {
        st = rml_split_metric(&c->validation, &f, rml_runner_task(*model)->compared, values, err);
    }
    rml_forecast_free(&f);
    return st;
}

static rml_status compare_seed(const rml_comparison *c, uint64_t seed, rml_arena *arena,
                               rml_error *err)
{
    size_t n = c->validation.count;
    rml_runner *base = NULL;
    rml_status st =
        train_and_judge(c, NULL, seed, arena, &base, c->values[MODELS - 1] + seed * n, err);
    for (int arm = 0; !st && arm < MODELS - 1; arm++) {
        rml_batch_picks batch;
        rml_runner *model = NULL;
        st = rml_batch_choose(base, c->dataset, (rml_batch_arm)arm, &c->setup->mine, seed, arena,
                              &batch, err);
        if (!st) {
            st = train_and_judge(c, &batch, seed, arena, &model, c->values[arm] + seed * n, err);
        }
        rml_runner_close(model);
    }
    rml_runner_close(base);
    return st;
}

static void compare_tile(void *context, size_t tile, size_t worker)
{
    (void)worker;
    rml_comparison *c = context;
    if (rml_progress_stop(c->setup->progress)) {
        c->status[tile] = rml_fail(&c->errors[tile], RML_ERR_STOPPED, (rml_place){0},
                                   "run the same command again to go on",
                                   "stopped while comparing mined with random batches");
        return;
    }
    rml_arena arena = {0};
    c->status[tile] = compare_seed(c, tile, &arena, &c->errors[tile]);
    rml_arena_reset(&arena);
}

static double mean_of(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
    }
    return count == 0 ? NAN : sum / (double)count;
}

// One arm against the random one: over all seeds, and each seed alone for false alarms.
static rml_status gain_of(const rml_comparison *c, rml_batch_arm arm, uint32_t seeds, rml_gain *out,
                          rml_error *err)
{
    size_t n = c->validation.count;
    const double **a = RML_NEW_ARRAY(c->arena, const double *, seeds);
    const double **b = RML_NEW_ARRAY(c->arena, const double *, seeds);
    if (a == NULL || b == NULL) {
        return rml_fail_memory(err, seeds * sizeof *a);
    }
    *out = (rml_gain){.seeds = seeds};
    rml_interval interval;
    for (uint32_t s = 0; s < seeds; s++) {
        a[s] = c->values[arm] + s * n;
        b[s] = c->values[RML_ARM_RANDOM] + s * n;
        RML_TRY(rml_interval_paired(&a[s], &b[s], 1, n, c->validation.family, true, 0.95, s,
                                    &interval, err));
        out->false_alarms += interval.high < 0;
    }
    RML_TRY(
        rml_interval_paired(a, b, seeds, n, c->validation.family, true, 0.95, 0, &interval, err));
    out->estimate = interval.estimate;
    out->low = interval.low;
    out->high = interval.high;
    out->families = interval.units;
    out->samples = n;
    return RML_OK;
}

static rml_status run_comparison(rml_comparison *c, uint32_t seeds, rml_gain_report *out,
                                 rml_error *err)
{
    size_t n = c->validation.count;
    for (int m = 0; m < MODELS; m++) {
        c->values[m] = RML_NEW_ARRAY(c->arena, double, n *seeds);
    }
    c->status = RML_NEW_ARRAY(c->arena, rml_status, seeds);
    c->errors = RML_NEW_ARRAY(c->arena, rml_error, seeds);
    if (c->values[MODELS - 1] == NULL || c->status == NULL || c->errors == NULL) {
        return rml_fail_memory(err, n * seeds * sizeof(double));
    }
    rml_pool_run(c->setup->pool, seeds, compare_tile, c);
    for (uint32_t s = 0; s < seeds; s++) {
        if (c->status[s] != RML_OK) {
            if (err != NULL) {
                *err = c->errors[s];
            }
            return c->status[s];
        }
    }
    RML_TRY(gain_of(c, RML_ARM_MINED, seeds, &out->mined, err));
    RML_TRY(gain_of(c, RML_ARM_SHUFFLED, seeds, &out->control, err));
    out->mined_m = mean_of(c->values[RML_ARM_MINED], n * seeds);
    out->random_m = mean_of(c->values[RML_ARM_RANDOM], n * seeds);
    out->control_m = mean_of(c->values[RML_ARM_SHUFFLED], n * seeds);
    out->base_m = mean_of(c->values[MODELS - 1], n * seeds);
    return RML_OK;
}

rml_status rml_gain_measure(const rml_gain_setup *setup, const rml_dataset *d, rml_arena *arena,
                            rml_gain_report *out, rml_error *err)
{
    *out = (rml_gain_report){.budget = setup->mine.budget,
                             .train_before = rml_dataset_count(d, RML_TRAIN)};
    rml_comparison c = {.setup = setup, .arena = arena, .dataset = d};
    const rml_task *task = setup->compare.task ? setup->compare.task : rml_task_find(RML_STR(""));
    RML_TRY(rml_split_arrays_make(arena, d, task, RML_VALIDATION, &c.validation, err));
    return run_comparison(&c, setup->seeds, out, err);
}
