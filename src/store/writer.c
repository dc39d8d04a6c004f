// Objects written piece by piece: files beside their name, others in a temporary file from which
// they are put whole.
#include "place.h"

struct rml_store_writing {
    const rml_store_scheme *scheme;
    rml_file_writer file;
    rml_arena arena;
    rml_str uri;
    bool object; // the file is temporary
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
    s->object = true;
    rml_str path = rml_arena_printf(&s->arena, "%s/roadmill-object", rml_temporary_folder());
    return path.data == NULL ? rml_fail_memory(err, 1)
                             : rml_file_writer_open(&s->file, path.data, err);
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

static rml_status put_object(struct rml_store_writing *s, bool replace, rml_error *err)
{
    rml_map_file map;
    RML_TRY(rml_file_writer_map(&s->file, &map, err));
    rml_status st = s->scheme->put(s->scheme->context, s->uri, map.bytes, !replace, err);
    rml_map_file_close(&map);
    return st;
}

rml_status rml_store_writer_commit(rml_store_writer *w, bool replace, rml_error *err)
{
    struct rml_store_writing *s = w->state;
    RML_TRY(s->object ? put_object(s, replace, err)
                      : rml_file_writer_commit(&s->file, replace, err));
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
    rml_arena_reset(&s->arena);
    rml_heap_free(s);
}
