// What becomes of the messages of one channel: rows of a signals table, references in `blobs`, or
// rejects with one reason for all.
#ifndef ROADMILL_INGEST_CHANNEL_H
#define ROADMILL_INGEST_CHANNEL_H

#include "frame.h"
#include "roadmill/base/row.h"
#include "roadmill/lake.h"
#include "roadmill/log.h"
#include "roadmill/message.h"

typedef enum rml_channel_fate {
    RML_FATE_SIGNALS,
    RML_FATE_BLOBS,
    RML_FATE_REJECTS
} rml_channel_fate;

typedef struct rml_ingest_channel {
    rml_channel_fate fate;
    const char *kind;             // BLOBS: "image", "cloud"
    rml_str reason;               // REJECTS
    bool undecodable;             // REJECTS: by its encoding; large messages are referred to
    rml_message_plan *plan;       // SIGNALS and BLOBS with a schema
    rml_message_decoder *decoder; // SIGNALS: of the plan into the batch
    rml_frame_reader *frames;     // BLOBS with an encoded picture, else NULL
    rml_str table;                // SIGNALS: "signals_sensor_msgs_msg_imu"
    char schema_hash[RML_HASH_TEXT];
    rml_batch batch; // SIGNALS: rows not yet handed to the lake
    size_t batch_bytes;
} rml_ingest_channel;

// Decides what becomes of a channel. Text in the arena.
rml_status rml_ingest_channel_init(rml_ingest_channel *c, const rml_log_channel *channel,
                                   rml_str file, rml_arena *arena, rml_error *err) RML_CHECKED;
void rml_ingest_channel_reset(rml_ingest_channel *c);
// Decodes one message into the batch. sensor_ns: the time it says itself, NULL if it says none.
// RML_ERR_DATA: a reject, err says why.
rml_status rml_ingest_channel_add(rml_ingest_channel *c, const rml_log_message *message,
                                  const int64_t *sensor_ns, rml_str file, rml_error *err)
    RML_CHECKED;
// Hands the batch to the lake, with what is the same in all of its rows.
rml_status rml_ingest_channel_flush(rml_ingest_channel *c, rml_lake_txn *txn, rml_str topic,
                                    rml_str recording_id, rml_arena *arena, rml_error *err)
    RML_CHECKED;

#endif
