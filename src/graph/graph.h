// What a graph holds: tensors and nodes in the order of their making, which is an order of
// execution.
#ifndef RML_GRAPH_GRAPH_H
#define RML_GRAPH_GRAPH_H

#include "op.h"

typedef struct rml_tensor_data {
    const char *name; // "" for values without one
    rml_shape shape;
    rml_tensor_role role;
    rml_init init;
    double scale;
    const double *values; // of a constant
    int32_t node;         // that makes it, or -1
} rml_tensor_data;

typedef struct rml_node_data {
    const rml_op *op;
    rml_tensor output;
    const rml_tensor *inputs;
    size_t input_count;
    const double *attributes;
    size_t attribute_count;
} rml_node_data;

struct rml_graph {
    rml_arena arena;
    rml_array tensors;    // rml_tensor_data
    rml_array nodes;      // rml_node_data
    rml_array parameters; // rml_tensor
    rml_map names;
    bool has_gradient;
    rml_status status;
    rml_error error;
};

static inline const rml_tensor_data *rml_graph_tensor(const rml_graph *g, rml_tensor t)
{
    return RML_AT(&g->tensors, rml_tensor_data, (size_t)t);
}

static inline const rml_node_data *rml_graph_node(const rml_graph *g, size_t i)
{
    return RML_AT(&g->nodes, rml_node_data, i);
}

// Which nodes these outputs need: marks needed[node].
void rml_graph_mark(const rml_graph *g, const rml_tensor *outputs, size_t count, bool *needed);

#endif
