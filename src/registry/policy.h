// A gate policy: what must hold before a model may be promoted.
#ifndef ROADMILL_REGISTRY_POLICY_H
#define ROADMILL_REGISTRY_POLICY_H

#include "roadmill/registry.h"

// One number of one slice against a bound. Where `against` is set the number is the relative
// difference to that baseline or model, otherwise the metric itself.
typedef struct rml_policy_bound {
    rml_str metric, slice, against;
    bool at_least; // otherwise at most
    double limit;
    int64_t min_windows, min_units; // of the slice
} rml_policy_bound;

typedef struct rml_policy_role {
    rml_str role;
    int64_t count;
} rml_policy_role;

typedef struct rml_policy {
    rml_str name, split;
    int64_t min_windows, min_units;
    int64_t max_looks; // -1: any number
    bool leaks_clean, probabilities;
    rml_array licences, purposes; // rml_str; empty: any
    rml_array roles;              // rml_policy_role
    rml_array bounds;             // rml_policy_bound
} rml_policy;

// Texts are in the arena; the arrays own their memory.
rml_status rml_policy_parse(rml_str text, rml_str file, rml_arena *arena, rml_policy *out,
                            rml_error *err) RML_CHECKED;
void rml_policy_reset(rml_policy *policy);

#endif
