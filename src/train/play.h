// train: the jobs of a sweep, several at once, in an order that does not depend on how many.
// Private.
#ifndef ROADMILL_TRAIN_PLAY_H
#define ROADMILL_TRAIN_PLAY_H

#include "asha.h"

typedef struct rml_sweep_hooks {
    // Does a job: fills loss (infinite: diverged) and run. Called from several threads at once.
    rml_status (*train)(void *context, rml_sweep_job *job, rml_error *err);
    // A job of train is done; in the order of the jobs, from the caller's thread.
    rml_status (*done)(void *context, const rml_sweep_job *job, rml_error *err);
    // A job failed: those under way should end. From several threads.
    void (*failed)(void *context);
    void *context;
} rml_sweep_hooks;

// known: jobs with results from before, without idle ones, in their order; RML_ERR_DATA if this
// sweep would not have done just these. jobs: all at the end; items are rml_sweep_job. An error of
// several is one that is not RML_ERR_STOPPED.
RML_CHECKED rml_status rml_sweep_play(const rml_sweep_config *c, const rml_array *known,
                                      size_t threads, const rml_sweep_hooks *hooks, rml_array *jobs,
                                      rml_error *err);

#endif
