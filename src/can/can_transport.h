// Inside the room: messages of more than one frame, put together again.
#ifndef RML_MESSAGE_CAN_TRANSPORT_H
#define RML_MESSAGE_CAN_TRANSPORT_H

#include "roadmill/can.h"

#define RML_CAN_PAYLOAD_MAX 4095 // ISO 15765-2 with 12 bits; J1939-21: 1785; fast packet: 223

// A transfer under way, by whatever tells it from others.
typedef struct rml_can_transfer {
    uint64_t key;
    bool open;
    uint32_t pgn; // J1939: of the message
    uint32_t size, have, next;
    uint8_t data[RML_CAN_PAYLOAD_MAX];
} rml_can_transfer;
typedef struct rml_can_transfers {
    rml_array items; // rml_can_transfer *
    rml_arena arena;
} rml_can_transfers;

typedef enum rml_can_step {
    RML_CAN_STEP_PART,
    RML_CAN_STEP_WHOLE, // *out is the payload, until the next call
    RML_CAN_STEP_BROKEN,
} rml_can_step;

// SAE J1939-21: TP.CM (PGN 0xEC00) and TP.DT (0xEB00) of a 29-bit id. *pgn: of the whole message.
rml_status rml_can_j1939_step(rml_can_transfers *t, const rml_can_frame *frame, rml_can_step *step,
                              uint32_t *pgn, rml_bytes *out, rml_error *err) RML_CHECKED;
// NMEA 2000 fast packet: up to 223 bytes in frames of 8, by id.
rml_status rml_can_fast_step(rml_can_transfers *t, const rml_can_frame *frame, rml_can_step *step,
                             rml_bytes *out, rml_error *err) RML_CHECKED;
// ISO 15765-2, normal addressing, by id: single, first, consecutive frames, flow control.
rml_status rml_can_iso_step(rml_can_transfers *t, const rml_can_frame *frame, rml_can_step *step,
                            rml_bytes *out, rml_error *err) RML_CHECKED;
void rml_can_transfers_reset(rml_can_transfers *t);

#endif
