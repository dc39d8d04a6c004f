// Folders that appear whole: by one rename of local files, by FOLDER/.whole of objects.
#include <string.h>

#include "place.h"

rml_status rml_store_folder_make(rml_str uri, rml_error *err)
{
    rml_store_place p;
    RML_TRY(rml_store_place_of(&p, uri, err));
    rml_status st = p.path.data != NULL ? rml_folder_make(p.path.data, err) : RML_OK;
    rml_store_place_reset(&p);
    return st;
}

// .whole goes first: from then on the folder does not exist, however far the rest comes.
static rml_status remove_objects(rml_store_place *p, rml_error *err)
{
    const rml_store_scheme *s = p->scheme;
    rml_array uris = RML_ARRAY(rml_str);
    rml_str marker = rml_store_marker(&p->arena, p->uri);
    rml_status st =
        marker.data == NULL ? rml_fail_memory(err, p->uri.len) : s->remove(s->context, marker, err);
    st = st ? st : rml_store_below(s, p->uri, &p->arena, &uris, err);
    for (size_t i = 0; !st && i < uris.count; i++) {
        st = s->remove(s->context, *RML_AT(&uris, rml_str, i), err);
    }
    rml_array_reset(&uris);
    return st;
}

rml_status rml_store_folder_remove(rml_str uri, rml_error *err)
{
    rml_store_place p;
    RML_TRY(rml_store_place_of(&p, uri, err));
    rml_status st =
        p.path.data != NULL ? rml_folder_remove(p.path.data, err) : remove_objects(&p, err);
    rml_store_place_reset(&p);
    return st;
}

rml_status rml_store_folder_has(rml_str uri, bool *out, rml_error *err)
{
    rml_store_place p;
    rml_file_info info = {0};
    *out = false;
    RML_TRY(rml_store_place_of(&p, uri, err));
    rml_status st = RML_OK;
    if (p.path.data != NULL) {
        info.exists = rml_file_exists(p.path.data);
    } else {
        rml_str marker = rml_store_marker(&p.arena, p.uri);
        st = marker.data == NULL ? rml_fail_memory(err, p.uri.len)
                                 : p.scheme->head(p.scheme->context, marker, &info, err);
    }
    *out = st == RML_OK && info.exists;
    rml_store_place_reset(&p);
    return st;
}

// ---- Made whole --------------------------------------------------------------------------------

static rml_status begin_at(rml_store_folder *f, const rml_store_place *p, rml_error *err)
{
    if (p->path.data == NULL) {
        return rml_folder_temporary(&f->arena, &f->path, err);
    }
    rml_str path = rml_arena_str(&f->arena, p->path);
    if (path.data == NULL) {
        return rml_fail_memory(err, p->path.len);
    }
    RML_TRY(rml_folder_remove(path.data, err));
    f->path = path;
    return rml_folder_make(path.data, err);
}

rml_status rml_store_folder_begin(rml_store_folder *f, rml_str beside, rml_error *err)
{
    rml_store_place p;
    *f = (rml_store_folder){0};
    RML_TRY(rml_store_place_of(&p, beside, err));
    rml_status st = begin_at(f, &p, err);
    rml_store_place_reset(&p);
    if (st) {
        rml_store_folder_close(f);
    }
    return st;
}

// An object of the folder, unless its very bytes are there.
static rml_status put_file(const rml_store_scheme *s, const char *path, rml_str uri, rml_error *err)
{
    rml_map_file map;
    rml_object there = {0};
    rml_error found = {0};
    RML_TRY(rml_map_file_open(&map, path, err));
    rml_status st = s->put(s->context, uri, map.bytes, true, &found);
    if (st == RML_ERR_EXISTS) {
        rml_status opened = rml_object_open(&there, uri, &found);
        bool same =
            opened == RML_OK && there.bytes.len == map.bytes.len &&
            (map.bytes.len == 0 || memcmp(there.bytes.data, map.bytes.data, map.bytes.len) == 0);
        st = opened ? opened
             : same ? RML_OK
                    : rml_fail(&found, RML_ERR_CONFLICT, rml_place_file(uri),
                               "remove what was not finished there",
                               "expected no object or the same bytes, found others");
        rml_object_close(&there);
    }
    rml_map_file_close(&map);
    if (st && err != NULL) {
        *err = found;
    }
    return st;
}

static rml_status put_files(rml_store_folder *f, rml_store_place *p, rml_buffer *names,
                            rml_error *err)
{
    rml_array paths = RML_ARRAY(rml_str);
    rml_status st = rml_folder_walk(f->path.data, &p->arena, &paths, err);
    for (size_t i = 0; !st && i < paths.count; i++) {
        rml_str path = *RML_AT(&paths, rml_str, i);
        rml_str name = {path.data + f->path.len + 1, path.len - f->path.len - 1};
        rml_str uri = rml_path_join(&p->arena, p->uri, name);
        st = uri.data == NULL ? rml_fail_memory(err, name.len)
                              : put_file(p->scheme, path.data, uri, err);
        st = st ? st : rml_buffer_printf(names, err, "%.*s\n", RML_FMT(name));
    }
    rml_array_reset(&paths);
    return st;
}

static rml_status commit_objects(rml_store_folder *f, rml_store_place *p, rml_error *err)
{
    rml_buffer names = {0};
    rml_file_info info = {0};
    rml_str marker = rml_store_marker(&p->arena, p->uri);
    rml_status st = marker.data == NULL ? rml_fail_memory(err, p->uri.len)
                                        : p->scheme->head(p->scheme->context, marker, &info, err);
    if (!st && info.exists) {
        st = rml_fail(err, RML_ERR_EXISTS, rml_place_file(p->uri), NULL,
                      "expected no folder of that name yet, found one");
    }
    st = st ? st : put_files(f, p, &names, err);
    st = st ? st : p->scheme->put(p->scheme->context, marker, rml_buffer_bytes(&names), true, err);
    rml_buffer_reset(&names);
    return st;
}

rml_status rml_store_folder_commit(rml_store_folder *f, rml_str uri, rml_error *err)
{
    rml_store_place p;
    RML_TRY(rml_store_place_of(&p, uri, err));
    rml_status st = p.path.data != NULL ? rml_folder_commit(f->path.data, p.path.data, err)
                                        : commit_objects(f, &p, err);
    if (st == RML_OK) {
        rml_store_folder_close(f); // of files: what is left there is nothing
    }
    rml_store_place_reset(&p);
    return st;
}

void rml_store_folder_close(rml_store_folder *f)
{
    if (f->path.data != NULL) {
        rml_status removed = rml_folder_remove(f->path.data, NULL);
        (void)removed; // the next one of that name removes it again
    }
    rml_arena_reset(&f->arena);
    *f = (rml_store_folder){0};
}
