// The float32 peak of the calling thread's core at this moment: chains of fused multiply-adds in
// registers. The clock of a shared machine moves, so it is probed next to everything that is timed.
#ifndef RML_BENCH_PEAK_H
#define RML_BENCH_PEAK_H

#include "roadmill/os.h"

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f"))) static inline double peak_avx512(void)
{
    enum { CHAINS = 16, TURNS = 60000 };
    __m512 sum[CHAINS], by = _mm512_set1_ps(0.999f), add = _mm512_set1_ps(1e-6f);
    for (int i = 0; i < CHAINS; i++) {
        sum[i] = _mm512_set1_ps((float)i);
    }
    int64_t start = rml_clock_monotonic_ns();
    for (int t = 0; t < TURNS; t++) {
#pragma GCC unroll 16
        for (int i = 0; i < CHAINS; i++) {
            sum[i] = _mm512_fmadd_ps(sum[i], by, add);
        }
    }
    double took_ns = (double)(rml_clock_monotonic_ns() - start);
    for (int i = 1; i < CHAINS; i++) {
        sum[0] = _mm512_add_ps(sum[0], sum[i]);
    }
    volatile float sink = _mm512_reduce_add_ps(sum[0]);
    (void)sink;
    return TURNS * (double)CHAINS * 32.0 / took_ns;
}

__attribute__((target("avx2,fma"))) static inline double peak_avx2(void)
{
    enum { CHAINS = 12, TURNS = 80000 };
    __m256 sum[CHAINS], by = _mm256_set1_ps(0.999f), add = _mm256_set1_ps(1e-6f);
    for (int i = 0; i < CHAINS; i++) {
        sum[i] = _mm256_set1_ps((float)i);
    }
    int64_t start = rml_clock_monotonic_ns();
    for (int t = 0; t < TURNS; t++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++) {
            sum[i] = _mm256_fmadd_ps(sum[i], by, add);
        }
    }
    double took_ns = (double)(rml_clock_monotonic_ns() - start);
    for (int i = 1; i < CHAINS; i++) {
        sum[0] = _mm256_add_ps(sum[0], sum[i]);
    }
    volatile float sink = _mm256_cvtss_f32(sum[0]);
    (void)sink;
    return TURNS * (double)CHAINS * 16.0 / took_ns;
}
#endif

// GFLOP/s of one core; 0 where the machine has no probe.
static inline double peak_gflops(void)
{
#if defined(__x86_64__)
    unsigned cpu = rml_cpu_features();
    return cpu & RML_CPU_AVX512 ? peak_avx512() : cpu & RML_CPU_AVX2 ? peak_avx2() : 0.0;
#else
    return 0.0;
#endif
}

#endif
