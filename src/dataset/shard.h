// What writing and reading a shard share.
#ifndef ROADMILL_DATASET_SHARD_PARTS_H
#define ROADMILL_DATASET_SHARD_PARTS_H

#include "roadmill/dataset/shard.h"

#define RML_SHARD_PLAIN "rmshard1" // all float32 of fixed shape
#define RML_SHARD_TYPED "rmshard2"
#define RML_SHARD_ALIGN 64

size_t rml_shard_align(size_t n); // the next multiple
bool rml_shard_is_plain(const rml_tensor_info *info, size_t count);
// False if a scene is too large. Names are not read; count <= RML_TENSORS_MAX.
bool rml_shard_lay_out(const rml_tensor_info *info, size_t count, rml_shard_layout *out);

#endif
