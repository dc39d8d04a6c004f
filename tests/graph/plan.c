// Protects: AdamW against PyTorch's numbers, in both precisions; the plan (no allocation in a step,
// the same bits as often as it runs, faults of builders told with shapes, initial values by name).
#include "roadmill/graph.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "graph/adamw_golden.h"
#include "graph/inside.h"
#include "roadmill/math.h"

static const double start[7] = {0.5, -1.25, 2.0, 1.0, -0.75, 0.125, 3.0};

// Two parameters and, as the gradients of a sum of quadratics, p * (2 + k) - 0.3 step.
typedef struct toy {
    rml_graph *g;
    rml_tensor parameters[2], gradients[2], step;
} toy;

static void toy_make(toy *t)
{
    assert_int_equal(rml_graph_make(&t->g, NULL), RML_OK);
    rml_graph *g = t->g;
    t->parameters[0] = rml_graph_parameter(g, "p", (rml_shape){1, {3}}, RML_INIT_ZERO, 0);
    t->parameters[1] = rml_graph_parameter(g, "q", (rml_shape){2, {2, 2}}, RML_INIT_ZERO, 0);
    t->step = rml_graph_input(g, "step", (rml_shape){0});
    rml_tensor loss = -1;
    for (int k = 0; k < 2; k++) {
        rml_tensor p = t->parameters[k];
        rml_tensor square = rml_op_scale(g, rml_op_mul(g, p, p), 0.5 * (2.0 + k));
        rml_tensor all = rml_op_sub(g, square, rml_op_mul(g, p, rml_op_scale(g, t->step, 0.3)));
        all = k == 1 ? rml_op_sum(g, all, 1) : all;
        all = rml_op_sum(g, all, 0);
        loss = k == 0 ? all : rml_op_add(g, loss, all);
    }
    assert_int_equal(rml_graph_gradient(g, loss, t->parameters, 2, t->gradients, NULL), RML_OK);
}

static double element(rml_plan *plan, bool f64, const toy *t, size_t i)
{
    void *data = plan_data(plan, t->parameters[i >= 3]);
    size_t at = i >= 3 ? i - 3 : i;
    return f64 ? ((double *)data)[at] : (double)((float *)data)[at];
}

static void set(void *data, bool f64, size_t i, double value)
{
    if (f64) {
        ((double *)data)[i] = value;
    } else {
        ((float *)data)[i] = (float)value;
    }
}

static void check_adamw(bool f64, double clip, const double golden[10][8], double tolerance)
{
    toy t;
    rml_plan *plan;
    toy_make(&t);
    rml_plan_options options = {.precision = f64 ? RML_F64 : RML_F32};
    assert_int_equal(rml_plan_make(t.g, t.gradients, 2, 1, &options, &plan, NULL), RML_OK);
    for (size_t i = 0; i < 7; i++) {
        set(plan_data(plan, t.parameters[i >= 3]), f64, i >= 3 ? i - 3 : i, start[i]);
    }
    for (uint64_t step = 1; step <= 10; step++) {
        set(plan_data(plan, t.step), f64, 0, (double)step);
        rml_plan_run(plan, NULL);
        rml_adamw o = {0.01, 0.9, 0.99, 1e-8, 0.1, clip, step};
        double norm = rml_plan_adamw(plan, t.parameters, t.gradients, 2, &o, NULL);
        const double *want = golden[step - 1];
        assert_true(fabs(norm - want[0]) <= tolerance * want[0]);
        for (size_t i = 0; i < 7; i++) {
            assert_true(fabs(element(plan, f64, &t, i) - want[1 + i]) <= tolerance);
        }
    }
    const void *first = plan->moment[0][t.parameters[0]];
    const void *second = plan->moment[1][t.parameters[0]];
    assert_non_null(first);
    assert_true(second != first);
    rml_plan_free(plan);
    rml_graph_free(t.g);
}

static void test_adamw(void **state)
{
    (void)state;
    check_adamw(true, 0, adamw_golden, 1e-12);
    check_adamw(true, 1.5, adamw_clipped_golden, 1e-12);
    check_adamw(false, 0, adamw_golden, 5e-6);
    check_adamw(false, 1.5, adamw_clipped_golden, 5e-6);
}

// Odd sizes over more than one block of the norm: every thread count and variant, the same bits.
static void test_adamw_bits(void **state)
{
    (void)state;
    enum { COUNT = 9001 };
    static float reference[COUNT];
    for (int round = 0; round < 4; round++) {
        rml_graph *g;
        rml_plan *plan;
        rml_pool *pool = NULL;
        assert_int_equal(rml_graph_make(&g, NULL), RML_OK);
        rml_shape shape = {1, {COUNT}};
        rml_tensor p = rml_graph_parameter(g, "p", shape, RML_INIT_NORMAL, 1), gradient;
        rml_tensor loss = rml_op_sum(g, rml_op_mul(g, p, p), 0);
        assert_int_equal(rml_graph_gradient(g, loss, &p, 1, &gradient, NULL), RML_OK);
        rml_plan_options options = {.scalar = round == 0, .cpu = round == 1 ? RML_CPU_AVX2 : 0};
        assert_int_equal(rml_plan_make(g, &gradient, 1, 3, &options, &plan, NULL), RML_OK);
        if (round > 1) {
            assert_int_equal(rml_pool_make((size_t)round, &pool, NULL), RML_OK);
        }
        uint64_t allocations = rml_heap_count();
        for (uint64_t step = 1; step <= 3; step++) {
            rml_plan_run(plan, pool);
            rml_adamw o = {0.01, 0.9, 0.999, 1e-8, 0.01, 1, step};
            rml_plan_adamw(plan, &p, &gradient, 1, &o, pool);
        }
        assert_int_equal(rml_heap_count(), allocations);
        if (round == 0) {
            memcpy(reference, plan_data(plan, p), sizeof reference);
        }
        assert_memory_equal(reference, plan_data(plan, p), sizeof reference);
        rml_plan_free(plan);
        rml_pool_free(pool);
        rml_graph_free(g);
    }
}

// log(x) * p: the first op that is not finite is named, and a step on such a gradient changes
// neither parameter nor moments.
static void test_not_finite(void **state)
{
    (void)state;
    const struct {
        float x, p;
        const char *op;
    } cases[] = {{1.5f, 2, NULL}, {-1, 2, "log"}, {0, 2, "log"}, {3, INFINITY, "mul"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rml_graph *g;
        rml_plan *plan;
        assert_int_equal(rml_graph_make(&g, NULL), RML_OK);
        rml_shape one = {1, {1}};
        rml_tensor x = rml_graph_input(g, "x", one), gradient;
        rml_tensor p = rml_graph_parameter(g, "p", one, RML_INIT_ZERO, 0);
        rml_tensor loss = rml_op_sum(g, rml_op_mul(g, rml_op_log(g, x), p), 0);
        assert_int_equal(rml_graph_gradient(g, loss, &p, 1, &gradient, NULL), RML_OK);
        const rml_tensor outputs[] = {loss, gradient};
        assert_int_equal(rml_plan_make(g, outputs, 2, 0, &(rml_plan_options){0}, &plan, NULL),
                         RML_OK);
        float *parameter = plan_data(plan, p);
        *(float *)plan_data(plan, x) = cases[i].x;
        *parameter = cases[i].p;
        const char *op = rml_plan_first_not_finite(plan);
        assert_true(op == cases[i].op || (op && cases[i].op && strcmp(op, cases[i].op) == 0));
        rml_plan_run(plan, NULL);
        rml_adamw o = {0.01, 0.9, 0.999, 1e-8, 0.01, 1, 1};
        bool sound = isfinite(rml_plan_adamw(plan, &p, &gradient, 1, &o, NULL));
        const float *first = plan->moment[0][p], *second = plan->moment[1][p];
        assert_int_equal(sound, cases[i].x > 0);
        assert_int_equal(*first != 0 && *second != 0, sound);
        assert_true(sound || *parameter == cases[i].p);
        rml_plan_free(plan);
        rml_graph_free(g);
    }
}

// A frozen plan gives the same bits, and keeps what it packed until it is frozen again.
static void test_frozen(void **state)
{
    (void)state;
    rml_graph *g;
    rml_plan *plan;
    assert_int_equal(rml_graph_make(&g, NULL), RML_OK);
    rml_tensor x = rml_graph_input(g, "x", (rml_shape){2, {5, 40}});
    rml_tensor w = rml_graph_parameter(g, "w", (rml_shape){2, {33, 40}}, RML_INIT_NORMAL, 1);
    rml_tensor v = rml_graph_parameter(g, "v", (rml_shape){2, {33, 7}}, RML_INIT_NORMAL, 1);
    rml_tensor y = rml_op_matmul(g, rml_op_linear(g, x, w, -1), v, false);
    assert_int_equal(rml_plan_make(g, &y, 1, 1, NULL, &plan, NULL), RML_OK);
    for (size_t i = 0; i < 200; i++) {
        ((float *)plan_data(plan, x))[i] = (float)i * 0.01f - 1;
    }
    float first[35], changed[35];
    const float *out = plan_data(plan, y);
    size_t bytes = rml_plan_bytes(plan);
    rml_plan_run(plan, NULL);
    memcpy(first, out, sizeof first);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(rml_plan_freeze(plan, NULL, NULL), RML_OK);
        rml_plan_run(plan, NULL);
        assert_memory_equal(out, first, sizeof first);
    }
    assert_true(rml_plan_bytes(plan) > bytes);
    ((float *)plan_data(plan, v))[3] += 1;
    rml_plan_run(plan, NULL);
    assert_memory_equal(out, first, sizeof first);
    assert_int_equal(rml_plan_freeze(plan, NULL, NULL), RML_OK);
    rml_plan_run(plan, NULL);
    memcpy(changed, out, sizeof changed);
    assert_memory_not_equal(changed, first, sizeof first);
    rml_plan_free(plan);
    rml_graph_free(g);
}

static void test_faults(void **state)
{
    (void)state;
    rml_graph *g;
    rml_error err = {0};
    assert_int_equal(rml_graph_make(&g, NULL), RML_OK);
    rml_tensor a = rml_graph_input(g, "a", (rml_shape){2, {3, 4}});
    rml_tensor b = rml_graph_input(g, "b", (rml_shape){2, {5, 6}});
    assert_int_equal(rml_graph_status(g, &err), RML_OK);
    assert_int_equal(rml_op_add(g, a, b), -1);
    assert_int_equal(rml_op_exp(g, a), -1); // the first fault sticks
    assert_int_equal(rml_graph_status(g, &err), RML_ERR_ARGUMENT);
    assert_string_equal(err.what, "op add: expected shapes that broadcast, found 3x4, 5x6");
    rml_plan *plan;
    assert_int_equal(rml_plan_make(g, &a, 1, 1, NULL, &plan, NULL), RML_ERR_ARGUMENT);
    rml_graph_free(g);

    assert_int_equal(rml_graph_make(&g, NULL), RML_OK);
    rml_graph_input(g, "a", (rml_shape){1, {3}});
    assert_int_equal(rml_graph_input(g, "a", (rml_shape){1, {3}}), -1);
    assert_int_equal(rml_graph_status(g, &err), RML_ERR_ARGUMENT);
    rml_graph_free(g);

    assert_int_equal(rml_graph_make(&g, NULL), RML_OK);
    assert_int_equal(rml_graph_input(g, "big", (rml_shape){3, {65536, 65536, 65536}}), -1);
    rml_graph_free(g);
}

static void test_initial_values(void **state)
{
    (void)state;
    float first[2][8];
    for (int order = 0; order < 2; order++) {
        rml_graph *g;
        rml_plan *plan;
        assert_int_equal(rml_graph_make(&g, NULL), RML_OK);
        const char *names[2] = {order ? "b" : "a", order ? "a" : "b"};
        for (int i = 0; i < 2; i++) {
            rml_graph_parameter(g, names[i], (rml_shape){1, {8}}, RML_INIT_UNIFORM, 0.5);
        }
        rml_tensor a = rml_graph_find(g, "a"), b = rml_graph_find(g, "b");
        assert_int_equal(rml_plan_make(g, NULL, 0, 11, NULL, &plan, NULL), RML_OK);
        memcpy(first[order], plan_data(plan, a), sizeof first[order]);
        assert_memory_not_equal(first[order], plan_data(plan, b), sizeof first[order]);
        for (int i = 0; i < 8; i++) {
            assert_true(fabsf(first[order][i]) <= 0.5f);
        }
        rml_plan_free(plan);
        rml_graph_free(g);
    }
    assert_memory_equal(first[0], first[1], sizeof first[0]);
}

// Every instruction set's functions return the bits of math's, over all kinds of bit patterns.
static void test_functions_follow_math(void **state)
{
    (void)state;
    enum { COUNT = 500000 };
    static const struct {
        rml_tensor (*op)(rml_graph *, rml_tensor);
        float (*math)(float);
    } functions[] = {
        {rml_op_exp, rml_f32_exp}, {rml_op_log, rml_f32_log}, {rml_op_tanh, rml_f32_tanh}};
    static const unsigned features[] = {0, RML_CPU_AVX2, RML_CPU_AVX2 | RML_CPU_AVX512};
    for (size_t f = 0; f < 9; f++) {
        rml_graph *g;
        rml_plan *plan;
        assert_int_equal(rml_graph_make(&g, NULL), RML_OK);
        rml_tensor x = rml_graph_input(g, "x", (rml_shape){1, {COUNT}});
        rml_tensor y = functions[f / 3].op(g, x);
        rml_plan_options options = {.cpu = features[f % 3], .scalar = f % 3 == 0};
        assert_int_equal(rml_plan_make(g, &y, 1, 1, &options, &plan, NULL), RML_OK);
        float *in = plan_data(plan, x);
        for (uint32_t i = 0; i < COUNT; i++) {
            uint32_t bits = i * 8589u; // through the whole range of patterns
            memcpy(&in[i], &bits, sizeof bits);
        }
        rml_plan_run(plan, NULL);
        const float *out = plan_data(plan, y);
        for (uint32_t i = 0; i < COUNT; i++) {
            float want = functions[f / 3].math(in[i]);
            assert_true(memcmp(&want, &out[i], sizeof want) == 0 || (isnan(want) && isnan(out[i])));
        }
        rml_plan_free(plan);
        rml_graph_free(g);
    }
}

// What a plan says of an op: twice its multiply-adds, its bytes once each; times once it ran.
static void test_rows(void **state)
{
    (void)state;
    rml_graph *g;
    rml_plan *plan;
    assert_int_equal(rml_graph_make(&g, NULL), RML_OK);
    rml_tensor x = rml_graph_input(g, "x", (rml_shape){2, {10, 32}});
    rml_tensor w = rml_graph_parameter(g, "w", (rml_shape){2, {48, 32}}, RML_INIT_ONE, 0);
    rml_tensor b = rml_graph_parameter(g, "b", (rml_shape){1, {48}}, RML_INIT_ONE, 0);
    rml_tensor y = rml_op_linear(g, x, w, b);
    assert_int_equal(rml_plan_make(g, &y, 1, 0, NULL, &plan, NULL), RML_OK);
    rml_plan_row rows[4];
    assert_int_equal(rml_plan_rows(plan, NULL), 1);
    assert_int_equal(rml_plan_rows(plan, rows), 1);
    assert_string_equal(rows[0].op, "linear");
    assert_int_equal(rows[0].flop, 2 * 10 * 32 * 48);
    assert_int_equal(rows[0].bytes, 4 * (10 * 32 + 48 * 32 + 48 + 10 * 48));
    assert_true(rows[0].seconds == 0);
    rml_plan_measure(plan, NULL, 3, rows);
    assert_true(rows[0].seconds > 0);
    const float *out = plan_data(plan, y);
    assert_true(out[0] == 33 && out[479] == 33);
    rml_roofline roof = rml_plan_roofline(plan);
    assert_true(roof.flop_per_s > 1e6 && roof.bytes_per_s > 1e6 && roof.kernels[0] != '\0');
    rml_plan_free(plan);
    rml_graph_free(g);
}

// Graphs whose steps are joined, or must not be because others still read what is between: a
// product read by an addition and by the gradient of a GELU whose own value nobody wants; one with
// two gradients of its GELU; a product whose gradient goes through a GELU, by one way and by two.
static void joined_graph(rml_graph *g, int kind, rml_tensor *w, rml_tensor *first,
                         rml_tensor *other)
{
    rml_shape square = {2, {19, 19}};
    rml_tensor x = rml_graph_parameter(g, "x", square, RML_INIT_NORMAL, 1);
    *w = rml_graph_parameter(g, "w", square, RML_INIT_NORMAL, 0.3);
    rml_tensor y = rml_op_linear(g, x, *w, -1), bent = rml_op_gelu(g, y);
    rml_tensor next = kind < 2 ? bent : rml_op_linear(g, bent, *w, -1);
    rml_tensor beside = kind == 0   ? rml_op_add(g, y, x)
                        : kind == 1 ? rml_op_mul(g, bent, bent)
                        : kind == 2 ? rml_op_mul(g, next, x)
                                    : rml_op_mul(g, x, *w);
    rml_tensor squares = kind == 0 ? rml_op_mul(g, beside, beside) : beside;
    *first = rml_op_sum(g, rml_op_sum(g, next, 1), 0);
    *other = rml_op_sum(g, rml_op_sum(g, squares, 1), 0);
}

static bool has_step(const rml_plan *plan, const char *op)
{
    rml_plan_row rows[64];
    size_t count = rml_plan_rows(plan, NULL);
    bool found = false;
    assert_true(count <= 64);
    rml_plan_rows(plan, rows);
    for (size_t i = 0; i < count; i++) {
        found = found || strcmp(rows[i].op, op) == 0;
    }
    return found;
}

static void test_joined_steps_leave_what_is_read(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        rml_graph *g;
        rml_plan *plan, *exact;
        rml_tensor w, sums[2], outputs[2];
        assert_int_equal(rml_graph_make(&g, NULL), RML_OK);
        joined_graph(g, kind, &w, &sums[0], &sums[1]);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(rml_graph_gradient(g, sums[i], &w, 1, &outputs[i], NULL), RML_OK);
        }
        assert_int_equal(rml_plan_make(g, outputs, 2, 3, NULL, &plan, NULL), RML_OK);
        assert_int_equal(rml_plan_make(g, outputs, 2, 3, &(rml_plan_options){.precision = RML_F64},
                                       &exact, NULL),
                         RML_OK);
        assert_int_equal(has_step(plan, "matmul+gelu_backward"), kind == 3);
        rml_plan_run(plan, NULL);
        rml_plan_run(exact, NULL);
        for (int i = 0; i < 2; i++) {
            const float *got = plan_data(plan, outputs[i]);
            const double *want = plan_data(exact, outputs[i]);
            for (size_t k = 0; k < rml_plan_elements(plan, outputs[i]); k++) {
                assert_true(fabs((double)got[k] - want[k]) <= 1e-4 * (1 + fabs(want[k])));
            }
        }
        rml_plan_free(plan);
        rml_plan_free(exact);
        rml_graph_free(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_adamw),
        cmocka_unit_test(test_adamw_bits),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_frozen),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_initial_values),
        cmocka_unit_test(test_functions_follow_math),
        cmocka_unit_test(test_joined_steps_leave_what_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
