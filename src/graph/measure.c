// What each op of a plan costs: by its arithmetic and bytes, by the clock, and beside what the
// processor can do at most. Source of the roofline: Williams et al., CACM 52(4), 2009.
#include <string.h>

#include "plan.h"

enum { PROBES = 5, PROBE_ROUNDS = 20000, COPY_BYTES = 16 << 10, COPIES = 1000 };

// Of the phase with more of them; nothing is packed before a product that is frozen or packs
// itself.
static size_t tiles_of(const rml_step *step)
{
    size_t packing = step->first_phase == 0 ? step->tiles[0] : 0;
    return packing > step->tiles[1] ? packing : step->tiles[1];
}

size_t rml_plan_rows(const rml_plan *plan, rml_plan_row *rows)
{
    for (size_t i = 0; rows != NULL && i < plan->step_count; i++) {
        const rml_step *step = &plan->steps[i];
        rows[i] = (rml_plan_row){.op = step->name,
                                 .shape = step->call.shape,
                                 .tiles = tiles_of(step),
                                 .flop = step->call.op->flop(&step->call),
                                 .bytes = rml_shape_count(&step->call.shape) * plan->item};
        for (size_t k = 0; k < step->node->input_count; k++) {
            rml_tensor t = step->node->inputs[k]; // negative: left out
            rows[i].bytes += t >= 0 ? rml_plan_bytes_of(plan, t) : 0;
        }
        rows[i].bytes += step->plus >= 0 ? rml_plan_bytes_of(plan, step->plus) : 0;
        rows[i].bytes += step->slope_of >= 0 ? rml_plan_bytes_of(plan, step->slope_of) : 0;
    }
    return plan->step_count;
}

static double seconds_since(int64_t start_ns)
{
    return (double)(rml_clock_monotonic_ns() - start_ns) / 1e9;
}

static void fill_inputs(rml_plan *plan)
{
    float ones[RML_CHUNK];
    for (size_t i = 0; i < RML_CHUNK; i++) {
        ones[i] = 1;
    }
    for (size_t t = 0; t < plan->tensor_count; t++) {
        const rml_tensor_data *tensor = rml_graph_tensor(plan->graph, (rml_tensor)t);
        size_t count = tensor->role == RML_ROLE_INPUT ? rml_shape_count(&tensor->shape) : 0;
        for (size_t from = 0; from < count; from += RML_CHUNK) {
            size_t left = count - from, size = left < RML_CHUNK ? left : RML_CHUNK;
            plan->memory->put((float *)plan->data[t] + from, ones, size * sizeof *ones);
        }
    }
}

void rml_plan_measure(rml_plan *plan, rml_pool *pool, size_t runs, rml_plan_row *rows)
{
    fill_inputs(plan);
    for (size_t run = 0; run < runs; run++) {
        for (size_t i = 0; i < plan->step_count; i++) {
            int64_t start_ns = rml_clock_monotonic_ns();
            rml_plan_run_step(plan, i, pool);
            double seconds = seconds_since(start_ns);
            if (run == 0 || seconds < rows[i].seconds) {
                rows[i].seconds = seconds;
            }
        }
    }
}

rml_roofline rml_plan_roofline(const rml_plan *plan)
{
    rml_roofline out = {.kernels = plan->variant->name};
    uint8_t from[COPY_BYTES / 2] = {1}, to[COPY_BYTES / 2];
    volatile uint8_t sink = 0;
    for (int i = 0; i < PROBES; i++) {
        int64_t start_ns = rml_clock_monotonic_ns();
        size_t flop = plan->variant->probe(PROBE_ROUNDS, &(float){1.0f});
        double rate = (double)flop / seconds_since(start_ns);
        out.flop_per_s = rate > out.flop_per_s ? rate : out.flop_per_s;
        start_ns = rml_clock_monotonic_ns();
        for (size_t k = 0; k < COPIES; k++) {
            memcpy(to, from, sizeof to);
            from[k % sizeof from] = sink; // so that each copy is made
            sink = to[(k * 64) % sizeof to];
        }
        rate = (double)COPY_BYTES * COPIES / seconds_since(start_ns);
        out.bytes_per_s = rate > out.bytes_per_s ? rate : out.bytes_per_s;
    }
    return out;
}
