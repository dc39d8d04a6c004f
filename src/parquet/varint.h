// Variable-length integers, as Thrift's compact protocol and Parquet's encodings share them:
// ULEB128, and zigzag for signed ones.
#ifndef ROADMILL_PARQUET_VARINT_H
#define ROADMILL_PARQUET_VARINT_H

#include <stddef.h>
#include <stdint.h>

#define RML_VARINT_MAX 10

// Into p[RML_VARINT_MAX]; gives the length.
static inline size_t rml_varint_save(uint8_t *p, uint64_t value)
{
    size_t n = 0;
    while (value > 127) {
        p[n++] = (uint8_t)(value | 128);
        value >>= 7;
    }
    p[n++] = (uint8_t)value;
    return n;
}

static inline uint64_t rml_zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value < 0 ? -1 : 0);
}

#endif
