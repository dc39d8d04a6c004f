// Counter-based random numbers, and a permutation that needs no memory.
#include "roadmill/base/random.h"

#include <assert.h>

// Philox4x32-10: Salmon et al. 2011, section 3.3 and table 2.
#define PHILOX_WEYL0 0x9e3779b9u
#define PHILOX_WEYL1 0xbb67ae85u

static inline void philox_round(uint32_t k0, uint32_t k1, uint32_t *c0, uint32_t *c1, uint32_t *c2,
                                uint32_t *c3)
{
    uint64_t p0 = (uint64_t)0xd2511f53u * *c0, p1 = (uint64_t)0xcd9e8d57u * *c2;
    *c0 = (uint32_t)(p1 >> 32) ^ *c1 ^ k0;
    *c2 = (uint32_t)(p0 >> 32) ^ *c3 ^ k1;
    *c1 = (uint32_t)p1;
    *c3 = (uint32_t)p0;
}

void rml_philox(uint64_t key, uint64_t high, uint64_t low, uint32_t out[4])
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t c0 = (uint32_t)low, c1 = (uint32_t)(low >> 32);
    uint32_t c2 = (uint32_t)high, c3 = (uint32_t)(high >> 32);
    for (int round = 0; round < 10; round++) {
        philox_round(k0, k1, &c0, &c1, &c2, &c3);
        k0 += PHILOX_WEYL0;
        k1 += PHILOX_WEYL1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

static uint64_t pair(const uint32_t out[2])
{
    return (uint64_t)out[1] << 32 | out[0];
}

uint64_t rml_random_u64(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint32_t out[4];
    rml_philox(seed, stream, index, out);
    return pair(out);
}

double rml_random_f64(uint64_t seed, uint64_t stream, uint64_t index)
{
    return (double)(rml_random_u64(seed, stream, index) >> 11) * 0x1p-53;
}

// Counters side by side: each round waits for two products, which those of the others hide.
enum { SIDE_BY_SIDE = 8 };

static void philox_block(uint64_t key, uint64_t high, uint64_t low, uint64_t out[SIDE_BY_SIDE])
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t c0[SIDE_BY_SIDE], c1[SIDE_BY_SIDE], c2[SIDE_BY_SIDE], c3[SIDE_BY_SIDE];
    for (unsigned i = 0; i < SIDE_BY_SIDE; i++) {
        c0[i] = (uint32_t)(low + i);
        c1[i] = (uint32_t)((low + i) >> 32);
        c2[i] = (uint32_t)high;
        c3[i] = (uint32_t)(high >> 32);
    }
    for (int round = 0; round < 10; round++) {
        for (unsigned i = 0; i < SIDE_BY_SIDE; i++) {
            philox_round(k0, k1, &c0[i], &c1[i], &c2[i], &c3[i]);
        }
        k0 += PHILOX_WEYL0;
        k1 += PHILOX_WEYL1;
    }
    for (unsigned i = 0; i < SIDE_BY_SIDE; i++) {
        out[i] = (uint64_t)c1[i] << 32 | c0[i];
    }
}

void rml_random_f64s(uint64_t seed, uint64_t stream, uint64_t first, size_t count, double *out)
{
    uint64_t block[SIDE_BY_SIDE];
    for (size_t i = 0; i < count; i++) {
        if (i % SIDE_BY_SIDE == 0) {
            philox_block(seed, stream, first + i, block);
        }
        out[i] = (double)(block[i % SIDE_BY_SIDE] >> 11) * 0x1p-53;
    }
}

uint64_t rml_random_below(uint64_t seed, uint64_t stream, uint64_t index, uint64_t count)
{
    assert(count > 0);
    // Draws below 2^64 mod count are refused, so that every remainder is equally likely. A further
    // attempt takes another key; the chance of needing n of them is below 2^-n.
    uint64_t refused = (0 - count) % count;
    for (uint64_t attempt = 0;; attempt++) {
        uint32_t out[4];
        rml_philox(seed + attempt * 0x9e3779b97f4a7c15u, stream, index, out);
        if (pair(out) >= refused) {
            return pair(out) % count;
        }
        if (pair(out + 2) >= refused) {
            return pair(out + 2) % count;
        }
    }
}

enum { FEISTEL_ROUNDS = 8 };

// Finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input moves every bit.
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

uint64_t rml_permute(uint64_t key, uint64_t count, uint64_t position)
{
    assert(position < count);
    unsigned half = 1;
    while (half < 32 && (count - 1) >> (2 * half) != 0) {
        half++;
    }
    uint64_t mask = (UINT64_C(1) << half) - 1;
    uint64_t keys[FEISTEL_ROUNDS];
    for (unsigned i = 0; i < FEISTEL_ROUNDS; i++) {
        keys[i] = rml_random_u64(key, count, i);
    }
    // A value outside [0, count) is sent through again: its cycle must come back inside.
    do {
        uint64_t left = position >> half, right = position & mask;
        for (unsigned i = 0; i < FEISTEL_ROUNDS; i++) {
            uint64_t next = left ^ (mix(right + keys[i]) & mask);
            left = right;
            right = next;
        }
        position = left << half | right;
    } while (position >= count);
    return position;
}
