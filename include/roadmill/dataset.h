// dataset: situations become immutable versions. Manifest, splits, leak check, packed shards, the
// loader and the order of samples.
//
// HOME/versions/HASH/ holds manifest.json (its canonical form hashes to HASH), scenes.parquet (one
// row a scene with its split and family) and shard-NNNNN.rms (packed tensors). The folder
// is written beside and renamed, so it is there whole or not at all.
#ifndef ROADMILL_DATASET_H
#define ROADMILL_DATASET_H

#include "roadmill/catalog.h"
#include "roadmill/os.h"
#include "roadmill/scene.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- Families ----------------------------------------------------------------------------------

// Which recordings show the same moments. From each, the set of all 15-step runs of speeds (rounded
// to 3 decimals, the first at least 0.5 m/s, at least 8 different values); two are one CLIP if they
// share at least 90 % of the smaller set, one FAMILY if at least 2 %; closed transitively. Speeds
// as recorded where the source has them, else by backward difference: this is identity, no input of
// a model, and recorded speeds survive a shift of coordinates exactly. A recording without any such
// run (too short) is known by the speeds of its whole tracks instead.
typedef struct rml_family {
    rml_str recording_id;
    uint32_t clip, family; // dense numbers from 0 in order of the recordings given
    bool keep;             // one per clip: the one with most states, then the smallest id
} rml_family;
RML_API rml_status rml_families_find(const rml_traffic *traffics, size_t count, rml_arena *arena,
                                     rml_family *out, rml_error *err) RML_CHECKED;

// ---- Making a version --------------------------------------------------------------------------

// What is never torn apart by a split.
typedef enum rml_split_rule {
    RML_SPLIT_FAMILY,
    RML_SPLIT_RECORDING,
    RML_SPLIT_PLACE,
    RML_SPLIT_TIME
} rml_split_rule;
// Splits. Three test roles: dev (mining may read it), gate (every look is counted), sealed.
typedef enum rml_split {
    RML_TRAIN,
    RML_VALIDATION,
    RML_DEV,
    RML_GATE,
    RML_SEALED,
    RML_SPLITS
} rml_split;
RML_API extern const rml_names rml_splits;
RML_API const char *rml_split_name(rml_split s); // "train", "validation", "dev", "gate", "sealed"
RML_API bool rml_split_parse(rml_str text, rml_split *out);

typedef struct rml_dataset_spec {
    rml_str name;
    rml_str query; // situations that choose scenes; empty: every window
    rml_split_rule rule;
    double share[RML_SPLITS]; // of units (families, ...); all zero: .6 .1 .15 .15 0
    // PLACE rule: which split the places go to, by place_id prefixes, the longest first; the rest
    // is left out. A prefix named for several splits is divided among them by family, in proportion
    // to share: train and validation {"USA_US101"}, gate {"USA_Lanker"}.
    const rml_str *place[RML_SPLITS];
    size_t place_count[RML_SPLITS];
    uint64_t seed;
    bool keep_one; // drop repeated clips
    rml_scene_spec scene;
    const rml_scene_cutter *cutter; // NULL: the parent's, or the first of the table
    const rml_str *recordings;      // only these; NULL is all with tracks
    size_t recording_count;
    rml_str parent; // hash of the version that this one extends; empty is none
    // Exactly these scenes in the train split (a child by mining); NULL: all. With a parent, its
    // validation, dev, gate and sealed scenes stay; one that is taken from dev takes its family out
    // of dev; one of validation, gate or sealed is refused (RML_ERR_CONFLICT).
    const rml_str *scene_ids;
    size_t scene_id_count;
} rml_dataset_spec;
typedef struct rml_dataset_result {
    char hash[65];
    bool already;
    uint64_t windows_in, scenes, left_out, counts[RML_SPLITS]; // windows_in = scenes + left_out
    uint64_t recordings, families;
    uint64_t bytes;
} rml_dataset_result;
// Cut in parallel, the same bytes at any number of threads. Memory: traffic of at most 2 Mi states
// (or one recording), one shard of at most 32 MiB, some 300 bytes a scene.
RML_API rml_status rml_dataset_create(rml_str home, rml_lake *lake, rml_catalog *catalog,
                                      const rml_dataset_spec *spec, rml_pool *pool,
                                      const rml_progress *progress, rml_dataset_result *out,
                                      rml_error *err) RML_CHECKED;

// ---- Reading one -------------------------------------------------------------------------------

typedef struct rml_dataset rml_dataset;
// Scenes of a version in their order (by split, recording_id, track, time).
typedef struct rml_dataset_scene {
    rml_scene_row row;
    rml_split split;
    uint32_t family, clip;
} rml_dataset_scene;
RML_API rml_status rml_dataset_open(rml_str home, rml_str hash, rml_dataset **out, rml_error *err)
    RML_CHECKED;
// The samples alone, mapped: for what starts in milliseconds. Scenes and find ask for
// rml_dataset_read_scenes before, which does nothing a second time; one thread may call it.
RML_API rml_status rml_dataset_open_samples(rml_str home, rml_str hash, rml_dataset **out,
                                            rml_error *err) RML_CHECKED;
RML_API rml_status rml_dataset_read_scenes(const rml_dataset *d, rml_error *err) RML_CHECKED;
RML_API void rml_dataset_close(rml_dataset *d);
RML_API rml_str rml_dataset_hash(const rml_dataset *d);
RML_API rml_str rml_dataset_manifest(const rml_dataset *d); // JSON
RML_API const rml_scene_spec *rml_dataset_scene_spec(const rml_dataset *d);
RML_API size_t rml_dataset_count(const rml_dataset *d, rml_split split);
// All scenes of a split; [rml_dataset_count].
RML_API const rml_dataset_scene *rml_dataset_scenes(const rml_dataset *d, rml_split split);
// NULL: a cutter that this program does not have; its tensors can be read all the same.
RML_API const rml_scene_cutter *rml_dataset_cutter(const rml_dataset *d);
// The tensors of its samples, in their order; gives how many.
RML_API size_t rml_dataset_tensors(const rml_dataset *d, const rml_tensor_info **info);
// Where the tensor of that name stands among them. RML_ERR_MISSING names those that are there.
RML_API rml_status rml_dataset_tensor_find(const rml_dataset *d, const char *name, size_t *out,
                                           rml_error *err) RML_CHECKED;
// The same for one that must have this type and shape, or RML_ERR_ARGUMENT.
RML_API rml_status rml_dataset_tensor_need(const rml_dataset *d, const rml_tensor_info *want,
                                           size_t *out, rml_error *err) RML_CHECKED;
// A tensor of one sample, mapped.
RML_API rml_tensor_view rml_dataset_tensor(const rml_dataset *d, rml_split split, size_t index,
                                           size_t tensor);
// The values of one that is float32 of fixed shape.
RML_API const float *rml_dataset_f32(const rml_dataset *d, rml_split split, size_t index,
                                     size_t tensor);
// All tensors of one sample, [rml_dataset_tensors].
RML_API void rml_dataset_sample(const rml_dataset *d, rml_split split, size_t index,
                                rml_tensor_view *tensors);
// The scene of that id; false if the version has none.
RML_API bool rml_dataset_find(const rml_dataset *d, rml_str scene_id, rml_split *split,
                              size_t *index);
RML_API int64_t rml_dataset_step_ns(const rml_dataset *d); // of the recorded time grid

// What changed from a to b.
typedef struct rml_dataset_difference {
    uint64_t only_a[RML_SPLITS], only_b[RML_SPLITS]; // scenes, by their split
    uint64_t moved;                                  // in both, in another split
    uint64_t same;
    bool same_inputs; // table states, scene spec, query and split rule agree
} rml_dataset_difference;
RML_API rml_status rml_dataset_diff(const rml_dataset *a, const rml_dataset *b,
                                    rml_dataset_difference *out, rml_error *err) RML_CHECKED;
// Checks every shard against the digests of the manifest, and the manifest against its name.
RML_API rml_status rml_dataset_verify(rml_str home, rml_str hash, rml_error *err) RML_CHECKED;

// Leak check: nothing stands on two sides that are compared (train or validation against dev, gate
// or sealed).
typedef struct rml_leak_report {
    uint64_t shared_recordings, overlapping_windows, shared_clips, shared_families, near_duplicates;
    bool future_in_inputs; // a feature that moves when only the future is changed
    char worst[256];       // the first finding in words; empty if there is none
} rml_leak_report;
RML_API bool rml_leak_report_clean(const rml_leak_report *r);
struct rml_json_writer;
RML_API void rml_leak_report_write(const rml_leak_report *r, struct rml_json_writer *w);
RML_API rml_status rml_dataset_leaks(const rml_dataset *d, rml_lake *lake, rml_leak_report *out,
                                     rml_error *err) RML_CHECKED;

// The strictest of licences by the order in docs/datasets.md. One that is not stated (empty) is the
// strictest of all: "not-stated". One that the order does not know comes just below it.
RML_API rml_str rml_licence_strictest(const rml_str *licences, size_t count);

// ---- Order of samples and the loader -----------------------------------------------------------

// Sample at position p of the endless stream: epoch p / count, item permuted by (version, seed,
// epoch). Reader r of n takes positions p with p mod n = r. Pure.
RML_API uint64_t rml_order_at(const rml_hash *version, uint64_t seed, uint64_t count,
                              uint64_t position);

// Hash of the order so far and one more item: SHA-256 of both, the item as u64.
RML_API void rml_order_add(rml_hash *order, uint64_t item);

// One scene of a version.
typedef struct rml_sample_ref {
    rml_split split;
    uint32_t index;
} rml_sample_ref;

typedef struct rml_loader {
    const rml_dataset *dataset;
    rml_split split;
    const rml_sample_ref *samples; // these instead of a split; NULL: the split
    size_t sample_count;
    uint64_t seed, position;  // in the stream, of the next sample; set it (and order) to resume
    uint32_t reader, readers; // 0 of 1 by default (readers 0 is 1)
    rml_hash order;           // running hash of the items given so far
} rml_loader;
// The next batch of samples of the stream; moves position and order on. tensors[i] is where the
// i-th tensor of the version's goes, batch times its whole size, or all-zero: not wanted. Ragged
// ones get as many rows as they have, zeros behind, and their counts in rows[batch]. Reads ahead on
// no hidden thread; the pool given does the copying (NULL: the caller).
RML_API void rml_loader_next(rml_loader *l, rml_pool *pool, size_t batch,
                             const rml_tensor_slot *tensors);
// The sample that the loader gives at a position of the stream.
RML_API rml_sample_ref rml_loader_at(const rml_loader *l, uint64_t position);

// The version as Parquet for others: scenes with their tensors as lists.
RML_API rml_status rml_dataset_export(const rml_dataset *d, const char *folder, rml_error *err)
    RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
