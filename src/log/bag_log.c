// A ROS 1 bag as a log in the order of the file: chunks are opened one after the other, messages
// outside of chunks are read too. The index at the end is not needed for it; it tells where to go
// on behind damage, as does a search for the next record where there is none.
#include <string.h>

#include "bag_record.h"
#include "format.h"
#include "roadmill/codec.h"

#define CONNECTIONS_MAX 65536
// How many bytes behind the reader may stay in memory before they are handed back.
#define RELEASE_STEP ((uint64_t)16 << 20)

typedef struct bag {
    uint64_t at; // of the next record of the file
    uint64_t index_at;
    rml_array channel_of; // uint32_t by connection: index + 1 into the log's channels
    rml_buffer space;
    rml_codec_context codec;
    rml_bytes records; // of the chunk under way
    size_t records_at;
    uint64_t chunk_offset, chunk_length; // where its data stands in the file
    const char *compression;
    uint64_t lost, released_to;
    bool complete;
} bag;

static bag *bag_of(const rml_log *log)
{
    return log->state;
}

static bool recognised(rml_bytes head)
{
    return head.len >= 9 && memcmp(head.data, "#ROSBAG V", 9) == 0;
}

static rml_place place_at(const rml_log *log, uint64_t offset)
{
    return rml_place_byte(log->name, offset);
}

// ---- Opening -----------------------------------------------------------------------------------

static rml_status open_bag(rml_log *log, rml_error *err)
{
    if (log->file.len < RML_BAG_MAGIC_SIZE ||
        memcmp(log->file.data, RML_BAG_MAGIC, RML_BAG_MAGIC_SIZE) != 0) {
        size_t shown = log->file.len < 12 ? log->file.len : 12;
        return rml_fail(err, RML_ERR_UNSUPPORTED, place_at(log, 0),
                        "rosbag migrate makes a bag of version 2.0 of it",
                        "expected a bag that begins with \"#ROSBAG V2.0\", found \"%.*s\"",
                        (int)shown, (const char *)log->file.data);
    }
    bag *b = rml_arena_make(&log->arena, sizeof(*b));
    if (b == NULL) {
        return rml_fail_memory(err, sizeof(*b));
    }
    log->state = b;
    b->at = RML_BAG_MAGIC_SIZE;
    b->channel_of = RML_ARRAY(uint32_t);
    b->compression = "";
    rml_bag_record header;
    if (rml_bag_record_at(log->file, b->at, &header) && header.op == RML_BAG_HEADER &&
        rml_bag_field_u64(header.header, "index_pos", &b->index_at)) {
        // A bag that was never closed has 0 there.
        b->complete = b->index_at > b->at && b->index_at <= log->file.len;
    }
    return RML_OK;
}

// ---- Connections -------------------------------------------------------------------------------

// Fields of a connection's own header that are no part of a channel become pairs.
static rml_status copy_pairs(rml_log *log, rml_bytes data, rml_log_channel *c, rml_error *err)
{
    static const char *const taken[] = {"topic", "type", "message_definition"};
    rml_str name;
    rml_bytes left = data, value;
    size_t count = 0;
    while (rml_bag_field_next(&left, &name, &value)) {
        count++;
    }
    rml_log_pair *pairs = RML_NEW_ARRAY(&log->arena, rml_log_pair, count + 1);
    if (pairs == NULL) {
        return rml_fail_memory(err, count * sizeof(*pairs));
    }
    c->pairs = pairs;
    for (left = data; rml_bag_field_next(&left, &name, &value);) {
        bool is_taken = false;
        for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
            is_taken |= rml_str_equal(name, rml_str_of(taken[i]));
        }
        if (!is_taken) {
            rml_log_pair *pair = &pairs[c->pair_count++];
            RML_TRY(rml_log_copy(log, name, &pair->key, err));
            RML_TRY(rml_log_copy(log, rml_str_of_bytes(value), &pair->value, err));
        }
    }
    return RML_OK;
}

// The channel of a connection; one that comes again (in each chunk, and in the index) is known.
static rml_status define(rml_log *log, const rml_bag_record *record, uint64_t at, rml_error *err)
{
    bag *b = bag_of(log);
    uint32_t id;
    rml_bytes topic, type = {0}, definition = {0};
    if (!rml_bag_field_u32(record->header, "conn", &id) ||
        !rml_bag_field(record->header, "topic", &topic) || id >= CONNECTIONS_MAX) {
        return rml_fail(err, RML_ERR_DATA, place_at(log, at), RML_BAG_REMEDY,
                        "expected a connection with a topic and a number below %d",
                        CONNECTIONS_MAX);
    }
    while (b->channel_of.count <= id) {
        if (rml_array_push(&b->channel_of, err) == NULL) {
            return RML_ERR_MEMORY;
        }
    }
    if (*RML_AT(&b->channel_of, uint32_t, id) != 0) {
        return RML_OK;
    }
    (void)rml_bag_field(record->data, "type", &type);
    (void)rml_bag_field(record->data, "message_definition", &definition);
    rml_log_channel c = {.container_id = id,
                         .message_encoding = RML_STR("ros1"),
                         .schema_encoding = RML_STR("ros1msg")};
    rml_str schema;
    RML_TRY(rml_log_copy(log, rml_str_of_bytes(topic), &c.topic, err));
    RML_TRY(rml_log_copy(log, rml_str_of_bytes(type), &c.schema_name, err));
    RML_TRY(rml_log_copy(log, rml_str_of_bytes(definition), &schema, err));
    c.schema = rml_bytes_of_str(schema);
    RML_TRY(copy_pairs(log, record->data, &c, err));
    c.id = (uint32_t)log->channels.count;
    rml_log_channel *out = rml_array_push(&log->channels, err);
    if (out == NULL) {
        return RML_ERR_MEMORY;
    }
    *out = c;
    *RML_AT(&b->channel_of, uint32_t, id) = c.id + 1;
    return RML_OK;
}

// ---- Messages ----------------------------------------------------------------------------------

// in: the bytes that the record stands in; at: of the record, in the file or (in a chunk) of it.
static rml_status take_message(rml_log *log, const rml_bag_record *record, uint64_t at,
                               bool in_chunk, rml_log_message *out, bool *wanted, rml_error *err)
{
    bag *b = bag_of(log);
    uint32_t id;
    uint64_t time;
    rml_place place = place_at(log, in_chunk ? b->chunk_offset : at);
    *wanted = false;
    if (!rml_bag_field_u32(record->header, "conn", &id) ||
        !rml_bag_field_u64(record->header, "time", &time)) {
        b->lost += record->data.len;
        return rml_fail(err, RML_ERR_DATA, place, RML_BAG_REMEDY,
                        "expected a message with its connection and time, found neither");
    }
    uint32_t index = id < b->channel_of.count ? *RML_AT(&b->channel_of, uint32_t, id) : 0;
    if (index == 0) {
        b->lost += record->data.len;
        return rml_fail(err, RML_ERR_DATA, place, RML_BAG_REMEDY,
                        "expected a connection before its messages, found a message of "
                        "connection %u",
                        id);
    }
    const rml_log_channel *channel = RML_AT(&log->channels, rml_log_channel, index - 1);
    int64_t log_ns = rml_bag_time_ns(time);
    if (!rml_log_wants_time(log, log_ns) || !rml_log_wants_topic(log, channel->topic)) {
        return RML_OK;
    }
    *out = (rml_log_message){.channel = index - 1,
                             .log_ns = log_ns,
                             .publish_ns = log_ns,
                             .data = record->data,
                             .compression = in_chunk ? b->compression : ""};
    if (out->compression[0] != '\0') {
        out->offset = b->chunk_offset;
        out->length = b->chunk_length;
        out->inner_offset = (uint64_t)(record->data.data - b->records.data);
    } else {
        out->offset = (uint64_t)(record->data.data - log->file.data);
        out->length = record->data.len;
    }
    *wanted = true;
    return RML_OK;
}

// ---- Chunks ------------------------------------------------------------------------------------

static const struct {
    const char *name, *shown; // in a bag, in a message
    rml_codec codec;
} codecs[] = {
    {"none", "", RML_CODEC_NONE}, {"bz2", "bzip2", RML_CODEC_BZIP2}, {"lz4", "lz4", RML_CODEC_LZ4}};

static rml_status expand(rml_log *log, const rml_bag_record *record, uint64_t at, size_t codec,
                         uint32_t size, rml_error *err)
{
    bag *b = bag_of(log);
    if (size > log->options.memory_max) {
        return rml_fail(err, RML_ERR_LIMIT, place_at(log, at), "give more memory",
                        "expected a chunk of at most %zu bytes (memory_max), found %u",
                        log->options.memory_max, size);
    }
    rml_buffer_clear(&b->space);
    if (size > 0 && rml_buffer_add(&b->space, size, err) == NULL) {
        return RML_ERR_MEMORY;
    }
    rml_status st = rml_decompress(&b->codec, codecs[codec].codec, record->data, b->space.data,
                                   size, place_at(log, at), err);
    b->records = rml_bytes_of(b->space.data, st ? 0 : size);
    return st;
}

// Opens the chunk; of one that is cut off and not compressed, what is there.
static rml_status open_chunk(rml_log *log, const rml_bag_record *record, uint64_t at,
                             rml_error *err)
{
    bag *b = bag_of(log);
    rml_bytes name;
    uint32_t size;
    size_t codec = 0, count = sizeof codecs / sizeof *codecs;
    if (!rml_bag_field(record->header, "compression", &name) ||
        !rml_bag_field_u32(record->header, "size", &size)) {
        b->lost += record->data.len;
        return rml_fail(err, RML_ERR_DATA, place_at(log, at), RML_BAG_REMEDY,
                        "expected a chunk with its compression and size, found neither");
    }
    while (codec < count &&
           !rml_str_equal(rml_str_of_bytes(name), rml_str_of(codecs[codec].name))) {
        codec++;
    }
    if (codec == count) {
        b->lost += record->data.len;
        return rml_fail(err, RML_ERR_UNSUPPORTED, place_at(log, at), RML_BAG_REMEDY,
                        "expected a chunk compressed with none, bz2 or lz4, found \"%.*s\"",
                        RML_FMT(rml_str_of_bytes(name)));
    }
    b->compression = codecs[codec].shown;
    b->chunk_offset = (uint64_t)(record->data.data - log->file.data);
    b->chunk_length = record->data.len;
    b->records_at = 0;
    if (codecs[codec].codec == RML_CODEC_NONE) {
        b->records = record->data;
        return RML_OK;
    }
    rml_status st = expand(log, record, at, codec, size, err);
    if (st) {
        b->lost += record->data.len;
    }
    return st;
}

// ---- Damage ------------------------------------------------------------------------------------

// Where reading goes on behind `from`: the next chunk that the index names, else the next place at
// which a chunk or a connection begins. The end of the file if there is none.
static uint64_t resume_at(const rml_log *log, uint64_t from)
{
    // op=5 and op=7 as fields: where they stand in a header is up to the writer.
    static const uint8_t marks[2][8] = {{4, 0, 0, 0, 'o', 'p', '=', RML_BAG_CHUNK},
                                        {4, 0, 0, 0, 'o', 'p', '=', RML_BAG_CONNECTION}};
    const size_t before_max = 512;
    for (uint64_t i = from; i + 8 <= log->file.len; i++) {
        const uint8_t *p = log->file.data + i;
        if (p[4] != 'o' || (memcmp(p, marks[0], 8) != 0 && memcmp(p, marks[1], 8) != 0)) {
            continue;
        }
        for (uint64_t back = 4; back <= before_max && back <= i && i - back >= from; back++) {
            rml_bag_record record;
            uint64_t at = i - back;
            uint32_t header = rml_load_u32(log->file.data + at);
            if (header >= back + 4 && header <= before_max * 4 &&
                rml_bag_record_at(log->file, at, &record) &&
                (record.op == RML_BAG_CHUNK || record.op == RML_BAG_CONNECTION)) {
                return at;
            }
        }
    }
    return log->file.len;
}

static rml_status fail_torn(rml_log *log, uint64_t at, rml_error *err)
{
    bag *b = bag_of(log);
    b->at = resume_at(log, at + 1);
    b->lost += b->at - at;
    b->complete = false;
    return rml_fail(err, RML_ERR_DATA, place_at(log, at), RML_BAG_REMEDY,
                    "expected a record of a bag, found %zu bytes that are none",
                    (size_t)(b->at - at));
}

// ---- The order of the file ---------------------------------------------------------------------

static rml_status next_in_chunk(rml_log *log, rml_log_message *out, bool *wanted, rml_error *err)
{
    bag *b = bag_of(log);
    rml_bag_record record;
    *wanted = false;
    if (!rml_bag_record_at(b->records, b->records_at, &record) || record.cut) {
        size_t rest = b->records.len - b->records_at;
        b->lost += rest;
        b->records_at = b->records.len;
        b->complete = false;
        return rml_fail(err, RML_ERR_DATA, place_at(log, b->chunk_offset), RML_BAG_REMEDY,
                        "expected a record in the chunk, found %zu bytes that are none", rest);
    }
    size_t at = b->records_at;
    b->records_at += record.size;
    if (record.op == RML_BAG_CONNECTION) {
        return define(log, &record, b->chunk_offset, err);
    }
    return record.op == RML_BAG_MESSAGE ? take_message(log, &record, at, true, out, wanted, err)
                                        : RML_OK;
}

static void release_behind(rml_log *log)
{
    bag *b = bag_of(log);
    if (b->at - b->released_to >= RELEASE_STEP && log->object.handle != NULL) {
        rml_object_release(&log->object, b->released_to, (size_t)(b->at - b->released_to));
        b->released_to = b->at;
    }
}

static rml_status next_record(rml_log *log, rml_log_message *out, bool *wanted, rml_error *err)
{
    bag *b = bag_of(log);
    rml_bag_record record;
    uint64_t at = b->at;
    *wanted = false;
    if (!rml_bag_record_at(log->file, at, &record)) {
        return fail_torn(log, at, err);
    }
    if (record.cut && record.op != RML_BAG_CHUNK) {
        return fail_torn(log, at, err);
    }
    b->at = record.cut ? log->file.len : at + record.size;
    release_behind(log);
    switch (record.op) {
    case RML_BAG_CHUNK:
        b->complete = b->complete && !record.cut;
        return open_chunk(log, &record, at, err);
    case RML_BAG_CONNECTION:
        return define(log, &record, at, err);
    case RML_BAG_MESSAGE:
        return take_message(log, &record, at, false, out, wanted, err);
    default:
        return RML_OK;
    }
}

static rml_status next_bag(rml_log *log, rml_log_message *out, rml_error *err)
{
    bag *b = bag_of(log);
    for (;;) {
        bool wanted;
        if (b->records_at < b->records.len) {
            RML_TRY(next_in_chunk(log, out, &wanted, err));
        } else if (b->at < log->file.len) {
            RML_TRY(next_record(log, out, &wanted, err));
        } else {
            return RML_END;
        }
        if (wanted) {
            return RML_OK;
        }
    }
}

static uint64_t lost_bag(const rml_log *log)
{
    return bag_of(log)->lost;
}

static bool complete_bag(const rml_log *log, bool *has_index)
{
    *has_index = bag_of(log)->complete;
    return bag_of(log)->complete;
}

static rml_status rewind_bag(rml_log *log, rml_error *err)
{
    (void)err;
    bag *b = bag_of(log);
    b->at = RML_BAG_MAGIC_SIZE;
    b->records = (rml_bytes){0};
    b->records_at = 0;
    b->lost = b->released_to = 0;
    return RML_OK;
}

static void close_bag(rml_log *log)
{
    bag *b = bag_of(log);
    if (b == NULL) {
        return;
    }
    rml_codec_context_reset(&b->codec);
    rml_buffer_reset(&b->space);
    rml_array_reset(&b->channel_of);
}

const rml_log_format rml_log_bag = {.name = "bag",
                                    .recognised = recognised,
                                    .open = open_bag,
                                    .next = next_bag,
                                    .rewind = rewind_bag,
                                    .lost = lost_bag,
                                    .complete = complete_bag,
                                    .close = close_bag};
