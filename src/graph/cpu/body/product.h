// Packed products. The kernel of all: up to MICRO_ROWS rows x MICRO_VECTORS panels of LANES columns
// in registers, one chain of fused multiply-adds an element, over ascending depth from zero. A
// depth that is cut into blocks goes on from the stored sum, which is the same chain.
//
// Blocks (Goto and van de Geijn, Anatomy of high-performance matrix multiplication, 2008): a block
// of a packed panel (RML_DEPTH_BLOCK x LANES, 16 KB) stays in the first level of cache while the
// rows of a tile pass over it; the left side comes from the second.

#if defined(__clang__)
#define DEPTH_UNROLL _Pragma("clang loop unroll_count(4)")
#else
#define DEPTH_UNROLL _Pragma("GCC unroll 4")
#endif

// The left side, read element by element: (row, depth) at data[row * row_step + depth *
// depth_step].
typedef struct left_side {
    const float *data;
    size_t row_step, depth_step;
} left_side;

// The right side: panels of LANES columns, LANES floats for each depth, zero behind the last one.
typedef struct right_side {
    const float *data;
    size_t panel_step;
} right_side;

typedef struct result_side {
    float *data;
    size_t row_step;
    size_t columns;    // that exist, of those computed
    const float *bias; // added to each row at the end of its chain, or NULL
    bool begun;        // data holds the sums over lower depths
} result_side;

_Static_assert(RML_PANEL == LANES, "a panel is a vector wide");

// What all rows share that pass over the same panels.
typedef struct panel_pass {
    size_t depth, row_step, depth_step; // of the left side
    const float *right;
    size_t panel_step;
    result_side to; // data is given with the rows
} panel_pass;

static inline __attribute__((always_inline)) void micro(const int rows, const int vectors,
                                                        const panel_pass *p, const float *a,
                                                        float *c)
{
    const size_t row_step = p->row_step, depth_step = p->depth_step;
    const size_t columns = p->to.columns, c_step = p->to.row_step, panel_step = p->panel_step;
    const float *b = p->right;
    lanes sum[12][2];
    UNROLL
    for (int v = 0; v < vectors; v++) {
        size_t left = columns > (size_t)v * LANES ? columns - (size_t)v * LANES : 0;
        size_t part = left < LANES ? left : LANES;
        UNROLL
        for (int r = 0; r < rows; r++) {
            const float *from = c + (size_t)r * c_step + (size_t)v * LANES;
            sum[r][v] = !p->to.begun    ? v_set(0.0f)
                        : part == LANES ? v_load(from)
                                        : v_load_part(from, part);
        }
    }
    DEPTH_UNROLL
    for (size_t k = p->depth; k > 0; k--) {
        lanes right[2];
        UNROLL
        for (int v = 0; v < vectors; v++) {
            right[v] = v_load(b + (size_t)v * panel_step);
        }
        UNROLL
        for (int r = 0; r < rows; r++) {
            lanes left = v_set(a[(size_t)r * row_step]);
            UNROLL
            for (int v = 0; v < vectors; v++) {
                sum[r][v] = v_fma(left, right[v], sum[r][v]);
            }
        }
        b += LANES;
        a += depth_step;
    }
    UNROLL
    for (int v = 0; v < vectors; v++) {
        size_t at = (size_t)v * LANES;
        size_t left = at < columns ? columns - at : 0;
        size_t part = left < LANES ? left : LANES;
        if (part == 0) {
            continue;
        }
        lanes bias = !p->to.bias     ? v_set(0.0f)
                     : part == LANES ? v_load(p->to.bias + at)
                                     : v_load_part(p->to.bias + at, part);
        UNROLL
        for (int r = 0; r < rows; r++) {
            lanes y = p->to.bias ? v_add(sum[r][v], bias) : sum[r][v];
            float *to = c + (size_t)r * c_step + at;
            if (part == LANES) {
                v_store(to, y);
            } else {
                v_store_part(to, y, part);
            }
        }
    }
}

typedef void micro_kernel(const panel_pass *p, const float *a, float *c);

// For each number of rows: one panel, or MICRO_VECTORS of them.
#define MICRO_KERNEL(name, rows, vectors)                                                          \
    static void name(const panel_pass *p, const float *a, float *c)                                \
    {                                                                                              \
        micro(rows, vectors, p, a, c);                                                             \
    }
#if MICRO_VECTORS > 1
#define MICRO(rows)                                                                                \
    MICRO_KERNEL(micro_narrow_##rows, rows, 1)                                                     \
    MICRO_KERNEL(micro_wide_##rows, rows, MICRO_VECTORS)
#define MICRO_ROW(rows) [rows] = {micro_narrow_##rows, micro_wide_##rows},
#else
#define MICRO(rows) MICRO_KERNEL(micro_narrow_##rows, rows, 1)
#define MICRO_ROW(rows) [rows] = {micro_narrow_##rows, NULL},
#endif
MICRO_EACH(MICRO)
static micro_kernel *const micro_kernels[MICRO_ROWS + 1][2] = {MICRO_EACH(MICRO_ROW)};

// Rows of the next step: what is left over is shared by the last two, so that neither is too short
// to hide the latency of its chains.
static size_t micro_rows(size_t left)
{
    return left <= MICRO_ROWS ? left : left < 2 * MICRO_ROWS ? (left + 1) / 2 : MICRO_ROWS;
}

// One block of depth: all rows over all panels.
static void block_product(size_t rows, size_t depth, left_side a, right_side b, result_side c)
{
    panel_pass p = {depth, a.row_step, a.depth_step, b.data, b.panel_step, c};
    for (size_t at = 0, width; at < c.columns; at += width) {
        bool wide = MICRO_VECTORS > 1 && c.columns - at > LANES;
        width = wide ? MICRO_VECTORS * LANES : LANES;
        p.right = b.data + at / LANES * b.panel_step;
        p.to.columns = c.columns - at;
        p.to.bias = c.bias ? c.bias + at : NULL;
        const float *from = a.data;
        float *to = c.data + at;
        for (size_t r = 0, step; r < rows; r += step) {
            step = micro_rows(rows - r);
            micro_kernels[step][wide](&p, from, to);
            from += step * a.row_step;
            to += step * c.row_step;
        }
    }
}

// rows x panels over the whole depth, block by block; the left side lies in place.
static void panels_product(size_t rows, size_t depth, left_side a, right_side b, result_side c)
{
    size_t k = 0;
    do {
        size_t size = depth - k < RML_DEPTH_BLOCK ? depth - k : RML_DEPTH_BLOCK;
        left_side from = {a.data + k * a.depth_step, a.row_step, a.depth_step};
        result_side to = c;
        to.begun = k > 0;
        to.bias = k + size == depth ? c.bias : NULL;
        block_product(rows, size, from, (right_side){b.data + k * LANES, b.panel_step}, to);
        k += size;
    } while (k < depth);
}

// ---- Packing -----------------------------------------------------------------------------------

// Packs `columns` (at most LANES) columns of a matrix whose element (depth, column) stands at
// data[depth * down + column * across] into one panel.
static void pack_panel(size_t depth, size_t columns, const float *data, size_t down, size_t across,
                       float *panel)
{
    size_t k = 0;
    if (across == 1) {
        for (; k < depth; k++, data += down, panel += LANES) {
            v_store(panel, columns == LANES ? v_load(data) : v_load_part(data, columns));
        }
        return;
    }
    for (; columns == LANES && down == 1 && k + LANES <= depth; k += LANES) {
        transpose_square(data + k, across, panel + k * LANES);
    }
    for (; k < depth; k++) {
        for (size_t j = 0; j < LANES; j++) {
            panel[k * LANES + j] = j < columns ? data[k * down + j * across] : 0.0f;
        }
    }
}

// All columns, panel after panel.
static void pack_panels(size_t depth, size_t columns, const float *data, size_t down, size_t across,
                        float *panels, size_t panel_step)
{
    size_t whole = across == 1 ? columns / LANES * LANES : 0;
    for (size_t k = 0; whole > 0 && k < depth; k++) {
        for (size_t j = 0; j < whole; j += LANES) { // along the rows as they lie in memory
            v_store(panels + j / LANES * panel_step + k * LANES, v_load(data + k * down + j));
        }
    }
    for (size_t j = whole; j < columns; j += LANES) {
        size_t part = columns - j < LANES ? columns - j : LANES;
        pack_panel(depth, part, data + j * across, down, across, panels + j / LANES * panel_step);
    }
}

static void kernel_pack(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    rml_product p;
    rml_product_of(c, &p);
    size_t batch = tile / p.panels, first = tile % p.panels * LANES;
    size_t down = p.right_transposed ? 1 : p.columns, across = p.right_transposed ? p.depth : 1;
    size_t columns = p.columns - first < LANES ? p.columns - first : LANES;
    pack_panel(p.depth, columns, (const float *)c->in[1] + batch * p.right_step + first * across,
               down, across, (float *)c->work + tile * p.depth * LANES);
}

static void kernel_product(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    rml_product p;
    rml_product_of(c, &p);
    size_t column_tile = tile % p.column_tiles, row_tile = tile / p.column_tiles % p.row_tiles;
    size_t batch = tile / p.column_tiles / p.row_tiles, first = row_tile * RML_TILE_ROWS;
    size_t rows = p.rows - first < RML_TILE_ROWS ? p.rows - first : RML_TILE_ROWS;
    size_t panel = column_tile * p.panels_per_tile, column = panel * LANES;
    size_t left = p.columns - column, most = p.panels_per_tile * LANES;
    const float *bias = c->input_count > 2 ? c->in[2] : NULL;
    size_t row = batch * p.rows + first, panel_step = p.depth * LANES;
    right_side b = {(const float *)c->work + (batch * p.panels + panel) * panel_step, panel_step};
    panels_product(rows, p.depth, (left_side){(const float *)c->in[0] + row * p.depth, p.depth, 1},
                   b,
                   (result_side){.data = (float *)c->out + row * p.columns + column,
                                 .row_step = p.columns,
                                 .columns = left < most ? left : most,
                                 .bias = bias ? bias + column : NULL});
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

static void copy_row(const float *from, size_t count, float *to)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        v_store(to + i, v_load(from + i));
    }
    if (i < count) {
        v_store_part(to + i, v_load_part(from + i, count - i), count - i);
    }
}

// A piece of a matrix, rows one behind the other in rows of RML_BATCH_ROWS: in its own place a
// power of two between rows would let them push each other out of the cache.
static void copy_piece(size_t rows, size_t columns, const float *data, size_t down, float *out)
{
    for (size_t k = 0; k < rows; k++) {
        copy_row(data + k * down, columns, out + k * RML_BATCH_ROWS);
    }
}

// One leaf's x' y for a tile of the result: chains over its rows, packed block by block.
static void leaf_product(const rml_batch_product *p, size_t depth, const float *x, size_t m,
                         const float *y, size_t n, float *packed, float *out, size_t out_step)
{
    float *right = packed + RML_BATCH_ROWS * RML_DEPTH_BLOCK;
    size_t panel_step = RML_DEPTH_BLOCK * LANES + RML_PACK_GAP;
    for (size_t k = 0; k < depth; k += RML_DEPTH_BLOCK) {
        size_t size = depth - k < RML_DEPTH_BLOCK ? depth - k : RML_DEPTH_BLOCK;
        copy_piece(size, m, x + k * p->m, p->m, packed);
        pack_panels(size, n, y + k * p->n, p->n, 1, right, panel_step);
        block_product(
            m, size, (left_side){packed, 1, RML_BATCH_ROWS}, (right_side){right, panel_step},
            (result_side){.data = out, .row_step = out_step, .columns = n, .begun = k > 0});
    }
}

// A tile of the result over a group of neighbouring leaves, summed in their tree.
static void kernel_batch_product(const rml_call *c, size_t tile, size_t worker)
{
    rml_batch_product p;
    rml_batch_product_of(c, &p);
    size_t n0 = tile % p.n_tiles * RML_BATCH_COLUMNS;
    size_t m0 = tile / p.n_tiles % p.m_tiles * p.tile_m, group = tile / p.n_tiles / p.m_tiles;
    size_t m = p.m - m0 < p.tile_m ? p.m - m0 : p.tile_m;
    size_t n = p.n - n0 < RML_BATCH_COLUMNS ? p.n - n0 : RML_BATCH_COLUMNS;
    float *packed = (float *)((uint8_t *)c->scratch + worker * c->scratch_size);
    float *out = p.groups > 1 ? (float *)c->work + group * p.m * p.n : (float *)c->out;
    out += m0 * p.n + n0;
    tree t = {.buffers = packed + RML_BATCH_PACKED, .size = m * RML_BATCH_COLUMNS};
    size_t first = group * p.leaves_in_group, end = first + p.leaves_in_group;
    end = end < p.leaves ? end : p.leaves;
    bool alone = end == first + 1; // straight into its place
    for (size_t leaf = first; leaf < end; leaf++) {
        size_t sample = leaf * RML_LEAF;
        size_t samples = p.samples - sample < RML_LEAF ? p.samples - sample : RML_LEAF;
        size_t row = sample * p.rows;
        leaf_product(&p, samples * p.rows, (const float *)c->in[0] + row * p.m + m0, m,
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
