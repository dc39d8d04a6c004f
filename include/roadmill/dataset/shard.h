// A shard: the tensors of up to some thousand scenes in one file (docs/datasets.md, "Shards").
//
// All float32 of fixed shape:
//     "rmshard1"  u32 tensors  u32 scenes  u64 data offset  u64 floats a scene
//     per tensor: u8 length, name, u8 rank, rank x u32 sizes, u64 first float in a scene
//     zeros up to the data offset, a multiple of 64
//     per scene: its tensors one after another, each scene padded to 64 bytes
// Any others:
//     "rmshard2"  u32 tensors  u32 scenes  u64 data offset  u64 bytes a scene
//     per tensor: u8 length, name, u8 element type, u8 ragged, u8 rank, rank x u32 sizes
//     zeros up to the data offset, a multiple of 64
//     per scene: its fixed tensors one after another, each at a multiple of its element's size,
//     each scene padded to 64 bytes per ragged tensor: (scenes + 1) x u64 first rows, padded to 64;
//     its rows, padded to 64
//
// All little-endian. Shards are untrusted when read: sizes are checked before they are used.
#ifndef ROADMILL_DATASET_SHARD_H
#define ROADMILL_DATASET_SHARD_H

#include "roadmill/base/tensor.h"
#include "roadmill/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RML_SHARD_SIZE_MAX ((size_t)32 << 20) // of one shard; a single scene may not be larger

// Where the tensors of a scene lie, in bytes.
typedef struct rml_shard_layout {
    size_t count;                   // of tensors
    size_t offset[RML_TENSORS_MAX]; // from the start of the scene; of ragged ones 0
    size_t row[RML_TENSORS_MAX];    // bytes of a row
    size_t size[RML_TENSORS_MAX];   // bytes of the tensor; of ragged ones the most
    size_t stride;                  // from scene to scene
    size_t most;                    // that a scene takes with all that is ragged
    size_t scenes_max;              // of one shard
} rml_shard_layout;
// RML_ERR_LIMIT if one scene is larger than a shard may be; RML_ERR_ARGUMENT if there are no
// tensors, more than RML_TENSORS_MAX, or one has no name, too long a name or too many axes.
RML_API rml_status rml_shard_layout_of(const rml_tensor_info *info, size_t count,
                                       rml_shard_layout *out, rml_error *err) RML_CHECKED;

// ---- Writing -----------------------------------------------------------------------------------

typedef struct rml_shard_writer {
    const rml_tensor_info *info; // borrowed
    rml_shard_layout layout;
    rml_buffer shard;                   // header, then the fixed tensors of the scenes
    rml_buffer first[RML_TENSORS_MAX];  // of ragged ones: u64 first rows, one more than scenes
    rml_buffer values[RML_TENSORS_MAX]; // and their rows
    rml_buffer scratch, rows;           // of the scenes added last: rows where they are cut, counts
    uint32_t scenes, added;
} rml_shard_writer;
// For scenes of these tensors; RML_ERR_LIMIT above RML_TENSORS_MAX.
RML_API rml_status rml_shard_writer_init(rml_shard_writer *w, const rml_tensor_info *info,
                                         size_t count, rml_error *err) RML_CHECKED;
// Room for that many scenes more, all zero; at most layout.scenes_max in all.
RML_API rml_status rml_shard_writer_add(rml_shard_writer *w, size_t scenes, rml_error *err)
    RML_CHECKED;
// Where the tensors of scene `index` of those added last go; [layout.count]. Several threads may
// fill several scenes.
RML_API void rml_shard_writer_slots(const rml_shard_writer *w, size_t index,
                                    rml_tensor_slot *slots);
// When the added scenes are filled: takes their ragged rows.
RML_API rml_status rml_shard_writer_join(rml_shard_writer *w, rml_error *err) RML_CHECKED;
// The shard, valid until the writer is cleared, which makes it ready for the next.
RML_API rml_status rml_shard_writer_finish(rml_shard_writer *w, rml_bytes *out, rml_error *err)
    RML_CHECKED;
RML_API void rml_shard_writer_clear(rml_shard_writer *w);
RML_API void rml_shard_writer_reset(rml_shard_writer *w);

// ---- Reading -----------------------------------------------------------------------------------

// One tensor of all scenes.
typedef struct rml_shard_tensor {
    const uint8_t *data;
    const uint8_t *first; // u64 first rows; NULL: not ragged
    size_t stride;        // bytes from scene to scene; of ragged ones from row to row
    size_t size;          // bytes of a scene; of ragged ones of a row
    uint32_t rows;        // of a scene; of ragged ones the most
} rml_shard_tensor;
// A shard that was checked; it borrows the bytes, which must be aligned to 8.
typedef struct rml_shard {
    uint32_t scenes, count;
    rml_shard_tensor tensors[RML_TENSORS_MAX];
} rml_shard;
// expected: the tensors that the file must hold, in this order (NULL: any names and shapes).
RML_API rml_status rml_shard_parse(rml_bytes bytes, rml_str file, const rml_tensor_info *expected,
                                   size_t expected_count, rml_shard *out, rml_error *err)
    RML_CHECKED;
// scene < scenes, tensor < count.
RML_API rml_tensor_view rml_shard_view(const rml_shard *shard, uint32_t scene, size_t tensor);

#ifdef __cplusplus
}
#endif
#endif
