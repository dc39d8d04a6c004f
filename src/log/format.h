// Inside the room: a container format is a row of a table; the handle of a log is common to all.
#ifndef RML_LOG_FORMAT_H
#define RML_LOG_FORMAT_H

#include "roadmill/log.h"
#include "roadmill/store.h"

typedef struct rml_log_format {
    const char *name;
    bool (*recognised)(rml_bytes head);
    rml_status (*open)(rml_log *log, rml_error *err);
    rml_status (*next)(rml_log *log, rml_log_message *out, rml_error *err);
    // Back to the first message; NULL: the format keeps both orders itself.
    rml_status (*rewind)(rml_log *log, rml_error *err);
    uint64_t (*lost)(const rml_log *log);
    // True when the end of the file is as it should be; and whether there is an index.
    bool (*complete)(const rml_log *log, bool *has_index);
    void (*close)(rml_log *log); // also after an open that did not succeed
} rml_log_format;

struct rml_log {
    const rml_log_format *format;
    rml_bytes file;
    rml_object object; // the file, when the log opened it
    rml_arena arena;
    rml_str name;
    rml_log_options options; // topics in the arena, memory_max set
    rml_array channels;      // rml_log_channel
    rml_str profile, library;
    void *state; // of the format
};

extern const rml_log_format rml_log_mcap, rml_log_bag;

bool rml_log_wants_topic(const rml_log *log, rml_str topic);
bool rml_log_wants_time(const rml_log *log, int64_t log_ns);

#endif
