// A recording of any container: the table of formats and what is common to them.
#include "format.h"

static const rml_log_format *const formats[] = {&rml_log_mcap, &rml_log_bag};
#define FORMAT_COUNT (sizeof(formats) / sizeof(formats[0]))

#define HEAD_SIZE 64
#define MEMORY_DEFAULT ((size_t)256 << 20)

static const rml_log_format *format_of(rml_bytes head)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        if (formats[i]->recognised(head)) {
            return formats[i];
        }
    }
    return NULL;
}

bool rml_log_recognised(rml_bytes head)
{
    return format_of(head) != NULL;
}

bool rml_log_wants_topic(const rml_log *log, rml_str topic)
{
    if (log->options.topics == NULL) {
        return true;
    }
    for (size_t i = 0; i < log->options.topic_count; i++) {
        if (rml_str_equal(log->options.topics[i], topic)) {
            return true;
        }
    }
    return false;
}

bool rml_log_wants_time(const rml_log *log, int64_t log_ns)
{
    const rml_log_options *o = &log->options;
    return (o->start_ns == 0 || log_ns >= o->start_ns) && (o->end_ns == 0 || log_ns < o->end_ns);
}

static rml_status copy_options(rml_log *log, const rml_log_options *options, rml_error *err)
{
    if (options != NULL) {
        log->options = *options;
    }
    if (log->options.memory_max == 0) {
        log->options.memory_max = MEMORY_DEFAULT;
    }
    if (log->options.stream) {
        log->options.order = RML_LOG_FILE_ORDER;
    }
    size_t count = log->options.topics == NULL ? 0 : log->options.topic_count;
    rml_str *topics = RML_NEW_ARRAY(&log->arena, rml_str, count + 1);
    if (topics == NULL) {
        return rml_fail_memory(err, count * sizeof(rml_str));
    }
    for (size_t i = 0; i < count; i++) {
        topics[i] = rml_arena_str(&log->arena, options->topics[i]);
        if (topics[i].data == NULL) {
            return rml_fail_memory(err, options->topics[i].len);
        }
    }
    if (log->options.topics != NULL) {
        log->options.topics = topics;
    }
    return RML_OK;
}

// object: the open file, which the log takes over; NULL when the bytes are the caller's.
static rml_status open_log(rml_bytes file, rml_object *object, rml_str name,
                           const rml_log_options *options, rml_log **out, rml_error *err)
{
    rml_bytes head = rml_bytes_of(file.data, file.len < HEAD_SIZE ? file.len : HEAD_SIZE);
    const rml_log_format *format = format_of(head);
    if (format == NULL) {
        return rml_fail(err, RML_ERR_DATA, rml_place_file(name), NULL,
                        "expected a recording (MCAP, ROS bag), found %s",
                        file.len == 0 ? "an empty file" : "a file that begins otherwise");
    }
    rml_log *log = rml_heap_make(sizeof(*log));
    if (log == NULL) {
        return rml_fail_memory(err, sizeof(*log));
    }
    log->format = format;
    log->file = file;
    if (object != NULL) {
        log->object = *object;
    }
    log->channels = RML_ARRAY(rml_log_channel);
    log->name = rml_arena_str(&log->arena, name);
    rml_status st =
        log->name.data == NULL ? rml_fail_memory(err, name.len) : copy_options(log, options, err);
    if (st == RML_OK) {
        st = format->open(log, err);
    }
    if (st) {
        log->object = (rml_object){0}; // the caller closes it
        rml_log_close(log);
        return st;
    }
    *out = log;
    return RML_OK;
}

rml_status rml_log_over(rml_bytes file, rml_str name, const rml_log_options *options, rml_log **out,
                        rml_error *err)
{
    return open_log(file, NULL, name, options, out, err);
}

rml_status rml_log_open(rml_str uri, const rml_log_options *options, rml_log **out, rml_error *err)
{
    rml_object object = {0};
    RML_TRY(rml_object_open(&object, uri, err));
    rml_status st = open_log(object.bytes, &object, uri, options, out, err);
    if (st) {
        rml_object_close(&object);
    }
    return st;
}

rml_status rml_log_next(rml_log *log, rml_log_message *out, rml_error *err)
{
    return log->format->next(log, out, err);
}

const rml_log_channel *rml_log_channels(const rml_log *log, size_t *count)
{
    *count = log->channels.count;
    return log->channels.data;
}

const char *rml_log_format_name(const rml_log *log)
{
    return log->format->name;
}

rml_str rml_log_profile(const rml_log *log)
{
    return log->profile;
}

rml_str rml_log_library(const rml_log *log)
{
    return log->library;
}

uint64_t rml_log_bytes_lost(const rml_log *log)
{
    return log->format->lost(log);
}

void rml_log_close(rml_log *log)
{
    if (log == NULL) {
        return;
    }
    log->format->close(log);
    rml_array_reset(&log->channels);
    rml_object_close(&log->object);
    rml_arena_reset(&log->arena);
    rml_heap_free(log);
}
