// An MCAP file as a log in the order of the file: records become channels and messages, filters
// pass over whole chunks where the chunk's times or the summary's index allow it.
#include "mcap_log.h"

#define ID_COUNT 65536

static bool recognised(rml_bytes head)
{
    return rml_mcap_magic_at(head, 0);
}

// ---- Definitions -------------------------------------------------------------------------------

static bool same_schema(const rml_mcap_schema *a, const rml_mcap_schema *b)
{
    return rml_str_equal(a->name, b->name) && rml_str_equal(a->encoding, b->encoding) &&
           rml_str_equal(rml_str_of_bytes(a->data), rml_str_of_bytes(b->data));
}

static rml_status define_schema(rml_log *log, const rml_mcap_schema *schema, rml_error *err)
{
    rml_mcap_log *m = rml_mcap_of(log);
    uint32_t known = m->schema_of[schema->id];
    if (known != 0 && same_schema(RML_AT(&m->schemas, rml_mcap_schema, known - 1), schema)) {
        return RML_OK;
    }
    rml_str name, encoding, data;
    RML_TRY(rml_log_copy(log, schema->name, &name, err));
    RML_TRY(rml_log_copy(log, schema->encoding, &encoding, err));
    RML_TRY(rml_log_copy(log, rml_str_of_bytes(schema->data), &data, err));
    rml_mcap_schema *s = rml_array_push(&m->schemas, err);
    if (s == NULL) {
        return RML_ERR_MEMORY;
    }
    *s = (rml_mcap_schema){schema->id, name, encoding, rml_bytes_of_str(data)};
    m->schema_of[schema->id] = (uint32_t)m->schemas.count;
    return RML_OK;
}

static rml_status copy_pairs(rml_log *log, rml_bytes map, rml_log_channel *c, rml_error *err)
{
    rml_bytes left = map;
    rml_str key, value;
    size_t count = 0;
    while (rml_mcap_pairs_text(&left, &key, &value)) {
        count++;
    }
    rml_log_pair *pairs = RML_NEW_ARRAY(&log->arena, rml_log_pair, count + 1);
    if (pairs == NULL) {
        return rml_fail_memory(err, count * sizeof *pairs);
    }
    c->pairs = pairs;
    for (left = map; rml_mcap_pairs_text(&left, &key, &value);) {
        rml_log_pair *pair = &pairs[c->pair_count++];
        RML_TRY(rml_log_copy(log, key, &pair->key, err));
        RML_TRY(rml_log_copy(log, value, &pair->value, err));
    }
    return RML_OK;
}

// A channel that comes again is the same one; with other content under its old number it is a new
// one, to which the messages behind it belong.
static rml_status define_channel(rml_log *log, const rml_mcap_channel *channel, rml_error *err)
{
    rml_mcap_log *m = rml_mcap_of(log);
    const rml_mcap_schema none = {0};
    uint32_t index = m->schema_of[channel->schema_id];
    const rml_mcap_schema *schema =
        index == 0 ? &none : RML_AT(&m->schemas, rml_mcap_schema, index - 1);
    uint32_t known = m->channel_of[channel->id];
    if (known != 0) {
        const rml_log_channel *old = RML_AT(&log->channels, rml_log_channel, known - 1);
        if (rml_str_equal(old->topic, channel->topic) &&
            rml_str_equal(old->message_encoding, channel->message_encoding) &&
            old->schema.data == schema->data.data) {
            return RML_OK;
        }
    }
    rml_log_channel c = {.container_id = channel->id,
                         .schema_name = schema->name,
                         .schema_encoding = schema->encoding,
                         .schema = schema->data};
    RML_TRY(rml_log_copy(log, channel->topic, &c.topic, err));
    RML_TRY(rml_log_copy(log, channel->message_encoding, &c.message_encoding, err));
    RML_TRY(copy_pairs(log, channel->metadata, &c, err));
    c.id = (uint32_t)log->channels.count;
    rml_log_channel *out = rml_array_push(&log->channels, err);
    if (out == NULL) {
        return RML_ERR_MEMORY;
    }
    *out = c;
    m->channel_of[channel->id] = c.id + 1;
    return RML_OK;
}

rml_status rml_mcap_log_define(rml_log *log, const rml_mcap_record *record, rml_error *err)
{
    switch (record->opcode) {
    case RML_MCAP_HEADER:
        if (log->profile.data == NULL) {
            RML_TRY(rml_log_copy(log, record->as.header.profile, &log->profile, err));
            RML_TRY(rml_log_copy(log, record->as.header.library, &log->library, err));
        }
        return RML_OK;
    case RML_MCAP_SCHEMA:
        return define_schema(log, &record->as.schema, err);
    case RML_MCAP_CHANNEL:
        return define_channel(log, &record->as.channel, err);
    default:
        return RML_OK;
    }
}

// ---- Messages ----------------------------------------------------------------------------------

rml_mcap_where rml_mcap_log_where(const rml_log *log, const rml_mcap_chunk *chunk,
                                  const uint8_t *records)
{
    rml_codec codec;
    rml_mcap_where where = {.compression = "", .base = log->file.data};
    if (chunk != NULL && chunk->compression.len > 0) {
        (void)rml_mcap_codec(chunk->compression, &codec, &where.compression);
        where.base = records;
        where.offset = (uint64_t)(chunk->records.data - log->file.data);
        where.length = chunk->records.len;
    }
    return where;
}

rml_status rml_mcap_log_message(rml_log *log, const rml_mcap_record *record,
                                const rml_mcap_where *where, rml_log_message *out, bool *wanted,
                                rml_error *err)
{
    rml_mcap_log *m = rml_mcap_of(log);
    const rml_mcap_message *message = &record->as.message;
    uint32_t index = m->channel_of[message->channel_id];
    *wanted = false;
    if (index == 0) {
        m->lost += record->body.len;
        return rml_fail(err, RML_ERR_DATA, rml_place_byte(log->name, record->offset),
                        RML_MCAP_REMEDY,
                        "expected a channel record before its messages, found a message of "
                        "channel %u",
                        message->channel_id);
    }
    if (message->log_ns > INT64_MAX || message->publish_ns > INT64_MAX) {
        m->lost += record->body.len;
        return rml_fail(
            err, RML_ERR_DATA, rml_place_byte(log->name, record->offset), RML_MCAP_REMEDY,
            "expected times up to 9223372036854775807 ns, found log time %llu and "
            "publish time %llu",
            (unsigned long long)message->log_ns, (unsigned long long)message->publish_ns);
    }
    const rml_log_channel *channel = RML_AT(&log->channels, rml_log_channel, index - 1);
    if (!rml_log_wants_time(log, (int64_t)message->log_ns) ||
        !rml_log_wants_topic(log, channel->topic)) {
        return RML_OK;
    }
    *out = (rml_log_message){.channel = index - 1,
                             .sequence = message->sequence,
                             .log_ns = (int64_t)message->log_ns,
                             .publish_ns = (int64_t)message->publish_ns,
                             .data = message->data};
    rml_mcap_log_place(where, out);
    *wanted = true;
    return RML_OK;
}

// ---- Filters -----------------------------------------------------------------------------------

static const rml_mcap_chunk_index *index_of_chunk(const rml_mcap_log *m, uint64_t offset)
{
    size_t low = 0, high = m->index.chunks.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const rml_mcap_chunk_index *c = RML_AT(&m->index.chunks, rml_mcap_chunk_index, middle);
        if (c->chunk_offset == offset) {
            return c;
        }
        if (c->chunk_offset < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

bool rml_mcap_log_wants_chunk(const rml_log *log, uint64_t offset, uint64_t start_ns,
                              uint64_t end_ns)
{
    const rml_mcap_log *m = rml_mcap_of(log);
    const rml_log_options *o = &log->options;
    // Without all channels from the summary a chunk that is passed over could define one.
    if (!m->channels_known) {
        return true;
    }
    if ((o->start_ns > 0 && end_ns < (uint64_t)o->start_ns) ||
        (o->end_ns > 0 && start_ns >= (uint64_t)o->end_ns)) {
        return false;
    }
    const rml_mcap_chunk_index *chunk = index_of_chunk(m, offset);
    if (o->topics == NULL || chunk == NULL || chunk->message_index_offsets.len == 0) {
        return true;
    }
    rml_bytes left = chunk->message_index_offsets;
    uint16_t id;
    uint64_t ignored;
    while (rml_mcap_pairs_u16(&left, &id, &ignored)) {
        uint32_t index = m->channel_of[id];
        if (index == 0 ||
            rml_log_wants_topic(log, RML_AT(&log->channels, rml_log_channel, index - 1)->topic)) {
            return true;
        }
    }
    return false;
}

static bool reader_wants(void *context, const rml_mcap_record *record)
{
    const rml_log *log = context;
    return rml_mcap_log_wants_chunk(log, record->offset, record->as.chunk.start_ns,
                                    record->as.chunk.end_ns);
}

// ---- The format --------------------------------------------------------------------------------

// Channels and chunks of the summary. One that is damaged is as good as none: reading front to back
// tells the damage when it gets there.
static rml_status take_summary(rml_log *log, rml_error *err)
{
    rml_mcap_log *m = rml_mcap_of(log);
    if (rml_mcap_index_load(&m->index, log->file, log->name, log->options.skip_crc, NULL)) {
        rml_mcap_index_reset(&m->index);
        return RML_OK;
    }
    for (size_t i = 0; i < m->index.records.count; i++) {
        RML_TRY(rml_mcap_log_define(log, RML_AT(&m->index.records, rml_mcap_record, i), err));
    }
    const rml_mcap_record *statistics = m->index.statistics;
    m->channels_known = statistics != NULL &&
                        log->channels.count == statistics->as.statistics.channel_count &&
                        m->index.chunks.count == statistics->as.statistics.chunk_count;
    return RML_OK;
}

// So that profile and library are known before the first message; damage is told by the reader.
static rml_status take_header(rml_log *log, rml_error *err)
{
    uint8_t opcode;
    rml_bytes body;
    rml_mcap_record record;
    if (rml_mcap_frame(log->file, RML_MCAP_MAGIC_SIZE, &opcode, &body) &&
        opcode == RML_MCAP_HEADER &&
        rml_mcap_record_parse(opcode, body, rml_place_file(log->name), &record, NULL) == RML_OK) {
        return rml_mcap_log_define(log, &record, err);
    }
    return RML_OK;
}

// In the order asked for, from the first message on.
static rml_status begin_reading(rml_log *log, rml_error *err)
{
    rml_mcap_log *m = rml_mcap_of(log);
    const rml_log_options *o = &log->options;
    m->plain = o->topics == NULL && o->start_ns == 0 && o->end_ns == 0;
    if (log->options.order == RML_LOG_TIME_ORDER && !log->spills) {
        RML_TRY(rml_mcap_time_open(log, err));
        log->spills = !rml_mcap_time_fits(log);
        if (!log->spills) {
            return RML_OK;
        }
        rml_mcap_time_close(m->time);
        m->time = NULL;
        m->lost = 0;
    }
    const rml_mcap_reader_options options = {.skip_crc = log->options.skip_crc,
                                             .threads = log->options.threads,
                                             .memory_max = log->options.memory_max};
    RML_TRY(rml_mcap_reader_over(log->file, log->name, &options, &m->reader, err));
    rml_mcap_reader_release(m->reader, &log->object);
    rml_mcap_reader_filter(m->reader, reader_wants, log);
    m->walk = rml_mcap_reader_walk(m->reader);
    return RML_OK;
}

static rml_status open_mcap(rml_log *log, rml_error *err)
{
    rml_mcap_log *m = rml_arena_make(&log->arena, sizeof(*m));
    if (m == NULL) {
        return rml_fail_memory(err, sizeof(*m));
    }
    log->state = m;
    m->schemas = RML_ARRAY(rml_mcap_schema);
    m->extras = RML_ARRAY(rml_log_extra);
    m->channel_of = rml_heap_make(ID_COUNT * sizeof(uint32_t));
    m->schema_of = rml_heap_make(ID_COUNT * sizeof(uint32_t));
    if (m->channel_of == NULL || m->schema_of == NULL) {
        return rml_fail_memory(err, ID_COUNT * sizeof(uint32_t));
    }
    RML_TRY(take_header(log, err));
    if (!log->options.stream) {
        RML_TRY(take_summary(log, err));
    }
    return begin_reading(log, err);
}

static rml_status rewind_mcap(rml_log *log, rml_error *err)
{
    rml_mcap_log *m = rml_mcap_of(log);
    rml_mcap_reader_close(m->reader);
    rml_mcap_time_close(m->time);
    m->reader = NULL;
    m->time = NULL;
    m->lost = 0;
    return begin_reading(log, err);
}

// The next message that is wanted, whatever lies before it.
static rml_status next_record(rml_log *log, rml_mcap_log *m, rml_log_message *out, rml_error *err)
{
    for (;;) {
        rml_mcap_record record;
        RML_TRY(rml_mcap_reader_next(m->reader, &record, err));
        if (record.opcode != RML_MCAP_MESSAGE) {
            RML_TRY(rml_mcap_log_define(log, &record, err));
            continue;
        }
        m->where = rml_mcap_log_where(
            log, record.in_chunk ? rml_mcap_reader_chunk(m->reader) : NULL, m->walk->records.data);
        bool wanted;
        RML_TRY(rml_mcap_log_message(log, &record, &m->where, out, &wanted, err));
        if (wanted) {
            return RML_OK;
        }
    }
}

static rml_status next_mcap(rml_log *log, rml_log_message *out, rml_error *err)
{
    rml_mcap_log *m = rml_mcap_of(log);
    // The first message of a chunk is a record among others; those behind it need no closer look.
    rml_mcap_walk walk = *m->walk;
    rml_bytes body;
    if (!m->plain || !rml_mcap_walk_message(&walk, &body) || !rml_mcap_log_plain(m, body, out)) {
        return m->time != NULL ? rml_mcap_time_next(log, out, err) : next_record(log, m, out, err);
    }
    m->walk->at = walk.at;
    rml_mcap_log_place(&m->where, out);
    return RML_OK;
}

static uint64_t lost_mcap(const rml_log *log)
{
    const rml_mcap_log *m = rml_mcap_of(log);
    return m->lost + (m->reader == NULL ? 0 : rml_mcap_reader_lost(m->reader));
}

static bool complete_mcap(const rml_log *log, bool *has_index)
{
    rml_mcap_index index;
    bool whole =
        rml_mcap_index_load(&index, log->file, log->name, false, NULL) == RML_OK && index.whole;
    *has_index = index.chunks.count > 0;
    rml_mcap_index_reset(&index);
    return whole;
}

static void close_mcap(rml_log *log)
{
    rml_mcap_log *m = rml_mcap_of(log);
    if (m == NULL) {
        return;
    }
    rml_mcap_reader_close(m->reader);
    rml_mcap_time_close(m->time);
    rml_mcap_index_reset(&m->index);
    rml_array_reset(&m->schemas);
    rml_array_reset(&m->extras);
    rml_heap_free(m->channel_of);
    rml_heap_free(m->schema_of);
}

const rml_log_format rml_log_mcap = {.name = "mcap",
                                     .recognised = recognised,
                                     .open = open_mcap,
                                     .next = next_mcap,
                                     .rewind = rewind_mcap,
                                     .orders = true,
                                     .extra = rml_mcap_extra,
                                     .summary = rml_mcap_summary,
                                     .lost = lost_mcap,
                                     .complete = complete_mcap,
                                     .close = close_mcap};
