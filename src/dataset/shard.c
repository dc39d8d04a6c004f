// Shards: written whole, parsed as untrusted bytes. Format: roadmill/dataset/shard.h.
#include "roadmill/dataset/shard.h"

#include <string.h>

#define MAGIC "rmshard1"
#define ALIGN 64
#define REMEDY "roadmill dataset verify names every shard that is damaged"

static size_t align_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

rml_status rml_shard_layout_of(const rml_tensor_info info[RML_SCENE_TENSORS], rml_shard_layout *out,
                               rml_error *err)
{
    *out = (rml_shard_layout){0};
    size_t header = 8 + 4 + 4 + 8 + 8;
    bool fits = true;
    for (size_t i = 0; i < RML_SCENE_TENSORS; i++) {
        size_t size = 1;
        for (uint32_t axis = 0; axis < info[i].rank; axis++) {
            fits = fits && rml_size_mul(size, info[i].shape[axis], &size);
        }
        out->offset[i] = out->stride;
        out->size[i] = size;
        fits = fits && rml_size_add(out->stride, size, &out->stride);
        header += 1 + strlen(info[i].name) + 1 + 4 * info[i].rank + 8;
    }
    size_t most = RML_SHARD_SIZE_MAX / sizeof(float);
    if (!fits || out->stride > most - ALIGN) {
        return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, "take fewer agents or map tokens",
                        "expected a scene of at most %zu bytes", RML_SHARD_SIZE_MAX);
    }
    out->stride = align_up(out->stride, ALIGN / sizeof(float));
    out->data_offset = align_up(header, ALIGN);
    out->scenes_max = most / (out->stride > 0 ? out->stride : 1);
    out->scenes_max = out->scenes_max > 0 ? out->scenes_max : 1;
    return RML_OK;
}

rml_status rml_shard_header(const rml_tensor_info info[RML_SCENE_TENSORS], uint32_t scenes,
                            rml_buffer *out, rml_error *err)
{
    rml_shard_layout layout;
    RML_TRY(rml_shard_layout_of(info, &layout, err));
    uint8_t *p = rml_buffer_add(out, layout.data_offset, err);
    if (p == NULL) {
        return RML_ERR_MEMORY;
    }
    memset(p, 0, layout.data_offset);
    memcpy(p, MAGIC, 8);
    rml_save_u32(p + 8, RML_SCENE_TENSORS);
    rml_save_u32(p + 12, scenes);
    rml_save_u64(p + 16, layout.data_offset);
    rml_save_u64(p + 24, layout.stride);
    p += 32;
    for (size_t i = 0; i < RML_SCENE_TENSORS; i++) {
        size_t len = strlen(info[i].name);
        *p++ = (uint8_t)len;
        memcpy(p, info[i].name, len);
        p += len;
        *p++ = (uint8_t)info[i].rank;
        for (uint32_t axis = 0; axis < info[i].rank; axis++, p += 4) {
            rml_save_u32(p, info[i].shape[axis]);
        }
        rml_save_u64(p, layout.offset[i]);
        p += 8;
    }
    return RML_OK;
}

// What the header says of one tensor.
typedef struct tensor_entry {
    rml_str name;
    uint8_t rank;
    uint32_t shape[4];
    uint64_t offset;
} tensor_entry;

static bool take_entry(rml_cursor *c, tensor_entry *out)
{
    uint8_t len;
    rml_bytes name;
    if (!(rml_take_u8(c, &len) && rml_take(c, len, &name) && rml_take_u8(c, &out->rank)) ||
        out->rank > 4) {
        return false;
    }
    out->name = rml_str_of_bytes(name);
    for (uint8_t axis = 0; axis < out->rank; axis++) {
        if (!rml_take_u32(c, &out->shape[axis])) {
            return false;
        }
    }
    return rml_take_u64(c, &out->offset);
}

static rml_status check_entry(const tensor_entry *entry, const rml_tensor_info *expected,
                              uint64_t stride, rml_place at, rml_error *err)
{
    size_t size = 1;
    bool fits = entry->offset <= stride;
    for (uint8_t axis = 0; axis < entry->rank; axis++) {
        fits = fits && rml_size_mul(size, entry->shape[axis], &size);
    }
    if (!fits || size > stride - entry->offset) {
        return rml_fail(err, RML_ERR_DATA, at, REMEDY,
                        "expected tensor %.*s inside a scene of %llu floats, found it at %llu",
                        RML_FMT(entry->name), (unsigned long long)stride,
                        (unsigned long long)entry->offset);
    }
    if (expected == NULL) {
        return RML_OK;
    }
    bool same = rml_str_equal(entry->name, rml_str_of(expected->name)) &&
                entry->rank == expected->rank &&
                memcmp(entry->shape, expected->shape, entry->rank * sizeof(uint32_t)) == 0;
    if (!same) {
        return rml_fail(err, RML_ERR_DATA, at, REMEDY,
                        "expected tensor %s as the manifest's scene_spec shapes it, found %.*s",
                        expected->name, RML_FMT(entry->name));
    }
    return RML_OK;
}

rml_status rml_shard_parse(rml_bytes bytes, rml_str file, const rml_tensor_info *expected,
                           rml_shard *out, rml_error *err)
{
    *out = (rml_shard){0};
    rml_cursor c = {bytes};
    rml_place at = rml_place_byte(file, 0);
    rml_bytes magic;
    uint32_t tensors = 0;
    uint64_t offset = 0, stride = 0;
    if (!(rml_take(&c, 8, &magic) && rml_take_u32(&c, &tensors) && rml_take_u32(&c, &out->scenes) &&
          rml_take_u64(&c, &offset) && rml_take_u64(&c, &stride))) {
        return rml_fail(err, RML_ERR_DATA, at, REMEDY,
                        "expected a shard header of at least 32 bytes, found %zu", bytes.len);
    }
    if (memcmp(magic.data, MAGIC, 8) != 0 || tensors != RML_SCENE_TENSORS) {
        return rml_fail(err, RML_ERR_DATA, at, REMEDY,
                        "expected \"" MAGIC "\" and %d tensors, found other bytes or %u tensors",
                        RML_SCENE_TENSORS, tensors);
    }
    uint64_t left = offset <= bytes.len ? bytes.len - offset : 0;
    uint64_t scene_size = stride <= RML_SHARD_SIZE_MAX / 4 ? stride * 4 : 0;
    // Exactly: nothing is cut off, nothing trails.
    if (offset % ALIGN != 0 || offset > bytes.len || scene_size == 0 ||
        left / scene_size != out->scenes || left % scene_size != 0 ||
        (uintptr_t)(bytes.data + offset) % sizeof(float) != 0) {
        return rml_fail(err, RML_ERR_DATA, rml_place_byte(file, 8), REMEDY,
                        "expected %u scenes of %llu floats from byte %llu to the end, found %zu "
                        "bytes",
                        out->scenes, (unsigned long long)stride, (unsigned long long)offset,
                        bytes.len);
    }
    for (uint32_t i = 0; i < tensors; i++) {
        at = rml_place_byte(file, (uint64_t)(c.left.data - bytes.data));
        tensor_entry entry = {0};
        if (!take_entry(&c, &entry) || (uint64_t)(c.left.data - bytes.data) > offset) {
            return rml_fail(err, RML_ERR_DATA, at, REMEDY,
                            "expected the name, shape and place of tensor %u", i);
        }
        RML_TRY(check_entry(&entry, expected ? &expected[i] : NULL, stride, at, err));
        out->offset[i] = (size_t)entry.offset;
    }
    out->stride = (size_t)stride;
    out->data = (const float *)(const void *)(bytes.data + offset);
    return RML_OK;
}
