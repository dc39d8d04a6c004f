// The leading 128 bits of powers of ten, for reading and writing decimals without big numbers.
#ifndef ROADMILL_BASE_POWERS_H
#define ROADMILL_BASE_POWERS_H

#include <stdint.h>

enum { RML_POWER_LOW = -342, RML_POWER_HIGH = 324 };

// 10^k = (high x 2^64 + low + less than 1) x 2^(e - 127), e = floor(log2(10^k)). Exact for k in
// [0, 55].
typedef struct rml_power_of_ten {
    uint64_t high, low;
} rml_power_of_ten;
extern const rml_power_of_ten rml_powers_of_ten[RML_POWER_HIGH - RML_POWER_LOW + 1];

__extension__ typedef unsigned __int128 rml_u128;

static inline int rml_leading_zeros(uint64_t x)
{
    return __builtin_clzll(x); // x > 0
}

#endif
