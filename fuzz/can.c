// A DBC text, a zero byte, CAN frames (a length byte before each): parsed and decoded, transports
// and all; then again with an allocation that fails.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "allocations.h"
#include "roadmill/can.h"

static void decode(const rml_dbc *dbc, rml_bytes left)
{
    rml_can_decoder *d = NULL;
    rml_error err = {0};
    if (rml_can_decoder_make(&dbc, 1, &d, &err) != RML_OK) {
        return;
    }
    while (left.len > 1) {
        size_t size = left.data[0] < left.len - 1 ? left.data[0] : left.len - 1;
        rml_can_frame frame;
        const rml_can_value *values;
        size_t count = 0;
        rml_can_fate fate = RML_CAN_DECODED;
        if (rml_can_frame_parse(rml_bytes_of(left.data + 1, size), &frame) &&
            rml_can_decode(d, &frame, &values, &count, &fate, &err) == RML_OK) {
            for (size_t i = 0; i < count; i++) {
                if (values[i].signal == NULL || values[i].message == NULL ||
                    fate != RML_CAN_DECODED) {
                    abort();
                }
            }
        }
        left = rml_bytes_of(left.data + 1 + size, left.len - 1 - size);
    }
    rml_can_decoder_free(d);
}

static void once(rml_str text, rml_bytes frames)
{
    rml_dbc *dbc = NULL;
    rml_error err = {0};
    if (rml_dbc_parse(text, RML_STR("fuzz"), &dbc, &err) == RML_OK) {
        decode(dbc, frames);
        rml_dbc_free(dbc);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *zero = size == 0 ? NULL : memchr(data, 0, size);
    size_t len = zero == NULL ? size : (size_t)(zero - data);
    rml_str text = {(const char *)data, len};
    rml_bytes frames = zero == NULL ? (rml_bytes){0} : rml_bytes_of(zero + 1, size - len - 1);
    uint32_t mixed = fuzz_mix(data, size);
    once(text, frames);
    rml_heap_fail_after(mixed % 512);
    once(text, frames);
    rml_heap_fail_after(UINT64_MAX);
    return 0;
}
