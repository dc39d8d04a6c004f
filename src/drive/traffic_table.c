// The tables `tracks` (an agent at an instant), `maps` (an element of a map) and `places` (the
// frame that both are in). What each column means stands in docs/importers.md.
#include "roadmill/drive.h"

#include <math.h>

enum { ROWS_AT_ONCE = 65536 };

// ---- Polylines: two arrays of the struct, one list of points in a table -------------------------

static rml_status append_points(rml_column *list, const void *member, rml_error *err)
{
    const rml_polyline *line = member;
    rml_column *point = &list->children[0];
    for (size_t i = 0; i < line->count; i++) {
        double z = line->z_m != NULL ? line->z_m[i] : NAN;
        RML_TRY(rml_column_f64(&point->children[0], line->points[i].x_m, err));
        RML_TRY(rml_column_f64(&point->children[1], line->points[i].y_m, err));
        RML_TRY(isnan(z) ? rml_column_null(&point->children[2], err)
                         : rml_column_f64(&point->children[2], z, err));
        RML_TRY(rml_column_struct_end(point, err));
    }
    return rml_column_list_end(list, err);
}

static rml_status read_points(const rml_column *list, size_t row, rml_arena *arena, void *member,
                              rml_error *err)
{
    const rml_column *point = &list->children[0];
    size_t first, count;
    bool high = false;
    rml_column_get_list(list, row, &first, &count);
    rml_point2 *points = RML_NEW_ARRAY(arena, rml_point2, count);
    double *heights = RML_NEW_ARRAY(arena, double, count);
    if (count > 0 && (points == NULL || heights == NULL)) {
        return rml_fail_memory(err, count * sizeof *points);
    }
    for (size_t i = 0; i < count; i++) {
        points[i].x_m = rml_column_get_f64(&point->children[0], first + i);
        points[i].y_m = rml_column_get_f64(&point->children[1], first + i);
        heights[i] = rml_column_get_f64(&point->children[2], first + i);
        high = high || !isnan(heights[i]);
    }
    *(rml_polyline *)member = (rml_polyline){points, count, high ? heights : NULL};
    return RML_OK;
}

static const rml_member_own polyline = {append_points, read_points};
static const rml_field point_fields[] = {
    RML_FIELD("x_m", RML_TYPE_F64, RML_REQUIRED),
    RML_FIELD("y_m", RML_TYPE_F64, RML_REQUIRED),
    RML_FIELD("z_m", RML_TYPE_F64, RML_NULLABLE),
};
static const rml_field point_field =
    RML_FIELD("element", RML_TYPE_STRUCT, RML_REQUIRED, .children = point_fields,
              .child_count = sizeof point_fields / sizeof *point_fields);

// ---- The tables --------------------------------------------------------------------------------

static const rml_field track_fields[] = {
    RML_COLUMN(rml_track_row, recording_id, STR, RML_REQUIRED),
    RML_COLUMN(rml_track_row, drive_id, STR, RML_REQUIRED),
    RML_COLUMN(rml_track_row, place_id, STR, RML_REQUIRED),
    RML_COLUMN(rml_track_row, source, STR, RML_REQUIRED),
    RML_COLUMN_AS("track_id", rml_track_row, track.track_id, STR, RML_REQUIRED),
    RML_COLUMN_AS("t_ns", rml_track_row, state.t_ns, I64, RML_REQUIRED),
    RML_COLUMN(rml_track_row, step_ns, I64, RML_REQUIRED),
    RML_COLUMN_AS("class", rml_track_row, track.agent_class, NAME, RML_REQUIRED,
                  RML_NAMED(rml_agent_classes)),
    RML_COLUMN_AS("source_class", rml_track_row, track.source_class, STR, RML_NULLABLE),
    RML_COLUMN_AS("is_ego", rml_track_row, track.is_ego, BOOL, RML_REQUIRED),
    RML_COLUMN_AS("x_m", rml_track_row, state.x_m, F64, RML_REQUIRED),
    RML_COLUMN_AS("y_m", rml_track_row, state.y_m, F64, RML_REQUIRED),
    RML_COLUMN_AS("z_m", rml_track_row, state.z_m, F64, RML_NULLABLE),
    RML_COLUMN_AS("recorded_yaw_rad", rml_track_row, state.recorded_yaw_rad, F64, RML_NULLABLE),
    RML_COLUMN_AS("recorded_speed_mps", rml_track_row, state.recorded_speed_mps, F64, RML_NULLABLE),
    RML_COLUMN_AS("length_m", rml_track_row, track.length_m, F64, RML_NULLABLE),
    RML_COLUMN_AS("width_m", rml_track_row, track.width_m, F64, RML_NULLABLE),
    RML_COLUMN_AS("state", rml_track_row, state.mark, NAME, RML_REQUIRED,
                  RML_NAMED(rml_track_marks)),
    RML_COLUMN_AS("causality", rml_track_row, track.causality, NAME, RML_REQUIRED,
                  RML_NAMED(rml_causalities)),
};

static const rml_member_list next_ids = {offsetof(rml_map_row, element.next_count),
                                         sizeof(rml_str)};
static const rml_member_list previous_ids = {offsetof(rml_map_row, element.previous_count),
                                             sizeof(rml_str)};
static const rml_field id_field =
    RML_FIELD("element", RML_TYPE_STRING, RML_REQUIRED, .member = RML_MEMBER_STR);
static const rml_field map_fields[] = {
    RML_COLUMN(rml_map_row, recording_id, STR, RML_REQUIRED),
    RML_COLUMN(rml_map_row, place_id, STR, RML_REQUIRED),
    RML_COLUMN(rml_map_row, source, STR, RML_REQUIRED),
    RML_COLUMN_AS("element_id", rml_map_row, element.id, STR, RML_REQUIRED),
    RML_COLUMN_AS("kind", rml_map_row, element.kind, NAME, RML_REQUIRED, RML_NAMED(rml_map_kinds)),
    RML_COLUMN_AS("type", rml_map_row, element.type, STR, RML_NULLABLE),
    RML_COLUMN_AS("left", rml_map_row, element.left, OWN, RML_REQUIRED, RML_OF(polyline),
                  RML_CHILD(point_field)),
    RML_COLUMN_AS("right", rml_map_row, element.right, OWN, RML_REQUIRED, RML_OF(polyline),
                  RML_CHILD(point_field)),
    RML_COLUMN_AS("centre", rml_map_row, element.centre, OWN, RML_REQUIRED, RML_OF(polyline),
                  RML_CHILD(point_field)),
    RML_COLUMN_AS("left_id", rml_map_row, element.left_id, STR, RML_NULLABLE),
    RML_COLUMN_AS("left_same", rml_map_row, element.left_same, BOOL, RML_NULLABLE,
                  RML_IF(rml_map_row, has_left)),
    RML_COLUMN_AS("right_id", rml_map_row, element.right_id, STR, RML_NULLABLE),
    RML_COLUMN_AS("right_same", rml_map_row, element.right_same, BOOL, RML_NULLABLE,
                  RML_IF(rml_map_row, has_right)),
    RML_COLUMN_AS("next", rml_map_row, element.next, LIST, RML_REQUIRED, RML_OF(next_ids),
                  RML_CHILD(id_field)),
    RML_COLUMN_AS("previous", rml_map_row, element.previous, LIST, RML_REQUIRED,
                  RML_OF(previous_ids), RML_CHILD(id_field)),
    RML_COLUMN_AS("speed_limit_mps", rml_map_row, element.speed_limit_mps, F64, RML_NULLABLE),
    RML_COLUMN(rml_map_row, valid_from_ns, I64, RML_NULLABLE, RML_IF(rml_map_row, has_valid_from)),
};

static const rml_field place_fields[] = {
    RML_COLUMN(rml_place_row, place_id, STR, RML_REQUIRED),
    RML_COLUMN(rml_place_row, recording_id, STR, RML_REQUIRED),
    RML_COLUMN(rml_place_row, source, STR, RML_REQUIRED),
    RML_COLUMN_AS("latitude_deg", rml_place_row, origin.latitude_deg, F64, RML_NULLABLE),
    RML_COLUMN_AS("longitude_deg", rml_place_row, origin.longitude_deg, F64, RML_NULLABLE),
    RML_COLUMN_AS("height_m", rml_place_row, origin.height_m, F64, RML_NULLABLE),
    RML_COLUMN_AS("datum", rml_place_row, origin.datum, STR, RML_NULLABLE),
    RML_COLUMN_AS("reference", rml_place_row, origin.reference, STR, RML_NULLABLE),
};

rml_schema rml_tracks_schema(void)
{
    return (rml_schema)RML_TABLE(track_fields);
}

rml_schema rml_maps_schema(void)
{
    return (rml_schema)RML_TABLE(map_fields);
}

rml_schema rml_places_schema(void)
{
    return (rml_schema)RML_TABLE(place_fields);
}

static rml_status tracks_append(rml_lake_txn *txn, const rml_traffic *traffic, uint64_t *rows,
                                rml_error *err)
{
    rml_batch batch = {0};
    rml_status st = rml_batch_init(&batch, rml_tracks_schema(), err);
    for (size_t i = 0; !st && i < traffic->track_count; i++) {
        const rml_track *track = &traffic->tracks[i];
        rml_track_row row = {.recording_id = traffic->recording_id,
                             .drive_id = traffic->drive_id,
                             .place_id = traffic->place_id,
                             .source = traffic->source,
                             .step_ns = traffic->step_ns,
                             .track = *track};
        for (size_t k = 0; !st && k < track->count; k++) {
            row.state = track->states[k];
            st = rml_row_append(&batch, &row, err);
            if (!st && batch.count == ROWS_AT_ONCE) {
                st = rml_lake_append(txn, "tracks", &batch, err);
                *rows += batch.count;
                rml_batch_clear(&batch);
            }
        }
    }
    if (!st && batch.count > 0) {
        st = rml_lake_append(txn, "tracks", &batch, err);
        *rows += batch.count;
    }
    rml_batch_reset(&batch);
    return st;
}

static rml_status map_append(rml_lake_txn *txn, const rml_traffic *traffic, uint64_t *rows,
                             rml_error *err)
{
    rml_batch batch = {0};
    rml_status st = rml_batch_init(&batch, rml_maps_schema(), err);
    for (size_t i = 0; !st && i < traffic->map_count; i++) {
        const rml_map_element *e = &traffic->map[i];
        const rml_map_row row = {.recording_id = traffic->recording_id,
                                 .place_id = traffic->place_id,
                                 .source = traffic->source,
                                 .element = *e,
                                 .has_left = e->left_id.len > 0,
                                 .has_right = e->right_id.len > 0};
        st = rml_row_append(&batch, &row, err);
    }
    if (!st && batch.count > 0) {
        st = rml_lake_append(txn, "maps", &batch, err);
        *rows += batch.count;
    }
    rml_batch_reset(&batch);
    return st;
}

static rml_status place_append(rml_lake_txn *txn, const rml_traffic *traffic, rml_error *err)
{
    rml_batch batch = {0};
    RML_TRY(rml_batch_init(&batch, rml_places_schema(), err));
    const rml_place_row row = {.place_id = traffic->place_id,
                               .recording_id = traffic->recording_id,
                               .source = traffic->source,
                               .origin = traffic->origin};
    rml_status st = rml_row_append(&batch, &row, err);
    if (!st) {
        st = rml_lake_append(txn, "places", &batch, err);
    }
    rml_batch_reset(&batch);
    return st;
}

rml_status rml_traffic_append(rml_lake_txn *txn, const rml_traffic *traffic, rml_traffic_rows *out,
                              rml_error *err)
{
    *out = (rml_traffic_rows){0};
    RML_TRY(tracks_append(txn, traffic, &out->states, err));
    RML_TRY(map_append(txn, traffic, &out->elements, err));
    return place_append(txn, traffic, err);
}
