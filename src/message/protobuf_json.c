// A message as JSON text, for types that hold themselves: the mapping of
// protobuf.dev/programming-guides/json with the names of the definition; 64-bit integers are
// strings, bytes base64, enums numbers. Fields in the order of their numbers; absent ones are left
// out.
#include <string.h>

#include "protobuf.h"
#include "roadmill/base/json.h"

#define DEPTH_MAX 32

static void write_number(rml_pb_kind kind, uint64_t raw, rml_json_writer *w)
{
    double f64;
    float f32;
    uint32_t low = (uint32_t)raw;
    char text[24];
    switch (kind) {
    case RML_PB_DOUBLE:
        memcpy(&f64, &raw, sizeof f64);
        rml_json_f64(w, f64);
        break;
    case RML_PB_FLOAT:
        memcpy(&f32, &low, sizeof f32);
        rml_json_f64(w, (double)f32);
        break;
    case RML_PB_BOOL:
        rml_json_bool(w, raw != 0);
        break;
    case RML_PB_UINT64:
    case RML_PB_FIXED64: {
        size_t n = sizeof text;
        do {
            text[--n] = (char)('0' + raw % 10);
        } while ((raw /= 10) > 0);
        rml_json_str(w, (rml_str){text + n, sizeof text - n});
        break;
    }
    case RML_PB_INT64:
    case RML_PB_SFIXED64:
        rml_json_ns(w, (int64_t)raw);
        break;
    case RML_PB_SINT64:
        rml_json_ns(w, rml_pb_zigzag(raw));
        break;
    case RML_PB_SINT32:
        rml_json_i64(w, rml_pb_zigzag(low));
        break;
    case RML_PB_UINT32:
    case RML_PB_FIXED32:
        rml_json_i64(w, low);
        break;
    default:
        rml_json_i64(w, (int32_t)low);
        break;
    }
}

static rml_status write_message(const rml_pb_type *type, rml_bytes data, int depth,
                                rml_json_writer *w, rml_error *err);

static rml_status write_record(const rml_pb_field *f, const rml_pb_record *r, int depth,
                               rml_json_writer *w, rml_error *err)
{
    if (f->type != NULL) {
        return write_message(f->type, r->bytes, depth + 1, w, err);
    }
    if (f->kind == RML_PB_STRING || f->kind == RML_PB_BYTES) {
        bool text = f->kind == RML_PB_STRING && rml_utf8_valid(rml_str_of_bytes(r->bytes));
        if (text) {
            rml_json_str(w, rml_str_of_bytes(r->bytes));
        } else {
            rml_json_base64(w, r->bytes);
        }
        return RML_OK;
    }
    if (r->wire != RML_PB_LEN) {
        write_number(f->kind, r->value, w);
        return RML_OK;
    }
    rml_pb_wire wire = rml_pb_wire_of(f->kind);
    for (rml_bytes left = r->bytes; left.len > 0;) { // packed
        uint64_t value;
        size_t size = wire == RML_PB_I64 ? 8 : 4;
        if (wire == RML_PB_VARINT ? !rml_pb_varint(&left, &value) : left.len < size) {
            return rml_fail(err, RML_ERR_DATA, (rml_place){0}, NULL,
                            "expected packed numbers in %.*s, found other bytes", RML_FMT(f->name));
        }
        if (wire != RML_PB_VARINT) {
            value = size == 8 ? rml_load_u64(left.data) : rml_load_u32(left.data);
            left = rml_bytes_of(left.data + size, left.len - size);
        }
        write_number(f->kind, value, w);
    }
    return RML_OK;
}

// All records of one field; of a field that is not repeated, the last.
static rml_status write_field(const rml_pb_field *f, rml_bytes data, int depth, rml_json_writer *w,
                              rml_error *err)
{
    rml_pb_wire wire = rml_pb_wire_of(f->kind);
    rml_pb_record r, last = {0};
    bool any = false;
    for (rml_bytes left = data; left.len > 0 && rml_pb_next(&left, &r);) {
        bool packed = f->repeated && r.wire == RML_PB_LEN && wire != RML_PB_GROUP;
        if (r.number != f->number || (r.wire != wire && !packed)) {
            continue;
        }
        if (!any) {
            rml_json_key(w, f->name.data);
        }
        if (!any && f->repeated) {
            rml_json_list(w);
        }
        any = true;
        last = r;
        if (f->repeated) {
            RML_TRY(write_record(f, &r, depth, w, err));
        }
    }
    if (any && f->repeated) {
        rml_json_list_end(w);
    } else if (any) {
        RML_TRY(write_record(f, &last, depth, w, err));
    }
    return RML_OK;
}

static rml_status write_message(const rml_pb_type *type, rml_bytes data, int depth,
                                rml_json_writer *w, rml_error *err)
{
    if (depth > DEPTH_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, NULL,
                        "expected messages nested at most %d deep, found more in %.*s", DEPTH_MAX,
                        RML_FMT(type->name));
    }
    for (rml_bytes left = data; left.len > 0;) {
        rml_pb_record r;
        if (!rml_pb_next(&left, &r)) {
            return rml_fail(err, RML_ERR_DATA, (rml_place){0}, NULL,
                            "expected a message of type %.*s, found other bytes",
                            RML_FMT(type->name));
        }
    }
    rml_json_object(w);
    for (size_t i = 0; i < type->fields.count; i++) {
        RML_TRY(write_field(RML_AT(&type->fields, rml_pb_field, i), data, depth, w, err));
    }
    rml_json_object_end(w);
    return RML_OK;
}

rml_status rml_pb_json(const rml_pb_type *type, rml_bytes data, rml_buffer *out, rml_error *err)
{
    rml_json_writer w;
    rml_json_writer_init(&w, out, err);
    RML_TRY(write_message(type, data, 0, &w, err));
    return rml_json_finish(&w);
}
