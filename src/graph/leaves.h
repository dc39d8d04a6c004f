// What a step leaf by leaf holds, for running leaves (leaves.c) and joining their sums (join.c).
#ifndef RML_GRAPH_LEAVES_H
#define RML_GRAPH_LEAVES_H

#include <stdatomic.h>

#include "plan.h"
#include "roadmill/os.h"

// The sums, cut into pieces that leave for the other ranks one by one, the last piece first: about
// the order in which backward makes them.
enum { RML_PIECES = 8 };
typedef struct rml_join {
    atomic_size_t missing[RML_PIECES]; // floats of a piece that this rank's groups still owe
    size_t next;                       // pieces that have not begun to leave
    size_t turns;
    rml_status status; // of what has left while leaves ran
    rml_error err;
} rml_join;

// What a worker has for itself.
typedef struct leaf_worker {
    rml_plan *plan;
    float *sums;       // [levels - 1][size]: the stack on top of the group's own sum
    rml_status status; // of its first leaf that could not be filled
    rml_error err;
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
    float *group_sums; // [groups][size], as all sums in the plan's memory
    rml_join join;
};

// First group of a rank; that of rank + 1 is the end.
size_t rml_leaves_group(const rml_leaves *l, size_t rank, size_t ranks);

// Before the leaves of a step.
void rml_join_begin(rml_leaves *l);
// From any worker: a group has the whole of its own sum of floats [at, at + count).
void rml_join_count(rml_leaves *l, size_t at, size_t count);
// From the caller's thread alone, now and then while leaves run: pieces that are whole leave.
void rml_join_go_on(rml_leaves *l);
// The sums into the plan's outputs: of several ranks each has its share.
rml_status rml_join_finish(rml_leaves *l, rml_pool *pool, rml_error *err) RML_CHECKED;

#endif
