// The tables that every source of data fills alike: `recordings`, `drives` and `rejects`, and the
// structs of their rows (rml_row_append). Ingest of logs and importers of scenarios both use them,
// so that the columns mean the same whoever wrote them.
//
// Empty text is stored as null: what was not stated is not known.
#ifndef ROADMILL_LAKE_RECORDINGS_H
#define ROADMILL_LAKE_RECORDINGS_H

#include "roadmill/base/row.h"

#ifdef __cplusplus
extern "C" {
#endif

// A row of `recordings`: a file of a logger, or a scenario file. It ends its transaction.
typedef struct rml_recording_row {
    rml_str recording_id; // SHA-256 of its bytes, 64 hexadecimal digits
    rml_str drive_id;
    rml_str uri;
    rml_str format;           // "mcap", "commonroad", ...
    rml_str logger;           // what wrote it, as far as it says
    int64_t start_ns, end_ns; // of the first and the last message
    bool has_span;            // false: it holds no message; start and end are null
    uint64_t bytes;           // of the file
    uint64_t bytes_lost;      // not readable
    uint64_t messages;        // or states: what was read, = rows + blobs + rejects
    uint64_t rows, blobs, rejects;
    rml_str ledger;       // JSON, docs/recordings.md
    rml_str completeness; // "whole", "cut", "damaged"
    rml_str part;         // of a split recording
    rml_str derived_from; // recording_id
    rml_str licence, purpose, region, consent, retention, anonymised;
} rml_recording_row;
RML_API rml_schema rml_recordings_schema(void);

// A row of `drives`: what one recording says about its drive. A drive of several recordings has a
// row for each; its span is from the least start to the greatest end.
typedef struct rml_drive_row {
    rml_str drive_id, recording_id;
    rml_str vehicle, vehicle_config, place_id;
    rml_str findings; // what is odd about the recording, a line each (docs/recordings.md)
    int64_t start_ns, end_ns;
    bool has_span;
} rml_drive_row;
RML_API rml_schema rml_drives_schema(void);

// A row of `rejects`: something that was read and could not be kept, with its reason.
typedef struct rml_reject_row {
    rml_str recording_id;
    rml_str stage;           // "container", "schema", "decode", "import", "ego", ...
    rml_str channel;         // topic, track or file part; may be empty
    uint64_t offset, length; // of its bytes in the file
    rml_str reason;
} rml_reject_row;
RML_API rml_schema rml_rejects_schema(void);

#ifdef __cplusplus
}
#endif
#endif
