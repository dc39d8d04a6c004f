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
    // Behind the last depth, with the steps of data: adds, multiplies, GELU, its slope; or NULL,
    // false.
    const float *plus, *times;
    float *slope;
    bool gelu, ends;
} result_side;

_Static_assert(RML_PANEL == LANES, "a panel is a vector wide");

// What all rows share that pass over the same panels.
typedef struct panel_pass {
    size_t depth, row_step, depth_step; // of the left side
    const float *right;
    size_t panel_step;
    result_side to; // data is given with the rows
} panel_pass;

#define MICRO_MOST 12 // rows of the widest kernel
#define MICRO_INLINE static inline __attribute__((always_inline))

// What a chain goes on from: the sum so far, `first` (a bias, or NULL), or zero.
MICRO_INLINE void micro_begin(const int rows, const int vectors, const panel_pass *p,
                              const float *first, const float *c, lanes sum[MICRO_MOST][2])
{
    const size_t columns = p->to.columns, c_step = p->to.row_step;
    UNROLL
    for (int v = 0; v < vectors; v++) {
        size_t at = (size_t)v * LANES, left = columns > at ? columns - at : 0;
        size_t part = left < LANES ? left : LANES;
        lanes start = first ? v_load_part(first + at, part) : v_set(0.0f);
        UNROLL
        for (int r = 0; r < rows; r++) {
            const float *from = c + (size_t)r * c_step + at;
            sum[r][v] = !p->to.begun    ? start
                        : part == LANES ? v_load(from)
                                        : v_load_part(from, part);
        }
    }
}

// Puts the sums down, with a bias or NULL.
MICRO_INLINE void micro_end(const int rows, const int vectors, const panel_pass *p,
                            const float *last, float *c, lanes sum[MICRO_MOST][2])
{
    const size_t columns = p->to.columns, c_step = p->to.row_step;
    UNROLL
    for (int v = 0; v < vectors; v++) {
        size_t at = (size_t)v * LANES;
        size_t left = at < columns ? columns - at : 0;
        size_t part = left < LANES ? left : LANES;
        if (part == 0) {
            continue;
        }
        lanes bias = !last           ? v_set(0.0f)
                     : part == LANES ? v_load(last + at)
                                     : v_load_part(last + at, part);
        UNROLL
        for (int r = 0; r < rows; r++) {
            lanes y = last ? v_add(sum[r][v], bias) : sum[r][v];
            float *to = c + (size_t)r * c_step + at;
            if (part == LANES) {
                v_store(to, y);
            } else {
                v_store_part(to, y, part);
            }
        }
    }
}

MICRO_INLINE void micro(const int rows, const int vectors, const panel_pass *p, const float *a,
                        float *c)
{
    const size_t row_step = p->row_step, depth_step = p->depth_step, panel_step = p->panel_step;
    const float *b = p->right;
    lanes sum[MICRO_MOST][2];
    micro_begin(rows, vectors, p, NULL, c, sum);
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
    micro_end(rows, vectors, p, p->to.bias, c, sum);
}

typedef void micro_kernel(const panel_pass *p, const float *a, float *c);

// For each number of rows: one panel, or MICRO_VECTORS of them.
#define MICRO_KERNEL(of, name, rows, vectors)                                                      \
    static void name(const panel_pass *p, const float *a, float *c)                                \
    {                                                                                              \
        of(rows, vectors, p, a, c);                                                                \
    }
#if MICRO_VECTORS > 1
#define MICRO_KERNELS(of, rows)                                                                    \
    MICRO_KERNEL(of, of##_narrow_##rows, rows, 1)                                                  \
    MICRO_KERNEL(of, of##_wide_##rows, rows, MICRO_VECTORS)
#define MICRO_ENTRY(of, rows) [rows] = {of##_narrow_##rows, of##_wide_##rows},
#else
#define MICRO_KERNELS(of, rows) MICRO_KERNEL(of, of##_narrow_##rows, rows, 1)
#define MICRO_ENTRY(of, rows) [rows] = {of##_narrow_##rows, NULL},
#endif
#define MICRO(rows) MICRO_KERNELS(micro, rows)
#define MICRO_ROW(rows) MICRO_ENTRY(micro, rows)
MICRO_EACH(MICRO)
static micro_kernel *const micro_kernels[MICRO_ROWS + 1][2] = {MICRO_EACH(MICRO_ROW)};

// Rows of the next step: what is left over is shared by the last two, so that neither is too short
// to hide the latency of its chains.
static size_t micro_rows(size_t left, size_t most)
{
    return left <= most ? left : left < 2 * most ? (left + 1) / 2 : most;
}

static inline bool has_epilogue(const result_side *c)
{
    return c->plus || c->times || c->gelu;
}

// What follows a product, on rows that are still near: the bits of the ops in its place.
static void finish_block(size_t rows, size_t columns, const result_side *c, size_t at)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t j = 0, part; j < columns; j += part) {
            size_t place = r * c->row_step + at + j;
            part = columns - j < LANES ? columns - j : LANES;
            lanes y = v_load_part(c->data + place, part);
            if (c->plus) {
                y = v_add(y, v_load_part(c->plus + place, part));
            }
            if (c->times) {
                y = v_mul(v_load_part(c->times + place, part), y);
            }
            if (c->gelu) {
                lanes slope;
                y = v_gelu_with_slope(y, &slope);
                if (c->slope) {
                    v_store_part(c->slope + place, slope, part);
                }
            }
            v_store_part(c->data + place, y, part);
        }
    }
}

// One block of depth: all rows over all panels, by kernels[rows up to `most`][wide].
static void block_product(micro_kernel *const kernels[][2], size_t most, size_t rows, size_t depth,
                          left_side a, right_side b, result_side c)
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
            step = micro_rows(rows - r, most);
            kernels[step][wide](&p, from, to);
            from += step * a.row_step;
            to += step * c.row_step;
        }
        if (c.ends && has_epilogue(&c)) {
            finish_block(rows, c.columns - at < width ? c.columns - at : width, &c, at);
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
        to.ends = k + size == depth;
        to.bias = to.ends ? c.bias : NULL;
        block_product(micro_kernels, MICRO_ROWS, rows, size, from,
                      (right_side){b.data + k * LANES, b.panel_step}, to);
        k += size;
    } while (k < depth);
}

// ---- Packing -----------------------------------------------------------------------------------

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
