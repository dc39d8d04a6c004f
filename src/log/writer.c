// Writing a recording: the table of containers, and MCAP's row.
#include "roadmill/log/writer.h"

#include <string.h>

#include "roadmill/log/mcap.h"
#include "writer_format.h"

static const rml_log_writer_format *const formats[] = {&rml_log_writer_mcap, &rml_log_writer_bag,
                                                       &rml_log_writer_ros2};
#define FORMAT_COUNT (sizeof(formats) / sizeof(formats[0]))

const char *rml_log_writer_format_of(rml_str path)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        for (const char *const *end = formats[i]->endings; *end != NULL; end++) {
            if (rml_str_ends(path, rml_str_of(*end))) {
                return formats[i]->name;
            }
        }
    }
    return rml_log_writer_mcap.name;
}

rml_status rml_log_writer_open(const char *path, const rml_log_writer_options *options,
                               rml_log_writer **out, rml_error *err)
{
    static const rml_log_writer_options none = {0};
    const rml_log_writer_options *o = options != NULL ? options : &none;
    const char *name = o->format != NULL ? o->format : rml_log_writer_mcap.name;
    const rml_log_writer_format *format = NULL;
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        format = strcmp(formats[i]->name, name) == 0 ? formats[i] : format;
    }
    if (format == NULL) {
        return rml_fail(err, RML_ERR_ARGUMENT, rml_place_file(rml_str_of(path)), NULL,
                        "expected a container to write (mcap, bag, ros2), found \"%s\"", name);
    }
    rml_log_writer *w = rml_heap_make(sizeof(*w));
    if (w == NULL) {
        return rml_fail_memory(err, sizeof(*w));
    }
    w->format = format;
    rml_status st = format->open(w, path, o, err);
    if (st) {
        rml_log_writer_close(w);
        return st;
    }
    *out = w;
    return RML_OK;
}

rml_status rml_log_writer_channel(rml_log_writer *w, const rml_log_channel *channel, uint32_t *id,
                                  rml_error *err)
{
    return w->format->channel(w, channel, id, err);
}

rml_status rml_log_writer_message(rml_log_writer *w, uint32_t id, const rml_log_message *message,
                                  rml_error *err)
{
    return w->format->message(w, id, message, err);
}

rml_status rml_log_writer_extra(rml_log_writer *w, const rml_log_extra *extra, rml_error *err)
{
    if (w->format->extra == NULL) {
        return rml_fail(err, RML_ERR_UNSUPPORTED, (rml_place){0}, NULL,
                        "expected a container that holds attachments and metadata, found %s",
                        w->format->name);
    }
    return w->format->extra(w, extra, err);
}

rml_status rml_log_writer_finish(rml_log_writer *w, rml_error *err)
{
    return w->format->finish(w, err);
}

void rml_log_writer_close(rml_log_writer *w)
{
    if (w == NULL) {
        return;
    }
    w->format->close(w);
    rml_arena_reset(&w->arena);
    rml_heap_free(w);
}

// ---- MCAP --------------------------------------------------------------------------------------

typedef struct mcap_state {
    rml_mcap_writer *writer;
    rml_array schemas; // schema_known: equal ones are written once
} mcap_state;

typedef struct schema_known {
    rml_str name, encoding;
    rml_bytes data;
    uint16_t id;
} schema_known;

static rml_status open_mcap(rml_log_writer *w, const char *path,
                            const rml_log_writer_options *options, rml_error *err)
{
    static const struct {
        const char *name;
        rml_mcap_compression compression;
    } kinds[] = {{"zstd", RML_MCAP_ZSTD}, {"lz4", RML_MCAP_LZ4}, {"none", RML_MCAP_NONE}};
    const char *name = options->compression != NULL ? options->compression : "zstd";
    size_t kind = 0;
    while (kind < 3 && strcmp(kinds[kind].name, name) != 0) {
        kind++;
    }
    if (kind == 3) {
        return rml_fail(err, RML_ERR_ARGUMENT, rml_place_file(rml_str_of(path)), NULL,
                        "expected compression none, lz4 or zstd for MCAP, found \"%s\"", name);
    }
    mcap_state *m = w->state = RML_NEW(&w->arena, mcap_state);
    if (m == NULL) {
        return rml_fail_memory(err, sizeof(*m));
    }
    m->schemas = RML_ARRAY(schema_known);
    rml_mcap_writer_options mcap = {.compression = kinds[kind].compression,
                                    .chunk_size = options->chunk_size,
                                    .profile = rml_arena_str(&w->arena, options->profile),
                                    .library = rml_arena_str(&w->arena, options->library)};
    return rml_mcap_writer_open(path, &mcap, &m->writer, err);
}

// The number of a schema: that of an equal one, or a new one; 0 for none.
static rml_status schema_of(rml_log_writer *w, const rml_log_channel *c, uint16_t *id,
                            rml_error *err)
{
    mcap_state *m = w->state;
    *id = 0;
    if (c->schema_name.len == 0 && c->schema_encoding.len == 0 && c->schema.len == 0) {
        return RML_OK;
    }
    for (size_t i = 0; i < m->schemas.count; i++) {
        const schema_known *k = RML_AT(&m->schemas, schema_known, i);
        if (rml_str_equal(k->name, c->schema_name) &&
            rml_str_equal(k->encoding, c->schema_encoding) &&
            rml_str_equal(rml_str_of_bytes(k->data), rml_str_of_bytes(c->schema))) {
            *id = k->id;
            return RML_OK;
        }
    }
    RML_TRY(
        rml_mcap_writer_schema(m->writer, c->schema_name, c->schema_encoding, c->schema, id, err));
    schema_known *k = rml_array_push(&m->schemas, err);
    rml_str name = rml_arena_str(&w->arena, c->schema_name);
    rml_str encoding = rml_arena_str(&w->arena, c->schema_encoding);
    rml_str data = rml_arena_str(&w->arena, rml_str_of_bytes(c->schema));
    if (k == NULL || name.data == NULL || encoding.data == NULL || data.data == NULL) {
        return rml_fail_memory(err, c->schema.len);
    }
    *k = (schema_known){name, encoding, rml_bytes_of_str(data), *id};
    return RML_OK;
}

static rml_status channel_mcap(rml_log_writer *w, const rml_log_channel *channel, uint32_t *id,
                               rml_error *err)
{
    mcap_state *m = w->state;
    uint16_t schema, number;
    RML_TRY(schema_of(w, channel, &schema, err));
    RML_TRY(rml_mcap_writer_channel(m->writer, schema, channel->topic, channel->message_encoding,
                                    &number, err));
    *id = number;
    return rml_mcap_writer_channel_pairs(m->writer, number, channel->pairs, channel->pair_count,
                                         err);
}

static rml_status message_mcap(rml_log_writer *w, uint32_t id, const rml_log_message *message,
                               rml_error *err)
{
    return rml_mcap_writer_message(((mcap_state *)w->state)->writer, (uint16_t)id,
                                   message->sequence, message->log_ns, message->publish_ns,
                                   message->data, err);
}

// An event has no place of its own in MCAP: it becomes metadata, its time among the pairs.
static rml_status extra_mcap(rml_log_writer *w, const rml_log_extra *extra, rml_error *err)
{
    mcap_state *m = w->state;
    if (extra->kind == RML_LOG_ATTACHMENT) {
        return rml_mcap_writer_attachment(m->writer, extra->name, extra->media_type, extra->log_ns,
                                          extra->create_ns, extra->data, err);
    }
    if (extra->kind == RML_LOG_METADATA) {
        return rml_mcap_writer_metadata(m->writer, extra->name, extra->pairs, extra->pair_count,
                                        err);
    }
    const rml_log_pair time = {RML_STR("log_ns"),
                               rml_arena_printf(&w->arena, "%lld", (long long)extra->log_ns)};
    return rml_mcap_writer_metadata(m->writer, extra->name, &time, 1, err);
}

static rml_status finish_mcap(rml_log_writer *w, rml_error *err)
{
    return rml_mcap_writer_finish(((mcap_state *)w->state)->writer, err);
}

static void close_mcap(rml_log_writer *w)
{
    mcap_state *m = w->state;
    if (m != NULL) {
        rml_mcap_writer_close(m->writer);
        rml_array_reset(&m->schemas);
    }
}

static const char *const mcap_endings[] = {".mcap", NULL};
const rml_log_writer_format rml_log_writer_mcap = {
    .name = "mcap",
    .endings = mcap_endings,
    .open = open_mcap,
    .channel = channel_mcap,
    .message = message_mcap,
    .extra = extra_mcap,
    .finish = finish_mcap,
    .close = close_mcap,
};
