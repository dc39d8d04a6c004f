// Reading a version: manifest, mapped shards, rows of the scenes. The folder is untrusted: sizes
// and shapes are checked when it is opened, digests by rml_dataset_verify.
#include <assert.h>
#include <string.h>

#include "open.h"
#include "roadmill/base/json.h"
#include "roadmill/codec.h"
#include "roadmill/lake/sql.h"
#include "version.h"

#define MANIFEST_SIZE_MAX ((size_t)256 << 20)
#define SCENES_MAX ((size_t)64 << 20)

// ---- Manifest ----------------------------------------------------------------------------------

rml_status rml_manifest_read(rml_str home, rml_str hash, rml_arena *arena, rml_buffer *text,
                             const rml_json **tree, rml_str *folder, rml_error *err)
{
    rml_hash want, found;
    if (!rml_hash_parse(hash, &want)) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, "roadmill dataset list shows them",
                        "expected the hash of a version, 64 digits, found \"%.*s\"", RML_FMT(hash));
    }
    rml_str versions = rml_path_join(arena, home, RML_STR("versions"));
    *folder = rml_path_join(arena, versions, hash);
    rml_str path = rml_path_join(arena, *folder, RML_STR("manifest.json"));
    if (path.data == NULL) {
        return rml_fail_memory(err, home.len);
    }
    bool whole;
    rml_file_info there = {0};
    RML_TRY(rml_store_folder_has(*folder, &whole, err));
    RML_TRY(whole ? rml_store_stat(path, &there, err) : RML_OK);
    if (!there.exists) {
        return rml_fail(err, RML_ERR_MISSING, rml_place_file(path),
                        "roadmill dataset list shows the versions",
                        "expected the manifest of version %.12s, found none", hash.data);
    }
    RML_TRY(rml_store_get(path, MANIFEST_SIZE_MAX, text, err));
    RML_TRY(rml_json_parse(arena, rml_buffer_text(text), path, tree, err));
    RML_TRY(rml_json_hash(*tree, &found, err));
    if (!rml_hash_equal(&want, &found)) {
        char name[RML_HASH_TEXT];
        rml_hash_text(&found, name);
        return rml_fail(err, RML_ERR_CONFLICT, rml_place_file(path), RML_REMEDY_VERSION,
                        "expected a manifest of hash %.12s, found %.12s", hash.data, name);
    }
    return RML_OK;
}

static uint32_t get_u32(const rml_json *from, const char *key)
{
    int64_t value = rml_json_get_i64(from, key, 0);
    return value > 0 && value <= 1 << 20 ? (uint32_t)value : 0;
}

static rml_status read_spec(rml_dataset *d, rml_error *err)
{
    const rml_json *s = rml_json_get(d->tree, "scene");
    d->spec = (rml_scene_spec){.history = get_u32(s, "history"),
                               .future = get_u32(s, "future"),
                               .stride = get_u32(s, "stride"),
                               .agents = get_u32(s, "agents"),
                               .map = get_u32(s, "map"),
                               .predict = get_u32(s, "predict"),
                               .radius_m = rml_json_get_f64(s, "radius_m", 0),
                               .leak_central_difference =
                                   rml_json_get_bool(s, "leak_central_difference", false)};
    bool whole = d->spec.history > 0 && d->spec.future > 0 && d->spec.agents > 0 &&
                 d->spec.predict > 0 &&
                 rml_parse_i64(rml_json_get_str(d->tree, "step_ns", RML_STR("")), &d->step_ns) &&
                 d->step_ns > 0;
    rml_str format = rml_json_get_str(d->tree, "format", RML_STR(""));
    d->first_format = rml_str_equal(format, RML_STR(RML_VERSION_FORMAT_1));
    if (!whole || !(d->first_format || rml_str_equal(format, RML_STR(RML_VERSION_FORMAT_2)))) {
        return rml_fail(err, RML_ERR_DATA, rml_place_file(d->folder), RML_REMEDY_VERSION,
                        "expected a manifest of format " RML_VERSION_FORMAT_1
                        " or " RML_VERSION_FORMAT_2 " with scene and step_ns");
    }
    return RML_OK;
}

// ---- Scenes ------------------------------------------------------------------------------------

static rml_str intern(rml_map *texts, rml_str text, rml_status *st, rml_error *err)
{
    uint64_t at = texts->count;
    if (!rml_map_get(texts, text, &at) && *st == RML_OK) {
        *st = rml_map_put(texts, text, at, err);
    }
    return *st ? (rml_str){0} : texts->entries[at].key;
}

// A scene without its texts' own memory: ids that many share are kept once.
static rml_status read_row(const rml_dataset *d, const rml_row_reader *reader, const rml_batch *b,
                           size_t i, rml_dataset_scene *out, rml_error *err)
{
    rml_status st = RML_OK;
    *out = (rml_dataset_scene){0};
    RML_TRY(rml_row_read(reader, b, i, NULL, out, err));
    if (strlen(out->row.scene_id) != RML_HASH_TEXT - 1) {
        return rml_fail(err, RML_ERR_DATA, rml_place_file(d->folder), RML_REMEDY_VERSION,
                        "expected scenes.parquet with ids of 64 digits, found row %zu without", i);
    }
    rml_str *const texts[] = {&out->row.recording_id, &out->row.drive_id, &out->row.place_id,
                              &out->row.track_id};
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        *texts[k] = intern(&d->list->texts, *texts[k], &st, err);
    }
    return st;
}

static rml_status check_columns(const rml_batch *batch, rml_str path, rml_error *err)
{
    rml_schema want = rml_version_scenes_schema();
    for (size_t i = 0; i < want.count; i++) {
        bool same = i < batch->schema.count &&
                    rml_str_equal(batch->schema.fields[i].name, want.fields[i].name) &&
                    batch->columns[i].type == want.fields[i].type;
        if (!same) {
            return rml_fail(err, RML_ERR_DATA, rml_place_file(path), RML_REMEDY_VERSION,
                            "expected column %zu to be %.*s (%s)", i, RML_FMT(want.fields[i].name),
                            rml_type_name(want.fields[i].type));
        }
    }
    return RML_OK;
}

rml_status rml_scenes_read(rml_str folder, rml_arena *arena, rml_batch *out, rml_error *err)
{
    rml_sql *sql = NULL;
    rml_rows *rows = NULL;
    rml_str path = rml_path_join(arena, folder, RML_STR("scenes.parquet"));
    rml_status st = rml_sql_open(&sql, err);
    st = st ? st : rml_sql_read_parquet(sql, path.data, &rows, err);
    st = st ? st : rml_rows_all(rows, SCENES_MAX, out, err);
    st = st ? st : check_columns(out, path, err);
    if (st) {
        rml_batch_reset(out); // while its schema is there
    } else {
        out->schema = rml_version_scenes_schema(); // that of the rows goes with them
    }
    rml_rows_close(rows);
    rml_sql_close(sql);
    return st;
}

static rml_status read_counts(rml_dataset *d, rml_error *err)
{
    const rml_json *counts = rml_json_get(d->tree, "counts");
    size_t total = 0;
    for (int s = 0; s < RML_SPLITS; s++) {
        int64_t count = rml_json_get_i64(counts, rml_split_name((rml_split)s), -1);
        if (count < 0 || (uint64_t)count > SCENES_MAX - total) {
            return rml_fail(err, RML_ERR_DATA, rml_place_file(d->folder), RML_REMEDY_VERSION,
                            "expected a manifest with at most %zu scenes in all splits",
                            SCENES_MAX);
        }
        d->count[s] = (size_t)count;
        total += d->count[s];
    }
    return RML_OK;
}

// Row `at` of the file is scene i of split s.
static rml_status take_row(const rml_dataset *d, const rml_row_reader *reader,
                           const rml_batch *batch, size_t at, int s, size_t i, rml_error *err)
{
    rml_dataset_scene *scene = &d->list->scenes[s][i];
    RML_TRY(read_row(d, reader, batch, at, scene, err));
    if (scene->split != (rml_split)s) {
        return rml_fail(err, RML_ERR_DATA, rml_place_file(d->folder), RML_REMEDY_VERSION,
                        "expected scene %zu in split %s, found %s", at,
                        rml_split_name((rml_split)s), rml_split_name(scene->split));
    }
    uint64_t place = (uint64_t)s << 56 | i;
    return rml_map_put(&d->list->index, rml_str_of(scene->row.scene_id), place, err);
}

static rml_status take_rows(const rml_dataset *d, const rml_batch *batch, rml_error *err)
{
    rml_scene_list *list = d->list;
    size_t total = 0, at = 0;
    rml_row_reader reader;
    RML_TRY(rml_row_reader_init(&reader, rml_version_scenes_schema(), batch->schema, err));
    for (int s = 0; s < RML_SPLITS; s++) {
        total += d->count[s];
    }
    if (total != batch->count) {
        return rml_fail(err, RML_ERR_DATA, rml_place_file(d->folder), RML_REMEDY_VERSION,
                        "expected %zu scenes in scenes.parquet, as the manifest says, found %zu",
                        total, batch->count);
    }
    for (int s = 0; s < RML_SPLITS; s++) {
        list->scenes[s] = RML_NEW_ARRAY(&list->arena, rml_dataset_scene, d->count[s] + 1);
        if (list->scenes[s] == NULL) {
            return rml_fail_memory(err, d->count[s] * sizeof **list->scenes);
        }
        for (size_t i = 0; i < d->count[s]; i++, at++) {
            RML_TRY(take_row(d, &reader, batch, at, s, i, err));
        }
    }
    if (list->index.count != total) {
        return rml_fail(err, RML_ERR_DATA, rml_place_file(d->folder), RML_REMEDY_VERSION,
                        "expected %zu different scenes in scenes.parquet, found %zu", total,
                        list->index.count);
    }
    return RML_OK;
}

rml_status rml_dataset_read_scenes(const rml_dataset *d, rml_error *err)
{
    if (d->list->read) {
        return RML_OK;
    }
    rml_batch batch = {0};
    RML_TRY(rml_scenes_read(d->folder, &d->list->arena, &batch, err));
    rml_status st = take_rows(d, &batch, err);
    rml_batch_reset(&batch);
    d->list->read = st == RML_OK;
    return st;
}

// ---- Shards ------------------------------------------------------------------------------------

static rml_status map_shard(rml_dataset *d, const rml_json *entry, size_t index, rml_split *split,
                            rml_error *err)
{
    rml_mapped_shard *m = &d->shards[index];
    rml_str name = rml_json_get_str(entry, "file", RML_STR(""));
    rml_str want = rml_arena_printf(&d->arena, RML_SHARD_NAME, index);
    if (!rml_str_equal(name, want) ||
        !rml_split_parse(rml_json_get_str(entry, "split", RML_STR("")), split)) {
        return rml_fail(err, RML_ERR_DATA, rml_place_file(d->folder), RML_REMEDY_VERSION,
                        "expected shard %zu with a split, found \"%.*s\"", index, RML_FMT(name));
    }
    rml_str path = rml_path_join(&d->arena, d->folder, name);
    if (path.data == NULL) {
        return rml_fail_memory(err, name.len);
    }
    RML_TRY(rml_object_open(&m->map, path, err));
    RML_TRY(rml_shard_parse(m->map.bytes, path, d->info, d->tensors, &m->shard, err));
    if ((int64_t)m->shard.scenes != rml_json_get_i64(entry, "scenes", -1)) {
        return rml_fail(err, RML_ERR_DATA, rml_place_file(path), RML_REMEDY_VERSION,
                        "expected as many scenes as the manifest says, found %u", m->shard.scenes);
    }
    return RML_OK;
}

static rml_status map_shards(rml_dataset *d, rml_error *err)
{
    const rml_json *list = rml_json_get(d->tree, "shards");
    d->shard_count = list ? list->count : 0;
    d->shards = RML_NEW_ARRAY(&d->arena, rml_mapped_shard, d->shard_count + 1);
    if (d->shards == NULL) {
        return rml_fail_memory(err, d->shard_count * sizeof *d->shards);
    }
    size_t sum[RML_SPLITS] = {0}, index = 0, last[RML_SPLITS] = {0};
    for (const rml_json *e = list ? list->child : NULL; e != NULL; e = e->next, index++) {
        rml_split s;
        RML_TRY(map_shard(d, e, index, &s, err));
        size_t scenes = d->shards[index].shard.scenes;
        if (d->per_shard[s] == 0) {
            d->first_shard[s] = index;
            d->per_shard[s] = scenes;
        } else if (last[s] != d->per_shard[s] || scenes > d->per_shard[s] ||
                   d->first_shard[s] + sum[s] / d->per_shard[s] != index) {
            return rml_fail(err, RML_ERR_DATA, rml_place_file(d->folder), RML_REMEDY_VERSION,
                            "expected full shards of %zu scenes before the last of a split",
                            d->per_shard[s]);
        }
        last[s] = scenes;
        sum[s] += scenes;
    }
    for (int s = 0; s < RML_SPLITS; s++) {
        if (sum[s] != d->count[s]) {
            return rml_fail(err, RML_ERR_DATA, rml_place_file(d->folder), RML_REMEDY_VERSION,
                            "expected %zu scenes in the shards of %s, found %zu", d->count[s],
                            rml_split_name((rml_split)s), sum[s]);
        }
    }
    return RML_OK;
}

// ---- Public ------------------------------------------------------------------------------------

rml_status rml_dataset_open_samples(rml_str home, rml_str hash, rml_dataset **out, rml_error *err)
{
    *out = NULL;
    rml_arena arena = {0};
    rml_dataset *d = RML_NEW(&arena, rml_dataset);
    if (d == NULL) {
        return rml_fail_memory(err, sizeof *d);
    }
    d->arena = arena;
    d->hash = rml_arena_str(&d->arena, hash);
    d->list = RML_NEW(&d->arena, rml_scene_list);
    rml_status st = d->hash.data && d->list ? RML_OK : rml_fail_memory(err, hash.len);
    st = st ? st
            : rml_manifest_read(home, d->hash, &d->arena, &d->manifest, &d->tree, &d->folder, err);
    st = st ? st : read_spec(d, err);
    st = st ? st : rml_dataset_read_tensors(d, err);
    st = st ? st : read_counts(d, err);
    st = st ? st : map_shards(d, err);
    if (st) {
        rml_dataset_close(d);
        return st;
    }
    *out = d;
    return RML_OK;
}

rml_status rml_dataset_open(rml_str home, rml_str hash, rml_dataset **out, rml_error *err)
{
    RML_TRY(rml_dataset_open_samples(home, hash, out, err));
    rml_status st = rml_dataset_read_scenes(*out, err);
    if (st) {
        rml_dataset_close(*out);
        *out = NULL;
    }
    return st;
}

void rml_dataset_close(rml_dataset *d)
{
    if (d == NULL) {
        return;
    }
    for (size_t i = 0; d->shards != NULL && i < d->shard_count; i++) {
        rml_object_close(&d->shards[i].map);
    }
    if (d->list != NULL) {
        rml_map_reset(&d->list->index);
        rml_map_reset(&d->list->texts);
        rml_arena_reset(&d->list->arena);
    }
    rml_buffer_reset(&d->manifest);
    rml_arena arena = d->arena; // d itself lies in it
    rml_arena_reset(&arena);
}

rml_str rml_dataset_hash(const rml_dataset *d)
{
    return d->hash;
}

rml_str rml_dataset_manifest(const rml_dataset *d)
{
    return rml_buffer_text(&d->manifest);
}

const rml_json *rml_dataset_tree(const rml_dataset *d)
{
    return d->tree;
}

const rml_scene_spec *rml_dataset_scene_spec(const rml_dataset *d)
{
    return &d->spec;
}

int64_t rml_dataset_step_ns(const rml_dataset *d)
{
    return d->step_ns;
}

size_t rml_dataset_count(const rml_dataset *d, rml_split split)
{
    return d->count[split];
}

const rml_dataset_scene *rml_dataset_scenes(const rml_dataset *d, rml_split split)
{
    assert(d->list->read);
    return d->list->scenes[split];
}

bool rml_dataset_find(const rml_dataset *d, rml_str scene_id, rml_split *split, size_t *index)
{
    uint64_t place;
    assert(d->list->read);
    if (!rml_map_get(&d->list->index, scene_id, &place)) {
        return false;
    }
    *split = (rml_split)(place >> 56);
    *index = (size_t)(place & (((uint64_t)1 << 56) - 1));
    return true;
}
