// The tables `tracks` (an agent at an instant), `maps` (an element of a map) and `places` (the
// frame that both are in). What each column means stands in docs/importers.md.
#include "roadmill/drive.h"

#include "roadmill/base/row.h"

enum { ROWS_AT_ONCE = 65536 };

// RML_STR is no constant for a static initialiser.
#define NAME(text)                                                                                 \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }
#define FIELD(name, type, nullable)                                                                \
    {                                                                                              \
        NAME(name), type, nullable, NULL, 0                                                        \
    }
#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

static const rml_field track_fields[] = {
    FIELD("recording_id", RML_TYPE_STRING, false),
    FIELD("drive_id", RML_TYPE_STRING, false),
    FIELD("place_id", RML_TYPE_STRING, false),
    FIELD("source", RML_TYPE_STRING, false),
    FIELD("track_id", RML_TYPE_STRING, false),
    FIELD("t_ns", RML_TYPE_I64, false),
    FIELD("step_ns", RML_TYPE_I64, false),
    FIELD("class", RML_TYPE_STRING, false),
    FIELD("source_class", RML_TYPE_STRING, true),
    FIELD("is_ego", RML_TYPE_BOOL, false),
    FIELD("x_m", RML_TYPE_F64, false),
    FIELD("y_m", RML_TYPE_F64, false),
    FIELD("z_m", RML_TYPE_F64, true),
    FIELD("recorded_yaw_rad", RML_TYPE_F64, true),
    FIELD("recorded_speed_mps", RML_TYPE_F64, true),
    FIELD("length_m", RML_TYPE_F64, true),
    FIELD("width_m", RML_TYPE_F64, true),
    FIELD("state", RML_TYPE_STRING, false),
    FIELD("causality", RML_TYPE_STRING, false),
};

static const rml_field point_fields[] = {
    FIELD("x_m", RML_TYPE_F64, false),
    FIELD("y_m", RML_TYPE_F64, false),
    FIELD("z_m", RML_TYPE_F64, true),
};
static const rml_field point_field = {NAME("element"), RML_TYPE_STRUCT, false, point_fields, 3};
static const rml_field id_field = FIELD("element", RML_TYPE_STRING, false);

static const rml_field map_fields[] = {
    FIELD("recording_id", RML_TYPE_STRING, false),
    FIELD("place_id", RML_TYPE_STRING, false),
    FIELD("source", RML_TYPE_STRING, false),
    FIELD("element_id", RML_TYPE_STRING, false),
    FIELD("kind", RML_TYPE_STRING, false),
    FIELD("type", RML_TYPE_STRING, true),
    {NAME("left"), RML_TYPE_LIST, false, &point_field, 1},
    {NAME("right"), RML_TYPE_LIST, false, &point_field, 1},
    {NAME("centre"), RML_TYPE_LIST, false, &point_field, 1},
    FIELD("left_id", RML_TYPE_STRING, true),
    FIELD("left_same", RML_TYPE_BOOL, true),
    FIELD("right_id", RML_TYPE_STRING, true),
    FIELD("right_same", RML_TYPE_BOOL, true),
    {NAME("next"), RML_TYPE_LIST, false, &id_field, 1},
    {NAME("previous"), RML_TYPE_LIST, false, &id_field, 1},
    FIELD("speed_limit_mps", RML_TYPE_F64, true),
    FIELD("valid_from_ns", RML_TYPE_I64, true),
};

static const rml_field place_fields[] = {
    FIELD("place_id", RML_TYPE_STRING, false),  FIELD("recording_id", RML_TYPE_STRING, false),
    FIELD("source", RML_TYPE_STRING, false),    FIELD("latitude_deg", RML_TYPE_F64, true),
    FIELD("longitude_deg", RML_TYPE_F64, true), FIELD("height_m", RML_TYPE_F64, true),
    FIELD("datum", RML_TYPE_STRING, true),      FIELD("reference", RML_TYPE_STRING, true),
};

rml_schema rml_tracks_schema(void)
{
    return (rml_schema){track_fields, COUNT(track_fields)};
}

rml_schema rml_maps_schema(void)
{
    return (rml_schema){map_fields, COUNT(map_fields)};
}

rml_schema rml_places_schema(void)
{
    return (rml_schema){place_fields, COUNT(place_fields)};
}

static rml_status state_append(rml_batch *batch, const rml_traffic *traffic, const rml_track *track,
                               const rml_track_state *state, rml_error *err)
{
    rml_row r = rml_row_begin(batch, err);
    rml_row_str(&r, traffic->recording_id);
    rml_row_str(&r, traffic->drive_id);
    rml_row_str(&r, traffic->place_id);
    rml_row_str(&r, traffic->source);
    rml_row_str(&r, track->track_id);
    rml_row_i64(&r, state->t_ns);
    rml_row_i64(&r, traffic->step_ns);
    rml_row_str(&r, rml_str_of(rml_agent_class_name(track->agent_class)));
    rml_row_str_or_null(&r, track->source_class);
    rml_row_bool(&r, track->is_ego);
    rml_row_f64(&r, state->x_m);
    rml_row_f64(&r, state->y_m);
    rml_row_f64(&r, state->z_m);
    rml_row_f64(&r, state->recorded_yaw_rad);
    rml_row_f64(&r, state->recorded_speed_mps);
    rml_row_f64(&r, track->length_m);
    rml_row_f64(&r, track->width_m);
    rml_row_str(&r, rml_str_of(rml_track_mark_name(state->mark)));
    rml_row_str(&r, rml_str_of(rml_causality_name(track->causality)));
    return rml_row_end(&r);
}

static rml_status points_append(rml_column *list, const rml_polyline *line, rml_error *err)
{
    rml_column *point = &list->children[0];
    for (size_t i = 0; i < line->count; i++) {
        RML_TRY(rml_column_f64(&point->children[0], line->points[i].x_m, err));
        RML_TRY(rml_column_f64(&point->children[1], line->points[i].y_m, err));
        double z = line->z_m ? line->z_m[i] : 0;
        RML_TRY(line->z_m && z == z ? rml_column_f64(&point->children[2], z, err)
                                    : rml_column_null(&point->children[2], err));
        RML_TRY(rml_column_struct_end(point, err));
    }
    return rml_column_list_end(list, err);
}

static void row_points(rml_row *r, const rml_polyline *line)
{
    rml_column *list = rml_row_column(r);
    if (list) {
        r->status = points_append(list, line, r->err);
    }
}

static void row_ids(rml_row *r, const rml_str *ids, size_t count)
{
    rml_column *list = rml_row_column(r);
    for (size_t i = 0; list && !r->status && i < count; i++) {
        r->status = rml_column_str(&list->children[0], ids[i], r->err);
    }
    if (list && !r->status) {
        r->status = rml_column_list_end(list, r->err);
    }
}

static void row_neighbour(rml_row *r, rml_str id, bool same)
{
    rml_row_str_or_null(r, id);
    if (id.len == 0) {
        rml_row_null(r);
    } else {
        rml_row_bool(r, same);
    }
}

static rml_status element_append(rml_batch *batch, const rml_traffic *traffic,
                                 const rml_map_element *e, rml_error *err)
{
    rml_row r = rml_row_begin(batch, err);
    rml_row_str(&r, traffic->recording_id);
    rml_row_str(&r, traffic->place_id);
    rml_row_str(&r, traffic->source);
    rml_row_str(&r, e->id);
    rml_row_str(&r, rml_str_of(rml_map_kind_name(e->kind)));
    rml_row_str_or_null(&r, e->type);
    row_points(&r, &e->left);
    row_points(&r, &e->right);
    row_points(&r, &e->centre);
    row_neighbour(&r, e->left_id, e->left_same);
    row_neighbour(&r, e->right_id, e->right_same);
    row_ids(&r, e->next, e->next_count);
    row_ids(&r, e->previous, e->previous_count);
    rml_row_f64(&r, e->speed_limit_mps);
    rml_row_null(&r); // valid_from_ns: no source so far states it
    return rml_row_end(&r);
}

static rml_status tracks_append(rml_lake_txn *txn, const rml_traffic *traffic, uint64_t *rows,
                                rml_error *err)
{
    rml_batch batch = {0};
    rml_status st = rml_batch_init(&batch, rml_tracks_schema(), err);
    for (size_t i = 0; !st && i < traffic->track_count; i++) {
        const rml_track *track = &traffic->tracks[i];
        for (size_t k = 0; !st && k < track->count; k++) {
            st = state_append(&batch, traffic, track, &track->states[k], err);
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
        st = element_append(&batch, traffic, &traffic->map[i], err);
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
    rml_row r = rml_row_begin(&batch, err);
    rml_row_str(&r, traffic->place_id);
    rml_row_str(&r, traffic->recording_id);
    rml_row_str(&r, traffic->source);
    rml_row_f64(&r, traffic->origin.latitude_deg);
    rml_row_f64(&r, traffic->origin.longitude_deg);
    rml_row_f64(&r, traffic->origin.height_m);
    rml_row_str_or_null(&r, traffic->origin.datum);
    rml_row_str_or_null(&r, traffic->origin.reference);
    rml_status st = rml_row_end(&r);
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
