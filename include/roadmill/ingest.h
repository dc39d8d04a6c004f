// ingest: recordings of a logger into the lake: `recordings` with its ledger, `drives`,
// `signals_TYPE`, `blobs` by reference, `rejects`.
//
// Conservation, asserted for each recording: messages read = rows of signals + blobs + rejects.
// A recording is known by the SHA-256 of its bytes: one that is in the lake already is left alone.
// Killed at any instant and run again, the tables are the same (their state hashes are).
#ifndef ROADMILL_INGEST_H
#define ROADMILL_INGEST_H

#include "roadmill/can.h"
#include "roadmill/lake.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rml_ingest_options {
    rml_str vehicle;                  // empty: not stated
    rml_str drive_id;                 // empty: derived from vehicle and start; where one of them is
                                      // not known, the recording is a drive of its own
    rml_str licence, purpose, region; // of the data, as stated by the user; empty is not stated
    size_t memory_max;                // 0: 256 MiB
    size_t threads;                   // 0 is 1: the caller alone; the rows are the same
    // CAN frames are decoded by these into the table signals_can, the first one that knows an id
    // decides; borrowed. For a recording that is in the lake already its rows there are made again.
    const rml_dbc *const *dbc;
    size_t dbc_count;
    // Called when all rows are written and none is visible yet; NULL: none. Whoever ingests side by
    // side waits in it for the turn of this one. A failure leaves nothing visible.
    rml_status (*before_commit)(void *context, rml_error *err);
    void *before_commit_context;
} rml_ingest_options;

typedef struct rml_ingest_result {
    char recording_id[65];
    char drive_id[65];
    bool already;                                   // it was in the lake
    uint64_t bytes, messages, rows, blobs, rejects; // messages = rows + blobs + rejects
    uint64_t bytes_lost;
    uint64_t can_signals; // rows of signals_can
    bool complete;
} rml_ingest_result;

// A recording: a file, or the folder of a ROS 2 bag, whose id is the SHA-256 of its files' bytes
// one behind the other. Damage in it is no failure: it stands in the result and in `rejects`.
RML_API rml_status rml_ingest_recording(rml_lake *lake, rml_str uri,
                                        const rml_ingest_options *options,
                                        const rml_progress *progress, rml_ingest_result *out,
                                        rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
