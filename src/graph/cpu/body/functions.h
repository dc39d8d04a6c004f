// exp, log, tanh, the normal distribution, gelu on lanes: the text of src/math/f32.c, operation by
// operation.
#ifndef RML_GRAPH_CPU_BODY_FUNCTIONS_H
#define RML_GRAPH_CPU_BODY_FUNCTIONS_H

#include "roadmill/math/f32.h"

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

// A call would hand lanes over in memory.
#define LANES_INLINE static inline __attribute__((always_inline))

#define SIGN_BIT 0x80000000u

// Horner: c[0] + x (c[1] + x (...)).
LANES_INLINE lanes v_polynomial(const float *c, int count, lanes x)
{
    lanes sum = v_set(c[count - 1]);
    UNROLL
    for (int i = count - 2; i >= 0; i--) {
        sum = v_fma(x, sum, v_set(c[i]));
    }
    return sum;
}

static inline lanes v_abs(lanes x)
{
    return v_and(x, v_bits(~SIGN_BIT));
}
static inline lanes v_neg(lanes x)
{
    return v_xor(x, v_bits(SIGN_BIT));
}
static inline lanes v_with_sign(lanes x, lanes sign)
{
    return v_or(x, v_and(sign, v_bits(SIGN_BIT)));
}

LANES_INLINE lanes v_exp_fraction(lanes x, lanes *shifted)
{
    static const float c[] = RML_F32_EXP;
    *shifted = v_fma(x, v_set(RML_F32_LOG2_E), v_set(RML_F32_ROUND));
    lanes n = v_sub(*shifted, v_set(RML_F32_ROUND));
    lanes r = v_fma(n, v_set(-RML_F32_LN2_LOW), v_fma(n, v_set(-RML_F32_LN2_HIGH), x));
    lanes rest = v_fma(v_mul(r, r), v_polynomial(c, RML_F32_EXP_COUNT, r), r);
    return v_add(v_set(1.0f), rest);
}

LANES_INLINE lanes v_exp(lanes x)
{
    x = v_select(v_less(x, v_set(RML_F32_EXP_LOW)), v_set(RML_F32_EXP_LOW), x);
    x = v_select(v_less(v_set(RML_F32_EXP_HIGH), x), v_set(RML_F32_EXP_HIGH), x);
    lanes shifted, y = v_exp_fraction(x, &shifted);
    lanes k = v_sub_bits(shifted, v_set(RML_F32_ROUND));
    lanes half = v_shift_right(k, 1);
    lanes first = v_shift_left(v_add_bits(half, v_bits(127)), 23);
    lanes second = v_shift_left(v_add_bits(v_sub_bits(k, half), v_bits(127)), 23);
    return v_mul(v_mul(y, first), second);
}

// x <= 0.
LANES_INLINE lanes v_exp_down(lanes x)
{
    lanes shifted, y = v_exp_fraction(x, &shifted);
    y = v_mul(y, v_add_bits(v_shift_left(shifted, 23), v_set(1.0f)));
    return v_select(v_less(x, v_set(RML_F32_EXP_DOWN_LOW)), v_set(0.0f), y);
}

LANES_INLINE lanes v_log(lanes x)
{
    static const float c[] = RML_F32_LOG;
    const lanes zero = v_set(0.0f), infinite = v_bits(0x7f800000u);
    lanes_mask small = v_less(x, v_set(0x1p-126f));
    lanes bits = v_select(small, v_mul(x, v_set(0x1p23f)), x);
    bits = v_add_bits(bits, v_bits(0x3f800000u - RML_F32_SQRT_HALF_BITS));
    // The sign bit is clear wherever the result is used, so an arithmetic shift will do.
    lanes n = v_from_int(v_sub_bits(v_shift_right(bits, 23), v_bits(127)));
    n = v_sub(n, v_select(small, v_set(23.0f), zero));
    lanes m = v_add_bits(v_and(bits, v_bits(0x007fffffu)), v_bits(RML_F32_SQRT_HALF_BITS));
    lanes f = v_sub(m, v_set(1.0f)), z = v_mul(f, f);
    lanes rest = v_add(v_mul(v_mul(f, z), v_polynomial(c, RML_F32_LOG_COUNT, f)),
                       v_mul(n, v_set(RML_F32_LN2_LOW)));
    lanes y =
        v_add(v_mul(n, v_set(RML_F32_LN2_HIGH)), v_add(f, v_sub(rest, v_mul(v_set(0.5f), z))));
    lanes odd = v_select(v_less(x, zero), v_bits(0x7fc00000u), x);
    odd = v_select(v_equal(x, zero), v_bits(0xff800000u), odd);
    return v_select(v_less(zero, x), v_select(v_less(x, infinite), y, odd), odd);
}

LANES_INLINE lanes v_tanh(lanes x)
{
    static const float c[] = RML_F32_TANH;
    lanes a = v_abs(x), z = v_mul(x, x);
    lanes near = v_add(x, v_mul(v_mul(x, z), v_polynomial(c, RML_F32_TANH_COUNT, z)));
    lanes limit = v_set(RML_F32_TANH_FAR);
    lanes t = v_select(v_less(limit, a), limit, a);
    lanes e = v_add(v_exp(v_add(t, t)), v_set(1.0f));
    lanes far = v_with_sign(v_sub(v_set(1.0f), v_div(v_set(2.0f), e)), x);
    return v_select(v_less(a, v_set(RML_F32_TANH_NEAR)), near, far);
}

// The share of a normal variable below x; *density: exp(-x^2 / 2).
LANES_INLINE lanes v_below(lanes x, lanes *density)
{
    static const float near_c[] = RML_F32_BELOW, far_c[] = RML_F32_ABOVE;
    const lanes limit = v_set(RML_F32_ABOVE_FAR);
    lanes a = v_abs(x), square = v_mul(x, x);
    lanes near = v_fma(x, v_polynomial(near_c, RML_F32_BELOW_COUNT, square), v_set(0.5f));
    lanes t = v_select(v_less(limit, a), limit, a);
    *density = v_exp_down(v_mul(v_set(-0.5f), square));
    lanes above = v_mul(*density, v_polynomial(far_c, RML_F32_ABOVE_COUNT, t));
    lanes far = v_select(v_less(x, v_set(0.0f)), above, v_sub(v_set(1.0f), above));
    return v_select(v_less(a, v_set(RML_F32_BELOW_NEAR)), near, far);
}

// GELU and its slope.
LANES_INLINE lanes v_gelu_with_slope(lanes x, lanes *slope)
{
    lanes density, below = v_below(x, &density);
    *slope = v_add(below, v_mul(v_mul(x, v_set(0.398942280f)), density));
    return v_mul(x, below);
}

LANES_INLINE lanes v_gelu(lanes x)
{
    lanes density;
    return v_mul(x, v_below(x, &density));
}

LANES_INLINE lanes v_gelu_backward(lanes x, lanes dy)
{
    lanes slope;
    v_gelu_with_slope(x, &slope);
    return v_mul(dy, slope);
}

#endif
