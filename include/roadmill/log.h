// log: recordings as a sequence of messages, whatever the container. A container is one row of the
// table of formats (src/log/format.h); log/mcap.h has the records of MCAP, log/writer.h writes.
//
// Reads untrusted files: every size is checked before it is used, and what stands before a fault is
// given out before the fault is told. The file itself is never changed.
#ifndef ROADMILL_LOG_H
#define ROADMILL_LOG_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

// What a container keeps beside a channel or a record: "callerid", "latching",
// "offered_qos_profiles", "topic_type_hash". In the order of the file.
typedef struct rml_log_pair {
    rml_str key, value;
} rml_log_pair;

// A stream of messages of one kind in a recording. Text borrows from the log until close.
typedef struct rml_log_channel {
    uint32_t id; // dense, from 0: index into rml_log_channels
    uint32_t container_id;
    rml_str topic;
    // "cdr", "ros1", "protobuf", "flatbuffer", "json": as in the MCAP registry of well-known
    // encodings. "mdf4": a record of an MDF channel group, its layout in the schema (encoding
    // "mdf4", a JSON text of ours, docs/recordings.md). "can": a CAN or CAN FD frame in the layout
    // of LINKTYPE_CAN_SOCKETCAN, "lin": of LINKTYPE_LIN (both tcpdump.org/linktypes), kept raw.
    rml_str message_encoding;
    rml_str schema_name;     // "sensor_msgs/msg/Imu"; empty if there is no schema
    rml_str schema_encoding; // "ros2msg", "ros2idl", "ros1msg", "protobuf", "flatbuffer", ...
    rml_bytes schema;
    const rml_log_pair *pairs;
    size_t pair_count;
} rml_log_channel;

typedef struct rml_log_message {
    uint32_t channel;           // index into rml_log_channels
    uint32_t sequence;          // 0 where the container keeps none
    int64_t log_ns, publish_ns; // equal where the container keeps one time
    rml_bytes data;             // borrows until the next call
    // Where data stands, for references to it: in file `file` of rml_log_files. compression "": it
    // is the range itself; "zstd", "lz4", "bzip2": the range is decompressed and data begins at
    // inner_offset of what comes out; "sqlite": data of the row of `messages` whose id is offset,
    // "sqlite+zstd": decompressed; NULL: it stands in no one place (records that are cut up, a bag
    // compressed as a file).
    uint32_t file;
    uint64_t offset, length;
    const char *compression;
    uint64_t inner_offset;
} rml_log_message;

// What a recording holds beside messages: attachments, metadata records, events.
typedef enum rml_log_extra_kind {
    RML_LOG_ATTACHMENT, // a file within the file: name, media_type, data, times
    RML_LOG_METADATA,   // a named list of pairs
    RML_LOG_EVENT,      // a named instant or span (MDF4 EV): log_ns, name, pairs
} rml_log_extra_kind;
typedef struct rml_log_extra {
    rml_log_extra_kind kind;
    rml_str name, media_type;
    int64_t log_ns, create_ns;
    rml_bytes data;
    const rml_log_pair *pairs;
    size_t pair_count;
} rml_log_extra;

// As messages stand in the file, or by log time.
typedef enum rml_log_order { RML_LOG_FILE_ORDER = 0, RML_LOG_TIME_ORDER } rml_log_order;

typedef struct rml_log_options {
    rml_log_order order;
    bool stream;           // read front to back and never use an index; order is that of the file
    bool skip_crc;         // default: every CRC that is there is checked
    int64_t start_ns;      // 0: from the beginning
    int64_t end_ns;        // exclusive; 0: to the end
    const rml_str *topics; // only these; NULL is all
    size_t topic_count;
    // Threads that may work on it; 0 is 1: the caller alone. The messages are the same.
    size_t threads;
    size_t memory_max; // 0: 256 MiB; a chunk, or an index made in memory, that needs more is
                       // RML_ERR_LIMIT
} rml_log_options;

// ---- The ledger: what a recording holds and lacks, per channel ---------------------------------

// An interval between messages that follow each other, from the earlier one on.
typedef struct rml_log_gap {
    int64_t from_ns, length_ns;
} rml_log_gap;
#define RML_LOG_GAPS_MAX 8
#define RML_LOG_BINS_MAX 256

// Messages over log time: bins[i] counts those in [(first + i) * width_ns, (first + i + 1) *
// width_ns); width_ns is a power of two and as small as RML_LOG_BINS_MAX allows. Messages of log
// time 0 are in none.
typedef struct rml_log_bins {
    int64_t width_ns, first;
    size_t count;
    uint32_t bins[RML_LOG_BINS_MAX];
} rml_log_bins;

// Which clock the sensor times of a channel follow, told by the least latency (log - sensor time).
typedef enum rml_log_sensor_clock {
    RML_LOG_CLOCK_NONE,     // no sensor times
    RML_LOG_CLOCK_SAME,     // that of the log: -1 to 10 s
    RML_LOG_CLOCK_TAI,      // 37 s ahead of a log in UTC
    RML_LOG_CLOCK_GPS,      // 18 s ahead
    RML_LOG_CLOCK_UTC,      // 37 s behind: the log counts TAI
    RML_LOG_CLOCK_RELATIVE, // counts from a start of its own, the log from 1970
    RML_LOG_CLOCK_ZERO,     // always 0
    RML_LOG_CLOCK_OFFSET,   // something else
} rml_log_sensor_clock;
RML_API const char *rml_log_sensor_clock_name(rml_log_sensor_clock clock); // "tai"

typedef struct rml_log_channel_ledger {
    uint64_t messages, bytes;
    int64_t first_ns, last_ns; // least and greatest log time; 0 messages: both 0
    int64_t gap_ns_max;        // longest time between messages that follow each other
    uint64_t out_of_order;     // log time before that of the message before
    uint64_t sequence_drops;   // numbers that are missing in an otherwise rising sequence
    uint64_t duplicates;       // same sequence (not 0), log time and data as the one before
    uint64_t zero_times;       // log time 0
    int64_t jump_back_ns_max;  // how far log time falls below the greatest before; 0: never

    // Of rml_log_ledger_end. A gap is an interval longer than five times the median one, where
    // there are eight intervals at least; the median is known to an eighth of an octave, which
    // decides which side of the bound an interval is on.
    int64_t period_ns; // the median interval; 0: fewer than two messages
    uint64_t gap_count;
    rml_log_gap gaps[RML_LOG_GAPS_MAX]; // the longest of them, longest first
    size_t gaps_kept;
    rml_log_sensor_clock sensor_clock;

    // Latency: log time minus sensor time, where a message says a sensor time other than 0.
    uint64_t sensor_messages, sensor_zeros;
    int64_t latency_ns_min, latency_ns_max;
    double latency_ns_mean;
    double drift_ppm;     // of latency over log time, least squares; NaN below 10 s
    uint64_t clock_jumps; // latency changes by more than 1 s from one message to the next
    rml_log_bins *bins;   // NULL: no messages
    struct rml_log_channel_state *state; // while the ledger is being kept
} rml_log_channel_ledger;
typedef struct rml_log_ledger {
    rml_log_channel_ledger *channels; // [channel_count], by rml_log_message.channel
    size_t channel_count, channel_capacity;
    uint64_t messages;
    // Of rml_log_summarise: what only reading tells (order, gaps, clocks, damage) is not known, of
    // a channel nothing but its messages.
    bool by_index;
    bool has_span;
    int64_t start_ns, end_ns;
    // Some loggers number the messages of all channels in one sequence: then its missing numbers
    // are counted here, and those of the channels are 0.
    bool shared_sequence;
    uint64_t sequence_drops; // of all channels
    uint64_t bytes;          // of the file
    uint64_t bytes_lost;     // not readable: torn or with a wrong CRC
    uint64_t unread;         // channels of kinds that are not read (of groups in MDF)
    bool complete;           // magic, footer and summary stand at the end and agree
    bool has_index;
    uint64_t faults; // places where reading met damage
    rml_str damage;  // the first fault in one line; empty if there is none
    // While the ledger is being kept: of the message before, whatever its channel.
    uint32_t previous_sequence;
    uint64_t sequence_steps; // numbers that follow that of the message before
} rml_log_ledger;

typedef struct rml_log rml_log;
// uri: a file, the folder of a ROS 2 bag, or "-" for standard input (file order, no index).
RML_API rml_status rml_log_open(rml_str uri, const rml_log_options *options, rml_log **out,
                                rml_error *err) RML_CHECKED;
// Several recordings as one: in time order merged (equal times in the order of uris), in file order
// one after the other. Channels of equal topic and schema are one channel. Text is copied.
RML_API rml_status rml_log_open_many(const rml_str *uris, size_t count,
                                     const rml_log_options *options, rml_log **out, rml_error *err)
    RML_CHECKED;
// The same over bytes of the caller, which live longer than the log; name is for errors.
RML_API rml_status rml_log_over(rml_bytes file, rml_str name, const rml_log_options *options,
                                rml_log **out, rml_error *err) RML_CHECKED;
// RML_END after the last. On RML_ERR_DATA or RML_ERR_LIMIT all messages before the fault have been
// given; the call may be repeated and goes on after the damage where the container allows it.
// In time order messages of one log_ns come in the order of the file.
RML_API rml_status rml_log_next(rml_log *log, rml_log_message *out, rml_error *err) RML_CHECKED;
// From here on messages with log time >= time_ns, in the log's order, from the first of them on: by
// the index where there is one, else by reading. May go back.
RML_API rml_status rml_log_seek(rml_log *log, int64_t time_ns, rml_error *err) RML_CHECKED;
// Extra number `index` of the recording, RML_END behind the last. Borrows until the next call of
// this or of rml_log_next.
RML_API rml_status rml_log_extra_at(rml_log *log, size_t index, rml_log_extra *out, rml_error *err)
    RML_CHECKED;
// The files that hold the messages, by rml_log_message.file: one but for a split bag or several.
RML_API const rml_str *rml_log_files(const rml_log *log, size_t *count);
// Channels seen so far (all of them, when read by index). Grows while reading a stream.
RML_API const rml_log_channel *rml_log_channels(const rml_log *log, size_t *count);
// The channel of a message, and what its messages are: for rml_message_compile.
RML_API const rml_log_channel *rml_log_channel_of(const rml_log *log,
                                                  const rml_log_message *message);
RML_API rml_message_kind rml_log_channel_kind(const rml_log_channel *channel);
// The value of a channel's pair by its key; empty if it has none.
RML_API rml_str rml_log_pair_of(const rml_log_channel *channel, const char *key);
RML_API const char *rml_log_format_name(const rml_log *log); // "mcap", "bag", "ros2", "mdf"
RML_API rml_str rml_log_profile(const rml_log *log);         // "ros2", ""
RML_API rml_str rml_log_library(const rml_log *log);         // what wrote it
// So far: bytes that could not be read, because they are torn or their CRC is wrong.
RML_API uint64_t rml_log_bytes_lost(const rml_log *log);
RML_API void rml_log_close(rml_log *log);

// Keeping a ledger while reading in the order of the file: each message, each fault, then the end.
// Memory in the arena, some 4 KiB a channel. All-zero is a new ledger. sensor_ns: the time that the
// message itself says, NULL where it says none.
RML_API rml_status rml_log_ledger_add(rml_log_ledger *ledger, rml_arena *arena,
                                      const rml_log_message *message, const int64_t *sensor_ns,
                                      rml_error *err) RML_CHECKED;
RML_API rml_status rml_log_ledger_fault(rml_log_ledger *ledger, rml_arena *arena,
                                        const rml_error *fault, rml_error *err) RML_CHECKED;
RML_API rml_status rml_log_ledger_end(rml_log_ledger *ledger, rml_arena *arena, const rml_log *log,
                                      rml_error *err) RML_CHECKED;
// "whole"; "cut": no proper end; "damaged": something in it could not be read.
RML_API const char *rml_log_completeness(const rml_log_ledger *ledger);
// Least and greatest log time; false if there is no message.
RML_API bool rml_log_ledger_span(const rml_log_ledger *ledger, int64_t *start_ns, int64_t *end_ns);
// What became of the messages of a channel, where they were kept.
typedef struct rml_log_kept {
    uint64_t rows, blobs, rejects;
} rml_log_kept;
// One JSON object (docs/recordings.md): the recording's totals, and each of its channels; with
// kept[channel count], or NULL.
struct rml_json_writer;
RML_API void rml_log_ledger_json(const rml_log_ledger *ledger, const rml_log *log,
                                 const rml_log_kept *kept, struct rml_json_writer *w);
// What is odd about it, a line each ("/imu: 2 gaps, the longest 1.25 s from 2026-11-21T…"); nothing
// for a whole recording without oddities. Appended to out.
RML_API rml_status rml_log_ledger_words(const rml_log_ledger *ledger, const rml_log *log,
                                        rml_buffer *out, rml_error *err) RML_CHECKED;
// How a reader of messages tells the sensor time of one; false where it says none.
typedef struct rml_log_sensor {
    bool (*sensor_ns)(void *context, const rml_log *log, const rml_log_message *message,
                      int64_t *out);
    void *context;
} rml_log_sensor;
// The ledger from what the file says of itself (an index with statistics), without reading its
// messages: counts, spans, completeness; no order, gaps or clocks. RML_END where the file does not
// say enough: then rml_log_inspect.
RML_API rml_status rml_log_summarise(rml_log *log, rml_arena *arena, rml_log_ledger *out,
                                     rml_error *err) RML_CHECKED;
// Reads all that is left of a log, to its end, for its ledger. Damage is no failure: it stands in
// the ledger. sensor may be NULL.
RML_API rml_status rml_log_inspect(rml_log *log, rml_arena *arena, const rml_log_sensor *sensor,
                                   rml_log_ledger *out, const rml_progress *progress,
                                   rml_error *err) RML_CHECKED;
// True if the first bytes are those of a container that this room reads.
RML_API bool rml_log_recognised(rml_bytes head);
// *out is true for the folder of a ROS 2 bag, which rml_log_open reads as one recording. Errors:
// those of the store.
RML_API rml_status rml_log_folder_recognised(rml_str uri, bool *out, rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
