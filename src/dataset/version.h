// A version in the making: recordings, their windows and splits, what is left out and why.
#ifndef ROADMILL_DATASET_VERSION_H
#define ROADMILL_DATASET_VERSION_H

#include "roadmill/dataset.h"
#include "roadmill/store.h"
#include "source.h"

typedef enum rml_left_out {
    RML_LEFT_QUERY,         // no match covers its focus at t0
    RML_LEFT_REPEATED_CLIP, // another recording of the same clip is kept
    RML_LEFT_PLACE,         // its place belongs to no split
    RML_LEFT_NOT_CHOSEN,    // not among the scene_ids
    RML_LEFT_HELD_OUT,      // new, but of a family that the parent holds out
    RML_LEFT_MINED,         // of dev, but another scene of its family was taken to train
    RML_LEFT_TIME_STEP,     // its recording has another time step than the version
    RML_LEFT_REASONS
} rml_left_out;
extern const char *const rml_left_out_names[RML_LEFT_REASONS];

// A window's way: one of rml_split, by the rule of its recording, or out.
#define RML_FATE_RULE (-1)
#define RML_FATE_OUT(reason) (-2 - (int)(reason))
typedef struct rml_fate {
    rml_window window;
    int32_t split;
} rml_fate;

typedef struct rml_version_recording {
    rml_str id, drive_id, place_id, licence;
    rml_family family;
    int64_t start_ns, step_ns;
    bool ego_of_rows;  // rml_traffic.ego_of_rows
    int split;         // by the rule
    rml_array windows; // rml_fate
    uint64_t counts[RML_SPLITS];
} rml_version_recording;

typedef struct rml_version {
    const rml_dataset_spec *spec;
    rml_scene_spec scene; // filled in
    const rml_scene_cutter *cutter;
    rml_tensor_info info[RML_TENSORS_MAX]; // what it gives
    size_t tensors;
    rml_dataset *parent; // or NULL
    rml_arena arena;
    rml_source source;
    rml_version_recording *recordings;
    uint32_t *order; // 0, 1, 2, ...
    size_t count;
    uint64_t windows_in, scenes, left_out[RML_LEFT_REASONS], counts[RML_SPLITS];
    uint64_t families;
    int64_t step_ns;
    rml_str licence, purpose;
} rml_version;

// Pass 1: which windows there are and where they go. Everything is freed by rml_version_reset.
rml_status rml_version_plan(rml_version *v, rml_lake *lake, const rml_dataset_spec *spec,
                            rml_dataset *parent, const rml_progress *progress, rml_error *err)
    RML_CHECKED;
void rml_version_reset(rml_version *v);

// A shard that was written.
typedef struct rml_version_shard {
    rml_split split;
    uint32_t scenes;
    uint64_t bytes;
    rml_hash digest;
} rml_version_shard;
#define RML_SHARD_NAME "shard-%05zu.rms"

// Pass 2: cuts the scenes into folder: shards (rml_version_shard items) and scenes.parquet.
typedef struct rml_version_files {
    rml_array shards;
    rml_hash scenes_digest;
    uint64_t bytes;
} rml_version_files;
rml_status rml_version_cut(rml_version *v, const char *folder, rml_pool *pool,
                           const rml_progress *progress, rml_version_files *out, rml_error *err)
    RML_CHECKED;

// The manifest in canonical form. Format 1 says neither the cutter nor the types of its tensors: it
// is written for the table's first cutter, so that its versions keep their names.
#define RML_VERSION_FORMAT_1 "roadmill-dataset-1"
#define RML_VERSION_FORMAT_2 "roadmill-dataset-2"
rml_status rml_version_manifest(const rml_version *v, rml_lake *lake,
                                const rml_version_files *files, rml_buffer *out, rml_error *err)
    RML_CHECKED;

// scenes.parquet: its schema, and a row.
rml_schema rml_version_scenes_schema(void); // a row is an rml_dataset_scene

#endif
