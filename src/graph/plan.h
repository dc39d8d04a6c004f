// What a plan holds: calls in order of execution, and one block of memory per role.
#ifndef RML_GRAPH_PLAN_H
#define RML_GRAPH_PLAN_H

#include "flow.h"
#include "graph.h"
#include "shares.h"

typedef struct rml_step {
    const rml_node_data *node;
    rml_call call;
    const char *name;    // of its op, or of the ops that it does together
    rml_tensor output;   // what it writes: the node's output, or that of the op behind it
    rml_tensor plus;     // what a product adds, -1: nothing
    rml_tensor slope_of; // the GELU's input by whose slope a product is multiplied, -1: none
    // Fused (fuse.c): where a later step reads what this one puts beside its output, that step;
    // else 0. Where this one reads it, in place of its first input or in an epilogue, the step that
    // puts it there, + 1.
    size_t side_last, side_from;
    rml_kernel_id fused;   // the kernel of such a step
    rml_kernel *kernel[2]; // NULL: no such phase; in float64 the reference runs instead
    size_t tiles[2];
    size_t sum_at;   // where its output stands in the sums of leaves, or SIZE_MAX
    int first_phase; // 1 where nothing is packed before the product: frozen, or in its tiles
} rml_step;

// The first of a node's inputs that its step reads: a slope may stand for the first one.
static inline size_t rml_step_first_input(const rml_step *step)
{
    return step->side_from > 0 && step->slope_of < 0 ? 1 : 0;
}

#define RML_SUMS_MOST 34 // a tree over 2^32 leaves

// What becomes of the outputs of a leaf, each as soon as its step is done and it is still near: put
// on a stack of sums, after it has joined the `joins` sums on top of it.
typedef struct rml_sums {
    float *stack[RML_SUMS_MOST]; // each of all outputs, one behind the other
    size_t height;               // of the stack before this leaf
    size_t joins;                // at most height
    // NULL, or told which floats have been taken; worker: of the pool that runs the plan.
    void (*taken)(void *context, size_t at, size_t count, size_t worker);
    void *context;
} rml_sums;

// An output that no step makes by itself: a part of another one, or a parameter.
typedef struct rml_late_sum {
    rml_tensor output;
    size_t at; // in the sums
} rml_late_sum;

struct rml_plan {
    const rml_graph *graph;
    const rml_plan *parameters_of; // NULL: they are its own
    rml_tensor *outputs;
    size_t output_count;
    rml_late_sum *late;
    size_t late_count;
    const rml_sums *sums; // of this run, or NULL
    rml_tensor *roots;    // by tensor: whose memory it shares
    rml_arena arena;
    bool f64, bf16;
    size_t item; // bytes of an element
    rml_step *steps;
    size_t step_count;
    rml_flow_step *flow; // by step; NULL in float64
    void **data;         // by tensor
    bool *kept;          // by tensor: there is a door to it
    size_t tensor_count;
    uint8_t *values;  // the arena of values and work
    uint8_t *leaves;  // inputs, parameters, constants
    uint8_t *moments; // two for each parameter, or NULL
    void **moment[2]; // by tensor
    uint8_t *frozen;  // packed parameters, or NULL
    uint8_t *scratch;
    size_t scratch_size; // for one worker
    size_t workers;
    size_t values_size, leaves_size, moments_size, frozen_size;
    double *norms; // partial sums of squares for the optimiser
    size_t norm_count;
    const rml_variant *variant;
    const rml_memory *memory; // what all of the above lies in, from data to scratch
};

#define RML_NORM_BLOCK 4096

// A plan like this one for the leaves of one worker: it has the parameters of this one, and gives
// the memory of a sum to others once it is taken. sums: outputs, in the order of the stack.
rml_status rml_plan_make_leaf(const rml_plan *like, const rml_tensor *sums, size_t count,
                              rml_plan **out, rml_error *err) RML_CHECKED;
// Which steps make the sums of leaves (sums.c).
rml_status rml_plan_list_sums(rml_plan *plan, const rml_tensor *sums, size_t count, rml_error *err)
    RML_CHECKED;
// A run whose outputs are taken as they are made.
void rml_plan_run_leaf(rml_plan *plan, rml_pool *pool, const rml_sums *sums);
// Chunks of RML_CHUNK numbers that a step has for the sums of this run, and to take one.
size_t rml_plan_sum_tiles(const rml_plan *plan, const rml_step *step);
void rml_plan_sum_tile(const rml_plan *plan, const rml_step *step, size_t tile, size_t worker);

// Joins steps that are cheaper together, before memory is laid out; roots are known.
void rml_plan_fuse(rml_plan *plan);

// Takes the packed parameters of a frozen plan of the same graph; they stay that plan's.
void rml_plan_adopt(rml_plan *plan, const rml_plan *frozen);

// rml_plan_adamw on this process's share of the parameters; the norm is that of all. muon: NULL, or
// what steps its matrices instead; then the share is of whole tensors.
rml_status rml_plan_adamw_share(rml_plan *plan, const rml_tensor *parameters,
                                const rml_tensor *gradients, size_t count, const rml_adamw *options,
                                rml_muon *muon, rml_shares *shares, rml_pool *pool, double *norm,
                                rml_error *err) RML_CHECKED;

// One op of a plan; the pool has at most as many threads as there is scratch for.
void rml_plan_run_step(rml_plan *plan, size_t index, rml_pool *pool);

static inline size_t rml_plan_bytes_of(const rml_plan *plan, rml_tensor t)
{
    return rml_plan_elements(plan, t) * plan->item;
}

size_t rml_plan_aligned(size_t size);
// Of the plan's memory, given back through it.
rml_status rml_plan_take(const rml_plan *plan, uint8_t **out, size_t size, rml_error *err)
    RML_CHECKED;

#endif
