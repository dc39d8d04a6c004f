// What the processor can do, found once by its own answer and lowered by ROADMILL_CPU.
#define _DEFAULT_SOURCE // syscall
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "roadmill/os.h"

#if defined(__x86_64__)
#include <cpuid.h>

// The kernel gives the registers of tiles only to a process that asks for them
// (Documentation/arch/x86/xstate.rst).
static bool has_tiles(void)
{
    enum { ASK_FOR_STATE = 0x1023, TILE_DATA = 18, TILE_AND_BF16 = 1 << 24 | 1 << 22 };
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & TILE_AND_BF16) == TILE_AND_BF16 &&
           syscall(SYS_arch_prctl, ASK_FOR_STATE, TILE_DATA) == 0;
}

static unsigned found(void)
{
    unsigned features = 0;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        features |= RML_CPU_AVX2;
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
            features |= RML_CPU_AVX512;
            features |= has_tiles() ? RML_CPU_AMX : 0;
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

// The processor is asked once: its answer is a trap under most hypervisors.
static unsigned known(void)
{
    enum { ASKED = 1 << 30 };
    static atomic_uint answer;
    unsigned features = atomic_load(&answer);
    if (features == 0) {
        features = found() | ASKED;
        atomic_store(&answer, features);
    }
    return features & ~(unsigned)ASKED;
}

unsigned rml_cpu_features(void)
{
    const char *wanted = rml_env("ROADMILL_CPU");
    unsigned features = known();
    if (wanted == NULL) {
        return features;
    }
    if (strcmp(wanted, "scalar") == 0) {
        return 0;
    }
    unsigned above = strcmp(wanted, "avx2") == 0     ? RML_CPU_AVX512 | RML_CPU_AMX
                     : strcmp(wanted, "avx512") == 0 ? RML_CPU_AMX
                                                     : 0;
    return features & ~above;
}
