// Packed products. The kernel of all: MICRO_ROWS x (MICRO_VECTORS * LANES) elements in registers,
// one chain of fused multiply-adds each, over ascending depth from zero.

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

// The left side, read element by element: (row, depth) at data[row * row_step + depth *
// depth_step].
typedef struct left_side {
    const float *data;
    size_t row_step, depth_step;
} left_side;

typedef struct result_side {
    float *data;
    size_t row_step;
    size_t columns;    // that exist, of those computed
    const float *bias; // added to each row, or NULL
} result_side;

static inline __attribute__((always_inline)) void micro(const int rows, const int vectors,
                                                        size_t depth, left_side a, const float *b,
                                                        size_t b_step, result_side c)
{
    lanes sum[12][2];
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int v = 0; v < vectors; v++) {
            sum[r][v] = v_set(0.0f);
        }
    }
    for (size_t k = 0; k < depth; k++) {
        lanes right[2];
        UNROLL
        for (int v = 0; v < vectors; v++) {
            right[v] = v_load(b + v * LANES);
        }
        UNROLL
        for (int r = 0; r < rows; r++) {
            lanes left = v_set(a.data[(size_t)r * a.row_step]);
            UNROLL
            for (int v = 0; v < vectors; v++) {
                sum[r][v] = v_fma(left, right[v], sum[r][v]);
            }
        }
        b += b_step;
        a.data += a.depth_step;
    }
    UNROLL
    for (int v = 0; v < vectors; v++) {
        size_t at = (size_t)v * LANES;
        size_t left = at < c.columns ? c.columns - at : 0;
        size_t part = left < LANES ? left : LANES;
        if (part == 0) {
            continue;
        }
        lanes bias = c.bias ? v_load_part(c.bias + at, part) : v_set(0.0f);
        UNROLL
        for (int r = 0; r < rows; r++) {
            lanes y = c.bias ? v_add(sum[r][v], bias) : sum[r][v];
            float *to = c.data + (size_t)r * c.row_step + at;
            if (part == LANES) {
                v_store(to, y);
            } else {
                v_store_part(to, y, part);
            }
        }
    }
}

typedef void micro_kernel(size_t depth, left_side a, const float *b, size_t b_step, result_side c);

#define MICRO(name, rows, vectors)                                                                 \
    static void name(size_t depth, left_side a, const float *b, size_t b_step, result_side c)      \
    {                                                                                              \
        micro(rows, vectors, depth, a, b, b_step, c);                                              \
    }
MICRO(micro_wide, MICRO_ROWS, MICRO_VECTORS)
MICRO(micro_wide_four, 4, MICRO_VECTORS)
MICRO(micro_wide_one, 1, MICRO_VECTORS)
MICRO(micro_narrow, MICRO_ROWS, 1)
MICRO(micro_narrow_four, 4, 1)
MICRO(micro_narrow_one, 1, 1)

// rows x one panel: b is packed, RML_PANEL floats for each depth, zero behind the last column.
static void panel_product(size_t rows, size_t depth, left_side a, const float *b, result_side c)
{
    static micro_kernel *const kernels[2][3] = {{micro_narrow, micro_narrow_four, micro_narrow_one},
                                                {micro_wide, micro_wide_four, micro_wide_one}};
    for (size_t at = 0, width; at < RML_PANEL && at < c.columns; at += width) {
        bool wide = c.columns - at > LANES && MICRO_VECTORS > 1;
        width = wide ? MICRO_VECTORS * LANES : LANES;
        result_side part = c;
        part.columns = c.columns - at;
        part.bias = c.bias ? c.bias + at : NULL;
        left_side from = a;
        for (size_t r = 0, step; r < rows; r += step) {
            int size = rows - r >= MICRO_ROWS ? 0 : rows - r >= 4 ? 1 : 2;
            step = size == 0 ? MICRO_ROWS : size == 1 ? 4 : 1;
            from.data = a.data + r * a.row_step;
            part.data = c.data + r * c.row_step + at;
            kernels[wide][size](depth, from, b + at, RML_PANEL, part);
        }
    }
}

// Packs `columns` (at most RML_PANEL) columns of a matrix whose element (depth, column) stands at
// data[depth * down + column * across].
static void pack_panel(size_t depth, size_t columns, const float *data, size_t down, size_t across,
                       float *panel)
{
    if (across == 1) {
        for (size_t k = 0; k < depth; k++, data += down, panel += RML_PANEL) {
            for (size_t j = 0; j < RML_PANEL; j += LANES) {
                size_t left = columns > j ? columns - j : 0;
                v_store(panel + j, left >= LANES ? v_load(data + j) : v_load_part(data + j, left));
            }
        }
        return;
    }
    for (size_t k0 = 0; k0 < depth; k0 += LANES) {
        size_t k1 = k0 + LANES < depth ? k0 + LANES : depth;
        for (size_t j = 0; j < RML_PANEL; j++) {
            for (size_t k = k0; k < k1; k++) {
                panel[k * RML_PANEL + j] = j < columns ? data[k * down + j * across] : 0.0f;
            }
        }
    }
}

static void kernel_pack(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    rml_product p;
    rml_product_of(c, &p);
    size_t batch = tile / p.panels, first = tile % p.panels * RML_PANEL;
    size_t down = p.right_transposed ? 1 : p.columns, across = p.right_transposed ? p.depth : 1;
    size_t columns = p.columns - first < RML_PANEL ? p.columns - first : RML_PANEL;
    pack_panel(p.depth, columns, (const float *)c->in[1] + batch * p.right_step + first * across,
               down, across, (float *)c->work + tile * p.depth * RML_PANEL);
}

static void kernel_product(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    rml_product p;
    rml_product_of(c, &p);
    size_t column_tile = tile % p.column_tiles, row_tile = tile / p.column_tiles % p.row_tiles;
    size_t batch = tile / p.column_tiles / p.row_tiles, first = row_tile * RML_BATCH_ROWS;
    size_t rows = p.rows - first < RML_BATCH_ROWS ? p.rows - first : RML_BATCH_ROWS;
    const float *bias = c->input_count > 2 ? c->in[2] : NULL;
    size_t row = batch * p.rows + first;
    left_side a = {(const float *)c->in[0] + row * p.depth, p.depth, 1};
    size_t to = (column_tile + 1) * p.panels_per_tile;
    for (size_t j = column_tile * p.panels_per_tile; j < to && j < p.panels; j++) {
        size_t column = j * RML_PANEL;
        result_side out = {(float *)c->out + row * p.columns + column, p.columns,
                           p.columns - column, bias ? bias + column : NULL};
        panel_product(rows, p.depth, a,
                      (const float *)c->work + (batch * p.panels + j) * p.depth * RML_PANEL, out);
    }
}

// ---- The binary tree over leaves ---------------------------------------------------------------

static void add_into(size_t n, const float *a, const float *b, float *out)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        v_store(out + i, v_add(v_load(a + i), v_load(b + i)));
    }
    if (i < n) {
        v_store_part(out + i, v_add(v_load_part(a + i, n - i), v_load_part(b + i, n - i)), n - i);
    }
}

// Buffers of a tree that is filled leaf by leaf: buffer[i] holds the sum of 2^level[i] leaves.
typedef struct tree {
    float *buffers; // one after another, `size` floats each
    size_t size;
    uint32_t level[RML_TREE_LEVELS + 2];
    uint32_t count;
} tree;

// Where the next leaf goes.
static float *tree_next(tree *t)
{
    t->level[t->count] = 0;
    return t->buffers + t->count++ * t->size;
}

static void tree_join(tree *t)
{
    float *a = t->buffers + (t->count - 2) * t->size;
    add_into(t->size, a, a + t->size, a);
    t->count--;
    t->level[t->count - 1]++;
}

static void tree_settle(tree *t)
{
    while (t->count >= 2 && t->level[t->count - 1] == t->level[t->count - 2]) {
        tree_join(t);
    }
}

static const float *tree_sum(tree *t)
{
    while (t->count >= 2) {
        tree_join(t);
    }
    return t->buffers;
}

// The right side of the product over a batch, panel after panel, each over all samples.
static void kernel_pack_batch(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    rml_batch_product p;
    rml_batch_product_of(c, &p);
    size_t n0 = tile % p.n_tiles * RML_PANEL, leaf = tile / p.n_tiles;
    size_t n = p.n - n0 < RML_PANEL ? p.n - n0 : RML_PANEL, all = p.samples * p.rows;
    size_t first = leaf * RML_LEAF * p.rows, left = all - first;
    pack_panel(left < RML_LEAF * p.rows ? left : RML_LEAF * p.rows, n,
               (const float *)c->in[1] + first * p.n + n0, p.n, 1,
               (float *)c->work + n0 * all + first * RML_PANEL);
}

static void kernel_batch_product(const rml_call *c, size_t tile, size_t worker)
{
    rml_batch_product p;
    rml_batch_product_of(c, &p);
    size_t m0 = tile / p.n_tiles * RML_BATCH_ROWS, n0 = tile % p.n_tiles * RML_PANEL;
    size_t m = p.m - m0 < RML_BATCH_ROWS ? p.m - m0 : RML_BATCH_ROWS;
    size_t n = p.n - n0 < RML_PANEL ? p.n - n0 : RML_PANEL;
    float *buffers = (float *)((uint8_t *)c->scratch + worker * c->scratch_size);
    tree t = {.buffers = buffers, .size = m * RML_PANEL};
    const float *packed = (const float *)c->work + n0 * p.samples * p.rows;
    for (size_t leaf = 0; leaf < p.leaves; leaf++) {
        size_t sample = leaf * RML_LEAF;
        size_t samples = p.samples - sample < RML_LEAF ? p.samples - sample : RML_LEAF;
        size_t first = sample * p.rows, rows = samples * p.rows;
        left_side a = {(const float *)c->in[0] + first * p.m + m0, 1, p.m};
        panel_product(m, rows, a, packed + first * RML_PANEL,
                      (result_side){tree_next(&t), RML_PANEL, RML_PANEL, NULL});
        tree_settle(&t);
    }
    const float *sum = tree_sum(&t);
    for (size_t r = 0; r < m; r++) {
        memcpy((float *)c->out + (m0 + r) * p.n + n0, sum + r * RML_PANEL, n * sizeof *sum);
    }
}

// work[leaves, out] down to out; by pairs of neighbours, level by level, which is the same tree.
static void kernel_tree(const rml_call *c, size_t tile, size_t worker)
{
    (void)tile;
    (void)worker;
    size_t n = rml_shape_count(&c->shape),
           samples = c->shapes[0].rank > 1 ? c->shapes[0].size[0] : 1;
    if (c->shapes[0].rank == 1 && c->shape.rank == 0) {
        samples = c->shapes[0].size[0]; // a vector of samples, summed to a number
    }
    float *work = c->work;
    size_t leaves = rml_ceil(samples, RML_LEAF);
    for (size_t apart = 1; apart < leaves; apart *= 2) {
        for (size_t i = 0; i + apart < leaves; i += 2 * apart) {
            add_into(n, work + i * n, work + (i + apart) * n, work + i * n);
        }
    }
    memcpy(c->out, work, n * sizeof *work);
}
