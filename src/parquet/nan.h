// One NaN: what is hashed and stored for any of the many that IEEE 754 allows.
#ifndef ROADMILL_PARQUET_NAN_H
#define ROADMILL_PARQUET_NAN_H

#include <stdint.h>

#define RML_NAN32_BITS UINT32_C(0x7fc00000)
#define RML_NAN64_BITS UINT64_C(0x7ff8000000000000)

static inline uint32_t rml_nan32(uint32_t bits)
{
    return (bits & UINT32_C(0x7fffffff)) > UINT32_C(0x7f800000) ? RML_NAN32_BITS : bits;
}

static inline uint64_t rml_nan64(uint64_t bits)
{
    return (bits & UINT64_C(0x7fffffffffffffff)) > UINT64_C(0x7ff0000000000000) ? RML_NAN64_BITS
                                                                                : bits;
}

#endif
