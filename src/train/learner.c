// train: batches, what is done to them, and the optimiser's step. Everything is a pure function of
// (version, configuration, step), so a training goes on from a step as if it had never stopped.
#include "learner.h"
#include "fault.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "roadmill/base/random.h"
#include "roadmill/math.h"

enum { FEATURES, VALID }; // of rml_scene_layout
// Streams of random numbers: by step, so that each step draws its own.
enum { STREAM_MIRROR = 1, STREAM_DROP, STREAM_NOISE, STREAM_KINDS };
enum { START_SAMPLES = 1024 }; // that the first futures are fitted to

static double at_least_zero(double value)
{
    return value > 0 ? value : 0;
}

rml_status rml_train_config_fit(const rml_train_config *config, const rml_dataset *d,
                                rml_train_config *out, rml_error *err)
{
    const rml_scene_spec *spec = rml_dataset_scene_spec(d);
    rml_train_config c = *config;
    c.model.agents =
        c.model.agents && c.model.agents < spec->agents ? c.model.agents : spec->agents;
    c.model.map = c.model.map && c.model.map < spec->map ? c.model.map : spec->map;
    c.model.features = RML_SCENE_FEATURES;
    c.model.steps = spec->future;
    c.model.predict = c.model.predict ? c.model.predict : 1;
    c.model.dt_s = (double)rml_dataset_step_ns(d) / 1e9;
    if (c.model.predict > spec->predict) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected to predict at most %u agents, as the version does, found %u",
                        spec->predict, c.model.predict);
    }
    rml_train_config_defaults(&c);
    *out = c;
    return RML_OK;
}

// ---- Start -------------------------------------------------------------------------------------

static void sample_at(const rml_learner *l, size_t i, const float *from[RML_SCENE_TENSORS])
{
    const rml_loader *o = &l->loader;
    if (o->samples != NULL) {
        rml_dataset_sample(o->dataset, o->samples[i].split, o->samples[i].index, from);
    } else {
        rml_dataset_sample(o->dataset, o->split, i, from);
    }
}

static const rml_baseline_kind *residual_kind(void)
{
    size_t count;
    const rml_baseline_kind *kinds = rml_baseline_kinds(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(kinds[i].name, "blind_cv_unscaled_end") == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

// The futures start as the blind baseline's residuals, the smallest first (it is the pinned one),
// so that no future begins far from all data and is never taken.
static rml_status start_from(rml_learner *l, const double *residuals, rml_arena *arena,
                             rml_error *err)
{
    const rml_predictor_config *c = &l->engine.config.model;
    size_t path = (size_t)c->steps * 2;
    rml_plan *plan = l->engine.plan;
    rml_plan_slice to = rml_plan_whole(plan, rml_graph_find(l->engine.graph, "futures.bias"));
    float *bias = RML_NEW_ARRAY(arena, float, c->modes *path);
    if (bias == NULL) {
        return rml_fail_memory(err, c->modes * path * sizeof *bias);
    }
    uint32_t least = 0;
    double least_size = INFINITY;
    for (uint32_t k = 0; k < c->modes; k++) {
        double size = 0;
        for (size_t i = 0; i < path; i++) {
            size += residuals[k * path + i] * residuals[k * path + i];
        }
        if (size < least_size) {
            least = k;
            least_size = size;
        }
    }
    for (uint32_t k = 0; k < c->modes; k++) {
        uint32_t from = k == 0 ? least : k <= least ? k - 1 : k;
        for (size_t i = 0; i < path; i++) {
            bias[k * path + i] = (float)residuals[from * path + i];
        }
    }
    to.count = c->modes * path;
    return rml_plan_put(plan, to, bias, err);
}

static rml_status learner_start(rml_learner *l, size_t count, rml_pool *pool, rml_error *err)
{
    const rml_predictor_config *c = &l->engine.config.model;
    rml_arena arena = {0};
    size_t taken = count < START_SAMPLES ? count : START_SAMPLES;
    size_t past = (size_t)l->spec->history * 2, path = (size_t)c->steps * 2;
    float *history = RML_NEW_ARRAY(&arena, float, taken *past);
    float *target = RML_NEW_ARRAY(&arena, float, taken *path);
    if (history == NULL || target == NULL) {
        rml_arena_reset(&arena);
        return rml_fail_memory(err, taken * (past + path) * sizeof(float));
    }
    for (size_t i = 0; i < taken; i++) {
        const float *from[RML_SCENE_TENSORS];
        sample_at(l, i * count / taken, from);
        memcpy(history + i * past, from[2], past * sizeof *history);
        memcpy(target + i * path, from[5], path * sizeof *target);
    }
    rml_pasts pasts = {taken, l->spec->history, c->steps, c->dt_s, history, target};
    rml_baseline *b = NULL;
    rml_status st =
        rml_baseline_fit(residual_kind(), &pasts, c->modes, l->engine.config.seed, pool, &b, err);
    if (st == RML_OK) {
        st = start_from(l, rml_baseline_residuals(b), &arena, err);
    }
    rml_baseline_free(b);
    rml_arena_reset(&arena);
    return st;
}

// What an engine puts out for a step: gradients, then the sum of losses.
static rml_status make_engine(rml_engine *e, const rml_train_config *c, uint32_t samples,
                              const rml_engine *parameters_of, rml_tensor **sums, rml_pool *pool,
                              rml_error *err)
{
    rml_tensor *gradients = NULL;
    RML_TRY(rml_engine_make(e, c, samples, parameters_of, &gradients, pool, err));
    const rml_tensor *parameters;
    size_t count = rml_graph_parameters(e->graph, &parameters);
    *sums = rml_heap_make((count + 1) * sizeof **sums);
    if (*sums != NULL) {
        memcpy(*sums, gradients, count * sizeof **sums);
        (*sums)[count] = e->predictor.loss_sum;
    }
    rml_heap_free(gradients);
    return *sums != NULL ? RML_OK : rml_fail_memory(err, (count + 1) * sizeof **sums);
}

// Muon steps the matrices of the blocks: what leads in and out of them is not for it.
static rml_status make_muon(rml_learner *l, const rml_train_config *c, size_t threads,
                            rml_error *err)
{
    const rml_tensor *parameters;
    size_t count = rml_graph_parameters(l->engine.graph, &parameters);
    bool *matrices = rml_heap_make(count * sizeof *matrices);
    if (matrices == NULL) {
        return rml_fail_memory(err, count * sizeof *matrices);
    }
    for (size_t i = 0; i < count; i++) {
        rml_str name = rml_str_of(rml_graph_name(l->engine.graph, parameters[i]));
        matrices[i] = rml_str_starts(name, RML_STR("blocks."));
    }
    rml_status st = rml_muon_make(l->engine.plan, parameters, matrices, count,
                                  at_least_zero(c->momentum), threads, &l->muon, err);
    rml_heap_free(matrices);
    return st;
}

// The plans of a step: of a leaf, and of the samples behind the last whole one.
static rml_status make_leaves(rml_learner *l, const rml_train_config *c, rml_pool *pool,
                              rml_error *err)
{
    size_t threads = rml_pool_threads(pool);
    uint32_t left = c->batch % RML_LEAF, leaf = c->batch < RML_LEAF ? c->batch : RML_LEAF;
    bool has_rest = left > 0 && c->batch > RML_LEAF;
    rml_tensor *rest_sums = NULL;
    const rml_tensor *parameters;
    rml_status st = make_engine(&l->engine, c, leaf, NULL, &l->gradients, pool, err);
    if (st == RML_OK && c->muon) {
        st = make_muon(l, c, threads, err);
    }
    if (st == RML_OK && has_rest) {
        st = make_engine(&l->rest, c, left, &l->engine, &rest_sums, NULL, err);
    }
    if (st == RML_OK) {
        rml_leaves_setup setup = {
            .plan = l->engine.plan,
            .rest = l->rest.plan,
            .sums = l->gradients,
            .rest_sums = rest_sums,
            .sum_count = rml_graph_parameters(l->engine.graph, &parameters) + 1,
            .whole = 1,
            .samples = c->batch,
            .threads = threads,
            .ranks = l->ranks,
            .muon = l->muon,
        };
        st = rml_leaves_make(&setup, &l->leaves, err);
    }
    rml_heap_free(rest_sums);
    return st;
}

rml_status rml_learner_make(rml_learner *l, const rml_dataset *d, const rml_sample_ref *samples,
                            size_t sample_count, const rml_train_config *config, rml_ranks *ranks,
                            rml_pool *pool, rml_error *err)
{
    *l = (rml_learner){.spec = rml_dataset_scene_spec(d), .ranks = ranks};
    size_t count = samples ? sample_count : rml_dataset_count(d, RML_TRAIN);
    if (count == 0) {
        return rml_fail(err, RML_ERR_DATA, (rml_place){0}, "give the version a train split",
                        "expected training scenes in version %.12s, found none",
                        rml_dataset_hash(d).data);
    }
    rml_train_config c;
    RML_TRY(rml_train_config_fit(config, d, &c, err));
    rml_status st = make_leaves(l, &c, pool, err);
    l->loader = (rml_loader){.dataset = d,
                             .split = RML_TRAIN,
                             .samples = samples,
                             .sample_count = sample_count,
                             .seed = c.seed};
    rml_tensor_info info[RML_SCENE_TENSORS];
    rml_scene_layout(l->spec, info);
    for (size_t i = 0; st == RML_OK && i < RML_SCENE_TENSORS; i++) {
        l->sizes[i] = 1;
        for (uint32_t axis = 0; axis < info[i].rank; axis++) {
            l->sizes[i] *= info[i].shape[axis];
        }
        l->staging[i] = rml_heap_make(c.batch * l->sizes[i] * sizeof(float));
        st = l->staging[i] ? RML_OK : rml_fail_memory(err, c.batch * l->sizes[i] * sizeof(float));
    }
    st = st ? st : learner_start(l, count, pool, err);
    if (st == RML_OK && c.ema > 0 && rml_ranks_index(ranks) == 0) {
        st = rml_average_make(l, err);
    }
    if (st != RML_OK) {
        rml_learner_free(l);
    }
    return st;
}

// Rank 0's numbers of a parameter to all.
static rml_status share_tensor(rml_learner *l, rml_tensor t, rml_plan_role role, rml_error *err)
{
    float numbers[RML_PART];
    rml_plan *plan = l->engine.plan;
    size_t size = rml_plan_elements(plan, t);
    for (size_t first = 0; first < size; first += RML_PART) {
        rml_plan_slice part = rml_part_of(t, first, size);
        part.role = role;
        RML_TRY(rml_plan_get(plan, part, numbers, err));
        RML_TRY(rml_ranks_share(l->ranks, numbers, part.count * sizeof *numbers, err));
        RML_TRY(rml_plan_put(plan, part, numbers, err));
    }
    return RML_OK;
}

rml_status rml_learner_share(rml_learner *l, rml_error *err)
{
    const rml_tensor *parameters;
    size_t count = rml_graph_parameters(l->engine.graph, &parameters);
    RML_TRY(rml_ranks_share(l->ranks, &l->step, sizeof l->step, err));
    RML_TRY(rml_ranks_share(l->ranks, &l->loader.position, sizeof l->loader.position, err));
    RML_TRY(rml_ranks_share(l->ranks, &l->loader.order, sizeof l->loader.order, err));
    for (size_t i = 0; l->ranks != NULL && i < count; i++) {
        RML_TRY(share_tensor(l, parameters[i], RML_PLAN_VALUE, err));
        RML_TRY(share_tensor(l, parameters[i], RML_PLAN_FIRST_MOMENT, err));
        RML_TRY(share_tensor(l, parameters[i], RML_PLAN_SECOND_MOMENT, err));
    }
    return RML_OK;
}

void rml_learner_free(rml_learner *l)
{
    for (size_t i = 0; i < RML_SCENE_TENSORS; i++) {
        rml_heap_free(l->staging[i]);
    }
    rml_heap_free(l->gradients);
    rml_leaves_free(l->leaves);
    rml_muon_free(l->muon);
    rml_heap_free(l->average);
    rml_engine_free(&l->rest);
    rml_engine_free(&l->engine);
    *l = (rml_learner){0};
}

// ---- A step ------------------------------------------------------------------------------------

// The model's token t among those of the version.
static size_t token_of(const rml_learner *l, size_t t)
{
    size_t agents = l->engine.config.model.agents;
    return t < agents ? t : l->spec->agents + (t - agents);
}

static void drop_tokens(const rml_augment *a, uint64_t row, float *valid)
{
    const rml_train_config *c = &a->l->engine.config;
    size_t tokens = c->model.agents + c->model.map;
    double share = at_least_zero(c->drop_tokens);
    for (size_t t = c->model.predict; t < tokens && share > 0; t++) {
        if (rml_random_f64(c->seed, a->stream + STREAM_DROP, row * tokens + t) < share) {
            valid[token_of(a->l, t)] = 0;
        }
    }
}

// Uniform noise of the given deviation: four numbers of a Philox block at a time.
static void add_noise(const rml_augment *a, uint64_t row, const float *valid, float *features)
{
    const rml_train_config *c = &a->l->engine.config;
    size_t tokens = c->model.agents + c->model.map, width = c->model.features;
    float unit = (float)(at_least_zero(c->noise) * 2 * sqrt(3.0) / 4294967296.0);
    for (size_t t = 0; t < tokens && unit > 0; t++) {
        size_t at = token_of(a->l, t);
        for (size_t i = 0; valid[at] > 0 && i < width; i += 4) {
            uint32_t random[4];
            rml_philox(c->seed, a->stream + STREAM_NOISE, (row * tokens + t) * width + i, random);
            for (size_t k = 0; k < 4 && i + k < width; k++) {
                features[at * width + i + k] += ((float)random[k] - 2147483648.0f) * unit;
            }
        }
    }
}

// What is done to a sample, where it stands: once a step. Half of them are mirrored.
static void augment_sample(const rml_augment *a, size_t index)
{
    const rml_learner *l = a->l;
    const rml_train_config *c = &l->engine.config;
    float *at[RML_SCENE_TENSORS];
    for (size_t i = 0; i < RML_SCENE_TENSORS; i++) {
        at[i] = l->staging[i] + index * l->sizes[i];
    }
    rml_scene_tensors scene = {at[0], at[1], at[2], at[3], at[4], at[5], at[6]};
    if (!c->no_mirror && (rml_random_u64(c->seed, a->stream + STREAM_MIRROR, index) & 1)) {
        rml_scene_mirror(l->spec, &scene);
    }
    drop_tokens(a, index, scene.token_valid);
    add_noise(a, index, scene.token_valid, scene.features);
}

rml_status rml_learner_put(const rml_learner *l, rml_plan *plan, size_t index, uint32_t row,
                           rml_error *err)
{
    const rml_engine *e = plan == l->rest.plan ? &l->rest : &l->engine;
    const float *from[RML_SCENE_TENSORS];
    for (size_t i = 0; i < RML_SCENE_TENSORS; i++) {
        from[i] = l->staging[i] + index * l->sizes[i];
    }
    return rml_engine_put(e, plan, l->spec, row, from, err);
}

static rml_status prepare_leaf(void *context, rml_plan *plan, size_t first, size_t count,
                               rml_error *err)
{
    const rml_augment *a = context;
    for (size_t i = 0; i < count; i++) {
        augment_sample(a, first + i);
        RML_TRY(rml_learner_put(a->l, plan, first + i, (uint32_t)i, err));
    }
    return RML_OK;
}

static double learning_rate(const rml_train_config *c, uint64_t step)
{
    double peak = at_least_zero(c->learning_rate);
    uint64_t warmup = c->warmup < c->steps ? c->warmup : c->steps;
    if (step <= warmup) {
        return peak * (double)step / (double)warmup;
    }
    double along = (double)(step - warmup) / (double)(c->steps - warmup);
    return peak * 0.5 * (1 + rml_f64_cos(RML_PI * along));
}

rml_status rml_learner_step(rml_learner *l, rml_pool *pool, double *loss, rml_error *err)
{
    const rml_train_config *c = &l->engine.config;
    rml_ranks_doing(l->ranks, "training at step", l->step + 1);
    rml_loader_next(&l->loader, pool, c->batch, l->staging);
    rml_augment a = {l, l->step * STREAM_KINDS};
    l->stream = a.stream;
    RML_TRY(rml_leaves_run(l->leaves, pool, prepare_leaf, &a, err));
    float sum;
    rml_plan *plan = l->engine.plan;
    RML_TRY(rml_plan_get(plan, rml_plan_whole(plan, l->engine.predictor.loss_sum), &sum, err));
    if (!isfinite(sum)) {
        l->diverged = true;
        return rml_ranks_agree(l->ranks, rml_fault_not_finite(&a, "loss", err), err);
    }
    l->rate = learning_rate(c, l->step + 1);
    rml_adamw options = {.learning_rate = l->rate,
                         .beta1 = 0.9,
                         .beta2 = 0.999,
                         .epsilon = 1e-8,
                         .weight_decay = at_least_zero(c->weight_decay),
                         .clip_norm = at_least_zero(c->clip_norm),
                         .step = l->step + 1};
    const rml_tensor *parameters;
    size_t count = rml_graph_parameters(l->engine.graph, &parameters);
    RML_TRY(rml_leaves_adamw(l->leaves, parameters, count, &options, pool, &l->norm, err));
    if (!isfinite(l->norm)) {
        l->diverged = true;
        return rml_ranks_agree(l->ranks, rml_fault_not_finite(&a, "gradient", err), err);
    }
    l->step++;
    if (l->average != NULL) {
        RML_TRY(rml_average_step(l, 1 - c->ema, err));
    }
    *loss = (double)(sum * (float)(1.0 / c->batch));
    return RML_OK;
}
