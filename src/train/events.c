// TFRecords of Event messages: a length and the message, each with its masked CRC-32C.
#include "events.h"

#include <string.h>

#include "roadmill/codec.h"

enum { COLUMNS_MAX = 8 };
// Field numbers and wire types of Protobuf, as one byte of a key.
enum {
    EVENT_WALL_TIME = 1 << 3 | 1,
    EVENT_STEP = 2 << 3 | 0,
    EVENT_VERSION = 3 << 3 | 2,
    EVENT_SUMMARY = 5 << 3 | 2,
    SUMMARY_VALUE = 1 << 3 | 2,
    VALUE_TAG = 1 << 3 | 2,
    VALUE_NUMBER = 2 << 3 | 5,
};

static rml_status put_byte(rml_buffer *b, unsigned value, rml_error *err)
{
    uint8_t byte = (uint8_t)value;
    return rml_buffer_append(b, &byte, 1, err);
}

static rml_status put_little(rml_buffer *b, uint64_t value, size_t bytes, rml_error *err)
{
    uint8_t out[8];
    for (size_t i = 0; i < bytes; i++) {
        out[i] = (uint8_t)(value >> (8 * i));
    }
    return rml_buffer_append(b, out, bytes, err);
}

static rml_status put_varint(rml_buffer *b, uint64_t value, rml_error *err)
{
    for (; value >= 0x80; value >>= 7) {
        RML_TRY(put_byte(b, (unsigned)(value & 0x7f) | 0x80, err));
    }
    return put_byte(b, (unsigned)value, err);
}

static rml_status put_text(rml_buffer *b, unsigned key, rml_str text, rml_error *err)
{
    RML_TRY(put_byte(b, key, err));
    RML_TRY(put_varint(b, text.len, err));
    return rml_buffer_append(b, text.data, text.len, err);
}

static uint32_t masked_crc(const void *data, size_t len)
{
    uint32_t crc = rml_crc32c(0, data, len);
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

static rml_status put_record(rml_buffer *out, rml_str event, rml_error *err)
{
    size_t at = out->len;
    RML_TRY(put_little(out, event.len, 8, err));
    RML_TRY(put_little(out, masked_crc(out->data + at, 8), 4, err));
    RML_TRY(rml_buffer_append(out, event.data, event.len, err));
    return put_little(out, masked_crc(event.data, event.len), 4, err);
}

static rml_status put_start(rml_buffer *event, rml_error *err)
{
    rml_buffer_clear(event);
    RML_TRY(put_byte(event, EVENT_WALL_TIME, err));
    return put_little(event, 0, 8, err);
}

static rml_status put_scalar(rml_buffer *summary, rml_str tag, double number, rml_error *err)
{
    float single = (float)number;
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    size_t size = 2 + tag.len + 5; // a tag has fewer than 128 bytes
    RML_TRY(put_byte(summary, SUMMARY_VALUE, err));
    RML_TRY(put_varint(summary, size, err));
    RML_TRY(put_text(summary, VALUE_TAG, tag, err));
    RML_TRY(put_byte(summary, VALUE_NUMBER, err));
    return put_little(summary, bits, 4, err);
}

// A line of the curve: its first cell is the step; an empty cell is no number and left out.
static rml_status put_point(rml_buffer *out, rml_str line, const rml_str *tags, size_t count,
                            rml_buffer *event, rml_buffer *summary, rml_error *err)
{
    rml_str cell, rest = rml_str_cut(line, ',', &cell);
    int64_t step;
    if (!rml_parse_i64(cell, &step)) {
        return RML_OK;
    }
    rml_buffer_clear(summary);
    for (size_t i = 1; i < count; i++) {
        double number;
        rest = rml_str_cut(rest, ',', &cell);
        if (rml_parse_f64(cell, &number)) {
            RML_TRY(put_scalar(summary, tags[i], number, err));
        }
    }
    RML_TRY(put_start(event, err));
    RML_TRY(put_byte(event, EVENT_STEP, err));
    RML_TRY(put_varint(event, (uint64_t)step, err));
    RML_TRY(put_text(event, EVENT_SUMMARY, rml_buffer_text(summary), err));
    return put_record(out, rml_buffer_text(event), err);
}

static rml_status write_all(rml_str curve, rml_buffer *out, rml_buffer *event, rml_buffer *summary,
                            rml_error *err)
{
    rml_str tags[COLUMNS_MAX], line, rest = rml_str_cut(curve, '\n', &line);
    size_t count = 0;
    while (count < COLUMNS_MAX && line.len > 0) {
        line = rml_str_cut(line, ',', &tags[count++]);
    }
    RML_TRY(put_start(event, err));
    RML_TRY(put_text(event, EVENT_VERSION, RML_STR("brain.Event:2"), err));
    RML_TRY(put_record(out, rml_buffer_text(event), err));
    while (rest.len > 0) {
        rest = rml_str_cut(rest, '\n', &line);
        RML_TRY(put_point(out, line, tags, count, event, summary, err));
    }
    return RML_OK;
}

rml_status rml_events_write(rml_str curve, rml_buffer *out, rml_error *err)
{
    rml_buffer event = {0}, summary = {0};
    rml_status st = write_all(curve, out, &event, &summary, err);
    rml_buffer_reset(&event);
    rml_buffer_reset(&summary);
    return st;
}
