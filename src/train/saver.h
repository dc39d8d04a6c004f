// train: checkpoints written beside the training. Private.
#ifndef ROADMILL_TRAIN_SAVER_H
#define ROADMILL_TRAIN_SAVER_H

#include "checkpoint.h"

typedef struct rml_saver rml_saver;
// folder: the run's, borrowed.
RML_CHECKED rml_status rml_saver_make(rml_str folder, const rml_learner *l, rml_saver **out,
                                      rml_error *err);
void rml_saver_free(rml_saver *s); // waits
// Copies where the learner stands and returns; a thread writes the copy as a checkpoint, removes
// older ones and writes the run's curve. Waits for the one before, and tells its error.
RML_CHECKED rml_status rml_saver_save(rml_saver *s, const rml_learner *l, rml_str curve,
                                      rml_error *err);
// The error of a save under way, if it has one by now; RML_OK while it has none.
RML_CHECKED rml_status rml_saver_check(rml_saver *s, rml_error *err);
RML_CHECKED rml_status rml_saver_wait(rml_saver *s, rml_error *err);

#endif
