// Makes a version: plan, cut, manifest, then one rename. A kill leaves the version whole or not
// there; what was begun is swept away by the next that is made.
#include <string.h>

#include "roadmill/base/json.h"
#include "roadmill/codec.h"
#include "version.h"

#define MAKING ".making"

typedef struct creation {
    rml_str home;
    rml_lake *lake;
    rml_catalog *catalog;
    const rml_dataset_spec *spec;
    rml_pool *pool;
    const rml_progress *progress;
    rml_dataset_result *out;
    rml_arena arena;
    rml_str versions; // HOME/versions
    rml_store_folder making;
    rml_dataset *parent;
    rml_version version;
    rml_version_files files;
    rml_buffer manifest;
} creation;

static rml_status make_folders(creation *c, rml_error *err)
{
    c->versions = rml_path_join(&c->arena, c->home, RML_STR("versions"));
    rml_str beside = rml_path_join(&c->arena, c->versions, RML_STR(MAKING));
    if (c->versions.data == NULL || beside.data == NULL) {
        return rml_fail_memory(err, c->home.len);
    }
    RML_TRY(rml_store_folder_make(c->versions, err));
    return rml_store_folder_begin(&c->making, beside, err);
}

static rml_status put_in_catalog(creation *c, rml_error *err)
{
    rml_str hash = rml_str_of(c->out->hash);
    rml_object_row row = {.kind = RML_STR("dataset"),
                          .hash = hash,
                          .name = c->spec->name,
                          .body = rml_buffer_text(&c->manifest),
                          .created_ns = rml_clock_unix_ns()};
    RML_TRY(rml_catalog_begin(c->catalog, err));
    rml_status st = rml_catalog_put(c->catalog, &row, err);
    for (size_t i = 0; st == RML_OK && i < c->version.count; i++) {
        const rml_version_recording *r = &c->version.recordings[i];
        uint64_t scenes = 0;
        for (int s = 0; s < RML_SPLITS; s++) {
            scenes += r->counts[s];
        }
        rml_edge edge = {hash, r->id, RML_STR("recording")};
        st = scenes > 0 ? rml_catalog_link(c->catalog, &edge, err) : RML_OK;
    }
    if (st == RML_OK && c->spec->parent.len > 0) {
        rml_edge edge = {hash, rml_dataset_hash(c->parent), RML_STR("parent")};
        st = rml_catalog_link(c->catalog, &edge, err);
    }
    st = st ? st : rml_catalog_commit(c->catalog, err);
    if (st) {
        rml_catalog_abort(c->catalog);
    }
    return st;
}

static rml_status commit(creation *c, rml_error *err)
{
    rml_str path = rml_path_join(&c->arena, c->making.path, RML_STR("manifest.json"));
    rml_hash hash;
    if (path.data == NULL) {
        return rml_fail_memory(err, c->versions.len);
    }
    RML_TRY(rml_version_manifest(&c->version, c->lake, &c->files, &c->manifest, err));
    RML_TRY(rml_sha256(c->manifest.data, c->manifest.len, &hash));
    rml_hash_text(&hash, c->out->hash);
    RML_TRY(rml_file_replace(path.data, rml_buffer_bytes(&c->manifest), err));
    rml_str final = rml_path_join(&c->arena, c->versions, rml_str_of(c->out->hash));
    if (final.data == NULL) {
        return rml_fail_memory(err, c->versions.len);
    }
    rml_error there = {0};
    rml_status st = rml_store_folder_commit(&c->making, final, &there);
    c->out->already = st == RML_ERR_EXISTS;
    if (st == RML_ERR_EXISTS) {
        st = RML_OK;
    } else if (st && err) {
        *err = there;
    }
    return st ? st : put_in_catalog(c, err);
}

static void tell(creation *c)
{
    const rml_version *v = &c->version;
    rml_dataset_result *out = c->out;
    out->windows_in = v->windows_in;
    out->scenes = v->scenes;
    out->left_out = v->windows_in - v->scenes;
    memcpy(out->counts, v->counts, sizeof out->counts);
    out->families = v->families;
    out->bytes = c->files.bytes + c->manifest.len;
    for (size_t i = 0; i < v->count; i++) {
        uint64_t scenes = 0;
        for (int s = 0; s < RML_SPLITS; s++) {
            scenes += v->recordings[i].counts[s];
        }
        out->recordings += scenes > 0;
    }
}

static rml_status create(creation *c, rml_error *err)
{
    if (c->spec->parent.len > 0) {
        RML_TRY(rml_dataset_open(c->home, c->spec->parent, &c->parent, err));
    }
    RML_TRY(make_folders(c, err));
    RML_TRY(rml_version_plan(&c->version, c->lake, c->spec, c->parent, c->progress, err));
    RML_TRY(
        rml_version_cut(&c->version, c->making.path.data, c->pool, c->progress, &c->files, err));
    RML_TRY(commit(c, err));
    tell(c);
    return RML_OK;
}

rml_status rml_dataset_create(rml_str home, rml_lake *lake, rml_catalog *catalog,
                              const rml_dataset_spec *spec, rml_pool *pool,
                              const rml_progress *progress, rml_dataset_result *out, rml_error *err)
{
    *out = (rml_dataset_result){0};
    creation c = {.home = home, .lake = lake, .catalog = catalog, .spec = spec, .pool = pool};
    c.progress = progress;
    c.out = out;
    // One at a time: the folder beside has one name, so that what a kill leaves is found again.
    rml_lock lock = {0};
    rml_str lock_path = rml_path_join(&c.arena, home, RML_STR("versions.lock"));
    rml_status st = lock_path.data ? rml_store_lock(&lock, lock_path, true, err)
                                   : rml_fail_memory(err, home.len);
    st = st ? st : create(&c, err);
    rml_store_folder_close(&c.making);
    rml_lock_drop(&lock);
    rml_dataset_close(c.parent);
    rml_version_reset(&c.version);
    rml_array_reset(&c.files.shards);
    rml_buffer_reset(&c.manifest);
    rml_arena_reset(&c.arena);
    return st;
}
