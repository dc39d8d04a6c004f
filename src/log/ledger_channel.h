// Inside the room: one channel's part of the ledger, kept message by message.
#ifndef RML_LOG_LEDGER_CHANNEL_H
#define RML_LOG_LEDGER_CHANNEL_H

#include "roadmill/log.h"

rml_status rml_log_channel_ledger_add(rml_log_channel_ledger *c, rml_arena *arena,
                                      const rml_log_message *message, const int64_t *sensor_ns,
                                      rml_error *err) RML_CHECKED;
// What can be told only when all messages are known: period, gaps, clock, drift.
void rml_log_channel_ledger_end(rml_log_channel_ledger *c);

#endif
