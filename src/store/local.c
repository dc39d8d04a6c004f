// Objects on the local disk for a while, and locks of one machine.
#include "place.h"
#include "roadmill/codec.h"

// A name for an object among the copies, with the ending of its own.
static rml_str copy_path(rml_store_copies *c, rml_str uri)
{
    rml_str name = rml_path_name(uri);
    return rml_arena_printf(&c->arena, "%.*s/%zu-%.*s", RML_FMT(c->folder), c->paths.count,
                            RML_FMT(name));
}

static rml_status fetch_to(const rml_store_place *p, rml_str path, rml_error *err)
{
    rml_object o;
    RML_TRY(rml_object_open(&o, p->uri, err));
    rml_status st = rml_file_replace(path.data, o.bytes, err);
    rml_object_close(&o);
    return st;
}

static rml_status copy_object(rml_store_copies *c, const rml_store_place *p, rml_str *path,
                              rml_error *err)
{
    if (c->folder.data == NULL) {
        RML_TRY(rml_folder_temporary(&c->arena, &c->folder, err));
    }
    *path = copy_path(c, p->uri);
    return path->data == NULL ? rml_fail_memory(err, p->uri.len) : fetch_to(p, *path, err);
}

static rml_status keep(rml_store_copies *c, rml_str uri, const rml_store_place *p, rml_str *path,
                       rml_error *err)
{
    if (p->path.data != NULL) {
        *path = rml_arena_str(&c->arena, p->path);
        RML_TRY(path->data == NULL ? rml_fail_memory(err, p->path.len) : RML_OK);
    } else {
        RML_TRY(copy_object(c, p, path, err));
    }
    RML_TRY(rml_map_put(&c->index, uri, c->paths.count, err));
    rml_str *item = rml_array_push(&c->paths, err);
    if (item == NULL) {
        return RML_ERR_MEMORY;
    }
    *item = *path;
    return RML_OK;
}

rml_status rml_store_copy(rml_store_copies *c, rml_str uri, rml_str *path, rml_error *err)
{
    uint64_t index = 0;
    c->paths.item_size = sizeof(rml_str);
    if (rml_map_get(&c->index, uri, &index) && index < c->paths.count) {
        *path = *RML_AT(&c->paths, rml_str, index);
        return RML_OK;
    }
    rml_store_place p;
    RML_TRY(rml_store_place_of(&p, uri, err));
    rml_status st = keep(c, uri, &p, path, err);
    rml_store_place_reset(&p);
    return st;
}

void rml_store_copies_close(rml_store_copies *c)
{
    if (c->folder.data != NULL) {
        rml_status removed = rml_folder_remove(c->folder.data, NULL);
        (void)removed; // it lies among what is temporary
    }
    rml_map_reset(&c->index);
    rml_array_reset(&c->paths);
    rml_arena_reset(&c->arena);
    *c = (rml_store_copies){0};
}

// ---- Locks -------------------------------------------------------------------------------------

static rml_status lock_object(rml_store_place *p, rml_lock *lock, bool wait, rml_error *err)
{
    rml_hash hash;
    char text[RML_HASH_TEXT];
    RML_TRY(rml_sha256(p->uri.data, p->uri.len, &hash));
    rml_hash_text(&hash, text);
    rml_str path =
        rml_arena_printf(&p->arena, "%s/roadmill-%.32s.lock", rml_temporary_folder(), text);
    return path.data == NULL ? rml_fail_memory(err, p->uri.len)
                             : rml_lock_take(lock, path.data, wait, err);
}

rml_status rml_store_lock(rml_lock *lock, rml_str uri, bool wait, rml_error *err)
{
    rml_store_place p;
    *lock = (rml_lock){0};
    RML_TRY(rml_store_place_of(&p, uri, err));
    rml_status st = p.path.data != NULL ? rml_lock_take(lock, p.path.data, wait, err)
                                        : lock_object(&p, lock, wait, err);
    rml_store_place_reset(&p);
    return st;
}
