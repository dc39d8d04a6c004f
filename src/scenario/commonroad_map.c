// CommonRoad 2020a, sections "Lanelet" and "Traffic Sign": bounds, neighbours, followers, speed
// limits.
#include "commonroad.h"

#include <math.h>
#include <string.h>

rml_status rml_commonroad_lanelet_begin(commonroad *c, const rml_xml_element *e, rml_error *err)
{
    c->lanelet = (rml_map_element){.kind = RML_MAP_LANE, .speed_limit_mps = NAN};
    rml_array_clear(&c->next);
    rml_array_clear(&c->previous);
    rml_buffer_clear(&c->text);
    return rml_commonroad_attribute(c, e, "id", &c->lanelet.id, err);
}

rml_status rml_commonroad_bound_begin(commonroad *c, const rml_xml_element *e, rml_error *err)
{
    (void)e, (void)err;
    rml_array_clear(&c->points);
    rml_array_clear(&c->heights);
    return RML_OK;
}

rml_status rml_commonroad_bound_point(commonroad *c, rml_str name, rml_str text, rml_place at,
                                      rml_error *err)
{
    (void)name, (void)text;
    RML_TRY(rml_commonroad_point_check(c, at, err));
    rml_point2 *point = rml_array_push(&c->points, err);
    double *height = rml_array_push(&c->heights, err);
    if (!point || !height) {
        return RML_ERR_MEMORY;
    }
    *point = (rml_point2){c->point.x, c->point.y};
    *height = c->point.z;
    return RML_OK;
}

static rml_status bound_end(commonroad *c, rml_polyline *out, rml_error *err)
{
    const void *points, *heights = NULL;
    RML_TRY(rml_copy_array(c->arena, &c->points, &points, err));
    bool high = false;
    for (size_t i = 0; i < c->heights.count; i++) {
        high = high || !isnan(*RML_AT(&c->heights, double, i));
    }
    if (high) {
        RML_TRY(rml_copy_array(c->arena, &c->heights, &heights, err));
    }
    *out = (rml_polyline){points, c->points.count, heights};
    return RML_OK;
}

rml_status rml_commonroad_left_end(commonroad *c, rml_str name, rml_str text, rml_place at,
                                   rml_error *err)
{
    (void)name, (void)text, (void)at;
    return bound_end(c, &c->lanelet.left, err);
}

rml_status rml_commonroad_right_end(commonroad *c, rml_str name, rml_str text, rml_place at,
                                    rml_error *err)
{
    (void)name, (void)text, (void)at;
    return bound_end(c, &c->lanelet.right, err);
}

static rml_status follower(commonroad *c, const rml_xml_element *e, rml_array *list, rml_error *err)
{
    rml_str *item = rml_array_push(list, err);
    return item ? rml_commonroad_attribute(c, e, "ref", item, err) : RML_ERR_MEMORY;
}

rml_status rml_commonroad_predecessor(commonroad *c, const rml_xml_element *e, rml_error *err)
{
    return follower(c, e, &c->previous, err);
}

rml_status rml_commonroad_successor(commonroad *c, const rml_xml_element *e, rml_error *err)
{
    return follower(c, e, &c->next, err);
}

rml_status rml_commonroad_adjacent(commonroad *c, const rml_xml_element *e, rml_error *err)
{
    bool left = rml_str_equal(e->name, RML_STR("adjacentLeft"));
    rml_str direction = rml_xml_attribute_get(e, "drivingDir");
    bool same = rml_str_equal(direction, RML_STR("same"));
    if (!same && !rml_str_equal(direction, RML_STR("opposite"))) {
        return rml_fail(err, RML_ERR_DATA, e->at, NULL,
                        "expected drivingDir \"same\" or \"opposite\", found \"%.*s\"",
                        RML_FMT(direction));
    }
    *(left ? &c->lanelet.left_same : &c->lanelet.right_same) = same;
    return rml_commonroad_attribute(c, e, "ref", left ? &c->lanelet.left_id : &c->lanelet.right_id,
                                    err);
}

// A lanelet may have several types: "intersection,urban".
rml_status rml_commonroad_lanelet_type(commonroad *c, rml_str name, rml_str text, rml_place at,
                                       rml_error *err)
{
    (void)name, (void)at;
    if (rml_str_equal(text, RML_STR("crosswalk"))) {
        c->lanelet.kind = RML_MAP_CROSSWALK;
    }
    if (c->text.len > 0 && text.len > 0) {
        RML_TRY(rml_buffer_str(&c->text, RML_STR(","), err));
    }
    return rml_buffer_str(&c->text, text, err);
}

rml_status rml_commonroad_sign_ref(commonroad *c, const rml_xml_element *e, rml_error *err)
{
    commonroad_sign_reference *item = rml_array_push(&c->sign_references, err);
    if (!item) {
        return RML_ERR_MEMORY;
    }
    item->element = c->builder.elements.count; // where this lanelet will stand
    return rml_commonroad_attribute(c, e, "ref", &item->sign_id, err);
}

rml_status rml_commonroad_lanelet_end(commonroad *c, rml_str name, rml_str text, rml_place at,
                                      rml_error *err)
{
    (void)name, (void)text;
    size_t left = c->lanelet.left.count, right = c->lanelet.right.count;
    if (left < 2 || left != right) {
        return rml_fail(err, RML_ERR_DATA, at, NULL,
                        "expected two bounds of the same number of points, at least 2, for lanelet "
                        "%.*s, found %zu and %zu",
                        RML_FMT(c->lanelet.id), left, right);
    }
    const void *next, *previous;
    RML_TRY(rml_copy_array(c->arena, &c->next, &next, err));
    RML_TRY(rml_copy_array(c->arena, &c->previous, &previous, err));
    c->lanelet.next = next;
    c->lanelet.next_count = c->next.count;
    c->lanelet.previous = previous;
    c->lanelet.previous_count = c->previous.count;
    c->lanelet.type = rml_buffer_text(&c->text);
    return rml_traffic_builder_element(&c->builder, c->lanelet, at, err);
}

rml_status rml_commonroad_sign_begin(commonroad *c, const rml_xml_element *e, rml_error *err)
{
    c->sign_limit = NAN;
    return rml_commonroad_attribute(c, e, "id", &c->sign_id, err);
}

rml_status rml_commonroad_sign_element_begin(commonroad *c, const rml_xml_element *e,
                                             rml_error *err)
{
    (void)e, (void)err;
    c->element_limit = NAN;
    c->element_is_limit = false;
    return RML_OK;
}

// The signs for "maximum speed" that occur in practice: 274 (Germany, and what OpenStreetMap's maps
// are given everywhere), R2-1 (United States). Their value is in m/s.
rml_status rml_commonroad_sign_name(commonroad *c, rml_str name, rml_str text, rml_place at,
                                    rml_error *err)
{
    (void)name, (void)at, (void)err;
    c->element_is_limit =
        rml_str_equal(text, RML_STR("274")) || rml_str_equal(text, RML_STR("R2-1"));
    return RML_OK;
}

// Some files write "25mph", which the format does not know: no limit is better than a guess.
rml_status rml_commonroad_sign_value(commonroad *c, rml_str name, rml_str text, rml_place at,
                                     rml_error *err)
{
    (void)name, (void)at, (void)err;
    double value;
    if (rml_parse_f64(text, &value) && isfinite(value) && value > 0) {
        c->element_limit = value;
    }
    return RML_OK;
}

rml_status rml_commonroad_sign_element_end(commonroad *c, rml_str name, rml_str text, rml_place at,
                                           rml_error *err)
{
    (void)name, (void)text, (void)at, (void)err;
    if (c->element_is_limit) {
        c->sign_limit = fmin(c->sign_limit, c->element_limit); // fmin passes over NaN
    }
    return RML_OK;
}

rml_status rml_commonroad_sign_end(commonroad *c, rml_str name, rml_str text, rml_place at,
                                   rml_error *err)
{
    (void)name, (void)text, (void)at;
    double *limit = rml_array_push(&c->limits, err);
    if (!limit) {
        return RML_ERR_MEMORY;
    }
    *limit = c->sign_limit;
    return rml_map_put(&c->signs, c->sign_id, c->limits.count - 1, err);
}

void rml_commonroad_limits(commonroad *c)
{
    for (size_t i = 0; i < c->sign_references.count; i++) {
        const commonroad_sign_reference *r =
            RML_AT(&c->sign_references, commonroad_sign_reference, i);
        uint64_t sign;
        if (rml_map_get(&c->signs, r->sign_id, &sign)) {
            rml_map_element *e = RML_AT(&c->builder.elements, rml_map_element, r->element);
            e->speed_limit_mps = fmin(e->speed_limit_mps, *RML_AT(&c->limits, double, sign));
        }
    }
}
