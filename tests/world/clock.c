// Protects: the sample that stands for an instant, the refusal to extrapolate, the stated
// difference.
#include "roadmill/world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const int64_t times[] = {100, 200, 200, 300, 1000};

static const struct {
    const char *name;
    int64_t t_ns;
    rml_clock_policy policy;
    int64_t tolerance_ns;
    bool found;
    size_t index;
    double weight;
    int64_t difference_ns;
} cases[] = {
    {"latest: before the first", 99, RML_CLOCK_LATEST, 1000, false, 0, 0, 0},
    {"latest: on a sample", 100, RML_CLOCK_LATEST, 0, true, 0, 0, 0},
    {"latest: never the next, however near", 299, RML_CLOCK_LATEST, 1000, true, 2, 0, -99},
    {"latest: of two at one time the last", 200, RML_CLOCK_LATEST, 0, true, 2, 0, 0},
    {"latest: just within tolerance", 350, RML_CLOCK_LATEST, 50, true, 3, 0, -50},
    {"latest: just outside", 351, RML_CLOCK_LATEST, 50, false, 0, 0, 0},
    {"latest: after the last", 1040, RML_CLOCK_LATEST, 50, true, 4, 0, -40},
    {"nearest: the next", 260, RML_CLOCK_NEAREST, 50, true, 3, 0, 40},
    {"nearest: a tie goes to the earlier", 250, RML_CLOCK_NEAREST, 50, true, 2, 0, -50},
    {"nearest: before the first", 60, RML_CLOCK_NEAREST, 50, true, 0, 0, 40},
    {"nearest: too far", 600, RML_CLOCK_NEAREST, 299, false, 0, 0, 0},
    {"linear: between", 125, RML_CLOCK_LINEAR, 100, true, 0, 0.25, -25},
    {"linear: nearer to the right", 175, RML_CLOCK_LINEAR, 100, true, 0, 0.75, 25},
    {"linear: on a sample", 300, RML_CLOCK_LINEAR, 0, true, 3, 0, 0},
    {"linear: one side too far", 350, RML_CLOCK_LINEAR, 100, false, 0, 0, 0},
    {"linear: before the first", 99, RML_CLOCK_LINEAR, 1000, false, 0, 0, 0},
    {"linear: after the last", 1001, RML_CLOCK_LINEAR, 1000, false, 0, 0, 0},
    {"linear: the last itself", 1000, RML_CLOCK_LINEAR, 0, true, 4, 0, 0},
    {"no tolerance below zero", 100, RML_CLOCK_NEAREST, -1, false, 0, 0, 0},
    {"no overflow", INT64_MIN, RML_CLOCK_NEAREST, INT64_MAX, false, 0, 0, 0},
};

static void picks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rml_clock_pick out = {0};
        print_message("%s\n", cases[i].name);
        bool found =
            rml_clock_at(times, 5, cases[i].t_ns, cases[i].policy, cases[i].tolerance_ns, &out);
        assert_int_equal(found, cases[i].found);
        if (found) {
            assert_int_equal(out.index, cases[i].index);
            assert_true(out.weight == cases[i].weight);
            assert_int_equal(out.difference_ns, cases[i].difference_ns);
        }
    }
    rml_clock_pick out;
    assert_false(rml_clock_at(times, 0, 100, RML_CLOCK_NEAREST, 10, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(picks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
