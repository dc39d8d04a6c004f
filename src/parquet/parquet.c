// The Parquet writer: rows are collected, and written leaf by leaf when a row group is full.
//
// Source: Apache Parquet format 2.10.
#include "roadmill/parquet.h"

#include <string.h>

#include "roadmill/parquet/rows.h"

#include "nan.h"
#include "parquet_file.h"

enum {
    GROUP_ROWS = 1 << 20,
    // Rows are taken in steps that begin at multiples of this, and only there a row group may end:
    // so the cut into batches does not show in the file.
    STEP_ROWS = 64,
};
#define GROUP_BYTES ((size_t)32 << 20)

rml_status rml_parquet_open(const char *path, rml_schema schema, const rml_parquet_options *options,
                            rml_parquet_writer **out, rml_error *err)
{
    *out = NULL;
    rml_parquet_writer *w = rml_heap_make(sizeof *w);
    if (w == NULL) {
        return rml_fail_memory(err, sizeof *w);
    }
    w->leaves = RML_ARRAY(rml_leaf);
    w->groups = RML_ARRAY(rml_row_group);
    w->chunks = RML_ARRAY(rml_chunk);
    w->pages = RML_ARRAY(rml_page);
    w->options = options != NULL ? *options : (rml_parquet_options){0};
    if (w->options.row_group_rows == 0) {
        w->options.row_group_rows = GROUP_ROWS;
    }
    if (w->options.zstd_level == 0) {
        w->options.zstd_level = 1;
    }
    rml_status st = rml_schema_copy(&w->arena, schema, &w->schema, err);
    if (st == RML_OK) {
        st = rml_leaves(w->schema, &w->leaves, err);
    }
    if (st == RML_OK && w->leaves.count == 0) {
        st = rml_fail(err, RML_ERR_ARGUMENT, rml_place_file(rml_str_of(path)), NULL,
                      "expected at least one column, found none");
    }
    if (st == RML_OK) {
        w->totals = RML_NEW_ARRAY(&w->arena, rml_range, w->leaves.count);
        st = w->totals == NULL ? rml_fail_memory(err, w->leaves.count) : RML_OK;
    }
    if (st == RML_OK) {
        st = rml_batch_init(&w->pending, w->schema, err);
    }
    if (st == RML_OK) {
        st = rml_digest_begin(&w->digest, w->schema, err);
    }
    if (st == RML_OK) {
        st = rml_sha256_begin(&w->bytes, err);
    }
    if (st == RML_OK) {
        st = rml_store_writer_open(&w->file, rml_str_of(path), err);
    }
    if (st == RML_OK) {
        st = rml_parquet_put(w, "PAR1", 4, err);
    }
    if (st != RML_OK) {
        rml_parquet_close(w);
        return st;
    }
    *out = w;
    return RML_OK;
}

void rml_parquet_close(rml_parquet_writer *w)
{
    if (w == NULL) {
        return;
    }
    rml_store_writer_close(&w->file);
    rml_digest_close(&w->digest);
    rml_sha256_abort(&w->bytes);
    rml_batch_reset(&w->pending);
    rml_array_reset(&w->leaves);
    rml_array_reset(&w->groups);
    rml_array_reset(&w->chunks);
    rml_array_reset(&w->pages);
    rml_codec_context_reset(&w->codec);
    rml_shred_reset(&w->shred);
    rml_buffer_reset(&w->plain);
    rml_buffer_reset(&w->packed);
    rml_buffer_reset(&w->header);
    rml_buffer_reset(&w->indexes);
    rml_arena_reset(&w->arena);
    rml_heap_free(w);
}

rml_status rml_parquet_put(rml_parquet_writer *w, const void *data, size_t len, rml_error *err)
{
    rml_sha256_add(&w->bytes, data, len);
    return rml_store_writer_write(&w->file, data, len, err);
}

// ---- Rows --------------------------------------------------------------------------------------

// Gives every NaN the same bits.
static void one_nan(rml_column *c)
{
    for (size_t i = 0; i < c->child_count; i++) {
        one_nan(&c->children[i]);
    }
    if (c->type == RML_TYPE_F64) {
        uint64_t *v = (uint64_t *)(void *)c->values.data;
        for (size_t i = 0; i < c->count; i++) {
            v[i] = rml_nan64(v[i]);
        }
    } else if (c->type == RML_TYPE_F32) {
        uint32_t *v = (uint32_t *)(void *)c->values.data;
        for (size_t i = 0; i < c->count; i++) {
            v[i] = rml_nan32(v[i]);
        }
    }
}

rml_status rml_parquet_flush(rml_parquet_writer *w, rml_error *err)
{
    if (w->pending.count == 0) {
        return RML_OK;
    }
    for (size_t i = 0; i < w->schema.count; i++) {
        one_nan(&w->pending.columns[i]);
    }
    RML_TRY(w->options.digest != NULL
                ? rml_rows_digest_add(w->options.digest, &w->pending, err)
                : rml_digest_add(&w->digest, w->pending.columns, 0, w->pending.count, err));
    rml_row_group *group = rml_array_push(&w->groups, err);
    if (group == NULL) {
        return RML_ERR_MEMORY;
    }
    *group = (rml_row_group){.rows = w->pending.count, .offset = w->file.size};
    for (size_t i = 0; i < w->leaves.count; i++) {
        RML_TRY(rml_parquet_chunk(w, i, err));
        const rml_chunk *chunk = RML_AT(&w->chunks, rml_chunk, w->chunks.count - 1);
        group->size += chunk->size;
        group->raw_size += chunk->raw_size;
        w->values += chunk->entries;
        rml_range_merge(&w->totals[i], &chunk->range, RML_AT(&w->leaves, rml_leaf, i)->type);
    }
    rml_batch_clear(&w->pending);
    return RML_OK;
}

// What a column's rows take until they are written: its buffers, and the levels of one leaf at a
// time, of which there is one for each element of a list.
static size_t column_weight(const rml_column *c, bool in_list)
{
    size_t weight =
        c->values.len + c->offsets.len + c->validity.len + c->count * (in_list ? 32 : 4);
    for (size_t i = 0; i < c->child_count; i++) {
        weight += column_weight(&c->children[i], in_list || c->type == RML_TYPE_LIST);
    }
    return weight;
}

size_t rml_parquet_weight(const rml_parquet_writer *w)
{
    size_t weight = 0;
    for (size_t i = 0; i < w->schema.count; i++) {
        weight += column_weight(&w->pending.columns[i], false);
    }
    return weight;
}

rml_status rml_parquet_write_rows(rml_parquet_writer *w, const rml_column *columns, size_t from,
                                  size_t count, rml_error *err)
{
    while (count > 0) {
        size_t step = STEP_ROWS - w->pending.count % STEP_ROWS;
        step = step < w->options.row_group_rows - w->pending.count
                   ? step
                   : w->options.row_group_rows - w->pending.count;
        step = step < count ? step : count;
        for (size_t i = 0; i < w->schema.count; i++) {
            RML_TRY(rml_column_append(&w->pending.columns[i], &columns[i], from, step, err));
        }
        w->pending.count += step;
        w->rows += step;
        from += step;
        count -= step;
        bool boundary = w->pending.count % STEP_ROWS == 0;
        if (w->pending.count == w->options.row_group_rows ||
            (boundary && rml_parquet_weight(w) >= GROUP_BYTES)) {
            RML_TRY(rml_parquet_flush(w, err));
        }
    }
    return RML_OK;
}

rml_status rml_parquet_write(rml_parquet_writer *w, const rml_batch *batch, rml_error *err)
{
    bool fits = batch->schema.count == w->schema.count;
    for (size_t i = 0; fits && i < w->schema.count; i++) {
        const rml_field *ours = &w->schema.fields[i], *theirs = &batch->schema.fields[i];
        fits = rml_str_equal(ours->name, theirs->name) && rml_field_same(ours, theirs);
    }
    if (!fits) {
        return rml_fail(err, RML_ERR_ARGUMENT, rml_place_file(rml_store_writer_uri(&w->file)), NULL,
                        "expected a batch of the file's %zu columns, found another schema",
                        w->schema.count);
    }
    RML_TRY(rml_batch_check(batch, false, err));
    return rml_parquet_write_rows(w, batch->columns, 0, batch->count, err);
}

// ---- The end -----------------------------------------------------------------------------------

rml_status rml_parquet_finish(rml_parquet_writer *w, rml_parquet_result *out, rml_error *err)
{
    RML_TRY(rml_parquet_flush(w, err));
    RML_TRY(rml_parquet_footer(w, err));
    *out = (rml_parquet_result){.rows = w->rows, .bytes = w->file.size};
    rml_sha256_end(&w->bytes, &out->sha256);
    return w->options.digest != NULL ? RML_OK : rml_digest_end(&w->digest, &out->digest, err);
}

rml_status rml_parquet_publish(rml_parquet_writer *w, const char *path, rml_error *err)
{
    RML_TRY(rml_store_writer_rename(&w->file, rml_str_of(path), err));
    rml_status st = rml_store_writer_commit(&w->file, false, err);
    if (st == RML_ERR_EXISTS) {
        if (err != NULL) {
            *err = (rml_error){0};
        }
        return RML_OK;
    }
    return st;
}

rml_status rml_parquet_commit(rml_parquet_writer *w, rml_parquet_result *out, rml_error *err)
{
    rml_parquet_result result;
    RML_TRY(rml_parquet_finish(w, &result, err));
    RML_TRY(rml_store_writer_commit(&w->file, true, err));
    if (out != NULL) {
        *out = result;
    }
    return RML_OK;
}

rml_status rml_parquet_save(const char *path, const rml_batch *batch,
                            const rml_parquet_options *options, rml_parquet_result *out,
                            rml_error *err)
{
    rml_parquet_writer *w = NULL;
    RML_TRY(rml_parquet_open(path, batch->schema, options, &w, err));
    rml_status st = rml_parquet_write(w, batch, err);
    if (st == RML_OK) {
        st = rml_parquet_commit(w, out, err);
    }
    rml_parquet_close(w);
    return st;
}
