// train: safetensors, https://huggingface.co/docs/safetensors (format as of 0.4): a little-endian
// u64 length, a JSON header {name: {dtype, shape, data_offsets}}, then the data.
#include "safetensors.h"

#include <string.h>

#include "roadmill/base/json.h"

static rml_status header_fail(rml_str file, size_t at, rml_error *err, const char *expected,
                              rml_str name)
{
    return rml_fail(err, RML_ERR_DATA, rml_place_byte(file, at), NULL,
                    "expected %s, found another in tensor \"%.*s\"", expected,
                    name.len > 60 ? 60 : (int)name.len, name.data);
}

static bool json_size(const rml_json *value, uint64_t most, uint64_t *out)
{
    if (value == NULL || value->kind != RML_JSON_INT || value->integer < 0 ||
        (uint64_t)value->integer > most) {
        return false;
    }
    *out = (uint64_t)value->integer;
    return true;
}

static bool shape_read(const rml_json *shape, rml_safetensor *out)
{
    if (shape == NULL || shape->kind != RML_JSON_ARRAY || shape->count > RML_RANK_MAX) {
        return false;
    }
    out->count = 1;
    for (const rml_json *size = shape->child; size != NULL; size = size->next) {
        uint64_t n;
        if (!json_size(size, UINT32_MAX, &n) || !rml_size_mul(out->count, n, &out->count)) {
            return false;
        }
        out->shape.size[out->shape.rank++] = (uint32_t)n;
    }
    return true;
}

static rml_status tensor_read(const rml_json *entry, rml_bytes data, rml_str file,
                              rml_safetensor *out, rml_error *err)
{
    size_t at = 8 + entry->at;
    out->name = entry->key;
    if (!rml_str_equal(rml_json_get_str(entry, "dtype", (rml_str){0}), RML_STR("F32"))) {
        return header_fail(file, at, err, "dtype \"F32\"", out->name);
    }
    if (!shape_read(rml_json_get(entry, "shape"), out)) {
        return header_fail(file, at, err, "a shape of at most 5 sizes", out->name);
    }
    const rml_json *offsets = rml_json_get(entry, "data_offsets");
    uint64_t begin, end, size;
    if (offsets == NULL || offsets->count != 2 || !json_size(offsets->child, data.len, &begin) ||
        !json_size(offsets->child->next, data.len, &end) || begin > end) {
        return header_fail(file, at, err, "two rising data_offsets within the file", out->name);
    }
    size_t bytes;
    size = end - begin;
    if (!rml_size_mul(out->count, sizeof(float), &bytes) || bytes != size) {
        return header_fail(file, at, err, "as many bytes as the shape asks for", out->name);
    }
    out->bytes = (rml_bytes){data.data + begin, bytes};
    return RML_OK;
}

static int by_place(const void *a, const void *b, void *context)
{
    (void)context;
    const rml_safetensor *x = a, *y = b;
    if (x->bytes.data != y->bytes.data) {
        return x->bytes.data < y->bytes.data ? -1 : 1;
    }
    return x->bytes.len < y->bytes.len ? -1 : x->bytes.len > y->bytes.len;
}

rml_status rml_safetensors_parse(rml_bytes content, rml_str file, rml_arena *arena,
                                 rml_array *tensors, rml_error *err)
{
    uint64_t header;
    rml_cursor c = {content};
    if (!rml_take_u64(&c, &header) || header > c.left.len) {
        return rml_fail(err, RML_ERR_DATA, rml_place_byte(file, 0), NULL,
                        "expected the length of a header that the file holds, found %zu bytes",
                        content.len);
    }
    if (header > RML_SAFETENSORS_HEADER_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, rml_place_byte(file, 0), NULL,
                        "expected a header of at most %zu bytes, found %llu",
                        RML_SAFETENSORS_HEADER_MAX, (unsigned long long)header);
    }
    const rml_json *root;
    rml_str text = {(const char *)c.left.data, (size_t)header};
    RML_TRY(rml_json_parse(arena, text, file, &root, err));
    if (root->kind != RML_JSON_OBJECT || root->count > RML_SAFETENSORS_TENSORS_MAX) {
        return rml_fail(err, RML_ERR_DATA, rml_place_byte(file, 8), NULL,
                        "expected an object of at most %d tensors, found another header",
                        RML_SAFETENSORS_TENSORS_MAX);
    }
    rml_bytes data = {c.left.data + header, c.left.len - (size_t)header};
    for (const rml_json *entry = root->child; entry != NULL; entry = entry->next) {
        if (rml_str_equal(entry->key, RML_STR("__metadata__"))) {
            continue;
        }
        rml_safetensor *t = rml_array_push(tensors, err);
        if (t == NULL) {
            return RML_ERR_MEMORY;
        }
        RML_TRY(tensor_read(entry, data, file, t, err));
    }
    RML_TRY(rml_array_sort(tensors, by_place, NULL, err));
    size_t end = 0;
    for (size_t i = 0; i < tensors->count; i++) {
        const rml_safetensor *t = RML_AT(tensors, rml_safetensor, i);
        if ((size_t)(t->bytes.data - data.data) != end) {
            return header_fail(file, 8, err, "tensors without hole or overlap", t->name);
        }
        end += t->bytes.len;
    }
    return end == data.len
               ? RML_OK
               : rml_fail(err, RML_ERR_DATA, rml_place_byte(file, 8 + header + end), NULL,
                          "expected the file to end with its last tensor, found %zu bytes more",
                          data.len - end);
}

rml_status rml_safetensors_write(const rml_safetensor *tensors, size_t count,
                                 const float *const *data, rml_buffer *out, rml_error *err)
{
    rml_buffer header = {0};
    rml_json_writer w;
    rml_json_writer_init(&w, &header, err);
    rml_json_object(&w);
    size_t end = 0;
    for (size_t i = 0; i < count; i++) {
        char name[128];
        size_t len = tensors[i].name.len < sizeof name ? tensors[i].name.len : sizeof name - 1;
        memcpy(name, tensors[i].name.data, len);
        name[len] = 0;
        rml_json_key(&w, name);
        rml_json_object(&w);
        rml_json_kv_str(&w, "dtype", RML_STR("F32"));
        rml_json_key(&w, "shape");
        rml_json_list(&w);
        for (uint32_t k = 0; k < tensors[i].shape.rank; k++) {
            rml_json_i64(&w, tensors[i].shape.size[k]);
        }
        rml_json_list_end(&w);
        rml_json_key(&w, "data_offsets");
        rml_json_list(&w);
        rml_json_i64(&w, (int64_t)end);
        end += tensors[i].count * sizeof(float);
        rml_json_i64(&w, (int64_t)end);
        rml_json_list_end(&w);
        rml_json_object_end(&w);
    }
    rml_json_object_end(&w);
    rml_status st = rml_json_finish(&w);
    while (st == RML_OK && header.len % 8 != 0) { // the data stays aligned
        st = rml_buffer_append(&header, " ", 1, err);
    }
    uint8_t length[8];
    rml_save_u64(length, header.len);
    st = st ? st : rml_buffer_append(out, length, sizeof length, err);
    st = st ? st : rml_buffer_append(out, header.data, header.len, err);
    for (size_t i = 0; st == RML_OK && i < count; i++) {
        st = rml_buffer_append(out, data[i], tensors[i].count * sizeof(float), err);
    }
    rml_buffer_reset(&header);
    return st;
}
