// Parquet's encodings of values and levels.
//
// Source: Apache Parquet format 2.10, Encodings.md. Everything appends to a buffer.
#ifndef ROADMILL_PARQUET_ENCODE_H
#define ROADMILL_PARQUET_ENCODE_H

#include "roadmill/base.h"

// RLE (3): runs of equal values and groups of eight packed ones, `width` bits each (1 to 32).
rml_status rml_encode_rle(const uint32_t *values, size_t count, unsigned width, rml_buffer *out,
                          rml_error *err) RML_CHECKED;
// The same for levels, which are bytes.
rml_status rml_encode_levels(const uint8_t *levels, size_t count, unsigned width, rml_buffer *out,
                             rml_error *err) RML_CHECKED;
// One level repeated.
rml_status rml_encode_level_run(uint8_t level, size_t count, unsigned width, rml_buffer *out,
                                rml_error *err) RML_CHECKED;
// DELTA_BINARY_PACKED (5) in 128 values a block and 4 miniblocks.
rml_status rml_encode_delta_i32(const int32_t *values, size_t count, rml_buffer *out,
                                rml_error *err) RML_CHECKED;
rml_status rml_encode_delta_i64(const int64_t *values, size_t count, rml_buffer *out,
                                rml_error *err) RML_CHECKED;
// BYTE_STREAM_SPLIT (9) of values of `size` bytes.
rml_status rml_encode_split(const uint8_t *values, size_t count, size_t size, rml_buffer *out,
                            rml_error *err) RML_CHECKED;
// PLAIN (0) of booleans, a bit each.
rml_status rml_encode_bools(const uint8_t *values, size_t count, rml_buffer *out, rml_error *err)
    RML_CHECKED;
// Bits that hold a value.
unsigned rml_bit_width(uint64_t value);

#endif
