// Inside the room: a container format is a row of a table; the handle of a log is common to all.
#ifndef RML_LOG_FORMAT_H
#define RML_LOG_FORMAT_H

#include "roadmill/log.h"
#include "roadmill/os.h"
#include "roadmill/store.h"

typedef struct rml_log_format {
    const char *name;
    bool (*recognised)(rml_bytes head);
    rml_status (*open)(rml_log *log, rml_error *err);
    rml_status (*next)(rml_log *log, rml_log_message *out, rml_error *err);
    // Back to the first message, by the options as they are now; channels keep their numbers.
    rml_status (*rewind)(rml_log *log, rml_error *err);
    bool orders; // gives the order of log time itself (but see rml_log.spills); else sort.c does
    // Number `index` of what is no message; NULL: the format has nothing else.
    rml_status (*extra)(rml_log *log, size_t index, rml_log_extra *out, rml_error *err);
    // The ledger from what the file says of itself, without reading its messages: RML_END where it
    // does not say enough. NULL: never.
    rml_status (*summary)(rml_log *log, rml_arena *arena, rml_log_ledger *out, rml_error *err);
    uint64_t (*lost)(const rml_log *log);
    // True when the end of the file is as it should be; and whether there is an index.
    bool (*complete)(const rml_log *log, bool *has_index);
    void (*close)(rml_log *log); // also after an open that did not succeed
} rml_log_format;

typedef struct rml_log_sorter rml_log_sorter;

struct rml_log {
    const rml_log_format *format;
    bool spills;       // its order of log time does not fit into memory: sort.c gives it
    bool unpacks;      // messages may be zstd frames each (a ROS 2 bag)
    const char *shown; // what the format is called, if not by its own name
    rml_bytes file;
    uint64_t bytes;     // of all files
    uint64_t unread;    // channels of kinds that are not read, left out of the schemas
    rml_object object;  // the file, when the log opened it
    rml_map_file spill; // what came from standard input
    rml_arena arena;
    rml_str name;
    rml_log_options options; // topics in the arena, memory_max set
    int64_t asked_start_ns;  // options.start_ns as opened: seeking moves that of the options
    rml_array channels;      // rml_log_channel
    rml_array files;         // rml_str
    rml_str profile, library;
    rml_log_sorter *sorter; // order of log time for a format that has none; made when first needed
    void *state;            // of the format
};

extern const rml_log_format rml_log_mcap, rml_log_bag, rml_log_db3, rml_log_mdf, rml_log_mdf3,
    rml_log_several;

bool rml_log_wants_topic(const rml_log *log, rml_str topic);
bool rml_log_wants_time(const rml_log *log, int64_t log_ns);

// An empty handle with its options; the caller sets format, file and state.
rml_status rml_log_make(const rml_log_format *format, rml_str name, const rml_log_options *options,
                        rml_log **out, rml_error *err) RML_CHECKED;
// A copy in the log's arena.
rml_status rml_log_copy(rml_log *log, rml_str from, rml_str *to, rml_error *err) RML_CHECKED;

// sort.c: the messages of a log in the order of log time, those of one time in the order of the
// file. Nothing is kept where the file is in order already; else runs of at most half of memory_max
// are sorted and spilled.
rml_status rml_log_sorter_next(rml_log *log, rml_log_message *out, rml_error *err) RML_CHECKED;
void rml_log_sorter_free(rml_log_sorter *s);
uint64_t rml_log_sorter_lost(const rml_log *log); // bytes that could not be read

// several.c: children opened already become one log, which takes them over (also on failure).
// told: faults to be told before the first message; may be empty.
rml_status rml_log_join(rml_log **children, size_t count, rml_str name,
                        const rml_log_options *options, const rml_error *told, size_t told_count,
                        rml_log **out, rml_error *err) RML_CHECKED;
// A log over what a spill holds; the spill may be closed behind it.
rml_status rml_log_open_spill(const rml_spill *spill, rml_str name, const rml_log_options *options,
                              rml_log **out, rml_error *err) RML_CHECKED;

// ros2_bag.c: the folder of a ROS 2 bag.
rml_status rml_ros2_bag_recognised(rml_str uri, bool *out, rml_error *err) RML_CHECKED;
rml_status rml_ros2_bag_open(rml_str uri, const rml_log_options *options, rml_log **out,
                             rml_error *err) RML_CHECKED;

#endif
