// Which steps wait for which, and workers that take tiles of any step that is ready.
#include "flow.h"

#include <stdatomic.h>
#include <string.h>

#include "plan.h"
#include "roadmill/os.h"

// How many steps a worker looks past the first that is not all taken: enough to find the gradients
// of weights beside the way back, few enough that values are read while they are near.
enum { AHEAD = 16, LINE = 64 };

struct rml_flow_step {
    _Alignas(64) atomic_size_t taken; // tiles, phase after phase
    atomic_size_t done;
    size_t end[3];         // tiles up to the end of each phase, the last takes sums; in this run
    const uint32_t *after; // steps
    size_t after_count;
};

// ---- What waits for what -----------------------------------------------------------------------

typedef struct range {
    const uint8_t *from, *end;
} range;

// What a step reads and writes of the plan's values.
typedef struct touch {
    range *reads, writes[3];
    size_t read_count, write_count;
} touch;

static void add(range *list, size_t *count, const void *from, size_t size)
{
    if (from != NULL && size > 0) {
        list[(*count)++] = (range){from, (const uint8_t *)from + size};
    }
}

static void add_read(const rml_plan *plan, touch *t, rml_tensor input)
{
    if (input >= 0 && rml_graph_tensor(plan->graph, plan->roots[input])->role == RML_ROLE_VALUE) {
        add(t->reads, &t->read_count, plan->data[input], rml_plan_bytes_of(plan, input));
    }
}

static rml_status list_touched(rml_plan *plan, const rml_step *step, touch *t, rml_error *err)
{
    const rml_node_data *n = step->node;
    t->reads = RML_NEW_ARRAY(&plan->arena, range, n->input_count + 2);
    if (t->reads == NULL) {
        return rml_fail_memory(err, n->input_count * sizeof *t->reads);
    }
    for (size_t k = rml_step_first_input(step); k < n->input_count; k++) {
        add_read(plan, t, n->inputs[k]);
    }
    add_read(plan, t, step->plus);
    if (step->side_from > 0) {
        const rml_step *from = &plan->steps[step->side_from - 1];
        add(t->reads, &t->read_count, from->call.side, rml_plan_bytes_of(plan, from->output));
    }
    size_t output = rml_plan_bytes_of(plan, step->output),
           work = n->op->work ? n->op->work(&step->call) : 0;
    add(t->writes, &t->write_count, step->call.out, output);
    add(t->writes, &t->write_count, step->call.side, output);
    add(t->writes, &t->write_count, step->call.work, work);
    return RML_OK;
}

static bool meet(const range *a, size_t a_count, const range *b, size_t b_count)
{
    for (size_t i = 0; i < a_count; i++) {
        for (size_t k = 0; k < b_count; k++) {
            if (a[i].from < b[k].end && b[k].from < a[i].end) {
                return true;
            }
        }
    }
    return false;
}

// Whether the later step may not begin before the earlier one has ended.
static bool must_wait(const touch *later, const touch *earlier)
{
    return meet(earlier->writes, earlier->write_count, later->reads, later->read_count) ||
           meet(earlier->writes, earlier->write_count, later->writes, later->write_count) ||
           meet(earlier->reads, earlier->read_count, later->writes, later->write_count);
}

// The nearest steps to wait for: what they wait for themselves is not listed again. before: a row
// of bits for each step, of all that come before it on any way.
static size_t list_after(const touch *touches, size_t step, uint64_t *before, size_t words,
                         uint32_t *after)
{
    uint64_t *own = before + step * words;
    size_t count = 0;
    for (size_t i = step; i-- > 0;) {
        bool known = (own[i / 64] >> i % 64) & 1;
        if (known || !must_wait(&touches[step], &touches[i])) {
            continue;
        }
        after[count++] = (uint32_t)i;
        own[i / 64] |= (uint64_t)1 << i % 64;
        for (size_t w = 0; w < words; w++) {
            own[w] |= before[i * words + w];
        }
    }
    return count;
}

static rml_status link_steps(rml_plan *plan, rml_arena *scratch, rml_error *err)
{
    size_t count = plan->step_count, words = rml_ceil(count, 64);
    touch *touches = RML_NEW_ARRAY(scratch, touch, count + 1);
    uint64_t *before = RML_NEW_ARRAY(scratch, uint64_t, count * words + 1);
    uint32_t *after = RML_NEW_ARRAY(scratch, uint32_t, count + 1);
    if (touches == NULL || before == NULL || after == NULL) {
        return rml_fail_memory(err, count * words * sizeof *before);
    }
    for (size_t i = 0; i < count; i++) {
        rml_flow_step *step = &plan->flow[i];
        RML_TRY(list_touched(plan, &plan->steps[i], &touches[i], err));
        step->after_count = list_after(touches, i, before, words, after);
        uint32_t *own = RML_NEW_ARRAY(&plan->arena, uint32_t, step->after_count + 1);
        if (own == NULL) {
            return rml_fail_memory(err, step->after_count * sizeof *own);
        }
        memcpy(own, after, step->after_count * sizeof *own);
        step->after = own;
    }
    return RML_OK;
}

rml_status rml_flow_make(rml_plan *plan, rml_error *err)
{
    size_t size = plan->step_count * sizeof *plan->flow;
    plan->flow = rml_heap_aligned_make(LINE, size > 0 ? size : LINE);
    if (plan->flow == NULL) {
        return rml_fail_memory(err, size);
    }
    rml_arena scratch = {0};
    rml_status st = link_steps(plan, &scratch, err);
    rml_arena_reset(&scratch);
    return st;
}

void rml_flow_free(rml_flow_step *flow)
{
    rml_heap_aligned_free(flow);
}

// ---- Running -----------------------------------------------------------------------------------

static bool is_done(rml_flow_step *step)
{
    return atomic_load_explicit(&step->done, memory_order_acquire) >= step->end[2];
}

// Tiles that may be taken now: those up to the end of the phase that goes on.
static size_t tiles_ready(rml_flow_step *flow, size_t index)
{
    rml_flow_step *step = &flow[index];
    for (size_t i = 0; i < step->after_count; i++) {
        if (!is_done(&flow[step->after[i]])) {
            return 0;
        }
    }
    size_t done = atomic_load_explicit(&step->done, memory_order_acquire), phase = 0;
    while (phase < 2 && done >= step->end[phase]) {
        phase++;
    }
    return step->end[phase];
}

static bool all_taken(rml_flow_step *step)
{
    return atomic_load_explicit(&step->taken, memory_order_relaxed) >= step->end[2];
}

static void run_tile(rml_plan *plan, size_t index, size_t tile, size_t worker)
{
    const rml_step *step = &plan->steps[index];
    rml_flow_step *flow = &plan->flow[index];
    size_t phase = 0;
    while (tile >= flow->end[phase]) {
        phase++;
    }
    size_t first = phase > 0 ? flow->end[phase - 1] : 0;
    // Two workers may take at once what was one tile of the phase before.
    for (size_t turn = 0; atomic_load_explicit(&flow->done, memory_order_acquire) < first;) {
        rml_relax(turn++);
    }
    if (phase < 2) {
        step->kernel[phase](&step->call, tile - first, worker);
    } else {
        rml_plan_sum_tile(plan, step, tile - first, worker);
    }
    atomic_fetch_add_explicit(&flow->done, 1, memory_order_release);
}

// Whether a tile of this step could be run.
static bool take_tiles(rml_plan *plan, size_t index, size_t worker)
{
    rml_flow_step *flow = &plan->flow[index];
    bool found = false;
    for (;;) {
        size_t ready = tiles_ready(plan->flow, index);
        if (atomic_load_explicit(&flow->taken, memory_order_relaxed) >= ready) {
            return found;
        }
        size_t tile = atomic_fetch_add_explicit(&flow->taken, 1, memory_order_relaxed);
        if (tile >= flow->end[2]) {
            return found;
        }
        run_tile(plan, index, tile, worker);
        found = true;
    }
}

static void run_worker(void *context, size_t tile, size_t worker)
{
    (void)tile;
    rml_plan *plan = context;
    size_t first = 0, turn = 0;
    while (first < plan->step_count) {
        if (all_taken(&plan->flow[first])) {
            first++;
            continue;
        }
        size_t end = first + AHEAD < plan->step_count ? first + AHEAD : plan->step_count;
        bool found = false;
        for (size_t i = first; i < end && !found; i++) {
            found = !all_taken(&plan->flow[i]) && take_tiles(plan, i, worker);
        }
        turn = found ? 0 : turn + 1;
        if (!found) {
            rml_relax(turn);
        }
    }
}

void rml_flow_run(rml_plan *plan, rml_pool *pool)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        const rml_step *step = &plan->steps[i];
        rml_flow_step *flow = &plan->flow[i];
        size_t end = 0;
        bool ends = false; // a step without a first tile has none
        for (int phase = 0; phase < 2; phase++) {
            bool runs = phase >= step->first_phase;
            ends = ends || (runs && step->tiles[phase] == 0);
            end += runs && !ends ? step->tiles[phase] : 0;
            flow->end[phase] = end;
        }
        flow->end[2] = end + rml_plan_sum_tiles(plan, step);
        atomic_store_explicit(&flow->taken, 0, memory_order_relaxed);
        atomic_store_explicit(&flow->done, 0, memory_order_relaxed);
    }
    rml_pool_run(pool, rml_pool_threads(pool), run_worker, plan);
}
