// Inside the room: what the reader, the index and the writer of MCAP share.
#ifndef RML_LOG_MCAP_RECORD_H
#define RML_LOG_MCAP_RECORD_H

#include "roadmill/codec.h"
#include "roadmill/log/mcap.h"
#include "roadmill/os.h"
#include "roadmill/store.h"

// "0x89, M, C, A, P, 0x30, \r, \n"
#define RML_MCAP_MAGIC "\x89MCAP0\r\n"
#define RML_MCAP_MAGIC_SIZE 8
// Opcode and length before every body.
#define RML_MCAP_FRAME 9
#define RML_MCAP_FOOTER_SIZE (RML_MCAP_FRAME + 20)
#define RML_MCAP_REMEDY "roadmill log cat gives what can be read"
#define RML_MCAP_MEMORY ((size_t)256 << 20)

bool rml_mcap_opcode_known(uint8_t opcode);
bool rml_mcap_magic_at(rml_bytes file, uint64_t offset);

// One top-level record or one in a chunk: false when the frame does not fit into bytes.
static inline bool rml_mcap_frame(rml_bytes bytes, uint64_t at, uint8_t *opcode, rml_bytes *body)
{
    if (at > bytes.len || bytes.len - at < RML_MCAP_FRAME) {
        return false;
    }
    const uint8_t *p = bytes.data + at;
    uint64_t len = rml_load_u64(p + 1);
    if (len > bytes.len - at - RML_MCAP_FRAME) {
        return false;
    }
    *opcode = p[0];
    *body = rml_bytes_of(p + RML_MCAP_FRAME, (size_t)len);
    return true;
}

// The fields of a message body of at least this size, loaded at once: the one record that comes by
// the million.
#define RML_MCAP_MESSAGE_FIELDS 22
static inline rml_mcap_message rml_mcap_message_load(rml_bytes body)
{
    const uint8_t *p = body.data;
    return (rml_mcap_message){
        .channel_id = rml_load_u16(p),
        .sequence = rml_load_u32(p + 2),
        .log_ns = rml_load_u64(p + 6),
        .publish_ns = rml_load_u64(p + 14),
        .data = rml_bytes_of(p + RML_MCAP_MESSAGE_FIELDS, body.len - RML_MCAP_MESSAGE_FIELDS),
    };
}

// Where a reader stands in the chunk under way: what lies from `at` on is not yet given.
typedef struct rml_mcap_walk {
    rml_bytes records;
    size_t at;
} rml_mcap_walk;
// True when a message stands there, in a frame that fits; the walk goes behind it. The record that
// comes by the million.
#define RML_MCAP_MESSAGES_AHEAD 8
static inline bool rml_mcap_walk_message(rml_mcap_walk *w, rml_bytes *body)
{
    size_t left = w->records.len - w->at;
    if (left < RML_MCAP_FRAME + RML_MCAP_MESSAGE_FIELDS) {
        return false;
    }
    const uint8_t *p = w->records.data + w->at;
    if (p[0] != RML_MCAP_MESSAGE) {
        return false;
    }
    uint64_t len = rml_load_u64(p + 1);
    if (len < RML_MCAP_MESSAGE_FIELDS || len > left - RML_MCAP_FRAME) {
        return false;
    }
    *body = rml_bytes_of(p + RML_MCAP_FRAME, (size_t)len);
    w->at += RML_MCAP_FRAME + (size_t)len;
    // Messages of one size are the usual case: their heads are on their way before they are needed.
    size_t further = RML_MCAP_MESSAGES_AHEAD * (RML_MCAP_FRAME + (size_t)len);
    if (further < left) {
        RML_PREFETCH(p + further);
    }
    return true;
}
// What a look at all frames of a chunk's records tells.
typedef struct rml_mcap_survey {
    bool ordered;     // every frame fits, no time is too large or before the one ahead of it
    bool defines;     // it holds schemas or channels
    uint64_t last_ns; // time of the last message
} rml_mcap_survey;

// The records of a chunk, decompressed into *space when they have to be (*records borrows from it
// or from the file), their CRC checked, and surveyed on the way (NULL: not).
rml_status rml_mcap_chunk_open(const rml_mcap_chunk *chunk, rml_codec_context *codec,
                               size_t memory_max, bool skip_crc, rml_place at, rml_buffer *space,
                               rml_bytes *records, rml_mcap_survey *survey, rml_error *err)
    RML_CHECKED;
// "" and the codec of a chunk's compression; false for one that is not known.
bool rml_mcap_codec(rml_str compression, rml_codec *out, const char **name);

// mcap_ahead.c: chunks opened ahead of the reader by threads - 1 others.
typedef struct rml_mcap_ahead rml_mcap_ahead;
typedef struct rml_mcap_ahead_of {
    rml_bytes readable; // the file up to where records end
    rml_str name;
    size_t memory_max;
    bool skip_crc;
    bool (*wants)(void *context, const rml_mcap_record *chunk); // NULL: all
    void *context;
} rml_mcap_ahead_of;
rml_status rml_mcap_ahead_make(size_t threads, const rml_mcap_ahead_of *of, rml_mcap_ahead **out,
                               rml_error *err) RML_CHECKED;
// What opening the chunk at `offset` gave; records borrow until the next call. behind: of the
// record after it. False when it was not opened ahead. Offsets rise.
bool rml_mcap_ahead_take(rml_mcap_ahead *a, uint64_t offset, uint64_t behind, rml_bytes *records,
                         rml_status *status, rml_error *err);
void rml_mcap_ahead_free(rml_mcap_ahead *a);

// The walk of a reader; whoever takes messages from it has taken them from the reader.
rml_mcap_walk *rml_mcap_reader_walk(rml_mcap_reader *r);

// Chunks for which wants is false are passed over unread.
void rml_mcap_reader_filter(rml_mcap_reader *r,
                            bool (*wants)(void *context, const rml_mcap_record *chunk),
                            void *context);
// For a reader over the bytes of an object: its pages are handed back behind the reader.
void rml_mcap_reader_release(rml_mcap_reader *r, const rml_object *pages);
// The chunk that the last record stood in.
const rml_mcap_chunk *rml_mcap_reader_chunk(const rml_mcap_reader *r);

// Where the chunks stand by the summary; for resuming after damage. Empty without a summary.
typedef struct rml_mcap_index {
    bool whole;                        // magic, footer and the summary's CRC agree
    uint64_t summary_start;            // 0: none
    rml_array records;                 // rml_mcap_record of the summary, in its order
    rml_array chunks;                  // rml_mcap_chunk_index, by rising chunk_offset
    const rml_mcap_record *statistics; // NULL: none
} rml_mcap_index;
// A summary that is absent is RML_OK and empty; one that is damaged is an error.
rml_status rml_mcap_index_load(rml_mcap_index *index, rml_bytes file, rml_str name, bool skip_crc,
                               rml_error *err) RML_CHECKED;
void rml_mcap_index_reset(rml_mcap_index *index);

#endif
