// train: the safetensors container, float32. Private to the room (and its fuzz target).
#ifndef ROADMILL_TRAIN_SAFETENSORS_H
#define ROADMILL_TRAIN_SAFETENSORS_H

#include "roadmill/base.h"
#include "roadmill/graph.h"

#define RML_SAFETENSORS_HEADER_MAX ((size_t)16 << 20)
#define RML_SAFETENSORS_TENSORS_MAX 16384

typedef struct rml_safetensor {
    rml_str name;
    rml_shape shape;
    size_t count;    // elements
    rml_bytes bytes; // count * 4, little-endian; borrows
} rml_safetensor;

// rml_safetensor items in the order of their data. Checked: header size, types, shapes against
// lengths, that the tensors fill the data without hole or overlap.
RML_CHECKED rml_status rml_safetensors_parse(rml_bytes content, rml_str file, rml_arena *arena,
                                             rml_array *tensors, rml_error *err);
// data[i] of tensors[i].count floats; bytes of the tensors are not read.
RML_CHECKED rml_status rml_safetensors_write(const rml_safetensor *tensors, size_t count,
                                             const float *const *data, rml_buffer *out,
                                             rml_error *err);

#endif
