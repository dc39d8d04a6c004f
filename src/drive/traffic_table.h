// The tables `tracks`, `maps` and `places`: their columns, and a traffic written into them.
#ifndef ROADMILL_DRIVE_TRAFFIC_TABLE_H
#define ROADMILL_DRIVE_TRAFFIC_TABLE_H

#include "roadmill/drive.h"

rml_schema rml_tracks_schema(void);
rml_schema rml_maps_schema(void);
rml_schema rml_places_schema(void);

typedef struct rml_traffic_rows {
    uint64_t states, elements;
} rml_traffic_rows;
// Appends all of a traffic to the three tables of a transaction.
rml_status rml_traffic_append(rml_lake_txn *txn, const rml_traffic *traffic, rml_traffic_rows *out,
                              rml_error *err) RML_CHECKED;

#endif
