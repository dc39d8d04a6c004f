// Runs a plan over a message whose fields lie one behind the other: CDR (OMG DDS-RTPS 2.3 section
// 10; XCDR version 1: numbers are aligned to their size, 8 bytes at most, counted from behind the 4
// bytes of the encapsulation header; version 2: 4 bytes at most) and ROS 1 (nothing is aligned).
//
// The decode proof: what the plan reads is all there is but for the padding that the layout allows.
#include "layout.h"

#include <string.h>

#include "append.h"

// DDS-XTypes 1.3 table 60: encapsulation identifiers.
enum { PLAIN_CDR_BE = 0, PLAIN_CDR_LE = 1, PLAIN_CDR2_BE = 6, PLAIN_CDR2_LE = 7 };

typedef struct decoder {
    const rml_message_plan *plan;
    const uint8_t *data; // behind the encapsulation header
    size_t size, at;
    size_t align_max;
    bool swap;   // the byte order is not this machine's
    size_t wide; // bytes of a character of a wstring: 4, or 2
    rml_column *const *slots;
    rml_place place;
    rml_error *err;
} decoder;

static bool machine_is_little(void)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 1;
}

static void swap_bytes(uint8_t *p, size_t size)
{
    for (size_t i = 0; i < size / 2; i++) {
        uint8_t t = p[i];
        p[i] = p[size - 1 - i];
        p[size - 1 - i] = t;
    }
}

static rml_status fail_short(const decoder *d, const rml_op *op, uint64_t need)
{
    return rml_fail(d->err, RML_ERR_DATA, d->place, NULL,
                    "expected %llu bytes for field %.*s at byte %zu, found %zu",
                    (unsigned long long)need, RML_FMT(op->field), d->at + d->plan->layout.header,
                    d->size - d->at);
}

// Moves to the next multiple of size, and checks that need bytes are left there.
static bool reach(decoder *d, size_t size, uint64_t need)
{
    size_t unit = size < d->align_max ? size : d->align_max;
    size_t at = (d->at + unit - 1) & ~(unit - 1);
    if (at > d->size || need > d->size - at) {
        return false;
    }
    d->at = at;
    return true;
}

static rml_status take_u32(decoder *d, const rml_op *op, uint32_t *out)
{
    if (!reach(d, 4, 4)) {
        return fail_short(d, op, 4);
    }
    memcpy(out, d->data + d->at, 4);
    if (d->swap) {
        swap_bytes((uint8_t *)out, 4);
    }
    d->at += 4;
    return RML_OK;
}

// ---- Numbers -----------------------------------------------------------------------------------

// One number from the wire into the form of its column.
static void widen(rml_wire wire, const uint8_t *from, uint8_t *to)
{
    switch (wire) {
    case RML_WIRE_U8: {
        int16_t v = *from;
        memcpy(to, &v, sizeof(v));
        break;
    }
    case RML_WIRE_U16: {
        uint16_t narrow;
        memcpy(&narrow, from, sizeof(narrow));
        int32_t v = narrow;
        memcpy(to, &v, sizeof(v));
        break;
    }
    case RML_WIRE_U32: {
        uint32_t narrow;
        memcpy(&narrow, from, sizeof(narrow));
        int64_t v = narrow;
        memcpy(to, &v, sizeof(v));
        break;
    }
    default:
        memcpy(to, from, rml_wires[wire].size);
        break;
    }
}

static bool widens(rml_wire wire)
{
    return wire == RML_WIRE_U8 || wire == RML_WIRE_U16 || wire == RML_WIRE_U32;
}

static rml_status check_bools(const decoder *d, const rml_op *op, const uint8_t *p, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (p[i] > 1) {
            return rml_fail(d->err, RML_ERR_DATA, d->place, NULL,
                            "expected 0 or 1 in the bool %.*s, found %u", RML_FMT(op->field), p[i]);
        }
    }
    return RML_OK;
}

static rml_status decode_values(decoder *d, const rml_op *op)
{
    size_t size = rml_wires[op->wire].size;
    const uint32_t *leaves = RML_AT(&d->plan->leaves, uint32_t, op->node);
    if (!reach(d, size, (uint64_t)op->count * size)) {
        return fail_short(d, op, (uint64_t)op->count * size);
    }
    const uint8_t *p = d->data + d->at;
    d->at += op->count * size;
    if (op->wire == RML_WIRE_BOOL) {
        RML_TRY(check_bools(d, op, p, op->count));
    }
    if (size == 8 && !d->swap) {
        for (uint32_t i = 0; i < op->count; i++, p += 8) {
            RML_TRY(rml_append_value(d->slots[leaves[i]], p, 8, d->err));
        }
        return RML_OK;
    }
    size_t out_size = rml_type_size(rml_wires[op->wire].type);
    for (uint32_t i = 0; i < op->count; i++, p += size) {
        uint8_t raw[8], value[8];
        memcpy(raw, p, size);
        if (d->swap) {
            swap_bytes(raw, size);
        }
        widen(op->wire, raw, value);
        RML_TRY(rml_append_value(d->slots[leaves[i]], value, out_size, d->err));
    }
    return RML_OK;
}

// Appends count numbers to the child of a list in one piece. Children of lists hold no nulls, for
// only decoding fills them.
static rml_status append_numbers(decoder *d, const rml_op *op, rml_column *child, size_t count)
{
    size_t size = rml_wires[op->wire].size;
    size_t out_size = rml_type_size(rml_wires[op->wire].type);
    const uint8_t *p = d->data + d->at;
    if (op->wire == RML_WIRE_BOOL) {
        RML_TRY(check_bools(d, op, p, count));
    }
    uint8_t *to = rml_append_room(&child->values, count * out_size, d->err);
    if (to == NULL) {
        return RML_ERR_MEMORY;
    }
    d->at += count * size;
    child->count += count;
    if (!widens(op->wire) && !d->swap) {
        memcpy(to, p, count * size);
        return RML_OK;
    }
    for (size_t i = 0; i < count; i++) {
        uint8_t raw[8];
        memcpy(raw, p + i * size, size);
        if (d->swap) {
            swap_bytes(raw, size);
        }
        widen(op->wire, raw, to + i * out_size);
    }
    return RML_OK;
}

// The length of an array or sequence, checked against its bound and the bytes that are left.
static rml_status take_length(decoder *d, const rml_op *op, uint64_t least, size_t *out)
{
    uint32_t length = op->fixed;
    if (op->fixed == RML_PLAN_NONE) {
        RML_TRY(take_u32(d, op, &length));
        if (op->bound != RML_PLAN_NONE && length > op->bound) {
            return rml_fail(d->err, RML_ERR_DATA, d->place, NULL,
                            "expected at most %u elements in %.*s, found %u", op->bound,
                            RML_FMT(op->field), length);
        }
    }
    if (length > 0 && (d->size - d->at) / least < length) {
        uint64_t need = least > UINT64_MAX / length ? UINT64_MAX : least * length;
        return fail_short(d, op, need);
    }
    *out = length;
    return RML_OK;
}

static rml_status decode_array(decoder *d, const rml_op *op)
{
    size_t size = rml_wires[op->wire].size, count;
    rml_column *list = d->slots[op->node];
    RML_TRY(take_length(d, op, size, &count));
    // An empty sequence ends behind its length: nothing is aligned for elements that are not there.
    if (count > 0) {
        if (!reach(d, size, (uint64_t)count * size)) {
            return fail_short(d, op, (uint64_t)count * size);
        }
        RML_TRY(append_numbers(d, op, &list->children[0], count));
    }
    return rml_end_list(list, d->err);
}

static rml_status decode_binary(decoder *d, const rml_op *op)
{
    size_t count;
    RML_TRY(take_length(d, op, 1, &count));
    const uint8_t *p = d->data + d->at;
    d->at += count;
    return rml_append_bytes(d->slots[op->node], p, count, d->err);
}

static rml_status decode_time(decoder *d, const rml_op *op)
{
    uint32_t seconds, nanoseconds;
    RML_TRY(take_u32(d, op, &seconds));
    RML_TRY(take_u32(d, op, &nanoseconds));
    bool is_unsigned = d->plan->layout.unsigned_time && op->wire == RML_WIRE_TIME;
    int64_t ns = (is_unsigned ? (int64_t)seconds : (int64_t)(int32_t)seconds) * 1000000000;
    ns += nanoseconds;
    return rml_append_value(d->slots[op->node], (const uint8_t *)&ns, sizeof(ns), d->err);
}

// ---- Text --------------------------------------------------------------------------------------

static rml_status fail_bound(const decoder *d, const rml_op *op, size_t length)
{
    return rml_fail(d->err, RML_ERR_DATA, d->place, NULL,
                    "expected at most %u characters in %.*s, found %zu", op->bound,
                    RML_FMT(op->field), length);
}

// In CDR the length counts a zero byte at the end; some writers leave it out, or write 0 for no
// text.
static rml_status decode_text(decoder *d, const rml_op *op)
{
    uint32_t size;
    RML_TRY(take_u32(d, op, &size));
    if (size > d->size - d->at) {
        return fail_short(d, op, size);
    }
    const char *text = (const char *)d->data + d->at;
    d->at += size;
    bool ended = d->plan->layout.zero_ends_text && size > 0 && text[size - 1] == 0;
    size_t len = ended ? size - 1 : size;
    if (op->bound != RML_PLAN_NONE && len > op->bound) {
        return fail_bound(d, op, len);
    }
    if (!rml_utf8_valid((rml_str){text, len})) {
        return rml_fail(d->err, RML_ERR_DATA, d->place, NULL,
                        "expected UTF-8 in the string %.*s, found other bytes", RML_FMT(op->field));
    }
    return rml_append_bytes(d->slots[op->node], text, len, d->err);
}

static rml_status append_utf8(rml_buffer *out, uint32_t code, rml_error *err)
{
    uint8_t b[4];
    size_t n;
    if (code < 0x80) {
        b[0] = (uint8_t)code;
        n = 1;
    } else if (code < 0x800) {
        b[0] = (uint8_t)(0xC0 | code >> 6);
        n = 2;
    } else if (code < 0x10000) {
        b[0] = (uint8_t)(0xE0 | code >> 12);
        n = 3;
    } else {
        b[0] = (uint8_t)(0xF0 | code >> 18);
        n = 4;
    }
    for (size_t i = 1; i < n; i++) {
        b[i] = (uint8_t)(0x80 | (code >> 6 * (n - 1 - i) & 0x3F));
    }
    return rml_buffer_append(out, b, n, err);
}

static rml_status wide_to_utf8(decoder *d, const rml_op *op, size_t count, rml_buffer *out)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t unit = 0;
        for (size_t k = 0; k < d->wide; k++) {
            bool little = machine_is_little() != d->swap;
            unit |= (uint32_t)d->data[d->at + k] << 8 * (little ? k : d->wide - 1 - k);
        }
        d->at += d->wide;
        // Both widths hold UTF-16 units; a pair stands for one character.
        if (unit >= 0xD800 && unit < 0xDC00 && i + 1 < count) {
            size_t low_at = d->at + (machine_is_little() != d->swap ? 0 : d->wide - 2);
            bool little = machine_is_little() != d->swap;
            uint32_t low = (uint32_t)d->data[low_at + (little ? 0 : 1)] |
                           (uint32_t)d->data[low_at + (little ? 1 : 0)] << 8;
            if (low >= 0xDC00 && low < 0xE000) {
                unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                d->at += d->wide;
                i++;
            }
        }
        if (unit > 0x10FFFF || (unit >= 0xD800 && unit < 0xE000)) {
            return rml_fail(d->err, RML_ERR_DATA, d->place, NULL,
                            "expected characters of UTF-16 in the wstring %.*s, found 0x%x",
                            RML_FMT(op->field), unit);
        }
        RML_TRY(append_utf8(out, unit, d->err));
    }
    return RML_OK;
}

static rml_status decode_wide(decoder *d, const rml_op *op)
{
    uint32_t count;
    RML_TRY(take_u32(d, op, &count));
    if ((d->size - d->at) / d->wide < count) {
        return fail_short(d, op, (uint64_t)count * d->wide);
    }
    if (op->bound != RML_PLAN_NONE && count > op->bound) {
        return fail_bound(d, op, count);
    }
    rml_buffer text = {0};
    rml_status st = wide_to_utf8(d, op, count, &text);
    if (st == RML_OK) {
        st = rml_column_str(d->slots[op->node], rml_buffer_text(&text), d->err);
    }
    rml_buffer_reset(&text);
    return st;
}

// ---- The program -------------------------------------------------------------------------------

// An array of 8-byte numbers of a block.
static inline rml_status append_eights(rml_column *list, const uint8_t *p, uint32_t count,
                                       rml_error *err)
{
    rml_column *child = &list->children[0];
    size_t size = (size_t)count * 8;
    uint8_t *to = rml_append_room(&child->values, size, err);
    if (to == NULL) {
        return RML_ERR_MEMORY;
    }
    memcpy(to, p, size);
    child->count += count;
    return rml_end_list(list, err);
}

// Numbers of 8 bytes one behind the other, in this machine's byte order.
static rml_status decode_block(decoder *d, const rml_op *op, const rml_block *block)
{
    if (!reach(d, 8, block->bytes)) {
        return fail_short(d, op, block->bytes);
    }
    const uint8_t *p = d->data + d->at;
    const rml_move *m = RML_AT(&d->plan->moves, rml_move, block->first);
    const rml_move *values_end = m + block->values, *arrays_end = values_end + block->arrays;
    const rml_move *ends_end = arrays_end + block->ends;
    d->at += block->bytes;
    for (; m < values_end; m++) {
        RML_TRY(rml_append_value(d->slots[m->node], p + m->offset, 8, d->err));
    }
    for (; m < arrays_end; m++) {
        RML_TRY(append_eights(d->slots[m->node], p + m->offset, m->count, d->err));
    }
    for (; m < ends_end; m++) {
        RML_TRY(rml_end_struct(d->slots[m->node], d->err));
    }
    return RML_OK;
}

static rml_status run(decoder *d, uint32_t from, uint32_t to);

static rml_status decode_list(decoder *d, const rml_op *op, uint32_t body)
{
    size_t count;
    RML_TRY(take_length(d, op, op->least, &count));
    for (size_t i = 0; i < count; i++) {
        RML_TRY(run(d, body, op->body_end));
    }
    return rml_end_list(d->slots[op->node], d->err);
}

static rml_status run(decoder *d, uint32_t from, uint32_t to)
{
    const rml_op *ops = d->plan->ops.data;
    for (uint32_t i = from; i < to; i++) {
        const rml_op *op = &ops[i];
        if (op->block != 0 && !d->swap) {
            const rml_block *block = RML_AT(&d->plan->blocks, rml_block, op->block - 1);
            RML_TRY(decode_block(d, op, block));
            i = block->end - 1;
            continue;
        }
        switch (op->kind) {
        case RML_OP_VALUES:
            RML_TRY(decode_values(d, op));
            break;
        case RML_OP_ARRAY:
            RML_TRY(decode_array(d, op));
            break;
        case RML_OP_BINARY:
            RML_TRY(decode_binary(d, op));
            break;
        case RML_OP_TEXT:
            RML_TRY(decode_text(d, op));
            break;
        case RML_OP_WIDE:
            RML_TRY(decode_wide(d, op));
            break;
        case RML_OP_TIME:
            RML_TRY(decode_time(d, op));
            break;
        case RML_OP_LIST:
            RML_TRY(decode_list(d, op, i + 1));
            i = op->body_end - 1;
            break;
        case RML_OP_STRUCT_END:
            RML_TRY(rml_end_struct(d->slots[op->node], d->err));
            break;
        }
    }
    return RML_OK;
}

// ---- A message ---------------------------------------------------------------------------------

// Reads the encapsulation header: byte order and alignment of what follows.
static rml_status begin(const rml_message_plan *plan, rml_bytes data, rml_place place, bool *swap,
                        size_t *align_max, rml_error *err)
{
    *align_max = plan->layout.align_max;
    *swap = !machine_is_little();
    if (data.len < plan->layout.header) {
        return rml_fail(err, RML_ERR_DATA, place, NULL,
                        "expected a CDR header of %zu bytes, found %zu", plan->layout.header,
                        data.len);
    }
    if (plan->layout.header == 0) {
        return RML_OK;
    }
    unsigned kind = (unsigned)data.data[0] << 8 | data.data[1];
    switch (kind) {
    case PLAIN_CDR2_BE:
    case PLAIN_CDR2_LE:
        *align_max = 4;
        break;
    case PLAIN_CDR_BE:
    case PLAIN_CDR_LE:
        break;
    default:
        return rml_fail(err, RML_ERR_UNSUPPORTED, place, NULL,
                        "expected plain CDR (encapsulation 0x0000, 0x0001, 0x0006 or 0x0007), "
                        "found 0x%04x",
                        kind);
    }
    *swap = (kind % 2 == 1) != machine_is_little();
    return RML_OK;
}

static rml_status run_once(decoder *d)
{
    d->at = 0;
    RML_TRY(run(d, 0, (uint32_t)d->plan->ops.count));
    size_t padding = d->size - d->at;
    size_t most = d->plan->layout.padding_max + (d->plan->empty && d->plan->layout.header ? 1 : 0);
    if (padding > most) {
        return rml_fail(d->err, RML_ERR_DATA, d->place, NULL,
                        "expected the message to end at byte %zu with at most %zu bytes of "
                        "padding, found %zu bytes more",
                        d->at + d->plan->layout.header, most, padding);
    }
    return RML_OK;
}

rml_status rml_layout_decode(const rml_message_plan *plan, rml_bytes data, rml_place place,
                             rml_column *columns, rml_error *err)
{
    rml_column *slots[RML_PLAN_NODES_MAX];
    rml_plan_bind(plan, columns, slots);
    return rml_layout_decode_bound(plan, data, place, columns, slots, err);
}

rml_status rml_layout_decode_bound(const rml_message_plan *plan, rml_bytes data, rml_place place,
                                   rml_column *columns, rml_column *const *slots, rml_error *err)
{
    decoder d = {.plan = plan, .wide = 4, .slots = slots, .place = place, .err = err};
    RML_TRY(begin(plan, data, place, &d.swap, &d.align_max, err));
    d.data = data.data + plan->layout.header;
    d.size = data.len - plan->layout.header;
    size_t rows = plan->schema.count == 0 ? 0 : columns[0].count;
    rml_status st = run_once(&d);
    if (st == RML_ERR_DATA && plan->has_wide) {
        // Writers differ in the width of a wstring's characters; the decode proof decides. The
        // error told is that of the common width.
        for (size_t i = 0; i < plan->schema.count; i++) {
            rml_column_cut(&columns[i], rows);
        }
        d.wide = 2;
        d.err = NULL;
        st = run_once(&d) == RML_OK ? RML_OK : RML_ERR_DATA;
    }
    return st;
}

bool rml_layout_sensor_ns(const rml_message_plan *plan, rml_bytes data, int64_t *out)
{
    bool swap;
    size_t align_max, at = plan->layout.header + plan->layout.stamp_at;
    if (!plan->has_header || data.len < at + 8 ||
        begin(plan, data, (rml_place){0}, &swap, &align_max, NULL) != RML_OK) {
        return false;
    }
    uint32_t seconds, nanoseconds;
    memcpy(&seconds, data.data + at, 4);
    memcpy(&nanoseconds, data.data + at + 4, 4);
    if (swap) {
        swap_bytes((uint8_t *)&seconds, 4);
        swap_bytes((uint8_t *)&nanoseconds, 4);
    }
    bool is_unsigned = plan->layout.unsigned_time;
    *out = (is_unsigned ? (int64_t)seconds : (int64_t)(int32_t)seconds) * 1000000000;
    *out += nanoseconds;
    return true;
}
