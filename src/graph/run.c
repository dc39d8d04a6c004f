// Running a plan.
#include <math.h>
#include <string.h>

#include "plan.h"

typedef struct phase_run {
    rml_kernel *kernel;
    const rml_call *call;
} phase_run;

static void run_tile(void *context, size_t tile, size_t worker)
{
    const phase_run *run = context;
    run->kernel(run->call, tile, worker);
}

static void run_phase(const rml_step *step, int phase, rml_pool *pool)
{
    phase_run run = {step->kernel[phase], &step->call};
    rml_pool_run(pool, step->tiles[phase], run_tile, &run);
}

typedef struct sum_run {
    const rml_plan *plan;
    const rml_step *step;
} sum_run;

static void sum_tile(void *context, size_t tile, size_t worker)
{
    const sum_run *run = context;
    rml_plan_sum_tile(run->plan, run->step, tile, worker);
}

void rml_plan_run_step(rml_plan *plan, size_t index, rml_pool *pool)
{
    const rml_step *step = &plan->steps[index];
    if (plan->f64) {
        step->call.op->reference(&step->call);
        return;
    }
    for (int phase = step->first_phase; phase < 2 && step->tiles[phase] > 0; phase++) {
        run_phase(step, phase, pool);
    }
    rml_pool_run(pool, rml_plan_sum_tiles(plan, step), sum_tile, &(sum_run){plan, step});
}

void rml_plan_run(rml_plan *plan, rml_pool *pool)
{
    if (rml_pool_threads(pool) > plan->workers) {
        pool = NULL; // scratch is for so many workers
    }
    if (rml_pool_threads(pool) > 1 && !plan->f64) {
        rml_flow_run(plan, pool);
        return;
    }
    for (size_t i = 0; i < plan->step_count; i++) {
        rml_plan_run_step(plan, i, pool);
    }
}

static bool is_finite(const rml_plan *plan, const float *x, size_t count)
{
    float part[RML_CHUNK];
    for (size_t from = 0; from < count; from += RML_CHUNK) {
        size_t left = count - from, size = left < RML_CHUNK ? left : RML_CHUNK;
        plan->memory->get(part, x + from, size * sizeof *part);
        for (size_t i = 0; i < size; i++) {
            if (!isfinite(part[i])) {
                return false;
            }
        }
    }
    return true;
}

const char *rml_plan_first_not_finite(rml_plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        const rml_step *step = &plan->steps[i];
        for (int phase = step->first_phase; phase < 2 && step->tiles[phase] > 0; phase++) {
            run_phase(step, phase, NULL);
        }
        if (!is_finite(plan, step->call.out, rml_shape_count(&step->call.shape))) {
            return step->name;
        }
    }
    return NULL;
}

// The packing of a right side that only its owner writes.
static bool can_freeze(const rml_plan *plan, const rml_step *step)
{
    if (plan->f64 || step->call.op->phases[0].kernel != RML_KERNEL_PACK) {
        return false;
    }
    rml_tensor_role role = rml_graph_tensor(plan->graph, step->node->inputs[1])->role;
    return role == RML_ROLE_PARAMETER || role == RML_ROLE_CONSTANT;
}

rml_status rml_plan_freeze(rml_plan *plan, rml_pool *pool, rml_error *err)
{
    size_t size = 0;
    for (size_t i = 0; i < plan->step_count; i++) {
        const rml_step *step = &plan->steps[i];
        size += can_freeze(plan, step) ? rml_plan_aligned(step->call.op->work(&step->call)) : 0;
    }
    if (plan->frozen == NULL && size > 0) {
        RML_TRY(rml_plan_take(plan, &plan->frozen, size, err));
        plan->frozen_size = size;
    }
    size_t at = 0;
    for (size_t i = 0; i < plan->step_count; i++) {
        rml_step *step = &plan->steps[i];
        if (can_freeze(plan, step)) {
            step->call.work = plan->frozen + at;
            at += rml_plan_aligned(step->call.op->work(&step->call));
            run_phase(step, 0, pool);
            step->first_phase = 1;
        }
    }
    return RML_OK;
}

void rml_plan_adopt(rml_plan *plan, const rml_plan *frozen)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        if (frozen->steps[i].first_phase == 1) {
            plan->steps[i].call.work = frozen->steps[i].call.work;
            plan->steps[i].first_phase = 1;
        }
    }
}
