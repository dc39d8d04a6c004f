// Bytes that grow.
#include "roadmill/base.h"

#include <stdio.h>
#include <string.h>

// From here on a buffer grows by an eighth, not twofold: half of it empty would be too much.
#define LARGE ((size_t)64 << 20)

rml_status rml_buffer_reserve(rml_buffer *b, size_t more, rml_error *err)
{
    if (more <= b->capacity - b->len) {
        return RML_OK;
    }
    size_t need;
    if (!rml_size_add(b->len, more, &need)) {
        return rml_fail_memory(err, more);
    }
    size_t capacity = b->capacity < 64 ? 64 : b->capacity;
    if (capacity < need) {
        size_t step = capacity < LARGE ? capacity : capacity / 8;
        capacity = capacity > SIZE_MAX - step || capacity + step < need ? need : capacity + step;
    }
    uint8_t *data = rml_heap_grow(b->data, capacity);
    if (!data) {
        return rml_fail_memory(err, capacity);
    }
    b->data = data;
    b->capacity = capacity;
    return RML_OK;
}

uint8_t *rml_buffer_add(rml_buffer *b, size_t size, rml_error *err)
{
    // At least one byte, so that an empty addition to an empty buffer is not taken for a failure.
    if (rml_buffer_reserve(b, size > 0 ? size : 1, err) != RML_OK) {
        return NULL;
    }
    uint8_t *p = b->data + b->len;
    b->len += size;
    return p;
}

rml_status rml_buffer_append(rml_buffer *b, const void *data, size_t len, rml_error *err)
{
    if (len == 0) {
        return RML_OK;
    }
    RML_TRY(rml_buffer_reserve(b, len, err));
    memcpy(b->data + b->len, data, len);
    b->len += len;
    return RML_OK;
}

rml_status rml_buffer_str(rml_buffer *b, rml_str text, rml_error *err)
{
    return rml_buffer_append(b, text.data, text.len, err);
}

rml_status rml_buffer_printf(rml_buffer *b, rml_error *err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (len < 0) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected a format that can be written, found \"%s\"", format);
    }
    RML_TRY(rml_buffer_reserve(b, (size_t)len + 1, err));
    va_start(arguments, format);
    vsnprintf((char *)b->data + b->len, (size_t)len + 1, format, arguments);
    va_end(arguments);
    b->len += (size_t)len;
    return RML_OK;
}

rml_bytes rml_buffer_bytes(const rml_buffer *b)
{
    return (rml_bytes){b->data, b->len};
}

rml_str rml_buffer_text(const rml_buffer *b)
{
    return (rml_str){(const char *)b->data, b->len};
}

void rml_buffer_clear(rml_buffer *b)
{
    b->len = 0;
}

void rml_buffer_reset(rml_buffer *b)
{
    rml_heap_free(b->data);
    *b = (rml_buffer){0};
}
