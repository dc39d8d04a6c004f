// train: a trained predictor that answers: from a folder, or fresh from a training in memory.
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

const rml_predictor_config *rml_runner_config(const rml_runner *r)
{
    return &r->engine.config.model;
}

const rml_graph *rml_runner_graph(const rml_runner *r, rml_plan **plan, rml_predictor *p)
{
    if (plan != NULL) {
        *plan = r->engine.plan;
    }
    if (p != NULL) {
        *p = r->engine.predictor;
    }
    return r->engine.graph;
}

rml_status rml_runner_predict(rml_runner *r, const rml_dataset *d, rml_split split, rml_pool *pool,
                              rml_forecast *futures, rml_forecast *one, float *losses,
                              float *embeddings, rml_error *err)
{
    return rml_engine_predict(&r->engine, d, split, pool, futures, one, losses, embeddings, err);
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
