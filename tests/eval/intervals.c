// Protects: intervals, the sign-flip test and the smallest change against SciPy's numbers; that the
// intervals cover what they say on simulated families; when an answer is undecided.
#include "roadmill/eval.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "eval/golden.h"
#include "roadmill/base/random.h"
#include "roadmill/math.h"

#define CLOSE(a, b) (fabs((a) - (b)) <= 1e-7 * fmax(1, fabs(b)))

static void test_t_interval(void **state)
{
    (void)state;
    for (size_t g = 0; g < sizeof t_golden / sizeof *t_golden; g++) {
        size_t n = t_golden[g].units * t_golden[g].each;
        uint32_t unit[72];
        for (size_t i = 0; i < n; i++) {
            unit[i] = (uint32_t)(1000 - i / t_golden[g].each); // any numbers, in any order
        }
        const double *values = t_golden[g].values;
        rml_interval got;
        assert_int_equal(rml_interval_mean(&values, 1, n, unit, 0.95, 1, &got, NULL), RML_OK);
        assert_string_equal(got.method, "t");
        assert_int_equal(got.units, t_golden[g].units);
        assert_true(CLOSE(got.low, t_golden[g].low) && CLOSE(got.high, t_golden[g].high));
    }
}

static void test_sign_flip(void **state)
{
    (void)state;
    for (size_t g = 0; g < sizeof flip_golden / sizeof *flip_golden; g++) {
        double p = rml_sign_flip(flip_golden[g].difference, flip_golden[g].units, 1);
        assert_true(CLOSE(p, flip_golden[g].p));
    }
    double many[40];
    for (size_t i = 0; i < 40; i++) {
        many[i] = 1 + 0.1 * (double)i;
    }
    assert_true(rml_sign_flip(many, 40, 1) == 1.0 / 10000); // nothing as extreme among the flips
    assert_true(isnan(rml_sign_flip(many, 0, 1)));
    double level = 0; // share of p below 0.05 where there is no difference
    for (uint64_t run = 0; run < 1000; run++) {
        double d[12];
        for (uint64_t i = 0; i < 12; i++) {
            d[i] = rml_random_normal(3, run, i);
        }
        level += rml_sign_flip(d, 12, run) < 0.05;
    }
    assert_true(level / 1000 > 0.03 && level / 1000 < 0.07);
}

static void test_smallest_change(void **state)
{
    (void)state;
    for (size_t g = 0; g < sizeof change_golden / sizeof *change_golden; g++) {
        double got = rml_smallest_change(change_golden[g].a, change_golden[g].b, change_golden[g].n,
                                         change_golden[g].unit);
        assert_true(CLOSE(got, change_golden[g].want));
    }
    double a[2] = {1, 2}, b[2] = {1, 1};
    uint32_t unit[2] = {0, 1};
    assert_true(isnan(rml_smallest_change(a, b, 2, unit)));
}

static void test_undecided(void **state)
{
    (void)state;
    double a[6] = {1, 2, 3, 4, 5, 6}, holes[6] = {1, 2, 3, NAN, NAN, NAN};
    uint32_t two[6] = {7, 7, 7, 9, 9, 9}, three[6] = {1, 1, 2, 2, 3, 3};
    const double *values = a, *missing = holes;
    rml_interval got;
    assert_int_equal(rml_interval_mean(&values, 1, 6, two, 0.95, 1, &got, NULL), RML_OK);
    assert_true(got.estimate == 3.5 && isnan(got.low) && isnan(got.high) && got.units == 2);
    assert_string_equal(got.method, "undecided");
    // A unit of which nothing is known is no unit.
    assert_int_equal(rml_interval_mean(&missing, 1, 6, three, 0.95, 1, &got, NULL), RML_OK);
    assert_true(got.estimate == 2 && got.units == 2 && got.samples == 3 && isnan(got.low));
    assert_int_equal(rml_interval_mean(&values, 1, 0, three, 0.95, 1, &got, NULL), RML_OK);
    assert_true(isnan(got.estimate) && got.units == 0);
    assert_int_equal(rml_interval_paired(&values, &missing, 1, 6, three, true, 0.95, 1, &got, NULL),
                     RML_OK);
    assert_true(got.estimate == 0 && got.samples == 3);
}

// One simulated data set: families with an effect of their own and sizes of their own.
typedef struct simulated {
    double a[5][400], b[5][400];
    uint32_t unit[400];
    size_t n;
} simulated;

static void simulate(uint64_t run, size_t units, size_t seeds, simulated *out)
{
    out->n = 0;
    for (uint64_t u = 0; u < units; u++) {
        double family = rml_random_normal(11, run, u);
        size_t size = 2 + (size_t)rml_random_below(12, run, u, 9);
        for (uint64_t i = 0; i < size; i++) {
            double scene = rml_random_normal(13, run * 64 + u, i);
            for (uint64_t s = 0; s < seeds; s++) {
                // One seed cannot tell its luck from the truth.
                double luck = seeds > 1 ? 0.3 * rml_random_normal(14, run, s) : 0;
                double noise = rml_random_normal(15, run * 64 + u, i * 8 + s);
                out->b[s][out->n] = 5 + family + scene;
                out->a[s][out->n] = out->b[s][out->n] * 0.9 + 0.3 * family + luck + 0.2 * noise;
            }
            out->unit[out->n++] = (uint32_t)u;
        }
    }
}

// The true mean of a is 4.5, of (a - b) / b as a ratio of means -0.1.
static void test_coverage(void **state)
{
    (void)state;
    static const struct {
        size_t units, seeds;
        double least, most;
    } cases[] = {{6, 1, .92, .97}, {12, 1, .93, .97}, {24, 1, .93, .97}, {24, 5, .93, .97}};
    enum { RUNS = 400 };
    static simulated data;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        size_t covered[2] = {0};
        for (uint64_t run = 0; run < RUNS; run++) {
            simulate(run + 1000 * c, cases[c].units, cases[c].seeds, &data);
            const double *a[5], *b[5];
            for (size_t s = 0; s < cases[c].seeds; s++) {
                a[s] = data.a[s];
                b[s] = data.b[s];
            }
            rml_interval mean, relative;
            assert_int_equal(
                rml_interval_mean(a, cases[c].seeds, data.n, data.unit, 0.95, run, &mean, NULL),
                RML_OK);
            assert_int_equal(rml_interval_paired(a, b, cases[c].seeds, data.n, data.unit, true,
                                                 0.95, run, &relative, NULL),
                             RML_OK);
            covered[0] += mean.low <= 4.5 && 4.5 <= mean.high;
            covered[1] += relative.low <= -0.1 && -0.1 <= relative.high;
        }
        for (int k = 0; k < 2; k++) {
            double share = (double)covered[k] / RUNS;
            print_message("%zu units, %zu seeds, %s: covers in %.1f %% of %d\n", cases[c].units,
                          cases[c].seeds, k ? "relative" : "mean", 100 * share, RUNS);
            assert_true(share >= cases[c].least && share <= cases[c].most);
        }
    }
}

static void test_same_draws(void **state)
{
    (void)state;
    static simulated data;
    simulate(5, 20, 1, &data);
    const double *a = data.a[0];
    rml_interval first, second, other;
    assert_int_equal(rml_interval_mean(&a, 1, data.n, data.unit, 0.95, 1, &first, NULL), RML_OK);
    assert_int_equal(rml_interval_mean(&a, 1, data.n, data.unit, 0.95, 1, &second, NULL), RML_OK);
    assert_int_equal(rml_interval_mean(&a, 1, data.n, data.unit, 0.95, 2, &other, NULL), RML_OK);
    assert_string_equal(first.method, "cluster bootstrap");
    assert_true(first.low == second.low && first.high == second.high);
    assert_true(first.low != other.low && fabs(first.low - other.low) < 0.2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_t_interval),      cmocka_unit_test(test_sign_flip),
        cmocka_unit_test(test_smallest_change), cmocka_unit_test(test_undecided),
        cmocka_unit_test(test_coverage),        cmocka_unit_test(test_same_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
