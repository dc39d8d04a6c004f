// Frames of CAN and CAN FD decoded by DBC files: signals, multiplexing, value tables; J1939 by its
// parameter group with its transport, NMEA 2000 fast packets, and ISO 15765-2 reassembled.
//
// Frames are as message encoding "can" holds them (roadmill/log.h): LINKTYPE_CAN_SOCKETCAN of
// www.tcpdump.org/linktypes. DBC: the Vector format, as cantools reads it.
#ifndef ROADMILL_CAN_H
#define ROADMILL_CAN_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rml_can_frame {
    uint32_t id; // without flags: 11 or 29 bits
    bool extended, remote, error, fd, brs, esi;
    rml_bytes data; // at most 64
} rml_can_frame;
// False if the bytes are no frame of that layout.
RML_API bool rml_can_frame_parse(rml_bytes bytes, rml_can_frame *out);

// ---- DBC ---------------------------------------------------------------------------------------

// How the raw bits of a signal are read.
typedef enum rml_dbc_number {
    RML_DBC_UNSIGNED,
    RML_DBC_SIGNED,
    RML_DBC_F32,
    RML_DBC_F64
} rml_dbc_number;

// A value that a DBC has words for.
typedef struct rml_dbc_text {
    int64_t value;
    rml_str text;
} rml_dbc_text;

// Values [low, high] of the multiplexer for which a signal is there.
typedef struct rml_dbc_range {
    uint64_t low, high;
} rml_dbc_range;

typedef struct rml_dbc_signal {
    rml_str name, unit, comment;
    uint32_t start, length; // bits; start as DBC counts: of the least significant bit, of a
                            // big-endian signal of the most significant
    bool big_endian;
    rml_dbc_number number;
    double factor, offset, low, high; // physical = raw * factor + offset
    const rml_dbc_text *texts;        // of its value table
    size_t text_count;
    bool is_multiplexer;
    size_t multiplexer; // index + 1 of the signal that switches this one; 0: it is always there
    const rml_dbc_range *ranges;
    size_t range_count;
} rml_dbc_signal;

typedef struct rml_dbc_message {
    uint32_t id;
    bool extended, fd;
    bool j1939; // its priority and source address do not count, by its VFrameFormat or the file's
                // ProtocolType
    rml_str name, sender, comment;
    uint32_t size; // bytes
    const rml_dbc_signal *signals;
    size_t signal_count;
} rml_dbc_message;

typedef struct rml_dbc rml_dbc;
// Text in UTF-8 or Windows-1252. An error names line and column. file is for errors.
RML_API rml_status rml_dbc_parse(rml_str text, rml_str file, rml_dbc **out, rml_error *err)
    RML_CHECKED;
RML_API void rml_dbc_free(rml_dbc *dbc);
RML_API const rml_dbc_message *rml_dbc_messages(const rml_dbc *dbc, size_t *count);
// PGN of a 29-bit id (SAE J1939-21): the destination of a PDU1 left out.
RML_API uint32_t rml_j1939_pgn(uint32_t id);

// ---- Decoding ----------------------------------------------------------------------------------

typedef struct rml_can_value {
    const rml_dbc_message *message;
    const rml_dbc_signal *signal;
    int64_t raw; // of a float: its bits; of unsigned ones above 2^63 - 1 the same bits
    double value;
    rml_str text;  // of its value table; empty if there is none for this value
    uint32_t rank; // of the signal's name among those of its message
} rml_can_value;

// What became of a frame.
typedef enum rml_can_fate {
    RML_CAN_DECODED,
    RML_CAN_PART,       // of a transported message that is not whole yet, or flow control
    RML_CAN_UNKNOWN,    // no message of that id
    RML_CAN_SHORT,      // fewer bytes than its description
    RML_CAN_NO_SIGNALS, // a multiplexer value without signals
    RML_CAN_BROKEN,     // a part of a transport whose beginning or neighbour is missing
    RML_CAN_NOT_DATA,   // a remote or an error frame
} rml_can_fate;
RML_API const char *rml_can_fate_reason(rml_can_fate fate); // "no message of this id in the DBC"

typedef struct rml_can_decoder rml_can_decoder;
// Over DBC files that live longer, the first one that knows an id decides. Keeps the state of
// transports of one bus: frames come in their order. One thread.
RML_API rml_status rml_can_decoder_make(const rml_dbc *const *files, size_t count,
                                        rml_can_decoder **out, rml_error *err) RML_CHECKED;
RML_API void rml_can_decoder_free(rml_can_decoder *d);
// values[*count] borrow until the next call; none unless *fate is RML_CAN_DECODED. Fails for want
// of memory alone.
RML_API rml_status rml_can_decode(rml_can_decoder *d, const rml_can_frame *frame,
                                  const rml_can_value **values, size_t *count, rml_can_fate *fate,
                                  rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
