// A recording of any container: the table of formats and what is common to them.
#include "format.h"

static const rml_log_format *const formats[] = {&rml_log_mcap, &rml_log_bag, &rml_log_db3,
                                                &rml_log_mdf, &rml_log_mdf3};
#define FORMAT_COUNT (sizeof(formats) / sizeof(formats[0]))

#define READS "MCAP, ROS bag, ROS 2 bag, MDF 2 to 4"
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
    log->asked_start_ns = log->options.start_ns;
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

rml_status rml_log_copy(rml_log *log, rml_str from, rml_str *to, rml_error *err)
{
    *to = rml_arena_str(&log->arena, from);
    return to->data == NULL ? rml_fail_memory(err, from.len) : RML_OK;
}

rml_status rml_log_make(const rml_log_format *format, rml_str name, const rml_log_options *options,
                        rml_log **out, rml_error *err)
{
    rml_log *log = rml_heap_make(sizeof(*log));
    if (log == NULL) {
        return rml_fail_memory(err, sizeof(*log));
    }
    log->format = format;
    log->channels = RML_ARRAY(rml_log_channel);
    log->files = RML_ARRAY(rml_str);
    rml_status st = rml_log_copy(log, name, &log->name, err);
    if (st == RML_OK) {
        st = copy_options(log, options, err);
    }
    if (st) {
        rml_log_close(log);
        return st;
    }
    *out = log;
    return RML_OK;
}

// Opens the format over the bytes that the log holds.
static rml_status open_format(rml_log *log, rml_error *err)
{
    rml_str *file = rml_array_push(&log->files, err);
    if (file == NULL) {
        return RML_ERR_MEMORY;
    }
    *file = log->name;
    log->bytes = log->file.len;
    return log->format->open(log, err);
}

// object: the open file, spill: a map; the log takes over the one that is not NULL.
static rml_status open_log(rml_bytes file, rml_object *object, rml_map_file *spill, rml_str name,
                           const rml_log_options *options, rml_log **out, rml_error *err)
{
    rml_bytes head = rml_bytes_of(file.data, file.len < HEAD_SIZE ? file.len : HEAD_SIZE);
    const rml_log_format *format = format_of(head);
    if (format == NULL) {
        return rml_fail(err, RML_ERR_DATA, rml_place_file(name), NULL,
                        "expected a recording (%s), found %s", READS,
                        file.len == 0 ? "an empty file" : "a file that begins otherwise");
    }
    rml_log *log;
    RML_TRY(rml_log_make(format, name, options, &log, err));
    log->file = file;
    log->object = object != NULL ? *object : (rml_object){0};
    log->spill = spill != NULL ? *spill : (rml_map_file){0};
    rml_status st = open_format(log, err);
    if (st) {
        log->object = (rml_object){0}; // the caller closes them
        log->spill = (rml_map_file){0};
        rml_log_close(log);
        return st;
    }
    *out = log;
    return RML_OK;
}

rml_status rml_log_over(rml_bytes file, rml_str name, const rml_log_options *options, rml_log **out,
                        rml_error *err)
{
    return open_log(file, NULL, NULL, name, options, out, err);
}

rml_status rml_log_open_spill(const rml_spill *spill, rml_str name, const rml_log_options *options,
                              rml_log **out, rml_error *err)
{
    rml_map_file map;
    RML_TRY(rml_spill_map(spill, &map, err));
    rml_status st = open_log(map.bytes, NULL, &map, name, options, out, err);
    if (st) {
        rml_map_file_close(&map);
    }
    return st;
}

static rml_status open_stdin(const rml_log_options *options, rml_log **out, rml_error *err)
{
    rml_spill spill;
    RML_TRY(rml_spill_stdin(&spill, err));
    rml_status st = rml_log_open_spill(&spill, RML_STR("-"), options, out, err);
    rml_spill_close(&spill);
    return st;
}

rml_status rml_log_folder_recognised(rml_str uri, bool *out, rml_error *err)
{
    return rml_ros2_bag_recognised(uri, out, err);
}

rml_status rml_log_open(rml_str uri, const rml_log_options *options, rml_log **out, rml_error *err)
{
    rml_object object = {0};
    if (rml_str_equal(uri, RML_STR("-"))) {
        return open_stdin(options, out, err);
    }
    bool folder;
    RML_TRY(rml_ros2_bag_recognised(uri, &folder, err));
    if (folder) {
        return rml_ros2_bag_open(uri, options, out, err);
    }
    RML_TRY(rml_object_open(&object, uri, err));
    rml_status st = open_log(object.bytes, &object, NULL, uri, options, out, err);
    if (st) {
        rml_object_close(&object);
    }
    return st;
}

rml_status rml_log_open_many(const rml_str *uris, size_t count, const rml_log_options *options,
                             rml_log **out, rml_error *err)
{
    if (count == 1) {
        return rml_log_open(uris[0], options, out, err);
    }
    rml_log **children = rml_heap_make((count + 1) * sizeof(*children));
    if (children == NULL) {
        return rml_fail_memory(err, count * sizeof(*children));
    }
    rml_status st = RML_OK;
    size_t opened = 0;
    rml_log_options shared = options == NULL ? (rml_log_options){0} : *options;
    shared.threads = shared.threads / (count == 0 ? 1 : count);
    while (st == RML_OK && opened < count) {
        st = rml_log_open(uris[opened], &shared, &children[opened], err);
        opened += st == RML_OK;
    }
    if (st == RML_OK) {
        st = rml_log_join(children, count, count == 0 ? (rml_str){0} : uris[0], options, NULL, 0,
                          out, err);
    } else {
        for (size_t i = 0; i < opened; i++) {
            rml_log_close(children[i]);
        }
    }
    rml_heap_free(children);
    return st;
}

rml_status rml_log_next(rml_log *log, rml_log_message *out, rml_error *err)
{
    bool sorts = log->options.order == RML_LOG_TIME_ORDER && (!log->format->orders || log->spills);
    return sorts ? rml_log_sorter_next(log, out, err) : log->format->next(log, out, err);
}

rml_status rml_log_seek(rml_log *log, int64_t time_ns, rml_error *err)
{
    rml_log_sorter_free(log->sorter);
    log->sorter = NULL;
    // 0 is "from the beginning" in the options; no time lies before the least.
    log->options.start_ns = time_ns > log->asked_start_ns ? time_ns : log->asked_start_ns;
    return log->format->rewind(log, err);
}

rml_status rml_log_extra_at(rml_log *log, size_t index, rml_log_extra *out, rml_error *err)
{
    return log->format->extra == NULL ? RML_END : log->format->extra(log, index, out, err);
}

rml_status rml_log_summarise(rml_log *log, rml_arena *arena, rml_log_ledger *out, rml_error *err)
{
    *out = (rml_log_ledger){0};
    RML_TRY(log->format->summary == NULL ? RML_END : log->format->summary(log, arena, out, err));
    out->by_index = true;
    return RML_OK;
}

const rml_str *rml_log_files(const rml_log *log, size_t *count)
{
    *count = log->files.count;
    return log->files.data;
}

const rml_log_channel *rml_log_channels(const rml_log *log, size_t *count)
{
    *count = log->channels.count;
    return log->channels.data;
}

const char *rml_log_format_name(const rml_log *log)
{
    return log->shown != NULL ? log->shown : log->format->name;
}

const rml_log_channel *rml_log_channel_of(const rml_log *log, const rml_log_message *message)
{
    return RML_AT(&log->channels, rml_log_channel, message->channel);
}

rml_message_kind rml_log_channel_kind(const rml_log_channel *c)
{
    return (rml_message_kind){c->message_encoding, c->schema_encoding, c->schema_name, c->schema};
}

rml_str rml_log_pair_of(const rml_log_channel *c, const char *key)
{
    for (size_t i = 0; i < c->pair_count; i++) {
        if (rml_str_equal(c->pairs[i].key, rml_str_of(key))) {
            return c->pairs[i].value;
        }
    }
    return (rml_str){0};
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
    // Within a compressed chunk the bytes that come out count: never more than all there are.
    uint64_t lost = rml_log_sorter_lost(log);
    return lost < log->bytes ? lost : log->bytes;
}

void rml_log_close(rml_log *log)
{
    if (log == NULL) {
        return;
    }
    rml_log_sorter_free(log->sorter);
    log->format->close(log);
    rml_array_reset(&log->channels);
    rml_array_reset(&log->files);
    rml_map_file_close(&log->spill);
    rml_object_close(&log->object);
    rml_arena_reset(&log->arena);
    rml_heap_free(log);
}
