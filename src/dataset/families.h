// Families in steps, for a lake that does not fit in memory: the runs of each recording, then the
// groups of all.
#ifndef ROADMILL_DATASET_FAMILIES_H
#define ROADMILL_DATASET_FAMILIES_H

#include "roadmill/dataset.h"

// What is kept of a recording to know it again.
typedef struct rml_speed_runs {
    rml_str recording_id;
    rml_array hashes; // uint64_t, sorted, each once
    uint64_t states;  // of tracks with at least two
} rml_speed_runs;
rml_status rml_speed_runs_make(const rml_traffic *traffic, rml_speed_runs *out, rml_error *err)
    RML_CHECKED;
void rml_speed_runs_reset(rml_speed_runs *r);
// out[count], as rml_families_find.
rml_status rml_families_group(const rml_speed_runs *runs, size_t count, rml_family *out,
                              rml_error *err) RML_CHECKED;

#endif
