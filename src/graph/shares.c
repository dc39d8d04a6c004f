// Which blocks belong to which rank, and moving them between owners.
#include "shares.h"

#include "plan.h"

static size_t tensor_size(const rml_graph *g, rml_tensor t)
{
    return rml_shape_count(&rml_graph_tensor(g, t)->shape);
}

size_t rml_block_count(const rml_graph *g, const rml_tensor *tensors, size_t count)
{
    size_t blocks = 0;
    for (size_t i = 0; i < count; i++) {
        blocks += rml_ceil(tensor_size(g, tensors[i]), RML_NORM_BLOCK);
    }
    return blocks;
}

rml_block rml_block_at(const rml_graph *g, const rml_tensor *tensors, size_t block)
{
    for (size_t i = 0;; i++) {
        size_t size = tensor_size(g, tensors[i]), blocks = rml_ceil(size, RML_NORM_BLOCK);
        if (block < blocks) {
            size_t from = block * RML_NORM_BLOCK, left = size - from;
            return (rml_block){i, from, left < RML_NORM_BLOCK ? left : RML_NORM_BLOCK};
        }
        block -= blocks;
    }
}

rml_status rml_shares_make(rml_shares *s, rml_ranks *ranks, const rml_graph *g,
                           const rml_tensor *tensors, size_t tensor_count, size_t rows,
                           bool whole_tensors, rml_error *err)
{
    *s = (rml_shares){.ranks = ranks,
                      .rank = rml_ranks_index(ranks),
                      .rank_count = rml_ranks_count(ranks),
                      .graph = g,
                      .tensors = tensors,
                      .tensor_count = tensor_count,
                      .whole_tensors = whole_tensors,
                      .blocks = rml_block_count(g, tensors, tensor_count)};
    if (ranks == NULL) {
        return RML_OK;
    }
    size_t pieces = tensor_count + 1 > rows ? tensor_count + 1 : rows;
    s->move_room = 2 * s->rank_count * pieces;
    s->moves = rml_heap_make(s->move_room * sizeof *s->moves);
    return s->moves != NULL ? RML_OK : rml_fail_memory(err, s->move_room * sizeof *s->moves);
}

void rml_shares_free(rml_shares *s)
{
    rml_heap_free(s->moves);
    *s = (rml_shares){0};
}

size_t rml_shares_first(const rml_shares *s, size_t rank)
{
    size_t block = s->blocks * rank / s->rank_count;
    if (s->whole_tensors && block < s->blocks) {
        block -= rml_block_at(s->graph, s->tensors, block).from / RML_NORM_BLOCK;
    }
    return block;
}

size_t rml_shares_offset(const rml_shares *s, size_t block)
{
    size_t before = 0;
    rml_block b = {s->tensor_count, 0, 0};
    if (block < s->blocks) {
        b = rml_block_at(s->graph, s->tensors, block);
    }
    for (size_t i = 0; i < b.tensor; i++) {
        before += tensor_size(s->graph, s->tensors[i]);
    }
    return before + b.from;
}

void rml_shares_add(rml_shares *s, rml_ranks_move move)
{
    if (move.size > 0 && s->move_count < s->move_room) {
        s->moves[s->move_count++] = move;
    }
}

rml_status rml_shares_send(rml_shares *s, rml_error *err)
{
    size_t count = s->move_count;
    s->move_count = 0;
    return rml_ranks_begin(s->ranks, s->moves, count, err);
}

rml_status rml_shares_exchange(rml_shares *s, rml_error *err)
{
    size_t count = s->move_count;
    s->move_count = 0;
    return s->ranks != NULL ? rml_ranks_exchange(s->ranks, s->moves, count, err) : RML_OK;
}

// An owner's pieces: one for each tensor that its range of blocks touches.
static void add_pieces(rml_shares *s, size_t owner, size_t peer, const rml_tensor *tensors,
                       size_t first, size_t end, void *const *data, size_t item)
{
    size_t from_block = rml_shares_first(s, owner), to_block = rml_shares_first(s, owner + 1);
    size_t block = 0;
    for (size_t i = 0; i < end; i++) {
        size_t size = tensor_size(s->graph, s->tensors[i]);
        size_t blocks = rml_ceil(size, RML_NORM_BLOCK);
        size_t from = from_block > block ? (from_block - block) * RML_NORM_BLOCK : 0;
        size_t to = to_block > block ? (to_block - block) * RML_NORM_BLOCK : 0;
        to = to < size ? to : size;
        if (i >= first && from < to) {
            char *bytes = data[tensors[i]];
            rml_shares_add(s, (rml_ranks_move){peer, bytes + from * item, (to - from) * item,
                                               owner != s->rank});
        }
        block += blocks;
    }
}

rml_status rml_shares_spread(rml_shares *s, const rml_tensor *tensors, size_t first, size_t end,
                             void *const *data, size_t item, bool only_to_first, rml_error *err)
{
    for (size_t peer = 0; peer < s->rank_count; peer++) {
        if (peer != s->rank && (peer == 0 || !only_to_first)) {
            add_pieces(s, s->rank, peer, tensors, first, end, data, item);
        }
        if (peer != s->rank && (s->rank == 0 || !only_to_first)) {
            add_pieces(s, peer, peer, tensors, first, end, data, item);
        }
    }
    return rml_shares_exchange(s, err);
}

rml_status rml_shares_spread_numbers(rml_shares *s, double *numbers, size_t blocks, rml_error *err)
{
    for (size_t owner = 0; owner < s->rank_count; owner++) {
        size_t first = rml_shares_first(s, owner), end = rml_shares_first(s, owner + 1);
        end = end < blocks ? end : blocks;
        for (size_t peer = 0; first < end && peer < s->rank_count; peer++) {
            if (owner != peer && (owner == s->rank || peer == s->rank)) {
                rml_shares_add(s,
                               (rml_ranks_move){owner == s->rank ? peer : owner, numbers + first,
                                                (end - first) * sizeof *numbers, owner != s->rank});
            }
        }
    }
    return rml_shares_exchange(s, err);
}
