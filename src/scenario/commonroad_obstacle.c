// CommonRoad 2020a, sections "Obstacle" and "State": shape, initial state, trajectory. A state is
// kept if its position is a point and what it states is exact; anything else is a reject with its
// reason.
#include "commonroad.h"

#include <math.h>
#include <string.h>

// How the format's obstacle types map to ours; every other one is RML_AGENT_UNKNOWN.
static const struct {
    const char *name;
    rml_agent_class agent_class;
} classes[] = {
    {"car", RML_AGENT_CAR},
    {"taxi", RML_AGENT_CAR},
    {"truck", RML_AGENT_TRUCK},
    {"bus", RML_AGENT_BUS},
    {"bicycle", RML_AGENT_BICYCLE},
    {"pedestrian", RML_AGENT_PEDESTRIAN},
    {"motorcycle", RML_AGENT_MOTORCYCLE},
};

rml_status rml_commonroad_obstacle_begin(commonroad *c, const rml_xml_element *e, rml_error *err)
{
    bool fixed = rml_str_equal(e->name, RML_STR("staticObstacle"));
    c->track = (rml_track){.agent_class = fixed ? RML_AGENT_STATIC : RML_AGENT_UNKNOWN,
                           .causality = RML_CAUSALITY_OFFLINE,
                           .length_m = NAN,
                           .width_m = NAN};
    c->shapes = 0;
    c->shape_length = c->shape_width = NAN;
    c->shape_off_centre = false;
    rml_array_clear(&c->builder.states);
    return rml_commonroad_attribute(c, e, "id", &c->track.track_id, err);
}

rml_status rml_commonroad_obstacle_type(commonroad *c, rml_str name, rml_str text, rml_place at,
                                        rml_error *err)
{
    (void)name, (void)at;
    if (c->track.agent_class != RML_AGENT_STATIC) {
        for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
            if (rml_str_equal(text, rml_str_of(classes[i].name))) {
                c->track.agent_class = classes[i].agent_class;
            }
        }
    }
    return rml_copy_str(c->arena, text, &c->track.source_class, err);
}

// A size is known of a single rectangle or circle; a polygon or a group of shapes has none.
rml_status rml_commonroad_shape_begin(commonroad *c, const rml_xml_element *e, rml_error *err)
{
    (void)e, (void)err;
    c->shapes++;
    return RML_OK;
}

rml_status rml_commonroad_length(commonroad *c, rml_str name, rml_str text, rml_place at,
                                 rml_error *err)
{
    return rml_commonroad_number(name, text, at, &c->shape_length, err);
}

rml_status rml_commonroad_width(commonroad *c, rml_str name, rml_str text, rml_place at,
                                rml_error *err)
{
    return rml_commonroad_number(name, text, at, &c->shape_width, err);
}

rml_status rml_commonroad_radius(commonroad *c, rml_str name, rml_str text, rml_place at,
                                 rml_error *err)
{
    double radius;
    RML_TRY(rml_commonroad_number(name, text, at, &radius, err));
    c->shape_length = c->shape_width = 2 * radius;
    return RML_OK;
}

rml_status rml_commonroad_centre_point(commonroad *c, rml_str name, rml_str text, rml_place at,
                                       rml_error *err)
{
    (void)name, (void)text;
    RML_TRY(rml_commonroad_point_check(c, at, err));
    c->shape_off_centre = c->shape_off_centre || c->point.x != 0 || c->point.y != 0;
    return RML_OK;
}

rml_status rml_commonroad_state_begin(commonroad *c, const rml_xml_element *e, rml_error *err)
{
    (void)err;
    c->state = (rml_track_state){
        .z_m = NAN, .recorded_yaw_rad = NAN, .recorded_speed_mps = NAN, .mark = RML_TRACK_MEASURED};
    c->asked = PART_POSITION | PART_TIME;
    c->given = 0;
    c->state_line = e->at.line;
    return RML_OK;
}

// A part may stand once: a second one would silently win.
static rml_status part_begin(commonroad *c, const rml_xml_element *e, unsigned part, rml_error *err)
{
    if (c->given & part) {
        return rml_fail(err, RML_ERR_DATA, e->at, NULL,
                        "expected one <%.*s> in a state, found a second", RML_FMT(e->name));
    }
    c->asked |= part;
    return RML_OK;
}

rml_status rml_commonroad_position_begin(commonroad *c, const rml_xml_element *e, rml_error *err)
{
    return part_begin(c, e, PART_POSITION, err);
}

rml_status rml_commonroad_time_begin(commonroad *c, const rml_xml_element *e, rml_error *err)
{
    return part_begin(c, e, PART_TIME, err);
}

rml_status rml_commonroad_orientation_begin(commonroad *c, const rml_xml_element *e, rml_error *err)
{
    return part_begin(c, e, PART_ORIENTATION, err);
}

rml_status rml_commonroad_velocity_begin(commonroad *c, const rml_xml_element *e, rml_error *err)
{
    return part_begin(c, e, PART_VELOCITY, err);
}

rml_status rml_commonroad_position_point(commonroad *c, rml_str name, rml_str text, rml_place at,
                                         rml_error *err)
{
    (void)name, (void)text;
    RML_TRY(rml_commonroad_point_check(c, at, err));
    c->state.x_m = c->point.x;
    c->state.y_m = c->point.y;
    c->state.z_m = c->point.z;
    c->given |= PART_POSITION;
    return RML_OK;
}

rml_status rml_commonroad_time(commonroad *c, rml_str name, rml_str text, rml_place at,
                               rml_error *err)
{
    (void)name;
    int64_t step;
    if (!rml_parse_i64(text, &step) || step < 0 || step > INT32_MAX) {
        return rml_fail(err, RML_ERR_DATA, at, NULL,
                        "expected a time step between 0 and %d, found \"%.*s\"", INT32_MAX,
                        (int)(text.len < 40 ? text.len : 40), text.data ? text.data : "");
    }
    if (step > INT64_MAX / c->out->step_ns) {
        return rml_fail(err, RML_ERR_LIMIT, at, NULL,
                        "expected a time below 292 years, found step %lld", (long long)step);
    }
    c->state.t_ns = step * c->out->step_ns;
    c->given |= PART_TIME;
    return RML_OK;
}

rml_status rml_commonroad_orientation(commonroad *c, rml_str name, rml_str text, rml_place at,
                                      rml_error *err)
{
    c->given |= PART_ORIENTATION;
    return rml_commonroad_number(name, text, at, &c->state.recorded_yaw_rad, err);
}

rml_status rml_commonroad_velocity(commonroad *c, rml_str name, rml_str text, rml_place at,
                                   rml_error *err)
{
    c->given |= PART_VELOCITY;
    return rml_commonroad_number(name, text, at, &c->state.recorded_speed_mps, err);
}

rml_status rml_commonroad_state_end(commonroad *c, rml_str name, rml_str text, rml_place at,
                                    rml_error *err)
{
    (void)name, (void)text, (void)at;
    static const struct {
        unsigned part;
        const char *reason;
    } reasons[] = {
        {PART_POSITION, "its position is a region or missing, not a point"},
        {PART_TIME, "its time is an interval or missing, not exact"},
        {PART_ORIENTATION, "its orientation is an interval, not exact"},
        {PART_VELOCITY, "its velocity is an interval, not exact"},
    };
    unsigned missing = c->asked & ~c->given;
    for (size_t i = 0; missing && i < sizeof reasons / sizeof reasons[0]; i++) {
        if (missing & reasons[i].part) {
            return rml_traffic_builder_reject(&c->builder, c->track.track_id, c->state_line,
                                              reasons[i].reason, err);
        }
    }
    if (c->shape_off_centre) {
        return rml_traffic_builder_reject(&c->builder, c->track.track_id, c->state_line,
                                          "its position is not the centre of its shape", err);
    }
    return rml_traffic_builder_state(&c->builder, &c->state, c->track.track_id, c->state_line, err);
}

rml_status rml_commonroad_occupancy(commonroad *c, rml_str name, rml_str text, rml_place at,
                                    rml_error *err)
{
    (void)name, (void)text;
    return rml_traffic_builder_reject(&c->builder, c->track.track_id, at.line,
                                      "an occupancy is a region, not a state", err);
}

rml_status rml_commonroad_obstacle_end(commonroad *c, rml_str name, rml_str text, rml_place at,
                                       rml_error *err)
{
    (void)name, (void)text;
    if (c->shapes == 1) {
        c->track.length_m = c->shape_length;
        c->track.width_m = c->shape_width;
    }
    return rml_traffic_builder_track(&c->builder, c->track, at, err);
}
