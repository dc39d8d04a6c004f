// Every record of an MCAP file, front to back (MCAP specification, "File Structure"). Damage costs
// the record or the chunk that it stands in; after a torn frame the chunk index of the summary, if
// it survived, says where reading can go on.
#include <string.h>

#include "mcap_record.h"
#include "roadmill/os.h"

struct rml_mcap_reader {
    rml_bytes file;
    rml_object object;       // the file, when the reader opened it
    const rml_object *pages; // whose pages are handed back behind the reader; NULL: nobody's
    rml_arena arena;
    rml_str name;
    rml_mcap_reader_options options;
    bool begun, over;
    uint64_t at;    // of the next top-level record
    uint64_t limit; // records end here: before the magic, or the end of a cut file
    // The chunk under way.
    rml_mcap_walk walk;
    uint64_t chunk_offset;
    rml_mcap_ahead *ahead; // NULL: every chunk is opened here
    rml_buffer space;
    rml_codec_context codec;
    // The CRC over the data section, kept up as reading goes on, if the file has one.
    bool data_crc_wanted;
    uint32_t data_crc;
    uint64_t data_crc_to;
    uint64_t released_to;
    uint64_t lost;
    bool footer_seen;
    rml_mcap_chunk chunk; // the one under way
    bool (*wants)(void *context, const rml_mcap_record *chunk);
    void *wants_context;
};

// How many bytes behind the reader may stay in memory before they are handed back.
#define RELEASE_STEP ((uint64_t)16 << 20)

static rml_place place_at(const rml_mcap_reader *r, uint64_t offset)
{
    return rml_place_byte(r->name, offset);
}

// True when the data end record, found from the footer, says that there is a CRC to compare.
static bool has_data_crc(rml_bytes file)
{
    size_t tail = RML_MCAP_FOOTER_SIZE + RML_MCAP_MAGIC_SIZE, size = RML_MCAP_FRAME + 4;
    if (file.len < RML_MCAP_MAGIC_SIZE + tail + size ||
        !rml_mcap_magic_at(file, file.len - RML_MCAP_MAGIC_SIZE)) {
        return false;
    }
    uint64_t footer_at = file.len - tail;
    uint64_t start = rml_load_u64(file.data + footer_at + RML_MCAP_FRAME);
    uint64_t end = start != 0 && start <= footer_at ? start : footer_at;
    uint8_t opcode;
    rml_bytes body;
    return end >= size && rml_mcap_frame(file, end - size, &opcode, &body) &&
           opcode == RML_MCAP_DATA_END && body.len == 4 && rml_load_u32(body.data) != 0;
}

static rml_status make_reader(rml_bytes file, rml_str name, const rml_mcap_reader_options *options,
                              rml_mcap_reader **out, rml_error *err)
{
    rml_mcap_reader *r = rml_heap_make(sizeof(*r));
    if (r == NULL) {
        return rml_fail_memory(err, sizeof(*r));
    }
    r->name = rml_arena_str(&r->arena, name);
    if (r->name.data == NULL) {
        rml_mcap_reader_close(r);
        return rml_fail_memory(err, name.len);
    }
    r->file = file;
    if (options != NULL) {
        r->options = *options;
    }
    if (r->options.memory_max == 0) {
        r->options.memory_max = RML_MCAP_MEMORY;
    }
    r->data_crc_wanted = !r->options.skip_crc && has_data_crc(file);
    *out = r;
    return RML_OK;
}

rml_status rml_mcap_reader_over(rml_bytes file, rml_str name,
                                const rml_mcap_reader_options *options, rml_mcap_reader **out,
                                rml_error *err)
{
    return make_reader(file, name, options, out, err);
}

rml_status rml_mcap_reader_open(rml_str uri, const rml_mcap_reader_options *options,
                                rml_mcap_reader **out, rml_error *err)
{
    rml_object object = {0};
    RML_TRY(rml_object_open(&object, uri, err));
    rml_status st = make_reader(object.bytes, uri, options, out, err);
    if (st) {
        rml_object_close(&object);
        return st;
    }
    (*out)->object = object;
    (*out)->pages = &(*out)->object;
    return RML_OK;
}

uint64_t rml_mcap_reader_lost(const rml_mcap_reader *r)
{
    return r->lost;
}

void rml_mcap_reader_close(rml_mcap_reader *r)
{
    if (r == NULL) {
        return;
    }
    rml_mcap_ahead_free(r->ahead);
    rml_codec_context_reset(&r->codec);
    rml_buffer_reset(&r->space);
    rml_object_close(&r->object);
    rml_arena_reset(&r->arena);
    rml_heap_free(r);
}

static void advance(rml_mcap_reader *r, uint64_t to)
{
    if (r->data_crc_wanted && to > r->data_crc_to) {
        r->data_crc =
            rml_crc32(r->data_crc, r->file.data + r->data_crc_to, (size_t)(to - r->data_crc_to));
        r->data_crc_to = to;
    }
    r->at = to;
}

// The same behind a chunk that is stored as it is: the sum over its records is known already.
static void advance_over(rml_mcap_reader *r, const rml_mcap_chunk *chunk, uint64_t to)
{
    uint64_t records_at = (uint64_t)(chunk->records.data - r->file.data);
    if (r->data_crc_wanted && r->walk.records.data == chunk->records.data &&
        chunk->uncompressed_crc != 0) {
        advance(r, records_at);
        r->data_crc = rml_crc32_join(r->data_crc, chunk->uncompressed_crc, chunk->records.len);
        r->data_crc_to = records_at + chunk->records.len;
    }
    advance(r, to);
}

// Pages behind the reader leave this process's memory, so that a file of any size can be read.
static void release_behind(rml_mcap_reader *r)
{
    if (r->pages != NULL && r->at - r->released_to >= RELEASE_STEP) {
        rml_object_release(r->pages, r->released_to, (size_t)(r->at - r->released_to));
        r->released_to = r->at;
    }
}

static rml_status begin(rml_mcap_reader *r, rml_error *err)
{
    r->begun = true;
    if (!rml_mcap_magic_at(r->file, 0)) {
        r->over = true;
        r->lost = r->file.len;
        return rml_fail(
            err, RML_ERR_DATA, place_at(r, 0), NULL,
            "expected an MCAP file (it begins with \\x89MCAP0\\r\\n), found other bytes");
    }
    bool ended = r->file.len >= 2 * RML_MCAP_MAGIC_SIZE &&
                 rml_mcap_magic_at(r->file, r->file.len - RML_MCAP_MAGIC_SIZE);
    r->limit = ended ? r->file.len - RML_MCAP_MAGIC_SIZE : r->file.len;
    advance(r, RML_MCAP_MAGIC_SIZE);
    const rml_mcap_ahead_of of = {.readable = rml_bytes_of(r->file.data, (size_t)r->limit),
                                  .name = r->name,
                                  .memory_max = r->options.memory_max,
                                  .skip_crc = r->options.skip_crc,
                                  .wants = r->wants,
                                  .context = r->wants_context};
    return r->options.threads > 1 && !r->options.whole_chunks
               ? rml_mcap_ahead_make(r->options.threads, &of, &r->ahead, err)
               : RML_OK;
}

// After a torn frame at r->at: goes to the next chunk of the index or to the summary, else ends.
static void resume(rml_mcap_reader *r)
{
    uint64_t to = r->file.len;
    rml_mcap_index index;
    if (rml_mcap_index_load(&index, r->file, r->name, r->options.skip_crc, NULL) == RML_OK) {
        if (index.summary_start > r->at) {
            to = index.summary_start;
        }
        for (size_t i = index.chunks.count; i-- > 0;) {
            uint64_t offset = RML_AT(&index.chunks, rml_mcap_chunk_index, i)->chunk_offset;
            if (offset > r->at && offset < r->limit && offset < to) {
                to = offset;
            }
        }
    }
    rml_mcap_index_reset(&index);
    r->lost += to - r->at;
    advance(r, to);
    r->over = to >= r->limit;
}

static rml_status torn_frame(rml_mcap_reader *r, rml_error *err)
{
    uint64_t at = r->at, left = r->limit - at;
    rml_status st;
    if (left < RML_MCAP_FRAME) {
        st = rml_fail(err, RML_ERR_DATA, place_at(r, at), RML_MCAP_REMEDY,
                      "expected a record of at least %d bytes, found the end after %llu",
                      RML_MCAP_FRAME, (unsigned long long)left);
    } else {
        st = rml_fail(err, RML_ERR_DATA, place_at(r, at), RML_MCAP_REMEDY,
                      "expected a record of %llu bytes (opcode 0x%02x), found %llu bytes",
                      (unsigned long long)rml_load_u64(r->file.data + at + 1), r->file.data[at],
                      (unsigned long long)(left - RML_MCAP_FRAME));
    }
    resume(r);
    return st;
}

// The end of the file: a whole one has had its footer.
static rml_status end_of_file(rml_mcap_reader *r, rml_error *err)
{
    r->over = true;
    if (r->footer_seen && r->limit < r->file.len) {
        return RML_END;
    }
    if (r->footer_seen) {
        return rml_fail(err, RML_ERR_DATA, place_at(r, r->file.len), RML_MCAP_REMEDY,
                        "expected the magic bytes behind the footer, found the end");
    }
    return rml_fail(err, RML_ERR_DATA, place_at(r, r->at), RML_MCAP_REMEDY,
                    "expected a footer, found the end of an unfinished file");
}

static rml_status open_chunk(rml_mcap_reader *r, const rml_mcap_record *record, uint64_t size,
                             rml_error *err)
{
    rml_status st = RML_OK;
    r->chunk_offset = record->offset;
    r->walk = (rml_mcap_walk){0};
    if (r->ahead == NULL || !rml_mcap_ahead_take(r->ahead, record->offset, record->offset + size,
                                                 &r->walk.records, &st, err)) {
        st = rml_mcap_chunk_open(&record->as.chunk, &r->codec, r->options.memory_max,
                                 r->options.skip_crc, place_at(r, record->offset), &r->space,
                                 &r->walk.records, NULL, err);
    }
    if (st) {
        r->walk.records = (rml_bytes){0};
        r->lost += size;
    }
    return st;
}

static rml_status check_crcs(rml_mcap_reader *r, const rml_mcap_record *record, rml_error *err)
{
    if (r->options.skip_crc) {
        return RML_OK;
    }
    if (record->opcode == RML_MCAP_ATTACHMENT && record->as.attachment.crc != 0) {
        const rml_mcap_attachment *a = &record->as.attachment;
        uint32_t found = rml_crc32(0, a->checked.data, a->checked.len);
        if (found != a->crc) {
            r->lost += RML_MCAP_FRAME + record->body.len;
            return rml_fail(err, RML_ERR_DATA, place_at(r, record->offset), RML_MCAP_REMEDY,
                            "expected an attachment with CRC %08x, found %08x", a->crc, found);
        }
    }
    if (record->opcode == RML_MCAP_DATA_END && record->as.data_end.data_section_crc != 0 &&
        r->data_crc_wanted && r->data_crc_to == record->offset &&
        r->data_crc != record->as.data_end.data_section_crc) {
        return rml_fail(err, RML_ERR_DATA, place_at(r, record->offset), RML_MCAP_REMEDY,
                        "expected a data section with CRC %08x, found %08x",
                        record->as.data_end.data_section_crc, r->data_crc);
    }
    if (record->opcode == RML_MCAP_FOOTER) {
        rml_mcap_index index;
        rml_status st = rml_mcap_index_load(&index, r->file, r->name, false, err);
        rml_mcap_index_reset(&index);
        return st;
    }
    return RML_OK;
}

// The next record of the open chunk; RML_END when it is over.
static rml_status next_in_chunk(rml_mcap_reader *r, rml_mcap_record *out, rml_error *err)
{
    while (r->walk.at < r->walk.records.len) {
        size_t at = r->walk.at, len = r->walk.records.len;
        uint8_t opcode;
        rml_bytes body;
        out->offset = r->chunk_offset;
        out->in_chunk = true;
        out->offset_in_chunk = at + RML_MCAP_FRAME;
        if (rml_mcap_walk_message(&r->walk, &body)) {
            out->opcode = RML_MCAP_MESSAGE;
            out->body = body;
            out->as.message = rml_mcap_message_load(body);
            return RML_OK;
        }
        if (!rml_mcap_frame(r->walk.records, at, &opcode, &body)) {
            r->lost += len - at;
            r->walk.at = len;
            return rml_fail(
                err, RML_ERR_DATA, place_at(r, r->chunk_offset), RML_MCAP_REMEDY,
                "expected a record at byte %zu of the chunk's %zu bytes, found one that "
                "is longer",
                at, len);
        }
        r->walk.at = at + RML_MCAP_FRAME + body.len;
        // "Chunk records may contain Schema, Channel and Message records"; others are skipped.
        if (opcode != RML_MCAP_SCHEMA && opcode != RML_MCAP_CHANNEL && opcode != RML_MCAP_MESSAGE) {
            continue;
        }
        rml_status st = rml_mcap_record_parse(opcode, body, place_at(r, r->chunk_offset), out, err);
        r->lost += st == RML_OK ? 0 : RML_MCAP_FRAME + body.len;
        return st;
    }
    r->walk = (rml_mcap_walk){0};
    return RML_END;
}

rml_mcap_walk *rml_mcap_reader_walk(rml_mcap_reader *r)
{
    return &r->walk;
}

void rml_mcap_reader_filter(rml_mcap_reader *r,
                            bool (*wants)(void *context, const rml_mcap_record *chunk),
                            void *context)
{
    r->wants = wants;
    r->wants_context = context;
}

void rml_mcap_reader_release(rml_mcap_reader *r, const rml_object *pages)
{
    r->pages = pages;
}

const rml_mcap_chunk *rml_mcap_reader_chunk(const rml_mcap_reader *r)
{
    return &r->chunk;
}

// One top-level record; *skip when the next one has to be looked at.
static rml_status next_at_top(rml_mcap_reader *r, rml_mcap_record *out, bool *skip, rml_error *err)
{
    uint64_t at = r->at;
    uint8_t opcode;
    rml_bytes body;
    rml_bytes readable = rml_bytes_of(r->file.data, (size_t)r->limit);
    if (at == r->limit) {
        return end_of_file(r, err);
    }
    // Opcode 0 is never valid: a run of zeros is a torn file, not a record.
    if (!rml_mcap_frame(readable, at, &opcode, &body) || opcode == 0) {
        return torn_frame(r, err);
    }
    uint64_t size = RML_MCAP_FRAME + body.len;
    *skip = !rml_mcap_opcode_known(opcode);
    if (*skip) {
        advance(r, at + size);
        return RML_OK;
    }
    rml_status st = rml_mcap_record_parse(opcode, body, place_at(r, at), out, err);
    if (st) {
        r->lost += size;
        advance(r, at + size);
        return st;
    }
    out->offset = at;
    out->in_chunk = false;
    out->offset_in_chunk = 0;
    st = check_crcs(r, out, err);
    if (opcode == RML_MCAP_CHUNK && r->wants != NULL && !r->wants(r->wants_context, out)) {
        r->data_crc_wanted = false; // its bytes are not read, so the sum over all cannot be known
        *skip = true;
        r->at = at + size;
        return RML_OK;
    }
    if (opcode == RML_MCAP_CHUNK && !r->options.whole_chunks) {
        *skip = true;
        r->chunk = out->as.chunk;
        st = open_chunk(r, out, size, err);
        advance_over(r, &r->chunk, at + size);
        return st;
    }
    advance(r, at + size);
    r->footer_seen |= opcode == RML_MCAP_FOOTER;
    return st;
}

rml_status rml_mcap_reader_next(rml_mcap_reader *r, rml_mcap_record *out, rml_error *err)
{
    if (!r->begun) {
        RML_TRY(begin(r, err));
    }
    for (;;) {
        rml_status st = next_in_chunk(r, out, err);
        if (st != RML_END) {
            return st;
        }
        if (r->over) {
            return RML_END;
        }
        release_behind(r);
        bool skip = false;
        st = next_at_top(r, out, &skip, err);
        if (st || !skip) {
            return st;
        }
    }
}
