// Inside the room: what is merged in the order of log time: the chunks of an MCAP file, and the
// messages outside of chunks as one more.
#ifndef RML_LOG_MCAP_SOURCE_H
#define RML_LOG_MCAP_SOURCE_H

#include "mcap_log.h"

#define RML_MCAP_NO_TASK UINT64_MAX
#define RML_MCAP_SLOTS_MAX 16
#define RML_MCAP_SPARES_MAX 4

// One message of a chunk that is not in order.
typedef struct rml_mcap_entry {
    int64_t log_ns;
    uint64_t offset; // of its frame: in the chunk's records, or in the file outside of chunks
} rml_mcap_entry;

// A chunk, or (offset 0) all messages that stand outside of chunks.
typedef struct rml_mcap_source {
    uint64_t offset; // of the chunk record in the file
    int64_t start_ns;
    bool walks;         // messages are given by walk; else by entries
    rml_mcap_walk walk; // records: empty while dropped
    rml_mcap_where where;
    rml_array entries; // rml_mcap_entry, in the order of time and file
    size_t next;       // entry
    int64_t next_ns;   // of the next message
    uint64_t next_key; // that puts messages of one time in the order of the file
    bool over;         // no next message
    rml_buffer space;  // what records borrows from, unless the chunk is not compressed
    uint64_t used;     // turn of its last use
    rml_mcap_chunk chunk;
    rml_mcap_survey survey;
    uint64_t task; // that opens it ahead
    rml_status status;
    rml_error fault; // of the task
} rml_mcap_source;

struct rml_mcap_time {
    rml_array sources; // rml_mcap_source, by (start_ns, offset)
    size_t opened;     // sources before this one have been opened
    rml_array heap;    // uint32_t: open sources, earliest message first
    size_t memory;     // bytes of spaces and entries
    uint64_t turn;
    rml_codec_context codec;
    rml_error fault; // the first damage; told when all that can be read has been given
    bool fault_told;
    // The front of the heap, while it walks: it stays in front until calm_ns. Streamed: to its end.
    rml_mcap_source *calm;
    int64_t calm_ns;
    bool streamed;
    rml_mcap_walk nothing;
    rml_buffer spares[RML_MCAP_SPARES_MAX]; // spaces for the next chunks
    // Opening ahead, by other threads.
    rml_ahead *ahead; // NULL: no others
    size_t depth;
    size_t looked; // sources before this one have been offered, or left to be opened here
    uint64_t offered, waited;
    const rml_log *log;
    struct {
        rml_mcap_source *source;
        rml_codec_context codec;
    } slots[RML_MCAP_SLOTS_MAX];
};

static inline rml_mcap_source *rml_mcap_source_at(const rml_mcap_time *t, size_t index)
{
    return RML_AT(&t->sources, rml_mcap_source, index);
}

// When all sources are listed.
rml_status rml_mcap_source_begin(rml_log *log, rml_error *err) RML_CHECKED;
// The records of a source in memory, and surveyed the first time.
rml_status rml_mcap_source_load(rml_log *log, rml_mcap_source *s, rml_error *err) RML_CHECKED;
void rml_mcap_source_drop(rml_mcap_time *t, rml_mcap_source *s);
void rml_mcap_source_close(rml_mcap_time *t, rml_mcap_source *s);
// Time and key of the next message; false when there is none.
bool rml_mcap_source_look(rml_mcap_source *s);
static inline bool rml_mcap_source_peek(rml_mcap_source *s)
{
    rml_mcap_walk ahead = s->walk;
    rml_bytes body;
    if (!s->walks || !rml_mcap_walk_message(&ahead, &body)) {
        return rml_mcap_source_look(s);
    }
    s->next_ns = (int64_t)rml_load_u64(body.data + 6);
    s->next_key = s->offset;
    return true;
}
void rml_mcap_source_end(rml_mcap_time *t);

#endif
