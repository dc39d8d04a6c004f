// Softmax and its logarithm over the last axis.
#include <math.h>
#include <string.h>

#include "roadmill/math.h"
#include "rows.h"

static size_t columns_of(const rml_call *c)
{
    return c->shape.rank > 0 ? c->shape.size[c->shape.rank - 1] : 1;
}

static size_t rows_of(const rml_call *c)
{
    return rml_shape_count(&c->shape) / columns_of(c);
}

static size_t flop_softmax(const rml_call *c)
{
    return 12 * rml_shape_count(&c->shape);
}

void rml_softmax_row(const double *x, const double *keep, double scale, size_t n, double *p)
{
    double top = -INFINITY, sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        top = (keep == NULL || keep[i] != 0.0) && x[i] * scale > top ? x[i] * scale : top;
    }
    for (size_t i = 0; i < n; i++) {
        p[i] = keep == NULL || keep[i] != 0.0 ? rml_f64_exp(x[i] * scale - top) : 0.0;
        sum += p[i];
    }
    for (size_t i = 0; i < n && sum > 0.0; i++) {
        p[i] /= sum;
    }
}

static void reference_softmax(const rml_call *c)
{
    size_t n = columns_of(c);
    const double *keep = c->input_count > 1 ? c->in[1] : NULL;
    for (size_t r = 0; r < rows_of(c); r++) {
        rml_softmax_row((const double *)c->in[0] + r * n, keep ? keep + r * n : NULL, 1.0, n,
                        (double *)c->out + r * n);
    }
}

static void reference_softmax_backward(const rml_call *c)
{
    size_t n = columns_of(c);
    for (size_t r = 0; r < rows_of(c); r++) {
        const double *y = (const double *)c->in[0] + r * n, *dy = (const double *)c->in[1] + r * n;
        double dot = 0.0;
        for (size_t i = 0; i < n; i++) {
            dot += y[i] * dy[i];
        }
        for (size_t i = 0; i < n; i++) {
            ((double *)c->out)[r * n + i] = y[i] * (dy[i] - dot);
        }
    }
}

static void reference_log_softmax(const rml_call *c)
{
    size_t n = columns_of(c);
    for (size_t r = 0; r < rows_of(c); r++) {
        const double *x = (const double *)c->in[0] + r * n;
        double top = -INFINITY, sum = 0.0;
        for (size_t i = 0; i < n; i++) {
            top = x[i] > top ? x[i] : top;
        }
        for (size_t i = 0; i < n; i++) {
            sum += rml_f64_exp(x[i] - top);
        }
        for (size_t i = 0; i < n; i++) {
            ((double *)c->out)[r * n + i] = (x[i] - top) - rml_f64_log(sum);
        }
    }
}

static void reference_log_softmax_backward(const rml_call *c)
{
    size_t n = columns_of(c);
    for (size_t r = 0; r < rows_of(c); r++) {
        const double *y = (const double *)c->in[0] + r * n, *dy = (const double *)c->in[1] + r * n;
        double sum = 0.0;
        for (size_t i = 0; i < n; i++) {
            sum += dy[i];
        }
        for (size_t i = 0; i < n; i++) {
            ((double *)c->out)[r * n + i] = dy[i] - rml_f64_exp(y[i]) * sum;
        }
    }
}

static const char *shape_softmax(const rml_shape *in, size_t count, const double *attributes,
                                 rml_shape *out)
{
    (void)attributes;
    *out = in[0];
    if (in[0].rank == 0) {
        return "expected at least one axis";
    }
    return count < 2 || rml_shape_equal(&in[0], &in[1]) ? NULL : "expected a mask of x's shape";
}

static void gradient_softmax(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    dx[0] =
        rml_graph_append(g, &rml_row_softmax_backward, (rml_tensor[]){n.output, dy}, 2, NULL, 0);
}

static void gradient_log_softmax(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    dx[0] = rml_graph_append(g, &rml_row_log_softmax_backward, (rml_tensor[]){n.output, dy}, 2,
                             NULL, 0);
}

#define SOFTMAX_ROW(row, kernel_id, low, high, back, flows)                                        \
    const rml_op rml_row_##row = {                                                                 \
        .name = #row,                                                                              \
        .attributes = "",                                                                          \
        .inputs_min = low,                                                                         \
        .inputs_max = high,                                                                        \
        .shape = shape_softmax,                                                                    \
        .reference = reference_##row,                                                              \
        .gradient = back,                                                                          \
        .backward = !(flows),                                                                      \
        .phases = {{kernel_id, rml_tiles_rows}},                                                   \
        .flop = flop_softmax,                                                                      \
        .in_place = true,                                                                          \
    };
SOFTMAX_ROW(softmax, RML_KERNEL_SOFTMAX, 1, 2, gradient_softmax, true)
SOFTMAX_ROW(softmax_backward, RML_KERNEL_SOFTMAX_BACKWARD, 2, 2, NULL, false)
SOFTMAX_ROW(log_softmax, RML_KERNEL_LOG_SOFTMAX, 1, 1, gradient_log_softmax, true)
SOFTMAX_ROW(log_softmax_backward, RML_KERNEL_LOG_SOFTMAX_BACKWARD, 2, 2, NULL, false)

rml_tensor rml_op_softmax(rml_graph *g, rml_tensor x, rml_tensor mask)
{
    if (mask < 0) {
        return rml_graph_append(g, &rml_row_softmax, &x, 1, NULL, 0);
    }
    rml_tensor whole = rml_graph_broadcast(g, mask, rml_graph_shape(g, x));
    return rml_graph_append(g, &rml_row_softmax, (rml_tensor[]){x, whole}, 2, NULL, 0);
}

rml_tensor rml_op_log_softmax(rml_graph *g, rml_tensor x)
{
    return rml_graph_append(g, &rml_row_log_softmax, &x, 1, NULL, 0);
}
