// evidence: the evaluation document (docs/evaluation.md), written and read here and nowhere else.
//
// Whoever judges fills the structs, whoever asks reads them: nobody else knows the names of the
// document's members. A document that was written, read and written again has the same bytes, so
// its hash stands. Texts and arrays are borrowed: of a document that was read, from its arena.
// Every function here may be called from any thread.
#ifndef ROADMILL_EVIDENCE_H
#define ROADMILL_EVIDENCE_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

// Who was judged. READS_FUTURE: shown, marked, never a bar.
typedef enum rml_evidence_kind {
    RML_EVIDENCE_OTHER, // a kind that this program does not know
    RML_EVIDENCE_MODEL,
    RML_EVIDENCE_BASELINE,
    RML_EVIDENCE_BLIND,
    RML_EVIDENCE_READS_FUTURE,
} rml_evidence_kind;

// What was measured, in the order of the numbers of each slice.
typedef struct rml_evidence_metric {
    rml_str name, unit; // "min_fde_6", "m"
    int64_t k;          // most probable modes that it looks at
} rml_evidence_metric;

// A metric of a model on a slice; NaN where it is not known: value null, or an interval undecided.
typedef struct rml_evidence_value {
    rml_str metric;
    double value, low, high;
    rml_str method; // of the interval
} rml_evidence_value;

// A model against another one, paired by window: relative below 0 is better.
typedef struct rml_evidence_difference {
    rml_str baseline, metric;
    double relative, low, high;
    int64_t units; // -1: not told
    rml_str method;
    double p, smallest_change;
} rml_evidence_difference;

// A part of the windows; windows and units are -1 where they are not told.
typedef struct rml_evidence_slice {
    rml_str name, query;
    int64_t windows, units;
    const rml_evidence_value *values;
    size_t value_count;
    const rml_evidence_difference *differences; // of models only
    size_t difference_count;
} rml_evidence_slice;

// Confidence against accuracy of the top mode: the error, and a pair a bin.
typedef struct rml_evidence_calibration {
    double error;
    const double *confidence, *accuracy; // [bins]; NaN in a bin without windows
    size_t bins;
} rml_evidence_calibration;

// A model, or a baseline.
typedef struct rml_evidence_model {
    rml_str name, hash;
    rml_evidence_kind kind;
    bool has_probability;
    int64_t seeds;
    const rml_evidence_calibration *calibration; // NULL: none
    const rml_evidence_slice *slices;
    size_t slice_count;
} rml_evidence_model;

// The whole document; looks, families and windows are -1 where they are not told.
typedef struct rml_evaluation {
    rml_str version, split;
    int64_t looks, families, windows;
    double miss_m, level;
    int64_t draws;
    const rml_evidence_metric *metrics;
    size_t metric_count;
    const rml_evidence_model *models;
    size_t model_count;
    rml_str best_blind; // the name of the bar; empty: there is none
    // Of a task that is not the first of the table: its name, and the metric that decides where one
    // must. Empty otherwise.
    rml_str task, compared;
} rml_evaluation;

// Appends the document in its canonical form (RFC 8785); hash (may be NULL) is its name.
// RML_ERR_MEMORY.
RML_API rml_status rml_evidence_write(const rml_evaluation *e, rml_buffer *out, rml_hash *hash,
                                      rml_error *err) RML_CHECKED;
// Reads a document; what it lacks is not known in out (NaN, -1, empty), members that it has beside
// are passed over. All of out lives in the arena. RML_ERR_DATA if the text is no JSON object, with
// the place in `file`; RML_ERR_UNSUPPORTED if it states another format.
RML_API rml_status rml_evidence_read(rml_str text, rml_str file, rml_arena *arena,
                                     const rml_evaluation **out, rml_error *err) RML_CHECKED;

// Questions. Each takes NULL, of which it knows nothing, and gives NULL (or empty) for what is not
// there; what is given is part of the document.

// "best_blind" means the best blind baseline, any other name itself.
RML_API rml_str rml_evidence_name(const rml_evaluation *e, rml_str name);
// The first of that name, of any kind.
RML_API const rml_evidence_model *rml_evidence_model_named(const rml_evaluation *e, rml_str name);
// The slice of that name.
RML_API const rml_evidence_slice *rml_evidence_slice_named(const rml_evidence_model *m,
                                                           rml_str name);
// The number of that metric, which may be NaN.
RML_API const rml_evidence_value *rml_evidence_value_of(const rml_evidence_slice *s,
                                                        rml_str metric);
// The paired difference to that baseline or model (by its own name) in that metric.
RML_API const rml_evidence_difference *rml_evidence_difference_to(const rml_evidence_slice *s,
                                                                  rml_str baseline, rml_str metric);
// "model", "baseline", "blind", "reads-future"; "other".
RML_API const char *rml_evidence_kind_name(rml_evidence_kind kind);

#ifdef __cplusplus
}
#endif
#endif
