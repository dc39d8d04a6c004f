// The numbers of the float32 functions of math, for vector kernels that return the same bits.
//
// Near-minimax polynomials (Chebyshev interpolation at 60 digits, those of the normal distribution
// by Lawson's algorithm in float64; rounded to float32), evaluated by Horner's rule with fused
// multiply-adds; src/math/f32.c is the text to follow.
#ifndef ROADMILL_MATH_F32_H
#define ROADMILL_MATH_F32_H

#define RML_F32_LOG2_E 1.44269502f
#define RML_F32_LN2_HIGH 0.693145752f // 16 bits: its product with an exponent is exact
#define RML_F32_LN2_LOW 1.42860677e-06f
#define RML_F32_ROUND 12582912.0f // 1.5 * 2^23: adding it rounds to an integer
#define RML_F32_EXP_LOW (-104.0f)
#define RML_F32_EXP_HIGH 89.0f
#define RML_F32_EXP_DOWN_LOW (-87.0f) // below it zero, above it no subnormal number
// (e^r - 1 - r) / r^2, |r| <= 0.347
#define RML_F32_EXP                                                                                \
    {                                                                                              \
        0.5f, 0.16666576f, 0.0416665534f, 0.00836334581f, 0.00139263919f                           \
    }
#define RML_F32_EXP_COUNT 5

// (log(1 + f) - f + f^2 / 2) / f^3, sqrt(1/2) <= 1 + f < sqrt(2)
#define RML_F32_LOG                                                                                \
    {                                                                                              \
        0.333333312f, -0.24999997f, 0.200007157f, -0.166678023f, 0.142490576f, -0.124256873f,      \
            0.116854199f, -0.114797338f, 0.0697161147f                                             \
    }
#define RML_F32_LOG_COUNT 9
#define RML_F32_SQRT_HALF_BITS 0x3f3504f3u

// (tanh(x) - x) / x^3 in x^2, |x| < 0.625
#define RML_F32_TANH                                                                               \
    {                                                                                              \
        -0.333333331f, 0.133332964f, -0.0539575951f, 0.0217557003f, -0.00830169536f,               \
            0.00224600369f                                                                         \
    }
#define RML_F32_TANH_COUNT 6
#define RML_F32_TANH_NEAR 0.625f
#define RML_F32_TANH_FAR 9.5f // 1 from here on

// The normal distribution below x: (below - 1/2) / x in x^2, |x| < 1.3125
#define RML_F32_BELOW                                                                              \
    {                                                                                              \
        0.398942232f, -0.0664897561f, 0.00997061376f, -0.00118131773f, 0.000109383422f,            \
            -6.41431052e-06f                                                                       \
    }
#define RML_F32_BELOW_COUNT 6
#define RML_F32_BELOW_NEAR 1.3125f
// above exp(x^2 / 2) in x, 1.3125 <= x <= 5, its error weighted by exp(-x^2 / 2)
#define RML_F32_ABOVE                                                                              \
    {                                                                                              \
        0.494189084f, -0.374171942f, 0.202914253f, -0.079768531f, 0.0219898671f, -0.00399214821f,  \
            0.000425363367f, -2.00343638e-05f                                                      \
    }
#define RML_F32_ABOVE_COUNT 8
#define RML_F32_ABOVE_FAR 5.0f // as there from here on

#endif
