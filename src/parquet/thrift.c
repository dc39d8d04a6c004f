// Thrift's compact protocol, writing only.
#include "thrift.h"

#include <assert.h>

#include "varint.h"

static void put(rml_thrift *t, const void *data, size_t len)
{
    if (t->status == RML_OK) {
        t->status = rml_buffer_append(t->out, data, len, t->err);
    }
}

static void put_byte(rml_thrift *t, unsigned value)
{
    uint8_t byte = (uint8_t)value;
    put(t, &byte, 1);
}

static void put_varint(rml_thrift *t, uint64_t value)
{
    uint8_t text[RML_VARINT_MAX];
    put(t, text, rml_varint_save(text, value));
}

static void put_zigzag(rml_thrift *t, int64_t value)
{
    put_varint(t, rml_zigzag(value));
}

static void put_binary(rml_thrift *t, rml_bytes value)
{
    put_varint(t, value.len);
    put(t, value.data, value.len);
}

static void field(rml_thrift *t, int16_t id, int type)
{
    int delta = id - t->last[t->depth];
    assert(delta > 0 && delta < 16);
    t->last[t->depth] = id;
    put_byte(t, (unsigned)(delta << 4 | type));
}

static void open(rml_thrift *t)
{
    assert(t->depth + 1 < RML_THRIFT_DEPTH_MAX);
    t->last[++t->depth] = 0;
}

void rml_thrift_init(rml_thrift *t, rml_buffer *out, rml_error *err)
{
    *t = (rml_thrift){.out = out, .err = err};
}

void rml_thrift_bool(rml_thrift *t, int16_t id, bool value)
{
    field(t, id, value ? RML_THRIFT_TRUE : RML_THRIFT_FALSE);
}

void rml_thrift_i8(rml_thrift *t, int16_t id, int8_t value)
{
    field(t, id, RML_THRIFT_BYTE);
    put_byte(t, (uint8_t)value);
}

void rml_thrift_i16(rml_thrift *t, int16_t id, int16_t value)
{
    field(t, id, RML_THRIFT_I16);
    put_zigzag(t, value);
}

void rml_thrift_i32(rml_thrift *t, int16_t id, int32_t value)
{
    field(t, id, RML_THRIFT_I32);
    put_zigzag(t, value);
}

void rml_thrift_i64(rml_thrift *t, int16_t id, int64_t value)
{
    field(t, id, RML_THRIFT_I64);
    put_zigzag(t, value);
}

void rml_thrift_binary(rml_thrift *t, int16_t id, rml_bytes value)
{
    field(t, id, RML_THRIFT_BINARY);
    put_binary(t, value);
}

void rml_thrift_struct(rml_thrift *t, int16_t id)
{
    field(t, id, RML_THRIFT_STRUCT);
    open(t);
}

void rml_thrift_list(rml_thrift *t, int16_t id, int type, size_t count)
{
    field(t, id, RML_THRIFT_LIST);
    if (count < 15) {
        put_byte(t, (unsigned)(count << 4) | (unsigned)type);
    } else {
        put_byte(t, 0xF0u | (unsigned)type);
        put_varint(t, count);
    }
}

void rml_thrift_end(rml_thrift *t)
{
    put_byte(t, 0);
    if (t->depth > 0) {
        t->depth--;
    }
}

void rml_thrift_item_struct(rml_thrift *t)
{
    open(t);
}

void rml_thrift_item_bool(rml_thrift *t, bool value)
{
    put_byte(t, value ? RML_THRIFT_TRUE : RML_THRIFT_FALSE);
}

void rml_thrift_item_int(rml_thrift *t, int64_t value)
{
    put_zigzag(t, value);
}

void rml_thrift_item_binary(rml_thrift *t, rml_bytes value)
{
    put_binary(t, value);
}
