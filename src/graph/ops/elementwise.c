// Elementwise ops: arithmetic that broadcasts as in NumPy, and functions of one number.
#include <math.h>

#include "roadmill/math.h"
#include "rows.h"

#define SQRT_HALF 0.70710678118654752440
#define INV_SQRT_2PI 0.39894228040143267794

static const char *shape_broadcast(const rml_shape *in, size_t count, const double *attributes,
                                   rml_shape *out)
{
    (void)count;
    (void)attributes;
    out->rank = in[0].rank > in[1].rank ? in[0].rank : in[1].rank;
    for (uint32_t i = 0; i < out->rank; i++) { // from the last axis
        uint32_t a = i < in[0].rank ? in[0].size[in[0].rank - 1 - i] : 1;
        uint32_t b = i < in[1].rank ? in[1].size[in[1].rank - 1 - i] : 1;
        if (a != b && a != 1 && b != 1) {
            return "expected shapes that broadcast";
        }
        out->size[out->rank - 1 - i] = a == 1 ? b : a;
    }
    return NULL;
}

static size_t flop_one(const rml_call *c)
{
    return rml_shape_count(&c->shape);
}

// ---- Two inputs --------------------------------------------------------------------------------

static void reference_binary(const rml_call *c, double (*f)(double, double))
{
    rml_walk w;
    const rml_shape *shapes[2] = {&c->shapes[0], &c->shapes[1]};
    rml_walk_broadcast(&w, &c->shape, shapes, 2);
    const double *a = c->in[0], *b = c->in[1];
    double *out = c->out;
    size_t index[RML_RANK_MAX] = {0}, count = rml_shape_count(&c->shape);
    for (size_t i = 0; i < count; i++) {
        size_t at_a = 0, at_b = 0;
        for (uint32_t k = 0; k < w.rank; k++) {
            at_a += index[k] * w.stride[0][k];
            at_b += index[k] * w.stride[1][k];
        }
        out[i] = f(a[at_a], b[at_b]);
        for (uint32_t k = w.rank; k-- > 0 && ++index[k] == w.size[k];) {
            index[k] = 0;
        }
    }
}

#define BINARY_REFERENCE(name, expression)                                                         \
    static double name##_one(double a, double b)                                                   \
    {                                                                                              \
        return expression;                                                                         \
    }                                                                                              \
    static void reference_##name(const rml_call *c)                                                \
    {                                                                                              \
        reference_binary(c, name##_one);                                                           \
    }
BINARY_REFERENCE(add, a + b)
BINARY_REFERENCE(sub, a - b)
BINARY_REFERENCE(mul, a *b)
BINARY_REFERENCE(div, a / b)

static void gradient_add(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    dx[0] = rml_graph_sum_to(g, dy, rml_graph_shape(g, n.inputs[0]));
    dx[1] = rml_graph_sum_to(g, dy, rml_graph_shape(g, n.inputs[1]));
}

static void gradient_sub(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    dx[0] = rml_graph_sum_to(g, dy, rml_graph_shape(g, n.inputs[0]));
    dx[1] = rml_op_neg(g, rml_graph_sum_to(g, dy, rml_graph_shape(g, n.inputs[1])));
}

static void gradient_mul(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    for (int i = 0; i < 2; i++) {
        rml_tensor by = rml_op_mul(g, dy, n.inputs[1 - i]);
        dx[i] = rml_graph_sum_to(g, by, rml_graph_shape(g, n.inputs[i]));
    }
}

static void gradient_div(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    rml_tensor by = rml_op_div(g, dy, n.inputs[1]);
    dx[0] = rml_graph_sum_to(g, by, rml_graph_shape(g, n.inputs[0]));
    rml_tensor back = rml_op_neg(g, rml_op_mul(g, by, n.output));
    dx[1] = rml_graph_sum_to(g, back, rml_graph_shape(g, n.inputs[1]));
}

#define BINARY_ROW(row, text, kernel_id)                                                           \
    const rml_op rml_row_##row = {                                                                 \
        .name = text,                                                                              \
        .attributes = "",                                                                          \
        .inputs_min = 2,                                                                           \
        .inputs_max = 2,                                                                           \
        .shape = shape_broadcast,                                                                  \
        .reference = reference_##row,                                                              \
        .gradient = gradient_##row,                                                                \
        .phases = {{kernel_id, rml_tiles_chunks}},                                                 \
        .flop = flop_one,                                                                          \
        .in_place = true,                                                                          \
    };
BINARY_ROW(add, "add", RML_KERNEL_ADD)
BINARY_ROW(sub, "sub", RML_KERNEL_SUB)
BINARY_ROW(mul, "mul", RML_KERNEL_MUL)
BINARY_ROW(div, "div", RML_KERNEL_DIV)

#define BINARY_BUILDER(name)                                                                       \
    rml_tensor rml_op_##name(rml_graph *g, rml_tensor a, rml_tensor b)                             \
    {                                                                                              \
        return rml_graph_append(g, &rml_row_##name, (rml_tensor[]){a, b}, 2, NULL, 0);             \
    }
BINARY_BUILDER(add)
BINARY_BUILDER(sub)
BINARY_BUILDER(mul)
BINARY_BUILDER(div)

// ---- One input ---------------------------------------------------------------------------------

#define UNARY_REFERENCE(name, expression)                                                          \
    static void reference_##name(const rml_call *c)                                                \
    {                                                                                              \
        const double *in = c->in[0];                                                               \
        double *out = c->out;                                                                      \
        for (size_t i = 0; i < rml_shape_count(&c->shape); i++) {                                  \
            double x = in[i];                                                                      \
            out[i] = expression;                                                                   \
        }                                                                                          \
    }
UNARY_REFERENCE(neg, -x)
UNARY_REFERENCE(exp, rml_f64_exp(x))
UNARY_REFERENCE(log, rml_f64_log(x))
UNARY_REFERENCE(abs, fabs(x))
UNARY_REFERENCE(sqrt, sqrt(x))
UNARY_REFERENCE(tanh, rml_f64_tanh(x))
UNARY_REFERENCE(gelu, 0.5 * x * (1.0 + rml_f64_erf(x * SQRT_HALF)))
UNARY_REFERENCE(relu, x > 0.0 ? x : 0.0)
UNARY_REFERENCE(step, x > 0.0 ? 1.0 : 0.0)
UNARY_REFERENCE(sign, x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : 0.0)
UNARY_REFERENCE(scale, x * c->attributes[0])

// To the nearest whole number, a half to the even one; |x| < 2^51.
static double nearest(double x)
{
    return (x + 0x1.8p52) - 0x1.8p52;
}

static void reference_quantize(const rml_call *c)
{
    double scale = c->attributes[0], zero = c->attributes[1];
    const double *in = c->in[0];
    double *out = c->out;
    for (size_t i = 0; i < rml_shape_count(&c->shape); i++) {
        double x = in[i] / scale;
        x = x > -zero ? x : -zero; // also where it is no number
        out[i] = nearest(x < RML_QUANTISED_MOST - zero ? x : RML_QUANTISED_MOST - zero);
    }
}

static void reference_gelu_backward(const rml_call *c)
{
    const double *in = c->in[0], *dy = c->in[1];
    double *out = c->out;
    for (size_t i = 0; i < rml_shape_count(&c->shape); i++) {
        double x = in[i];
        double below = 0.5 * (1.0 + rml_f64_erf(x * SQRT_HALF));
        out[i] = dy[i] * (below + x * INV_SQRT_2PI * rml_f64_exp(-0.5 * x * x));
    }
}

static rml_tensor unary(rml_graph *g, const rml_op *op, rml_tensor a)
{
    return rml_graph_append(g, op, &a, 1, NULL, 0);
}

static void gradient_neg(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    (void)n;
    dx[0] = rml_op_neg(g, dy);
}

static void gradient_exp(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    dx[0] = rml_op_mul(g, dy, n.output);
}

static void gradient_log(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    dx[0] = rml_op_div(g, dy, n.inputs[0]);
}

static void gradient_abs(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    dx[0] = rml_op_mul(g, dy, unary(g, &rml_row_sign, n.inputs[0]));
}

// At zero the slope is infinite; like a missing distance it counts as NaN, never silently as 0.
static void gradient_sqrt(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    dx[0] = rml_op_div(g, rml_op_scale(g, dy, 0.5), n.output);
}

static void gradient_tanh(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    dx[0] = rml_op_sub(g, dy, rml_op_mul(g, dy, rml_op_mul(g, n.output, n.output)));
}

static void gradient_gelu(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    dx[0] =
        rml_graph_append(g, &rml_row_gelu_backward, (rml_tensor[]){n.inputs[0], dy}, 2, NULL, 0);
}

static void gradient_relu(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    dx[0] = rml_op_mul(g, dy, unary(g, &rml_row_step, n.inputs[0]));
}

static void gradient_scale(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    dx[0] = rml_op_scale(g, dy, n.attributes[0]);
}

#define gradient_step NULL
#define gradient_quantize NULL
#define gradient_sign NULL
#define gradient_gelu_backward NULL

#define UNARY_ROW(row, kernel_id, count, names, only_backward)                                     \
    const rml_op rml_row_##row = {                                                                 \
        .name = #row,                                                                              \
        .attributes = names,                                                                       \
        .inputs_min = count,                                                                       \
        .inputs_max = count,                                                                       \
        .shape = rml_shape_as_first,                                                               \
        .reference = reference_##row,                                                              \
        .gradient = gradient_##row,                                                                \
        .backward = only_backward,                                                                 \
        .phases = {{kernel_id, rml_tiles_chunks}},                                                 \
        .flop = flop_one,                                                                          \
        .in_place = true,                                                                          \
    };
UNARY_ROW(neg, RML_KERNEL_NEG, 1, "", false)
UNARY_ROW(exp, RML_KERNEL_EXP, 1, "", false)
UNARY_ROW(log, RML_KERNEL_LOG, 1, "", false)
UNARY_ROW(abs, RML_KERNEL_ABS, 1, "", false)
UNARY_ROW(sqrt, RML_KERNEL_SQRT, 1, "", false)
UNARY_ROW(tanh, RML_KERNEL_TANH, 1, "", false)
UNARY_ROW(gelu, RML_KERNEL_GELU, 1, "", false)
UNARY_ROW(gelu_backward, RML_KERNEL_GELU_BACKWARD, 2, "", true)
UNARY_ROW(relu, RML_KERNEL_RELU, 1, "", false)
UNARY_ROW(step, RML_KERNEL_STEP, 1, "", true)
UNARY_ROW(sign, RML_KERNEL_SIGN, 1, "", true)
UNARY_ROW(scale, RML_KERNEL_SCALE, 1, "factor", false)
UNARY_ROW(quantize, RML_KERNEL_QUANTIZE, 1, "scale, zero", false)

#define UNARY_BUILDER(name)                                                                        \
    rml_tensor rml_op_##name(rml_graph *g, rml_tensor a)                                           \
    {                                                                                              \
        return unary(g, &rml_row_##name, a);                                                       \
    }
UNARY_BUILDER(neg)
UNARY_BUILDER(exp)
UNARY_BUILDER(log)
UNARY_BUILDER(abs)
UNARY_BUILDER(sqrt)
UNARY_BUILDER(tanh)
UNARY_BUILDER(gelu)
UNARY_BUILDER(relu)

rml_tensor rml_op_scale(rml_graph *g, rml_tensor a, double factor)
{
    return rml_graph_append(g, &rml_row_scale, &a, 1, &factor, 1);
}

rml_tensor rml_op_quantize(rml_graph *g, rml_tensor a, double scale, double zero)
{
    if (!(scale > 0) || !(zero >= 0 && zero <= RML_QUANTISED_MOST) || zero != floor(zero)) {
        return rml_graph_refuse(g, "quantize",
                                "expected a scale above zero and a whole zero from 0 to 255");
    }
    return rml_graph_append(g, &rml_row_quantize, &a, 1, (double[]){(float)scale, zero}, 2);
}
