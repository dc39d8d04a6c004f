// ONNX: the model around the nodes. Source: onnx.proto3 of ONNX 1.12; opset 17, IR 8.
#include "onnx.h"

#include <string.h>

#include "export.h"
#include "roadmill/store.h"

enum { MODEL_IR = 1, MODEL_PRODUCER = 2, MODEL_PRODUCER_VERSION = 3, MODEL_GRAPH = 7 };
enum { MODEL_OPSET = 8, OPSET_DOMAIN = 1, OPSET_VERSION = 2, GRAPH_NAME = 2, GRAPH_INPUT = 11 };
enum { GRAPH_NODE = 1, GRAPH_OUTPUT = 12, NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_TYPE = 4 };
enum { VALUE_NAME = 1, VALUE_TYPE = 2, TYPE_TENSOR = 1, TENSOR_ELEMENT = 1, TENSOR_SHAPE = 2 };
enum { SHAPE_DIM = 1, DIM_VALUE = 1, ELEMENT_FLOAT = 1 };
#define IR_VERSION 8
#define OPSET 17

static void value_info(rml_onnx *o, uint32_t field, const char *name, const rml_shape *s)
{
    rml_proto shape = {0}, tensor = {0}, type = {0}, value = {0};
    for (uint32_t i = 0; i < s->rank; i++) {
        rml_proto dim = {0};
        rml_proto_int(&dim, DIM_VALUE, s->size[i]);
        rml_proto_part(&shape, SHAPE_DIM, &dim);
    }
    rml_proto_int(&tensor, TENSOR_ELEMENT, ELEMENT_FLOAT);
    rml_proto_part(&tensor, TENSOR_SHAPE, &shape);
    rml_proto_part(&type, TYPE_TENSOR, &tensor);
    rml_proto_text(&value, VALUE_NAME, name);
    rml_proto_part(&value, VALUE_TYPE, &type);
    rml_proto_part(&o->graph, field, &value);
}

static rml_status write_nodes(rml_onnx *o, const rml_array *nodes, rml_error *err)
{
    for (size_t i = 0; i < nodes->count; i++) {
        const rml_node *n = RML_AT(nodes, rml_node, i);
        rml_int8_layer layer;
        if (rml_export_int8_bytes(o->e, nodes, i)) {
            continue;
        }
        if (rml_export_int8(o->e, nodes, i, &layer)) {
            rml_onnx_int8(o, &layer);
            i += layer.nodes - 1;
            continue;
        }
        size_t row = 0;
        while (row < rml_onnx_row_count && strcmp(rml_onnx_rows[row].op, n->op) != 0) {
            row++;
        }
        if (row == rml_onnx_row_count) {
            return rml_fail(err, RML_ERR_UNSUPPORTED, (rml_place){0}, NULL,
                            "expected ops with a row in ONNX, found %s", n->op);
        }
        rml_onnx_rows[row].write(o, n);
    }
    if (o->status != RML_OK && err != NULL) {
        *err = o->error;
    }
    return o->status;
}

const float *rml_onnx_values(rml_onnx *o, rml_tensor t)
{
    float *values = NULL;
    if (o->status == RML_OK) {
        o->status = rml_export_values(o->e, t, &o->arena, &values, &o->error);
    }
    return o->status == RML_OK ? values : NULL;
}

// Whether it stands in the file as the bytes or the scale of a layer in int8 instead.
static bool is_int8(const rml_onnx *o, const rml_array *nodes, rml_tensor t)
{
    for (size_t i = 0; i < nodes->count; i++) {
        rml_int8_layer layer;
        if (rml_export_int8(o->e, nodes, i, &layer) &&
            (layer.linear->inputs[1] == t || layer.mul->inputs[1] == t)) {
            return true;
        }
    }
    return false;
}

// Parameters and constants that the nodes read.
static void write_leaves(rml_onnx *o, const rml_array *nodes, const rml_export_leaves *leaves)
{
    for (size_t i = 0; i < leaves->count; i++) {
        if (is_int8(o, nodes, leaves->tensors[i])) {
            continue;
        }
        rml_shape shape = rml_graph_shape(o->e->graph, leaves->tensors[i]);
        const float *values = rml_onnx_values(o, leaves->tensors[i]);
        if (values != NULL) {
            rml_onnx_floats(o, rml_onnx_name(o, leaves->tensors[i]), &shape, values);
        }
    }
}

static void write_outputs(rml_onnx *o)
{
    for (size_t i = 0; i < o->e->output_count; i++) {
        rml_proto node = {0};
        rml_proto_text(&node, NODE_INPUT, rml_onnx_name(o, o->e->outputs[i]));
        rml_proto_text(&node, NODE_OUTPUT, o->e->output_names[i]);
        rml_proto_text(&node, NODE_TYPE, "Identity");
        rml_proto_part(&o->graph, GRAPH_NODE, &node);
        rml_shape shape = rml_graph_shape(o->e->graph, o->e->outputs[i]);
        value_info(o, GRAPH_OUTPUT, o->e->output_names[i], &shape);
    }
}

static rml_status write_model(rml_onnx *o, const char *path, rml_error *err)
{
    rml_proto model = {0}, opset = {0};
    rml_proto_int(&model, MODEL_IR, IR_VERSION);
    rml_proto_text(&model, MODEL_PRODUCER, "roadmill");
    rml_proto_text(&model, MODEL_PRODUCER_VERSION, RML_VERSION);
    rml_proto_part(&model, MODEL_GRAPH, &o->graph);
    rml_proto_text(&opset, OPSET_DOMAIN, "");
    rml_proto_int(&opset, OPSET_VERSION, OPSET);
    rml_proto_part(&model, MODEL_OPSET, &opset);
    rml_status st = model.status;
    if (st != RML_OK && err != NULL) {
        *err = model.error;
    }
    if (st == RML_OK) {
        st = o->no_memory ? rml_fail_memory(err, 0)
                          : rml_store_put(rml_str_of(path), rml_buffer_bytes(&model.bytes), err);
    }
    rml_proto_reset(&model);
    return st;
}

rml_status rml_export_onnx(const rml_export *e, const char *path, rml_error *err)
{
    rml_onnx o = {.e = e, .bytes_of = -1};
    rml_array nodes = {0};
    rml_export_leaves leaves = {0};
    rml_status st = rml_export_walk(e, &o.arena, &nodes, &leaves, err);
    if (st != RML_OK) {
        goto done;
    }
    rml_proto_text(&o.graph, GRAPH_NAME, e->name);
    for (size_t i = 0; i < e->input_count; i++) {
        rml_shape shape = rml_graph_shape(e->graph, e->inputs[i]);
        value_info(&o, GRAPH_INPUT, rml_onnx_name(&o, e->inputs[i]), &shape);
    }
    write_leaves(&o, &nodes, &leaves);
    st = write_nodes(&o, &nodes, err);
    if (st == RML_OK) {
        write_outputs(&o);
        st = write_model(&o, path, err);
    }
done:
    rml_proto_reset(&o.graph);
    rml_array_reset(&nodes);
    rml_arena_reset(&o.arena);
    return st;
}
