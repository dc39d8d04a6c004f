// Transports over CAN: SAE J1939-21, NMEA 2000 fast packets, ISO 15765-2. A part whose beginning
// was not seen, or that does not follow its neighbour, is broken: nothing is made of it.
#include "can_transport.h"

#include <string.h>

#define TRANSFERS_MAX 4096
enum { TP_CM_RTS = 16, TP_CM_CTS = 17, TP_CM_END = 19, TP_CM_BAM = 32, TP_CM_ABORT = 255 };

static rml_status transfer_of(rml_can_transfers *t, uint64_t key, rml_can_transfer **out,
                              rml_error *err)
{
    if (t->items.item_size == 0) {
        t->items = RML_ARRAY(rml_can_transfer *);
    }
    for (size_t i = 0; i < t->items.count; i++) {
        *out = *RML_AT(&t->items, rml_can_transfer *, i);
        if ((*out)->key == key) {
            return RML_OK;
        }
    }
    if (t->items.count >= TRANSFERS_MAX) { // the oldest makes room
        *out = *RML_AT(&t->items, rml_can_transfer *, key % TRANSFERS_MAX);
        (*out)->open = false;
        (*out)->key = key;
        return RML_OK;
    }
    rml_can_transfer **place = rml_array_push(&t->items, err);
    *out = RML_NEW(&t->arena, rml_can_transfer);
    if (place == NULL || *out == NULL) {
        t->items.count -= place != NULL;
        return rml_fail_memory(err, sizeof **out);
    }
    *place = *out;
    (*out)->key = key;
    return RML_OK;
}

void rml_can_transfers_reset(rml_can_transfers *t)
{
    rml_array_reset(&t->items);
    rml_arena_reset(&t->arena);
}

static void begin(rml_can_transfer *c, uint32_t size, const uint8_t *data, size_t len)
{
    c->open = true;
    c->size = size;
    c->have = (uint32_t)(len < size ? len : size);
    memcpy(c->data, data, c->have);
    c->next = 1;
}

// Adds a part; whole when all bytes are there.
static rml_can_step add(rml_can_transfer *c, const uint8_t *data, size_t len, rml_bytes *out)
{
    size_t rest = c->size - c->have;
    size_t take = len < rest ? len : rest;
    memcpy(c->data + c->have, data, take);
    c->have += (uint32_t)take;
    c->next++;
    if (c->have < c->size) {
        return RML_CAN_STEP_PART;
    }
    c->open = false;
    *out = (rml_bytes){c->data, c->size};
    return RML_CAN_STEP_WHOLE;
}

static rml_can_step breaks(rml_can_transfer *c)
{
    c->open = false;
    return RML_CAN_STEP_BROKEN;
}

rml_status rml_can_j1939_step(rml_can_transfers *t, const rml_can_frame *frame, rml_can_step *step,
                              uint32_t *pgn, rml_bytes *out, rml_error *err)
{
    const uint8_t *p = frame->data.data;
    bool control = rml_j1939_pgn(frame->id) == 0xEC00;
    *step = RML_CAN_STEP_BROKEN;
    if (frame->data.len != 8) {
        return RML_OK;
    }
    // Source and destination tell transfers apart.
    rml_can_transfer *c;
    RML_TRY(transfer_of(t, (uint64_t)1 << 40 | (frame->id & 0xFFFF), &c, err));
    if (control && (p[0] == TP_CM_RTS || p[0] == TP_CM_BAM)) {
        uint32_t size = (uint32_t)(p[1] | p[2] << 8);
        if (size < 9 || size > 1785 || p[3] != (size + 6) / 7) {
            *step = breaks(c);
            return RML_OK;
        }
        begin(c, size, p, 0);
        c->pgn = (uint32_t)(p[5] | p[6] << 8 | p[7] << 16) & 0x3FFFF;
        *step = RML_CAN_STEP_PART;
    } else if (control) {
        if (p[0] == TP_CM_ABORT) {
            c->open = false;
        }
        *step = RML_CAN_STEP_PART; // clear to send, end of message: the receiver's answers
    } else {
        *pgn = c->pgn;
        *step = c->open && p[0] == c->next ? add(c, p + 1, 7, out) : breaks(c);
    }
    return RML_OK;
}

rml_status rml_can_fast_step(rml_can_transfers *t, const rml_can_frame *frame, rml_can_step *step,
                             rml_bytes *out, rml_error *err)
{
    const uint8_t *p = frame->data.data;
    *step = RML_CAN_STEP_BROKEN;
    if (frame->data.len < 2) {
        return RML_OK;
    }
    rml_can_transfer *c;
    RML_TRY(transfer_of(t, (uint64_t)2 << 40 | (uint64_t)(p[0] >> 5) << 32 | frame->id, &c, err));
    uint32_t number = p[0] & 31;
    if (number == 0) {
        begin(c, p[1], p + 2, frame->data.len - 2);
        *step = RML_CAN_STEP_PART;
        if (c->have == c->size) {
            c->open = false;
            *out = (rml_bytes){c->data, c->size};
            *step = RML_CAN_STEP_WHOLE;
        }
        return RML_OK;
    }
    *step = c->open && number == c->next ? add(c, p + 1, frame->data.len - 1, out) : breaks(c);
    return RML_OK;
}

rml_status rml_can_iso_step(rml_can_transfers *t, const rml_can_frame *frame, rml_can_step *step,
                            rml_bytes *out, rml_error *err)
{
    const uint8_t *p = frame->data.data;
    size_t len = frame->data.len;
    *step = RML_CAN_STEP_BROKEN;
    if (len < 1) {
        return RML_OK;
    }
    rml_can_transfer *c;
    RML_TRY(transfer_of(t, (uint64_t)3 << 40 | frame->id, &c, err));
    uint32_t size = p[0] & 15;
    switch (p[0] >> 4) {
    case 0: // single; with a length byte of its own above 8 bytes
        if (size == 0 && len > 8) {
            size = p[1];
            p++;
            len--;
        }
        if (size == 0 || size > len - 1) {
            *step = breaks(c);
            return RML_OK;
        }
        c->open = false;
        *out = (rml_bytes){p + 1, size};
        *step = RML_CAN_STEP_WHOLE;
        return RML_OK;
    case 1: // first
        size = len < 2 ? 0 : size << 8 | p[1];
        if (size < 8 || len < 8) {
            *step = breaks(c);
            return RML_OK;
        }
        begin(c, size, p + 2, len - 2);
        *step = RML_CAN_STEP_PART;
        return RML_OK;
    case 2: // consecutive, counted modulo 16
        *step = c->open && (c->next & 15) == (p[0] & 15) ? add(c, p + 1, len - 1, out) : breaks(c);
        return RML_OK;
    case 3: // flow control
        *step = RML_CAN_STEP_PART;
        return RML_OK;
    default:
        return RML_OK;
    }
}
