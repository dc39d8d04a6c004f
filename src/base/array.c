// Items of one size in a row.
#include "roadmill/base.h"

#include <string.h>

void *rml_array_push_many(rml_array *a, size_t count, rml_error *err)
{
    size_t need, size;
    if (!rml_size_add(a->count, count, &need) || !rml_size_mul(need, a->item_size, &size)) {
        rml_fail_memory(err, SIZE_MAX);
        return NULL;
    }
    if (need > a->capacity || a->capacity == 0) {
        size_t capacity = a->capacity < 8 ? 8 : a->capacity;
        if (capacity < need) {
            capacity = capacity > SIZE_MAX / 2 || capacity * 2 < need ? need : capacity * 2;
        }
        void *data =
            rml_size_mul(capacity, a->item_size, &size) ? rml_heap_grow(a->data, size) : NULL;
        if (!data) {
            rml_fail_memory(err, size);
            return NULL;
        }
        a->data = data;
        a->capacity = capacity;
    }
    uint8_t *first = (uint8_t *)a->data + a->count * a->item_size;
    memset(first, 0, count * a->item_size);
    a->count = need;
    return first;
}

void *rml_array_push(rml_array *a, rml_error *err)
{
    return rml_array_push_many(a, 1, err);
}

void rml_array_clear(rml_array *a)
{
    a->count = 0;
}

void rml_array_reset(rml_array *a)
{
    rml_heap_free(a->data);
    *a = (rml_array){.item_size = a->item_size};
}

typedef struct order {
    int (*compare)(const void *a, const void *b, void *context);
    void *context;
    size_t item_size;
} order;

// Merges the sorted runs from[0..left) and from[left..count) into to.
static void merge(const order *o, const uint8_t *from, size_t left, size_t count, uint8_t *to)
{
    size_t size = o->item_size;
    size_t i = 0, j = left;
    // Runs that follow each other already, as most of what is nearly sorted does.
    if (left == count ||
        o->compare(from + left * size, from + (left - 1) * size, o->context) >= 0) {
        memcpy(to, from, count * size);
        return;
    }
    while (i < left && j < count) {
        // Only a strictly smaller right item goes first: equal ones keep their order.
        bool right = o->compare(from + j * size, from + i * size, o->context) < 0;
        memcpy(to, from + (right ? j++ : i++) * size, size);
        to += size;
    }
    memcpy(to, from + i * size, (left - i) * size);
    memcpy(to + (left - i) * size, from + j * size, (count - j) * size);
}

rml_status rml_array_sort(rml_array *a, int (*compare)(const void *a, const void *b, void *context),
                          void *context, rml_error *err)
{
    if (a->count < 2) {
        return RML_OK;
    }
    size_t size = a->item_size, bytes = a->count * size;
    uint8_t *copy = rml_heap_make(bytes);
    if (!copy) {
        return rml_fail_memory(err, bytes);
    }
    order o = {compare, context, size};
    uint8_t *from = a->data, *to = copy;
    for (size_t run = 1; run<a->count; run = run> a->count / 2 ? a->count : run * 2) {
        for (size_t start = 0; start < a->count;) {
            size_t left = a->count - start < run ? a->count - start : run;
            size_t count = a->count - start - left < run ? a->count - start : left + run;
            merge(&o, from + start * size, left, count, to + start * size);
            start += count;
        }
        uint8_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != a->data) {
        memcpy(a->data, from, bytes);
    }
    rml_heap_free(copy);
    return RML_OK;
}
