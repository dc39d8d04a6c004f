// An MCAP file as a log in the order of log time, equal times in the order of the file.
//
// Chunks are opened when the time comes up to their first message and merged over a heap, so that
// overlapping ones interleave. Where the summary gives the channels only the frames of records are
// walked first, and chunks that a filter leaves out are never read; otherwise the file is read once
// to learn the channels. What the index says of places is not trusted: it could hide messages.
// Memory: decompressed chunks are dropped, least recently used first,
// and decompressed again when their turn comes, to stay within memory_max. The chunks themselves
// are opened in mcap_source.c.
#include "mcap_source.h"

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
    const rml_mcap_source *x = a, *y = b;
    if (x->start_ns != y->start_ns) {
        return x->start_ns < y->start_ns ? -1 : 1;
    }
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int compare_entries(const void *a, const void *b, void *context)
{
    (void)context;
    const rml_mcap_entry *x = a, *y = b;
    if (x->log_ns != y->log_ns) {
        return x->log_ns < y->log_ns ? -1 : 1;
    }
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

// Most recorders write in order: then there is nothing to sort.
static bool in_order(const rml_array *entries)
{
    const rml_mcap_entry *e = entries->data;
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
    const rml_mcap_source *x = rml_mcap_source_at(t, a), *y = rml_mcap_source_at(t, b);
    return x->next_ns != y->next_ns ? x->next_ns < y->next_ns : x->next_key < y->next_key;
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

// ---- Opening a source --------------------------------------------------------------------------

// The usual message, when nothing is filtered: no more to look at than these.
static bool is_plain(const rml_log *log, const rml_mcap_message *m)
{
    const rml_mcap_log *state = rml_mcap_of(log);
    return state->plain && m->log_ns <= INT64_MAX && m->publish_ns <= INT64_MAX &&
           state->channel_of[m->channel_id] != 0;
}

static rml_status note_entry(rml_log *log, rml_array *entries, const rml_mcap_record *record,
                             uint64_t offset, rml_error *err)
{
    rml_mcap_time *t = rml_mcap_of(log)->time;
    if (!is_plain(log, &record->as.message)) {
        rml_log_message message;
        bool wanted;
        rml_error fault;
        fault.status = RML_OK;
        const rml_mcap_where nowhere = {.compression = "", .base = log->file.data};
        if (rml_mcap_log_message(log, record, &nowhere, &message, &wanted, &fault)) {
            keep_fault(t, &fault);
            return RML_OK;
        }
        if (!wanted) {
            return RML_OK;
        }
    }
    size_t before_bytes = entries->capacity;
    rml_mcap_entry *e = rml_array_push(entries, err);
    if (e == NULL) {
        return RML_ERR_MEMORY;
    }
    *e = (rml_mcap_entry){(int64_t)record->as.message.log_ns, offset};
    t->memory += (entries->capacity - before_bytes) * sizeof(rml_mcap_entry);
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
static rml_status read_chunk(rml_log *log, rml_mcap_source *s, bool note, rml_error *err)
{
    rml_mcap_log *m = rml_mcap_of(log);
    rml_place place = rml_place_byte(log->name, s->offset);
    for (uint64_t at = 0; at < s->walk.records.len;) {
        uint8_t opcode;
        rml_bytes body;
        rml_mcap_record record;
        rml_error fault;
        if (!rml_mcap_frame(s->walk.records, at, &opcode, &body)) {
            (void)rml_fail(&fault, RML_ERR_DATA, place, RML_MCAP_REMEDY,
                           "expected a record at byte %llu of the chunk's %zu bytes, found one "
                           "that is longer",
                           (unsigned long long)at, s->walk.records.len);
            keep_fault(m->time, &fault);
            m->lost += s->walk.records.len - at;
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

// Messages of a loaded chunk: by a walk where they stand in order, else by a sorted list.
static rml_status list_messages(rml_log *log, rml_mcap_source *s, rml_error *err)
{
    s->walks = s->survey.ordered && rml_mcap_of(log)->plain;
    if (s->walks) {
        return s->survey.defines ? read_chunk(log, s, false, err) : RML_OK;
    }
    RML_TRY(read_chunk(log, s, true, err));
    return in_order(&s->entries) ? RML_OK : rml_array_sort(&s->entries, compare_entries, NULL, err);
}

// Opens the source whose turn has come; what is damaged in it is kept as the fault.
static rml_status open_source(rml_log *log, uint32_t index, rml_error *err)
{
    rml_mcap_log *m = rml_mcap_of(log);
    rml_mcap_source *s = rml_mcap_source_at(m->time, index);
    if (s->offset != 0) {
        rml_error fault = {0};
        rml_status st = rml_mcap_source_load(log, s, &fault);
        if (st) {
            m->lost += RML_MCAP_FRAME + s->chunk.records.len;
            keep_fault(m->time, &fault);
            rml_mcap_source_drop(m->time, s);
            return RML_OK;
        }
        RML_TRY(list_messages(log, s, err));
    }
    if (!rml_mcap_source_peek(s)) {
        rml_mcap_source_close(m->time, s);
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
    rml_mcap_source *s = rml_array_push(&t->sources, err);
    if (s == NULL) {
        return RML_ERR_MEMORY;
    }
    *s = (rml_mcap_source){.offset = record->offset,
                           .start_ns =
                               chunk->start_ns > INT64_MAX ? INT64_MAX : (int64_t)chunk->start_ns,
                           .entries = RML_ARRAY(rml_mcap_entry),
                           .task = RML_MCAP_NO_TASK,
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
            rml_mcap_source *s = st ? NULL : rml_mcap_source_at(t, t->sources.count - 1);
            if (s != NULL && rml_mcap_source_load(log, s, &fault) == RML_OK) {
                st = read_chunk(log, s, false, err);
            }
            if (s != NULL) {
                rml_mcap_source_drop(t, s);
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
        rml_mcap_source *s = rml_array_push(&m->time->sources, err);
        if (s == NULL) {
            return RML_ERR_MEMORY;
        }
        *s = (rml_mcap_source){.start_ns = RML_AT(loose, rml_mcap_entry, 0)->log_ns,
                               .entries = *loose,
                               .where = rml_mcap_log_where(log, NULL, NULL),
                               .task = RML_MCAP_NO_TASK};
        *loose = RML_ARRAY(rml_mcap_entry);
    }
    return rml_array_sort(&m->time->sources, compare_sources, NULL, err);
}

// ---- How much overlaps ------------------------------------------------------------------------

typedef struct chunk_end {
    uint64_t end_ns, size;
} chunk_end;

static int compare_ends(const void *a, const void *b, void *context)
{
    (void)context;
    const chunk_end *x = a, *y = b;
    return x->end_ns < y->end_ns ? -1 : x->end_ns > y->end_ns;
}

// A sweep over the chunks in the order of their beginnings, those left behind that have ended.
static bool overlap_fits(const rml_mcap_time *t, const rml_array *ends, uint64_t most)
{
    uint64_t open = 0;
    size_t ended = 0;
    for (size_t i = 0; i < t->sources.count; i++) {
        const rml_mcap_source *s = rml_mcap_source_at(t, i);
        while (ended < ends->count &&
               RML_AT(ends, chunk_end, ended)->end_ns < (uint64_t)s->start_ns) {
            open -= RML_AT(ends, chunk_end, ended++)->size;
        }
        open += s->offset != 0 && s->chunk.compression.len > 0 ? s->chunk.uncompressed_size : 0;
        if (open > most) {
            return false;
        }
    }
    return true;
}

bool rml_mcap_time_fits(const rml_log *log)
{
    const rml_mcap_time *t = rml_mcap_of(log)->time;
    rml_array ends = RML_ARRAY(chunk_end);
    bool known = true;
    for (size_t i = 0; known && i < t->sources.count; i++) {
        const rml_mcap_source *s = rml_mcap_source_at(t, i);
        if (s->offset == 0 || s->chunk.compression.len == 0) {
            continue;
        }
        // One that says that it ends before it begins would be left behind before it was met.
        uint64_t start_ns = (uint64_t)s->start_ns;
        chunk_end *end = rml_array_push(&ends, NULL);
        known = end != NULL && s->chunk.uncompressed_size <= log->options.memory_max;
        if (end != NULL) {
            *end = (chunk_end){s->chunk.end_ns > start_ns ? s->chunk.end_ns : start_ns,
                               s->chunk.uncompressed_size};
        }
    }
    // One chunk that is too large is told by whoever reads it.
    bool fits = !known || rml_array_sort(&ends, compare_ends, NULL, NULL) != RML_OK ||
                overlap_fits(t, &ends, log->options.memory_max / 4 * 3);
    rml_array_reset(&ends);
    return fits;
}

// ---- Open, next, close -------------------------------------------------------------------------

rml_status rml_mcap_time_open(rml_log *log, rml_error *err)
{
    rml_mcap_time *t = rml_arena_make(&log->arena, sizeof(*t));
    if (t == NULL) {
        return rml_fail_memory(err, sizeof(*t));
    }
    rml_mcap_of(log)->time = t;
    rml_mcap_of(log)->walk = &t->nothing;
    t->sources = RML_ARRAY(rml_mcap_source);
    t->heap = RML_ARRAY(uint32_t);
    rml_array loose = RML_ARRAY(rml_mcap_entry);
    rml_status st = list_sources(log, &loose, err);
    rml_array_reset(&loose);
    return st ? st : rml_mcap_source_begin(log, err);
}

// The message at the front of a list.
static rml_status give_listed(rml_log *log, rml_mcap_source *s, rml_log_message *out,
                              rml_error *err)
{
    const rml_mcap_entry *e = RML_AT(&s->entries, rml_mcap_entry, s->next++);
    rml_bytes records = s->offset != 0 ? s->walk.records : log->file;
    rml_mcap_record record = {.offset = s->offset != 0 ? s->offset : e->offset,
                              .in_chunk = s->offset != 0,
                              .offset_in_chunk =
                                  s->offset != 0 ? (size_t)e->offset + RML_MCAP_FRAME : 0};
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
    return rml_mcap_log_message(log, &record, &s->where, out, &wanted, err);
}

// The message at which a walk stands; false where it is none that is given: of a channel that
// nothing defines, which is a fault.
static bool give_walked(rml_log *log, rml_mcap_source *s, rml_log_message *out)
{
    rml_mcap_log *m = rml_mcap_of(log);
    rml_bytes body;
    if (!rml_mcap_walk_message(&s->walk, &body)) {
        s->walk.at = s->walk.records.len; // the file changed under the map
        return false;
    }
    if (rml_mcap_log_plain(m, body, out)) {
        rml_mcap_log_place(&s->where, out);
        return true;
    }
    rml_mcap_record record = {.opcode = RML_MCAP_MESSAGE, .offset = s->offset, .body = body};
    record.as.message = rml_mcap_message_load(body);
    bool wanted;
    rml_error fault = {0};
    if (rml_mcap_log_message(log, &record, &s->where, out, &wanted, &fault)) {
        keep_fault(m->time, &fault);
    }
    return false;
}

// Until which log time the front of the heap stays in front: it need not be asked again before.
static int64_t calm_until(const rml_mcap_time *t)
{
    int64_t until_ns = INT64_MAX;
    if (t->opened < t->sources.count) {
        until_ns = rml_mcap_source_at(t, t->opened)->start_ns;
    }
    const uint32_t *heap = t->heap.data;
    for (size_t i = 1; i < 3 && i < t->heap.count; i++) {
        int64_t next_ns = rml_mcap_source_at(t, heap[i])->next_ns;
        until_ns = next_ns < until_ns ? next_ns : until_ns;
    }
    return until_ns;
}

// Opens all sources that begin before the front of the heap.
static rml_status open_begun(rml_log *log, rml_error *err)
{
    rml_mcap_time *t = rml_mcap_of(log)->time;
    while (t->opened < t->sources.count) {
        const rml_mcap_source *next = rml_mcap_source_at(t, t->opened);
        if (t->heap.count > 0 &&
            next->start_ns > rml_mcap_source_at(t, *RML_AT(&t->heap, uint32_t, 0))->next_ns) {
            break;
        }
        RML_TRY(open_source(log, (uint32_t)t->opened++, err));
    }
    return RML_OK;
}

// The message given last is done with only now: it borrowed from its chunk.
static void leave_last(rml_mcap_time *t)
{
    t->calm = NULL;
    if (t->heap.count == 0) {
        return;
    }
    uint32_t *heap = t->heap.data;
    rml_mcap_source *s = rml_mcap_source_at(t, heap[0]);
    if (s->over) {
        rml_mcap_source_close(t, s);
        heap[0] = heap[--t->heap.count];
    }
    sift_down(t, 0);
}

// A chunk that cannot be had again is lost with what it still holds.
static rml_status load_front(rml_log *log, rml_mcap_source *s, rml_error *err)
{
    rml_status st = rml_mcap_source_load(log, s, err);
    if (st) {
        s->over = true;
        rml_mcap_of(log)->lost += s->chunk.records.len;
    }
    return st;
}

static rml_status tell_fault(rml_mcap_time *t, rml_error *err)
{
    if (t->fault.status == RML_OK || t->fault_told) {
        return RML_END;
    }
    t->fault_told = true;
    if (err != NULL) {
        *err = t->fault;
    }
    return t->fault.status;
}

// The source that comes to the front, and until when it stays there; RML_END when all are over.
static rml_status find_front(rml_log *log, rml_mcap_source **out, rml_error *err)
{
    rml_mcap_log *m = rml_mcap_of(log);
    rml_mcap_time *t = m->time;
    // The source that was streamed may have ended at a message that is not given.
    t->streamed = false;
    m->walk = &t->nothing;
    leave_last(t);
    RML_TRY(open_begun(log, err));
    if (t->heap.count == 0) {
        return tell_fault(t, err);
    }
    rml_mcap_source *s = rml_mcap_source_at(t, *RML_AT(&t->heap, uint32_t, 0));
    RML_TRY(load_front(log, s, err));
    t->calm_ns = calm_until(t);
    t->calm = s->walks ? s : NULL;
    t->streamed = s->walks && (int64_t)s->survey.last_ns < t->calm_ns;
    if (t->streamed) {
        m->walk = &s->walk;
        m->where = s->where;
    }
    *out = s;
    return RML_OK;
}

rml_status rml_mcap_time_next(rml_log *log, rml_log_message *out, rml_error *err)
{
    rml_mcap_log *m = rml_mcap_of(log);
    rml_mcap_time *t = m->time;
    if (t->streamed) { // up to something that needs a closer look, or to its end
        t->streamed = false;
        t->calm->over = !rml_mcap_source_peek(t->calm);
        m->walk = &t->nothing;
    }
    for (;;) {
        rml_mcap_source *s = t->calm;
        if (s == NULL || s->over || s->next_ns >= t->calm_ns) {
            RML_TRY(find_front(log, &s, err));
        }
        bool given = true;
        if (s->walks) {
            given = give_walked(log, s, out);
        } else {
            RML_TRY(give_listed(log, s, out, err));
        }
        s->over = !rml_mcap_source_peek(s);
        if (given) {
            return RML_OK;
        }
    }
}

void rml_mcap_time_close(rml_mcap_time *t)
{
    if (t == NULL) {
        return;
    }
    rml_mcap_source_end(t);
    rml_array_reset(&t->sources);
    rml_array_reset(&t->heap);
}
