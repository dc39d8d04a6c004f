// Inside the room: what an MDF file of version 3 (and 2) describes: data groups, their channel
// groups, and the layout of a group's records as the JSON text of schema encoding "mdf4".
//
// Source: Vector, "Specification of the MDF Format", version 3.3. Blocks have two letters, a length
// and links of 32 bits; numbers are in the byte order that the identification block states.
#ifndef RML_LOG_MDF3_GROUP_H
#define RML_LOG_MDF3_GROUP_H

#include "format.h"

typedef struct rml_mdf3_group {
    uint16_t record_id;
    uint32_t cycles;
    size_t size;          // bytes of a record
    rml_str name;         // the group's comment, as far as it is one line; may be empty
    rml_buffer schema;    // JSON
    uint32_t log_channel; // index of the log's channel
    // The channel of time: a number of the record, in seconds by factor and offset.
    bool has_time;
    uint8_t time_type; // as ASAM MDF 4 numbers them: 0 to 5
    uint32_t time_bit, time_bits;
    double time_offset, time_factor;
} rml_mdf3_group;

typedef struct rml_mdf3_data_group {
    uint64_t data; // offset of its records
    uint8_t id_size;
    bool id_behind;   // the id stands behind the record too
    rml_array groups; // rml_mdf3_group
} rml_mdf3_data_group;

typedef struct rml_mdf3 {
    bool big;         // byte order
    int64_t start_ns; // since 1970, UTC where the file tells its offset
    rml_array data_groups;
} rml_mdf3;

bool rml_mdf3_recognised(rml_bytes head);
// Reads all descriptions. The caller resets, also after a failure.
rml_status rml_mdf3_read(rml_log *log, rml_mdf3 *out, rml_error *err) RML_CHECKED;
void rml_mdf3_reset(rml_mdf3 *m);

#endif
