// Inside the room: definitions of the common ROS 2 packages, for channels that carry none.
#ifndef RML_MESSAGE_COMMON_H
#define RML_MESSAGE_COMMON_H

#include "roadmill/base.h"

// The ros2msg text of "package/msg/Type" with the types that it needs, in the arena.
// RML_ERR_UNSUPPORTED where it is none of the common ones, or distributions of ROS 2 define it, or
// a type that it needs, differently: then they are named, none is taken.
rml_status rml_message_common(rml_str name, rml_str file, rml_arena *arena, rml_str *out,
                              rml_error *err) RML_CHECKED;

#endif
