// The way back: one row of columns as a message whose fields lie one behind the other,
// little-endian, by the same plan.
#include "layout.h"

#include <string.h>

typedef struct encoder {
    const rml_message_plan *plan;
    rml_buffer *out;
    size_t start; // of the bytes behind the encapsulation header
    rml_column *const *slots;
    rml_error *err;
} encoder;

static rml_status align(encoder *e, size_t size)
{
    size_t align_max = e->plan->layout.align_max;
    size_t unit = size < align_max ? size : align_max;
    size_t used = (e->out->len - e->start) & (unit - 1);
    if (used == 0) {
        return RML_OK;
    }
    uint8_t *p = rml_buffer_add(e->out, unit - used, e->err);
    if (p == NULL) {
        return RML_ERR_MEMORY;
    }
    memset(p, 0, unit - used);
    return RML_OK;
}

static rml_status put_u32(encoder *e, uint32_t value)
{
    RML_TRY(align(e, 4));
    uint8_t raw[4];
    rml_save_u32(raw, value);
    return rml_buffer_append(e->out, raw, sizeof(raw), e->err);
}

static rml_status check_value(const encoder *e, const rml_op *op, const rml_column *c, size_t row)
{
    if (c->null_count > 0 && rml_column_is_null(c, row)) {
        return rml_fail(e->err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected a value in %.*s, found null: the encoding has none",
                        RML_FMT(op->field));
    }
    return RML_OK;
}

static rml_status put_number(encoder *e, const rml_op *op, const rml_column *c, size_t row)
{
    size_t size = rml_wires[op->wire].size;
    uint64_t bits = 0;
    RML_TRY(check_value(e, op, c, row));
    if (op->wire == RML_WIRE_F32 || op->wire == RML_WIRE_F64 || op->wire == RML_WIRE_U64) {
        uint8_t raw[8] = {0};
        memcpy(raw, c->values.data + row * size, size);
        if (size == 4) {
            uint32_t narrow;
            memcpy(&narrow, raw, sizeof(narrow));
            bits = narrow;
        } else {
            memcpy(&bits, raw, sizeof(bits));
        }
    } else {
        int64_t value = rml_column_get_i64(c, row);
        if (c->type == RML_TYPE_I8 && op->wire == RML_WIRE_U8) {
            value &= 0xFF; // ROS 1's byte has a sign, ROS 2's has none
        }
        bool is_unsigned = op->wire == RML_WIRE_U8 || op->wire == RML_WIRE_U16 ||
                           op->wire == RML_WIRE_U32 || op->wire == RML_WIRE_BOOL;
        if (is_unsigned && (value < 0 || (uint64_t)value >> 8 * size != 0)) {
            return rml_fail(e->err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                            "expected a value of %zu unsigned bytes in %.*s, found %lld", size,
                            RML_FMT(op->field), (long long)value);
        }
        bits = (uint64_t)value;
    }
    uint8_t raw[8];
    rml_save_u64(raw, bits);
    return rml_buffer_append(e->out, raw, size, e->err);
}

static rml_status encode_values(encoder *e, const rml_op *op, size_t row)
{
    const uint32_t *leaves = RML_AT(&e->plan->leaves, uint32_t, op->node);
    RML_TRY(align(e, rml_wires[op->wire].size));
    for (uint32_t i = 0; i < op->count; i++) {
        RML_TRY(put_number(e, op, e->slots[leaves[i]], row));
    }
    return RML_OK;
}

// The elements of a list value, its length written where the type does not fix it.
static rml_status begin_list(encoder *e, const rml_op *op, size_t row, size_t *first, size_t *count)
{
    const rml_column *c = e->slots[op->node];
    RML_TRY(check_value(e, op, c, row));
    if (op->kind == RML_OP_BINARY) {
        *first = 0;
        *count = rml_column_get_bytes(c, row).len;
    } else {
        rml_column_get_list(c, row, first, count);
    }
    if (op->fixed != RML_PLAN_NONE && *count != op->fixed) {
        return rml_fail(e->err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected %u elements in %.*s, found %zu", op->fixed, RML_FMT(op->field),
                        *count);
    }
    if (*count > UINT32_MAX || (op->bound != RML_PLAN_NONE && *count > op->bound)) {
        return rml_fail(e->err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected at most %u elements in %.*s, found %zu", op->bound,
                        RML_FMT(op->field), *count);
    }
    return op->fixed == RML_PLAN_NONE ? put_u32(e, (uint32_t)*count) : RML_OK;
}

static rml_status encode_array(encoder *e, const rml_op *op, size_t row)
{
    size_t first, count;
    RML_TRY(begin_list(e, op, row, &first, &count));
    const rml_column *child = &e->slots[op->node]->children[0];
    for (size_t i = 0; i < count; i++) {
        RML_TRY(align(e, rml_wires[op->wire].size));
        RML_TRY(put_number(e, op, child, first + i));
    }
    return RML_OK;
}

static rml_status encode_binary(encoder *e, const rml_op *op, size_t row)
{
    size_t first, count;
    RML_TRY(begin_list(e, op, row, &first, &count));
    rml_bytes bytes = rml_column_get_bytes(e->slots[op->node], row);
    return rml_buffer_append(e->out, bytes.data, bytes.len, e->err);
}

static rml_status encode_text(encoder *e, const rml_op *op, size_t row)
{
    const rml_column *c = e->slots[op->node];
    RML_TRY(check_value(e, op, c, row));
    rml_str text = rml_column_get_str(c, row);
    if (text.len >= UINT32_MAX || (op->bound != RML_PLAN_NONE && text.len > op->bound)) {
        return rml_fail(e->err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected at most %u characters in %.*s, found %zu", op->bound,
                        RML_FMT(op->field), text.len);
    }
    bool zero = e->plan->layout.zero_ends_text;
    RML_TRY(put_u32(e, (uint32_t)text.len + (zero ? 1 : 0)));
    RML_TRY(rml_buffer_str(e->out, text, e->err));
    return rml_buffer_append(e->out, "", zero ? 1 : 0, e->err);
}

// UTF-16 units in 4 bytes each, as Fast-CDR writes a wstring. The text is UTF-8 by its column.
static rml_status encode_wide(encoder *e, const rml_op *op, size_t row)
{
    const rml_column *c = e->slots[op->node];
    RML_TRY(check_value(e, op, c, row));
    rml_str text = rml_column_get_str(c, row);
    RML_TRY(put_u32(e, 0));
    size_t length_at = e->out->len - 4;
    uint32_t units = 0;
    for (size_t i = 0; i < text.len;) {
        uint8_t lead = (uint8_t)text.data[i++];
        size_t more = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
        uint32_t code = more == 0 ? lead : lead & (0x3Fu >> more);
        for (; more > 0 && i < text.len; more--) {
            code = code << 6 | ((uint8_t)text.data[i++] & 0x3F);
        }
        if (code >= 0x10000) {
            RML_TRY(put_u32(e, 0xD800 + ((code - 0x10000) >> 10)));
            code = 0xDC00 + ((code - 0x10000) & 0x3FF);
            units++;
        }
        RML_TRY(put_u32(e, code));
        units++;
    }
    rml_save_u32(e->out->data + length_at, units);
    return RML_OK;
}

static rml_status encode_time(encoder *e, const rml_op *op, size_t row)
{
    const rml_column *c = e->slots[op->node];
    RML_TRY(check_value(e, op, c, row));
    int64_t ns = rml_column_get_i64(c, row);
    int64_t seconds = ns / 1000000000 - (ns % 1000000000 < 0 ? 1 : 0);
    bool is_unsigned = e->plan->layout.unsigned_time && op->wire == RML_WIRE_TIME;
    int64_t low = is_unsigned ? 0 : INT32_MIN, high = is_unsigned ? UINT32_MAX : INT32_MAX;
    if (seconds < low || seconds > high) {
        return rml_fail(e->err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected a time of 32-bit seconds in %.*s, found %lld ns",
                        RML_FMT(op->field), (long long)ns);
    }
    RML_TRY(put_u32(e, (uint32_t)seconds));
    return put_u32(e, (uint32_t)(ns - seconds * 1000000000));
}

static rml_status run(encoder *e, uint32_t from, uint32_t to, size_t row);

static rml_status encode_list(encoder *e, const rml_op *op, uint32_t body, size_t row)
{
    size_t first, count;
    RML_TRY(begin_list(e, op, row, &first, &count));
    for (size_t i = 0; i < count; i++) {
        RML_TRY(run(e, body, op->body_end, first + i));
    }
    return RML_OK;
}

static rml_status run(encoder *e, uint32_t from, uint32_t to, size_t row)
{
    const rml_op *ops = e->plan->ops.data;
    for (uint32_t i = from; i < to; i++) {
        const rml_op *op = &ops[i];
        switch (op->kind) {
        case RML_OP_VALUES:
            RML_TRY(encode_values(e, op, row));
            break;
        case RML_OP_ARRAY:
            RML_TRY(encode_array(e, op, row));
            break;
        case RML_OP_BINARY:
            RML_TRY(encode_binary(e, op, row));
            break;
        case RML_OP_TEXT:
            RML_TRY(encode_text(e, op, row));
            break;
        case RML_OP_WIDE:
            RML_TRY(encode_wide(e, op, row));
            break;
        case RML_OP_TIME:
            RML_TRY(encode_time(e, op, row));
            break;
        case RML_OP_LIST:
            RML_TRY(encode_list(e, op, i + 1, row));
            i = op->body_end - 1;
            break;
        case RML_OP_STRUCT_END:
            break;
        }
    }
    return RML_OK;
}

rml_status rml_layout_encode(const rml_message_plan *plan, const rml_column *columns, size_t row,
                             rml_buffer *out, rml_error *err)
{
    rml_column *slots[RML_PLAN_NODES_MAX];
    // Encoding only reads; binding is shared with decoding, which writes.
    rml_plan_bind(plan, (rml_column *)(uintptr_t)columns, slots);
    RML_TRY(rml_buffer_append(out, "\0\1\0\0", plan->layout.header, err));
    encoder e = {plan, out, out->len, slots, err};
    RML_TRY(run(&e, 0, (uint32_t)plan->ops.count, row));
    return plan->empty && plan->layout.header > 0 ? rml_buffer_append(out, "", 1, err) : RML_OK;
}
