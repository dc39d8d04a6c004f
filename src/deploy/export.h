// What both forms need of a graph: its nodes in order, and the weights and constants they read.
#ifndef RML_DEPLOY_EXPORT_H
#define RML_DEPLOY_EXPORT_H

#include "roadmill/deploy.h"

typedef struct rml_export_leaves {
    rml_tensor *tensors;
    size_t count;
} rml_export_leaves;

// Refuses a graph that reads inputs which are not in the signature. nodes:
// rml_node, to be reset by the caller.
rml_status rml_export_walk(const rml_export *e, rml_arena *arena, rml_array *nodes,
                           rml_export_leaves *leaves, rml_error *err) RML_CHECKED;

#endif
