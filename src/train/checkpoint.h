// train: where a training stands, as one folder that is there whole or not at all. Private.
#ifndef ROADMILL_TRAIN_CHECKPOINT_H
#define ROADMILL_TRAIN_CHECKPOINT_H

#include "learner.h"

// checkpoint-STEP/ holds weights.safetensors, state.safetensors (the optimiser's moments),
// state.json (step, position and running hash of the order) and curve.csv.
RML_CHECKED rml_status rml_checkpoint_save(const char *folder, const rml_learner *l, rml_str curve,
                                           rml_error *err);
// The newest whole one below folder: restores l and the curve so far; *found false if there is
// none. One that cannot be read, or whose order is not that of this training, is RML_ERR_CONFLICT.
RML_CHECKED rml_status rml_checkpoint_load(const char *folder, rml_learner *l, rml_buffer *curve,
                                           bool *found, rml_error *err);
// Removes all but the newest.
RML_CHECKED rml_status rml_checkpoint_prune(const char *folder, rml_error *err);

#endif
