// train: a new trial from what finished ones gave. Private.
//
// Source: Falkner et al., "BOHB", ICML 2018, section 3.2: one joint kernel density each for the
// best results and for the others; the candidate where their ratio is largest. Each kernel is as
// wide on an axis as its farther neighbour is away, with a wide kernel in the middle as prior:
// Bergstra et al., "Algorithms for hyper-parameter optimization", NIPS 2011, and Optuna 5.
#ifndef ROADMILL_TRAIN_TPE_H
#define ROADMILL_TRAIN_TPE_H

#include "roadmill/train/sweep.h"

typedef struct rml_tpe_seen {
    const double *values; // [axes]
    double loss;          // infinite: diverged
    uint32_t trial;
    double position[RML_SWEEP_AXES], width[RML_SWEEP_AXES]; // filled here: of its kernel
} rml_tpe_seen;

// values of trial number `trial`, unlike those of all trials before it ([trial][axes]); false if
// nothing else could be found. seen is sorted by loss; below two results they are random.
bool rml_tpe_propose(const rml_sweep_config *c, rml_tpe_seen *seen, size_t count,
                     const double *before, uint32_t trial, double *values);

#endif
