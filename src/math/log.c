// log, log1p and pow in float64: x = 2^k m with m near 1, s = (m - 1) / (m + 1), log m = 2 atanh s.
#include "roadmill/math.h"

#include <math.h>

#include "bits.h"

#define LN2_HIGH 0x1.62e42fee00000p-1
#define LN2_LOW 0x1.a39ef35793c76p-33
#define SPLIT 134217729.0 // 2^27 + 1 (Dekker)

// (2 atanh(s) - 2 s) / s^3 as a polynomial in z = s^2.
static double atanh_rest(double z)
{
    static const double c[] = {
        0.6666666666666666,  0.40000000000000885, 0.28571428570799784, 0.22222222392581045,
        0.18181795547521132, 0.15386244737621896, 0.1326863836926161,  0.13088034850974767,
    };
    return f64_polynomial(c, 8, z);
}

// Splits a positive finite x into 2^k m with m in [sqrt(1/2), sqrt(2)).
static double split(double x, int *k)
{
    int extra = 0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        extra = -54;
    }
    uint64_t bits = f64_bits(x) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
    *k = (int)(bits >> 52) - 1023 + extra;
    return f64_of_bits((bits & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu);
}

// k ln 2 + log(1 + f) + tail, where f is exact and tail is a small correction.
static double finish(int k, double f, double tail)
{
    double s = f / (2.0 + f);
    double half = 0.5 * f * f;
    double rest = s * (half + s * s * atanh_rest(s * s));
    double n = k;
    return n * LN2_HIGH - ((half - (rest + (n * LN2_LOW + tail))) - f);
}

double rml_f64_log(double x)
{
    if (!(x > 0.0 && x < INFINITY)) {
        return x != x || x > 0.0 ? x : x == 0.0 ? -INFINITY : NAN;
    }
    int k;
    double m = split(x, &k);
    return finish(k, m - 1.0, 0.0);
}

double rml_f64_log1p(double x)
{
    if (!(x > -1.0 && x < INFINITY)) {
        return x != x || x > 0.0 ? x : x == -1.0 ? -INFINITY : NAN;
    }
    double a = f64_abs(x);
    if (a < 0x1p-54) {
        return x;
    }
    if (a < 0.29) {
        return finish(0, x, 0.0);
    }
    double u = 1.0 + x;
    double lost = x > 1.0 ? 1.0 - (u - x) : x - (u - 1.0);
    int k;
    double m = split(u, &k);
    return finish(k, m - 1.0, lost / u);
}

// a * b = high + low exactly (Dekker 1971).
static double product(double a, double b, double *low)
{
    double a1 = a * SPLIT, b1 = b * SPLIT;
    a1 = a1 - (a1 - a);
    b1 = b1 - (b1 - b);
    double a2 = a - a1, b2 = b - b1;
    double high = a * b;
    *low = ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2;
    return high;
}

// log x with about 60 bits, as high + low.
static double log_wide(double x, double *low)
{
    int k;
    double m = split(x, &k);
    double f = m - 1.0, g = m + 1.0, g_low = m - (g - 1.0);
    double s = f / g, back_low;
    double back = product(s, g, &back_low);
    double s_low = (((f - back) - back_low) - s * g_low) / g;
    double z = s * s, n = k;
    double rest = 2.0 * s_low + s * z * atanh_rest(z);
    double first = n * LN2_HIGH, second = 2.0 * s;
    double sum = first + second;
    double lost = first == 0.0 ? 0.0 : second - (sum - first); // |first| >= |second| unless k = 0
    double small = (rest + n * LN2_LOW) + lost;
    double high = sum + small;
    *low = small - (high - sum);
    return high;
}

double rml_f64_pow(double x, double y)
{
    if (!(x > 0.0 && x < INFINITY) || y != y) {
        return x != x || y != y ? x + y
               : x == 0.0       ? (y > 0.0   ? 0.0
                                   : y < 0.0 ? INFINITY
                                             : 1.0)
               : x > 0.0        ? (y > 0.0   ? x
                                   : y < 0.0 ? 0.0
                                             : 1.0)
                                : NAN;
    }
    double log_low, low;
    double log_high = log_wide(x, &log_low);
    if (!(f64_abs(y * log_high) < 800.0)) {
        return rml_f64_exp(y * log_high);
    }
    double high = product(y, log_high, &low);
    low += y * log_low;
    double e = rml_f64_exp(high);
    return e == 0.0 || e == INFINITY ? e : e + e * low;
}
