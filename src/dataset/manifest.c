// The manifest of a version: all that went into it and what came out, in canonical form (RFC 8785).
// Its SHA-256 is the version's name. docs/datasets.md tells the fields.
#include <stdlib.h>
#include <string.h>

#include "roadmill/base/json.h"
#include "roadmill/codec.h"
#include "version.h"

#define PURPOSES_MAX 4096

static const char *const rule_names[] = {"family", "recording", "place", "time"};

static void write_spec(rml_json_writer *w, const rml_version *v, rml_arena *arena)
{
    const rml_dataset_spec *spec = v->spec;
    rml_json_kv_str(w, "query", spec->query);
    rml_json_kv_bool(w, "keep_one", spec->keep_one);
    rml_json_kv_str(w, "parent", v->parent ? rml_dataset_hash(v->parent) : RML_STR(""));
    rml_json_kv_i64(w, "scene_ids", (int64_t)spec->scene_id_count);
    rml_json_key(w, "split");
    rml_json_object(w);
    rml_json_kv_str(w, "rule", rml_str_of(v->parent ? "parent" : rule_names[spec->rule]));
    rml_json_kv_str(w, "seed", rml_arena_printf(arena, "%llu", (unsigned long long)spec->seed));
    rml_json_key(w, "share");
    rml_json_object(w);
    for (int s = 0; s < RML_SPLITS; s++) {
        rml_json_kv_f64(w, rml_split_name((rml_split)s), spec->share[s]);
    }
    rml_json_object_end(w);
    rml_json_key(w, "places");
    rml_json_object(w);
    for (int s = 0; s < RML_SPLITS; s++) {
        rml_json_key(w, rml_split_name((rml_split)s));
        rml_json_list(w);
        for (size_t i = 0; i < spec->place_count[s]; i++) {
            rml_json_str(w, spec->place[s][i]);
        }
        rml_json_list_end(w);
    }
    rml_json_object_end(w);
    rml_json_object_end(w);
}

// Format 1 knew one cutter and float32 of fixed shape alone; its tensors are name and shape.
static void write_tensor(rml_json_writer *w, const rml_tensor_info *info, bool first_format)
{
    rml_json_object(w);
    rml_json_kv_str(w, "name", rml_str_of(info->name));
    rml_json_key(w, "shape");
    rml_json_list(w);
    for (uint32_t axis = 0; axis < info->rank; axis++) {
        rml_json_i64(w, info->shape[axis]);
    }
    rml_json_list_end(w);
    if (!first_format) {
        rml_json_kv_str(w, "type", rml_str_of(rml_element_name(info->element)));
        rml_json_kv_bool(w, "ragged", info->ragged);
        rml_json_kv_bool(w, "future", info->future);
        rml_json_kv_str(w, "unit", rml_str_of(info->unit ? info->unit : ""));
    }
    rml_json_object_end(w);
}

static bool is_first_format(const rml_version *v)
{
    const rml_scene_cutter *const *all;
    rml_scene_cutters(&all);
    return v->cutter == all[0];
}

static void write_scene_spec(rml_json_writer *w, const rml_version *v)
{
    const rml_scene_spec *s = &v->scene;
    rml_json_key(w, "scene");
    rml_json_object(w);
    rml_json_kv_i64(w, "history", s->history);
    rml_json_kv_i64(w, "future", s->future);
    rml_json_kv_i64(w, "stride", s->stride);
    rml_json_kv_i64(w, "agents", s->agents);
    rml_json_kv_i64(w, "map", s->map);
    rml_json_kv_i64(w, "predict", s->predict);
    rml_json_kv_f64(w, "radius_m", s->radius_m);
    rml_json_kv_bool(w, "leak_central_difference", s->leak_central_difference);
    rml_json_object_end(w);
    bool first = is_first_format(v);
    if (!first) {
        rml_json_kv_str(w, "cutter", rml_str_of(v->cutter->name));
    }
    rml_json_key(w, "tensors");
    rml_json_list(w);
    for (size_t i = 0; i < v->tensors; i++) {
        write_tensor(w, &v->info[i], first);
    }
    rml_json_list_end(w);
}

static void write_counts(rml_json_writer *w, const char *key, const uint64_t counts[RML_SPLITS])
{
    rml_json_key(w, key);
    rml_json_object(w);
    for (int s = 0; s < RML_SPLITS; s++) {
        rml_json_kv_i64(w, rml_split_name((rml_split)s), (int64_t)counts[s]);
    }
    rml_json_object_end(w);
}

static bool has_scenes(const rml_version_recording *r)
{
    uint64_t scenes = 0;
    for (int s = 0; s < RML_SPLITS; s++) {
        scenes += r->counts[s];
    }
    return scenes > 0;
}

static void write_recordings(rml_json_writer *w, const rml_version *v)
{
    rml_json_key(w, "recordings");
    rml_json_list(w);
    for (size_t i = 0; i < v->count; i++) {
        const rml_version_recording *r = &v->recordings[i];
        rml_json_object(w);
        rml_json_kv_str(w, "id", r->id);
        rml_json_kv_str(w, "drive", r->drive_id);
        rml_json_kv_str(w, "place", r->place_id);
        rml_json_kv_str(w, "licence", r->licence);
        rml_json_kv_i64(w, "family", r->family.family);
        rml_json_kv_i64(w, "clip", r->family.clip);
        rml_json_kv_bool(w, "keep", r->family.keep);
        rml_json_kv_i64(w, "windows", (int64_t)r->windows.count);
        write_counts(w, "scenes", r->counts);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    rml_json_key(w, "windows");
    rml_json_object(w);
    rml_json_kv_i64(w, "in", (int64_t)v->windows_in);
    rml_json_kv_i64(w, "scenes", (int64_t)v->scenes);
    rml_json_key(w, "left_out");
    rml_json_object(w);
    for (int i = 0; i < RML_LEFT_REASONS; i++) {
        // Versions of one time step say nothing of it, as before there were others.
        if (i != RML_LEFT_TIME_STEP || v->left_out[i] > 0) {
            rml_json_kv_i64(w, rml_left_out_names[i], (int64_t)v->left_out[i]);
        }
    }
    rml_json_object_end(w);
    rml_json_object_end(w);
    write_counts(w, "counts", v->counts);
    rml_json_kv_i64(w, "families", (int64_t)v->families);
}

static int compare_text(const void *a, const void *b)
{
    return rml_str_compare(*(const rml_str *)a, *(const rml_str *)b);
}

// The licences of the recordings that gave scenes, each once; and the strictest.
static rml_status write_licences(rml_json_writer *w, const rml_version *v, rml_arena *arena,
                                 rml_error *err)
{
    rml_str *all = RML_NEW_ARRAY(arena, rml_str, v->count);
    if (all == NULL) {
        return rml_fail_memory(err, v->count * sizeof *all);
    }
    size_t count = 0;
    for (size_t i = 0; i < v->count; i++) {
        if (has_scenes(&v->recordings[i])) {
            rml_str licence = v->recordings[i].licence;
            all[count++] = licence.len > 0 ? licence : RML_STR("not-stated");
        }
    }
    qsort(all, count, sizeof *all, compare_text);
    rml_json_kv_str(w, "licence", rml_licence_strictest(all, count));
    rml_json_key(w, "licences");
    rml_json_list(w);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !rml_str_equal(all[i], all[i - 1])) {
            rml_json_str(w, all[i]);
        }
    }
    rml_json_list_end(w);
    return RML_OK;
}

// Purposes that the sources may be used for: one for all, or what they are not agreed on.
static rml_status write_purpose(rml_json_writer *w, const rml_version *v, rml_lake *lake,
                                rml_arena *arena, rml_error *err)
{
    rml_str purpose = {0}, *ids = RML_NEW_ARRAY(arena, rml_str, v->count);
    if (ids == NULL) {
        return rml_fail_memory(err, v->count * sizeof *ids);
    }
    size_t different = 0, count = 0;
    for (size_t i = 0; i < v->count; i++) {
        if (has_scenes(&v->recordings[i])) {
            ids[count++] = v->recordings[i].id;
        }
    }
    rml_lake_read read = {.table = "recordings",
                          .columns = "DISTINCT coalesce(purpose, '') AS purpose",
                          .owners = ids,
                          .owner_count = count,
                          .order = "purpose"};
    rml_rows *rows = NULL;
    rml_batch batch = {0};
    rml_status st = rml_lake_select(lake, &read, &rows, err);
    st = st ? st : rml_rows_all(rows, PURPOSES_MAX, &batch, err);
    if (st == RML_OK && batch.count == 1) {
        purpose = rml_arena_str(arena, rml_column_get_str(&batch.columns[0], 0));
        different = purpose.len > 0;
    }
    rml_batch_reset(&batch);
    rml_rows_close(rows);
    RML_TRY(st);
    rml_json_kv_str(w, "purpose", different == 1 ? purpose : RML_STR("not-stated"));
    return RML_OK;
}

// Of the tables that scenes are cut from; `ego` where some are cut from its rows.
static rml_status write_tables(rml_json_writer *w, const rml_version *v, rml_lake *lake,
                               rml_error *err)
{
    static const char *const tables[] = {"ego", "maps", "tracks"};
    bool ego = false;
    for (size_t i = 0; i < v->count; i++) {
        ego = ego || (v->recordings[i].ego_of_rows && has_scenes(&v->recordings[i]));
    }
    rml_json_key(w, "tables");
    rml_json_object(w);
    for (size_t i = ego ? 0 : 1; i < sizeof tables / sizeof tables[0]; i++) {
        rml_lake_table table;
        rml_status st = rml_lake_table_get(lake, tables[i], &table, err);
        if (st == RML_ERR_MISSING) {
            continue;
        }
        RML_TRY(st);
        char hash[RML_HASH_TEXT];
        rml_hash_text(&table.state, hash);
        rml_json_kv_str(w, tables[i], rml_str_of(hash));
    }
    rml_json_object_end(w);
    return RML_OK;
}

static rml_status write_files(rml_json_writer *w, const rml_version *v,
                              const rml_version_files *files, rml_arena *arena, rml_error *err)
{
    char hash[RML_HASH_TEXT];
    rml_hash_text(&files->scenes_digest, hash);
    rml_json_key(w, "scenes");
    rml_json_object(w);
    rml_json_kv_str(w, "file", RML_STR("scenes.parquet"));
    rml_json_kv_i64(w, "rows", (int64_t)v->scenes);
    rml_json_kv_str(w, "digest", rml_str_of(hash));
    rml_json_object_end(w);
    rml_json_key(w, "shards");
    rml_json_list(w);
    for (size_t i = 0; i < files->shards.count; i++) {
        const rml_version_shard *shard = RML_AT(&files->shards, rml_version_shard, i);
        rml_str name = rml_arena_printf(arena, RML_SHARD_NAME, i);
        if (name.data == NULL) {
            return rml_fail_memory(err, 32);
        }
        rml_hash_text(&shard->digest, hash);
        rml_json_object(w);
        rml_json_kv_str(w, "file", name);
        rml_json_kv_str(w, "split", rml_str_of(rml_split_name(shard->split)));
        rml_json_kv_i64(w, "scenes", shard->scenes);
        rml_json_kv_i64(w, "bytes", (int64_t)shard->bytes);
        rml_json_kv_str(w, "sha256", rml_str_of(hash));
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    return RML_OK;
}

rml_status rml_version_manifest(const rml_version *v, rml_lake *lake,
                                const rml_version_files *files, rml_buffer *out, rml_error *err)
{
    rml_buffer text = {0};
    rml_arena arena = {0};
    rml_json_writer w;
    rml_json_writer_init(&w, &text, err);
    rml_json_object(&w);
    rml_json_kv_str(&w, "format",
                    is_first_format(v) ? RML_STR(RML_VERSION_FORMAT_1)
                                       : RML_STR(RML_VERSION_FORMAT_2));
    rml_json_kv_str(&w, "program", RML_STR(RML_VERSION));
    write_spec(&w, v, &arena);
    write_scene_spec(&w, v);
    rml_json_kv_ns(&w, "step_ns", v->step_ns);
    rml_status st = write_tables(&w, v, lake, err);
    write_recordings(&w, v);
    st = st ? st : write_licences(&w, v, &arena, err);
    st = st ? st : write_purpose(&w, v, lake, &arena, err);
    st = st ? st : write_files(&w, v, files, &arena, err);
    rml_json_object_end(&w);
    st = st ? st : rml_json_seal(&w, out, NULL, err);
    rml_buffer_reset(&text);
    rml_arena_reset(&arena);
    return st;
}
