// train: a trained model that answers: from a folder, or fresh from a training in memory.
#include "model.h"

struct rml_runner {
    rml_engine engine;
    rml_arena arena; // of the configuration
};

static rml_status runner_make(const rml_train_config *config, uint32_t batch, rml_runner **out,
                              rml_error *err)
{
    rml_runner *r = rml_heap_make(sizeof *r);
    if (r == NULL) {
        return rml_fail_memory(err, sizeof *r);
    }
    rml_status st = rml_engine_make(&r->engine, config, batch, NULL, NULL, NULL, err);
    if (st != RML_OK) {
        rml_heap_free(r);
        return st;
    }
    *out = r;
    return RML_OK;
}

rml_status rml_runner_open(const char *folder, uint32_t batch, rml_runner **out, rml_error *err)
{
    rml_runner *r = rml_heap_make(sizeof *r);
    *out = NULL;
    if (r == NULL) {
        return rml_fail_memory(err, sizeof *r);
    }
    rml_status st = rml_model_open(rml_str_of(folder), batch, &r->arena, &r->engine, err);
    if (st != RML_OK) {
        rml_runner_close(r);
        return st;
    }
    *out = r;
    return RML_OK;
}

void rml_runner_close(rml_runner *r)
{
    if (r != NULL) {
        rml_engine_free(&r->engine);
        rml_arena_reset(&r->arena);
        rml_heap_free(r);
    }
}

const rml_task *rml_runner_task(const rml_runner *r)
{
    return r->engine.config.task;
}

const rml_model *rml_runner_model(const rml_runner *r)
{
    return &r->engine.model;
}

const rml_graph *rml_runner_graph(const rml_runner *r, rml_plan **plan)
{
    if (plan != NULL) {
        *plan = r->engine.plan;
    }
    return r->engine.graph;
}

rml_status rml_runner_answers_make(const rml_runner *r, size_t count, bool one, rml_forecast *out,
                                   rml_error *err)
{
    const rml_model *m = &r->engine.model;
    return rml_answers_make(out, count, one ? 1 : m->modes, m->steps, m->axes, err);
}

rml_status rml_runner_predict(rml_runner *r, const rml_dataset *d, rml_split split, rml_pool *pool,
                              rml_forecast *answers, rml_forecast *one, float *losses,
                              float *embeddings, rml_error *err)
{
    return rml_engine_predict(&r->engine, d, split, pool, answers, one, losses, embeddings, err);
}

rml_status rml_runner_inputs(rml_runner *r, const rml_dataset *d, rml_split split, size_t index,
                             const rml_tensor *tensors, size_t count, rml_arena *arena,
                             const float **out, rml_error *err)
{
    rml_engine *e = &r->engine;
    rml_feed feed;
    rml_tensor_view from[RML_TENSORS_MAX];
    RML_TRY(rml_feed_find(e, d, &feed, err));
    rml_dataset_sample(d, split, index, from);
    RML_TRY(rml_engine_put(e, e->plan, &feed, 0, from, err));
    for (size_t i = 0; i < count; i++) {
        size_t size = rml_plan_elements(e->plan, tensors[i]) / e->batch;
        float *copy = RML_NEW_ARRAY(arena, float, size);
        if (copy == NULL) {
            return rml_fail_memory(err, size * sizeof *copy);
        }
        rml_plan_slice first = {.tensor = tensors[i], .count = size};
        RML_TRY(rml_plan_get(e->plan, first, copy, err));
        out[i] = copy;
    }
    return RML_OK;
}

rml_status rml_train_fit(const rml_dataset *d, const rml_sample_ref *samples, size_t count,
                         const rml_train_config *config, uint32_t batch, rml_pool *pool,
                         const rml_progress *progress, rml_runner **out, rml_error *err)
{
    rml_learner l;
    *out = NULL;
    RML_TRY(rml_learner_make(&l, d, samples, count, config, NULL, pool, err));
    rml_status st = RML_OK;
    while (st == RML_OK && l.step < l.engine.config.steps) {
        double loss;
        st = rml_learner_step(&l, pool, &loss, err);
        if (st == RML_OK && rml_progress_stop(progress)) {
            st =
                rml_fail(err, RML_ERR_STOPPED, (rml_place){0}, NULL, "stopped at step %llu of %llu",
                         (unsigned long long)l.step, (unsigned long long)l.engine.config.steps);
        }
    }
    st = st ? st : runner_make(&l.engine.config, batch, out, err);
    if (st == RML_OK) {
        st = rml_learner_weights(&l, &(*out)->engine, err);
    }
    rml_learner_free(&l);
    return st;
}
