// Inside the room: records of a bus logger (ASAM MDF bus logging: CAN_DataFrame, LIN_Frame...) as
// frames in the layouts of LINKTYPE_CAN_SOCKETCAN and LINKTYPE_LIN.
#ifndef RML_LOG_MDF_BUS_H
#define RML_LOG_MDF_BUS_H

#include "mdf_group.h"

typedef struct rml_mdf_bus {
    bool is_lin;
    uint32_t flags; // of the id: remote or error frames
    // Indices of channels, -1 where the group has none.
    int id, ide, rtr, edl, brs, esi, dlc, length, bytes, bus, dir;
} rml_mdf_bus;

// Fills bus if the group's records are frames; false if they are something else.
bool rml_mdf_bus_find(const rml_mdf_group *g, rml_mdf_bus *bus);
// The frame of a record, its payload given (VLSD) or in the record: appended to out, which is
// cleared. Number of the bus and whether this logger sent it.
rml_status rml_mdf_bus_frame(const rml_mdf_group *g, rml_bytes record, rml_bytes payload,
                             rml_buffer *out, uint32_t *bus, bool *sent, rml_place at,
                             rml_error *err) RML_CHECKED;

#endif
