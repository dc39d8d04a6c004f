// The ledger of a recording as JSON, for the column `ledger` of `recordings` (docs/recordings.md).
#ifndef ROADMILL_INGEST_LEDGER_JSON_H
#define ROADMILL_INGEST_LEDGER_JSON_H

#include "roadmill/log.h"

// counts[channel]: what became of the messages of each channel.
typedef struct rml_channel_count {
    uint64_t rows, blobs, rejects;
} rml_channel_count;
rml_status rml_ledger_json(const rml_log_ledger *ledger, const rml_log_channel *channels,
                           const rml_channel_count *counts, size_t count, rml_buffer *out,
                           rml_error *err) RML_CHECKED;

#endif
