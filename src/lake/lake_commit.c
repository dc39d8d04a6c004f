// Committing a transaction: table by table, each by the file of the next version.
//
// What a commit finds of its owner and does not write itself goes, also out of files into which
// another program merged it (docs/lake.md, "The commit protocol").
#include <string.h>

#include "roadmill/lake/upkeep.h"

#include "lake_txn.h"

enum { ATTEMPTS_MAX = 1000 }; // lost races of one commit

// What one attempt at a table's commit found to do.
typedef struct work {
    const rml_delta *state; // NULL: no table yet
    rml_arena arena;
    int64_t version;  // read; -1: no table yet
    rml_array add;    // rml_delta_file
    rml_array remove; // rml_str
    rml_schema schema;
    bool changed;
} work;

static void work_reset(work *w)
{
    rml_arena_reset(&w->arena);
    rml_array_reset(&w->add);
    rml_array_reset(&w->remove);
}

static rml_status read_state(rml_lake_txn *txn, const rml_txn_entry *e, work *w, rml_error *err)
{
    rml_error found = {0};
    rml_status st = rml_lake_latest(txn->lake, e->name, &w->state, &found);
    w->version = st == RML_OK ? w->state->version : -1;
    if (st != RML_OK) {
        w->state = NULL;
    }
    if (st != RML_OK && st != RML_ERR_MISSING) {
        if (err != NULL) {
            *err = found;
        }
        return st;
    }
    return RML_OK;
}

// True when the table has these rows of the owner already, though in other files: packed by another
// version of this program.
static bool is_there(const rml_lake_txn *txn, const rml_txn_entry *e, const rml_delta *state)
{
    const rml_delta_file *ours = e->files.data;
    uint64_t found = 0, parts = 0;
    bool same = state != NULL && e->files.count > 0;
    for (size_t i = 0; same && i < state->file_count; i++) {
        const rml_delta_file *file = &state->files[i];
        if (rml_str_equal(file->owner, txn->owner)) {
            same = file->parts > 0 && rml_hash_equal(&file->rows_of, &ours->rows_of);
            parts = file->parts;
            found++;
        }
    }
    return same && found > 0 && found == parts;
}

static rml_status find_work(rml_lake_txn *txn, rml_txn_entry *e, work *w, rml_error *err)
{
    rml_map live = {0};
    rml_status st = RML_OK;
    bool there = is_there(txn, e, w->state);
    for (size_t i = 0; st == RML_OK && !there && w->state != NULL && i < w->state->file_count;
         i++) {
        const rml_delta_file *file = &w->state->files[i];
        st = rml_map_put(&live, file->path, 1, err);
        if (st == RML_OK && e->replace && rml_str_equal(file->owner, txn->owner) &&
            !rml_map_get(&e->paths, file->path, NULL)) {
            rml_str *path = rml_array_push(&w->remove, err);
            st = path == NULL ? RML_ERR_MEMORY : RML_OK;
            if (path != NULL) {
                *path = file->path;
            }
        }
    }
    for (size_t i = 0; st == RML_OK && !there && i < e->files.count; i++) {
        const rml_delta_file *file = RML_AT(&e->files, rml_delta_file, i);
        if (!rml_map_get(&live, file->path, NULL)) {
            rml_delta_file *add = rml_array_push(&w->add, err);
            st = add == NULL ? RML_ERR_MEMORY : RML_OK;
            if (add != NULL) {
                *add = *file;
                add->last = rml_str_equal(txn->last, e->name) ? (rml_str){0} : txn->last;
            }
        }
    }
    rml_map_reset(&live);
    if (st == RML_OK && e->replace && !there && w->state != NULL) {
        st = rml_txn_carve(txn, e, w->state, &w->add, &w->remove, err);
    }
    RML_TRY(st);
    w->schema = w->state != NULL ? w->state->schema : (rml_schema){0};
    return rml_txn_merge_schema(&w->arena, e->name, &w->schema, e->schema, &w->changed, err);
}

static rml_status check_writable(const rml_txn_entry *e, const work *w, rml_error *err)
{
    if (w->version < 0) {
        return RML_OK;
    }
    bool fine = w->state->writable && (!w->changed || w->state->exact) &&
                (w->remove.count == 0 || !w->state->append_only);
    return fine ? RML_OK
                : rml_fail(err, RML_ERR_UNSUPPORTED, rml_place_file(e->folder), NULL,
                           "expected a table of writer version 2 without partitions, found one "
                           "that needs more");
}

// version: that was written; left alone where there was nothing to do.
static rml_status try_commit(rml_lake_txn *txn, rml_txn_entry *e, int64_t *version, rml_error *err)
{
    work w = {.add = RML_ARRAY(rml_delta_file), .remove = RML_ARRAY(rml_str)};
    rml_status st = read_state(txn, e, &w, err);
    if (st == RML_OK) {
        st = find_work(txn, e, &w, err);
    }
    bool nothing = w.add.count == 0 && w.remove.count == 0 && !w.changed;
    if (st == RML_OK && !nothing) {
        st = check_writable(e, &w, err);
    }
    if (st == RML_OK && !nothing) {
        rml_delta_commit commit = {.schema = w.changed ? w.schema : (rml_schema){0},
                                   .add = w.add.data,
                                   .add_count = w.add.count,
                                   .remove = w.remove.data,
                                   .remove_count = w.remove.count,
                                   .owner = txn->owner,
                                   .table_id = w.state != NULL ? w.state->table_id : (rml_str){0},
                                   .operation = w.version < 0 && w.add.count == 0 ? "CREATE TABLE"
                                                                                  : "WRITE"};
        st = rml_delta_write(e->folder, w.version, &commit, err);
        *version = w.version + 1;
    }
    work_reset(&w);
    return st;
}

// A checkpoint saves reading; the commit stands without it, so its failure is no failure.
static void checkpoint_now_and_then(rml_lake_txn *txn, const rml_txn_entry *e, int64_t version)
{
    rml_lake_checkpoint_info ignored;
    if (version > 0 && version % RML_LAKE_CHECKPOINT_EVERY == 0 &&
        rml_lake_checkpoint(txn->lake, e->name.data, &ignored, NULL) != RML_OK) {
        return;
    }
}

static rml_status commit_entry(rml_lake_txn *txn, rml_txn_entry *e, rml_error *err)
{
    rml_status st = RML_ERR_EXISTS;
    int64_t version = -1;
    for (int i = 0; st == RML_ERR_EXISTS && i < ATTEMPTS_MAX; i++) {
        st = try_commit(txn, e, &version, err);
    }
    if (st == RML_OK) {
        checkpoint_now_and_then(txn, e, version);
    }
    return st;
}

// An owner that is not complete may have left files of a transaction that was killed. They would
// count once it is complete, so every table loses those that this transaction does not write.
static rml_status drop_leftovers(rml_lake_txn *txn, rml_error *err)
{
    rml_lake_complete complete = {0};
    rml_delta_file probe = {.owner = txn->owner, .last = txn->last};
    bool done = false;
    rml_status st = rml_lake_is_complete(txn->lake, &complete, &probe, &done, err);
    rml_lake_complete_reset(&complete);
    if (st != RML_OK || done) {
        return st;
    }
    rml_array names = RML_ARRAY(rml_str);
    st = rml_lake_names(txn->lake, (rml_str){0}, &txn->arena, &names, err);
    for (size_t i = 0; st == RML_OK && i < names.count; i++) {
        const char *name = RML_AT(&names, rml_str, i)->data;
        st = rml_lake_check_name(name, NULL) == RML_OK ? rml_lake_replace(txn, name, err) : RML_OK;
    }
    rml_array_reset(&names);
    for (size_t i = 0; i < txn->entries.count; i++) {
        RML_AT(&txn->entries, rml_txn_entry, i)->replace = true;
    }
    return st;
}

static int compare_entries(const void *a, const void *b, void *context)
{
    rml_str last = *(const rml_str *)context;
    const rml_txn_entry *x = a, *y = b;
    int x_last = rml_str_equal(x->name, last), y_last = rml_str_equal(y->name, last);
    return x_last != y_last ? x_last - y_last : rml_str_compare(x->name, y->name);
}

rml_status rml_lake_commit(rml_lake_txn *txn, const char *last, const rml_batch *last_rows,
                           rml_error *err)
{
    if (last != NULL) {
        txn->last = rml_arena_str(&txn->arena, rml_str_of(last));
        if (txn->last.data == NULL) {
            return rml_fail_memory(err, strlen(last));
        }
        RML_TRY(rml_lake_append(txn, last, last_rows, err));
        RML_TRY(rml_lake_replace(txn, last, err));
    }
    for (size_t i = 0; i < txn->entries.count; i++) {
        RML_TRY(rml_txn_close_files(txn, RML_AT(&txn->entries, rml_txn_entry, i), err));
    }
    if (last != NULL) {
        RML_TRY(drop_leftovers(txn, err));
    }
    RML_TRY(rml_array_sort(&txn->entries, compare_entries, &txn->last, err));
    for (size_t i = 0; i < txn->entries.count; i++) {
        RML_TRY(commit_entry(txn, RML_AT(&txn->entries, rml_txn_entry, i), err));
    }
    return RML_OK;
}
