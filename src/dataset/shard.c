// Shards, parsed as untrusted bytes. Format: roadmill/dataset/shard.h.
//
// Where a tensor lies follows from the shapes alone, so the header's places are compared with what
// the writer would have written, never used.
#include "shard.h"

#include <string.h>

#define REMEDY "roadmill dataset verify names every shard that is damaged"

typedef struct header {
    bool plain;
    uint32_t tensors;
    uint64_t offset, stride; // in bytes
    rml_str name[RML_TENSORS_MAX];
    rml_tensor_info info[RML_TENSORS_MAX]; // but the names
    uint64_t place[RML_TENSORS_MAX];       // of a plain shard, in bytes
} header;

static bool take_entry(rml_cursor *c, header *h, size_t i)
{
    uint8_t len, rank, element = RML_ELEMENT_F32, ragged = 0;
    rml_bytes name;
    rml_tensor_info *info = &h->info[i];
    bool taken = rml_take_u8(c, &len) && rml_take(c, len, &name) &&
                 (h->plain || (rml_take_u8(c, &element) && rml_take_u8(c, &ragged))) &&
                 rml_take_u8(c, &rank);
    if (!taken || rank > RML_TENSOR_RANK_MAX || element >= RML_ELEMENTS || ragged > 1) {
        return false;
    }
    h->name[i] = rml_str_of_bytes(name);
    *info = (rml_tensor_info){.rank = rank, .element = (rml_element)element, .ragged = ragged};
    for (uint8_t axis = 0; axis < rank; axis++) {
        if (!rml_take_u32(c, &info->shape[axis])) {
            return false;
        }
    }
    if (h->plain) {
        uint64_t place;
        bool there = rml_take_u64(c, &place) && place <= RML_SHARD_SIZE_MAX / sizeof(float);
        h->place[i] = there ? place * sizeof(float) : 0;
        return there;
    }
    return true;
}

static rml_status take_fixed_header(rml_cursor *c, rml_bytes bytes, rml_str file, header *h,
                                    uint32_t *scenes, rml_error *err)
{
    rml_place at = rml_place_byte(file, 0);
    rml_bytes magic;
    if (!(rml_take(c, 8, &magic) && rml_take_u32(c, &h->tensors) && rml_take_u32(c, scenes) &&
          rml_take_u64(c, &h->offset) && rml_take_u64(c, &h->stride))) {
        return rml_fail(err, RML_ERR_DATA, at, REMEDY,
                        "expected a shard header of at least 32 bytes, found %zu", bytes.len);
    }
    h->plain = memcmp(magic.data, RML_SHARD_PLAIN, 8) == 0;
    if ((!h->plain && memcmp(magic.data, RML_SHARD_TYPED, 8) != 0) || h->tensors == 0 ||
        h->tensors > RML_TENSORS_MAX) {
        return rml_fail(err, RML_ERR_DATA, at, REMEDY,
                        "expected \"" RML_SHARD_PLAIN "\" or \"" RML_SHARD_TYPED
                        "\" and 1 to %d tensors, found other bytes or %u tensors",
                        RML_TENSORS_MAX, h->tensors);
    }
    uint64_t unit = h->plain ? sizeof(float) : 1;
    h->stride = h->stride <= RML_SHARD_SIZE_MAX / unit ? h->stride * unit : UINT64_MAX;
    return RML_OK;
}

static rml_status check_entry(const header *h, size_t i, const rml_tensor_info *expected,
                              rml_place at, rml_error *err)
{
    char name[RML_TENSOR_NAME_MAX + 1] = "";
    rml_tensor_info found = h->info[i];
    if (h->name[i].len > 0 && h->name[i].len <= RML_TENSOR_NAME_MAX) {
        memcpy(name, h->name[i].data, h->name[i].len);
    }
    found.name = name;
    if (!rml_tensor_info_equal(&found, expected)) {
        return rml_fail(err, RML_ERR_DATA, at, REMEDY,
                        "expected tensor %s as the manifest types and shapes it, found %.*s",
                        expected->name, RML_FMT(h->name[i]));
    }
    return RML_OK;
}

static rml_status take_entries(rml_cursor *c, rml_bytes bytes, rml_str file,
                               const rml_tensor_info *expected, size_t expected_count, header *h,
                               rml_shard_layout *layout, rml_error *err)
{
    rml_place at = rml_place_byte(file, 8);
    if (expected != NULL && h->tensors != expected_count) {
        return rml_fail(err, RML_ERR_DATA, at, REMEDY,
                        "expected %zu tensors, as the manifest says, found %u", expected_count,
                        h->tensors);
    }
    for (uint32_t i = 0; i < h->tensors; i++) {
        at = rml_place_byte(file, (uint64_t)(c->left.data - bytes.data));
        if (!take_entry(c, h, i)) {
            return rml_fail(err, RML_ERR_DATA, at, REMEDY,
                            "expected the name, type and shape of tensor %u", i);
        }
        if (expected != NULL) {
            RML_TRY(check_entry(h, i, &expected[i], at, err));
        }
    }
    bool fits = rml_shard_lay_out(h->info, h->tensors, layout);
    for (uint32_t i = 0; fits && h->plain && i < h->tensors; i++) {
        fits = h->place[i] == layout->offset[i];
    }
    if (!fits || layout->stride != h->stride ||
        rml_shard_align((size_t)(c->left.data - bytes.data)) != h->offset) {
        return rml_fail(err, RML_ERR_DATA, rml_place_byte(file, 16), REMEDY,
                        "expected tensors one behind the other in scenes of %zu bytes, at most %zu "
                        "with all that is ragged, found scenes of %llu from byte %llu",
                        layout->stride, RML_SHARD_SIZE_MAX, (unsigned long long)h->stride,
                        (unsigned long long)h->offset);
    }
    return RML_OK;
}

// The next part of the file, of `size` bytes and padded; NULL if the file ends before.
static const uint8_t *take_part(rml_cursor *c, size_t size)
{
    rml_bytes part;
    size_t padded;
    bool fits = rml_size_add(size, RML_SHARD_ALIGN - 1, &padded) &&
                rml_take(c, padded / RML_SHARD_ALIGN * RML_SHARD_ALIGN, &part);
    return fits ? part.data : NULL;
}

static bool take_ragged(rml_cursor *c, uint32_t scenes, size_t row, rml_shard_tensor *t)
{
    size_t size, end;
    if (!rml_size_mul((size_t)scenes + 1, sizeof(uint64_t), &size)) {
        return false;
    }
    t->first = take_part(c, size);
    if (t->first == NULL || rml_load_u64(t->first) != 0) {
        return false;
    }
    for (uint32_t s = 0; s < scenes; s++) {
        uint64_t from = rml_load_u64(t->first + 8 * (size_t)s);
        uint64_t to = rml_load_u64(t->first + 8 * ((size_t)s + 1));
        if (to < from || to - from > t->rows) {
            return false;
        }
    }
    // Sums of at most 2^32 steps of at most 2^32 rows: no overflow in 64 bits.
    uint64_t rows = rml_load_u64(t->first + 8 * (size_t)scenes);
    if (rows > SIZE_MAX || !rml_size_mul((size_t)rows, row, &end)) {
        return false;
    }
    t->data = take_part(c, end);
    return t->data != NULL;
}

static rml_status take_scenes(rml_cursor *c, rml_bytes bytes, rml_str file, const header *h,
                              const rml_shard_layout *l, rml_shard *out, rml_error *err)
{
    size_t size = 0;
    bool whole = h->offset <= bytes.len && out->scenes <= l->scenes_max &&
                 rml_size_mul(out->scenes, l->stride, &size) &&
                 (uintptr_t)bytes.data % sizeof(uint64_t) == 0;
    c->left = rml_bytes_of(bytes.data + (whole ? h->offset : 0),
                           whole ? bytes.len - (size_t)h->offset : 0);
    const uint8_t *fixed = whole ? take_part(c, size) : NULL;
    whole = fixed != NULL;
    for (size_t i = 0; whole && i < l->count; i++) {
        rml_shard_tensor *t = &out->tensors[i];
        t->rows = h->info[i].rank > 0 ? h->info[i].shape[0] : 1;
        if (h->info[i].ragged) {
            t->stride = t->size = l->row[i];
            whole = take_ragged(c, out->scenes, l->row[i], t);
        } else {
            t->data = fixed + l->offset[i];
            t->stride = l->stride;
            t->size = l->size[i];
        }
    }
    // Exactly: nothing is cut off, nothing trails.
    if (!whole || c->left.len > 0) {
        return rml_fail(err, RML_ERR_DATA, rml_place_byte(file, 8), REMEDY,
                        "expected %u scenes of %zu bytes from byte %llu and what is ragged behind "
                        "them to the end, found %zu bytes",
                        out->scenes, l->stride, (unsigned long long)h->offset, bytes.len);
    }
    return RML_OK;
}

rml_status rml_shard_parse(rml_bytes bytes, rml_str file, const rml_tensor_info *expected,
                           size_t expected_count, rml_shard *out, rml_error *err)
{
    *out = (rml_shard){0};
    header h = {0};
    rml_shard_layout layout;
    rml_cursor c = {bytes};
    RML_TRY(take_fixed_header(&c, bytes, file, &h, &out->scenes, err));
    RML_TRY(take_entries(&c, bytes, file, expected, expected_count, &h, &layout, err));
    RML_TRY(take_scenes(&c, bytes, file, &h, &layout, out, err));
    out->count = h.tensors;
    return RML_OK;
}

rml_tensor_view rml_shard_view(const rml_shard *shard, uint32_t scene, size_t tensor)
{
    const rml_shard_tensor *t = &shard->tensors[tensor];
    if (t->first == NULL) {
        return (rml_tensor_view){t->data + scene * t->stride, t->rows};
    }
    uint64_t from = rml_load_u64(t->first + 8 * (size_t)scene);
    uint64_t to = rml_load_u64(t->first + 8 * ((size_t)scene + 1));
    return (rml_tensor_view){t->data + (size_t)from * t->stride, (uint32_t)(to - from)};
}
