// A step leaf by leaf: the plan of one leaf runs for all of them, side by side, and the outputs are
// summed in the binary tree over leaves. So a worker's values stay in its caches, no op waits for
// another worker, and memory does not grow with the batch.
//
// Leaves are cut into groups of 2^k neighbours, whole subtrees: a worker takes a group and sums it
// as it goes; the sums of groups join at the end.
#include <string.h>

#include "plan.h"
#include "roadmill/os.h"

enum { GROUPS_MOST = 16, LEVELS_MOST = 32 };

// What a worker has for itself. In sums all outputs stand one behind the other.
typedef struct leaf_worker {
    rml_plan *plan; // the first worker's is the caller's
    float *sums;    // [levels][size]
} leaf_worker;

struct rml_leaves {
    rml_plan *plan, *rest;
    rml_tensor *sums, *rest_sums;
    size_t sum_count, samples, leaves, leaves_in_group, groups, levels;
    size_t size; // floats of all outputs
    leaf_worker *workers;
    size_t worker_count;
    float *group_sums; // [groups][size]
};

typedef struct leaf_run {
    rml_leaves *l;
    void (*fill)(void *context, rml_plan *plan, size_t first, size_t count);
    void *context;
    rml_pool *pool; // of one leaf; NULL when leaves run side by side
} leaf_run;

// ---- Making ------------------------------------------------------------------------------------

static size_t output_size(const rml_plan *plan, rml_tensor t)
{
    return rml_shape_count(&rml_graph_tensor(plan->graph, t)->shape);
}

static rml_status take_floats(float **out, size_t count, rml_error *err)
{
    uint8_t *memory;
    RML_TRY(rml_plan_take(&memory, count * sizeof(float), err));
    *out = (float *)(void *)memory;
    return RML_OK;
}

// Plans beside the caller's share its parameters and what is packed of them.
static rml_status make_workers(rml_leaves *l, size_t threads, rml_error *err)
{
    size_t most = threads < l->groups ? threads : l->groups;
    most = most > 0 ? most : 1;
    l->workers = rml_heap_make(most * sizeof *l->workers);
    if (l->workers == NULL) {
        return rml_fail_memory(err, most * sizeof *l->workers);
    }
    rml_plan_options options = {.parameters_of = l->plan};
    for (; l->worker_count < most; l->worker_count++) {
        leaf_worker *w = &l->workers[l->worker_count];
        w->plan = l->plan;
        if (l->worker_count > 0) {
            RML_TRY(rml_plan_make(l->plan->graph, l->plan->outputs, l->plan->output_count, 0,
                                  &options, &w->plan, err));
            w->plan->variant = l->plan->variant;
        }
        if (l->leaves > 1) {
            rml_status st = take_floats(&w->sums, l->levels * l->size, err);
            if (st != RML_OK) {
                l->worker_count++;
                return st;
            }
        }
    }
    return RML_OK;
}

rml_status rml_leaves_make(rml_plan *plan, rml_plan *rest, const rml_tensor *sums,
                           const rml_tensor *rest_sums, size_t sum_count, size_t samples,
                           size_t threads, rml_leaves **out, rml_error *err)
{
    *out = NULL;
    rml_leaves *l = rml_heap_make(sizeof *l);
    if (l == NULL) {
        return rml_fail_memory(err, sizeof *l);
    }
    *l = (rml_leaves){.plan = plan, .rest = rest, .sum_count = sum_count, .samples = samples};
    l->leaves = rml_ceil(samples, RML_LEAF);
    for (l->leaves_in_group = 1; rml_ceil(l->leaves, l->leaves_in_group) > GROUPS_MOST;) {
        l->leaves_in_group *= 2;
    }
    l->groups = rml_ceil(l->leaves, l->leaves_in_group);
    l->levels = rml_tree_levels(l->leaves_in_group);
    l->sums = rml_heap_make(2 * sum_count * sizeof *sums);
    rml_status st = l->sums == NULL ? rml_fail_memory(err, 2 * sum_count * sizeof *sums) : RML_OK;
    l->rest_sums = l->sums + sum_count;
    for (size_t i = 0; st == RML_OK && i < sum_count; i++) {
        l->sums[i] = sums[i];
        l->rest_sums[i] = rest != NULL ? rest_sums[i] : -1;
        l->size += output_size(plan, sums[i]);
    }
    st = st ? st : make_workers(l, threads, err);
    if (st == RML_OK && l->leaves > 1) {
        st = take_floats(&l->group_sums, l->groups * l->size, err);
    }
    if (st != RML_OK) {
        rml_leaves_free(l);
        return st;
    }
    *out = l;
    return RML_OK;
}

void rml_leaves_free(rml_leaves *l)
{
    if (l == NULL) {
        return;
    }
    for (size_t i = 0; i < l->worker_count; i++) {
        rml_heap_aligned_free(l->workers[i].sums);
        if (i > 0) {
            rml_plan_free(l->workers[i].plan);
        }
    }
    rml_heap_free(l->workers);
    rml_heap_aligned_free(l->group_sums);
    rml_heap_free(l->sums);
    rml_heap_free(l);
}

// ---- Running -----------------------------------------------------------------------------------

static void run_leaf(const leaf_run *run, size_t leaf, rml_plan *own, float *out)
{
    const rml_leaves *l = run->l;
    size_t first = leaf * RML_LEAF, left = l->samples - first;
    size_t count = left < RML_LEAF ? left : RML_LEAF;
    bool is_rest = count < RML_LEAF && l->rest != NULL;
    rml_plan *plan = is_rest ? l->rest : own;
    const rml_tensor *sums = is_rest ? l->rest_sums : l->sums;
    run->fill(run->context, plan, first, count);
    rml_plan_run(plan, run->pool);
    for (size_t i = 0; i < l->sum_count; i++) {
        size_t size = output_size(plan, sums[i]);
        memcpy(out, plan->data[sums[i]], size * sizeof *out);
        out += size;
    }
}

// A group's leaves in order; equal subtrees join as soon as both are there.
static void run_group(void *context, size_t group, size_t worker)
{
    const leaf_run *run = context;
    const rml_leaves *l = run->l;
    const leaf_worker *w = &l->workers[worker];
    size_t first = group * l->leaves_in_group, end = first + l->leaves_in_group;
    end = end < l->leaves ? end : l->leaves;
    if (end == first + 1) {
        run_leaf(run, first, w->plan, l->group_sums + group * l->size);
        return;
    }
    uint32_t level[LEVELS_MOST + 2];
    size_t count = 0;
    for (size_t leaf = first; leaf < end; leaf++) {
        run_leaf(run, leaf, w->plan, w->sums + count * l->size);
        level[count++] = 0;
        bool last = leaf + 1 == end;
        while (count >= 2 && (last || level[count - 1] == level[count - 2])) {
            count--;
            float *a = w->sums + (count - 1) * l->size;
            l->plan->variant->add(l->size, a, a + l->size, a);
            level[count - 1]++;
        }
    }
    memcpy(l->group_sums + group * l->size, w->sums, l->size * sizeof *w->sums);
}

// A chunk of the sums of all groups, by pairs of neighbours, level by level.
static void join_tile(void *context, size_t tile, size_t worker)
{
    (void)worker;
    const rml_leaves *l = context;
    size_t from = tile * RML_CHUNK, left = l->size - from;
    size_t count = left < RML_CHUNK ? left : RML_CHUNK;
    for (size_t apart = 1; apart < l->groups; apart *= 2) {
        for (size_t i = 0; i + apart < l->groups; i += 2 * apart) {
            float *a = l->group_sums + i * l->size + from;
            l->plan->variant->add(count, a, a + apart * l->size, a);
        }
    }
}

rml_status rml_leaves_run(rml_leaves *l, rml_pool *pool,
                          void (*fill)(void *context, rml_plan *plan, size_t first, size_t count),
                          void *context, rml_error *err)
{
    RML_TRY(rml_plan_freeze(l->plan, pool, err));
    for (size_t i = 1; i < l->worker_count; i++) {
        rml_plan_adopt(l->workers[i].plan, l->plan);
    }
    leaf_run run = {l, fill, context, pool};
    if (l->leaves <= 1) {
        fill(context, l->plan, 0, l->samples);
        rml_plan_run(l->plan, pool);
        return RML_OK;
    }
    size_t threads = rml_pool_threads(pool);
    if (threads <= l->worker_count) {
        run.pool = NULL;
        rml_pool_run(pool, l->groups, run_group, &run);
    } else {
        for (size_t group = 0; group < l->groups; group++) {
            run_group(&run, group, 0);
        }
    }
    rml_pool_run(pool, rml_ceil(l->size, RML_CHUNK), join_tile, l);
    const float *sums = l->group_sums;
    for (size_t i = 0; i < l->sum_count; i++) {
        size_t size = output_size(l->plan, l->sums[i]);
        memcpy(l->plan->data[l->sums[i]], sums, size * sizeof *sums);
        sums += size;
    }
    return RML_OK;
}
