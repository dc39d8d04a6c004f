// train: many short trainings that look for good settings: a sweep.
//
// Trials are trained to a rung (a step), the best share of each rung goes on to the next, and new
// ones are proposed from what the finished ones gave. Which job comes k-th depends on the results
// of the jobs up to k - window alone, never on which happened to end first: a sweep by any number
// of jobs at once, and one that was stopped and goes on, does the same trainings. Sources:
// successive halving without waiting: Li et al., "A system for massively parallel hyperparameter
// tuning" (ASHA), MLSys 2020, algorithm 2; proposals: the multivariate tree-structured Parzen
// estimator of Falkner et al., "BOHB", ICML 2018, with the bandwidths of Optuna 4.
//
// HOME/sweeps/HASH/jobs.jsonl holds a line for each job that is done; HASH names settings, version
// and program. Trials are runs like any other (train.h).
#ifndef ROADMILL_TRAIN_SWEEP_H
#define ROADMILL_TRAIN_SWEEP_H

#include "roadmill/train.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { RML_SWEEP_AXES = 16, RML_SWEEP_CHOICES = 16 };

// Numbers spread evenly, evenly in their logarithm, or one of a list.
typedef enum rml_axis_kind { RML_AXIS_LINEAR, RML_AXIS_LOG, RML_AXIS_CHOICE } rml_axis_kind;
// One setting that is searched. Numbers between low and high are rounded to four digits.
typedef struct rml_sweep_axis {
    char name[32]; // of the training's field
    rml_axis_kind kind;
    bool whole, boolean; // the field's numbers are whole; are false (0) and true (1)
    double low, high;
    double choices[RML_SWEEP_CHOICES];
    size_t choice_count;
} rml_sweep_axis;

// All-zero numbers mean the values in brackets.
typedef struct rml_sweep_config {
    rml_train_config train; // of every trial, but for the axes
    rml_sweep_axis axes[RML_SWEEP_AXES];
    size_t axis_count;
    uint64_t seed;    // of the proposals; that of the trainings stands in train
    uint32_t trials;  // [40]
    uint32_t rungs;   // [3] steps / eta^2, steps / eta, steps; rounded up to 20
    uint32_t eta;     // [3] one of so many goes on
    uint32_t window;  // [4] jobs that may be under way at once
    uint32_t startup; // [10] results of a rung before proposals learn from it
} rml_sweep_config;
// YAML, docs/training.md; errors with line and column.
RML_API rml_status rml_sweep_parse(rml_str text, rml_str file, rml_sweep_config *out,
                                   rml_error *err) RML_CHECKED;
RML_API uint64_t rml_sweep_steps(const rml_sweep_config *c, uint32_t rung);

typedef struct rml_sweep_trial {
    double values[RML_SWEEP_AXES]; // of the axes
    char run[65];                  // hash
    uint32_t rung;                 // the highest that it reached
    double loss;                   // validation loss there; infinite if it diverged
} rml_sweep_trial;
typedef struct rml_sweep_result {
    char sweep[65];   // hash
    rml_array trials; // rml_sweep_trial, in the order of their proposals; reset by the caller
    size_t best;      // the least loss among those of the highest rung
    size_t jobs, jobs_again; // done in all; known from before
} rml_sweep_result;
// jobs: trainings at once, each by one thread; at most the window. A trial that diverges is a
// result; any other error ends the sweep, which then goes on when it is called again. A finished
// one stands in the catalog as "sweep".
RML_API rml_status rml_sweep_run(rml_str home, rml_catalog *catalog, const rml_dataset *dataset,
                                 const rml_sweep_config *config, size_t jobs,
                                 const rml_progress *progress, rml_sweep_result *out,
                                 rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
