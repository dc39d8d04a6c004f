// Inside the room: Protocol Buffers. The wire (protobuf.dev/programming-guides/encoding) and the
// types of a FileDescriptorSet (google/protobuf/descriptor.proto), which recordings carry as
// schema.
#ifndef RML_MESSAGE_PROTOBUF_H
#define RML_MESSAGE_PROTOBUF_H

#include "roadmill/base.h"

// ---- The wire ----------------------------------------------------------------------------------

typedef enum rml_pb_wire {
    RML_PB_VARINT,
    RML_PB_I64,
    RML_PB_LEN,
    RML_PB_GROUP,
    RML_PB_GROUP_END,
    RML_PB_I32
} rml_pb_wire;

#define RML_PB_GROUPS_MAX 64 // deep

// One field of a message as it stands on the wire.
typedef struct rml_pb_record {
    uint32_t number;
    rml_pb_wire wire;
    uint64_t value;  // VARINT, I64, I32
    rml_bytes bytes; // LEN, and what stands in a GROUP
} rml_pb_record;

bool rml_pb_varint(rml_bytes *left, uint64_t *out);
// Takes the next record from what is left; false where it does not fit.
bool rml_pb_next(rml_bytes *left, rml_pb_record *out);

static inline int64_t rml_pb_zigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

// ---- Types -------------------------------------------------------------------------------------

// FieldDescriptorProto.Type.
typedef enum rml_pb_kind {
    RML_PB_DOUBLE = 1,
    RML_PB_FLOAT,
    RML_PB_INT64,
    RML_PB_UINT64,
    RML_PB_INT32,
    RML_PB_FIXED64,
    RML_PB_FIXED32,
    RML_PB_BOOL,
    RML_PB_STRING,
    RML_PB_GROUP_MESSAGE,
    RML_PB_MESSAGE,
    RML_PB_BYTES,
    RML_PB_UINT32,
    RML_PB_ENUM,
    RML_PB_SFIXED32,
    RML_PB_SFIXED64,
    RML_PB_SINT32,
    RML_PB_SINT64
} rml_pb_kind;

typedef struct rml_pb_field {
    uint32_t number;
    rml_pb_kind kind;
    bool repeated;
    bool presence;  // absent is no value; else absent is the value 0
    uint32_t oneof; // 1 + the index of the choice that it is part of; 0: of none
    rml_str name, type_name;
    const struct rml_pb_type *type; // of a message
} rml_pb_field;

typedef struct rml_pb_type {
    rml_str name;     // "package.Outer.Inner"
    rml_array fields; // rml_pb_field, by rising number
} rml_pb_type;

typedef struct rml_pb_schema {
    rml_array types; // rml_pb_type
} rml_pb_schema;

// Text borrows from `set`; names in the arena. Types of fields are resolved.
rml_status rml_pb_schema_parse(rml_bytes set, rml_str file, rml_arena *arena, rml_pb_schema *out,
                               rml_error *err) RML_CHECKED;
void rml_pb_schema_reset(rml_pb_schema *s);
const rml_pb_type *rml_pb_type_find(const rml_pb_schema *s, rml_str name);
// Wire type of one value of a kind.
rml_pb_wire rml_pb_wire_of(rml_pb_kind kind);

// A message as JSON (protobuf.dev/programming-guides/json, with the names of the definition, enums
// as numbers); for types that hold themselves.
rml_status rml_pb_json(const rml_pb_type *type, rml_bytes data, rml_buffer *out, rml_error *err)
    RML_CHECKED;

#endif
