// turn: the whole loop as one resumable plan of steps.
//
// A step's key is the hash of all that goes into it; what it made is kept in the catalog under that
// key, so a step whose inputs have not changed is not done again, and a kill loses at most the step
// that ran.
#ifndef ROADMILL_TURN_H
#define ROADMILL_TURN_H

#include "roadmill/dataset.h"
#include "roadmill/home.h"
#include "roadmill/ingest/sources.h"
#include "roadmill/mine.h"
#include "roadmill/os.h"
#include "roadmill/registry.h"
#include "roadmill/train.h"

#ifdef __cplusplus
extern "C" {
#endif

// One turn, as docs/turn.md tells its YAML. Borrows its texts from the arena it was parsed into.
typedef struct rml_turn_slice {
    rml_str name, query;
} rml_turn_slice;
typedef struct rml_turn_config {
    rml_str name; // of the version and the model
    rml_dataset_spec dataset;
    rml_train_config train;
    uint32_t seeds;              // trainings of the judged model
    rml_str policy, policy_file; // gate policy: YAML and its name
    const rml_turn_slice *slices;
    size_t slice_count;
    rml_mine_options mine;    // the budget of a batch and how its scenes are chosen
    uint32_t mine_seeds;      // repetitions of the comparison with random batches
    rml_train_config compare; // the small trainings of that comparison
} rml_turn_config;
RML_API rml_status rml_turn_config_parse(rml_str text, rml_str file, rml_arena *arena,
                                         rml_turn_config *out, rml_error *err) RML_CHECKED;
RML_API rml_str rml_turn_config_builtin(void); // the default, as YAML

typedef struct rml_turn_step_result {
    rml_str name;     // "ingest", "dataset", ...
    bool done_before; // its inputs had not changed
    double seconds;
    rml_str result; // JSON
} rml_turn_step_result;
#define RML_TURN_STEPS_MAX 16
typedef struct rml_turn_result {
    rml_turn_step_result steps[RML_TURN_STEPS_MAX];
    size_t step_count;
    rml_verdict verdict;
    rml_str reason;
    rml_str report; // path of the page
    char version[65], child[65], run[65], model[65];
} rml_turn_result;
// All steps in order. Stopped by a signal or killed, the same call goes on from there.
RML_API rml_status rml_turn_run(rml_home *home, const rml_turn_config *config,
                                const rml_str *sources, size_t source_count,
                                const rml_source_options *options, const rml_approval *approvals,
                                size_t approval_count, rml_pool *pool, const rml_progress *progress,
                                rml_arena *arena, rml_turn_result *out, rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
