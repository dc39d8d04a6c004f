// Softmax and its logarithm over the last axis, and attention, which is softmax between products.
#include <math.h>
#include <string.h>

#include "roadmill/math.h"
#include "rows.h"

#define ROWS_PER_TILE 64

static size_t columns_of(const rml_call *c)
{
    return c->shape.rank > 0 ? c->shape.size[c->shape.rank - 1] : 1;
}

static size_t rows_of(const rml_call *c)
{
    return rml_shape_count(&c->shape) / columns_of(c);
}

static size_t tiles_rows(const rml_call *c)
{
    return rml_ceil(rows_of(c), ROWS_PER_TILE);
}

static size_t flop_softmax(const rml_call *c)
{
    return 12 * rml_shape_count(&c->shape);
}

// p[n] from scores; keep[n] is 1 or 0, or NULL. All zero where nothing is kept.
static void softmax_row(const double *x, const double *keep, double scale, size_t n, double *p)
{
    double top = -INFINITY, sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        top = (keep == NULL || keep[i] != 0.0) && x[i] * scale > top ? x[i] * scale : top;
    }
    for (size_t i = 0; i < n; i++) {
        p[i] = keep == NULL || keep[i] != 0.0 ? rml_f64_exp(x[i] * scale - top) : 0.0;
        sum += p[i];
    }
    for (size_t i = 0; i < n && sum > 0.0; i++) {
        p[i] /= sum;
    }
}

static void reference_softmax(const rml_call *c)
{
    size_t n = columns_of(c);
    const double *keep = c->input_count > 1 ? c->in[1] : NULL;
    for (size_t r = 0; r < rows_of(c); r++) {
        softmax_row((const double *)c->in[0] + r * n, keep ? keep + r * n : NULL, 1.0, n,
                    (double *)c->out + r * n);
    }
}

static void reference_softmax_backward(const rml_call *c)
{
    size_t n = columns_of(c);
    for (size_t r = 0; r < rows_of(c); r++) {
        const double *y = (const double *)c->in[0] + r * n, *dy = (const double *)c->in[1] + r * n;
        double dot = 0.0;
        for (size_t i = 0; i < n; i++) {
            dot += y[i] * dy[i];
        }
        for (size_t i = 0; i < n; i++) {
            ((double *)c->out)[r * n + i] = y[i] * (dy[i] - dot);
        }
    }
}

static void reference_log_softmax(const rml_call *c)
{
    size_t n = columns_of(c);
    for (size_t r = 0; r < rows_of(c); r++) {
        const double *x = (const double *)c->in[0] + r * n;
        double top = -INFINITY, sum = 0.0;
        for (size_t i = 0; i < n; i++) {
            top = x[i] > top ? x[i] : top;
        }
        for (size_t i = 0; i < n; i++) {
            sum += rml_f64_exp(x[i] - top);
        }
        for (size_t i = 0; i < n; i++) {
            ((double *)c->out)[r * n + i] = (x[i] - top) - rml_f64_log(sum);
        }
    }
}

static void reference_log_softmax_backward(const rml_call *c)
{
    size_t n = columns_of(c);
    for (size_t r = 0; r < rows_of(c); r++) {
        const double *y = (const double *)c->in[0] + r * n, *dy = (const double *)c->in[1] + r * n;
        double sum = 0.0;
        for (size_t i = 0; i < n; i++) {
            sum += dy[i];
        }
        for (size_t i = 0; i < n; i++) {
            ((double *)c->out)[r * n + i] = dy[i] - rml_f64_exp(y[i]) * sum;
        }
    }
}

static const char *shape_softmax(const rml_shape *in, size_t count, const double *attributes,
                                 rml_shape *out)
{
    (void)attributes;
    *out = in[0];
    if (in[0].rank == 0) {
        return "expected at least one axis";
    }
    return count < 2 || rml_shape_equal(&in[0], &in[1]) ? NULL : "expected a mask of x's shape";
}

static void gradient_softmax(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    dx[0] =
        rml_graph_append(g, &rml_row_softmax_backward, (rml_tensor[]){n.output, dy}, 2, NULL, 0);
}

static void gradient_log_softmax(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    dx[0] = rml_graph_append(g, &rml_row_log_softmax_backward, (rml_tensor[]){n.output, dy}, 2,
                             NULL, 0);
}

#define SOFTMAX_ROW(row, kernel_id, low, high, back, flows)                                        \
    const rml_op rml_row_##row = {                                                                 \
        .name = #row,                                                                              \
        .attributes = "",                                                                          \
        .inputs_min = low,                                                                         \
        .inputs_max = high,                                                                        \
        .shape = shape_softmax,                                                                    \
        .reference = reference_##row,                                                              \
        .gradient = back,                                                                          \
        .backward = !(flows),                                                                      \
        .phases = {{kernel_id, tiles_rows}},                                                       \
        .flop = flop_softmax,                                                                      \
        .in_place = true,                                                                          \
    };
SOFTMAX_ROW(softmax, RML_KERNEL_SOFTMAX, 1, 2, gradient_softmax, true)
SOFTMAX_ROW(softmax_backward, RML_KERNEL_SOFTMAX_BACKWARD, 2, 2, NULL, false)
SOFTMAX_ROW(log_softmax, RML_KERNEL_LOG_SOFTMAX, 1, 1, gradient_log_softmax, true)
SOFTMAX_ROW(log_softmax_backward, RML_KERNEL_LOG_SOFTMAX_BACKWARD, 2, 2, NULL, false)

rml_tensor rml_op_softmax(rml_graph *g, rml_tensor x, rml_tensor mask)
{
    if (mask < 0) {
        return rml_graph_append(g, &rml_row_softmax, &x, 1, NULL, 0);
    }
    rml_tensor whole = rml_graph_broadcast(g, mask, rml_graph_shape(g, x));
    return rml_graph_append(g, &rml_row_softmax, (rml_tensor[]){x, whole}, 2, NULL, 0);
}

rml_tensor rml_op_log_softmax(rml_graph *g, rml_tensor x)
{
    return rml_graph_append(g, &rml_row_log_softmax, &x, 1, NULL, 0);
}

// ---- Attention ---------------------------------------------------------------------------------

void rml_attention_of(const rml_call *c, rml_attention *a)
{
    const rml_shape *q = &c->shapes[0];
    a->batch = q->size[0];
    a->tokens = q->size[1];
    a->width = q->size[2];
    a->heads = (size_t)c->attributes[0];
    a->head = a->width / a->heads;
    a->tokens_padded = rml_ceil(a->tokens, RML_PANEL) * RML_PANEL;
    a->head_padded = rml_ceil(a->head, RML_PANEL) * RML_PANEL;
}

static const char *shape_attention(const rml_shape *in, size_t count, const double *attributes,
                                   rml_shape *out)
{
    (void)count;
    const rml_shape *q = &in[0], *mask = &in[3];
    if (q->rank != 3 || !rml_shape_equal(q, &in[1]) || !rml_shape_equal(q, &in[2])) {
        return "expected q, k, v [batch, tokens, width]";
    }
    if (mask->rank != 0 &&
        (mask->rank != 2 || mask->size[0] != q->size[0] || mask->size[1] != q->size[1])) {
        return "expected a mask [batch, tokens]";
    }
    if (!(attributes[0] >= 1.0) || q->size[2] % (uint32_t)attributes[0] != 0) {
        return "expected a width that the heads divide";
    }
    *out = *q;
    return NULL;
}

static const char *shape_attention_backward(const rml_shape *in, size_t count,
                                            const double *attributes, rml_shape *out)
{
    const char *what = shape_attention(in, count, attributes, out);
    if (what != NULL || !rml_shape_equal(&in[0], &in[4])) {
        return what ? what : "expected dy of q's shape";
    }
    *out = (rml_shape){4, {3, in[0].size[0], in[0].size[1], in[0].size[2]}};
    return NULL;
}

static size_t tiles_attention(const rml_call *c)
{
    return c->shapes[0].size[0] * (size_t)c->attributes[0];
}

// Packed keys or values four times over, then two matrices of tokens by tokens.
static size_t scratch_attention(const rml_call *c)
{
    rml_attention a;
    rml_attention_of(c, &a);
    size_t packed = a.tokens_padded * a.head_padded;
    return (4 * packed + 2 * a.tokens_padded * a.tokens_padded) * sizeof(float);
}

static size_t flop_attention(const rml_call *c)
{
    rml_attention a;
    rml_attention_of(c, &a);
    return a.batch * a.tokens * a.tokens * a.width * (c->op == &rml_row_attention ? 4 : 10);
}

typedef struct head_view {
    const double *q, *k, *v, *keep, *dy;
} head_view;

// The probabilities of one query row of one head.
static void attention_row(const rml_attention *a, const head_view *h, size_t row, double *p)
{
    for (size_t j = 0; j < a->tokens; j++) {
        p[j] = 0.0;
        for (size_t i = 0; i < a->head; i++) {
            p[j] += h->q[row * a->width + i] * h->k[j * a->width + i];
        }
    }
    softmax_row(p, h->keep, 1.0 / sqrt((double)a->head), a->tokens, p);
}

static head_view head_of(const rml_call *c, const rml_attention *a, size_t sample, size_t head)
{
    size_t at = sample * a->tokens * a->width + head * a->head;
    const double *keep = c->in[3];
    return (head_view){(const double *)c->in[0] + at, (const double *)c->in[1] + at,
                       (const double *)c->in[2] + at, keep ? keep + sample * a->tokens : NULL,
                       c->input_count > 4 ? (const double *)c->in[4] + at : NULL};
}

static void reference_attention(const rml_call *c)
{
    rml_attention a;
    rml_attention_of(c, &a);
    double *p = c->scratch;
    for (size_t s = 0; s < a.batch * a.heads; s++) {
        head_view h = head_of(c, &a, s / a.heads, s % a.heads);
        double *out = (double *)c->out + (h.q - (const double *)c->in[0]);
        for (size_t row = 0; row < a.tokens; row++) {
            attention_row(&a, &h, row, p);
            for (size_t i = 0; i < a.head; i++) {
                double sum = 0.0;
                for (size_t j = 0; j < a.tokens; j++) {
                    sum += p[j] * h.v[j * a.width + i];
                }
                out[row * a.width + i] = sum;
            }
        }
    }
}

// Adds what one query row gives to dq, dk and dv.
static void attention_row_back(const rml_attention *a, const head_view *h, size_t row, double *p,
                               double *dq, double *dk, double *dv)
{
    attention_row(a, h, row, p);
    double *dp = p + a->tokens, dot = 0.0, scale = 1.0 / sqrt((double)a->head);
    for (size_t j = 0; j < a->tokens; j++) {
        dp[j] = 0.0;
        for (size_t i = 0; i < a->head; i++) {
            dp[j] += h->dy[row * a->width + i] * h->v[j * a->width + i];
            dv[j * a->width + i] += p[j] * h->dy[row * a->width + i];
        }
        dot += p[j] * dp[j];
    }
    for (size_t j = 0; j < a->tokens; j++) {
        double ds = p[j] * (dp[j] - dot) * scale;
        for (size_t i = 0; i < a->head; i++) {
            dq[row * a->width + i] += ds * h->k[j * a->width + i];
            dk[j * a->width + i] += ds * h->q[row * a->width + i];
        }
    }
}

static void reference_attention_backward(const rml_call *c)
{
    rml_attention a;
    rml_attention_of(c, &a);
    size_t count = a.batch * a.tokens * a.width;
    double *out = c->out;
    memset(out, 0, 3 * count * sizeof *out);
    for (size_t s = 0; s < a.batch * a.heads; s++) {
        head_view h = head_of(c, &a, s / a.heads, s % a.heads);
        double *at = out + (h.q - (const double *)c->in[0]);
        for (size_t row = 0; row < a.tokens; row++) {
            attention_row_back(&a, &h, row, c->scratch, at, at + count, at + 2 * count);
        }
    }
}

static void gradient_attention(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    rml_tensor inputs[5] = {n.inputs[0], n.inputs[1], n.inputs[2], n.inputs[3], dy};
    rml_tensor all = rml_graph_append(g, &rml_row_attention_backward, inputs, 5, n.attributes, 1);
    for (uint32_t i = 0; i < 3; i++) {
        dx[i] = rml_op_reshape(g, rml_op_slice(g, all, 0, i, 1), rml_graph_shape(g, n.inputs[0]));
    }
}

const rml_op rml_row_attention = {
    .name = "attention",
    .attributes = "heads",
    .inputs_min = 3,
    .inputs_max = 4,
    .shape = shape_attention,
    .reference = reference_attention,
    .gradient = gradient_attention,
    .phases = {{RML_KERNEL_ATTENTION, tiles_attention}},
    .scratch = scratch_attention,
    .flop = flop_attention,
};

// The mask, input 3, may be left out here too.
const rml_op rml_row_attention_backward = {
    .name = "attention_backward",
    .backward = true,
    .attributes = "heads",
    .inputs_min = 3,
    .inputs_max = 5,
    .shape = shape_attention_backward,
    .reference = reference_attention_backward,
    .phases = {{RML_KERNEL_ATTENTION_BACKWARD, tiles_attention}},
    .scratch = scratch_attention,
    .flop = flop_attention,
};

rml_tensor rml_op_attention(rml_graph *g, rml_tensor q, rml_tensor k, rml_tensor v, rml_tensor mask,
                            uint32_t heads)
{
    double number = heads;
    return rml_graph_append(g, &rml_row_attention, (rml_tensor[]){q, k, v, mask}, 4, &number, 1);
}
