// Protects: quantiles against SciPy's, the distributions as their inverses, normal random numbers,
// poses and the Cholesky solve.
#include "roadmill/math.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "math/distribution_golden.h"
#include "roadmill/base/random.h"

static void test_quantiles(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof normal_golden / sizeof *normal_golden; i++) {
        double got = rml_normal_quantile(normal_golden[i].p);
        assert_true(fabs(got - normal_golden[i].want) < 1e-9);
        assert_true(fabs(rml_normal_cdf(got) / normal_golden[i].p - 1) < 1e-10);
    }
    for (size_t i = 0; i < sizeof student_golden / sizeof *student_golden; i++) {
        double p = student_golden[i].p, degrees = student_golden[i].degrees;
        double got = rml_student_quantile(p, degrees);
        assert_true(fabs(got - student_golden[i].want) < 1e-8 * fmax(1, fabs(got)));
        assert_true(fabs(rml_student_cdf(got, degrees) / p - 1) < 1e-8);
    }
    assert_true(isnan(rml_normal_quantile(-1)) && isnan(rml_student_quantile(0.5, 0)));
    assert_true(rml_student_cdf(0, 3) == 0.5 && rml_student_quantile(0.5, 3) == 0);
    assert_true(rml_normal_quantile(0) == -INFINITY && rml_student_cdf(INFINITY, 3) == 1);
}

static void test_random_normal(void **state)
{
    (void)state;
    enum { COUNT = 200000 };
    double sum = 0, squares = 0;
    size_t beyond = 0;
    for (uint64_t i = 0; i < COUNT; i++) {
        double x = rml_random_normal(5, 6, i);
        sum += x;
        squares += x * x;
        beyond += x > 1.959963984540054;
    }
    assert_true(fabs(sum / COUNT) < 0.01 && fabs(squares / COUNT - 1) < 0.02);
    assert_true(fabs((double)beyond / COUNT - 0.025) < 0.002);
    assert_true(rml_random_normal(5, 6, 7) == rml_random_normal(5, 6, 7));
    assert_true(rml_random_normal(5, 6, 7) != rml_random_normal(5, 7, 7));
}

static void test_cholesky(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 40; n += 3) {
        double factor[1600], a[1600], copy[1600], x[80], b[80];
        for (size_t i = 0; i < n * n; i++) {
            factor[i] = rml_random_normal(1, n, i);
        }
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < n; j++) {
                a[i * n + j] = 0;
                for (size_t k = 0; k < n; k++) {
                    a[i * n + j] += factor[i * n + k] * factor[j * n + k];
                }
            }
        }
        memcpy(copy, a, sizeof a);
        for (size_t i = 0; i < 2 * n; i++) {
            x[i] = rml_random_normal(2, n, i);
        }
        for (size_t i = 0; i < n; i++) {
            for (size_t c = 0; c < 2; c++) {
                b[2 * i + c] = 0.5 * x[2 * i + c];
                for (size_t k = 0; k < n; k++) {
                    b[2 * i + c] += a[i * n + k] * x[2 * k + c];
                }
            }
        }
        assert_true(rml_cholesky_solve(n, 2, 0.5, a, b));
        for (size_t i = 0; i < 2 * n; i++) {
            assert_true(fabs(b[i] - x[i]) < 1e-9);
        }
        copy[0] = -1e6;
        assert_false(rml_cholesky_solve(n, 1, 0, copy, b));
    }
}

static void test_pose(void **state)
{
    (void)state;
    rml_pose2 pose = {10, 20, RML_PI / 2};
    double x, y;
    rml_pose2_apply(&pose, 1, 2, &x, &y);
    assert_true(fabs(x - 8) < 1e-12 && fabs(y - 21) < 1e-12);
    rml_pose2_inverse_apply(&pose, x, y, &x, &y);
    assert_true(fabs(x - 1) < 1e-12 && fabs(y - 2) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_random_normal),
        cmocka_unit_test(test_cholesky),
        cmocka_unit_test(test_pose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
