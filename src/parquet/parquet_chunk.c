// A column chunk of the Parquet writer: levels, pages, dictionary, statistics.
//
// Source: Apache Parquet format 2.10: "Data Pages", Encodings.md, PageIndex.md. Pages are V1:
// levels and values are compressed together. A page begins at a row, as the offset index asks.
#include <string.h>

#include "encode.h"
#include "parquet_file.h"
#include "thrift.h"

enum {
    PAGE_ENTRIES = 1 << 17,
    DICTIONARY_ITEMS_MAX = 1 << 16,
    DICTIONARY_PROBE = 4096, // after so many texts a dictionary must have paid
};
#define PAGE_BYTES ((size_t)1 << 20)
#define DICTIONARY_BYTES_MAX ((size_t)1 << 20)

static const struct {
    int physical, encoding;
} kinds[] = {
    [RML_TYPE_BOOL] = {RML_PARQUET_BOOLEAN, RML_PARQUET_PLAIN},
    [RML_TYPE_I8] = {RML_PARQUET_INT32, RML_PARQUET_DELTA},
    [RML_TYPE_I16] = {RML_PARQUET_INT32, RML_PARQUET_DELTA},
    [RML_TYPE_I32] = {RML_PARQUET_INT32, RML_PARQUET_DELTA},
    [RML_TYPE_I64] = {RML_PARQUET_INT64, RML_PARQUET_DELTA},
    [RML_TYPE_U64] = {RML_PARQUET_FIXED, RML_PARQUET_PLAIN},
    [RML_TYPE_F32] = {RML_PARQUET_FLOAT, RML_PARQUET_PLAIN},
    [RML_TYPE_F64] = {RML_PARQUET_DOUBLE, RML_PARQUET_PLAIN},
    [RML_TYPE_STRING] = {RML_PARQUET_BYTE_ARRAY, RML_PARQUET_PLAIN},
    [RML_TYPE_BINARY] = {RML_PARQUET_BYTE_ARRAY, RML_PARQUET_PLAIN},
};

int rml_parquet_physical(rml_type type)
{
    return kinds[type].physical;
}

static bool is_float(rml_type type)
{
    return type == RML_TYPE_F32 || type == RML_TYPE_F64;
}

// Of values without a dictionary. Engines read BYTE_STREAM_SPLIT only when they are new, so it must
// be asked for.
static int encoding_of(const rml_parquet_writer *w, rml_type type)
{
    return w->options.split_floats && is_float(type) ? RML_PARQUET_SPLIT : kinds[type].encoding;
}

// Values [from, from + count) of those present.
typedef struct span {
    size_t from, count;
} span;

static inline size_t slot_of(const rml_shred *s, size_t i)
{
    return s->dense ? s->first + i : (size_t)((const uint64_t *)(const void *)s->slots.data)[i];
}

// ---- Dictionary --------------------------------------------------------------------------------

typedef struct dictionary {
    rml_map map;
    rml_buffer items;   // PLAIN
    rml_buffer indexes; // uint32_t, one a value
    bool used;
} dictionary;

static void dictionary_reset(dictionary *d)
{
    rml_map_reset(&d->map);
    rml_buffer_reset(&d->items);
    rml_buffer_reset(&d->indexes);
}

static rml_status put_bytes(rml_buffer *out, rml_bytes value, rml_error *err)
{
    uint8_t size[4];
    rml_save_u32(size, (uint32_t)value.len);
    RML_TRY(rml_buffer_append(out, size, 4, err));
    return rml_buffer_append(out, value.data, value.len, err);
}

// Uses a dictionary if texts repeat: its items and indexes must be smaller than the texts.
static rml_status make_dictionary(dictionary *d, const rml_shred *s, rml_error *err)
{
    if (s->present == 0) {
        return RML_OK;
    }
    uint32_t *indexes = (uint32_t *)(void *)rml_buffer_add(&d->indexes, s->present * 4, err);
    if (indexes == NULL) {
        return RML_ERR_MEMORY;
    }
    size_t plain = 0;
    rml_str before = {0};
    for (size_t i = 0; i < s->present; i++) {
        rml_str text = rml_column_get_str(s->column, slot_of(s, i));
        uint64_t index = d->map.count;
        if (i > 0 && rml_str_equal(text, before)) {
            index = indexes[i - 1]; // the names of a recording repeat in every row
        } else if (!rml_map_get(&d->map, text, &index)) {
            RML_TRY(rml_map_put(&d->map, text, index, err));
            RML_TRY(put_bytes(&d->items, rml_bytes_of_str(text), err));
        }
        before = text;
        indexes[i] = (uint32_t)index;
        plain += text.len + 4;
        if (d->map.count > DICTIONARY_ITEMS_MAX || d->items.len > DICTIONARY_BYTES_MAX ||
            (i == DICTIONARY_PROBE && d->items.len > plain / 2)) {
            return RML_OK;
        }
    }
    d->used = d->items.len + s->present * rml_bit_width(d->map.count) / 8 < plain;
    return RML_OK;
}

// ---- Values ------------------------------------------------------------------------------------

static rml_status encode_dictionary(const dictionary *d, span at, rml_buffer *out, rml_error *err)
{
    const uint32_t *indexes = (const uint32_t *)(const void *)d->indexes.data + at.from;
    uint8_t width = (uint8_t)rml_bit_width(d->map.count > 0 ? d->map.count - 1 : 0);
    width = width > 0 ? width : 1;
    RML_TRY(rml_buffer_append(out, &width, 1, err));
    return rml_encode_rle(indexes, at.count, width, out, err);
}

// The values as an array of `size` bytes each: in place where they lie in a row.
static rml_status gather(const rml_shred *s, span at, size_t size, rml_buffer *scratch,
                         const uint8_t **out, rml_error *err)
{
    if (s->dense) {
        *out = s->column->values.data + (s->first + at.from) * size;
        return RML_OK;
    }
    rml_buffer_clear(scratch);
    uint8_t *to = rml_buffer_add(scratch, at.count * size, err);
    if (to == NULL) {
        return RML_ERR_MEMORY;
    }
    for (size_t i = 0; i < at.count; i++) {
        memcpy(to + i * size, s->column->values.data + slot_of(s, at.from + i) * size, size);
    }
    *out = to;
    return RML_OK;
}

static rml_status encode_int32(const uint8_t *values, rml_type type, size_t count, rml_buffer *out,
                               rml_error *err)
{
    if (type == RML_TYPE_I32) {
        return rml_encode_delta_i32((const int32_t *)(const void *)values, count, out, err);
    }
    rml_buffer wide = {0};
    int32_t *to = (int32_t *)(void *)rml_buffer_add(&wide, count * 4, err);
    if (to == NULL) {
        return RML_ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        int16_t v;
        if (type == RML_TYPE_I8) {
            v = (int8_t)values[i];
        } else {
            memcpy(&v, values + 2 * i, 2);
        }
        to[i] = v;
    }
    rml_status st = rml_encode_delta_i32(to, count, out, err);
    rml_buffer_reset(&wide);
    return st;
}

static rml_status encode_decimals(const uint8_t *values, size_t count, rml_buffer *out,
                                  rml_error *err)
{
    uint8_t *to = rml_buffer_add(out, count * RML_DECIMAL_SIZE, err);
    if (to == NULL) {
        return RML_ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t v;
        memcpy(&v, values + 8 * i, 8);
        rml_decimal_save(to + i * RML_DECIMAL_SIZE, v);
    }
    return RML_OK;
}

// PLAIN: little-endian values one after the other.
static rml_status encode_floats(const uint8_t *values, size_t size, size_t count, rml_buffer *out,
                                rml_error *err)
{
    uint8_t *to = count > 0 ? rml_buffer_add(out, count * size, err) : NULL;
    if (count > 0 && to == NULL) {
        return RML_ERR_MEMORY;
    }
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (count > 0) {
        memcpy(to, values, count * size);
    }
#else
    for (size_t i = 0; i < count * size; i++) {
        to[i] = values[i - i % size + size - 1 - i % size];
    }
#endif
    return RML_OK;
}

static rml_status encode_values(rml_parquet_writer *w, const rml_leaf *leaf, const dictionary *d,
                                span at, rml_error *err)
{
    const rml_shred *s = &w->shred;
    rml_buffer *out = &w->plain;
    if (d->used) {
        return encode_dictionary(d, at, out, err);
    }
    if (leaf->type == RML_TYPE_STRING || leaf->type == RML_TYPE_BINARY) {
        for (size_t i = 0; i < at.count; i++) {
            rml_bytes value = rml_column_get_bytes(s->column, slot_of(s, at.from + i));
            RML_TRY(put_bytes(out, value, err));
        }
        return RML_OK;
    }
    const uint8_t *values = NULL;
    size_t size = rml_type_size(leaf->type);
    if (at.count > 0) {
        RML_TRY(gather(s, at, size, &w->packed, &values, err));
    }
    switch (encoding_of(w, leaf->type)) {
    case RML_PARQUET_SPLIT:
        return rml_encode_split(values, at.count, size, out, err);
    case RML_PARQUET_DELTA:
        if (leaf->type == RML_TYPE_I64) {
            return rml_encode_delta_i64((const int64_t *)(const void *)values, at.count, out, err);
        }
        return at.count > 0 ? encode_int32(values, leaf->type, at.count, out, err)
                            : rml_encode_delta_i32(NULL, 0, out, err);
    default:
        if (leaf->type == RML_TYPE_BOOL) {
            return rml_encode_bools(values, at.count, out, err);
        }
        if (is_float(leaf->type)) {
            return encode_floats(values, size, at.count, out, err);
        }
        return at.count > 0 ? encode_decimals(values, at.count, out, err) : RML_OK;
    }
}

// ---- Pages -------------------------------------------------------------------------------------

// Levels stand before the values, each with its length in 4 bytes.
static rml_status put_levels(rml_buffer *out, const rml_buffer *levels, span at, uint8_t max,
                             rml_error *err)
{
    if (max == 0) {
        return RML_OK;
    }
    size_t head = out->len;
    if (rml_buffer_add(out, 4, err) == NULL) {
        return RML_ERR_MEMORY;
    }
    unsigned width = rml_bit_width(max);
    if (levels->len == 0) {
        RML_TRY(rml_encode_level_run(max, at.count, width, out, err));
    } else {
        RML_TRY(rml_encode_levels(levels->data + at.from, at.count, width, out, err));
    }
    rml_save_u32(out->data + head, (uint32_t)(out->len - head - 4));
    return RML_OK;
}

typedef struct page_head {
    int type, encoding; // of the page; of its values
    size_t count;
} page_head;

// Compresses and writes w->plain as a page. *size is what it takes in the file.
static rml_status put_page(rml_parquet_writer *w, page_head head, rml_chunk *chunk, size_t *size,
                           rml_error *err)
{
    rml_bytes body = rml_buffer_bytes(&w->plain);
    if (!w->options.uncompressed) {
        rml_buffer_clear(&w->packed);
        RML_TRY(
            rml_compress(&w->codec, RML_CODEC_ZSTD, w->options.zstd_level, body, &w->packed, err));
        body = rml_buffer_bytes(&w->packed);
    }
    if (w->plain.len > INT32_MAX || body.len > INT32_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, rml_place_file(rml_store_writer_uri(&w->file)), NULL,
                        "expected a page of at most 2 GiB, found one of %zu bytes", w->plain.len);
    }
    rml_buffer_clear(&w->header);
    rml_thrift t;
    rml_thrift_init(&t, &w->header, err);
    rml_thrift_i32(&t, 1, head.type);
    rml_thrift_i32(&t, 2, (int32_t)w->plain.len);
    rml_thrift_i32(&t, 3, (int32_t)body.len);
    rml_thrift_i32(&t, 4, (int32_t)rml_crc32(0, body.data, body.len));
    rml_thrift_struct(&t, head.type == 0 ? 5 : 7);
    rml_thrift_i32(&t, 1, (int32_t)head.count);
    rml_thrift_i32(&t, 2, head.encoding);
    if (head.type == 0) {
        rml_thrift_i32(&t, 3, RML_PARQUET_RLE);
        rml_thrift_i32(&t, 4, RML_PARQUET_RLE);
    }
    rml_thrift_end(&t);
    rml_thrift_end(&t);
    RML_TRY(t.status);
    RML_TRY(rml_parquet_put(w, w->header.data, w->header.len, err));
    RML_TRY(rml_parquet_put(w, body.data, body.len, err));
    *size = w->header.len + body.len;
    chunk->size += *size;
    chunk->raw_size += w->header.len + w->plain.len;
    return RML_OK;
}

typedef struct page_cut {
    span entries, values;
    size_t rows;
} page_cut;

// The next page: whole rows, until it has entries or bytes enough.
static page_cut next_page(const rml_shred *s, const rml_leaf *leaf, span entries_from)
{
    page_cut cut = {.entries = {.from = entries_from.from}, .values = {.from = entries_from.count}};
    bool texts = leaf->type == RML_TYPE_STRING || leaf->type == RML_TYPE_BINARY;
    if (s->flat && !texts) {
        size_t left = s->entries - cut.entries.from;
        cut.rows = cut.values.count = cut.entries.count = left < PAGE_ENTRIES ? left : PAGE_ENTRIES;
        return cut;
    }
    size_t bytes = 0;
    size_t i = cut.entries.from;
    for (; i < s->entries; i++) {
        bool row = s->flat || s->repetition.data[i] == 0;
        if (row && (i - cut.entries.from >= PAGE_ENTRIES || bytes >= PAGE_BYTES)) {
            break;
        }
        cut.rows += row;
        bool present = s->definition.len == 0 || s->definition.data[i] == leaf->max_definition;
        if (present && !leaf->of_empty) {
            if (texts) {
                size_t slot = slot_of(s, cut.values.from + cut.values.count);
                bytes += rml_column_get_bytes(s->column, slot).len + 4;
            }
            cut.values.count++;
        }
    }
    cut.entries.count = i - cut.entries.from;
    return cut;
}

static rml_status write_pages(rml_parquet_writer *w, const rml_leaf *leaf, const dictionary *d,
                              rml_chunk *chunk, rml_error *err)
{
    const rml_shred *s = &w->shred;
    size_t entry = 0, value = 0, row = 0;
    while (entry < s->entries) {
        page_cut cut = next_page(s, leaf, (span){entry, value});
        rml_buffer_clear(&w->plain);
        RML_TRY(put_levels(&w->plain, &s->repetition, cut.entries, leaf->max_repetition, err));
        RML_TRY(put_levels(&w->plain, &s->definition, cut.entries, leaf->max_definition, err));
        RML_TRY(encode_values(w, leaf, d, cut.values, err));
        rml_page *page = rml_array_push(&w->pages, err);
        if (page == NULL) {
            return RML_ERR_MEMORY;
        }
        *page = (rml_page){.offset = w->file.size, .first_row = row, .entries = cut.entries.count};
        page->range.nulls = cut.entries.count - cut.values.count;
        if (cut.values.count > 0) {
            const uint64_t *slots = (const uint64_t *)(const void *)s->slots.data;
            rml_range_add(&page->range, s->column, s->first + cut.values.from,
                          s->dense ? NULL : slots + cut.values.from, cut.values.count);
        }
        size_t size = 0;
        page_head head = {0, chunk->encoding, cut.entries.count};
        RML_TRY(put_page(w, head, chunk, &size, err));
        page->size = (uint32_t)size;
        rml_range_merge(&chunk->range, &page->range, leaf->type);
        entry += cut.entries.count;
        value += cut.values.count;
        row += cut.rows;
        chunk->page_count++;
    }
    return RML_OK;
}

rml_status rml_parquet_chunk(rml_parquet_writer *w, size_t index, rml_error *err)
{
    const rml_leaf *leaf = RML_AT(&w->leaves, rml_leaf, index);
    RML_TRY(rml_shred_rows(&w->shred, leaf, w->pending.columns, 0, w->pending.count, err));
    rml_chunk *chunk = rml_array_push(&w->chunks, err);
    if (chunk == NULL) {
        return RML_ERR_MEMORY;
    }
    *chunk = (rml_chunk){.entries = w->shred.entries,
                         .first_page = w->pages.count,
                         .encoding = encoding_of(w, leaf->type)};
    dictionary d = {0};
    rml_status st = RML_OK;
    if (leaf->type == RML_TYPE_STRING) {
        st = make_dictionary(&d, &w->shred, err);
    }
    if (st == RML_OK && d.used) {
        chunk->encoding = RML_PARQUET_DICTIONARY;
        chunk->dictionary_offset = w->file.size;
        rml_buffer_clear(&w->plain);
        st = rml_buffer_append(&w->plain, d.items.data, d.items.len, err);
        size_t size = 0;
        if (st == RML_OK) {
            page_head head = {2, RML_PARQUET_PLAIN, d.map.count};
            st = put_page(w, head, chunk, &size, err);
        }
    }
    chunk->offset = w->file.size;
    if (st == RML_OK) {
        st = write_pages(w, leaf, &d, chunk, err);
    }
    dictionary_reset(&d);
    return st;
}
