// Reads channel groups: names, places and kinds of their channels. Structures are laid flat, as
// their members carry full names; arrays keep their dimensions.
#include "mdf_group.h"

#include <string.h>

#include "roadmill/base/bits.h"

#define CHANNELS_MAX 65536
#define DEPTH_MAX 16
#define ELEMENTS_MAX 1048576
#define CA_INVERSE_LAYOUT 0x40u // "CABLOCK" ca_flags: the first dimension runs fastest

typedef struct reader {
    rml_log *log;
    rml_mdf_group *group;
    uint64_t *ignored;
    rml_error *err;
} reader;

// An array of numbers in the record: "CABLOCK", storage by template of the channel. The elements of
// an array may be arrays themselves: their dimensions follow.
static bool take_array(const reader *r, const rml_mdf_block *b, rml_mdf_channel *c, size_t depth)
{
    const uint8_t *p = b->data.data;
    uint16_t dims = b->data.len < 16 ? 0 : rml_load_u16(p + 2);
    if (dims == 0 || c->dim_count + dims > RML_MDF_DIMS_MAX || p[1] != 0 ||
        b->data.len < 16 + 8 * (size_t)dims) {
        return false;
    }
    c->inverse = c->inverse || (rml_load_u32(p + 4) & CA_INVERSE_LAYOUT) != 0;
    uint64_t elements = 1;
    for (size_t i = 0; i < dims; i++) {
        c->dims[c->dim_count++] = rml_load_u64(p + 16 + 8 * i);
    }
    for (size_t i = 0; i < c->dim_count; i++) {
        if (c->dims[i] == 0 || c->dims[i] > ELEMENTS_MAX / elements) {
            return false;
        }
        elements *= c->dims[i];
    }
    rml_mdf_block inner;
    uint64_t link = b->link_count > 0 ? rml_mdf_link(b, 0) : 0;
    if (link != 0 && depth < DEPTH_MAX &&
        rml_mdf_block_at(r->log, link, "CA", 0, 0, &inner, NULL) == RML_OK) {
        return take_array(r, &inner, c, depth + 1);
    }
    uint64_t bits = 8 * (uint64_t)c->byte_offset + c->bit_offset + elements * c->bit_count;
    return bits <= 8 * (uint64_t)r->group->data_bytes;
}

static rml_status read_channels(reader *r, uint64_t link, size_t depth);

// A member list or an array behind a channel. *keep: the channel itself is one of values.
static rml_status read_composition(reader *r, uint64_t link, rml_mdf_channel *c, size_t depth,
                                   bool *keep)
{
    rml_mdf_block b;
    *keep = true;
    if (rml_mdf_block_at(r->log, link, "", 0, 0, &b, NULL) != RML_OK) {
        return RML_OK;
    }
    if (rml_mdf_block_is(&b, "CA")) {
        *keep = take_array(r, &b, c, 0);
        *r->ignored += !*keep;
        return RML_OK;
    }
    if (rml_mdf_block_is(&b, "CN") && depth < DEPTH_MAX) {
        *keep = false;
        return read_channels(r, link, depth + 1);
    }
    return RML_OK;
}

static bool fits(const rml_mdf_group *g, const rml_mdf_channel *c)
{
    if (c->type == RML_MDF_VIRTUAL || c->type == RML_MDF_VIRTUAL_MASTER) {
        return true;
    }
    uint64_t end = 8 * (uint64_t)c->byte_offset + c->bit_offset + c->bit_count;
    return end <= 8 * (uint64_t)g->data_bytes && c->bit_count > 0 && c->bit_offset < 8;
}

static rml_status read_channel(reader *r, const rml_mdf_block *b, size_t depth)
{
    const uint8_t *p = b->data.data;
    rml_mdf_channel c = {.type = p[0],
                         .sync = p[1],
                         .data_type = p[2],
                         .bit_offset = p[3],
                         .byte_offset = rml_load_u32(p + 4),
                         .bit_count = rml_load_u32(p + 8),
                         .flags = rml_load_u32(p + 12),
                         .invalid_bit = rml_load_u32(p + 16),
                         .name = rml_mdf_text(r->log, rml_mdf_link(b, 2)),
                         .unit = rml_mdf_text(r->log, rml_mdf_link(b, 6)),
                         .conversion = rml_mdf_link(b, 4),
                         .data = rml_mdf_link(b, 5)};
    bool keep = true;
    if (rml_mdf_link(b, 1) != 0) {
        RML_TRY(read_composition(r, rml_mdf_link(b, 1), &c, depth, &keep));
    }
    if (keep && !fits(r->group, &c)) {
        *r->ignored += 1;
        keep = false;
    }
    if (!keep) {
        return RML_OK;
    }
    rml_mdf_block cc;
    if (c.conversion != 0 &&
        rml_mdf_block_at(r->log, c.conversion, "CC", 4, 24, &cc, NULL) == RML_OK) {
        c.unit = c.unit.len > 0 ? c.unit : rml_mdf_text(r->log, rml_mdf_link(&cc, 1));
        c.conversion_type = cc.data.data[0];
        c.conversion_values = (rml_bytes){cc.data.data + 24, (cc.data.len - 24) / 8 * 8};
    }
    rml_mdf_channel *place = rml_array_push(&r->group->channels, r->err);
    if (place == NULL) {
        return RML_ERR_MEMORY;
    }
    *place = c;
    return RML_OK;
}

static rml_status read_channels(reader *r, uint64_t link, size_t depth)
{
    while (link != 0) {
        rml_mdf_block b;
        RML_TRY(rml_mdf_block_at(r->log, link, "CN", 8, 20, &b, r->err));
        if (r->group->channels.count >= CHANNELS_MAX) {
            return rml_fail(r->err, RML_ERR_LIMIT, rml_place_byte(r->log->name, link),
                            RML_MDF_REMEDY, "expected at most %d channels in a group, found more",
                            CHANNELS_MAX);
        }
        RML_TRY(read_channel(r, &b, depth));
        link = rml_mdf_link(&b, 0);
    }
    return RML_OK;
}

// The channel of time and its conversion, which is linear wherever time is a number of the record.
static void find_master(rml_mdf_group *g)
{
    g->master_factor = 1;
    for (g->master = 0; g->master < g->channels.count; g->master++) {
        const rml_mdf_channel *c = RML_AT(&g->channels, rml_mdf_channel, g->master);
        bool is_master = c->type == RML_MDF_MASTER || c->type == RML_MDF_VIRTUAL_MASTER;
        if (!is_master || c->sync != RML_MDF_SYNC_TIME) {
            continue;
        }
        if (c->conversion_type == 1 && c->conversion_values.len >= 16) {
            g->master_offset = rml_mdf_f64(c->conversion_values.data);
            g->master_factor = rml_mdf_f64(c->conversion_values.data + 8);
        }
        return;
    }
}

rml_status rml_mdf_group_read(rml_log *log, uint64_t link, rml_mdf_group *out, uint64_t *next,
                              uint64_t *ignored, rml_error *err)
{
    rml_mdf_block b, si;
    RML_TRY(rml_mdf_block_at(log, link, "CG", 6, 32, &b, err));
    const uint8_t *p = b.data.data;
    *out = (rml_mdf_group){.offset = link,
                           .record_id = rml_load_u64(p),
                           .cycles = rml_load_u64(p + 8),
                           .flags = rml_load_u16(p + 16),
                           .data_bytes = rml_load_u32(p + 24),
                           .invalid_bytes = rml_load_u32(p + 28),
                           .name = rml_mdf_text(log, rml_mdf_link(&b, 2)),
                           .channels = RML_ARRAY(rml_mdf_channel)};
    *next = rml_mdf_link(&b, 0);
    uint64_t source = rml_mdf_link(&b, 3);
    if (source != 0 && rml_mdf_block_at(log, source, "SI", 3, 3, &si, NULL) == RML_OK) {
        out->source = rml_mdf_text(log, rml_mdf_link(&si, 0));
        out->path = rml_mdf_text(log, rml_mdf_link(&si, 1));
    }
    if ((out->flags & RML_MDF_CG_VLSD) != 0) {
        return RML_OK;
    }
    reader r = {log, out, ignored, err};
    rml_status st = read_channels(&r, rml_mdf_link(&b, 1), 0);
    find_master(out);
    return st;
}

void rml_mdf_group_reset(rml_mdf_group *g)
{
    for (size_t i = 0; i < g->channels.count; i++) {
        rml_mdf_data_reset(&RML_AT(&g->channels, rml_mdf_channel, i)->values);
    }
    rml_array_reset(&g->channels);
    rml_spill_close(&g->values);
    rml_map_file_close(&g->values_map);
}

// ---- Numbers -----------------------------------------------------------------------------------

bool rml_mdf_integer(const rml_mdf_channel *c, rml_bytes record, uint64_t *out)
{
    size_t end = 8 * (size_t)c->byte_offset + c->bit_offset + c->bit_count;
    if (c->bit_count == 0 || c->bit_count > 64 || end > 8 * record.len || c->data_type > 5) {
        return false;
    }
    const uint8_t *p = record.data + c->byte_offset;
    size_t size = (c->bit_offset + c->bit_count + 7) / 8;
    *out = c->data_type % 2 == 0 ? rml_bits_little(p, c->bit_offset, c->bit_count)
                                 : rml_bits_big(p, size, c->bit_offset, c->bit_count);
    return true;
}

bool rml_mdf_number(const rml_mdf_channel *c, rml_bytes record, double *out)
{
    uint64_t bits;
    if (!rml_mdf_integer(c, record, &bits)) {
        return false;
    }
    if (c->data_type < 2) {
        *out = (double)bits;
    } else if (c->data_type < 4) {
        *out = (double)rml_bits_signed(bits, c->bit_count);
    } else if (c->bit_count == 64) {
        memcpy(out, &bits, sizeof bits);
    } else if (c->bit_count == 32) {
        uint32_t narrow = (uint32_t)bits;
        float value;
        memcpy(&value, &narrow, sizeof value);
        *out = value;
    } else {
        return false;
    }
    return true;
}

uint64_t rml_mdf_converted(const rml_mdf_channel *c, uint64_t raw)
{
    const uint8_t *p = c->conversion_values.data;
    size_t count = c->conversion_values.len / 8;
    double value = (double)raw;
    if (c->conversion_type == 1 && count >= 2) {
        value = rml_mdf_f64(p) + rml_mdf_f64(p + 8) * value;
    } else if (c->conversion_type == 4 || c->conversion_type == 5) {
        for (size_t i = 0; i + 1 < count; i += 2) {
            if (rml_mdf_f64(p + 8 * i) == value) {
                value = rml_mdf_f64(p + 8 * i + 8);
                break;
            }
        }
    }
    return value >= 0 && value < 4294967296.0 ? (uint64_t)value : raw;
}
