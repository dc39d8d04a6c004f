// Inside the room: the flat program that a message's schema is compiled into. Decoding and encoding
// run the same program.
#ifndef RML_MESSAGE_PLAN_H
#define RML_MESSAGE_PLAN_H

#include "definition.h"
#include "encoding.h"
#include "roadmill/message.h"

#define RML_PLAN_NODES_MAX 4096
#define RML_PLAN_DEPTH_MAX 32
#define RML_PLAN_NONE UINT32_MAX

typedef enum rml_op_kind {
    RML_OP_VALUES,     // `count` numbers of one kind in a row, each into a column of its own
    RML_OP_ARRAY,      // numbers into one list
    RML_OP_BINARY,     // bytes into one binary value
    RML_OP_TEXT,       // a string
    RML_OP_WIDE,       // a wstring
    RML_OP_TIME,       // seconds and nanoseconds
    RML_OP_LIST,       // a list; the ops up to body_end run for each element
    RML_OP_STRUCT_END, // one more row of a struct
} rml_op_kind;

typedef struct rml_op {
    rml_op_kind kind;
    rml_wire wire;
    uint32_t node;     // the column; VALUES: the first of `count` in plan->leaves
    uint32_t count;    // VALUES
    uint32_t fixed;    // ARRAY, BINARY, LIST: the length, RML_PLAN_NONE for a sequence
    uint32_t bound;    // of a sequence or string; RML_PLAN_NONE: none
    uint32_t body_end; // LIST: the op behind its body
    uint64_t least;    // LIST: bytes of the smallest element; at least 1
    rml_str field;     // "pose.position", for errors
    uint32_t block;    // 1 + the index of the block that begins here; 0: none
} rml_op;

// Ops in a row that read numbers of 8 bytes, which lie one behind the other without padding: read
// at once, after one look at what is left. Parts of it are ranges of plan->moves: values, then
// arrays, then ends of structs.
typedef struct rml_move {
    uint32_t node;
    uint32_t offset, count; // bytes from the block's start; numbers
} rml_move;
typedef struct rml_block {
    uint32_t end;   // the op behind it
    uint32_t bytes; // of all
    uint32_t first, values, arrays, ends;
} rml_block;

// A column by its way from the row: child `index` of node `parent`, or of the row itself.
typedef struct rml_node {
    uint32_t parent, index;
} rml_node;

// What differs between encodings that lay fields out one behind the other.
typedef struct rml_layout {
    size_t header;      // bytes of encapsulation before the fields
    size_t align_max;   // numbers are aligned to their size, this at most
    size_t padding_max; // bytes that may follow the last field
    bool zero_ends_text;
    bool unsigned_time;
    size_t stamp_at; // of a std_msgs/Header's time behind the encapsulation
} rml_layout;

struct rml_plan_message {
    rml_arena arena;
    rml_schema schema;
    const rml_encoding *encoding;
    void *state; // of the encoding, in the arena; encodings that are no sequence of ops
    rml_layout layout;
    rml_array ops;    // rml_op
    rml_array nodes;  // rml_node, parents before children
    rml_array leaves; // uint32_t node, for VALUES
    rml_array blocks; // rml_block
    rml_array moves;  // rml_move
    bool empty;       // no fields: CDR holds one byte all the same
    bool has_header;  // begins with std_msgs/Header
    bool has_wide;
};

// Size of a number on the wire and in its column, by rml_wire up to RML_WIRE_F64.
extern const struct rml_wire_info {
    uint8_t size;
    rml_type type;
} rml_wires[];

// Fills the plan from a definition: ops, nodes, schema.
rml_status rml_plan_compile(rml_message_plan *plan, const rml_definition *definition, rml_str file,
                            rml_error *err) RML_CHECKED;
// Marks the blocks of a compiled plan.
rml_status rml_plan_find_blocks(rml_message_plan *plan, rml_error *err) RML_CHECKED;
// A name that none of fields[count] has, without regard to case (docs/lake.md).
rml_status rml_plan_unique_name(rml_arena *arena, const rml_field *fields, size_t count,
                                rml_str name, rml_str *out, rml_error *err) RML_CHECKED;
// slots[node] for the given columns.
void rml_plan_bind(const rml_message_plan *plan, rml_column *columns, rml_column **slots);

#endif
