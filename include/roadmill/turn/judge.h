// turn: single steps of the wheel that need trained runs: evaluating some, mining with one.
#ifndef ROADMILL_TURN_JUDGE_H
#define ROADMILL_TURN_JUDGE_H

#include "roadmill/eval.h"
#include "roadmill/mine.h"
#include "roadmill/turn.h"

#ifdef __cplusplus
extern "C" {
#endif

// Texts are names or prefixes of hashes. runs are seeds of one model; predictions is a file of
// anybody's; with neither only the baselines are evaluated.
typedef struct rml_judge_request {
    rml_str version;
    const rml_str *runs;
    size_t run_count;
    const char *predictions; // path, or NULL
    const rml_str *against;  // seeds of a second model, with which the first is paired too
    size_t against_count;
    rml_str name; // of the model in the document; empty: "model"
    rml_eval_options options;
} rml_judge_request;
// The document of rml_eval_run and its hash. Predictions become an object of the catalog
// ("predictions", named by the SHA-256 of the file).
RML_API rml_status rml_home_judge(rml_home *home, const rml_judge_request *request, rml_pool *pool,
                                  const rml_progress *progress, rml_arena *arena, rml_str *json,
                                  rml_hash *hash, rml_error *err) RML_CHECKED;

// A batch from the version's dev split, or from the scenes of its train split that the run has not
// seen, scored by the run.
typedef struct rml_mine_request {
    rml_str version, run, name;
    rml_split from; // dev or train
    rml_mine_options options;
} rml_mine_request;
typedef struct rml_mined {
    rml_str selection; // hash
    size_t candidates, count;
    const rml_mine_pick *picks;
    const rml_str *scene_ids; // of the picks
} rml_mined;
RML_API rml_status rml_home_mine(rml_home *home, const rml_mine_request *request, rml_pool *pool,
                                 rml_arena *arena, rml_mined *out, rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
