// What there is in the lake: tables with their state hashes, and their history.
#include "roadmill/codec.h"
#include "roadmill/store.h"

#include "delta_log.h"
#include "lake.h"

// ---- The state of a table ----------------------------------------------------------------------

// What the log says of an owner's rows, and what was found when it does not say it all.
typedef struct owner_rows {
    rml_str owner;
    rml_hash digest;
    uint64_t files, parts; // found; told
    bool unknown;
} owner_rows;

typedef struct table_owners {
    rml_lake *lake;
    const rml_delta *d;
    rml_arena arena;
    rml_map index;
    rml_array owners;       // owner_rows
    size_t *files, *chosen; // complete ones of d->files; scratch
    size_t count;
    bool foreign; // files without an owner are among them
} table_owners;

static rml_status owner_at(table_owners *t, rml_str name, owner_rows **out, rml_error *err)
{
    uint64_t index = t->owners.count;
    if (!rml_map_get(&t->index, name, &index)) {
        owner_rows *fresh = rml_array_push(&t->owners, err);
        if (fresh == NULL) {
            return RML_ERR_MEMORY;
        }
        fresh->owner = rml_arena_str(&t->arena, name);
        RML_TRY(fresh->owner.data == NULL ? rml_fail_memory(err, name.len)
                                          : rml_map_put(&t->index, name, index, err));
    }
    *out = RML_AT(&t->owners, owner_rows, index);
    return RML_OK;
}

static rml_status add_file(table_owners *t, const rml_delta_file *file, rml_error *err)
{
    owner_rows *o;
    if (file->owner.len == 0) {
        t->foreign = true;
        return RML_OK;
    }
    RML_TRY(owner_at(t, file->owner, &o, err));
    bool first = o->files++ == 0;
    o->unknown =
        o->unknown || file->parts == 0 ||
        (!first && (o->parts != file->parts || !rml_hash_equal(&o->digest, &file->rows_of)));
    o->digest = file->rows_of;
    o->parts = file->parts;
    return RML_OK;
}

static rml_status keep_digest(void *context, rml_str owner, const rml_hash *digest, rml_error *err)
{
    owner_rows *o;
    RML_TRY(owner_at(context, owner, &o, err));
    o->digest = *digest;
    o->unknown = false;
    o->files = 1;
    return RML_OK;
}

// The digests of rows of files: of the one owner, or (NULL) of all that are not known by a column.
static rml_status read_digests(table_owners *t, owner_rows *only, rml_str column, rml_error *err)
{
    rml_buffer text = {0};
    size_t count = 0;
    for (size_t i = 0; i < t->count; i++) {
        const rml_delta_file *file = &t->d->files[t->files[i]];
        owner_rows *o = NULL;
        bool wanted = only != NULL && rml_str_equal(file->owner, only->owner);
        if (only == NULL && file->owner.len > 0) {
            RML_TRY(owner_at(t, file->owner, &o, err));
        }
        if (wanted || (only == NULL && (o == NULL || (column.len > 0 && o->unknown)))) {
            t->chosen[count++] = t->files[i];
        }
    }
    rml_status st =
        rml_lake_select_text(&t->lake->copies, t->d, t->chosen, count, NULL, &text, err);
    if (st == RML_OK) {
        rml_str select = rml_buffer_text(&text);
        st = only != NULL ? rml_lake_digest_all(t->lake, select, &only->digest, err)
                          : rml_lake_digest_rows(t->lake, select, column, keep_digest, t, err);
    }
    rml_buffer_reset(&text);
    return st;
}

static rml_status mark_foreign(table_owners *t, rml_str column, rml_error *err)
{
    rml_map names = {0};
    size_t count = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (t->d->files[t->files[i]].owner.len == 0) {
            t->chosen[count++] = t->files[i];
        }
    }
    rml_status st = rml_lake_row_owners(t->lake, t->d, column, t->chosen, count, &names, err);
    for (size_t i = 0; st == RML_OK && i < names.count; i++) {
        owner_rows *o;
        st = owner_at(t, names.entries[i].key, &o, err);
        if (st == RML_OK) {
            o->unknown = true;
        }
    }
    rml_map_reset(&names);
    return st;
}

// Asks the rows where the log does not tell the digest of an owner's.
static rml_status complete_digests(table_owners *t, rml_str table, rml_error *err)
{
    rml_str column = rml_lake_owner_column(table, t->d->schema);
    for (size_t i = 0; i < t->owners.count; i++) {
        owner_rows *o = RML_AT(&t->owners, owner_rows, i);
        o->unknown = o->unknown || o->files != o->parts;
    }
    if (t->foreign) {
        RML_TRY(column.len > 0 ? mark_foreign(t, column, err) : RML_OK);
        RML_TRY(read_digests(t, NULL, column, err));
    }
    for (size_t i = 0; i < t->owners.count; i++) {
        owner_rows *o = RML_AT(&t->owners, owner_rows, i);
        RML_TRY(o->unknown ? read_digests(t, o, (rml_str){0}, err) : RML_OK);
    }
    return RML_OK;
}

static int compare_owners(const void *a, const void *b, void *context)
{
    (void)context;
    return rml_str_compare(((const owner_rows *)a)->owner, ((const owner_rows *)b)->owner);
}

// SHA-256 over the sorted pairs: "OWNER DIGEST\n" each.
static rml_status hash_owners(table_owners *t, rml_hash *out, rml_error *err)
{
    RML_TRY(rml_array_sort(&t->owners, compare_owners, NULL, err));
    rml_sha256_state s = {0};
    RML_TRY(rml_sha256_begin(&s, err));
    for (size_t i = 0; i < t->owners.count; i++) {
        const owner_rows *o = RML_AT(&t->owners, owner_rows, i);
        char digest[RML_HASH_TEXT];
        rml_hash_text(&o->digest, digest);
        rml_sha256_add(&s, o->owner.data, o->owner.len);
        rml_sha256_add(&s, " ", 1);
        rml_sha256_add(&s, digest, RML_HASH_TEXT - 1);
        rml_sha256_add(&s, "\n", 1);
    }
    rml_sha256_end(&s, out);
    return RML_OK;
}

// ---- Tables ------------------------------------------------------------------------------------

static rml_status describe(rml_lake *lake, rml_str name, rml_lake_complete *complete,
                           rml_lake_table *out, rml_error *err)
{
    table_owners t = {.lake = lake, .owners = RML_ARRAY(owner_rows)};
    RML_TRY(rml_lake_latest(lake, name, &t.d, err));
    *out = (rml_lake_table){.name = name, .version = t.d->version};
    t.files = RML_NEW_ARRAY(&t.arena, size_t, t.d->file_count + 1);
    t.chosen = RML_NEW_ARRAY(&t.arena, size_t, t.d->file_count + 1);
    rml_status st =
        t.files == NULL || t.chosen == NULL ? rml_fail_memory(err, t.d->file_count) : RML_OK;
    for (size_t i = 0; st == RML_OK && i < t.d->file_count; i++) {
        bool whole = false;
        const rml_delta_file *file = &t.d->files[i];
        st = rml_lake_is_complete(lake, complete, file, &whole, err);
        if (st == RML_OK && whole) {
            t.files[t.count++] = i;
            out->files++;
            out->rows += file->rows;
            out->bytes += file->size;
            st = add_file(&t, file, err);
        }
    }
    st = st ? st : complete_digests(&t, name, err);
    st = st ? st : hash_owners(&t, &out->state, err);
    rml_array_reset(&t.owners);
    rml_map_reset(&t.index);
    rml_arena_reset(&t.arena);
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
    bool foreign = false;
    for (size_t i = 0; !*out && i < d->file_count; i++) {
        foreign = foreign || d->files[i].owner.len == 0;
        if (rml_str_equal(d->files[i].owner, owner)) {
            RML_TRY(rml_lake_is_complete(lake, complete, &d->files[i], out, err));
        }
    }
    if (!*out && foreign) {
        rml_map owners = {0};
        rml_status st = rml_lake_owners(lake, table, d, &owners, err);
        *out = st == RML_OK && rml_map_get(&owners, owner, NULL);
        rml_map_reset(&owners);
        return st;
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
