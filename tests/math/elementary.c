// Protects: the error of every elementary function, against the 80-bit libm, in units of the last
// place; special values; float32 functions over a dense sample of all bit patterns.
#include "roadmill/math.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/base/random.h"

// Error of got in ulp of want, for float64 results.
static double ulp_of_f64(double got, long double want)
{
    if (isnan(want) || isinf(want)) {
        return (isnan(want) && isnan(got)) || (double)want == got ? 0 : 1e9;
    }
    int exponent;
    frexpl(want, &exponent);
    exponent = exponent < -1021 ? -1021 : exponent;
    return (double)fabsl(((long double)got - want) / ldexpl(1, exponent - 53));
}

static double ulp_of_f32(float got, double want)
{
    if (isnan(want)) {
        return isnan(got) ? 0 : 1e9;
    }
    if ((float)want == got) {
        return 0;
    }
    int exponent;
    frexp(want, &exponent);
    exponent = exponent < -125 ? -125 : exponent;
    return fabs(((double)got - want) / ldexp(1, exponent - 24));
}

typedef struct range {
    const char *name;
    double (*ours)(double);
    long double (*theirs)(long double);
    double low, high, ulp; // low > 0: points spread by magnitude, of both signs where sign is set
    int sign;
} range;

static const range ranges[] = {
    {"exp", rml_f64_exp, expl, -745, 709.7, 2, 0},
    {"exp tiny", rml_f64_exp, expl, 1e-20, 1, 2, 1},
    {"log", rml_f64_log, logl, 1e-320, 1e308, 2, 0},
    {"log near one", rml_f64_log, logl, 0.5, 2, 2, 0},
    {"log1p", rml_f64_log1p, log1pl, 1e-18, 0.9999999, 2, 1},
    {"log1p far", rml_f64_log1p, log1pl, 0.5, 1e300, 2, 0},
    {"expm1", rml_f64_expm1, expm1l, -45, 50, 2, 0},
    {"expm1 far", rml_f64_expm1, expm1l, 30, 709, 2, 0},
    {"expm1 small", rml_f64_expm1, expm1l, 1e-18, 1, 2, 1},
    {"tanh", rml_f64_tanh, tanhl, -25, 25, 2, 0},
    {"tanh small", rml_f64_tanh, tanhl, 1e-18, 1.5, 2, 1},
    {"erf", rml_f64_erf, erfl, -6.5, 6.5, 2, 0},
    {"erf small", rml_f64_erf, erfl, 1e-18, 1, 2, 1},
    {"sin", rml_f64_sin, sinl, -10, 10, 2, 0},
    {"sin far", rml_f64_sin, sinl, 1e-8, 1048576, 2, 1},
    {"cos", rml_f64_cos, cosl, -10, 10, 2, 0},
    {"cos far", rml_f64_cos, cosl, 1e-8, 1048576, 2, 1},
};

static void test_f64(void **state)
{
    (void)state;
    enum { POINTS = 300000 };
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
        const range *c = &ranges[r];
        double worst = 0, at = 0;
        bool spread = c->low > 0 && c->high * 1e-3 > c->low;
        for (uint64_t i = 0; i < POINTS; i++) {
            double u = rml_random_f64(1, r, i);
            double x = spread ? exp(log(c->low) + (log(c->high) - log(c->low)) * u)
                              : c->low + (c->high - c->low) * u;
            x = c->sign && (i & 1) ? -x : x;
            double e = ulp_of_f64(c->ours(x), c->theirs(x));
            if (!(e <= worst)) {
                worst = e;
                at = x;
            }
        }
        printf("%-14s %.3f ulp at %.17g\n", c->name, worst, at);
        assert_true(worst < c->ulp);
    }
    // Multiples of pi/2 rounded: the hardest arguments of the reduction.
    for (int k = 1; k < 600000; k++) {
        double x = k * 1.57079632679489661923;
        assert_true(ulp_of_f64(rml_f64_sin(x), sinl(x)) < 2.01 || fabsl(sinl(x)) < 1e-9L);
        assert_true(fabsl(rml_f64_cos(x) - cosl(x)) < 1.2e-16L);
    }
}

static void test_two_arguments(void **state)
{
    (void)state;
    double worst_atan = 0, worst_hypot = 0, worst_pow = 0;
    for (uint64_t i = 0; i < 300000; i++) {
        double size = pow(10, 40 * rml_random_f64(2, 0, i) - 20);
        double x = size * (2 * rml_random_f64(2, 1, i) - 1);
        double y = (i & 1 ? 1 : size) * (2 * rml_random_f64(2, 2, i) - 1);
        worst_atan = fmax(worst_atan, ulp_of_f64(rml_f64_atan2(y, x), atan2l(y, x)));
        worst_hypot = fmax(worst_hypot, ulp_of_f64(rml_f64_hypot(x, y), hypotl(x, y)));
        double base = pow(10, 20 * rml_random_f64(2, 3, i) - 10);
        double power = 40 * rml_random_f64(2, 4, i) - 20;
        worst_pow = fmax(worst_pow, ulp_of_f64(rml_f64_pow(base, power), powl(base, power)));
    }
    printf("atan2 %.3f, hypot %.3f, pow %.3f ulp\n", worst_atan, worst_hypot, worst_pow);
    assert_true(worst_atan < 2 && worst_hypot < 2 && worst_pow < 4);
    static const double edges[] = {0.0,       -0.0,  1,      -1,     INFINITY,
                                   -INFINITY, 1e300, -1e300, 1e-300, 5e-324};
    for (size_t i = 0; i < 10; i++) {
        for (size_t j = 0; j < 10; j++) {
            double got = rml_f64_atan2(edges[i], edges[j]), want = atan2(edges[i], edges[j]);
            assert_true(fabs(got - want) <= 4.5e-16 * fabs(want));
            assert_int_equal(signbit(got), signbit(want));
            assert_true(ulp_of_f64(rml_f64_hypot(edges[i], edges[j]), hypotl(edges[i], edges[j])) <
                        2);
        }
    }
}

static void test_special(void **state)
{
    (void)state;
    double (*const all[])(double) = {rml_f64_exp,  rml_f64_log, rml_f64_log1p, rml_f64_expm1,
                                     rml_f64_tanh, rml_f64_erf, rml_f64_sin,   rml_f64_cos};
    for (size_t i = 0; i < 8; i++) {
        assert_true(isnan(all[i](NAN)));
    }
    assert_true(isnan(rml_f64_log(-1)) && isnan(rml_f64_log1p(-1.5)) && isnan(rml_f64_sin(2e6)));
    assert_true(rml_f64_log(0) == -INFINITY && rml_f64_log(INFINITY) == INFINITY);
    assert_true(rml_f64_exp(-INFINITY) == 0 && rml_f64_exp(INFINITY) == INFINITY);
    assert_true(rml_f64_expm1(-INFINITY) == -1 && rml_f64_log1p(-1) == -INFINITY);
    assert_true(rml_f64_tanh(INFINITY) == 1 && rml_f64_erf(-INFINITY) == -1);
    assert_true(signbit(rml_f64_sin(-0.0)) && signbit(rml_f64_tanh(-0.0)));
    assert_true(rml_f64_pow(2, 10) == 1024 && rml_f64_pow(4, 0.5) == 2);
    for (int i = -2000; i <= 2000; i++) {
        double wrapped = rml_angle_wrap(i * 0.01 * RML_PI);
        assert_true(wrapped >= -RML_PI && wrapped < RML_PI);
        assert_true(fabs(sin(wrapped) - sin(i * 0.01 * RML_PI)) < 1e-13);
    }
    assert_true(rml_angle_wrap(RML_PI) == -RML_PI && rml_angle_wrap(1.5) == 1.5);
    assert_true(isnan(rml_angle_wrap(INFINITY)));
}

static void test_f32(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        float (*ours)(float);
        double (*theirs)(double);
    } cases[] = {
        {"exp", rml_f32_exp, exp},
        {"log", rml_f32_log, log},
        {"tanh", rml_f32_tanh, tanh},
    };
    for (size_t c = 0; c < 3; c++) {
        double worst = 0;
        float at = 0;
        for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 1499) {
            uint32_t low = (uint32_t)bits;
            float x;
            memcpy(&x, &low, sizeof x);
            double e = ulp_of_f32(cases[c].ours(x), cases[c].theirs(x));
            if (!(e <= worst)) {
                worst = e;
                at = x;
            }
        }
        printf("f32 %-5s %.3f ulp at %.9g\n", cases[c].name, worst, (double)at);
        assert_true(worst < 2);
    }
}

// Within the same bound where it is not zero by its name.
static void test_f32_exp_down(void **state)
{
    (void)state;
    double worst = 0;
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 1499) {
        uint32_t low = (uint32_t)bits;
        float x;
        memcpy(&x, &low, sizeof x);
        if (isnan(x)) {
            assert_true(isnan(rml_f32_exp_down(x)));
        } else if (x < -87.0f) {
            assert_true(rml_f32_exp_down(x) == 0);
        } else if (x <= 0) {
            worst = fmax(worst, ulp_of_f32(rml_f32_exp_down(x), exp(x)));
        }
    }
    printf("f32 exp_down %.3f ulp\n", worst);
    assert_true(worst < 2);
    assert_true(rml_f32_exp_down(-INFINITY) == 0 && rml_f32_exp_down(0) == 1);
}

// An absolute error; erfc is the C library's, in float64.
static void test_f32_normal(void **state)
{
    (void)state;
    double worst = 0;
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 1499) {
        uint32_t low = (uint32_t)bits;
        float x, density;
        memcpy(&x, &low, sizeof x);
        float below = rml_f32_normal_below(x, &density);
        if (isnan(x)) {
            assert_true(isnan(below) && isnan(density));
            continue;
        }
        double e = fabs(below - 0.5 * erfc(-(double)x * sqrt(0.5)));
        worst = e > worst ? e : worst;
        assert_true(density == rml_f32_exp_down(-0.5f * (x * x)) && below >= 0 && below <= 1);
    }
    printf("f32 normal below %.3g\n", worst);
    assert_true(worst < 8e-8);
    float density;
    assert_true(rml_f32_normal_below(-INFINITY, &density) == 0 && density == 0);
    assert_true(rml_f32_normal_below(INFINITY, &density) == 1 && density == 0);
    assert_true(rml_f32_normal_below(-0.0f, &density) == 0.5f && density == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f64),        cmocka_unit_test(test_two_arguments),
        cmocka_unit_test(test_special),    cmocka_unit_test(test_f32),
        cmocka_unit_test(test_f32_normal), cmocka_unit_test(test_f32_exp_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
