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
    uint64_t count;
    rml_sha256_state nulls, lengths, values;
    struct rml_digest_node *children;
} rml_digest_node;

static rml_status begin_node(rml_arena *arena, rml_digest_node *node, const rml_field *field,
                             rml_error *err)
{
    node->field = field;
    RML_TRY(rml_sha256_begin(&node->nulls, err));
    RML_TRY(rml_sha256_begin(&node->lengths, err));
    RML_TRY(rml_sha256_begin(&node->values, err));
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

static void add_nulls(rml_digest_node *node, const rml_column *c, size_t from, size_t count)
{
    if (c->null_count == 0) {
        return;
    }
    uint8_t bytes[BLOCK * 8];
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!rml_bit_get(c->validity.data, from + i)) {
            rml_save_u64(bytes + 8 * n++, node->count + i);
        }
        if (n == BLOCK || (i + 1 == count && n > 0)) {
            rml_sha256_add(&node->nulls, bytes, n * 8);
            n = 0;
        }
    }
}

// Lengths of the spans; gives where the spans begin and end.
static void add_lengths(rml_digest_node *node, const rml_column *c, size_t from, size_t count,
                        size_t *first, size_t *end)
{
    *first = 0;
    *end = 0;
    if (count == 0) {
        return;
    }
    const int64_t *offsets = (const int64_t *)(const void *)c->offsets.data + from;
    uint8_t bytes[BLOCK * 8];
    for (size_t at = 0; at < count; at += BLOCK) {
        size_t n = count - at < BLOCK ? count - at : BLOCK;
        for (size_t i = 0; i < n; i++) {
            rml_save_u64(bytes + 8 * i, (uint64_t)(offsets[at + i + 1] - offsets[at + i]));
        }
        rml_sha256_add(&node->lengths, bytes, n * 8);
    }
    *first = (size_t)offsets[0];
    *end = (size_t)offsets[count];
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

static void add_fixed(rml_digest_node *node, const rml_column *c, size_t from, size_t count)
{
    size_t size = rml_type_size(c->type);
    const uint8_t *data = c->values.data + from * size;
    for (size_t at = 0; at < count; at += BLOCK) {
        size_t n = count - at < BLOCK ? count - at : BLOCK;
        const uint8_t *in = data + at * size;
        if (is_plain(c->type, in, n)) {
            rml_sha256_add(&node->values, in, n * size);
        } else {
            uint8_t bytes[BLOCK * 8];
            put_values(c->type, in, n, bytes);
            rml_sha256_add(&node->values, bytes, n * size);
        }
    }
}

static void add_node(rml_digest_node *node, const rml_column *c, size_t from, size_t count)
{
    add_nulls(node, c, from, count);
    size_t first = from, end = from + count;
    switch (c->type) {
    case RML_TYPE_STRING:
    case RML_TYPE_BINARY:
        add_lengths(node, c, from, count, &first, &end);
        if (end > first) {
            rml_sha256_add(&node->values, c->values.data + first, end - first);
        }
        break;
    case RML_TYPE_LIST:
        add_lengths(node, c, from, count, &first, &end);
        add_node(&node->children[0], &c->children[0], first, end - first);
        break;
    case RML_TYPE_STRUCT:
        for (size_t i = 0; i < c->child_count; i++) {
            add_node(&node->children[i], &c->children[i], from, count);
        }
        break;
    default:
        add_fixed(node, c, from, count);
        break;
    }
    node->count += count;
}

void rml_digest_add(rml_digest *d, const rml_column *columns, size_t from, size_t count)
{
    for (size_t i = 0; i < d->count && count > 0; i++) {
        add_node(&d->columns[i], &columns[i], from, count);
    }
}

// ---- The end -----------------------------------------------------------------------------------

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
        rml_hash hash;
        rml_sha256_end(streams[i], &hash);
        rml_sha256_add(all, hash.bytes, sizeof hash.bytes);
    }
    for (size_t i = 0; i < node->field->child_count; i++) {
        end_node(&node->children[i], all);
    }
}

rml_status rml_digest_end(rml_digest *d, rml_hash *out, rml_error *err)
{
    rml_sha256_state all = {0};
    RML_TRY(rml_sha256_begin(&all, err));
    uint8_t head[8];
    rml_save_u64(head, d->count);
    rml_sha256_add(&all, head, sizeof head);
    for (size_t i = 0; i < d->count; i++) {
        end_node(&d->columns[i], &all);
    }
    rml_sha256_end(&all, out);
    rml_digest_close(d);
    return RML_OK;
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
        rml_digest_add(&d, batch->columns, 0, batch->count);
        st = rml_digest_end(&d, out, err);
    }
    rml_digest_close(&d);
    return st;
}
