// train: faults of a step, told with the scene they come from. Private.
#ifndef ROADMILL_TRAIN_FAULT_H
#define ROADMILL_TRAIN_FAULT_H

#include "learner.h"

// Which op first gives what is not finite, in how many samples of the last batch and in which
// scene: each sample alone, in all rows of a leaf. All of them tell of weights, few of scenes.
RML_CHECKED rml_status rml_fault_not_finite(const rml_augment *a, const char *what, rml_error *err);
// A mean loss far above that of the first steps; the sample of the last batch with the largest one.
RML_CHECKED rml_status rml_fault_exploded(const rml_augment *a, double loss, double first,
                                          rml_error *err);

#endif
