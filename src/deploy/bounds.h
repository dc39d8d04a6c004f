// What one call of an emitted file costs at most: memory, stack, operations, cycles. Private.
#ifndef RML_DEPLOY_BOUNDS_H
#define RML_DEPLOY_BOUNDS_H

#include "export.h"
#include "roadmill/base/json.h"

typedef struct rml_c99_sizes {
    size_t memory_bytes;  // of the caller's struct
    size_t weights_bytes; // constants
} rml_c99_sizes;
// One JSON object, docs/deploy.md.
RML_CHECKED rml_status rml_bounds_write(const rml_export *e, const rml_array *nodes,
                                        const rml_c99_sizes *sizes, rml_buffer *out,
                                        rml_error *err);

#endif
