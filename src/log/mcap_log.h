// Inside the room: an MCAP file as a log. File order in mcap_log.c, time order in mcap_time.c.
#ifndef RML_LOG_MCAP_LOG_H
#define RML_LOG_MCAP_LOG_H

#include "format.h"
#include "mcap_record.h"

typedef struct rml_mcap_time rml_mcap_time;

// Where the data of a chunk's messages stands: in one range of the file that is decompressed, or
// (compression "") each in the file itself. base: what data counts from, in memory.
typedef struct rml_mcap_where {
    const char *compression;
    const uint8_t *base;
    uint64_t offset, length;
} rml_mcap_where;

typedef struct rml_mcap_log {
    rml_mcap_reader *reader; // file order
    rml_mcap_time *time;     // time order
    // By the ids of the container: index + 1 into the log's channels and into schemas; 0: none yet.
    uint32_t *channel_of, *schema_of;
    rml_array schemas; // rml_mcap_schema, text in the log's arena
    rml_mcap_index index;
    // The summary repeats every channel, so that a chunk may be passed over unread.
    bool channels_known;
    rml_array extras; // rml_log_extra
    bool extras_found;
    uint64_t lost;
    // Where messages follow each other, to be given one by one: of the reader, or of the source
    // that stays in front; and where the data of its chunk stands.
    rml_mcap_walk *walk;
    rml_mcap_where where;
    bool plain; // no filter: every message is wanted
} rml_mcap_log;

static inline rml_mcap_log *rml_mcap_of(const rml_log *log)
{
    return log->state;
}

// Takes in a header, schema or channel record; others are left alone.
rml_status rml_mcap_log_define(rml_log *log, const rml_mcap_record *record, rml_error *err)
    RML_CHECKED;
// A message record as a message of the log; *wanted is false when a filter leaves it out. where:
// of its chunk.
rml_status rml_mcap_log_message(rml_log *log, const rml_mcap_record *record,
                                const rml_mcap_where *where, rml_log_message *out, bool *wanted,
                                rml_error *err) RML_CHECKED;
// The message of a record that lies in a chunk's records, in as few steps as can be; false where
// there is more to look at: a channel that is not known, times that are too large.
static inline bool rml_mcap_log_plain(const rml_mcap_log *m, rml_bytes body, rml_log_message *out)
{
    const uint8_t *p = body.data;
    uint32_t index = m->channel_of[rml_load_u16(p)];
    uint64_t log_ns = rml_load_u64(p + 6), publish_ns = rml_load_u64(p + 14);
    if (index == 0 || ((log_ns | publish_ns) >> 63) != 0) {
        return false;
    }
    out->channel = index - 1;
    out->sequence = rml_load_u32(p + 2);
    out->log_ns = (int64_t)log_ns;
    out->publish_ns = (int64_t)publish_ns;
    out->data = rml_bytes_of(p + RML_MCAP_MESSAGE_FIELDS, body.len - RML_MCAP_MESSAGE_FIELDS);
    return true;
}
// chunk: opened as records; NULL: outside of chunks.
rml_mcap_where rml_mcap_log_where(const rml_log *log, const rml_mcap_chunk *chunk,
                                  const uint8_t *records);
static inline void rml_mcap_log_place(const rml_mcap_where *where, rml_log_message *out)
{
    uint64_t at = (uint64_t)(out->data.data - where->base);
    bool packed = where->compression[0] != 0;
    out->file = 0;
    out->compression = where->compression;
    out->offset = packed ? where->offset : at;
    out->length = packed ? where->length : out->data.len;
    out->inner_offset = packed ? at : 0;
}
// False when no message of the chunk passes the filters of time and topic.
bool rml_mcap_log_wants_chunk(const rml_log *log, uint64_t offset, uint64_t start_ns,
                              uint64_t end_ns);

// mcap_summary.c
rml_status rml_mcap_extra(rml_log *log, size_t index, rml_log_extra *out, rml_error *err)
    RML_CHECKED;
rml_status rml_mcap_summary(rml_log *log, rml_arena *arena, rml_log_ledger *out, rml_error *err)
    RML_CHECKED;

rml_status rml_mcap_time_open(rml_log *log, rml_error *err) RML_CHECKED;
// False when the chunks that overlap in time are more than memory_max holds: merging them would
// decompress them again and again.
bool rml_mcap_time_fits(const rml_log *log);
rml_status rml_mcap_time_next(rml_log *log, rml_log_message *out, rml_error *err) RML_CHECKED;
void rml_mcap_time_close(rml_mcap_time *t);

#endif
