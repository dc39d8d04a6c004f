// Inside the room: how the messages of a channel go into the output: as they are, or written anew.
#ifndef RML_CONVERT_CARRY_H
#define RML_CONVERT_CARRY_H

#include "roadmill/base/column.h"
#include "roadmill/log.h"
#include "roadmill/message/ros.h"

typedef struct rml_carry {
    rml_log_channel channel; // as the output gets it; text in the arena
    rml_message_plan *from;  // written as JSON; NULL: not
    rml_ros_rewriter *ros;   // written in the other ROS; NULL: not
    rml_batch batch;
    rml_buffer bytes;
    rml_str note; // what writing anew does to them; empty: nothing
} rml_carry;

// Decides for a channel and an output container. messages: as in rml_convert_options.
// RML_ERR_UNSUPPORTED where it has no way.
rml_status rml_carry_init(rml_carry *c, const rml_log_channel *channel, const char *format,
                          const char *messages, rml_str file, rml_arena *arena, rml_error *err)
    RML_CHECKED;
// The bytes to write for a message; borrow until the next call. RML_ERR_DATA, RML_ERR_LIMIT or
// RML_ERR_ARGUMENT: this message cannot be written anew, others can.
rml_status rml_carry_message(rml_carry *c, const rml_log_message *message, rml_str file,
                             rml_bytes *out, rml_error *err) RML_CHECKED;
void rml_carry_reset(rml_carry *c);

#endif
