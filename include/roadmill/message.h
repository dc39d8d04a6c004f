// message: schemas compiled once into flat decode plans that fill columns, and the way back.
//
// CDR of ROS 2 (ros2msg definitions: XCDR1, both byte orders) now; an encoding is one more row of
// the table. A plan and what it decodes know nothing of files or lakes.
//
// The decode proof: a message uses exactly its bytes, up to 3 bytes of padding at its end (and the
// one byte of an empty message), or it is refused with its reason and nothing is appended.
// Sources: OMG DDS-RTPS 2.3 section 10, DDS-XTypes 1.3 section 7.4 (XCDR1); ROS 2 interface
// definitions (design.ros2.org/articles/interface_definition.html).
#ifndef ROADMILL_MESSAGE_H
#define ROADMILL_MESSAGE_H

#include "roadmill/base.h"
#include "roadmill/base/column.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rml_plan_message rml_message_plan;
// rml_message_kind (base.h): an encoding is a row of the table in src/message/encoding.h.

// A type that is used and not defined is RML_ERR_DATA; a pair of encodings that is not read,
// RML_ERR_UNSUPPORTED. Constants are left out. Depth at most 32, fields at most 4,096. file is for
// errors.
RML_API rml_status rml_message_compile(const rml_message_kind *kind, rml_str file,
                                       rml_message_plan **out, rml_error *err) RML_CHECKED;
// ros2msg in CDR, the commonest.
RML_API rml_status rml_message_compile_ros2(rml_str name, rml_str text, rml_str file,
                                            rml_message_plan **out, rml_error *err) RML_CHECKED;
RML_API void rml_message_plan_free(rml_message_plan *plan);
// The plan of a channel (rml_log_message.channel), compiled when it is first asked for; a failure
// too is kept and told again. All-zero is none yet; reset frees them all. One thread.
typedef struct rml_message_plans {
    rml_array channels;
} rml_message_plans;
RML_API rml_status rml_message_plan_of(rml_message_plans *plans, uint32_t channel,
                                       const rml_message_kind *kind, rml_str file,
                                       const rml_message_plan **out, rml_error *err) RML_CHECKED;
RML_API void rml_message_plans_reset(rml_message_plans *plans);
// The message's fields. Types as docs/lake.md tells: u8 -> I16 (uint8[], byte[]
// and char[] -> BINARY), u16 -> I32, u32 -> I64, u64 -> U64; builtin_interfaces Time and Duration
// -> one I64 of nanoseconds.
RML_API rml_schema rml_message_schema(const rml_message_plan *plan);
// Appends one row to columns[schema.count], or nothing. place is the message's, for the error;
// err->what is the reason of the reject. A plan may be used by several threads at once.
RML_API rml_status rml_message_decode(const rml_message_plan *plan, rml_bytes data, rml_place place,
                                      rml_column *columns, rml_error *err) RML_CHECKED;
// The same for many messages into the same columns, which stay where they are meanwhile: what one
// message has in common with the next is done once. One thread.
typedef struct rml_message_decoder rml_message_decoder;
RML_API rml_status rml_message_decoder_make(const rml_message_plan *plan, rml_column *columns,
                                            rml_message_decoder **out, rml_error *err) RML_CHECKED;
RML_API rml_status rml_message_decoder_next(rml_message_decoder *d, rml_bytes data, rml_place place,
                                            rml_error *err) RML_CHECKED;
RML_API void rml_message_decoder_free(rml_message_decoder *d);
// The time in the message's std_msgs/Header if it begins with one (sensor time); false otherwise.
RML_API bool rml_message_sensor_ns(const rml_message_plan *plan, rml_bytes data, int64_t *out);
// The way back: row -> CDR little-endian, appended to out with its encapsulation header.
RML_API rml_status rml_message_encode(const rml_message_plan *plan, const rml_column *columns,
                                      size_t row, rml_buffer *out, rml_error *err) RML_CHECKED;

// One row of columns as a JSON object, fields in order; binary as base64.
struct rml_json_writer;
RML_API void rml_message_json(rml_schema schema, const rml_column *columns, size_t row,
                              struct rml_json_writer *w);

// One value of one of its columns, as it stands there.
RML_API void rml_message_json_value(const rml_field *field, const rml_column *column, size_t row,
                                    struct rml_json_writer *w);

// A message decoded and written as one JSON object, appended to out: for printing.
RML_API rml_status rml_message_text(const rml_message_plan *plan, rml_bytes data, rml_place place,
                                    rml_buffer *out, rml_error *err) RML_CHECKED;

// Definitions of common ROS packages, written by us: text for rml_message_compile, empty if there
// is none of that name.
RML_API rml_str rml_message_builtin(rml_str name);

#ifdef __cplusplus
}
#endif
#endif
