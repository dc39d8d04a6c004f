// Protects: what goes in through a plan's door comes out of it, element by element, and what has no
// door is refused with nothing copied.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/graph.h"

enum { COUNT = 12, LENGTH = 64 };

typedef struct doors {
    rml_graph *g;
    rml_plan *plan;
    rml_tensor x, p, hidden, y, gradient;
} doors;

static void doors_make(doors *d, rml_precision precision)
{
    assert_int_equal(rml_graph_make(&d->g, NULL), RML_OK);
    rml_shape shape = {2, {3, 4}};
    d->x = rml_graph_input(d->g, "x", shape);
    d->p = rml_graph_parameter(d->g, "p", shape, RML_INIT_UNIFORM, 1);
    d->hidden = rml_op_mul(d->g, d->x, d->p);
    d->y = rml_op_exp(d->g, d->hidden);
    rml_tensor loss = rml_op_sum(d->g, rml_op_sum(d->g, d->y, 1), 0);
    assert_int_equal(rml_graph_gradient(d->g, loss, &d->p, 1, &d->gradient, NULL), RML_OK);
    const rml_tensor outputs[] = {d->y, d->gradient};
    rml_plan_options options = {.precision = precision};
    assert_int_equal(rml_plan_make(d->g, outputs, 2, 1, &options, &d->plan, NULL), RML_OK);
}

static void doors_free(doors *d)
{
    rml_plan_free(d->plan);
    rml_graph_free(d->g);
}

static void check_round_trip(rml_precision precision)
{
    doors d;
    doors_make(&d, precision);
    size_t item = precision == RML_F64 ? sizeof(double) : sizeof(float);
    const struct {
        rml_tensor tensor;
        rml_plan_role role;
    } cases[] = {{d.x, RML_PLAN_VALUE},
                 {d.p, RML_PLAN_VALUE},
                 {d.p, RML_PLAN_FIRST_MOMENT},
                 {d.p, RML_PLAN_SECOND_MOMENT}};
    uint8_t all[sizeof cases / sizeof *cases][COUNT * sizeof(double)];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(all[i], (int)i + 1, sizeof all[i]);
        rml_plan_slice s = {cases[i].tensor, cases[i].role, 0, COUNT};
        assert_int_equal(rml_plan_put(d.plan, s, all[i], NULL), RML_OK);
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t first = 0; first <= COUNT; first++) {
            for (size_t count = 0; count <= COUNT - first; count++) {
                uint8_t part[COUNT * sizeof(double)], got[COUNT * sizeof(double)];
                memset(part, (int)(first * COUNT + count), sizeof part);
                rml_plan_slice s = {cases[i].tensor, cases[i].role, first, count};
                memcpy(all[i] + first * item, part, count * item);
                assert_int_equal(rml_plan_put(d.plan, s, part, NULL), RML_OK);
                s.first = 0;
                s.count = COUNT;
                assert_int_equal(rml_plan_get(d.plan, s, got, NULL), RML_OK);
                assert_memory_equal(got, all[i], COUNT * item);
            }
        }
    }
    doors_free(&d);
}

static void test_round_trip(void **state)
{
    (void)state;
    check_round_trip(RML_F32);
    check_round_trip(RML_BF16);
    check_round_trip(RML_F64);
}

static void test_what_has_no_door(void **state)
{
    (void)state;
    doors d;
    doors_make(&d, RML_F32);
    const struct {
        const char *what;
        rml_plan_slice slice;
    } cases[] = {
        {"expected a tensor that the plan keeps", {.tensor = -1, .count = 1}},
        {"expected a tensor that the plan keeps", {.tensor = 1000, .count = 1}},
        {"expected a tensor that the plan keeps", {.tensor = d.hidden, .count = 1}},
        {"found no moments of \"x\"", {d.x, RML_PLAN_FIRST_MOMENT, 0, 1}},
        {"expected elements below 12 of tensor \"x\"", {d.x, RML_PLAN_VALUE, 0, COUNT + 1}},
        {"expected elements below 12 of tensor \"x\"", {d.x, RML_PLAN_VALUE, COUNT, 1}},
        {"expected elements below 12 of tensor \"x\"", {d.x, RML_PLAN_VALUE, 1, SIZE_MAX}},
        {"expected elements below 12 of tensor \"x\"", {d.x, RML_PLAN_VALUE, SIZE_MAX, 1}},
    };
    float before[COUNT], after[COUNT], values[LENGTH] = {7};
    rml_plan_slice x = rml_plan_whole(d.plan, d.x);
    assert_int_equal(rml_plan_get(d.plan, x, before, NULL), RML_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rml_error err = {0};
        assert_int_equal(rml_plan_put(d.plan, cases[i].slice, values, &err), RML_ERR_ARGUMENT);
        assert_non_null(strstr(err.what, cases[i].what));
        assert_int_equal(rml_plan_get(d.plan, cases[i].slice, values, &err), RML_ERR_ARGUMENT);
    }
    assert_true(values[0] == 7);
    assert_int_equal(rml_plan_get(d.plan, x, after, NULL), RML_OK);
    assert_memory_equal(before, after, sizeof before);
    assert_true(rml_plan_keeps(d.plan, d.y) && !rml_plan_keeps(d.plan, d.hidden));
    assert_int_equal(rml_plan_whole(d.plan, d.hidden).count, 0);
    doors_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_what_has_no_door),
    };
    return cmocka_run_group_tests_name("graph doors", tests, NULL, NULL);
}
