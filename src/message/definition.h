// Inside the room: a ros2msg, ros1msg or ros2idl text as types and fields, before names are
// resolved.
#ifndef RML_MESSAGE_DEFINITION_H
#define RML_MESSAGE_DEFINITION_H

#include "roadmill/base.h"

// What stands on the wire. The order is that of the table in definition.c.
typedef enum rml_wire {
    RML_WIRE_BOOL,
    RML_WIRE_I8,
    RML_WIRE_U8,
    RML_WIRE_I16,
    RML_WIRE_U16,
    RML_WIRE_I32,
    RML_WIRE_U32,
    RML_WIRE_I64,
    RML_WIRE_U64,
    RML_WIRE_F32,
    RML_WIRE_F64,
    RML_WIRE_STRING,
    RML_WIRE_WSTRING,
    RML_WIRE_TIME,     // two 32-bit numbers: seconds, nanoseconds
    RML_WIRE_DURATION, // the same, seconds signed in ROS 1 too
    RML_WIRE_NESTED,
} rml_wire;

// Array lengths: none, fixed, or a sequence with a bound (UINT32_MAX: unbounded).
typedef enum rml_shape { RML_SHAPE_ONE, RML_SHAPE_FIXED, RML_SHAPE_SEQUENCE } rml_shape;

typedef struct rml_definition_field {
    rml_wire wire;
    rml_str type; // NESTED: as written
    rml_str name;
    rml_shape shape;
    uint32_t length;       // FIXED: count; SEQUENCE: bound
    uint32_t string_bound; // UINT32_MAX: none
} rml_definition_field;

typedef struct rml_definition_type {
    rml_str name;     // "package/Type", without "msg"
    rml_array fields; // rml_definition_field
} rml_definition_type;

typedef struct rml_definition {
    rml_array types; // rml_definition_type, the first is the message itself
} rml_definition;

typedef enum rml_dialect { RML_ROS2MSG, RML_ROS1MSG } rml_dialect;
// Text borrows from `text`. Names in the arena.
rml_status rml_definition_parse(rml_dialect dialect, rml_str name, rml_str text, rml_str file,
                                rml_arena *arena, rml_definition *out, rml_error *err) RML_CHECKED;
// OMG IDL as ROS 2 writes it (ros2idl). wanted: "package/Type", as the types are named.
rml_status rml_idl_parse(rml_str wanted, rml_str text, rml_str file, rml_arena *arena,
                         rml_definition *out, rml_error *err) RML_CHECKED;
// "package/msg/Type" as "package/Type", in the arena.
rml_status rml_definition_name(rml_str name, rml_arena *arena, rml_str *out, rml_error *err)
    RML_CHECKED;
// A line of "=" between two types.
bool rml_definition_separates(rml_str line);
// Takes the next word of a line from it: up to a blank.
rml_str rml_definition_word(rml_str *text);
void rml_definition_reset(rml_definition *d);
// The type that `name` means inside package/Type `inside`; NULL if it is not defined.
const rml_definition_type *rml_definition_find(const rml_definition *d, rml_str name,
                                               rml_str inside);

#endif
