// Sums and maxima over one axis, and sums over the batch.
//
// Bit rule: the last axis is summed in 16 lanes and a fixed tree; another axis one by one in
// ascending order; the first axis (the batch) in leaves of four samples, which join in a binary
// tree.
#include <math.h>
#include <string.h>

#include "rows.h"

// x seen as [outer, size, inner] around an axis.
typedef struct around {
    size_t outer, size, inner;
} around;

static around around_of(const rml_shape *s, uint32_t axis)
{
    return (around){rml_shape_span(s, 0, axis), s->size[axis],
                    rml_shape_span(s, axis + 1, s->rank)};
}

static const char *shape_drop(const rml_shape *in, size_t count, const double *attributes,
                              rml_shape *out)
{
    (void)count;
    uint32_t axis = (uint32_t)attributes[0];
    if (axis >= in[0].rank) {
        return "expected an axis of x";
    }
    out->rank = in[0].rank - 1;
    for (uint32_t i = 0; i < out->rank; i++) {
        out->size[i] = in[0].size[i < axis ? i : i + 1];
    }
    return NULL;
}

static size_t tiles_outer(const rml_call *c)
{
    around a = around_of(&c->shapes[0], (uint32_t)c->attributes[0]);
    return rml_ceil(a.outer * a.size * a.inner, RML_CHUNK) < a.outer
               ? rml_ceil(a.outer * a.size * a.inner, RML_CHUNK)
               : a.outer;
}

static size_t flop_reduce(const rml_call *c)
{
    return rml_shape_count(&c->shapes[0]);
}

// dy with its lost axes back as ones, spread over x's shape.
static rml_tensor spread(rml_graph *g, rml_tensor dy, rml_shape x, uint32_t from, uint32_t count)
{
    rml_shape ones = x;
    for (uint32_t i = from; i < from + count && i < x.rank; i++) {
        ones.size[i] = 1;
    }
    return rml_graph_broadcast(g, rml_op_reshape(g, dy, ones), x);
}

// ---- sum ---------------------------------------------------------------------------------------

static void reference_sum(const rml_call *c)
{
    around a = around_of(&c->shapes[0], (uint32_t)c->attributes[0]);
    const double *in = c->in[0];
    for (size_t o = 0; o < a.outer; o++) {
        for (size_t i = 0; i < a.inner; i++) {
            double sum = 0.0;
            for (size_t k = 0; k < a.size; k++) {
                sum += in[(o * a.size + k) * a.inner + i];
            }
            ((double *)c->out)[o * a.inner + i] = sum;
        }
    }
}

static void gradient_sum(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    dx[0] = spread(g, dy, rml_graph_shape(g, n.inputs[0]), (uint32_t)n.attributes[0], 1);
}

const rml_op rml_row_sum = {
    .name = "sum",
    .attributes = "axis",
    .inputs_min = 1,
    .inputs_max = 1,
    .shape = shape_drop,
    .reference = reference_sum,
    .gradient = gradient_sum,
    .phases = {{RML_KERNEL_SUM_AXIS, tiles_outer}},
    .flop = flop_reduce,
};

// ---- sum over the batch ------------------------------------------------------------------------

static const char *shape_batch(const rml_shape *in, size_t count, const double *attributes,
                               rml_shape *out)
{
    (void)count;
    uint32_t axes = (uint32_t)attributes[0];
    if (axes < 1 || axes > in[0].rank) {
        return "expected the number of leading axes to sum over";
    }
    out->rank = in[0].rank - axes;
    for (uint32_t i = 0; i < out->rank; i++) {
        out->size[i] = in[0].size[axes + i];
    }
    return NULL;
}

static size_t tiles_leaves(const rml_call *c)
{
    return rml_ceil(c->shapes[0].size[0], RML_LEAF);
}

static size_t work_leaves(const rml_call *c)
{
    return tiles_leaves(c) * rml_shape_count(&c->shape) * sizeof(float);
}

static void reference_batch(const rml_call *c)
{
    size_t inner = rml_shape_count(&c->shape), rows = rml_shape_count(&c->shapes[0]) / inner;
    double *out = c->out;
    memset(out, 0, inner * sizeof *out);
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < inner; i++) {
            out[i] += ((const double *)c->in[0])[r * inner + i];
        }
    }
}

static void gradient_batch(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    dx[0] = spread(g, dy, rml_graph_shape(g, n.inputs[0]), 0, (uint32_t)n.attributes[0]);
}

const rml_op rml_row_sum_batch = {
    .name = "sum_batch",
    .attributes = "axes",
    .inputs_min = 1,
    .inputs_max = 1,
    .shape = shape_batch,
    .reference = reference_batch,
    .gradient = gradient_batch,
    .phases = {{RML_KERNEL_SUM_LEAVES, tiles_leaves}, {RML_KERNEL_TREE, rml_tiles_one}},
    .work = work_leaves,
    .flop = flop_reduce,
};

static rml_tensor sum_batch(rml_graph *g, rml_tensor x, uint32_t axes)
{
    double number = axes;
    return rml_graph_append(g, &rml_row_sum_batch, &x, 1, &number, 1);
}

rml_tensor rml_op_sum(rml_graph *g, rml_tensor x, uint32_t axis)
{
    if (axis == 0 && rml_graph_shape(g, x).rank > 0) {
        return sum_batch(g, x, 1);
    }
    double number = axis;
    return rml_graph_append(g, &rml_row_sum, &x, 1, &number, 1);
}

rml_tensor rml_op_mean(rml_graph *g, rml_tensor x, uint32_t axis)
{
    rml_tensor sum = rml_op_sum(g, x, axis);
    return sum < 0 ? -1 : rml_op_scale(g, sum, 1.0 / rml_graph_shape(g, x).size[axis]);
}

rml_tensor rml_graph_sum_to(rml_graph *g, rml_tensor x, rml_shape shape)
{
    rml_shape from = rml_graph_shape(g, x);
    if (x < 0 || rml_shape_equal(&from, &shape)) {
        return x;
    }
    uint32_t lead = from.rank - shape.rank, summed = 0; // axes at the front that go as a whole
    while (summed < from.rank && (summed < lead || shape.size[summed - lead] == 1)) {
        summed++;
    }
    for (uint32_t i = from.rank; i-- > summed;) { // the others, from the last
        if (shape.size[i - lead] == 1 && from.size[i] != 1) {
            x = rml_op_sum(g, x, i);
        }
    }
    if (summed > 0) {
        x = sum_batch(g, x, summed);
    }
    return rml_op_reshape(g, x, shape);
}

// ---- max ---------------------------------------------------------------------------------------

static void reference_max(const rml_call *c)
{
    around a = around_of(&c->shapes[0], (uint32_t)c->attributes[0]);
    const double *in = c->in[0];
    for (size_t o = 0; o < a.outer; o++) {
        for (size_t i = 0; i < a.inner; i++) {
            double top = in[o * a.size * a.inner + i];
            for (size_t k = 1; k < a.size; k++) {
                double x = in[(o * a.size + k) * a.inner + i];
                top = x > top ? x : top;
            }
            ((double *)c->out)[o * a.inner + i] = top;
        }
    }
}

// The first of several equal maxima gets it all.
static void reference_max_backward(const rml_call *c)
{
    around a = around_of(&c->shapes[0], (uint32_t)c->attributes[0]);
    const double *in = c->in[0], *y = c->in[1], *dy = c->in[2];
    double *out = c->out;
    memset(out, 0, rml_shape_count(&c->shape) * sizeof *out);
    for (size_t o = 0; o < a.outer; o++) {
        for (size_t i = 0; i < a.inner; i++) {
            size_t k = 0;
            while (k + 1 < a.size && in[(o * a.size + k) * a.inner + i] != y[o * a.inner + i]) {
                k++;
            }
            out[(o * a.size + k) * a.inner + i] = dy[o * a.inner + i];
        }
    }
}

static void gradient_max(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    dx[0] = rml_graph_append(g, &rml_row_max_backward, (rml_tensor[]){n.inputs[0], n.output, dy}, 3,
                             n.attributes, 1);
}

const rml_op rml_row_max = {
    .name = "max",
    .attributes = "axis",
    .inputs_min = 1,
    .inputs_max = 1,
    .shape = shape_drop,
    .reference = reference_max,
    .gradient = gradient_max,
    .phases = {{RML_KERNEL_MAX, tiles_outer}},
    .flop = flop_reduce,
};

const rml_op rml_row_max_backward = {
    .name = "max_backward",
    .backward = true,
    .attributes = "axis",
    .inputs_min = 3,
    .inputs_max = 3,
    .shape = rml_shape_as_first,
    .reference = reference_max_backward,
    .phases = {{RML_KERNEL_MAX_BACKWARD, tiles_outer}},
    .flop = flop_reduce,
};

rml_tensor rml_op_max(rml_graph *g, rml_tensor x, uint32_t axis)
{
    double number = axis;
    return rml_graph_append(g, &rml_row_max, &x, 1, &number, 1);
}
