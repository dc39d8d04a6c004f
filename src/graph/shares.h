// What each process owns of the numbers of a step. All tensors of a list, cut into blocks of
// RML_NORM_BLOCK one behind the other, are dealt out in contiguous ranges, one for each rank: its
// owner sums a block over the ranks and makes the optimiser's step on it.
#ifndef RML_GRAPH_SHARES_H
#define RML_GRAPH_SHARES_H

#include "graph.h"
#include "roadmill/os/ranks.h"

typedef struct rml_block {
    size_t tensor; // of the list
    size_t from, count;
} rml_block;
size_t rml_block_count(const rml_graph *g, const rml_tensor *tensors, size_t count);
rml_block rml_block_at(const rml_graph *g, const rml_tensor *tensors, size_t block);

typedef struct rml_shares {
    rml_ranks *ranks; // NULL: all is this process's
    size_t rank, rank_count;
    const rml_graph *graph;
    const rml_tensor *tensors;
    size_t tensor_count, blocks;
    bool whole_tensors; // no tensor is shared between ranks
    rml_ranks_move *moves;
    size_t move_room, move_count;
} rml_shares;
// tensors are borrowed. rows: how many pieces beside the list's own the caller adds for a rank.
rml_status rml_shares_make(rml_shares *s, rml_ranks *ranks, const rml_graph *g,
                           const rml_tensor *tensors, size_t tensor_count, size_t rows,
                           bool whole_tensors, rml_error *err) RML_CHECKED;
void rml_shares_free(rml_shares *s);

size_t rml_shares_first(const rml_shares *s, size_t rank); // block; that of rank + 1 is the end
// Of the elements of all tensors one behind the other: where a block begins.
size_t rml_shares_offset(const rml_shares *s, size_t block);

void rml_shares_add(rml_shares *s, rml_ranks_move move);
// Begins all that was added; the next exchange waits for it too.
rml_status rml_shares_send(rml_shares *s, rml_error *err) RML_CHECKED;
// All that was added.
rml_status rml_shares_exchange(rml_shares *s, rml_error *err) RML_CHECKED;
// Tensors [first, end) of the list or, with the same shapes, of another one: every owner's pieces
// to all ranks, or to rank 0 alone. data by tensor of the graph; item: bytes of an element.
rml_status rml_shares_spread(rml_shares *s, const rml_tensor *tensors, size_t first, size_t end,
                             void *const *data, size_t item, bool only_to_first, rml_error *err)
    RML_CHECKED;
// Numbers that stand one for each of the first `blocks` blocks: every owner's to all ranks.
rml_status rml_shares_spread_numbers(rml_shares *s, double *numbers, size_t blocks, rml_error *err)
    RML_CHECKED;

#endif
