// Frames from the members of CAN_DataFrame, CAN_RemoteFrame, CAN_ErrorFrame and LIN_Frame ("ASAM
// MDF bus logging 1.0"). Layouts: www.tcpdump.org/linktypes LINKTYPE_CAN_SOCKETCAN and
// LINKTYPE_LIN.
#include "mdf_bus.h"

#include <string.h>

#define CAN_EXTENDED 0x80000000u
#define CAN_REMOTE 0x40000000u
#define CAN_ERROR 0x20000000u
#define PAYLOAD_MAX 64

// The member NAME.suffix, -1 if there is none.
static int member(const rml_mdf_group *g, rml_str frame, const char *suffix)
{
    size_t len = strlen(suffix);
    for (size_t i = 0; i < g->channels.count; i++) {
        rml_str name = RML_AT(&g->channels, rml_mdf_channel, i)->name;
        if (name.len == frame.len + 1 + len && rml_str_starts(name, frame) &&
            name.data[frame.len] == '.' && memcmp(name.data + frame.len + 1, suffix, len) == 0) {
            return (int)i;
        }
    }
    return -1;
}

bool rml_mdf_bus_find(const rml_mdf_group *g, rml_mdf_bus *b)
{
    static const struct {
        const char *name;
        bool is_lin;
        uint32_t flags;
    } frames[] = {{"CAN_DataFrame", false, 0},
                  {"CAN_RemoteFrame", false, CAN_REMOTE},
                  {"CAN_ErrorFrame", false, CAN_ERROR},
                  {"LIN_Frame", true, 0}};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        rml_str name = rml_str_of(frames[i].name);
        *b = (rml_mdf_bus){.is_lin = frames[i].is_lin,
                           .flags = frames[i].flags,
                           .id = member(g, name, "ID"),
                           .ide = member(g, name, "IDE"),
                           .rtr = member(g, name, "RTR"),
                           .edl = member(g, name, "EDL"),
                           .brs = member(g, name, "BRS"),
                           .esi = member(g, name, "ESI"),
                           .dlc = member(g, name, "DLC"),
                           .length = member(g, name, "DataLength"),
                           .bytes = member(g, name, "DataBytes"),
                           .bus = member(g, name, "BusChannel"),
                           .dir = member(g, name, "Dir")};
        if (b->id >= 0 && (b->bytes >= 0 || frames[i].flags != 0)) {
            return true;
        }
    }
    return false;
}

static uint64_t value_of(const rml_mdf_group *g, int index, rml_bytes record)
{
    uint64_t raw = 0;
    if (index < 0) {
        return 0;
    }
    const rml_mdf_channel *c = RML_AT(&g->channels, rml_mdf_channel, index);
    if (c->type != RML_MDF_VIRTUAL) {
        (void)rml_mdf_integer(c, record, &raw);
    }
    return rml_mdf_converted(c, raw);
}

// The payload: what stands in the record, cut to the stated length.
static rml_bytes payload_of(const rml_mdf_group *g, const rml_mdf_bus *b, rml_bytes record,
                            rml_bytes given)
{
    rml_bytes bytes = given;
    if (b->bytes >= 0) {
        const rml_mdf_channel *c = RML_AT(&g->channels, rml_mdf_channel, b->bytes);
        if (c->type != RML_MDF_VLSD) {
            bytes = (rml_bytes){record.data + c->byte_offset, c->bit_count / 8};
        }
    }
    if (b->length >= 0) {
        uint64_t length = value_of(g, b->length, record);
        bytes.len = length < bytes.len ? (size_t)length : bytes.len;
    }
    return bytes;
}

static rml_status put_can(const rml_mdf_group *g, rml_bytes record, rml_bytes payload,
                          rml_buffer *out, rml_error *err)
{
    const rml_mdf_bus *b = g->bus;
    uint64_t raw = value_of(g, b->id, record);
    bool extended = b->ide >= 0 ? value_of(g, b->ide, record) != 0 : (raw & CAN_EXTENDED) != 0;
    uint32_t id = (uint32_t)raw & 0x1FFFFFFFu;
    bool remote = value_of(g, b->rtr, record) != 0;
    id |= (extended || id > 0x7FF ? CAN_EXTENDED : 0) | b->flags | (remote ? CAN_REMOTE : 0);
    bool fd = value_of(g, b->edl, record) != 0;
    uint8_t head[8] = {(uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id,
                       (uint8_t)payload.len};
    if (fd) {
        head[5] = (uint8_t)(4 | (value_of(g, b->brs, record) != 0 ? 1 : 0) |
                            (value_of(g, b->esi, record) != 0 ? 2 : 0));
    }
    uint64_t dlc = value_of(g, b->dlc, record);
    head[7] = !fd && payload.len == 8 && dlc > 8 && dlc < 16 ? (uint8_t)dlc : 0;
    RML_TRY(rml_buffer_append(out, head, sizeof head, err));
    return rml_buffer_append(out, payload.data, payload.len, err);
}

static rml_status put_lin(const rml_mdf_group *g, rml_bytes record, rml_bytes payload,
                          rml_buffer *out, rml_error *err)
{
    uint8_t head[8] = {
        1, 0, 0, 0, (uint8_t)(payload.len << 4), (uint8_t)(value_of(g, g->bus->id, record) & 0x3F)};
    RML_TRY(rml_buffer_append(out, head, sizeof head, err));
    return rml_buffer_append(out, payload.data, payload.len, err);
}

rml_status rml_mdf_bus_frame(const rml_mdf_group *g, rml_bytes record, rml_bytes given,
                             rml_buffer *out, uint32_t *bus, bool *sent, rml_place at,
                             rml_error *err)
{
    const rml_mdf_bus *b = g->bus;
    rml_bytes payload = payload_of(g, b, record, given);
    size_t most = b->is_lin ? 8 : PAYLOAD_MAX;
    if (payload.len > most) {
        return rml_fail(err, RML_ERR_DATA, at, RML_MDF_REMEDY,
                        "expected a frame of at most %zu bytes, found %zu", most, payload.len);
    }
    *bus = (uint32_t)value_of(g, b->bus, record);
    *sent = value_of(g, b->dir, record) != 0;
    rml_buffer_clear(out);
    return b->is_lin ? put_lin(g, record, payload, out, err)
                     : put_can(g, record, payload, out, err);
}
