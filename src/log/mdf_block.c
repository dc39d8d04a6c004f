// Blocks of an MDF 4 file: each is checked against the bytes of the file before it is looked into.
#include "mdf_block.h"

#include <string.h>

rml_status rml_mdf_block_at(const rml_log *log, uint64_t offset, const char *id, size_t links,
                            size_t data, rml_mdf_block *out, rml_error *err)
{
    rml_bytes file = log->file;
    rml_place at = rml_place_byte(log->name, offset);
    if (offset > file.len || file.len - offset < RML_MDF_HEADER) {
        return rml_fail(err, RML_ERR_DATA, at, RML_MDF_REMEDY,
                        "expected a block of MDF, found the end of the file");
    }
    const uint8_t *p = file.data + offset;
    if (p[0] != '#' || p[1] != '#' || (id[0] != '\0' && memcmp(p + 2, id, 2) != 0)) {
        return rml_fail(err, RML_ERR_DATA, at, RML_MDF_REMEDY,
                        "expected a block ##%s, found 0x%02x%02x%02x%02x",
                        id[0] != '\0' ? id : "..", p[0], p[1], p[2], p[3]);
    }
    uint64_t length = rml_load_u64(p + 8), count = rml_load_u64(p + 16);
    uint64_t left = file.len - offset - RML_MDF_HEADER;
    uint64_t inner = length < RML_MDF_HEADER ? 0 : length - RML_MDF_HEADER;
    inner = inner < left ? inner : left;
    if (count > inner / 8 || count < links || inner - 8 * count < data) {
        return rml_fail(err, RML_ERR_DATA, at, RML_MDF_REMEDY,
                        "expected a block ##%.2s of %zu links and %zu bytes, found %llu links in "
                        "%llu bytes",
                        (const char *)p + 2, links, data, (unsigned long long)count,
                        (unsigned long long)inner);
    }
    *out = (rml_mdf_block){.id = {(char)p[2], (char)p[3], 0, 0},
                           .offset = offset,
                           .links = p + RML_MDF_HEADER,
                           .link_count = (size_t)count,
                           .data = {p + RML_MDF_HEADER + 8 * count, (size_t)(inner - 8 * count)}};
    return RML_OK;
}

bool rml_mdf_block_is(const rml_mdf_block *b, const char *id)
{
    return memcmp(b->id, id, 2) == 0;
}

double rml_mdf_f64(const uint8_t *p)
{
    uint64_t bits = rml_load_u64(p);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// What stands in an element of XML text without attributes in its name: "<TX>speed</TX>".
static rml_str element(rml_str xml, rml_str open, rml_str close)
{
    size_t from = rml_str_find(xml, open);
    if (from == xml.len) {
        return (rml_str){0};
    }
    rml_str rest = {xml.data + from + open.len, xml.len - from - open.len};
    size_t to = rml_str_find(rest, close);
    return to == rest.len ? (rml_str){0} : (rml_str){rest.data, to};
}

rml_str rml_mdf_text(const rml_log *log, uint64_t offset)
{
    rml_mdf_block b;
    if (offset == 0 || rml_mdf_block_at(log, offset, "", 0, 0, &b, NULL) != RML_OK) {
        return (rml_str){0};
    }
    rml_str text = {(const char *)b.data.data, 0};
    while (text.len < b.data.len && text.data[text.len] != '\0') {
        text.len++;
    }
    if (rml_mdf_block_is(&b, "MD")) {
        text = element(text, RML_STR("<TX>"), RML_STR("</TX>"));
    }
    return rml_str_trim(text);
}
