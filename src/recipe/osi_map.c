// The static part of ASAM OSI's ground truth as map elements.
//
// Source: osi_lane.proto and osi_lane_boundary.proto (OSI 3.7). A lane's left and right are seen
// along its centre line as written; where that line runs against the traffic
// (centerline_is_driving_direction = false) lines and sides are turned, so that all that leaves
// here runs with the traffic.
#include "objects.h"

#include <math.h>
#include <stdio.h>

enum { ID_TEXT = 24 };

typedef struct osi_map {
    rml_traffic_builder *builder;
    rml_arena *arena;
    rml_map lanes, boundaries; // ids met; of a boundary its place in lines
    rml_array lines;           // rml_polyline
} osi_map;

static const char *const lane_types[] = {"unknown", "other", "driving", "nondriving",
                                         "intersection"};
static const char *const boundary_types[] = {
    "unknown",   "other",     "no_line",    "solid_line",   "dashed_line", "botts_dots",
    "road_edge", "snow_edge", "grass_edge", "gravel_edge",  "soil_edge",   "guard_rail",
    "curb",      "structure", "barrier",    "sound_barrier"};

static rml_str type_name(const char *const *names, size_t count, double number)
{
    return rml_str_of(names[number >= 0 && number < (double)count ? (size_t)number : 0]);
}
#define TYPE_NAME(names, number) type_name(names, sizeof(names) / sizeof *(names), number)

// The points of a row of a list, each a struct of x, y, z below `path`; turned: last one first.
static rml_status line_read(rml_arena *arena, rml_nested list, const char *path, size_t row,
                            bool turned, rml_polyline *out, rml_error *err)
{
    size_t first, count;
    *out = (rml_polyline){0};
    rml_nested_span(list, row, &first, &count);
    if (count == 0) {
        return RML_OK;
    }
    rml_nested point = rml_nested_at(rml_nested_element(list), path);
    rml_nested x = rml_nested_at(point, "x"), y = rml_nested_at(point, "y");
    rml_nested z = rml_nested_at(point, "z");
    rml_point2 *points = RML_NEW_ARRAY(arena, rml_point2, count);
    double *heights = RML_NEW_ARRAY(arena, double, count);
    if (!points || !heights) {
        return rml_fail_memory(err, count * sizeof *points);
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = first + (turned ? count - 1 - i : i);
        points[i] = (rml_point2){rml_nested_f64(x, at), rml_nested_f64(y, at)};
        heights[i] = rml_nested_f64(z, at);
        if (!isfinite(points[i].x_m) || !isfinite(points[i].y_m)) {
            return RML_OK; // a line with a hole is no line
        }
    }
    *out = (rml_polyline){points, count, heights};
    return RML_OK;
}

// True once for each id.
static rml_status is_new(rml_map *met, rml_str id, uint64_t value, bool *out, rml_error *err)
{
    *out = id.len > 0 && !rml_map_get(met, id, NULL);
    return *out ? rml_map_put(met, id, value, err) : RML_OK;
}

static rml_status boundary_read(osi_map *m, rml_nested boundary, size_t row, rml_error *err)
{
    char text[ID_TEXT];
    bool fresh;
    rml_str id = rml_nested_name(rml_nested_at(boundary, "id.value"), row, text, sizeof text);
    RML_TRY(is_new(&m->boundaries, id, m->lines.count, &fresh, err));
    if (!fresh) {
        return RML_OK;
    }
    rml_polyline *line = rml_array_push(&m->lines, err);
    if (!line) {
        return RML_ERR_MEMORY;
    }
    RML_TRY(line_read(m->arena, rml_nested_at(boundary, "boundary_line"), "position", row, false,
                      line, err));
    double type = rml_nested_f64(rml_nested_at(boundary, "classification.type"), row);
    const rml_map_element element = {.id = id,
                                     .kind = RML_MAP_BOUNDARY,
                                     .type = TYPE_NAME(boundary_types, type),
                                     .left = *line,
                                     .speed_limit_mps = NAN};
    return rml_traffic_builder_element(m->builder, element, (rml_place){0}, err);
}

// The line of the one boundary that a list of ids names; none where it names several, whose joining
// the source does not tell.
static rml_status bound_read(osi_map *m, rml_nested ids, size_t row, bool turned, rml_polyline *out,
                             rml_error *err)
{
    size_t first, count;
    char text[ID_TEXT];
    uint64_t at;
    rml_nested_span(ids, row, &first, &count);
    rml_nested value = rml_nested_at(rml_nested_element(ids), "value");
    if (count != 1 ||
        !rml_map_get(&m->boundaries, rml_nested_name(value, first, text, sizeof text), &at)) {
        return RML_OK;
    }
    *out = *RML_AT(&m->lines, rml_polyline, at);
    if (!turned || out->count == 0) {
        return RML_OK;
    }
    rml_point2 *points = RML_NEW_ARRAY(m->arena, rml_point2, out->count);
    double *heights = RML_NEW_ARRAY(m->arena, double, out->count);
    if (!points || !heights) {
        return rml_fail_memory(err, out->count * sizeof *points);
    }
    for (size_t i = 0; i < out->count; i++) {
        points[i] = out->points[out->count - 1 - i];
        heights[i] = out->z_m[out->count - 1 - i];
    }
    *out = (rml_polyline){points, out->count, heights};
    return RML_OK;
}

// The ids of a list of pairs that are told, each once.
static rml_status ids_read(rml_arena *arena, rml_nested pairs, const char *side, size_t row,
                           const rml_str **out, size_t *out_count, rml_error *err)
{
    size_t first, count;
    rml_nested_span(pairs, row, &first, &count);
    rml_nested value = rml_nested_at(rml_nested_element(pairs), side);
    rml_str *ids = RML_NEW_ARRAY(arena, rml_str, count + 1);
    if (!ids) {
        return rml_fail_memory(err, (count + 1) * sizeof *ids);
    }
    for (size_t i = first; i < first + count; i++) {
        char text[ID_TEXT];
        rml_str id = rml_nested_name(value, i, text, sizeof text);
        bool known = id.len == 0;
        for (size_t k = 0; k < *out_count && !known; k++) {
            known = rml_str_equal(ids[k], id);
        }
        RML_TRY(known ? RML_OK : rml_copy_str(arena, id, &ids[*out_count], err));
        *out_count += !known;
    }
    *out = ids;
    return RML_OK;
}

static rml_str first_id(rml_nested ids, size_t row, char *text)
{
    size_t first, count;
    rml_nested_span(ids, row, &first, &count);
    rml_nested value = rml_nested_at(rml_nested_element(ids), "value");
    return count > 0 ? rml_nested_name(value, first, text, ID_TEXT) : (rml_str){0};
}

static rml_status lane_read(osi_map *m, rml_nested lane, size_t row, rml_error *err)
{
    char text[ID_TEXT], left_text[ID_TEXT], right_text[ID_TEXT];
    bool fresh;
    rml_str id = rml_nested_name(rml_nested_at(lane, "id.value"), row, text, sizeof text);
    RML_TRY(is_new(&m->lanes, id, 0, &fresh, err));
    if (!fresh) {
        return RML_OK;
    }
    rml_nested c = rml_nested_at(lane, "classification");
    rml_nested along = rml_nested_at(c, "centerline_is_driving_direction");
    bool turned = rml_nested_f64(along, row) == 0;
    rml_nested left = rml_nested_at(c, turned ? "right_lane_boundary_id" : "left_lane_boundary_id");
    rml_nested right =
        rml_nested_at(c, turned ? "left_lane_boundary_id" : "right_lane_boundary_id");
    rml_nested beside_left =
        rml_nested_at(c, turned ? "right_adjacent_lane_id" : "left_adjacent_lane_id");
    rml_nested beside_right =
        rml_nested_at(c, turned ? "left_adjacent_lane_id" : "right_adjacent_lane_id");
    rml_map_element e = {.id = id,
                         .kind = RML_MAP_LANE,
                         .type =
                             TYPE_NAME(lane_types, rml_nested_f64(rml_nested_at(c, "type"), row)),
                         .left_id = first_id(beside_left, row, left_text),
                         .right_id = first_id(beside_right, row, right_text),
                         .speed_limit_mps = NAN};
    RML_TRY(line_read(m->arena, rml_nested_at(c, "centerline"), "", row, turned, &e.centre, err));
    RML_TRY(bound_read(m, left, row, turned, &e.left, err));
    RML_TRY(bound_read(m, right, row, turned, &e.right, err));
    // Pairs are told along the traffic (antecessor before, successor behind).
    rml_nested pairs = rml_nested_at(c, "lane_pairing");
    RML_TRY(ids_read(m->arena, pairs, "successor_lane_id.value", row, &e.next, &e.next_count, err));
    RML_TRY(ids_read(m->arena, pairs, "antecessor_lane_id.value", row, &e.previous,
                     &e.previous_count, err));
    return rml_traffic_builder_element(m->builder, e, (rml_place){0}, err);
}

static rml_status items_read(osi_map *m, rml_nested list, size_t row,
                             rml_status (*read)(osi_map *, rml_nested, size_t, rml_error *),
                             rml_error *err)
{
    size_t first, count;
    rml_nested_span(list, row, &first, &count);
    rml_nested item = rml_nested_element(list);
    for (size_t i = first; i < first + count; i++) {
        RML_TRY(read(m, item, i, err));
    }
    return RML_OK;
}

static rml_status row_read(osi_map *m, const rml_batch *batch, size_t row, rml_str *reference,
                           rml_error *err)
{
    RML_TRY(items_read(m, rml_nested_column(batch, 1), row, boundary_read, err));
    RML_TRY(items_read(m, rml_nested_column(batch, 0), row, lane_read, err));
    rml_str told = rml_nested_name(rml_nested_column(batch, 2), row, NULL, 0);
    return reference->len == 0 && told.len > 0 ? rml_copy_str(m->arena, told, reference, err)
                                               : RML_OK;
}

rml_status rml_osi_map_read(rml_rows *rows, rml_traffic_builder *builder, rml_str *reference,
                            rml_error *err)
{
    osi_map m = {.builder = builder, .arena = builder->arena, .lines = RML_ARRAY(rml_polyline)};
    const rml_batch *batch;
    rml_status st;
    while ((st = rml_rows_next(rows, &batch, err)) == RML_OK) {
        for (size_t i = 0; !st && i < batch->count; i++) {
            st = row_read(&m, batch, i, reference, err);
        }
        if (st) {
            break;
        }
    }
    rml_map_reset(&m.lanes);
    rml_map_reset(&m.boundaries);
    rml_array_reset(&m.lines);
    return st == RML_END ? RML_OK : st;
}
