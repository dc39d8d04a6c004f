// Message types that say the same under several names.
#ifndef ROADMILL_RECIPE_TYPES_H
#define ROADMILL_RECIPE_TYPES_H

#include "roadmill/base.h"

// A field of the type that a recipe names, as the other type calls it. A field below is meant too:
// "pose" -> "pose.pose" makes pose.position.x pose.pose.position.x.
typedef struct type_field {
    const char *of, *is; // is NULL: the other type has no such field
} type_field;

typedef struct type_alias {
    const char *of, *is; // types, ROS ones in the spelling of ROS 2
    type_field fields[3];
} type_alias;

// The index-th other type that stands for a type; NULL behind the last.
const type_alias *rml_type_alias(rml_str type, size_t index);
// What a field is called there, in the arena; empty where it has none. alias NULL: as it is.
rml_status rml_type_alias_field(const type_alias *alias, rml_str field, rml_arena *arena,
                                rml_str *out, rml_error *err) RML_CHECKED;
// "nav_msgs/msg/Odometry" <-> "nav_msgs/Odometry": ROS 2 and ROS 1; empty if it is neither.
rml_str rml_type_ros_twin(rml_str type, rml_arena *arena);

#endif
