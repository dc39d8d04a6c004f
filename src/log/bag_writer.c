// Writes a ROS 1 bag, version 2.0 (wiki.ros.org/Bags/Format/2.0): chunks with their connections,
// index data behind each, connections and chunk infos at the end. Fields of headers stand in the
// order of their names, as the C++ recorder writes them. Same calls, same bytes.
#include <string.h>

#include "bag_record.h"
#include "roadmill/codec.h"
#include "roadmill/store.h"
#include "writer_format.h"

#define CHUNK_SIZE_DEFAULT ((size_t)768 << 10)
#define HEADER_SIZE 4096 // of the bag header record, so that it can be written again

typedef struct index_entry {
    uint64_t time;
    uint32_t offset; // of the message record in its chunk
} index_entry;

typedef struct connection {
    rml_bytes header; // fields of its own header, as data of its record
    rml_str topic;
    bool in_chunk;   // its record stands in the chunk under way
    rml_array index; // index_entry of the chunk under way
} connection;

typedef struct chunk_info {
    uint64_t offset, start, end; // times as they are stored
    rml_array counts;            // chunk_count
} chunk_info;

typedef struct chunk_count {
    uint32_t connection, messages;
} chunk_count;

typedef struct bag_state {
    rml_store_writer file;
    rml_array connections, chunks;
    rml_buffer chunk, packed, record;
    rml_codec_context codec;
    size_t chunk_size, compression;
    uint64_t at;
    uint64_t start, end;
    uint32_t messages; // of the chunk under way
} bag_state;

static const struct {
    const char *name;
    rml_codec codec;
} codecs[] = {{"none", RML_CODEC_NONE}, {"bz2", RML_CODEC_BZIP2}, {"lz4", RML_CODEC_LZ4}};

// ---- Bytes -------------------------------------------------------------------------------------

static rml_status put_u32(rml_buffer *b, uint32_t v, rml_error *err)
{
    uint8_t raw[4];
    rml_save_u32(raw, v);
    return rml_buffer_append(b, raw, sizeof raw, err);
}

static rml_status put_field(rml_buffer *b, const char *name, const void *value, size_t len,
                            rml_error *err)
{
    RML_TRY(put_u32(b, (uint32_t)(strlen(name) + 1 + len), err));
    RML_TRY(rml_buffer_printf(b, err, "%s=", name));
    return rml_buffer_append(b, value, len, err);
}

static rml_status put_field_u32(rml_buffer *b, const char *name, uint32_t v, rml_error *err)
{
    uint8_t raw[4];
    rml_save_u32(raw, v);
    return put_field(b, name, raw, sizeof raw, err);
}

static rml_status put_field_u64(rml_buffer *b, const char *name, uint64_t v, rml_error *err)
{
    uint8_t raw[8];
    rml_save_u64(raw, v);
    return put_field(b, name, raw, sizeof raw, err);
}

static rml_status put_op(rml_buffer *b, rml_bag_op op, rml_error *err)
{
    uint8_t raw = (uint8_t)op;
    return put_field(b, "op", &raw, 1, err);
}

// A length that is filled in when what it counts has been put.
static rml_status begin_sized(rml_buffer *b, size_t *at, rml_error *err)
{
    *at = b->len;
    return put_u32(b, 0, err);
}

static void end_sized(rml_buffer *b, size_t at)
{
    rml_save_u32(b->data + at, (uint32_t)(b->len - at - 4));
}

static rml_status put_data(rml_buffer *b, rml_bytes data, rml_error *err)
{
    if (data.len > UINT32_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, NULL,
                        "expected data of less than 4 GiB in a record of a bag, found %zu bytes",
                        data.len);
    }
    RML_TRY(put_u32(b, (uint32_t)data.len, err));
    return rml_buffer_append(b, data.data, data.len, err);
}

static rml_status write_record(bag_state *s, rml_error *err)
{
    rml_status st = rml_store_writer_write(&s->file, s->record.data, s->record.len, err);
    s->at += s->record.len;
    rml_buffer_clear(&s->record);
    return st;
}

// ---- Records -----------------------------------------------------------------------------------

static rml_status put_connection(rml_buffer *b, uint32_t id, const connection *c, rml_error *err)
{
    size_t at;
    RML_TRY(begin_sized(b, &at, err));
    RML_TRY(put_field_u32(b, "conn", id, err));
    RML_TRY(put_op(b, RML_BAG_CONNECTION, err));
    RML_TRY(put_field(b, "topic", c->topic.data, c->topic.len, err));
    end_sized(b, at);
    return put_data(b, c->header, err);
}

// The bag header, padded with spaces; index_pos 0: the bag is not finished.
static rml_status put_header(bag_state *s, uint64_t index_at, rml_error *err)
{
    size_t at;
    RML_TRY(rml_buffer_append(&s->record, RML_BAG_MAGIC, RML_BAG_MAGIC_SIZE, err));
    RML_TRY(begin_sized(&s->record, &at, err));
    RML_TRY(put_field_u32(&s->record, "chunk_count", (uint32_t)s->chunks.count, err));
    RML_TRY(put_field_u32(&s->record, "conn_count", (uint32_t)s->connections.count, err));
    RML_TRY(put_field_u64(&s->record, "index_pos", index_at, err));
    RML_TRY(put_op(&s->record, RML_BAG_HEADER, err));
    end_sized(&s->record, at);
    size_t pad = HEADER_SIZE - (s->record.len - at - 4);
    RML_TRY(put_u32(&s->record, (uint32_t)pad, err));
    uint8_t *p = rml_buffer_add(&s->record, pad, err);
    if (p == NULL) {
        return RML_ERR_MEMORY;
    }
    memset(p, ' ', pad);
    return RML_OK;
}

static rml_status write_index(bag_state *s, uint32_t id, connection *c, rml_error *err)
{
    size_t at;
    RML_TRY(begin_sized(&s->record, &at, err));
    RML_TRY(put_field_u32(&s->record, "conn", id, err));
    RML_TRY(put_field_u32(&s->record, "count", (uint32_t)c->index.count, err));
    RML_TRY(put_op(&s->record, RML_BAG_INDEX, err));
    RML_TRY(put_field_u32(&s->record, "ver", 1, err));
    end_sized(&s->record, at);
    RML_TRY(begin_sized(&s->record, &at, err));
    for (size_t i = 0; i < c->index.count; i++) {
        const index_entry *e = RML_AT(&c->index, index_entry, i);
        uint8_t raw[12];
        rml_save_u64(raw, e->time);
        rml_save_u32(raw + 8, e->offset);
        RML_TRY(rml_buffer_append(&s->record, raw, sizeof raw, err));
    }
    end_sized(&s->record, at);
    return write_record(s, err);
}

static rml_status end_chunk(bag_state *s, rml_error *err)
{
    size_t at;
    rml_bytes stored = rml_buffer_bytes(&s->chunk);
    if (s->messages == 0) {
        return RML_OK;
    }
    if (codecs[s->compression].codec != RML_CODEC_NONE) {
        rml_buffer_clear(&s->packed);
        RML_TRY(rml_compress(&s->codec, codecs[s->compression].codec, 0, stored, &s->packed, err));
        stored = rml_buffer_bytes(&s->packed);
    }
    chunk_info *info = rml_array_push(&s->chunks, err);
    if (info == NULL) {
        return RML_ERR_MEMORY;
    }
    *info = (chunk_info){s->at, s->start, s->end, RML_ARRAY(chunk_count)};
    const char *name = codecs[s->compression].name;
    RML_TRY(begin_sized(&s->record, &at, err));
    RML_TRY(put_field(&s->record, "compression", name, strlen(name), err));
    RML_TRY(put_op(&s->record, RML_BAG_CHUNK, err));
    RML_TRY(put_field_u32(&s->record, "size", (uint32_t)s->chunk.len, err));
    end_sized(&s->record, at);
    RML_TRY(put_data(&s->record, stored, err));
    RML_TRY(write_record(s, err));
    for (size_t i = 0; i < s->connections.count; i++) {
        connection *c = RML_AT(&s->connections, connection, i);
        c->in_chunk = false;
        if (c->index.count > 0) {
            chunk_count *count = rml_array_push(&info->counts, err);
            if (count == NULL) {
                return RML_ERR_MEMORY;
            }
            *count = (chunk_count){(uint32_t)i, (uint32_t)c->index.count};
            RML_TRY(write_index(s, (uint32_t)i, c, err));
            rml_array_clear(&c->index);
        }
    }
    rml_buffer_clear(&s->chunk);
    s->messages = 0;
    return RML_OK;
}

static rml_status put_chunk_info(bag_state *s, const chunk_info *info, rml_error *err)
{
    size_t at;
    RML_TRY(begin_sized(&s->record, &at, err));
    RML_TRY(put_field_u64(&s->record, "chunk_pos", info->offset, err));
    RML_TRY(put_field_u32(&s->record, "count", (uint32_t)info->counts.count, err));
    RML_TRY(put_field_u64(&s->record, "end_time", info->end, err));
    RML_TRY(put_op(&s->record, RML_BAG_CHUNK_INFO, err));
    RML_TRY(put_field_u64(&s->record, "start_time", info->start, err));
    RML_TRY(put_field_u32(&s->record, "ver", 1, err));
    end_sized(&s->record, at);
    RML_TRY(begin_sized(&s->record, &at, err));
    for (size_t i = 0; i < info->counts.count; i++) {
        const chunk_count *c = RML_AT(&info->counts, chunk_count, i);
        RML_TRY(put_u32(&s->record, c->connection, err));
        RML_TRY(put_u32(&s->record, c->messages, err));
    }
    end_sized(&s->record, at);
    return RML_OK;
}

// ---- The row -----------------------------------------------------------------------------------

static rml_status open_bag(rml_log_writer *w, const char *path,
                           const rml_log_writer_options *options, rml_error *err)
{
    const char *name = options->compression != NULL ? options->compression : "none";
    size_t kind = 0;
    while (kind < 3 && strcmp(codecs[kind].name, name) != 0) {
        kind++;
    }
    if (kind == 3 || strcmp(path, "-") == 0) {
        return rml_fail(err, RML_ERR_ARGUMENT, rml_place_file(rml_str_of(path)), NULL,
                        kind == 3 ? "expected compression none, bz2 or lz4 for a bag, found \"%s\""
                                  : "expected a file for a bag, whose head is written last, found "
                                    "standard output (compression %s)",
                        name);
    }
    bag_state *s = w->state = RML_NEW(&w->arena, bag_state);
    if (s == NULL) {
        return rml_fail_memory(err, sizeof(*s));
    }
    s->connections = RML_ARRAY(connection);
    s->chunks = RML_ARRAY(chunk_info);
    s->compression = kind;
    s->chunk_size = options->chunk_size != 0 ? options->chunk_size : CHUNK_SIZE_DEFAULT;
    RML_TRY(rml_store_writer_open(&s->file, rml_str_of(path), err));
    RML_TRY(put_header(s, 0, err));
    return write_record(s, err);
}

// The connection's own header: type, definition and what was kept of it; in the order of names, the
// topic among them.
static rml_status connection_header(const rml_log_channel *c, rml_buffer *out, rml_error *err)
{
    bool has_sum = false;
    for (size_t i = 0; i < c->pair_count; i++) {
        const rml_log_pair *p = &c->pairs[i];
        has_sum |= rml_str_equal(p->key, RML_STR("md5sum"));
        RML_TRY(put_u32(out, (uint32_t)(p->key.len + 1 + p->value.len), err));
        RML_TRY(rml_buffer_str(out, p->key, err));
        RML_TRY(rml_buffer_str(out, RML_STR("="), err));
        RML_TRY(rml_buffer_str(out, p->value, err));
    }
    // Readers want a sum; "*" is what ROS takes for any.
    RML_TRY(has_sum ? RML_OK : put_field(out, "md5sum", "*", 1, err));
    RML_TRY(put_field(out, "message_definition", c->schema.data, c->schema.len, err));
    RML_TRY(put_field(out, "topic", c->topic.data, c->topic.len, err));
    return put_field(out, "type", c->schema_name.data, c->schema_name.len, err);
}

static rml_status channel_bag(rml_log_writer *w, const rml_log_channel *channel, uint32_t *id,
                              rml_error *err)
{
    bag_state *s = w->state;
    if (!rml_str_equal(channel->message_encoding, RML_STR("ros1"))) {
        return rml_fail(err, RML_ERR_UNSUPPORTED, (rml_place){0}, NULL,
                        "expected messages in ros1 for a bag, found %.*s in channel %.*s",
                        RML_FMT(channel->message_encoding), RML_FMT(channel->topic));
    }
    rml_buffer header = {0};
    rml_status st = connection_header(channel, &header, err);
    connection *c = st ? NULL : rml_array_push(&s->connections, err);
    if (c != NULL) {
        rml_str copy = rml_arena_str(&w->arena, rml_buffer_text(&header));
        *c = (connection){.header = rml_bytes_of_str(copy),
                          .topic = rml_arena_str(&w->arena, channel->topic),
                          .index = RML_ARRAY(index_entry)};
        *id = (uint32_t)s->connections.count - 1;
        st = copy.data == NULL || c->topic.data == NULL ? rml_fail_memory(err, header.len) : RML_OK;
    } else {
        st = st ? st : RML_ERR_MEMORY;
    }
    rml_buffer_reset(&header);
    return st;
}

static rml_status message_bag(rml_log_writer *w, uint32_t id, const rml_log_message *message,
                              rml_error *err)
{
    bag_state *s = w->state;
    size_t at;
    if (id >= s->connections.count || message->log_ns < 0 ||
        message->log_ns / 1000000000 > UINT32_MAX) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected a time from 1970 to 2106 for a bag, found %lld ns",
                        (long long)message->log_ns);
    }
    connection *c = RML_AT(&s->connections, connection, id);
    uint64_t time = rml_bag_time_of(message->log_ns);
    if (!c->in_chunk) {
        RML_TRY(put_connection(&s->chunk, id, c, err));
        c->in_chunk = true;
    }
    index_entry *e = rml_array_push(&c->index, err);
    if (e == NULL) {
        return RML_ERR_MEMORY;
    }
    *e = (index_entry){time, (uint32_t)s->chunk.len};
    RML_TRY(begin_sized(&s->chunk, &at, err));
    RML_TRY(put_field_u32(&s->chunk, "conn", id, err));
    RML_TRY(put_op(&s->chunk, RML_BAG_MESSAGE, err));
    RML_TRY(put_field_u64(&s->chunk, "time", time, err));
    end_sized(&s->chunk, at);
    RML_TRY(put_data(&s->chunk, message->data, err));
    bool first = s->messages == 0;
    s->start = first || message->log_ns < rml_bag_time_ns(s->start) ? time : s->start;
    s->end = first || message->log_ns > rml_bag_time_ns(s->end) ? time : s->end;
    s->messages++;
    return s->chunk.len >= s->chunk_size ? end_chunk(s, err) : RML_OK;
}

static rml_status finish_bag(rml_log_writer *w, rml_error *err)
{
    bag_state *s = w->state;
    RML_TRY(end_chunk(s, err));
    uint64_t index_at = s->at;
    for (size_t i = 0; i < s->connections.count; i++) {
        RML_TRY(
            put_connection(&s->record, (uint32_t)i, RML_AT(&s->connections, connection, i), err));
    }
    for (size_t i = 0; i < s->chunks.count; i++) {
        RML_TRY(put_chunk_info(s, RML_AT(&s->chunks, chunk_info, i), err));
    }
    RML_TRY(write_record(s, err));
    RML_TRY(put_header(s, index_at, err));
    RML_TRY(rml_store_writer_patch(&s->file, 0, s->record.data, s->record.len, err));
    return rml_store_writer_commit(&s->file, true, err);
}

static void close_bag(rml_log_writer *w)
{
    bag_state *s = w->state;
    if (s == NULL) {
        return;
    }
    rml_store_writer_close(&s->file);
    for (size_t i = 0; i < s->connections.count; i++) {
        rml_array_reset(&RML_AT(&s->connections, connection, i)->index);
    }
    for (size_t i = 0; i < s->chunks.count; i++) {
        rml_array_reset(&RML_AT(&s->chunks, chunk_info, i)->counts);
    }
    rml_array_reset(&s->connections);
    rml_array_reset(&s->chunks);
    rml_buffer_reset(&s->chunk);
    rml_buffer_reset(&s->packed);
    rml_buffer_reset(&s->record);
    rml_codec_context_reset(&s->codec);
}

static const char *const endings[] = {".bag", NULL};
const rml_log_writer_format rml_log_writer_bag = {
    .name = "bag",
    .endings = endings,
    .open = open_bag,
    .channel = channel_bag,
    .message = message_bag,
    .finish = finish_bag,
    .close = close_bag,
};
