// The encodings of ROS: CDR with ros2msg or ros2idl definitions, and ROS 1's own with ros1msg.
#include "common.h"
#include "layout.h"

static const rml_layout cdr = {
    .header = 4, .align_max = 8, .padding_max = 3, .zero_ends_text = true};
// wiki.ros.org/ROS/Technical Overview: little-endian, nothing aligned; a Header begins with a
// sequence number.
static const rml_layout ros1 = {.align_max = 1, .unsigned_time = true, .stamp_at = 4};

static rml_status compile(rml_dialect dialect, const rml_layout *layout,
                          const rml_message_kind *kind, rml_str file, rml_message_plan *plan,
                          rml_error *err)
{
    rml_definition definition;
    plan->layout = *layout;
    RML_TRY(rml_definition_parse(dialect, kind->schema_name, rml_str_of_bytes(kind->schema), file,
                                 &plan->arena, &definition, err));
    rml_status st = rml_plan_compile(plan, &definition, file, err);
    rml_definition_reset(&definition);
    return st;
}

static rml_status compile_idl(const rml_message_kind *kind, rml_str file, rml_message_plan *plan,
                              rml_error *err)
{
    rml_definition definition;
    rml_str name;
    plan->layout = cdr;
    RML_TRY(rml_definition_name(kind->schema_name, &plan->arena, &name, err));
    RML_TRY(
        rml_idl_parse(name, rml_str_of_bytes(kind->schema), file, &plan->arena, &definition, err));
    rml_status st = rml_plan_compile(plan, &definition, file, err);
    rml_definition_reset(&definition);
    return st;
}

// An empty text defines a type without fields, or was not written: the common types tell.
static rml_status compile_cdr(const rml_message_kind *kind, rml_str file, rml_message_plan *plan,
                              rml_error *err)
{
    rml_message_kind known = *kind;
    rml_str text;
    if (rml_str_trim(rml_str_of_bytes(kind->schema)).len == 0 &&
        rml_message_common(kind->schema_name, file, &plan->arena, &text, NULL) == RML_OK) {
        known.schema = rml_bytes_of_str(text);
    }
    return compile(RML_ROS2MSG, &cdr, &known, file, plan, err);
}

// A channel that carries no definition, as those of old ROS 2 bags.
static rml_status compile_common(const rml_message_kind *kind, rml_str file, rml_message_plan *plan,
                                 rml_error *err)
{
    rml_str text;
    RML_TRY(rml_message_common(kind->schema_name, file, &plan->arena, &text, err));
    const rml_message_kind known = {kind->message_encoding, RML_STR("ros2msg"), kind->schema_name,
                                    rml_bytes_of_str(text)};
    return compile_cdr(&known, file, plan, err);
}

static rml_status compile_ros1(const rml_message_kind *kind, rml_str file, rml_message_plan *plan,
                               rml_error *err)
{
    return compile(RML_ROS1MSG, &ros1, kind, file, plan, err);
}

const rml_encoding rml_encoding_cdr = {"cdr",
                                       "ros2msg",
                                       compile_cdr,
                                       rml_layout_decode,
                                       rml_layout_encode,
                                       rml_layout_sensor_ns,
                                       NULL,
                                       rml_layout_decode_bound};
const rml_encoding rml_encoding_cdr_idl = {"cdr",
                                           "ros2idl",
                                           compile_idl,
                                           rml_layout_decode,
                                           rml_layout_encode,
                                           rml_layout_sensor_ns,
                                           NULL,
                                           rml_layout_decode_bound};
const rml_encoding rml_encoding_ros1 = {"ros1",
                                        "ros1msg",
                                        compile_ros1,
                                        rml_layout_decode,
                                        rml_layout_encode,
                                        rml_layout_sensor_ns,
                                        NULL,
                                        rml_layout_decode_bound};
const rml_encoding rml_encoding_cdr_common = {"cdr",
                                              "",
                                              compile_common,
                                              rml_layout_decode,
                                              rml_layout_encode,
                                              rml_layout_sensor_ns,
                                              NULL,
                                              rml_layout_decode_bound};
