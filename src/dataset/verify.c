// Checks a version against its name: manifest by its hash, shards by their digests, rows of scenes
// by theirs. And what differs between two versions.
#include "open.h"
#include "roadmill/codec.h"
#include "roadmill/parquet.h"
#include "roadmill/store.h"

static rml_status verify_shard(rml_str folder, const rml_json *entry, rml_arena *arena,
                               rml_error *err)
{
    rml_str name = rml_json_get_str(entry, "file", RML_STR(""));
    rml_str path = rml_path_join(arena, folder, name);
    rml_str want_text = rml_json_get_str(entry, "sha256", RML_STR(""));
    rml_hash want, found;
    rml_object map = {0};
    if (path.data == NULL) {
        return rml_fail_memory(err, name.len);
    }
    RML_TRY(rml_object_open(&map, path, err));
    rml_status st = rml_sha256(map.bytes.data, map.bytes.len, &found);
    rml_object_close(&map);
    if (st == RML_OK && (!rml_hash_parse(want_text, &want) || !rml_hash_equal(&want, &found))) {
        char text[RML_HASH_TEXT];
        rml_hash_text(&found, text);
        return rml_fail(err, RML_ERR_CONFLICT, rml_place_file(path),
                        "roadmill dataset create makes the version again",
                        "expected SHA-256 %.*s, found %s", RML_FMT(want_text), text);
    }
    return st;
}

static rml_status verify_scenes(rml_str folder, const rml_json *tree, rml_arena *arena,
                                rml_error *err)
{
    const rml_json *entry = rml_json_get(tree, "scenes");
    rml_str want_text = rml_json_get_str(entry, "digest", RML_STR(""));
    rml_batch batch = {0};
    rml_hash want, found;
    rml_status st = rml_scenes_read(folder, arena, &batch, err);
    st = st ? st : rml_batch_digest(&batch, &found, err);
    rml_batch_reset(&batch);
    if (st == RML_OK && (!rml_hash_parse(want_text, &want) || !rml_hash_equal(&want, &found))) {
        return rml_fail(err, RML_ERR_CONFLICT, rml_place_file(folder),
                        "roadmill dataset create makes the version again",
                        "expected rows of digest %.*s in scenes.parquet, found others",
                        RML_FMT(want_text));
    }
    return st;
}

rml_status rml_dataset_verify(rml_str home, rml_str hash, rml_error *err)
{
    rml_arena arena = {0};
    rml_buffer text = {0};
    const rml_json *tree = NULL;
    rml_str folder = {0};
    rml_status st = rml_manifest_read(home, hash, &arena, &text, &tree, &folder, err);
    const rml_json *shards = st ? NULL : rml_json_get(tree, "shards");
    for (const rml_json *e = shards ? shards->child : NULL; st == RML_OK && e; e = e->next) {
        st = verify_shard(folder, e, &arena, err);
    }
    st = st ? st : verify_scenes(folder, tree, &arena, err);
    if (st == RML_OK) { // shapes and counts agree with each other too
        rml_dataset *d = NULL;
        st = rml_dataset_open(home, hash, &d, err);
        rml_dataset_close(d);
    }
    rml_buffer_reset(&text);
    rml_arena_reset(&arena);
    return st;
}

// ---- Difference --------------------------------------------------------------------------------

static rml_status same_member(const rml_dataset *a, const rml_dataset *b, const char *key,
                              bool *same, rml_error *err)
{
    rml_buffer texts[2] = {{0}, {0}};
    const rml_json *values[2] = {rml_json_get(rml_dataset_tree(a), key),
                                 rml_json_get(rml_dataset_tree(b), key)};
    rml_status st = RML_OK;
    for (int i = 0; i < 2 && st == RML_OK; i++) {
        st = values[i] ? rml_json_canonical(values[i], &texts[i], err) : RML_OK;
    }
    *same = *same && rml_str_equal(rml_buffer_text(&texts[0]), rml_buffer_text(&texts[1]));
    rml_buffer_reset(&texts[0]);
    rml_buffer_reset(&texts[1]);
    return st;
}

rml_status rml_dataset_diff(const rml_dataset *a, const rml_dataset *b, rml_dataset_difference *out,
                            rml_error *err)
{
    static const char *const inputs[] = {"tables", "scene", "cutter", "query", "split", "keep_one"};
    *out = (rml_dataset_difference){.same_inputs = true};
    for (int s = 0; s < RML_SPLITS; s++) {
        rml_split split = (rml_split)s, other;
        size_t index;
        for (size_t i = 0; i < rml_dataset_count(a, split); i++) {
            rml_str id = rml_str_of(rml_dataset_scenes(a, split)[i].row.scene_id);
            if (!rml_dataset_find(b, id, &other, &index)) {
                out->only_a[s]++;
            } else if (other != split) {
                out->moved++;
            } else {
                out->same++;
            }
        }
        for (size_t i = 0; i < rml_dataset_count(b, split); i++) {
            rml_str id = rml_str_of(rml_dataset_scenes(b, split)[i].row.scene_id);
            out->only_b[s] += !rml_dataset_find(a, id, &other, &index);
        }
    }
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        RML_TRY(same_member(a, b, inputs[i], &out->same_inputs, err));
    }
    return RML_OK;
}
