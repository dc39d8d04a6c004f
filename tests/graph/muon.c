// Protects: Muon's step is that of torch.optim.Muon, wide and tall; its update is near orthogonal;
// the same bits at any number of threads; the other parameters are stepped by AdamW.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/inside.h"
#include "roadmill/base/random.h"
#include "roadmill/graph.h"

// A plan of one parameter; the test writes the gradient in its place.
typedef struct net {
    rml_graph *g;
    rml_plan *plan;
    rml_tensor parameter, gradient;
    rml_muon *muon;
    rml_leaves *leaves;
} net;

static void net_make(net *n, uint32_t rows, uint32_t columns, bool matrix)
{
    assert_int_equal(rml_graph_make(&n->g, NULL), RML_OK);
    rml_shape shape = {2, {rows, columns}};
    n->parameter = rml_graph_parameter(n->g, "w", shape, RML_INIT_ZERO, 0);
    rml_tensor input = rml_graph_input(n->g, "gradient", shape);
    rml_tensor product = rml_op_mul(n->g, input, n->parameter);
    rml_tensor flat = rml_op_reshape(n->g, product, (rml_shape){1, {rows * columns}});
    rml_tensor loss = rml_op_sum(n->g, rml_op_scale(n->g, flat, 2), 0);
    assert_int_equal(rml_graph_gradient(n->g, loss, &n->parameter, 1, &n->gradient, NULL), RML_OK);
    assert_int_equal(rml_plan_make(n->g, &n->gradient, 1, 0, NULL, &n->plan, NULL), RML_OK);
    assert_int_equal(rml_muon_make(n->plan, &n->parameter, &matrix, 1, 0.95, 8, &n->muon, NULL),
                     RML_OK);
    rml_leaves_setup setup = {.plan = n->plan,
                              .sums = &n->gradient,
                              .sum_count = 1,
                              .samples = 1,
                              .threads = 1,
                              .muon = n->muon};
    assert_int_equal(rml_leaves_make(&setup, &n->leaves, NULL), RML_OK);
}

static void net_free(net *n)
{
    rml_leaves_free(n->leaves);
    rml_muon_free(n->muon);
    rml_plan_free(n->plan);
    rml_graph_free(n->g);
}

static void step(net *n, const float *gradient, size_t count, uint64_t number, rml_pool *pool)
{
    rml_adamw options = {.learning_rate = 0.02,
                         .beta1 = 0.9,
                         .beta2 = 0.999,
                         .epsilon = 1e-8,
                         .weight_decay = 0.1,
                         .step = number};
    double norm;
    memcpy(plan_data(n->plan, n->gradient), gradient, count * sizeof *gradient);
    assert_int_equal(rml_leaves_adamw(n->leaves, &n->parameter, 1, &options, pool, &norm, NULL),
                     RML_OK);
}

// torch.optim.Muon of PyTorch 2.15 (lr 0.02, weight_decay 0.1, momentum 0.95, Nesterov,
// match_rms_adamw), whose products are bfloat16: 2^-8 relative to the largest update.
static void test_as_pytorch(void **state)
{
    (void)state;
    static const struct {
        uint32_t rows, columns;
        double after[15];
    } cases[] = {
        {3,
         5,
         {-0.28163, -0.1985, -0.10788, -0.00874, 0.09974, 0.19572, 0.30499, -0.29555, -0.20877,
          -0.09282, -0.002, 0.11192, 0.19712, 0.29165, -0.30426}},
        {6,
         2,
         {-0.28612, -0.19678, -0.10559, -0.00858, 0.10228, 0.19826, 0.31017, -0.29067, -0.20429,
          -0.09362, 0.00354, 0.11328}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        net n;
        net_make(&n, cases[c].rows, cases[c].columns, true);
        size_t count = (size_t)cases[c].rows * cases[c].columns;
        float *w = plan_data(n.plan, n.parameter), gradient[15];
        for (size_t i = 0; i < count; i++) {
            w[i] = 0.1f * (float)((int)(i % 7) - 3);
        }
        for (uint64_t s = 0; s < 3; s++) {
            for (size_t i = 0; i < count; i++) {
                gradient[i] = 0.01f * (float)((int)((i * 5 + s * 3) % 11) - 5);
            }
            step(&n, gradient, count, s + 1, NULL);
        }
        for (size_t i = 0; i < count; i++) {
            assert_true(fabs((double)w[i] - cases[c].after[i]) < 3e-4);
        }
        net_free(&n);
    }
}

// One step from nothing, without decay: rows times rows of the update are near the unit matrix,
// within what Newton-Schulz leaves of the singular values (0.68 to 1.13).
static void test_orthogonal_at_any_threads(void **state)
{
    (void)state;
    enum { ROWS = 24, COLUMNS = 40 };
    float gradient[ROWS * COLUMNS], first[ROWS * COLUMNS];
    for (size_t i = 0; i < ROWS * COLUMNS; i++) {
        gradient[i] = (float)rml_random_f64(1, 2, i) - 0.5f;
    }
    for (size_t threads = 1; threads <= 4; threads++) {
        net n;
        rml_pool *pool;
        assert_int_equal(rml_pool_make(threads, &pool, NULL), RML_OK);
        net_make(&n, ROWS, COLUMNS, true);
        float *w = plan_data(n.plan, n.parameter);
        memset(w, 0, sizeof gradient);
        step(&n, gradient, ROWS * COLUMNS, 1, pool);
        if (threads == 1) {
            memcpy(first, w, sizeof first);
        }
        assert_memory_equal(first, w, sizeof first);
        double size = 0.02 * 0.2 * sqrt(COLUMNS);
        for (size_t a = 0; a < ROWS; a++) {
            double norm = 0;
            for (size_t k = 0; k < COLUMNS; k++) {
                norm += pow((double)w[a * COLUMNS + k] / size, 2);
            }
            assert_true(sqrt(norm) > 0.68 && sqrt(norm) < 1.14);
        }
        net_free(&n);
        rml_pool_free(pool);
    }
}

static void test_others_by_adamw(void **state)
{
    (void)state;
    net n;
    float gradient[6] = {0.1f, -0.2f, 0.3f, -0.4f, 0.5f, -0.6f};
    net_make(&n, 2, 3, false);
    float *w = plan_data(n.plan, n.parameter);
    memset(w, 0, sizeof gradient);
    step(&n, gradient, 6, 1, NULL);
    for (size_t i = 0; i < 6; i++) { // AdamW's first step is the sign of the gradient
        assert_true(fabs(fabs((double)w[i]) - 0.02) < 1e-6 && (w[i] > 0) == (gradient[i] < 0));
    }
    net_free(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_pytorch),
        cmocka_unit_test(test_orthogonal_at_any_threads),
        cmocka_unit_test(test_others_by_adamw),
    };
    return cmocka_run_group_tests_name("graph muon", tests, NULL, NULL);
}
