// Inside the room: records of a ROS 1 bag, version 2.0 (wiki.ros.org/Bags/Format/2.0): a header of
// named fields, then data.
#ifndef RML_LOG_BAG_RECORD_H
#define RML_LOG_BAG_RECORD_H

#include "roadmill/base.h"

#define RML_BAG_MAGIC "#ROSBAG V2.0\n"
#define RML_BAG_MAGIC_SIZE 13
#define RML_BAG_REMEDY "roadmill log recover keeps what can be read"

typedef enum rml_bag_op {
    RML_BAG_MESSAGE = 0x02,
    RML_BAG_HEADER = 0x03,
    RML_BAG_INDEX = 0x04,
    RML_BAG_CHUNK = 0x05,
    RML_BAG_CHUNK_INFO = 0x06,
    RML_BAG_CONNECTION = 0x07,
} rml_bag_op;

typedef struct rml_bag_record {
    uint8_t op;
    rml_bytes header; // fields
    rml_bytes data;
    size_t size; // of the whole record
    bool cut;    // its data reaches beyond the end; data holds what is there
} rml_bag_record;

// The record at an offset of bytes. False unless its header is whole, names an op and its fields
// follow their form. A record whose data reaches beyond the end is `cut`.
bool rml_bag_record_at(rml_bytes bytes, uint64_t offset, rml_bag_record *out);
// The next field of a header; false when it is over or does not follow its form.
bool rml_bag_field_next(rml_bytes *left, rml_str *name, rml_bytes *value);
bool rml_bag_field(rml_bytes header, const char *name, rml_bytes *value);
// A field of exactly 4 or 8 bytes.
bool rml_bag_field_u32(rml_bytes header, const char *name, uint32_t *value);
bool rml_bag_field_u64(rml_bytes header, const char *name, uint64_t *value);
// Two 32-bit numbers, seconds and nanoseconds, as nanoseconds.
int64_t rml_bag_time_ns(uint64_t time);
uint64_t rml_bag_time_of(int64_t ns);

#endif
