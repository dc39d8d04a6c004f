// The heap: the only place that calls malloc, so that tests can make any allocation fail.
#include "roadmill/base.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

// The one global state of base: how many allocations there were, and from which on they fail.
static atomic_uint_fast64_t allocations;
static atomic_uint_fast64_t allocations_most = UINT64_MAX;

static bool may_allocate(void)
{
    uint64_t before = atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return before < atomic_load_explicit(&allocations_most, memory_order_relaxed);
}

void *rml_heap_make(size_t size)
{
    if (size == 0 || !may_allocate()) {
        return NULL;
    }
    return calloc(1, size);
}

void *rml_heap_grow(void *p, size_t size)
{
    if (size == 0) {
        free(p);
        return NULL;
    }
    if (!may_allocate()) {
        return NULL;
    }
    return realloc(p, size);
}

void rml_heap_free(void *p)
{
    free(p);
}

// calloc, for its large blocks come from the system zeroed and untouched; where it began stands
// before what is given out.
void *rml_heap_aligned_make(size_t alignment, size_t size)
{
    size_t whole;
    if (size == 0 || !rml_size_add(size, alignment + sizeof(void *), &whole) || !may_allocate()) {
        return NULL;
    }
    uint8_t *from = calloc(1, whole);
    if (from == NULL) {
        return NULL;
    }
    uintptr_t at = (uintptr_t)from + sizeof(void *);
    uint8_t *p = from + sizeof(void *) + (alignment - at % alignment) % alignment;
    memcpy(p - sizeof(void *), &from, sizeof from);
    return p;
}

void rml_heap_aligned_free(void *p)
{
    if (p != NULL) {
        void *from;
        memcpy(&from, (uint8_t *)p - sizeof(void *), sizeof from);
        free(from);
    }
}

void rml_heap_fail_after(uint64_t after)
{
    uint64_t now = atomic_load(&allocations);
    atomic_store(&allocations_most, after > UINT64_MAX - now ? UINT64_MAX : now + after);
}

uint64_t rml_heap_count(void)
{
    return atomic_load(&allocations);
}

bool rml_size_add(size_t a, size_t b, size_t *out)
{
    if (a > SIZE_MAX - b) {
        return false;
    }
    *out = a + b;
    return true;
}

bool rml_size_mul(size_t a, size_t b, size_t *out)
{
    if (b != 0 && a > SIZE_MAX / b) {
        return false;
    }
    *out = a * b;
    return true;
}
