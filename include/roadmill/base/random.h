// Random numbers from (seed, stream, index) alone: no state, so the same on any number of threads.
//
// Source: Philox4x32-10, Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
// The permutation is a Feistel network over the smallest even number of bits that holds count, with
// cycle walking (Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002).
#ifndef ROADMILL_BASE_RANDOM_H
#define ROADMILL_BASE_RANDOM_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

// The four words of a counter (high, low) under a key; a number of a stream by its index.
RML_API void rml_philox(uint64_t key, uint64_t high, uint64_t low, uint32_t out[4]);
RML_API uint64_t rml_random_u64(uint64_t seed, uint64_t stream, uint64_t index);
RML_API double rml_random_f64(uint64_t seed, uint64_t stream, uint64_t index); // [0, 1), 53 bits
// The same for indices from `first` on, several at a time.
RML_API void rml_random_f64s(uint64_t seed, uint64_t stream, uint64_t first, size_t count,
                             double *out);
// [0, count) without bias; count > 0.
RML_API uint64_t rml_random_below(uint64_t seed, uint64_t stream, uint64_t index, uint64_t count);
// Position -> item: a bijection of [0, count), keyed. position < count.
RML_API uint64_t rml_permute(uint64_t key, uint64_t count, uint64_t position);

#ifdef __cplusplus
}
#endif
#endif
