// train: batches, what is done to them, and the optimiser's step. Everything is a pure function of
// (version, configuration, step), so a training goes on from a step as if it had never stopped.
#include "learner.h"
#include "fault.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "roadmill/base/random.h"
#include "roadmill/math.h"

// Streams of random numbers: by step, so that each step draws its own.
enum { STREAM_MIRROR = 1, STREAM_DROP, STREAM_NOISE, STREAM_KINDS };

static double at_least_zero(double value)
{
    return value > 0 ? value : 0;
}

static rml_scene_shape shape_of(const rml_dataset *d)
{
    const rml_scene_spec *spec = rml_dataset_scene_spec(d);
    return (rml_scene_shape){.history = spec->history,
                             .future = spec->future,
                             .agents = spec->agents,
                             .map = spec->map,
                             .features = RML_SCENE_FEATURES,
                             .predict = spec->predict,
                             .dt_s = (double)rml_dataset_step_ns(d) / 1e9};
}

rml_status rml_train_config_fit(const rml_train_config *config, const rml_dataset *d,
                                rml_train_config *out, rml_error *err)
{
    rml_train_config c = *config;
    rml_scene_shape scenes = shape_of(d);
    c.task = c.task ? c.task : rml_task_find(RML_STR(""));
    RML_TRY(c.task->fit(&c.model, &scenes, err));
    rml_train_config_defaults(&c);
    *out = c;
    return RML_OK;
}

// ---- Start -------------------------------------------------------------------------------------

// The focus' rows of a tensor of samples spread over all that are trained on.
static rml_status gather(const rml_learner *l, const char *name, size_t count, size_t taken,
                         rml_arena *arena, const float **out, rml_error *err)
{
    const rml_loader *o = &l->loader;
    const rml_tensor_info *info;
    size_t at, row, whole;
    RML_TRY(rml_dataset_tensor_find(o->dataset, name, &at, err));
    rml_dataset_tensors(o->dataset, &info);
    bool fits = rml_tensor_info_size(&info[at], &row, &whole);
    size_t numbers = fits ? row / rml_element_size(info[at].element) : 0;
    float *values = RML_NEW_ARRAY(arena, float, taken *numbers + 1);
    if (values == NULL) {
        return rml_fail_memory(err, taken * numbers * sizeof *values);
    }
    for (size_t i = 0; i < taken; i++) {
        size_t k = i * count / taken;
        rml_sample_ref ref = o->samples ? o->samples[k] : (rml_sample_ref){o->split, (uint32_t)k};
        rml_tensor_view from = rml_dataset_tensor(o->dataset, ref.split, ref.index, at);
        rml_elements_to_f32(info[at].element, from.data, from.rows > 0 ? numbers : 0,
                            values + i * numbers);
    }
    *out = values;
    return RML_OK;
}

// As the task would have it.
static rml_status learner_start(rml_learner *l, size_t count, rml_pool *pool, rml_error *err)
{
    const rml_train_config *c = &l->engine.config;
    const float *tensors[RML_TASK_START_TENSORS] = {NULL};
    rml_scene_shape scenes = shape_of(l->loader.dataset);
    size_t taken = count < RML_TASK_START_SAMPLES ? count : RML_TASK_START_SAMPLES;
    if (c->task->start_parameter == NULL) {
        return RML_OK;
    }
    rml_arena arena = {0};
    rml_status st = RML_OK;
    for (size_t i = 0; st == RML_OK && c->task->start_tensors[i] != NULL; i++) {
        st = gather(l, c->task->start_tensors[i], count, taken, &arena, &tensors[i], err);
    }
    rml_plan *plan = l->engine.plan;
    rml_plan_slice to =
        rml_plan_whole(plan, rml_graph_find(l->engine.graph, c->task->start_parameter));
    float *values = st ? NULL : RML_NEW_ARRAY(&arena, float, to.count);
    st = st || values ? st : rml_fail_memory(err, to.count * sizeof *values);
    st = st ? st : c->task->start(&c->model, &scenes, tensors, taken, c->seed, pool, values, err);
    st = st ? st : rml_plan_put(plan, to, values, err);
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
        (*sums)[count] = e->model.loss_sum;
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

// Where among the version's tensors an input stands that is changed before it is learned from.
static rml_status find_changed(const rml_learner *l, rml_tensor input, size_t *out, rml_error *err)
{
    const rml_model *m = &l->engine.model;
    *out = SIZE_MAX;
    for (size_t i = 0; input >= 0 && i < m->input_count; i++) {
        if (m->inputs[i].tensor == input) {
            *out = l->feed.inputs[i].at;
        }
    }
    if (*out != SIZE_MAX && l->feed.info[*out].element != RML_ELEMENT_F32) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, "set noise and drop_tokens to -1",
                        "expected tensor %s of float32, to change it, found %s",
                        l->feed.info[*out].name, rml_element_name(l->feed.info[*out].element));
    }
    return RML_OK;
}

static rml_status find_feed(rml_learner *l, rml_error *err)
{
    RML_TRY(rml_feed_find(&l->engine, l->loader.dataset, &l->feed, err));
    RML_TRY(find_changed(l, l->engine.model.noised, &l->noised, err));
    return find_changed(l, l->engine.model.dropped, &l->dropped, err);
}

static rml_status make_staging(rml_learner *l, size_t batch, rml_error *err)
{
    const rml_tensor_info *info;
    l->tensors = rml_dataset_tensors(l->loader.dataset, &info);
    for (size_t i = 0; i < l->tensors; i++) {
        size_t row, size;
        if (!rml_tensor_info_size(&info[i], &row, &l->sizes[i]) ||
            !rml_size_mul(batch, l->sizes[i], &size)) {
            return rml_fail_memory(err, SIZE_MAX);
        }
        l->staging[i].data = rml_heap_make(size);
        l->staging[i].rows = info[i].ragged ? rml_heap_make(batch * sizeof(uint32_t)) : NULL;
        if (l->staging[i].data == NULL || (info[i].ragged && l->staging[i].rows == NULL)) {
            return rml_fail_memory(err, size);
        }
    }
    return RML_OK;
}

rml_status rml_learner_make(rml_learner *l, const rml_dataset *d, const rml_sample_ref *samples,
                            size_t sample_count, const rml_train_config *config, rml_ranks *ranks,
                            rml_pool *pool, rml_error *err)
{
    *l = (rml_learner){
        .spec = rml_dataset_scene_spec(d), .cutter = rml_dataset_cutter(d), .ranks = ranks};
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
    st = st ? st : find_feed(l, err);
    st = st ? st : make_staging(l, c.batch, err);
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
    for (size_t i = 0; i < RML_TENSORS_MAX; i++) {
        rml_heap_free(l->staging[i].data);
        rml_heap_free(l->staging[i].rows);
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
    size_t agents = l->engine.model.agents;
    return t < agents ? t : l->spec->agents + (t - agents);
}

static void drop_tokens(const rml_augment *a, uint64_t row, float *valid)
{
    const rml_train_config *c = &a->l->engine.config;
    const rml_model *m = &a->l->engine.model;
    size_t tokens = m->agents + m->map;
    double share = at_least_zero(c->drop_tokens);
    for (size_t t = m->kept; t < tokens && share > 0; t++) {
        if (rml_random_f64(c->seed, a->stream + STREAM_DROP, row * tokens + t) < share) {
            valid[token_of(a->l, t)] = 0;
        }
    }
}

// Uniform noise of the given deviation: four numbers of a Philox block at a time. valid: of the
// tokens, NULL: all.
static void add_noise(const rml_augment *a, uint64_t row, const float *valid, size_t width,
                      float *features)
{
    const rml_train_config *c = &a->l->engine.config;
    size_t tokens = a->l->engine.model.agents + a->l->engine.model.map;
    float unit = (float)(at_least_zero(c->noise) * 2 * sqrt(3.0) / 4294967296.0);
    for (size_t t = 0; t < tokens && unit > 0; t++) {
        size_t at = token_of(a->l, t);
        for (size_t i = 0; (valid == NULL || valid[at] > 0) && i < width; i += 4) {
            uint32_t random[4];
            rml_philox(c->seed, a->stream + STREAM_NOISE, (row * tokens + t) * width + i, random);
            for (size_t k = 0; k < 4 && i + k < width; k++) {
                features[at * width + i + k] += ((float)random[k] - 2147483648.0f) * unit;
            }
        }
    }
}

static rml_tensor_slot staged(const rml_learner *l, size_t tensor, size_t index)
{
    const rml_tensor_slot *all = &l->staging[tensor];
    return (rml_tensor_slot){(uint8_t *)all->data + index * l->sizes[tensor],
                             all->rows ? all->rows + index : NULL};
}

// What is done to a sample, where it stands: once a step. Half of them are mirrored.
static void augment_sample(const rml_augment *a, size_t index)
{
    const rml_learner *l = a->l;
    const rml_train_config *c = &l->engine.config;
    bool can = l->cutter != NULL && l->cutter->mirror != NULL && !c->no_mirror;
    rml_tensor_slot scene[RML_TENSORS_MAX];
    for (size_t i = 0; i < l->tensors; i++) {
        scene[i] = staged(l, i, index);
    }
    if (can && (rml_random_u64(c->seed, a->stream + STREAM_MIRROR, index) & 1)) {
        l->cutter->mirror(l->spec, scene);
    }
    float *valid = l->dropped != SIZE_MAX ? scene[l->dropped].data : NULL;
    if (valid != NULL) {
        drop_tokens(a, index, valid);
    }
    if (l->noised != SIZE_MAX) {
        size_t width = rml_graph_shape(l->engine.graph, l->engine.model.noised).size[2];
        add_noise(a, index, valid, width, scene[l->noised].data);
    }
}

rml_status rml_learner_put(const rml_learner *l, rml_plan *plan, size_t index, uint32_t row,
                           rml_error *err)
{
    const rml_engine *e = plan == l->rest.plan ? &l->rest : &l->engine;
    rml_tensor_view from[RML_TENSORS_MAX];
    for (size_t i = 0; i < l->tensors; i++) {
        rml_tensor_slot slot = staged(l, i, index);
        const rml_tensor_info *info = &l->feed.info[i];
        uint32_t fixed = info->rank > 0 ? info->shape[0] : 1;
        from[i] = (rml_tensor_view){slot.data, info->ragged ? *slot.rows : fixed};
    }
    return rml_engine_put(e, plan, &l->feed, row, from, err);
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
    RML_TRY(rml_plan_get(plan, rml_plan_whole(plan, l->engine.model.loss_sum), &sum, err));
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
