// eval: models become evidence. Metrics, slices, intervals, paired tests, reports. It never sees
// the trainer: it judges forecasts, ours or anybody's.
//
// The unit of resampling is the family of recordings (crossed with seeds where there are several).
// Below ten units a t interval over unit means; below three units the answer is undecided. Sources:
// Efron and Tibshirani 1993 (cluster bootstrap, BCa not used: percentile, 2,000 draws from Philox).
#ifndef ROADMILL_EVAL_H
#define ROADMILL_EVAL_H

#include "roadmill/dataset.h"
#include "roadmill/model/task.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- Metrics: one number per sample ------------------------------------------------------------

typedef struct rml_truth {
    size_t count;
    uint32_t steps, axes; // as answers have them
    const float *xy;      // [n, steps, axes]
    const float *valid;   // [n, steps]
} rml_truth;
// Rows: min_ade, min_fde, miss_rate (no mode ends within miss_m), brier_min_fde, nll, each of the
// k = 1 and of the k = 6 most probable modes; smaller is better in all. Tasks name theirs.
// docs/evaluation.md has the formulas.
typedef struct rml_metric {
    const char *name; // "min_fde_6"
    const char *unit; // "m"
    uint32_t k;
    bool needs_probability;
    bool compared; // relative differences make sense: it does not pass through zero
    void (*compute)(const rml_truth *truth, const rml_forecast *forecast, uint32_t k, double miss_m,
                    double *out); // [n]; NaN where undefined
} rml_metric;
RML_API const rml_metric *rml_metrics(size_t *count);
RML_API const rml_metric *rml_metric_find(const char *name); // NULL: none of that name
// Expected calibration error of the probability that the most probable mode is the best; bins[10]
// may be NULL.
RML_API double rml_calibration(const rml_truth *truth, const rml_forecast *forecast,
                               double bins_confidence[10], double bins_accuracy[10]);

// ---- The tensors of a split --------------------------------------------------------------------

// The tensors of a version's split, side by side: what baselines fit and metrics judge.
typedef struct rml_split_arrays {
    size_t count;
    uint32_t history, steps, axes;
    double dt_s;
    float *history_xy;   // [n, history, 2]
    float *target_xy;    // [n, steps, axes]: the task's truth, of the focus
    float *target_valid; // [n, steps]
    uint32_t *family;    // [n]
} rml_split_arrays;
RML_API rml_status rml_split_arrays_make(rml_arena *arena, const rml_dataset *d,
                                         const rml_task *task, rml_split split,
                                         rml_split_arrays *out, rml_error *err) RML_CHECKED;
// A metric of every sample by name ("min_fde_6"); [count].
RML_API rml_status rml_split_metric(const rml_split_arrays *a, const rml_forecast *f,
                                    const char *metric, double *out, rml_error *err) RML_CHECKED;

// ---- Baselines ---------------------------------------------------------------------------------

// A row of the table of baselines, which tasks name; those of motion are the model room's.
typedef struct rml_eval_baseline {
    const char *name;
    bool blind; // sees nothing but the focus' own past, and is fitted: the bar that counts
    // Fitted on train, its answers for `of`, whose truth it does not read.
    rml_status (*answer)(const char *name, const rml_split_arrays *train,
                         const rml_split_arrays *of, uint64_t seed, rml_pool *pool,
                         rml_forecast *out, rml_error *err);
} rml_eval_baseline;
RML_API bool rml_eval_baseline_find(const char *name, rml_eval_baseline *out);

// ---- Intervals ---------------------------------------------------------------------------------

typedef struct rml_interval {
    double estimate, low, high; // NaN low and high: undecided
    size_t samples, units;
    const char *method; // "cluster bootstrap", "t", "undecided"
} rml_interval;
// Mean of values by family: values[seeds][n], unit[n]. level 0.95.
RML_API rml_status rml_interval_mean(const double *const *values, size_t seeds, size_t n,
                                     const uint32_t *unit, double level, uint64_t seed,
                                     rml_interval *out, rml_error *err) RML_CHECKED;
// Mean of a - b, paired by sample; relative: divided by the mean of b.
RML_API rml_status rml_interval_paired(const double *const *a, const double *const *b, size_t seeds,
                                       size_t n, const uint32_t *unit, bool relative, double level,
                                       uint64_t seed, rml_interval *out, rml_error *err)
    RML_CHECKED;
// Sign-flip test over units: two-sided p of no difference.
RML_API double rml_sign_flip(const double *unit_difference, size_t units, uint64_t seed);
// The smallest relative change that the paired data can show with 80 % power.
RML_API double rml_smallest_change(const double *a, const double *b, size_t n,
                                   const uint32_t *unit);

// ---- An evaluation -----------------------------------------------------------------------------

typedef struct rml_eval_model {
    rml_str name;                // "predictor"
    rml_str hash;                // of the run or predictions
    const rml_forecast *futures; // seeds of them
    const rml_forecast *ones;    // K = 1 heads, NULL: the most probable future
    size_t seeds;
    bool has_probability;
} rml_eval_model;
typedef struct rml_eval_slice {
    rml_str name, query; // query: focus actor inside a match at t0
} rml_eval_slice;
typedef struct rml_eval_options {
    const rml_task *task; // whose metrics and baselines; NULL: the first
    rml_split split;
    double miss_m; // 0: 2.0
    uint64_t seed;
    const rml_eval_slice *slices; // besides: all, moving, by class
    size_t slice_count;
} rml_eval_options;
// Evaluates models and all baselines (fitted on the version's train split). The result is one JSON
// document (docs/evaluation.md) that the gate, the report and --json share; stored in the catalog
// as "evaluation" with edges to version and models. A look at the gate split is counted.
RML_API rml_status rml_eval_run(rml_lake *lake, rml_catalog *catalog, const rml_dataset *d,
                                const rml_eval_model *models, size_t count,
                                const rml_eval_options *options, rml_pool *pool,
                                const rml_progress *progress, rml_arena *arena, rml_str *json,
                                rml_hash *hash, rml_error *err) RML_CHECKED;

// Anybody's predictions: a Parquet table `predictions` (scene_id, track_id, mode, probability,
// t_ns, x, y in the map frame; frame column "scene" for the scene's frame). Scenes that are missing
// are named; a file without probabilities is accepted and marked.
RML_API rml_status rml_predictions_read(const char *path, const rml_dataset *d, rml_split split,
                                        rml_forecast *out, bool *has_probability, rml_hash *hash,
                                        rml_error *err) RML_CHECKED;
RML_API rml_status rml_predictions_write(const char *path, const rml_dataset *d, rml_split split,
                                         rml_str model, const rml_forecast *f, rml_error *err)
    RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
