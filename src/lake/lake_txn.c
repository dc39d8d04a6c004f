// Writing into the lake: rows become files of one owner (lake_commit.c makes them visible).
//
// Nothing is visible before its commit, and what a killed transaction left is completed or removed
// by the next one of the same owner (docs/lake.md, "The commit protocol").
#include "lake_txn.h"

#include <string.h>

#include "roadmill/store.h"

enum {
    OWNER_MAX = 64,
    FILE_STEP_ROWS = 4096, // a file ends only at multiples of this: not where batches end
};
#define FILE_VALUES_MAX ((uint64_t)128 << 20)
// Rows of all tables that wait for their row group.
#define PENDING_BYTES_MAX ((size_t)64 << 20)

rml_status rml_lake_begin(rml_lake *lake, rml_str owner, rml_lake_txn **out, rml_error *err)
{
    *out = NULL;
    bool fine = owner.len > 0 && owner.len <= OWNER_MAX && owner.data[0] != '_';
    for (size_t i = 0; fine && i < owner.len; i++) {
        char c = owner.data[i];
        fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
    }
    if (!fine) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected an owner of at most %d characters of 0-9, a-z, _ and -, not _ "
                        "first, found %.*s",
                        OWNER_MAX, RML_FMT(owner));
    }
    rml_lake_txn *txn = rml_heap_make(sizeof *txn);
    if (txn == NULL) {
        return rml_fail_memory(err, sizeof *txn);
    }
    txn->lake = lake;
    txn->entries = RML_ARRAY(rml_txn_entry);
    txn->owner = rml_arena_str(&txn->arena, owner);
    if (txn->owner.data == NULL) {
        rml_lake_txn_close(txn);
        return rml_fail_memory(err, owner.len);
    }
    *out = txn;
    return RML_OK;
}

void rml_lake_txn_close(rml_lake_txn *txn)
{
    if (txn == NULL) {
        return;
    }
    for (size_t i = 0; i < txn->entries.count; i++) {
        rml_txn_entry *e = RML_AT(&txn->entries, rml_txn_entry, i);
        rml_parquet_close(e->writer);
        rml_rows_digest_free(e->digest);
        rml_array_reset(&e->files);
        rml_map_reset(&e->paths);
    }
    rml_array_reset(&txn->entries);
    rml_arena_reset(&txn->arena);
    rml_heap_free(txn);
}

// The columns that the table has now, so that rows which contradict them are told when they come
// and may go elsewhere. A table that is not there yet, or cannot be read, is found out at the
// commit.
static rml_status know_schema(rml_lake_txn *txn, rml_txn_entry *e, rml_error *err)
{
    const rml_delta *state;
    rml_status st = rml_lake_latest(txn->lake, e->name, &state, NULL);
    return st == RML_OK ? rml_schema_copy(&txn->arena, state->schema, &e->schema, err) : RML_OK;
}

static rml_status entry_of(rml_lake_txn *txn, const char *table, rml_txn_entry **out,
                           rml_error *err)
{
    RML_TRY(rml_lake_check_name(table, err));
    for (size_t i = 0; i < txn->entries.count; i++) {
        rml_txn_entry *e = RML_AT(&txn->entries, rml_txn_entry, i);
        if (rml_str_equal(e->name, rml_str_of(table))) {
            *out = e;
            return RML_OK;
        }
    }
    rml_txn_entry fresh = {.name = rml_arena_str(&txn->arena, rml_str_of(table)),
                           .files = RML_ARRAY(rml_delta_file)};
    if (fresh.name.data == NULL) {
        return rml_fail_memory(err, strlen(table));
    }
    RML_TRY(rml_lake_path(txn->lake, fresh.name, &txn->arena, &fresh.folder, err));
    RML_TRY(know_schema(txn, &fresh, err));
    rml_txn_entry *e = rml_array_push(&txn->entries, err);
    if (e == NULL) {
        return RML_ERR_MEMORY;
    }
    *e = fresh;
    *out = e;
    return RML_OK;
}

// ---- Schemas -----------------------------------------------------------------------------------

static void type_text(const rml_field *field, char *out, size_t size)
{
    rml_str name = rml_str_of(rml_type_name(field->type));
    size_t n = name.len < size - 1 ? name.len : size - 1;
    memcpy(out, name.data, n);
    out[n] = '\0';
}

rml_status rml_txn_merge_schema(rml_arena *arena, rml_str table, rml_schema *have, rml_schema more,
                                bool *changed, rml_error *err)
{
    rml_field *fields = RML_NEW_ARRAY(arena, rml_field, have->count + more.count + 1);
    if (fields == NULL) {
        return rml_fail_memory(err, (have->count + more.count) * sizeof *fields);
    }
    if (have->count > 0) {
        memcpy(fields, have->fields, have->count * sizeof *fields);
    }
    rml_schema all = {fields, have->count};
    for (size_t i = 0; i < more.count; i++) {
        size_t at = rml_schema_find(all, more.fields[i].name);
        if (at == all.count) {
            fields[all.count++] = more.fields[i];
        } else if (!rml_str_equal(fields[at].name, more.fields[i].name) ||
                   !rml_field_same(&fields[at], &more.fields[i])) {
            char ours[16], theirs[16];
            type_text(&fields[at], ours, sizeof ours);
            type_text(&more.fields[i], theirs, sizeof theirs);
            return rml_fail(err, RML_ERR_CONFLICT, rml_place_file(table), NULL,
                            "expected column %.*s of type %s with the same fields, found %.*s of "
                            "type %s",
                            RML_FMT(fields[at].name), ours, RML_FMT(more.fields[i].name), theirs);
        }
    }
    *changed = all.count > have->count;
    *have = all;
    return RML_OK;
}

static bool same_schema(rml_schema a, rml_schema b)
{
    bool same = a.count == b.count;
    for (size_t i = 0; same && i < a.count; i++) {
        same = rml_str_equal(a.fields[i].name, b.fields[i].name) &&
               a.fields[i].nullable == b.fields[i].nullable &&
               rml_field_same(&a.fields[i], &b.fields[i]);
    }
    return same;
}

// ---- Files -------------------------------------------------------------------------------------

static uint64_t count_leaves(const rml_field *field)
{
    uint64_t leaves = field->child_count == 0;
    for (size_t i = 0; i < field->child_count; i++) {
        leaves += count_leaves(&field->children[i]);
    }
    return leaves;
}

static rml_status open_file(rml_lake_txn *txn, rml_txn_entry *e, rml_schema schema, rml_error *err)
{
    rml_str folder = rml_path_join(&txn->arena, e->folder, txn->owner);
    rml_str path = rml_path_join(&txn->arena, folder, RML_STR("part"));
    if (folder.data == NULL || path.data == NULL) {
        return rml_fail_memory(err, e->folder.len);
    }
    RML_TRY(rml_store_folder_make(folder, err));
    RML_TRY(e->digest != NULL ? RML_OK : rml_rows_digest_make(&e->digest, err));
    const rml_parquet_options options = {.digest = e->digest};
    RML_TRY(rml_parquet_open(path.data, schema, &options, &e->writer, err));
    e->writer_schema = schema;
    e->writer_rows = 0;
    return RML_OK;
}

// FOLDER/part-SHA256.parquet; equal files of one transaction are several.
static rml_status name_file(rml_lake_txn *txn, const rml_txn_entry *e, const rml_hash *sha256,
                            rml_str *out, rml_error *err)
{
    char text[RML_HASH_TEXT];
    rml_hash_text(sha256, text);
    *out = rml_arena_printf(&txn->arena, "%.*s/part-%s.parquet", RML_FMT(txn->owner), text);
    for (unsigned k = 1; out->data != NULL && rml_map_get(&e->paths, *out, NULL); k++) {
        *out =
            rml_arena_printf(&txn->arena, "%.*s/part-%s-%u.parquet", RML_FMT(txn->owner), text, k);
    }
    return out->data == NULL ? rml_fail_memory(err, 256) : RML_OK;
}

// Ends the file being written and gives it the name of its bytes.
static rml_status close_file(rml_lake_txn *txn, rml_txn_entry *e, rml_error *err)
{
    if (e->writer == NULL) {
        return RML_OK;
    }
    rml_parquet_result result;
    rml_str name;
    RML_TRY(rml_parquet_finish(e->writer, &result, err));
    RML_TRY(name_file(txn, e, &result.sha256, &name, err));
    rml_str path = rml_path_join(&txn->arena, e->folder, name);
    if (path.data == NULL) {
        return rml_fail_memory(err, 256);
    }
    rml_buffer stats = {0};
    rml_status st = rml_parquet_delta_stats(e->writer, &stats, err);
    rml_str stats_text = rml_arena_str(&txn->arena, rml_buffer_text(&stats));
    rml_buffer_reset(&stats);
    if (st == RML_OK) {
        st = stats_text.data == NULL ? rml_fail_memory(err, 256)
                                     : rml_parquet_publish(e->writer, path.data, err);
    }
    rml_parquet_close(e->writer);
    e->writer = NULL;
    e->weight = 0;
    RML_TRY(st);
    RML_TRY(rml_map_put(&e->paths, name, 1, err));
    rml_delta_file *file = rml_array_push(&e->files, err);
    if (file == NULL) {
        return RML_ERR_MEMORY;
    }
    *file = (rml_delta_file){.path = name,
                             .size = result.bytes,
                             .rows = result.rows,
                             .owner = txn->owner,
                             .sha256 = result.sha256,
                             .has_sha256 = true,
                             .stats = stats_text};
    return RML_OK;
}

// The literal of a file's local path.
static rml_status put_file(rml_lake_txn *txn, const rml_txn_entry *e, size_t index,
                           rml_buffer *text, rml_error *err)
{
    rml_str path = RML_AT(&e->files, rml_delta_file, index)->path;
    path = rml_path_join(&txn->arena, e->folder, path);
    if (path.data != NULL && !rml_store_is_local(path)) {
        RML_TRY(rml_store_copy(&txn->lake->copies, path, &path, err));
    }
    rml_str quoted = path.data != NULL ? rml_sql_quote(&txn->arena, path) : path;
    return quoted.data == NULL
               ? rml_fail_memory(err, 256)
               : rml_buffer_printf(text, err, "%s%.*s", index > 0 ? ", " : "", RML_FMT(quoted));
}

// Rows that did not come in their order are read again in it, from the files.
static rml_status read_digest(rml_lake_txn *txn, const rml_txn_entry *e, rml_hash *out,
                              rml_error *err)
{
    rml_buffer text = {0};
    rml_status st = rml_buffer_str(&text, RML_STR("SELECT * FROM read_parquet(["), err);
    for (size_t i = 0; st == RML_OK && i < e->files.count; i++) {
        st = put_file(txn, e, i, &text, err);
    }
    st =
        st ? st
           : rml_buffer_str(&text, RML_STR("], union_by_name=true, hive_partitioning=false)"), err);
    st = st ? st : rml_lake_digest_all(txn->lake, rml_buffer_text(&text), out, err);
    rml_buffer_reset(&text);
    return st;
}

rml_status rml_txn_close_files(rml_lake_txn *txn, rml_txn_entry *e, rml_error *err)
{
    RML_TRY(close_file(txn, e, err));
    if (e->files.count == 0) {
        return RML_OK;
    }
    rml_hash digest;
    bool ordered;
    RML_TRY(rml_rows_digest_end(e->digest, &ordered, &digest, err));
    RML_TRY(ordered ? RML_OK : read_digest(txn, e, &digest, err));
    for (size_t i = 0; i < e->files.count; i++) {
        RML_AT(&e->files, rml_delta_file, i)->rows_of = digest;
        RML_AT(&e->files, rml_delta_file, i)->parts = e->files.count;
    }
    return RML_OK;
}

// Keeps the rows that wait for their row groups below the ceiling: the heaviest table writes its.
static rml_status keep_ceiling(rml_lake_txn *txn, rml_error *err)
{
    for (;;) {
        size_t total = 0;
        rml_txn_entry *heaviest = NULL;
        for (size_t i = 0; i < txn->entries.count; i++) {
            rml_txn_entry *e = RML_AT(&txn->entries, rml_txn_entry, i);
            total += e->weight;
            if (e->weight > 0 && (heaviest == NULL || e->weight > heaviest->weight)) {
                heaviest = e;
            }
        }
        if (total <= PENDING_BYTES_MAX || heaviest == NULL) {
            return RML_OK;
        }
        RML_TRY(rml_parquet_flush(heaviest->writer, err));
        heaviest->weight = 0;
    }
}

rml_status rml_lake_append(rml_lake_txn *txn, const char *table, const rml_batch *batch,
                           rml_error *err)
{
    rml_txn_entry *e = NULL;
    RML_TRY(entry_of(txn, table, &e, err));
    if (batch->schema.count == 0) {
        return rml_fail(err, RML_ERR_ARGUMENT, rml_place_file(e->name), NULL,
                        "expected at least one column, found none");
    }
    RML_TRY(rml_batch_check(batch, false, err));
    e->touched = true;
    if (e->writer == NULL || !same_schema(e->writer_schema, batch->schema)) {
        RML_TRY(close_file(txn, e, err));
        rml_schema copy;
        bool changed = false;
        RML_TRY(rml_schema_copy(&txn->arena, batch->schema, &copy, err));
        RML_TRY(rml_txn_merge_schema(&txn->arena, e->name, &e->schema, copy, &changed, err));
        e->writer_schema = copy;
    }
    uint64_t leaves = 0;
    for (size_t i = 0; i < batch->schema.count; i++) {
        leaves += count_leaves(&batch->schema.fields[i]);
    }
    for (size_t from = 0; from < batch->count;) {
        if (e->writer == NULL) {
            RML_TRY(open_file(txn, e, e->writer_schema, err));
        }
        size_t step = (size_t)(FILE_STEP_ROWS - e->writer_rows % FILE_STEP_ROWS);
        step = step < batch->count - from ? step : batch->count - from;
        RML_TRY(rml_parquet_write_rows(e->writer, batch->columns, from, step, err));
        e->writer_rows += step;
        from += step;
        if (e->writer_rows % FILE_STEP_ROWS == 0 && e->writer_rows * leaves >= FILE_VALUES_MAX) {
            RML_TRY(close_file(txn, e, err));
        }
    }
    e->weight = e->writer != NULL ? rml_parquet_weight(e->writer) : 0;
    return keep_ceiling(txn, err);
}

rml_status rml_lake_replace(rml_lake_txn *txn, const char *table, rml_error *err)
{
    rml_txn_entry *e = NULL;
    RML_TRY(entry_of(txn, table, &e, err));
    e->replace = true;
    return RML_OK;
}
