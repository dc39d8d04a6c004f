// Memory of this machine, where plans lie that no other backend runs.
#include <string.h>

#include "plan.h"

#define ALIGNMENT 64 // a line of cache

static void *host_take(size_t size)
{
    return rml_heap_aligned_make(ALIGNMENT, size);
}

static void host_copy(void *to, const void *from, size_t size)
{
    memcpy(to, from, size);
}

static void host_zero(void *to, size_t size)
{
    memset(to, 0, size);
}

const rml_memory rml_memory_host = {
    host_take, rml_heap_aligned_free, host_copy, host_copy, host_copy, host_zero};

size_t rml_plan_aligned(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

rml_status rml_plan_take(const rml_plan *plan, uint8_t **out, size_t size, rml_error *err)
{
    *out = plan->memory->take(size > 0 ? size : ALIGNMENT);
    return *out == NULL ? rml_fail_memory(err, size) : RML_OK;
}
