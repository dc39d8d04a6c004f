// registry: model versions, gates, approvals, aliases. Reads evaluations (JSON), not the evaluator.
//
// A gate policy is YAML (docs/gate.md). Every condition passes, fails or is undecided, with its
// number and interval; the verdict is pass only if all pass, fail if any fails, else undecided.
// Aliases move only through a gate that passed.
#ifndef ROADMILL_REGISTRY_H
#define ROADMILL_REGISTRY_H

#include "roadmill/catalog.h"

#ifdef __cplusplus
extern "C" {
#endif

// Of a condition, and of a gate.
typedef enum rml_verdict { RML_UNDECIDED, RML_PASS, RML_FAIL } rml_verdict;
// "pass", "fail", "undecided".
RML_API const char *rml_verdict_name(rml_verdict v);

typedef struct rml_condition {
    rml_str name; // "min_fde_6 against best blind baseline, all"
    rml_verdict verdict;
    double value, low, high, limit; // NaN where it has none
    rml_str reason;                 // one sentence with the numbers
} rml_condition;
typedef struct rml_gate_result {
    rml_verdict verdict;
    const rml_condition *conditions;
    size_t condition_count;
    // The first of the failed conditions, else of the undecided ones; NULL: all hold.
    const rml_condition *deciding;
    rml_str reason; // the deciding condition in words
    char hash[65];  // of the verdict in the catalog
} rml_gate_result;
// Somebody who approves, in a role of the policy.
typedef struct rml_approval {
    rml_str role, person;
} rml_approval;
// Evidence that is empty is missing: what needs it is undecided.
typedef struct rml_gate_request {
    rml_str policy, policy_file; // YAML text and its name; empty: the built-in policy
    rml_str evaluation;          // JSON of rml_eval_run
    rml_str manifest;            // JSON of the dataset version: licence, purpose
    rml_str leaks;               // JSON of its leak report
    rml_str model;               // hash of the model; the evaluation may name the run it came from
    const rml_approval *approvals;
    size_t approval_count;
} rml_gate_request;
// The policy that is used where none is given: YAML.
RML_API rml_str rml_gate_builtin(void);
// Fills evaluation, manifest and model of a request from the catalog. evaluation: name or prefix;
// empty: the newest one of that model, or of the run that it came from, one of the gate split
// before any other. What is not there is left empty.
RML_API rml_status rml_gate_gather(rml_catalog *catalog, rml_str model, rml_str evaluation,
                                   rml_arena *arena, rml_gate_request *out, rml_error *err)
    RML_CHECKED;
// Puts the verdict into the catalog as "gate" (its name is the model's hash), with edges to the
// model, the evaluation and the version, and an audit entry.
RML_API rml_status rml_gate_judge(rml_catalog *catalog, const rml_gate_request *request,
                                  rml_arena *arena, rml_gate_result *out, rml_error *err)
    RML_CHECKED;

// Registers a bundle folder (config, weights, exports) as NAME/N under HOME/models: copied beside,
// hashed, renamed, put in the catalog as "model" with an edge to its run (which may be empty). The
// hash goes over the name, the run and the sorted digests of the files; the same bundle again gives
// the number that it has. Names are letters, digits, '.', '_' and '-'.
RML_API rml_status rml_model_register(rml_str home, rml_catalog *catalog, rml_str name,
                                      const char *bundle_folder, rml_str run, rml_arena *arena,
                                      rml_str *hash, uint32_t *number, rml_error *err) RML_CHECKED;
// The model meant by "NAME/N", "NAME" (the one registered last), "NAME@ALIAS" or a prefix of its
// hash. RML_ERR_MISSING if there is none.
RML_API rml_status rml_model_find(rml_catalog *catalog, rml_str text, rml_arena *arena,
                                  rml_object_row *out, rml_error *err) RML_CHECKED;
// Moves "NAME@ALIAS" to a model; refused (RML_ERR_CONFLICT) unless the last gate that judged it
// said pass.
RML_API rml_status rml_model_promote(rml_catalog *catalog, rml_str model, rml_str alias,
                                     rml_str actor, rml_error *err) RML_CHECKED;
// From a thing down to what it was made from, in the end recordings; rml_lineage_row items, each
// thing once, the thing itself first (depth 0). RML_ERR_MISSING if hash is unknown.
typedef struct rml_lineage_row {
    uint32_t depth;
    rml_str role, kind, hash, name;
} rml_lineage_row;
RML_API rml_status rml_lineage(rml_catalog *catalog, rml_str hash, rml_arena *arena,
                               rml_array *rows, rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
