// The lake: a folder of Delta tables, and which of their files count.
#include "lake.h"

#include <string.h>

#include "delta_log.h"

static rml_status take_uri(rml_lake *lake, rml_str folder, rml_error *err)
{
    const rml_store_scheme *known;
    RML_TRY(rml_store_scheme_of(folder, &known, err));
    lake->folder = rml_arena_str(&lake->arena, folder);
    return lake->folder.data == NULL ? rml_fail_memory(err, folder.len) : RML_OK;
}

rml_status rml_lake_open(rml_str folder, rml_lake **out, rml_error *err)
{
    *out = NULL;
    rml_lake *lake = rml_heap_make(sizeof *lake);
    if (lake == NULL) {
        return rml_fail_memory(err, sizeof *lake);
    }
    lake->followers = RML_ARRAY(rml_delta_follower *);
    while (folder.len > 1 && folder.data[folder.len - 1] == '/') {
        folder.len--;
    }
    // A local one by its plain path, so that SQL reads its files where they are.
    rml_status st = rml_store_is_local(folder)
                        ? rml_store_path(folder, &lake->arena, &lake->folder, err)
                        : take_uri(lake, folder, err);
    if (st) {
        rml_lake_close(lake);
        return st;
    }
    *out = lake;
    return RML_OK;
}

void rml_lake_close(rml_lake *lake)
{
    if (lake == NULL) {
        return;
    }
    rml_sql_close(lake->sql);
    rml_store_copies_close(&lake->copies);
    for (size_t i = 0; i < lake->followers.count; i++) {
        rml_delta_follower_close(*RML_AT(&lake->followers, rml_delta_follower *, i));
    }
    rml_array_reset(&lake->followers);
    rml_map_reset(&lake->names);
    rml_arena_reset(&lake->arena);
    rml_heap_free(lake);
}

rml_str rml_lake_folder(const rml_lake *lake)
{
    return lake->folder;
}

rml_status rml_lake_check_name(const char *table, rml_error *err)
{
    size_t len = strlen(table);
    bool fine = len > 0 && len <= RML_LAKE_NAME_MAX && table[0] >= 'a' && table[0] <= 'z';
    for (size_t i = 0; fine && i < len; i++) {
        char c = table[i];
        fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    }
    return fine ? RML_OK
                : rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, "roadmill lake tables lists them",
                           "expected the name of a table, at most %d characters of a-z, 0-9 and _, "
                           "a letter first, found %s",
                           RML_LAKE_NAME_MAX, table);
}

rml_status rml_lake_path(const rml_lake *lake, rml_str table, rml_arena *arena, rml_str *out,
                         rml_error *err)
{
    *out = rml_path_join(arena, lake->folder, table);
    return out->data == NULL ? rml_fail_memory(err, table.len) : RML_OK;
}

rml_status rml_lake_names(const rml_lake *lake, rml_str beginning, rml_arena *arena,
                          rml_array *names, rml_error *err)
{
    rml_array all = RML_ARRAY(rml_str);
    rml_status st = rml_store_list(lake->folder, arena, &all, err);
    for (size_t i = 0; st == RML_OK && i < all.count; i++) {
        rml_str name = *RML_AT(&all, rml_str, i);
        if (!rml_str_starts(name, beginning)) {
            continue;
        }
        rml_str log =
            rml_arena_printf(arena, "%.*s/%.*s/_delta_log", RML_FMT(lake->folder), RML_FMT(name));
        rml_file_info info = {0};
        st = log.data == NULL ? rml_fail_memory(err, 256) : rml_store_stat(log, &info, err);
        if (st == RML_OK && info.exists) {
            rml_str *item = rml_array_push(names, err);
            st = item == NULL ? RML_ERR_MEMORY : RML_OK;
            if (item != NULL) {
                *item = name;
            }
        }
    }
    rml_array_reset(&all);
    return st;
}

rml_status rml_lake_latest(rml_lake *lake, rml_str table, const rml_delta **out, rml_error *err)
{
    uint64_t index = lake->followers.count;
    if (!rml_map_get(&lake->names, table, &index)) {
        rml_delta_follower *fresh = RML_NEW(&lake->arena, rml_delta_follower);
        rml_delta_follower **item = rml_array_push(&lake->followers, err);
        if (fresh == NULL || item == NULL) {
            lake->followers.count = (size_t)index;
            return rml_fail_memory(err, sizeof *fresh);
        }
        *item = fresh;
        RML_TRY(rml_map_put(&lake->names, table, index, err));
    }
    rml_delta_follower *f = *RML_AT(&lake->followers, rml_delta_follower *, index);
    rml_arena arena = {0};
    rml_str path;
    rml_status st = rml_lake_path(lake, table, &arena, &path, err);
    if (st == RML_OK) {
        st = rml_delta_follow(f, path, err);
    }
    rml_arena_reset(&arena);
    *out = &f->delta;
    return st;
}

// ---- Complete owners ---------------------------------------------------------------------------

// The owners with a live file in a table; an empty set when there is no such table.
static rml_status read_owners(rml_lake *lake, rml_str table, rml_map *owners, rml_error *err)
{
    const rml_delta *d = NULL;
    rml_error found = {0};
    rml_status st = rml_lake_latest(lake, table, &d, &found);
    if (st == RML_ERR_MISSING) {
        return RML_OK;
    }
    if (st != RML_OK && err != NULL) {
        *err = found;
    }
    return st ? st : rml_lake_owners(lake, table, d, owners, err);
}

rml_status rml_lake_is_complete(rml_lake *lake, rml_lake_complete *c, const rml_delta_file *file,
                                bool *out, rml_error *err)
{
    *out = true;
    if (file->last.len == 0) {
        return RML_OK;
    }
    c->owners.item_size = sizeof(rml_map);
    uint64_t index = c->owners.count;
    if (!rml_map_get(&c->tables, file->last, &index)) {
        rml_map *owners = rml_array_push(&c->owners, err);
        if (owners == NULL) {
            return RML_ERR_MEMORY;
        }
        RML_TRY(read_owners(lake, file->last, owners, err));
        RML_TRY(rml_map_put(&c->tables, file->last, index, err));
    }
    *out = rml_map_get(RML_AT(&c->owners, rml_map, index), file->owner, NULL);
    return RML_OK;
}

void rml_lake_complete_reset(rml_lake_complete *c)
{
    for (size_t i = 0; i < c->owners.count; i++) {
        rml_map_reset(RML_AT(&c->owners, rml_map, i));
    }
    rml_array_reset(&c->owners);
    rml_map_reset(&c->tables);
    *c = (rml_lake_complete){0};
}

rml_status rml_lake_has(rml_lake *lake, rml_str owner, bool *out, rml_error *err)
{
    rml_map owners = {0};
    rml_status st = read_owners(lake, RML_STR(RML_LAKE_ROOT), &owners, err);
    *out = st == RML_OK && rml_map_get(&owners, owner, NULL);
    rml_map_reset(&owners);
    return st;
}
