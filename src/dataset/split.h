// Which split a recording goes to.
#ifndef ROADMILL_DATASET_SPLIT_H
#define ROADMILL_DATASET_SPLIT_H

#include "roadmill/dataset.h"

#define RML_SPLIT_NONE (-1)

// A recording as the rules see it.
typedef struct rml_split_item {
    rml_str recording_id, place_id;
    uint32_t family;
    int64_t start_ns;
    bool used; // it has windows that may become scenes; others get no split and are no unit
    int split; // out: rml_split or RML_SPLIT_NONE
} rml_split_item;

// Pure: by rule, shares, places and seed. Errors name what is wrong with the spec.
rml_status rml_split_assign(const rml_dataset_spec *spec, rml_split_item *items, size_t count,
                            rml_error *err) RML_CHECKED;

#endif
