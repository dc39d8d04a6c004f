// Packed products. The kernel of all: up to MICRO_ROWS rows x MICRO_VECTORS panels of LANES columns
// in registers, one chain of fused multiply-adds an element, over ascending depth from zero. A
// depth that is cut into blocks goes on from the stored sum, which is the same chain.
//
// Blocks (Goto and van de Geijn, Anatomy of high-performance matrix multiplication, 2008): a block
// of a packed panel (RML_DEPTH_BLOCK x LANES, 16 KB) stays in the first level of cache while the
// rows of a tile pass over it; the left side comes from the second.

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

static inline __attribute__((always_inline)) void micro(const int rows, const int vectors,
                                                        const bool packed, size_t depth,
                                                        left_side a, right_side b, result_side c)
{
    const size_t row_step = packed ? 1 : a.row_step;
    const size_t depth_step = packed ? (size_t)rows : a.depth_step;
    lanes sum[12][2];
    UNROLL
    for (int v = 0; v < vectors; v++) {
        size_t left = c.columns > (size_t)v * LANES ? c.columns - (size_t)v * LANES : 0;
        size_t part = left < LANES ? left : LANES;
        UNROLL
        for (int r = 0; r < rows; r++) {
            const float *from = c.data + (size_t)r * c.row_step + (size_t)v * LANES;
            sum[r][v] = !c.begun        ? v_set(0.0f)
                        : part == LANES ? v_load(from)
                                        : v_load_part(from, part);
        }
    }
    for (size_t k = 0; k < depth; k++) {
        lanes right[2];
        UNROLL
        for (int v = 0; v < vectors; v++) {
            right[v] = v_load(b.data + (size_t)v * b.panel_step);
        }
        UNROLL
        for (int r = 0; r < rows; r++) {
            lanes left = v_set(a.data[(size_t)r * row_step]);
            UNROLL
            for (int v = 0; v < vectors; v++) {
                sum[r][v] = v_fma(left, right[v], sum[r][v]);
            }
        }
        b.data += LANES;
        a.data += depth_step;
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

typedef void micro_kernel(size_t depth, left_side a, right_side b, result_side c);

// For each number of rows: one panel or MICRO_VECTORS of them, a left side in place or packed.
#define MICRO(rows)                                                                                \
    static void micro_narrow_##rows(size_t depth, left_side a, right_side b, result_side c)        \
    {                                                                                              \
        micro(rows, 1, false, depth, a, b, c);                                                     \
    }                                                                                              \
    static void micro_narrow_packed_##rows(size_t depth, left_side a, right_side b, result_side c) \
    {                                                                                              \
        micro(rows, 1, true, depth, a, b, c);                                                      \
    }                                                                                              \
    MICRO_WIDE(rows)
#define MICRO_ROW(rows)                                                                            \
    [rows] = {{micro_narrow_##rows, micro_narrow_packed_##rows}, MICRO_WIDE_ROW(rows)},
#if MICRO_VECTORS > 1
#define MICRO_WIDE(rows)                                                                           \
    static void micro_wide_##rows(size_t depth, left_side a, right_side b, result_side c)          \
    {                                                                                              \
        micro(rows, MICRO_VECTORS, false, depth, a, b, c);                                         \
    }                                                                                              \
    static void micro_wide_packed_##rows(size_t depth, left_side a, right_side b, result_side c)   \
    {                                                                                              \
        micro(rows, MICRO_VECTORS, true, depth, a, b, c);                                          \
    }
#define MICRO_WIDE_ROW(rows)                                                                       \
    {                                                                                              \
        micro_wide_##rows, micro_wide_packed_##rows                                                \
    }
#else
#define MICRO_WIDE(rows)
#define MICRO_WIDE_ROW(rows)                                                                       \
    {                                                                                              \
        NULL, NULL                                                                                 \
    }
#endif
MICRO_EACH(MICRO)
static micro_kernel *const micro_kernels[MICRO_ROWS + 1][2][2] = {MICRO_EACH(MICRO_ROW)};

// Rows of the next step: what is left over is shared by the last two, so that neither is too short
// to hide the latency of its chains.
static size_t micro_rows(size_t left)
{
    return left <= MICRO_ROWS ? left : left < 2 * MICRO_ROWS ? (left + 1) / 2 : MICRO_ROWS;
}

// A left side packed by pack_left: pieces of micro_rows rows, one after the other.
static bool is_packed(left_side a)
{
    return a.depth_step == 0;
}

// One block of depth: all rows over all panels.
static void block_product(size_t rows, size_t depth, left_side a, right_side b, result_side c)
{
    bool packed = is_packed(a);
    for (size_t at = 0, width; at < c.columns; at += width) {
        bool wide = MICRO_VECTORS > 1 && c.columns - at > LANES;
        width = wide ? MICRO_VECTORS * LANES : LANES;
        right_side panel = {b.data + at / LANES * b.panel_step, b.panel_step};
        result_side part = c;
        part.columns = c.columns - at;
        part.bias = c.bias ? c.bias + at : NULL;
        left_side from = a;
        for (size_t r = 0, step; r < rows; r += step) {
            step = micro_rows(rows - r);
            part.data = c.data + r * c.row_step + at;
            micro_kernels[step][wide][packed](depth, from, panel, part);
            from.data += packed ? depth * step + RML_PACK_GAP : step * a.row_step;
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
    for (size_t j = 0; j < columns; j += LANES) {
        size_t part = columns - j < LANES ? columns - j : LANES;
        pack_panel(depth, part, data + j * across, down, across, panels);
        panels += panel_step;
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

// Packs rows [0, depth) x columns [0, rows) of a matrix as a left side: pieces of micro_rows
// columns, `depth` of them each.
static void pack_left(size_t rows, size_t depth, const float *data, size_t down, float *packed)
{
    for (size_t r = 0, step; r < rows; r += step) {
        step = micro_rows(rows - r);
        const float *from = data + r;
        if (step == MICRO_ROWS) {
            for (size_t k = 0; k < depth; k++, from += down) {
                memcpy(packed + k * MICRO_ROWS, from, MICRO_ROWS * sizeof *from);
            }
        } else {
            for (size_t k = 0; k < depth; k++, from += down) {
                for (size_t i = 0; i < step; i++) {
                    packed[k * step + i] = from[i];
                }
            }
        }
        packed += depth * step + RML_PACK_GAP;
    }
}

// One leaf's x' y for a tile of the result: chains over its rows, packed block by block.
static void leaf_product(const rml_batch_product *p, size_t depth, const float *x, size_t m,
                         const float *y, size_t n, float *packed, float *out)
{
    float *right = packed + RML_TILE_ROWS * (RML_DEPTH_BLOCK + RML_PACK_GAP);
    size_t panel_step = RML_DEPTH_BLOCK * LANES + RML_PACK_GAP;
    for (size_t k = 0; k < depth; k += RML_DEPTH_BLOCK) {
        size_t size = depth - k < RML_DEPTH_BLOCK ? depth - k : RML_DEPTH_BLOCK;
        pack_left(m, size, x + k * p->m, p->m, packed);
        pack_panels(size, n, y + k * p->n, p->n, 1, right, panel_step);
        block_product(
            m, size, (left_side){packed, 1, 0}, (right_side){right, panel_step},
            (result_side){.data = out, .row_step = RML_TILE_COLUMNS, .columns = n, .begun = k > 0});
    }
}

// A tile of the result over a group of neighbouring leaves, summed in their tree.
static void kernel_batch_product(const rml_call *c, size_t tile, size_t worker)
{
    rml_batch_product p;
    rml_batch_product_of(c, &p);
    size_t n0 = tile % p.n_tiles * RML_TILE_COLUMNS;
    size_t m0 = tile / p.n_tiles % p.m_tiles * p.tile_m, group = tile / p.n_tiles / p.m_tiles;
    size_t m = p.m - m0 < p.tile_m ? p.m - m0 : p.tile_m;
    size_t n = p.n - n0 < RML_TILE_COLUMNS ? p.n - n0 : RML_TILE_COLUMNS;
    float *packed = (float *)((uint8_t *)c->scratch + worker * c->scratch_size);
    tree t = {.buffers = packed + rml_batch_packed(), .size = m * RML_TILE_COLUMNS};
    size_t end = (group + 1) * p.leaves_in_group;
    for (size_t leaf = group * p.leaves_in_group; leaf < end && leaf < p.leaves; leaf++) {
        size_t sample = leaf * RML_LEAF;
        size_t samples = p.samples - sample < RML_LEAF ? p.samples - sample : RML_LEAF;
        size_t first = sample * p.rows;
        leaf_product(&p, samples * p.rows, (const float *)c->in[0] + first * p.m + m0, m,
                     (const float *)c->in[1] + first * p.n + n0, n, packed, tree_next(&t));
        tree_settle(&t);
    }
    const float *sum = tree_sum(&t);
    float *out = p.groups > 1 ? (float *)c->work + group * p.m * p.n : (float *)c->out;
    for (size_t r = 0; r < m; r++) {
        memcpy(out + (m0 + r) * p.n + n0, sum + r * RML_TILE_COLUMNS, n * sizeof *sum);
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
