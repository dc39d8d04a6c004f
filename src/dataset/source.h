// Traffic of many recordings within a budget of memory: loaded in chunks, in the order of use.
#ifndef ROADMILL_DATASET_SOURCE_H
#define ROADMILL_DATASET_SOURCE_H

#include "roadmill/dataset.h"

#define RML_SOURCE_STATES_MAX ((uint64_t)2 << 20) // states in memory at once, or one recording

typedef struct rml_source {
    rml_lake *lake;
    const rml_str *ids;
    uint64_t *states; // of each recording, by the lake
    size_t count;
    rml_arena arena; // of the loaded chunk
    rml_traffic *loaded;
    uint32_t *slot; // of each recording: its place in loaded + 1, or 0
} rml_source;

// ids[count] sorted and kept by the caller; memory of the source itself in `arena`.
rml_status rml_source_open(rml_source *s, rml_lake *lake, const rml_str *ids, size_t count,
                           rml_arena *arena, rml_error *err) RML_CHECKED;
// The traffic of recording order[at]; when it has to be loaded, those that come after it in `order`
// are loaded with it as far as they fit. Borrows until the next call.
rml_status rml_source_get(rml_source *s, const uint32_t *order, size_t order_count, size_t at,
                          const rml_traffic **out, rml_error *err) RML_CHECKED;
void rml_source_close(rml_source *s);

#endif
