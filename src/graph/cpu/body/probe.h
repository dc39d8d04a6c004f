// How fast fused multiply-adds can run at all: chains that wait for nothing but themselves, in as
// many registers as there are for them.

#ifdef __AVX512F__
#define PROBE_EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#else
#define PROBE_EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) // two registers each on AVX2
#endif

static size_t probe(size_t rounds, float *out)
{
    lanes factor = v_set(0.999999f), term = v_set(*out);
    size_t chains = 0;
#define PROBE_START(i) lanes chain##i = v_set((float)(i));
    PROBE_EACH(PROBE_START)
    for (size_t round = 0; round < rounds; round++) {
#define PROBE_STEP(i) chain##i = v_fma(chain##i, factor, term);
        PROBE_EACH(PROBE_STEP)
    }
#define PROBE_END(i)                                                                               \
    *out += v_sum(chain##i);                                                                       \
    chains++;
    PROBE_EACH(PROBE_END)
#undef PROBE_START
#undef PROBE_STEP
#undef PROBE_END
    return rounds * chains * LANES * 2;
}
#undef PROBE_EACH
