// Tensors of a sample: what a cutter gives, a shard holds and a graph takes, by name.
#ifndef ROADMILL_BASE_TENSOR_H
#define ROADMILL_BASE_TENSOR_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rml_element {
    RML_ELEMENT_F32,
    RML_ELEMENT_F16,  // IEEE 754 binary16
    RML_ELEMENT_BF16, // the upper half of a binary32
    RML_ELEMENT_U8,
    RML_ELEMENT_I32,
    RML_ELEMENT_I64,
    RML_ELEMENTS
} rml_element;
RML_API const char *rml_element_name(
    rml_element e); // "float32", "float16", "bfloat16", "uint8", ...
// False, and *out as it was, for another name.
RML_API bool rml_element_parse(rml_str text, rml_element *out);
RML_API size_t rml_element_size(rml_element e); // in bytes
// The values as float32, rounded to nearest where it does not hold them (int32, int64).
RML_API void rml_elements_to_f32(rml_element e, const void *values, size_t count, float *out);

#define RML_TENSORS_MAX 32    // of one sample
#define RML_TENSOR_RANK_MAX 4 // axes
#define RML_TENSOR_NAME_MAX 63

// Row-major. All-zero but name and shape: float32 of fixed shape, an input without a unit.
typedef struct rml_tensor_info {
    const char *name; // 1 to RML_TENSOR_NAME_MAX bytes
    uint32_t rank, shape[RML_TENSOR_RANK_MAX];
    rml_element element;
    bool ragged;      // shape[0] is the most: each sample has as many rows as it has (rank >= 1)
    bool future;      // may be made from what comes after now: to learn or to judge by, no input
    const char *unit; // of all values; NULL: several, or none
} rml_tensor_info;
// Bytes of a row (an index of the first axis; of a scalar the whole) and of all rows, the most
// where ragged. False if that does not fit into size_t or the rank is not in its range.
RML_API bool rml_tensor_info_size(const rml_tensor_info *info, size_t *row, size_t *whole);
// Same name, shape, element type and raggedness: what readers must agree on.
RML_API bool rml_tensor_info_equal(const rml_tensor_info *a, const rml_tensor_info *b);

// A tensor of one sample, borrowed. rows: of the first axis; shape[0] where not ragged.
typedef struct rml_tensor_view {
    const void *data;
    uint32_t rows;
} rml_tensor_view;
// Where a tensor of one sample goes: room for the most rows. rows: out, how many there are; NULL
// where not ragged.
typedef struct rml_tensor_slot {
    void *data;
    uint32_t *rows;
} rml_tensor_slot;

#ifdef __cplusplus
}
#endif
#endif
