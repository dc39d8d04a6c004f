// The table `blobs`: large values that stay in their recording, by reference.
#ifndef ROADMILL_INGEST_BLOBS_H
#define ROADMILL_INGEST_BLOBS_H

#include "roadmill/base/column.h"
#include "roadmill/log.h"

rml_schema rml_blobs_schema(void);
// uri: of the recording. sensor_ns NULL: the message does not say.
rml_status rml_blobs_append(rml_batch *batch, rml_str recording_id, rml_str topic, const char *kind,
                            rml_str uri, const rml_log_message *message, const int64_t *sensor_ns,
                            rml_error *err) RML_CHECKED;

#endif
