// Tasks: what is learned, one row each. A row holds names (of the cutter that makes its scenes into
// tensors, of baselines, metrics and exports), its settings, and how its graph is built. Each room
// owns its own table by those names: scene cutters, eval metrics and baselines, deploy exports.
#ifndef ROADMILL_MODEL_TASK_H
#define ROADMILL_MODEL_TASK_H

#include "roadmill/base/setting.h"
#include "roadmill/model.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- A graph of any task -----------------------------------------------------------------------

// An input takes the scenes' tensor of its name: the first rows of it, as many as it has itself.
typedef struct rml_model_input {
    const char *name;
    rml_tensor tensor;
    bool tokens; // rows are tokens, agents before map: of each kind the first ones
} rml_model_input;
typedef struct rml_model_output {
    const char *name;
    rml_tensor tensor;
} rml_model_output;

#define RML_MODEL_INPUTS_MAX 8
#define RML_MODEL_OUTPUTS_MAX 8
typedef struct rml_model {
    rml_model_input inputs[RML_MODEL_INPUTS_MAX];
    size_t input_count;
    rml_model_input targets[RML_MODEL_INPUTS_MAX]; // for the loss; none unless built with one
    size_t target_count;
    rml_model_output outputs[RML_MODEL_OUTPUTS_MAX]; // what may leave, as far as a plan keeps it
    size_t output_count;
    uint32_t agents, map; // tokens that it takes
    uint32_t future;      // steps ahead that scenes must have; 0: any
    // What is done to a batch before it is learned from: -1 is not done.
    rml_tensor noised;  // an input of tokens [batch, tokens, width] that gets noise
    rml_tensor dropped; // an input [batch, tokens]: the mask from which tokens are left out
    uint32_t kept;      // but for the first so many
    // What it answers of the focus, the first of those that it answers for: modes (alternatives),
    // each of `steps` times `axes` numbers.
    uint32_t modes, steps, axes;
    rml_tensor answer;        // [batch, agents answered for, modes, steps, axes]
    rml_tensor probabilities; // [batch, agents answered for, modes]; -1: one mode, certain
    rml_tensor one;           // [batch, agents answered for, steps, axes]; -1: none for K = 1
    uint32_t width;
    rml_tensor embedding;   // [batch, width]; -1: none
    rml_tensor loss;        // scalar: loss_sum divided by the samples that it is the mean over
    rml_tensor loss_sum;    // scalar: sum of sample_loss
    rml_tensor sample_loss; // [batch]
} rml_model;

// The same of a predictor that was built by hand.
RML_API void rml_predictor_model(const rml_predictor *p, const rml_predictor_config *config,
                                 rml_model *out);

// ---- Its configuration -------------------------------------------------------------------------

// Room for the struct of any task; all-zero means the defaults of its table.
typedef struct rml_model_config {
    const rml_quantiser *quantisers; // layers in int8; not for training; borrowed
    size_t quantiser_count;
    union {
        rml_predictor_config predictor;
        uint64_t room[48];
    } of;
} rml_model_config;

// What the scenes of a version are like.
typedef struct rml_scene_shape {
    uint32_t history, future, agents, map, features, predict;
    double dt_s;
} rml_scene_shape;

// ---- The table ---------------------------------------------------------------------------------

typedef struct rml_task {
    const char *name, *about;
    const char *cutter;      // of scene
    const char *truth;       // the tensor that an answer is judged by; the focus is its first row
    const char *truth_valid; // 1 or 0 for each of its steps; NULL: all are
    // Names of eval and deploy, each list ended by NULL. The first metric that `compared` names
    // decides where one number must: what mining and comparisons of small trainings look at.
    const char *const *metrics, *const *baselines, *const *exports;
    const char *compared;
    const rml_setting *settings; // of its struct in rml_model_config.of
    size_t setting_count;
    // Takes sizes from the scenes; what the version cannot give is RML_ERR_ARGUMENT.
    rml_status (*fit)(rml_model_config *config, const rml_scene_shape *scenes, rml_error *err);
    // loss_over as rml_predictor_build has it.
    rml_status (*build)(rml_graph *g, const rml_model_config *config, uint32_t batch,
                        uint32_t loss_over, rml_model *out, rml_error *err);
    // Where weights begin, by the focus' rows of these tensors of up to RML_TASK_START_SAMPLES
    // scenes, [count][row] each: values of the parameter of that name (NULL: as the graph has it).
    const char *start_parameter;
    const char *const *start_tensors; // ended by NULL, at most RML_TASK_START_TENSORS
    rml_status (*start)(const rml_model_config *config, const rml_scene_shape *scenes,
                        const float *const *tensors, size_t count, uint64_t seed, rml_pool *pool,
                        float *values, rml_error *err);
} rml_task;
#define RML_TASK_START_SAMPLES 1024
#define RML_TASK_START_TENSORS 4

// All; the first is that of versions, runs and homes that name none.
RML_API size_t rml_tasks(const rml_task *const **out);
// NULL: none of that name. Empty is the first.
RML_API const rml_task *rml_task_find(rml_str name);
// The first that scenes of that cutter are for; NULL: none.
RML_API const rml_task *rml_task_of_cutter(rml_str cutter);
// As rml_task_find, or RML_ERR_ARGUMENT that lists them.
RML_API rml_status rml_task_need(rml_str name, rml_place at, const rml_task **out, rml_error *err)
    RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
