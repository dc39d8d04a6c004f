// A step leaf by leaf: the plan of one leaf runs for all of them, side by side, and the outputs are
// summed in the binary tree over leaves. So a worker's values stay in its caches, no op waits for
// another worker, and memory does not grow with the batch.
//
// Leaves are cut into groups of 2^k neighbours, whole subtrees: a worker takes a group and sums it
// as it goes, each output as soon as it is made (sums.c); the sums of groups join at the end. Ranks
// run contiguous ranges of the groups and join what lies within their own; each then gets of the
// others what it needs to join its share.
#include <math.h>
#include <string.h>

#include "plan.h"
#include "roadmill/os.h"

enum { GROUPS_MOST = 16 };

// What a worker has for itself.
typedef struct leaf_worker {
    rml_plan *plan;
    float *sums; // [levels - 1][size]: the stack on top of the group's own sum
} leaf_worker;

struct rml_leaves {
    rml_plan *plan, *rest;
    rml_tensor *sums, *rest_sums;
    size_t sum_count, samples, leaves, leaves_in_group, groups, levels;
    size_t size; // floats of all outputs
    size_t whole;
    size_t first_group, end_group; // of this rank
    rml_shares shares;
    rml_muon *muon;
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
    size_t own = l->end_group - l->first_group, most = threads < own ? threads : own;
    most = most > 0 ? most : 1;
    l->workers = rml_heap_make(most * sizeof *l->workers);
    if (l->workers == NULL) {
        return rml_fail_memory(err, most * sizeof *l->workers);
    }
    for (; l->worker_count < most; l->worker_count++) {
        leaf_worker *w = &l->workers[l->worker_count];
        RML_TRY(rml_plan_make_leaf(l->plan, l->sums, l->sum_count, &w->plan, err));
        rml_status st = take_floats(&w->sums, (l->levels - 1) * l->size, err);
        if (st != RML_OK) {
            rml_plan_free(w->plan);
            return st;
        }
    }
    return RML_OK;
}

static size_t group_of_rank(const rml_leaves *l, size_t rank, size_t ranks)
{
    return l->groups * rank / ranks;
}

// Leaves of the worker that has most of them, if each takes the same number of groups.
static size_t leaves_of_busiest(const rml_leaves *l, size_t leaves_in_group, size_t workers)
{
    return rml_ceil(rml_ceil(l->leaves, leaves_in_group), workers) * leaves_in_group;
}

// Groups of leaves, at least one for each rank, as large as they may be without more leaves for the
// busiest worker: what joins within a group is still near.
static rml_status cut_groups(rml_leaves *l, const rml_ranks *ranks, size_t threads, rml_error *err)
{
    size_t count = rml_ranks_count(ranks), index = rml_ranks_index(ranks);
    size_t most = 2 * count > GROUPS_MOST ? 2 * count - 1 : GROUPS_MOST;
    l->leaves = rml_ceil(l->samples, RML_LEAF);
    if (l->leaves < count) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, "start fewer processes",
                        "expected a batch of at least %zu samples for %zu processes, found %zu",
                        (count - 1) * RML_LEAF + 1, count, l->samples);
    }
    size_t workers = count * threads, least = leaves_of_busiest(l, 1, workers), twice = 2;
    for (l->leaves_in_group = 1;
         rml_ceil(l->leaves, l->leaves_in_group) > most ||
         (rml_ceil(l->leaves, twice) >= count && l->leaves_in_group < l->leaves &&
          leaves_of_busiest(l, twice, workers) <= least);
         twice *= 2) {
        l->leaves_in_group = twice;
    }
    l->groups = rml_ceil(l->leaves, l->leaves_in_group);
    l->levels = rml_tree_levels(l->leaves_in_group);
    l->first_group = group_of_rank(l, index, count);
    l->end_group = group_of_rank(l, index + 1, count);
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
        st = st ? st : take_floats(&l->group_sums, l->groups * l->size, err);
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
        rml_heap_aligned_free(l->workers[i].sums);
        rml_plan_free(l->workers[i].plan);
    }
    rml_shares_free(&l->shares);
    rml_heap_free(l->workers);
    rml_heap_aligned_free(l->group_sums);
    rml_heap_free(l->sums);
    rml_heap_free(l);
}

// ---- Running -----------------------------------------------------------------------------------

static void run_leaf(const leaf_run *run, size_t leaf, rml_plan *own, const rml_sums *sums)
{
    const rml_leaves *l = run->l;
    size_t first = leaf * RML_LEAF, left = l->samples - first;
    size_t count = left < RML_LEAF ? left : RML_LEAF;
    rml_plan *plan = count < RML_LEAF && l->rest != NULL ? l->rest : own;
    run->fill(run->context, plan, first, count);
    rml_plan_run_leaf(plan, run->pool, sums);
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

// A group's leaves in order; equal subtrees join as soon as both are there.
static void run_group(void *context, size_t tile, size_t worker)
{
    const leaf_run *run = context;
    const rml_leaves *l = run->l;
    size_t group = l->first_group + tile;
    const leaf_worker *w = &l->workers[worker];
    size_t first = group * l->leaves_in_group, end = first + l->leaves_in_group;
    end = end < l->leaves ? end : l->leaves;
    rml_sums sums = {.stack = {l->group_sums + group * l->size}};
    for (size_t i = 1; i < l->levels; i++) {
        sums.stack[i] = w->sums + (i - 1) * l->size;
    }
    uint32_t level[RML_SUMS_MOST];
    for (size_t leaf = first; leaf < end; leaf++) {
        sums.joins = joins_of(level, sums.height, leaf + 1 == end);
        run_leaf(run, leaf, w->plan, &sums);
        sums.height += 1 - sums.joins;
    }
}

// ---- Joining -----------------------------------------------------------------------------------

// Groups join by pairs of neighbours, level by level: group i takes i + apart. Whether a rank has
// both subtrees whole: then it joins them, else it gives the right one away.
static bool joins_within(const rml_leaves *l, size_t rank, size_t left, size_t apart)
{
    size_t ranks = l->shares.rank_count, end = left + 2 * apart;
    end = end < l->groups ? end : l->groups;
    return left >= group_of_rank(l, rank, ranks) && end <= group_of_rank(l, rank + 1, ranks);
}

static size_t rank_of_group(const rml_leaves *l, size_t group)
{
    size_t rank = 0;
    while (group_of_rank(l, rank + 1, l->shares.rank_count) <= group) {
        rank++;
    }
    return rank;
}

// The sums [from, end) into the plan's outputs.
static void take_share(const rml_leaves *l, size_t from, size_t end)
{
    size_t at = 0;
    for (size_t i = 0; i < l->sum_count; i++) {
        size_t size = rml_plan_elements(l->plan, l->sums[i]);
        size_t first = from > at ? from - at : 0, last = end > at ? end - at : 0;
        last = last < size ? last : size;
        if (first < last) {
            memcpy((float *)l->plan->data[l->sums[i]] + first, l->group_sums + at + first,
                   (last - first) * sizeof(float));
        }
        at += size;
    }
}

typedef struct joining {
    const rml_leaves *l;
    bool own;  // what this rank joins by itself, else what is left after that
    bool last; // the sums are whole afterwards
    size_t from, end;
} joining;

static void join_tile(void *context, size_t tile, size_t worker)
{
    (void)worker;
    const joining *j = context;
    const rml_leaves *l = j->l;
    size_t from = j->from + tile * RML_CHUNK, left = j->end - from;
    size_t count = left < RML_CHUNK ? left : RML_CHUNK;
    for (size_t apart = 1; apart < l->groups; apart *= 2) {
        for (size_t i = 0; i + apart < l->groups; i += 2 * apart) {
            size_t rank = j->own ? l->shares.rank : rank_of_group(l, i);
            if (joins_within(l, rank, i, apart) == j->own) {
                float *a = l->group_sums + i * l->size + from;
                l->plan->variant->add(count, a, a + apart * l->size, a);
            }
        }
    }
    if (j->last) { // while they are near
        take_share(l, from, from + count);
    }
}

static void join(joining j, rml_pool *pool)
{
    rml_pool_run(pool, rml_ceil(j.end - j.from, RML_CHUNK), join_tile, &j);
}

// Whether a rank's own joins end with the sum of this group: what it then gives to the others.
static bool is_root(const rml_leaves *l, size_t rank, size_t group)
{
    size_t ranks = l->shares.rank_count, apart = group & (~group + 1);
    return group >= group_of_rank(l, rank, ranks) && group < group_of_rank(l, rank + 1, ranks) &&
           (group == 0 || !joins_within(l, rank, group - apart, apart));
}

// Of a rank's roots a peer's share, one way or the other.
static void add_roots(rml_leaves *l, size_t owner, size_t peer)
{
    bool receive = owner != l->shares.rank;
    size_t share = receive ? l->shares.rank : peer;
    size_t from = rml_shares_offset(&l->shares, rml_shares_first(&l->shares, share));
    size_t end = rml_shares_offset(&l->shares, rml_shares_first(&l->shares, share + 1));
    for (size_t group = 0; group < l->groups; group++) {
        if (is_root(l, owner, group)) {
            rml_shares_add(&l->shares,
                           (rml_ranks_move){peer, l->group_sums + group * l->size + from,
                                            (end - from) * sizeof(float), receive});
        }
    }
}

static rml_status join_groups(rml_leaves *l, rml_pool *pool, rml_error *err)
{
    rml_shares *s = &l->shares;
    join((joining){l, true, s->ranks == NULL, 0, l->size}, pool);
    if (s->ranks == NULL) {
        return RML_OK;
    }
    for (size_t peer = 0; peer < s->rank_count; peer++) {
        if (peer != s->rank) {
            add_roots(l, s->rank, peer);
            add_roots(l, peer, peer);
        }
    }
    RML_TRY(rml_shares_exchange(s, err));
    size_t from = rml_shares_offset(s, rml_shares_first(s, s->rank));
    size_t end = rml_shares_offset(s, rml_shares_first(s, s->rank + 1));
    join((joining){l, false, true, from, end}, pool);
    return rml_shares_spread(s, l->sums, l->sum_count - l->whole, l->sum_count, l->plan->data,
                             sizeof(float), false, err);
}

// ---- A step ------------------------------------------------------------------------------------

rml_status rml_leaves_run(rml_leaves *l, rml_pool *pool,
                          void (*fill)(void *context, rml_plan *plan, size_t first, size_t count),
                          void *context, rml_error *err)
{
    leaf_run run = {l, fill, context, pool};
    if (l->leaves <= 1) {
        fill(context, l->plan, 0, l->samples);
        rml_plan_run(l->plan, pool);
        return RML_OK;
    }
    RML_TRY(rml_plan_freeze(l->plan, pool, err));
    for (size_t i = 0; i < l->worker_count; i++) {
        rml_plan_adopt(l->workers[i].plan, l->plan);
    }
    size_t groups = l->end_group - l->first_group;
    if (rml_pool_threads(pool) <= l->worker_count) {
        run.pool = NULL;
        rml_pool_run(pool, groups, run_group, &run);
    } else {
        for (size_t group = 0; group < groups; group++) {
            run_group(&run, group, 0);
        }
    }
    return join_groups(l, pool, err);
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
