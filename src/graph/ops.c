// The table of ops. A new op is one row in ops/ and one line here.
#include "op.h"

#include "ops/rows.h"

const rml_op *const rml_ops[] = {
    &rml_row_add,
    &rml_row_sub,
    &rml_row_mul,
    &rml_row_div,
    &rml_row_neg,
    &rml_row_exp,
    &rml_row_log,
    &rml_row_abs,
    &rml_row_sqrt,
    &rml_row_tanh,
    &rml_row_gelu,
    &rml_row_gelu_backward,
    &rml_row_relu,
    &rml_row_step,
    &rml_row_sign,
    &rml_row_scale,
    &rml_row_quantize,
    &rml_row_matmul,
    &rml_row_linear,
    &rml_row_batch_product,
    &rml_row_layer_norm,
    &rml_row_layer_norm_backward,
    &rml_row_layer_norm_gains,
    &rml_row_softmax,
    &rml_row_softmax_backward,
    &rml_row_log_softmax,
    &rml_row_log_softmax_backward,
    &rml_row_attention,
    &rml_row_attention_backward,
    &rml_row_sum,
    &rml_row_sum_batch,
    &rml_row_max,
    &rml_row_max_backward,
    &rml_row_reshape,
    &rml_row_transpose,
    &rml_row_slice,
    &rml_row_place,
    &rml_row_concat,
    &rml_row_broadcast,
    &rml_row_argmin,
    &rml_row_nearest,
    &rml_row_pick,
    &rml_row_pick_backward,
    &rml_row_stop_gradient,
};
const size_t rml_op_count = sizeof rml_ops / sizeof *rml_ops;

const char *rml_op_name(size_t index, bool *backward)
{
    if (index >= rml_op_count) {
        return NULL;
    }
    if (backward != NULL) {
        *backward = rml_ops[index]->backward;
    }
    return rml_ops[index]->name;
}
