// Records of a ROS 1 bag and the fields of their headers.
#include "bag_record.h"

#define FRAME 4

// Moves to the bytes after a length of 32 bits; false if they are not all there.
static bool take_sized(rml_bytes *left, rml_bytes *out)
{
    if (left->len < FRAME || rml_load_u32(left->data) > left->len - FRAME) {
        return false;
    }
    *out = (rml_bytes){left->data + FRAME, rml_load_u32(left->data)};
    *left = (rml_bytes){out->data + out->len, left->len - FRAME - out->len};
    return true;
}

bool rml_bag_field_next(rml_bytes *left, rml_str *name, rml_bytes *value)
{
    rml_bytes field;
    if (!take_sized(left, &field)) {
        return false;
    }
    rml_str rest = rml_str_cut(rml_str_of_bytes(field), '=', name);
    if (rest.data == NULL || name->len == 0) {
        return false;
    }
    *value = rml_bytes_of_str(rest);
    return true;
}

bool rml_bag_field(rml_bytes header, const char *name, rml_bytes *value)
{
    rml_str found;
    while (rml_bag_field_next(&header, &found, value)) {
        if (rml_str_equal(found, rml_str_of(name))) {
            return true;
        }
    }
    return false;
}

bool rml_bag_field_u32(rml_bytes header, const char *name, uint32_t *value)
{
    rml_bytes bytes;
    if (!rml_bag_field(header, name, &bytes) || bytes.len != 4) {
        return false;
    }
    *value = rml_load_u32(bytes.data);
    return true;
}

bool rml_bag_field_u64(rml_bytes header, const char *name, uint64_t *value)
{
    rml_bytes bytes;
    if (!rml_bag_field(header, name, &bytes) || bytes.len != 8) {
        return false;
    }
    *value = rml_load_u64(bytes.data);
    return true;
}

static bool is_header(rml_bytes header)
{
    rml_str name;
    rml_bytes value;
    while (header.len > 0) {
        if (!rml_bag_field_next(&header, &name, &value)) {
            return false;
        }
    }
    return true;
}

bool rml_bag_record_at(rml_bytes bytes, uint64_t offset, rml_bag_record *out)
{
    if (offset >= bytes.len) {
        return false;
    }
    rml_bytes left = {bytes.data + offset, bytes.len - (size_t)offset}, op;
    *out = (rml_bag_record){0};
    if (!take_sized(&left, &out->header) || !rml_bag_field(out->header, "op", &op) || op.len != 1 ||
        !is_header(out->header) || left.len < FRAME) {
        return false;
    }
    out->op = op.data[0];
    out->size = 2 * (size_t)FRAME + out->header.len + rml_load_u32(left.data);
    if (!take_sized(&left, &out->data)) {
        out->cut = true;
        out->data = (rml_bytes){left.data + FRAME, left.len - FRAME};
    }
    return true;
}

int64_t rml_bag_time_ns(uint64_t time)
{
    return (int64_t)(uint32_t)time * 1000000000 + (int64_t)(time >> 32);
}

uint64_t rml_bag_time_of(int64_t ns)
{
    return (uint64_t)(ns / 1000000000) | (uint64_t)(ns % 1000000000) << 32;
}
