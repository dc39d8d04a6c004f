// Chunks of an MCAP file opened ahead of its reader by other threads, in the order of the file.
// What is found ahead is a guess: the reader takes a chunk only at the offset where it comes to one
// itself, and opens what is not here on its own.
#include "mcap_record.h"

// For each thread one chunk under way and one waiting; larger chunks are left to the reader, so
// that what lies ready stays below half of its memory.
#define SLOTS_MAX 16
#define SHARE_OF_MEMORY (2 * SLOTS_MAX)

typedef struct slot {
    uint64_t offset;
    rml_mcap_chunk chunk;
    rml_codec_context codec;
    rml_buffer space;
    rml_bytes records;
    rml_error fault;
    rml_status status;
} slot;

struct rml_mcap_ahead {
    rml_mcap_ahead_of of;
    rml_ahead *tasks;
    size_t depth;
    uint64_t at;             // of the next frame to look at; UINT64_MAX: no further
    uint64_t offered, taken; // taken: tasks before it are done with, their slots free
    slot slots[SLOTS_MAX];
};

static void open_slot(void *context, uint64_t task)
{
    rml_mcap_ahead *a = context;
    slot *s = &a->slots[task % a->depth];
    s->status = rml_mcap_chunk_open(&s->chunk, &s->codec, a->of.memory_max, a->of.skip_crc,
                                    rml_place_byte(a->of.name, s->offset), &s->space, &s->records,
                                    NULL, &s->fault);
}

rml_status rml_mcap_ahead_make(size_t threads, const rml_mcap_ahead_of *of, rml_mcap_ahead **out,
                               rml_error *err)
{
    rml_mcap_ahead *a = rml_heap_make(sizeof(*a));
    if (a == NULL) {
        return rml_fail_memory(err, sizeof(*a));
    }
    size_t workers = threads - 1;
    *a = (rml_mcap_ahead){.of = *of};
    a->depth = 2 * threads < SLOTS_MAX ? 2 * threads : SLOTS_MAX;
    rml_status st = rml_ahead_make(workers, a->depth, open_slot, a, &a->tasks, err);
    if (st) {
        rml_mcap_ahead_free(a);
        return st;
    }
    *out = a;
    return RML_OK;
}

// The next chunk that is wanted and not too large is offered; false when there is none.
static bool offer_next(rml_mcap_ahead *a)
{
    uint8_t opcode;
    rml_bytes body;
    while (a->at < a->of.readable.len && rml_mcap_frame(a->of.readable, a->at, &opcode, &body)) {
        slot *s = &a->slots[a->offered % a->depth];
        rml_mcap_record record = {.offset = a->at};
        a->at += RML_MCAP_FRAME + body.len;
        if (opcode != RML_MCAP_CHUNK ||
            rml_mcap_record_parse(opcode, body, (rml_place){0}, &record, NULL) != RML_OK ||
            record.as.chunk.uncompressed_size > a->of.memory_max / SHARE_OF_MEMORY ||
            (a->of.wants != NULL && !a->of.wants(a->of.context, &record))) {
            continue;
        }
        s->offset = record.offset;
        s->chunk = record.as.chunk;
        a->offered++;
        rml_ahead_offer(a->tasks);
        return true;
    }
    a->at = UINT64_MAX;
    return false;
}

bool rml_mcap_ahead_take(rml_mcap_ahead *a, uint64_t offset, uint64_t behind, rml_bytes *records,
                         rml_status *status, rml_error *err)
{
    // The chunk given last is done with now.
    while (a->taken < a->offered && a->slots[a->taken % a->depth].offset < offset) {
        rml_ahead_wait(a->tasks, a->taken++);
    }
    if (a->taken == a->offered && a->at < behind) {
        a->at = behind;
    }
    while (a->offered - a->taken < a->depth && offer_next(a)) {
    }
    slot *s = &a->slots[a->taken % a->depth];
    if (a->taken == a->offered || s->offset != offset) {
        return false;
    }
    rml_ahead_wait(a->tasks, a->taken);
    *records = s->records;
    *status = s->status;
    if (s->status && err != NULL) {
        *err = s->fault;
    }
    return true;
}

void rml_mcap_ahead_free(rml_mcap_ahead *a)
{
    if (a == NULL) {
        return;
    }
    rml_ahead_free(a->tasks);
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        rml_codec_context_reset(&a->slots[i].codec);
        rml_buffer_reset(&a->slots[i].space);
    }
    rml_heap_free(a);
}
