// bfloat16 products on tiles: 16 rows of 64 bytes each, of which one instruction multiplies two.
// A header of tiles gives TILES_BEGIN, TILES_END, TILE_ZERO(t), TILE_LOAD(t, from, step),
// TILE_STORE(t, to, step) and TILE_DOT(sum, left, right); t is 0 to 7, a step is in bytes.
//
// Packed, a tile of the left side is [16 rows][16 pairs of depths], one of the right side [16
// pairs][16 columns]; a pair is two bfloat16 in 32 bits, the even depth low. Tiles of one row of
// tiles, or of one panel, lie one behind the other by depth.

enum { TILE = 16, TILE_FLOATS = TILE * TILE };

typedef struct bf16_left {
    const float *data;
    size_t row_step; // floats between two rows of tiles
} bf16_left;

static size_t bf16_panel_step(size_t depth)
{
    return rml_ceil(depth, BF16_DEPTH) * TILE_FLOATS;
}

static inline lanes bf16_pair(lanes even, lanes odd)
{
    lanes low = v_and(v_shift_right(bf16_round(even), 16), v_bits(0xffff));
    return v_or(low, v_and(bf16_round(odd), v_bits(0xffff0000)));
}

// Lines [0, 16) of depths [0, 32), of which so many exist; element (line, depth) stands at
// data[line * line_step + depth * depth_step], and one of the steps is 1. out: [line][pair], or
// [pair][line] where `pairs_first`.
static void bf16_pack_tile(size_t count, size_t depths, const float *data, size_t line_step,
                           size_t depth_step, bool pairs_first, float *out)
{
    float block[2][TILE_FLOATS] = {{0}}, pairs[TILE_FLOATS];
    bool along_lines = line_step == 1;
    for (size_t i = 0; along_lines && i < depths; i++) { // block[odd][pair][line]
        copy_row(data + i * depth_step, count, block[i % 2] + i / 2 * TILE);
    }
    for (size_t i = 0; !along_lines && i < count; i++) { // block[odd][line][pair]
        for (size_t k = 0; k < depths; k++) {
            block[k % 2][i * TILE + k / 2] = data[i * line_step + k];
        }
    }
    float *to = along_lines == pairs_first ? out : pairs;
    for (size_t i = 0; i < TILE_FLOATS; i += LANES) {
        v_store(to + i, bf16_pair(v_load(block[0] + i), v_load(block[1] + i)));
    }
    if (to == pairs) {
        transpose_square(pairs, TILE, out);
    }
}

static void bf16_pack_panel(size_t depth, size_t columns, const float *data, size_t down,
                            size_t across, float *panel)
{
    for (size_t k = 0; k < depth; k += BF16_DEPTH, panel += TILE_FLOATS) {
        size_t depths = depth - k < BF16_DEPTH ? depth - k : BF16_DEPTH;
        bf16_pack_tile(columns, depths, data + k * down, across, down, true, panel);
    }
}

static bf16_left bf16_pack_left(size_t rows, size_t depth, left_side a, float *packed)
{
    size_t row_step = bf16_panel_step(depth);
    for (size_t r = 0; r < rows; r += TILE) {
        float *to = packed + r / TILE * row_step;
        for (size_t k = 0; k < depth; k += BF16_DEPTH, to += TILE_FLOATS) {
            bf16_pack_tile(
                rows - r < TILE ? rows - r : TILE, depth - k < BF16_DEPTH ? depth - k : BF16_DEPTH,
                a.data + r * a.row_step + k * a.depth_step, a.row_step, a.depth_step, false, to);
        }
    }
    return (bf16_left){packed, row_step};
}

// Up to two by two tiles of the result.
typedef struct tile_block {
    const float *a, *b;
    size_t a_step, b_step; // floats between rows of tiles, between panels
    size_t depths;         // tiles
    const float *first;    // what the sums start from, NULL: zero
    size_t first_step;     // bytes between its rows: 0 for a bias
    float *c;
    size_t c_step; // floats
} tile_block;

#define TILE_FIRST(t, row, column)                                                                 \
    if (k->first) {                                                                                \
        TILE_LOAD(t, k->first + (row)*TILE * (k->first_step / sizeof(float)) + (column)*TILE,      \
                  k->first_step);                                                                  \
    } else {                                                                                       \
        TILE_ZERO(t);                                                                              \
    }
#define TILE_LAST(t, row, column)                                                                  \
    TILE_STORE(t, k->c + (row)*TILE * k->c_step + (column)*TILE, k->c_step * sizeof(float))
enum { TILE_LINE = TILE * sizeof(float) };

MICRO_INLINE void tile_product(const bool two_rows, const bool two_columns, const tile_block *k)
{
    TILE_FIRST(0, 0, 0);
    if (two_columns) {
        TILE_FIRST(1, 0, 1);
    }
    if (two_rows) {
        TILE_FIRST(2, 1, 0);
    }
    if (two_rows && two_columns) {
        TILE_FIRST(3, 1, 1);
    }
    const float *a = k->a, *b = k->b;
    for (size_t i = 0; i < k->depths; i++, a += TILE_FLOATS, b += TILE_FLOATS) {
        TILE_LOAD(4, a, TILE_LINE);
        TILE_LOAD(6, b, TILE_LINE);
        TILE_DOT(0, 4, 6);
        if (two_columns) {
            TILE_LOAD(7, b + k->b_step, TILE_LINE);
            TILE_DOT(1, 4, 7);
        }
        if (two_rows) {
            TILE_LOAD(5, a + k->a_step, TILE_LINE);
            TILE_DOT(2, 5, 6);
        }
        if (two_rows && two_columns) {
            TILE_DOT(3, 5, 7);
        }
    }
    TILE_LAST(0, 0, 0);
    if (two_columns) {
        TILE_LAST(1, 0, 1);
    }
    if (two_rows) {
        TILE_LAST(2, 1, 0);
    }
    if (two_rows && two_columns) {
        TILE_LAST(3, 1, 1);
    }
}

static void tile_run(size_t rows, size_t columns, const tile_block *k)
{
    if (rows > TILE && columns > TILE) {
        tile_product(true, true, k);
    } else if (rows > TILE) {
        tile_product(true, false, k);
    } else if (columns > TILE) {
        tile_product(false, true, k);
    } else {
        tile_product(false, false, k);
    }
}

static void copy_rows(size_t rows, size_t columns, const float *from, size_t from_step, float *to,
                      size_t to_step)
{
    for (size_t r = 0; r < rows; r++) {
        copy_row(from + r * from_step, columns, to + r * to_step);
    }
}

// A block whose tiles are not all whole goes through memory of its own.
static void tile_result(size_t rows, size_t columns, tile_block *k, const result_side *c)
{
    enum { SIDE = 2 * TILE };
    float bias[SIDE] = {0}, whole[SIDE * SIDE] = {0};
    bool fits = rows % TILE == 0 && columns % TILE == 0;
    k->first = NULL;
    if (c->begun) {
        k->first = c->data;
        k->first_step = c->row_step * sizeof(float);
        if (!fits) {
            copy_rows(rows, columns, c->data, c->row_step, whole, SIDE);
            k->first = whole;
            k->first_step = SIDE * sizeof(float);
        }
    } else if (c->bias) {
        for (size_t i = 0; i < columns; i += LANES) {
            size_t part = columns - i < LANES ? columns - i : LANES;
            v_store(bias + i, bf16_start(v_load_part(c->bias + i, part)));
        }
        k->first = bias;
        k->first_step = 0;
    }
    k->c = fits ? c->data : whole;
    k->c_step = fits ? c->row_step : SIDE;
    tile_run(rows, columns, k);
    if (!fits) {
        copy_rows(rows, columns, whole, SIDE, c->data, c->row_step);
    }
}

// rows x panels over the whole depth; two panels stay in the first level of cache while the rows
// pass over them.
static void bf16_product(size_t rows, size_t depth, bf16_left a, right_side b, result_side c)
{
    enum { SIDE = 2 * TILE };
    TILES_BEGIN();
    for (size_t j = 0; j < c.columns; j += SIDE) {
        size_t columns = c.columns - j < SIDE ? c.columns - j : SIDE;
        for (size_t r = 0; r < rows; r += SIDE) {
            tile_block k = {.a = a.data + r / TILE * a.row_step,
                            .b = b.data + j / TILE * b.panel_step,
                            .a_step = a.row_step,
                            .b_step = b.panel_step,
                            .depths = rml_ceil(depth, BF16_DEPTH)};
            result_side to = c;
            to.data = c.data + r * c.row_step + j;
            to.bias = c.bias ? c.bias + j : NULL;
            tile_result(rows - r < SIDE ? rows - r : SIDE, columns, &k, &to);
        }
        if (has_epilogue(&c)) {
            finish_block(rows, columns, &c, j);
        }
    }
    TILES_END();
}
