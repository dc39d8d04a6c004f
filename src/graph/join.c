// The sums of groups of leaves into one, in the binary tree: each rank joins what lies whole within
// its range, then gets of the others what it needs to join its share. What is whole leaves for the
// other ranks while backward still makes the rest.
#include "leaves.h"

size_t rml_leaves_group(const rml_leaves *l, size_t rank, size_t ranks)
{
    return l->groups * rank / ranks;
}

// ---- Within a rank -----------------------------------------------------------------------------

// Groups join by pairs of neighbours, level by level: group i takes i + apart. Whether a rank has
// both subtrees whole: then it joins them, else it gives the right one away.
static bool joins_within(const rml_leaves *l, size_t rank, size_t left, size_t apart)
{
    size_t ranks = l->shares.rank_count, end = left + 2 * apart;
    end = end < l->groups ? end : l->groups;
    return left >= rml_leaves_group(l, rank, ranks) && end <= rml_leaves_group(l, rank + 1, ranks);
}

static size_t rank_of_group(const rml_leaves *l, size_t group)
{
    size_t rank = 0;
    while (rml_leaves_group(l, rank + 1, l->shares.rank_count) <= group) {
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
            l->plan->memory->copy((float *)l->plan->data[l->sums[i]] + first,
                                  l->group_sums + at + first, (last - first) * sizeof(float));
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
    return group >= rml_leaves_group(l, rank, ranks) &&
           group < rml_leaves_group(l, rank + 1, ranks) &&
           (group == 0 || !joins_within(l, rank, group - apart, apart));
}

// ---- Between ranks -----------------------------------------------------------------------------

static size_t piece_start(const rml_leaves *l, size_t piece)
{
    size_t from = rml_ceil(l->size, RML_PIECES) * piece;
    return from < l->size ? from : l->size;
}

// Of a rank's roots what lies in a peer's share and [from, end), one way or the other.
static void add_roots(rml_leaves *l, size_t owner, size_t peer, size_t from, size_t end)
{
    bool receive = owner != l->shares.rank;
    size_t share = receive ? l->shares.rank : peer;
    size_t first = rml_shares_offset(&l->shares, rml_shares_first(&l->shares, share));
    size_t last = rml_shares_offset(&l->shares, rml_shares_first(&l->shares, share + 1));
    first = first > from ? first : from;
    last = last < end ? last : end;
    for (size_t group = 0; first < last && group < l->groups; group++) {
        if (is_root(l, owner, group)) {
            rml_shares_add(&l->shares,
                           (rml_ranks_move){peer, l->group_sums + group * l->size + first,
                                            (last - first) * sizeof(float), receive});
        }
    }
}

// The next piece, joined within this rank: its moves are added.
static void add_piece(rml_leaves *l, rml_pool *pool)
{
    rml_shares *s = &l->shares;
    size_t piece = --l->join.next, from = piece_start(l, piece), end = piece_start(l, piece + 1);
    join((joining){l, true, false, from, end}, pool);
    for (size_t peer = 0; peer < s->rank_count; peer++) {
        if (peer != s->rank) {
            add_roots(l, s->rank, peer, from, end);
            add_roots(l, peer, peer, from, end);
        }
    }
}

void rml_join_begin(rml_leaves *l)
{
    size_t groups = l->end_group - l->first_group;
    l->join.next = RML_PIECES;
    l->join.status = RML_OK;
    for (size_t piece = 0; piece < RML_PIECES; piece++) {
        size_t size = piece_start(l, piece + 1) - piece_start(l, piece);
        atomic_store_explicit(&l->join.missing[piece], groups * size, memory_order_relaxed);
    }
}

void rml_join_count(rml_leaves *l, size_t at, size_t count)
{
    for (size_t piece = 0; piece < RML_PIECES; piece++) {
        size_t from = piece_start(l, piece), end = piece_start(l, piece + 1);
        from = from > at ? from : at;
        end = end < at + count ? end : at + count;
        if (from < end) {
            atomic_fetch_sub_explicit(&l->join.missing[piece], end - from, memory_order_release);
        }
    }
}

enum { TURNS = 16 }; // calls between two looks at what is under way

void rml_join_go_on(rml_leaves *l)
{
    rml_join *j = &l->join;
    bool goes = j->next < RML_PIECES && ++j->turns % TURNS == 0;
    while (j->next > 1 && j->status == RML_OK && // the last one is waited for, with all others
           atomic_load_explicit(&j->missing[j->next - 1], memory_order_acquire) == 0) {
        add_piece(l, NULL);
        j->status = rml_shares_send(&l->shares, &j->err);
        goes = false;
    }
    if (goes && j->status == RML_OK) {
        j->status = rml_ranks_go_on(l->shares.ranks, &j->err);
    }
}

rml_status rml_join_finish(rml_leaves *l, rml_pool *pool, rml_error *err)
{
    rml_shares *s = &l->shares;
    if (s->ranks == NULL) {
        join((joining){l, true, true, 0, l->size}, pool);
        return RML_OK;
    }
    if (l->join.status != RML_OK) {
        *err = l->join.err;
        return l->join.status;
    }
    while (l->join.next > 1) {
        add_piece(l, pool);
        RML_TRY(rml_shares_send(s, err));
    }
    add_piece(l, pool);
    RML_TRY(rml_shares_exchange(s, err));
    size_t from = rml_shares_offset(s, rml_shares_first(s, s->rank));
    size_t end = rml_shares_offset(s, rml_shares_first(s, s->rank + 1));
    join((joining){l, false, true, from, end}, pool);
    return rml_shares_spread(s, l->sums, l->sum_count - l->whole, l->sum_count, l->plan->data,
                             sizeof(float), false, err);
}
