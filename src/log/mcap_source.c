// Opening the chunks that are merged in the order of log time: decompressed, surveyed, dropped when
// memory is short; where there are threads for it, the next ones ahead of their turn.
#include "mcap_source.h"

// What lies opened ahead stays below half of the memory, a chunk below this share.
#define SHARE_OF_MEMORY (2 * RML_MCAP_SLOTS_MAX)

// ---- Spaces ------------------------------------------------------------------------------------

void rml_mcap_source_drop(rml_mcap_time *t, rml_mcap_source *s)
{
    s->walk.records = (rml_bytes){0};
    rml_buffer_clear(&s->space);
    for (size_t i = 0; s->space.capacity > 0 && i < RML_MCAP_SPARES_MAX; i++) {
        if (t->spares[i].capacity == 0) {
            t->spares[i] = s->space;
            s->space = (rml_buffer){0};
        }
    }
    t->memory -= s->space.capacity;
    rml_buffer_reset(&s->space);
}

// A space that lay ready, if there is one.
static void take_spare(rml_mcap_time *t, rml_mcap_source *s)
{
    for (size_t i = 0; s->space.capacity == 0 && i < RML_MCAP_SPARES_MAX; i++) {
        s->space = t->spares[i];
        t->spares[i] = (rml_buffer){0};
    }
}

static void free_spares(rml_mcap_time *t)
{
    for (size_t i = 0; i < RML_MCAP_SPARES_MAX; i++) {
        t->memory -= t->spares[i].capacity;
        rml_buffer_reset(&t->spares[i]);
    }
}

// Drops decompressed chunks until size more bytes fit, never `keep`.
static rml_status make_room(rml_log *log, const rml_mcap_source *keep, uint64_t size,
                            rml_error *err)
{
    rml_mcap_time *t = rml_mcap_of(log)->time;
    while (t->memory + size > log->options.memory_max) {
        rml_mcap_source *oldest = NULL;
        free_spares(t);
        for (size_t i = 0; i < t->heap.count; i++) {
            rml_mcap_source *s = rml_mcap_source_at(t, *RML_AT(&t->heap, uint32_t, i));
            if (s != keep && s->space.capacity > 0 && (oldest == NULL || s->used < oldest->used)) {
                oldest = s;
            }
        }
        if (oldest != NULL) {
            rml_mcap_source_drop(t, oldest);
        } else if (t->memory + size > log->options.memory_max) {
            return rml_fail(err, RML_ERR_LIMIT, rml_place_byte(log->name, keep->offset),
                            "read it in the order of the file, or give more memory",
                            "expected to merge chunks within %zu bytes (memory_max), found a need "
                            "of %llu",
                            log->options.memory_max, (unsigned long long)t->memory + size);
        }
    }
    return RML_OK;
}

// ---- Opening -----------------------------------------------------------------------------------

static rml_status open_records(const rml_log *log, rml_mcap_source *s, rml_codec_context *codec,
                               rml_error *err)
{
    return rml_mcap_chunk_open(&s->chunk, codec, log->options.memory_max, log->options.skip_crc,
                               rml_place_byte(log->name, s->offset), &s->space, &s->walk.records,
                               &s->survey, err);
}

static void open_ahead(void *context, uint64_t task)
{
    rml_mcap_time *t = context;
    size_t slot = task % t->depth;
    rml_mcap_source *s = t->slots[slot].source;
    s->status = open_records(t->log, s, &t->slots[slot].codec, &s->fault);
}

// Offers the next sources, as many as may lie ready. One that is too large is opened in its turn.
static void offer(rml_log *log, rml_mcap_time *t)
{
    while (t->offered - t->waited < t->depth && t->looked < t->sources.count) {
        rml_mcap_source *s = rml_mcap_source_at(t, t->looked);
        size_t memory_max = log->options.memory_max;
        uint64_t size = s->chunk.compression.len > 0 ? s->chunk.uncompressed_size : 0;
        bool fits = s->offset != 0 && size <= memory_max / SHARE_OF_MEMORY;
        if (fits && t->memory + size > memory_max / 2) {
            return; // until what lies ready has been read
        }
        t->looked++;
        if (!fits) {
            continue;
        }
        take_spare(t, s);
        size_t had = s->space.capacity;
        if (rml_buffer_reserve(&s->space, (size_t)size, NULL) != RML_OK) {
            continue;
        }
        t->memory += s->space.capacity - had;
        s->task = t->offered++;
        t->slots[s->task % t->depth].source = s;
        rml_ahead_offer(t->ahead);
    }
}

static rml_status wait_for(rml_mcap_time *t, rml_mcap_source *s, rml_error *err)
{
    rml_ahead_wait(t->ahead, s->task);
    t->waited = s->task + 1;
    s->task = RML_MCAP_NO_TASK;
    if (s->status && err != NULL) {
        *err = s->fault;
    }
    return s->status;
}

rml_status rml_mcap_source_load(rml_log *log, rml_mcap_source *s, rml_error *err)
{
    rml_mcap_time *t = rml_mcap_of(log)->time;
    s->used = ++t->turn;
    // The records of a chunk whose task is not waited for are not looked at.
    if (s->offset == 0 || (s->task == RML_MCAP_NO_TASK && s->walk.records.data != NULL)) {
        return RML_OK;
    }
    rml_status st;
    if (s->task != RML_MCAP_NO_TASK) {
        st = wait_for(t, s, err);
    } else {
        take_spare(t, s);
        size_t had = s->space.capacity;
        uint64_t size = s->chunk.compression.len > 0 ? s->chunk.uncompressed_size : 0;
        if (size > had) {
            RML_TRY(make_room(log, s, size - had, err));
        }
        st = open_records(log, s, &t->codec, err);
        t->memory += s->space.capacity - had;
    }
    if (s->chunk.compression.len > 0) {
        rml_object_release(&log->object, s->offset, s->chunk.records.len);
    }
    s->where = rml_mcap_log_where(log, &s->chunk, s->walk.records.data);
    if (t->ahead != NULL) {
        t->looked = t->looked > t->opened ? t->looked : t->opened;
        offer(log, t);
    }
    return st;
}

bool rml_mcap_source_look(rml_mcap_source *s)
{
    if (!s->walks) {
        if (s->next >= s->entries.count) {
            return false;
        }
        const rml_mcap_entry *e = RML_AT(&s->entries, rml_mcap_entry, s->next);
        s->next_ns = e->log_ns;
        s->next_key = s->offset != 0 ? s->offset : e->offset;
        return true;
    }
    rml_bytes body;
    uint8_t opcode;
    while (rml_mcap_frame(s->walk.records, s->walk.at, &opcode, &body)) {
        if (opcode == RML_MCAP_MESSAGE && body.len >= RML_MCAP_MESSAGE_FIELDS) {
            s->next_ns = (int64_t)rml_load_u64(body.data + 6);
            s->next_key = s->offset;
            return true;
        }
        s->walk.at += RML_MCAP_FRAME + body.len;
    }
    return false;
}

// ---- Begin and end -----------------------------------------------------------------------------

rml_status rml_mcap_source_begin(rml_log *log, rml_error *err)
{
    rml_mcap_time *t = rml_mcap_of(log)->time;
    size_t threads = log->options.threads;
    t->log = log;
    if (threads <= 1) {
        return RML_OK;
    }
    t->depth = 2 * threads < RML_MCAP_SLOTS_MAX ? 2 * threads : RML_MCAP_SLOTS_MAX;
    RML_TRY(rml_ahead_make(threads - 1, t->depth, open_ahead, t, &t->ahead, err));
    offer(log, t);
    return RML_OK;
}

void rml_mcap_source_close(rml_mcap_time *t, rml_mcap_source *s)
{
    rml_mcap_source_drop(t, s);
    t->memory -= s->entries.capacity * sizeof(rml_mcap_entry);
    rml_array_reset(&s->entries);
}

void rml_mcap_source_end(rml_mcap_time *t)
{
    rml_ahead_free(t->ahead);
    for (size_t i = 0; i < t->sources.count; i++) {
        rml_buffer_reset(&rml_mcap_source_at(t, i)->space);
        rml_array_reset(&rml_mcap_source_at(t, i)->entries);
    }
    for (size_t i = 0; i < RML_MCAP_SLOTS_MAX; i++) {
        rml_codec_context_reset(&t->slots[i].codec);
    }
    free_spares(t);
    rml_codec_context_reset(&t->codec);
}
