// A reference is enough to get the bytes back: the range of the file, how it is compressed, where
// the message begins inside it, its length and its CRC.
#include "blobs.h"

#include "roadmill/codec.h"

static const rml_field fields[] = {
    {{"recording_id", 12}, RML_TYPE_STRING, false, NULL, 0},
    {{"channel", 7}, RML_TYPE_STRING, false, NULL, 0},
    {{"sequence", 8}, RML_TYPE_I64, false, NULL, 0},
    {{"sensor_ns", 9}, RML_TYPE_I64, true, NULL, 0},
    {{"publish_ns", 10}, RML_TYPE_I64, false, NULL, 0},
    {{"log_ns", 6}, RML_TYPE_I64, false, NULL, 0},
    {{"kind", 4}, RML_TYPE_STRING, false, NULL, 0},
    {{"uri", 3}, RML_TYPE_STRING, false, NULL, 0},
    {{"offset", 6}, RML_TYPE_I64, false, NULL, 0},
    {{"length", 6}, RML_TYPE_I64, false, NULL, 0},
    {{"codec", 5}, RML_TYPE_STRING, true, NULL, 0}, // of the range; null: it is the message itself
    {{"inner_offset", 12}, RML_TYPE_I64, false, NULL, 0},
    {{"inner_length", 12}, RML_TYPE_I64, false, NULL, 0},
    {{"crc32c", 6}, RML_TYPE_I64, false, NULL, 0}, // of the message
    // Of the encoded picture in it, null where it holds none or the picture does not tell.
    {{"frame_format", 12}, RML_TYPE_STRING, true, NULL, 0}, // as the message states it
    {{"frame_codec", 11}, RML_TYPE_STRING, true, NULL, 0},  // by its bytes
    {{"key_frame", 9}, RML_TYPE_BOOL, true, NULL, 0},
    {{"width_px", 8}, RML_TYPE_I64, true, NULL, 0},
    {{"height_px", 9}, RML_TYPE_I64, true, NULL, 0},
    {{"frame_length", 12}, RML_TYPE_I64, true, NULL, 0},
    {{"frame_sha256", 12}, RML_TYPE_STRING, true, NULL, 0},
    {{"frame_fault", 11}, RML_TYPE_STRING, true, NULL, 0},
};
enum { FRAME_FIRST = 14, FRAME_COLUMNS = 8 };

rml_schema rml_blobs_schema(void)
{
    return (rml_schema){fields, sizeof fields / sizeof *fields};
}

static rml_status text_or_null(rml_column *c, rml_str text, rml_error *err)
{
    return text.len > 0 ? rml_column_str(c, text, err) : rml_column_null(c, err);
}

static rml_status number_or_null(rml_column *c, int64_t number, rml_error *err)
{
    return number > 0 ? rml_column_i64(c, number, err) : rml_column_null(c, err);
}

static rml_status frame_append(rml_column *c, const rml_ingest_frame *f, rml_error *err)
{
    const rml_picture *p = &f->picture;
    char hash[RML_HASH_TEXT];
    rml_hash_text(&f->sha256, hash);
    RML_TRY(text_or_null(&c[0], f->format, err));
    RML_TRY(text_or_null(&c[1], rml_str_of(p->codec), err));
    RML_TRY(p->key == RML_KEY_UNKNOWN ? rml_column_null(&c[2], err)
                                      : rml_column_bool(&c[2], p->key == RML_KEY_YES, err));
    RML_TRY(number_or_null(&c[3], p->width_px, err));
    RML_TRY(number_or_null(&c[4], p->height_px, err));
    RML_TRY(number_or_null(&c[5], (int64_t)f->length, err));
    RML_TRY(text_or_null(&c[6], f->length > 0 ? rml_str_of(hash) : (rml_str){0}, err));
    return text_or_null(&c[7], rml_str_of(p->fault), err);
}

rml_status rml_blobs_append(rml_batch *batch, rml_str recording_id, rml_str topic, const char *kind,
                            rml_str uri, const rml_log_message *m, const int64_t *sensor_ns,
                            const rml_ingest_frame *frame, rml_error *err)
{
    rml_column *c = batch->columns;
    RML_TRY(rml_column_str(&c[0], recording_id, err));
    RML_TRY(rml_column_str(&c[1], topic, err));
    RML_TRY(rml_column_i64(&c[2], m->sequence, err));
    RML_TRY(sensor_ns != NULL ? rml_column_i64(&c[3], *sensor_ns, err)
                              : rml_column_null(&c[3], err));
    RML_TRY(rml_column_i64(&c[4], m->publish_ns, err));
    RML_TRY(rml_column_i64(&c[5], m->log_ns, err));
    RML_TRY(rml_column_str(&c[6], rml_str_of(kind), err));
    RML_TRY(rml_column_str(&c[7], uri, err));
    RML_TRY(rml_column_i64(&c[8], (int64_t)m->offset, err));
    RML_TRY(rml_column_i64(&c[9], (int64_t)m->length, err));
    RML_TRY(m->compression[0] != '\0' ? rml_column_str(&c[10], rml_str_of(m->compression), err)
                                      : rml_column_null(&c[10], err));
    RML_TRY(rml_column_i64(&c[11], (int64_t)m->inner_offset, err));
    RML_TRY(rml_column_i64(&c[12], (int64_t)m->data.len, err));
    RML_TRY(rml_column_i64(&c[13], rml_crc32c(0, m->data.data, m->data.len), err));
    for (size_t i = 0; frame == NULL && i < FRAME_COLUMNS; i++) {
        RML_TRY(rml_column_null(&c[FRAME_FIRST + i], err));
    }
    RML_TRY(frame != NULL ? frame_append(&c[FRAME_FIRST], frame, err) : RML_OK);
    return rml_batch_row_end(batch, err);
}
