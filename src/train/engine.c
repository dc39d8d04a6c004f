// train: a predictor with its plan; scenes in, forecasts out.
#include <math.h>
#include <string.h>

#include "learner.h"

enum { FEATURES, VALID, HISTORY, POSITION, VELOCITY, TARGET, TARGET_VALID }; // rml_scene_layout

static rml_status engine_gradients(rml_engine *e, rml_tensor *outputs, size_t *count,
                                   rml_tensor **gradients, rml_error *err)
{
    const rml_tensor *parameters;
    size_t n = rml_graph_parameters(e->graph, &parameters);
    *gradients = rml_heap_make(n * sizeof **gradients);
    if (*gradients == NULL) {
        return rml_fail_memory(err, n * sizeof **gradients);
    }
    // The gradient appends to the graph, so the list of parameters is read again after it.
    rml_tensor *by = rml_heap_make(n * sizeof *by);
    if (by == NULL) {
        return rml_fail_memory(err, n * sizeof *by);
    }
    memcpy(by, parameters, n * sizeof *by);
    rml_status st = rml_graph_gradient(e->graph, e->predictor.loss, by, n, *gradients, err);
    rml_heap_free(by);
    for (size_t i = 0; st == RML_OK && i < n; i++) {
        outputs[(*count)++] = (*gradients)[i];
    }
    return st;
}

rml_status rml_engine_make(rml_engine *e, const rml_train_config *config, uint32_t batch,
                           const rml_engine *parameters_of, rml_tensor **gradients, rml_pool *pool,
                           rml_error *err)
{
    *e = (rml_engine){.config = *config, .batch = batch};
    rml_tensor *outputs = NULL;
    rml_status st = rml_graph_make(&e->graph, err);
    uint32_t loss_over = gradients != NULL ? config->batch : batch;
    st = st ? st
            : rml_predictor_build(e->graph, &config->model, batch, loss_over, &e->predictor, err);
    if (st == RML_OK) {
        const rml_tensor *parameters;
        size_t room = rml_graph_parameters(e->graph, &parameters) + 8;
        outputs = rml_heap_make(room * sizeof *outputs);
        st = outputs ? RML_OK : rml_fail_memory(err, room * sizeof *outputs);
    }
    size_t count = 0;
    if (st == RML_OK && gradients != NULL) {
        outputs[count++] = e->predictor.loss_sum;
        st = engine_gradients(e, outputs, &count, gradients, err);
    } else if (st == RML_OK) {
        const rml_tensor wanted[] = {e->predictor.futures, e->predictor.probabilities,
                                     e->predictor.one, e->predictor.embedding,
                                     e->predictor.sample_loss};
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
            if (wanted[i] >= 0) {
                outputs[count++] = wanted[i];
            }
        }
    }
    if (st == RML_OK) {
        bool rounded = gradients != NULL && config->bfloat16; // answers are those that leave
        rml_plan_options options = {.precision = rounded ? RML_BF16 : RML_F32,
                                    .parameters_of = parameters_of ? parameters_of->plan : NULL,
                                    .pool = pool};
        st = rml_plan_make(e->graph, outputs, count, config->seed, &options, &e->plan, err);
    }
    rml_heap_free(outputs);
    if (st != RML_OK) {
        rml_engine_free(e);
    }
    return st;
}

void rml_engine_free(rml_engine *e)
{
    rml_plan_free(e->plan);
    rml_graph_free(e->graph);
    *e = (rml_engine){0};
}

rml_status rml_engine_copy(rml_engine *to, const rml_engine *from, rml_error *err)
{
    const rml_tensor *parameters;
    size_t count = rml_graph_parameters(from->graph, &parameters);
    for (size_t i = 0; i < count; i++) {
        float part[RML_PART];
        rml_tensor twin = rml_graph_find(to->graph, rml_graph_name(from->graph, parameters[i]));
        size_t size = rml_plan_elements(from->plan, parameters[i]);
        for (size_t at = 0; at < size; at += RML_PART) {
            rml_plan_slice slice = rml_part_of(parameters[i], at, size);
            RML_TRY(rml_plan_get(from->plan, slice, part, err));
            slice.tensor = twin;
            RML_TRY(rml_plan_put(to->plan, slice, part, err));
        }
    }
    return RML_OK;
}

// `count` floats of row `row` from `at` on, of an input that has `size` floats a row.
typedef struct rml_row_part {
    rml_tensor input;
    size_t size, at, count;
    const float *from;
} rml_row_part;

rml_status rml_engine_put(const rml_engine *e, rml_plan *plan, const rml_scene_spec *spec,
                          uint32_t row, const float *const from[RML_SCENE_TENSORS], rml_error *err)
{
    const rml_predictor_config *c = &e->config.model;
    const rml_predictor *p = &e->predictor;
    size_t tokens = c->agents + c->map, width = c->features, predict = c->predict;
    size_t agents = c->agents * width, all = tokens * width, path = predict * c->steps;
    const rml_row_part parts[] = {
        {p->features, all, 0, agents, from[FEATURES]},
        {p->features, all, agents, c->map * width, from[FEATURES] + spec->agents * width},
        {p->token_valid, tokens, 0, c->agents, from[VALID]},
        {p->token_valid, tokens, c->agents, c->map, from[VALID] + spec->agents},
        {p->position, predict * 2, 0, predict * 2, from[POSITION]},
        {p->velocity, predict * 2, 0, predict * 2, from[VELOCITY]},
        {p->target, path * 2, 0, path * 2, from[TARGET]},
        {p->target_valid, path, 0, path, from[TARGET_VALID]},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const rml_row_part *part = &parts[i];
        rml_plan_slice to = {
            .tensor = part->input, .first = row * part->size + part->at, .count = part->count};
        if (rml_plan_keeps(plan, part->input)) { // a predictor without a loss has no targets
            RML_TRY(rml_plan_put(plan, to, part->from, err));
        }
    }
    return RML_OK;
}

// ---- Prediction --------------------------------------------------------------------------------

typedef struct wanted {
    rml_forecast *futures, *one;
    float *losses, *embeddings;
} wanted;

// The first `count` floats of row `row` of an output that has `size` floats a row.
static rml_status get_row(const rml_engine *e, rml_tensor output, size_t size, uint32_t row,
                          size_t count, float *to, rml_error *err)
{
    rml_plan_slice from = {.tensor = output, .first = row * size, .count = count};
    return rml_plan_get(e->plan, from, to, err);
}

// Of the focus agent alone: the first of the predicted ones.
static rml_status take_row(const rml_engine *e, uint32_t row, size_t sample, const wanted *w,
                           rml_error *err)
{
    const rml_predictor_config *c = &e->config.model;
    const rml_predictor *p = &e->predictor;
    size_t path = (size_t)c->steps * 2, all = c->modes * path;
    if (w->futures != NULL) {
        RML_TRY(
            get_row(e, p->futures, c->predict * all, row, all, w->futures->xy + sample * all, err));
        RML_TRY(get_row(e, p->probabilities, (size_t)c->predict * c->modes, row, c->modes,
                        w->futures->probability + sample * c->modes, err));
    }
    if (w->one != NULL && p->one >= 0) {
        RML_TRY(get_row(e, p->one, c->predict * path, row, path, w->one->xy + sample * path, err));
        w->one->probability[sample] = 1;
    }
    if (w->losses != NULL) {
        RML_TRY(get_row(e, p->sample_loss, 1, row, 1, w->losses + sample, err));
    }
    if (w->embeddings != NULL) {
        RML_TRY(get_row(e, p->embedding, c->width, row, c->width, w->embeddings + sample * c->width,
                        err));
    }
    return RML_OK;
}

static rml_status engine_check(const rml_engine *e, const rml_scene_spec *spec, const wanted *w,
                               size_t count, rml_error *err)
{
    const rml_predictor_config *c = &e->config.model;
    if (c->agents > spec->agents || c->map > spec->map || c->predict > spec->predict ||
        c->steps != spec->future || c->features != RML_SCENE_FEATURES) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0},
                        "use a version cut as the model's own was",
                        "expected scenes of at least %u agents, %u pieces of map and %u steps "
                        "ahead, found %u, %u and %u",
                        c->agents, c->map, c->steps, spec->agents, spec->map, spec->future);
    }
    const rml_forecast *const forecasts[] = {w->futures, w->one};
    for (int i = 0; i < 2; i++) {
        const rml_forecast *f = forecasts[i];
        uint32_t modes = i == 0 ? c->modes : 1;
        if (f != NULL && (f->count != count || f->modes != modes || f->steps != c->steps)) {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                            "expected a forecast of %zu scenes, %u modes and %u steps, found %zu, "
                            "%u and %u",
                            count, modes, c->steps, f->count, f->modes, f->steps);
        }
    }
    return RML_OK;
}

rml_status rml_engine_predict(rml_engine *e, const rml_dataset *d, rml_split split, rml_pool *pool,
                              rml_forecast *futures, rml_forecast *one, float *losses,
                              float *embeddings, rml_error *err)
{
    size_t count = rml_dataset_count(d, split);
    const rml_scene_spec *spec = rml_dataset_scene_spec(d);
    wanted w = {futures, one, losses, embeddings};
    RML_TRY(engine_check(e, spec, &w, count, err));
    RML_TRY(rml_plan_freeze(e->plan, pool, err));
    for (size_t first = 0; first < count; first += e->batch) {
        size_t left = count - first;
        uint32_t rows = left < e->batch ? (uint32_t)left : e->batch;
        for (uint32_t row = 0; row < e->batch; row++) {
            const float *from[RML_SCENE_TENSORS];
            // A short last batch is filled up with its last scene.
            rml_dataset_sample(d, split, first + (row < rows ? row : rows - 1), from);
            RML_TRY(rml_engine_put(e, e->plan, spec, row, from, err));
        }
        rml_plan_run(e->plan, pool);
        for (uint32_t row = 0; row < rows; row++) {
            RML_TRY(take_row(e, row, first + row, &w, err));
        }
    }
    return RML_OK;
}

rml_status rml_engine_validate(rml_engine *e, const rml_dataset *d, rml_pool *pool, double *loss,
                               rml_error *err)
{
    size_t count = rml_dataset_count(d, RML_VALIDATION);
    *loss = NAN;
    if (count == 0) {
        return RML_OK;
    }
    float *losses = rml_heap_make(count * sizeof *losses);
    if (losses == NULL) {
        return rml_fail_memory(err, count * sizeof *losses);
    }
    rml_status st = rml_engine_predict(e, d, RML_VALIDATION, pool, NULL, NULL, losses, NULL, err);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)losses[i];
    }
    *loss = sum / (double)count;
    rml_heap_free(losses);
    return st;
}
