// The data section of a group or channel as one run of bytes, whatever blocks it is cut into: DT,
// SD and RD as they are, DZ decompressed (ASAM MDF 4.2, "DZBLOCK"), DL, LD and HL lists of them.
// One compressed part is open at a time.
#include <string.h>

#include "mdf_block.h"

static rml_status add_part(rml_mdf_data *d, rml_mdf_part part, rml_error *err)
{
    rml_mdf_part *place = rml_array_push(&d->parts, err);
    if (place == NULL) {
        return RML_ERR_MEMORY;
    }
    part.at = d->size;
    *place = part;
    return rml_size_add((size_t)d->size, (size_t)part.size, (size_t *)&d->size)
               ? RML_OK
               : rml_fail(err, RML_ERR_LIMIT, rml_place_file(d->log->name), NULL,
                          "expected data of less than 2^64 bytes");
}

static rml_status add_packed(rml_mdf_data *d, const rml_mdf_block *b, rml_error *err)
{
    rml_place at = rml_place_byte(d->log->name, b->offset);
    if (b->data.len < 24) {
        return rml_fail(err, RML_ERR_DATA, at, RML_MDF_REMEDY,
                        "expected a DZ block of at least 24 bytes, found %zu", b->data.len);
    }
    const uint8_t *p = b->data.data;
    uint64_t size = rml_load_u64(p + 8), stored = rml_load_u64(p + 16);
    if (p[2] > 1 || stored > b->data.len - 24) {
        return rml_fail(err, RML_ERR_DATA, at, RML_MDF_REMEDY,
                        "expected deflated data of %llu bytes, found zip type %u and %zu bytes",
                        (unsigned long long)stored, p[2], b->data.len - 24);
    }
    // zlib shrinks to a thousandth at best: a size beyond that is none.
    if (size > d->log->options.memory_max || size / 1100 > stored + 64) {
        return rml_fail(err, RML_ERR_LIMIT, at, "give more memory",
                        "expected a compressed block of at most %zu bytes (memory_max), found %llu",
                        d->log->options.memory_max, (unsigned long long)size);
    }
    return add_part(d,
                    (rml_mdf_part){.offset = (uint64_t)(p + 24 - d->log->file.data),
                                   .stored = stored,
                                   .size = size,
                                   .zip = p[2],
                                   .zip_parameter = rml_load_u32(p + 4)},
                    err);
}

static rml_status add_block(rml_mdf_data *d, uint64_t link, bool to_end, rml_error *err)
{
    rml_mdf_block b;
    RML_TRY(rml_mdf_block_at(d->log, link, "", 0, 0, &b, err));
    if (rml_mdf_block_is(&b, "DZ")) {
        return add_packed(d, &b, err);
    }
    if (!rml_mdf_block_is(&b, "DT") && !rml_mdf_block_is(&b, "SD") && !rml_mdf_block_is(&b, "RD")) {
        bool columns = rml_mdf_block_is(&b, "DV") || rml_mdf_block_is(&b, "DI");
        return rml_fail(err, columns ? RML_ERR_UNSUPPORTED : RML_ERR_DATA,
                        rml_place_byte(d->log->name, link), RML_MDF_REMEDY,
                        "expected a data block (DT, DZ, SD, DL or HL), found ##%.2s%s", b.id,
                        columns ? ": data stored by columns is not read" : "");
    }
    uint64_t at = (uint64_t)(b.data.data - d->log->file.data), len = b.data.len;
    len = to_end ? d->log->file.len - at : len;
    return add_part(d, (rml_mdf_part){.offset = at, .stored = len, .size = len, .zip = -1}, err);
}

// A chain of lists (DL, or LD of version 4.2), each of blocks.
static rml_status add_lists(rml_mdf_data *d, uint64_t link, bool to_end, rml_error *err)
{
    for (size_t lists = 0; link != 0; lists++) {
        rml_mdf_block b;
        if (lists >= RML_MDF_CHAIN_MAX) {
            return rml_fail(err, RML_ERR_DATA, rml_place_byte(d->log->name, link), RML_MDF_REMEDY,
                            "expected lists of data that end, found a circle");
        }
        RML_TRY(rml_mdf_block_at(d->log, link, "", 1, 8, &b, err));
        uint64_t next = rml_mdf_link(&b, 0);
        bool wide = rml_mdf_block_is(&b, "LD");
        // An LD block may list invalidation data behind the values, as many again.
        size_t count = rml_load_u32(b.data.data + 4);
        count = count < b.link_count - 1 ? count : b.link_count - 1;
        if (wide && (b.data.data[3] & 0x80) != 0) {
            return rml_fail(err, RML_ERR_UNSUPPORTED, rml_place_byte(d->log->name, link),
                            RML_MDF_REMEDY,
                            "expected rows with their invalidation bits, found them apart");
        }
        for (size_t i = 0; i < count; i++) {
            bool last = to_end && next == 0 && i + 1 == count;
            uint64_t block = rml_mdf_link(&b, 1 + i);
            RML_TRY(block == 0 ? RML_OK : add_block(d, block, last, err));
        }
        link = next;
    }
    return RML_OK;
}

rml_status rml_mdf_data_open(rml_mdf_data *d, const rml_log *log, uint64_t link, bool to_end,
                             rml_error *err)
{
    *d = (rml_mdf_data){.log = log, .parts = RML_ARRAY(rml_mdf_part)};
    rml_mdf_block b;
    if (link == 0) {
        return RML_OK;
    }
    rml_status st = rml_mdf_block_at(log, link, "", 0, 0, &b, &d->fault);
    if (st == RML_OK && rml_mdf_block_is(&b, "HL") && b.link_count > 0) {
        link = rml_mdf_link(&b, 0);
        st = link == 0 ? RML_OK : rml_mdf_block_at(log, link, "", 0, 0, &b, &d->fault);
    }
    if (st == RML_OK && link != 0) {
        bool list = rml_mdf_block_is(&b, "DL") || rml_mdf_block_is(&b, "LD");
        st = list ? add_lists(d, link, to_end, &d->fault) : add_block(d, link, to_end, &d->fault);
    }
    if (st == RML_ERR_MEMORY) {
        rml_mdf_data_reset(d);
        return rml_fail_memory(err, sizeof(rml_mdf_part));
    }
    return RML_OK;
}

void rml_mdf_data_reset(rml_mdf_data *d)
{
    rml_array_reset(&d->parts);
    rml_buffer_reset(&d->space);
    rml_buffer_reset(&d->packed);
    rml_buffer_reset(&d->carry);
    rml_codec_context_reset(&d->codec);
    d->open = 0;
    d->size = 0;
}

// Rows of a matrix were written column by column: `columns` of them; what is left over follows.
static void transpose(const uint8_t *from, size_t size, size_t columns, uint8_t *to)
{
    size_t rows = columns == 0 ? 0 : size / columns;
    for (size_t c = 0; c < columns && rows > 0; c++) {
        for (size_t r = 0; r < rows; r++) {
            to[r * columns + c] = from[c * rows + r];
        }
    }
    memcpy(to + rows * columns, from + rows * columns, size - rows * columns);
}

static rml_status open_part(rml_mdf_data *d, size_t index, rml_error *err)
{
    const rml_mdf_part *p = RML_AT(&d->parts, rml_mdf_part, index);
    rml_buffer *out = p->zip == 1 ? &d->packed : &d->space;
    rml_bytes stored = {d->log->file.data + p->offset, (size_t)p->stored};
    d->open = 0;
    rml_buffer_clear(&d->space);
    rml_buffer_clear(out);
    if (p->size > 0 && rml_buffer_add(out, (size_t)p->size, err) == NULL) {
        return RML_ERR_MEMORY;
    }
    RML_TRY(rml_decompress(&d->codec, RML_CODEC_ZLIB, stored, out->data, (size_t)p->size,
                           rml_place_byte(d->log->name, p->offset), err));
    if (p->zip == 1 && p->size > 0) {
        if (rml_buffer_add(&d->space, (size_t)p->size, err) == NULL) {
            return RML_ERR_MEMORY;
        }
        transpose(d->packed.data, (size_t)p->size, p->zip_parameter, d->space.data);
    }
    d->open = index + 1;
    return RML_OK;
}

// The part that holds byte `at`, which is below the size.
static size_t part_of(const rml_mdf_data *d, uint64_t at)
{
    size_t low = 0, high = d->parts.count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (RML_AT(&d->parts, rml_mdf_part, middle)->at <= at) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

// The bytes of a part from `at` on.
static rml_status part_bytes(rml_mdf_data *d, size_t index, uint64_t at, rml_bytes *out,
                             rml_error *err)
{
    const rml_mdf_part *p = RML_AT(&d->parts, rml_mdf_part, index);
    size_t skip = (size_t)(at - p->at);
    if (p->zip < 0) {
        *out = (rml_bytes){d->log->file.data + p->offset + skip, (size_t)p->size - skip};
        return RML_OK;
    }
    if (d->open != index + 1) {
        RML_TRY(open_part(d, index, err));
    }
    *out = (rml_bytes){d->space.data + skip, (size_t)p->size - skip};
    return RML_OK;
}

rml_status rml_mdf_data_read(rml_mdf_data *d, uint64_t at, size_t len, rml_bytes *out,
                             rml_error *err)
{
    if (at > d->size || len > d->size - at) {
        return RML_END;
    }
    if (len == 0) {
        *out = (rml_bytes){0};
        return RML_OK;
    }
    size_t index = part_of(d, at);
    rml_bytes piece;
    RML_TRY(part_bytes(d, index, at, &piece, err));
    if (piece.len >= len) {
        *out = (rml_bytes){piece.data, len};
        return RML_OK;
    }
    rml_buffer_clear(&d->carry);
    while (d->carry.len < len) {
        size_t rest = len - d->carry.len;
        RML_TRY(rml_buffer_append(&d->carry, piece.data, piece.len < rest ? piece.len : rest, err));
        if (d->carry.len < len) {
            index++;
            RML_TRY(part_bytes(d, index, RML_AT(&d->parts, rml_mdf_part, index)->at, &piece, err));
        }
    }
    *out = rml_buffer_bytes(&d->carry);
    return RML_OK;
}

uint64_t rml_mdf_data_place(const rml_mdf_data *d, uint64_t at)
{
    if (d->parts.count == 0) {
        return 0;
    }
    const rml_mdf_part *p = RML_AT(&d->parts, rml_mdf_part, part_of(d, at));
    return p->zip < 0 ? p->offset + (at - p->at) : p->offset;
}
