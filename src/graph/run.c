// Running a plan, and showing it as text.
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

void rml_plan_run(rml_plan *plan, rml_pool *pool)
{
    if (rml_pool_threads(pool) > plan->workers) {
        pool = NULL; // scratch is for so many workers
    }
    for (size_t i = 0; i < plan->step_count; i++) {
        const rml_step *step = &plan->steps[i];
        if (plan->f64) {
            step->call.op->reference(&step->call);
            continue;
        }
        for (int phase = 0; phase < 2 && step->tiles[phase] > 0; phase++) {
            phase_run run = {step->kernel[phase], &step->call};
            rml_pool_run(pool, step->tiles[phase], run_tile, &run);
        }
    }
}

rml_status rml_plan_show(const rml_plan *plan, rml_buffer *out, rml_error *err)
{
    size_t flop = 0;
    RML_TRY(rml_buffer_printf(out, err, "%-22s %-22s %8s %12s\n", "op", "shape", "tiles", "FLOP"));
    for (size_t i = 0; i < plan->step_count; i++) {
        const rml_call *c = &plan->steps[i].call;
        char shape[RML_SHAPE_TEXT];
        rml_shape_text(&c->shape, shape);
        size_t work = c->op->flop(c);
        flop += work;
        RML_TRY(rml_buffer_printf(out, err, "%-22s %-22s %8zu %12zu\n", c->op->name, shape,
                                  plan->steps[i].tiles[0], work));
    }
    return rml_buffer_printf(out, err,
                             "%zu steps, %zu FLOP, kernels %s; bytes: %zu values, %zu leaves, "
                             "%zu moments, %zu scratch for each of %zu workers\n",
                             plan->step_count, flop, plan->f64 ? "float64" : plan->variant->name,
                             plan->values_size, plan->leaves_size, plan->moments_size,
                             plan->scratch_size, plan->workers);
}
