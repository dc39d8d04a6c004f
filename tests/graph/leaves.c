// Protects: a step leaf by leaf gives the bits of one plan of the whole batch, at any number of
// samples and threads, also after the parameters have changed.
#include "roadmill/graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "graph/inside.h"
#include "roadmill/base/random.h"
#include "roadmill/os.h"

enum { ROWS = 5, WIDTH = 12, HIDDEN = 37, PARAMETERS = 6, SUMS = PARAMETERS + 1 };

// Rows through two layers and a norm to one number a sample; the loss is a sum over samples.
typedef struct net {
    rml_graph *g;
    rml_plan *plan;
    rml_tensor x, parameters[PARAMETERS], sums[SUMS];
} net;

static void net_make(net *n, uint32_t samples, const rml_plan *parameters_of)
{
    *n = (net){0};
    if (samples == 0) {
        return;
    }
    assert_int_equal(rml_graph_make(&n->g, NULL), RML_OK);
    rml_graph *g = n->g;
    static const struct {
        const char *name;
        rml_shape shape;
    } made[PARAMETERS] = {{"w", {2, {HIDDEN, WIDTH}}}, {"b", {1, {HIDDEN}}},
                          {"gain", {1, {HIDDEN}}},     {"bias", {1, {HIDDEN}}},
                          {"v", {2, {WIDTH, HIDDEN}}}, {"scale", {2, {ROWS, WIDTH}}}};
    n->x = rml_graph_input(g, "x", (rml_shape){3, {samples, ROWS, WIDTH}});
    rml_tensor *p = n->parameters;
    for (size_t i = 0; i < PARAMETERS; i++) {
        p[i] = rml_graph_parameter(g, made[i].name, made[i].shape, RML_INIT_NORMAL, 0.5);
    }
    rml_tensor y = rml_op_linear(g, n->x, p[0], p[1]);
    y = rml_op_gelu(g, rml_op_layer_norm(g, y, p[2], p[3], 1e-5));
    y = rml_op_mul(g, rml_op_linear(g, y, p[4], -1), p[5]);
    y = rml_op_sum(g, rml_op_sum(g, rml_op_mul(g, y, y), 2), 1);
    n->sums[PARAMETERS] = rml_op_sum(g, y, 0);
    assert_int_equal(
        rml_graph_gradient(g, n->sums[PARAMETERS], n->parameters, PARAMETERS, n->sums, NULL),
        RML_OK);
    rml_plan_options options = {.parameters_of = parameters_of};
    assert_int_equal(rml_plan_make(g, n->sums, SUMS, 3, &options, &n->plan, NULL), RML_OK);
}

static void net_free(net *n)
{
    rml_plan_free(n->plan);
    rml_graph_free(n->g);
}

static size_t count_of(const net *n, rml_tensor t)
{
    rml_shape shape = rml_graph_shape(n->g, t);
    size_t count = 1;
    for (uint32_t i = 0; i < shape.rank; i++) {
        count *= shape.size[i];
    }
    return count;
}

static rml_status fill(void *context, rml_plan *plan, size_t first, size_t count, rml_error *err)
{
    (void)err;
    float *x = plan_data(plan, *(const rml_tensor *)context);
    for (size_t i = 0; i < count * ROWS * WIDTH; i++) {
        x[i] = (float)(4 * rml_random_f64(5, 6, first * ROWS * WIDTH + i) - 2);
    }
    return RML_OK;
}

static void compare(const net *whole, const net *leaf)
{
    for (size_t i = 0; i < SUMS; i++) {
        assert_memory_equal(plan_data(whole->plan, whole->sums[i]),
                            plan_data(leaf->plan, leaf->sums[i]),
                            count_of(whole, whole->sums[i]) * sizeof(float));
    }
}

static void leaves_are_the_whole(void **state)
{
    (void)state;
    static const uint32_t samples[] = {1, 3, 4, 5, 8, 10, 33, 70, 150};
    static const size_t threads[] = {1, 2, 3, 8};
    for (size_t s = 0; s < sizeof samples / sizeof *samples; s++) {
        net whole;
        net_make(&whole, samples[s], NULL);
        assert_int_equal(fill(&whole.x, whole.plan, 0, samples[s], NULL), RML_OK);
        for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
            net leaf, rest;
            rml_pool *pool;
            rml_leaves *leaves;
            bool one = samples[s] <= RML_LEAF;
            net_make(&leaf, one ? samples[s] : RML_LEAF, NULL);
            net_make(&rest, one ? 0 : samples[s] % RML_LEAF, leaf.plan);
            assert_int_equal(rml_pool_make(threads[t], &pool, NULL), RML_OK);
            // Made for two threads and run by more: one leaf after the other, on all of them.
            rml_leaves_setup setup = {.plan = leaf.plan,
                                      .rest = rest.plan,
                                      .sums = leaf.sums,
                                      .rest_sums = rest.sums,
                                      .sum_count = SUMS,
                                      .samples = samples[s],
                                      .threads = t == 2 ? 2 : threads[t]};
            assert_int_equal(rml_leaves_make(&setup, &leaves, NULL), RML_OK);
            for (int round = 0; round < 2; round++) {
                for (size_t i = 0; i < PARAMETERS; i++) {
                    float *a = plan_data(whole.plan, whole.parameters[i]);
                    float *b = plan_data(leaf.plan, leaf.parameters[i]);
                    a[0] = b[0] = (float)round + 0.25f * (float)i;
                }
                rml_plan_run(whole.plan, NULL);
                assert_int_equal(rml_leaves_run(leaves, pool, fill, &leaf.x, NULL), RML_OK);
                compare(&whole, &leaf);
            }
            rml_leaves_free(leaves);
            rml_pool_free(pool);
            net_free(&rest);
            net_free(&leaf);
        }
        net_free(&whole);
    }
}

static void other_parameters_are_refused(void **state)
{
    (void)state;
    net leaf;
    rml_graph *g;
    rml_plan *plan;
    rml_error err = {0};
    net_make(&leaf, RML_LEAF, NULL);
    assert_int_equal(rml_graph_make(&g, NULL), RML_OK);
    rml_tensor w = rml_graph_parameter(g, "w", (rml_shape){1, {3}}, RML_INIT_ZERO, 0);
    rml_tensor y = rml_op_exp(g, w);
    rml_plan_options options = {.parameters_of = leaf.plan};
    assert_int_equal(rml_plan_make(g, &y, 1, 1, &options, &plan, &err), RML_ERR_ARGUMENT);
    assert_non_null(strstr(err.what, "parameter w"));
    rml_graph_free(g);
    net_free(&leaf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_are_the_whole),
        cmocka_unit_test(other_parameters_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
