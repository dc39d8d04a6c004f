// Sixteen float32 lanes in two AVX2 registers.
#ifndef RML_GRAPH_CPU_LANES_AVX2_H
#define RML_GRAPH_CPU_LANES_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cpu/transpose_avx.h"

#define LANES 16
#define MICRO_ROWS 6
#define MICRO_EACH(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define MICRO_VECTORS 1
#define BF16_ROWS 3
#define BF16_EACH(X) X(1) X(2) X(3)
typedef struct lanes {
    __m256 low, high;
} lanes;
typedef lanes lanes_mask;

static inline lanes v_set(float x)
{
    __m256 a = _mm256_set1_ps(x);
    return (lanes){a, a};
}
static inline lanes v_load(const float *p)
{
    return (lanes){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
static inline void v_store(float *p, lanes a)
{
    _mm256_storeu_ps(p, a.low);
    _mm256_storeu_ps(p + 8, a.high);
}
// All ones where a lane is below n.
static inline lanes v_first(size_t n)
{
    static const int32_t ones[32] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                     -1, -1, -1, -1, -1, -1, -1, -1};
    return v_load((const float *)(const void *)(ones + LANES - n));
}
static inline lanes v_load_part(const float *p, size_t n)
{
    lanes m = v_first(n);
    return (lanes){_mm256_maskload_ps(p, _mm256_castps_si256(m.low)),
                   _mm256_maskload_ps(p + 8, _mm256_castps_si256(m.high))};
}
static inline void v_store_part(float *p, lanes a, size_t n)
{
    lanes m = v_first(n);
    _mm256_maskstore_ps(p, _mm256_castps_si256(m.low), a.low);
    _mm256_maskstore_ps(p + 8, _mm256_castps_si256(m.high), a.high);
}

#define LANES_BINARY(name, function)                                                               \
    static inline lanes name(lanes a, lanes b)                                                     \
    {                                                                                              \
        return (lanes){function(a.low, b.low), function(a.high, b.high)};                          \
    }
LANES_BINARY(v_add, _mm256_add_ps)
LANES_BINARY(v_sub, _mm256_sub_ps)
LANES_BINARY(v_mul, _mm256_mul_ps)
LANES_BINARY(v_div, _mm256_div_ps)
LANES_BINARY(v_max, _mm256_max_ps)
LANES_BINARY(v_and, _mm256_and_ps)
LANES_BINARY(v_or, _mm256_or_ps)
LANES_BINARY(v_xor, _mm256_xor_ps)

#define LANES_COMPARE(name, how)                                                                   \
    static inline lanes_mask name(lanes a, lanes b)                                                \
    {                                                                                              \
        return (lanes){_mm256_cmp_ps(a.low, b.low, how), _mm256_cmp_ps(a.high, b.high, how)};      \
    }
LANES_COMPARE(v_less, _CMP_LT_OQ)
LANES_COMPARE(v_equal, _CMP_EQ_OQ)
LANES_COMPARE(v_unequal, _CMP_NEQ_UQ)

static inline lanes v_fma(lanes a, lanes b, lanes c)
{
    return (lanes){_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
static inline lanes v_sqrt(lanes a)
{
    return (lanes){_mm256_sqrt_ps(a.low), _mm256_sqrt_ps(a.high)};
}
static inline lanes v_select(lanes_mask m, lanes a, lanes b)
{
    return (lanes){_mm256_blendv_ps(b.low, a.low, m.low), _mm256_blendv_ps(b.high, a.high, m.high)};
}

#define LANES_INT(a) _mm256_castps_si256(a)
#define LANES_FLOAT(a) _mm256_castsi256_ps(a)
static inline lanes v_add_bits(lanes a, lanes b)
{
    return (lanes){LANES_FLOAT(_mm256_add_epi32(LANES_INT(a.low), LANES_INT(b.low))),
                   LANES_FLOAT(_mm256_add_epi32(LANES_INT(a.high), LANES_INT(b.high)))};
}
static inline lanes v_sub_bits(lanes a, lanes b)
{
    return (lanes){LANES_FLOAT(_mm256_sub_epi32(LANES_INT(a.low), LANES_INT(b.low))),
                   LANES_FLOAT(_mm256_sub_epi32(LANES_INT(a.high), LANES_INT(b.high)))};
}
static inline lanes v_bits(uint32_t bits)
{
    __m256 a = LANES_FLOAT(_mm256_set1_epi32((int)bits));
    return (lanes){a, a};
}
static inline lanes v_shift_right(lanes a, int by)
{
    return (lanes){LANES_FLOAT(_mm256_srai_epi32(LANES_INT(a.low), by)),
                   LANES_FLOAT(_mm256_srai_epi32(LANES_INT(a.high), by))};
}
static inline lanes v_shift_left(lanes a, int by)
{
    return (lanes){LANES_FLOAT(_mm256_slli_epi32(LANES_INT(a.low), by)),
                   LANES_FLOAT(_mm256_slli_epi32(LANES_INT(a.high), by))};
}
static inline lanes v_from_int(lanes a)
{
    return (lanes){_mm256_cvtepi32_ps(LANES_INT(a.low)), _mm256_cvtepi32_ps(LANES_INT(a.high))};
}
static inline float v_sum(lanes a)
{
    __m256 sum = _mm256_add_ps(a.low, a.high);
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}
static inline float v_top(lanes a)
{
    __m256 top = _mm256_max_ps(a.low, a.high);
    __m128 b = _mm_max_ps(_mm256_castps256_ps128(top), _mm256_extractf128_ps(top, 1));
    b = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}

#endif
