// Protects: every row of the table of ops. For each case: the gradient in float64 against central
// differences, float32 kernels against the float64 reference, and the same bits from every
// instruction set and number of threads. A row that no case reaches fails the last test.
#include "roadmill/graph.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "graph/inside.h"
#include "op.h"
#include "ops/rows.h"
#include "roadmill/base/random.h"
#include "roadmill/math.h"

#define LEAVES_MAX 6
#define OUTPUTS_MAX (LEAVES_MAX + 2)

// A graph in the making: leaves are parameters, so that gradients flow to them.
typedef struct bench {
    rml_graph *g;
    rml_tensor leaves[LEAVES_MAX];
    size_t leaf_count;
} bench;

static rml_tensor leaf(bench *b, rml_shape shape)
{
    static const char *const names[LEAVES_MAX] = {"a", "b", "c", "d", "e", "f"};
    rml_tensor t = rml_graph_parameter(b->g, names[b->leaf_count], shape, RML_INIT_NORMAL, 1.0);
    b->leaves[b->leaf_count++] = t;
    return t;
}

#define SHAPE(...)                                                                                 \
    (rml_shape)                                                                                    \
    {                                                                                              \
        sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t),                                      \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

// Positive and away from zero.
static rml_tensor positive(bench *b, rml_tensor x)
{
    double half = 0.5;
    rml_tensor low = rml_graph_constant(b->g, "", (rml_shape){0}, &half);
    return rml_op_add(b->g, rml_op_abs(b->g, x), low);
}

static rml_tensor mask_of(bench *b, rml_shape shape)
{
    static double keep[4096];
    for (size_t i = 0; i < rml_shape_count(&shape); i++) {
        keep[i] = rml_random_f64(9, 9, i) < 0.7;
    }
    for (size_t i = 0; i < shape.size[shape.rank - 1]; i++) {
        keep[i] = 0.0; // a row that keeps nothing
    }
    return rml_graph_constant(b->g, "mask", shape, keep);
}

#define A leaf(b, SHAPE(5, 7, 19))
#define UNARY(name)                                                                                \
    static rml_tensor case_##name(bench *b)                                                        \
    {                                                                                              \
        return rml_op_##name(b->g, A);                                                             \
    }
UNARY(neg)
UNARY(exp)
UNARY(abs)
UNARY(tanh)
UNARY(gelu)
UNARY(relu)

static rml_tensor case_log(bench *b)
{
    return rml_op_log(b->g, positive(b, A));
}
static rml_tensor case_sqrt(bench *b)
{
    return rml_op_sqrt(b->g, positive(b, A));
}
static rml_tensor case_scale(bench *b)
{
    return rml_op_scale(b->g, A, -1.7);
}
static rml_tensor case_quantize(bench *b)
{
    // Beside x, so that differences see a gradient: none flows through the steps.
    rml_tensor x = A;
    rml_tensor steps = rml_op_quantize(b->g, rml_op_stop_gradient(b->g, x), 0.013, 100);
    return rml_op_add(b->g, x, steps);
}
static rml_tensor case_add(bench *b)
{
    return rml_op_add(b->g, A, leaf(b, SHAPE(5, 7, 19)));
}
static rml_tensor case_add_bias(bench *b)
{
    return rml_op_add(b->g, leaf(b, SHAPE(9, 3, 37)), leaf(b, SHAPE(37)));
}
static rml_tensor case_sub_middle(bench *b)
{
    return rml_op_sub(b->g, leaf(b, SHAPE(9, 6, 5, 2)), leaf(b, SHAPE(9, 1, 5, 2)));
}
static rml_tensor case_mul_columns(bench *b)
{
    return rml_op_mul(b->g, leaf(b, SHAPE(9, 3, 1)), leaf(b, SHAPE(3, 33)));
}
static rml_tensor case_div_scalar(bench *b)
{
    rml_tensor x = leaf(b, SHAPE(6, 50));
    return rml_op_div(b->g, x, positive(b, leaf(b, (rml_shape){0})));
}
static rml_tensor case_div_long(bench *b)
{
    return rml_op_div(b->g, leaf(b, SHAPE(3, 20011)), positive(b, leaf(b, SHAPE(20011))));
}
static rml_tensor case_square(bench *b)
{
    rml_tensor x = A;
    return rml_op_mul(b->g, x, x);
}
static rml_tensor case_matmul(bench *b)
{
    return rml_op_matmul(b->g, leaf(b, SHAPE(9, 3, 13)), leaf(b, SHAPE(13, 45)), false);
}
static rml_tensor case_matmul_transposed(bench *b)
{
    return rml_op_matmul(b->g, leaf(b, SHAPE(9, 3, 33)), leaf(b, SHAPE(7, 33)), true);
}
static rml_tensor case_matmul_batch(bench *b)
{
    return rml_op_matmul(b->g, leaf(b, SHAPE(3, 2, 17, 13)), leaf(b, SHAPE(3, 2, 13, 35)), false);
}
static rml_tensor case_matmul_batch_transposed(bench *b)
{
    return rml_op_matmul(b->g, leaf(b, SHAPE(5, 17, 13)), leaf(b, SHAPE(5, 6, 13)), true);
}
static rml_tensor case_linear(bench *b)
{
    return rml_op_linear(b->g, leaf(b, SHAPE(9, 31, 20)), leaf(b, SHAPE(101, 20)),
                         leaf(b, SHAPE(101)));
}
static rml_tensor case_linear_large(bench *b)
{
    return rml_op_linear(b->g, leaf(b, SHAPE(11, 64, 40)), leaf(b, SHAPE(200, 40)), -1);
}
// Depths, rows and columns of more than one block and tile.
static rml_tensor case_linear_blocks(bench *b)
{
    return rml_op_linear(b->g, leaf(b, SHAPE(3, 93, 261)), leaf(b, SHAPE(135, 261)),
                         leaf(b, SHAPE(135)));
}
// So many leaves that several join in a tile.
static rml_tensor case_linear_groups(bench *b)
{
    return rml_op_linear(b->g, leaf(b, SHAPE(243, 3, 20)), leaf(b, SHAPE(10, 20)), -1);
}
static rml_tensor case_linear_row(bench *b)
{
    return rml_op_linear(b->g, leaf(b, SHAPE(20)), leaf(b, SHAPE(5, 20)), leaf(b, SHAPE(5)));
}
static rml_tensor case_layer_norm(bench *b)
{
    return rml_op_layer_norm(b->g, leaf(b, SHAPE(9, 3, 37)), leaf(b, SHAPE(37)), leaf(b, SHAPE(37)),
                             1e-5);
}
static rml_tensor case_layer_norm_row(bench *b)
{
    return rml_op_layer_norm(b->g, leaf(b, SHAPE(21)), leaf(b, SHAPE(21)), leaf(b, SHAPE(21)),
                             1e-5);
}
static rml_tensor case_softmax(bench *b)
{
    return rml_op_softmax(b->g, leaf(b, SHAPE(9, 3, 37)), -1);
}
static rml_tensor case_softmax_masked(bench *b)
{
    return rml_op_softmax(b->g, leaf(b, SHAPE(9, 3, 37)), mask_of(b, SHAPE(9, 1, 37)));
}
static rml_tensor case_log_softmax(bench *b)
{
    return rml_op_log_softmax(b->g, leaf(b, SHAPE(9, 3, 6)));
}
static rml_tensor case_attention(bench *b)
{
    rml_shape shape = SHAPE(3, 37, 36);
    rml_tensor q = leaf(b, shape), k = leaf(b, shape), v = leaf(b, shape);
    return rml_op_attention(b->g, q, k, v, mask_of(b, SHAPE(3, 37)), 4);
}
// A bias of pairs and keys of each query's own; one that has none.
static rml_tensor case_attention_pairs(bench *b)
{
    rml_shape shape = SHAPE(3, 21, 36);
    rml_tensor q = leaf(b, shape), k = leaf(b, shape), v = leaf(b, shape);
    static double features[3 * 5 * 21 * 21];
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        features[i] = rml_random_normal(11, 11, i);
    }
    rml_tensor pairs = rml_graph_constant(b->g, "pairs", SHAPE(3, 5, 21, 21), features);
    return rml_op_attention_pairs(b->g, q, k, v, mask_of(b, SHAPE(3, 21, 21)), pairs,
                                  leaf(b, SHAPE(4, 5)), 4);
}
static rml_tensor case_nearest(bench *b)
{
    // Beside x, so that differences see a gradient: none flows through the choice.
    rml_tensor x = leaf(b, SHAPE(5, 70, 37));
    return rml_op_add(b->g, x, rml_op_nearest(b->g, rml_op_stop_gradient(b->g, x), 5));
}
static rml_tensor case_attention_wide(bench *b)
{
    rml_shape shape = SHAPE(2, 5, 80);
    rml_tensor q = leaf(b, shape), k = leaf(b, shape), v = leaf(b, shape);
    return rml_op_attention(b->g, q, k, v, -1, 2);
}
static rml_tensor case_sum(bench *b)
{
    return rml_op_sum(b->g, A, 1);
}
static rml_tensor case_sum_last(bench *b)
{
    return rml_op_sum(b->g, A, 2);
}
static rml_tensor case_sum_batch(bench *b)
{
    return rml_op_sum(b->g, leaf(b, SHAPE(21, 3, 19)), 0);
}
static rml_tensor case_mean(bench *b)
{
    return rml_op_mean(b->g, leaf(b, SHAPE(9)), 0);
}
static rml_tensor case_max(bench *b)
{
    return rml_op_max(b->g, A, 1);
}
static rml_tensor case_max_last(bench *b)
{
    return rml_op_max(b->g, A, 2);
}
static rml_tensor case_reshape(bench *b)
{
    return rml_op_reshape(b->g, A, SHAPE(35, 19));
}
static rml_tensor case_transpose(bench *b)
{
    const uint32_t order[RML_RANK_MAX] = {2, 0, 3, 1};
    return rml_op_transpose(b->g, leaf(b, SHAPE(4, 3, 5, 7)), order);
}
static rml_tensor case_slice(bench *b)
{
    return rml_op_slice(b->g, A, 1, 2, 3);
}
static rml_tensor case_slice_view(bench *b)
{
    rml_tensor part = rml_op_slice(b->g, rml_op_exp(b->g, A), 0, 1, 3);
    return rml_op_mul(b->g, part, part);
}
static rml_tensor case_place(bench *b)
{
    return rml_graph_append(b->g, &rml_row_place, (rml_tensor[]){A}, 1, (double[]){1, 2, 11}, 3);
}
static rml_tensor case_concat(bench *b)
{
    rml_tensor parts[3] = {A, leaf(b, SHAPE(5, 2, 19)), leaf(b, SHAPE(5, 1, 19))};
    return rml_op_concat(b->g, parts, 3, 1);
}
static rml_tensor case_broadcast(bench *b)
{
    return rml_graph_broadcast(b->g, leaf(b, SHAPE(3, 1, 7)), SHAPE(9, 3, 5, 7));
}
static rml_tensor case_pick(bench *b)
{
    rml_tensor x = leaf(b, SHAPE(9, 11, 6, 5, 2));
    rml_tensor distance = rml_op_sum(b->g, rml_op_sum(b->g, rml_op_abs(b->g, x), 4), 3);
    return rml_op_pick(b->g, x, rml_op_argmin(b->g, distance), 2);
}
static rml_tensor case_stop_gradient(bench *b)
{
    rml_tensor x = A; // the stopped factor is a constant for differences too: see frozen
    return rml_op_add(b->g, x, rml_op_scale(b->g, rml_op_stop_gradient(b->g, x), 0.0));
}
// Values that are read again after ops which could have taken their place.
static rml_tensor case_shared(bench *b)
{
    rml_tensor x = rml_op_exp(b->g, A), y = rml_op_neg(b->g, x);
    rml_tensor z = rml_op_mul(b->g, y, rml_op_tanh(b->g, x));
    return rml_op_add(b->g, rml_op_add(b->g, z, x), rml_op_mul(b->g, z, y));
}

static const struct {
    const char *name;
    rml_tensor (*build)(bench *b);
} cases[] = {
#define CASE(name)                                                                                 \
    {                                                                                              \
#name, case_##name                                                                         \
    }
    CASE(neg),
    CASE(exp),
    CASE(abs),
    CASE(tanh),
    CASE(gelu),
    CASE(relu),
    CASE(log),
    CASE(sqrt),
    CASE(scale),
    CASE(quantize),
    CASE(add),
    CASE(add_bias),
    CASE(sub_middle),
    CASE(mul_columns),
    CASE(div_scalar),
    CASE(div_long),
    CASE(square),
    CASE(matmul),
    CASE(matmul_transposed),
    CASE(matmul_batch),
    CASE(matmul_batch_transposed),
    CASE(linear),
    CASE(linear_large),
    CASE(linear_blocks),
    CASE(linear_groups),
    CASE(linear_row),
    CASE(layer_norm),
    CASE(layer_norm_row),
    CASE(softmax),
    CASE(softmax_masked),
    CASE(log_softmax),
    CASE(attention),
    CASE(attention_pairs),
    CASE(attention_wide),
    CASE(sum),
    CASE(sum_last),
    CASE(sum_batch),
    CASE(mean),
    CASE(max),
    CASE(max_last),
    CASE(reshape),
    CASE(transpose),
    CASE(slice),
    CASE(slice_view),
    CASE(place),
    CASE(concat),
    CASE(broadcast),
    CASE(nearest),
    CASE(pick),
    CASE(stop_gradient),
    CASE(shared),
};
#define CASE_COUNT (sizeof cases / sizeof *cases)

// outputs: y, the weighted sum of y, the gradient of each leaf.
static size_t build_case(size_t index, bench *b, rml_tensor outputs[OUTPUTS_MAX])
{
    *b = (bench){0};
    assert_int_equal(rml_graph_make(&b->g, NULL), RML_OK);
    rml_tensor y = cases[index].build(b), sum = y;
    rml_shape shape = rml_graph_shape(b->g, y);
    static double weights[150000];
    for (size_t i = 0; i < rml_shape_count(&shape); i++) {
        weights[i] = 2 * rml_random_f64(3, index, i) - 1;
    }
    sum = rml_op_mul(b->g, sum, rml_graph_constant(b->g, "weights", shape, weights));
    for (uint32_t axis = shape.rank; axis-- > 0;) {
        sum = rml_op_sum(b->g, sum, axis);
    }
    rml_error err = {0};
    outputs[0] = y;
    outputs[1] = sum;
    rml_status st = rml_graph_gradient(b->g, sum, b->leaves, b->leaf_count, outputs + 2, &err);
    if (st != RML_OK) {
        print_error("%s: %s\n", cases[index].name, err.what);
    }
    assert_int_equal(st, RML_OK);
    return 2 + b->leaf_count;
}

static rml_plan *plan_of(const bench *b, const rml_tensor *outputs, size_t count,
                         rml_plan_options options)
{
    rml_plan *plan;
    assert_int_equal(rml_plan_make(b->g, outputs, count, 7, &options, &plan, NULL), RML_OK);
    return plan;
}

static void check_differences(const char *name, const bench *b, const rml_tensor *outputs)
{
    rml_plan *plan =
        plan_of(b, outputs, 2 + b->leaf_count, (rml_plan_options){.precision = RML_F64});
    rml_plan *probe = plan_of(b, outputs, 2, (rml_plan_options){.precision = RML_F64});
    rml_plan_run(plan, NULL);
    for (size_t l = 0; l < b->leaf_count; l++) {
        rml_shape shape = rml_graph_shape(b->g, b->leaves[l]);
        size_t count = rml_shape_count(&shape), step = count / 40 + 1;
        double *x = plan_data(probe, b->leaves[l]);
        const double *gradient = plan_data(plan, outputs[2 + l]);
        double *scalar = plan_data(probe, outputs[1]), scale = 1e-3;
        for (size_t i = 0; i < count; i++) {
            scale = fmax(scale, fabs(gradient[i]));
        }
        for (size_t i = 0; i < count; i += step) {
            double at = x[i], h = 1e-5;
            x[i] = at + h;
            rml_plan_run(probe, NULL);
            double high = *scalar;
            x[i] = at - h;
            rml_plan_run(probe, NULL);
            double want = (high - *scalar) / (2 * h);
            x[i] = at;
            if (!(fabs(gradient[i] - want) <= 1e-6 * scale)) {
                print_error("%s: leaf %zu element %zu: gradient %.12g, differences %.12g\n", name,
                            l, i, gradient[i], want);
                fail();
            }
        }
    }
    rml_plan_free(plan);
    rml_plan_free(probe);
}

static void test_gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        bench b;
        rml_tensor outputs[OUTPUTS_MAX];
        build_case(i, &b, outputs);
        check_differences(cases[i].name, &b, outputs);
        rml_graph_free(b.g);
    }
}

static void test_kernels_follow_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        bench b;
        rml_tensor outputs[OUTPUTS_MAX];
        size_t count = build_case(i, &b, outputs);
        rml_plan *exact = plan_of(&b, outputs, count, (rml_plan_options){.precision = RML_F64});
        rml_plan *plan = plan_of(&b, outputs, count, (rml_plan_options){0});
        rml_plan_run(exact, NULL);
        rml_plan_run(plan, NULL);
        rml_plan_run(plan, NULL); // again: nothing of the first run is left
        for (size_t o = 0; o < count; o++) {
            rml_shape shape = rml_graph_shape(b.g, outputs[o]);
            const double *want = plan_data(exact, outputs[o]);
            const float *got = plan_data(plan, outputs[o]);
            double scale = 0;
            for (size_t k = 0; k < rml_shape_count(&shape); k++) {
                scale = fmax(scale, fabs(want[k]));
            }
            scale = o == 1 ? fmax(scale, 10) : scale; // the sum has many terms of both signs
            for (size_t k = 0; k < rml_shape_count(&shape); k++) {
                if (!(fabs(got[k] - want[k]) <= 1e-5 * scale + 1e-30)) {
                    print_error("%s: output %zu element %zu: %.9g, reference %.9g, scale %g\n",
                                cases[i].name, o, k, (double)got[k], want[k], scale);
                    fail();
                }
            }
        }
        rml_plan_free(exact);
        rml_plan_free(plan);
        rml_graph_free(b.g);
    }
}

static void test_same_bits(void **state)
{
    (void)state;
    rml_pool *pools[4] = {NULL};
    for (size_t t = 2; t < 4; t++) {
        assert_int_equal(rml_pool_make(t, &pools[t], NULL), RML_OK);
    }
    for (size_t i = 0; i < CASE_COUNT; i++) {
        bench b;
        rml_tensor outputs[OUTPUTS_MAX];
        size_t count = build_case(i, &b, outputs);
        rml_plan *scalar = plan_of(&b, outputs, count, (rml_plan_options){.scalar = true});
        rml_plan_run(scalar, NULL);
        static const unsigned features[] = {RML_CPU_AVX2, RML_CPU_AVX2 | RML_CPU_AVX512};
        for (size_t f = 0; f < 2; f++) {
            rml_plan *plan = plan_of(&b, outputs, count, (rml_plan_options){.cpu = features[f]});
            for (size_t threads = 1; threads < 4; threads++) {
                rml_plan_run(plan, pools[threads]);
                for (size_t o = 0; o < count; o++) {
                    rml_shape shape = rml_graph_shape(b.g, outputs[o]);
                    if (memcmp(plan_data(plan, outputs[o]), plan_data(scalar, outputs[o]),
                               rml_shape_count(&shape) * sizeof(float)) != 0) {
                        print_error(
                            "%s: output %zu differs from scalar: features %u, %zu threads\n",
                            cases[i].name, o, features[f], threads);
                        fail();
                    }
                }
            }
            rml_plan_free(plan);
        }
        rml_plan_free(scalar);
        rml_graph_free(b.g);
    }
    rml_pool_free(pools[2]);
    rml_pool_free(pools[3]);
}

static void test_every_row_has_a_case(void **state)
{
    (void)state;
    bool reached[256] = {false};
    for (size_t i = 0; i < CASE_COUNT; i++) {
        bench b;
        rml_tensor outputs[OUTPUTS_MAX];
        size_t count = build_case(i, &b, outputs);
        rml_arena arena = {0};
        rml_array nodes;
        assert_int_equal(rml_graph_nodes(b.g, outputs, count, &arena, &nodes, NULL), RML_OK);
        for (size_t n = 0; n < nodes.count; n++) {
            for (size_t op = 0; op < rml_op_count; op++) {
                reached[op] |= strcmp(rml_ops[op]->name, RML_AT(&nodes, rml_node, n)->op) == 0;
            }
        }
        rml_array_reset(&nodes);
        rml_arena_reset(&arena);
        rml_graph_free(b.g);
    }
    for (size_t op = 0; op < rml_op_count; op++) {
        if (!reached[op]) {
            print_error("op %s has no case\n", rml_ops[op]->name);
            fail();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_kernels_follow_reference),
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_every_row_has_a_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
