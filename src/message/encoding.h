// Inside the room: the table of encodings. A row turns the schema of a channel into a plan and its
// messages into rows; what it cannot do is NULL.
#ifndef RML_MESSAGE_ENCODING_H
#define RML_MESSAGE_ENCODING_H

#include "roadmill/message.h"

typedef struct rml_encoding {
    const char *message_encoding;
    const char *schema_encoding; // "": the schema may be missing
    // Fills a fresh plan: schema, layout or state. Memory in the plan's arena.
    rml_status (*compile)(const rml_message_kind *kind, rml_str file, rml_message_plan *plan,
                          rml_error *err);
    // Appends one row, or fails; then the caller takes back what was appended.
    rml_status (*decode)(const rml_message_plan *plan, rml_bytes data, rml_place place,
                         rml_column *columns, rml_error *err);
    rml_status (*encode)(const rml_message_plan *plan, const rml_column *columns, size_t row,
                         rml_buffer *out, rml_error *err);
    bool (*sensor_ns)(const rml_message_plan *plan, rml_bytes data, int64_t *out);
    void (*reset)(rml_message_plan *plan); // what is not in the arena
    // The same as decode for columns whose slots are bound (plan.h); NULL: it binds nothing.
    rml_status (*decode_bound)(const rml_message_plan *plan, rml_bytes data, rml_place place,
                               rml_column *columns, rml_column *const *slots, rml_error *err);
} rml_encoding;

extern const rml_encoding rml_encoding_cdr, rml_encoding_ros1, rml_encoding_mdf4, rml_encoding_can,
    rml_encoding_lin, rml_encoding_protobuf, rml_encoding_json, rml_encoding_json_alone,
    rml_encoding_cdr_common, rml_encoding_flatbuffer, rml_encoding_cdr_idl;

#endif
