// Anybody's predictions: the table `predictions` as Parquet, read by DuckDB and written by us.
// Columns, frames and rules: docs/evaluation.md, "Predictions of others".
#include <math.h>
#include <string.h>

#include "roadmill/codec.h"
#include "roadmill/eval.h"
#include "roadmill/lake/sql.h"
#include "roadmill/parquet.h"
#include "roadmill/store.h"

#define MODES_MAX 64
#define NAMED_MAX 5 // missing scenes named in an error
#define REMEDY "docs/evaluation.md tells the columns of a predictions file"

// ---- Writing -----------------------------------------------------------------------------------

typedef struct prediction_row {
    rml_str model, track_id;
    char scene_id[RML_HASH_TEXT];
    int32_t mode;
    int64_t t_ns;
    double probability, x, y;
} prediction_row;

static const rml_field fields[] = {
    RML_COLUMN(prediction_row, model, STR, RML_REQUIRED),
    RML_COLUMN(prediction_row, scene_id, ID, RML_REQUIRED),
    RML_COLUMN(prediction_row, track_id, STR, RML_REQUIRED),
    RML_COLUMN(prediction_row, mode, I32, RML_REQUIRED),
    RML_COLUMN(prediction_row, probability, F64, RML_REQUIRED),
    RML_COLUMN(prediction_row, t_ns, I64, RML_REQUIRED),
    RML_COLUMN(prediction_row, x, F64, RML_REQUIRED),
    RML_COLUMN(prediction_row, y, F64, RML_REQUIRED),
};
#define ROWS_AT_ONCE 65536

static rml_status append_point(rml_batch *b, rml_str model, const rml_scene_row *row, uint32_t mode,
                               double probability, int64_t t_ns, const float *xy, rml_error *err)
{
    prediction_row out = {.model = model,
                          .track_id = row->track_id,
                          .mode = (int32_t)mode,
                          .t_ns = t_ns,
                          .probability = probability};
    memcpy(out.scene_id, row->scene_id, sizeof out.scene_id);
    rml_pose2_apply(&row->map_from_scene, (double)xy[0], (double)xy[1], &out.x, &out.y);
    return rml_row_append(b, &out, err);
}

rml_status rml_predictions_write(const char *path, const rml_dataset *d, rml_split split,
                                 rml_str model, const rml_forecast *f, rml_error *err)
{
    rml_batch batch = {0};
    rml_parquet_writer *writer = NULL;
    rml_parquet_result result;
    rml_schema schema = RML_TABLE(fields);
    rml_status st = rml_batch_init(&batch, schema, err);
    st = st ? st : rml_parquet_open(path, schema, NULL, &writer, err);
    const rml_dataset_scene *scenes = rml_dataset_scenes(d, split);
    for (size_t i = 0; st == RML_OK && i < f->count; i++) {
        for (uint32_t k = 0; st == RML_OK && k < f->modes * f->steps; k++) {
            uint32_t mode = k / f->steps, step = k % f->steps;
            int64_t t_ns = scenes[i].row.t0_ns + (step + 1) * rml_dataset_step_ns(d);
            st = append_point(&batch, model, &scenes[i].row, mode,
                              (double)f->probability[i * f->modes + mode], t_ns,
                              f->xy + 2 * (i * f->modes * f->steps + k), err);
        }
        if (st == RML_OK && (batch.count >= ROWS_AT_ONCE || i + 1 == f->count)) {
            st = rml_parquet_write(writer, &batch, err);
            rml_batch_clear(&batch);
        }
    }
    st = st ? st : rml_parquet_commit(writer, &result, err);
    rml_parquet_close(writer);
    rml_batch_reset(&batch);
    return st;
}

// ---- Reading -----------------------------------------------------------------------------------

typedef struct reading {
    const char *path;
    const rml_dataset *d;
    rml_split split;
    rml_arena arena;
    rml_sql *sql;
    rml_store_copies copies;
    rml_str from; // read_parquet('...')
    bool has_frame, has_track, has_probability;
    uint32_t modes, steps;
    rml_forecast *out;
    uint32_t *points;     // [scenes * modes] how many steps a mode has so far
    int64_t *mode_id;     // [scenes * modes] the number that the file gives it
    uint32_t *mode_count; // [scenes]
} reading;

static rml_status open_file(reading *r, rml_error *err)
{
    static const char *const needed[] = {"scene_id", "mode", "t_ns", "x", "y"};
    rml_rows *rows = NULL;
    rml_str local;
    RML_TRY(rml_store_copy(&r->copies, rml_str_of(r->path), &local, err));
    r->from = rml_arena_printf(&r->arena, "read_parquet(%s)", rml_sql_quote(&r->arena, local).data);
    rml_str text = rml_arena_printf(&r->arena, "SELECT * FROM %s LIMIT 0", r->from.data);
    if (text.data == NULL) {
        return rml_fail_memory(err, strlen(r->path));
    }
    RML_TRY(rml_sql_open(&r->sql, err));
    RML_TRY(rml_sql_query(r->sql, text, &rows, err));
    rml_schema schema = rml_rows_schema(rows);
    const char *missing = NULL;
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (rml_schema_find(schema, rml_str_of(needed[i])) == schema.count) {
            missing = needed[i];
        }
    }
    r->has_frame = rml_schema_find(schema, RML_STR("frame")) < schema.count;
    r->has_track = rml_schema_find(schema, RML_STR("track_id")) < schema.count;
    r->has_probability = rml_schema_find(schema, RML_STR("probability")) < schema.count;
    rml_rows_close(rows);
    if (missing != NULL) {
        return rml_fail(err, RML_ERR_DATA, rml_place_file(rml_str_of(r->path)), REMEDY,
                        "expected columns scene_id, mode, t_ns, x, y, found no %s", missing);
    }
    return RML_OK;
}

// One number from a query.
static rml_status ask_i64(reading *r, const char *select, int64_t *out, rml_error *err)
{
    rml_rows *rows = NULL;
    rml_batch batch = {0};
    rml_str text = rml_arena_printf(&r->arena, "%s FROM %s", select, r->from.data);
    rml_status st =
        text.data ? rml_sql_query(r->sql, text, &rows, err) : rml_fail_memory(err, strlen(select));
    st = st ? st : rml_rows_all(rows, 1, &batch, err);
    if (st == RML_OK && batch.count == 1) {
        *out = rml_column_get_i64(&batch.columns[0], 0);
    }
    rml_batch_reset(&batch);
    rml_rows_close(rows);
    return st;
}

static rml_status size_up(reading *r, rml_error *err)
{
    int64_t modes = 0, stated = 0;
    rml_str text = rml_arena_printf(&r->arena,
                                    "SELECT max(n)::BIGINT FROM (SELECT count(DISTINCT mode) AS n "
                                    "FROM %s GROUP BY scene_id)",
                                    r->from.data);
    rml_str from = r->from;
    if (text.data == NULL) {
        return rml_fail_memory(err, from.len);
    }
    rml_rows *rows = NULL;
    rml_batch batch = {0};
    rml_status st = rml_sql_query(r->sql, text, &rows, err);
    st = st ? st : rml_rows_all(rows, 1, &batch, err);
    if (st == RML_OK && batch.count == 1) {
        modes = rml_column_get_i64(&batch.columns[0], 0);
    }
    rml_batch_reset(&batch);
    rml_rows_close(rows);
    RML_TRY(st);
    if (r->has_probability) {
        RML_TRY(ask_i64(r, "SELECT count(probability)::BIGINT", &stated, err));
        r->has_probability = stated > 0;
    }
    if (modes < 1 || modes > MODES_MAX) {
        return rml_fail(err, modes < 1 ? RML_ERR_DATA : RML_ERR_LIMIT,
                        rml_place_file(rml_str_of(r->path)), REMEDY,
                        "expected 1 to %d modes a scene, found %lld", MODES_MAX, (long long)modes);
    }
    r->modes = (uint32_t)modes;
    r->steps = rml_dataset_scene_spec(r->d)->future;
    size_t n = rml_dataset_count(r->d, r->split);
    RML_TRY(rml_forecast_make(r->out, n, r->modes, r->steps, err));
    r->points = RML_NEW_ARRAY(&r->arena, uint32_t, n * r->modes + 1);
    r->mode_id = RML_NEW_ARRAY(&r->arena, int64_t, n * r->modes + 1);
    r->mode_count = RML_NEW_ARRAY(&r->arena, uint32_t, n + 1);
    return r->points && r->mode_id && r->mode_count ? RML_OK
                                                    : rml_fail_memory(err, n * r->modes * 12);
}

static rml_status refuse(const reading *r, const rml_scene_row *row, rml_error *err,
                         const char *expected, double found)
{
    return rml_fail(err, RML_ERR_DATA, rml_place_file(rml_str_of(r->path)), REMEDY,
                    "scene %.12s: expected %s, found %.17g", row->scene_id, expected, found);
}

// Columns of a row: scene_id, mode, probability, t_ns, x, y, frame, track_id.
static rml_status take_row(reading *r, const rml_batch *b, size_t at, rml_error *err)
{
    rml_split split;
    size_t i;
    if (!rml_dataset_find(r->d, rml_column_get_str(&b->columns[0], at), &split, &i) ||
        split != r->split) {
        return RML_OK; // predictions for another split, or another version's scenes
    }
    const rml_scene_row *row = &rml_dataset_scenes(r->d, split)[i].row;
    rml_str track = rml_column_get_str(&b->columns[7], at);
    if (track.len > 0 && !rml_str_equal(track, row->track_id)) {
        return RML_OK; // another agent of the scene
    }
    int64_t mode_id = rml_column_get_i64(&b->columns[1], at);
    int64_t ahead = rml_column_get_i64(&b->columns[3], at) - row->t0_ns;
    int64_t step_ns = rml_dataset_step_ns(r->d), step = ahead / step_ns - 1;
    if (ahead % step_ns != 0 || step < 0 || step >= (int64_t)r->steps) {
        return refuse(r, row, err, "t_ns at t0 and a whole number of steps inside the future",
                      (double)ahead * 1e-9);
    }
    // Rows come by scene, mode and time, so the mode is the last one or a new one.
    uint32_t *count = &r->mode_count[i];
    if (*count == 0 || r->mode_id[i * r->modes + *count - 1] != mode_id) {
        r->mode_id[i * r->modes + (*count)++] = mode_id;
    }
    size_t m = i * r->modes + *count - 1;
    double x = rml_column_get_f64(&b->columns[4], at), y = rml_column_get_f64(&b->columns[5], at);
    if (!isfinite(x) || !isfinite(y)) {
        return refuse(r, row, err, "finite x and y", x + y);
    }
    rml_str frame = rml_column_get_str(&b->columns[6], at);
    if (rml_str_equal(frame, RML_STR("map"))) {
        rml_pose2_inverse_apply(&row->map_from_scene, x, y, &x, &y);
    } else if (!rml_str_equal(frame, RML_STR("scene"))) {
        return refuse(r, row, err, "frame \"map\" or \"scene\"", (double)frame.len);
    }
    if (r->points[m] != (uint32_t)step) {
        return refuse(r, row, err, "each mode to have each step once; next step ahead in seconds",
                      (double)ahead * 1e-9);
    }
    r->points[m]++;
    float *to = r->out->xy + 2 * (m * r->steps + (size_t)step);
    to[0] = (float)x;
    to[1] = (float)y;
    double p = r->has_probability ? rml_column_get_f64(&b->columns[2], at) : 0;
    if (!(p >= 0 && p <= 1)) {
        return refuse(r, row, err, "a probability from 0 to 1", p);
    }
    r->out->probability[m] = (float)p;
    return RML_OK;
}

static rml_status take_rows(reading *r, rml_error *err)
{
    rml_rows *rows = NULL;
    const rml_batch *batch;
    rml_str text = rml_arena_printf(
        &r->arena,
        "SELECT scene_id::VARCHAR, mode::BIGINT, %s::DOUBLE, t_ns::BIGINT, x::DOUBLE, y::DOUBLE, "
        "%s::VARCHAR, %s::VARCHAR FROM %s ORDER BY 1, 2, 4",
        r->has_probability ? "probability" : "NULL",
        r->has_frame ? "coalesce(frame, 'map')" : "'map'", r->has_track ? "track_id" : "NULL",
        r->from.data);
    if (text.data == NULL) {
        return rml_fail_memory(err, r->from.len);
    }
    rml_status st = rml_sql_query(r->sql, text, &rows, err);
    while (st == RML_OK && (st = rml_rows_next(rows, &batch, err)) == RML_OK) {
        for (size_t at = 0; st == RML_OK && at < batch->count; at++) {
            st = take_row(r, batch, at, err);
        }
    }
    rml_rows_close(rows);
    return st == RML_END ? RML_OK : st;
}

static rml_status name_missing(const reading *r, size_t n, rml_error *err)
{
    size_t missing = 0;
    rml_buffer names = {0};
    rml_status st = RML_OK;
    for (size_t i = 0; i < n; i++) {
        if (r->mode_count[i] == 0) {
            const char *id = rml_dataset_scenes(r->d, r->split)[i].row.scene_id;
            if (missing < NAMED_MAX && st == RML_OK) {
                st = rml_buffer_printf(&names, err, "%s%.12s", missing > 0 ? ", " : "", id);
            }
            missing++;
        }
    }
    if (st == RML_OK && missing > 0) {
        st = rml_fail(err, RML_ERR_MISSING, rml_place_file(rml_str_of(r->path)), REMEDY,
                      "expected predictions for all %zu scenes of %s, found none for %zu: %.*s%s",
                      n, rml_split_name(r->split), missing, RML_FMT(rml_buffer_text(&names)),
                      missing > NAMED_MAX ? ", ..." : "");
    }
    rml_buffer_reset(&names);
    return st;
}

// Whole modes, probabilities that sum to one; scenes with fewer modes are filled up with copies of
// probability zero, which change no metric.
static rml_status complete(reading *r, rml_error *err)
{
    size_t n = rml_dataset_count(r->d, r->split), path = 2 * (size_t)r->steps;
    RML_TRY(name_missing(r, n, err));
    for (size_t i = 0; i < n; i++) {
        const rml_scene_row *row = &rml_dataset_scenes(r->d, r->split)[i].row;
        float *probability = r->out->probability + i * r->modes;
        float *xy = r->out->xy + i * r->modes * path;
        double sum = 0;
        for (uint32_t m = 0; m < r->mode_count[i]; m++) {
            if (r->points[i * r->modes + m] != r->steps) {
                return refuse(r, row, err, "as many points in each mode as the future has steps",
                              r->points[i * r->modes + m]);
            }
            if (!r->has_probability) {
                probability[m] = 1.0f / (float)r->mode_count[i];
            }
            sum += (double)probability[m];
        }
        if (fabs(sum - 1) > 0.01) {
            return refuse(r, row, err, "probabilities that sum to 1", sum);
        }
        for (uint32_t m = r->mode_count[i]; m < r->modes; m++) {
            memcpy(xy + m * path, xy, path * sizeof *xy);
            probability[m] = 0;
        }
    }
    return RML_OK;
}

rml_status rml_predictions_read(const char *path, const rml_dataset *d, rml_split split,
                                rml_forecast *out, bool *has_probability, rml_hash *hash,
                                rml_error *err)
{
    *out = (rml_forecast){0};
    reading r = {.path = path, .d = d, .split = split, .out = out};
    rml_object map = {0};
    rml_status st = rml_object_open(&map, rml_str_of(path), err);
    st = st ? st : rml_sha256(map.bytes.data, map.bytes.len, hash);
    rml_object_close(&map);
    st = st ? st : open_file(&r, err);
    st = st ? st : size_up(&r, err);
    st = st ? st : take_rows(&r, err);
    st = st ? st : complete(&r, err);
    rml_sql_close(r.sql);
    rml_store_copies_close(&r.copies);
    rml_arena_reset(&r.arena);
    *has_probability = r.has_probability;
    if (st) {
        rml_forecast_free(out);
        *out = (rml_forecast){0};
    }
    return st;
}
