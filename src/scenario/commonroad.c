// Reads CommonRoad scenarios, format version 2020a: lanelets, traffic signs that limit speed,
// static and dynamic obstacles. What is kept, derived and passed over stands in docs/importers.md.
//
// Source: "Documentation of the CommonRoad XML Format for Traffic Scenarios", version 2020a (TUM),
// and its XML schema. One row of `rules` is one element of the format.
#include "commonroad.h"

#include "roadmill/scenario.h"

#include <math.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

// Where in the document we are, as far as it decides which elements mean something.
typedef enum where {
    IN_DOCUMENT,
    IN_LEAF, // nothing below means anything to us
    IN_ROOT,
    IN_LOCATION,
    IN_TRANSFORMATION,
    IN_LANELET,
    IN_BOUND,
    IN_POINT,
    IN_SIGN,
    IN_SIGN_ELEMENT,
    IN_OBSTACLE,
    IN_SHAPE,
    IN_RECTANGLE,
    IN_CIRCLE,
    IN_TRAJECTORY,
    IN_STATE,
    IN_POSITION,
    IN_TIME,
    IN_ORIENTATION,
    IN_VELOCITY,
    IN_OCCUPANCIES,
} where;

typedef struct rule {
    where parent;
    const char *name;
    where inside;
    commonroad_begin *begin;
    commonroad_end *end;
} rule;

typedef struct walk {
    commonroad reader;
    const rule *stack[DEPTH_MAX];
    size_t depth;
} walk;

rml_status rml_commonroad_number(rml_str name, rml_str text, rml_place at, double *out,
                                 rml_error *err)
{
    double value;
    if (!rml_parse_f64(text, &value) || !isfinite(value)) {
        return rml_fail(err, RML_ERR_DATA, at, NULL,
                        "expected a finite number in <%.*s>, found \"%.*s\"", RML_FMT(name),
                        (int)(text.len < 40 ? text.len : 40), text.data ? text.data : "");
    }
    *out = value;
    return RML_OK;
}

rml_status rml_commonroad_attribute(commonroad *c, const rml_xml_element *e, const char *name,
                                    rml_str *out, rml_error *err)
{
    rml_str value = rml_xml_attribute_get(e, name);
    if (value.len == 0) {
        return rml_fail(err, RML_ERR_DATA, e->at, NULL,
                        "expected <%.*s> with %s=\"...\", found none", RML_FMT(e->name), name);
    }
    return rml_copy_str(c->arena, value, out, err);
}

rml_status rml_commonroad_point_check(const commonroad *c, rml_place at, rml_error *err)
{
    if (c->point.has_x && c->point.has_y) {
        return RML_OK;
    }
    return rml_fail(err, RML_ERR_DATA, at, NULL, "expected a point with <x> and <y>, found no <%c>",
                    c->point.has_x ? 'y' : 'x');
}

// "USA_US101-10_1_T-1" -> "USA_US101"; cooperative scenarios begin with "C-".
static rml_str place_of(rml_str benchmark)
{
    rml_str place = benchmark;
    if (rml_str_starts(place, RML_STR("C-"))) {
        place = (rml_str){place.data + 2, place.len - 2};
    }
    rml_str_cut(place, '-', &place);
    return place;
}

static rml_status root_begin(commonroad *c, const rml_xml_element *e, rml_error *err)
{
    rml_str version = rml_xml_attribute_get(e, "commonRoadVersion");
    if (!rml_str_equal(version, RML_STR("2020a"))) {
        return rml_fail(
            err, RML_ERR_UNSUPPORTED, e->at,
            "commonroad-io reads older versions and its CommonRoadFileWriter writes 2020a",
            "expected commonRoadVersion \"2020a\", found \"%.*s\"", RML_FMT(version));
    }
    rml_str benchmark;
    RML_TRY(rml_commonroad_attribute(c, e, "benchmarkID", &benchmark, err));
    c->out->name = benchmark;
    c->out->place_id = place_of(benchmark);
    rml_str source = rml_xml_attribute_get(e, "source");
    RML_TRY(rml_copy_str(c->arena, source, &c->out->stated_source, err));
    rml_str step = rml_xml_attribute_get(e, "timeStepSize");
    double step_s;
    RML_TRY(rml_commonroad_number(RML_STR("commonRoad timeStepSize"), step, e->at, &step_s, err));
    double step_ns = round(step_s * 1e9);
    if (!(step_ns >= 1 && step_ns <= 1e12)) {
        return rml_fail(err, RML_ERR_DATA, e->at, NULL,
                        "expected a timeStepSize between 1e-9 and 1000 s, found \"%.*s\"",
                        RML_FMT(step));
    }
    c->out->step_ns = (int64_t)step_ns;
    return RML_OK;
}

static rml_status latitude(commonroad *c, rml_str name, rml_str text, rml_place at, rml_error *err)
{
    return rml_commonroad_number(name, text, at, &c->latitude, err);
}

static rml_status longitude(commonroad *c, rml_str name, rml_str text, rml_place at, rml_error *err)
{
    return rml_commonroad_number(name, text, at, &c->longitude, err);
}

static rml_status geo_reference(commonroad *c, rml_str name, rml_str text, rml_place at,
                                rml_error *err)
{
    (void)name, (void)at;
    return rml_copy_str(c->arena, text, &c->out->origin.reference, err);
}

// 999 stands for "unknown" in the format's own examples; beyond the globe is no place either.
static rml_status location_end(commonroad *c, rml_str name, rml_str text, rml_place at,
                               rml_error *err)
{
    (void)name, (void)text, (void)at, (void)err;
    if (fabs(c->latitude) <= 90 && fabs(c->longitude) <= 180) {
        c->out->origin.latitude_deg = c->latitude;
        c->out->origin.longitude_deg = c->longitude;
        c->out->origin.datum = RML_STR("WGS84");
    }
    return RML_OK;
}

static rml_status point_begin(commonroad *c, const rml_xml_element *e, rml_error *err)
{
    (void)e, (void)err;
    c->point = (commonroad_point){.z = NAN};
    return RML_OK;
}

static rml_status point_x(commonroad *c, rml_str name, rml_str text, rml_place at, rml_error *err)
{
    c->point.has_x = true;
    return rml_commonroad_number(name, text, at, &c->point.x, err);
}

static rml_status point_y(commonroad *c, rml_str name, rml_str text, rml_place at, rml_error *err)
{
    c->point.has_y = true;
    return rml_commonroad_number(name, text, at, &c->point.y, err);
}

static rml_status point_z(commonroad *c, rml_str name, rml_str text, rml_place at, rml_error *err)
{
    return rml_commonroad_number(name, text, at, &c->point.z, err);
}

// An element of this name inside this parent. An element without a row is passed over with all that
// it holds; directly below the root it is counted by name.
static const rule rules[] = {
    // parent           name                 inside             begin, end
    {IN_DOCUMENT, "commonRoad", IN_ROOT, root_begin, NULL},
    {IN_ROOT, "location", IN_LOCATION, NULL, location_end},
    {IN_LOCATION, "gpsLatitude", IN_LEAF, NULL, latitude},
    {IN_LOCATION, "gpsLongitude", IN_LEAF, NULL, longitude},
    {IN_LOCATION, "geoTransformation", IN_TRANSFORMATION, NULL, NULL},
    {IN_TRANSFORMATION, "geoReference", IN_LEAF, NULL, geo_reference},

    {IN_ROOT, "lanelet", IN_LANELET, rml_commonroad_lanelet_begin, rml_commonroad_lanelet_end},
    {IN_LANELET, "leftBound", IN_BOUND, rml_commonroad_bound_begin, rml_commonroad_left_end},
    {IN_LANELET, "rightBound", IN_BOUND, rml_commonroad_bound_begin, rml_commonroad_right_end},
    {IN_LANELET, "predecessor", IN_LEAF, rml_commonroad_predecessor, NULL},
    {IN_LANELET, "successor", IN_LEAF, rml_commonroad_successor, NULL},
    {IN_LANELET, "adjacentLeft", IN_LEAF, rml_commonroad_adjacent, NULL},
    {IN_LANELET, "adjacentRight", IN_LEAF, rml_commonroad_adjacent, NULL},
    {IN_LANELET, "laneletType", IN_LEAF, NULL, rml_commonroad_lanelet_type},
    {IN_LANELET, "trafficSignRef", IN_LEAF, rml_commonroad_sign_ref, NULL},
    {IN_BOUND, "point", IN_POINT, point_begin, rml_commonroad_bound_point},
    {IN_POINT, "x", IN_LEAF, NULL, point_x},
    {IN_POINT, "y", IN_LEAF, NULL, point_y},
    {IN_POINT, "z", IN_LEAF, NULL, point_z},

    {IN_ROOT, "trafficSign", IN_SIGN, rml_commonroad_sign_begin, rml_commonroad_sign_end},
    {IN_SIGN, "trafficSignElement", IN_SIGN_ELEMENT, rml_commonroad_sign_element_begin,
     rml_commonroad_sign_element_end},
    {IN_SIGN_ELEMENT, "trafficSignID", IN_LEAF, NULL, rml_commonroad_sign_name},
    {IN_SIGN_ELEMENT, "additionalValue", IN_LEAF, NULL, rml_commonroad_sign_value},

    {IN_ROOT, "dynamicObstacle", IN_OBSTACLE, rml_commonroad_obstacle_begin,
     rml_commonroad_obstacle_end},
    {IN_ROOT, "staticObstacle", IN_OBSTACLE, rml_commonroad_obstacle_begin,
     rml_commonroad_obstacle_end},
    {IN_OBSTACLE, "type", IN_LEAF, NULL, rml_commonroad_obstacle_type},
    {IN_OBSTACLE, "shape", IN_SHAPE, NULL, NULL},
    {IN_SHAPE, "rectangle", IN_RECTANGLE, rml_commonroad_shape_begin, NULL},
    {IN_SHAPE, "circle", IN_CIRCLE, rml_commonroad_shape_begin, NULL},
    {IN_SHAPE, "polygon", IN_LEAF, rml_commonroad_shape_begin, NULL},
    {IN_RECTANGLE, "length", IN_LEAF, NULL, rml_commonroad_length},
    {IN_RECTANGLE, "width", IN_LEAF, NULL, rml_commonroad_width},
    {IN_RECTANGLE, "center", IN_POINT, point_begin, rml_commonroad_centre_point},
    {IN_CIRCLE, "radius", IN_LEAF, NULL, rml_commonroad_radius},
    {IN_CIRCLE, "center", IN_POINT, point_begin, rml_commonroad_centre_point},
    {IN_OBSTACLE, "initialState", IN_STATE, rml_commonroad_state_begin, rml_commonroad_state_end},
    {IN_OBSTACLE, "trajectory", IN_TRAJECTORY, NULL, NULL},
    {IN_TRAJECTORY, "state", IN_STATE, rml_commonroad_state_begin, rml_commonroad_state_end},
    {IN_STATE, "position", IN_POSITION, rml_commonroad_position_begin, NULL},
    {IN_POSITION, "point", IN_POINT, point_begin, rml_commonroad_position_point},
    {IN_STATE, "time", IN_TIME, rml_commonroad_time_begin, NULL},
    {IN_TIME, "exact", IN_LEAF, NULL, rml_commonroad_time},
    {IN_STATE, "orientation", IN_ORIENTATION, rml_commonroad_orientation_begin, NULL},
    {IN_ORIENTATION, "exact", IN_LEAF, NULL, rml_commonroad_orientation},
    {IN_STATE, "velocity", IN_VELOCITY, rml_commonroad_velocity_begin, NULL},
    {IN_VELOCITY, "exact", IN_LEAF, NULL, rml_commonroad_velocity},
    {IN_OBSTACLE, "occupancySet", IN_OCCUPANCIES, NULL, NULL},
    {IN_OCCUPANCIES, "occupancy", IN_LEAF, NULL, rml_commonroad_occupancy},
};

static const rule passed_over = {IN_LEAF, "", IN_LEAF, NULL, NULL};

static const rule *rule_find(where parent, rml_str name)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (rules[i].parent == parent && rml_str_equal(rml_str_of(rules[i].name), name)) {
            return &rules[i];
        }
    }
    return NULL;
}

static rml_status element_begin(void *context, const rml_xml_element *e, rml_error *err)
{
    walk *w = context;
    where parent = w->depth ? w->stack[w->depth - 1]->inside : IN_DOCUMENT;
    const rule *found = parent == IN_LEAF ? NULL : rule_find(parent, e->name);
    if (!found && parent == IN_DOCUMENT) {
        return rml_fail(err, RML_ERR_DATA, e->at, NULL, "expected <commonRoad>, found <%.*s>",
                        RML_FMT(e->name));
    }
    if (!found && parent == IN_ROOT) {
        RML_TRY(rml_traffic_builder_ignore(&w->reader.builder, e->name, err));
    }
    if (w->depth == DEPTH_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, e->at, NULL, "expected at most %d levels of elements",
                        DEPTH_MAX);
    }
    w->stack[w->depth++] = found ? found : &passed_over;
    return found && found->begin ? found->begin(&w->reader, e, err) : RML_OK;
}

static rml_status element_end(void *context, rml_str name, rml_str text, rml_place at,
                              rml_error *err)
{
    walk *w = context;
    const rule *found = w->stack[--w->depth];
    return found->end ? found->end(&w->reader, name, text, at, err) : RML_OK;
}

static void reader_init(commonroad *c, rml_arena *arena, rml_traffic *out)
{
    *c = (commonroad){
        .arena = arena,
        .out = out,
        .latitude = NAN,
        .longitude = NAN,
        .points = RML_ARRAY(rml_point2),
        .heights = RML_ARRAY(double),
        .next = RML_ARRAY(rml_str),
        .previous = RML_ARRAY(rml_str),
        .sign_references = RML_ARRAY(commonroad_sign_reference),
        .limits = RML_ARRAY(double),
    };
    rml_traffic_builder_init(&c->builder, arena);
}

static void reader_reset(commonroad *c)
{
    rml_traffic_builder_reset(&c->builder);
    rml_buffer_reset(&c->text);
    rml_array_reset(&c->points);
    rml_array_reset(&c->heights);
    rml_array_reset(&c->next);
    rml_array_reset(&c->previous);
    rml_array_reset(&c->sign_references);
    rml_array_reset(&c->limits);
    rml_map_reset(&c->signs);
}

rml_status rml_commonroad_read(rml_bytes document, rml_str file, rml_arena *arena, rml_traffic *out,
                               rml_error *err)
{
    *out = (rml_traffic){.source = RML_STR("commonroad"),
                         .origin = {.latitude_deg = NAN, .longitude_deg = NAN, .height_m = NAN}};
    walk w = {.depth = 0};
    reader_init(&w.reader, arena, out);
    static const rml_xml_handlers handlers = {element_begin, element_end};
    rml_status st = rml_copy_str(arena, file, &out->uri, err);
    if (st) {
        goto done;
    }
    st = rml_xml_walk(document, file, &handlers, &w, err);
    if (st) {
        goto done;
    }
    rml_commonroad_limits(&w.reader);
    st = rml_traffic_builder_finish(&w.reader.builder, out, err);
done:
    reader_reset(&w.reader);
    return st;
}
