// A recording's rows of `ego` become tracks: drive.h tells which, and on which clock.
#include "ego_track.h"

#include <math.h>

#include "roadmill/math.h"
#include "roadmill/world/builder.h"
#include "roadmill/world/ego.h"

enum {
    E_RECORDING,
    E_TIME,
    E_DRIVE,
    E_FRAME,
    E_PLACE,
    E_X,
    E_Y,
    E_Z,
    E_YAW,
    E_VX,
    E_VY,
    E_LENGTH,
    E_WIDTH,
    E_AXLE_TO_CENTRE
};

// A run of rows in one frame, of one vehicle.
typedef struct ego_run {
    rml_str frame;
    double length_m, width_m, axle_to_centre_m;
    size_t first; // of its states
} ego_run;

typedef struct joiner {
    rml_arena *arena;
    bool on_grid;
    rml_traffic *traffic; // of the recording at hand; NULL before the first
    bool passed_over;     // its ego is an object of `tracks`
    bool stays;           // its states stay at the times of the rows
    rml_str drive_id, place_id;
    rml_array states; // rml_track_state of the recording at hand
    rml_array runs;   // ego_run
    rml_array tracks; // rml_track, those that are joined
    rml_array times;  // int64_t
} joiner;

rml_status rml_ego_size_columns(rml_lake *lake, const char **columns, rml_error *err)
{
    const rml_lake_read none = {.table = "ego", .where = "false"};
    rml_rows *rows = NULL;
    RML_TRY(rml_lake_select(lake, &none, &rows, err));
    rml_schema schema = rml_rows_schema(rows);
    bool there = rml_schema_find(schema, RML_STR("axle_to_centre_m")) < schema.count;
    rml_rows_close(rows);
    *columns = there ? "length_m, width_m, axle_to_centre_m"
                     : "CAST(NULL AS DOUBLE) AS length_m, CAST(NULL AS DOUBLE) AS width_m, "
                       "CAST(NULL AS DOUBLE) AS axle_to_centre_m";
    return RML_OK;
}

// ---- Rows --------------------------------------------------------------------------------------

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

// Frames of ROS 1 may begin with "/", which says nothing.
static rml_str frame_name(rml_str frame)
{
    bool slash = frame.len > 0 && frame.data[0] == '/';
    return slash ? (rml_str){frame.data + 1, frame.len - 1} : frame;
}

static rml_status run_begin(joiner *j, const ego_run *next, rml_error *err)
{
    const ego_run *now = j->runs.count > 0 ? RML_AT(&j->runs, ego_run, j->runs.count - 1) : NULL;
    if (now != NULL && rml_str_equal(now->frame, next->frame) &&
        same_number(now->length_m, next->length_m) && same_number(now->width_m, next->width_m) &&
        same_number(now->axle_to_centre_m, next->axle_to_centre_m)) {
        return RML_OK;
    }
    ego_run *run = rml_array_push(&j->runs, err);
    if (run == NULL) {
        return RML_ERR_MEMORY;
    }
    *run = *next;
    run->first = j->states.count;
    return rml_copy_str(j->arena, next->frame, &run->frame, err);
}

static rml_status row_take(joiner *j, const rml_column *c, size_t row, rml_error *err)
{
    const ego_run run = {
        .frame = frame_name(rml_column_get_str(&c[E_FRAME], row)),
        .length_m = rml_column_get_f64(&c[E_LENGTH], row),
        .width_m = rml_column_get_f64(&c[E_WIDTH], row),
        .axle_to_centre_m = rml_column_get_f64(&c[E_AXLE_TO_CENTRE], row),
    };
    RML_TRY(run_begin(j, &run, err));
    rml_track_state *state = rml_array_push(&j->states, err);
    if (state == NULL) {
        return RML_ERR_MEMORY;
    }
    double vx = rml_column_get_f64(&c[E_VX], row), vy = rml_column_get_f64(&c[E_VY], row);
    *state = (rml_track_state){
        .t_ns = rml_column_get_i64(&c[E_TIME], row),
        .x_m = rml_column_get_f64(&c[E_X], row),
        .y_m = rml_column_get_f64(&c[E_Y], row),
        .z_m = rml_column_get_f64(&c[E_Z], row),
        .recorded_yaw_rad = rml_column_get_f64(&c[E_YAW], row),
        .recorded_speed_mps = isnan(vy) ? fabs(vx) : rml_f64_hypot(vx, vy),
        .mark = RML_TRACK_MEASURED,
    };
    return RML_OK;
}

// ---- Tracks ------------------------------------------------------------------------------------

// "ego", or the first of "ego_2", "ego_3", ... that no other track has.
static rml_status name_track(joiner *j, rml_str *out, rml_error *err)
{
    *out = RML_STR("ego");
    size_t taken = 0;
    for (size_t number = 2; taken < j->tracks.count; number++) {
        for (taken = 0; taken < j->tracks.count; taken++) {
            if (rml_str_equal(RML_AT(&j->tracks, rml_track, taken)->track_id, *out)) {
                break;
            }
        }
        if (taken < j->tracks.count) {
            *out = rml_arena_printf(j->arena, "ego_%zu", number);
        }
        if (out->data == NULL) {
            return rml_fail_memory(err, 32);
        }
    }
    return RML_OK;
}

// The instants of the grid: those of the objects, or of its own.
static rml_status make_times(joiner *j, const rml_track *track, rml_error *err)
{
    rml_array_clear(&j->times);
    return j->traffic->track_count > 0 ? rml_traffic_times(j->traffic, &j->times, err)
                                       : rml_ego_grid(track, j->traffic->step_ns, &j->times, err);
}

static rml_status run_end(joiner *j, const ego_run *run, size_t count, rml_error *err)
{
    rml_traffic *t = j->traffic;
    rml_track_state *states = RML_AT(&j->states, rml_track_state, run->first);
    bool known =
        isfinite(run->length_m) && isfinite(run->width_m) && isfinite(run->axle_to_centre_m);
    if (known) {
        count = rml_track_states_forward(states, count, run->axle_to_centre_m);
    }
    rml_track track = {
        .length_m = known ? run->length_m : NAN,
        .width_m = known ? run->width_m : NAN,
        .is_ego = true,
        .is_point = !known,
        .is_apart =
            t->track_count > 0 && !rml_str_equal(frame_name(t->origin.reference), run->frame),
        .states = states,
        .count = count,
    };
    RML_TRY(name_track(j, &track.track_id, err));
    if (!j->stays) {
        RML_TRY(make_times(j, &track, err));
        RML_TRY(rml_track_at_times(&track, j->times.data, j->times.count, t->step_ns, j->arena,
                                   &track, err));
    } else {
        const rml_array own = {.data = states, .count = count, .item_size = sizeof *states};
        const void *copy;
        RML_TRY(rml_copy_array(j->arena, &own, &copy, err));
        track.states = copy;
    }
    if (track.count == 0) {
        return RML_OK; // no instant of the grid has a row near enough, or no row a yaw
    }
    rml_track *item = rml_array_push(&j->tracks, err);
    if (item == NULL) {
        return RML_ERR_MEMORY;
    }
    *item = track;
    return RML_OK;
}

static int compare_tracks(const void *a, const void *b, void *context)
{
    (void)context;
    return rml_str_compare(((const rml_track *)a)->track_id, ((const rml_track *)b)->track_id);
}

// The step of a traffic that is nothing but its ego.
static rml_status step_alone(joiner *j, rml_error *err)
{
    int64_t median_ns;
    int64_t *times = rml_array_push_many(&j->times, j->states.count, err);
    if (times == NULL) {
        return RML_ERR_MEMORY;
    }
    for (size_t i = 0; i < j->states.count; i++) {
        times[i] = RML_AT(&j->states, rml_track_state, i)->t_ns;
    }
    RML_TRY(rml_clock_step(&j->times, &median_ns, err));
    bool interpolates;
    int64_t step_ns = rml_ego_step(median_ns, &interpolates);
    j->stays = !j->on_grid || !interpolates;
    j->traffic->step_ns = j->on_grid ? step_ns : median_ns;
    return RML_OK;
}

static rml_status recording_end(joiner *j, rml_error *err)
{
    rml_traffic *t = j->traffic;
    if (t == NULL || j->passed_over || j->states.count == 0) {
        return RML_OK;
    }
    rml_array_clear(&j->times);
    rml_array_clear(&j->tracks);
    j->stays = !j->on_grid;
    if (t->track_count == 0) {
        t->drive_id = j->drive_id;
        t->place_id = j->place_id;
        t->source = RML_STR("ego");
        RML_TRY(step_alone(j, err));
    }
    rml_track *others = rml_array_push_many(&j->tracks, t->track_count, err);
    if (t->track_count > 0 && others == NULL) {
        return RML_ERR_MEMORY;
    }
    for (size_t i = 0; i < t->track_count; i++) {
        others[i] = t->tracks[i];
    }
    for (size_t i = 0; i < j->runs.count; i++) {
        const ego_run *run = RML_AT(&j->runs, ego_run, i);
        bool last = i + 1 == j->runs.count;
        size_t end = last ? j->states.count : RML_AT(&j->runs, ego_run, i + 1)->first;
        RML_TRY(run_end(j, run, end - run->first, err));
    }
    const void *tracks;
    RML_TRY(rml_array_sort(&j->tracks, compare_tracks, NULL, err));
    RML_TRY(rml_copy_array(j->arena, &j->tracks, &tracks, err));
    t->ego_of_rows = j->tracks.count > t->track_count;
    t->tracks = tracks;
    t->track_count = j->tracks.count;
    return RML_OK;
}

static rml_status recording_begin(joiner *j, rml_traffic *traffic, const rml_column *c, size_t row,
                                  rml_error *err)
{
    j->traffic = traffic;
    j->passed_over = false;
    for (size_t i = 0; i < traffic->track_count; i++) {
        j->passed_over = j->passed_over || traffic->tracks[i].is_ego;
    }
    rml_array_clear(&j->states);
    rml_array_clear(&j->runs);
    RML_TRY(rml_copy_str(j->arena, rml_column_get_str(&c[E_DRIVE], row), &j->drive_id, err));
    return rml_copy_str(j->arena, rml_column_get_str(&c[E_PLACE], row), &j->place_id, err);
}

// ---- The whole ---------------------------------------------------------------------------------

static rml_status rows_take(joiner *j, rml_rows *rows, const rml_map *index, rml_traffic *traffics,
                            rml_error *err)
{
    const rml_batch *batch;
    rml_status st;
    while ((st = rml_rows_next(rows, &batch, err)) == RML_OK) {
        const rml_column *c = batch->columns;
        for (size_t i = 0; i < batch->count; i++) {
            rml_str id = rml_column_get_str(&c[E_RECORDING], i);
            uint64_t at;
            if (j->traffic == NULL || !rml_str_equal(id, j->traffic->recording_id)) {
                if (!rml_map_get(index, id, &at)) {
                    continue;
                }
                RML_TRY(recording_end(j, err));
                RML_TRY(recording_begin(j, &traffics[at], c, i, err));
            }
            RML_TRY(j->passed_over ? RML_OK : row_take(j, c, i, err));
        }
    }
    return st == RML_END ? recording_end(j, err) : st;
}

rml_status rml_ego_tracks_join(rml_lake *lake, const rml_str *ids, size_t count,
                               const rml_map *index, bool on_grid, rml_arena *arena,
                               rml_traffic *traffics, rml_error *err)
{
    const char *size;
    rml_rows *rows = NULL;
    rml_status st = rml_ego_size_columns(lake, &size, err);
    if (st == RML_ERR_MISSING) {
        return RML_OK; // no table: no recording has an ego
    }
    RML_TRY(st);
    rml_str columns = rml_arena_printf(arena,
                                       "recording_id, t_ns, drive_id, frame, place_id, x_m, y_m, "
                                       "z_m, yaw_rad, vx_mps, vy_mps, %s",
                                       size);
    if (columns.data == NULL) {
        return rml_fail_memory(err, 256);
    }
    const rml_lake_read query = {.table = "ego",
                                 .columns = columns.data,
                                 .order = "recording_id, t_ns",
                                 .owners = ids,
                                 .owner_count = count};
    RML_TRY(rml_lake_select(lake, &query, &rows, err));
    joiner j = {.arena = arena,
                .on_grid = on_grid,
                .states = RML_ARRAY(rml_track_state),
                .runs = RML_ARRAY(ego_run),
                .tracks = RML_ARRAY(rml_track),
                .times = RML_ARRAY(int64_t)};
    st = rows_take(&j, rows, index, traffics, err);
    rml_rows_close(rows);
    rml_array_reset(&j.states);
    rml_array_reset(&j.runs);
    rml_array_reset(&j.tracks);
    rml_array_reset(&j.times);
    return st;
}
