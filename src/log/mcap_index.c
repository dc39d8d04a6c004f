// The summary of an MCAP file, found from its end: footer, summary, summary offsets (MCAP
// specification, "Summary Section"). And opening a chunk, which reader and index need alike.
#include <string.h>

#include "mcap_record.h"

bool rml_mcap_magic_at(rml_bytes file, uint64_t offset)
{
    return offset <= file.len && file.len - offset >= RML_MCAP_MAGIC_SIZE &&
           memcmp(file.data + offset, RML_MCAP_MAGIC, RML_MCAP_MAGIC_SIZE) == 0;
}

bool rml_mcap_codec(rml_str compression, rml_codec *out, const char **name)
{
    static const struct {
        const char *name;
        rml_codec codec;
    } codecs[] = {{"", RML_CODEC_NONE}, {"zstd", RML_CODEC_ZSTD}, {"lz4", RML_CODEC_LZ4}};
    for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
        if (rml_str_equal(compression, rml_str_of(codecs[i].name))) {
            *out = codecs[i].codec;
            *name = codecs[i].name;
            return true;
        }
    }
    return false;
}

// ---- Opening a chunk ---------------------------------------------------------------------------

// How much of a chunk is summed before its frames are looked at: they are still in the cache.
#define SURVEY_STEP ((size_t)32 << 10)

typedef struct surveyor {
    rml_mcap_survey found;
    rml_mcap_walk walk;
} surveyor;

// Looks at the frames that begin before `to`.
static void survey_to(surveyor *s, size_t to)
{
    while (s->walk.at < to) {
        rml_bytes body;
        uint8_t opcode;
        if (rml_mcap_walk_message(&s->walk, &body)) {
            uint64_t log_ns = rml_load_u64(body.data + 6);
            s->found.ordered &= log_ns >= s->found.last_ns && log_ns <= INT64_MAX;
            s->found.last_ns = log_ns;
        } else if (rml_mcap_frame(s->walk.records, s->walk.at, &opcode, &body) &&
                   opcode != RML_MCAP_MESSAGE) {
            s->found.defines |= opcode == RML_MCAP_SCHEMA || opcode == RML_MCAP_CHANNEL;
            s->walk.at += RML_MCAP_FRAME + body.len;
        } else {
            s->found.ordered = false;
            s->walk.at = s->walk.records.len;
        }
    }
}

// The CRC of the records, surveyed step by step where somebody asks.
static uint32_t sum_and_survey(rml_bytes records, bool skip_crc, rml_mcap_survey *survey)
{
    surveyor s = {.found = {.ordered = true}, .walk = {.records = records}};
    uint32_t crc = 0;
    size_t step = survey == NULL ? records.len : SURVEY_STEP;
    for (size_t at = 0; at < records.len; at += step) {
        size_t len = records.len - at < step ? records.len - at : step;
        crc = skip_crc ? 0 : rml_crc32(crc, records.data + at, len);
        if (survey != NULL) {
            survey_to(&s, at + len);
        }
    }
    if (survey != NULL) {
        *survey = s.found;
    }
    return crc;
}

rml_status rml_mcap_chunk_open(const rml_mcap_chunk *chunk, rml_codec_context *codec,
                               size_t memory_max, bool skip_crc, rml_place at, rml_buffer *space,
                               rml_bytes *records, rml_mcap_survey *survey, rml_error *err)
{
    rml_codec kind;
    const char *name;
    if (!rml_mcap_codec(chunk->compression, &kind, &name)) {
        return rml_fail(err, RML_ERR_UNSUPPORTED, at, "write it again with zstd",
                        "expected a chunk compressed with zstd, lz4 or nothing, found \"%.*s\"",
                        RML_FMT(chunk->compression));
    }
    if (chunk->uncompressed_size > memory_max && kind != RML_CODEC_NONE) {
        return rml_fail(err, RML_ERR_LIMIT, at, "give more memory",
                        "expected a chunk of at most %zu bytes (memory_max), found %llu",
                        memory_max, (unsigned long long)chunk->uncompressed_size);
    }
    if (kind == RML_CODEC_NONE) {
        if (chunk->uncompressed_size != chunk->records.len) {
            return rml_fail(err, RML_ERR_DATA, at, RML_MCAP_REMEDY,
                            "expected %llu bytes of records in an uncompressed chunk, found %zu",
                            (unsigned long long)chunk->uncompressed_size, chunk->records.len);
        }
        *records = chunk->records;
    } else {
        size_t size = (size_t)chunk->uncompressed_size;
        rml_buffer_clear(space);
        if (size > 0 && rml_buffer_add(space, size, err) == NULL) {
            return RML_ERR_MEMORY;
        }
        RML_TRY(rml_decompress(codec, kind, chunk->records, space->data, size, at, err));
        *records = rml_bytes_of(space->data, size);
    }
    bool skip = skip_crc || chunk->uncompressed_crc == 0;
    uint32_t found = sum_and_survey(*records, skip, survey);
    if (!skip && found != chunk->uncompressed_crc) {
        return rml_fail(err, RML_ERR_DATA, at, RML_MCAP_REMEDY,
                        "expected a chunk with CRC %08x, found %08x", chunk->uncompressed_crc,
                        found);
    }
    return RML_OK;
}

static int by_chunk_offset(const void *a, const void *b, void *context)
{
    (void)context;
    uint64_t x = ((const rml_mcap_chunk_index *)a)->chunk_offset;
    uint64_t y = ((const rml_mcap_chunk_index *)b)->chunk_offset;
    return x < y ? -1 : x > y;
}

static rml_status take_record(rml_mcap_index *index, uint8_t opcode, rml_bytes body, rml_place at,
                              rml_error *err)
{
    if (!rml_mcap_opcode_known(opcode)) {
        return RML_OK;
    }
    rml_mcap_record *r = rml_array_push(&index->records, err);
    if (r == NULL) {
        return RML_ERR_MEMORY;
    }
    RML_TRY(rml_mcap_record_parse(opcode, body, at, r, err));
    r->offset = at.offset;
    if (opcode == RML_MCAP_CHUNK_INDEX) {
        rml_mcap_chunk_index *chunk = rml_array_push(&index->chunks, err);
        if (chunk == NULL) {
            return RML_ERR_MEMORY;
        }
        *chunk = r->as.chunk_index;
    }
    return RML_OK;
}

static rml_status read_summary(rml_mcap_index *index, rml_bytes file, rml_str name,
                               uint64_t footer_at, rml_error *err)
{
    rml_bytes section = rml_bytes_of(file.data, (size_t)footer_at);
    for (uint64_t at = index->summary_start; at < footer_at;) {
        uint8_t opcode;
        rml_bytes body;
        rml_place place = rml_place_byte(name, at);
        if (!rml_mcap_frame(section, at, &opcode, &body)) {
            return rml_fail(err, RML_ERR_DATA, place, RML_MCAP_REMEDY,
                            "expected a record of the summary to end before the footer at byte "
                            "%llu, found one that is longer",
                            (unsigned long long)footer_at);
        }
        RML_TRY(take_record(index, opcode, body, place, err));
        at += RML_MCAP_FRAME + body.len;
    }
    RML_TRY(rml_array_sort(&index->chunks, by_chunk_offset, NULL, err));
    for (size_t i = 0; i < index->records.count; i++) {
        const rml_mcap_record *r = RML_AT(&index->records, rml_mcap_record, i);
        if (r->opcode == RML_MCAP_STATISTICS) {
            index->statistics = r;
        }
    }
    return RML_OK;
}

rml_status rml_mcap_index_load(rml_mcap_index *index, rml_bytes file, rml_str name, bool skip_crc,
                               rml_error *err)
{
    *index = (rml_mcap_index){.records = RML_ARRAY(rml_mcap_record),
                              .chunks = RML_ARRAY(rml_mcap_chunk_index)};
    size_t tail = RML_MCAP_FOOTER_SIZE + RML_MCAP_MAGIC_SIZE;
    if (file.len < RML_MCAP_MAGIC_SIZE + tail ||
        !rml_mcap_magic_at(file, file.len - RML_MCAP_MAGIC_SIZE)) {
        return RML_OK;
    }
    uint64_t footer_at = file.len - tail;
    rml_place place = rml_place_byte(name, footer_at);
    const uint8_t *p = file.data + footer_at;
    if (p[0] != RML_MCAP_FOOTER || rml_load_u64(p + 1) != 20) {
        return rml_fail(err, RML_ERR_DATA, place, RML_MCAP_REMEDY,
                        "expected a footer of 20 bytes (opcode 0x02), found opcode 0x%02x", p[0]);
    }
    uint64_t start = rml_load_u64(p + RML_MCAP_FRAME);
    uint32_t crc = rml_load_u32(p + RML_MCAP_FRAME + 16);
    if (start > footer_at || (start != 0 && start < RML_MCAP_MAGIC_SIZE)) {
        return rml_fail(err, RML_ERR_DATA, place, RML_MCAP_REMEDY,
                        "expected a summary before the footer, found its start at byte %llu",
                        (unsigned long long)start);
    }
    // "A CRC32 of all bytes from the start of the Summary section up through and including the end
    // of the previous field (summary_offset_start) in the footer record."
    uint64_t crc_from = start != 0 ? start : footer_at;
    if (!skip_crc && crc != 0) {
        size_t len = (size_t)(footer_at + RML_MCAP_FRAME + 16 - crc_from);
        uint32_t found = rml_crc32(0, file.data + crc_from, len);
        if (found != crc) {
            return rml_fail(err, RML_ERR_DATA, rml_place_byte(name, crc_from), RML_MCAP_REMEDY,
                            "expected a summary with CRC %08x, found %08x", crc, found);
        }
    }
    index->summary_start = start;
    if (start != 0) {
        RML_TRY(read_summary(index, file, name, footer_at, err));
    }
    index->whole = true;
    return RML_OK;
}

void rml_mcap_index_reset(rml_mcap_index *index)
{
    rml_array_reset(&index->records);
    rml_array_reset(&index->chunks);
    *index = (rml_mcap_index){0};
}
