// The table `scenes` of a lake: building it, and finding one scene in it.
#include <string.h>

#include "roadmill/codec.h"

#include "cutter.h"

#define ROWS_AT_ONCE 65536 // rows that are buffered

typedef struct builder {
    rml_lake_txn *txn;
    const rml_scene_spec *spec;
    rml_batch batch;
    rml_scenes_result *out;
} builder;

static rml_status flush(builder *b, rml_error *err)
{
    rml_status st = b->batch.count ? rml_lake_append(b->txn, "scenes", &b->batch, err) : RML_OK;
    rml_batch_clear(&b->batch);
    return st;
}

static rml_status build_one(void *context, size_t index, const rml_traffic *traffic, rml_error *err)
{
    builder *b = context;
    (void)index;
    rml_array windows = RML_ARRAY(rml_window);
    rml_cutter *cutter = NULL;
    rml_status st = rml_scene_windows(traffic, b->spec, &windows, err);
    st = st ? st : rml_cutter_make(traffic, b->spec, &cutter, err);
    for (size_t i = 0; st == RML_OK && i < windows.count; i++) {
        rml_scene_row row;
        st = rml_cutter_row(cutter, *RML_AT(&windows, rml_window, i), &row, err);
        st = st ? st : rml_row_append(&b->batch, &row, err);
        st = st || b->batch.count < ROWS_AT_ONCE ? st : flush(b, err);
    }
    if (st == RML_OK) {
        b->out->recordings++;
        b->out->tracks += traffic->track_count;
        b->out->scenes += windows.count;
    }
    rml_cutter_free(cutter);
    rml_array_reset(&windows);
    return st;
}

// Rows of one spec belong to one owner: the hash of the spec.
static rml_status owner_of(const rml_scene_spec *spec, char owner[RML_HASH_TEXT], rml_error *err)
{
    const rml_traffic none = {0};
    rml_cutter *c = NULL;
    rml_hash hash;
    RML_TRY(rml_cutter_make(&none, spec, &c, err));
    rml_status st = rml_sha256(c->spec_json.data, c->spec_json.len, &hash);
    rml_cutter_free(c);
    RML_TRY(st);
    rml_hash_text(&hash, owner);
    return RML_OK;
}

rml_status rml_scenes_build(rml_lake *lake, const rml_scene_spec *spec,
                            const rml_progress *progress, rml_scenes_result *out, rml_error *err)
{
    char owner[RML_HASH_TEXT];
    rml_arena arena = {0};
    rml_array ids = RML_ARRAY(rml_str);
    builder b = {.spec = spec, .out = out};
    *out = (rml_scenes_result){0};
    rml_status st = owner_of(spec, owner, err);
    st = st ? st : rml_traffic_list(lake, &arena, &ids, err);
    st = st ? st : rml_batch_init(&b.batch, rml_scene_table(), err);
    st = st ? st : rml_lake_begin(lake, rml_str_of(owner), &b.txn, err);
    st = st ? st : rml_lake_replace(b.txn, "scenes", err);
    st = st ? st
            : rml_traffic_each(lake, ids.data, ids.count, RML_TRAFFIC_ON_GRID, build_one, &b,
                               "cutting scenes", progress, err);
    st = st ? st : flush(&b, err);
    st = st ? st : rml_lake_commit(b.txn, NULL, NULL, err);
    rml_lake_txn_close(b.txn);
    rml_batch_reset(&b.batch);
    rml_array_reset(&ids);
    rml_arena_reset(&arena);
    return st;
}

// ---- Find --------------------------------------------------------------------------------------

static rml_status read_found(rml_lake *lake, const rml_batch *b, rml_arena *arena,
                             rml_scene_found *out, rml_error *err)
{
    rml_row_reader reader;
    rml_scene_row stored = {0};
    rml_cutter *c = NULL;
    RML_TRY(rml_row_reader_init(&reader, rml_scene_table(), b->schema, err));
    RML_TRY(rml_row_read(&reader, b, 0, arena, &stored, err));
    const rml_scene_spec spec = {.history = stored.history, .future = stored.future};
    RML_TRY(rml_traffic_load(lake, stored.recording_id, arena, &out->traffic, err));
    RML_TRY(rml_scene_window(&out->traffic, &stored, &out->window, err));
    RML_TRY(rml_cutter_make(&out->traffic, &spec, &c, err));
    rml_status st = rml_cutter_row(c, out->window, &out->row, err);
    memcpy(out->row.scene_id, stored.scene_id,
           sizeof stored.scene_id); // of the spec it was built with
    rml_cutter_free(c);
    return st;
}

rml_status rml_scene_find(rml_lake *lake, rml_str prefix, rml_arena *arena, rml_scene_found *out,
                          rml_error *err)
{
    rml_rows *rows = NULL;
    rml_batch all = {0};
    for (size_t i = 0; i < prefix.len; i++) {
        if (prefix.len > 64 || memchr("0123456789abcdef", prefix.data[i], 16) == NULL) {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                            "expected a scene_id of hexadecimal digits, found %.*s",
                            RML_FMT(prefix));
        }
    }
    rml_str where = rml_arena_printf(arena, "starts_with(scene_id, '%.*s')", RML_FMT(prefix));
    const rml_lake_read read = {
        .table = "scenes", .where = where.data, .order = "scene_id LIMIT 2"};
    RML_TRY(where.data ? rml_lake_select(lake, &read, &rows, err) : rml_fail_memory(err, 64));
    rml_status st = rml_rows_all(rows, 2, &all, err);
    if (st == RML_OK && all.count != 1) {
        st = rml_fail(err, all.count ? RML_ERR_CONFLICT : RML_ERR_MISSING, (rml_place){0},
                      "roadmill scenes build; roadmill query \"SELECT scene_id FROM scenes\"",
                      "expected one scene whose id starts with %.*s, found %s", RML_FMT(prefix),
                      all.count ? "several" : "none");
    }
    st = st ? st : read_found(lake, &all, arena, out, err);
    rml_batch_reset(&all);
    rml_rows_close(rows);
    return st;
}
