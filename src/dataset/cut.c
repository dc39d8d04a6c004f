// Pass 2 of making a version: cuts the chosen windows into shards and scenes.parquet.
//
// Scenes come by split, recording, track and time. Tiles are scenes and each writes its own slot of
// the shard in memory, so the bytes are the same at any number of threads.
#include <string.h>

#include "roadmill/codec.h"
#include "roadmill/dataset/shard.h"
#include "roadmill/parquet.h"
#include "version.h"

#define ROWS_AT_ONCE 4096

typedef struct cut {
    rml_version *v;
    rml_arena *arena; // of the paths
    rml_str folder;
    rml_pool *pool;
    const rml_progress *progress;
    rml_version_files *out;
    rml_shard_writer shard;
    uint64_t done;
    rml_parquet_writer *rows;
    rml_batch batch;
} cut;

// ---- Rows of scenes.parquet --------------------------------------------------------------------

static const rml_field scene_fields[] = {
    RML_COLUMN_AS("scene_id", rml_dataset_scene, row.scene_id, ID, RML_REQUIRED),
    RML_COLUMN_AS("recording_id", rml_dataset_scene, row.recording_id, STR, RML_REQUIRED),
    RML_COLUMN_AS("drive_id", rml_dataset_scene, row.drive_id, STR, RML_REQUIRED),
    RML_COLUMN_AS("place_id", rml_dataset_scene, row.place_id, STR, RML_REQUIRED),
    RML_COLUMN_AS("track_id", rml_dataset_scene, row.track_id, STR, RML_REQUIRED),
    RML_COLUMN_AS("t0_ns", rml_dataset_scene, row.t0_ns, I64, RML_REQUIRED),
    RML_COLUMN_AS("x_m", rml_dataset_scene, row.map_from_scene.x_m, F64, RML_REQUIRED),
    RML_COLUMN_AS("y_m", rml_dataset_scene, row.map_from_scene.y_m, F64, RML_REQUIRED),
    RML_COLUMN_AS("yaw_rad", rml_dataset_scene, row.map_from_scene.yaw_rad, F64, RML_REQUIRED),
    RML_COLUMN_AS("class", rml_dataset_scene, row.agent_class, NAME, RML_REQUIRED,
                  RML_NAMED(rml_agent_classes)),
    RML_COLUMN_AS("speed_mps", rml_dataset_scene, row.speed_mps, F32, RML_REQUIRED),
    RML_COLUMN_AS("travelled_m", rml_dataset_scene, row.travelled_m, F32, RML_REQUIRED),
    RML_COLUMN_AS("turn_rad", rml_dataset_scene, row.turn_rad, F32, RML_REQUIRED),
    RML_COLUMN_AS("neighbours", rml_dataset_scene, row.neighbours, U32, RML_REQUIRED),
    RML_COLUMN(rml_dataset_scene, split, NAME, RML_REQUIRED, RML_NAMED(rml_splits)),
    RML_COLUMN(rml_dataset_scene, family, U32, RML_REQUIRED),
    RML_COLUMN(rml_dataset_scene, clip, U32, RML_REQUIRED),
};

rml_schema rml_version_scenes_schema(void)
{
    return (rml_schema)RML_TABLE(scene_fields);
}

static rml_status flush_rows(cut *c, rml_error *err)
{
    RML_TRY(rml_parquet_write(c->rows, &c->batch, err));
    rml_batch_clear(&c->batch);
    return RML_OK;
}

// ---- Shards ------------------------------------------------------------------------------------

static rml_status flush_shard(cut *c, rml_split split, rml_error *err)
{
    if (c->shard.scenes == 0) {
        return RML_OK;
    }
    rml_bytes bytes;
    RML_TRY(rml_shard_writer_finish(&c->shard, &bytes, err));
    rml_version_shard *made = rml_array_push(&c->out->shards, err);
    rml_str name = rml_arena_printf(c->arena, RML_SHARD_NAME, c->out->shards.count - 1);
    rml_str path = rml_path_join(c->arena, c->folder, name);
    if (made == NULL || path.data == NULL) {
        return rml_fail_memory(err, sizeof *made);
    }
    *made = (rml_version_shard){split, c->shard.scenes, bytes.len, {{0}}};
    RML_TRY(rml_sha256(bytes.data, bytes.len, &made->digest));
    RML_TRY(rml_file_replace(path.data, bytes, err));
    c->out->bytes += bytes.len;
    rml_shard_writer_clear(&c->shard);
    return RML_OK;
}

typedef struct tile_job {
    const rml_scene_cutter *kind;
    const rml_cutter *cutter;
    const rml_window *windows;
    const rml_shard_writer *shard;
} tile_job;

static void cut_tile(void *context, size_t tile, size_t worker)
{
    (void)worker;
    const tile_job *job = context;
    rml_tensor_slot slots[RML_TENSORS_MAX];
    rml_shard_writer_slots(job->shard, tile, slots);
    job->kind->cut(job->cutter, job->windows[tile], slots);
}

// As many of windows[count] as the shard takes; gives how many.
static rml_status cut_piece(cut *c, const rml_cutter *cutter, const rml_window *windows,
                            size_t count, size_t *taken, rml_error *err)
{
    size_t room = c->shard.layout.scenes_max - c->shard.scenes;
    *taken = count < room ? count : room;
    RML_TRY(rml_shard_writer_add(&c->shard, *taken, err));
    tile_job job = {c->v->cutter, cutter, windows, &c->shard};
    rml_pool_run(c->pool, *taken, cut_tile, &job);
    return rml_shard_writer_join(&c->shard, err);
}

static rml_status cut_recording(cut *c, size_t index, rml_split split, const rml_traffic *traffic,
                                rml_array *windows, rml_error *err)
{
    const rml_version_recording *r = &c->v->recordings[index];
    rml_cutter *cutter = NULL;
    rml_status st = rml_cutter_make(traffic, &c->v->scene, &cutter, err);
    rml_array_clear(windows);
    for (size_t k = 0; st == RML_OK && k < r->windows.count; k++) {
        const rml_fate *fate = RML_AT(&r->windows, rml_fate, k);
        if (fate->split != (int32_t)split) {
            continue;
        }
        rml_window *w = rml_array_push(windows, err);
        rml_dataset_scene scene = {
            .split = split, .family = r->family.family, .clip = r->family.clip};
        st = w == NULL ? RML_ERR_MEMORY : rml_cutter_row(cutter, fate->window, &scene.row, err);
        if (st == RML_OK) {
            *w = fate->window;
            st = rml_row_append(&c->batch, &scene, err);
        }
        if (st == RML_OK && c->batch.count == ROWS_AT_ONCE) {
            st = flush_rows(c, err);
        }
    }
    for (size_t at = 0, taken = 0; st == RML_OK && at < windows->count; at += taken) {
        st = rml_progress_check(c->progress, "cutting scenes", err);
        if (st) {
            break;
        }
        st =
            cut_piece(c, cutter, RML_AT(windows, rml_window, at), windows->count - at, &taken, err);
        if (st == RML_OK && c->shard.scenes == c->shard.layout.scenes_max) {
            st = flush_shard(c, split, err);
        }
        c->done += st ? 0 : taken;
        rml_progress_report(c->progress, "scenes", (double)c->done, (double)c->v->scenes, "scenes");
    }
    rml_cutter_free(cutter);
    return st;
}

static rml_status cut_split(cut *c, rml_split split, rml_array *windows, rml_error *err)
{
    rml_version *v = c->v;
    // Only the recordings of this split, so that what is loaded ahead is what comes next.
    uint32_t *order = RML_NEW_ARRAY(c->arena, uint32_t, v->count);
    if (order == NULL) {
        return rml_fail_memory(err, v->count * sizeof *order);
    }
    size_t count = 0;
    for (size_t i = 0; i < v->count; i++) {
        if (v->recordings[i].counts[split] > 0) {
            order[count++] = (uint32_t)i;
        }
    }
    for (size_t i = 0; i < count; i++) {
        const rml_traffic *traffic;
        RML_TRY(rml_source_get(&v->source, order, count, i, &traffic, err));
        RML_TRY(cut_recording(c, order[i], split, traffic, windows, err));
    }
    return flush_shard(c, split, err);
}

rml_status rml_version_cut(rml_version *v, const char *folder, rml_pool *pool,
                           const rml_progress *progress, rml_version_files *out, rml_error *err)
{
    *out = (rml_version_files){.shards = RML_ARRAY(rml_version_shard)};
    rml_arena arena = {0};
    rml_array windows = RML_ARRAY(rml_window);
    cut c = {.v = v, .arena = &arena, .folder = rml_str_of(folder), .pool = pool};
    c.progress = progress;
    c.out = out;
    rml_str path = rml_path_join(&arena, c.folder, RML_STR("scenes.parquet"));
    rml_status st = path.data == NULL ? rml_fail_memory(err, 64) : RML_OK;
    st = st ? st : rml_shard_writer_init(&c.shard, v->info, v->tensors, err);
    st = st ? st : rml_batch_init(&c.batch, rml_version_scenes_schema(), err);
    st = st ? st : rml_parquet_open(path.data, c.batch.schema, NULL, &c.rows, err);
    for (int s = 0; st == RML_OK && s < RML_SPLITS; s++) {
        st = cut_split(&c, (rml_split)s, &windows, err);
    }
    rml_parquet_result result = {0};
    st = st ? st : flush_rows(&c, err);
    st = st ? st : rml_parquet_commit(c.rows, &result, err);
    out->scenes_digest = result.digest;
    out->bytes += result.bytes;
    rml_parquet_close(c.rows);
    rml_batch_reset(&c.batch);
    rml_shard_writer_reset(&c.shard);
    rml_array_reset(&windows);
    rml_arena_reset(&arena);
    return st;
}
