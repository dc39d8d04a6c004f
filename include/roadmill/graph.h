// graph: tensors, ops, gradients and the plan. A model is a static graph, built once for given
// shapes; a gradient appends ops to the same graph; then one plan is made and run many times.
//
// Same bits, by rule: a product's element is one chain of fused multiply-adds over ascending k; a
// reduction has 16 lanes and a fixed tree; gradients of a batch are summed over leaves of four
// samples in a binary tree. So float32 results are bit-equal over threads and instruction sets.
// docs/engine.md tells the rules. float64 is the reference and runs everything too (tests).
#ifndef ROADMILL_GRAPH_H
#define ROADMILL_GRAPH_H

#include "roadmill/base.h"
#include "roadmill/os.h"
#include "roadmill/os/ranks.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RML_RANK_MAX 5
typedef int32_t rml_tensor; // index of a tensor in its graph; negative after a failed call

// Where the values of a tensor come from.
typedef enum rml_tensor_role {
    RML_ROLE_VALUE,
    RML_ROLE_INPUT,
    RML_ROLE_PARAMETER,
    RML_ROLE_CONSTANT,
} rml_tensor_role;

// Row-major, the last size runs fastest.
typedef struct rml_shape {
    uint32_t rank;
    uint32_t size[RML_RANK_MAX];
} rml_shape;

typedef struct rml_graph rml_graph;
// An empty graph; the caller frees it. RML_ERR_MEMORY.
RML_API rml_status rml_graph_make(rml_graph **out, rml_error *err) RML_CHECKED;
RML_API void rml_graph_free(rml_graph *g);
// Builders never return errors one by one: the first sticks, later calls return -1, and
// rml_graph_status tells it with the op and shapes that did not fit.
RML_API rml_status rml_graph_status(const rml_graph *g, rml_error *err) RML_CHECKED;

// A tensor whose values come from outside at each run; names are unique in a graph.
RML_API rml_tensor rml_graph_input(rml_graph *g, const char *name, rml_shape shape);
typedef enum rml_init { RML_INIT_ZERO, RML_INIT_ONE, RML_INIT_UNIFORM, RML_INIT_NORMAL } rml_init;
// Initial values come from (seed, name): UNIFORM in [-scale, scale], NORMAL with deviation scale.
RML_API rml_tensor rml_graph_parameter(rml_graph *g, const char *name, rml_shape shape,
                                       rml_init init, double scale);
RML_API rml_tensor rml_graph_constant(rml_graph *g, const char *name, rml_shape shape,
                                      const double *values); // copied

// ---- Ops. Shapes broadcast as in NumPy where stated --------------------------------------------
// Elementwise, broadcasting: add, sub, mul, div. Unary: neg, exp, log, abs, sqrt, tanh, gelu (erf
// form), relu, square.
RML_API rml_tensor rml_op_add(rml_graph *g, rml_tensor a, rml_tensor b);
RML_API rml_tensor rml_op_sub(rml_graph *g, rml_tensor a, rml_tensor b);
RML_API rml_tensor rml_op_mul(rml_graph *g, rml_tensor a, rml_tensor b);
RML_API rml_tensor rml_op_div(rml_graph *g, rml_tensor a, rml_tensor b);
RML_API rml_tensor rml_op_neg(rml_graph *g, rml_tensor a);
RML_API rml_tensor rml_op_exp(rml_graph *g, rml_tensor a);
RML_API rml_tensor rml_op_log(rml_graph *g, rml_tensor a);
RML_API rml_tensor rml_op_abs(rml_graph *g, rml_tensor a);
RML_API rml_tensor rml_op_sqrt(rml_graph *g, rml_tensor a);
RML_API rml_tensor rml_op_tanh(rml_graph *g, rml_tensor a);
RML_API rml_tensor rml_op_gelu(rml_graph *g, rml_tensor a);
RML_API rml_tensor rml_op_relu(rml_graph *g, rml_tensor a);
RML_API rml_tensor rml_op_scale(rml_graph *g, rml_tensor a, double factor);
// x as an unsigned byte without its zero: x / scale to the nearest whole number (a half to the even
// one), limited to [-zero, 255 - zero]; what is no number becomes -zero. As QuantizeLinear and
// DequantizeLinear of ONNX, without the last product. No gradient flows. A sum of products of such
// numbers with whole weights is exact below 2^24.
#define RML_QUANTISED_MOST 255
RML_API rml_tensor rml_op_quantize(rml_graph *g, rml_tensor a, double scale, double zero);
// [.., m, k] x [k, n] or [.., k, n] -> [.., m, n]; transpose_b: b is [.., n, k].
RML_API rml_tensor rml_op_matmul(rml_graph *g, rml_tensor a, rml_tensor b, bool transpose_b);
// x [.., in] with weight [out, in] (as PyTorch keeps it) and bias [out] or -1.
RML_API rml_tensor rml_op_linear(rml_graph *g, rml_tensor x, rml_tensor weight, rml_tensor bias);
// Over the last axis: y = (x - mean) / sqrt(var + eps) * gain + bias.
RML_API rml_tensor rml_op_layer_norm(rml_graph *g, rml_tensor x, rml_tensor gain, rml_tensor bias,
                                     double epsilon);
// Over the last axis; mask broadcasts (1 keep, 0 leave out), or -1. A row without any kept element
// is all zero.
RML_API rml_tensor rml_op_softmax(rml_graph *g, rml_tensor x, rml_tensor mask);
RML_API rml_tensor rml_op_log_softmax(rml_graph *g, rml_tensor x);
// q, k, v [batch, tokens, heads * size]; mask [batch, keys], or [batch, keys, queries] where each
// query has keys of its own, or -1. The matrix is not kept.
RML_API rml_tensor rml_op_attention(rml_graph *g, rml_tensor q, rml_tensor k, rml_tensor v,
                                    rml_tensor mask, uint32_t heads);
// The same with a bias of each score: the sum over features of pairs [batch, features, keys,
// queries], at most 16, times weights [heads, features]. No gradient flows to pairs.
RML_API rml_tensor rml_op_attention_pairs(rml_graph *g, rml_tensor q, rml_tensor k, rml_tensor v,
                                          rml_tensor mask, rml_tensor pairs, rml_tensor weights,
                                          uint32_t heads);
RML_API rml_tensor rml_op_sum(rml_graph *g, rml_tensor x, uint32_t axis); // the axis goes
RML_API rml_tensor rml_op_mean(rml_graph *g, rml_tensor x, uint32_t axis);
RML_API rml_tensor rml_op_max(rml_graph *g, rml_tensor x, uint32_t axis); // the axis goes
RML_API rml_tensor rml_op_reshape(rml_graph *g, rml_tensor x, rml_shape shape);
RML_API rml_tensor rml_op_transpose(rml_graph *g, rml_tensor x, const uint32_t order[RML_RANK_MAX]);
RML_API rml_tensor rml_op_slice(rml_graph *g, rml_tensor x, uint32_t axis, uint32_t from,
                                uint32_t count);
RML_API rml_tensor rml_op_concat(rml_graph *g, const rml_tensor *x, uint32_t count, uint32_t axis);
// index of the smallest along the last axis, as numbers; no gradient flows.
RML_API rml_tensor rml_op_argmin(rml_graph *g, rml_tensor x);
// 1 for what is among the `count` smallest along the last axis, as many as equal the last of them,
// else 0; no gradient flows.
RML_API rml_tensor rml_op_nearest(rml_graph *g, rml_tensor x, uint32_t count);
// x [.., k, n..] at index [..] along `axis`: the axis goes. Gradient flows to x.
RML_API rml_tensor rml_op_pick(rml_graph *g, rml_tensor x, rml_tensor index, uint32_t axis);
RML_API rml_tensor rml_op_stop_gradient(rml_graph *g, rml_tensor x);

// What a tensor is: its shape, its name (borrowed).
RML_API rml_shape rml_graph_shape(const rml_graph *g, rml_tensor t);
RML_API const char *rml_graph_name(const rml_graph *g, rml_tensor t);
RML_API rml_tensor rml_graph_find(const rml_graph *g, const char *name); // -1 if there is none
// Appends the gradient of a scalar by each of count tensors (parameters).
RML_API rml_status rml_graph_gradient(rml_graph *g, rml_tensor scalar, const rml_tensor *by,
                                      size_t count, rml_tensor *gradients, rml_error *err)
    RML_CHECKED;
// Parameters in the order of their making.
RML_API size_t rml_graph_parameters(const rml_graph *g, const rml_tensor **out);

// ---- Walking a graph (deploy) ------------------------------------------------------------------

typedef struct rml_op rml_op; // a row of the table of ops: see src/graph/op.h
typedef struct rml_node {
    const char *op; // "linear", "layer_norm", ...
    rml_tensor output;
    const rml_tensor *inputs; // -1 where an optional one is left out
    size_t input_count;
    const double *attributes; // numbers, in the order that the op's row names
    size_t attribute_count;
} rml_node;
// Nodes needed for these outputs, in order of execution.
RML_API rml_status rml_graph_nodes(const rml_graph *g, const rml_tensor *outputs, size_t count,
                                   rml_arena *arena, rml_array *nodes, rml_error *err) RML_CHECKED;
// The op of this index in the table of ops, NULL behind the last; backward (may be NULL): it is
// made by gradients alone.
RML_API const char *rml_op_name(size_t index, bool *backward);
RML_API rml_tensor_role rml_graph_role(const rml_graph *g, rml_tensor t);
RML_API const double *rml_graph_constant_values(const rml_graph *g, rml_tensor t);

// ---- The plan ----------------------------------------------------------------------------------

// BF16: matmul, linear and their gradients round their factors to bfloat16 and sum in float32;
// everything else, parameters and the optimiser included, is float32.
typedef enum rml_precision { RML_F32, RML_F64, RML_BF16 } rml_precision;
typedef struct rml_plan_options {
    rml_precision precision;
    unsigned cpu; // features to use, 0: what the machine has (rml_cpu_features)
    bool scalar;  // the scalar kernels only
    // Another backend: its column of kernels, and its memory if it has one of its own
    // (src/graph/op.h), instead of this machine's. Such memory has no float64. NULL: none.
    const struct rml_variant *backend;
    // Parameters are this plan's, by name: it must have all of them and outlive the new one, which
    // has no moments. NULL: its own.
    const struct rml_plan *parameters_of;
    rml_pool *pool; // whose workers fill the parameters; NULL: the caller does
} rml_plan_options;
typedef struct rml_plan rml_plan;
// outputs stay readable after run. Parameters start at their initial values from seed.
RML_API rml_status rml_plan_make(const rml_graph *g, const rml_tensor *outputs, size_t count,
                                 uint64_t seed, const rml_plan_options *options, rml_plan **out,
                                 rml_error *err) RML_CHECKED;
RML_API void rml_plan_free(rml_plan *plan);
RML_API size_t rml_plan_elements(const rml_plan *plan, rml_tensor t); // of its shape

// ---- Doors. A plan's memory may be a backend's own, so nobody has a pointer into it ------------

typedef enum rml_plan_role {
    RML_PLAN_VALUE,
    RML_PLAN_FIRST_MOMENT, // of a parameter, in a plan whose graph has a gradient
    RML_PLAN_SECOND_MOMENT,
} rml_plan_role;
// Elements [first, first + count) of a tensor, as they lie in its shape.
typedef struct rml_plan_slice {
    rml_tensor tensor;
    rml_plan_role role;
    size_t first, count;
} rml_plan_slice;
// All of a tensor's value.
RML_API rml_plan_slice rml_plan_whole(const rml_plan *plan, rml_tensor t);
// Whether there is a door to it: inputs, parameters, constants, and outputs that stay.
RML_API bool rml_plan_keeps(const rml_plan *plan, rml_tensor t);
// Copies count elements of the plan's type, double in RML_F64 and float otherwise, into a tensor
// before a run, or out of one after it. Different slices may go through the doors side by side,
// none while a run uses them. RML_ERR_ARGUMENT, and nothing is copied, for a tensor without a door,
// a moment that the plan does not have, or elements outside the tensor.
RML_API rml_status rml_plan_put(rml_plan *plan, rml_plan_slice to, const void *values,
                                rml_error *err) RML_CHECKED;
RML_API rml_status rml_plan_get(const rml_plan *plan, rml_plan_slice from, void *values,
                                rml_error *err) RML_CHECKED;

// The pool may have up to 8 workers, or rml_thread_count() if that is more: there is scratch for so
// many; with a larger one it runs in the caller alone.
RML_API void rml_plan_run(rml_plan *plan, rml_pool *pool);
// Packs the parameters and constants that are right sides of products once, instead of in each run,
// for plans that only run forward. What is written into them afterwards is not seen until it is
// called again.
RML_API rml_status rml_plan_freeze(rml_plan *plan, rml_pool *pool, rml_error *err) RML_CHECKED;
// Runs a float32 plan in the caller up to the first op that puts out a number that is not finite:
// its name, NULL if there is none. To tell where a fault began.
RML_API const char *rml_plan_first_not_finite(rml_plan *plan);
RML_API size_t rml_plan_bytes(const rml_plan *plan);
// The ops of a plan in the order in which they run.
typedef struct rml_plan_row {
    const char *op;
    rml_shape shape; // of what it puts out
    size_t tiles;    // that threads share
    size_t flop;
    size_t bytes;   // of its inputs and its output, each once
    double seconds; // the fastest that was measured, 0 before
} rml_plan_row;
RML_API size_t rml_plan_rows(const rml_plan *plan,
                             rml_plan_row *rows); // their number; rows may be NULL
// Runs a float32 plan so many times, op by op, on inputs that are all one: no token is left out.
RML_API void rml_plan_measure(rml_plan *plan, rml_pool *pool, size_t runs, rml_plan_row *rows);
// What one thread can do at most, probed now: fused multiply-adds in registers; a copy within
// the first cache.
typedef struct rml_roofline {
    double flop_per_s, bytes_per_s;
    const char *kernels; // the instruction set that runs
} rml_roofline;
RML_API rml_roofline rml_plan_roofline(const rml_plan *plan);

// One AdamW step over all parameters, in one pass, after run. Source: Loshchilov and Hutter,
// ICLR 2019, as PyTorch's torch.optim.AdamW. Moments live in the plan.
typedef struct rml_adamw {
    double learning_rate, beta1, beta2, epsilon, weight_decay;
    double clip_norm; // of all gradients together; 0 is none
    uint64_t step;    // from 1
} rml_adamw;
// gradients[i] belongs to parameters[i]. Gives the norm before clipping; when it is not finite
// nothing is changed.
RML_API double rml_plan_adamw(rml_plan *plan, const rml_tensor *parameters,
                              const rml_tensor *gradients, size_t count, const rml_adamw *options,
                              rml_pool *pool);
// Muon for matrices, with AdamW's rates, for the step of leaves below: orthogonal momentum.
typedef struct rml_muon rml_muon;
// matrices[i]: parameters[i] is stepped by Muon if it is a float32 matrix. parameters and plan are
// borrowed. momentum: 0.95 is usual. threads: of the pool that steps, at least.
RML_API rml_status rml_muon_make(rml_plan *plan, const rml_tensor *parameters, const bool *matrices,
                                 size_t count, double momentum, size_t threads, rml_muon **out,
                                 rml_error *err) RML_CHECKED;
RML_API void rml_muon_free(rml_muon *m);

// A step over a batch that is too large for the caches, leaf by leaf: the plan is one of RML_LEAF
// samples, runs once for each leaf, several leaves side by side, and what it puts out is summed
// over leaves in the binary tree of docs/engine.md. The sums are the same at any number of threads,
// and those of one plan of the whole batch where no parameter is used twice.
#define RML_LEAF 4 // samples
typedef struct rml_leaves rml_leaves;
// Several processes each run a contiguous range of the leaves. Of every sum a rank has only its
// share whole, and steps the optimiser on that share; then all have the parameters. So there are
// the same bits at any number of processes.
typedef struct rml_leaves_setup {
    rml_plan *plan; // of RML_LEAF samples, or of all if they are fewer; borrowed
    rml_plan *rest; // of the samples % RML_LEAF left over behind the last leaf, with the plan's
                    // parameters, NULL if none are; borrowed
    const rml_tensor *sums;      // outputs of the plan, in which their sums stand after a run
    const rml_tensor *rest_sums; // the rest's, in the same order
    size_t sum_count;
    size_t whole; // so many of the last sums are whole on every rank
    size_t samples;
    size_t threads; // that may run leaves, each with a plan of its own; ranks may differ in it
    rml_ranks *ranks;
    rml_muon *muon; // of the plan's parameters, NULL: AdamW alone; borrowed
} rml_leaves_setup;
// A job of several processes needs a leaf for each.
RML_API rml_status rml_leaves_make(const rml_leaves_setup *setup, rml_leaves **out, rml_error *err)
    RML_CHECKED;
RML_API void rml_leaves_free(rml_leaves *l);
// Puts samples [first, first + count) into the inputs of a plan; runs side by side.
typedef rml_status rml_leaves_fill(void *context, rml_plan *plan, size_t first, size_t count,
                                   rml_error *err);
// The parameters are packed anew. A pool of more threads than groups of leaves runs one leaf after
// the other, each on all of them. The first fault of fill ends the step.
RML_API rml_status rml_leaves_run(rml_leaves *l, rml_pool *pool, rml_leaves_fill *fill,
                                  void *context, rml_error *err) RML_CHECKED;
// rml_plan_adamw, and Muon if the setup has it, after a run, for any number of processes; the first
// sums are the gradients by parameters.
RML_API rml_status rml_leaves_adamw(rml_leaves *l, const rml_tensor *parameters, size_t count,
                                    const rml_adamw *options, rml_pool *pool, double *norm,
                                    rml_error *err) RML_CHECKED;
// Every rank's moments to rank 0, before it writes a checkpoint.
RML_API rml_status rml_leaves_gather(rml_leaves *l, const rml_tensor *parameters, size_t count,
                                     rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
