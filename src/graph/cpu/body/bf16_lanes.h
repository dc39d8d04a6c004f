// bfloat16 products with float32 arithmetic: rounded numbers keep their place in the packed panels
// and rows of a float32 product, and only the chains differ.

typedef left_side bf16_left;

static size_t bf16_panel_step(size_t depth)
{
    return depth * LANES;
}

static void bf16_round_all(float *data, size_t count)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        v_store(data + i, bf16_round(v_load(data + i)));
    }
    if (i < count) {
        v_store_part(data + i, bf16_round(v_load_part(data + i, count - i)), count - i);
    }
}

static void bf16_pack_panel(size_t depth, size_t columns, const float *data, size_t down,
                            size_t across, float *panel)
{
    pack_panel(depth, columns, data, down, across, panel);
    bf16_round_all(panel, depth * LANES);
}

// The left side as the chains read it, in the memory of `packed`. One of its steps is 1.
static bf16_left bf16_pack_left(size_t rows, size_t depth, left_side a, float *packed)
{
    bool along_depth = a.depth_step == 1;
    size_t lines = along_depth ? rows : depth, line = along_depth ? depth : rows;
    size_t from_step = along_depth ? a.row_step : a.depth_step;
    size_t step = along_depth ? depth : RML_BATCH_ROWS;
    for (size_t i = 0; i < lines; i++) {
        copy_row(a.data + i * from_step, line, packed + i * step);
        bf16_round_all(packed + i * step, line);
    }
    return along_depth ? (bf16_left){packed, depth, 1} : (bf16_left){packed, 1, step};
}

MICRO_INLINE void bf16_micro(const int rows, const int vectors, const panel_pass *p, const float *a,
                             float *c)
{
    const size_t row_step = p->row_step, depth_step = p->depth_step, panel_step = p->panel_step;
    const float *b = p->right;
    lanes sum[MICRO_MOST][2];
    micro_begin(rows, vectors, p, p->to.bias, c, sum);
    if (p->to.bias && !p->to.begun) {
        UNROLL
        for (int i = 0; i < rows * vectors; i++) {
            sum[i / vectors][i % vectors] = bf16_start(sum[i / vectors][i % vectors]);
        }
    }
    for (size_t k = 0; k < p->depth; k += BF16_DEPTH) {
        size_t left = p->depth - k < BF16_DEPTH ? p->depth - k : BF16_DEPTH;
        lanes chain[MICRO_MOST][2][2];
        UNROLL
        for (int i = 0; i < rows * vectors; i++) {
            chain[i / vectors][i % vectors][0] = v_set(0.0f);
            chain[i / vectors][i % vectors][1] = v_set(0.0f);
        }
        // Behind an odd depth the second chain has nothing to add.
        for (; left > 0; left -= left > 1 ? 2 : 1) {
            UNROLL
            for (size_t odd = 0; odd < 2; odd++) {
                if (odd == 1 && left == 1) {
                    break;
                }
                UNROLL
                for (int i = 0; i < rows * vectors; i++) {
                    int r = i / vectors, v = i % vectors;
                    chain[r][v][odd] = v_fma(v_set(a[(size_t)r * row_step]),
                                             v_load(b + (size_t)v * panel_step), chain[r][v][odd]);
                }
                a += depth_step;
                b += LANES;
            }
        }
        UNROLL
        for (int i = 0; i < rows * vectors; i++) {
            int r = i / vectors, v = i % vectors;
            sum[r][v] = v_add(sum[r][v], v_add(chain[r][v][0], chain[r][v][1]));
        }
    }
    micro_end(rows, vectors, p, NULL, c, sum);
}

#define BF16_MICRO(rows) MICRO_KERNELS(bf16_micro, rows)
#define BF16_MICRO_ROW(rows) MICRO_ENTRY(bf16_micro, rows)
BF16_EACH(BF16_MICRO)
static micro_kernel *const bf16_kernels[BF16_ROWS + 1][2] = {BF16_EACH(BF16_MICRO_ROW)};

// rows x panels over the whole depth, block by block.
static void bf16_product(size_t rows, size_t depth, bf16_left a, right_side b, result_side c)
{
    for (size_t k = 0; k < depth; k += RML_DEPTH_BLOCK) {
        size_t size = depth - k < RML_DEPTH_BLOCK ? depth - k : RML_DEPTH_BLOCK;
        c.ends = k + size == depth;
        bf16_left from = {a.data + k * a.depth_step, a.row_step, a.depth_step};
        block_product(bf16_kernels, BF16_ROWS, rows, size, from,
                      (right_side){b.data + k * LANES, b.panel_step}, c);
        c.begun = true;
    }
}
