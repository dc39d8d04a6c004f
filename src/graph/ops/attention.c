// Attention: softmax between products. A score may have a bias, which is a sum of features of the
// pair of tokens times weights of the head (as of their relative pose), and each query a set of
// keys of its own.
#include <math.h>
#include <string.h>

#include "rows.h"

enum { Q, K, V, MASK, PAIRS, WEIGHTS, DY, INPUTS };

void rml_attention_of(const rml_call *c, rml_attention *a)
{
    const rml_shape *q = &c->shapes[Q];
    a->batch = q->size[0];
    a->tokens = q->size[1];
    a->width = q->size[2];
    a->heads = (size_t)c->attributes[0];
    a->head = a->width / a->heads;
    a->features = c->input_count > PAIRS ? c->shapes[PAIRS].size[1] : 0;
    a->mask_of_pairs = c->input_count > MASK && c->shapes[MASK].rank == 3;
    a->tokens_padded = rml_ceil(a->tokens, RML_PANEL) * RML_PANEL;
    a->head_padded = rml_ceil(a->head, RML_PANEL) * RML_PANEL;
}

static bool mask_fits(const rml_shape *mask, const rml_shape *q)
{
    bool keys = mask->rank == 2 || (mask->rank == 3 && mask->size[2] == q->size[1]);
    return mask->rank == 0 || (keys && mask->size[0] == q->size[0] && mask->size[1] == q->size[1]);
}

static const char *shape_attention(const rml_shape *in, size_t count, const double *attributes,
                                   rml_shape *out)
{
    const rml_shape *q = &in[Q], *pairs = count > PAIRS ? &in[PAIRS] : &(rml_shape){0};
    const rml_shape *weights = count > WEIGHTS ? &in[WEIGHTS] : &(rml_shape){0};
    if (q->rank != 3 || !rml_shape_equal(q, &in[K]) || !rml_shape_equal(q, &in[V])) {
        return "expected q, k, v [batch, tokens, width]";
    }
    if (!mask_fits(&in[MASK], q)) {
        return "expected a mask [batch, keys] or [batch, keys, queries]";
    }
    if (!(attributes[0] >= 1.0) || q->size[2] % (uint32_t)attributes[0] != 0) {
        return "expected a width that the heads divide";
    }
    bool fits = pairs->rank == 4 && pairs->size[0] == q->size[0] && pairs->size[2] == q->size[1] &&
                pairs->size[3] == q->size[1] && pairs->size[1] <= RML_PAIR_FEATURES_MAX &&
                weights->rank == 2 && weights->size[0] == (uint32_t)attributes[0] &&
                weights->size[1] == pairs->size[1];
    if (!fits && (pairs->rank != 0 || weights->rank != 0)) {
        return "expected pairs [batch, at most 16 features, keys, queries] with weights [heads, "
               "features]";
    }
    *out = *q;
    return NULL;
}

// dq, dk, dv, then what each sample and head gives to the weights.
static const char *shape_attention_backward(const rml_shape *in, size_t count,
                                            const double *attributes, rml_shape *out)
{
    const char *what = shape_attention(in, count, attributes, out);
    if (what != NULL || !rml_shape_equal(&in[Q], &in[DY])) {
        return what ? what : "expected dy of q's shape";
    }
    uint32_t weights =
        in[PAIRS].rank > 0 ? in[Q].size[0] * in[WEIGHTS].size[0] * in[WEIGHTS].size[1] : 0;
    *out = (rml_shape){1, {3 * (uint32_t)rml_shape_count(&in[Q]) + weights}};
    return NULL;
}

static size_t tiles_attention(const rml_call *c)
{
    return c->shapes[Q].size[0] * (size_t)c->attributes[0];
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
    bool forward = c->op == &rml_row_attention;
    size_t pairs = a.batch * a.tokens * a.tokens;
    return pairs * (a.width * (forward ? 4 : 10) + a.heads * a.features * (forward ? 2 : 4));
}

// ---- Reference ---------------------------------------------------------------------------------

typedef struct head_view {
    const double *q, *k, *v, *keep, *pairs, *weights, *dy;
    double *p, *dp, *row_keep; // a query's
} head_view;

static head_view head_of(const rml_call *c, const rml_attention *a, size_t sample, size_t head)
{
    size_t at = sample * a->tokens * a->width + head * a->head;
    size_t square = a->tokens * a->tokens;
    const double *keep = c->in[MASK], *pairs = a->features > 0 ? c->in[PAIRS] : NULL;
    double *scratch = c->scratch;
    return (head_view){
        .q = (const double *)c->in[Q] + at,
        .k = (const double *)c->in[K] + at,
        .v = (const double *)c->in[V] + at,
        .keep = keep ? keep + sample * (a->mask_of_pairs ? square : a->tokens) : NULL,
        .pairs = pairs ? pairs + sample * a->features * square : NULL,
        .weights = pairs ? (const double *)c->in[WEIGHTS] + head * a->features : NULL,
        .dy = c->input_count > DY ? (const double *)c->in[DY] + at : NULL,
        .p = scratch,
        .dp = scratch + a->tokens,
        .row_keep = scratch + 2 * a->tokens,
    };
}

static double pair_at(const rml_attention *a, const head_view *h, size_t feature, size_t key,
                      size_t query)
{
    return h->pairs[(feature * a->tokens + key) * a->tokens + query];
}

// The probabilities of one query row of one head.
static void attention_row(const rml_attention *a, const head_view *h, size_t row)
{
    double scale = 1.0 / sqrt((double)a->head);
    for (size_t j = 0; j < a->tokens; j++) {
        h->p[j] = 0.0;
        for (size_t i = 0; i < a->head; i++) {
            h->p[j] += h->q[row * a->width + i] * h->k[j * a->width + i];
        }
        h->p[j] *= scale;
        for (size_t r = 0; r < a->features; r++) {
            h->p[j] += h->weights[r] * pair_at(a, h, r, j, row);
        }
        h->row_keep[j] = h->keep ? h->keep[a->mask_of_pairs ? j * a->tokens + row : j] : 1.0;
    }
    rml_softmax_row(h->p, h->row_keep, 1.0, a->tokens, h->p);
}

static void reference_attention(const rml_call *c)
{
    rml_attention a;
    rml_attention_of(c, &a);
    for (size_t s = 0; s < a.batch * a.heads; s++) {
        head_view h = head_of(c, &a, s / a.heads, s % a.heads);
        double *out = (double *)c->out + (h.q - (const double *)c->in[Q]);
        for (size_t row = 0; row < a.tokens; row++) {
            attention_row(&a, &h, row);
            for (size_t i = 0; i < a.head; i++) {
                double sum = 0.0;
                for (size_t j = 0; j < a.tokens; j++) {
                    sum += h.p[j] * h.v[j * a.width + i];
                }
                out[row * a.width + i] = sum;
            }
        }
    }
}

// Adds what one query row gives to dq, dk, dv and the weights.
static void attention_row_back(const rml_attention *a, const head_view *h, size_t row, double *dq,
                               double *dk, double *dv, double *dw)
{
    attention_row(a, h, row);
    double dot = 0.0, scale = 1.0 / sqrt((double)a->head);
    for (size_t j = 0; j < a->tokens; j++) {
        h->dp[j] = 0.0;
        for (size_t i = 0; i < a->head; i++) {
            h->dp[j] += h->dy[row * a->width + i] * h->v[j * a->width + i];
            dv[j * a->width + i] += h->p[j] * h->dy[row * a->width + i];
        }
        dot += h->p[j] * h->dp[j];
    }
    for (size_t j = 0; j < a->tokens; j++) {
        double ds = h->p[j] * (h->dp[j] - dot);
        for (size_t r = 0; r < a->features; r++) {
            dw[r] += ds * pair_at(a, h, r, j, row);
        }
        for (size_t i = 0; i < a->head; i++) {
            dq[row * a->width + i] += ds * scale * h->k[j * a->width + i];
            dk[j * a->width + i] += ds * scale * h->q[row * a->width + i];
        }
    }
}

static void reference_attention_backward(const rml_call *c)
{
    rml_attention a;
    rml_attention_of(c, &a);
    size_t count = a.batch * a.tokens * a.width;
    double *out = c->out;
    memset(out, 0, rml_shape_count(&c->shape) * sizeof *out);
    for (size_t s = 0; s < a.batch * a.heads; s++) {
        head_view h = head_of(c, &a, s / a.heads, s % a.heads);
        double *at = out + (h.q - (const double *)c->in[Q]);
        for (size_t row = 0; row < a.tokens; row++) {
            attention_row_back(&a, &h, row, at, at + count, at + 2 * count,
                               out + 3 * count + s * a.features);
        }
    }
}

// ---- Rows --------------------------------------------------------------------------------------

static rml_tensor part(rml_graph *g, rml_tensor all, size_t from, rml_shape shape)
{
    uint32_t count = (uint32_t)rml_shape_count(&shape);
    return rml_op_reshape(g, rml_op_slice(g, all, 0, (uint32_t)from, count), shape);
}

static void gradient_attention(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    rml_tensor inputs[INPUTS] = {-1, -1, -1, -1, -1, -1, dy};
    memcpy(inputs, n.inputs, n.input_count * sizeof *inputs);
    rml_tensor all =
        rml_graph_append(g, &rml_row_attention_backward, inputs, INPUTS, n.attributes, 1);
    rml_shape q = rml_graph_shape(g, n.inputs[Q]);
    size_t count = rml_shape_count(&q);
    for (uint32_t i = 0; i < 3; i++) {
        dx[i] = part(g, all, i * count, q);
    }
    if (inputs[WEIGHTS] >= 0) {
        rml_shape weights = rml_graph_shape(g, inputs[WEIGHTS]);
        rml_shape by_sample = {3, {q.size[0], weights.size[0], weights.size[1]}};
        dx[WEIGHTS] = rml_graph_sum_to(g, part(g, all, 3 * count, by_sample), weights);
    }
}

const rml_op rml_row_attention = {
    .name = "attention",
    .attributes = "heads",
    .inputs_min = 3,
    .inputs_max = 6,
    .shape = shape_attention,
    .reference = reference_attention,
    .gradient = gradient_attention,
    .phases = {{RML_KERNEL_ATTENTION, tiles_attention}},
    .scratch = scratch_attention,
    .flop = flop_attention,
};

// The mask and the pairs with their weights may be left out here too.
const rml_op rml_row_attention_backward = {
    .name = "attention_backward",
    .backward = true,
    .attributes = "heads",
    .inputs_min = 3,
    .inputs_max = INPUTS,
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

rml_tensor rml_op_attention_pairs(rml_graph *g, rml_tensor q, rml_tensor k, rml_tensor v,
                                  rml_tensor mask, rml_tensor pairs, rml_tensor weights,
                                  uint32_t heads)
{
    double number = heads;
    return rml_graph_append(g, &rml_row_attention, (rml_tensor[]){q, k, v, mask, pairs, weights}, 6,
                            &number, 1);
}
