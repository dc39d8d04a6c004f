// Frames of CAN, CAN FD and LIN as they are: the layouts of www.tcpdump.org/linktypes
// (LINKTYPE_CAN_SOCKETCAN, LINKTYPE_LIN), and their columns.
#include "plan.h"
#include "roadmill/base/row.h"
#include "roadmill/can.h"

#define CAN_EXTENDED 0x80000000u
#define CAN_REMOTE 0x40000000u
#define CAN_ERROR 0x20000000u
#define LIN_HEAD 8

bool rml_can_frame_parse(rml_bytes bytes, rml_can_frame *out)
{
    if (bytes.len < 8 || bytes.data[4] > 64 || bytes.data[4] > bytes.len - 8) {
        return false;
    }
    const uint8_t *p = bytes.data;
    uint32_t id = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    *out = (rml_can_frame){.id = id & 0x1FFFFFFF,
                           .extended = (id & CAN_EXTENDED) != 0,
                           .remote = (id & CAN_REMOTE) != 0,
                           .error = (id & CAN_ERROR) != 0,
                           .fd = (p[5] & 4) != 0,
                           .brs = (p[5] & 1) != 0,
                           .esi = (p[5] & 2) != 0,
                           .data = {p + 8, p[4]}};
    return true;
}

// ---- As columns --------------------------------------------------------------------------------

static const rml_field can_fields[] = {
    RML_FIELD("id", RML_TYPE_I64, RML_NULLABLE),
    RML_FIELD("extended", RML_TYPE_BOOL, RML_NULLABLE),
    RML_FIELD("remote", RML_TYPE_BOOL, RML_NULLABLE),
    RML_FIELD("error", RML_TYPE_BOOL, RML_NULLABLE),
    RML_FIELD("fd", RML_TYPE_BOOL, RML_NULLABLE),
    RML_FIELD("brs", RML_TYPE_BOOL, RML_NULLABLE),
    RML_FIELD("esi", RML_TYPE_BOOL, RML_NULLABLE),
    RML_FIELD("data", RML_TYPE_BINARY, RML_NULLABLE),
};
static const rml_field lin_fields[] = {
    RML_FIELD("id", RML_TYPE_I64, RML_NULLABLE),
    RML_FIELD("data", RML_TYPE_BINARY, RML_NULLABLE),
};

static rml_status compile_can(const rml_message_kind *kind, rml_str file, rml_message_plan *plan,
                              rml_error *err)
{
    (void)kind;
    (void)file;
    (void)err;
    plan->schema = (rml_schema)RML_TABLE(can_fields);
    return RML_OK;
}

static rml_status decode_can(const rml_message_plan *plan, rml_bytes data, rml_place place,
                             rml_column *columns, rml_error *err)
{
    (void)plan;
    rml_can_frame f;
    if (!rml_can_frame_parse(data, &f)) {
        return rml_fail(err, RML_ERR_DATA, place, NULL,
                        "expected a CAN frame of at least 8 bytes with its length, found %zu bytes",
                        data.len);
    }
    const bool flags[] = {f.extended, f.remote, f.error, f.fd, f.brs, f.esi};
    RML_TRY(rml_column_i64(&columns[0], f.id, err));
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        RML_TRY(rml_column_bool(&columns[1 + i], flags[i], err));
    }
    return rml_column_bytes(&columns[7], f.data.data, f.data.len, err);
}

static rml_status compile_lin(const rml_message_kind *kind, rml_str file, rml_message_plan *plan,
                              rml_error *err)
{
    (void)kind;
    (void)file;
    (void)err;
    plan->schema = (rml_schema)RML_TABLE(lin_fields);
    return RML_OK;
}

static rml_status decode_lin(const rml_message_plan *plan, rml_bytes data, rml_place place,
                             rml_column *columns, rml_error *err)
{
    (void)plan;
    size_t len = data.len < LIN_HEAD ? 0 : data.data[4] >> 4;
    if (data.len < LIN_HEAD || len > data.len - LIN_HEAD) {
        return rml_fail(
            err, RML_ERR_DATA, place, NULL,
            "expected a LIN frame of at least %d bytes with its length, found %zu bytes", LIN_HEAD,
            data.len);
    }
    RML_TRY(rml_column_i64(&columns[0], data.data[5] & 0x3F, err));
    return rml_column_bytes(&columns[1], data.data + LIN_HEAD, len, err);
}

const rml_encoding rml_encoding_can = {
    .message_encoding = "can", .schema_encoding = "", .compile = compile_can, .decode = decode_can};
const rml_encoding rml_encoding_lin = {
    .message_encoding = "lin", .schema_encoding = "", .compile = compile_lin, .decode = decode_lin};
