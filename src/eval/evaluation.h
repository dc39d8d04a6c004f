// An evaluation in the making: who is judged, on which slices, and the numbers of each.
#ifndef ROADMILL_EVAL_EVALUATION_H
#define ROADMILL_EVAL_EVALUATION_H

#include "roadmill/base/json.h"
#include "roadmill/eval.h"
#include "unit_sums.h"

#define RML_LEVEL 0.95
#define RML_SLICES_MAX 64
#define RML_METRICS 10

typedef enum rml_entrant_kind {
    RML_ENTRANT_MODEL,
    RML_ENTRANT_BASELINE,
    RML_ENTRANT_BLIND,
    RML_ENTRANT_READS_FUTURE, // recorded speed and heading: shown, marked, never a bar
} rml_entrant_kind;

typedef struct rml_entrant {
    rml_str name, hash;
    rml_entrant_kind kind;
    bool has_probability;
    size_t seeds;
    const rml_forecast *futures, *ones; // [seeds]; ones may be NULL
    rml_forecast own;                   // of a baseline, freed with the evaluation
    double **values[RML_METRICS];       // [seeds][n]; NULL where the metric is not defined
} rml_entrant;

#define RML_NOT_IN_SLICE UINT32_MAX
typedef struct rml_slice {
    rml_str name, query;
    bool *inside;     // [n]
    uint32_t *number; // [n] dense unit, or RML_NOT_IN_SLICE
    size_t windows, units;
} rml_slice;

typedef struct rml_evaluation {
    rml_lake *lake;
    const rml_dataset *dataset;
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
} rml_evaluation;

// Baselines fitted on the train split, and their forecasts.
rml_status rml_entrants_add_baselines(rml_evaluation *e, rml_error *err) RML_CHECKED;
// All metrics of an entrant.
rml_status rml_entrant_judge(rml_evaluation *e, rml_entrant *entrant, rml_error *err) RML_CHECKED;
// Slices by scene rows and by queries; with the traffic at hand also the row of recorded speeds.
rml_status rml_slices_find(rml_evaluation *e, rml_error *err) RML_CHECKED;
// The document, as docs/evaluation.md tells it.
rml_status rml_evaluation_write(rml_evaluation *e, rml_buffer *out, rml_error *err) RML_CHECKED;

#endif
