// Inside the room: an MCAP file as a log. File order in mcap_log.c, time order in mcap_time.c.
#ifndef RML_LOG_MCAP_LOG_H
#define RML_LOG_MCAP_LOG_H

#include "format.h"
#include "mcap_record.h"

typedef struct rml_mcap_time rml_mcap_time;

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
    const uint8_t *named; // the chunk whose compression is called name
    const char *name;
} rml_mcap_log;

static inline rml_mcap_log *rml_mcap_of(const rml_log *log)
{
    return log->state;
}

// Takes in a header, schema or channel record; others are left alone.
rml_status rml_mcap_log_define(rml_log *log, const rml_mcap_record *record, rml_error *err)
    RML_CHECKED;
// A message record as a message of the log; *wanted is false when a filter leaves it out. chunk is
// NULL for a message outside of chunks.
rml_status rml_mcap_log_message(rml_log *log, const rml_mcap_record *record,
                                const rml_mcap_chunk *chunk, rml_log_message *out, bool *wanted,
                                rml_error *err) RML_CHECKED;
// False when no message of the chunk passes the filters of time and topic.
bool rml_mcap_log_wants_chunk(const rml_log *log, uint64_t offset, uint64_t start_ns,
                              uint64_t end_ns);

// mcap_summary.c
rml_status rml_mcap_extra(rml_log *log, size_t index, rml_log_extra *out, rml_error *err)
    RML_CHECKED;
rml_status rml_mcap_summary(rml_log *log, rml_arena *arena, rml_log_ledger *out, rml_error *err)
    RML_CHECKED;

rml_status rml_mcap_time_open(rml_log *log, rml_error *err) RML_CHECKED;
rml_status rml_mcap_time_next(rml_log *log, rml_log_message *out, rml_error *err) RML_CHECKED;
void rml_mcap_time_close(rml_mcap_time *t);

#endif
