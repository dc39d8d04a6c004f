// A shard: the tensors of up to some thousand scenes in one file (docs/datasets.md, "Shards").
//
//     "rmshard1"  u32 tensors  u32 scenes  u64 data offset  u64 floats a scene
//     per tensor: u8 length, name, u8 rank, rank x u32 sizes, u64 first float in a scene
//     zeros up to the data offset, a multiple of 64
//     per scene: its tensors one after another, float32, each scene padded to 64 bytes
//
// All little-endian. Shards are untrusted when read: sizes are checked before they are used.
#ifndef ROADMILL_DATASET_SHARD_H
#define ROADMILL_DATASET_SHARD_H

#include "roadmill/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RML_SHARD_SIZE_MAX ((size_t)32 << 20) // of one shard; a single scene may not be larger

// Where the tensors of a scene lie, in floats from its start.
typedef struct rml_shard_layout {
    size_t stride; // floats a scene takes
    size_t offset[RML_SCENE_TENSORS];
    size_t size[RML_SCENE_TENSORS]; // floats of a tensor
    size_t scenes_max;              // of one shard
    size_t data_offset;
} rml_shard_layout;
// RML_ERR_LIMIT if one scene is larger than a shard may be.
RML_API rml_status rml_shard_layout_of(const rml_tensor_info info[RML_SCENE_TENSORS],
                                       rml_shard_layout *out, rml_error *err) RML_CHECKED;
// Appends the bytes before the data.
RML_API rml_status rml_shard_header(const rml_tensor_info info[RML_SCENE_TENSORS], uint32_t scenes,
                                    rml_buffer *out, rml_error *err) RML_CHECKED;

// A shard that was checked; data borrows from the bytes, which must be aligned to 4.
typedef struct rml_shard {
    const float *data; // scenes x stride
    uint32_t scenes;
    size_t stride;
    size_t offset[RML_SCENE_TENSORS];
} rml_shard;
// expected: the tensors that the file must hold, in this order (NULL: any names and shapes).
RML_API rml_status rml_shard_parse(rml_bytes bytes, rml_str file, const rml_tensor_info *expected,
                                   rml_shard *out, rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
