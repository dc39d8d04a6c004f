// Protocol Buffers, written: see protobuf.h.
#include "protobuf.h"

#include <string.h>

enum { WIRE_VARINT = 0, WIRE_LENGTH = 2, WIRE_32 = 5 };

static void append(rml_proto *p, const void *data, size_t len)
{
    if (p->status == RML_OK) {
        p->status = rml_buffer_append(&p->bytes, data, len, &p->error);
    }
}

static void varint(rml_proto *p, uint64_t value)
{
    uint8_t bytes[10];
    size_t len = 0;
    do {
        bytes[len] = (uint8_t)(value & 0x7f);
        value >>= 7;
        bytes[len] = (uint8_t)(bytes[len] | (value > 0 ? 0x80 : 0));
        len++;
    } while (value > 0);
    append(p, bytes, len);
}

static void tag(rml_proto *p, uint32_t field, uint32_t wire)
{
    varint(p, (uint64_t)field << 3 | wire);
}

void rml_proto_int(rml_proto *p, uint32_t field, int64_t value)
{
    tag(p, field, WIRE_VARINT);
    varint(p, (uint64_t)value);
}

void rml_proto_float(rml_proto *p, uint32_t field, float value)
{
    uint32_t bits;
    uint8_t bytes[4];
    memcpy(&bits, &value, sizeof bits);
    rml_save_u32(bytes, bits);
    tag(p, field, WIRE_32);
    append(p, bytes, sizeof bytes);
}

void rml_proto_bytes(rml_proto *p, uint32_t field, const void *data, size_t len)
{
    tag(p, field, WIRE_LENGTH);
    varint(p, len);
    append(p, data, len);
}

void rml_proto_text(rml_proto *p, uint32_t field, const char *text)
{
    rml_proto_bytes(p, field, text, strlen(text));
}

void rml_proto_part(rml_proto *p, uint32_t field, rml_proto *part)
{
    if (p->status == RML_OK && part->status != RML_OK) {
        p->status = part->status;
        p->error = part->error;
    }
    rml_proto_bytes(p, field, part->bytes.data, part->bytes.len);
    rml_proto_reset(part);
}

void rml_proto_reset(rml_proto *p)
{
    rml_buffer_reset(&p->bytes);
    *p = (rml_proto){0};
}
