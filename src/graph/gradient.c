// Reverse accumulation: walks the nodes backwards from a scalar and appends each op's gradient.
#include "roadmill/graph.h"

#include <string.h>

#include "graph.h"

typedef struct backward {
    rml_graph *g;
    bool *depends;        // tensor depends on one of `by`
    rml_tensor *gradient; // by tensor, -1 if none flows
} backward;

static void mark_dependents(backward *b, size_t tensors, size_t nodes, const rml_tensor *by,
                            size_t count)
{
    for (size_t i = 0; i < count; i++) {
        b->depends[by[i]] = true;
    }
    for (size_t i = 0; i < nodes; i++) {
        const rml_node_data *n = rml_graph_node(b->g, i);
        for (size_t k = 0; n->op->gradient != NULL && k < n->input_count; k++) {
            if (n->inputs[k] >= 0 && b->depends[n->inputs[k]]) {
                b->depends[n->output] = true;
            }
        }
    }
    for (size_t i = 0; i < tensors; i++) {
        b->gradient[i] = -1;
    }
}

// A copy of the node, because appending moves the graph's arrays.
static void step_back(backward *b, size_t index)
{
    const rml_node_data n = *rml_graph_node(b->g, index);
    rml_tensor dy = b->gradient[n.output];
    if (dy < 0 || !b->depends[n.output]) {
        return;
    }
    rml_tensor dx[RML_OP_INPUTS_MAX];
    for (size_t k = 0; k < n.input_count; k++) {
        dx[k] = -1;
    }
    rml_node node = {n.op->name,    n.output,     n.inputs,
                     n.input_count, n.attributes, n.attribute_count};
    n.op->gradient(b->g, node, dy, dx);
    for (size_t k = 0; k < n.input_count; k++) {
        rml_tensor x = n.inputs[k];
        if (x >= 0 && dx[k] >= 0 && b->depends[x]) {
            b->gradient[x] = b->gradient[x] < 0 ? dx[k] : rml_op_add(b->g, b->gradient[x], dx[k]);
        }
    }
}

rml_status rml_graph_gradient(rml_graph *g, rml_tensor scalar, const rml_tensor *by, size_t count,
                              rml_tensor *gradients, rml_error *err)
{
    RML_TRY(rml_graph_status(g, err));
    rml_shape shape = rml_graph_shape(g, scalar);
    if (scalar < 0 || rml_shape_count(&shape) != 1) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected the gradient of one number, found a tensor of %zu",
                        rml_shape_count(&shape));
    }
    size_t tensors = g->tensors.count, nodes = g->nodes.count;
    rml_arena arena = {0};
    backward b = {g, RML_NEW_ARRAY(&arena, bool, tensors),
                  RML_NEW_ARRAY(&arena, rml_tensor, tensors)};
    if (b.depends == NULL || b.gradient == NULL) {
        rml_arena_reset(&arena);
        return rml_fail_memory(err, tensors * sizeof *b.gradient);
    }
    mark_dependents(&b, tensors, nodes, by, count);
    double one = 1.0;
    b.gradient[scalar] = rml_graph_constant(g, "", shape, &one);
    for (size_t i = nodes; i-- > 0;) {
        step_back(&b, i);
    }
    for (size_t i = 0; i < count; i++) {
        gradients[i] = b.gradient[by[i]];
        if (gradients[i] < 0) { // nothing flows: zero
            gradients[i] = rml_op_scale(g, by[i], 0.0);
        }
    }
    g->has_gradient = true;
    rml_arena_reset(&arena);
    return rml_graph_status(g, err);
}
