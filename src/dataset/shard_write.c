// Shards: their layout, and how they are written. Format: roadmill/dataset/shard.h.
#include <assert.h>
#include <string.h>

#include "shard.h"

size_t rml_shard_align(size_t n)
{
    return (n + RML_SHARD_ALIGN - 1) / RML_SHARD_ALIGN * RML_SHARD_ALIGN;
}

bool rml_shard_is_plain(const rml_tensor_info *info, size_t count)
{
    bool plain = true;
    for (size_t i = 0; i < count; i++) {
        plain = plain && info[i].element == RML_ELEMENT_F32 && !info[i].ragged;
    }
    return plain;
}

// What a ragged tensor of a scene takes at most, its first row with it: a multiple of 8, so that
// each slot is aligned.
static size_t slot_size(size_t size)
{
    return size / sizeof(uint64_t) * sizeof(uint64_t) + 2 * sizeof(uint64_t);
}

bool rml_shard_lay_out(const rml_tensor_info *info, size_t count, rml_shard_layout *out)
{
    *out = (rml_shard_layout){.count = count};
    size_t ragged = 0;
    for (size_t i = 0; i < count; i++) {
        size_t to = rml_element_size(info[i].element);
        if (!rml_tensor_info_size(&info[i], &out->row[i], &out->size[i]) ||
            out->size[i] > RML_SHARD_SIZE_MAX) {
            return false;
        }
        if (info[i].ragged) {
            ragged += slot_size(out->size[i]);
            continue;
        }
        out->offset[i] = (out->stride + to - 1) / to * to;
        out->stride = out->offset[i] + out->size[i];
    }
    // At most RML_TENSORS_MAX times RML_SHARD_SIZE_MAX: no sum overflows.
    out->stride = rml_shard_align(out->stride);
    out->most = out->stride + ragged;
    if (out->most > RML_SHARD_SIZE_MAX) {
        return false;
    }
    out->scenes_max = RML_SHARD_SIZE_MAX / (out->most > 0 ? out->most : 1);
    return true;
}

rml_status rml_shard_layout_of(const rml_tensor_info *info, size_t count, rml_shard_layout *out,
                               rml_error *err)
{
    *out = (rml_shard_layout){0};
    bool named = count > 0 && count <= RML_TENSORS_MAX;
    for (size_t i = 0; named && i < count; i++) {
        size_t len = strlen(info[i].name);
        named = len > 0 && len <= RML_TENSOR_NAME_MAX && info[i].rank <= RML_TENSOR_RANK_MAX &&
                (info[i].rank > 0 || !info[i].ragged);
    }
    if (!named) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected 1 to %d tensors with names of 1 to %d bytes and at most %d axes, "
                        "found others (%zu tensors)",
                        RML_TENSORS_MAX, RML_TENSOR_NAME_MAX, RML_TENSOR_RANK_MAX, count);
    }
    if (!rml_shard_lay_out(info, count, out)) {
        return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, "take fewer agents or map tokens",
                        "expected a scene of at most %zu bytes", RML_SHARD_SIZE_MAX);
    }
    return RML_OK;
}

// ---- Header ------------------------------------------------------------------------------------

static uint8_t *put_entry(uint8_t *p, const rml_tensor_info *info, bool plain, size_t offset)
{
    size_t len = strlen(info->name);
    *p++ = (uint8_t)len;
    memcpy(p, info->name, len);
    p += len;
    if (!plain) {
        *p++ = (uint8_t)info->element;
        *p++ = info->ragged;
    }
    *p++ = (uint8_t)info->rank;
    for (uint32_t axis = 0; axis < info->rank; axis++, p += 4) {
        rml_save_u32(p, info->shape[axis]);
    }
    if (plain) {
        rml_save_u64(p, offset / sizeof(float));
        p += 8;
    }
    return p;
}

static rml_status put_header(rml_shard_writer *w, rml_error *err)
{
    const rml_shard_layout *l = &w->layout;
    bool plain = rml_shard_is_plain(w->info, l->count);
    size_t size = 32;
    for (size_t i = 0; i < l->count; i++) {
        size += 1 + strlen(w->info[i].name) + 1 + 4 * w->info[i].rank + (plain ? 8 : 2);
    }
    size = rml_shard_align(size);
    uint8_t *p = rml_buffer_add(&w->shard, size, err);
    if (p == NULL) {
        return RML_ERR_MEMORY;
    }
    memset(p, 0, size);
    memcpy(p, plain ? RML_SHARD_PLAIN : RML_SHARD_TYPED, 8);
    rml_save_u32(p + 8, (uint32_t)l->count);
    rml_save_u64(p + 16, size);
    rml_save_u64(p + 24, plain ? l->stride / sizeof(float) : l->stride);
    p += 32;
    for (size_t i = 0; i < l->count; i++) {
        p = put_entry(p, &w->info[i], plain, l->offset[i]);
    }
    return RML_OK;
}

// ---- Scenes ------------------------------------------------------------------------------------

rml_status rml_shard_writer_init(rml_shard_writer *w, const rml_tensor_info *info, size_t count,
                                 rml_error *err)
{
    *w = (rml_shard_writer){.info = info};
    return rml_shard_layout_of(info, count, &w->layout, err);
}

static uint8_t *add_zeros(rml_buffer *b, size_t size, rml_error *err)
{
    uint8_t *p = rml_buffer_add(b, size, err);
    if (p != NULL) {
        memset(p, 0, size);
    }
    return p;
}

rml_status rml_shard_writer_add(rml_shard_writer *w, size_t scenes, rml_error *err)
{
    const rml_shard_layout *l = &w->layout;
    assert(w->added == 0 && scenes <= l->scenes_max - w->scenes);
    if (w->shard.len == 0) {
        RML_TRY(put_header(w, err));
    }
    rml_buffer_clear(&w->scratch);
    rml_buffer_clear(&w->rows);
    if (add_zeros(&w->shard, scenes * l->stride, err) == NULL ||
        add_zeros(&w->scratch, scenes * (l->most - l->stride), err) == NULL ||
        add_zeros(&w->rows, scenes * l->count * sizeof(uint32_t), err) == NULL) {
        return RML_ERR_MEMORY;
    }
    w->added = (uint32_t)scenes;
    return RML_OK;
}

void rml_shard_writer_slots(const rml_shard_writer *w, size_t index, rml_tensor_slot *slots)
{
    const rml_shard_layout *l = &w->layout;
    assert(index < w->added);
    uint8_t *scene = w->shard.data + w->shard.len - (w->added - index) * l->stride;
    uint8_t *ragged = w->scratch.data + index * (l->most - l->stride);
    uint32_t *rows = (uint32_t *)(void *)w->rows.data + index * l->count;
    for (size_t i = 0; i < l->count; i++) {
        slots[i] = (rml_tensor_slot){scene + l->offset[i], NULL};
        if (w->info[i].ragged) {
            slots[i] = (rml_tensor_slot){ragged, &rows[i]};
            ragged += slot_size(l->size[i]);
        }
    }
}

static rml_status join_rows(rml_shard_writer *w, size_t tensor, const rml_tensor_slot *slot,
                            rml_error *err)
{
    rml_buffer *first = &w->first[tensor], *values = &w->values[tensor];
    size_t size = *slot->rows * w->layout.row[tensor];
    uint8_t end[8] = {0};
    assert(size <= w->layout.size[tensor]);
    if (first->len == 0) {
        RML_TRY(rml_buffer_append(first, end, sizeof end, err));
    }
    rml_save_u64(end, rml_load_u64(first->data + first->len - sizeof end) + *slot->rows);
    RML_TRY(rml_buffer_append(first, end, sizeof end, err));
    return rml_buffer_append(values, slot->data, size, err);
}

rml_status rml_shard_writer_join(rml_shard_writer *w, rml_error *err)
{
    rml_tensor_slot slots[RML_TENSORS_MAX];
    bool any = w->layout.most > w->layout.stride;
    for (size_t s = 0; any && s < w->added; s++) {
        rml_shard_writer_slots(w, s, slots);
        for (size_t i = 0; i < w->layout.count; i++) {
            if (w->info[i].ragged) {
                RML_TRY(join_rows(w, i, &slots[i], err));
            }
        }
    }
    w->scenes += w->added;
    w->added = 0;
    return RML_OK;
}

static rml_status append_padded(rml_buffer *to, const rml_buffer *from, rml_error *err)
{
    RML_TRY(rml_buffer_append(to, from->data, from->len, err));
    return add_zeros(to, rml_shard_align(from->len) - from->len, err) ? RML_OK : RML_ERR_MEMORY;
}

rml_status rml_shard_writer_finish(rml_shard_writer *w, rml_bytes *out, rml_error *err)
{
    assert(w->added == 0);
    if (w->shard.len == 0) {
        RML_TRY(rml_shard_writer_add(w, 0, err));
    }
    rml_save_u32(w->shard.data + 12, w->scenes); // the count, known only now
    for (size_t i = 0; i < w->layout.count; i++) {
        if (w->info[i].ragged) {
            if (w->first[i].len == 0 && add_zeros(&w->first[i], 8, err) == NULL) {
                return RML_ERR_MEMORY;
            }
            RML_TRY(append_padded(&w->shard, &w->first[i], err));
            RML_TRY(append_padded(&w->shard, &w->values[i], err));
        }
    }
    *out = rml_buffer_bytes(&w->shard);
    return RML_OK;
}

void rml_shard_writer_clear(rml_shard_writer *w)
{
    rml_buffer_clear(&w->shard);
    for (size_t i = 0; i < RML_TENSORS_MAX; i++) {
        rml_buffer_clear(&w->first[i]);
        rml_buffer_clear(&w->values[i]);
    }
    w->scenes = w->added = 0;
}

void rml_shard_writer_reset(rml_shard_writer *w)
{
    rml_buffer_reset(&w->shard);
    rml_buffer_reset(&w->scratch);
    rml_buffer_reset(&w->rows);
    for (size_t i = 0; i < RML_TENSORS_MAX; i++) {
        rml_buffer_reset(&w->first[i]);
        rml_buffer_reset(&w->values[i]);
    }
    *w = (rml_shard_writer){0};
}
