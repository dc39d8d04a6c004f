// Inside the room: appending to columns where they hold no null and have room, which is the usual
// case of decoding; base does the rest.
#ifndef RML_MESSAGE_APPEND_H
#define RML_MESSAGE_APPEND_H

#include <string.h>

#include "roadmill/base/column.h"

// Appends where a column holds no null and has room, which is the usual case; the others do the
// rest.
static inline bool rml_has_room(const rml_buffer *b, size_t size)
{
    return b->capacity - b->len >= size;
}

// Where size more bytes go; NULL when there is no memory.
static inline uint8_t *rml_append_room(rml_buffer *b, size_t size, rml_error *err)
{
    if (size == 0 || !rml_has_room(b, size)) {
        return rml_buffer_add(b, size, err);
    }
    uint8_t *to = b->data + b->len;
    b->len += size;
    return to;
}

// A value that is in the column's form.
static inline rml_status rml_append_value(rml_column *c, const uint8_t *value, size_t size,
                                          rml_error *err)
{
    if (c->null_count == 0 && rml_has_room(&c->values, size)) {
        memcpy(c->values.data + c->values.len, value, size);
        c->values.len += size;
        c->count++;
        return RML_OK;
    }
    return rml_column_value(c, value, err);
}

static inline void rml_push_end(rml_column *c, size_t end)
{
    int64_t offset = (int64_t)end;
    memcpy(c->offsets.data + c->offsets.len, &offset, sizeof offset);
    c->offsets.len += sizeof offset;
    c->count++;
}

static inline bool rml_takes_end(const rml_column *c)
{
    return c->null_count == 0 && c->offsets.len > 0 && rml_has_room(&c->offsets, sizeof(int64_t));
}

static inline rml_status rml_end_list(rml_column *c, rml_error *err)
{
    if (!rml_takes_end(c)) {
        return rml_column_list_end(c, err);
    }
    rml_push_end(c, c->children[0].count);
    return RML_OK;
}

static inline rml_status rml_append_bytes(rml_column *c, const void *data, size_t len,
                                          rml_error *err)
{
    if (len == 0 || !rml_takes_end(c) || !rml_has_room(&c->values, len)) {
        return rml_column_bytes(c, data, len, err);
    }
    memcpy(c->values.data + c->values.len, data, len);
    c->values.len += len;
    rml_push_end(c, c->values.len);
    return RML_OK;
}

static inline rml_status rml_end_struct(rml_column *c, rml_error *err)
{
    if (c->null_count == 0) {
        c->count++;
        return RML_OK;
    }
    return rml_column_struct_end(c, err);
}

#endif
