// exp, expm1 and tanh in float64: reduction by ln 2 in two parts (Cody and Waite), near-minimax
// polynomials (Chebyshev interpolation at 60 digits, then rounded), scaling by powers of two.
#include "roadmill/math.h"

#include <math.h>

#include "bits.h"

#define LN2_HIGH 0x1.62e42fee00000p-1 // 32 bits: k * LN2_HIGH is exact
#define LN2_LOW 0x1.a39ef35793c76p-33
#define LOG2_E 0x1.71547652b82fep+0
#define ROUND_MAGIC 6755399441055744.0 // 1.5 * 2^52: adding it rounds to an integer

// x = k ln 2 + high - low, |high - low| <= 0.347.
static double reduce(double x, int *k, double *tail)
{
    double n = (x * LOG2_E + ROUND_MAGIC) - ROUND_MAGIC;
    double high = x - n * LN2_HIGH;
    double low = n * LN2_LOW;
    double r = high - low;
    *tail = (high - r) - low;
    *k = (int)n;
    return r;
}

// (e^r - 1 - r) / r^2
static double exp_rest(double r)
{
    static const double c[] = {
        0.5,
        0.16666666666666666,
        0.04166666666666668,
        0.008333333333333333,
        0.0013888888888878854,
        0.00019841269841263152,
        2.480158733702903e-05,
        2.755731924760984e-06,
        2.75572626528368e-07,
        2.5052070676884162e-08,
        2.091836877654225e-09,
        1.6086781948613066e-10,
    };
    return f64_polynomial(c, 12, r);
}

double rml_f64_exp(double x)
{
    if (!(x < 709.8 && x > -745.2)) {
        return x != x ? x : x > 0 ? INFINITY : 0.0;
    }
    int k;
    double tail;
    double r = reduce(x, &k, &tail);
    double y = 1.0 + (r + (r * r * exp_rest(r) + tail));
    int half = k / 2; // two steps, so that subnormal and largest results round once
    return y * f64_power_of_two(half) * f64_power_of_two(k - half);
}

double rml_f64_expm1(double x)
{
    if (!(x < 709.8)) {
        return x != x ? x : INFINITY;
    }
    if (x < -40.0) {
        return -1.0;
    }
    int k;
    double tail;
    double r = reduce(x, &k, &tail);
    double q = r * r * exp_rest(r) + (tail + tail * r);
    if (k == 0) {
        return r + q;
    }
    if (k == -1) {
        return 0.5 * (r + q - 1.0);
    }
    if (k == 1) {
        return 2.0 * (q + (r + 0.5));
    }
    if (k > 60 || k < -52) {
        return rml_f64_exp(x) - 1.0;
    }
    double one = 1.0 - f64_power_of_two(-k); // exact up to k = 53
    if (k > 53) {
        double y = 1.0 + (r + (q - f64_power_of_two(-k)));
        return y * f64_power_of_two(k);
    }
    double y = k > 0 ? one + (r + q) : (1.0 + (r + q)) - f64_power_of_two(-k);
    return y * f64_power_of_two(k);
}

double rml_f64_tanh(double x)
{
    static const double c[] = {
        -0.3333333333333333,     0.13333333333333333,    -0.053968253968252625,
        0.021869488536057247,    -0.008863235526183403,  0.0035921279523890705,
        -0.0014558331607022348,  0.0005900154271291453,  -0.00023904812628545435,
        9.653729208087095e-05,   -3.806817150458526e-05, 1.3341844917600651e-05,
        -3.0087819062978347e-06,
    };
    double a = f64_abs(x);
    if (a < 0x1p-28) {
        return x; // keeps the sign of zero
    }
    if (a < 0.55) {
        double z = x * x;
        return x + x * z * f64_polynomial(c, 13, z);
    }
    if (!(a < 22.0)) {
        return x != x ? x : f64_copy_sign(1.0, x);
    }
    double y;
    if (a < 1.0) {
        double t = rml_f64_expm1(2.0 * a);
        y = t / (t + 2.0);
    } else {
        y = 1.0 - 2.0 / (rml_f64_expm1(2.0 * a) + 2.0);
    }
    return f64_copy_sign(y, x);
}
