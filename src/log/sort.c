// The order of log time for a format that only knows that of the file: an external merge sort.
//
// A first pass looks at the times alone: a file that is in order is then read as it is. Otherwise
// runs of messages are sorted in memory, spilled to a file without a name and merged; memory is
// half of memory_max for the run, or for the pages of the runs that are being merged. Messages of
// one time keep the order of the file.
#include <string.h>

#include "format.h"

#define FAULTS_MAX 1000
// How much of a run may stay in memory behind its reader.
#define RELEASE_STEP ((uint64_t)1 << 20)
#define WRITE_PIECE ((size_t)1 << 20)
// Of memory_max: a message from this part of it on is large.
#define LARGE_SHARE 16

// Where a message stands in the run under way.
typedef struct entry {
    int64_t log_ns;
    size_t at;
} entry;

typedef struct run {
    uint64_t at, end; // in the spill
    uint64_t released;
} run;

struct rml_log_sorter {
    bool in_order;
    rml_spill spill;
    rml_map_file map;
    rml_array runs;    // run
    rml_array heap;    // uint32_t: runs by their next message
    rml_array entries; // entry
    rml_buffer bytes;  // of the run under way: rml_log_message and its data, one behind the other
    rml_array faults;  // rml_error, told when all messages have been given
    size_t faults_told;
    run *given;    // the one whose message was given last; NULL: none
    uint64_t lost; // bytes, when all was read
};

void rml_log_sorter_free(rml_log_sorter *s)
{
    if (s == NULL) {
        return;
    }
    rml_spill_close(&s->spill);
    rml_map_file_close(&s->map);
    rml_array_reset(&s->runs);
    rml_array_reset(&s->heap);
    rml_array_reset(&s->entries);
    rml_array_reset(&s->faults);
    rml_buffer_reset(&s->bytes);
    rml_heap_free(s);
}

// ---- Runs --------------------------------------------------------------------------------------

static rml_status add_message(rml_log_sorter *s, const rml_log_message *m, rml_error *err)
{
    entry *e = rml_array_push(&s->entries, err);
    if (e == NULL) {
        return RML_ERR_MEMORY;
    }
    *e = (entry){m->log_ns, s->bytes.len};
    RML_TRY(rml_buffer_append(&s->bytes, m, sizeof(*m), err));
    return rml_buffer_append(&s->bytes, m->data.data, m->data.len, err);
}

static int by_time(const void *a, const void *b, void *context)
{
    (void)context;
    const entry *x = a, *y = b;
    return (x->log_ns > y->log_ns) - (x->log_ns < y->log_ns);
}

static rml_status write_sorted(rml_log_sorter *s, rml_buffer *piece, rml_error *err)
{
    for (size_t i = 0; i < s->entries.count; i++) {
        rml_log_message m;
        const uint8_t *p = s->bytes.data + RML_AT(&s->entries, entry, i)->at;
        memcpy(&m, p, sizeof m);
        RML_TRY(rml_buffer_append(piece, p, sizeof m + m.data.len, err));
        if (piece->len >= WRITE_PIECE) {
            RML_TRY(rml_spill_write(&s->spill, piece->data, piece->len, err));
            rml_buffer_clear(piece);
        }
    }
    return rml_spill_write(&s->spill, piece->data, piece->len, err);
}

static rml_status end_run(rml_log_sorter *s, rml_error *err)
{
    if (s->entries.count == 0) {
        return RML_OK;
    }
    run *r = rml_array_push(&s->runs, err);
    if (r == NULL) {
        return RML_ERR_MEMORY;
    }
    r->at = r->released = s->spill.size;
    rml_buffer piece = {0};
    rml_status st = rml_array_sort(&s->entries, by_time, NULL, err);
    if (st == RML_OK) {
        st = write_sorted(s, &piece, err);
    }
    rml_buffer_reset(&piece);
    r->end = s->spill.size;
    rml_array_clear(&s->entries);
    rml_buffer_clear(&s->bytes);
    return st;
}

// A large message is a run of its own: it goes through no buffer.
static rml_status write_alone(rml_log_sorter *s, const rml_log_message *m, rml_error *err)
{
    RML_TRY(end_run(s, err));
    run *r = rml_array_push(&s->runs, err);
    if (r == NULL) {
        return RML_ERR_MEMORY;
    }
    r->at = r->released = s->spill.size;
    RML_TRY(rml_spill_write(&s->spill, m, sizeof *m, err));
    RML_TRY(rml_spill_write(&s->spill, m->data.data, m->data.len, err));
    r->end = s->spill.size;
    return RML_OK;
}

static rml_status keep_fault(rml_log_sorter *s, const rml_error *fault, rml_error *err)
{
    if (s->faults.count >= FAULTS_MAX) {
        return RML_OK;
    }
    rml_error *place = rml_array_push(&s->faults, err);
    if (place == NULL) {
        return RML_ERR_MEMORY;
    }
    *place = *fault;
    return RML_OK;
}

// Reads all messages in the order of the file: into runs, or (runs false) only to see whether they
// are in order.
static rml_status read_all(rml_log *log, rml_log_sorter *s, bool runs, rml_error *err)
{
    int64_t greatest_ns = INT64_MIN;
    s->in_order = true;
    for (;;) {
        rml_log_message m;
        rml_error fault = {0};
        rml_status st = log->format->next(log, &m, &fault);
        if (st == RML_END) {
            return runs ? end_run(s, err) : RML_OK;
        }
        if (rml_status_is_of_data(st)) {
            RML_TRY(runs ? keep_fault(s, &fault, err) : RML_OK);
            continue;
        }
        if (st) {
            if (err != NULL) {
                *err = fault;
            }
            return st;
        }
        s->in_order = s->in_order && m.log_ns >= greatest_ns;
        greatest_ns = m.log_ns;
        if (!runs) {
            if (!s->in_order) {
                return RML_OK;
            }
            continue;
        }
        if (m.data.len >= log->options.memory_max / LARGE_SHARE) {
            RML_TRY(write_alone(s, &m, err));
            continue;
        }
        RML_TRY(add_message(s, &m, err));
        if (s->bytes.len + s->entries.count * sizeof(entry) >= log->options.memory_max / 8) {
            RML_TRY(end_run(s, err));
        }
    }
}

// ---- The merge ---------------------------------------------------------------------------------

static int64_t time_of(const rml_log_sorter *s, uint32_t index)
{
    rml_log_message m;
    memcpy(&m, s->map.bytes.data + RML_AT(&s->runs, run, index)->at, sizeof m);
    return m.log_ns;
}

static void sift_down(rml_log_sorter *s, size_t i)
{
    uint32_t *heap = s->heap.data;
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < s->heap.count; child++) {
            int64_t a = time_of(s, heap[child]), b = time_of(s, heap[least]);
            if (a < b || (a == b && heap[child] < heap[least])) {
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

static rml_status begin_merge(rml_log_sorter *s, rml_error *err)
{
    rml_array_reset(&s->entries);
    rml_buffer_reset(&s->bytes);
    RML_TRY(rml_spill_map(&s->spill, &s->map, err));
    for (size_t i = 0; i < s->runs.count; i++) {
        uint32_t *place = rml_array_push(&s->heap, err);
        if (place == NULL) {
            return RML_ERR_MEMORY;
        }
        *place = (uint32_t)i;
    }
    for (size_t i = s->heap.count; i > 0; i--) {
        sift_down(s, i - 1);
    }
    return RML_OK;
}

static rml_status fill_sorter(rml_log *log, rml_log_sorter *s, rml_error *err)
{
    RML_TRY(read_all(log, s, false, err));
    RML_TRY(log->format->rewind(log, err));
    if (s->in_order) {
        return RML_OK;
    }
    RML_TRY(rml_spill_open(&s->spill, err));
    RML_TRY(read_all(log, s, true, err));
    s->in_order = false;
    s->lost = log->format->lost(log);
    RML_TRY(log->format->rewind(log, err)); // gives back what reading needed
    return begin_merge(s, err);
}

uint64_t rml_log_sorter_lost(const rml_log *log)
{
    const rml_log_sorter *s = log->sorter;
    return s == NULL || s->in_order ? log->format->lost(log) : s->lost;
}

static rml_status make_sorter(rml_log *log, rml_error *err)
{
    rml_log_sorter *s = rml_heap_make(sizeof(*s));
    if (s == NULL) {
        return rml_fail_memory(err, sizeof(*s));
    }
    s->runs = RML_ARRAY(run);
    s->heap = RML_ARRAY(uint32_t);
    s->entries = RML_ARRAY(entry);
    s->faults = RML_ARRAY(rml_error);
    rml_status st = fill_sorter(log, s, err);
    if (st) {
        rml_log_sorter_free(s);
        return st;
    }
    log->sorter = s;
    return RML_OK;
}

static rml_status tell_fault(rml_log_sorter *s, rml_error *err)
{
    if (s->faults_told == s->faults.count) {
        return RML_END;
    }
    const rml_error *fault = RML_AT(&s->faults, rml_error, s->faults_told++);
    if (err != NULL) {
        *err = *fault;
    }
    return fault->status;
}

// Pages behind the message given last leave memory.
static void release_given(rml_log_sorter *s)
{
    run *r = s->given;
    if (r != NULL && (r->at == r->end || r->at - r->released > RELEASE_STEP)) {
        rml_map_file_release(&s->map, r->released, (size_t)(r->at - r->released));
        r->released = r->at;
    }
}

rml_status rml_log_sorter_next(rml_log *log, rml_log_message *out, rml_error *err)
{
    if (log->sorter == NULL) {
        RML_TRY(make_sorter(log, err));
    }
    rml_log_sorter *s = log->sorter;
    if (s->in_order) {
        return log->format->next(log, out, err);
    }
    release_given(s);
    if (s->heap.count == 0) {
        return tell_fault(s, err);
    }
    uint32_t index = *RML_AT(&s->heap, uint32_t, 0);
    run *r = RML_AT(&s->runs, run, index);
    const uint8_t *p = s->map.bytes.data + r->at;
    memcpy(out, p, sizeof(*out));
    out->data.data = p + sizeof(*out);
    s->given = r;
    r->at += sizeof(*out) + out->data.len;
    if (r->at == r->end) {
        uint32_t *heap = s->heap.data;
        heap[0] = heap[--s->heap.count];
    }
    sift_down(s, 0);
    return RML_OK;
}
