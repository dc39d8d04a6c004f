// Arenas: the memory of one operation, in blocks that are freed together.
#include "roadmill/base.h"

#include <stdalign.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK_SIZE_MIN = 4 << 10, BLOCK_SIZE_MAX = 1 << 20 };

typedef struct rml_arena_block {
    struct rml_arena_block *before;
    size_t size, used;
    alignas(max_align_t) uint8_t data[];
} rml_arena_block;

static rml_arena_block *make_block(size_t size)
{
    size_t whole;
    if (!rml_size_add(size, sizeof(rml_arena_block), &whole)) {
        return NULL;
    }
    rml_arena_block *block = rml_heap_make(whole);
    if (block) {
        block->size = size;
    }
    return block;
}

// A block with room for size bytes, at the head of the list unless the present head has more left.
static rml_arena_block *block_for(rml_arena *arena, size_t size)
{
    rml_arena_block *last = arena->last;
    if (last && last->size - last->used >= size) {
        return last;
    }
    size_t next = last ? last->size * 2 : BLOCK_SIZE_MIN;
    next = next > BLOCK_SIZE_MAX ? BLOCK_SIZE_MAX : next < BLOCK_SIZE_MIN ? BLOCK_SIZE_MIN : next;
    bool alone = size > next / 4;
    rml_arena_block *block = make_block(alone ? size : next);
    if (!block) {
        return NULL;
    }
    if (alone && last) {
        block->before = last->before; // what is left of the head stays in use
        last->before = block;
    } else {
        block->before = last;
        arena->last = block;
    }
    return block;
}

void *rml_arena_make(rml_arena *arena, size_t size)
{
    size_t rounded;
    if (size == 0 || !rml_size_add(size, alignof(max_align_t) - 1, &rounded)) {
        return NULL;
    }
    rounded &= ~(alignof(max_align_t) - 1);
    if (arena->limit > 0 && (arena->used > arena->limit || rounded > arena->limit - arena->used)) {
        return NULL;
    }
    rml_arena_block *block = block_for(arena, rounded);
    if (!block) {
        return NULL;
    }
    void *p = block->data + block->used;
    block->used += rounded;
    arena->used += rounded;
    return p;
}

void *rml_arena_make_array(rml_arena *arena, size_t count, size_t item_size)
{
    size_t size;
    return rml_size_mul(count, item_size, &size) ? rml_arena_make(arena, size) : NULL;
}

rml_str rml_arena_str(rml_arena *arena, rml_str text)
{
    size_t size;
    char *copy = rml_size_add(text.len, 1, &size) ? rml_arena_make(arena, size) : NULL;
    if (!copy) {
        return (rml_str){0};
    }
    if (text.len > 0) {
        memcpy(copy, text.data, text.len);
    }
    return (rml_str){copy, text.len};
}

rml_str rml_arena_printf(rml_arena *arena, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = len < 0 ? NULL : rml_arena_make(arena, (size_t)len + 1);
    if (text) {
        vsnprintf(text, (size_t)len + 1, format, again);
    }
    va_end(again);
    return text ? (rml_str){text, (size_t)len} : (rml_str){0};
}

void rml_arena_reset(rml_arena *arena)
{
    rml_arena_block *block = arena->last;
    while (block) {
        rml_arena_block *before = block->before;
        rml_heap_free(block);
        block = before;
    }
    arena->last = NULL;
    arena->used = 0;
}
