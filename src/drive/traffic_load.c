// Reads traffic back from the lake: `tracks`, `maps`, `places`, `recordings` and `ego`, one query
// each for any number of recordings. Rows come sorted as importers sort, so what is loaded equals
// what was read.
#include "roadmill/drive.h"
#include "roadmill/world/builder.h"

#include <math.h>

#include "ego_track.h"

// Shared by the walks over the four tables: rows come sorted by recording.
typedef struct loader {
    rml_lake *lake;
    rml_arena *arena;
    rml_map index; // recording_id -> place in traffics
    rml_traffic *traffics;
    const rml_str *ids;
    size_t count;
    rml_array items;  // of the recording at hand: rml_track or rml_map_element
    rml_array states; // of the track at hand
    size_t at;        // the recording at hand; count before the first
} loader;

typedef rml_status row_reader(loader *l, const rml_batch *batch, size_t row, rml_error *err);

// Calls read for each row, with l->at set from the first column, which is recording_id.
static rml_status each_row(loader *l, const rml_lake_read *what, row_reader *read,
                           rml_status (*change)(loader *l, rml_error *err), rml_error *err)
{
    rml_lake_read query = *what;
    query.owners = l->ids;
    query.owner_count = l->count;
    rml_rows *rows = NULL;
    RML_TRY(rml_lake_select(l->lake, &query, &rows, err));
    const rml_batch *batch;
    rml_status st;
    l->at = l->count;
    while ((st = rml_rows_next(rows, &batch, err)) == RML_OK) {
        for (size_t i = 0; !st && i < batch->count; i++) {
            rml_str id = rml_column_get_str(&batch->columns[0], i);
            if (l->at == l->count || !rml_str_equal(id, l->traffics[l->at].recording_id)) {
                uint64_t next;
                if (!rml_map_get(&l->index, id, &next)) {
                    continue;
                }
                st = change && l->at < l->count ? change(l, err) : RML_OK;
                l->at = (size_t)next;
            }
            st = st ? st : read(l, batch, i, err);
        }
        if (st) {
            break;
        }
    }
    rml_rows_close(rows);
    if (st != RML_END) {
        return st;
    }
    return change && l->at < l->count ? change(l, err) : RML_OK;
}

// ---- tracks ------------------------------------------------------------------------------------

enum {
    T_RECORDING,
    T_TRACK,
    T_TIME,
    T_DRIVE,
    T_PLACE,
    T_SOURCE,
    T_STEP,
    T_CLASS,
    T_SOURCE_CLASS,
    T_EGO,
    T_X,
    T_Y,
    T_Z,
    T_YAW,
    T_SPEED,
    T_LENGTH,
    T_WIDTH,
    T_STATE,
    T_CAUSALITY
};
static const rml_lake_read tracks_query = {
    .table = "tracks",
    .columns = "recording_id, track_id, t_ns, drive_id, place_id, source, step_ns, class, "
               "source_class, is_ego, x_m, y_m, z_m, recorded_yaw_rad, recorded_speed_mps, "
               "length_m, width_m, state, causality",
    .order = "recording_id, track_id, t_ns",
};

// Gives the track at hand its states.
static rml_status track_end(loader *l, rml_error *err)
{
    if (l->items.count == 0) {
        return RML_OK;
    }
    rml_track *track = RML_AT(&l->items, rml_track, l->items.count - 1);
    const void *states;
    RML_TRY(rml_copy_array(l->arena, &l->states, &states, err));
    track->states = states;
    track->count = l->states.count;
    rml_array_clear(&l->states);
    return RML_OK;
}

static rml_status tracks_end(loader *l, rml_error *err)
{
    const void *tracks;
    RML_TRY(track_end(l, err));
    RML_TRY(rml_copy_array(l->arena, &l->items, &tracks, err));
    l->traffics[l->at].tracks = tracks;
    l->traffics[l->at].track_count = l->items.count;
    rml_array_clear(&l->items);
    return RML_OK;
}

static rml_status track_begin(loader *l, const rml_column *c, size_t row, rml_error *err)
{
    rml_traffic *traffic = &l->traffics[l->at];
    if (l->items.count == 0) {
        RML_TRY(
            rml_copy_str(l->arena, rml_column_get_str(&c[T_DRIVE], row), &traffic->drive_id, err));
        RML_TRY(
            rml_copy_str(l->arena, rml_column_get_str(&c[T_PLACE], row), &traffic->place_id, err));
        RML_TRY(
            rml_copy_str(l->arena, rml_column_get_str(&c[T_SOURCE], row), &traffic->source, err));
        traffic->step_ns = rml_column_get_i64(&c[T_STEP], row);
    } else {
        RML_TRY(track_end(l, err));
    }
    rml_track *track = rml_array_push(&l->items, err);
    if (!track) {
        return RML_ERR_MEMORY;
    }
    rml_agent_class_parse(rml_column_get_str(&c[T_CLASS], row), &track->agent_class);
    rml_causality_parse(rml_column_get_str(&c[T_CAUSALITY], row), &track->causality);
    track->is_ego = rml_column_get_i64(&c[T_EGO], row) != 0;
    track->length_m = rml_column_get_f64(&c[T_LENGTH], row);
    track->width_m = rml_column_get_f64(&c[T_WIDTH], row);
    RML_TRY(rml_copy_str(l->arena, rml_column_get_str(&c[T_SOURCE_CLASS], row),
                         &track->source_class, err));
    return rml_copy_str(l->arena, rml_column_get_str(&c[T_TRACK], row), &track->track_id, err);
}

static rml_status track_row(loader *l, const rml_batch *batch, size_t row, rml_error *err)
{
    const rml_column *c = batch->columns;
    rml_str id = rml_column_get_str(&c[T_TRACK], row);
    if (l->items.count == 0 ||
        !rml_str_equal(id, RML_AT(&l->items, rml_track, l->items.count - 1)->track_id)) {
        RML_TRY(track_begin(l, c, row, err));
    }
    rml_track_state *state = rml_array_push(&l->states, err);
    if (!state) {
        return RML_ERR_MEMORY;
    }
    *state = (rml_track_state){
        .t_ns = rml_column_get_i64(&c[T_TIME], row),
        .x_m = rml_column_get_f64(&c[T_X], row),
        .y_m = rml_column_get_f64(&c[T_Y], row),
        .z_m = rml_column_get_f64(&c[T_Z], row),
        .recorded_yaw_rad = rml_column_get_f64(&c[T_YAW], row),
        .recorded_speed_mps = rml_column_get_f64(&c[T_SPEED], row),
    };
    rml_track_mark_parse(rml_column_get_str(&c[T_STATE], row), &state->mark);
    return RML_OK;
}

// ---- maps --------------------------------------------------------------------------------------

enum {
    M_RECORDING,
    M_ID,
    M_KIND,
    M_TYPE,
    M_LEFT,
    M_RIGHT,
    M_CENTRE,
    M_LEFT_ID,
    M_LEFT_SAME,
    M_RIGHT_ID,
    M_RIGHT_SAME,
    M_NEXT,
    M_PREVIOUS,
    M_LIMIT
};
static const rml_lake_read maps_query = {
    .table = "maps",
    .columns = "recording_id, element_id, kind, type, \"left\", \"right\", centre, left_id, "
               "left_same, right_id, right_same, \"next\", previous, speed_limit_mps",
    .order = "recording_id, element_id, kind",
};

static rml_status polyline(loader *l, const rml_column *list, size_t row, rml_polyline *out,
                           rml_error *err)
{
    size_t first, count;
    rml_column_get_list(list, row, &first, &count);
    *out = (rml_polyline){0};
    if (count == 0) {
        return RML_OK;
    }
    const rml_column *x = &list->children[0].children[0], *y = x + 1, *z = x + 2;
    rml_point2 *points = RML_NEW_ARRAY(l->arena, rml_point2, count);
    double *heights = RML_NEW_ARRAY(l->arena, double, count);
    if (!points || !heights) {
        return rml_fail_memory(err, count * sizeof *points);
    }
    bool high = false;
    for (size_t i = 0; i < count; i++) {
        points[i].x_m = rml_column_get_f64(x, first + i);
        points[i].y_m = rml_column_get_f64(y, first + i);
        heights[i] = rml_column_get_f64(z, first + i);
        high = high || !isnan(heights[i]);
    }
    *out = (rml_polyline){points, count, high ? heights : NULL};
    return RML_OK;
}

static rml_status id_list(loader *l, const rml_column *list, size_t row, const rml_str **out,
                          size_t *out_count, rml_error *err)
{
    size_t first, count;
    rml_column_get_list(list, row, &first, &count);
    *out = NULL;
    *out_count = count;
    if (count == 0) {
        return RML_OK;
    }
    rml_str *ids = RML_NEW_ARRAY(l->arena, rml_str, count);
    if (!ids) {
        return rml_fail_memory(err, count * sizeof *ids);
    }
    for (size_t i = 0; i < count; i++) {
        rml_str id = rml_column_get_str(&list->children[0], first + i);
        RML_TRY(rml_copy_str(l->arena, id, &ids[i], err));
    }
    *out = ids;
    return RML_OK;
}

static rml_status map_row(loader *l, const rml_batch *batch, size_t row, rml_error *err)
{
    const rml_column *c = batch->columns;
    rml_map_element e = {.speed_limit_mps = rml_column_get_f64(&c[M_LIMIT], row)};
    rml_map_kind_parse(rml_column_get_str(&c[M_KIND], row), &e.kind);
    e.left_same =
        !rml_column_is_null(&c[M_LEFT_SAME], row) && rml_column_get_i64(&c[M_LEFT_SAME], row) != 0;
    e.right_same = !rml_column_is_null(&c[M_RIGHT_SAME], row) &&
                   rml_column_get_i64(&c[M_RIGHT_SAME], row) != 0;
    RML_TRY(rml_copy_str(l->arena, rml_column_get_str(&c[M_ID], row), &e.id, err));
    RML_TRY(rml_copy_str(l->arena, rml_column_get_str(&c[M_TYPE], row), &e.type, err));
    RML_TRY(rml_copy_str(l->arena, rml_column_get_str(&c[M_LEFT_ID], row), &e.left_id, err));
    RML_TRY(rml_copy_str(l->arena, rml_column_get_str(&c[M_RIGHT_ID], row), &e.right_id, err));
    RML_TRY(polyline(l, &c[M_LEFT], row, &e.left, err));
    RML_TRY(polyline(l, &c[M_RIGHT], row, &e.right, err));
    RML_TRY(polyline(l, &c[M_CENTRE], row, &e.centre, err));
    RML_TRY(id_list(l, &c[M_NEXT], row, &e.next, &e.next_count, err));
    RML_TRY(id_list(l, &c[M_PREVIOUS], row, &e.previous, &e.previous_count, err));
    rml_map_element *item = rml_array_push(&l->items, err);
    if (!item) {
        return RML_ERR_MEMORY;
    }
    *item = e;
    return RML_OK;
}

static rml_status map_end(loader *l, rml_error *err)
{
    const void *elements;
    RML_TRY(rml_copy_array(l->arena, &l->items, &elements, err));
    l->traffics[l->at].map = elements;
    l->traffics[l->at].map_count = l->items.count;
    rml_array_clear(&l->items);
    return RML_OK;
}

// ---- places and recordings ---------------------------------------------------------------------

static const rml_lake_read places_query = {
    .table = "places",
    .columns = "recording_id, latitude_deg, longitude_deg, height_m, datum, reference, place_id",
    .order = "recording_id, place_id",
};

static rml_status place_row(loader *l, const rml_batch *batch, size_t row, rml_error *err)
{
    const rml_column *c = batch->columns;
    const rml_traffic *traffic = &l->traffics[l->at];
    rml_place_origin *origin = &l->traffics[l->at].origin;
    // The place of its ego is another one, unless it has nothing else.
    if (traffic->track_count > 0 &&
        !rml_str_equal(traffic->place_id, rml_column_get_str(&c[6], row))) {
        return RML_OK;
    }
    origin->latitude_deg = rml_column_get_f64(&c[1], row);
    origin->longitude_deg = rml_column_get_f64(&c[2], row);
    origin->height_m = rml_column_get_f64(&c[3], row);
    RML_TRY(rml_copy_str(l->arena, rml_column_get_str(&c[4], row), &origin->datum, err));
    return rml_copy_str(l->arena, rml_column_get_str(&c[5], row), &origin->reference, err);
}

static const rml_lake_read recordings_query = {
    .table = "recordings",
    .columns = "recording_id, uri, licence",
    .order = "recording_id",
};

static rml_status recording_row(loader *l, const rml_batch *batch, size_t row, rml_error *err)
{
    const rml_column *c = batch->columns;
    rml_traffic *traffic = &l->traffics[l->at];
    RML_TRY(rml_copy_str(l->arena, rml_column_get_str(&c[1], row), &traffic->uri, err));
    return rml_copy_str(l->arena, rml_column_get_str(&c[2], row), &traffic->licence, err);
}

// ---- Public ------------------------------------------------------------------------------------

// An id that was asked for twice is loaded once and given twice.
static rml_status all_there(const loader *l, rml_error *err)
{
    for (size_t i = 0; i < l->count; i++) {
        uint64_t filled = i;
        rml_map_get(&l->index, l->ids[i], &filled);
        l->traffics[i] = l->traffics[filled];
        if (l->traffics[i].source.len == 0) {
            return rml_fail(err, RML_ERR_MISSING, (rml_place){0},
                            "roadmill recordings lists what is there",
                            "expected a recording with tracks or ego rows, found none of the name "
                            "%.*s",
                            RML_FMT(l->ids[i]));
        }
    }
    return RML_OK;
}

// A table that no recording has yet.
static rml_status or_none(rml_status st)
{
    return st == RML_ERR_MISSING ? RML_OK : st;
}

static rml_status load(loader *l, bool on_grid, rml_error *err)
{
    for (size_t i = 0; i < l->count; i++) {
        l->traffics[i] =
            (rml_traffic){.origin = {.latitude_deg = NAN, .longitude_deg = NAN, .height_m = NAN}};
        RML_TRY(rml_copy_str(l->arena, l->ids[i], &l->traffics[i].recording_id, err));
        RML_TRY(rml_map_put(&l->index, l->ids[i], i, err));
    }
    l->items = RML_ARRAY(rml_track);
    RML_TRY(or_none(each_row(l, &tracks_query, track_row, tracks_end, err)));
    rml_array_reset(&l->items);
    l->items = RML_ARRAY(rml_map_element);
    RML_TRY(or_none(each_row(l, &maps_query, map_row, map_end, err)));
    RML_TRY(or_none(each_row(l, &places_query, place_row, NULL, err)));
    RML_TRY(or_none(each_row(l, &recordings_query, recording_row, NULL, err)));
    RML_TRY(rml_ego_tracks_join(l->lake, l->ids, l->count, &l->index, on_grid, l->arena,
                                l->traffics, err));
    return all_there(l, err);
}

static rml_status load_many(rml_lake *lake, const rml_str *recording_ids, size_t count,
                            bool on_grid, rml_arena *arena, rml_traffic *traffics, rml_error *err)
{
    if (count == 0) {
        return RML_OK;
    }
    loader l = {.lake = lake,
                .arena = arena,
                .traffics = traffics,
                .ids = recording_ids,
                .count = count,
                .states = RML_ARRAY(rml_track_state)};
    rml_status st = load(&l, on_grid, err);
    rml_array_reset(&l.items);
    rml_array_reset(&l.states);
    rml_map_reset(&l.index);
    return st;
}

rml_status rml_traffic_load_many(rml_lake *lake, const rml_str *recording_ids, size_t count,
                                 rml_arena *arena, rml_traffic *traffics, rml_error *err)
{
    return load_many(lake, recording_ids, count, true, arena, traffics, err);
}

rml_status rml_traffic_load_stored(rml_lake *lake, const rml_str *recording_ids, size_t count,
                                   rml_arena *arena, rml_traffic *traffics, rml_error *err)
{
    return load_many(lake, recording_ids, count, false, arena, traffics, err);
}

rml_status rml_traffic_load(rml_lake *lake, rml_str recording_id, rml_arena *arena,
                            rml_traffic *out, rml_error *err)
{
    return load_many(lake, &recording_id, 1, true, arena, out, err);
}
