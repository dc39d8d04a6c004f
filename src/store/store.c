// Objects by URI. Local files are the one scheme so far; a plain path is one of them.
#include "roadmill/store.h"

#include "roadmill/os.h"

rml_status rml_store_path(rml_str uri, rml_arena *arena, rml_str *path, rml_error *err)
{
    rml_str rest = uri;
    size_t scheme = rml_str_find(uri, RML_STR("://"));
    if (scheme < uri.len) {
        if (!rml_str_starts(uri, RML_STR("file://"))) {
            return rml_fail(
                err, RML_ERR_UNSUPPORTED, rml_place_file(uri), "copy it to a local disk first",
                "expected a path or file:///path, found scheme %.*s", (int)scheme, uri.data);
        }
        rest = (rml_str){uri.data + 7, uri.len - 7};
    }
    if (rest.len == 0) {
        return rml_fail(err, RML_ERR_ARGUMENT, rml_place_file(uri), NULL,
                        "expected a path, found an empty one");
    }
    *path = rml_arena_str(arena, rest);
    return path->data == NULL ? rml_fail_memory(err, rest.len) : RML_OK;
}

// Ends the calling function with an action on the local path of a URI.
#define RETURN_WITH_PATH(uri, path, action)                                                        \
    do {                                                                                           \
        rml_arena arena_ = {0};                                                                    \
        rml_str path;                                                                              \
        rml_status st_ = rml_store_path((uri), &arena_, &path, err);                               \
        if (!st_) {                                                                                \
            st_ = (action);                                                                        \
        }                                                                                          \
        rml_arena_reset(&arena_);                                                                  \
        return st_;                                                                                \
    } while (0)

static rml_status open_local(rml_object *o, const char *path, rml_error *err)
{
    rml_map_file map;
    RML_TRY(rml_map_file_open(&map, path, err));
    *o = (rml_object){map.bytes, map.handle};
    return RML_OK;
}

rml_status rml_object_open(rml_object *o, rml_str uri, rml_error *err)
{
    *o = (rml_object){0};
    RETURN_WITH_PATH(uri, path, open_local(o, path.data, err));
}

rml_status rml_object_range(const rml_object *o, rml_str uri, uint64_t offset, size_t len,
                            rml_bytes *out, rml_error *err)
{
    if (offset > o->bytes.len || len > o->bytes.len - offset) {
        return rml_fail(err, RML_ERR_DATA, rml_place_byte(uri, offset), NULL,
                        "expected %zu bytes, found %zu", len,
                        offset > o->bytes.len ? 0 : o->bytes.len - (size_t)offset);
    }
    *out = rml_bytes_of(o->bytes.data + offset, len);
    return RML_OK;
}

void rml_object_release(const rml_object *o, uint64_t offset, size_t len)
{
    rml_map_file map = {o->bytes, o->handle};
    rml_map_file_release(&map, offset, len);
}

void rml_object_close(rml_object *o)
{
    rml_map_file map = {o->bytes, o->handle};
    rml_map_file_close(&map);
    *o = (rml_object){0};
}

rml_status rml_store_get(rml_str uri, size_t most, rml_buffer *out, rml_error *err)
{
    RETURN_WITH_PATH(uri, path, rml_file_read(path.data, most, out, err));
}

rml_status rml_store_put_new(rml_str uri, rml_bytes content, rml_error *err)
{
    RETURN_WITH_PATH(uri, path, rml_file_put_new(path.data, content, err));
}

rml_status rml_store_put(rml_str uri, rml_bytes content, rml_error *err)
{
    RETURN_WITH_PATH(uri, path, rml_file_replace(path.data, content, err));
}

static rml_status list_local(const char *path, rml_arena *arena, rml_array *names, rml_error *err)
{
    return rml_file_exists(path) ? rml_folder_list(path, arena, names, err) : RML_OK;
}

rml_status rml_store_list(rml_str uri, rml_arena *arena, rml_array *names, rml_error *err)
{
    RETURN_WITH_PATH(uri, path, list_local(path.data, arena, names, err));
}

rml_status rml_store_remove(rml_str uri, rml_error *err)
{
    RETURN_WITH_PATH(uri, path, rml_file_remove(path.data, err));
}
