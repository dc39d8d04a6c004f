// The table `signals_can`: signals of CAN frames, decoded by the DBC files that were given; one
// long table, not hundreds.
#ifndef ROADMILL_INGEST_CAN_H
#define ROADMILL_INGEST_CAN_H

#include "roadmill/base/column.h"
#include "roadmill/can.h"
#include "roadmill/log.h"

typedef struct rml_ingest_can {
    const rml_dbc *const *files; // borrowed
    size_t count;                // 0: nothing is decoded
    rml_array decoders;          // rml_can_decoder *, by channel: transports belong to a bus
    rml_batch batch;
    rml_array misses;  // what was not decoded, and how often
    rml_array ordered; // const rml_can_value *: of one frame, by name
} rml_ingest_can;

rml_status rml_ingest_can_init(rml_ingest_can *c, const rml_dbc *const *files, size_t count,
                               rml_error *err) RML_CHECKED;
// Decodes the frame of a message into the batch.
rml_status rml_ingest_can_add(rml_ingest_can *c, const rml_log_channel *channel,
                              const rml_log_message *message, rml_str recording_id, rml_error *err)
    RML_CHECKED;
// The rejects: a row for each bus, id and reason, with the number of its frames in words.
rml_status rml_ingest_can_rejects(const rml_ingest_can *c, const rml_log *log, rml_str recording_id,
                                  rml_batch *rejects, rml_arena *arena, rml_error *err) RML_CHECKED;
void rml_ingest_can_reset(rml_ingest_can *c);

#endif
