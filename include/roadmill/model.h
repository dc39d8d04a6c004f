// model: layers, the reference predictor, the honest baselines. Knows tensors and plain arrays, not
// scenes or files.
#ifndef ROADMILL_MODEL_H
#define ROADMILL_MODEL_H

#include "roadmill/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- The predictor -----------------------------------------------------------------------------

// How the input of a linear layer becomes a byte (rml_op_quantize), with whole weights from -127 to
// 127 and a parameter LAYER.scale that brings the sums back.
typedef struct rml_quantiser {
    char layer[64]; // "blocks.0.query"
    double scale, zero;
} rml_quantiser;

// All-zero means the values in brackets: the reference predictor (docs/training.md).
typedef struct rml_predictor_config {
    uint32_t agents, map, features;        // [32] [32] [64]: tokens are agents then map
    uint32_t width, blocks, heads, hidden; // [128] [4] [8] [512]
    uint32_t modes, steps;                 // [6] [30]
    uint32_t predict;                      // [1] agents with futures, the first ones
    double dt_s;                           // [0.1]
    bool pose_bias;   // scores of attention get a bias of the two tokens' relative pose
    uint32_t nearest; // [0: all] keys of a query: its so many nearest tokens
    bool no_single;   // without the single-mode head for K = 1, a residual on constant velocity
    bool no_pin;      // otherwise the first future is constant velocity itself
    // The loss. A negative number is zero.
    double winner_end; // [1] 0 to 1: the winner is the future with the least (1 - winner_end) *
                       // mean distance + winner_end * last distance
    double distance;   // [1] weight of that distance, in metres, of the winner and the single mode
    double relax;      // [0.01] 0 to 1: share of the winner's weight that all futures carry alike
    double laplace;    // [0.03] weight of the Laplace likelihoods
    double feature_most;             // [0: none] features are limited to +- this
    const rml_quantiser *quantisers; // layers in int8; not for training; borrowed
    size_t quantiser_count;
} rml_predictor_config;
RML_API void rml_predictor_defaults(rml_predictor_config *config);

typedef struct rml_predictor {
    // inputs; named as the tensors of a scene: features, token_valid, position, velocity, target,
    // target_valid (the last two -1 unless it is built for training)
    rml_tensor features, token_valid, position, velocity, target, target_valid;
    rml_tensor futures;       // [batch, predict, modes, steps, 2] metres in the scene's frame
    rml_tensor logits;        // [batch, predict, modes]
    rml_tensor probabilities; // [batch, predict, modes]
    rml_tensor one;           // [batch, predict, steps, 2] the single-mode head; -1 without
    rml_tensor embedding;     // [batch, width] of the focus token
    rml_tensor loss;          // scalar: loss_sum divided by the samples that it is the mean over
    rml_tensor loss_sum;      // scalar, the sum of sample_loss
    rml_tensor sample_loss;   // [batch]: Laplace likelihood of the winner, cross-entropy of its
                              // index, the distance terms, the single mode's likelihood
} rml_predictor;
// loss_over: with target inputs and a loss that is the mean over so many samples: those of the
// batch, or of all leaves of a step of which this is one; 0: without (they are -1). Shapes are
// static: batch is part of the graph. Parameters are named as in tools/golden_predictor.py, its
// PyTorch twin.
RML_API rml_status rml_predictor_build(rml_graph *g, const rml_predictor_config *config,
                                       uint32_t batch, uint32_t loss_over, rml_predictor *out,
                                       rml_error *err) RML_CHECKED;

// ---- Baselines ---------------------------------------------------------------------------------

// What is answered of n samples: modes (alternatives), each of `steps` times `axes` numbers. A
// future is steps of x and y in metres (2 axes); a single number is one mode, one step, one axis.
// xy[n, modes, steps, axes], probability[n, modes].
typedef struct rml_forecast {
    size_t count;
    uint32_t modes, steps, axes;
    float *xy, *probability;
} rml_forecast;
RML_API rml_status rml_answers_make(rml_forecast *f, size_t count, uint32_t modes, uint32_t steps,
                                    uint32_t axes, rml_error *err) RML_CHECKED;
// The same with 2 axes.
RML_API rml_status rml_forecast_make(rml_forecast *f, size_t count, uint32_t modes, uint32_t steps,
                                     rml_error *err) RML_CHECKED;
RML_API void rml_forecast_free(rml_forecast *f);

// What a baseline may see: positions up to now, in the scene's frame. [n, history, 2].
typedef struct rml_pasts {
    size_t count;
    uint32_t history, steps;
    double dt_s;
    const float *history_xy;
    const float *target_xy; // [n, steps, 2]; for fitting only
} rml_pasts;

// One row each: constant velocity (1, 5 and 19 steps back), constant turn rate and acceleration,
// and the twelve blind ones: {constant velocity, ridge fit of the own past} plus K residuals
// {unscaled, by speed + 1, by speed + 5} clustered {by path, by endpoint} on the training set
// (k-means++, 20 starts, lowest training inertia kept).
typedef struct rml_baseline rml_baseline; // fitted
typedef struct rml_baseline_kind {
    const char *name; // "cv_1", "ctra", "blind_cv_unscaled_path", ...
    bool blind;       // K modes and fitted; the others have one
    int base, scaling, cluster_by;
} rml_baseline_kind;
RML_API const rml_baseline_kind *rml_baseline_kinds(size_t *count);
RML_API rml_status rml_baseline_fit(const rml_baseline_kind *kind, const rml_pasts *train,
                                    uint32_t modes, uint64_t seed, rml_pool *pool,
                                    rml_baseline **out, rml_error *err) RML_CHECKED;
RML_API void rml_baseline_free(rml_baseline *b);
// The fitted residuals of a blind one, [modes][steps][2] in the agent's frame; NULL for the others.
RML_API const double *rml_baseline_residuals(const rml_baseline *b);
// out made with rml_forecast_make(count, modes or 1, steps).
RML_API rml_status rml_baseline_predict(const rml_baseline *b, const rml_pasts *pasts,
                                        rml_forecast *out, rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
