// train: a model with its plan; scenes in, answers out.
#include <math.h>
#include <string.h>

#include "learner.h"

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
    rml_status st = rml_graph_gradient(e->graph, e->model.loss, by, n, *gradients, err);
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
    e->config.task = config->task ? config->task : rml_task_find(RML_STR(""));
    st =
        st ? st : e->config.task->build(e->graph, &config->model, batch, loss_over, &e->model, err);
    if (st == RML_OK) {
        const rml_tensor *parameters;
        size_t room = rml_graph_parameters(e->graph, &parameters) + 8;
        outputs = rml_heap_make(room * sizeof *outputs);
        st = outputs ? RML_OK : rml_fail_memory(err, room * sizeof *outputs);
    }
    size_t count = 0;
    if (st == RML_OK && gradients != NULL) {
        outputs[count++] = e->model.loss_sum;
        st = engine_gradients(e, outputs, &count, gradients, err);
    } else if (st == RML_OK) {
        const rml_tensor wanted[] = {e->model.answer, e->model.probabilities, e->model.one,
                                     e->model.embedding, e->model.sample_loss};
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

// ---- Prediction --------------------------------------------------------------------------------

typedef struct wanted {
    rml_forecast *answers, *one;
    float *losses, *embeddings;
} wanted;

// Numbers of one sample from a tensor of the plan: the first `count` of its row.
static rml_status take(const rml_engine *e, rml_tensor tensor, uint32_t row, size_t count,
                       float *out, rml_error *err)
{
    size_t size = rml_plan_elements(e->plan, tensor) / e->batch;
    rml_plan_slice from = {.tensor = tensor, .first = row * size, .count = count};
    return rml_plan_get(e->plan, from, out, err);
}

// Of the focus agent alone: the first of those answered for.
static rml_status take_row(const rml_engine *e, uint32_t row, size_t sample, const wanted *w,
                           rml_error *err)
{
    const rml_model *m = &e->model;
    size_t path = (size_t)m->steps * m->axes, all = m->modes * path;
    if (w->answers != NULL) {
        RML_TRY(take(e, m->answer, row, all, w->answers->xy + sample * all, err));
        float *probability = w->answers->probability + sample * m->modes;
        probability[0] = 1; // one mode
        RML_TRY(m->probabilities >= 0 ? take(e, m->probabilities, row, m->modes, probability, err)
                                      : RML_OK);
    }
    if (w->one != NULL && m->one >= 0) {
        RML_TRY(take(e, m->one, row, path, w->one->xy + sample * path, err));
        w->one->probability[sample] = 1;
    }
    if (w->losses != NULL) {
        RML_TRY(take(e, m->sample_loss, row, 1, w->losses + sample, err));
    }
    if (w->embeddings != NULL) {
        RML_TRY(take(e, m->embedding, row, m->width, w->embeddings + sample * m->width, err));
    }
    return RML_OK;
}

static rml_status check_wanted(const rml_engine *e, const wanted *w, size_t count, rml_error *err)
{
    const rml_model *m = &e->model;
    const rml_forecast *const forecasts[] = {w->answers, w->one};
    for (int i = 0; i < 2; i++) {
        const rml_forecast *f = forecasts[i];
        uint32_t modes = i == 0 ? m->modes : 1;
        if (f != NULL && (f->count != count || f->modes != modes || f->steps != m->steps ||
                          f->axes != m->axes)) {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                            "expected answers for %zu scenes, %u modes and %u steps of %u, found "
                            "%zu, %u and %u of %u",
                            count, modes, m->steps, m->axes, f->count, f->modes, f->steps, f->axes);
        }
    }
    return RML_OK;
}

rml_status rml_engine_predict(rml_engine *e, const rml_dataset *d, rml_split split, rml_pool *pool,
                              rml_forecast *answers, rml_forecast *one, float *losses,
                              float *embeddings, rml_error *err)
{
    size_t count = rml_dataset_count(d, split);
    wanted w = {answers, one, losses, embeddings};
    rml_feed feed;
    RML_TRY(rml_feed_find(e, d, &feed, err));
    RML_TRY(check_wanted(e, &w, count, err));
    RML_TRY(rml_plan_freeze(e->plan, pool, err));
    for (size_t first = 0; first < count; first += e->batch) {
        size_t left = count - first;
        uint32_t rows = left < e->batch ? (uint32_t)left : e->batch;
        for (uint32_t row = 0; row < e->batch; row++) {
            rml_tensor_view from[RML_TENSORS_MAX];
            // A short last batch is filled up with its last scene.
            rml_dataset_sample(d, split, first + (row < rows ? row : rows - 1), from);
            RML_TRY(rml_engine_put(e, e->plan, &feed, row, from, err));
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
