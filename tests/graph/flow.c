// Protects: a plan whose steps begin as soon as what they need is done gives the bits of one that
// runs step by step, for graphs drawn at random, at any number of threads, also where a right side
// is packed once for all runs.
#include "roadmill/graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/inside.h"
#include "roadmill/base/random.h"
#include "roadmill/math.h"
#include "roadmill/os.h"

enum { GRAPHS = 40, OPS = 12, RUNS = 12, ROWS = 70, WIDTH = 48, VALUES = OPS + 1 };

typedef struct drawn {
    rml_graph *g;
    rml_plan *plan;
    rml_tensor x, outputs[2 * OPS + 2]; // gradients, the loss, the last value
    size_t count;
} drawn;

static uint32_t below(uint64_t graph, uint64_t *at, uint32_t end)
{
    return (uint32_t)(rml_random_f64(graph, 1, (*at)++) * end);
}

static rml_tensor parameter(drawn *d, size_t op, uint32_t rows)
{
    char name[] = "w00";
    name[1] = (char)('0' + op / 10);
    name[2] = (char)('0' + op % 10);
    rml_shape shape = rows > 0 ? (rml_shape){2, {rows, WIDTH}} : (rml_shape){1, {WIDTH}};
    return rml_graph_parameter(d->g, name, shape, RML_INIT_NORMAL, 0.2);
}

// Each op takes any of the values before it, so that branches stand side by side and join.
static rml_tensor draw_op(drawn *d, uint64_t graph, uint64_t *at, const rml_tensor *values,
                          size_t op)
{
    rml_graph *g = d->g;
    rml_tensor a = values[below(graph, at, (uint32_t)op + 1)];
    rml_tensor b = values[below(graph, at, (uint32_t)op + 1)];
    switch (below(graph, at, 6)) {
    case 0:
        return rml_op_add(g, a, b);
    case 1:
        return rml_op_mul(g, rml_op_tanh(g, a), b);
    case 2:
        return rml_op_gelu(g, rml_op_linear(g, a, parameter(d, op, WIDTH), -1));
    case 3:
        return rml_op_add(g, rml_op_linear(g, a, parameter(d, op, WIDTH), -1), b);
    case 4:
        return rml_op_mul(g, rml_op_softmax(g, a, -1), parameter(d, op, 0));
    default: {
        rml_tensor halves[] = {rml_op_slice(g, a, 0, ROWS / 2, ROWS - ROWS / 2),
                               rml_op_slice(g, b, 0, 0, ROWS / 2)};
        return rml_op_concat(g, halves, 2, 0);
    }
    }
}

static void draw(drawn *d, uint64_t graph)
{
    *d = (drawn){0};
    assert_int_equal(rml_graph_make(&d->g, NULL), RML_OK);
    rml_tensor values[VALUES];
    values[0] = d->x = rml_graph_input(d->g, "x", (rml_shape){2, {ROWS, WIDTH}});
    uint64_t at = 0;
    for (size_t op = 0; op < OPS; op++) {
        values[op + 1] = draw_op(d, graph, &at, values, op);
    }
    rml_tensor loss = values[OPS];
    for (size_t op = 1; op < OPS; op++) { // so that nothing is left out
        loss = rml_op_add(d->g, loss, values[op]);
    }
    loss = rml_op_sum(d->g, rml_op_sum(d->g, loss, 1), 0);
    const rml_tensor *parameters;
    rml_tensor by[OPS];
    size_t count = rml_graph_parameters(d->g, &parameters);
    assert_true(count <= OPS);
    memcpy(by, parameters, count * sizeof *by);
    assert_int_equal(rml_graph_gradient(d->g, loss, by, count, d->outputs, NULL), RML_OK);
    d->count = count;
    d->outputs[d->count++] = loss;
    d->outputs[d->count++] = values[OPS];
    assert_int_equal(rml_plan_make(d->g, d->outputs, d->count, graph, NULL, &d->plan, NULL),
                     RML_OK);
    float *x = plan_data(d->plan, d->x);
    for (size_t i = 0; i < (size_t)ROWS * WIDTH; i++) {
        x[i] = (float)rml_random_normal(graph, 2, i);
    }
}

static size_t floats_of(const drawn *d)
{
    size_t all = 0;
    for (size_t i = 0; i < d->count; i++) {
        all += rml_plan_elements(d->plan, d->outputs[i]);
    }
    return all;
}

static void take(const drawn *d, float *to)
{
    for (size_t i = 0; i < d->count; i++) {
        size_t count = rml_plan_elements(d->plan, d->outputs[i]);
        memcpy(to, plan_data(d->plan, d->outputs[i]), count * sizeof *to);
        to += count;
    }
}

static void assert_same_at_any_threads(drawn *d, uint64_t graph, rml_pool *const *pools,
                                       const char *what)
{
    size_t size = floats_of(d) * sizeof(float);
    float *want = malloc(size), *found = malloc(size);
    assert_true(want && found);
    rml_plan_run(d->plan, NULL);
    take(d, want);
    for (size_t run = 0; run < RUNS; run++) {
        rml_plan_run(d->plan, pools[run % 3]);
        take(d, found);
        if (memcmp(want, found, size) != 0) {
            fail_msg("graph %d, run %zu, %s: other bits", (int)graph, run, what);
        }
    }
    free(want);
    free(found);
}

static void test_same_bits(void **state)
{
    (void)state;
    rml_pool *pools[3];
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(rml_pool_make((size_t)2 << i, &pools[i], NULL), RML_OK);
    }
    for (uint64_t graph = 0; graph < GRAPHS; graph++) {
        drawn d;
        draw(&d, graph);
        assert_same_at_any_threads(&d, graph, pools, "packed in each run");
        assert_int_equal(rml_plan_freeze(d.plan, pools[0], NULL), RML_OK);
        assert_same_at_any_threads(&d, graph, pools, "frozen");
        rml_plan_free(d.plan);
        rml_graph_free(d.g);
    }
    for (size_t i = 0; i < 3; i++) {
        rml_pool_free(pools[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
