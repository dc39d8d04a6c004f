// Inside the room: messages whose fields lie one behind the other (CDR, ROS 1), by a plan of ops.
#ifndef RML_MESSAGE_LAYOUT_H
#define RML_MESSAGE_LAYOUT_H

#include "plan.h"

rml_status rml_layout_decode(const rml_message_plan *plan, rml_bytes data, rml_place place,
                             rml_column *columns, rml_error *err) RML_CHECKED;
rml_status rml_layout_decode_bound(const rml_message_plan *plan, rml_bytes data, rml_place place,
                                   rml_column *columns, rml_column *const *slots, rml_error *err)
    RML_CHECKED;
rml_status rml_layout_encode(const rml_message_plan *plan, const rml_column *columns, size_t row,
                             rml_buffer *out, rml_error *err) RML_CHECKED;
bool rml_layout_sensor_ns(const rml_message_plan *plan, rml_bytes data, int64_t *out);

#endif
