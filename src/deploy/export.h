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

// All numbers of a tensor that the plan keeps, in the arena.
rml_status rml_export_values(const rml_export *e, rml_tensor t, rml_arena *arena, float **out,
                             rml_error *err) RML_CHECKED;

// A linear layer in int8, as model builds it: bytes of its input times whole weights from -127 to
// 127, brought back by a scale for each column; add: the bias, or NULL. linear, mul and add stand
// one after the other.
typedef struct rml_int8_layer {
    const rml_node *quantize, *linear, *mul, *add;
    size_t nodes; // from linear on
} rml_int8_layer;
// Whether the linear layer of one begins at this node.
bool rml_export_int8(const rml_export *e, const rml_array *nodes, size_t at, rml_int8_layer *out);
// Whether this node makes the bytes of such layers and of nothing else.
bool rml_export_int8_bytes(const rml_export *e, const rml_array *nodes, size_t at);
// The weights [columns, depth] as bytes, turned to [depth, columns] if asked for; room for both.
// RML_ERR_DATA where one is not whole or beyond 127.
RML_CHECKED rml_status rml_export_int8_weights(const rml_export *e, const rml_int8_layer *layer,
                                               bool turned, int8_t *out, rml_error *err);

#endif
