// Layer norm over the last axis. Source: Ba, Kiros and Hinton, arXiv 1607.06450. Backward passes
// compute mean and deviation again from x: cheaper than keeping them.
#include <math.h>
#include <string.h>

#include "rows.h"

static const char *shape_norm(const rml_shape *in, size_t count, const double *attributes,
                              rml_shape *out)
{
    (void)count;
    (void)attributes;
    uint32_t last = in[0].rank > 0 ? in[0].size[in[0].rank - 1] : 0;
    for (int i = 1; i <= 2; i++) {
        if (last == 0 || in[i].rank != 1 || in[i].size[0] != last) {
            return "expected x [.., n], gain [n] and bias [n]";
        }
    }
    *out = in[0];
    return NULL;
}

static const char *shape_backward(const rml_shape *in, size_t count, const double *attributes,
                                  rml_shape *out)
{
    (void)count;
    (void)attributes;
    *out = in[0];
    return in[0].rank > 0 && rml_shape_equal(&in[0], &in[2]) ? NULL : "expected x, gain and dy";
}

static const char *shape_gains(const rml_shape *in, size_t count, const double *attributes,
                               rml_shape *out)
{
    (void)count;
    (void)attributes;
    if (in[0].rank < 1 || !rml_shape_equal(&in[0], &in[1])) {
        return "expected x and dy of one shape";
    }
    *out = (rml_shape){2, {2, in[0].size[in[0].rank - 1]}};
    return NULL;
}

static size_t columns_of(const rml_call *c)
{
    return c->shapes[0].size[c->shapes[0].rank - 1];
}

static size_t rows_of(const rml_call *c)
{
    return rml_shape_span(&c->shapes[0], 0, c->shapes[0].rank - 1);
}

static size_t samples_of(const rml_call *c)
{
    return c->shapes[0].rank > 1 ? c->shapes[0].size[0] : 1;
}

static size_t tiles_leaves(const rml_call *c)
{
    return rml_ceil(samples_of(c), RML_LEAF);
}

static size_t work_leaves(const rml_call *c)
{
    return tiles_leaves(c) * 2 * columns_of(c) * sizeof(float);
}

static size_t flop_norm(const rml_call *c)
{
    return 8 * rows_of(c) * columns_of(c);
}

static double moments(const double *x, size_t n, double epsilon, double *mean)
{
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += x[i];
    }
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) {
        squares += (x[i] - *mean) * (x[i] - *mean);
    }
    return 1.0 / sqrt(squares / (double)n + epsilon);
}

static void reference_norm(const rml_call *c)
{
    size_t n = columns_of(c);
    const double *gain = c->in[1], *bias = c->in[2];
    for (size_t r = 0; r < rows_of(c); r++) {
        const double *x = (const double *)c->in[0] + r * n;
        double mean, inverse = moments(x, n, c->attributes[0], &mean);
        for (size_t i = 0; i < n; i++) {
            ((double *)c->out)[r * n + i] = (x[i] - mean) * inverse * gain[i] + bias[i];
        }
    }
}

static void reference_backward(const rml_call *c)
{
    size_t n = columns_of(c);
    const double *gain = c->in[1];
    for (size_t r = 0; r < rows_of(c); r++) {
        const double *x = (const double *)c->in[0] + r * n, *dy = (const double *)c->in[2] + r * n;
        double mean, inverse = moments(x, n, c->attributes[0], &mean);
        double sum = 0.0, along = 0.0;
        for (size_t i = 0; i < n; i++) {
            sum += dy[i] * gain[i];
            along += dy[i] * gain[i] * (x[i] - mean) * inverse;
        }
        sum /= (double)n;
        along /= (double)n;
        for (size_t i = 0; i < n; i++) {
            double normal = (x[i] - mean) * inverse;
            ((double *)c->out)[r * n + i] = inverse * (dy[i] * gain[i] - sum - normal * along);
        }
    }
}

static void reference_gains(const rml_call *c)
{
    size_t n = columns_of(c);
    double *out = c->out;
    memset(out, 0, 2 * n * sizeof *out);
    for (size_t r = 0; r < rows_of(c); r++) {
        const double *x = (const double *)c->in[0] + r * n, *dy = (const double *)c->in[1] + r * n;
        double mean, inverse = moments(x, n, c->attributes[0], &mean);
        for (size_t i = 0; i < n; i++) {
            out[i] += dy[i] * (x[i] - mean) * inverse;
            out[n + i] += dy[i];
        }
    }
}

static void gradient_norm(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    rml_tensor x = n.inputs[0], gain = n.inputs[1];
    dx[0] = rml_graph_append(g, &rml_row_layer_norm_backward, (rml_tensor[]){x, gain, dy}, 3,
                             n.attributes, 1);
    rml_tensor both =
        rml_graph_append(g, &rml_row_layer_norm_gains, (rml_tensor[]){x, dy}, 2, n.attributes, 1);
    for (uint32_t i = 0; i < 2; i++) {
        dx[1 + i] = rml_op_reshape(g, rml_op_slice(g, both, 0, i, 1), rml_graph_shape(g, gain));
    }
}

const rml_op rml_row_layer_norm = {
    .name = "layer_norm",
    .attributes = "epsilon",
    .inputs_min = 3,
    .inputs_max = 3,
    .shape = shape_norm,
    .reference = reference_norm,
    .gradient = gradient_norm,
    .phases = {{RML_KERNEL_NORM, rml_tiles_rows}},
    .flop = flop_norm,
};

const rml_op rml_row_layer_norm_backward = {
    .name = "layer_norm_backward",
    .backward = true,
    .attributes = "epsilon",
    .inputs_min = 3,
    .inputs_max = 3,
    .shape = shape_backward,
    .reference = reference_backward,
    .phases = {{RML_KERNEL_NORM_BACKWARD, rml_tiles_rows}},
    .flop = flop_norm,
};

const rml_op rml_row_layer_norm_gains = {
    .name = "layer_norm_gains",
    .backward = true,
    .attributes = "epsilon",
    .inputs_min = 2,
    .inputs_max = 2,
    .shape = shape_gains,
    .reference = reference_gains,
    .phases = {{RML_KERNEL_NORM_LEAVES, tiles_leaves}, {RML_KERNEL_TREE, rml_tiles_one}},
    .work = work_leaves,
    .flop = flop_norm,
};

rml_tensor rml_op_layer_norm(rml_graph *g, rml_tensor x, rml_tensor gain, rml_tensor bias,
                             double epsilon)
{
    return rml_graph_append(g, &rml_row_layer_norm, (rml_tensor[]){x, gain, bias}, 3, &epsilon, 1);
}
