// Reads a scenario of the Argoverse 2 motion forecasting dataset: scenario_ID.parquet with the
// tracks and, beside it, log_map_archive_ID.json with the map.
//
// Source: the dataset's own reader, av2-api (av2/datasets/motion_forecasting/data_schema.py and
// av2/map/map_api.py). Positions are in the frame of the city.
#include "argoverse2.h"

#include "roadmill/base/json.h"
#include "roadmill/lake/sql.h"
#include "roadmill/store.h"
#include "roadmill/world/builder.h"

#include <math.h>
#include <string.h>

#define MAP_BYTES_MAX ((size_t)256 << 20)

static const struct {
    const char *name;
    rml_agent_class agent_class;
} classes[] = {
    {"vehicle", RML_AGENT_CAR},           {"bus", RML_AGENT_BUS},
    {"pedestrian", RML_AGENT_PEDESTRIAN}, {"motorcyclist", RML_AGENT_MOTORCYCLE},
    {"cyclist", RML_AGENT_BICYCLE},       {"static", RML_AGENT_STATIC},
    {"construction", RML_AGENT_STATIC},   {"riderless_bicycle", RML_AGENT_STATIC},
};

// What is read of the table, in this order of columns.
enum {
    TRACK_ID,
    OBJECT_TYPE,
    TIMESTEP,
    X,
    Y,
    HEADING,
    VELOCITY_X,
    VELOCITY_Y,
    CITY,
    SCENARIO,
    START,
    END,
    STEPS,
    ROW_NUMBER,
    COLUMNS
};
static const char select_columns[] =
    "SELECT track_id, object_type, CAST(timestep AS BIGINT), CAST(position_x AS DOUBLE), "
    "CAST(position_y AS DOUBLE), CAST(heading AS DOUBLE), CAST(velocity_x AS DOUBLE), "
    "CAST(velocity_y AS DOUBLE), city, scenario_id, CAST(start_timestamp AS DOUBLE), "
    "CAST(end_timestamp AS DOUBLE), CAST(num_timestamps AS BIGINT), file_row_number "
    "FROM read_parquet(%.*s, file_row_number = true) ORDER BY track_id, timestep, file_row_number";

typedef struct reader {
    rml_arena *arena;
    rml_traffic *out;
    rml_traffic_builder builder;
    rml_track track; // at hand; an empty id before the first
    rml_str file;
    rml_store_copies copies;
} reader;

// ---- Tracks ------------------------------------------------------------------------------------

// The step is stated by the ends of the scenario; 0.1 s in all that are published.
static rml_status scenario_facts(reader *r, const rml_batch *batch, rml_error *err)
{
    rml_str city = rml_column_get_str(&batch->columns[CITY], 0);
    double start = rml_column_get_f64(&batch->columns[START], 0);
    double end = rml_column_get_f64(&batch->columns[END], 0);
    int64_t steps = rml_column_get_i64(&batch->columns[STEPS], 0);
    double step_ns = steps > 1 ? round((end - start) / (double)(steps - 1)) : NAN;
    if (!(step_ns >= 1 && step_ns <= 1e12)) {
        return rml_fail(err, RML_ERR_DATA, rml_place_file(r->file), NULL,
                        "expected start, end and number of time stamps to give a time step between "
                        "1 ns and 1000 s, found %g to %g in %lld",
                        start, end, (long long)steps);
    }
    r->out->step_ns = (int64_t)step_ns;
    RML_TRY(rml_copy_str(r->arena, rml_column_get_str(&batch->columns[SCENARIO], 0), &r->out->name,
                         err));
    r->out->place_id = rml_arena_printf(r->arena, "AV2_%.*s", RML_FMT(city));
    return r->out->place_id.data ? RML_OK : rml_fail_memory(err, city.len);
}

static rml_status track_end(reader *r, rml_error *err)
{
    if (r->track.track_id.len == 0) {
        return RML_OK;
    }
    return rml_traffic_builder_track(&r->builder, r->track, rml_place_file(r->file), err);
}

static rml_status track_begin(reader *r, rml_str track_id, rml_str type, rml_error *err)
{
    RML_TRY(track_end(r, err));
    r->track = (rml_track){.causality = RML_CAUSALITY_UNKNOWN,
                           .length_m = NAN,
                           .width_m = NAN,
                           .is_ego = rml_str_equal(track_id, RML_STR("AV"))};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (rml_str_equal(type, rml_str_of(classes[i].name))) {
            r->track.agent_class = classes[i].agent_class;
        }
    }
    RML_TRY(rml_copy_str(r->arena, track_id, &r->track.track_id, err));
    return rml_copy_str(r->arena, type, &r->track.source_class, err);
}

static rml_status row_take(reader *r, const rml_batch *batch, size_t row, rml_error *err)
{
    const rml_column *c = batch->columns;
    uint64_t number = (uint64_t)rml_column_get_i64(&c[ROW_NUMBER], row);
    rml_str track_id = rml_column_get_str(&c[TRACK_ID], row);
    if (track_id.len == 0) {
        return rml_traffic_builder_reject(&r->builder, track_id, number, "it has no track_id", err);
    }
    if (!rml_str_equal(track_id, r->track.track_id)) {
        RML_TRY(track_begin(r, track_id, rml_column_get_str(&c[OBJECT_TYPE], row), err));
    }
    int64_t step = rml_column_get_i64(&c[TIMESTEP], row);
    double x = rml_column_get_f64(&c[X], row), y = rml_column_get_f64(&c[Y], row);
    if (rml_column_is_null(&c[TIMESTEP], row) || step < 0 || step > INT32_MAX) {
        return rml_traffic_builder_reject(&r->builder, track_id, number,
                                          "its timestep is missing or out of range", err);
    }
    if (!isfinite(x) || !isfinite(y)) {
        return rml_traffic_builder_reject(&r->builder, track_id, number,
                                          "its position is missing or not finite", err);
    }
    double vx = rml_column_get_f64(&c[VELOCITY_X], row),
           vy = rml_column_get_f64(&c[VELOCITY_Y], row);
    rml_track_state state = {.t_ns = step * r->out->step_ns,
                             .x_m = x,
                             .y_m = y,
                             .z_m = NAN,
                             .recorded_yaw_rad = rml_column_get_f64(&c[HEADING], row),
                             .recorded_speed_mps = sqrt(vx * vx + vy * vy),
                             .mark = RML_TRACK_MEASURED};
    return rml_traffic_builder_state(&r->builder, &state, track_id, number, err);
}

static rml_status tracks_read(reader *r, rml_sql *sql, rml_error *err)
{
    rml_str path;
    RML_TRY(rml_store_copy(&r->copies, r->file, &path, err));
    rml_str quoted = rml_sql_quote(r->arena, path);
    rml_str query = rml_arena_printf(r->arena, select_columns, RML_FMT(quoted));
    if (!quoted.data || !query.data) {
        return rml_fail_memory(err, r->file.len);
    }
    rml_rows *rows = NULL;
    RML_TRY(rml_sql_query(sql, query, &rows, err));
    const rml_batch *batch;
    rml_status st;
    while ((st = rml_rows_next(rows, &batch, err)) == RML_OK) {
        if (r->out->step_ns == 0 && batch->count > 0) {
            st = scenario_facts(r, batch, err);
        }
        for (size_t i = 0; !st && i < batch->count; i++) {
            st = row_take(r, batch, i, err);
        }
        if (st) {
            break;
        }
    }
    rml_rows_close(rows);
    if (st != RML_END) {
        return st;
    }
    if (r->out->step_ns == 0) {
        return rml_fail(err, RML_ERR_DATA, rml_place_file(r->file), NULL,
                        "expected a scenario with at least one row, found none");
    }
    return track_end(r, err);
}

// ---- Map ---------------------------------------------------------------------------------------

static rml_status map_fail(const reader *r, rml_str file, const rml_json *at, const char *expected,
                           rml_error *err)
{
    (void)r;
    return rml_fail(err, RML_ERR_DATA, rml_place_byte(file, at ? at->at : 0), NULL,
                    "expected %s in a map element, found none", expected);
}

// An id is an integer, or null where there is no neighbour.
static rml_status id_text(reader *r, const rml_json *value, rml_str *out, rml_error *err)
{
    *out = (rml_str){0};
    if (!value || value->kind == RML_JSON_NULL) {
        return RML_OK;
    }
    if (value->kind == RML_JSON_STRING) {
        return rml_copy_str(r->arena, value->string, out, err);
    }
    *out = rml_arena_printf(r->arena, "%lld", (long long)value->integer);
    return out->data ? RML_OK : rml_fail_memory(err, 24);
}

static rml_status id_list(reader *r, const rml_json *list, const rml_str **out, size_t *count,
                          rml_error *err)
{
    *out = NULL;
    *count = list ? list->count : 0;
    if (*count == 0) {
        return RML_OK;
    }
    rml_str *ids = RML_NEW_ARRAY(r->arena, rml_str, *count);
    if (!ids) {
        return rml_fail_memory(err, *count * sizeof *ids);
    }
    size_t i = 0;
    for (const rml_json *item = list->child; item; item = item->next) {
        RML_TRY(id_text(r, item, &ids[i++], err));
    }
    *out = ids;
    return RML_OK;
}

static rml_status polyline(reader *r, rml_str file, const rml_json *element, const char *name,
                           rml_polyline *out, rml_error *err)
{
    const rml_json *list = rml_json_get(element, name);
    *out = (rml_polyline){0};
    if (!list || list->kind != RML_JSON_ARRAY) {
        return map_fail(r, file, element, name, err);
    }
    rml_point2 *points = RML_NEW_ARRAY(r->arena, rml_point2, list->count ? list->count : 1);
    double *heights = RML_NEW_ARRAY(r->arena, double, list->count ? list->count : 1);
    if (!points || !heights) {
        return rml_fail_memory(err, list->count * sizeof *points);
    }
    size_t i = 0;
    for (const rml_json *p = list->child; p; p = p->next, i++) {
        points[i].x_m = rml_json_get_f64(p, "x", NAN);
        points[i].y_m = rml_json_get_f64(p, "y", NAN);
        heights[i] = rml_json_get_f64(p, "z", NAN);
        if (!isfinite(points[i].x_m) || !isfinite(points[i].y_m)) {
            return map_fail(r, file, p, "a point with x and y", err);
        }
    }
    *out = (rml_polyline){points, i, heights};
    return RML_OK;
}

static rml_status lane_read(reader *r, rml_str file, const rml_json *lane, rml_error *err)
{
    rml_map_element e = {.kind = RML_MAP_LANE,
                         .type = rml_json_get_str(lane, "lane_type", RML_STR("")),
                         .speed_limit_mps = NAN};
    RML_TRY(id_text(r, rml_json_get(lane, "id"), &e.id, err));
    RML_TRY(id_text(r, rml_json_get(lane, "left_neighbor_id"), &e.left_id, err));
    RML_TRY(id_text(r, rml_json_get(lane, "right_neighbor_id"), &e.right_id, err));
    RML_TRY(id_list(r, rml_json_get(lane, "successors"), &e.next, &e.next_count, err));
    RML_TRY(id_list(r, rml_json_get(lane, "predecessors"), &e.previous, &e.previous_count, err));
    RML_TRY(polyline(r, file, lane, "left_lane_boundary", &e.left, err));
    RML_TRY(polyline(r, file, lane, "right_lane_boundary", &e.right, err));
    const rml_json *centre = rml_json_get(lane, "centerline");
    if (centre) {
        RML_TRY(polyline(r, file, lane, "centerline", &e.centre, err));
    }
    return rml_traffic_builder_element(&r->builder, e, rml_place_byte(file, lane->at), err);
}

static rml_status crossing_read(reader *r, rml_str file, const rml_json *crossing, rml_error *err)
{
    rml_map_element e = {
        .kind = RML_MAP_CROSSWALK, .type = RML_STR("crosswalk"), .speed_limit_mps = NAN};
    RML_TRY(id_text(r, rml_json_get(crossing, "id"), &e.id, err));
    RML_TRY(polyline(r, file, crossing, "edge1", &e.left, err));
    RML_TRY(polyline(r, file, crossing, "edge2", &e.right, err));
    return rml_traffic_builder_element(&r->builder, e, rml_place_byte(file, crossing->at), err);
}

static rml_status area_read(reader *r, rml_str file, const rml_json *area, rml_error *err)
{
    rml_map_element e = {.kind = RML_MAP_AREA, .type = RML_STR("drivable"), .speed_limit_mps = NAN};
    RML_TRY(id_text(r, rml_json_get(area, "id"), &e.id, err));
    RML_TRY(polyline(r, file, area, "area_boundary", &e.left, err));
    return rml_traffic_builder_element(&r->builder, e, rml_place_byte(file, area->at), err);
}

// The format does not state it, but two lanes are each other's left only across the middle of a
// road: in the published scenarios that rule agrees with the geometry for every pair (80 of 80).
static void neighbour_directions(reader *r)
{
    rml_array *list = &r->builder.elements;
    rml_map_element *elements = list->data;
    for (size_t i = 0; i < list->count; i++) {
        rml_map_element *e = &elements[i];
        e->left_same = e->left_id.len > 0;
        e->right_same = e->right_id.len > 0;
        for (size_t k = 0; k < list->count && e->kind == RML_MAP_LANE; k++) {
            const rml_map_element *other = &elements[k];
            if (other->kind != RML_MAP_LANE) {
                continue;
            }
            if (rml_str_equal(other->id, e->left_id) && rml_str_equal(other->left_id, e->id)) {
                e->left_same = false;
            }
            if (rml_str_equal(other->id, e->right_id) && rml_str_equal(other->right_id, e->id)) {
                e->right_same = false;
            }
        }
    }
}

// One row is one kind of element in the map file.
static const struct {
    const char *name;
    rml_status (*read)(reader *r, rml_str file, const rml_json *element, rml_error *err);
} map_kinds[] = {
    {"lane_segments", lane_read},
    {"pedestrian_crossings", crossing_read},
    {"drivable_areas", area_read},
};

static rml_status map_path(rml_str path, rml_arena *arena, rml_str *out, rml_error *err)
{
    rml_str name = rml_path_name(path), folder = rml_path_folder(path);
    rml_str id = {name.data + strlen("scenario_"),
                  name.len - strlen("scenario_") - strlen(".parquet")};
    rml_str map = rml_arena_printf(arena, "log_map_archive_%.*s.json", RML_FMT(id));
    *out = map.data ? rml_path_join(arena, folder, map) : map;
    return out->data ? RML_OK : rml_fail_memory(err, path.len);
}

static rml_status map_read(reader *r, rml_str path, rml_error *err)
{
    rml_str file;
    rml_buffer text = {0};
    RML_TRY(map_path(path, r->arena, &file, err));
    r->out->map_uri = file;
    rml_status st = rml_store_get(file, MAP_BYTES_MAX, &text, err);
    if (st) {
        goto done;
    }
    const rml_json *root;
    st = rml_json_parse(r->arena, rml_buffer_text(&text), file, &root, err);
    for (size_t i = 0; !st && i < sizeof map_kinds / sizeof map_kinds[0]; i++) {
        const rml_json *kind = rml_json_get(root, map_kinds[i].name);
        for (const rml_json *e = kind ? kind->child : NULL; !st && e; e = e->next) {
            st = map_kinds[i].read(r, file, e, err);
        }
    }
done:
    rml_buffer_reset(&text);
    return st;
}

bool rml_argoverse2_recognise(rml_str path, rml_bytes head)
{
    rml_str name = rml_path_name(path);
    return head.len >= 4 && memcmp(head.data, "PAR1", 4) == 0 &&
           rml_str_starts(name, RML_STR("scenario_")) && rml_str_ends(name, RML_STR(".parquet"));
}

rml_status rml_argoverse2_read(rml_str path, rml_arena *arena, rml_traffic *out, rml_error *err)
{
    *out = (rml_traffic){.source = RML_STR("argoverse2"),
                         .origin = {.latitude_deg = NAN, .longitude_deg = NAN, .height_m = NAN}};
    reader r = {.arena = arena, .out = out};
    rml_sql *sql = NULL;
    rml_traffic_builder_init(&r.builder, arena);
    rml_status st = rml_copy_str(arena, path, &r.file, err);
    if (st) {
        goto done;
    }
    out->uri = r.file;
    st = rml_sql_open(&sql, err);
    if (st) {
        goto done;
    }
    st = tracks_read(&r, sql, err);
    if (st) {
        goto done;
    }
    st = map_read(&r, r.file, err);
    if (st) {
        goto done;
    }
    neighbour_directions(&r);
    st = rml_traffic_builder_finish(&r.builder, out, err);
done:
    rml_sql_close(sql);
    rml_store_copies_close(&r.copies);
    rml_traffic_builder_reset(&r.builder);
    return st;
}
