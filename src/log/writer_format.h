// Inside the room: a container that is written is a row of a table.
#ifndef RML_LOG_WRITER_FORMAT_H
#define RML_LOG_WRITER_FORMAT_H

#include "roadmill/log/writer.h"

typedef struct rml_log_writer_format {
    const char *name;
    const char *const *endings; // of file names, NULL ends; a name without one of them is MCAP's
    rml_status (*open)(rml_log_writer *w, const char *path, const rml_log_writer_options *options,
                       rml_error *err);
    rml_status (*channel)(rml_log_writer *w, const rml_log_channel *channel, uint32_t *id,
                          rml_error *err);
    rml_status (*message)(rml_log_writer *w, uint32_t id, const rml_log_message *message,
                          rml_error *err);
    rml_status (*extra)(rml_log_writer *w, const rml_log_extra *extra, rml_error *err);
    rml_status (*finish)(rml_log_writer *w, rml_error *err);
    void (*close)(rml_log_writer *w);
} rml_log_writer_format;

struct rml_log_writer {
    const rml_log_writer_format *format;
    rml_arena arena;
    void *state; // of the format
};

extern const rml_log_writer_format rml_log_writer_mcap, rml_log_writer_bag, rml_log_writer_ros2;

#endif
