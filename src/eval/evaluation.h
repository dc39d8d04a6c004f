// An evaluation in the making: who is judged, on which slices, and the numbers of each.
#ifndef ROADMILL_EVAL_EVALUATION_H
#define ROADMILL_EVAL_EVALUATION_H

#include "roadmill/eval.h"
#include "roadmill/evidence.h"
#include "unit_sums.h"

#define RML_LEVEL 0.95
#define RML_SLICES_MAX 64
#define RML_METRICS_MAX 16 // of one task

typedef struct rml_entrant {
    rml_str name, hash;
    rml_evidence_kind kind;
    bool has_probability;
    size_t seeds;
    const rml_forecast *futures, *ones; // [seeds]; ones may be NULL
    rml_forecast own;                   // of a baseline, freed with the evaluation
    double **values[RML_METRICS_MAX];   // [seeds][n]; NULL where the metric is not defined
} rml_entrant;

#define RML_NOT_IN_SLICE UINT32_MAX
typedef struct rml_slice {
    rml_str name, query;
    bool *inside;     // [n]
    uint32_t *number; // [n] dense unit, or RML_NOT_IN_SLICE
    size_t windows, units;
} rml_slice;

typedef struct rml_judging {
    rml_lake *lake;
    const rml_dataset *dataset;
    const rml_task *task;
    const rml_metric *metrics[RML_METRICS_MAX]; // that it names
    size_t metric_count;
    const rml_eval_options *options;
    double miss_m;
    rml_pool *pool;
    const rml_progress *progress;
    rml_arena arena;
    const rml_dataset_scene *scenes;
    size_t n, families;
    rml_truth truth;
    rml_array entrants; // rml_entrant: models, then baselines
    rml_slice slices[RML_SLICES_MAX];
    size_t slice_count;
    int64_t looks;
} rml_judging;

// Baselines fitted on the train split, and their forecasts.
rml_status rml_entrants_add_baselines(rml_judging *e, rml_error *err) RML_CHECKED;
// All metrics of an entrant.
rml_status rml_entrant_judge(rml_judging *e, rml_entrant *entrant, rml_error *err) RML_CHECKED;
// Slices by scene rows and by queries; with the traffic at hand also the row of recorded speeds.
rml_status rml_slices_find(rml_judging *e, rml_error *err) RML_CHECKED;
// Intervals and comparisons of all, as the document of docs/evaluation.md, and its name.
rml_status rml_judging_write(rml_judging *e, rml_buffer *out, rml_hash *hash, rml_error *err)
    RML_CHECKED;

#endif
