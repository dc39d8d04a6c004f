// The table of message types that say the same as another; a new one is a row. Recipes name one
// type, and each of its rows stands for it.
//
// Sources: foxglove/schemas (LocationFix, PoseInFrame) in protobuf and JSON, and as foxglove_msgs
// for ROS; geometry_msgs.
#include "types.h"

static const type_alias aliases[] = {
    {"sensor_msgs/msg/NavSatFix",
     "foxglove.LocationFix",
     {{"status", NULL}, {"header.frame_id", "frame_id"}}},
    {"sensor_msgs/msg/NavSatFix",
     "foxglove_msgs/msg/LocationFix",
     {{"status", NULL}, {"header.frame_id", "frame_id"}}},
    {"geometry_msgs/msg/PoseStamped",
     "geometry_msgs/msg/PoseWithCovarianceStamped",
     {{"pose", "pose.pose"}}},
    {"geometry_msgs/msg/PoseStamped", "foxglove.PoseInFrame", {{"header.frame_id", "frame_id"}}},
    {"geometry_msgs/msg/PoseStamped",
     "foxglove_msgs/msg/PoseInFrame",
     {{"header.frame_id", "frame_id"}}},
};

const type_alias *rml_type_alias(rml_str type, size_t index)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        if (rml_str_equal(type, rml_str_of(aliases[i].of)) && index-- == 0) {
            return &aliases[i];
        }
    }
    return NULL;
}

rml_status rml_type_alias_field(const type_alias *alias, rml_str field, rml_arena *arena,
                                rml_str *out, rml_error *err)
{
    *out = field;
    for (size_t i = 0; alias != NULL && i < 3 && alias->fields[i].of != NULL; i++) {
        rml_str of = rml_str_of(alias->fields[i].of);
        bool below = field.len > of.len && field.data[of.len] == '.';
        if (!rml_str_starts(field, of) || (field.len != of.len && !below)) {
            continue;
        }
        if (alias->fields[i].is == NULL) {
            *out = (rml_str){0};
            return RML_OK;
        }
        *out = rml_arena_printf(arena, "%s%.*s", alias->fields[i].is, (int)(field.len - of.len),
                                field.data + of.len);
        return out->data != NULL ? RML_OK : rml_fail_memory(err, field.len + 16);
    }
    return RML_OK;
}

rml_str rml_type_ros_twin(rml_str type, rml_arena *arena)
{
    rml_str package, name = rml_str_cut(type, '/', &package);
    if (name.len == 0 || rml_str_starts(type, RML_STR("can/"))) {
        return (rml_str){0};
    }
    if (rml_str_starts(name, RML_STR("msg/"))) {
        return rml_arena_printf(arena, "%.*s/%.*s", RML_FMT(package), (int)name.len - 4,
                                name.data + 4);
    }
    bool deeper = rml_str_find(name, RML_STR("/")) < name.len;
    return deeper ? (rml_str){0}
                  : rml_arena_printf(arena, "%.*s/msg/%.*s", RML_FMT(package), RML_FMT(name));
}
