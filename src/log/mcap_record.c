// The bodies of MCAP records, each read as the section of the specification lists its fields
// (MCAP specification version 0, "Records"). Bytes behind the last known field are left unread:
// "readers should ignore them".
#include "mcap_record.h"

// ---- Maps and lists: raw views that are checked for their form once -----------------------------

static bool take_bytes32(rml_cursor *c, rml_bytes *out)
{
    uint32_t len;
    rml_cursor before = *c;
    if (rml_take_u32(c, &len) && rml_take(c, len, out)) {
        return true;
    }
    *c = before;
    return false;
}

static bool take_bytes64(rml_cursor *c, rml_bytes *out)
{
    uint64_t len;
    rml_cursor before = *c;
    if (rml_take_u64(c, &len) && len <= c->left.len && rml_take(c, (size_t)len, out)) {
        return true;
    }
    *c = before;
    return false;
}

bool rml_mcap_pairs_text(rml_bytes *left, rml_str *key, rml_str *value)
{
    rml_cursor c = {*left};
    if (!(rml_take_str32(&c, key) && rml_take_str32(&c, value))) {
        return false;
    }
    *left = c.left;
    return true;
}

bool rml_mcap_pairs_u16(rml_bytes *left, uint16_t *key, uint64_t *value)
{
    rml_cursor c = {*left};
    if (!(rml_take_u16(&c, key) && rml_take_u64(&c, value))) {
        return false;
    }
    *left = c.left;
    return true;
}

bool rml_mcap_pairs_u64(rml_bytes *left, uint64_t *key, uint64_t *value)
{
    rml_cursor c = {*left};
    if (!(rml_take_u64(&c, key) && rml_take_u64(&c, value))) {
        return false;
    }
    *left = c.left;
    return true;
}

static bool take_text_pairs(rml_cursor *c, rml_bytes *out)
{
    if (!take_bytes32(c, out)) {
        return false;
    }
    rml_bytes left = *out;
    rml_str key, value;
    while (rml_mcap_pairs_text(&left, &key, &value)) {
    }
    return left.len == 0;
}

static bool take_fixed_pairs(rml_cursor *c, size_t pair_size, rml_bytes *out)
{
    return take_bytes32(c, out) && out->len % pair_size == 0;
}

// ---- One function a record ---------------------------------------------------------------------

static bool parse_header(rml_cursor *c, rml_mcap_record *r)
{
    return rml_take_str32(c, &r->as.header.profile) && rml_take_str32(c, &r->as.header.library);
}

static bool parse_footer(rml_cursor *c, rml_mcap_record *r)
{
    rml_mcap_footer *f = &r->as.footer;
    return rml_take_u64(c, &f->summary_start) && rml_take_u64(c, &f->summary_offset_start) &&
           rml_take_u32(c, &f->summary_crc);
}

static bool parse_schema(rml_cursor *c, rml_mcap_record *r)
{
    rml_mcap_schema *s = &r->as.schema;
    return rml_take_u16(c, &s->id) && rml_take_str32(c, &s->name) &&
           rml_take_str32(c, &s->encoding) && take_bytes32(c, &s->data);
}

static bool parse_channel(rml_cursor *c, rml_mcap_record *r)
{
    rml_mcap_channel *h = &r->as.channel;
    return rml_take_u16(c, &h->id) && rml_take_u16(c, &h->schema_id) &&
           rml_take_str32(c, &h->topic) && rml_take_str32(c, &h->message_encoding) &&
           take_text_pairs(c, &h->metadata);
}

static bool parse_message(rml_cursor *c, rml_mcap_record *r)
{
    if (c->left.len < RML_MCAP_MESSAGE_FIELDS) {
        return false;
    }
    r->as.message = rml_mcap_message_load(c->left);
    return true;
}

static bool parse_chunk(rml_cursor *c, rml_mcap_record *r)
{
    rml_mcap_chunk *k = &r->as.chunk;
    return rml_take_u64(c, &k->start_ns) && rml_take_u64(c, &k->end_ns) &&
           rml_take_u64(c, &k->uncompressed_size) && rml_take_u32(c, &k->uncompressed_crc) &&
           rml_take_str32(c, &k->compression) && take_bytes64(c, &k->records);
}

static bool parse_message_index(rml_cursor *c, rml_mcap_record *r)
{
    rml_mcap_message_index *m = &r->as.message_index;
    return rml_take_u16(c, &m->channel_id) && take_fixed_pairs(c, 16, &m->entries);
}

static bool parse_chunk_index(rml_cursor *c, rml_mcap_record *r)
{
    rml_mcap_chunk_index *k = &r->as.chunk_index;
    return rml_take_u64(c, &k->start_ns) && rml_take_u64(c, &k->end_ns) &&
           rml_take_u64(c, &k->chunk_offset) && rml_take_u64(c, &k->chunk_length) &&
           take_fixed_pairs(c, 10, &k->message_index_offsets) &&
           rml_take_u64(c, &k->message_index_length) && rml_take_str32(c, &k->compression) &&
           rml_take_u64(c, &k->compressed_size) && rml_take_u64(c, &k->uncompressed_size);
}

static bool parse_attachment(rml_cursor *c, rml_mcap_record *r)
{
    rml_mcap_attachment *a = &r->as.attachment;
    const uint8_t *start = c->left.data;
    if (!(rml_take_u64(c, &a->log_ns) && rml_take_u64(c, &a->create_ns) &&
          rml_take_str32(c, &a->name) && rml_take_str32(c, &a->media_type) &&
          take_bytes64(c, &a->data))) {
        return false;
    }
    a->checked = rml_bytes_of(start, (size_t)(c->left.data - start));
    return rml_take_u32(c, &a->crc);
}

static bool parse_attachment_index(rml_cursor *c, rml_mcap_record *r)
{
    rml_mcap_attachment_index *a = &r->as.attachment_index;
    return rml_take_u64(c, &a->offset) && rml_take_u64(c, &a->length) &&
           rml_take_u64(c, &a->log_ns) && rml_take_u64(c, &a->create_ns) &&
           rml_take_u64(c, &a->data_size) && rml_take_str32(c, &a->name) &&
           rml_take_str32(c, &a->media_type);
}

static bool parse_statistics(rml_cursor *c, rml_mcap_record *r)
{
    rml_mcap_statistics *s = &r->as.statistics;
    return rml_take_u64(c, &s->message_count) && rml_take_u16(c, &s->schema_count) &&
           rml_take_u32(c, &s->channel_count) && rml_take_u32(c, &s->attachment_count) &&
           rml_take_u32(c, &s->metadata_count) && rml_take_u32(c, &s->chunk_count) &&
           rml_take_u64(c, &s->start_ns) && rml_take_u64(c, &s->end_ns) &&
           take_fixed_pairs(c, 10, &s->channel_message_counts);
}

static bool parse_metadata(rml_cursor *c, rml_mcap_record *r)
{
    return rml_take_str32(c, &r->as.metadata.name) && take_text_pairs(c, &r->as.metadata.pairs);
}

static bool parse_metadata_index(rml_cursor *c, rml_mcap_record *r)
{
    rml_mcap_metadata_index *m = &r->as.metadata_index;
    return rml_take_u64(c, &m->offset) && rml_take_u64(c, &m->length) &&
           rml_take_str32(c, &m->name);
}

static bool parse_summary_offset(rml_cursor *c, rml_mcap_record *r)
{
    rml_mcap_summary_offset *s = &r->as.summary_offset;
    return rml_take_u8(c, &s->group_opcode) && rml_take_u64(c, &s->group_start) &&
           rml_take_u64(c, &s->group_length);
}

static bool parse_data_end(rml_cursor *c, rml_mcap_record *r)
{
    return rml_take_u32(c, &r->as.data_end.data_section_crc);
}

// ---- The table ---------------------------------------------------------------------------------

// Index is the opcode. least: bytes of the smallest body, for the error.
static const struct kind {
    const char *name;
    size_t least;
    bool (*parse)(rml_cursor *c, rml_mcap_record *r);
} kinds[] = {
    [RML_MCAP_HEADER] = {"header", 8, parse_header},
    [RML_MCAP_FOOTER] = {"footer", 20, parse_footer},
    [RML_MCAP_SCHEMA] = {"schema", 14, parse_schema},
    [RML_MCAP_CHANNEL] = {"channel", 16, parse_channel},
    [RML_MCAP_MESSAGE] = {"message", RML_MCAP_MESSAGE_FIELDS, parse_message},
    [RML_MCAP_CHUNK] = {"chunk", 40, parse_chunk},
    [RML_MCAP_MESSAGE_INDEX] = {"message index", 6, parse_message_index},
    [RML_MCAP_CHUNK_INDEX] = {"chunk index", 64, parse_chunk_index},
    [RML_MCAP_ATTACHMENT] = {"attachment", 36, parse_attachment},
    [RML_MCAP_ATTACHMENT_INDEX] = {"attachment index", 48, parse_attachment_index},
    [RML_MCAP_STATISTICS] = {"statistics", 46, parse_statistics},
    [RML_MCAP_METADATA] = {"metadata", 8, parse_metadata},
    [RML_MCAP_METADATA_INDEX] = {"metadata index", 20, parse_metadata_index},
    [RML_MCAP_SUMMARY_OFFSET] = {"summary offset", 17, parse_summary_offset},
    [RML_MCAP_DATA_END] = {"data end", 4, parse_data_end},
};
#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

bool rml_mcap_opcode_known(uint8_t opcode)
{
    return opcode < KIND_COUNT && kinds[opcode].parse != NULL;
}

rml_status rml_mcap_record_parse(uint8_t opcode, rml_bytes body, rml_place at, rml_mcap_record *out,
                                 rml_error *err)
{
    if (!rml_mcap_opcode_known(opcode)) {
        return rml_fail(err, RML_ERR_UNSUPPORTED, at, NULL,
                        "expected an opcode from 0x01 to 0x0f, found 0x%02x", opcode);
    }
    const struct kind *kind = &kinds[opcode];
    rml_cursor c = {body};
    out->opcode = opcode;
    out->body = body;
    if (kind->parse(&c, out)) {
        return RML_OK;
    }
    if (body.len < kind->least) {
        return rml_fail(err, RML_ERR_DATA, at, RML_MCAP_REMEDY,
                        "expected a %s record of at least %zu bytes, found %zu", kind->name,
                        kind->least, body.len);
    }
    return rml_fail(err, RML_ERR_DATA, at, RML_MCAP_REMEDY,
                    "expected the fields of a %s record to fill at most its %zu bytes, found a "
                    "length that points behind them",
                    kind->name, body.len);
}
