// Each op of graph as plain C99: a call of a helper, or a function of its own with fixed loops.
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "c99.h"

void rml_c99_print(rml_c99 *c, rml_buffer *to, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (c->status == RML_OK && (len < 0 || (size_t)len >= sizeof line)) {
        c->status = rml_fail(&c->error, RML_ERR_LIMIT, (rml_place){0}, NULL,
                             "expected lines below %zu characters, found %d", sizeof line, len);
    }
    if (c->status == RML_OK) {
        c->status = rml_buffer_append(to, line, (size_t)len, &c->error);
    }
}

static rml_shape shape_of(const rml_c99 *c, rml_tensor t)
{
    return rml_graph_shape(c->e->graph, t);
}

// Product of the sizes of axes [from, to).
static size_t span(const rml_shape *s, uint32_t from, uint32_t to)
{
    size_t count = 1;
    for (uint32_t i = from; i < to; i++) {
        count *= s->size[i];
    }
    return count;
}

static const char *in(rml_c99 *c, const rml_node *n, size_t i)
{
    return i < n->input_count && n->inputs[i] >= 0 ? rml_c99_name(c, n->inputs[i]) : "NULL";
}

// From an element of the input on.
static const char *in_at(rml_c99 *c, const rml_node *n, size_t i, size_t offset)
{
    return rml_c99_at(c, n->inputs[i], offset);
}

// ---- Loops over the output with a stride for each input -----------------------------------------

typedef struct strided {
    size_t start[2], stride[2][RML_RANK_MAX];
    size_t inputs;
} strided;

// An index made of loop variables; axes of one element and strides of zero do not count.
static void index_text(rml_c99 *c, const rml_shape *y, const char *array, size_t start,
                       const size_t *stride)
{
    const char *plus = "";
    rml_c99_print(c, &c->functions, "%s[", array);
    if (start > 0) {
        rml_c99_print(c, &c->functions, "%zu", start);
        plus = " + ";
    }
    for (uint32_t i = 0; i < y->rank; i++) {
        if (stride[i] == 0 || y->size[i] == 1) {
            continue;
        }
        if (stride[i] == 1) {
            rml_c99_print(c, &c->functions, "%si%u", plus, i);
        } else {
            rml_c99_print(c, &c->functions, "%s(i%u * %zu)", plus, i, stride[i]);
        }
        plus = " + ";
    }
    rml_c99_print(c, &c->functions, plus[0] == '\0' ? "0]" : "]");
}

static void begin_loops(rml_c99 *c, const rml_shape *y)
{
    for (uint32_t i = 0; i < y->rank; i++) {
        if (y->size[i] != 1) {
            rml_c99_print(c, &c->functions, "    int i%u;\n", i);
        }
    }
    for (uint32_t i = 0; i < y->rank; i++) {
        if (y->size[i] != 1) {
            rml_c99_print(c, &c->functions, "    for (i%u = 0; i%u < %u; i%u++) {\n", i, i,
                          y->size[i], i);
        }
    }
}

// A function node_N(a[, b], y) with y = expression of p (from a) and q (from b), and its call.
static void write_strided(rml_c99 *c, const rml_node *n, const strided *s, const char *expression)
{
    static const char *const open[2] = {"        const float p = a", "        const float q = b"};
    rml_shape y = shape_of(c, n->output);
    size_t own[RML_RANK_MAX] = {0};
    rml_c99_print(c, &c->functions, "static void node_%d(const float *a, %sfloat *y)\n{\n",
                  (int)n->output, s->inputs > 1 ? "const float *b, " : "");
    begin_loops(c, &y);
    for (size_t k = 0; k < s->inputs; k++) {
        index_text(c, &y, open[k], s->start[k], s->stride[k]);
        rml_c99_print(c, &c->functions, ";\n");
    }
    for (uint32_t i = 0; i < y.rank; i++) {
        own[i] = span(&y, i + 1, y.rank);
    }
    index_text(c, &y, "        y", 0, own);
    rml_c99_print(c, &c->functions, " = %s;\n", expression);
    for (uint32_t i = 0; i < y.rank; i++) {
        rml_c99_print(c, &c->functions, y.size[i] != 1 ? "    }\n" : "");
    }
    rml_c99_print(c, &c->functions, "}\n\n");
    rml_c99_print(c, &c->calls, "    node_%d(%s, ", (int)n->output, in(c, n, 0));
    if (s->inputs > 1) {
        rml_c99_print(c, &c->calls, "%s, ", in(c, n, 1));
    }
    rml_c99_print(c, &c->calls, "%s);\n", rml_c99_name(c, n->output));
}

static void broadcast_strides(const rml_c99 *c, const rml_node *n, strided *s)
{
    rml_shape y = shape_of(c, n->output);
    for (size_t k = 0; k < s->inputs; k++) {
        rml_shape x = shape_of(c, n->inputs[k]);
        size_t stride = 1;
        for (uint32_t i = 0; i < x.rank; i++) {
            uint32_t from = x.rank - 1 - i;
            s->stride[k][y.rank - 1 - i] = x.size[from] == 1 ? 0 : stride;
            stride *= x.size[from];
        }
    }
}

static void elementwise(rml_c99 *c, const rml_node *n, size_t inputs, const char *expression)
{
    strided s = {.inputs = inputs};
    broadcast_strides(c, n, &s);
    write_strided(c, n, &s, expression);
}

#define PLAIN(op, inputs, needed, expression)                                                      \
    static void write_##op(rml_c99 *c, const rml_node *n)                                          \
    {                                                                                              \
        c->helpers |= needed;                                                                      \
        elementwise(c, n, inputs, expression);                                                     \
    }
PLAIN(add, 2, 0, "p + q")
PLAIN(sub, 2, 0, "p - q")
PLAIN(mul, 2, 0, "p * q")
PLAIN(div, 2, 0, "p / q")
PLAIN(neg, 1, 0, "-p")
PLAIN(exp, 1, RML_C99_EXP, "exp_of(p)")
PLAIN(log, 1, RML_C99_LOG, "log_of(p)")
PLAIN(abs, 1, 0, "p < 0.0f ? -p : p")
PLAIN(sqrt, 1, 0, "sqrtf(p)")
PLAIN(tanh, 1, RML_C99_TANH, "tanh_of(p)")
PLAIN(relu, 1, 0, "p > 0.0f ? p : 0.0f")
PLAIN(broadcast, 1, 0, "p")

static void write_gelu(rml_c99 *c, const rml_node *n)
{
    rml_shape s = shape_of(c, n->output);
    c->helpers |= RML_C99_GELU;
    rml_c99_print(c, &c->calls, "    gelu(%zu, %s, %s);\n", span(&s, 0, s.rank), in(c, n, 0),
                  rml_c99_name(c, n->output));
}

static void write_scale(rml_c99 *c, const rml_node *n)
{
    char expression[64];
    snprintf(expression, sizeof expression, "p * %.9ef", (double)(float)n->attributes[0]);
    elementwise(c, n, 1, expression);
}

static void input_strides(const rml_c99 *c, const rml_node *n, size_t strides[RML_RANK_MAX])
{
    rml_shape x = shape_of(c, n->inputs[0]);
    for (uint32_t i = 0; i < x.rank; i++) {
        strides[i] = span(&x, i + 1, x.rank);
    }
}

static void write_transpose(rml_c99 *c, const rml_node *n)
{
    strided s = {.inputs = 1};
    size_t strides[RML_RANK_MAX] = {0};
    input_strides(c, n, strides);
    for (size_t i = 0; i < n->attribute_count; i++) {
        s.stride[0][i] = strides[(size_t)n->attributes[i]];
    }
    write_strided(c, n, &s, "p");
}

static void write_slice(rml_c99 *c, const rml_node *n)
{
    strided s = {.inputs = 1};
    input_strides(c, n, s.stride[0]);
    s.start[0] = (size_t)n->attributes[1] * s.stride[0][(size_t)n->attributes[0]];
    write_strided(c, n, &s, "p");
}

// ---- Products and rows -------------------------------------------------------------------------

static void write_product(rml_c99 *c, const rml_node *n, bool transposed, const char *bias)
{
    rml_shape a = shape_of(c, n->inputs[0]), b = shape_of(c, n->inputs[1]);
    size_t depth = a.size[a.rank - 1], columns = b.size[b.rank - (transposed ? 2 : 1)];
    bool shared = b.rank == 2;
    size_t batch = shared ? 1 : span(&a, 0, a.rank - 2);
    size_t rows = shared ? span(&a, 0, a.rank - 1) : a.size[a.rank - 2];
    c->helpers |= RML_C99_PRODUCT;
    for (size_t i = 0; i < batch; i++) {
        rml_c99_print(c, &c->calls, "    product(%zu, %zu, %zu, %s, ", rows, depth, columns,
                      in_at(c, n, 0, i * rows * depth));
        rml_c99_print(c, &c->calls, "%s, %zu, %zu, %s, ", in_at(c, n, 1, i * depth * columns),
                      transposed ? 1 : columns, transposed ? depth : 1, bias);
        rml_c99_print(c, &c->calls, "%s);\n", rml_c99_at(c, n->output, i * rows * columns));
    }
}

static void write_matmul(rml_c99 *c, const rml_node *n)
{
    write_product(c, n, n->attributes[0] != 0, "NULL");
}

static void write_linear(rml_c99 *c, const rml_node *n)
{
    rml_tensor_role role = rml_graph_role(c->e->graph, n->inputs[1]);
    if (role != RML_ROLE_PARAMETER && role != RML_ROLE_CONSTANT) {
        write_product(c, n, true, in(c, n, 2));
        return;
    }
    rml_shape a = shape_of(c, n->inputs[0]), b = shape_of(c, n->inputs[1]);
    c->helpers |= RML_C99_PANELS;
    rml_c99_print(c, &c->calls, "    product_panels(%zu, %u, %u, %s, %u, ", span(&a, 0, a.rank - 1),
                  b.size[1], b.size[0], in(c, n, 0), b.size[1]);
    rml_c99_print(c, &c->calls, "%s, %s, %s, %u);\n", rml_c99_panels(c, n->inputs[1]), in(c, n, 2),
                  rml_c99_name(c, n->output), b.size[0]);
}

static void write_quantize(rml_c99 *c, const rml_node *n)
{
    char expression[96];
    snprintf(expression, sizeof expression, "quantized(p, %.9ef, %.1ff)",
             (double)(float)n->attributes[0], n->attributes[1]);
    c->helpers |= RML_C99_QUANTIZE;
    elementwise(c, n, 1, expression);
}

void rml_c99_int8(rml_c99 *c, const rml_int8_layer *layer)
{
    rml_shape a = shape_of(c, layer->linear->inputs[0]), b = shape_of(c, layer->linear->inputs[1]);
    size_t rows = span(&a, 0, a.rank - 1), columns = b.size[0], depth = b.size[1];
    c->helpers |= RML_C99_INT8;
    c->bytes = rows * depth > c->bytes ? rows * depth : c->bytes;
    c->block = 4 * depth > c->block ? 4 * depth : c->block;
    if (c->bytes_of != layer->quantize->output) {
        rml_c99_print(c, &c->calls, "    quantize(%zu, %.9ef, %.1ff, %s, memory->bytes);\n",
                      rows * depth, (double)(float)layer->quantize->attributes[0],
                      layer->quantize->attributes[1], in(c, layer->quantize, 0));
        c->bytes_of = layer->quantize->output;
    }
    rml_c99_print(c, &c->calls, "    product_int8(%zu, %zu, %zu, memory->bytes, bytes_%d, ", rows,
                  depth, columns, (int)layer->linear->inputs[1]);
    rml_c99_print(c, &c->calls, "%s, %s, memory->block, %s);\n", in(c, layer->mul, 1),
                  layer->add != NULL ? in(c, layer->add, 1) : "NULL",
                  rml_c99_name(c, layer->linear->output));
}

static void rows_of(const rml_c99 *c, const rml_node *n, size_t *rows, size_t *columns)
{
    rml_shape x = shape_of(c, n->inputs[0]);
    *columns = x.size[x.rank - 1];
    *rows = span(&x, 0, x.rank - 1);
}

static void write_layer_norm(rml_c99 *c, const rml_node *n)
{
    size_t rows, columns;
    rows_of(c, n, &rows, &columns);
    c->helpers |= RML_C99_NORM;
    rml_c99_print(c, &c->calls, "    layer_norm(%zu, %zu, %.9ef, %s, %s, %s, %s);\n", rows, columns,
                  (double)(float)n->attributes[0], in(c, n, 0), in(c, n, 1), in(c, n, 2),
                  rml_c99_name(c, n->output));
}

static void write_softmax(rml_c99 *c, const rml_node *n)
{
    size_t rows, columns;
    rows_of(c, n, &rows, &columns);
    c->helpers |= RML_C99_SOFTMAX_ROWS;
    rml_c99_print(c, &c->calls, "    softmax(%zu, %zu, %s, %s, %s);\n", rows, columns, in(c, n, 0),
                  in(c, n, 1), rml_c99_name(c, n->output));
}

static void write_log_softmax(rml_c99 *c, const rml_node *n)
{
    size_t rows, columns;
    rows_of(c, n, &rows, &columns);
    c->helpers |= RML_C99_LOG_SOFTMAX;
    rml_c99_print(c, &c->calls, "    log_softmax(%zu, %zu, %s, %s);\n", rows, columns, in(c, n, 0),
                  rml_c99_name(c, n->output));
}

static bool has_input(const rml_node *n, size_t i)
{
    return n->input_count > i && n->inputs[i] >= 0;
}

// The arguments from the mask to the scratch, of sample i.
static void write_pairs(rml_c99 *c, const rml_node *n, size_t i, size_t tokens)
{
    bool own = has_input(n, 3) && shape_of(c, n->inputs[3]).rank == 3;
    size_t features = has_input(n, 4) ? shape_of(c, n->inputs[4]).size[1] : 0;
    rml_c99_print(c, &c->calls, "%s, %d, %zu, ",
                  has_input(n, 3) ? in_at(c, n, 3, i * tokens * (own ? tokens : 1)) : "NULL", own,
                  features);
    rml_c99_print(c, &c->calls, "%s, ",
                  features > 0 ? in_at(c, n, 4, i * features * tokens * tokens) : "NULL");
    rml_c99_print(c, &c->calls, "%s, ", features > 0 ? in(c, n, 5) : "NULL");
}

static void write_attention(rml_c99 *c, const rml_node *n)
{
    rml_shape s = shape_of(c, n->inputs[0]);
    size_t heads = (size_t)n->attributes[0], head = s.size[2] / heads, tokens = s.size[1],
           step = tokens * s.size[2];
    bool pairs = has_input(n, 4) || (has_input(n, 3) && shape_of(c, n->inputs[3]).rank == 3);
    c->helpers |= pairs ? RML_C99_PAIRS : RML_C99_ATTENTION;
    size_t high = (tokens + 15) / 16 * 16, wide = (head + 15) / 16 * 16;
    size_t scratch = tokens * tokens + high * head + tokens * wide + (pairs ? tokens : 0);
    c->row = scratch > c->row ? scratch : c->row;
    for (size_t i = 0; i < s.size[0]; i++) {
        rml_c99_print(c, &c->calls, "    attention%s(%zu, %zu, %zu, %.9ef, %s, ",
                      pairs ? "_pairs" : "", tokens, heads, head,
                      (double)(1.0f / sqrtf((float)head)), in_at(c, n, 0, i * step));
        rml_c99_print(c, &c->calls, "%s, %s, ", in_at(c, n, 1, i * step), in_at(c, n, 2, i * step));
        if (pairs) {
            write_pairs(c, n, i, tokens);
        } else {
            rml_c99_print(c, &c->calls, "%s, ",
                          has_input(n, 3) ? in_at(c, n, 3, i * tokens) : "NULL");
        }
        rml_c99_print(c, &c->calls, "memory->row, %s);\n", rml_c99_at(c, n->output, i * step));
    }
}

// ---- Reductions, concat, choices ---------------------------------------------------------------

static void begin_function(rml_c99 *c, const rml_node *n, const char *variables)
{
    bool two = n->input_count > 1 && n->inputs[1] >= 0;
    rml_c99_print(c, &c->functions,
                  "static void node_%d(const float *a, %sfloat *y)\n{\n    int %s;\n",
                  (int)n->output, two ? "const float *b, " : "", variables);
    rml_c99_print(c, &c->calls, "    node_%d(%s, ", (int)n->output, in(c, n, 0));
    if (two) {
        rml_c99_print(c, &c->calls, "%s, ", in(c, n, 1));
    }
    rml_c99_print(c, &c->calls, "%s);\n", rml_c99_name(c, n->output));
}

// A variable times a number, as an index.
static const char *times(rml_c99 *c, const char *variable, size_t factor)
{
    rml_str text = factor == 1 ? rml_str_of(variable)
                               : rml_arena_printf(&c->arena, "(%s * %zu)", variable, factor);
    if (text.data == NULL) {
        c->status = c->status != RML_OK ? c->status : rml_fail_memory(&c->error, 0);
        return "";
    }
    return text.data;
}

static void write_around(rml_c99 *c, const rml_node *n, const char *step)
{
    rml_shape x = shape_of(c, n->inputs[0]);
    uint32_t axis = (uint32_t)n->attributes[0];
    size_t inner = span(&x, axis + 1, x.rank), size = x.size[axis];
    begin_function(c, n, "o, k, i");
    const char *outer = times(c, "o", size * inner);
    rml_c99_print(c, &c->functions,
                  "    for (o = 0; o < %zu; o++) {\n        for (i = 0; i < %zu; i++) {\n"
                  "            float x = a[%s + i];\n",
                  span(&x, 0, axis), inner, outer);
    rml_c99_print(c, &c->functions,
                  "            for (k = 1; k < %zu; k++) {\n"
                  "                float next = a[%s + %s + i];\n                %s\n"
                  "            }\n            y[%s + i] = x;\n        }\n    }\n}\n\n",
                  size, outer, times(c, "k", inner), step, times(c, "o", inner));
}

static void write_sum(rml_c99 *c, const rml_node *n)
{
    rml_shape x = shape_of(c, n->inputs[0]);
    if ((uint32_t)n->attributes[0] + 1 < x.rank) {
        write_around(c, n, "x += next;");
        return;
    }
    size_t rows, columns;
    rows_of(c, n, &rows, &columns);
    c->helpers |= RML_C99_LANES;
    begin_function(c, n, "i");
    rml_c99_print(c, &c->functions,
                  "    for (i = 0; i < %zu; i++) {\n        y[i] = row_sum(%zu, &a[i * %zu]);\n"
                  "    }\n}\n\n",
                  rows, columns, columns);
}

static void write_sum_batch(rml_c99 *c, const rml_node *n)
{
    rml_shape x = shape_of(c, n->inputs[0]);
    uint32_t axes = (uint32_t)n->attributes[0];
    size_t inner = span(&x, axes, x.rank);
    c->helpers |= RML_C99_BATCH;
    begin_function(c, n, "i");
    rml_c99_print(
        c, &c->functions,
        "    for (i = 0; i < %zu; i++) {\n        y[i] = batch_sum(%u, %zu, %zu, &a[i]);\n"
        "    }\n}\n\n",
        inner, x.size[0], span(&x, 1, axes), inner);
}

static void write_max(rml_c99 *c, const rml_node *n)
{
    write_around(c, n, "x = next > x ? next : x;");
}

static void write_argmin(rml_c99 *c, const rml_node *n)
{
    size_t rows, columns;
    rows_of(c, n, &rows, &columns);
    begin_function(c, n, "r, i");
    rml_c99_print(c, &c->functions,
                  "    for (r = 0; r < %zu; r++) {\n        int best = 0;\n"
                  "        for (i = 1; i < %zu; i++) {\n"
                  "            best = a[r * %zu + i] < a[r * %zu + best] ? i : best;\n        }\n"
                  "        y[r] = (float)best;\n    }\n}\n\n",
                  rows, columns, columns, columns);
}

static void write_nearest(rml_c99 *c, const rml_node *n)
{
    size_t rows, columns;
    rows_of(c, n, &rows, &columns);
    double count = n->attributes[0] < (double)columns ? n->attributes[0] : (double)columns;
    c->helpers |= RML_C99_NEAREST;
    rml_c99_print(c, &c->calls, "    nearest(%zu, %zu, %zu, %s, %s);\n", rows, columns,
                  (size_t)count, in(c, n, 0), rml_c99_name(c, n->output));
}

static void write_pick(rml_c99 *c, const rml_node *n)
{
    rml_shape x = shape_of(c, n->inputs[0]);
    uint32_t axis = (uint32_t)n->attributes[0];
    size_t inner = span(&x, axis + 1, x.rank), size = x.size[axis];
    begin_function(c, n, "o, i");
    rml_c99_print(c, &c->functions,
                  "    for (o = 0; o < %zu; o++) {\n        int at = b[o] > 0.0f ? (int)b[o] : 0;\n"
                  "        at = at < %zu ? at : %zu;\n",
                  span(&x, 0, axis), size, size - 1);
    rml_c99_print(
        c, &c->functions,
        "        for (i = 0; i < %zu; i++) {\n"
        "            y[o * %zu + i] = a[(o * %zu + at) * %zu + i];\n        }\n    }\n}\n\n",
        inner, inner, size, inner);
}

static void write_concat(rml_c99 *c, const rml_node *n)
{
    rml_shape y = shape_of(c, n->output);
    uint32_t axis = (uint32_t)n->attributes[0];
    size_t inner = span(&y, axis + 1, y.rank), at = 0, outer = span(&y, 0, axis);
    c->helpers |= RML_C99_COPY;
    for (size_t k = 0; k < n->input_count; k++) {
        size_t part = shape_of(c, n->inputs[k]).size[axis] * inner;
        for (size_t o = 0; o < outer; o++) {
            rml_c99_print(c, &c->calls, "    copy(%zu, %s, %s);\n", part, in_at(c, n, k, o * part),
                          rml_c99_at(c, n->output, o * y.size[axis] * inner + at));
        }
        at += part;
    }
}

// The output is the input's memory: see rml_c99_place.
static void write_view(rml_c99 *c, const rml_node *n)
{
    (void)c;
    (void)n;
}

const rml_c99_row rml_c99_rows[] = {
#define ROW(op)                                                                                    \
    {                                                                                              \
#op, write_##op                                                                            \
    }
    ROW(add),
    ROW(sub),
    ROW(mul),
    ROW(div),
    ROW(neg),
    ROW(exp),
    ROW(log),
    ROW(abs),
    ROW(sqrt),
    ROW(tanh),
    ROW(relu),
    ROW(scale),
    ROW(quantize),
    ROW(gelu),
    ROW(matmul),
    ROW(linear),
    ROW(layer_norm),
    ROW(softmax),
    ROW(log_softmax),
    ROW(attention),
    ROW(sum),
    ROW(sum_batch),
    ROW(max),
    ROW(broadcast),
    ROW(transpose),
    ROW(slice),
    ROW(concat),
    ROW(argmin),
    ROW(nearest),
    ROW(pick),
    {"reshape", write_view},
    {"stop_gradient", write_view},
};
const size_t rml_c99_row_count = sizeof rml_c99_rows / sizeof *rml_c99_rows;
