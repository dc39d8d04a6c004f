// Sixteen float32 lanes in one AVX-512 register.
#ifndef RML_GRAPH_CPU_LANES_AVX512_H
#define RML_GRAPH_CPU_LANES_AVX512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cpu/transpose_avx.h"

#define LANES 16
#define MICRO_ROWS 12
#define MICRO_EACH(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)
#define MICRO_VECTORS 2
#define BF16_ROWS 6
#define BF16_EACH(X) X(1) X(2) X(3) X(4) X(5) X(6)
typedef __m512 lanes;
typedef __mmask16 lanes_mask;

static inline lanes v_set(float x)
{
    return _mm512_set1_ps(x);
}
static inline lanes v_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
static inline void v_store(float *p, lanes a)
{
    _mm512_storeu_ps(p, a);
}
static inline lanes v_load_part(const float *p, size_t n)
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1u), p);
}
static inline void v_store_part(float *p, lanes a, size_t n)
{
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1u), a);
}
static inline lanes v_add(lanes a, lanes b)
{
    return _mm512_add_ps(a, b);
}
static inline lanes v_sub(lanes a, lanes b)
{
    return _mm512_sub_ps(a, b);
}
static inline lanes v_mul(lanes a, lanes b)
{
    return _mm512_mul_ps(a, b);
}
static inline lanes v_div(lanes a, lanes b)
{
    return _mm512_div_ps(a, b);
}
static inline lanes v_max(lanes a, lanes b)
{
    return _mm512_max_ps(a, b);
}
static inline lanes v_fma(lanes a, lanes b, lanes c)
{
    return _mm512_fmadd_ps(a, b, c);
}
static inline lanes v_sqrt(lanes a)
{
    return _mm512_sqrt_ps(a);
}
static inline lanes_mask v_less(lanes a, lanes b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}
static inline lanes_mask v_equal(lanes a, lanes b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
}
static inline lanes_mask v_unequal(lanes a, lanes b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_NEQ_UQ);
}
static inline lanes v_select(lanes_mask m, lanes a, lanes b)
{
    return _mm512_mask_blend_ps(m, b, a);
}
static inline lanes v_and(lanes a, lanes b)
{
    return _mm512_and_ps(a, b);
}
static inline lanes v_or(lanes a, lanes b)
{
    return _mm512_or_ps(a, b);
}
static inline lanes v_xor(lanes a, lanes b)
{
    return _mm512_xor_ps(a, b);
}
static inline lanes v_add_bits(lanes a, lanes b)
{
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b)));
}
static inline lanes v_sub_bits(lanes a, lanes b)
{
    return _mm512_castsi512_ps(_mm512_sub_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b)));
}
static inline lanes v_bits(uint32_t bits)
{
    return _mm512_castsi512_ps(_mm512_set1_epi32((int)bits));
}
#define v_shift_right(a, by) _mm512_castsi512_ps(_mm512_srai_epi32(_mm512_castps_si512(a), (by)))
#define v_shift_left(a, by) _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(a), (by)))
static inline lanes v_from_int(lanes a)
{
    return _mm512_cvtepi32_ps(_mm512_castps_si512(a));
}
static inline float lanes_sum8(__m256 a)
{
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}
static inline float lanes_top8(__m256 a)
{
    __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}
static inline float v_sum(lanes a)
{
    return lanes_sum8(_mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1)));
}
static inline float v_top(lanes a)
{
    return lanes_top8(_mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1)));
}

#endif
