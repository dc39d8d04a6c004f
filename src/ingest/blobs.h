// The table `blobs`: large values that stay in their recording, by reference.
#ifndef ROADMILL_INGEST_BLOBS_H
#define ROADMILL_INGEST_BLOBS_H

#include "frame.h"
#include "roadmill/base/column.h"
#include "roadmill/log.h"

rml_schema rml_blobs_schema(void);
// uri: of the recording. sensor_ns NULL: the message does not say. frame NULL: it holds no encoded
// picture.
rml_status rml_blobs_append(rml_batch *batch, rml_str recording_id, rml_str topic, const char *kind,
                            rml_str uri, const rml_log_message *message, const int64_t *sensor_ns,
                            const rml_ingest_frame *frame, rml_error *err) RML_CHECKED;

#endif
