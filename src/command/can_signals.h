// Decoding of CAN frames by the DBC files that a command was given: one decoder a channel, because
// transports belong to a bus.
#ifndef ROADMILL_COMMAND_CAN_SIGNALS_H
#define ROADMILL_COMMAND_CAN_SIGNALS_H

#include "call.h"
#include "roadmill/can.h"
#include "roadmill/log.h"

typedef struct can_signals {
    rml_dbc **files;
    size_t count;       // 0: no DBC was given
    rml_array decoders; // rml_can_decoder *, by channel
} can_signals;

// Reads the files of --dbc, as often as it was given.
rml_status rml_can_signals_open(can_signals *s, rml_call *call, rml_error *err) RML_CHECKED;
// As rml_can_decode, for a message of a channel. A message that is no frame is RML_CAN_NOT_DATA.
rml_status rml_can_signals_decode(can_signals *s, const rml_log_message *message,
                                  const rml_can_value **values, size_t *count, rml_can_fate *fate,
                                  rml_error *err) RML_CHECKED;
void rml_can_signals_close(can_signals *s);

#endif
