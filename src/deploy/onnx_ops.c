// Each op of graph as nodes of ONNX, opset 17. Source: onnx/docs/Operators.md of ONNX 1.12.
#include <math.h>
#include <string.h>

#include "onnx.h"

enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_TYPE = 4, NODE_ATTRIBUTE = 5, GRAPH_NODE = 1 };
enum { GRAPH_INITIALIZER = 5 };
enum { TENSOR_DIMS = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW = 9 };
enum { TYPE_FLOAT = 1, TYPE_UINT8 = 2, TYPE_INT8 = 3, TYPE_INT64 = 7, TYPE_BOOL = 9 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_FLOAT = 2, ATTRIBUTE_INT = 3, ATTRIBUTE_INTS = 8 };
enum { ATTRIBUTE_TYPE = 20, KIND_FLOAT = 1, KIND_INT = 2, KIND_INTS = 7 };
#define MASKED (-1e30f) // a score that no softmax sees
#define INPUTS_MAX 16

static const char *fresh(rml_onnx *o)
{
    rml_str name = rml_arena_printf(&o->arena, "n%u", o->fresh++);
    o->no_memory |= name.data == NULL;
    return name.data != NULL ? name.data : "";
}

const char *rml_onnx_name(rml_onnx *o, rml_tensor t)
{
    const char *own = rml_graph_name(o->e->graph, t);
    if (own[0] != '\0') {
        return own;
    }
    rml_str name = rml_arena_printf(&o->arena, "t%d", (int)t);
    o->no_memory |= name.data == NULL;
    return name.data != NULL ? name.data : "";
}

// ---- Initializers ------------------------------------------------------------------------------

void rml_onnx_floats(rml_onnx *o, const char *name, const rml_shape *shape, const float *values)
{
    rml_proto tensor = {0};
    size_t count = 1;
    for (uint32_t i = 0; i < shape->rank; i++) {
        rml_proto_int(&tensor, TENSOR_DIMS, shape->size[i]);
        count *= shape->size[i];
    }
    rml_proto_int(&tensor, TENSOR_TYPE, TYPE_FLOAT);
    rml_proto_text(&tensor, TENSOR_NAME, name);
    rml_proto_bytes(&tensor, TENSOR_RAW, values, count * sizeof *values); // little-endian
    rml_proto_part(&o->graph, GRAPH_INITIALIZER, &tensor);
}

static const char *number(rml_onnx *o, float value)
{
    const char *name = fresh(o);
    rml_onnx_floats(o, name, &(rml_shape){0}, &value);
    return name;
}

static const char *integers(rml_onnx *o, size_t count, const int64_t *values)
{
    rml_proto tensor = {0};
    const char *name = fresh(o);
    rml_proto_int(&tensor, TENSOR_DIMS, (int64_t)count);
    rml_proto_int(&tensor, TENSOR_TYPE, TYPE_INT64);
    rml_proto_text(&tensor, TENSOR_NAME, name);
    rml_proto_bytes(&tensor, TENSOR_RAW, values, count * sizeof *values);
    rml_proto_part(&o->graph, GRAPH_INITIALIZER, &tensor);
    return name;
}

static const char *sizes(rml_onnx *o, const rml_shape *shape)
{
    int64_t values[RML_RANK_MAX] = {0};
    for (uint32_t i = 0; i < shape->rank; i++) {
        values[i] = shape->size[i];
    }
    return integers(o, shape->rank, values);
}

// ---- Attributes and nodes ----------------------------------------------------------------------

static void attribute_int(rml_proto *node, const char *name, int64_t value)
{
    rml_proto a = {0};
    rml_proto_text(&a, ATTRIBUTE_NAME, name);
    rml_proto_int(&a, ATTRIBUTE_INT, value);
    rml_proto_int(&a, ATTRIBUTE_TYPE, KIND_INT);
    rml_proto_part(node, NODE_ATTRIBUTE, &a);
}

static void attribute_float(rml_proto *node, const char *name, float value)
{
    rml_proto a = {0};
    rml_proto_text(&a, ATTRIBUTE_NAME, name);
    rml_proto_float(&a, ATTRIBUTE_FLOAT, value);
    rml_proto_int(&a, ATTRIBUTE_TYPE, KIND_FLOAT);
    rml_proto_part(node, NODE_ATTRIBUTE, &a);
}

static void attribute_ints(rml_proto *node, const char *name, size_t count, const int64_t *values)
{
    rml_proto a = {0};
    rml_proto_text(&a, ATTRIBUTE_NAME, name);
    for (size_t i = 0; i < count; i++) {
        rml_proto_int(&a, ATTRIBUTE_INTS, values[i]);
    }
    rml_proto_int(&a, ATTRIBUTE_TYPE, KIND_INTS);
    rml_proto_part(node, NODE_ATTRIBUTE, &a);
}

// Writes a node whose attributes stand in `node` already. out NULL: a fresh name. Gives the output.
static const char *finish(rml_onnx *o, rml_proto *node, const char *type, const char *out,
                          size_t count, const char *const *inputs)
{
    for (size_t i = 0; i < count; i++) {
        rml_proto_text(node, NODE_INPUT, inputs[i]);
    }
    out = out != NULL ? out : fresh(o);
    rml_proto_text(node, NODE_OUTPUT, out);
    rml_proto_text(node, NODE_TYPE, type);
    rml_proto_part(&o->graph, GRAPH_NODE, node);
    return out;
}

static const char *one(rml_onnx *o, const char *type, const char *out, const char *a)
{
    rml_proto node = {0};
    return finish(o, &node, type, out, 1, &a);
}

static const char *two(rml_onnx *o, const char *type, const char *out, const char *a, const char *b)
{
    rml_proto node = {0};
    return finish(o, &node, type, out, 2, (const char *[]){a, b});
}

static const char *cast(rml_onnx *o, const char *out, const char *a, int64_t type)
{
    rml_proto node = {0};
    attribute_int(&node, "to", type);
    return finish(o, &node, "Cast", out, 1, &a);
}

static const char *permute(rml_onnx *o, const char *out, const char *a, size_t rank,
                           const int64_t *order)
{
    rml_proto node = {0};
    attribute_ints(&node, "perm", rank, order);
    return finish(o, &node, "Transpose", out, 1, &a);
}

static const char *swap_last(rml_onnx *o, const char *a, uint32_t rank)
{
    int64_t order[RML_RANK_MAX] = {0, 1, 2, 3, 4};
    order[rank - 1] = rank - 2;
    order[rank - 2] = rank - 1;
    return permute(o, NULL, a, rank, order);
}

static const char *softmax(rml_onnx *o, const char *type, const char *out, const char *a)
{
    rml_proto node = {0};
    attribute_int(&node, "axis", -1);
    return finish(o, &node, type, out, 1, &a);
}

static const char *in(rml_onnx *o, const rml_node *n, size_t i)
{
    return rml_onnx_name(o, n->inputs[i]);
}

static const char *out(rml_onnx *o, const rml_node *n)
{
    return rml_onnx_name(o, n->output);
}

static rml_shape shape_in(const rml_onnx *o, const rml_node *n, size_t i)
{
    return rml_graph_shape(o->e->graph, n->inputs[i]);
}

static rml_shape shape_out(const rml_onnx *o, const rml_node *n)
{
    return rml_graph_shape(o->e->graph, n->output);
}

// ---- Rows --------------------------------------------------------------------------------------

#define PLAIN_TWO(op, type)                                                                        \
    static void write_##op(rml_onnx *o, const rml_node *n)                                         \
    {                                                                                              \
        two(o, type, out(o, n), in(o, n, 0), in(o, n, 1));                                         \
    }
#define PLAIN_ONE(op, type)                                                                        \
    static void write_##op(rml_onnx *o, const rml_node *n)                                         \
    {                                                                                              \
        one(o, type, out(o, n), in(o, n, 0));                                                      \
    }
PLAIN_TWO(add, "Add")
PLAIN_TWO(sub, "Sub")
PLAIN_TWO(mul, "Mul")
PLAIN_TWO(div, "Div")
PLAIN_ONE(neg, "Neg")
PLAIN_ONE(exp, "Exp")
PLAIN_ONE(log, "Log")
PLAIN_ONE(abs, "Abs")
PLAIN_ONE(sqrt, "Sqrt")
PLAIN_ONE(tanh, "Tanh")
PLAIN_ONE(relu, "Relu")
PLAIN_ONE(stop_gradient, "Identity")

static void write_scale(rml_onnx *o, const rml_node *n)
{
    two(o, "Mul", out(o, n), in(o, n, 0), number(o, (float)n->attributes[0]));
}

static void write_gelu(rml_onnx *o, const rml_node *n)
{
    const char *x = in(o, n, 0);
    const char *erf = one(o, "Erf", NULL, two(o, "Mul", NULL, x, number(o, 0.707106781f)));
    const char *below =
        two(o, "Mul", NULL, two(o, "Add", NULL, erf, number(o, 1)), number(o, 0.5f));
    two(o, "Mul", out(o, n), x, below);
}

static void write_matmul(rml_onnx *o, const rml_node *n)
{
    const char *b = in(o, n, 1);
    b = n->attributes[0] != 0 ? swap_last(o, b, shape_in(o, n, 1).rank) : b;
    two(o, "MatMul", out(o, n), in(o, n, 0), b);
}

static void write_linear(rml_onnx *o, const rml_node *n)
{
    bool bias = n->input_count > 2 && n->inputs[2] >= 0;
    const char *weight = swap_last(o, in(o, n, 1), 2);
    const char *y = two(o, "MatMul", bias ? NULL : out(o, n), in(o, n, 0), weight);
    if (bias) {
        two(o, "Add", out(o, n), y, in(o, n, 2));
    }
}

static const char *bytes(rml_onnx *o, int64_t type, const rml_shape *shape, const void *values)
{
    rml_proto tensor = {0};
    const char *name = fresh(o);
    size_t count = 1;
    for (uint32_t i = 0; i < shape->rank; i++) {
        rml_proto_int(&tensor, TENSOR_DIMS, shape->size[i]);
        count *= shape->size[i];
    }
    rml_proto_int(&tensor, TENSOR_TYPE, type);
    rml_proto_text(&tensor, TENSOR_NAME, name);
    rml_proto_bytes(&tensor, TENSOR_RAW, values, count);
    rml_proto_part(&o->graph, GRAPH_INITIALIZER, &tensor);
    return name;
}

// A quantize of its own: x / scale, limited, to the nearest.
static void write_quantize(rml_onnx *o, const rml_node *n)
{
    float scale = (float)n->attributes[0], zero = (float)n->attributes[1];
    const char *x = two(o, "Div", NULL, in(o, n, 0), number(o, scale));
    rml_proto node = {0};
    const char *limited =
        finish(o, &node, "Clip", NULL, 3,
               (const char *[]){x, number(o, -zero), number(o, (float)RML_QUANTISED_MOST - zero)});
    one(o, "Round", out(o, n), limited);
}

static const char *input_bytes(rml_onnx *o, const rml_node *quantize)
{
    if (o->bytes_of != quantize->output) {
        uint8_t zero = (uint8_t)quantize->attributes[1];
        const char *s = number(o, (float)quantize->attributes[0]);
        const char *z = bytes(o, TYPE_UINT8, &(rml_shape){0}, &zero);
        rml_proto node = {0}, back = {0};
        const char *x = rml_onnx_name(o, quantize->inputs[0]);
        const char *q = finish(o, &node, "QuantizeLinear", NULL, 3, (const char *[]){x, s, z});
        o->bytes = finish(o, &back, "DequantizeLinear", NULL, 3, (const char *[]){q, s, z});
        o->bytes_of = quantize->output;
    }
    return o->bytes;
}

// The weights [depth, columns], with a scale and a zero for each column.
static const char *weight_bytes(rml_onnx *o, const rml_int8_layer *layer)
{
    rml_shape s = rml_graph_shape(o->e->graph, layer->linear->inputs[1]);
    uint32_t columns = s.size[0], depth = s.size[1];
    const float *back = rml_onnx_values(o, layer->mul->inputs[1]);
    int8_t *weights = RML_NEW_ARRAY(&o->arena, int8_t, (size_t)columns * depth);
    int8_t *zeros = RML_NEW_ARRAY(&o->arena, int8_t, columns);
    float *scales = RML_NEW_ARRAY(&o->arena, float, columns);
    if (weights == NULL || zeros == NULL || scales == NULL) {
        o->no_memory = true;
        return "";
    }
    if (back == NULL) {
        return "";
    }
    if (o->status == RML_OK) {
        o->status = rml_export_int8_weights(o->e, layer, true, weights, &o->error);
    }
    for (uint32_t j = 0; j < columns; j++) {
        scales[j] = (float)((double)back[j] / (double)(float)layer->quantize->attributes[0]);
        zeros[j] = 0;
    }
    rml_shape row = {1, {columns}}, turned = {2, {depth, columns}};
    const char *scale_name = fresh(o);
    rml_onnx_floats(o, scale_name, &row, scales);
    rml_proto node = {0};
    attribute_int(&node, "axis", 1);
    return finish(o, &node, "DequantizeLinear", NULL, 3,
                  (const char *[]){bytes(o, TYPE_INT8, &turned, weights), scale_name,
                                   bytes(o, TYPE_INT8, &row, zeros)});
}

void rml_onnx_int8(rml_onnx *o, const rml_int8_layer *layer)
{
    const char *x = input_bytes(o, layer->quantize), *w = weight_bytes(o, layer);
    if (layer->add == NULL) {
        two(o, "MatMul", out(o, layer->mul), x, w);
        return;
    }
    two(o, "Add", out(o, layer->add), two(o, "MatMul", NULL, x, w), in(o, layer->add, 1));
}

static void write_layer_norm(rml_onnx *o, const rml_node *n)
{
    rml_proto node = {0};
    attribute_int(&node, "axis", -1);
    attribute_float(&node, "epsilon", (float)n->attributes[0]);
    finish(o, &node, "LayerNormalization", out(o, n), 3,
           (const char *[]){in(o, n, 0), in(o, n, 1), in(o, n, 2)});
}

// Softmax of scores where mask (float, broadcasts) is 1; zero elsewhere, also in empty rows.
static const char *masked_softmax(rml_onnx *o, const char *to, const char *scores, const char *mask)
{
    rml_proto node = {0};
    const char *keep = cast(o, NULL, mask, TYPE_BOOL);
    const char *kept =
        finish(o, &node, "Where", NULL, 3, (const char *[]){keep, scores, number(o, MASKED)});
    return two(o, "Mul", to, softmax(o, "Softmax", NULL, kept), mask);
}

static void write_softmax(rml_onnx *o, const rml_node *n)
{
    if (n->input_count > 1) {
        masked_softmax(o, out(o, n), in(o, n, 0), in(o, n, 1));
    } else {
        softmax(o, "Softmax", out(o, n), in(o, n, 0));
    }
}

static void write_log_softmax(rml_onnx *o, const rml_node *n)
{
    softmax(o, "LogSoftmax", out(o, n), in(o, n, 0));
}

// [batch, tokens, width] to [batch, heads, tokens, size].
static const char *heads_of(rml_onnx *o, const char *x, const rml_shape *s, uint32_t heads)
{
    rml_shape split = {4, {s->size[0], s->size[1], heads, s->size[2] / heads}};
    const char *parts = two(o, "Reshape", NULL, x, sizes(o, &split));
    return permute(o, NULL, parts, 4, (int64_t[]){0, 2, 1, 3});
}

static bool has_input(const rml_node *n, size_t i)
{
    return n->input_count > i && n->inputs[i] >= 0;
}

// The mask as one of scores [batch, heads, queries, keys].
static const char *mask_of_scores(rml_onnx *o, const rml_node *n, const rml_shape *q)
{
    rml_shape mask = shape_in(o, n, 3);
    rml_shape as = {4, {q->size[0], 1, mask.rank == 3 ? q->size[1] : 1, q->size[1]}};
    const char *keep = in(o, n, 3);
    if (mask.rank == 3) { // keys stand first
        keep = swap_last(o, keep, 3);
    }
    return two(o, "Reshape", NULL, keep, sizes(o, &as));
}

// Scores with the bias of each pair: weights [heads, features] times pairs [batch, features, keys *
// queries].
static const char *biased(rml_onnx *o, const rml_node *n, const char *scores)
{
    rml_shape s = shape_in(o, n, 4), weights = shape_in(o, n, 5);
    rml_shape flat = {3, {s.size[0], s.size[1], s.size[2] * s.size[3]}};
    rml_shape apart = {4, {s.size[0], weights.size[0], s.size[2], s.size[3]}};
    const char *pairs = two(o, "Reshape", NULL, in(o, n, 4), sizes(o, &flat));
    const char *bias = two(o, "MatMul", NULL, in(o, n, 5), pairs);
    bias = two(o, "Reshape", NULL, bias, sizes(o, &apart));
    return two(o, "Add", NULL, scores, swap_last(o, bias, 4));
}

static void write_attention(rml_onnx *o, const rml_node *n)
{
    rml_shape s = shape_in(o, n, 0);
    uint32_t heads = (uint32_t)n->attributes[0], size = s.size[2] / heads;
    const char *q = heads_of(o, in(o, n, 0), &s, heads), *k = heads_of(o, in(o, n, 1), &s, heads);
    const char *v = heads_of(o, in(o, n, 2), &s, heads);
    const char *scores = two(o, "MatMul", NULL, q, swap_last(o, k, 4));
    scores = two(o, "Mul", NULL, scores, number(o, 1.0f / sqrtf((float)size)));
    if (has_input(n, 4)) {
        scores = biased(o, n, scores);
    }
    const char *p = has_input(n, 3) ? masked_softmax(o, NULL, scores, mask_of_scores(o, n, &s))
                                    : softmax(o, "Softmax", NULL, scores);
    const char *y = permute(o, NULL, two(o, "MatMul", NULL, p, v), 4, (int64_t[]){0, 2, 1, 3});
    two(o, "Reshape", out(o, n), y, sizes(o, &s));
}

static void sum_over(rml_onnx *o, const rml_node *n, size_t count, const int64_t *axes)
{
    rml_proto node = {0};
    attribute_int(&node, "keepdims", 0);
    finish(o, &node, "ReduceSum", out(o, n), 2,
           (const char *[]){in(o, n, 0), integers(o, count, axes)});
}

static void write_sum(rml_onnx *o, const rml_node *n)
{
    sum_over(o, n, 1, (int64_t[]){(int64_t)n->attributes[0]});
}

static void write_sum_batch(rml_onnx *o, const rml_node *n)
{
    sum_over(o, n, (size_t)n->attributes[0], (int64_t[]){0, 1, 2, 3, 4});
}

static void write_max(rml_onnx *o, const rml_node *n)
{
    rml_proto node = {0};
    attribute_ints(&node, "axes", 1, (int64_t[]){(int64_t)n->attributes[0]});
    attribute_int(&node, "keepdims", 0);
    finish(o, &node, "ReduceMax", out(o, n), 1, (const char *[]){in(o, n, 0)});
}

static void write_reshape(rml_onnx *o, const rml_node *n)
{
    rml_shape s = shape_out(o, n);
    two(o, "Reshape", out(o, n), in(o, n, 0), sizes(o, &s));
}

static void write_broadcast(rml_onnx *o, const rml_node *n)
{
    rml_shape s = shape_out(o, n);
    two(o, "Expand", out(o, n), in(o, n, 0), sizes(o, &s));
}

static void write_transpose(rml_onnx *o, const rml_node *n)
{
    int64_t order[RML_RANK_MAX] = {0};
    for (size_t i = 0; i < n->attribute_count; i++) {
        order[i] = (int64_t)n->attributes[i];
    }
    permute(o, out(o, n), in(o, n, 0), n->attribute_count, order);
}

static void write_slice(rml_onnx *o, const rml_node *n)
{
    int64_t axis = (int64_t)n->attributes[0], from = (int64_t)n->attributes[1];
    int64_t to = from + (int64_t)n->attributes[2];
    rml_proto node = {0};
    finish(o, &node, "Slice", out(o, n), 4,
           (const char *[]){in(o, n, 0), integers(o, 1, &from), integers(o, 1, &to),
                            integers(o, 1, &axis)});
}

static void write_concat(rml_onnx *o, const rml_node *n)
{
    const char *inputs[INPUTS_MAX];
    rml_proto node = {0};
    for (size_t i = 0; i < n->input_count; i++) {
        inputs[i] = in(o, n, i);
    }
    attribute_int(&node, "axis", (int64_t)n->attributes[0]);
    finish(o, &node, "Concat", out(o, n), n->input_count, inputs);
}

static void write_argmin(rml_onnx *o, const rml_node *n)
{
    rml_proto node = {0};
    attribute_int(&node, "axis", -1);
    attribute_int(&node, "keepdims", 0);
    const char *index = finish(o, &node, "ArgMin", NULL, 1, (const char *[]){in(o, n, 0)});
    cast(o, out(o, n), index, TYPE_FLOAT);
}

// Not above the largest of the smallest.
static void write_nearest(rml_onnx *o, const rml_node *n)
{
    rml_shape x = shape_in(o, n, 0);
    double last = x.size[x.rank - 1];
    int64_t count = (int64_t)(n->attributes[0] < last ? n->attributes[0] : last);
    rml_proto smallest = {0}, most = {0};
    attribute_int(&smallest, "axis", -1);
    attribute_int(&smallest, "largest", 0);
    const char *values = fresh(o), *indices = fresh(o);
    rml_proto_text(&smallest, NODE_INPUT, in(o, n, 0));
    rml_proto_text(&smallest, NODE_INPUT, integers(o, 1, &count));
    rml_proto_text(&smallest, NODE_OUTPUT, values);
    rml_proto_text(&smallest, NODE_OUTPUT, indices);
    rml_proto_text(&smallest, NODE_TYPE, "TopK");
    rml_proto_part(&o->graph, GRAPH_NODE, &smallest);
    attribute_ints(&most, "axes", 1, (int64_t[]){-1});
    const char *bound = finish(o, &most, "ReduceMax", NULL, 1, &values);
    const char *kept = two(o, "LessOrEqual", NULL, in(o, n, 0), bound);
    cast(o, out(o, n), kept, TYPE_FLOAT);
}

static void write_pick(rml_onnx *o, const rml_node *n)
{
    rml_shape index = shape_in(o, n, 1);
    index.size[index.rank++] = 1;
    const char *at = cast(o, NULL, in(o, n, 1), TYPE_INT64);
    at = two(o, "Reshape", NULL, at, sizes(o, &index));
    rml_proto node = {0};
    attribute_int(&node, "batch_dims", (int64_t)n->attributes[0]);
    finish(o, &node, "GatherND", out(o, n), 2, (const char *[]){in(o, n, 0), at});
}

const rml_onnx_row rml_onnx_rows[] = {
#define ROW(op)                                                                                    \
    {                                                                                              \
#op, write_##op                                                                            \
    }
    ROW(add),     ROW(sub),         ROW(mul),       ROW(div),    ROW(neg),       ROW(exp),
    ROW(log),     ROW(abs),         ROW(sqrt),      ROW(tanh),   ROW(relu),      ROW(stop_gradient),
    ROW(scale),   ROW(quantize),    ROW(gelu),      ROW(matmul), ROW(linear),    ROW(layer_norm),
    ROW(softmax), ROW(log_softmax), ROW(attention), ROW(sum),    ROW(sum_batch), ROW(max),
    ROW(reshape), ROW(broadcast),   ROW(transpose), ROW(slice),  ROW(concat),    ROW(argmin),
    ROW(nearest), ROW(pick),
};
const size_t rml_onnx_row_count = sizeof rml_onnx_rows / sizeof *rml_onnx_rows;
