// An MCAP file as a log in the order of log time, equal times in the order of the file.
//
// Chunks are opened when the time comes up to their first message and merged over a heap, so that
// overlapping ones interleave. Where the summary gives the channels only the frames of records are
// walked first, and chunks that a filter leaves out are never read; otherwise the file is read once
// to learn the channels. What the index says of places is not trusted: it could hide messages.
// Memory: decompressed chunks are dropped, least recently used first,
// and decompressed again when their turn comes, to stay within memory_max.
#include "mcap_log.h"

// One message of an open chunk.
typedef struct entry {
    int64_t log_ns;
    uint64_t offset; // of its frame: in the chunk's records, or in the file outside of chunks
} entry;

// A chunk, or (offset 0) all messages that stand outside of chunks.
typedef struct source {
    uint64_t offset; // of the chunk record in the file
    int64_t start_ns;
    rml_array entries; // entry, in the order of time and file
    size_t next;       // entry
    rml_bytes records; // empty while dropped
    rml_buffer space;  // what records borrows from, unless the chunk is not compressed
    uint64_t used;     // turn of its last use
    rml_mcap_chunk chunk;
} source;

struct rml_mcap_time {
    rml_array sources; // source, by (start_ns, offset)
    size_t opened;     // sources before this one have been opened
    rml_array heap;    // uint32_t: open sources, earliest message first
    size_t memory;     // bytes of spaces and entries
    uint64_t turn;
    rml_codec_context codec;
    rml_error fault; // the first damage; told when all that can be read has been given
    bool fault_told;
};

static source *source_at(const rml_mcap_time *t, size_t index)
{
    return RML_AT(&t->sources, source, index);
}

static void keep_fault(rml_mcap_time *t, const rml_error *fault)
{
    if (t->fault.status == RML_OK) {
        t->fault = *fault;
    }
}

// ---- Order -------------------------------------------------------------------------------------

static int compare_sources(const void *a, const void *b, void *context)
{
    (void)context;
    const source *x = a, *y = b;
    if (x->start_ns != y->start_ns) {
        return x->start_ns < y->start_ns ? -1 : 1;
    }
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int compare_entries(const void *a, const void *b, void *context)
{
    (void)context;
    const entry *x = a, *y = b;
    if (x->log_ns != y->log_ns) {
        return x->log_ns < y->log_ns ? -1 : 1;
    }
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

// Most recorders write in order: then there is nothing to sort.
static bool in_order(const rml_array *entries)
{
    const entry *e = entries->data;
    for (size_t i = 1; i < entries->count; i++) {
        if (e[i].log_ns < e[i - 1].log_ns) {
            return false;
        }
    }
    return true;
}

// True when the next message of source a comes before that of b.
static bool before(const rml_mcap_time *t, uint32_t a, uint32_t b)
{
    const source *x = source_at(t, a), *y = source_at(t, b);
    const entry *e = RML_AT(&x->entries, entry, x->next), *f = RML_AT(&y->entries, entry, y->next);
    if (e->log_ns != f->log_ns) {
        return e->log_ns < f->log_ns;
    }
    uint64_t ea = x->offset != 0 ? x->offset : e->offset;
    uint64_t fa = y->offset != 0 ? y->offset : f->offset;
    return ea < fa;
}

static void sift_down(rml_mcap_time *t, size_t i)
{
    uint32_t *heap = t->heap.data;
    for (;;) {
        size_t least = i, left = 2 * i + 1;
        for (size_t child = left; child < left + 2 && child < t->heap.count; child++) {
            if (before(t, heap[child], heap[least])) {
                least = child;
            }
        }
        if (least == i) {
            return;
        }
        uint32_t moved = heap[i];
        heap[i] = heap[least];
        heap[least] = moved;
        i = least;
    }
}

static rml_status heap_push(rml_mcap_time *t, uint32_t index, rml_error *err)
{
    uint32_t *place = rml_array_push(&t->heap, err);
    if (place == NULL) {
        return RML_ERR_MEMORY;
    }
    *place = index;
    uint32_t *heap = t->heap.data;
    for (size_t i = t->heap.count - 1; i > 0;) {
        size_t parent = (i - 1) / 2;
        if (!before(t, heap[i], heap[parent])) {
            break;
        }
        uint32_t moved = heap[i];
        heap[i] = heap[parent];
        heap[parent] = moved;
        i = parent;
    }
    return RML_OK;
}

// ---- Chunks in memory --------------------------------------------------------------------------

static void drop_space(rml_mcap_time *t, source *s)
{
    t->memory -= s->space.capacity;
    rml_buffer_reset(&s->space);
    s->records = (rml_bytes){0};
}

// Drops decompressed chunks until size more bytes fit, never `keep`.
static rml_status make_room(rml_log *log, const source *keep, uint64_t size, rml_error *err)
{
    rml_mcap_time *t = rml_mcap_of(log)->time;
    while (t->memory + size > log->options.memory_max) {
        source *oldest = NULL;
        for (size_t i = 0; i < t->heap.count; i++) {
            source *s = source_at(t, *RML_AT(&t->heap, uint32_t, i));
            if (s != keep && s->space.capacity > 0 && (oldest == NULL || s->used < oldest->used)) {
                oldest = s;
            }
        }
        if (oldest == NULL) {
            return rml_fail(err, RML_ERR_LIMIT, rml_place_byte(log->name, keep->offset),
                            "read it in the order of the file, or give more memory",
                            "expected to merge chunks within %zu bytes (memory_max), found a need "
                            "of %llu",
                            log->options.memory_max, (unsigned long long)t->memory + size);
        }
        drop_space(t, oldest);
    }
    return RML_OK;
}

// The records of a source in memory.
static rml_status load(rml_log *log, source *s, rml_error *err)
{
    rml_mcap_time *t = rml_mcap_of(log)->time;
    s->used = ++t->turn;
    if (s->offset == 0 || s->records.data != NULL) {
        return RML_OK;
    }
    if (s->chunk.compression.len > 0) {
        RML_TRY(make_room(log, s, s->chunk.uncompressed_size, err));
    }
    rml_status st =
        rml_mcap_chunk_open(&s->chunk, &t->codec, log->options.memory_max, log->options.skip_crc,
                            rml_place_byte(log->name, s->offset), &s->space, &s->records, err);
    t->memory += s->space.capacity;
    if (s->space.capacity > 0) {
        rml_object_release(&log->object, s->offset, s->chunk.records.len);
    }
    return st;
}

// The usual message, when nothing is filtered: no more to look at than these.
static bool plain(const rml_log *log, const rml_mcap_message *m)
{
    const rml_log_options *o = &log->options;
    return o->topics == NULL && o->start_ns == 0 && o->end_ns == 0 && m->log_ns <= INT64_MAX &&
           m->publish_ns <= INT64_MAX && rml_mcap_of(log)->channel_of[m->channel_id] != 0;
}

static rml_status note_entry(rml_log *log, rml_array *entries, const rml_mcap_record *record,
                             uint64_t offset, rml_error *err)
{
    rml_mcap_time *t = rml_mcap_of(log)->time;
    if (!plain(log, &record->as.message)) {
        rml_log_message message;
        bool wanted;
        rml_error fault;
        fault.status = RML_OK;
        if (rml_mcap_log_message(log, record, NULL, &message, &wanted, &fault)) {
            keep_fault(t, &fault);
            return RML_OK;
        }
        if (!wanted) {
            return RML_OK;
        }
    }
    size_t before_bytes = entries->capacity;
    entry *e = rml_array_push(entries, err);
    if (e == NULL) {
        return RML_ERR_MEMORY;
    }
    *e = (entry){(int64_t)record->as.message.log_ns, offset};
    t->memory += (entries->capacity - before_bytes) * sizeof(entry);
    if (t->memory > log->options.memory_max) {
        return rml_fail(err, RML_ERR_LIMIT, rml_place_byte(log->name, record->offset),
                        "read it in the order of the file, or give more memory",
                        "expected an index of messages within %zu bytes (memory_max), found a "
                        "need of %zu",
                        log->options.memory_max, t->memory);
    }
    return RML_OK;
}

// Walks the records of a loaded chunk: definitions are taken in, messages noted when wanted.
static rml_status read_chunk(rml_log *log, source *s, bool note, rml_error *err)
{
    rml_mcap_log *m = rml_mcap_of(log);
    rml_place place = rml_place_byte(log->name, s->offset);
    for (uint64_t at = 0; at < s->records.len;) {
        uint8_t opcode;
        rml_bytes body;
        rml_mcap_record record;
        rml_error fault;
        if (!rml_mcap_frame(s->records, at, &opcode, &body)) {
            (void)rml_fail(&fault, RML_ERR_DATA, place, RML_MCAP_REMEDY,
                           "expected a record at byte %llu of the chunk's %zu bytes, found one "
                           "that is longer",
                           (unsigned long long)at, s->records.len);
            keep_fault(m->time, &fault);
            m->lost += s->records.len - at;
            return RML_OK;
        }
        uint64_t frame = at;
        at += RML_MCAP_FRAME + body.len;
        if (opcode != RML_MCAP_SCHEMA && opcode != RML_MCAP_CHANNEL && opcode != RML_MCAP_MESSAGE) {
            continue;
        }
        record.offset = s->offset;
        record.in_chunk = true;
        record.offset_in_chunk = (size_t)frame + RML_MCAP_FRAME;
        if (rml_mcap_record_parse(opcode, body, place, &record, &fault)) {
            keep_fault(m->time, &fault);
            m->lost += RML_MCAP_FRAME + body.len;
        } else if (opcode != RML_MCAP_MESSAGE) {
            RML_TRY(rml_mcap_log_define(log, &record, err));
        } else if (note) {
            RML_TRY(note_entry(log, &s->entries, &record, frame, err));
        }
    }
    return RML_OK;
}

// Opens the source whose turn has come; what is damaged in it is kept as the fault.
static rml_status open_source(rml_log *log, uint32_t index, rml_error *err)
{
    rml_mcap_log *m = rml_mcap_of(log);
    source *s = source_at(m->time, index);
    if (s->offset != 0) {
        rml_error fault = {0};
        rml_status st = load(log, s, &fault);
        if (st) {
            m->lost += RML_MCAP_FRAME + s->chunk.records.len;
            keep_fault(m->time, &fault);
            drop_space(m->time, s);
            return RML_OK;
        }
        RML_TRY(read_chunk(log, s, true, err));
        if (!in_order(&s->entries)) {
            RML_TRY(rml_array_sort(&s->entries, compare_entries, NULL, err));
        }
    }
    if (s->entries.count == 0) {
        drop_space(m->time, s);
        return RML_OK;
    }
    return heap_push(m->time, index, err);
}

// ---- The list of sources -----------------------------------------------------------------------

static rml_status add_chunk(rml_log *log, const rml_mcap_record *record, rml_error *err)
{
    rml_mcap_time *t = rml_mcap_of(log)->time;
    const rml_mcap_chunk *chunk = &record->as.chunk;
    if (!rml_mcap_log_wants_chunk(log, record->offset, chunk->start_ns, chunk->end_ns)) {
        return RML_OK;
    }
    source *s = rml_array_push(&t->sources, err);
    if (s == NULL) {
        return RML_ERR_MEMORY;
    }
    *s = (source){.offset = record->offset,
                  .start_ns = chunk->start_ns > INT64_MAX ? INT64_MAX : (int64_t)chunk->start_ns,
                  .entries = RML_ARRAY(entry),
                  .chunk = *chunk};
    return RML_OK;
}

// Top-level records between two offsets: chunks become sources, messages entries of the loose one.
// *whole is false where a frame does not fit.
static rml_status walk_range(rml_log *log, uint64_t from, uint64_t to, rml_array *loose,
                             bool *whole, rml_error *err)
{
    rml_bytes range = rml_bytes_of(log->file.data, (size_t)to);
    for (uint64_t at = from; at < to && *whole;) {
        rml_mcap_record record = {.offset = at};
        uint8_t opcode;
        rml_bytes body;
        *whole = rml_mcap_frame(range, at, &opcode, &body) && opcode != 0;
        if (!*whole) {
            break;
        }
        if (rml_mcap_opcode_known(opcode)) {
            *whole = rml_mcap_record_parse(opcode, body, rml_place_byte(log->name, at), &record,
                                           NULL) == RML_OK;
        }
        if (*whole && opcode == RML_MCAP_CHUNK) {
            RML_TRY(add_chunk(log, &record, err));
        } else if (*whole && opcode == RML_MCAP_MESSAGE) {
            RML_TRY(note_entry(log, loose, &record, at, err));
        } else if (*whole && rml_mcap_opcode_known(opcode)) {
            RML_TRY(rml_mcap_log_define(log, &record, err));
        }
        at += RML_MCAP_FRAME + body.len;
    }
    return RML_OK;
}

// Front to back, for files without an index or with damage. Chunks are opened once, because one
// that comes later in time may define the channels of one that comes earlier.
static rml_status list_by_reading(rml_log *log, rml_array *loose, rml_error *err)
{
    rml_mcap_log *m = rml_mcap_of(log);
    rml_mcap_time *t = m->time;
    const rml_mcap_reader_options options = {.whole_chunks = true,
                                             .skip_crc = log->options.skip_crc,
                                             .memory_max = log->options.memory_max};
    rml_mcap_reader *reader = NULL;
    RML_TRY(rml_mcap_reader_over(log->file, log->name, &options, &reader, err));
    rml_mcap_reader_release(reader, &log->object);
    rml_status st = RML_OK;
    while (st == RML_OK) {
        rml_mcap_record record;
        rml_error fault = {0};
        st = rml_mcap_reader_next(reader, &record, &fault);
        if (st == RML_ERR_DATA || st == RML_ERR_LIMIT) {
            keep_fault(t, &fault);
            st = RML_OK;
        } else if (st == RML_OK && record.opcode == RML_MCAP_CHUNK) {
            st = add_chunk(log, &record, err);
            source *s = st ? NULL : source_at(t, t->sources.count - 1);
            if (s != NULL && load(log, s, &fault) == RML_OK) {
                st = read_chunk(log, s, false, err);
            }
            if (s != NULL) {
                drop_space(t, s);
            }
        } else if (st == RML_OK && record.opcode == RML_MCAP_MESSAGE) {
            st = note_entry(log, loose, &record, record.offset, err);
        } else if (st == RML_OK) {
            st = rml_mcap_log_define(log, &record, err);
        }
    }
    m->lost += rml_mcap_reader_lost(reader);
    rml_mcap_reader_close(reader);
    return st == RML_END ? RML_OK : st;
}

static rml_status list_sources(rml_log *log, rml_array *loose, rml_error *err)
{
    rml_mcap_log *m = rml_mcap_of(log);
    bool whole = m->channels_known && m->index.chunks.count > 0;
    if (whole) {
        RML_TRY(walk_range(log, RML_MCAP_MAGIC_SIZE, m->index.summary_start, loose, &whole, err));
    }
    if (!whole) {
        m->channels_known = false;
        m->time->sources.count = 0;
        m->time->fault = (rml_error){0};
        m->lost = 0;
        rml_array_clear(loose);
        RML_TRY(list_by_reading(log, loose, err));
    }
    if (loose->count > 0) {
        RML_TRY(rml_array_sort(loose, compare_entries, NULL, err));
        source *s = rml_array_push(&m->time->sources, err);
        if (s == NULL) {
            return RML_ERR_MEMORY;
        }
        *s = (source){.start_ns = RML_AT(loose, entry, 0)->log_ns, .entries = *loose};
        *loose = RML_ARRAY(entry);
    }
    return rml_array_sort(&m->time->sources, compare_sources, NULL, err);
}

// ---- Open, next, close -------------------------------------------------------------------------

rml_status rml_mcap_time_open(rml_log *log, rml_error *err)
{
    rml_mcap_time *t = rml_arena_make(&log->arena, sizeof(*t));
    if (t == NULL) {
        return rml_fail_memory(err, sizeof(*t));
    }
    rml_mcap_of(log)->time = t;
    t->sources = RML_ARRAY(source);
    t->heap = RML_ARRAY(uint32_t);
    rml_array loose = RML_ARRAY(entry);
    rml_status st = list_sources(log, &loose, err);
    rml_array_reset(&loose);
    return st;
}

// The message at the front of the heap.
static rml_status give(rml_log *log, source *s, rml_log_message *out, rml_error *err)
{
    RML_TRY(load(log, s, err));
    const entry *e = RML_AT(&s->entries, entry, s->next);
    rml_bytes records = s->offset != 0 ? s->records : log->file;
    rml_mcap_record record = {.offset = s->offset != 0 ? s->offset : e->offset,
                              .in_chunk = s->offset != 0,
                              .offset_in_chunk = (size_t)e->offset + RML_MCAP_FRAME};
    uint8_t opcode;
    rml_bytes body;
    // It was checked when the entry was made.
    bool framed = rml_mcap_frame(records, e->offset, &opcode, &body);
    if (!framed) {
        return rml_fail(err, RML_ERR_DATA, rml_place_byte(log->name, record.offset), NULL,
                        "expected the message that was seen before, found the file changed");
    }
    RML_TRY(rml_mcap_record_parse(opcode, body, rml_place_byte(log->name, record.offset), &record,
                                  err));
    bool wanted;
    return rml_mcap_log_message(log, &record, record.in_chunk ? &s->chunk : NULL, out, &wanted,
                                err);
}

static void close_source(rml_mcap_time *t, source *s)
{
    drop_space(t, s);
    t->memory -= s->entries.capacity * sizeof(entry);
    rml_array_reset(&s->entries);
}

rml_status rml_mcap_time_next(rml_log *log, rml_log_message *out, rml_error *err)
{
    rml_mcap_time *t = rml_mcap_of(log)->time;
    // The message given last is done with only now: it borrowed from its chunk.
    if (t->heap.count > 0) {
        uint32_t *heap = t->heap.data;
        source *s = source_at(t, heap[0]);
        if (s->next == s->entries.count) {
            close_source(t, s);
            heap[0] = heap[--t->heap.count];
        }
        sift_down(t, 0);
    }
    while (t->opened < t->sources.count) {
        const source *next = source_at(t, t->opened);
        if (t->heap.count > 0) {
            const source *top = source_at(t, *RML_AT(&t->heap, uint32_t, 0));
            if (next->start_ns > RML_AT(&top->entries, entry, top->next)->log_ns) {
                break;
            }
        }
        RML_TRY(open_source(log, (uint32_t)t->opened++, err));
    }
    if (t->heap.count > 0) {
        source *s = source_at(t, *RML_AT(&t->heap, uint32_t, 0));
        rml_status st = give(log, s, out, err);
        s->next++;
        return st;
    }
    if (t->fault.status != RML_OK && !t->fault_told) {
        t->fault_told = true;
        if (err != NULL) {
            *err = t->fault;
        }
        return t->fault.status;
    }
    return RML_END;
}

void rml_mcap_time_close(rml_mcap_time *t)
{
    if (t == NULL) {
        return;
    }
    for (size_t i = 0; i < t->sources.count; i++) {
        rml_buffer_reset(&source_at(t, i)->space);
        rml_array_reset(&source_at(t, i)->entries);
    }
    rml_codec_context_reset(&t->codec);
    rml_array_reset(&t->sources);
    rml_array_reset(&t->heap);
}
