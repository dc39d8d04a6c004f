// The walk that ONNX and C share.
#include "export.h"

#include <math.h>
#include <string.h>

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
        if (!rml_plan_keeps(e->plan, e->outputs[i])) {
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

rml_status rml_export_values(const rml_export *e, rml_tensor t, rml_arena *arena, float **out,
                             rml_error *err)
{
    size_t size = rml_plan_elements(e->plan, t);
    *out = RML_NEW_ARRAY(arena, float, size);
    return *out != NULL ? rml_plan_get(e->plan, rml_plan_whole(e->plan, t), *out, err)
                        : rml_fail_memory(err, size * sizeof **out);
}

// ---- Layers in int8 ----------------------------------------------------------------------------

static bool is_op(const rml_node *n, const char *op)
{
    return n != NULL && strcmp(n->op, op) == 0;
}

static const rml_node *maker_of(const rml_array *nodes, size_t before, rml_tensor t)
{
    while (before-- > 0) {
        const rml_node *n = RML_AT(nodes, rml_node, before);
        if (n->output == t) {
            return n;
        }
    }
    return NULL;
}

// The node if it does this op to a value and a parameter with one number for each column.
static const rml_node *with_row(const rml_export *e, const rml_array *nodes, size_t at,
                                const char *op, rml_tensor value)
{
    const rml_node *n = at < nodes->count ? RML_AT(nodes, rml_node, at) : NULL;
    bool fits = is_op(n, op) && n->inputs[0] == value &&
                rml_graph_role(e->graph, n->inputs[1]) == RML_ROLE_PARAMETER &&
                rml_graph_shape(e->graph, n->inputs[1]).rank == 1;
    return fits ? n : NULL;
}

bool rml_export_int8(const rml_export *e, const rml_array *nodes, size_t at, rml_int8_layer *out)
{
    const rml_node *linear = RML_AT(nodes, rml_node, at);
    if (!is_op(linear, "linear") || (linear->input_count > 2 && linear->inputs[2] >= 0)) {
        return false;
    }
    *out = (rml_int8_layer){.quantize = maker_of(nodes, at, linear->inputs[0]), .linear = linear};
    out->mul = with_row(e, nodes, at + 1, "mul", linear->output);
    if (!is_op(out->quantize, "quantize") || out->mul == NULL) {
        return false;
    }
    out->add = with_row(e, nodes, at + 2, "add", out->mul->output);
    out->nodes = out->add != NULL ? 3 : 2;
    return true;
}

bool rml_export_int8_bytes(const rml_export *e, const rml_array *nodes, size_t at)
{
    const rml_node *n = RML_AT(nodes, rml_node, at);
    size_t readers = 0;
    if (!is_op(n, "quantize")) {
        return false;
    }
    for (size_t i = at + 1; i < nodes->count; i++) {
        const rml_node *reader = RML_AT(nodes, rml_node, i);
        for (size_t k = 0; k < reader->input_count; k++) {
            rml_int8_layer layer;
            if (reader->inputs[k] == n->output) {
                if (!rml_export_int8(e, nodes, i, &layer)) {
                    return false;
                }
                readers++;
            }
        }
    }
    return readers > 0;
}

rml_status rml_export_int8_weights(const rml_export *e, const rml_int8_layer *layer, bool turned,
                                   int8_t *out, rml_error *err)
{
    rml_tensor weight = layer->linear->inputs[1];
    rml_shape s = rml_graph_shape(e->graph, weight);
    rml_arena arena = {0};
    float *values;
    rml_status st = rml_export_values(e, weight, &arena, &values, err);
    for (size_t i = 0; st == RML_OK && i < (size_t)s.size[0] * s.size[1]; i++) {
        size_t j = i / s.size[1], k = i % s.size[1];
        if (!(values[i] >= -127 && values[i] <= 127) || values[i] != floorf(values[i])) {
            st = rml_fail(err, RML_ERR_DATA, (rml_place){0}, NULL,
                          "expected whole weights from -127 to 127 in %s, found %g",
                          rml_graph_name(e->graph, weight), (double)values[i]);
        } else {
            out[turned ? k * s.size[0] + j : i] = (int8_t)values[i];
        }
    }
    rml_arena_reset(&arena);
    return st;
}
