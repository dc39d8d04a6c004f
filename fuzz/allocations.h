// For targets that run an input again with an allocation that fails: which one, by the input.
#ifndef RML_FUZZ_ALLOCATIONS_H
#define RML_FUZZ_ALLOCATIONS_H

#include "roadmill/base.h"

// A number that depends on every byte.
static inline uint32_t fuzz_mix(const uint8_t *data, size_t size)
{
    uint32_t mixed = (uint32_t)size;
    for (size_t i = 0; i < size; i++) {
        mixed = mixed * 31 + data[i];
    }
    return mixed;
}

#endif
