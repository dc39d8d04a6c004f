// Looks into messages with an encoded picture; see frame.h.
#include "frame.h"

struct rml_frame_reader {
    rml_batch batch; // of the message at hand
    rml_message_decoder *decoder;
    const rml_column *format, *data;
};

rml_status rml_frame_reader_make(const rml_message_plan *plan, rml_frame_reader **out,
                                 rml_error *err)
{
    rml_schema schema = rml_message_schema(plan);
    size_t format = rml_schema_find(schema, RML_STR("format"));
    size_t data = rml_schema_find(schema, RML_STR("data"));
    *out = NULL;
    if (format == schema.count || schema.fields[format].type != RML_TYPE_STRING ||
        data == schema.count || schema.fields[data].type != RML_TYPE_BINARY) {
        return RML_OK;
    }
    rml_frame_reader *r = rml_heap_make(sizeof *r);
    if (r == NULL) {
        return rml_fail_memory(err, sizeof *r);
    }
    rml_status st = rml_batch_init(&r->batch, schema, err);
    if (st == RML_OK) {
        r->format = &r->batch.columns[format];
        r->data = &r->batch.columns[data];
        st = rml_message_decoder_make(plan, r->batch.columns, &r->decoder, err);
    }
    if (st) {
        rml_frame_reader_free(r);
        return st;
    }
    *out = r;
    return RML_OK;
}

void rml_frame_reader_free(rml_frame_reader *r)
{
    if (r != NULL) {
        rml_message_decoder_free(r->decoder);
        rml_batch_reset(&r->batch);
        rml_heap_free(r);
    }
}

rml_status rml_frame_read(rml_frame_reader *r, rml_bytes message, rml_ingest_frame *out,
                          rml_error *err)
{
    rml_error fault = {0};
    *out = (rml_ingest_frame){0};
    rml_batch_clear(&r->batch);
    rml_status st = rml_message_decoder_next(r->decoder, message, (rml_place){0}, &fault);
    if (st == RML_ERR_MEMORY) {
        return rml_fail_memory(err, message.len);
    }
    if (st) {
        out->picture.fault = "its message does not fit its schema";
        return RML_OK;
    }
    rml_bytes data = rml_column_get_bytes(r->data, 0);
    out->format = rml_column_get_str(r->format, 0);
    out->picture = rml_picture_look(data, out->format);
    out->length = data.len;
    return rml_sha256(data.data, data.len, &out->sha256) == RML_OK ? RML_OK
                                                                   : rml_fail_memory(err, data.len);
}
