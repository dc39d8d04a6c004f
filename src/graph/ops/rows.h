// The rows of the table, by file.
#ifndef RML_GRAPH_OPS_ROWS_H
#define RML_GRAPH_OPS_ROWS_H

#include "op.h"

extern const rml_op rml_row_add, rml_row_sub, rml_row_mul, rml_row_div;
extern const rml_op rml_row_neg, rml_row_exp, rml_row_log, rml_row_abs, rml_row_sqrt, rml_row_tanh,
    rml_row_gelu, rml_row_gelu_backward, rml_row_relu, rml_row_step, rml_row_sign, rml_row_scale,
    rml_row_quantize;
extern const rml_op rml_row_matmul, rml_row_linear, rml_row_batch_product;
extern const rml_op rml_row_layer_norm, rml_row_layer_norm_backward, rml_row_layer_norm_gains;
extern const rml_op rml_row_softmax, rml_row_softmax_backward, rml_row_log_softmax,
    rml_row_log_softmax_backward;
extern const rml_op rml_row_attention, rml_row_attention_backward;
extern const rml_op rml_row_sum, rml_row_sum_batch, rml_row_max, rml_row_max_backward;
extern const rml_op rml_row_reshape, rml_row_transpose, rml_row_slice, rml_row_place,
    rml_row_concat, rml_row_broadcast, rml_row_stop_gradient;
extern const rml_op rml_row_argmin, rml_row_nearest, rml_row_pick, rml_row_pick_backward;

// References: p[n] from scores; keep[n] is 1 or 0, or NULL. All zero where nothing is kept.
void rml_softmax_row(const double *x, const double *keep, double scale, size_t n, double *p);

#endif
