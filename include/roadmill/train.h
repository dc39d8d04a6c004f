// train: a dataset version becomes a run. Optimiser, schedule, checkpoints, a live line.
//
// HOME/runs/HASH/ holds config.json, curve.csv, checkpoint-STEP/ (weights and state as
// sharded safetensors, state.json) and model/ at the end. HASH names the configuration and the
// version: the same run gives the same weights at any number of threads, and goes on bit for bit
// after a kill.
#ifndef ROADMILL_TRAIN_H
#define ROADMILL_TRAIN_H

#include "roadmill/catalog.h"
#include "roadmill/dataset.h"
#include "roadmill/model/task.h"
#include "roadmill/os/ranks.h"

#ifdef __cplusplus
extern "C" {
#endif

// All-zero means the values in brackets; a negative number is zero. agents and map of a model may
// be less than the version's: then its nearest tokens are used.
typedef struct rml_train_config {
    const rml_task *task; // NULL: the first of the table
    rml_model_config model;
    uint32_t batch; // [32]
    uint64_t steps; // [2000]
    uint64_t seed;
    double learning_rate; // [1e-3] peak; linear warm-up, then cosine to zero
    uint64_t warmup;      // [100]
    double weight_decay;  // [0.05]
    double clip_norm;     // [5]
    bool muon;            // for the weight matrices of the blocks; AdamW for all else
    double momentum;      // [0.95] Muon's
    bool bfloat16;        // products of a step round their factors; weights, sums and answers are
                          // float32 (rml_precision)
    double ema; // [0] decay per step of an average of the weights, which is then what is validated
                // and written as the model; 0 is none
    // What is done to a batch before it is learned from.
    bool no_mirror;     // otherwise half of the samples are mirrored, left for right
    double noise;       // [0.02] deviation of what is added to each feature
    double drop_tokens; // [0.2] share of the tokens, but for predicted agents, left out
    // No part of a run's name. A checkpoint is written beside the training, at a point of the
    // curve.
    uint64_t checkpoint_every; // [500] steps, with a validation
    double checkpoint_s;       // [10] seconds
    uint64_t until; // [steps] stops after this step with a validation and a checkpoint, to go on
} rml_train_config;
RML_API void rml_train_config_defaults(rml_train_config *config); // and the task
// Settings of a map that has them onto out, whose task says which there are; keys of somebody else
// besides are named in `also` (ended by NULL; NULL: none). All others are refused. No defaults.
RML_API rml_status rml_train_config_yaml(const rml_yaml *map, const char *const *also,
                                         rml_train_config *out, rml_error *err) RML_CHECKED;
// As members of an open object; named: those alone that decide the weights.
RML_API void rml_train_config_write(const rml_train_config *config, bool named, rml_json_writer *w);
// YAML, docs/training.md; errors with line and column.
RML_API rml_status rml_train_config_parse(rml_str text, rml_str file, rml_train_config *out,
                                          rml_error *err) RML_CHECKED;

typedef struct rml_train_result {
    char run[65];     // hash
    char weights[65]; // SHA-256 of weights.safetensors; empty before the last step
    bool already;
    bool diverged; // the error is of a loss or gradient that exploded or was not finite
    uint64_t steps, resumed_at;
    double loss_first, loss_last; // means over the first and the last 20 steps
    double loss_validation;       // the newest; NaN without a validation split
    uint64_t validated_at;        // the step of it
    double seconds;
    double first_step_s;        // until the first step of this call was done
    double checkpoint_stall_ms; // the longest time that a step waited for one
} rml_train_result;
// Puts the run in the catalog with its edge to the version when it is done.
RML_API rml_status rml_train_run(rml_str home, rml_catalog *catalog, const rml_dataset *dataset,
                                 const rml_train_config *config, rml_pool *pool,
                                 const rml_progress *progress, rml_train_result *out,
                                 rml_error *err) RML_CHECKED;
// The same by the processes of a job, each of which calls it with the same configuration and
// version: the batch is dealt out by leaves, and rank 0 alone reads checkpoints and writes. The
// same weights at any number of ranks and threads.
RML_API rml_status rml_train_run_ranks(rml_ranks *ranks, rml_str home, rml_catalog *catalog,
                                       const rml_dataset *dataset, const rml_train_config *config,
                                       rml_pool *pool, const rml_progress *progress,
                                       rml_train_result *out, rml_error *err) RML_CHECKED;

// ---- Weights -----------------------------------------------------------------------------------

// safetensors, float32, names as in the graph. Untrusted when read: shapes and offsets are checked.
RML_API rml_status rml_weights_save(const char *path, const rml_graph *g, rml_plan *plan,
                                    rml_error *err) RML_CHECKED;
RML_API rml_status rml_weights_load(const char *path, const rml_graph *g, rml_plan *plan,
                                    rml_error *err) RML_CHECKED;

// Whether bytes are a whole safetensors file of float32 tensors; how many (may be NULL).
RML_API rml_status rml_weights_check(rml_bytes content, rml_str file, size_t *tensors,
                                     rml_error *err) RML_CHECKED;

// ---- A trained model, ready to answer ------------------------------------------------------

typedef struct rml_runner rml_runner;
// folder: HOME/runs/HASH/model or a registered bundle (config.json, weights.safetensors).
RML_API rml_status rml_runner_open(const char *folder, uint32_t batch, rml_runner **out,
                                   rml_error *err) RML_CHECKED;
RML_API void rml_runner_close(rml_runner *r);
RML_API const rml_task *rml_runner_task(const rml_runner *r);
// Its graph, and the plan with its weights (NULL: not wanted).
RML_API const rml_model *rml_runner_model(const rml_runner *r);
RML_API const rml_graph *rml_runner_graph(const rml_runner *r, rml_plan **plan);
// What the model takes from one scene: tensors[count] of its inputs, for a runner of batch 1;
// copies in the arena.
RML_API rml_status rml_runner_inputs(rml_runner *r, const rml_dataset *d, rml_split split,
                                     size_t index, const rml_tensor *tensors, size_t count,
                                     rml_arena *arena, const float **out, rml_error *err)
    RML_CHECKED;
// Trains on exactly these samples, in memory and without a run on disk, for experiments that
// compare many small trainings. Same samples and configuration, same weights. batch is that of the
// runner.
RML_API rml_status rml_train_fit(const rml_dataset *d, const rml_sample_ref *samples, size_t count,
                                 const rml_train_config *config, uint32_t batch, rml_pool *pool,
                                 const rml_progress *progress, rml_runner **out, rml_error *err)
    RML_CHECKED;
// All scenes of a split: answers with probabilities, the answer for K = 1 (may be NULL), the loss
// of each [count] (may be NULL), embeddings [count, width] (may be NULL). Made by
// rml_runner_answers_make, with one mode for `one`.
RML_API rml_status rml_runner_answers_make(const rml_runner *r, size_t count, bool one,
                                           rml_forecast *out, rml_error *err) RML_CHECKED;
RML_API rml_status rml_runner_predict(rml_runner *r, const rml_dataset *d, rml_split split,
                                      rml_pool *pool, rml_forecast *answers, rml_forecast *one,
                                      float *losses, float *embeddings, rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
