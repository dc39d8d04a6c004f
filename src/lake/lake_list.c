// What there is in the lake: tables with their state hashes, and their history.
#include "roadmill/codec.h"
#include "roadmill/store.h"

#include "delta_log.h"
#include "lake.h"

// ---- Tables ------------------------------------------------------------------------------------

static int compare_pairs(const void *a, const void *b, void *context)
{
    (void)context;
    const rml_delta_file *x = *(const rml_delta_file *const *)a;
    const rml_delta_file *y = *(const rml_delta_file *const *)b;
    int order = rml_str_compare(x->owner, y->owner);
    return order != 0 ? order
                      : rml_str_compare((rml_str){(const char *)x->digest.bytes, 32},
                                        (rml_str){(const char *)y->digest.bytes, 32});
}

// SHA-256 over the sorted pairs: "OWNER DIGEST\n" each.
static rml_status hash_pairs(rml_array *pairs, rml_hash *out, rml_error *err)
{
    RML_TRY(rml_array_sort(pairs, compare_pairs, NULL, err));
    rml_sha256_state s = {0};
    RML_TRY(rml_sha256_begin(&s, err));
    for (size_t i = 0; i < pairs->count; i++) {
        const rml_delta_file *file = *RML_AT(pairs, const rml_delta_file *, i);
        char digest[RML_HASH_TEXT];
        rml_hash_text(&file->digest, digest);
        rml_sha256_add(&s, file->owner.data, file->owner.len);
        rml_sha256_add(&s, " ", 1);
        rml_sha256_add(&s, digest, RML_HASH_TEXT - 1);
        rml_sha256_add(&s, "\n", 1);
    }
    rml_sha256_end(&s, out);
    return RML_OK;
}

static rml_status describe(rml_lake *lake, rml_str name, rml_lake_complete *complete,
                           rml_lake_table *out, rml_error *err)
{
    const rml_delta *d = NULL;
    RML_TRY(rml_lake_latest(lake, name, &d, err));
    *out = (rml_lake_table){.name = name, .version = d->version};
    rml_array pairs = RML_ARRAY(const rml_delta_file *);
    rml_status st = RML_OK;
    for (size_t i = 0; st == RML_OK && i < d->file_count; i++) {
        bool whole = false;
        st = rml_lake_is_complete(lake, complete, &d->files[i], &whole, err);
        if (st != RML_OK || !whole) {
            continue;
        }
        const rml_delta_file **pair = rml_array_push(&pairs, err);
        if (pair == NULL) {
            st = RML_ERR_MEMORY;
            continue;
        }
        *pair = &d->files[i];
        out->files++;
        out->rows += d->files[i].rows;
        out->bytes += d->files[i].size;
    }
    if (st == RML_OK) {
        st = hash_pairs(&pairs, &out->state, err);
    }
    rml_array_reset(&pairs);
    return st;
}

rml_status rml_lake_tables(rml_lake *lake, rml_arena *arena, rml_array *tables, rml_error *err)
{
    rml_array names = RML_ARRAY(rml_str);
    rml_lake_complete complete = {0};
    rml_status st = rml_lake_names(lake, (rml_str){0}, arena, &names, err);
    for (size_t i = 0; st == RML_OK && i < names.count; i++) {
        rml_lake_table *table = rml_array_push(tables, err);
        st = table == NULL ? RML_ERR_MEMORY
                           : describe(lake, *RML_AT(&names, rml_str, i), &complete, table, err);
    }
    rml_lake_complete_reset(&complete);
    rml_array_reset(&names);
    return st;
}

rml_status rml_lake_table_get(rml_lake *lake, const char *table, rml_lake_table *out,
                              rml_error *err)
{
    RML_TRY(rml_lake_check_name(table, err));
    rml_lake_complete complete = {0};
    rml_status st = describe(lake, rml_str_of(table), &complete, out, err);
    rml_lake_complete_reset(&complete);
    return st;
}

static rml_status owner_has(rml_lake *lake, rml_str table, rml_str owner,
                            rml_lake_complete *complete, bool *out, rml_error *err)
{
    const rml_delta *d = NULL;
    *out = false;
    RML_TRY(rml_lake_latest(lake, table, &d, err));
    for (size_t i = 0; !*out && i < d->file_count; i++) {
        if (rml_str_equal(d->files[i].owner, owner)) {
            RML_TRY(rml_lake_is_complete(lake, complete, &d->files[i], out, err));
        }
    }
    return RML_OK;
}

rml_status rml_lake_owner_tables(rml_lake *lake, rml_str owner, rml_str beginning, rml_arena *arena,
                                 rml_array *names, rml_error *err)
{
    rml_array all = RML_ARRAY(rml_str);
    rml_lake_complete complete = {0};
    rml_status st = rml_lake_names(lake, beginning, arena, &all, err);
    for (size_t i = 0; st == RML_OK && i < all.count; i++) {
        rml_str name = *RML_AT(&all, rml_str, i);
        bool has = false;
        st = owner_has(lake, name, owner, &complete, &has, err);
        if (st == RML_OK && has) {
            rml_str *item = rml_array_push(names, err);
            st = item == NULL ? RML_ERR_MEMORY : RML_OK;
            if (item != NULL) {
                *item = name;
            }
        }
    }
    rml_lake_complete_reset(&complete);
    rml_array_reset(&all);
    return st;
}

// ---- History -----------------------------------------------------------------------------------

static rml_status read_action(const rml_json *object, rml_arena *arena, rml_lake_commit_info *out,
                              rml_error *err)
{
    const rml_json *info = rml_json_get(object, "commitInfo");
    if (info != NULL) {
        out->time_ns = rml_json_get_i64(info, "timestamp", 0) * 1000000;
        out->operation = rml_arena_str(arena, rml_json_get_str(info, "operation", RML_STR("")));
    }
    const rml_json *txn = rml_json_get(object, "txn");
    if (txn != NULL) {
        out->owner = rml_arena_str(arena, rml_json_get_str(txn, "appId", RML_STR("")));
    }
    const rml_json *add = rml_json_get(object, "add");
    out->files_removed += rml_json_get(object, "remove") != NULL;
    if (add != NULL) {
        out->files_added++;
        const rml_json *stats = NULL;
        rml_str text = rml_json_get_str(add, "stats", RML_STR("{}"));
        RML_TRY(rml_json_parse(arena, text, RML_STR("stats"), &stats, err));
        int64_t rows = rml_json_get_i64(stats, "numRecords", 0);
        out->rows_added += rows > 0 ? (uint64_t)rows : 0;
    }
    return RML_OK;
}

static rml_status read_commit(rml_str path, rml_arena *arena, rml_lake_commit_info *out,
                              rml_error *err)
{
    rml_buffer text = {0};
    rml_status st = rml_store_get(path, RML_DELTA_COMMIT_SIZE_MAX, &text, err);
    rml_str left = rml_buffer_text(&text), line;
    while (st == RML_OK && left.len > 0) {
        left = rml_str_cut(left, '\n', &line);
        if (rml_str_trim(line).len > 0) {
            const rml_json *object = NULL;
            st = rml_json_parse(arena, rml_str_trim(line), path, &object, err);
            if (st == RML_OK) {
                st = read_action(object, arena, out, err);
            }
        }
    }
    rml_buffer_reset(&text);
    return st;
}

rml_status rml_lake_history(rml_lake *lake, const char *table, rml_arena *arena, rml_array *commits,
                            rml_error *err)
{
    RML_TRY(rml_lake_check_name(table, err));
    rml_str folder;
    RML_TRY(rml_lake_path(lake, rml_str_of(table), arena, &folder, err));
    rml_str log = rml_path_join(arena, folder, RML_STR("_delta_log"));
    if (log.data == NULL) {
        return rml_fail_memory(err, folder.len);
    }
    rml_file_info there;
    RML_TRY(rml_store_stat(log, &there, err));
    if (!there.exists) {
        return rml_fail(err, RML_ERR_MISSING, rml_place_file(folder),
                        "roadmill lake tables lists them", "expected a table, found none");
    }
    rml_array names = RML_ARRAY(rml_str);
    rml_status st = rml_store_list(log, arena, &names, err);
    for (size_t i = 0; st == RML_OK && i < names.count; i++) {
        rml_str name = *RML_AT(&names, rml_str, i);
        int64_t version = rml_delta_commit_version(name);
        if (version < 0) {
            continue;
        }
        rml_lake_commit_info *info = rml_array_push(commits, err);
        rml_str path = rml_path_join(arena, log, name);
        if (info == NULL || path.data == NULL) {
            st = rml_fail_memory(err, 256);
            continue;
        }
        info->version = version;
        st = read_commit(path, arena, info, err);
    }
    rml_array_reset(&names);
    return st;
}
