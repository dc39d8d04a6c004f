// train: an exponential average of the weights, beside a learner that goes on without it.
#include <string.h>

#include "learner.h"

void rml_average_step(rml_learner *l, double take)
{
    const rml_tensor *parameters;
    size_t count = rml_graph_parameters(l->engine.graph, &parameters);
    float *at = l->average, share = (float)take;
    for (size_t i = 0; i < count; i++) {
        const float *from = rml_plan_data(l->engine.plan, parameters[i]);
        size_t size = rml_plan_elements(l->engine.plan, parameters[i]);
        for (size_t k = 0; k < size; k++) {
            at[k] += (from[k] - at[k]) * share;
        }
        at += size;
    }
}

rml_status rml_average_make(rml_learner *l, rml_error *err)
{
    const rml_tensor *parameters;
    size_t count = rml_graph_parameters(l->engine.graph, &parameters), size = 0;
    for (size_t i = 0; i < count; i++) {
        size += rml_plan_elements(l->engine.plan, parameters[i]) * sizeof *l->average;
    }
    l->average = rml_heap_make(size);
    if (l->average == NULL) {
        return rml_fail_memory(err, size);
    }
    rml_average_step(l, 1);
    return RML_OK;
}

void rml_learner_weights(const rml_learner *l, rml_engine *to)
{
    rml_engine_copy(to, &l->engine);
    const rml_tensor *parameters;
    size_t count = rml_graph_parameters(to->graph, &parameters);
    const float *at = l->average;
    for (size_t i = 0; at != NULL && i < count; i++) {
        size_t size = rml_plan_elements(to->plan, parameters[i]);
        memcpy(rml_plan_data(to->plan, parameters[i]), at, size * sizeof *at);
        at += size;
    }
}
