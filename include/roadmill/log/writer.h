// Writing a recording, whatever the container: a row of a table for each that we write.
//
// Same calls, same bytes. The file (or the folder, of a ROS 2 bag) becomes visible when finished;
// closing without finish leaves nothing. One thread at a time.
#ifndef ROADMILL_LOG_WRITER_H
#define ROADMILL_LOG_WRITER_H

#include "roadmill/log.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rml_log_writer_options {
    const char *format;      // "mcap" (NULL), "bag" (ROS 1, v2.0), "ros2" (rosbag2: sqlite3)
    const char *compression; // NULL: the container's usual; "none", "zstd", "lz4", "bz2"
    size_t chunk_size;       // 0: the container's usual
    rml_str profile, library;
} rml_log_writer_options;

typedef struct rml_log_writer rml_log_writer;
// path "-": standard output, where the container can be written front to back (MCAP).
RML_API rml_status rml_log_writer_open(const char *path, const rml_log_writer_options *options,
                                       rml_log_writer **out, rml_error *err) RML_CHECKED;
// Takes a channel with its schema and pairs; *id is for messages. A channel whose encoding the
// container cannot carry is RML_ERR_UNSUPPORTED ("bag" carries ros1 alone, "ros2" cdr alone).
RML_API rml_status rml_log_writer_channel(rml_log_writer *w, const rml_log_channel *channel,
                                          uint32_t *id, rml_error *err) RML_CHECKED;
// Of message: sequence, times and data; the container keeps what it can (a bag: log_ns and data).
RML_API rml_status rml_log_writer_message(rml_log_writer *w, uint32_t id,
                                          const rml_log_message *message, rml_error *err)
    RML_CHECKED;
// RML_ERR_UNSUPPORTED where the container has no place for it.
RML_API rml_status rml_log_writer_extra(rml_log_writer *w, const rml_log_extra *extra,
                                        rml_error *err) RML_CHECKED;
RML_API rml_status rml_log_writer_finish(rml_log_writer *w, rml_error *err) RML_CHECKED;
RML_API void rml_log_writer_close(rml_log_writer *w);
// The row of the table that fits the name of a file to be written, by its ending; "mcap" if none.
RML_API const char *rml_log_writer_format_of(rml_str path);

#ifdef __cplusplus
}
#endif
#endif
