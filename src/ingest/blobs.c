// A reference is enough to get the bytes back: the range of the file, how it is compressed, where
// the message begins inside it, its length and its CRC.
#include "blobs.h"

#include "roadmill/base/row.h"
#include "roadmill/codec.h"

typedef struct blob_row {
    rml_str recording_id, channel, kind, uri, codec;
    int64_t sequence, sensor_ns, publish_ns, log_ns;
    bool has_sensor;
    uint64_t offset, length, inner_offset, inner_length;
    uint32_t crc32c;
    rml_str frame_format, frame_codec, frame_fault;
    bool has_key_frame, key_frame, has_width, has_height, has_frame_length;
    uint32_t width_px, height_px;
    uint64_t frame_length;
    char frame_sha256[RML_HASH_TEXT];
} blob_row;

static const rml_field fields[] = {
    RML_COLUMN(blob_row, recording_id, STR, RML_REQUIRED),
    RML_COLUMN(blob_row, channel, STR, RML_REQUIRED),
    RML_COLUMN(blob_row, sequence, I64, RML_REQUIRED),
    RML_COLUMN(blob_row, sensor_ns, I64, RML_NULLABLE, RML_IF(blob_row, has_sensor)),
    RML_COLUMN(blob_row, publish_ns, I64, RML_REQUIRED),
    RML_COLUMN(blob_row, log_ns, I64, RML_REQUIRED),
    RML_COLUMN(blob_row, kind, STR, RML_REQUIRED),
    RML_COLUMN(blob_row, uri, STR, RML_REQUIRED),
    RML_COLUMN(blob_row, offset, U64, RML_REQUIRED),
    RML_COLUMN(blob_row, length, U64, RML_REQUIRED),
    RML_COLUMN(blob_row, codec, STR, RML_NULLABLE), // of the range; null: it is the message itself
    RML_COLUMN(blob_row, inner_offset, U64, RML_REQUIRED),
    RML_COLUMN(blob_row, inner_length, U64, RML_REQUIRED),
    RML_COLUMN(blob_row, crc32c, U32, RML_REQUIRED), // of the message
    // Of the encoded picture in it, null where it holds none or the picture does not tell.
    RML_COLUMN(blob_row, frame_format, STR, RML_NULLABLE), // as the message states it
    RML_COLUMN(blob_row, frame_codec, STR, RML_NULLABLE),  // by its bytes
    RML_COLUMN(blob_row, key_frame, BOOL, RML_NULLABLE, RML_IF(blob_row, has_key_frame)),
    RML_COLUMN(blob_row, width_px, U32, RML_NULLABLE, RML_IF(blob_row, has_width)),
    RML_COLUMN(blob_row, height_px, U32, RML_NULLABLE, RML_IF(blob_row, has_height)),
    RML_COLUMN(blob_row, frame_length, U64, RML_NULLABLE, RML_IF(blob_row, has_frame_length)),
    RML_COLUMN(blob_row, frame_sha256, ID, RML_NULLABLE),
    RML_COLUMN(blob_row, frame_fault, STR, RML_NULLABLE),
};

rml_schema rml_blobs_schema(void)
{
    return (rml_schema)RML_TABLE(fields);
}

static void set_frame(blob_row *row, const rml_ingest_frame *f)
{
    const rml_picture *p = &f->picture;
    row->frame_format = f->format;
    row->frame_codec = rml_str_of(p->codec);
    row->frame_fault = rml_str_of(p->fault);
    row->has_key_frame = p->key != RML_KEY_UNKNOWN;
    row->key_frame = p->key == RML_KEY_YES;
    row->width_px = p->width_px;
    row->height_px = p->height_px;
    row->has_width = p->width_px > 0;
    row->has_height = p->height_px > 0;
    row->frame_length = f->length;
    row->has_frame_length = f->length > 0;
    if (f->length > 0) {
        rml_hash_text(&f->sha256, row->frame_sha256);
    }
}

rml_status rml_blobs_append(rml_batch *batch, rml_str recording_id, rml_str topic, const char *kind,
                            rml_str uri, const rml_log_message *m, const int64_t *sensor_ns,
                            const rml_ingest_frame *frame, rml_error *err)
{
    blob_row row = {.recording_id = recording_id,
                    .channel = topic,
                    .sequence = m->sequence,
                    .has_sensor = sensor_ns != NULL,
                    .sensor_ns = sensor_ns != NULL ? *sensor_ns : 0,
                    .publish_ns = m->publish_ns,
                    .log_ns = m->log_ns,
                    .kind = rml_str_of(kind),
                    .uri = uri,
                    .offset = m->offset,
                    .length = m->length,
                    .codec = rml_str_of(m->compression),
                    .inner_offset = m->inner_offset,
                    .inner_length = m->data.len,
                    .crc32c = rml_crc32c(0, m->data.data, m->data.len)};
    if (frame != NULL) {
        set_frame(&row, frame);
    }
    return rml_row_append(batch, &row, err);
}
