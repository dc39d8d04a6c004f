// train: one training in memory: graph, plan, batches and the optimiser's step. Private.
#ifndef ROADMILL_TRAIN_LEARNER_H
#define ROADMILL_TRAIN_LEARNER_H

#include "roadmill/train.h"

// A tensor goes through a plan's door in parts that fit a buffer on the stack.
enum { RML_PART = 4096 };
static inline rml_plan_slice rml_part_of(rml_tensor t, size_t first, size_t size)
{
    size_t left = size - first;
    return (rml_plan_slice){
        .tensor = t, .first = first, .count = left < RML_PART ? left : RML_PART};
}

// A model's graph with its plan, ready to run batches of scenes.
typedef struct rml_engine {
    rml_train_config config; // with all defaults
    uint32_t batch;
    rml_graph *graph;
    rml_plan *plan;
    rml_model model;
} rml_engine;
// gradients: also those by every parameter of the mean loss over the configuration's batch, then
// *gradients[parameters]. parameters_of: an engine whose parameters it uses, or NULL. pool: fills
// them, or NULL.
RML_CHECKED rml_status rml_engine_make(rml_engine *e, const rml_train_config *config,
                                       uint32_t batch, const rml_engine *parameters_of,
                                       rml_tensor **gradients, rml_pool *pool, rml_error *err);
void rml_engine_free(rml_engine *e);
// All parameters of one plan into another's of the same configuration.
RML_CHECKED rml_status rml_engine_copy(rml_engine *to, const rml_engine *from, rml_error *err);

// The tensors of a version that a model reads, by name.
typedef struct rml_feed_input {
    size_t at; // among the version's tensors
    bool tokens;
    size_t rows, width; // of the model's input for one sample: width floats a row
} rml_feed_input;
typedef struct rml_feed {
    const rml_tensor_info *info;                     // of the version's tensors
    rml_feed_input inputs[2 * RML_MODEL_INPUTS_MAX]; // then targets, in the model's order
    size_t count;
    uint32_t agents; // tokens of the version before its map's
} rml_feed;
RML_CHECKED rml_status rml_feed_find(const rml_engine *e, const rml_dataset *d, rml_feed *out,
                                     rml_error *err);
// One scene into a row of a plan: the engine's, or another of the same model.
// from: all tensors of the version.
RML_CHECKED rml_status rml_engine_put(const rml_engine *e, rml_plan *plan, const rml_feed *feed,
                                      uint32_t row, const rml_tensor_view *from, rml_error *err);

// The mean loss on the validation split; NaN without one.
RML_CHECKED rml_status rml_engine_validate(rml_engine *e, const rml_dataset *d, rml_pool *pool,
                                           double *loss, rml_error *err);

typedef struct rml_learner {
    rml_engine engine; // of one leaf of the batch
    rml_engine rest;   // of what is left over behind the last whole leaf, with engine's parameters
    rml_ranks *ranks;  // NULL: one process
    rml_muon *muon;    // NULL: AdamW alone
    rml_leaves *leaves;
    rml_tensor *gradients; // by parameter, then the sum of losses
    rml_loader loader;
    const rml_scene_spec *spec;
    const rml_scene_cutter *cutter;
    rml_feed feed;
    size_t noised, dropped; // among the version's tensors; SIZE_MAX: none
    size_t tensors;
    rml_tensor_slot staging[RML_TENSORS_MAX]; // a batch as the version has it; augmented where it
                                              // stands
    size_t sizes[RML_TENSORS_MAX];            // bytes of one scene in each
    uint64_t step;                            // done
    uint64_t stream;                          // of random numbers, of the last step
    float *average;    // of the weights, parameters one behind the other; NULL: none. Rank 0's
    double rate, norm; // of the last step: learning rate, gradients' norm
    bool diverged;     // the step failed for a loss or gradient that is not finite
} rml_learner;
// samples NULL: the train split. The model's sizes are taken from the version.
RML_CHECKED rml_status rml_learner_make(rml_learner *l, const rml_dataset *d,
                                        const rml_sample_ref *samples, size_t sample_count,
                                        const rml_train_config *config, rml_ranks *ranks,
                                        rml_pool *pool, rml_error *err);
void rml_learner_free(rml_learner *l);
// The configuration that a training on this version has: defaults, and sizes of its scenes.
RML_CHECKED rml_status rml_train_config_fit(const rml_train_config *config, const rml_dataset *d,
                                            rml_train_config *out, rml_error *err);
// Where rank 0 stands, to all: parameters, moments, order and step.
RML_CHECKED rml_status rml_learner_share(rml_learner *l, rml_error *err);
// What is done to the samples of a step.
typedef struct rml_augment {
    const rml_learner *l;
    uint64_t stream; // the first of the step's
} rml_augment;
// Sample `index` of the last batch into a row of one of the learner's plans.
RML_CHECKED rml_status rml_learner_put(const rml_learner *l, rml_plan *plan, size_t index,
                                       uint32_t row, rml_error *err);
// Its average of the weights, from now on; average += (weight - average) * take.
RML_CHECKED rml_status rml_average_make(rml_learner *l, rml_error *err);
RML_CHECKED rml_status rml_average_step(rml_learner *l, double take, rml_error *err);
// The weights that a run puts out: the averaged ones if it has them.
RML_CHECKED rml_status rml_learner_weights(const rml_learner *l, rml_engine *to, rml_error *err);
// One step; gives the mean loss of its batch.
RML_CHECKED rml_status rml_learner_step(rml_learner *l, rml_pool *pool, double *loss,
                                        rml_error *err);

// Runs a plan over scenes in order; wants any of the outputs (may be NULL).
RML_CHECKED rml_status rml_engine_predict(rml_engine *e, const rml_dataset *d, rml_split split,
                                          rml_pool *pool, rml_forecast *answers, rml_forecast *one,
                                          float *losses, float *embeddings, rml_error *err);

#endif
