// What the parts of the CommonRoad reader share: the reader's memory and the handlers of elements.
#ifndef ROADMILL_SCENARIO_COMMONROAD_H
#define ROADMILL_SCENARIO_COMMONROAD_H

#include "roadmill/base/xml.h"
#include "roadmill/world/builder.h"

typedef struct commonroad_point {
    double x, y, z; // z: NaN if there is none
    bool has_x, has_y;
} commonroad_point;

// A lanelet (by its place in the builder) names a sign; signs stand behind the lanelets.
typedef struct commonroad_sign_reference {
    size_t element;
    rml_str sign_id;
} commonroad_sign_reference;

enum commonroad_state_part {
    PART_POSITION = 1,
    PART_TIME = 2,
    PART_ORIENTATION = 4,
    PART_VELOCITY = 8
};

typedef struct commonroad {
    rml_arena *arena;
    rml_traffic *out;
    rml_traffic_builder builder;
    rml_buffer text; // of the element at hand, where several texts are joined
    // Location.
    double latitude, longitude;
    commonroad_point point;

    // The lanelet at hand.
    rml_map_element lanelet;
    rml_array points, heights; // rml_point2, double of the bound at hand
    rml_array next, previous;  // rml_str
    // Speed limits: which sign a lanelet names, and what a sign says.
    rml_array sign_references; // commonroad_sign_reference
    rml_map signs;             // id -> index into limits
    rml_array limits;          // double
    rml_str sign_id;
    double sign_limit, element_limit;
    bool element_is_limit;

    // The obstacle at hand.
    rml_track track;
    unsigned shapes; // how many the obstacle has; a size is known of one alone
    double shape_length, shape_width;
    bool shape_off_centre;
    rml_track_state state;
    unsigned asked, given; // commonroad_state_part: what the state names; what it states exactly
    uint64_t state_line;
} commonroad;

typedef rml_status commonroad_begin(commonroad *c, const rml_xml_element *e, rml_error *err);
typedef rml_status commonroad_end(commonroad *c, rml_str name, rml_str text, rml_place at,
                                  rml_error *err);

// A finite number, or an error that names the element.
rml_status rml_commonroad_number(rml_str name, rml_str text, rml_place at, double *out,
                                 rml_error *err) RML_CHECKED;
// The value of an attribute that must be there, copied into the arena.
rml_status rml_commonroad_attribute(commonroad *c, const rml_xml_element *e, const char *name,
                                    rml_str *out, rml_error *err) RML_CHECKED;
// The point just read, which must have x and y.
rml_status rml_commonroad_point_check(const commonroad *c, rml_place at, rml_error *err)
    RML_CHECKED;

// commonroad_map.c: <lanelet> and <trafficSign>.
commonroad_begin rml_commonroad_lanelet_begin, rml_commonroad_bound_begin,
    rml_commonroad_predecessor, rml_commonroad_successor, rml_commonroad_adjacent,
    rml_commonroad_sign_ref, rml_commonroad_sign_begin, rml_commonroad_sign_element_begin;
commonroad_end rml_commonroad_lanelet_end, rml_commonroad_left_end, rml_commonroad_right_end,
    rml_commonroad_bound_point, rml_commonroad_lanelet_type, rml_commonroad_sign_end,
    rml_commonroad_sign_element_end, rml_commonroad_sign_name, rml_commonroad_sign_value;
// After the whole file: each lanelet gets the lowest limit of the signs that it names.
void rml_commonroad_limits(commonroad *c);

// commonroad_obstacle.c: <dynamicObstacle> and <staticObstacle>.
commonroad_begin rml_commonroad_obstacle_begin, rml_commonroad_shape_begin,
    rml_commonroad_state_begin, rml_commonroad_position_begin, rml_commonroad_time_begin,
    rml_commonroad_orientation_begin, rml_commonroad_velocity_begin;
commonroad_end rml_commonroad_obstacle_end, rml_commonroad_obstacle_type, rml_commonroad_length,
    rml_commonroad_width, rml_commonroad_radius, rml_commonroad_centre_point,
    rml_commonroad_state_end, rml_commonroad_position_point, rml_commonroad_time,
    rml_commonroad_orientation, rml_commonroad_velocity, rml_commonroad_occupancy;

#endif
