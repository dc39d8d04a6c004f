// Parquet's encodings of values and levels (Apache Parquet format 2.10, Encodings.md).
#include "encode.h"

#include <string.h>

#include "varint.h"

enum {
    DELTA_BLOCK = 128,
    DELTA_MINIBLOCKS = 4,
    DELTA_MINIBLOCK = DELTA_BLOCK / DELTA_MINIBLOCKS,
};

unsigned rml_bit_width(uint64_t value)
{
    unsigned width = 0;
    while (value != 0) {
        width++;
        value >>= 1;
    }
    return width;
}

// Packs count values (a multiple of 8) of `width` bits, least significant bit first; gives the
// bytes.
static size_t pack(const uint64_t *values, size_t count, unsigned width, uint8_t *out)
{
    uint64_t bits = 0; // the low `held` ones wait to be written
    unsigned held = 0;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t value = values[i];
        bits |= value << held;
        unsigned total = held + width;
        if (total < 64) {
            held = total;
            continue;
        }
        rml_save_u64(out + n, bits);
        n += 8;
        unsigned taken = 64 - held;
        bits = taken < 64 ? value >> taken : 0;
        held = total - 64;
    }
    for (; held > 0; held = held > 8 ? held - 8 : 0) {
        out[n++] = (uint8_t)bits;
        bits >>= 8;
    }
    return n;
}

// ---- RLE and bit packing, mixed ----------------------------------------------------------------

typedef struct hybrid {
    rml_buffer *out;
    rml_error *err;
    unsigned width;
    uint64_t group[8]; // the group being filled
    size_t in_group;
    size_t header;       // offset of the packed run's header in out
    size_t packed_count; // groups in the packed run; 0: none is open
    uint64_t value;      // the run of equal values
    size_t repeat;
} hybrid;

// The header of a packed run is one byte, so it has at most 63 groups.
enum { PACKED_GROUPS_MAX = 63 };

static void close_packed(hybrid *h)
{
    if (h->packed_count > 0) {
        h->out->data[h->header] = (uint8_t)(h->packed_count << 1 | 1);
        h->packed_count = 0;
    }
}

static rml_status put_group(hybrid *h)
{
    if (h->packed_count == PACKED_GROUPS_MAX) {
        close_packed(h);
    }
    if (h->packed_count == 0) {
        h->header = h->out->len;
        RML_TRY(rml_buffer_append(h->out, "", 1, h->err));
    }
    uint8_t bytes[8 * 8];
    size_t len = pack(h->group, 8, h->width, bytes);
    h->packed_count++;
    h->in_group = 0;
    return rml_buffer_append(h->out, bytes, len, h->err);
}

static rml_status put_run(hybrid *h, uint64_t value, size_t count)
{
    close_packed(h);
    uint8_t text[RML_VARINT_MAX + 8];
    size_t len = rml_varint_save(text, (uint64_t)count << 1);
    uint8_t bytes[8];
    rml_save_u64(bytes, value);
    size_t value_size = (h->width + 7) / 8;
    memcpy(text + len, bytes, value_size);
    return rml_buffer_append(h->out, text, len + value_size, h->err);
}

// Ends the run of equal values: what fills the open group goes there, the rest, if it is long
// enough, becomes a run.
static rml_status end_run(hybrid *h)
{
    while (h->repeat > 0 && h->in_group > 0) {
        h->group[h->in_group++] = h->value;
        h->repeat--;
        if (h->in_group == 8) {
            RML_TRY(put_group(h));
        }
    }
    if (h->repeat >= 8) {
        RML_TRY(put_run(h, h->value, h->repeat));
        h->repeat = 0;
    }
    while (h->repeat > 0) {
        h->group[h->in_group++] = h->value;
        h->repeat--;
    }
    return RML_OK;
}

static inline rml_status add(hybrid *h, uint64_t value)
{
    if (h->repeat > 0 && value == h->value) {
        h->repeat++;
        return RML_OK;
    }
    RML_TRY(end_run(h));
    h->value = value;
    h->repeat = 1;
    return RML_OK;
}

static rml_status finish(hybrid *h)
{
    RML_TRY(end_run(h));
    if (h->in_group > 0) {
        // The last group may be padded: readers know the count.
        memset(h->group + h->in_group, 0, (8 - h->in_group) * sizeof *h->group);
        RML_TRY(put_group(h));
    }
    close_packed(h);
    return RML_OK;
}

rml_status rml_encode_rle(const uint32_t *values, size_t count, unsigned width, rml_buffer *out,
                          rml_error *err)
{
    hybrid h = {.out = out, .err = err, .width = width};
    for (size_t i = 0; i < count; i++) {
        RML_TRY(add(&h, values[i]));
    }
    return finish(&h);
}

rml_status rml_encode_levels(const uint8_t *levels, size_t count, unsigned width, rml_buffer *out,
                             rml_error *err)
{
    hybrid h = {.out = out, .err = err, .width = width};
    for (size_t i = 0; i < count; i++) {
        RML_TRY(add(&h, levels[i]));
    }
    return finish(&h);
}

rml_status rml_encode_level_run(uint8_t level, size_t count, unsigned width, rml_buffer *out,
                                rml_error *err)
{
    hybrid h = {.out = out, .err = err, .width = width};
    return count > 0 ? put_run(&h, level, count) : RML_OK;
}

// ---- Delta -------------------------------------------------------------------------------------

// Differences wrap around in the width of the type, so their order is that of signed integers of
// that width; `narrow` is for 32 bits.
static rml_status delta_block(const uint64_t *deltas, size_t count, bool narrow, rml_buffer *out,
                              rml_error *err)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        least = (int64_t)deltas[i] < least ? (int64_t)deltas[i] : least;
    }
    uint64_t above[DELTA_BLOCK] = {0};
    uint64_t mask = narrow ? UINT32_MAX : UINT64_MAX;
    for (size_t i = 0; i < count; i++) {
        above[i] = (deltas[i] - (uint64_t)least) & mask;
    }
    uint8_t bytes[RML_VARINT_MAX + DELTA_MINIBLOCKS + DELTA_BLOCK * 8];
    size_t len = rml_varint_save(bytes, rml_zigzag(least));
    uint8_t *widths = bytes + len;
    len += DELTA_MINIBLOCKS;
    for (size_t m = 0; m < DELTA_MINIBLOCKS; m++) {
        uint64_t all = 0;
        for (size_t i = 0; i < DELTA_MINIBLOCK; i++) {
            all |= above[m * DELTA_MINIBLOCK + i];
        }
        widths[m] = (uint8_t)rml_bit_width(all);
        if (widths[m] > 0) {
            len += pack(above + m * DELTA_MINIBLOCK, DELTA_MINIBLOCK, widths[m], bytes + len);
        }
    }
    return rml_buffer_append(out, bytes, len, err);
}

static rml_status delta_header(size_t count, int64_t first, rml_buffer *out, rml_error *err)
{
    uint8_t bytes[4 * RML_VARINT_MAX];
    size_t len = rml_varint_save(bytes, DELTA_BLOCK);
    len += rml_varint_save(bytes + len, DELTA_MINIBLOCKS);
    len += rml_varint_save(bytes + len, count);
    len += rml_varint_save(bytes + len, rml_zigzag(first));
    return rml_buffer_append(out, bytes, len, err);
}

rml_status rml_encode_delta_i32(const int32_t *values, size_t count, rml_buffer *out,
                                rml_error *err)
{
    RML_TRY(delta_header(count, count > 0 ? values[0] : 0, out, err));
    for (size_t from = 1; from < count; from += DELTA_BLOCK) {
        uint64_t deltas[DELTA_BLOCK];
        size_t n = count - from < DELTA_BLOCK ? count - from : DELTA_BLOCK;
        for (size_t i = 0; i < n; i++) {
            uint32_t delta = (uint32_t)values[from + i] - (uint32_t)values[from + i - 1];
            deltas[i] = (uint64_t)(int64_t)(int32_t)delta;
        }
        RML_TRY(delta_block(deltas, n, true, out, err));
    }
    return RML_OK;
}

rml_status rml_encode_delta_i64(const int64_t *values, size_t count, rml_buffer *out,
                                rml_error *err)
{
    RML_TRY(delta_header(count, count > 0 ? values[0] : 0, out, err));
    for (size_t from = 1; from < count; from += DELTA_BLOCK) {
        uint64_t deltas[DELTA_BLOCK];
        size_t n = count - from < DELTA_BLOCK ? count - from : DELTA_BLOCK;
        for (size_t i = 0; i < n; i++) {
            deltas[i] = (uint64_t)values[from + i] - (uint64_t)values[from + i - 1];
        }
        RML_TRY(delta_block(deltas, n, false, out, err));
    }
    return RML_OK;
}

// ---- Split and bits ----------------------------------------------------------------------------

// Exchanges the bits of `mask`, shifted up, in *a with those of `mask` in *b.
static inline void exchange(uint64_t *a, uint64_t *b, unsigned shift, uint64_t mask)
{
    uint64_t both = (*a >> shift ^ *b) & mask;
    *b ^= both;
    *a ^= both << shift;
}

// Eight values of eight bytes as a square of bytes, turned over (Hacker's Delight, 7-3): afterwards
// x[k] holds the bytes k of all of them.
static inline void turn_over(uint64_t x[8])
{
    for (size_t i = 0; i < 4; i++) {
        exchange(&x[i], &x[i + 4], 32, UINT64_C(0x00000000ffffffff));
    }
    for (size_t i = 0; i < 4; i++) {
        size_t at = i < 2 ? i : i + 2;
        exchange(&x[at], &x[at + 2], 16, UINT64_C(0x0000ffff0000ffff));
    }
    for (size_t i = 0; i < 8; i += 2) {
        exchange(&x[i], &x[i + 1], 8, UINT64_C(0x00ff00ff00ff00ff));
    }
}

// Values in steps of eight; gives how many were split.
static size_t split_eights(const uint8_t *values, size_t count, uint8_t *to)
{
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        uint64_t x[8];
        for (size_t k = 0; k < 8; k++) {
            x[k] = rml_load_u64(values + (i + k) * 8);
        }
        turn_over(x);
        for (size_t k = 0; k < 8; k++) {
            rml_save_u64(to + k * count + i, x[k]);
        }
    }
    return i;
}

rml_status rml_encode_split(const uint8_t *values, size_t count, size_t size, rml_buffer *out,
                            rml_error *err)
{
    if (count == 0) {
        return RML_OK;
    }
    uint8_t *to = rml_buffer_add(out, count * size, err);
    if (to == NULL) {
        return RML_ERR_MEMORY;
    }
    size_t done = size == 8 ? split_eights(values, count, to) : 0;
    for (size_t k = 0; k < size; k++) {
        for (size_t i = done; i < count; i++) {
            to[k * count + i] = values[i * size + k];
        }
    }
    return RML_OK;
}

rml_status rml_encode_bools(const uint8_t *values, size_t count, rml_buffer *out, rml_error *err)
{
    if (count == 0) {
        return RML_OK;
    }
    size_t len = (count + 7) / 8;
    uint8_t *to = rml_buffer_add(out, len, err);
    if (to == NULL) {
        return RML_ERR_MEMORY;
    }
    memset(to, 0, len);
    for (size_t i = 0; i < count; i++) {
        rml_bit_set(to, i, values[i] != 0);
    }
    return RML_OK;
}
