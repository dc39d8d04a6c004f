// convert: recordings become other recordings: recovered, sorted, merged, filtered, in another
// container. One pass over what the reader gives, an account of what became of it, and a proof:
// what was written is read back and compared, message by message, by a running digest.
//
// What is in the account:
//   bytes_in = bytes_kept + bytes_lost. Lost are the bytes that the reader could not read (torn
//     records, chunks whose CRC is wrong); all others are kept or are the container's own
//     structure.
//   messages_in = messages_kept + messages_left_out + messages_failed. Left out are those that a
//     filter passes over; failed are those that cannot be written anew: each is told as a fault.
// Memory: the reader's memory_max and one chunk of the writer.
#ifndef ROADMILL_CONVERT_H
#define ROADMILL_CONVERT_H

#include "roadmill/base.h"
#include "roadmill/log.h"
#include "roadmill/log/writer.h"

#ifdef __cplusplus
extern "C" {
#endif

// A fault of the input, and between which messages it lies.
typedef struct rml_convert_loss {
    rml_str what;
    bool has_before, has_after;
    int64_t before_ns, after_ns; // log times of the messages around it, in the order of reading
} rml_convert_loss;

typedef struct rml_convert_channel {
    rml_str topic, type, encoding, written_as; // written_as: message encoding in the output
    uint64_t in, kept, left_out, failed;
    bool expected_known; // the input says how many there should be
    uint64_t expected;   // lost = expected - in
} rml_convert_channel;

// Something that the output does not hold as the input did.
typedef struct rml_convert_note {
    rml_str what;     // "sequence", "attachment notes.txt"
    const char *fate; // "kept", "derived", "dropped"
    rml_str why;
} rml_convert_note;

// Lives in an arena.
typedef struct rml_convert_account {
    rml_str from, to; // containers
    uint64_t bytes_in, bytes_kept, bytes_lost, bytes_out;
    uint64_t messages_in, messages_kept, messages_left_out, messages_failed;
    uint64_t extras_kept, extras_dropped;
    bool whole; // the input had its proper end and no damage
    uint64_t faults;
    const rml_convert_loss *losses; // the first thousand
    size_t loss_count;
    const rml_convert_channel *channels;
    size_t channel_count;
    const rml_convert_note *notes;
    size_t note_count;
    bool verified; // read back and equal; false for standard output
} rml_convert_account;

typedef struct rml_convert_options {
    rml_log_options read;         // order, topics, times, memory
    rml_log_writer_options write; // format NULL: by the name of the output
    // "ros1", "ros2": messages of the other ROS are rewritten (roadmill/message/ros.h); NULL: only
    // where the container takes no others ("bag": ros1, "ros2": cdr).
    const char *messages;
    // Also messages that the topics do not name, but that these say (NULL: all): true keeps.
    bool (*keep)(void *context, const rml_log *log, const rml_log_message *message);
    void *context;
} rml_convert_options;

// uris become the recording at `path` ("-": standard output). Damage of the input is no failure; an
// input in which nothing can be read, or that does not fit the container, is.
RML_API rml_status rml_convert(const rml_str *uris, size_t count, const char *path,
                               const rml_convert_options *options, const rml_progress *progress,
                               rml_arena *arena, rml_convert_account *out, rml_error *err)
    RML_CHECKED;
// The account as one JSON object (docs/json.md).
struct rml_json_writer;
RML_API void rml_convert_json(const rml_convert_account *account, struct rml_json_writer *w);

#ifdef __cplusplus
}
#endif
#endif
