// Which recordings have traffic, and how much of it, without loading any.
#include "roadmill/drive.h"

#include "ego_track.h"
#include "roadmill/world/builder.h"

static rml_status has_table(rml_lake *lake, const char *name, bool *out, rml_error *err)
{
    rml_lake_table table;
    rml_status st = rml_lake_table_get(lake, name, &table, err);
    *out = st == RML_OK;
    return st == RML_ERR_MISSING ? RML_OK : st; // no table yet: nothing was made
}

typedef rml_status row_taker(rml_arena *arena, rml_array *items, const rml_column *c, size_t row,
                             rml_error *err);

static rml_status each_row(rml_lake *lake, rml_str sql, row_taker *take, rml_arena *arena,
                           rml_array *items, rml_error *err)
{
    rml_rows *rows = NULL;
    const rml_batch *batch;
    rml_status st;
    RML_TRY(sql.data != NULL ? rml_lake_sql(lake, sql, &rows, err) : rml_fail_memory(err, 1024));
    while ((st = rml_rows_next(rows, &batch, err)) == RML_OK) {
        for (size_t i = 0; !st && i < batch->count; i++) {
            st = take(arena, items, batch->columns, i, err);
        }
        if (st) {
            break;
        }
    }
    rml_rows_close(rows);
    return st == RML_END ? RML_OK : st;
}

static rml_status id_take(rml_arena *arena, rml_array *ids, const rml_column *c, size_t row,
                          rml_error *err)
{
    rml_str *id = rml_array_push(ids, err);
    return id ? rml_copy_str(arena, rml_column_get_str(&c[0], row), id, err) : RML_ERR_MEMORY;
}

rml_status rml_traffic_list(rml_lake *lake, rml_arena *arena, rml_array *ids, rml_error *err)
{
    bool tracks, ego;
    RML_TRY(has_table(lake, "tracks", &tracks, err));
    RML_TRY(has_table(lake, "ego", &ego, err));
    if (!tracks && !ego) {
        return RML_OK;
    }
    rml_str sql = rml_arena_printf(arena, "%s%s%s ORDER BY recording_id",
                                   tracks ? "SELECT DISTINCT recording_id FROM tracks" : "",
                                   tracks && ego ? " UNION " : "",
                                   ego ? "SELECT DISTINCT recording_id FROM ego" : "");
    return each_row(lake, sql, id_take, arena, ids, err);
}

static rml_status size_take(rml_arena *arena, rml_array *sizes, const rml_column *c, size_t row,
                            rml_error *err)
{
    rml_traffic_size *size = rml_array_push(sizes, err);
    if (size == NULL) {
        return RML_ERR_MEMORY;
    }
    size->tracks = (uint64_t)rml_column_get_i64(&c[1], row);
    size->states = (uint64_t)rml_column_get_i64(&c[2], row);
    size->is_point = rml_column_get_i64(&c[3], row) != 0;
    return rml_copy_str(arena, rml_column_get_str(&c[0], row), &size->recording_id, err);
}

// As rml_ego_tracks_join joins them: rows of `ego` count where no object is the ego vehicle.
rml_status rml_traffic_sizes(rml_lake *lake, rml_arena *arena, rml_array *sizes, rml_error *err)
{
    static const char of_tracks[] =
        "SELECT recording_id, count(DISTINCT track_id) AS n, count(*) AS states, bool_or(is_ego) "
        "AS has_ego FROM tracks GROUP BY recording_id";
    static const char no_tracks[] = "SELECT '' AS recording_id, 0 AS n, 0 AS states, false AS "
                                    "has_ego WHERE false";
    static const char no_ego[] =
        "SELECT '' AS recording_id, 0 AS n, 0 AS states, false AS point WHERE false";
    bool tracks, ego;
    const char *size = "";
    RML_TRY(has_table(lake, "tracks", &tracks, err));
    RML_TRY(has_table(lake, "ego", &ego, err));
    RML_TRY(ego ? rml_ego_size_columns(lake, &size, err) : RML_OK);
    rml_str of_ego = rml_arena_printf(
        arena,
        "SELECT recording_id, count(DISTINCT frame) AS n, count(*) AS states, count(length_m + "
        "width_m + axle_to_centre_m) = 0 AS point FROM (SELECT recording_id, frame, %s FROM ego) "
        "GROUP BY recording_id",
        size);
    rml_str sql = rml_arena_printf(
        arena,
        "WITH t AS (%s), e AS (%s) SELECT coalesce(t.recording_id, e.recording_id) AS id, "
        "(coalesce(t.n, 0) + CASE WHEN coalesce(t.has_ego, false) THEN 0 ELSE coalesce(e.n, 0) "
        "END)::BIGINT, (coalesce(t.states, 0) + CASE WHEN coalesce(t.has_ego, false) THEN 0 ELSE "
        "coalesce(e.states, 0) END)::BIGINT, (NOT coalesce(t.has_ego, false) AND coalesce(e.point, "
        "false))::INTEGER FROM t FULL JOIN e ON t.recording_id = e.recording_id ORDER BY id",
        tracks ? of_tracks : no_tracks, ego ? of_ego.data : no_ego);
    return each_row(lake, sql, size_take, arena, sizes, err);
}
