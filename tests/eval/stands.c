// Protects: the metric of the time until an agent stands is the absolute error where the truth is
// known, and its blind baseline gives the median of the training scenes that drive about as fast.
#include "roadmill/eval.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void metric_is_the_absolute_error(void **state)
{
    (void)state;
    float answers[] = {1, 2.5f, 0}, truths[] = {1.5f, 1, 0}, valid[] = {1, 1, 0};
    double out[3];
    rml_truth truth = {3, 1, 1, truths, valid};
    rml_forecast f = {3, 1, 1, 1, answers, NULL};
    const rml_metric *m = rml_metric_find("stands_error");
    assert_non_null(m);
    assert_true(m->compared && !m->needs_probability);
    m->compute(&truth, &f, 1, 2, out);
    assert_true(out[0] == 0.5 && out[1] == 1.5 && isnan(out[2]));
}

enum { SAMPLES = 200 };
static float history[SAMPLES][2][2], target[SAMPLES];

static void blind_is_the_median_by_speed(void **state)
{
    (void)state;
    for (int i = 0; i < SAMPLES; i++) { // slow ones stand after 1 s, fast ones after 3 s, few not
        int k = (i * 37) % SAMPLES;
        history[i][1][0] = 0.1f * (k < 100 ? 2 + 0.01f * (float)k : 9 + 0.01f * (float)k);
        target[i] = k % 7 == 0 ? 2.9f : k < 100 ? 1 : 3;
    }
    rml_split_arrays train = {.count = SAMPLES,
                              .history = 2,
                              .steps = 1,
                              .axes = 1,
                              .dt_s = 0.1,
                              .history_xy = &history[0][0][0],
                              .target_xy = target};
    float asked[3][2][2] = {{{0, 0}, {0.25f, 0}}, {{0, 0}, {0, 1.05f}}, {{0, 0}, {0, 0}}};
    rml_split_arrays of = train;
    of.count = 3;
    of.history_xy = &asked[0][0][0];
    of.target_xy = NULL;
    static const struct {
        const char *name;
        bool blind;
        float want[3];
    } cases[] = {{"stands_blind", true, {1, 3, 1}}, {"stands_never", false, {3, 3, 3}}};
    for (size_t c = 0; c < 2; c++) {
        rml_eval_baseline baseline;
        rml_forecast out;
        assert_true(rml_eval_baseline_find(cases[c].name, &baseline));
        assert_int_equal(baseline.blind, cases[c].blind);
        assert_int_equal(baseline.answer(cases[c].name, &train, &of, 0, NULL, &out, NULL), RML_OK);
        assert_true(out.count == 3 && out.modes == 1 && out.steps == 1 && out.axes == 1);
        for (size_t i = 0; i < 3; i++) {
            assert_true(out.xy[i] == cases[c].want[i] && out.probability[i] == 1);
        }
        rml_forecast_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metric_is_the_absolute_error),
        cmocka_unit_test(blind_is_the_median_by_speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
