// Files against what the log says of them, and a log of the format before brought to this one.
#include "roadmill/codec.h"
#include "roadmill/lake/upkeep.h"
#include "roadmill/store.h"

#include "lake.h"

// ---- Bytes -------------------------------------------------------------------------------------

static rml_status hash_file(rml_store_copies *copies, rml_str folder, const rml_delta_file *file,
                            rml_arena *arena, rml_hash *out, rml_str *path, rml_error *err)
{
    rml_map_file map = {0};
    rml_str local = file->path.data[0] == '/' ? rml_arena_str(arena, file->path)
                                              : rml_path_join(arena, folder, file->path);
    *path = local;
    if (local.data == NULL) {
        return rml_fail_memory(err, file->path.len);
    }
    if (!rml_store_is_local(local)) {
        RML_TRY(rml_store_copy(copies, local, &local, err));
    }
    RML_TRY(rml_map_file_open(&map, local.data, err));
    rml_status st = rml_sha256(map.bytes.data, map.bytes.len, out);
    rml_map_file_close(&map);
    return st == RML_OK ? RML_OK : rml_fail_memory(err, 256);
}

static rml_status check_file(rml_lake *lake, rml_str folder, const rml_delta_file *file,
                             rml_arena *arena, rml_array *faults, rml_error *err)
{
    rml_lake_fault fault = {.expected = file->sha256};
    rml_error found = {0};
    rml_status st =
        hash_file(&lake->copies, folder, file, arena, &fault.found, &fault.path, &found);
    fault.missing = st == RML_ERR_MISSING;
    if (st != RML_OK && !fault.missing) {
        if (err != NULL) {
            *err = found;
        }
        return st;
    }
    if (!fault.missing && rml_hash_equal(&fault.expected, &fault.found)) {
        return RML_OK;
    }
    rml_lake_fault *item = rml_array_push(faults, err);
    if (item == NULL) {
        return RML_ERR_MEMORY;
    }
    *item = fault;
    return RML_OK;
}

rml_status rml_lake_check(rml_lake *lake, const char *table, rml_arena *arena, rml_array *faults,
                          rml_lake_check_result *out, rml_error *err)
{
    const rml_delta *d;
    *out = (rml_lake_check_result){0};
    RML_TRY(rml_lake_check_name(table, err));
    RML_TRY(rml_lake_latest(lake, rml_str_of(table), &d, err));
    for (size_t i = 0; i < d->file_count; i++) {
        const rml_delta_file *file = &d->files[i];
        if (!file->has_sha256) {
            out->untold++;
            continue;
        }
        out->files++;
        out->bytes += file->size;
        RML_TRY(check_file(lake, d->folder, file, arena, faults, err));
    }
    return RML_OK;
}

// ---- The format before -------------------------------------------------------------------------

static int compare_digests(const void *a, const void *b, void *context)
{
    (void)context;
    const rml_delta_file *x = a, *y = b;
    int order = rml_str_compare(x->owner, y->owner);
    return order != 0 ? order : rml_str_compare(x->digest, y->digest);
}

// The state of the format before: the sorted pairs of owner and digest of every complete file.
static rml_status state_before(rml_lake *lake, const rml_delta *d, rml_hash *out, rml_error *err)
{
    rml_array files = RML_ARRAY(rml_delta_file);
    rml_lake_complete complete = {0};
    rml_sha256_state s = {0};
    rml_status st = RML_OK;
    for (size_t i = 0; st == RML_OK && i < d->file_count; i++) {
        bool whole = false;
        st = rml_lake_is_complete(lake, &complete, &d->files[i], &whole, err);
        rml_delta_file *file = st == RML_OK && whole ? rml_array_push(&files, err) : NULL;
        if (file != NULL) {
            *file = d->files[i];
        } else if (st == RML_OK && whole) {
            st = RML_ERR_MEMORY;
        }
    }
    st = st ? st : rml_array_sort(&files, compare_digests, NULL, err);
    st = st ? st : rml_sha256_begin(&s, err);
    for (size_t i = 0; st == RML_OK && i < files.count; i++) {
        const rml_delta_file *file = RML_AT(&files, rml_delta_file, i);
        rml_sha256_add(&s, file->owner.data, file->owner.len);
        rml_sha256_add(&s, " ", 1);
        rml_sha256_add(&s, file->digest.data, file->digest.len);
        rml_sha256_add(&s, "\n", 1);
    }
    if (st == RML_OK) {
        rml_sha256_end(&s, out);
    }
    rml_lake_complete_reset(&complete);
    rml_array_reset(&files);
    return st;
}

// Adds the files of d->files[first]'s owner with the tags of today.
static rml_status tell_owner(rml_lake *lake, const rml_delta *d, size_t first, rml_arena *arena,
                             rml_array *add, rml_error *err)
{
    rml_buffer text = {0};
    size_t *indexes = RML_NEW_ARRAY(arena, size_t, d->file_count), count = 0;
    rml_hash rows = {0};
    if (indexes == NULL) {
        return rml_fail_memory(err, d->file_count);
    }
    for (size_t i = 0; i < d->file_count; i++) {
        if (rml_str_equal(d->files[i].owner, d->files[first].owner)) {
            indexes[count++] = i;
        }
    }
    rml_status st = rml_lake_select_text(&lake->copies, d, indexes, count, NULL, &text, err);
    st = st ? st : rml_lake_digest_all(lake, rml_buffer_text(&text), &rows, err);
    rml_buffer_reset(&text);
    for (size_t i = 0; st == RML_OK && i < count; i++) {
        rml_delta_file *file = rml_array_push(add, err);
        rml_str path;
        if (file == NULL) {
            return RML_ERR_MEMORY;
        }
        *file = d->files[indexes[i]];
        file->rows_of = rows;
        file->parts = count;
        file->has_sha256 = true;
        file->rearranged = true;
        st = hash_file(&lake->copies, d->folder, file, arena, &file->sha256, &path, err);
    }
    return st;
}

enum { ADDS_MAX = 1000 }; // of one commit

// One commit of owners that lack the tags; more: there are others still.
static rml_status upgrade_some(rml_lake *lake, const rml_delta *d, bool *more, uint64_t *files,
                               rml_error *err)
{
    rml_arena arena = {0};
    rml_map done = {0};
    rml_array add = RML_ARRAY(rml_delta_file);
    rml_status st = RML_OK;
    *more = false;
    for (size_t i = 0; st == RML_OK && !*more && i < d->file_count; i++) {
        const rml_delta_file *file = &d->files[i];
        if (file->owner.len == 0 || file->parts > 0 || rml_map_get(&done, file->owner, NULL)) {
            continue;
        }
        *more = add.count >= ADDS_MAX;
        st = *more ? RML_OK : rml_map_put(&done, file->owner, 1, err);
        st = st || *more ? st : tell_owner(lake, d, i, &arena, &add, err);
    }
    if (st == RML_OK && add.count > 0) {
        const rml_delta_commit commit = {
            .add = add.data, .add_count = add.count, .operation = "UPGRADE"};
        st = rml_delta_write(d->folder, d->version, &commit, err);
        *files += st == RML_OK ? add.count : 0;
        // Somebody else was faster: look again.
        *more = *more || st == RML_ERR_EXISTS;
        st = st == RML_ERR_EXISTS ? RML_OK : st;
    }
    rml_array_reset(&add);
    rml_map_reset(&done);
    rml_arena_reset(&arena);
    return st;
}

rml_status rml_lake_upgrade(rml_lake *lake, const char *table, rml_lake_upgrade_result *out,
                            rml_error *err)
{
    const rml_delta *d;
    rml_lake_table now;
    bool more = true;
    *out = (rml_lake_upgrade_result){0};
    RML_TRY(rml_lake_check_name(table, err));
    while (more) {
        RML_TRY(rml_lake_latest(lake, rml_str_of(table), &d, err));
        RML_TRY(upgrade_some(lake, d, &more, &out->files, err));
    }
    RML_TRY(rml_lake_latest(lake, rml_str_of(table), &d, err));
    RML_TRY(state_before(lake, d, &out->before, err));
    RML_TRY(rml_lake_table_get(lake, table, &now, err));
    out->after = now.state;
    return RML_OK;
}
