// Objects written piece by piece: files beside their name, others in a temporary folder from which
// they are put whole.
#include "place.h"

struct rml_store_writing {
    const rml_store_scheme *scheme;
    rml_file_writer file;
    rml_arena arena;
    rml_str uri;
    rml_str folder, local; // the temporary ones; data NULL: the file has its own name
};

static rml_status take_uri(struct rml_store_writing *s, rml_str uri, rml_error *err)
{
    rml_str copy = rml_arena_str(&s->arena, uri);
    if (copy.data == NULL) {
        return rml_fail_memory(err, uri.len);
    }
    s->uri = copy;
    return RML_OK;
}

static rml_status open_place(struct rml_store_writing *s, const rml_store_place *p, rml_error *err)
{
    s->scheme = p->scheme;
    if (p->path.data != NULL) {
        return rml_file_writer_open(&s->file, p->path.data, err);
    }
    RML_TRY(rml_folder_temporary(&s->arena, &s->folder, err));
    s->local = rml_path_join(&s->arena, s->folder, RML_STR("object"));
    return s->local.data == NULL ? rml_fail_memory(err, s->folder.len)
                                 : rml_file_writer_open(&s->file, s->local.data, err);
}

rml_status rml_store_writer_open(rml_store_writer *w, rml_str uri, rml_error *err)
{
    rml_store_place p;
    *w = (rml_store_writer){0};
    RML_TRY(rml_store_place_of(&p, uri, err));
    struct rml_store_writing *s = rml_heap_make(sizeof *s);
    rml_status st = s == NULL ? rml_fail_memory(err, sizeof *s) : RML_OK;
    if (s != NULL) {
        s->file.fd = -1;
        w->state = s;
        st = take_uri(s, p.uri, err);
        st = st ? st : open_place(s, &p, err);
    }
    rml_store_place_reset(&p);
    if (st) {
        rml_store_writer_close(w);
    }
    return st;
}

rml_str rml_store_writer_uri(const rml_store_writer *w)
{
    return w->state != NULL ? w->state->uri : (rml_str){0};
}

rml_status rml_store_writer_write(rml_store_writer *w, const void *data, size_t len, rml_error *err)
{
    RML_TRY(rml_file_writer_write(&w->state->file, data, len, err));
    w->size += len;
    return RML_OK;
}

rml_status rml_store_writer_patch(rml_store_writer *w, uint64_t offset, const void *data,
                                  size_t len, rml_error *err)
{
    return rml_file_writer_patch(&w->state->file, offset, data, len, err);
}

rml_status rml_store_writer_rename(rml_store_writer *w, rml_str uri, rml_error *err)
{
    rml_store_place p;
    RML_TRY(rml_store_place_of(&p, uri, err));
    rml_status st = take_uri(w->state, p.uri, err);
    if (st == RML_OK && p.path.data != NULL) {
        st = rml_file_writer_rename(&w->state->file, p.path.data, err);
    }
    rml_store_place_reset(&p);
    return st;
}

static rml_status put_local(struct rml_store_writing *s, bool replace, rml_error *err)
{
    rml_map_file map;
    RML_TRY(rml_map_file_open(&map, s->local.data, err));
    rml_status st = s->scheme->put(s->scheme->context, s->uri, map.bytes, !replace, err);
    rml_map_file_close(&map);
    return st;
}

rml_status rml_store_writer_commit(rml_store_writer *w, bool replace, rml_error *err)
{
    struct rml_store_writing *s = w->state;
    bool object = s->local.data != NULL;
    RML_TRY(rml_file_writer_commit(&s->file, object || replace, err));
    RML_TRY(object ? put_local(s, replace, err) : RML_OK);
    rml_store_writer_close(w);
    return RML_OK;
}

void rml_store_writer_close(rml_store_writer *w)
{
    struct rml_store_writing *s = w->state;
    *w = (rml_store_writer){0};
    if (s == NULL) {
        return;
    }
    rml_file_writer_close(&s->file);
    if (s->folder.data != NULL) {
        rml_status removed = rml_folder_remove(s->folder.data, NULL);
        (void)removed; // it lies among what is temporary
    }
    rml_arena_reset(&s->arena);
    rml_heap_free(s);
}
