// Objects: whole, by ranges, put, looked at, removed.
#include "place.h"

#define FETCH_PIECE ((size_t)8 << 20)

static rml_status head_present(const rml_store_scheme *s, rml_str uri, rml_file_info *out,
                               rml_error *err)
{
    RML_TRY(s->head(s->context, uri, out, err));
    return out->exists ? RML_OK
                       : rml_fail(err, RML_ERR_MISSING, rml_place_file(uri), "check the name",
                                  "expected an object, found none");
}

rml_status rml_store_fetch(const rml_store_scheme *s, rml_str uri, rml_spill *out, rml_error *err)
{
    rml_file_info info = {0};
    rml_buffer piece = {0};
    rml_status st = head_present(s, uri, &info, err);
    for (uint64_t at = 0; !st && at < info.size; at += piece.len) {
        uint64_t left = info.size - at;
        rml_buffer_clear(&piece);
        uint8_t *data =
            rml_buffer_add(&piece, left < FETCH_PIECE ? (size_t)left : FETCH_PIECE, err);
        st = data == NULL ? RML_ERR_MEMORY : s->read(s->context, uri, at, data, piece.len, err);
        st = st ? st : rml_spill_write(out, data, piece.len, err);
    }
    rml_buffer_reset(&piece);
    return st;
}

static rml_status map_object(const rml_store_place *p, rml_map_file *map, rml_error *err)
{
    if (p->path.data != NULL) {
        return rml_map_file_open(map, p->path.data, err);
    }
    rml_spill spill;
    RML_TRY(rml_spill_open(&spill, err));
    rml_status st = rml_store_fetch(p->scheme, p->uri, &spill, err);
    st = st ? st : rml_spill_map(&spill, map, err);
    rml_spill_close(&spill);
    return st;
}

rml_status rml_object_open(rml_object *o, rml_str uri, rml_error *err)
{
    rml_store_place p;
    rml_map_file map = {0};
    *o = (rml_object){0};
    RML_TRY(rml_store_place_of(&p, uri, err));
    rml_status st = map_object(&p, &map, err);
    *o = st ? (rml_object){0} : (rml_object){map.bytes, map.handle};
    rml_store_place_reset(&p);
    return st;
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

// ---- Whole ones --------------------------------------------------------------------------------

static rml_status get_object(const rml_store_place *p, size_t most, rml_buffer *out, rml_error *err)
{
    rml_file_info info = {0};
    RML_TRY(head_present(p->scheme, p->uri, &info, err));
    if (info.size > most) {
        return rml_fail(err, RML_ERR_LIMIT, rml_place_file(p->uri), NULL,
                        "expected at most %zu bytes, found %llu", most,
                        (unsigned long long)info.size);
    }
    size_t before = out->len;
    uint8_t *data = rml_buffer_add(out, (size_t)info.size, err);
    if (data == NULL && info.size > 0) {
        return RML_ERR_MEMORY;
    }
    rml_status st = p->scheme->read(p->scheme->context, p->uri, 0, data, (size_t)info.size, err);
    out->len = st ? before : out->len;
    return st;
}

rml_status rml_store_get(rml_str uri, size_t most, rml_buffer *out, rml_error *err)
{
    rml_store_place p;
    RML_TRY(rml_store_place_of(&p, uri, err));
    rml_status st = p.path.data != NULL ? rml_file_read(p.path.data, most, out, err)
                                        : get_object(&p, most, out, err);
    rml_store_place_reset(&p);
    return st;
}

static rml_status put(rml_str uri, rml_bytes content, bool fresh, rml_error *err)
{
    rml_store_place p;
    RML_TRY(rml_store_place_of(&p, uri, err));
    rml_status st = p.path.data == NULL
                        ? p.scheme->put(p.scheme->context, p.uri, content, fresh, err)
                    : fresh ? rml_file_put_new(p.path.data, content, err)
                            : rml_file_replace(p.path.data, content, err);
    rml_store_place_reset(&p);
    return st;
}

rml_status rml_store_put_new(rml_str uri, rml_bytes content, rml_error *err)
{
    return put(uri, content, true, err);
}

rml_status rml_store_put(rml_str uri, rml_bytes content, rml_error *err)
{
    return put(uri, content, false, err);
}

rml_status rml_store_remove(rml_str uri, rml_error *err)
{
    rml_store_place p;
    RML_TRY(rml_store_place_of(&p, uri, err));
    rml_status st = p.path.data != NULL ? rml_file_remove(p.path.data, err)
                                        : p.scheme->remove(p.scheme->context, p.uri, err);
    rml_store_place_reset(&p);
    return st;
}

static rml_status stat_object(rml_store_place *p, rml_file_info *out, rml_error *err)
{
    rml_array names = RML_ARRAY(rml_str);
    RML_TRY(p->scheme->head(p->scheme->context, p->uri, out, err));
    if (out->exists) {
        return RML_OK;
    }
    rml_status st = p->scheme->list(p->scheme->context, p->uri, false, 1, &p->arena, &names, err);
    out->exists = out->is_folder = st == RML_OK && names.count > 0;
    rml_array_reset(&names);
    return st;
}

rml_status rml_store_stat(rml_str uri, rml_file_info *out, rml_error *err)
{
    rml_store_place p;
    *out = (rml_file_info){0};
    RML_TRY(rml_store_place_of(&p, uri, err));
    rml_status st =
        p.path.data != NULL ? rml_file_stat(p.path.data, out, err) : stat_object(&p, out, err);
    rml_store_place_reset(&p);
    return st;
}
