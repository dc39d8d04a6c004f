// train: which job of a sweep comes next. Private.
#ifndef ROADMILL_TRAIN_ASHA_H
#define ROADMILL_TRAIN_ASHA_H

#include "roadmill/train/sweep.h"

// A training of one trial from the rung before to this one. A job of no trial is a place in the
// order at which nothing could be done.
typedef struct rml_sweep_job {
    bool idle;
    uint32_t trial, rung;
    double values[RML_SWEEP_AXES];
    char run[65]; // what came of it
    double loss;
} rml_sweep_job;

// The job after count others, of which all but the last window - 1 are done and are looked at. It
// depends on nothing else. Idle `window` times in a row is the end.
RML_CHECKED rml_status rml_sweep_next(const rml_sweep_config *c, const rml_sweep_job *jobs,
                                      size_t count, rml_sweep_job *out, rml_error *err);

#endif
