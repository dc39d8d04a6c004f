// Sixteen rows of sixteen float32 to columns, by four squares of eight in AVX registers.
#ifndef RML_GRAPH_CPU_TRANSPOSE_AVX_H
#define RML_GRAPH_CPU_TRANSPOSE_AVX_H

#include <immintrin.h>
#include <stddef.h>

#define EIGHT_TIMES _Pragma("GCC unroll 8") // clang reads it, too

static inline void transpose_eight(const float *in, size_t in_step, float *out, size_t out_step)
{
    __m256 a[8], b[8];
    EIGHT_TIMES
    for (size_t i = 0; i < 8; i++) {
        a[i] = _mm256_loadu_ps(in + i * in_step);
    }
    EIGHT_TIMES
    for (size_t i = 0; i < 8; i += 2) {
        b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
    }
    EIGHT_TIMES
    for (size_t i = 0; i < 8; i += 4) {
        a[i] = _mm256_shuffle_ps(b[i], b[i + 2], 0x44);
        a[i + 1] = _mm256_shuffle_ps(b[i], b[i + 2], 0xee);
        a[i + 2] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0x44);
        a[i + 3] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0xee);
    }
    EIGHT_TIMES
    for (size_t i = 0; i < 4; i++) {
        _mm256_storeu_ps(out + i * out_step, _mm256_permute2f128_ps(a[i], a[i + 4], 0x20));
        _mm256_storeu_ps(out + (i + 4) * out_step, _mm256_permute2f128_ps(a[i], a[i + 4], 0x31));
    }
}

// out[k * 16 + j] = in[j * in_step + k]
static inline void transpose_square(const float *in, size_t in_step, float *out)
{
    for (size_t j = 0; j < 16; j += 8) {
        for (size_t k = 0; k < 16; k += 8) {
            transpose_eight(in + j * in_step + k, in_step, out + k * 16 + j, 16);
        }
    }
}

#endif
