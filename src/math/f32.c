// exp, log, tanh and the normal distribution in float32, without branches that a vector kernel
// could not follow: selections only; polynomials in Horner's order by fused multiply-adds, all else
// by plain multiplications and additions. These are the reference of the vector kernels of graph,
// which return the same bits.
#include "roadmill/math.h"

#include <math.h>
#include <string.h>

#include "roadmill/math/f32.h"

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float polynomial(const float *c, int count, float x)
{
    float sum = c[count - 1];
    for (int i = count - 2; i >= 0; i--) {
        sum = fmaf(x, sum, c[i]);
    }
    return sum;
}

// y of exp(x) = y 2^n, 0.7 < y < 1.5; the low bits of *shifted hold n.
static float exp_fraction(float x, float *shifted)
{
    static const float c[] = RML_F32_EXP;
    *shifted = fmaf(x, RML_F32_LOG2_E, RML_F32_ROUND);
    float n = *shifted - RML_F32_ROUND;
    float r = fmaf(n, -RML_F32_LN2_LOW, fmaf(n, -RML_F32_LN2_HIGH, x));
    return 1.0f + fmaf(r * r, polynomial(c, RML_F32_EXP_COUNT, r), r);
}

float rml_f32_exp(float x)
{
    x = x < RML_F32_EXP_LOW ? RML_F32_EXP_LOW : x; // written so that NaN passes
    x = x > RML_F32_EXP_HIGH ? RML_F32_EXP_HIGH : x;
    float shifted, y = exp_fraction(x, &shifted);
    // Two steps, so that subnormal results round once. A NaN keeps its way: its product with
    // anything is NaN.
    int32_t k = (int32_t)(bits_of(shifted) - bits_of(RML_F32_ROUND));
    int32_t half = k >> 1;
    return y * of_bits((uint32_t)(half + 127) << 23) * of_bits((uint32_t)(k - half + 127) << 23);
}

float rml_f32_exp_down(float x)
{
    float shifted, y = exp_fraction(x, &shifted);
    y *= of_bits((bits_of(shifted) << 23) + 0x3f800000u);
    return x < RML_F32_EXP_DOWN_LOW ? 0.0f : y;
}

float rml_f32_log(float x)
{
    static const float c[] = RML_F32_LOG;
    if (!(x > 0.0f && x < of_bits(0x7f800000u))) {
        return x != x || x > 0.0f ? x : of_bits(x == 0.0f ? 0xff800000u : 0x7fc00000u);
    }
    bool small = x < 0x1p-126f;
    uint32_t bits = bits_of(small ? x * 0x1p23f : x) + (0x3f800000u - RML_F32_SQRT_HALF_BITS);
    float n = (float)((int32_t)(bits >> 23) - 127) - (small ? 23.0f : 0.0f);
    float f = of_bits((bits & 0x007fffffu) + RML_F32_SQRT_HALF_BITS) - 1.0f;
    float z = f * f;
    float rest = f * z * polynomial(c, RML_F32_LOG_COUNT, f) + n * RML_F32_LN2_LOW;
    return n * RML_F32_LN2_HIGH + (f + (rest - 0.5f * z));
}

float rml_f32_tanh(float x)
{
    static const float c[] = RML_F32_TANH;
    float a = of_bits(bits_of(x) & 0x7fffffffu);
    float z = x * x;
    float near = x + x * z * polynomial(c, RML_F32_TANH_COUNT, z);
    float t = a > RML_F32_TANH_FAR ? RML_F32_TANH_FAR : a;
    float far = 1.0f - 2.0f / (rml_f32_exp(t + t) + 1.0f);
    far = of_bits(bits_of(far) | (bits_of(x) & 0x80000000u));
    return a < RML_F32_TANH_NEAR ? near : far;
}

float rml_f32_normal_below(float x, float *density)
{
    static const float near_c[] = RML_F32_BELOW, far_c[] = RML_F32_ABOVE;
    float a = of_bits(bits_of(x) & 0x7fffffffu), square = x * x;
    float near = fmaf(x, polynomial(near_c, RML_F32_BELOW_COUNT, square), 0.5f);
    float t = a > RML_F32_ABOVE_FAR ? RML_F32_ABOVE_FAR : a;
    *density = rml_f32_exp_down(-0.5f * square);
    float above = *density * polynomial(far_c, RML_F32_ABOVE_COUNT, t);
    float far = x < 0.0f ? above : 1.0f - above;
    return a < RML_F32_BELOW_NEAR ? near : far;
}
