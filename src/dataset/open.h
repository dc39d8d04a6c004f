// Pieces of reading a version that verifying, comparing and exporting share.
#ifndef ROADMILL_DATASET_OPEN_H
#define ROADMILL_DATASET_OPEN_H

#include "roadmill/base/json.h"
#include "roadmill/dataset.h"
#include "roadmill/dataset/shard.h"
#include "roadmill/store.h"

#define RML_REMEDY_VERSION "roadmill dataset create makes it again"

typedef struct rml_mapped_shard {
    rml_object map;
    rml_shard shard;
} rml_mapped_shard;

// Rows of scenes.parquet: read when somebody asks, for samples do not need them.
typedef struct rml_scene_list {
    bool read;
    rml_arena arena;
    rml_dataset_scene *scenes[RML_SPLITS];
    rml_map index; // scene_id -> split << 56 | index
    rml_map texts; // ids that many scenes share, kept once; rows borrow its keys
} rml_scene_list;

// Opaque outside of the room.
struct rml_dataset {
    rml_arena arena;
    rml_str hash, folder;
    rml_buffer manifest;
    const rml_json *tree;
    rml_scene_spec spec;
    bool first_format;
    const rml_scene_cutter *cutter; // NULL: not one of this program's
    rml_tensor_info info[RML_TENSORS_MAX];
    size_t tensors;
    int64_t step_ns;
    rml_scene_list *list;
    size_t count[RML_SPLITS];
    rml_mapped_shard *shards;
    size_t shard_count;
    size_t first_shard[RML_SPLITS], per_shard[RML_SPLITS];
};

// The cutter and its tensors, as the manifest says them.
rml_status rml_dataset_read_tensors(rml_dataset *d, rml_error *err) RML_CHECKED;

// The manifest, checked against its name. tree and folder live in the arena, text is the file.
rml_status rml_manifest_read(rml_str home, rml_str hash, rml_arena *arena, rml_buffer *text,
                             const rml_json **tree, rml_str *folder, rml_error *err) RML_CHECKED;
// scenes.parquet, its columns checked.
rml_status rml_scenes_read(rml_str folder, rml_arena *arena, rml_batch *out, rml_error *err)
    RML_CHECKED;
// The manifest of an open version.
const rml_json *rml_dataset_tree(const rml_dataset *d);

#endif
