// Kernels over rows of the last axis: layer norm, softmax, sums, maxima. A sum along a row has 16
// lanes and a fixed tree.

static inline lanes load_row(const float *x, size_t i, size_t n)
{
    return i + LANES <= n ? v_load(x + i) : v_load_part(x + i, n - i);
}
static inline void store_row(float *x, lanes y, size_t i, size_t n)
{
    if (i + LANES <= n) {
        v_store(x + i, y);
    } else {
        v_store_part(x + i, y, n - i);
    }
}

static inline void rows_of(const rml_call *c, size_t tile, size_t *columns, size_t *from,
                           size_t *to)
{
    const rml_shape *x = &c->shapes[0];
    *columns = x->rank > 0 ? x->size[x->rank - 1] : 1;
    size_t rows = rml_shape_count(x) / *columns;
    *from = tile * RML_TILE_LINES;
    *to = *from + RML_TILE_LINES < rows ? *from + RML_TILE_LINES : rows;
}

static float row_sum(const float *x, size_t n)
{
    lanes sum = v_set(0.0f);
    for (size_t i = 0; i < n; i += LANES) {
        sum = v_add(sum, load_row(x, i, n));
    }
    return v_sum(sum);
}

// ---- Layer norm --------------------------------------------------------------------------------

// The mean, and 1 / sqrt(variance + epsilon).
static float row_moments(const float *x, size_t n, float epsilon, float *mean)
{
    *mean = row_sum(x, n) / (float)n;
    lanes squares = v_set(0.0f), middle = v_set(*mean);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        lanes d = v_sub(v_load(x + i), middle);
        squares = v_add(squares, v_mul(d, d));
    }
    if (i < n) { // lanes behind the end stay zero
        float part[LANES] = {0};
        v_store_part(part, v_sub(v_load_part(x + i, n - i), middle), n - i);
        lanes d = v_load(part);
        squares = v_add(squares, v_mul(d, d));
    }
    float variance = v_sum(squares) / (float)n + epsilon;
    float root[LANES];
    v_store(root, v_sqrt(v_set(variance)));
    return 1.0f / root[0];
}

static void kernel_norm(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    size_t n, from, to;
    rows_of(c, tile, &n, &from, &to);
    const float *gain = c->in[1], *bias = c->in[2];
    for (size_t r = from; r < to; r++) {
        const float *x = (const float *)c->in[0] + r * n;
        float *y = (float *)c->out + r * n, mean;
        float inverse = row_moments(x, n, (float)c->attributes[0], &mean);
        for (size_t i = 0; i < n; i += LANES) {
            lanes normal = v_mul(v_sub(load_row(x, i, n), v_set(mean)), v_set(inverse));
            store_row(y, v_add(v_mul(normal, load_row(gain, i, n)), load_row(bias, i, n)), i, n);
        }
    }
}

static void kernel_norm_backward(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    size_t n, from, to;
    rows_of(c, tile, &n, &from, &to);
    const float *gain = c->in[1];
    for (size_t r = from; r < to; r++) {
        const float *x = (const float *)c->in[0] + r * n, *dy = (const float *)c->in[2] + r * n;
        float *out = (float *)c->out + r * n, mean;
        float inverse = row_moments(x, n, (float)c->attributes[0], &mean);
        lanes sum = v_set(0.0f), along = v_set(0.0f), middle = v_set(mean), by = v_set(inverse);
        for (size_t i = 0; i < n; i += LANES) { // gain and dy are zero behind the end
            lanes g = v_mul(load_row(dy, i, n), load_row(gain, i, n));
            sum = v_add(sum, g);
            along = v_add(along, v_mul(g, v_mul(v_sub(load_row(x, i, n), middle), by)));
        }
        lanes mean_g = v_set(v_sum(sum) / (float)n), mean_along = v_set(v_sum(along) / (float)n);
        for (size_t i = 0; i < n; i += LANES) {
            lanes g = v_mul(load_row(dy, i, n), load_row(gain, i, n));
            lanes normal = v_mul(v_sub(load_row(x, i, n), middle), by);
            lanes rest = v_sub(v_sub(g, mean_g), v_mul(normal, mean_along));
            store_row(out, v_mul(by, rest), i, n);
        }
    }
}

// Gradients of gain and bias over one leaf of samples, row after row: work[leaf, 2, n].
static void kernel_norm_leaves(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    const rml_shape *shape = &c->shapes[0];
    size_t n = shape->size[shape->rank - 1], samples = shape->rank > 1 ? shape->size[0] : 1;
    size_t rows = rml_shape_count(shape) / n / samples;
    size_t from = tile * RML_LEAF * rows, to = from + RML_LEAF * rows;
    to = to < samples * rows ? to : samples * rows;
    float *gain = (float *)c->work + tile * 2 * n, *bias = gain + n;
    memset(gain, 0, 2 * n * sizeof *gain);
    for (size_t r = from; r < to; r++) {
        const float *x = (const float *)c->in[0] + r * n, *dy = (const float *)c->in[1] + r * n;
        float mean, inverse = row_moments(x, n, (float)c->attributes[0], &mean);
        for (size_t i = 0; i < n; i += LANES) {
            lanes normal = v_mul(v_sub(load_row(x, i, n), v_set(mean)), v_set(inverse));
            lanes d = load_row(dy, i, n);
            store_row(gain, v_add(load_row(gain, i, n), v_mul(d, normal)), i, n);
            store_row(bias, v_add(load_row(bias, i, n), d), i, n);
        }
    }
}

// ---- Softmax -----------------------------------------------------------------------------------

#define LOWEST (-3.402823466e+38f)

// x[n] in, probabilities out, in place or not. keep[n] is 1 or 0, or NULL. scores are x * scale.
static void softmax_row(const float *x, const float *keep, float scale, size_t n, float *p)
{
    lanes top = v_set(LOWEST), zero = v_set(0.0f), one = v_set(scale);
    for (size_t i = 0; i < n; i += LANES) {
        lanes s = v_mul(load_row(x, i, n), one);
        s = keep ? v_select(v_unequal(load_row(keep, i, n), zero), s, v_set(LOWEST)) : s;
        if (n - i < LANES) {
            float part[LANES];
            v_store(part, v_set(LOWEST));
            v_store_part(part, s, n - i);
            s = v_load(part);
        }
        top = v_max(s, top);
    }
    lanes highest = v_set(v_top(top)), sum = zero;
    for (size_t i = 0; i < n; i += LANES) {
        lanes e = v_exp_down(v_fma(load_row(x, i, n), one, v_neg(highest)));
        e = keep ? v_select(v_unequal(load_row(keep, i, n), zero), e, zero) : e;
        store_row(p, e, i, n);
        sum = v_add(sum, load_row(p, i, n)); // zero behind the end
    }
    float total = v_sum(sum);
    lanes inverse = v_set(total > 0.0f ? 1.0f / total : total);
    for (size_t i = 0; i < n; i += LANES) {
        store_row(p, v_mul(load_row(p, i, n), inverse), i, n);
    }
}

static void kernel_softmax(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    size_t n, from, to;
    rows_of(c, tile, &n, &from, &to);
    const float *keep = c->input_count > 1 ? c->in[1] : NULL;
    for (size_t r = from; r < to; r++) {
        softmax_row((const float *)c->in[0] + r * n, keep ? keep + r * n : NULL, 1.0f, n,
                    (float *)c->out + r * n);
    }
}

static float row_dot(const float *a, const float *b, size_t n)
{
    lanes sum = v_set(0.0f);
    for (size_t i = 0; i < n; i += LANES) {
        sum = v_add(sum, v_mul(load_row(a, i, n), load_row(b, i, n)));
    }
    return v_sum(sum);
}

static void kernel_softmax_backward(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    size_t n, from, to;
    rows_of(c, tile, &n, &from, &to);
    for (size_t r = from; r < to; r++) {
        const float *y = (const float *)c->in[0] + r * n, *dy = (const float *)c->in[1] + r * n;
        lanes dot = v_set(row_dot(y, dy, n));
        for (size_t i = 0; i < n; i += LANES) {
            lanes dx = v_mul(load_row(y, i, n), v_sub(load_row(dy, i, n), dot));
            store_row((float *)c->out + r * n, dx, i, n);
        }
    }
}

static void kernel_log_softmax(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    size_t n, from, to;
    rows_of(c, tile, &n, &from, &to);
    for (size_t r = from; r < to; r++) {
        const float *x = (const float *)c->in[0] + r * n;
        float top = x[0], part[LANES];
        for (size_t i = 1; i < n; i++) {
            top = x[i] > top ? x[i] : top;
        }
        lanes sum = v_set(0.0f), highest = v_set(top);
        for (size_t i = 0; i < n; i += LANES) {
            memset(part, 0, sizeof part);
            store_row(part, v_exp_down(v_sub(load_row(x, i, n), highest)), 0, n - i);
            sum = v_add(sum, v_load(part));
        }
        lanes log_sum = v_log(v_set(v_sum(sum)));
        for (size_t i = 0; i < n; i += LANES) {
            lanes y = v_sub(v_sub(load_row(x, i, n), highest), log_sum);
            store_row((float *)c->out + r * n, y, i, n);
        }
    }
}

static void kernel_log_softmax_backward(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    size_t n, from, to;
    rows_of(c, tile, &n, &from, &to);
    for (size_t r = from; r < to; r++) {
        const float *y = (const float *)c->in[0] + r * n, *dy = (const float *)c->in[1] + r * n;
        lanes sum = v_set(row_sum(dy, n));
        for (size_t i = 0; i < n; i += LANES) {
            lanes dx = v_sub(load_row(dy, i, n), v_mul(v_exp(load_row(y, i, n)), sum));
            store_row((float *)c->out + r * n, dx, i, n);
        }
    }
}

// ---- Sums and maxima over an axis --------------------------------------------------------------

typedef struct around {
    size_t from, to, size, inner; // outer rows of this tile
} around;

static around around_of(const rml_call *c, size_t tile)
{
    const rml_shape *s = &c->shapes[0];
    uint32_t axis = (uint32_t)c->attributes[0];
    size_t outer = rml_shape_span(s, 0, axis), tiles = c->op->phases[0].tiles(c);
    return (around){outer * tile / tiles, outer * (tile + 1) / tiles, s->size[axis],
                    rml_shape_span(s, axis + 1, s->rank)};
}

static void kernel_sum_axis(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    around a = around_of(c, tile);
    for (size_t o = a.from; o < a.to; o++) {
        const float *x = (const float *)c->in[0] + o * a.size * a.inner;
        float *y = (float *)c->out + o * a.inner;
        if (a.inner == 1) {
            *y = row_sum(x, a.size);
            continue;
        }
        for (size_t i = 0; i < a.inner; i += LANES) {
            lanes sum = load_row(x, i, a.inner);
            for (size_t k = 1; k < a.size; k++) {
                sum = v_add(sum, load_row(x + k * a.inner, i, a.inner));
            }
            store_row(y, sum, i, a.inner);
        }
    }
}

// One leaf of samples, row after row: work[leaf, out].
static void kernel_sum_leaves(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    const rml_shape *x = &c->shapes[0];
    size_t inner = rml_shape_count(&c->shape);
    size_t rows = rml_shape_count(x) / inner / x->size[0], all = rows * x->size[0];
    size_t from = tile * RML_LEAF * rows, to = from + RML_LEAF * rows;
    to = to < all ? to : all;
    const float *in = (const float *)c->in[0];
    float *out = (float *)c->work + tile * inner;
    for (size_t i = 0; i < inner; i += LANES) {
        lanes sum = load_row(in + from * inner, i, inner);
        for (size_t r = from + 1; r < to; r++) {
            sum = v_add(sum, load_row(in + r * inner, i, inner));
        }
        store_row(out, sum, i, inner);
    }
}

static void kernel_max(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    around a = around_of(c, tile);
    for (size_t o = a.from; o < a.to; o++) {
        const float *x = (const float *)c->in[0] + o * a.size * a.inner;
        for (size_t i = 0; i < a.inner; i += LANES) {
            lanes top = load_row(x, i, a.inner);
            for (size_t k = 1; k < a.size; k++) {
                top = v_max(load_row(x + k * a.inner, i, a.inner), top);
            }
            store_row((float *)c->out + o * a.inner, top, i, a.inner);
        }
    }
}

static void kernel_max_backward(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    around a = around_of(c, tile);
    for (size_t o = a.from; o < a.to; o++) {
        const float *x = (const float *)c->in[0] + o * a.size * a.inner;
        const float *y = (const float *)c->in[1] + o * a.inner;
        const float *dy = (const float *)c->in[2] + o * a.inner;
        float *out = (float *)c->out + o * a.size * a.inner;
        memset(out, 0, a.size * a.inner * sizeof *out);
        for (size_t i = 0; i < a.inner; i++) {
            size_t k = 0;
            while (k + 1 < a.size && x[k * a.inner + i] != y[i]) {
                k++;
            }
            out[k * a.inner + i] = dy[i];
        }
    }
}
