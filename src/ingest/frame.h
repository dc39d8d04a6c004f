// The encoded picture in a message that stays in its recording: what it says of itself, and its
// identity, so that a decoder can be shown to have given this very frame.
#ifndef ROADMILL_INGEST_FRAME_H
#define ROADMILL_INGEST_FRAME_H

#include "roadmill/codec.h"
#include "roadmill/codec/picture.h"
#include "roadmill/message.h"

typedef struct rml_ingest_frame {
    rml_str format; // as the message states it
    rml_picture picture;
    size_t length;   // of the picture's bytes; 0 where the message could not be read
    rml_hash sha256; // of these bytes
} rml_ingest_frame;

typedef struct rml_frame_reader rml_frame_reader;
// NULL in *out for messages without a `format` text and `data` bytes: no encoded picture.
rml_status rml_frame_reader_make(const rml_message_plan *plan, rml_frame_reader **out,
                                 rml_error *err) RML_CHECKED;
void rml_frame_reader_free(rml_frame_reader *r);
// format lives until the next call. A message that cannot be decoded is a frame with a fault.
rml_status rml_frame_read(rml_frame_reader *r, rml_bytes message, rml_ingest_frame *out,
                          rml_error *err) RML_CHECKED;

#endif
