// Protects: each metric on cases worked out by hand; missing truth; ties; calibration.
#include "roadmill/eval.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/math.h"

#define STEPS 2
#define MODES 3

// Three futures of a car that drives (1, 0), (2, 0): right, 3 m to the left at the end, and 1 m
// ahead all the way.
static float futures[MODES * STEPS * 2] = {1, 0, 2, 0, 1, 0, 2, 3, 2, 0, 3, 0};
static float truth_xy[STEPS * 2] = {1, 0, 2, 0};

static double value_of(const char *name, const float *probability, const float *valid)
{
    size_t count;
    const rml_metric *metrics = rml_metrics(&count);
    float p[MODES];
    memcpy(p, probability, sizeof p);
    rml_truth truth = {1, STEPS, 2, truth_xy, valid};
    rml_forecast f = {1, MODES, STEPS, 2, futures, p};
    double out = NAN;
    for (size_t m = 0; m < count; m++) {
        if (strcmp(metrics[m].name, name) == 0) {
            metrics[m].compute(&truth, &f, metrics[m].k, 2.0, &out);
            return out;
        }
    }
    fail_msg("no metric %s", name);
    return out;
}

static void test_metrics(void **state)
{
    (void)state;
    double peak = 1 / (2 * RML_PI);
    const struct {
        const char *what, *metric;
        float probability[MODES], valid[STEPS];
        double want;
    } cases[] = {
        {"best of all", "min_ade_6", {.2f, .5f, .3f}, {1, 1}, 0},
        {"most probable is the left one", "min_ade_1", {.2f, .5f, .3f}, {1, 1}, 1.5},
        {"its end", "min_fde_1", {.2f, .5f, .3f}, {1, 1}, 3},
        {"ahead", "min_fde_1", {.2f, .3f, .5f}, {1, 1}, 1},
        {"a tie goes to the first", "min_fde_1", {.25f, .375f, .375f}, {1, 1}, 3},
        {"missed", "miss_rate_1", {.2f, .5f, .3f}, {1, 1}, 1},
        {"1 m is no miss", "miss_rate_1", {.2f, .3f, .5f}, {1, 1}, 0},
        {"none missed by all", "miss_rate_6", {.2f, .5f, .3f}, {1, 1}, 0},
        {"doubt about the best", "brier_min_fde_6", {.25f, .5f, .25f}, {1, 1}, .5625},
        {"doubt about the top", "brier_min_fde_1", {.25f, .5f, .25f}, {1, 1}, 3.25},
        {"first step unknown", "min_ade_1", {.2f, .5f, .3f}, {0, 1}, 3},
        {"end unknown", "min_ade_1", {.2f, .5f, .3f}, {1, 0}, 0},
        {"end unknown, no end error", "min_fde_6", {.2f, .5f, .3f}, {1, 0}, NAN},
        {"nor miss", "miss_rate_6", {.2f, .5f, .3f}, {1, 0}, NAN},
        {"nor brier", "brier_min_fde_6", {.2f, .5f, .3f}, {1, 0}, NAN},
        {"nor nll", "nll_6", {.2f, .5f, .3f}, {1, 0}, NAN},
        {"nothing known", "min_ade_6", {.2f, .5f, .3f}, {0, 0}, NAN},
        {"nll of the top mode alone", "nll_1", {.2f, .5f, .3f}, {1, 1}, 4.5 - log(peak)},
        {"nll of the mixture",
         "nll_6",
         {.25f, .5f, .25f},
         {1, 1},
         -log(peak * (.25 + .5 * exp(-4.5) + .25 * exp(-.5)))},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double got = value_of(cases[i].metric, cases[i].probability, cases[i].valid);
        if (!(isnan(cases[i].want) ? isnan(got) : fabs(got - cases[i].want) < 1e-6)) {
            fail_msg("%s: expected %s %g, found %g", cases[i].what, cases[i].metric, cases[i].want,
                     got);
        }
    }
}

// Six of more modes: only the six most probable count.
static void test_more_than_six(void **state)
{
    (void)state;
    float xy[8 * 2], probability[8], truth_end[2] = {7, 0}, valid[1] = {1};
    for (uint32_t m = 0; m < 8; m++) {
        xy[2 * m] = (float)m;
        xy[2 * m + 1] = 0;
        probability[m] = (float)(8 - m) / 36;
    }
    rml_truth truth = {1, 1, 2, truth_end, valid};
    rml_forecast f = {1, 8, 1, 2, xy, probability};
    size_t count;
    double got = 0;
    rml_metrics(&count)[3].compute(&truth, &f, 6, 2.0, &got);
    assert_true(got == 2); // modes 0 to 5 end at 5 m at most
    rml_metrics(&count)[3].compute(&truth, &f, 8, 2.0, &got);
    assert_true(got == 0);
}

static void test_calibration(void **state)
{
    (void)state;
    // Ten samples of two modes; the top one has 0.75 and is right in seven and a half of ten.
    float xy[40], probability[20], ends[20], valid[10];
    for (size_t i = 0; i < 10; i++) {
        float *p = xy + 4 * i;
        p[0] = 0;
        p[1] = 0;
        p[2] = 10;
        p[3] = 0;
        probability[2 * i] = i < 8 ? .75f : .25f;
        probability[2 * i + 1] = i < 8 ? .25f : .75f;
        ends[2 * i] = i < 6 ? 0 : 10; // right: 0 to 5, and 8, 9
        ends[2 * i + 1] = 0;
        valid[i] = 1;
    }
    rml_truth truth = {10, 1, 2, ends, valid};
    rml_forecast f = {10, 2, 1, 2, xy, probability};
    double confidence[10], accuracy[10];
    assert_true(fabs(rml_calibration(&truth, &f, confidence, accuracy) - 0.05) < 1e-9);
    assert_true(fabs(confidence[7] - .75) < 1e-9 && fabs(accuracy[7] - .8) < 1e-9);
    assert_true(isnan(confidence[0]) && isnan(accuracy[9]));
    assert_true(fabs(rml_calibration(&truth, &f, NULL, NULL) - 0.05) < 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_more_than_six),
        cmocka_unit_test(test_calibration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
