// Matrix products: matmul, linear, and the product over a batch that gives a weight's gradient.
//
// Bit rule: an element is one chain of fused multiply-adds over ascending depth, from zero. The
// product over a batch is such a chain inside a leaf of four samples; leaves join in a binary tree.
// In bfloat16 the chain is that of cpu/body/bf16.h.
#include <math.h>
#include <string.h>

#include "rows.h"

// ---- matmul and linear -------------------------------------------------------------------------

static const char *shape_matmul(const rml_shape *in, size_t count, const double *attributes,
                                rml_shape *out)
{
    (void)count;
    const rml_shape *a = &in[0], *b = &in[1];
    if (a->rank < 2 || b->rank < 2 || (b->rank != 2 && b->rank != a->rank)) {
        return "expected [.., m, k] and [k, n] or [.., k, n]";
    }
    for (uint32_t i = 0; b->rank > 2 && i + 2 < b->rank; i++) {
        if (a->size[i] != b->size[i]) {
            return "expected the same leading axes on both sides";
        }
    }
    bool transposed = attributes[0] != 0.0;
    uint32_t depth = b->size[b->rank - (transposed ? 1 : 2)];
    if (a->size[a->rank - 1] != depth) {
        return "expected the last axis of the left side to be the depth of the right one";
    }
    *out = *a;
    out->size[out->rank - 1] = b->size[b->rank - (transposed ? 2 : 1)];
    return NULL;
}

static const char *shape_linear(const rml_shape *in, size_t count, const double *attributes,
                                rml_shape *out)
{
    (void)attributes;
    if (in[0].rank < 1 || in[1].rank != 2 || in[0].size[in[0].rank - 1] != in[1].size[1]) {
        return "expected x [.., in] and weight [out, in]";
    }
    if (count > 2 && in[2].rank != 0 && (in[2].rank != 1 || in[2].size[0] != in[1].size[0])) {
        return "expected a bias [out]";
    }
    *out = in[0];
    out->size[out->rank - 1] = in[1].size[0];
    return NULL;
}

void rml_product_of(const rml_call *c, rml_product *p)
{
    const rml_shape *a = &c->shapes[0], *b = &c->shapes[1];
    bool linear = c->op == &rml_row_linear;
    bool shared = b->rank == 2;
    p->right_transposed = linear || c->attributes[0] != 0.0;
    p->depth = a->size[a->rank - 1];
    p->columns = b->size[b->rank - (p->right_transposed ? 2 : 1)];
    p->batch = shared ? 1 : rml_shape_span(a, 0, a->rank - 2);
    p->rows = shared ? rml_shape_span(a, 0, a->rank - 1) : a->size[a->rank - 2];
    p->right_step = shared ? 0 : p->depth * p->columns;
    p->panels = rml_ceil(p->columns, RML_PANEL);
    // In bfloat16 a tile takes all columns, so that its rows are rounded once.
    p->tile_rows = !c->bf16 ? RML_TILE_ROWS : p->rows < 4 * 64 ? 32 : 64;
    p->row_tiles = rml_ceil(p->rows, p->tile_rows);
    bool all = c->bf16 || p->row_tiles * p->batch >= 16 || p->panels < 4;
    p->panels_per_tile = all ? p->panels : 4;
    p->column_tiles = rml_ceil(p->panels, p->panels_per_tile);
}

bool rml_product_packs_near(const rml_call *c)
{
    rml_product p;
    rml_product_of(c, &p);
    return !c->bf16 && p.row_tiles == 1;
}

static size_t tiles_pack(const rml_call *c)
{
    rml_product p;
    rml_product_of(c, &p);
    return p.batch * p.panels;
}

static size_t tiles_product(const rml_call *c)
{
    rml_product p;
    rml_product_of(c, &p);
    return p.batch * p.row_tiles * p.column_tiles;
}

static size_t work_pack(const rml_call *c)
{
    rml_product p;
    rml_product_of(c, &p);
    // In bfloat16 tiles are whole: half the bytes, but of a depth that they fill.
    size_t depth = c->bf16 ? rml_ceil(p.depth, 16) * 16 : p.depth;
    return p.batch * p.panels * depth * RML_PANEL * sizeof(float);
}

// In bfloat16 the left side's rows of a tile, rounded, whole as above; else the panels that it
// packs itself.
static size_t scratch_product(const rml_call *c)
{
    rml_product p;
    rml_product_of(c, &p);
    if (c->bf16) {
        return p.tile_rows * rml_ceil(p.depth, 16) * 16 * sizeof(float);
    }
    size_t near = rml_product_packs_near(c) ? p.panels_per_tile : 0;
    return near * (p.depth * RML_PANEL + RML_PACK_GAP) * sizeof(float);
}

static size_t flop_product(const rml_call *c)
{
    rml_product p;
    rml_product_of(c, &p);
    return 2 * p.batch * p.rows * p.columns * p.depth;
}

static void reference_product(const rml_call *c)
{
    rml_product p;
    rml_product_of(c, &p);
    const double *bias = c->input_count > 2 ? c->in[2] : NULL;
    size_t down = p.right_transposed ? 1 : p.columns, across = p.right_transposed ? p.depth : 1;
    for (size_t i = 0; i < p.batch * p.rows; i++) {
        const double *left = (const double *)c->in[0] + i * p.depth;
        const double *right = (const double *)c->in[1] + i / p.rows * p.right_step;
        for (size_t j = 0; j < p.columns; j++) {
            double sum = 0.0;
            for (size_t k = 0; k < p.depth; k++) {
                sum += left[k] * right[k * down + j * across];
            }
            ((double *)c->out)[i * p.columns + j] = sum + (bias ? bias[j] : 0.0);
        }
    }
}

// x [.., m] and y [.., n] over all leading axes: x' y [m, n].
static rml_tensor batch_product(rml_graph *g, rml_tensor x, rml_tensor y)
{
    return rml_graph_append(g, &rml_row_batch_product, (rml_tensor[]){x, y}, 2, NULL, 0);
}

// The last two axes swapped.
static rml_tensor swap_last(rml_graph *g, rml_tensor x)
{
    uint32_t rank = rml_graph_shape(g, x).rank, order[RML_RANK_MAX] = {0, 1, 2, 3, 4};
    if (rank >= 2) {
        order[rank - 1] = rank - 2;
        order[rank - 2] = rank - 1;
    }
    return rml_op_transpose(g, x, order);
}

static void gradient_matmul(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    bool transposed = n.attributes[0] != 0.0;
    rml_tensor a = n.inputs[0], b = n.inputs[1];
    dx[0] = rml_op_matmul(g, dy, b, !transposed);
    if (rml_graph_shape(g, b).rank == 2) {
        dx[1] = transposed ? batch_product(g, dy, a) : batch_product(g, a, dy);
    } else if (transposed) {
        dx[1] = rml_op_matmul(g, swap_last(g, dy), a, false);
    } else {
        dx[1] = rml_op_matmul(g, swap_last(g, a), dy, false);
    }
}

static void gradient_linear(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx)
{
    rml_tensor x = n.inputs[0], weight = n.inputs[1];
    rml_shape shape = rml_graph_shape(g, x);
    if (shape.rank == 1) { // one row
        rml_shape row = {2, {1, shape.size[0]}};
        x = rml_op_reshape(g, x, row);
        dy = rml_op_reshape(g, dy, (rml_shape){2, {1, rml_graph_shape(g, dy).size[0]}});
    }
    dx[0] = rml_op_reshape(g, rml_op_matmul(g, dy, weight, false), shape);
    dx[1] = batch_product(g, dy, x);
    if (n.input_count > 2 && n.inputs[2] >= 0) {
        dx[2] = rml_graph_sum_to(g, dy, rml_graph_shape(g, n.inputs[2]));
    }
}

const rml_op rml_row_matmul = {
    .name = "matmul",
    .attributes = "transpose_b",
    .inputs_min = 2,
    .inputs_max = 2,
    .shape = shape_matmul,
    .reference = reference_product,
    .gradient = gradient_matmul,
    .phases = {{RML_KERNEL_PACK, tiles_pack}, {RML_KERNEL_PRODUCT, tiles_product}},
    .work = work_pack,
    .scratch = scratch_product,
    .flop = flop_product,
};

const rml_op rml_row_linear = {
    .name = "linear",
    .attributes = "",
    .inputs_min = 2,
    .inputs_max = 3,
    .shape = shape_linear,
    .reference = reference_product,
    .gradient = gradient_linear,
    .phases = {{RML_KERNEL_PACK, tiles_pack}, {RML_KERNEL_PRODUCT, tiles_product}},
    .work = work_pack,
    .scratch = scratch_product,
    .flop = flop_product,
};

rml_tensor rml_op_matmul(rml_graph *g, rml_tensor a, rml_tensor b, bool transpose_b)
{
    double transposed = transpose_b;
    return rml_graph_append(g, &rml_row_matmul, (rml_tensor[]){a, b}, 2, &transposed, 1);
}

rml_tensor rml_op_linear(rml_graph *g, rml_tensor x, rml_tensor weight, rml_tensor bias)
{
    return rml_graph_append(g, &rml_row_linear, (rml_tensor[]){x, weight, bias}, 3, NULL, 0);
}

// ---- The product over a batch ------------------------------------------------------------------

enum {
    TILES_LEAST = 8, // so many tiles keep some cores busy; with more, leaves join in their tile
    TILES_FEW = 4,   // with fewer, tiles become narrow
    COLUMNS_LEAST = 32,
    GROUP_LEAVES_MAX = 8, // what the tree of a tile holds at once stays small
};

static const char *shape_batch_product(const rml_shape *in, size_t count, const double *attributes,
                                       rml_shape *out)
{
    (void)count;
    (void)attributes;
    bool fits = in[0].rank >= 2 && in[0].rank == in[1].rank;
    for (uint32_t i = 0; fits && i + 1 < in[0].rank; i++) {
        fits = in[0].size[i] == in[1].size[i];
    }
    if (!fits) {
        return "expected [.., m] and [.., n] with the same leading axes";
    }
    *out = (rml_shape){2, {in[0].size[in[0].rank - 1], in[1].size[in[1].rank - 1]}};
    return NULL;
}

void rml_batch_product_of(const rml_call *c, rml_batch_product *p)
{
    const rml_shape *x = &c->shapes[0];
    p->samples = x->size[0];
    p->rows = rml_shape_span(x, 1, x->rank - 1);
    p->m = c->shape.size[0];
    p->n = c->shape.size[1];
    p->leaves = rml_ceil(p->samples, RML_LEAF);
    p->m_tiles = rml_ceil(p->m, RML_BATCH_ROWS);
    p->tile_n = RML_BATCH_COLUMNS;
    p->n_tiles = rml_ceil(p->n, p->tile_n);
    while (p->leaves * p->m_tiles * p->n_tiles < TILES_FEW && p->tile_n > COLUMNS_LEAST) {
        p->tile_n /= 2; // a tile packs its own columns alone, so this costs nothing
        p->n_tiles = rml_ceil(p->n, p->tile_n);
    }
    p->tile_m = p->m_tiles > 0 ? rml_ceil(rml_ceil(p->m, p->m_tiles), 12) * 12 : RML_BATCH_ROWS;
    p->leaves_in_group = 1;
    while (p->leaves_in_group < GROUP_LEAVES_MAX && p->leaves_in_group < p->leaves &&
           rml_ceil(p->leaves, 2 * p->leaves_in_group) * p->m_tiles * p->n_tiles >= TILES_LEAST) {
        p->leaves_in_group *= 2;
    }
    p->groups = rml_ceil(p->leaves, p->leaves_in_group);
    p->levels = rml_tree_levels(p->leaves_in_group);
}

static size_t tiles_batch_product(const rml_call *c)
{
    rml_batch_product p;
    rml_batch_product_of(c, &p);
    return p.groups * p.m_tiles * p.n_tiles;
}

static size_t tiles_join(const rml_call *c)
{
    rml_batch_product p;
    rml_batch_product_of(c, &p);
    return p.groups > 1 ? rml_ceil(p.m * p.n, RML_CHUNK) : 0;
}

static size_t work_batch_product(const rml_call *c)
{
    rml_batch_product p;
    rml_batch_product_of(c, &p);
    return p.groups > 1 ? p.groups * p.m * p.n * sizeof(float) : 0;
}

// The packed block, and a tile of the result for each level of the tree.
static size_t scratch_batch_product(const rml_call *c)
{
    rml_batch_product p;
    rml_batch_product_of(c, &p);
    return (rml_batch_packed(c) + p.levels * RML_BATCH_ROWS * RML_BATCH_COLUMNS) * sizeof(float);
}

static size_t flop_batch_product(const rml_call *c)
{
    rml_batch_product p;
    rml_batch_product_of(c, &p);
    return 2 * p.samples * p.rows * p.m * p.n;
}

static void reference_batch_product(const rml_call *c)
{
    rml_batch_product p;
    rml_batch_product_of(c, &p);
    const double *x = c->in[0], *y = c->in[1];
    double *out = c->out;
    memset(out, 0, p.m * p.n * sizeof *out);
    for (size_t r = 0; r < p.samples * p.rows; r++) {
        for (size_t i = 0; i < p.m; i++) {
            for (size_t j = 0; j < p.n; j++) {
                out[i * p.n + j] += x[r * p.m + i] * y[r * p.n + j];
            }
        }
    }
}

const rml_op rml_row_batch_product = {
    .name = "batch_product",
    .backward = true,
    .attributes = "",
    .inputs_min = 2,
    .inputs_max = 2,
    .shape = shape_batch_product,
    .reference = reference_batch_product,
    .phases = {{RML_KERNEL_BATCH_PRODUCT, tiles_batch_product},
               {RML_KERNEL_JOIN_GROUPS, tiles_join}},
    .work = work_batch_product,
    .scratch = scratch_batch_product,
    .flop = flop_batch_product,
};
