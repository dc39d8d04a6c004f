// The kernels of products: packing, matmul and linear, the product over a batch with its tree.

static size_t panel_step_of(const rml_call *c, size_t depth)
{
    return c->bf16 ? bf16_panel_step(depth) : depth * LANES;
}

// The right side of one product of a batch from a column on, as it lies in memory.
typedef struct right_columns {
    const float *data;
    size_t down, across; // steps along the depth and the columns
} right_columns;

static right_columns right_from(const rml_call *c, const rml_product *p, size_t batch,
                                size_t column)
{
    size_t down = p->right_transposed ? 1 : p->columns, across = p->right_transposed ? p->depth : 1;
    return (right_columns){(const float *)c->in[1] + batch * p->right_step + column * across, down,
                           across};
}

static void kernel_pack(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    rml_product p;
    rml_product_of(c, &p);
    size_t first = tile % p.panels * LANES;
    size_t columns = p.columns - first < LANES ? p.columns - first : LANES;
    right_columns from = right_from(c, &p, tile / p.panels, first);
    (c->bf16 ? bf16_pack_panel : pack_panel)(p.depth, columns, from.data, from.down, from.across,
                                             (float *)c->work + tile * panel_step_of(c, p.depth));
}

// The panels of a tile: where the phase before has packed them, or packed here.
static right_side panels_of(const rml_call *c, const rml_product *p, size_t batch, size_t panel,
                            size_t columns, float *packed)
{
    if (c->work != NULL) {
        size_t step = panel_step_of(c, p->depth);
        return (right_side){(const float *)c->work + (batch * p->panels + panel) * step, step};
    }
    right_side b = {packed, p->depth * LANES + RML_PACK_GAP};
    right_columns from = right_from(c, p, batch, panel * LANES);
    pack_panels(p->depth, columns, from.data, from.down, from.across, packed, b.panel_step);
    return b;
}

static void kernel_product(const rml_call *c, size_t tile, size_t worker)
{
    rml_product p;
    rml_product_of(c, &p);
    size_t column_tile = tile % p.column_tiles, row_tile = tile / p.column_tiles % p.row_tiles;
    size_t batch = tile / p.column_tiles / p.row_tiles, first = row_tile * p.tile_rows;
    size_t rows = p.rows - first < p.tile_rows ? p.rows - first : p.tile_rows;
    size_t panel = column_tile * p.panels_per_tile, column = panel * LANES;
    size_t left = p.columns - column, most = p.panels_per_tile * LANES;
    const float *bias = c->input_count > 2 ? c->in[2] : NULL;
    size_t row = batch * p.rows + first;
    size_t at = row * p.columns + column, columns = left < most ? left : most;
    float *own = (float *)(void *)((uint8_t *)c->scratch + worker * c->scratch_size);
    left_side a = {(const float *)c->in[0] + row * p.depth, p.depth, 1};
    right_side b = panels_of(c, &p, batch, panel, columns, own);
    result_side to = {.data = (float *)c->out + at,
                      .row_step = p.columns,
                      .columns = columns,
                      .bias = bias ? bias + column : NULL,
                      .plus = c->plus ? (const float *)c->plus + at : NULL,
                      .times = c->times ? (const float *)c->times + at : NULL,
                      .slope = c->side ? (float *)c->side + at : NULL,
                      .gelu = c->gelu};
    if (c->bf16) {
        bf16_product(rows, p.depth, bf16_pack_left(rows, p.depth, a, own), b, to);
    } else {
        panels_product(rows, p.depth, a, b, to);
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

// ---- The product over a batch ------------------------------------------------------------------

// One leaf's x' y for a tile of the result: chains over its rows, packed block by block.
static void leaf_product(const rml_call *c, const rml_batch_product *p, size_t depth,
                         const float *x, size_t m, const float *y, size_t n, float *packed,
                         float *out, size_t out_step)
{
    float *right = packed, *left = packed + RML_BATCH_RIGHT;
    size_t panel_step = RML_DEPTH_BLOCK * LANES + RML_PACK_GAP;
    result_side to = {.data = out, .row_step = out_step, .columns = n};
    for (size_t k = 0; k < depth; k += RML_DEPTH_BLOCK) {
        size_t size = depth - k < RML_DEPTH_BLOCK ? depth - k : RML_DEPTH_BLOCK;
        left_side a = {x + k * p->m, 1, p->m};
        right_side b = {right, panel_step};
        if (c->bf16) {
            for (size_t j = 0; j < n; j += LANES) {
                bf16_pack_panel(size, n - j < LANES ? n - j : LANES, y + k * p->n + j, p->n, 1,
                                right + j / LANES * panel_step);
            }
            bf16_product(m, size, bf16_pack_left(m, size, a, left), b, to);
        } else {
            pack_panels(size, n, y + k * p->n, p->n, 1, right, panel_step);
            block_product(micro_kernels, MICRO_ROWS, m, size, a, b, to);
        }
        to.begun = true;
    }
}

// A tile of the result over a group of neighbouring leaves, summed in their tree.
static void kernel_batch_product(const rml_call *c, size_t tile, size_t worker)
{
    rml_batch_product p;
    rml_batch_product_of(c, &p);
    size_t n0 = tile % p.n_tiles * p.tile_n;
    size_t m0 = tile / p.n_tiles % p.m_tiles * p.tile_m, group = tile / p.n_tiles / p.m_tiles;
    size_t m = p.m - m0 < p.tile_m ? p.m - m0 : p.tile_m;
    size_t n = p.n - n0 < p.tile_n ? p.n - n0 : p.tile_n;
    float *packed = (float *)((uint8_t *)c->scratch + worker * c->scratch_size);
    float *out = p.groups > 1 ? (float *)c->work + group * p.m * p.n : (float *)c->out;
    out += m0 * p.n + n0;
    tree t = {.buffers = packed + rml_batch_packed(c), .size = m * RML_BATCH_COLUMNS};
    size_t first = group * p.leaves_in_group, end = first + p.leaves_in_group;
    end = end < p.leaves ? end : p.leaves;
    bool alone = end == first + 1; // straight into its place
    for (size_t leaf = first; leaf < end; leaf++) {
        size_t sample = leaf * RML_LEAF;
        size_t samples = p.samples - sample < RML_LEAF ? p.samples - sample : RML_LEAF;
        size_t row = sample * p.rows;
        leaf_product(c, &p, samples * p.rows, (const float *)c->in[0] + row * p.m + m0, m,
                     (const float *)c->in[1] + row * p.n + n0, n, packed,
                     alone ? out : tree_next(&t), alone ? p.n : RML_BATCH_COLUMNS);
        tree_settle(&t);
    }
    if (!alone) {
        const float *sum = tree_sum(&t);
        for (size_t r = 0; r < m; r++) {
            copy_row(sum + r * RML_BATCH_COLUMNS, n, out + r * p.n);
        }
    }
}

// Elements [from, to) of work[count, n] summed by pairs of neighbours, level by level, into out.
static void sum_tree(float *work, size_t count, size_t n, size_t from, size_t to, float *out)
{
    for (size_t apart = 1; apart < count; apart *= 2) {
        for (size_t i = 0; i + apart < count; i += 2 * apart) {
            float *a = work + i * n + from;
            add_into(to - from, a, a + apart * n, a);
        }
    }
    memcpy(out + from, work + from, (to - from) * sizeof *work);
}

// The groups of a product over a batch, a chunk of elements a tile.
static void kernel_join_groups(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    rml_batch_product p;
    rml_batch_product_of(c, &p);
    size_t n = p.m * p.n, from = tile * RML_CHUNK, to = from + RML_CHUNK < n ? from + RML_CHUNK : n;
    sum_tree(c->work, p.groups, n, from, to, c->out);
}

// work[leaves, out] down to out: the same tree.
static void kernel_tree(const rml_call *c, size_t tile, size_t worker)
{
    (void)tile;
    (void)worker;
    size_t n = rml_shape_count(&c->shape),
           samples = c->shapes[0].rank > 1 ? c->shapes[0].size[0] : 1;
    if (c->shapes[0].rank == 1 && c->shape.rank == 0) {
        samples = c->shapes[0].size[0]; // a vector of samples, summed to a number
    }
    sum_tree(c->work, rml_ceil(samples, RML_LEAF), n, 0, n, c->out);
}
