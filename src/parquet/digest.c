// The digest of rows (docs/lake.md, "The digest of rows").
//
// Every node of the schema's tree has three streams, each with its own SHA-256: the positions of
// nulls, the lengths of texts and lists, and the values. Streams know nothing of batches, so the
// cut into batches cannot show; and what is hashed are whole arrays, at the speed of the hash.
#include "digest.h"

#include <string.h>

#include "roadmill/codec.h"
#include "roadmill/parquet.h"

#include "nan.h"

enum { BLOCK = 1024 }; // values that are turned into bytes at once

typedef struct rml_digest_node {
    const rml_field *field;
    uint64_t count, null_count;
    rml_sha256_state nulls, lengths, values; // begun with their first byte
    struct rml_digest_node *children;
} rml_digest_node;

static rml_status begin_node(rml_arena *arena, rml_digest_node *node, const rml_field *field,
                             rml_error *err)
{
    node->field = field;
    if (field->child_count == 0) {
        return RML_OK;
    }
    rml_digest_node *children = RML_NEW_ARRAY(arena, rml_digest_node, field->child_count);
    if (children == NULL) {
        return rml_fail_memory(err, field->child_count * sizeof *children);
    }
    node->children = children;
    for (size_t i = 0; i < field->child_count; i++) {
        RML_TRY(begin_node(arena, &children[i], &field->children[i], err));
    }
    return RML_OK;
}

rml_status rml_digest_begin(rml_digest *d, rml_schema schema, rml_error *err)
{
    *d = (rml_digest){.count = schema.count};
    d->columns = RML_NEW_ARRAY(&d->arena, rml_digest_node, schema.count + 1);
    if (d->columns == NULL) {
        d->count = 0;
        return rml_fail_memory(err, schema.count * sizeof *d->columns);
    }
    for (size_t i = 0; i < schema.count; i++) {
        RML_TRY(begin_node(&d->arena, &d->columns[i], &schema.fields[i], err));
    }
    return RML_OK;
}

// ---- Streams -----------------------------------------------------------------------------------

// Most streams stay empty, so a hash is begun with its first byte.
static rml_status hash(rml_sha256_state *s, const void *data, size_t len, rml_error *err)
{
    if (s->handle == NULL) {
        RML_TRY(rml_sha256_begin(s, err));
    }
    rml_sha256_add(s, data, len);
    return RML_OK;
}

static rml_status add_nulls(rml_digest_node *node, const rml_column *c, size_t from, size_t count,
                            rml_error *err)
{
    if (c->null_count == 0) {
        return RML_OK;
    }
    uint8_t bytes[BLOCK * 8];
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!rml_bit_get(c->validity.data, from + i)) {
            rml_save_u64(bytes + 8 * n++, node->count + i);
            node->null_count++;
        }
        if (n == BLOCK || (i + 1 == count && n > 0)) {
            RML_TRY(hash(&node->nulls, bytes, n * 8, err));
            n = 0;
        }
    }
    return RML_OK;
}

// Lengths of the spans; gives where the spans begin and end.
static rml_status add_lengths(rml_digest_node *node, const rml_column *c, size_t from, size_t count,
                              size_t *first, size_t *end, rml_error *err)
{
    *first = 0;
    *end = 0;
    if (count == 0) {
        return RML_OK;
    }
    const int64_t *offsets = (const int64_t *)(const void *)c->offsets.data + from;
    uint8_t bytes[BLOCK * 8];
    for (size_t at = 0; at < count; at += BLOCK) {
        size_t n = count - at < BLOCK ? count - at : BLOCK;
        for (size_t i = 0; i < n; i++) {
            rml_save_u64(bytes + 8 * i, (uint64_t)(offsets[at + i + 1] - offsets[at + i]));
        }
        RML_TRY(hash(&node->lengths, bytes, n * 8, err));
    }
    *first = (size_t)offsets[0];
    *end = (size_t)offsets[count];
    return RML_OK;
}

// True when the values lie in memory as they are hashed: little-endian, no NaN but the one.
static bool is_plain(rml_type type, const uint8_t *in, size_t n)
{
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    return rml_type_size(type) == 1;
#else
    bool other = false;
    for (size_t i = 0; type == RML_TYPE_F64 && i < n; i++) {
        uint64_t v;
        memcpy(&v, in + 8 * i, 8);
        other |= v != rml_nan64(v);
    }
    for (size_t i = 0; type == RML_TYPE_F32 && i < n; i++) {
        uint32_t v;
        memcpy(&v, in + 4 * i, 4);
        other |= v != rml_nan32(v);
    }
    return !other;
#endif
}

// Values of the machine's order as little-endian bytes, NaN as the one NaN.
static void put_values(rml_type type, const uint8_t *in, size_t n, uint8_t *out)
{
    size_t size = rml_type_size(type);
    for (size_t i = 0; i < n; i++) {
        if (size == 8) {
            uint64_t v;
            memcpy(&v, in + 8 * i, 8);
            rml_save_u64(out + 8 * i, type == RML_TYPE_F64 ? rml_nan64(v) : v);
        } else if (size == 4) {
            uint32_t v;
            memcpy(&v, in + 4 * i, 4);
            rml_save_u32(out + 4 * i, type == RML_TYPE_F32 ? rml_nan32(v) : v);
        } else if (size == 2) {
            uint16_t v;
            memcpy(&v, in + 2 * i, 2);
            rml_save_u16(out + 2 * i, v);
        } else {
            out[i] = in[i];
        }
    }
}

static rml_status add_fixed(rml_digest_node *node, const rml_column *c, size_t from, size_t count,
                            rml_error *err)
{
    size_t size = rml_type_size(c->type);
    const uint8_t *data = c->values.data + from * size;
    for (size_t at = 0; at < count; at += BLOCK) {
        size_t n = count - at < BLOCK ? count - at : BLOCK;
        const uint8_t *in = data + at * size;
        if (is_plain(c->type, in, n)) {
            RML_TRY(hash(&node->values, in, n * size, err));
        } else {
            uint8_t bytes[BLOCK * 8];
            put_values(c->type, in, n, bytes);
            RML_TRY(hash(&node->values, bytes, n * size, err));
        }
    }
    return RML_OK;
}

static rml_status add_node(rml_digest_node *node, const rml_column *c, size_t from, size_t count,
                           rml_error *err)
{
    RML_TRY(add_nulls(node, c, from, count, err));
    size_t first = from, end = from + count;
    switch (c->type) {
    case RML_TYPE_STRING:
    case RML_TYPE_BINARY:
        RML_TRY(add_lengths(node, c, from, count, &first, &end, err));
        if (end > first) {
            RML_TRY(hash(&node->values, c->values.data + first, end - first, err));
        }
        break;
    case RML_TYPE_LIST:
        RML_TRY(add_lengths(node, c, from, count, &first, &end, err));
        RML_TRY(add_node(&node->children[0], &c->children[0], first, end - first, err));
        break;
    case RML_TYPE_STRUCT:
        for (size_t i = 0; i < c->child_count; i++) {
            RML_TRY(add_node(&node->children[i], &c->children[i], from, count, err));
        }
        break;
    default:
        RML_TRY(add_fixed(node, c, from, count, err));
        break;
    }
    node->count += count;
    return RML_OK;
}

rml_status rml_digest_add(rml_digest *d, const rml_column *columns, size_t from, size_t count,
                          rml_error *err)
{
    for (size_t i = 0; i < d->count && count > 0; i++) {
        RML_TRY(add_node(&d->columns[i], &columns[i], from, count, err));
    }
    return RML_OK;
}

// ---- The end -----------------------------------------------------------------------------------

// SHA-256 of no bytes (FIPS 180-4).
static const rml_hash of_nothing = {{0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                                     0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
                                     0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
                                     0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55}};

static void end_node(rml_digest_node *node, rml_sha256_state *all)
{
    uint8_t head[8 + 1 + 8];
    rml_save_u64(head, node->field->name.len);
    head[8] = (uint8_t)node->field->type;
    rml_save_u64(head + 9, node->count);
    rml_sha256_add(all, head, sizeof head);
    rml_sha256_add(all, node->field->name.data, node->field->name.len);
    uint8_t children[8];
    rml_save_u64(children, node->field->child_count);
    rml_sha256_add(all, children, sizeof children);
    rml_sha256_state *streams[] = {&node->nulls, &node->lengths, &node->values};
    for (size_t i = 0; i < 3; i++) {
        rml_hash of_stream = of_nothing;
        if (streams[i]->handle != NULL) {
            rml_sha256_end(streams[i], &of_stream);
        }
        rml_sha256_add(all, of_stream.bytes, sizeof of_stream.bytes);
    }
    for (size_t i = 0; i < node->field->child_count; i++) {
        end_node(&node->children[i], all);
    }
}

rml_status rml_digest_end_by(rml_digest *d, const size_t *order, rml_hash *out, rml_error *err)
{
    rml_sha256_state all = {0};
    RML_TRY(rml_sha256_begin(&all, err));
    uint64_t kept = 0;
    for (size_t i = 0; i < d->count; i++) {
        kept += order == NULL || d->columns[i].null_count < d->columns[i].count;
    }
    uint8_t head[8];
    rml_save_u64(head, kept);
    rml_sha256_add(&all, head, sizeof head);
    for (size_t i = 0; i < d->count; i++) {
        rml_digest_node *node = &d->columns[order != NULL ? order[i] : i];
        if (order == NULL || node->null_count < node->count) {
            end_node(node, &all);
        }
    }
    rml_sha256_end(&all, out);
    rml_digest_close(d);
    return RML_OK;
}

rml_status rml_digest_end(rml_digest *d, rml_hash *out, rml_error *err)
{
    return rml_digest_end_by(d, NULL, out, err);
}

static size_t count_nodes(const rml_field *field)
{
    size_t nodes = 1;
    for (size_t i = 0; i < field->child_count; i++) {
        nodes += count_nodes(&field->children[i]);
    }
    return nodes;
}

size_t rml_digest_nodes(rml_schema schema)
{
    size_t nodes = 0;
    for (size_t i = 0; i < schema.count; i++) {
        nodes += count_nodes(&schema.fields[i]);
    }
    return nodes;
}

static void abort_node(rml_digest_node *node)
{
    rml_sha256_abort(&node->nulls);
    rml_sha256_abort(&node->lengths);
    rml_sha256_abort(&node->values);
    for (size_t i = 0; node->children != NULL && i < node->field->child_count; i++) {
        abort_node(&node->children[i]);
    }
}

void rml_digest_close(rml_digest *d)
{
    for (size_t i = 0; i < d->count; i++) {
        abort_node(&d->columns[i]);
    }
    rml_arena_reset(&d->arena);
    *d = (rml_digest){0};
}

rml_status rml_batch_digest(const rml_batch *batch, rml_hash *out, rml_error *err)
{
    rml_digest d;
    rml_status st = rml_digest_begin(&d, batch->schema, err);
    if (st == RML_OK) {
        st = rml_digest_add(&d, batch->columns, 0, batch->count, err);
        st = st ? st : rml_digest_end(&d, out, err);
    }
    rml_digest_close(&d);
    return st;
}
