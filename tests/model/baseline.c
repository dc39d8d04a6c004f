// Protects: what each baseline predicts on motions whose future is known, that blind ones find the
// clusters that are there, and that threads change no bit.
#include "roadmill/model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/base/random.h"
#include "roadmill/math.h"

enum { HISTORY = 20, STEPS = 30, SAMPLES = 240 };
static float history[SAMPLES * HISTORY * 2], target[SAMPLES * STEPS * 2];

static rml_pasts pasts_of(size_t count)
{
    return (rml_pasts){count, HISTORY, STEPS, 0.1, history, target};
}

// Fills sample i from a motion: position at time t, now at the origin.
static void sample_set(size_t i, void (*motion)(double t, const double *p, double xy[2]),
                       const double *p)
{
    double now[2], xy[2];
    motion(0, p, now);
    for (int s = -(HISTORY - 1); s <= STEPS; s++) {
        motion(s * 0.1, p, xy);
        float *out = s <= 0 ? history + (i * HISTORY + (size_t)(s + HISTORY - 1)) * 2
                            : target + (i * STEPS + (size_t)(s - 1)) * 2;
        out[0] = (float)(xy[0] - now[0]);
        out[1] = (float)(xy[1] - now[1]);
    }
}

static void motion_line(double t, const double *p, double xy[2])
{
    xy[0] = p[0] * t;
    xy[1] = p[1] * t;
}

// Speed p[0], turn rate p[1].
static void motion_circle(double t, const double *p, double xy[2])
{
    xy[0] = p[0] / p[1] * sin(p[1] * t);
    xy[1] = p[0] / p[1] * (1 - cos(p[1] * t));
}

// Speed p[0], then p[1] of acceleration in the future alone.
static void motion_choice(double t, const double *p, double xy[2])
{
    xy[0] = p[0] * t + (t > 0 ? 0.5 * p[1] * t * t : 0);
    xy[1] = 0;
}

static double end_error(const rml_forecast *f, size_t sample)
{
    double best = INFINITY;
    for (uint32_t k = 0; k < f->modes; k++) {
        const float *xy = f->xy + ((sample * f->modes + k) * STEPS + STEPS - 1) * 2;
        const float *truth = target + (sample * STEPS + STEPS - 1) * 2;
        best = fmin(best, hypot((double)(xy[0] - truth[0]), (double)(xy[1] - truth[1])));
    }
    return best;
}

static const rml_baseline_kind *kind_of(const char *name)
{
    size_t count;
    const rml_baseline_kind *kinds = rml_baseline_kinds(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    fail_msg("no baseline %s", name);
    return NULL;
}

static void predict(const char *name, size_t count, uint32_t modes, rml_pool *pool,
                    rml_forecast *out)
{
    rml_pasts p = pasts_of(count);
    rml_baseline *b;
    const rml_baseline_kind *kind = kind_of(name);
    assert_int_equal(rml_baseline_fit(kind, &p, modes, 7, pool, &b, NULL), RML_OK);
    assert_int_equal(rml_forecast_make(out, count, kind->blind ? modes : 1, STEPS, NULL), RML_OK);
    p.target_xy = NULL; // a prediction must not look
    assert_int_equal(rml_baseline_predict(b, &p, out, NULL), RML_OK);
    rml_baseline_free(b);
}

static void test_known_motions(void **state)
{
    (void)state;
    static const struct {
        const char *name, *baseline;
        void (*motion)(double, const double *, double *);
        double p[2], most_m;
    } cases[] = {
        {"line, last step", "cv_1", motion_line, {12, 0}, 1e-4},
        {"line, 0.5 s", "cv_5", motion_line, {12, -3}, 1e-4},
        {"line, 1.9 s", "cv_19", motion_line, {3, 1}, 1e-4},
        {"standing", "cv_1", motion_line, {0, 0}, 0},
        {"standing, turn", "ctra", motion_line, {0, 0}, 0},
        {"circle", "ctra", motion_circle, {8, 0.3}, 0.01},
        {"line, turn", "ctra", motion_line, {8, 2}, 2e-3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sample_set(0, cases[i].motion, cases[i].p);
        rml_forecast f;
        predict(cases[i].baseline, 1, 1, NULL, &f);
        double error = end_error(&f, 0);
        if (error > cases[i].most_m || f.probability[0] != 1.0f) {
            fail_msg("%s: expected at most %g m, found %g", cases[i].name, cases[i].most_m, error);
        }
        rml_forecast_free(&f);
    }
}

// Braking on the way is continued: constant velocity overshoots, constant acceleration does not.
static void motion_brake(double t, const double *p, double xy[2])
{
    xy[0] = p[0] * t + 0.5 * p[1] * t * t;
    xy[1] = 0;
}

static void test_acceleration_is_continued(void **state)
{
    (void)state;
    sample_set(0, motion_brake, (const double[]){14, -2});
    rml_forecast straight, turn;
    predict("cv_1", 1, 1, NULL, &straight);
    predict("ctra", 1, 1, NULL, &turn);
    assert_true(end_error(&straight, 0) > 8.5);
    assert_true(end_error(&turn, 0) < 0.5);
    rml_forecast_free(&straight);
    rml_forecast_free(&turn);
}

// Six accelerations, drawn unevenly: each blind baseline on constant velocity finds them.
static void choices_fill(void)
{
    static const double choices[] = {-4, -2.5, -1, 0.5, 2, 3.5};
    for (size_t i = 0; i < SAMPLES; i++) {
        double speed = 8 + 0.1 * (double)(i % 5);
        size_t choice = i % 2 ? 3 : i / 2 % 6;
        sample_set(i, motion_choice, (const double[]){speed, choices[choice]});
    }
}

static void test_blind_finds_clusters(void **state)
{
    (void)state;
    choices_fill();
    size_t count;
    const rml_baseline_kind *kinds = rml_baseline_kinds(&count);
    size_t blind = 0;
    for (size_t i = 0; i < count; i++) {
        if (!kinds[i].blind) {
            continue;
        }
        blind++;
        rml_forecast f;
        predict(kinds[i].name, SAMPLES, 6, NULL, &f);
        double worst = 0, sum = 0, largest = 0;
        for (size_t s = 0; s < SAMPLES; s++) {
            worst = fmax(worst, end_error(&f, s));
        }
        for (uint32_t k = 0; k < 6; k++) {
            sum += (double)f.probability[k];
            largest = fmax(largest, (double)f.probability[k]);
        }
        if (worst > 1.0 || fabs(sum - 1) > 1e-6 || fabs(largest - 7.0 / 12) > 1e-6) {
            fail_msg("%s: worst %g m, probabilities sum to %g, largest %g", kinds[i].name, worst,
                     sum, largest);
        }
        rml_forecast_free(&f);
    }
    assert_int_equal(blind, 12);
}

static void test_threads_change_no_bit(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        double a = 4 * rml_random_f64(1, 0, i) - 2, v = 15 * rml_random_f64(1, 1, i);
        sample_set(i, motion_choice, (const double[]){v, a});
    }
    rml_pool *pool;
    assert_int_equal(rml_pool_make(3, &pool, NULL), RML_OK);
    size_t count;
    const rml_baseline_kind *kinds = rml_baseline_kinds(&count);
    for (size_t i = 0; i < count; i++) {
        rml_forecast one, three;
        predict(kinds[i].name, SAMPLES, 6, NULL, &one);
        predict(kinds[i].name, SAMPLES, 6, pool, &three);
        assert_memory_equal(one.xy, three.xy, one.count * one.modes * STEPS * 2 * sizeof(float));
        rml_forecast_free(&one);
        rml_forecast_free(&three);
    }
    rml_pool_free(pool);
}

static void test_refuses(void **state)
{
    (void)state;
    rml_error err = {0};
    rml_baseline *b;
    rml_pasts none = pasts_of(0);
    assert_int_equal(
        rml_baseline_fit(kind_of("blind_cv_unscaled_path"), &none, 6, 1, NULL, &b, &err),
        RML_ERR_DATA);
    assert_null(b);
    rml_pasts p = pasts_of(1);
    sample_set(0, motion_line, (const double[]){1, 0});
    assert_int_equal(rml_baseline_fit(kind_of("cv_1"), &p, 1, 1, NULL, &b, &err), RML_OK);
    rml_forecast f;
    assert_int_equal(rml_forecast_make(&f, 1, 6, STEPS, &err), RML_OK);
    assert_int_equal(rml_baseline_predict(b, &p, &f, &err), RML_ERR_ARGUMENT);
    rml_forecast_free(&f);
    rml_baseline_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_motions),
        cmocka_unit_test(test_acceleration_is_continued),
        cmocka_unit_test(test_blind_finds_clusters),
        cmocka_unit_test(test_threads_change_no_bit),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests_name("baseline", tests, NULL, NULL);
}
