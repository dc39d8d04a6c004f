// Bit fields in records of others: MDF channels, signals in CAN frames.
#ifndef ROADMILL_BASE_BITS_H
#define ROADMILL_BASE_BITS_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

// count (1 to 64) bits, little-endian: bit `first` counted from the least significant of bytes[0]
// on is the least significant of the value. The caller sees to it that all of them lie in the
// record.
static inline uint64_t rml_bits_little(const uint8_t *bytes, size_t first, size_t count)
{
    const uint8_t *p = bytes + first / 8;
    size_t shift = first % 8, size = (shift + count + 7) / 8;
    uint64_t value = 0;
    for (size_t i = 0; i < size && i < 8; i++) {
        value |= (uint64_t)p[i] << (8 * i);
    }
    value >>= shift;
    if (size > 8) {
        value |= (uint64_t)p[8] << (64 - shift);
    }
    return count == 64 ? value : value & (((uint64_t)1 << count) - 1);
}

// count (1 to 64) bits, big-endian, in `size` bytes (at most 9): the least significant bit stands
// `shift` (0 to 7) bits above that of the last byte (MDF: a Motorola channel).
static inline uint64_t rml_bits_big(const uint8_t *bytes, size_t size, size_t shift, size_t count)
{
    uint64_t value = 0;
    for (size_t i = 0; i + 1 < size; i++) {
        value = value << 8 | bytes[i];
    }
    // The last byte separately: its low bits are cut off, so that 9 bytes fit.
    value = shift == 0 ? value << 8 | bytes[size - 1]
                       : value << (8 - shift) | (uint64_t)(bytes[size - 1] >> shift);
    return count == 64 ? value : value & (((uint64_t)1 << count) - 1);
}

// The value of `count` bits as a number in two's complement.
static inline int64_t rml_bits_signed(uint64_t value, size_t count)
{
    uint64_t sign = (uint64_t)1 << (count - 1);
    return (int64_t)((value ^ sign) - sign);
}

#ifdef __cplusplus
}
#endif
#endif
