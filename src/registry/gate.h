// A gate at work: the policy, the evidence, and the conditions found so far.
#ifndef ROADMILL_REGISTRY_GATE_H
#define ROADMILL_REGISTRY_GATE_H

#include "policy.h"
#include "roadmill/base/json.h"
#include "roadmill/evidence.h"

typedef struct rml_gate {
    const rml_gate_request *request;
    rml_policy policy;
    rml_arena *arena;
    // Evidence; NULL where it is missing.
    const rml_evaluation *evaluation;
    const rml_json *manifest, *leaks;
    const rml_evidence_model *model; // the judged one in the evaluation
    rml_hash version;                // name of the manifest, if there is one
    rml_array conditions;            // rml_condition
    rml_error *err;
    rml_status status; // the first failure to write a condition down
} rml_gate;

// The numbers of a condition; all NaN where it has none.
typedef struct rml_gate_numbers {
    double value, low, high, limit;
} rml_gate_numbers;

void rml_gate_add(rml_gate *g, rml_str name, rml_verdict verdict, rml_gate_numbers numbers,
                  const char *reason, ...) RML_PRINTF(5, 6);

// Conditions on the model's numbers: thresholds and margins.
void rml_gate_check_bounds(rml_gate *g);
// Conditions on everything else: evidence, test set, looks, leaks, licence, purpose, approvals.
void rml_gate_check_conduct(rml_gate *g);
// Whether a metric is undefined without probabilities.
bool rml_gate_needs_probability(rml_str metric);

// Puts the verdict into the catalog; fills out->hash.
rml_status rml_gate_store(rml_gate *g, rml_catalog *catalog, rml_gate_result *out, rml_error *err)
    RML_CHECKED;

#endif
