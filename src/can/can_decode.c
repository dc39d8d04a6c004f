// Decodes frames: which message an id stands for, which of its signals are there, what they say.
#include <string.h>

#include "can_transport.h"
#include "roadmill/base/bits.h"

// Where a signal's bits are, worked out once.
typedef struct place {
    uint16_t first; // bit (little-endian) or byte (big-endian)
    uint8_t size, shift, length;
    uint32_t rank; // of the signal's name in its message
} place;

typedef struct entry {
    uint64_t key;
    const rml_dbc_message *message;
    place *places; // [signal_count]
    uint32_t need; // bytes of the frame that the signals without a multiplexer need
} entry;

struct rml_can_decoder {
    rml_arena arena;
    rml_array entries;     // entry, by key; for one key the first file's
    rml_can_value *values; // as many as the message with most signals has
    rml_can_transfers transfers;
};

// SAE J1939-21: below PDU format 240 the PDU specific byte is a destination.
uint32_t rml_j1939_pgn(uint32_t id)
{
    uint32_t pgn = id >> 8 & 0x3FFFF;
    return (pgn >> 8 & 0xFF) < 240 ? pgn & 0x3FF00 : pgn;
}

const char *rml_can_fate_reason(rml_can_fate fate)
{
    static const char *const reasons[] = {
        [RML_CAN_DECODED] = "decoded",
        [RML_CAN_PART] = "part of a message of several frames",
        [RML_CAN_UNKNOWN] = "expected an id that the DBC describes, found another",
        [RML_CAN_SHORT] = "expected the bytes that its description needs, found fewer",
        [RML_CAN_NO_SIGNALS] = "expected a multiplexer value with signals, found one without",
        [RML_CAN_BROKEN] = "expected the next part of a message of several frames, found another",
        [RML_CAN_NOT_DATA] = "expected a data frame, found a remote or an error frame",
    };
    return reasons[fate];
}

// ---- Making ------------------------------------------------------------------------------------

enum { KEY_STANDARD, KEY_EXTENDED, KEY_PGN };

static uint64_t key_of(unsigned kind, uint32_t id)
{
    return (uint64_t)kind << 32 | id;
}

static int by_key(const void *a, const void *b, void *context)
{
    (void)context;
    const entry *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

static place place_of(const rml_dbc_signal *s)
{
    if (!s->big_endian) {
        return (place){.first = (uint16_t)s->start, .length = (uint8_t)s->length};
    }
    // Bits above the most significant one in its byte, and below the least significant one in its.
    uint32_t above = 7 - s->start % 8, size = (above + s->length + 7) / 8;
    return (place){.first = (uint16_t)(s->start / 8),
                   .size = (uint8_t)size,
                   .shift = (uint8_t)(8 * size - above - s->length),
                   .length = (uint8_t)s->length};
}

// The byte behind a signal's last one.
static uint32_t end_of(const rml_dbc_signal *s, const place *p)
{
    return s->big_endian ? (uint32_t)p->first + p->size : (p->first + (uint32_t)p->length + 7) / 8;
}

static rml_status add_message(rml_can_decoder *d, const rml_dbc_message *m, size_t *most,
                              rml_error *err)
{
    entry e = {.message = m};
    e.key = !m->extended ? key_of(KEY_STANDARD, m->id)
            : m->j1939   ? key_of(KEY_PGN, rml_j1939_pgn(m->id))
                         : key_of(KEY_EXTENDED, m->id);
    e.places = RML_NEW_ARRAY(&d->arena, place, m->signal_count + 1);
    if (e.places == NULL) {
        return rml_fail_memory(err, m->signal_count * sizeof(place));
    }
    for (size_t i = 0; i < m->signal_count; i++) {
        const rml_dbc_signal *s = &m->signals[i];
        e.places[i] = place_of(s);
        for (size_t k = 0; k < m->signal_count; k++) {
            e.places[i].rank += rml_str_compare(m->signals[k].name, s->name) < 0;
        }
        uint32_t end = end_of(s, &e.places[i]);
        e.need = s->multiplexer == 0 && end > e.need ? end : e.need;
    }
    *most = m->signal_count > *most ? m->signal_count : *most;
    entry *out = rml_array_push(&d->entries, err);
    if (out == NULL) {
        return RML_ERR_MEMORY;
    }
    *out = e;
    return RML_OK;
}

static rml_status fill(rml_can_decoder *d, const rml_dbc *const *files, size_t count,
                       rml_error *err)
{
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        size_t messages;
        const rml_dbc_message *m = rml_dbc_messages(files[i], &messages);
        for (size_t k = 0; k < messages; k++) {
            RML_TRY(add_message(d, &m[k], &most, err));
        }
    }
    // The sort is stable: of one key the first file's message stands first.
    RML_TRY(rml_array_sort(&d->entries, by_key, NULL, err));
    d->values = RML_NEW_ARRAY(&d->arena, rml_can_value, most + 1);

    return d->values == NULL ? rml_fail_memory(err, most * sizeof *d->values) : RML_OK;
}

rml_status rml_can_decoder_make(const rml_dbc *const *files, size_t count, rml_can_decoder **out,
                                rml_error *err)
{
    rml_can_decoder *d = rml_heap_make(sizeof *d);
    if (d == NULL) {
        return rml_fail_memory(err, sizeof *d);
    }
    d->entries = RML_ARRAY(entry);
    rml_status st = fill(d, files, count, err);
    if (st) {
        rml_can_decoder_free(d);
        return st;
    }
    *out = d;
    return RML_OK;
}

void rml_can_decoder_free(rml_can_decoder *d)
{
    if (d == NULL) {
        return;
    }
    rml_can_transfers_reset(&d->transfers);
    rml_array_reset(&d->entries);
    rml_arena_reset(&d->arena);
    rml_heap_free(d);
}

static const entry *find(const rml_can_decoder *d, uint64_t key)
{
    size_t low = 0, high = d->entries.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (RML_AT(&d->entries, entry, middle)->key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const entry *e = low < d->entries.count ? RML_AT(&d->entries, entry, low) : NULL;
    return e != NULL && e->key == key ? e : NULL;
}

// ---- Signals -----------------------------------------------------------------------------------

static uint64_t bits_of(const rml_dbc_signal *s, const place *p, const uint8_t *data)
{
    return s->big_endian ? rml_bits_big(data + p->first, p->size, p->shift, p->length)
                         : rml_bits_little(data, p->first, p->length);
}

static rml_str text_of(const rml_dbc_signal *s, int64_t raw)
{
    for (size_t i = 0; i < s->text_count; i++) {
        if (s->texts[i].value == raw) {
            return s->texts[i].text;
        }
    }
    return (rml_str){0};
}

static void set_value(const rml_dbc_message *m, size_t index, const place *p, uint64_t bits,
                      rml_can_value *out)
{
    double number;
    const rml_dbc_signal *s = &m->signals[index];
    *out = (rml_can_value){.message = m, .signal = s, .raw = (int64_t)bits, .rank = p->rank};
    switch (s->number) {
    case RML_DBC_SIGNED:
        out->raw = rml_bits_signed(bits, s->length);
        number = (double)out->raw;
        break;
    case RML_DBC_F32: {
        float narrow;
        uint32_t low = (uint32_t)bits;
        memcpy(&narrow, &low, sizeof narrow);
        number = narrow;
        break;
    }
    case RML_DBC_F64:
        memcpy(&number, &bits, sizeof number);
        break;
    default:
        number = (double)bits;
        break;
    }
    out->value = number * s->factor + s->offset;
    if (s->text_count > 0) {
        out->text = text_of(s, out->raw);
    }
}

static bool in_ranges(const rml_dbc_signal *s, uint64_t value)
{
    for (size_t i = 0; i < s->range_count; i++) {
        if (value >= s->ranges[i].low && value <= s->ranges[i].high) {
            return true;
        }
    }
    return false;
}

// Signals in the order of the file; a multiplexed one is there when its multiplexer is and says so.
// Multiplexers may stand behind what they switch, so their presence is settled first.
static rml_can_fate decode_message(rml_can_decoder *d, const entry *e, rml_bytes data,
                                   size_t *count)
{
    const rml_dbc_message *m = e->message;
    bool switched = false, any_switched = false;
    *count = 0;
    if (data.len < e->need) {
        return RML_CAN_SHORT;
    }
    for (size_t i = 0; i < m->signal_count; i++) {
        const rml_dbc_signal *s = &m->signals[i];
        // Up the chain of multiplexers, which a broken file may close to a circle.
        bool there = true;
        size_t at = i;
        for (size_t steps = 0; there && m->signals[at].multiplexer != 0; steps++) {
            size_t by = m->signals[at].multiplexer - 1;
            uint32_t end = end_of(&m->signals[by], &e->places[by]);
            there = steps < m->signal_count && data.len >= end &&
                    in_ranges(&m->signals[at], bits_of(&m->signals[by], &e->places[by], data.data));
            at = by;
        }
        any_switched |= s->multiplexer != 0;
        switched |= s->multiplexer != 0 && there;
        if (there && data.len < end_of(s, &e->places[i])) {
            return RML_CAN_SHORT;
        }
        if (there) {
            uint64_t bits = bits_of(s, &e->places[i], data.data);
            set_value(m, i, &e->places[i], bits, &d->values[(*count)++]);
        }
    }
    return any_switched && !switched ? RML_CAN_NO_SIGNALS : RML_CAN_DECODED;
}

// ---- Frames ------------------------------------------------------------------------------------

static rml_can_fate fate_of(rml_can_step step)
{
    return step == RML_CAN_STEP_BROKEN ? RML_CAN_BROKEN : RML_CAN_PART;
}

// The message of a frame and its payload; or what else became of it.
static rml_status assemble(rml_can_decoder *d, const rml_can_frame *frame, const entry **e,
                           rml_bytes *data, rml_can_fate *fate, rml_error *err)
{
    rml_can_step step = RML_CAN_STEP_WHOLE;
    uint32_t pgn = rml_j1939_pgn(frame->id);
    *data = frame->data;
    *e = find(d, key_of(frame->extended ? KEY_EXTENDED : KEY_STANDARD, frame->id));
    if (*e == NULL && frame->extended && (pgn == 0xEC00 || pgn == 0xEB00)) {
        RML_TRY(rml_can_j1939_step(&d->transfers, frame, &step, &pgn, data, err));
        *e = step == RML_CAN_STEP_WHOLE ? find(d, key_of(KEY_PGN, pgn)) : NULL;
        *fate = step == RML_CAN_STEP_WHOLE ? RML_CAN_UNKNOWN : fate_of(step);
        return RML_OK;
    }
    if (*e == NULL && frame->extended) {
        *e = find(d, key_of(KEY_PGN, pgn));
    }
    *fate = RML_CAN_UNKNOWN;
    if (*e == NULL || (*e)->message->size <= 8 || frame->fd || frame->data.len > 8) {
        return RML_OK;
    }
    // More bytes than a frame holds: the message comes in parts.
    bool fast = (*e)->message->j1939 && pgn >= 0x1F000 && pgn <= 0x1FFFF;
    RML_TRY(fast ? rml_can_fast_step(&d->transfers, frame, &step, data, err)
                 : rml_can_iso_step(&d->transfers, frame, &step, data, err));
    if (step != RML_CAN_STEP_WHOLE) {
        *e = NULL;
        *fate = fate_of(step);
    }
    return RML_OK;
}

rml_status rml_can_decode(rml_can_decoder *d, const rml_can_frame *frame,
                          const rml_can_value **values, size_t *count, rml_can_fate *fate,
                          rml_error *err)
{
    const entry *e;
    rml_bytes data;
    *count = 0;
    *values = d->values;
    *fate = RML_CAN_NOT_DATA;
    if (frame->remote || frame->error) {
        return RML_OK;
    }
    RML_TRY(assemble(d, frame, &e, &data, fate, err));
    if (e != NULL) {
        *fate = decode_message(d, e, data, count);
        *count = *fate == RML_CAN_DECODED ? *count : 0;
    }
    return RML_OK;
}
