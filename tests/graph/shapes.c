// Protects: float32 kernels at ten thousand random shapes, with ones and odd tails, forward and
// backward: near the float64 reference, and the bits of the scalar kernels. A size of zero is
// refused by the graph.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "graph/inside.h"
#include "op.h"
#include "roadmill/base/random.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FEWER 4 // the same shapes under a sanitizer, every fourth
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define FEWER 4
#endif
#ifndef FEWER
#define FEWER 1
#endif
enum { SHAPES = 10000, LEAVES = 4, VALUES_MAX = 1 << 18 };

typedef struct draw {
    rml_graph *g;
    uint64_t stream, next;
    rml_tensor leaves[LEAVES];
    size_t leaf_count;
} draw;

static uint32_t below(draw *d, uint32_t n)
{
    return (uint32_t)(rml_random_u64(5, d->stream, d->next++) % n);
}

static uint32_t size(draw *d)
{
    static const uint32_t sizes[] = {1, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 23, 31, 32, 33, 47, 65};
    return sizes[below(d, sizeof sizes / sizeof *sizes)];
}

static rml_tensor leaf(draw *d, rml_shape shape)
{
    static const char *const names[LEAVES] = {"a", "b", "c", "d"};
    rml_tensor t = rml_graph_parameter(d->g, names[d->leaf_count], shape, RML_INIT_NORMAL, 1.0);
    d->leaves[d->leaf_count++] = t;
    return t;
}

static rml_tensor any(draw *d)
{
    uint32_t rank = 1 + below(d, 3);
    rml_shape shape = {rank, {0}};
    uint32_t count = 1;
    for (uint32_t i = 0; i < rank; i++) {
        shape.size[i] = size(d);
        shape.size[i] = count * shape.size[i] > 20000 ? 1 : shape.size[i];
        count *= shape.size[i];
    }
    return leaf(d, shape);
}

// Of a's shape, with some axes of one and some left out in front.
static rml_tensor beside(draw *d, rml_tensor a)
{
    rml_shape of = rml_graph_shape(d->g, a), shape = {0};
    for (uint32_t i = below(d, of.rank + 1); i < of.rank; i++) {
        shape.size[shape.rank++] = below(d, 3) == 0 ? 1 : of.size[i];
    }
    return leaf(d, shape);
}

static rml_tensor positive(draw *d, rml_tensor x)
{
    double half = 0.5;
    rml_tensor low = rml_graph_constant(d->g, "", (rml_shape){0}, &half);
    return rml_op_add(d->g, rml_op_abs(d->g, x), low);
}

static rml_tensor mask(draw *d, rml_shape shape)
{
    static double keep[VALUES_MAX];
    for (size_t i = 0; i < rml_shape_count(&shape); i++) {
        keep[i] = below(d, 4) > 0;
    }
    return below(d, 2) ? rml_graph_constant(d->g, "mask", shape, keep) : -1;
}

static rml_tensor draw_unary(draw *d)
{
    rml_tensor (*const ops[])(rml_graph *, rml_tensor) = {rml_op_neg,  rml_op_exp,  rml_op_abs,
                                                          rml_op_tanh, rml_op_gelu, rml_op_relu};
    rml_tensor x = any(d);
    uint32_t k = below(d, 8);
    return k < 6    ? ops[k](d->g, x)
           : k == 6 ? rml_op_log(d->g, positive(d, x))
                    : rml_op_sqrt(d->g, positive(d, x));
}

static rml_tensor draw_binary(draw *d)
{
    rml_tensor (*const ops[])(rml_graph *, rml_tensor, rml_tensor) = {rml_op_add, rml_op_sub,
                                                                      rml_op_mul};
    rml_tensor a = any(d), b = beside(d, a);
    uint32_t k = below(d, 4);
    return k < 3 ? ops[k](d->g, a, b) : rml_op_div(d->g, a, positive(d, b));
}

static rml_tensor draw_linear(draw *d)
{
    rml_tensor x = any(d);
    rml_shape shape = rml_graph_shape(d->g, x);
    uint32_t out = size(d), in = shape.size[shape.rank - 1];
    rml_tensor w = leaf(d, (rml_shape){2, {out, in}});
    return rml_op_linear(d->g, x, w, below(d, 2) ? leaf(d, (rml_shape){1, {out}}) : -1);
}

static rml_tensor draw_matmul(draw *d)
{
    uint32_t m = size(d), n = size(d), k = size(d), batch = 1 + below(d, 5);
    bool turned = below(d, 2), many = below(d, 2);
    rml_tensor a = leaf(d, (rml_shape){3, {batch, m, k}});
    uint32_t rows = turned ? n : k, columns = turned ? k : n;
    rml_tensor b = many ? leaf(d, (rml_shape){3, {batch, rows, columns}})
                        : leaf(d, (rml_shape){2, {rows, columns}});
    return rml_op_matmul(d->g, a, b, turned);
}

static rml_tensor draw_norm(draw *d)
{
    rml_tensor x = any(d);
    rml_shape shape = rml_graph_shape(d->g, x), last = {1, {shape.size[shape.rank - 1]}};
    return rml_op_layer_norm(d->g, x, leaf(d, last), leaf(d, last), 1e-2);
}

static rml_tensor draw_softmax(draw *d)
{
    rml_tensor x = any(d);
    return below(d, 3) ? rml_op_softmax(d->g, x, mask(d, rml_graph_shape(d->g, x)))
                       : rml_op_log_softmax(d->g, x);
}

// With features of pairs, and keys of each query's own, at times.
static rml_tensor draw_attention(draw *d)
{
    uint32_t batch = 1 + below(d, 5), tokens = size(d), heads = 1 + below(d, 4);
    rml_shape shape = {3, {batch, tokens, heads * (1 + below(d, 36))}};
    rml_tensor q = leaf(d, shape), k = leaf(d, shape), v = leaf(d, shape);
    rml_shape keys = {2, {batch, tokens}}, pairs = {3, {batch, tokens, tokens}};
    rml_tensor keep = mask(d, below(d, 2) ? keys : pairs);
    uint32_t features = below(d, 2) ? 1 + below(d, 4) : 0;
    if (features == 0) {
        return rml_op_attention(d->g, q, k, v, keep, heads);
    }
    static double values[VALUES_MAX];
    rml_shape of_pairs = {4, {batch, features, tokens, tokens}};
    for (size_t i = 0; i < rml_shape_count(&of_pairs); i++) {
        values[i] = 2 * rml_random_f64(7, d->stream, i) - 1;
    }
    rml_tensor constant = rml_graph_constant(d->g, "pairs", of_pairs, values);
    rml_tensor weights = leaf(d, (rml_shape){2, {heads, features}});
    return rml_op_attention_pairs(d->g, q, k, v, keep, constant, weights, heads);
}

static rml_tensor draw_reduce(draw *d)
{
    rml_tensor x = any(d);
    uint32_t axis = below(d, rml_graph_shape(d->g, x).rank), k = below(d, 3);
    return k == 0   ? rml_op_sum(d->g, x, axis)
           : k == 1 ? rml_op_mean(d->g, x, axis)
                    : rml_op_max(d->g, x, axis);
}

static rml_tensor draw_move(draw *d)
{
    rml_tensor x = any(d);
    rml_shape shape = rml_graph_shape(d->g, x);
    uint32_t axis = below(d, shape.rank), from = below(d, shape.size[axis]);
    uint32_t order[RML_RANK_MAX] = {0, 1, 2, 3, 4};
    order[0] = axis;
    order[axis] = 0;
    switch (below(d, 3)) {
    case 0:
        return rml_op_slice(d->g, x, axis, from, 1 + below(d, shape.size[axis] - from));
    case 1:
        return rml_op_transpose(d->g, x, order);
    default:
        shape.size[axis] = size(d);
        return rml_op_concat(d->g, (rml_tensor[]){x, leaf(d, shape)}, 2, axis);
    }
}

static rml_tensor (*const draws[])(draw *) = {
    draw_unary,   draw_binary,    draw_linear, draw_matmul, draw_norm,
    draw_softmax, draw_attention, draw_reduce, draw_move,
};

// y and the gradients of the sum of its weighted squares.
static size_t outputs_of(draw *d, rml_tensor y, rml_tensor outputs[LEAVES + 1])
{
    static double weights[VALUES_MAX];
    rml_shape shape = rml_graph_shape(d->g, y);
    assert_true(rml_shape_count(&shape) <= VALUES_MAX);
    for (size_t i = 0; i < rml_shape_count(&shape); i++) {
        weights[i] = 2 * rml_random_f64(6, d->stream, i) - 1;
    }
    rml_tensor sum = rml_op_mul(d->g, y, rml_graph_constant(d->g, "weights", shape, weights));
    for (uint32_t axis = shape.rank; axis-- > 0;) {
        sum = rml_op_sum(d->g, sum, axis);
    }
    outputs[0] = y;
    assert_int_equal(rml_graph_gradient(d->g, sum, d->leaves, d->leaf_count, outputs + 1, NULL),
                     RML_OK);
    return d->leaf_count + 1;
}

static rml_plan *run_plan(const draw *d, const rml_tensor *outputs, size_t count,
                          rml_plan_options options)
{
    rml_plan *plan;
    assert_int_equal(rml_plan_make(d->g, outputs, count, d->stream, &options, &plan, NULL), RML_OK);
    rml_plan_run(plan, NULL);
    return plan;
}

static void compare(const draw *d, size_t kind, const rml_tensor *outputs, size_t count)
{
    rml_plan *exact = run_plan(d, outputs, count, (rml_plan_options){.precision = RML_F64});
    rml_plan *plan = run_plan(d, outputs, count, (rml_plan_options){0});
    rml_plan *scalar = run_plan(d, outputs, count, (rml_plan_options){.scalar = true});
    for (size_t o = 0; o < count; o++) {
        rml_shape shape = rml_graph_shape(d->g, outputs[o]);
        size_t values = rml_shape_count(&shape);
        const double *want = plan_data(exact, outputs[o]);
        const float *got = plan_data(plan, outputs[o]);
        double scale = o > 0 ? 10 : 1; // a gradient may be a sum of many terms of both signs
        for (size_t i = 0; i < values; i++) {
            scale = fmax(scale, fabs(want[i]));
        }
        for (size_t i = 0; i < values; i++) {
            if (!(fabs((double)got[i] - want[i]) <= 2e-5 * scale)) {
                fail_msg("shape %zu, kind %zu, output %zu, element %zu: %.9g, reference %.9g",
                         (size_t)d->stream, kind, o, i, (double)got[i], want[i]);
            }
        }
        if (memcmp(got, plan_data(scalar, outputs[o]), values * sizeof *got) != 0) {
            fail_msg("shape %zu, kind %zu, output %zu: other bits than the scalar kernels",
                     (size_t)d->stream, kind, o);
        }
    }
    rml_plan_free(exact);
    rml_plan_free(plan);
    rml_plan_free(scalar);
}

static void test_random_shapes(void **state)
{
    (void)state;
    // Kinds follow from i, so steps of FEWER meet all of the nine.
    for (size_t i = 0; i < SHAPES; i += FEWER) {
        draw d = {.stream = i};
        rml_tensor outputs[LEAVES + 1];
        size_t kind = i % (sizeof draws / sizeof *draws);
        assert_int_equal(rml_graph_make(&d.g, NULL), RML_OK);
        rml_tensor y = draws[kind](&d);
        rml_error err = {0};
        if (rml_graph_status(d.g, &err) != RML_OK) {
            fail_msg("shape %zu, kind %zu: %s", i, kind, err.what);
        }
        size_t count = outputs_of(&d, y, outputs);
        compare(&d, kind, outputs, count);
        rml_graph_free(d.g);
    }
}

static void test_zero_is_refused(void **state)
{
    (void)state;
    for (uint32_t axis = 0; axis < 3; axis++) {
        rml_graph *g;
        rml_shape shape = {3, {4, 5, 6}};
        shape.size[axis] = 0;
        rml_error err = {0};
        assert_int_equal(rml_graph_make(&g, NULL), RML_OK);
        rml_tensor x = rml_graph_input(g, "x", shape);
        assert_true(x < 0 && rml_op_gelu(g, x) < 0);
        assert_int_not_equal(rml_graph_status(g, &err), RML_OK);
        assert_non_null(strstr(err.what, "expected"));
        rml_graph_free(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_shapes),
        cmocka_unit_test(test_zero_is_refused),
    };
    return cmocka_run_group_tests_name("graph shapes", tests, NULL, NULL);
}
