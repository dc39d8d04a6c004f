// train: an exponential average of the weights, beside a learner that goes on without it.
#include "learner.h"

rml_status rml_average_step(rml_learner *l, double take, rml_error *err)
{
    const rml_tensor *parameters;
    size_t count = rml_graph_parameters(l->engine.graph, &parameters);
    float *at = l->average, share = (float)take;
    for (size_t i = 0; i < count; i++) {
        float from[RML_PART];
        size_t size = rml_plan_elements(l->engine.plan, parameters[i]);
        for (size_t first = 0; first < size; first += RML_PART) {
            rml_plan_slice part = rml_part_of(parameters[i], first, size);
            RML_TRY(rml_plan_get(l->engine.plan, part, from, err));
            for (size_t k = 0; k < part.count; k++) {
                at[k] += (from[k] - at[k]) * share;
            }
            at += part.count;
        }
    }
    return RML_OK;
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
    return rml_average_step(l, 1, err);
}

rml_status rml_learner_weights(const rml_learner *l, rml_engine *to, rml_error *err)
{
    RML_TRY(rml_engine_copy(to, &l->engine, err));
    const rml_tensor *parameters;
    size_t count = rml_graph_parameters(to->graph, &parameters);
    const float *at = l->average;
    for (size_t i = 0; at != NULL && i < count; i++) {
        RML_TRY(rml_plan_put(to->plan, rml_plan_whole(to->plan, parameters[i]), at, err));
        at += rml_plan_elements(to->plan, parameters[i]);
    }
    return RML_OK;
}
