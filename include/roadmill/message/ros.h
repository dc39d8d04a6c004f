// ROS 1 and ROS 2: definitions of one in the words of the other, messages rewritten, and the
// checksums that both keep of definitions.
//
// What differs, and what becomes of it:
//   std_msgs/Header has `seq` in ROS 1 alone: dropped, and 0 on the way back.
//   time, duration are builtin_interfaces/Time, Duration.
//   A field of ROS 2 is written in small letters: K is k; on the way back it stays so.
//   Bounds and default values are ROS 2's alone: dropped. wstring has no ROS 1 type: refused.
// Sources: wiki.ros.org/msg; design.ros2.org/articles/legacy_interface_definition.html; the MD5 of
// ROS 1 is that of genmsg (gentools.py, compute_md5_text); RIHS01 is REP 2016.
#ifndef ROADMILL_MESSAGE_ROS_H
#define ROADMILL_MESSAGE_ROS_H

#include "roadmill/message.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RML_MD5_TEXT 33

// Text in the arena.
typedef struct rml_ros_translation {
    rml_message_kind kind; // as the other ROS has it: encodings, name, definition
    rml_str changes;       // "header.seq is dropped; K is k", one after the other; empty: none
} rml_ros_translation;
// from: "ros1" with ros1msg, or "cdr" with ros2msg or a common type without a definition.
// RML_ERR_UNSUPPORTED: another encoding, or a type that the other ROS does not have.
RML_API rml_status rml_ros_translate(const rml_message_kind *from, rml_str file, rml_arena *arena,
                                     rml_ros_translation *out, rml_error *err) RML_CHECKED;

// The MD5 that ROS 1 knows a message type by, of a ros1msg definition with its dependencies.
RML_API rml_status rml_ros1_md5(rml_str name, rml_str text, rml_str file, char out[RML_MD5_TEXT],
                                rml_error *err) RML_CHECKED;

// The hash that ROS 2 knows a message type by (RIHS01, REP 2016), of a ros2msg definition with its
// dependencies: "RIHS01_" and 64 hexadecimal digits.
#define RML_RIHS01 "RIHS01_"
#define RML_ROS2_HASH_TEXT (sizeof RML_RIHS01 + 64)
RML_API rml_status rml_ros2_hash(rml_str name, rml_str text, rml_str file,
                                 char out[RML_ROS2_HASH_TEXT], rml_error *err) RML_CHECKED;

// Rewrites messages of one kind as the other that rml_ros_translate gave for it. One thread.
typedef struct rml_ros_rewriter rml_ros_rewriter;
RML_API rml_status rml_ros_rewriter_make(const rml_message_kind *from, const rml_message_kind *to,
                                         rml_str file, rml_ros_rewriter **out, rml_error *err)
    RML_CHECKED;
// Appends the rewritten message. RML_ERR_DATA: it does not fit its definition; RML_ERR_ARGUMENT: it
// holds what the other has no place for (a time beyond 32 bits of seconds).
RML_API rml_status rml_ros_rewrite(rml_ros_rewriter *r, rml_bytes data, rml_place place,
                                   rml_buffer *out, rml_error *err) RML_CHECKED;
RML_API void rml_ros_rewriter_free(rml_ros_rewriter *r);

#ifdef __cplusplus
}
#endif
#endif
