// train: where a training stands, as one folder that is there whole or not at all. Private.
#ifndef ROADMILL_TRAIN_CHECKPOINT_H
#define ROADMILL_TRAIN_CHECKPOINT_H

#include "learner.h"
#include "weights.h"

// A copy of all that a checkpoint holds.
typedef struct rml_snapshot {
    rml_members weights, moments; // their data point into the learner
    rml_members average;          // none if the learner has none
    float **weight_copies, **moment_copies, **average_copies;
    float *numbers;
    uint64_t step, position;
    rml_hash order;
    rml_str dataset;
    rml_buffer curve;
} rml_snapshot;
RML_CHECKED rml_status rml_snapshot_make(rml_snapshot *s, const rml_learner *l, rml_error *err);
void rml_snapshot_free(rml_snapshot *s);
RML_CHECKED rml_status rml_snapshot_take(rml_snapshot *s, const rml_learner *l, rml_str curve,
                                         rml_error *err);

// checkpoint-STEP/ holds the weights, the optimiser's moments and the average, if there is one, as
// shards (shards.h), state.json (step, position and running hash of the order) and curve.csv, which
// is also put beside it. Shards of the newest checkpoint that have not changed are linked.
RML_CHECKED rml_status rml_checkpoint_save(rml_str folder, const rml_snapshot *s, rml_error *err);
// A run's curve.csv and TensorBoard event file.
RML_CHECKED rml_status rml_checkpoint_curve(rml_str folder, rml_str curve, rml_error *err);
// The newest whole one below folder: restores l and the curve so far; *found false if there is
// none. One that cannot be read, or whose order is not that of this training, is RML_ERR_CONFLICT.
RML_CHECKED rml_status rml_checkpoint_load(rml_str folder, rml_learner *l, rml_buffer *curve,
                                           bool *found, rml_error *err);
// Removes all but the newest.
RML_CHECKED rml_status rml_checkpoint_prune(rml_str folder, rml_error *err);

#endif
