// Inside the room: FlatBuffers. The wire (flatbuffers.dev, "Internals") and the types of a binary
// schema (reflection.fbs, ".bfbs"), which recordings carry.
#ifndef RML_MESSAGE_FLATBUFFER_H
#define RML_MESSAGE_FLATBUFFER_H

#include "roadmill/base.h"

// ---- The wire: nothing is read before it is known to lie within the bytes ----------------------

typedef struct rml_fb_table {
    rml_bytes data;
    size_t at, size;            // of the table
    size_t vtable, vtable_size; // of the list of its fields' places
} rml_fb_table;

// The root table of a buffer, or the table at a place.
bool rml_fb_root(rml_bytes data, rml_fb_table *out);
bool rml_fb_table_at(rml_bytes data, size_t at, rml_fb_table *out);
// Where a field's value stands, by the number of the field; 0: it is absent. False where `size`
// bytes there would lie outside the table.
bool rml_fb_field(const rml_fb_table *t, uint32_t id, size_t size, size_t *out);
// Where the offset at a place leads.
bool rml_fb_follow(rml_bytes data, size_t at, size_t *out);
// A text or a vector of items of `size` bytes: its items' place and number.
bool rml_fb_vector(rml_bytes data, size_t at, size_t size, size_t *first, size_t *count);

// ---- Types -------------------------------------------------------------------------------------

// reflection.fbs, BaseType.
typedef enum rml_fb_base {
    RML_FB_NONE,
    RML_FB_UTYPE, // the number of a union's member
    RML_FB_BOOL,
    RML_FB_BYTE,
    RML_FB_UBYTE,
    RML_FB_SHORT,
    RML_FB_USHORT,
    RML_FB_INT,
    RML_FB_UINT,
    RML_FB_LONG,
    RML_FB_ULONG,
    RML_FB_FLOAT,
    RML_FB_DOUBLE,
    RML_FB_STRING,
    RML_FB_VECTOR,
    RML_FB_OBJECT, // a table or a struct
    RML_FB_UNION,
    RML_FB_ARRAY, // of a fixed length, in a struct
} rml_fb_base;

typedef struct rml_fb_type {
    rml_fb_base base, element;
    int32_t index; // of an object or an enum; -1: none
    uint16_t fixed_length;
} rml_fb_type;

typedef struct rml_fb_schema_field {
    rml_str name;
    rml_fb_type type;
    uint16_t id, offset; // offset: within a struct
    int64_t default_integer;
    double default_real;
    bool optional;
} rml_fb_schema_field;

typedef struct rml_fb_object {
    rml_str name; // "foxglove.Pose"
    bool is_struct;
    int32_t size;                      // bytes of a struct
    const rml_fb_schema_field *fields; // by rising id, without the deprecated ones
    size_t count;
} rml_fb_object;

// A member of a union: the number that names it, and its type.
typedef struct rml_fb_member {
    rml_str name;
    int64_t value;
    rml_fb_type type;
} rml_fb_member;

typedef struct rml_fb_enum {
    bool is_union;
    const rml_fb_member *members; // without NONE
    size_t count;
} rml_fb_enum;

typedef struct rml_fb_schema {
    const rml_fb_object *objects;
    size_t object_count;
    const rml_fb_enum *enums;
    size_t enum_count;
    rml_str root; // the name of the root table; may be empty
} rml_fb_schema;

// Everything in the arena. RML_ERR_DATA where the schema is torn.
rml_status rml_fb_schema_parse(rml_bytes bfbs, rml_str file, rml_arena *arena, rml_fb_schema *out,
                               rml_error *err) RML_CHECKED;
// Bytes of a number; 0 for the others.
size_t rml_fb_size(rml_fb_base base);

#endif
