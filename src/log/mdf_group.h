// Inside the room: the channel groups of an MDF 4 file as they are described (CG, CN, CA, SI).
#ifndef RML_LOG_MDF_GROUP_H
#define RML_LOG_MDF_GROUP_H

#include "mdf_block.h"

// ASAM MDF 4.2, "CNBLOCK": cn_type, cn_sync_type.
enum {
    RML_MDF_VALUE,
    RML_MDF_VLSD,
    RML_MDF_MASTER,
    RML_MDF_VIRTUAL_MASTER,
    RML_MDF_SYNC,
    RML_MDF_MLSD,
    RML_MDF_VIRTUAL
};
enum { RML_MDF_SYNC_TIME = 1 };
// "CGBLOCK": cg_flags.
enum { RML_MDF_CG_VLSD = 1, RML_MDF_CG_BUS = 2, RML_MDF_CG_REMOTE_MASTER = 8 };

#define RML_MDF_DIMS_MAX 8

typedef struct rml_mdf_channel {
    rml_str name, unit;
    uint8_t type, sync, data_type, bit_offset;
    uint32_t byte_offset, bit_count, flags, invalid_bit;
    uint64_t conversion, data; // links
    // The conversion's type, and its values as they stand in the file.
    uint8_t conversion_type;
    rml_bytes conversion_values;
    uint64_t dims[RML_MDF_DIMS_MAX]; // of an array, the outermost first; dim_count 0: one value
    size_t dim_count;
    bool inverse; // the first index runs fastest
    // VLSD: where its values are. Either a data section, or the records of another group.
    size_t vlsd_group; // index + 1 in the data group; 0: values holds them
    rml_mdf_data values;
} rml_mdf_channel;

typedef struct rml_mdf_group {
    uint64_t offset; // of the CG block
    uint64_t record_id, cycles;
    uint16_t flags;
    uint32_t data_bytes, invalid_bytes;
    rml_str name, source, path; // acquisition name; of its source
    rml_array channels;         // rml_mdf_channel
    size_t master;              // index of the channel of time; channels.count: none
    double master_offset, master_factor;
    uint32_t log_channel; // index + 1 of the log's channel; 0: bus frames, or none yet
    // A group of VLSD values: its records as [u32 length, bytes], one behind the other.
    rml_spill values;
    rml_map_file values_map;
    struct rml_mdf_bus *bus; // its records are frames of a bus
} rml_mdf_group;

// The group of a CG block. *next: link to the group behind it. What cannot be read of it (a channel
// of a kind that is not read) is left out and counted in *ignored.
rml_status rml_mdf_group_read(rml_log *log, uint64_t link, rml_mdf_group *out, uint64_t *next,
                              uint64_t *ignored, rml_error *err) RML_CHECKED;
void rml_mdf_group_reset(rml_mdf_group *g);
// A raw number of a record; false if the channel is no number or lies outside of the record.
bool rml_mdf_number(const rml_mdf_channel *c, rml_bytes record, double *out);
bool rml_mdf_integer(const rml_mdf_channel *c, rml_bytes record, uint64_t *out);

// A small integer by the channel's conversion, where that is linear or a table of values (a length
// by its code, a bus that is the same for the whole group); otherwise as it is.
uint64_t rml_mdf_converted(const rml_mdf_channel *c, uint64_t raw);

// mdf_schema.c: the layout of a group's messages as the JSON text of schema encoding "mdf4".
rml_status rml_mdf_schema(rml_log *log, const rml_mdf_group *g, rml_buffer *out, rml_error *err)
    RML_CHECKED;

#endif
