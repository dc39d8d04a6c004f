// Rows of an owner in files of several: another program merged them. When the owner's rows are
// replaced, each such file is written again without them.
#include "lake_txn.h"

static rml_status select_others(rml_lake_txn *txn, const rml_delta *state, size_t index,
                                rml_str column, rml_buffer *out, rml_error *err)
{
    rml_str quoted = rml_sql_quote(&txn->arena, txn->owner);
    RML_TRY(quoted.data == NULL ? rml_fail_memory(err, txn->owner.len)
                                : rml_buffer_str(out, RML_STR("SELECT * FROM ("), err));
    RML_TRY(rml_lake_select_text(&txn->lake->copies, state, &index, 1, NULL, out, err));
    return rml_buffer_printf(out, err, ") WHERE coalesce(\"%.*s\", '') <> %.*s", RML_FMT(column),
                             RML_FMT(quoted));
}

static rml_status publish(rml_lake_txn *txn, const rml_txn_entry *e, rml_parquet_writer *w,
                          rml_delta_file *out, rml_error *err)
{
    rml_parquet_result made;
    rml_buffer stats = {0};
    char text[RML_HASH_TEXT];
    RML_TRY(rml_parquet_finish(w, &made, err));
    rml_hash_text(&made.sha256, text);
    *out = (rml_delta_file){.path = rml_arena_printf(&txn->arena, "part-%s.parquet", text),
                            .size = made.bytes,
                            .rows = made.rows,
                            .sha256 = made.sha256,
                            .has_sha256 = true,
                            .rearranged = true};
    rml_str path = rml_path_join(&txn->arena, e->folder, out->path);
    rml_status st = rml_parquet_delta_stats(w, &stats, err);
    out->stats = rml_arena_str(&txn->arena, rml_buffer_text(&stats));
    rml_buffer_reset(&stats);
    if (st == RML_OK && (out->path.data == NULL || path.data == NULL || out->stats.data == NULL)) {
        st = rml_fail_memory(err, 256);
    }
    return st ? st : rml_parquet_publish(w, path.data, err);
}

// Rows into one file of the table's folder, with what the log says of it; rows 0: there were none,
// and there is no file.
static rml_status copy_rows(rml_lake_txn *txn, const rml_txn_entry *e, rml_str select,
                            rml_delta_file *out, rml_error *err)
{
    rml_rows *rows = NULL;
    rml_parquet_writer *w = NULL;
    const rml_batch *b;
    *out = (rml_delta_file){0};
    rml_str path = rml_path_join(&txn->arena, e->folder, RML_STR("part"));
    rml_status st =
        path.data == NULL ? rml_fail_memory(err, e->folder.len) : rml_lake_open_sql(txn->lake, err);
    st = st ? st : rml_sql_query(txn->lake->sql, select, &rows, err);
    while (st == RML_OK && (st = rml_rows_next(rows, &b, err)) == RML_OK) {
        st = w != NULL ? RML_OK : rml_parquet_open(path.data, b->schema, NULL, &w, err);
        st = st ? st : rml_parquet_write_rows(w, b->columns, 0, b->count, err);
    }
    st = st == RML_END ? RML_OK : st;
    if (st == RML_OK && w != NULL) {
        st = publish(txn, e, w, out, err);
    }
    rml_parquet_close(w);
    rml_rows_close(rows);
    return st;
}

static rml_status carve_file(rml_lake_txn *txn, const rml_txn_entry *e, const rml_delta *state,
                             size_t index, rml_str column, rml_array *add, rml_array *remove,
                             rml_error *err)
{
    rml_map owners = {0};
    rml_status st = rml_lake_row_owners(txn->lake, state, column, &index, 1, &owners, err);
    bool has = st == RML_OK && rml_map_get(&owners, txn->owner, NULL);
    rml_map_reset(&owners);
    if (st != RML_OK || !has) {
        return st;
    }
    rml_buffer select = {0};
    rml_delta_file rest;
    st = select_others(txn, state, index, column, &select, err);
    st = st ? st : copy_rows(txn, e, rml_buffer_text(&select), &rest, err);
    rml_buffer_reset(&select);
    RML_TRY(st);
    rml_str *gone = rml_array_push(remove, err);
    rml_delta_file *file = gone != NULL && rest.rows > 0 ? rml_array_push(add, err) : NULL;
    if (gone == NULL || (rest.rows > 0 && file == NULL)) {
        return RML_ERR_MEMORY;
    }
    *gone = state->files[index].path;
    if (file != NULL) {
        *file = rest;
    }
    return RML_OK;
}

rml_status rml_txn_carve(rml_lake_txn *txn, const rml_txn_entry *e, const rml_delta *state,
                         rml_array *add, rml_array *remove, rml_error *err)
{
    rml_str column = rml_lake_owner_column(e->name, state->schema);
    for (size_t i = 0; column.len > 0 && i < state->file_count; i++) {
        if (state->files[i].owner.len == 0) {
            RML_TRY(carve_file(txn, e, state, i, column, add, remove, err));
        }
    }
    return RML_OK;
}
