// The steps of a turn and what they share. A step writes its result as JSON; later steps read the
// results of earlier ones, never their memory, so a turn that goes on after a kill is the same.
#ifndef ROADMILL_TURN_PLAN_H
#define ROADMILL_TURN_PLAN_H

#include "roadmill/base/json.h"
#include "roadmill/mine/gain.h"
#include "roadmill/model.h"
#include "roadmill/turn.h"

// In the order in which they run.
typedef enum rml_turn_step_id {
    RML_STEP_INGEST,
    RML_STEP_DATASET,
    RML_STEP_TRAIN,
    RML_STEP_EVALUATE,
    RML_STEP_DEPLOY,
    RML_STEP_GATE,
    RML_STEP_MINE,
    RML_STEP_CHILD,
    RML_STEP_REPORT,
    RML_STEP_COUNT,
} rml_turn_step_id;

typedef struct rml_turn {
    rml_home *home;
    const rml_turn_config *config;
    const rml_str *sources;
    size_t source_count;
    const rml_source_options *options;
    const rml_approval *approvals;
    size_t approval_count;
    rml_pool *pool;
    const rml_progress *progress;
    rml_arena *arena;
    const rml_json *results[RML_STEP_COUNT];
    rml_turn_result *out;
} rml_turn;

typedef struct rml_turn_step {
    const char *name;
    bool always; // cheap and safe to repeat: its result is made anew each time
    // What the result depends on beside the program and the results of the steps in `needs`.
    void (*inputs)(const rml_turn *t, rml_json_writer *w);
    unsigned needs; // bit n: the result of step n
    rml_status (*run)(rml_turn *t, rml_json_writer *result, rml_error *err);
} rml_turn_step;

#define RML_STEP_BIT(id) (1u << (id))

rml_status rml_step_ingest(rml_turn *t, rml_json_writer *w, rml_error *err) RML_CHECKED;
rml_status rml_step_dataset(rml_turn *t, rml_json_writer *w, rml_error *err) RML_CHECKED;
rml_status rml_step_train(rml_turn *t, rml_json_writer *w, rml_error *err) RML_CHECKED;
rml_status rml_step_evaluate(rml_turn *t, rml_json_writer *w, rml_error *err) RML_CHECKED;
rml_status rml_step_deploy(rml_turn *t, rml_json_writer *w, rml_error *err) RML_CHECKED;
rml_status rml_step_gate(rml_turn *t, rml_json_writer *w, rml_error *err) RML_CHECKED;
rml_status rml_step_mine(rml_turn *t, rml_json_writer *w, rml_error *err) RML_CHECKED;
rml_status rml_step_child(rml_turn *t, rml_json_writer *w, rml_error *err) RML_CHECKED;
rml_status rml_step_report(rml_turn *t, rml_json_writer *w, rml_error *err) RML_CHECKED;

// A field of the result of an earlier step.
rml_str rml_turn_text(const rml_turn *t, rml_turn_step_id step, const char *key);
// HOME/a/b/c in the arena, up to the first NULL.
rml_status rml_turn_path(const rml_turn *t, const char *a, const char *b, const char *c,
                         rml_str *out, rml_error *err) RML_CHECKED;
// HOME/runs/HASH/model.
rml_status rml_turn_model_folder(const rml_turn *t, rml_str run, rml_str *out, rml_error *err)
    RML_CHECKED;

#endif
