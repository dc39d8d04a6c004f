// Normal and Student distributions and normal random numbers.
//
// Tails: the continued fraction of erfc (Abramowitz and Stegun 7.1.14) and of the incomplete beta
// function (DLMF 8.17.22), both by Lentz's method. Quantiles: Newton inside a bracket.
#include "roadmill/math.h"

#include <math.h>

#include "roadmill/base/random.h"

#define SQRT_HALF 0.70710678118654752440
#define LOG_SQRT_2PI 0.91893853320467274178

// P(X > x) for x >= 0, with small relative error far out too.
static double normal_tail(double x)
{
    if (x < 2.5) {
        return 0.5 - 0.5 * rml_f64_erf(x * SQRT_HALF);
    }
    double f = x; // x + 1/(x + 2/(x + 3/...)), from the back
    for (int i = 200; i >= 1; i--) {
        f = x + i / f;
    }
    return rml_f64_exp(-0.5 * x * x - LOG_SQRT_2PI) / f;
}

double rml_normal_cdf(double x)
{
    if (x != x) {
        return x;
    }
    return x < 0 ? normal_tail(-x) : 1.0 - normal_tail(x);
}

double rml_normal_quantile(double p)
{
    if (!(p > 0.0 && p < 1.0)) {
        return p == 0.0 ? -INFINITY : p == 1.0 ? INFINITY : NAN;
    }
    double q = p < 0.5 ? p : 1.0 - p;
    double r = sqrt(-2.0 * rml_f64_log(q)); // Abramowitz and Stegun 26.2.23, error below 4.5e-4
    double x = r - (2.515517 + r * (0.802853 + r * 0.010328)) /
                       (1.0 + r * (1.432788 + r * (0.189269 + r * 0.001308)));
    for (int i = 0; i < 3; i++) { // Newton on log P(X > x), which is nearly a parabola
        double tail = normal_tail(x);
        double density = rml_f64_exp(-0.5 * x * x - LOG_SQRT_2PI);
        x += rml_f64_log(tail / q) * tail / density;
    }
    return p < 0.5 ? -x : x;
}

// log Gamma(x), x > 0: Stirling's series (DLMF 5.11.1) after a shift above 12.
static double log_gamma(double x)
{
    double shift = 1.0;
    while (x < 12.0) {
        shift *= x;
        x += 1.0;
    }
    double z = 1.0 / (x * x);
    double series =
        (1.0 / 12 - z * (1.0 / 360 - z * (1.0 / 1260 - z * (1.0 / 1680 - z / 1188)))) / x;
    return (x - 0.5) * rml_f64_log(x) - x + LOG_SQRT_2PI + series - rml_f64_log(shift);
}

// The continued fraction of I_x(a, b), for x below (a + 1) / (a + b + 2).
static double beta_fraction(double a, double b, double x)
{
    double c = 1.0, d = 1.0 - (a + b) * x / (a + 1.0);
    d = 1.0 / (d == 0.0 ? 1e-300 : d);
    double f = d;
    for (int i = 1; i <= 2000; i++) {
        double m = i;
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1.0 + even * d;
        d = 1.0 / (d == 0.0 ? 1e-300 : d);
        c = 1.0 + even / c;
        f *= c * d;
        d = 1.0 + odd * d;
        d = 1.0 / (d == 0.0 ? 1e-300 : d);
        c = 1.0 + odd / c;
        f *= c * d;
        if (fabs(c * d - 1.0) < 1e-16) {
            break;
        }
    }
    return f;
}

// P(T > t) for t >= 0: half of I_x(degrees / 2, 1 / 2), x = degrees / (degrees + t^2).
static double student_tail(double t, double degrees)
{
    double a = 0.5 * degrees, b = 0.5;
    double ratio = t / sqrt(degrees); // x = 1 / (1 + ratio^2), y = 1 - x, neither by subtraction
    if (ratio > 1e150) {
        double beta = log_gamma(a + b) - log_gamma(a) - log_gamma(b);
        return 0.5 * rml_f64_exp(beta - 2.0 * a * rml_f64_log(ratio)) / a;
    }
    double square = ratio * ratio;
    double x = 1.0 / (1.0 + square), y = square / (1.0 + square);
    double front = rml_f64_exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) -
                               a * rml_f64_log1p(square) + b * rml_f64_log(y));
    if (y == 0.0) {
        return 0.5;
    }
    return x < (a + 1.0) / (a + b + 2.0) ? 0.5 * front * beta_fraction(a, b, x) / a
                                         : 0.5 - 0.5 * front * beta_fraction(b, a, y) / b;
}

double rml_student_cdf(double t, double degrees)
{
    if (t != t || !(degrees > 0.0)) {
        return NAN;
    }
    if (t == INFINITY || t == -INFINITY) {
        return t > 0 ? 1.0 : 0.0;
    }
    return t < 0 ? student_tail(-t, degrees) : 1.0 - student_tail(t, degrees);
}

double rml_student_quantile(double p, double degrees)
{
    if (!(p > 0.0 && p < 1.0 && degrees >= 1.0)) {
        return degrees >= 1.0 && p == 0.0 ? -INFINITY : degrees >= 1.0 && p == 1.0 ? INFINITY : NAN;
    }
    if (p == 0.5) {
        return 0.0;
    }
    double q = p < 0.5 ? p : 1.0 - p;
    double low = 0.0, high = 1.0;
    while (student_tail(high, degrees) > q && high < 1e300) {
        low = high;
        high *= 2.0;
    }
    double constant = log_gamma(0.5 * degrees + 0.5) - log_gamma(0.5 * degrees) -
                      0.5 * rml_f64_log(degrees * RML_PI);
    double t = 0.5 * (low + high);
    for (int i = 0; i < 200 && high - low > 1e-15 * high; i++) {
        double tail = student_tail(t, degrees);
        low = tail > q ? t : low;
        high = tail > q ? high : t;
        double density =
            rml_f64_exp(constant - 0.5 * (degrees + 1.0) * rml_f64_log1p(t / degrees * t));
        double next = t + (tail - q) / density;
        next = next > low && next < high ? next : 0.5 * (low + high);
        if (fabs(next - t) <= 4e-16 * t) {
            break;
        }
        t = next;
    }
    return p < 0.5 ? -t : t;
}

double rml_random_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
    double u = 1.0 - rml_random_f64(seed, stream, 2 * index); // (0, 1]
    double v = rml_random_f64(seed, stream, 2 * index + 1);
    return sqrt(-2.0 * rml_f64_log(u)) * rml_f64_cos(2.0 * RML_PI * v);
}
