// Sharded tensors: consecutive members share a file up to a size, so a change rewrites the files it
// touches and no others.
#include "shards.h"

#include <string.h>

#include "roadmill/base/json.h"
#include "safetensors.h"

enum { SHARD_BYTES = 4 << 20, INDEX_SIZE_MAX = 64 << 20 };
static const char SUFFIX[] = ".safetensors";

typedef struct writing {
    rml_arena arena;
    rml_str folder, before;
    rml_json_writer map; // the index, within weight_map
    uint64_t *bytes;
} writing;

static rml_status shard_put(writing *w, rml_bytes content, rml_str *name, rml_error *err)
{
    rml_hash hash;
    char text[RML_HASH_TEXT];
    RML_TRY(rml_sha256(content.data, content.len, &hash));
    rml_hash_text(&hash, text);
    *name = rml_arena_printf(&w->arena, "%s%s", text, SUFFIX);
    rml_str path = rml_path_join(&w->arena, w->folder, *name);
    rml_str old = w->before.data ? rml_path_join(&w->arena, w->before, *name) : path;
    if (name->data == NULL || path.data == NULL || old.data == NULL) {
        return rml_fail_memory(err, 1);
    }
    if (rml_file_exists(path.data)) {
        return RML_OK;
    }
    if (w->before.data != NULL && rml_file_exists(old.data)) {
        return rml_file_link(old.data, path.data, err);
    }
    if (w->bytes != NULL) {
        *w->bytes += content.len;
    }
    return rml_file_replace(path.data, content, err);
}

// Members [first, end) as one file.
static rml_status shard_write(writing *w, const rml_members *m, size_t first, size_t end,
                              const float *const *data, rml_error *err)
{
    rml_buffer content = {0};
    rml_str name;
    rml_status st =
        rml_safetensors_write(m->list + first, end - first, data + first, &content, err);
    st = st ? st : shard_put(w, rml_buffer_bytes(&content), &name, err);
    for (size_t i = first; st == RML_OK && i < end; i++) {
        rml_json_key(&w->map, m->list[i].name.data);
        rml_json_str(&w->map, name);
    }
    rml_buffer_reset(&content);
    return st;
}

static rml_status shards_put(writing *w, const rml_members *m, const float *const *data,
                             rml_error *err)
{
    for (size_t first = 0; first < m->count;) {
        size_t end = first, size = 0;
        while (end < m->count && (end == first || size + m->list[end].count * 4 <= SHARD_BYTES)) {
            size += m->list[end++].count * sizeof(float);
        }
        RML_TRY(shard_write(w, m, first, end, data, err));
        first = end;
    }
    return RML_OK;
}

static rml_str index_path(rml_arena *arena, rml_str folder, const char *stem)
{
    return rml_arena_printf(arena, "%.*s/%s%s.index.json", RML_FMT(folder), stem, SUFFIX);
}

rml_status rml_shards_write(rml_str folder, rml_str before, const char *stem,
                            const rml_members *members, const float *const *data, uint64_t *bytes,
                            rml_error *err)
{
    writing w = {.folder = folder, .before = before, .bytes = bytes};
    rml_buffer index = {0};
    uint64_t total = 0;
    rml_str path = index_path(&w.arena, folder, stem);
    for (size_t i = 0; i < members->count; i++) {
        total += members->list[i].count * sizeof(float);
    }
    rml_json_writer_init(&w.map, &index, err);
    rml_json_object(&w.map);
    rml_json_key(&w.map, "metadata");
    rml_json_object(&w.map);
    rml_json_kv_i64(&w.map, "total_size", (int64_t)total);
    rml_json_object_end(&w.map);
    rml_json_key(&w.map, "weight_map");
    rml_json_object(&w.map);
    rml_status st =
        path.data ? shards_put(&w, members, data, err) : rml_fail_memory(err, folder.len);
    rml_json_object_end(&w.map);
    rml_json_object_end(&w.map);
    st = st ? st : rml_json_finish(&w.map);
    st = st ? st : rml_file_replace(path.data, rml_buffer_bytes(&index), err);
    rml_buffer_reset(&index);
    rml_arena_reset(&w.arena);
    return st;
}

// ---- Reading -----------------------------------------------------------------------------------

static rml_status bad_index(rml_str file, const rml_json *at, const char *expected, rml_error *err)
{
    return rml_fail(err, RML_ERR_DATA, rml_place_byte(file, at->at),
                    "remove the folder of this checkpoint", "expected %s, found another", expected);
}

// The file that a name of the index stands for: SHA256.safetensors beside it, of those bytes.
static rml_status shard_open(rml_str folder, rml_str index, const rml_json *entry, rml_arena *arena,
                             rml_object *map, rml_array *tensors, rml_error *err)
{
    rml_str name = entry->kind == RML_JSON_STRING ? entry->string : (rml_str){0};
    rml_hash named, found;
    size_t hex = RML_HASH_TEXT - 1;
    if (name.len != hex + sizeof SUFFIX - 1 || !rml_hash_parse((rml_str){name.data, hex}, &named) ||
        memcmp(name.data + hex, SUFFIX, sizeof SUFFIX - 1) != 0) {
        return bad_index(index, entry, "a file named by its SHA-256", err);
    }
    rml_str path = rml_path_join(arena, folder, name);
    if (path.data == NULL) {
        return rml_fail_memory(err, folder.len);
    }
    RML_TRY(rml_object_open(map, path, err));
    RML_TRY(rml_sha256(map->bytes.data, map->bytes.len, &found));
    if (!rml_hash_equal(&named, &found)) {
        return rml_fail(err, RML_ERR_DATA, rml_place_file(path),
                        "remove the folder of this checkpoint",
                        "expected the bytes that its name is the SHA-256 of, found others");
    }
    return rml_safetensors_parse(map->bytes, path, arena, tensors, err);
}

// Entries that name the same file stand together; it is opened once.
static rml_status members_take(rml_str folder, rml_str index, const rml_json *weights,
                               const rml_members *m, rml_arena *arena, rml_error *err)
{
    rml_object map = {0};
    rml_array tensors = RML_ARRAY(rml_safetensor);
    rml_str open = {0};
    rml_status st = RML_OK;
    for (size_t i = 0; st == RML_OK && i < m->count; i++) {
        const rml_json *entry = rml_json_get(weights, m->list[i].name.data);
        if (entry == NULL) {
            st = rml_fail(err, RML_ERR_DATA, rml_place_file(index),
                          "remove the folder of this checkpoint",
                          "expected tensor \"%.*s\", found none", RML_FMT(m->list[i].name));
        } else if (open.data == NULL || !rml_str_equal(open, entry->string)) {
            rml_object_close(&map);
            tensors.count = 0;
            open = entry->string;
            st = shard_open(folder, index, entry, arena, &map, &tensors, err);
        }
        st = st ? st : rml_members_take(m, i, &tensors, open, err);
    }
    rml_array_reset(&tensors);
    rml_object_close(&map);
    return st;
}

rml_status rml_shards_read(rml_str folder, const char *stem, const rml_members *members,
                           rml_error *err)
{
    rml_arena arena = {0};
    rml_buffer text = {0};
    const rml_json *root = NULL, *weights = NULL;
    rml_str path = index_path(&arena, folder, stem);
    rml_status st = path.data ? RML_OK : rml_fail_memory(err, folder.len);
    st = st ? st : rml_store_get(path, INDEX_SIZE_MAX, &text, err);
    st = st ? st : rml_json_parse(&arena, rml_buffer_text(&text), path, &root, err);
    if (st == RML_OK) {
        weights = rml_json_get(root, "weight_map");
        if (weights == NULL || weights->kind != RML_JSON_OBJECT ||
            weights->count != members->count) {
            st = bad_index(path, weights ? weights : root, "a weight_map of all tensors", err);
        }
    }
    st = st ? st : members_take(folder, path, weights, members, &arena, err);
    rml_buffer_reset(&text);
    rml_arena_reset(&arena);
    return st;
}
