// What lies below a name.
#include <stdint.h>

#include "place.h"

#define MANIFEST_SIZE_MAX ((size_t)64 << 20)

static int compare_str(const void *a, const void *b, void *context)
{
    (void)context;
    return rml_str_compare(*(const rml_str *)a, *(const rml_str *)b);
}

rml_str rml_store_marker(rml_arena *arena, rml_str folder)
{
    return rml_path_join(arena, folder, RML_STR(RML_STORE_WHOLE));
}

static rml_status list_objects(const rml_store_place *p, rml_arena *arena, rml_array *names,
                               rml_error *err)
{
    RML_TRY(p->scheme->list(p->scheme->context, p->uri, false, SIZE_MAX, arena, names, err));
    size_t kept = 0;
    for (size_t i = 0; i < names->count; i++) {
        rml_str name = *RML_AT(names, rml_str, i);
        if (!rml_str_equal(name, RML_STR(RML_STORE_WHOLE))) {
            *RML_AT(names, rml_str, kept++) = name;
        }
    }
    names->count = kept;
    return rml_array_sort(names, compare_str, NULL, err);
}

static rml_status list_files(const char *path, rml_arena *arena, rml_array *names, rml_error *err)
{
    return rml_file_exists(path) ? rml_folder_list(path, arena, names, err) : RML_OK;
}

rml_status rml_store_list(rml_str uri, rml_arena *arena, rml_array *names, rml_error *err)
{
    rml_store_place p;
    RML_TRY(rml_store_place_of(&p, uri, err));
    rml_status st = p.path.data != NULL ? list_files(p.path.data, arena, names, err)
                                        : list_objects(&p, arena, names, err);
    rml_store_place_reset(&p);
    return st;
}

// Names become URIs below a folder.
static rml_status join_all(rml_str folder, rml_arena *arena, rml_array *names, rml_error *err)
{
    for (size_t i = 0; i < names->count; i++) {
        rml_str *name = RML_AT(names, rml_str, i);
        *name = rml_path_join(arena, folder, *name);
        if (name->data == NULL) {
            return rml_fail_memory(err, folder.len);
        }
    }
    return RML_OK;
}

rml_status rml_store_below(const rml_store_scheme *s, rml_str uri, rml_arena *arena,
                           rml_array *uris, rml_error *err)
{
    RML_TRY(s->list(s->context, uri, true, SIZE_MAX, arena, uris, err));
    RML_TRY(rml_array_sort(uris, compare_str, NULL, err));
    return join_all(uri, arena, uris, err);
}

// The names in a folder's .whole.
static rml_status read_marker(rml_str marker, rml_arena *arena, rml_array *names, rml_error *err)
{
    rml_buffer text = {0};
    rml_status st = rml_store_get(marker, MANIFEST_SIZE_MAX, &text, err);
    rml_str line, left = rml_buffer_text(&text);
    while (!st && left.len > 0) {
        left = rml_str_cut(left, '\n', &line);
        rml_str *name = rml_array_push(names, err);
        if (name == NULL) {
            st = RML_ERR_MEMORY;
            break;
        }
        *name = rml_arena_str(arena, line);
        st = name->data == NULL ? rml_fail_memory(err, line.len) : RML_OK;
    }
    rml_buffer_reset(&text);
    return st;
}

static rml_status walk_objects(const rml_store_place *p, rml_arena *arena, rml_array *uris,
                               rml_error *err)
{
    rml_file_info info = {0};
    rml_str marker = rml_store_marker(arena, p->uri);
    if (marker.data == NULL) {
        return rml_fail_memory(err, p->uri.len);
    }
    RML_TRY(p->scheme->head(p->scheme->context, marker, &info, err));
    if (info.exists) {
        RML_TRY(read_marker(marker, arena, uris, err));
        return join_all(p->uri, arena, uris, err);
    }
    RML_TRY(p->scheme->head(p->scheme->context, p->uri, &info, err));
    if (!info.exists) {
        RML_TRY(rml_store_below(p->scheme, p->uri, arena, uris, err));
        return uris->count > 0
                   ? RML_OK
                   : rml_fail(err, RML_ERR_MISSING, rml_place_file(p->uri), "check the name",
                              "expected an object or some below it, found none");
    }
    rml_str *item = rml_array_push(uris, err);
    if (item == NULL) {
        return RML_ERR_MEMORY;
    }
    *item = rml_arena_str(arena, p->uri);
    return item->data == NULL ? rml_fail_memory(err, p->uri.len) : RML_OK;
}

rml_status rml_store_walk(rml_str uri, rml_arena *arena, rml_array *uris, rml_error *err)
{
    rml_store_place p;
    RML_TRY(rml_store_place_of(&p, uri, err));
    rml_status st = p.path.data != NULL ? rml_folder_walk(p.path.data, arena, uris, err)
                                        : walk_objects(&p, arena, uris, err);
    rml_store_place_reset(&p);
    return st;
}
