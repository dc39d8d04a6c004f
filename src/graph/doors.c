// The doors of a plan: values go in and out of its memory, wherever that lies.
#include <inttypes.h>

#include "plan.h"

bool rml_plan_keeps(const rml_plan *plan, rml_tensor t)
{
    return t >= 0 && (size_t)t < plan->tensor_count && plan->kept[t];
}

rml_plan_slice rml_plan_whole(const rml_plan *plan, rml_tensor t)
{
    size_t count = rml_plan_keeps(plan, t) ? rml_plan_elements(plan, t) : 0;
    return (rml_plan_slice){.tensor = t, .count = count};
}

// Where a slice begins.
static rml_status find(const rml_plan *plan, rml_plan_slice s, uint8_t **at, rml_error *err)
{
    if (!rml_plan_keeps(plan, s.tensor)) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0},
                        "give it to the plan as one of its outputs",
                        "expected a tensor that the plan keeps, found tensor %" PRId32, s.tensor);
    }
    bool value = s.role == RML_PLAN_VALUE;
    uint8_t *data =
        value ? plan->data[s.tensor] : plan->moment[s.role == RML_PLAN_SECOND_MOMENT][s.tensor];
    const char *name = rml_graph_name(plan->graph, s.tensor);
    if (data == NULL) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected a parameter of a plan with gradients, found no moments of \"%s\"",
                        name);
    }
    size_t size = rml_plan_elements(plan, s.tensor);
    if (s.first > size || s.count > size - s.first) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected elements below %zu of tensor \"%s\", found %zu from %zu on", size,
                        name, s.count, s.first);
    }
    *at = data + s.first * plan->item;
    return RML_OK;
}

rml_status rml_plan_put(rml_plan *plan, rml_plan_slice to, const void *values, rml_error *err)
{
    uint8_t *at;
    RML_TRY(find(plan, to, &at, err));
    plan->memory->put(at, values, to.count * plan->item);
    return RML_OK;
}

rml_status rml_plan_get(const rml_plan *plan, rml_plan_slice from, void *values, rml_error *err)
{
    uint8_t *at;
    RML_TRY(find(plan, from, &at, err));
    plan->memory->get(values, at, from.count * plan->item);
    return RML_OK;
}
