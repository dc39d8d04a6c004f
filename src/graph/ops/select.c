// Choosing among alternatives: argmin and nearest along the last axis, pick along any.
#include <string.h>

#include "rows.h"

static size_t flop_none(const rml_call *c)
{
    (void)c;
    return 0;
}

static const char *shape_argmin(const rml_shape *in, size_t count, const double *attributes,
                                rml_shape *out)
{
    (void)count;
    (void)attributes;
    if (in[0].rank == 0) {
        return "expected at least one axis";
    }
    *out = in[0];
    out->rank--;
    out->size[out->rank] = 0;
    return NULL;
}

// The first of several equal ones.
static void reference_argmin(const rml_call *c)
{
    size_t n = c->shapes[0].size[c->shapes[0].rank - 1];
    for (size_t r = 0; r < rml_shape_count(&c->shape); r++) {
        const double *x = (const double *)c->in[0] + r * n;
        size_t best = 0;
        for (size_t i = 1; i < n; i++) {
            best = x[i] < x[best] ? i : best;
        }
        ((double *)c->out)[r] = (double)best;
    }
}

const rml_op rml_row_argmin = {
    .name = "argmin",
    .attributes = "",
    .inputs_min = 1,
    .inputs_max = 1,
    .shape = shape_argmin,
    .reference = reference_argmin,
    .phases = {{RML_KERNEL_ARGMIN, rml_tiles_one}},
    .flop = flop_none,
};

rml_tensor rml_op_argmin(rml_graph *g, rml_tensor x)
{
    return rml_graph_append(g, &rml_row_argmin, &x, 1, NULL, 0);
}

// ---- nearest -----------------------------------------------------------------------------------

static const char *shape_nearest(const rml_shape *in, size_t count, const double *attributes,
                                 rml_shape *out)
{
    (void)count;
    *out = in[0];
    return in[0].rank > 0 && attributes[0] >= 1.0 ? NULL
                                                  : "expected at least one axis, and to keep one";
}

// Kept is what fewer than so many are smaller than, so equal ones stay or go together.
static void reference_nearest(const rml_call *c)
{
    size_t n = c->shape.size[c->shape.rank - 1];
    for (size_t i = 0; i < rml_shape_count(&c->shape); i++) {
        const double *row = (const double *)c->in[0] + i / n * n;
        double smaller = 0;
        for (size_t k = 0; k < n; k++) {
            smaller += row[k] < row[i % n];
        }
        ((double *)c->out)[i] = smaller < c->attributes[0];
    }
}

static size_t flop_nearest(const rml_call *c)
{
    return 2 * rml_shape_count(&c->shape) * c->shape.size[c->shape.rank - 1];
}

const rml_op rml_row_nearest = {
    .name = "nearest",
    .attributes = "count",
    .inputs_min = 1,
    .inputs_max = 1,
    .shape = shape_nearest,
    .reference = reference_nearest,
    .phases = {{RML_KERNEL_NEAREST, rml_tiles_rows}},
    .flop = flop_nearest,
};

rml_tensor rml_op_nearest(rml_graph *g, rml_tensor x, uint32_t count)
{
    double number = count;
    return rml_graph_append(g, &rml_row_nearest, &x, 1, &number, 1);
}

// ---- pick --------------------------------------------------------------------------------------

static const char *shape_pick(const rml_shape *in, size_t count, const double *attributes,
                              rml_shape *out)
{
    (void)count;
    uint32_t axis = (uint32_t)attributes[0];
    bool fits = axis < in[0].rank && in[1].rank == axis;
    for (uint32_t i = 0; fits && i < axis; i++) {
        fits = in[1].size[i] == in[0].size[i];
    }
    if (!fits) {
        return "expected x [.., k, n..] and an index [..] up to the axis";
    }
    out->rank = in[0].rank - 1;
    for (uint32_t i = 0; i < out->rank; i++) {
        out->size[i] = in[0].size[i < axis ? i : i + 1];
    }
    return NULL;
}

static size_t pick_at(double index, size_t count)
{
    size_t at = index > 0.0 ? (size_t)index : 0;
    return at < count ? at : count - 1;
}

static void reference_pick(const rml_call *c)
{
    uint32_t axis = (uint32_t)c->attributes[0];
    const rml_shape *x = &c->shapes[0];
    size_t outer = rml_shape_span(x, 0, axis), inner = rml_shape_span(x, axis + 1, x->rank);
    for (size_t o = 0; o < outer; o++) {
        size_t at = o * x->size[axis] + pick_at(((const double *)c->in[1])[o], x->size[axis]);
        memcpy((double *)c->out + o * inner, (const double *)c->in[0] + at * inner,
               inner * sizeof(double));
    }
}

static void gradient_pick(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    double axis = n.attributes[0];
    double numbers[2] = {axis, rml_graph_shape(g, n.inputs[0]).size[(uint32_t)axis]};
    dx[0] =
        rml_graph_append(g, &rml_row_pick_backward, (rml_tensor[]){n.inputs[1], dy}, 2, numbers, 2);
}

const rml_op rml_row_pick = {
    .name = "pick",
    .attributes = "axis",
    .inputs_min = 2,
    .inputs_max = 2,
    .shape = shape_pick,
    .reference = reference_pick,
    .gradient = gradient_pick,
    .phases = {{RML_KERNEL_PICK, rml_tiles_one}},
    .flop = flop_none,
};

rml_tensor rml_op_pick(rml_graph *g, rml_tensor x, rml_tensor index, uint32_t axis)
{
    double number = axis;
    return rml_graph_append(g, &rml_row_pick, (rml_tensor[]){x, index}, 2, &number, 1);
}

// index [..], dy [.., n..]: dy at the index of a new axis of `size`, zero elsewhere.
static const char *shape_pick_backward(const rml_shape *in, size_t count, const double *attributes,
                                       rml_shape *out)
{
    (void)count;
    uint32_t axis = (uint32_t)attributes[0];
    if (axis > in[1].rank || in[0].rank != axis || in[1].rank >= RML_RANK_MAX) {
        return "expected an index up to the axis";
    }
    out->rank = in[1].rank + 1;
    for (uint32_t i = 0; i < out->rank; i++) {
        out->size[i] = i == axis ? (uint32_t)attributes[1] : in[1].size[i < axis ? i : i - 1];
    }
    return NULL;
}

static size_t tiles_outer(const rml_call *c)
{
    return rml_ceil(rml_shape_count(&c->shapes[0]), 64);
}

static void reference_pick_backward(const rml_call *c)
{
    uint32_t axis = (uint32_t)c->attributes[0];
    size_t outer = rml_shape_span(&c->shape, 0, axis), size = c->shape.size[axis];
    size_t inner = rml_shape_span(&c->shape, axis + 1, c->shape.rank);
    memset(c->out, 0, rml_shape_count(&c->shape) * sizeof(double));
    for (size_t o = 0; o < outer; o++) {
        size_t at = o * size + pick_at(((const double *)c->in[0])[o], size);
        memcpy((double *)c->out + at * inner, (const double *)c->in[1] + o * inner,
               inner * sizeof(double));
    }
}

const rml_op rml_row_pick_backward = {
    .name = "pick_backward",
    .backward = true,
    .attributes = "axis size",
    .inputs_min = 2,
    .inputs_max = 2,
    .shape = shape_pick_backward,
    .reference = reference_pick_backward,
    .phases = {{RML_KERNEL_PICK_BACKWARD, tiles_outer}},
    .flop = flop_none,
};
