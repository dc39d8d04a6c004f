// A step leaf by leaf: the plan of one leaf runs for all of them, side by side, and the outputs are
// summed in the binary tree over leaves. So a worker's values stay in its caches, no op waits for
// another worker, and memory does not grow with the batch.
//
// Leaves are cut into groups of 2^k neighbours, whole subtrees: a worker takes a group and sums it
// as it goes, each output as soon as it is made (sums.c); the sums of groups join at the end. Ranks
// run contiguous ranges of the groups and join what lies within their own; each then gets of the
// others what it needs to join its share.
#include "leaves.h"

#include <math.h>

enum { GROUPS_MOST = 16 };

typedef struct leaf_run {
    rml_leaves *l;
    rml_leaves_fill *fill;
    void *context;
    rml_pool *pool; // of one leaf; NULL when leaves run side by side
} leaf_run;

// ---- Making ------------------------------------------------------------------------------------

static rml_status take_floats(const rml_leaves *l, float **out, size_t count, rml_error *err)
{
    uint8_t *memory;
    RML_TRY(rml_plan_take(l->plan, &memory, count * sizeof(float), err));
    *out = (float *)(void *)memory;
    return RML_OK;
}

// Plans beside the caller's share its parameters and what is packed of them.
static rml_status make_workers(rml_leaves *l, size_t threads, rml_error *err)
{
    size_t own = l->end_group - l->first_group, most = threads < own ? threads : own;
    most = most > 0 ? most : 1;
    l->workers = rml_heap_make(most * sizeof *l->workers);
    if (l->workers == NULL) {
        return rml_fail_memory(err, most * sizeof *l->workers);
    }
    for (; l->worker_count < most; l->worker_count++) {
        leaf_worker *w = &l->workers[l->worker_count];
        RML_TRY(rml_plan_make_leaf(l->plan, l->sums, l->sum_count, &w->plan, err));
        rml_status st = take_floats(l, &w->sums, (l->levels - 1) * l->size, err);
        if (st != RML_OK) {
            rml_plan_free(w->plan);
            return st;
        }
    }
    return RML_OK;
}

// Leaves of the worker that has most of them, on the rank that has most groups.
static size_t leaves_of_busiest(const rml_leaves *l, size_t leaves_in_group, size_t ranks,
                                size_t threads)
{
    size_t groups = rml_ceil(rml_ceil(l->leaves, leaves_in_group), ranks);
    return rml_ceil(groups, threads) * leaves_in_group;
}

// Groups of leaves, at least one for each rank, as large as they may be without more leaves for the
// busiest worker: what joins within a group is still near. All ranks cut for the threads of the
// first, for they have to know each other's groups.
static rml_status cut_groups(rml_leaves *l, rml_ranks *ranks, size_t threads, rml_error *err)
{
    size_t count = rml_ranks_count(ranks), index = rml_ranks_index(ranks);
    if (count > 1 && l->plan->memory != &rml_memory_host) { // ranks hand each other host memory
        return rml_fail(err, RML_ERR_UNSUPPORTED, (rml_place){0}, "train in one process",
                        "expected one process for the memory of backend \"%s\", found %zu",
                        l->plan->variant->name, count);
    }
    size_t most = 2 * count > GROUPS_MOST ? 2 * count - 1 : GROUPS_MOST;
    l->leaves = rml_ceil(l->samples, RML_LEAF);
    if (l->leaves < count) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, "start fewer processes",
                        "expected a batch of at least %zu samples for %zu processes, found %zu",
                        (count - 1) * RML_LEAF + 1, count, l->samples);
    }
    uint64_t first = threads;
    RML_TRY(rml_ranks_share(ranks, &first, sizeof first, err));
    size_t least = leaves_of_busiest(l, 1, count, (size_t)first);
    l->leaves_in_group = 1;
    while (rml_ceil(l->leaves, l->leaves_in_group) > most ||
           (rml_ceil(l->leaves, 2 * l->leaves_in_group) >= count &&
            l->leaves_in_group < l->leaves &&
            leaves_of_busiest(l, 2 * l->leaves_in_group, count, (size_t)first) <= least)) {
        l->leaves_in_group *= 2;
    }
    l->groups = rml_ceil(l->leaves, l->leaves_in_group);
    l->levels = rml_tree_levels(l->leaves_in_group);
    l->first_group = rml_leaves_group(l, index, count);
    l->end_group = rml_leaves_group(l, index + 1, count);
    return RML_OK;
}

rml_status rml_leaves_make(const rml_leaves_setup *setup, rml_leaves **out, rml_error *err)
{
    *out = NULL;
    rml_leaves *l = rml_heap_make(sizeof *l);
    if (l == NULL) {
        return rml_fail_memory(err, sizeof *l);
    }
    size_t count = setup->sum_count;
    *l = (rml_leaves){.plan = setup->plan,
                      .rest = setup->rest,
                      .sum_count = count,
                      .whole = setup->whole,
                      .muon = setup->muon,
                      .samples = setup->samples};
    rml_status st = cut_groups(l, setup->ranks, setup->threads, err);
    l->sums = rml_heap_make(2 * count * sizeof *l->sums);
    if (st == RML_OK && l->sums == NULL) {
        st = rml_fail_memory(err, 2 * count * sizeof *l->sums);
    }
    for (size_t i = 0; st == RML_OK && i < count; i++) {
        l->rest_sums = l->sums + count;
        l->sums[i] = setup->sums[i];
        l->rest_sums[i] = setup->rest != NULL ? setup->rest_sums[i] : -1;
        l->size += rml_plan_elements(setup->plan, l->sums[i]);
    }
    if (st == RML_OK) {
        st = rml_shares_make(&l->shares, setup->ranks, setup->plan->graph, l->sums, count,
                             l->groups, setup->muon != NULL, err);
    }
    if (st == RML_OK && l->leaves > 1) {
        st = make_workers(l, setup->threads, err);
        st = st ? st : take_floats(l, &l->group_sums, l->groups * l->size, err);
    }
    if (st == RML_OK && l->rest != NULL) {
        st = rml_plan_list_sums(l->rest, l->rest_sums, count, err);
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
        l->plan->memory->give(l->workers[i].sums);
        rml_plan_free(l->workers[i].plan);
    }
    rml_shares_free(&l->shares);
    rml_heap_free(l->workers);
    l->plan->memory->give(l->group_sums);
    rml_heap_free(l->sums);
    rml_heap_free(l);
}

// ---- Running -----------------------------------------------------------------------------------

static rml_status run_leaf(const leaf_run *run, size_t leaf, rml_plan *own, const rml_sums *sums,
                           rml_error *err)
{
    const rml_leaves *l = run->l;
    size_t first = leaf * RML_LEAF, left = l->samples - first;
    size_t count = left < RML_LEAF ? left : RML_LEAF;
    rml_plan *plan = count < RML_LEAF && l->rest != NULL ? l->rest : own;
    RML_TRY(run->fill(run->context, plan, first, count, err));
    rml_plan_run_leaf(plan, run->pool, sums);
    return RML_OK;
}

// How many sums on top of the stack the next one joins: those of subtrees as large as its own, and
// behind the last leaf all of them. level: of the subtrees on the stack.
static size_t joins_of(uint32_t *level, size_t height, bool last)
{
    uint32_t own = 0;
    size_t joins = 0;
    while (joins < height && (last || level[height - joins - 1] == own)) {
        joins++;
        own++;
    }
    level[height - joins] = own;
    return joins;
}

typedef struct group_run {
    rml_leaves *l;
    bool by_caller; // its thread alone may move what is whole
} group_run;

// Of a group's last leaf.
static void count_taken(void *context, size_t at, size_t count, size_t worker)
{
    const group_run *group = context;
    rml_join_count(group->l, at, count);
    if (group->by_caller && worker == 0) {
        rml_join_go_on(group->l);
    }
}

// A group's leaves in order; equal subtrees join as soon as both are there.
static void run_group(void *context, size_t tile, size_t worker)
{
    const leaf_run *run = context;
    rml_leaves *l = run->l;
    size_t group = l->first_group + tile;
    leaf_worker *w = &l->workers[worker];
    size_t first = group * l->leaves_in_group, end = first + l->leaves_in_group;
    end = end < l->leaves ? end : l->leaves;
    group_run counted = {l, worker == 0};
    rml_sums sums = {.stack = {l->group_sums + group * l->size}, .context = &counted};
    for (size_t i = 1; i < l->levels; i++) {
        sums.stack[i] = w->sums + (i - 1) * l->size;
    }
    uint32_t level[RML_SUMS_MOST];
    for (size_t leaf = first; leaf < end && w->status == RML_OK; leaf++) {
        bool last = leaf + 1 == end;
        sums.joins = joins_of(level, sums.height, last);
        sums.taken = last && l->shares.ranks != NULL ? count_taken : NULL;
        w->status = run_leaf(run, leaf, w->plan, &sums, &w->err);
        sums.height += 1 - sums.joins;
    }
}

// ---- A step ------------------------------------------------------------------------------------

// The fault of the first worker that has one.
static rml_status workers_status(const rml_leaves *l, rml_error *err)
{
    for (size_t i = 0; i < l->worker_count; i++) {
        const leaf_worker *w = &l->workers[i];
        if (w->status != RML_OK) {
            if (err != NULL) {
                *err = w->err;
            }
            return w->status;
        }
    }
    return RML_OK;
}

rml_status rml_leaves_run(rml_leaves *l, rml_pool *pool, rml_leaves_fill *fill, void *context,
                          rml_error *err)
{
    leaf_run run = {l, fill, context, pool};
    if (l->leaves <= 1) {
        RML_TRY(fill(context, l->plan, 0, l->samples, err));
        rml_plan_run(l->plan, pool);
        return RML_OK;
    }
    RML_TRY(rml_plan_freeze(l->plan, pool, err));
    for (size_t i = 0; i < l->worker_count; i++) {
        rml_plan_adopt(l->workers[i].plan, l->plan);
        l->workers[i].status = RML_OK;
    }
    rml_join_begin(l);
    size_t groups = l->end_group - l->first_group;
    if (rml_pool_threads(pool) <= l->worker_count) {
        run.pool = NULL;
        rml_pool_run(pool, groups, run_group, &run);
    } else {
        for (size_t group = 0; group < groups; group++) {
            run_group(&run, group, 0);
        }
    }
    RML_TRY(workers_status(l, err));
    return rml_join_finish(l, pool, err);
}

rml_status rml_leaves_adamw(rml_leaves *l, const rml_tensor *parameters, size_t count,
                            const rml_adamw *options, rml_pool *pool, double *norm, rml_error *err)
{
    RML_TRY(rml_plan_adamw_share(l->plan, parameters, l->sums, count, options, l->muon, &l->shares,
                                 pool, norm, err));
    return l->shares.ranks != NULL && isfinite(*norm)
               ? rml_shares_spread(&l->shares, parameters, 0, count, l->plan->data, sizeof(float),
                                   false, err)
               : RML_OK;
}

rml_status rml_leaves_gather(rml_leaves *l, const rml_tensor *parameters, size_t count,
                             rml_error *err)
{
    for (size_t m = 0; m < 2 && l->shares.ranks != NULL; m++) {
        RML_TRY(rml_shares_spread(&l->shares, parameters, 0, count, l->plan->moment[m],
                                  sizeof(float), true, err));
    }
    return RML_OK;
}
