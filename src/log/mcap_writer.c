// Writes an MCAP file: chunks with message indexes, a summary with statistics, every CRC (MCAP
// specification version 0, "Data Section", "Summary Section"), each part that may be left out
// behind a switch. The bytes depend on the calls and on the compressor alone.
#include <string.h>

#include "mcap_record.h"
#include "roadmill/store.h"

#define KEPT_CHUNKS 8 // a chunk buffer of more than so many chunks is given back
#define CHUNK_SIZE_DEFAULT ((size_t)1 << 20)
#define ID_MAX 65535

typedef struct schema_entry {
    rml_str name, encoding;
    rml_bytes data;
    bool written; // into a chunk
} schema_entry;

typedef struct channel_entry {
    uint16_t schema_id;
    rml_str topic, message_encoding;
    rml_bytes pairs; // as they stand in the record
    bool written;
    uint64_t messages;
    rml_array index; // index_entry of the chunk under way
} channel_entry;

typedef struct index_entry {
    uint64_t log_ns, offset;
} index_entry;

typedef struct chunk_entry {
    uint64_t start_ns, end_ns, offset, length, index_length;
    uint64_t compressed_size, uncompressed_size;
    rml_array index_offsets; // index_offset
} chunk_entry;

typedef struct index_offset {
    uint16_t channel_id;
    uint64_t offset;
} index_offset;

// An attachment or a metadata record, for its index.
typedef struct extra_entry {
    bool is_metadata;
    uint64_t offset, length, log_ns, create_ns, data_size;
    rml_str name, media_type;
} extra_entry;

struct rml_mcap_writer {
    rml_store_writer file;
    rml_arena arena;
    rml_mcap_writer_options options;
    rml_array schemas;  // schema_entry, id is index + 1
    rml_array channels; // channel_entry, id is index
    rml_array chunks;   // chunk_entry
    rml_array extras;   // extra_entry
    rml_buffer chunk, compressed, record;
    rml_codec_context codec;
    uint64_t at; // bytes of the file so far
    uint32_t crc;
    uint64_t messages, start_ns, end_ns;
    uint64_t chunk_messages, chunk_start_ns, chunk_end_ns;
};

// ---- Bytes of records. A record is put together in a buffer: frame, fields, then its length
// ------

static rml_status put_u8(rml_buffer *b, uint8_t v, rml_error *err)
{
    return rml_buffer_append(b, &v, 1, err);
}

static rml_status put_u16(rml_buffer *b, uint16_t v, rml_error *err)
{
    uint8_t raw[2];
    rml_save_u16(raw, v);
    return rml_buffer_append(b, raw, sizeof raw, err);
}

static rml_status put_u32(rml_buffer *b, uint32_t v, rml_error *err)
{
    uint8_t raw[4];
    rml_save_u32(raw, v);
    return rml_buffer_append(b, raw, sizeof raw, err);
}

static rml_status put_u64(rml_buffer *b, uint64_t v, rml_error *err)
{
    uint8_t raw[8];
    rml_save_u64(raw, v);
    return rml_buffer_append(b, raw, sizeof raw, err);
}

static rml_status put_text(rml_buffer *b, rml_str text, rml_error *err)
{
    if (text.len > UINT32_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, NULL,
                        "expected text of at most 4294967295 bytes, found %zu", text.len);
    }
    RML_TRY(put_u32(b, (uint32_t)text.len, err));
    return rml_buffer_str(b, text, err);
}

static rml_status record_begin(rml_buffer *b, rml_mcap_opcode opcode, size_t *start, rml_error *err)
{
    *start = b->len;
    RML_TRY(put_u8(b, (uint8_t)opcode, err));
    return put_u64(b, 0, err);
}

static void record_end(rml_buffer *b, size_t start)
{
    rml_save_u64(b->data + start + 1, b->len - start - RML_MCAP_FRAME);
}

static rml_status write_bytes(rml_mcap_writer *w, const void *data, size_t len, rml_error *err)
{
    RML_TRY(rml_store_writer_write(&w->file, data, len, err));
    w->crc = rml_crc32(w->crc, data, len);
    w->at += len;
    return RML_OK;
}

// What stands in w->record, into the file.
static rml_status write_record(rml_mcap_writer *w, rml_error *err)
{
    rml_status st = write_bytes(w, w->record.data, w->record.len, err);
    rml_buffer_clear(&w->record);
    return st;
}

static rml_status put_schema(rml_buffer *b, uint16_t id, const schema_entry *s, rml_error *err)
{
    size_t start;
    RML_TRY(record_begin(b, RML_MCAP_SCHEMA, &start, err));
    RML_TRY(put_u16(b, id, err));
    RML_TRY(put_text(b, s->name, err));
    RML_TRY(put_text(b, s->encoding, err));
    RML_TRY(put_text(b, rml_str_of_bytes(s->data), err));
    record_end(b, start);
    return RML_OK;
}

static rml_status put_channel(rml_buffer *b, uint16_t id, const channel_entry *c, rml_error *err)
{
    size_t start;
    RML_TRY(record_begin(b, RML_MCAP_CHANNEL, &start, err));
    RML_TRY(put_u16(b, id, err));
    RML_TRY(put_u16(b, c->schema_id, err));
    RML_TRY(put_text(b, c->topic, err));
    RML_TRY(put_text(b, c->message_encoding, err));
    RML_TRY(put_text(b, rml_str_of_bytes(c->pairs), err));
    record_end(b, start);
    return RML_OK;
}

// ---- Open and define ---------------------------------------------------------------------------

static rml_status copy_text(rml_mcap_writer *w, rml_str from, rml_str *to, rml_error *err)
{
    *to = rml_arena_str(&w->arena, from);
    return to->data == NULL ? rml_fail_memory(err, from.len) : RML_OK;
}

static rml_status begin_file(rml_mcap_writer *w, rml_error *err)
{
    size_t start;
    RML_TRY(write_bytes(w, RML_MCAP_MAGIC, RML_MCAP_MAGIC_SIZE, err));
    RML_TRY(record_begin(&w->record, RML_MCAP_HEADER, &start, err));
    RML_TRY(put_text(&w->record, w->options.profile, err));
    RML_TRY(put_text(&w->record, w->options.library, err));
    record_end(&w->record, start);
    return write_record(w, err);
}

rml_status rml_mcap_writer_open(const char *path, const rml_mcap_writer_options *options,
                                rml_mcap_writer **out, rml_error *err)
{
    rml_mcap_writer *w = rml_heap_make(sizeof(*w));
    if (w == NULL) {
        return rml_fail_memory(err, sizeof(*w));
    }
    w->schemas = RML_ARRAY(schema_entry);
    w->channels = RML_ARRAY(channel_entry);
    w->chunks = RML_ARRAY(chunk_entry);
    w->extras = RML_ARRAY(extra_entry);
    if (options != NULL) {
        w->options = *options;
    }
    if (w->options.chunk_size == 0) {
        w->options.chunk_size = CHUNK_SIZE_DEFAULT;
    }
    rml_status st = rml_store_writer_open(&w->file, rml_str_of(path), err);
    st = st ? st : begin_file(w, err);
    if (st) {
        rml_mcap_writer_close(w);
        return st;
    }
    *out = w;
    return RML_OK;
}

rml_status rml_mcap_writer_schema(rml_mcap_writer *w, rml_str name, rml_str encoding,
                                  rml_bytes data, uint16_t *id, rml_error *err)
{
    schema_entry s = {0};
    rml_str copy;
    // 0 means "no schema", so one number less than of channels.
    if (w->schemas.count >= ID_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, NULL,
                        "expected at most %d schemas in a file", ID_MAX);
    }
    RML_TRY(copy_text(w, name, &s.name, err));
    RML_TRY(copy_text(w, encoding, &s.encoding, err));
    RML_TRY(copy_text(w, rml_str_of_bytes(data), &copy, err));
    s.data = rml_bytes_of_str(copy);
    schema_entry *place = rml_array_push(&w->schemas, err);
    if (place == NULL) {
        return RML_ERR_MEMORY;
    }
    *place = s;
    *id = (uint16_t)w->schemas.count;
    return RML_OK;
}

static uint16_t id_of(const rml_mcap_writer *w, size_t channel)
{
    return (uint16_t)(w->options.first_channel_id + channel);
}

// The channel of an id; NULL if there is none.
static channel_entry *channel_of(const rml_mcap_writer *w, uint16_t id)
{
    size_t index = (size_t)id - w->options.first_channel_id;
    return id >= w->options.first_channel_id && index < w->channels.count
               ? RML_AT(&w->channels, channel_entry, index)
               : NULL;
}

rml_status rml_mcap_writer_channel(rml_mcap_writer *w, uint16_t schema_id, rml_str topic,
                                   rml_str message_encoding, uint16_t *id, rml_error *err)
{
    channel_entry c = {.schema_id = schema_id, .index = RML_ARRAY(index_entry)};
    if (w->channels.count + w->options.first_channel_id > ID_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, NULL,
                        "expected channel ids of at most %d", ID_MAX);
    }
    if (schema_id > w->schemas.count) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected a schema made before (1 to %zu, or 0 for none), found %u",
                        w->schemas.count, schema_id);
    }
    RML_TRY(copy_text(w, topic, &c.topic, err));
    RML_TRY(copy_text(w, message_encoding, &c.message_encoding, err));
    channel_entry *place = rml_array_push(&w->channels, err);
    if (place == NULL) {
        return RML_ERR_MEMORY;
    }
    *place = c;
    *id = id_of(w, w->channels.count - 1);
    return RML_OK;
}

static rml_status put_pairs(rml_buffer *b, const rml_log_pair *pairs, size_t count, rml_error *err)
{
    for (size_t i = 0; i < count; i++) {
        RML_TRY(put_text(b, pairs[i].key, err));
        RML_TRY(put_text(b, pairs[i].value, err));
    }
    return RML_OK;
}

rml_status rml_mcap_writer_channel_pairs(rml_mcap_writer *w, uint16_t channel_id,
                                         const rml_log_pair *pairs, size_t count, rml_error *err)
{
    channel_entry *c = channel_of(w, channel_id);
    rml_buffer text = {0};
    rml_str copy = {0};
    if (c == NULL || c->written) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected a channel that has no messages yet, found %u", channel_id);
    }
    rml_status st = put_pairs(&text, pairs, count, err);
    st = st ? st : copy_text(w, rml_buffer_text(&text), &copy, err);
    rml_buffer_reset(&text);
    c->pairs = rml_bytes_of_str(copy);
    return st;
}

// ---- Outside of chunks -------------------------------------------------------------------------

static rml_status add_extra(rml_mcap_writer *w, extra_entry e, rml_str name, rml_str media_type,
                            rml_error *err)
{
    RML_TRY(copy_text(w, name, &e.name, err));
    RML_TRY(copy_text(w, media_type, &e.media_type, err));
    e.offset = w->at;
    e.length = w->record.len;
    extra_entry *place = rml_array_push(&w->extras, err);
    if (place == NULL) {
        return RML_ERR_MEMORY;
    }
    *place = e;
    return write_record(w, err);
}

rml_status rml_mcap_writer_attachment(rml_mcap_writer *w, rml_str name, rml_str media_type,
                                      int64_t log_ns, int64_t create_ns, rml_bytes data,
                                      rml_error *err)
{
    size_t start;
    RML_TRY(record_begin(&w->record, RML_MCAP_ATTACHMENT, &start, err));
    size_t body = w->record.len;
    RML_TRY(put_u64(&w->record, (uint64_t)log_ns, err));
    RML_TRY(put_u64(&w->record, (uint64_t)create_ns, err));
    RML_TRY(put_text(&w->record, name, err));
    RML_TRY(put_text(&w->record, media_type, err));
    RML_TRY(put_u64(&w->record, data.len, err));
    RML_TRY(rml_buffer_append(&w->record, data.data, data.len, err));
    RML_TRY(put_u32(&w->record, rml_crc32(0, w->record.data + body, w->record.len - body), err));
    record_end(&w->record, start);
    return add_extra(w,
                     (extra_entry){.log_ns = (uint64_t)log_ns,
                                   .create_ns = (uint64_t)create_ns,
                                   .data_size = data.len},
                     name, media_type, err);
}

rml_status rml_mcap_writer_metadata(rml_mcap_writer *w, rml_str name, const rml_log_pair *pairs,
                                    size_t count, rml_error *err)
{
    size_t start;
    rml_buffer text = {0};
    rml_status st = record_begin(&w->record, RML_MCAP_METADATA, &start, err);
    st = st ? st : put_text(&w->record, name, err);
    st = st ? st : put_pairs(&text, pairs, count, err);
    st = st ? st : put_text(&w->record, rml_buffer_text(&text), err);
    rml_buffer_reset(&text);
    RML_TRY(st);
    record_end(&w->record, start);
    return add_extra(w, (extra_entry){.is_metadata = true}, name, (rml_str){0}, err);
}

// ---- Chunks ------------------------------------------------------------------------------------

// The chunk's records as they go into the file: compressed, or as they are.
static rml_status compress_chunk(rml_mcap_writer *w, rml_bytes *out, rml_str *name, rml_error *err)
{
    static const struct {
        rml_str name;
        rml_codec codec;
    } kinds[] = {[RML_MCAP_ZSTD] = {{"zstd", 4}, RML_CODEC_ZSTD},
                 [RML_MCAP_LZ4] = {{"lz4", 3}, RML_CODEC_LZ4},
                 [RML_MCAP_NONE] = {{"", 0}, RML_CODEC_NONE}};
    *name = kinds[w->options.compression].name;
    *out = rml_buffer_bytes(&w->chunk);
    if (w->options.compression == RML_MCAP_NONE) {
        return RML_OK;
    }
    rml_buffer_clear(&w->compressed);
    RML_TRY(
        rml_compress(&w->codec, kinds[w->options.compression].codec, 0, *out, &w->compressed, err));
    *out = rml_buffer_bytes(&w->compressed);
    return RML_OK;
}

// The message indexes of the chunk, by rising channel id.
static rml_status write_message_indexes(rml_mcap_writer *w, chunk_entry *chunk, rml_error *err)
{
    for (size_t i = 0; i < w->channels.count; i++) {
        channel_entry *c = RML_AT(&w->channels, channel_entry, i);
        if (c->index.count == 0) {
            continue;
        }
        if (w->options.no_message_index) {
            rml_array_clear(&c->index);
            continue;
        }
        index_offset *at = rml_array_push(&chunk->index_offsets, err);
        if (at == NULL) {
            return RML_ERR_MEMORY;
        }
        *at = (index_offset){id_of(w, i), w->at};
        size_t start;
        RML_TRY(record_begin(&w->record, RML_MCAP_MESSAGE_INDEX, &start, err));
        RML_TRY(put_u16(&w->record, id_of(w, i), err));
        RML_TRY(put_u32(&w->record, (uint32_t)(c->index.count * 16), err));
        for (size_t k = 0; k < c->index.count; k++) {
            const index_entry *e = RML_AT(&c->index, index_entry, k);
            RML_TRY(put_u64(&w->record, e->log_ns, err));
            RML_TRY(put_u64(&w->record, e->offset, err));
        }
        record_end(&w->record, start);
        RML_TRY(write_record(w, err));
        rml_array_clear(&c->index);
    }
    chunk->index_length = w->at - chunk->offset - chunk->length;
    return RML_OK;
}

// What a large message needed is given back at once.
static void end_chunk(rml_mcap_writer *w)
{
    if (w->chunk.capacity > KEPT_CHUNKS * w->options.chunk_size) {
        rml_buffer_reset(&w->chunk);
        rml_buffer_reset(&w->compressed);
    }
    rml_buffer_clear(&w->chunk);
    w->chunk_messages = 0;
}

static rml_status write_chunk(rml_mcap_writer *w, rml_error *err)
{
    if (w->chunk_messages == 0) {
        return RML_OK;
    }
    rml_bytes stored;
    rml_str compression;
    RML_TRY(compress_chunk(w, &stored, &compression, err));
    chunk_entry *chunk = rml_array_push(&w->chunks, err);
    if (chunk == NULL) {
        return RML_ERR_MEMORY;
    }
    *chunk = (chunk_entry){.start_ns = w->chunk_start_ns,
                           .end_ns = w->chunk_end_ns,
                           .offset = w->at,
                           .compressed_size = stored.len,
                           .uncompressed_size = w->chunk.len,
                           .index_offsets = RML_ARRAY(index_offset)};
    size_t start;
    RML_TRY(record_begin(&w->record, RML_MCAP_CHUNK, &start, err));
    RML_TRY(put_u64(&w->record, chunk->start_ns, err));
    RML_TRY(put_u64(&w->record, chunk->end_ns, err));
    RML_TRY(put_u64(&w->record, w->chunk.len, err));
    RML_TRY(put_u32(&w->record, rml_crc32(0, w->chunk.data, w->chunk.len), err));
    RML_TRY(put_text(&w->record, compression, err));
    RML_TRY(put_u64(&w->record, stored.len, err));
    rml_save_u64(w->record.data + start + 1, w->record.len - start - RML_MCAP_FRAME + stored.len);
    chunk->length = w->record.len + stored.len;
    RML_TRY(write_record(w, err));
    RML_TRY(write_bytes(w, stored.data, stored.len, err));
    end_chunk(w);
    return write_message_indexes(w, chunk, err);
}

// Schema and channel stand before the channel's first message, where it stands: in the chunk, or
// without chunks in the file.
static rml_status define(rml_mcap_writer *w, rml_buffer *to, uint16_t channel_id, channel_entry *c,
                         rml_error *err)
{
    if (c->written) {
        return RML_OK;
    }
    if (c->schema_id != 0) {
        schema_entry *s = RML_AT(&w->schemas, schema_entry, c->schema_id - 1);
        if (!s->written) {
            RML_TRY(put_schema(to, c->schema_id, s, err));
            s->written = true;
        }
    }
    RML_TRY(put_channel(to, channel_id, c, err));
    c->written = true;
    return RML_OK;
}

rml_status rml_mcap_writer_message(rml_mcap_writer *w, uint16_t channel_id, uint32_t sequence,
                                   int64_t log_ns, int64_t publish_ns, rml_bytes data,
                                   rml_error *err)
{
    channel_entry *c = channel_of(w, channel_id);
    if (c == NULL || log_ns < 0 || publish_ns < 0) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected one of %zu channels and times from 0 on, found channel %u, log "
                        "time %lld, publish time %lld",
                        w->channels.count, channel_id, (long long)log_ns, (long long)publish_ns);
    }
    rml_buffer *to = w->options.no_chunks ? &w->record : &w->chunk;
    RML_TRY(define(w, to, channel_id, c, err));
    index_entry *e = w->options.no_chunks ? NULL : rml_array_push(&c->index, err);
    if (e != NULL) {
        *e = (index_entry){(uint64_t)log_ns, w->chunk.len};
    } else if (!w->options.no_chunks) {
        return RML_ERR_MEMORY;
    }
    size_t start;
    RML_TRY(record_begin(to, RML_MCAP_MESSAGE, &start, err));
    RML_TRY(put_u16(to, channel_id, err));
    RML_TRY(put_u32(to, sequence, err));
    RML_TRY(put_u64(to, (uint64_t)log_ns, err));
    RML_TRY(put_u64(to, (uint64_t)publish_ns, err));
    RML_TRY(rml_buffer_append(to, data.data, data.len, err));
    record_end(to, start);
    uint64_t t = (uint64_t)log_ns;
    w->chunk_start_ns = w->chunk_messages == 0 || t < w->chunk_start_ns ? t : w->chunk_start_ns;
    w->chunk_end_ns = w->chunk_messages == 0 || t > w->chunk_end_ns ? t : w->chunk_end_ns;
    w->start_ns = w->messages == 0 || t < w->start_ns ? t : w->start_ns;
    w->end_ns = w->messages == 0 || t > w->end_ns ? t : w->end_ns;
    w->messages++;
    c->messages++;
    if (w->options.no_chunks) {
        return write_record(w, err);
    }
    w->chunk_messages++;
    return w->chunk.len >= w->options.chunk_size ? write_chunk(w, err) : RML_OK;
}

// ---- Summary -----------------------------------------------------------------------------------

static rml_status put_statistics(rml_mcap_writer *w, rml_error *err)
{
    size_t start, used = 0;
    RML_TRY(record_begin(&w->record, RML_MCAP_STATISTICS, &start, err));
    RML_TRY(put_u64(&w->record, w->messages, err));
    RML_TRY(put_u16(&w->record, (uint16_t)w->schemas.count, err));
    RML_TRY(put_u32(&w->record, (uint32_t)w->channels.count, err));
    size_t metadata = 0;
    for (size_t i = 0; i < w->extras.count; i++) {
        metadata += RML_AT(&w->extras, extra_entry, i)->is_metadata;
    }
    RML_TRY(put_u32(&w->record, (uint32_t)(w->extras.count - metadata), err));
    RML_TRY(put_u32(&w->record, (uint32_t)metadata, err));
    RML_TRY(put_u32(&w->record, (uint32_t)w->chunks.count, err));
    RML_TRY(put_u64(&w->record, w->start_ns, err));
    RML_TRY(put_u64(&w->record, w->end_ns, err));
    for (size_t i = 0; i < w->channels.count; i++) {
        used += RML_AT(&w->channels, channel_entry, i)->messages > 0;
    }
    RML_TRY(put_u32(&w->record, (uint32_t)(used * 10), err));
    for (size_t i = 0; i < w->channels.count; i++) {
        uint64_t messages = RML_AT(&w->channels, channel_entry, i)->messages;
        if (messages > 0) {
            RML_TRY(put_u16(&w->record, id_of(w, i), err));
            RML_TRY(put_u64(&w->record, messages, err));
        }
    }
    record_end(&w->record, start);
    return RML_OK;
}

static rml_status put_chunk_index(rml_mcap_writer *w, const chunk_entry *c, rml_error *err)
{
    static const rml_str names[] = {
        [RML_MCAP_ZSTD] = {"zstd", 4}, [RML_MCAP_LZ4] = {"lz4", 3}, [RML_MCAP_NONE] = {"", 0}};
    size_t start;
    RML_TRY(record_begin(&w->record, RML_MCAP_CHUNK_INDEX, &start, err));
    RML_TRY(put_u64(&w->record, c->start_ns, err));
    RML_TRY(put_u64(&w->record, c->end_ns, err));
    RML_TRY(put_u64(&w->record, c->offset, err));
    RML_TRY(put_u64(&w->record, c->length, err));
    RML_TRY(put_u32(&w->record, (uint32_t)(c->index_offsets.count * 10), err));
    for (size_t i = 0; i < c->index_offsets.count; i++) {
        const index_offset *o = RML_AT(&c->index_offsets, index_offset, i);
        RML_TRY(put_u16(&w->record, o->channel_id, err));
        RML_TRY(put_u64(&w->record, o->offset, err));
    }
    RML_TRY(put_u64(&w->record, c->index_length, err));
    RML_TRY(put_text(&w->record, names[w->options.compression], err));
    RML_TRY(put_u64(&w->record, c->compressed_size, err));
    RML_TRY(put_u64(&w->record, c->uncompressed_size, err));
    record_end(&w->record, start);
    return RML_OK;
}

static rml_status put_schemas(rml_mcap_writer *w, rml_error *err)
{
    for (size_t i = 0; i < w->schemas.count; i++) {
        RML_TRY(
            put_schema(&w->record, (uint16_t)(i + 1), RML_AT(&w->schemas, schema_entry, i), err));
    }
    return RML_OK;
}

static rml_status put_channels(rml_mcap_writer *w, rml_error *err)
{
    for (size_t i = 0; i < w->channels.count; i++) {
        RML_TRY(put_channel(&w->record, id_of(w, i), RML_AT(&w->channels, channel_entry, i), err));
    }
    return RML_OK;
}

static rml_status put_chunk_indexes(rml_mcap_writer *w, rml_error *err)
{
    for (size_t i = 0; i < w->chunks.count; i++) {
        RML_TRY(put_chunk_index(w, RML_AT(&w->chunks, chunk_entry, i), err));
    }
    return RML_OK;
}

static rml_status put_extra_indexes(rml_mcap_writer *w, bool metadata, rml_error *err)
{
    for (size_t i = 0; i < w->extras.count; i++) {
        const extra_entry *e = RML_AT(&w->extras, extra_entry, i);
        size_t start;
        if (e->is_metadata != metadata) {
            continue;
        }
        rml_mcap_opcode opcode = metadata ? RML_MCAP_METADATA_INDEX : RML_MCAP_ATTACHMENT_INDEX;
        RML_TRY(record_begin(&w->record, opcode, &start, err));
        RML_TRY(put_u64(&w->record, e->offset, err));
        RML_TRY(put_u64(&w->record, e->length, err));
        if (!metadata) {
            RML_TRY(put_u64(&w->record, e->log_ns, err));
            RML_TRY(put_u64(&w->record, e->create_ns, err));
            RML_TRY(put_u64(&w->record, e->data_size, err));
        }
        RML_TRY(put_text(&w->record, e->name, err));
        RML_TRY(metadata ? RML_OK : put_text(&w->record, e->media_type, err));
        record_end(&w->record, start);
    }
    return RML_OK;
}

static rml_status put_attachment_indexes(rml_mcap_writer *w, rml_error *err)
{
    return put_extra_indexes(w, false, err);
}

static rml_status put_metadata_indexes(rml_mcap_writer *w, rml_error *err)
{
    return put_extra_indexes(w, true, err);
}

#define GROUPS 6

// Summary, summary offsets and footer, put together in w->record and written at once.
static rml_status write_summary(rml_mcap_writer *w, rml_error *err)
{
    const rml_mcap_writer_options *o = &w->options;
    const struct {
        rml_mcap_opcode opcode;
        bool left_out;
        rml_status (*put)(rml_mcap_writer *w, rml_error *err);
    } groups[GROUPS] = {
        {RML_MCAP_SCHEMA, o->no_summary_schemas, put_schemas},
        {RML_MCAP_CHANNEL, o->no_summary_channels, put_channels},
        {RML_MCAP_STATISTICS, o->no_statistics, put_statistics},
        {RML_MCAP_CHUNK_INDEX, o->no_chunk_index, put_chunk_indexes},
        {RML_MCAP_ATTACHMENT_INDEX, o->no_attachment_index, put_attachment_indexes},
        {RML_MCAP_METADATA_INDEX, o->no_metadata_index, put_metadata_indexes},
    };
    size_t ends[GROUPS];
    for (size_t i = 0; i < GROUPS; i++) {
        RML_TRY(groups[i].left_out ? RML_OK : groups[i].put(w, err));
        ends[i] = w->record.len;
    }
    bool empty = ends[GROUPS - 1] == 0;
    uint64_t summary_start = empty ? 0 : w->at;
    uint64_t offsets_start = empty || o->no_summary_offsets ? 0 : w->at + w->record.len;
    for (size_t i = 0, from = 0; i < GROUPS && offsets_start != 0; from = ends[i++]) {
        if (ends[i] == from) {
            continue;
        }
        size_t start;
        RML_TRY(record_begin(&w->record, RML_MCAP_SUMMARY_OFFSET, &start, err));
        RML_TRY(put_u8(&w->record, (uint8_t)groups[i].opcode, err));
        RML_TRY(put_u64(&w->record, summary_start + from, err));
        RML_TRY(put_u64(&w->record, ends[i] - from, err));
        record_end(&w->record, start);
    }
    size_t start;
    RML_TRY(record_begin(&w->record, RML_MCAP_FOOTER, &start, err));
    RML_TRY(put_u64(&w->record, summary_start, err));
    RML_TRY(put_u64(&w->record, offsets_start, err));
    rml_save_u64(w->record.data + start + 1, 20);
    RML_TRY(put_u32(&w->record, rml_crc32(0, w->record.data, w->record.len), err));
    return write_record(w, err);
}

rml_status rml_mcap_writer_finish(rml_mcap_writer *w, rml_error *err)
{
    size_t start;
    RML_TRY(write_chunk(w, err));
    RML_TRY(record_begin(&w->record, RML_MCAP_DATA_END, &start, err));
    RML_TRY(put_u32(&w->record, w->options.no_data_crc ? 0 : w->crc, err));
    record_end(&w->record, start);
    RML_TRY(write_record(w, err));
    RML_TRY(write_summary(w, err));
    RML_TRY(write_bytes(w, RML_MCAP_MAGIC, RML_MCAP_MAGIC_SIZE, err));
    return rml_store_writer_commit(&w->file, true, err);
}

void rml_mcap_writer_close(rml_mcap_writer *w)
{
    if (w == NULL) {
        return;
    }
    rml_store_writer_close(&w->file);
    for (size_t i = 0; i < w->channels.count; i++) {
        rml_array_reset(&RML_AT(&w->channels, channel_entry, i)->index);
    }
    for (size_t i = 0; i < w->chunks.count; i++) {
        rml_array_reset(&RML_AT(&w->chunks, chunk_entry, i)->index_offsets);
    }
    rml_array_reset(&w->schemas);
    rml_array_reset(&w->channels);
    rml_array_reset(&w->chunks);
    rml_array_reset(&w->extras);
    rml_buffer_reset(&w->chunk);
    rml_buffer_reset(&w->compressed);
    rml_buffer_reset(&w->record);
    rml_codec_context_reset(&w->codec);
    rml_arena_reset(&w->arena);
    rml_heap_free(w);
}
