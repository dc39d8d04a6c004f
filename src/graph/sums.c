// Outputs of a leaf into the sums over leaves while they are near: a gradient is added where it
// belongs in the tree as soon as its step is done, and its memory serves the next one.
#include "plan.h"

// The step that makes the whole of an output by itself; NULL: none does.
static rml_step *maker_of(rml_plan *plan, const rml_tensor *sums, size_t count, size_t index)
{
    rml_tensor output = sums[index], root = plan->roots[output];
    for (size_t i = 0; i < count; i++) {
        if (i != index && plan->roots[sums[i]] == root) {
            return NULL;
        }
    }
    for (size_t i = plan->step_count; i-- > 0;) {
        rml_step *step = &plan->steps[i];
        if (plan->roots[step->output] == root) { // the last one, where some work in place
            bool whole = rml_plan_elements(plan, step->output) == rml_plan_elements(plan, output);
            return whole ? step : NULL;
        }
    }
    return NULL;
}

rml_status rml_plan_list_sums(rml_plan *plan, const rml_tensor *sums, size_t count, rml_error *err)
{
    plan->late = RML_NEW_ARRAY(&plan->arena, rml_late_sum, count + 1);
    if (plan->late == NULL) {
        return rml_fail_memory(err, count * sizeof *plan->late);
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        rml_step *step = maker_of(plan, sums, count, i);
        if (step != NULL) {
            step->sum_at = at;
        } else {
            plan->late[plan->late_count++] = (rml_late_sum){sums[i], at};
        }
        at += rml_plan_elements(plan, sums[i]);
    }
    return RML_OK;
}

// Numbers `from`, `count` of them, that stand at `at` in the sums.
static void take(const rml_plan *plan, size_t at, size_t count, const float *from, size_t worker)
{
    const rml_sums *s = plan->sums;
    if (s->joins == 0) {
        plan->memory->copy(s->stack[s->height] + at, from, count * sizeof *from);
    }
    for (size_t i = 1; i <= s->joins; i++) {
        float *to = s->stack[s->height - i] + at;
        plan->variant->add(count, to, from, to);
        from = to;
    }
    if (s->taken != NULL) {
        s->taken(s->context, at, count, worker);
    }
}

size_t rml_plan_sum_tiles(const rml_plan *plan, const rml_step *step)
{
    bool wanted = plan->sums != NULL && step->sum_at != SIZE_MAX;
    return wanted ? rml_ceil(rml_shape_count(&step->call.shape), RML_CHUNK) : 0;
}

void rml_plan_sum_tile(const rml_plan *plan, const rml_step *step, size_t tile, size_t worker)
{
    size_t from = tile * RML_CHUNK, left = rml_shape_count(&step->call.shape) - from;
    size_t count = left < RML_CHUNK ? left : RML_CHUNK;
    take(plan, step->sum_at + from, count, (const float *)step->call.out + from, worker);
}

void rml_plan_run_leaf(rml_plan *plan, rml_pool *pool, const rml_sums *sums)
{
    plan->sums = sums;
    rml_plan_run(plan, pool);
    for (size_t i = 0; i < plan->late_count; i++) {
        rml_tensor output = plan->late[i].output;
        take(plan, plan->late[i].at, rml_plan_elements(plan, output), plan->data[output], 0);
    }
    plan->sums = NULL;
}
