// Ops that move elements or only see them in another shape.
#include <string.h>

#include "rows.h"

static size_t flop_none(const rml_call *c)
{
    (void)c;
    return 0;
}

static size_t from_start(const rml_call *c)
{
    (void)c;
    return 0;
}

static void reference_view(const rml_call *c)
{
    memcpy(c->out, c->in[0], rml_shape_count(&c->shape) * sizeof(double));
}

// ---- reshape, stop_gradient --------------------------------------------------------------------

static void shape_attributes(const rml_shape *shape, double numbers[RML_RANK_MAX])
{
    for (uint32_t i = 0; i < shape->rank; i++) {
        numbers[i] = shape->size[i];
    }
}

static rml_shape attributes_shape(const double *numbers, uint32_t rank)
{
    rml_shape shape = {.rank = rank};
    for (uint32_t i = 0; i < rank; i++) {
        shape.size[i] = (uint32_t)numbers[i];
    }
    return shape;
}

static const char *shape_reshape(const rml_shape *in, size_t count, const double *attributes,
                                 rml_shape *out)
{
    (void)count;
    *out = attributes_shape(attributes + 1, (uint32_t)attributes[0]);
    return rml_shape_count(out) == rml_shape_count(&in[0]) ? NULL
                                                           : "expected a shape of as many elements";
}

static void gradient_reshape(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    dx[0] = rml_op_reshape(g, dy, rml_graph_shape(g, n.inputs[0]));
}

const rml_op rml_row_reshape = {
    .name = "reshape",
    .attributes = "rank sizes",
    .inputs_min = 1,
    .inputs_max = 1,
    .shape = shape_reshape,
    .reference = reference_view,
    .gradient = gradient_reshape,
    .flop = flop_none,
    .view = true,
    .view_from = from_start,
};

const rml_op rml_row_stop_gradient = {
    .name = "stop_gradient",
    .attributes = "",
    .inputs_min = 1,
    .inputs_max = 1,
    .shape = rml_shape_as_first,
    .reference = reference_view,
    .flop = flop_none,
    .view = true,
    .view_from = from_start,
};

rml_tensor rml_op_reshape(rml_graph *g, rml_tensor x, rml_shape shape)
{
    rml_shape from = rml_graph_shape(g, x);
    if (shape.rank > RML_RANK_MAX) {
        return rml_graph_refuse(g, "reshape", "expected at most 5 axes");
    }
    if (x >= 0 && rml_shape_equal(&from, &shape)) {
        return x;
    }
    double numbers[1 + RML_RANK_MAX] = {shape.rank};
    shape_attributes(&shape, numbers + 1);
    return rml_graph_append(g, &rml_row_reshape, &x, 1, numbers, 1 + shape.rank);
}

rml_tensor rml_op_stop_gradient(rml_graph *g, rml_tensor x)
{
    return rml_graph_append(g, &rml_row_stop_gradient, &x, 1, NULL, 0);
}

// ---- Strided copies: transpose, broadcast, slice -----------------------------------------------

void rml_walk_copy(rml_walk *w, const rml_call *c)
{
    const rml_shape *in = &c->shapes[0];
    if (c->op == &rml_row_broadcast) {
        const rml_shape *shapes[1] = {in};
        rml_walk_broadcast(w, &c->shape, shapes, 1);
        return;
    }
    size_t strides[RML_RANK_MAX] = {0}, stride = 1;
    for (uint32_t i = in->rank; i-- > 0;) {
        strides[i] = stride;
        stride *= in->size[i];
    }
    *w = (rml_walk){.rank = c->shape.rank};
    for (uint32_t i = 0; i < c->shape.rank; i++) {
        w->size[i] = c->shape.size[i];
        w->stride[0][i] =
            c->op == &rml_row_transpose ? strides[(uint32_t)c->attributes[i]] : strides[i];
    }
    if (c->op == &rml_row_slice) {
        w->start[0] = (size_t)c->attributes[1] * strides[(uint32_t)c->attributes[0]];
    }
    rml_walk_join(w, 1);
}

static void reference_copy(const rml_call *c)
{
    rml_walk w;
    rml_walk_copy(&w, c);
    size_t index[RML_RANK_MAX] = {0}, count = rml_shape_count(&c->shape);
    for (size_t i = 0; i < count; i++) {
        size_t at = w.start[0];
        for (uint32_t k = 0; k < w.rank; k++) {
            at += index[k] * w.stride[0][k];
        }
        ((double *)c->out)[i] = ((const double *)c->in[0])[at];
        for (uint32_t k = w.rank; k-- > 0 && ++index[k] == w.size[k];) {
            index[k] = 0;
        }
    }
}

static const char *shape_transpose(const rml_shape *in, size_t count, const double *attributes,
                                   rml_shape *out)
{
    (void)count;
    uint32_t seen = 0;
    out->rank = in[0].rank;
    for (uint32_t i = 0; i < in[0].rank; i++) {
        if (!(attributes[i] < in[0].rank)) {
            return "expected a permutation of the axes";
        }
        seen |= 1u << (uint32_t)attributes[i];
        out->size[i] = in[0].size[(uint32_t)attributes[i]];
    }
    return seen == (1u << in[0].rank) - 1u ? NULL : "expected a permutation of the axes";
}

static void gradient_transpose(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    uint32_t back[RML_RANK_MAX] = {0};
    for (uint32_t i = 0; i < n.attribute_count; i++) {
        back[(uint32_t)n.attributes[i]] = i;
    }
    dx[0] = rml_op_transpose(g, dy, back);
}

static const char *shape_broadcast(const rml_shape *in, size_t count, const double *attributes,
                                   rml_shape *out)
{
    (void)count;
    *out = attributes_shape(attributes + 1, (uint32_t)attributes[0]);
    bool fits = in[0].rank <= out->rank;
    for (uint32_t i = 0; fits && i < in[0].rank; i++) {
        uint32_t size = in[0].size[in[0].rank - 1 - i];
        fits = size == 1 || size == out->size[out->rank - 1 - i];
    }
    return fits ? NULL : "expected a shape that x broadcasts to";
}

static void gradient_broadcast(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    dx[0] = rml_graph_sum_to(g, dy, rml_graph_shape(g, n.inputs[0]));
}

static const char *shape_slice(const rml_shape *in, size_t count, const double *attributes,
                               rml_shape *out)
{
    (void)count;
    uint32_t axis = (uint32_t)attributes[0];
    *out = in[0];
    if (axis >= in[0].rank || attributes[2] < 1.0 ||
        attributes[1] + attributes[2] > in[0].size[axis]) {
        return "expected a part of one axis";
    }
    out->size[axis] = (uint32_t)attributes[2];
    return NULL;
}

static void gradient_slice(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    uint32_t axis = (uint32_t)n.attributes[0];
    double numbers[3] = {axis, n.attributes[1], rml_graph_shape(g, n.inputs[0]).size[axis]};
    dx[0] = rml_graph_append(g, &rml_row_place, &dy, 1, numbers, 3);
}

const rml_op rml_row_transpose = {
    .name = "transpose",
    .attributes = "order",
    .inputs_min = 1,
    .inputs_max = 1,
    .shape = shape_transpose,
    .reference = reference_copy,
    .gradient = gradient_transpose,
    .phases = {{RML_KERNEL_COPY, rml_tiles_chunks}},
    .flop = flop_none,
};

const rml_op rml_row_broadcast = {
    .name = "broadcast",
    .attributes = "rank sizes",
    .inputs_min = 1,
    .inputs_max = 1,
    .shape = shape_broadcast,
    .reference = reference_copy,
    .gradient = gradient_broadcast,
    .phases = {{RML_KERNEL_COPY, rml_tiles_chunks}},
    .flop = flop_none,
};

// A view where nothing but ones stands before the axis.
static size_t slice_from(const rml_call *c)
{
    uint32_t axis = (uint32_t)c->attributes[0];
    if (rml_shape_span(&c->shapes[0], 0, axis) != 1) {
        return SIZE_MAX;
    }
    return (size_t)c->attributes[1] * rml_shape_span(&c->shapes[0], axis + 1, c->shapes[0].rank);
}

const rml_op rml_row_slice = {
    .name = "slice",
    .attributes = "axis from count",
    .inputs_min = 1,
    .inputs_max = 1,
    .shape = shape_slice,
    .reference = reference_copy,
    .gradient = gradient_slice,
    .phases = {{RML_KERNEL_COPY, rml_tiles_chunks}},
    .flop = flop_none,
    .view = true,
    .view_from = slice_from,
};

rml_tensor rml_op_transpose(rml_graph *g, rml_tensor x, const uint32_t order[RML_RANK_MAX])
{
    double numbers[RML_RANK_MAX];
    uint32_t rank = rml_graph_shape(g, x).rank;
    for (uint32_t i = 0; i < rank; i++) {
        numbers[i] = order[i];
    }
    return rml_graph_append(g, &rml_row_transpose, &x, 1, numbers, rank);
}

rml_tensor rml_graph_broadcast(rml_graph *g, rml_tensor x, rml_shape shape)
{
    rml_shape from = rml_graph_shape(g, x);
    if (x >= 0 && rml_shape_equal(&from, &shape)) {
        return x;
    }
    double numbers[1 + RML_RANK_MAX] = {shape.rank};
    shape_attributes(&shape, numbers + 1);
    return rml_graph_append(g, &rml_row_broadcast, &x, 1, numbers, 1 + shape.rank);
}

rml_tensor rml_op_slice(rml_graph *g, rml_tensor x, uint32_t axis, uint32_t from, uint32_t count)
{
    return rml_graph_append(g, &rml_row_slice, &x, 1, (double[]){axis, from, count}, 3);
}

// ---- place: x as a part of zeros; what slice is backward ---------------------------------------

static const char *shape_place(const rml_shape *in, size_t count, const double *attributes,
                               rml_shape *out)
{
    (void)count;
    uint32_t axis = (uint32_t)attributes[0];
    *out = in[0];
    if (axis >= in[0].rank || attributes[1] + in[0].size[axis] > attributes[2]) {
        return "expected room on one axis";
    }
    out->size[axis] = (uint32_t)attributes[2];
    return NULL;
}

static size_t tiles_outer(const rml_call *c)
{
    return rml_shape_span(&c->shape, 0, (uint32_t)c->attributes[0]);
}

static void reference_place(const rml_call *c)
{
    uint32_t axis = (uint32_t)c->attributes[0];
    size_t inner = rml_shape_span(&c->shape, axis + 1, c->shape.rank);
    size_t part = c->shapes[0].size[axis] * inner, whole = c->shape.size[axis] * inner;
    double *out = c->out;
    memset(out, 0, rml_shape_count(&c->shape) * sizeof *out);
    for (size_t o = 0; o < tiles_outer(c); o++) {
        memcpy(out + o * whole + (size_t)c->attributes[1] * inner,
               (const double *)c->in[0] + o * part, part * sizeof *out);
    }
}

static void gradient_place(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    uint32_t axis = (uint32_t)n.attributes[0];
    dx[0] = rml_op_slice(g, dy, axis, (uint32_t)n.attributes[1],
                         rml_graph_shape(g, n.inputs[0]).size[axis]);
}

const rml_op rml_row_place = {
    .name = "place",
    .backward = true,
    .attributes = "axis from size",
    .inputs_min = 1,
    .inputs_max = 1,
    .shape = shape_place,
    .reference = reference_place,
    .gradient = gradient_place,
    .phases = {{RML_KERNEL_PLACE, tiles_outer}},
    .flop = flop_none,
};

// ---- concat ------------------------------------------------------------------------------------

static const char *shape_concat(const rml_shape *in, size_t count, const double *attributes,
                                rml_shape *out)
{
    uint32_t axis = (uint32_t)attributes[0];
    *out = in[0];
    if (axis >= in[0].rank) {
        return "expected an axis of the inputs";
    }
    for (size_t i = 1; i < count; i++) {
        rml_shape other = in[i];
        out->size[axis] += other.size[axis];
        other.size[axis] = in[0].size[axis];
        if (!rml_shape_equal(&other, &in[0])) {
            return "expected shapes that differ on the axis alone";
        }
    }
    return NULL;
}

static void reference_concat(const rml_call *c)
{
    uint32_t axis = (uint32_t)c->attributes[0];
    size_t inner = rml_shape_span(&c->shape, axis + 1, c->shape.rank);
    double *out = c->out;
    for (size_t o = 0; o < tiles_outer(c); o++) {
        for (size_t i = 0; i < c->input_count; i++) {
            size_t part = c->shapes[i].size[axis] * inner;
            memcpy(out, (const double *)c->in[i] + o * part, part * sizeof *out);
            out += part;
        }
    }
}

static void gradient_concat(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    uint32_t axis = (uint32_t)n.attributes[0], from = 0;
    for (size_t i = 0; i < n.input_count; i++) {
        uint32_t size = rml_graph_shape(g, n.inputs[i]).size[axis];
        dx[i] = rml_op_slice(g, dy, axis, from, size);
        from += size;
    }
}

const rml_op rml_row_concat = {
    .name = "concat",
    .attributes = "axis",
    .inputs_min = 1,
    .inputs_max = RML_OP_INPUTS_MAX,
    .shape = shape_concat,
    .reference = reference_concat,
    .gradient = gradient_concat,
    .phases = {{RML_KERNEL_CONCAT, tiles_outer}},
    .flop = flop_none,
};

rml_tensor rml_op_concat(rml_graph *g, const rml_tensor *x, uint32_t count, uint32_t axis)
{
    double number = axis;
    return rml_graph_append(g, &rml_row_concat, x, count, &number, 1);
}
