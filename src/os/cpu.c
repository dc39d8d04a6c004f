// What the processor can do, found once by its own answer and lowered by ROADMILL_CPU.
#include <string.h>

#include "roadmill/os.h"

#if defined(__x86_64__)
static unsigned found(void)
{
    unsigned features = 0;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        features |= RML_CPU_AVX2;
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
            features |= RML_CPU_AVX512;
        }
    }
    return features;
}
#elif defined(__aarch64__)
static unsigned found(void)
{
    return RML_CPU_NEON;
}
#else
static unsigned found(void)
{
    return 0;
}
#endif

unsigned rml_cpu_features(void)
{
    const char *wanted = rml_env("ROADMILL_CPU");
    unsigned features = found();
    if (wanted == NULL) {
        return features;
    }
    if (strcmp(wanted, "scalar") == 0) {
        return 0;
    }
    return strcmp(wanted, "avx2") == 0 ? features & ~(unsigned)RML_CPU_AVX512 : features;
}
