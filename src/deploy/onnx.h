// An ONNX graph in the making, and the table of ops that go into it.
#ifndef RML_DEPLOY_ONNX_H
#define RML_DEPLOY_ONNX_H

#include "export.h"
#include "protobuf.h"
#include "roadmill/deploy.h"

typedef struct rml_onnx {
    const rml_export *e;
    rml_arena arena;
    rml_proto graph; // GraphProto
    unsigned fresh;  // names made so far
    bool no_memory;
    rml_tensor bytes_of; // the quantize whose bytes stand in bytes, -1 at first
    const char *bytes;
    rml_status status; // of weights in int8
    rml_error error;
} rml_onnx;

// One row: how an op of graph is written. Numbers of attributes as in the op's row there.
typedef struct rml_onnx_row {
    const char *op;
    void (*write)(rml_onnx *o, const rml_node *n);
} rml_onnx_row;
extern const rml_onnx_row rml_onnx_rows[];
extern const size_t rml_onnx_row_count;

// A linear layer in int8 as QuantizeLinear, DequantizeLinear and MatMul.
void rml_onnx_int8(rml_onnx *o, const rml_int8_layer *layer);
// Name of a tensor of the graph.
const char *rml_onnx_name(rml_onnx *o, rml_tensor t);
// All numbers of a tensor, until the file is written; NULL after a fault.
const float *rml_onnx_values(rml_onnx *o, rml_tensor t);
// An initializer of float32 values.
void rml_onnx_floats(rml_onnx *o, const char *name, const rml_shape *shape, const float *values);

#endif
