// The layout of a group's messages as JSON, schema encoding "mdf4" (docs/recordings.md): what the
// file says of each channel, so that who decodes need not know MDF. Keys in a fixed order, numbers
// in their shortest form: the same group, the same bytes.
#include "mdf_group.h"
#include "roadmill/base/json.h"

#define DEPTH_MAX 8
#define VALUES_MAX 65536

typedef struct writer {
    rml_log *log;
    rml_json_writer *w;
} writer;

// Text that is not UTF-8: its other bytes become U+FFFD.
static void put_conversion(writer *s, uint64_t link, size_t depth);

// A reference of a table: a text, or a conversion of its own.
static void put_reference(writer *s, uint64_t link, size_t depth)
{
    rml_mdf_block b;
    if (link == 0 || rml_mdf_block_at(s->log, link, "", 0, 0, &b, NULL) != RML_OK) {
        rml_json_null(s->w);
    } else if (rml_mdf_block_is(&b, "CC")) {
        put_conversion(s, link, depth + 1);
    } else {
        rml_json_str(s->w, rml_mdf_text(s->log, link));
    }
}

static void put_conversion(writer *s, uint64_t link, size_t depth)
{
    rml_mdf_block b;
    if (depth > DEPTH_MAX || rml_mdf_block_at(s->log, link, "CC", 4, 24, &b, NULL) != RML_OK) {
        rml_json_null(s->w);
        return;
    }
    const uint8_t *p = b.data.data;
    size_t references = rml_load_u16(p + 4), values = rml_load_u16(p + 6);
    references = references < b.link_count - 4 ? references : b.link_count - 4;
    values = values < (b.data.len - 24) / 8 ? values : (b.data.len - 24) / 8;
    rml_json_object(s->w);
    rml_json_kv_i64(s->w, "type", p[0]);
    rml_json_key(s->w, "values");
    rml_json_list(s->w);
    for (size_t i = 0; i < values; i++) {
        // The masks of a bit field table are integers; all others are numbers. Both as text of bits
        // where JSON cannot hold them.
        if (p[0] == 11) {
            rml_json_ns(s->w, (int64_t)rml_load_u64(p + 24 + 8 * i));
        } else {
            rml_json_f64(s->w, rml_mdf_f64(p + 24 + 8 * i));
        }
    }
    rml_json_list_end(s->w);
    if (references > 0) {
        rml_json_key(s->w, "references");
        rml_json_list(s->w);
        for (size_t i = 0; i < references; i++) {
            put_reference(s, rml_mdf_link(&b, 4 + i), depth);
        }
        rml_json_list_end(s->w);
    }
    rml_json_object_end(s->w);
}

static void put_channel(writer *s, const rml_mdf_group *g, const rml_mdf_channel *c, int64_t vlsd)
{
    rml_json_writer *w = s->w;
    rml_json_object(w);
    rml_json_kv_str(w, "name", c->name);
    if (c->unit.len > 0) {
        rml_json_kv_str(w, "unit", c->unit);
    }
    rml_json_kv_i64(w, "data_type", c->data_type);
    rml_json_kv_i64(w, "byte_offset", c->byte_offset);
    rml_json_kv_i64(w, "bit_offset", c->bit_offset);
    rml_json_kv_i64(w, "bit_count", c->bit_count);
    if (c->type == RML_MDF_VIRTUAL || c->type == RML_MDF_VIRTUAL_MASTER) {
        rml_json_kv_bool(w, "virtual", true);
    }
    if (vlsd >= 0) {
        rml_json_kv_i64(w, "variable", vlsd);
    }
    // "CNBLOCK" cn_flags: bit 0 all values invalid, bit 1 an invalidation bit is kept.
    if ((c->flags & 1) != 0) {
        rml_json_kv_bool(w, "invalid", true);
    } else if ((c->flags & 2) != 0 && c->invalid_bit / 8 < g->invalid_bytes) {
        rml_json_kv_i64(w, "invalid_bit", c->invalid_bit);
    }
    if (c->dim_count > 0) {
        rml_json_key(w, "dimensions");
        rml_json_list(w);
        for (size_t i = 0; i < c->dim_count; i++) {
            rml_json_i64(w, (int64_t)c->dims[i]);
        }
        rml_json_list_end(w);
        if (c->inverse) {
            rml_json_kv_bool(w, "inverse", true);
        }
    }
    if (c->conversion != 0) {
        rml_json_key(w, "conversion");
        put_conversion(s, c->conversion, 0);
    }
    rml_json_object_end(w);
}

rml_status rml_mdf_schema(rml_log *log, const rml_mdf_group *g, rml_buffer *out, rml_error *err)
{
    rml_json_writer w;
    rml_json_writer_init(&w, out, err);
    writer s = {.log = log, .w = &w};
    int64_t vlsd = 0;
    rml_json_object(&w);
    rml_json_kv_i64(&w, "data_bytes", g->data_bytes);
    rml_json_kv_i64(&w, "invalidation_bytes", g->invalid_bytes);
    rml_json_key(&w, "channels");
    rml_json_list(&w);
    for (size_t i = 0; i < g->channels.count; i++) {
        const rml_mdf_channel *c = RML_AT(&g->channels, rml_mdf_channel, i);
        put_channel(&s, g, c, c->type == RML_MDF_VLSD ? vlsd++ : -1);
    }
    rml_json_list_end(&w);
    rml_json_object_end(&w);
    return rml_json_finish(&w);
}
