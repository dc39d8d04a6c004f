// The numbers of the float32 functions of math, for vector kernels that return the same bits.
//
// Near-minimax polynomials (Chebyshev interpolation at 60 digits, rounded to float32), evaluated by
// Horner's rule with fused multiply-adds; src/math/f32.c is the text to follow.
#ifndef ROADMILL_MATH_F32_H
#define ROADMILL_MATH_F32_H

#define RML_F32_LOG2_E 1.44269502f
#define RML_F32_LN2_HIGH 0.693145752f // 16 bits: its product with an exponent is exact
#define RML_F32_LN2_LOW 1.42860677e-06f
#define RML_F32_ROUND 12582912.0f // 1.5 * 2^23: adding it rounds to an integer
#define RML_F32_EXP_LOW (-104.0f)
#define RML_F32_EXP_HIGH 89.0f
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

// erf(x) / x - 1 in x^2, |x| < 0.921875
#define RML_F32_ERF                                                                                \
    {                                                                                              \
        0.128379167f, -0.376126335f, 0.112836915f, -0.0268591515f, 0.00520036859f,                 \
            -0.000813470933f, 8.33471862e-05f                                                      \
    }
#define RML_F32_ERF_COUNT 7
#define RML_F32_ERF_NEAR 0.921875f
// log(1 - erf(x)), 0.92 <= x <= 4
#define RML_F32_ERFC                                                                               \
    {                                                                                              \
        0.000320441531f, -1.13023762f, -0.631814517f, -0.110094481f, 0.0264310176f,                \
            -0.00476357525f, 0.000597743472f, -4.61779128e-05f, 1.64356965e-06f                    \
    }
#define RML_F32_ERFC_COUNT 9
#define RML_F32_ERF_FAR 4.0f // 1 from here on

#endif
