// sin, cos, atan2, hypot in float64 and the wrap of angles. Reduction by pi/2 in three parts of 33
// bits and a tail (Cody and Waite): products with a quadrant number up to 2^20 are exact.
#include "roadmill/math.h"

#include <math.h>

#include "bits.h"

#define ROUND_MAGIC 6755399441055744.0
#define PI_LOW 0x1.1a62633145c07p-53 // pi - RML_PI

// x = quadrant pi/2 + r + tail.
static double reduce(double x, unsigned *quadrant, double *tail)
{
    double n = (x * 0x1.45f306dc9c883p-1 + ROUND_MAGIC) - ROUND_MAGIC;
    *quadrant = (unsigned)(int64_t)n & 3u;
    double first = x - n * 0x1.921fb54400000p+0;
    double second = n * 0x1.0b4611a600000p-34;
    double third = n * 0x1.3198a2e000000p-69;
    double a = first - second;
    double a_back = a - first;
    double a_lost = (first - (a - a_back)) - (second + a_back);
    double b = a - third;
    double b_back = b - a;
    double b_lost = (a - (b - b_back)) - (third + b_back);
    double lost = a_lost + (b_lost - n * 0x1.b839a252049c1p-104);
    double r = b + lost;
    *tail = (b - r) + lost;
    return r;
}

static double sin_near(double r, double tail)
{
    static const double c[] = {
        -0.16666666666666666,   0.008333333333333331,    -0.0001984126984126504,
        2.7557319219320575e-06, -2.5052106225992787e-08, 1.605853059639024e-10,
        -7.586636867766399e-13,
    };
    double z = r * r;
    return r + (r * z * f64_polynomial(c, 7, z) + tail * (1.0 - 0.5 * z));
}

static double cos_near(double r, double tail)
{
    static const double c[] = {
        0.041666666666666664,   -0.0013888888888888887, 2.4801587301584632e-05,
        -2.755731922139249e-07, 2.0876755787491707e-09, -1.147046031906734e-11,
        4.745838404158619e-14,
    };
    double z = r * r, half = 0.5 * z;
    double one = 1.0 - half;
    return one + (((1.0 - one) - half) + (z * z * f64_polynomial(c, 7, z) - r * tail));
}

// shift: 0 for the sine, 1 for the cosine.
static double sin_or_cos(double x, unsigned shift)
{
    if (!(f64_abs(x) <= 1048576.0)) {
        return NAN;
    }
    unsigned quadrant;
    double tail;
    double r = reduce(x, &quadrant, &tail);
    quadrant += shift;
    double y = quadrant & 1u ? cos_near(r, tail) : sin_near(r, tail);
    return quadrant & 2u ? -y : y;
}

double rml_f64_sin(double x)
{
    return f64_abs(x) < 0x1p-27 ? x : sin_or_cos(x, 0);
}

double rml_f64_cos(double x)
{
    return sin_or_cos(x, 1);
}

// atan of x >= 0 (also infinity) as a middle angle and an odd polynomial around it.
static double atan_positive(double x)
{
    static const double c[] = {
        -0.33333333333333326, 0.19999999999987714, -0.14285714283138384,  0.11111110899821627,
        -0.0909090016866845,  0.07692086789119723, -0.06663232236816123,  0.05847669756798736,
        -0.05033685083896214, 0.03781854858632931, -0.017539916204829125,
    };
    static const double high[] = {0, 0x1.dac670561bb4fp-2, 0x1.921fb54442d18p-1,
                                  0x1.f730bd281f69bp-1, 0x1.921fb54442d18p+0};
    static const double low[] = {0, 0x1.a2b7f222f65e2p-56, 0x1.1a62633145c07p-55,
                                 0x1.007887af0cbbdp-56, 0x1.1a62633145c07p-54};
    int middle = 0;
    if (x >= 2.4375) {
        x = -1.0 / x;
        middle = 4;
    } else if (x >= 1.1875) {
        x = (x - 1.5) / (1.0 + 1.5 * x);
        middle = 3;
    } else if (x >= 0.6875) {
        x = (x - 1.0) / (x + 1.0);
        middle = 2;
    } else if (x >= 0.4375) {
        x = (2.0 * x - 1.0) / (2.0 + x);
        middle = 1;
    }
    double z = x * x;
    double rest = x * z * f64_polynomial(c, 11, z);
    return high[middle] + (x + (rest + low[middle]));
}

double rml_f64_atan2(double y, double x)
{
    if (x != x || y != y) {
        return x + y;
    }
    double ax = f64_abs(x), ay = f64_abs(y), angle;
    if (ay == 0.0 && ax == 0.0) {
        angle = 0.0;
    } else if (ay == INFINITY && ax == INFINITY) {
        angle = 0.25 * RML_PI;
    } else {
        double ratio = ay / ax;
        // Below the normal range the quotient loses bits, but is as good as the angle itself.
        angle = atan_positive(ratio);
    }
    if (f64_bits(x) >> 63) {
        angle = RML_PI - (angle - PI_LOW);
    }
    return f64_copy_sign(angle, y);
}

double rml_f64_hypot(double x, double y)
{
    double a = f64_abs(x), b = f64_abs(y);
    if (a == INFINITY || b == INFINITY) {
        return INFINITY;
    }
    if (a < b) {
        double swap = a;
        a = b;
        b = swap;
    }
    double scale = 1.0;
    if (a > 0x1p500) {
        scale = 0x1p600;
    } else if (b < 0x1p-450) {
        scale = a < 0x1p-400 ? 0x1p-600 : 1.0;
    }
    double p = a * (1.0 / scale), q = b * (1.0 / scale);
    return sqrt(p * p + q * q) * scale;
}

double rml_angle_wrap(double rad)
{
    double turns = rad * (0.5 / RML_PI);
    if (!(f64_abs(turns) < 4503599627370496.0)) {
        return NAN;
    }
    double n = (turns + ROUND_MAGIC) - ROUND_MAGIC;
    double y = (rad - n * (2.0 * RML_PI)) - n * (2.0 * PI_LOW);
    if (y >= RML_PI) {
        y -= 2.0 * RML_PI;
    } else if (y < -RML_PI) {
        y += 2.0 * RML_PI;
        y = y < RML_PI ? y : -RML_PI;
    }
    return y;
}
