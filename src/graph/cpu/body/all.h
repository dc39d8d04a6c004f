// The kernels, once: each instruction set compiles this text with its own lanes. Only the lanes
// differ, so the bits do not.
#include "op.h"

#include "cpu/body/functions.h"

#include "cpu/body/walk.h"

#include "cpu/body/elementwise.h"

#include "cpu/body/probe.h"
#include "cpu/body/product.h"

#include "cpu/body/bf16.h"
#ifdef TILE_DOT // the lanes' header has tiles
#include "cpu/body/bf16_tiles.h"
#else
#include "cpu/body/bf16_lanes.h"
#endif

#include "cpu/body/products.h"

#include "cpu/body/rows.h"

#include "cpu/body/attention.h"

#include "cpu/body/move.h"

#include "cpu/body/optimiser.h"

static rml_kernel *const kernels[RML_KERNEL_COUNT] = {
    [RML_KERNEL_ADD] = kernel_add,
    [RML_KERNEL_SUB] = kernel_sub,
    [RML_KERNEL_MUL] = kernel_mul,
    [RML_KERNEL_DIV] = kernel_div,
    [RML_KERNEL_NEG] = kernel_neg,
    [RML_KERNEL_EXP] = kernel_exp,
    [RML_KERNEL_LOG] = kernel_log,
    [RML_KERNEL_ABS] = kernel_abs,
    [RML_KERNEL_SQRT] = kernel_sqrt,
    [RML_KERNEL_TANH] = kernel_tanh,
    [RML_KERNEL_GELU] = kernel_gelu,
    [RML_KERNEL_GELU_BACKWARD] = kernel_gelu_backward,
    [RML_KERNEL_GELU_SLOPE] = kernel_gelu_slope,
    [RML_KERNEL_RELU] = kernel_relu,
    [RML_KERNEL_STEP] = kernel_step,
    [RML_KERNEL_SIGN] = kernel_sign,
    [RML_KERNEL_SCALE] = kernel_scale,
    [RML_KERNEL_QUANTIZE] = kernel_quantize,
    [RML_KERNEL_PACK] = kernel_pack,
    [RML_KERNEL_PRODUCT] = kernel_product,
    [RML_KERNEL_BATCH_PRODUCT] = kernel_batch_product,
    [RML_KERNEL_JOIN_GROUPS] = kernel_join_groups,
    [RML_KERNEL_NORM] = kernel_norm,
    [RML_KERNEL_NORM_BACKWARD] = kernel_norm_backward,
    [RML_KERNEL_NORM_LEAVES] = kernel_norm_leaves,
    [RML_KERNEL_TREE] = kernel_tree,
    [RML_KERNEL_SUM_LEAVES] = kernel_sum_leaves,
    [RML_KERNEL_SUM_AXIS] = kernel_sum_axis,
    [RML_KERNEL_MAX] = kernel_max,
    [RML_KERNEL_MAX_BACKWARD] = kernel_max_backward,
    [RML_KERNEL_SOFTMAX] = kernel_softmax,
    [RML_KERNEL_SOFTMAX_BACKWARD] = kernel_softmax_backward,
    [RML_KERNEL_LOG_SOFTMAX] = kernel_log_softmax,
    [RML_KERNEL_LOG_SOFTMAX_BACKWARD] = kernel_log_softmax_backward,
    [RML_KERNEL_ATTENTION] = kernel_attention,
    [RML_KERNEL_ATTENTION_BACKWARD] = kernel_attention_backward,
    [RML_KERNEL_COPY] = kernel_copy,
    [RML_KERNEL_PLACE] = kernel_place,
    [RML_KERNEL_CONCAT] = kernel_concat,
    [RML_KERNEL_ARGMIN] = kernel_argmin,
    [RML_KERNEL_NEAREST] = kernel_nearest,
    [RML_KERNEL_PICK] = kernel_pick,
    [RML_KERNEL_PICK_BACKWARD] = kernel_pick_backward,
};
