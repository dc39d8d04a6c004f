// The walk that ONNX and C share.
#include "export.h"

static bool is_input(const rml_export *e, rml_tensor t)
{
    for (size_t i = 0; i < e->input_count; i++) {
        if (e->inputs[i] == t) {
            return true;
        }
    }
    return false;
}

// Adds t if it is a leaf that is not there yet.
static rml_status add_leaf(const rml_export *e, rml_tensor t, rml_export_leaves *leaves,
                           rml_error *err)
{
    rml_tensor_role role = t < 0 ? RML_ROLE_VALUE : rml_graph_role(e->graph, t);
    if (role == RML_ROLE_VALUE || (role == RML_ROLE_INPUT && is_input(e, t))) {
        return RML_OK;
    }
    if (role == RML_ROLE_INPUT) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected outputs of the given inputs, found that they also read %s",
                        rml_graph_name(e->graph, t));
    }
    for (size_t i = 0; i < leaves->count; i++) {
        if (leaves->tensors[i] == t) {
            return RML_OK;
        }
    }
    leaves->tensors[leaves->count++] = t;
    return RML_OK;
}

rml_status rml_export_walk(const rml_export *e, rml_arena *arena, rml_array *nodes,
                           rml_export_leaves *leaves, rml_error *err)
{
    RML_TRY(rml_graph_nodes(e->graph, e->outputs, e->output_count, arena, nodes, err));
    size_t most = e->output_count;
    for (size_t i = 0; i < e->output_count; i++) {
        if (rml_plan_data(e->plan, e->outputs[i]) == NULL) {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                            "expected outputs that the plan keeps, found that it drops %s",
                            e->output_names[i]);
        }
    }
    for (size_t i = 0; i < nodes->count; i++) {
        most += RML_AT(nodes, rml_node, i)->input_count;
    }
    leaves->tensors = RML_NEW_ARRAY(arena, rml_tensor, most + 1);
    if (leaves->tensors == NULL) {
        return rml_fail_memory(err, most * sizeof *leaves->tensors);
    }
    for (size_t i = 0; i < nodes->count; i++) {
        const rml_node *n = RML_AT(nodes, rml_node, i);
        for (size_t k = 0; k < n->input_count; k++) {
            RML_TRY(add_leaf(e, n->inputs[k], leaves, err));
        }
    }
    for (size_t i = 0; i < e->output_count; i++) {
        RML_TRY(add_leaf(e, e->outputs[i], leaves, err));
    }
    return RML_OK;
}
