// Elementwise kernels on lanes. A tile is RML_CHUNK elements of the output.

static inline void chunk_of(const rml_call *c, size_t tile, size_t *from, size_t *to)
{
    size_t count = rml_shape_count(&c->shape);
    *from = tile * RML_CHUNK;
    *to = *from + RML_CHUNK < count ? *from + RML_CHUNK : count;
}

// ---- Two inputs, each read with a step of 0 or 1 (or any) along the inner loop ------------------

#define BINARY_KERNEL(name, function)                                                              \
    static void row_##name(size_t n, const float *a, size_t step_a, const float *b, size_t step_b, \
                           float *out)                                                             \
    {                                                                                              \
        size_t i = 0;                                                                              \
        if (step_a == 1 && step_b == 1) {                                                          \
            for (; i + LANES <= n; i += LANES) {                                                   \
                v_store(out + i, function(v_load(a + i), v_load(b + i)));                          \
            }                                                                                      \
        } else if (step_a == 1 && step_b == 0) {                                                   \
            for (; i + LANES <= n; i += LANES) {                                                   \
                v_store(out + i, function(v_load(a + i), v_set(*b)));                              \
            }                                                                                      \
        } else if (step_a == 0 && step_b == 1) {                                                   \
            for (; i + LANES <= n; i += LANES) {                                                   \
                v_store(out + i, function(v_set(*a), v_load(b + i)));                              \
            }                                                                                      \
        }                                                                                          \
        while (i < n) {                                                                            \
            float left[LANES] = {0}, right[LANES] = {0};                                           \
            size_t part = n - i < LANES ? n - i : LANES;                                           \
            for (size_t k = 0; k < part; k++) {                                                    \
                left[k] = a[(i + k) * step_a];                                                     \
                right[k] = b[(i + k) * step_b];                                                    \
            }                                                                                      \
            v_store_part(out + i, function(v_load(left), v_load(right)), part);                    \
            i += part;                                                                             \
        }                                                                                          \
    }                                                                                              \
    static void kernel_##name(const rml_call *c, size_t tile, size_t worker)                       \
    {                                                                                              \
        (void)worker;                                                                              \
        binary_tile(c, tile, row_##name);                                                          \
    }

typedef void binary_row(size_t n, const float *a, size_t step_a, const float *b, size_t step_b,
                        float *out);

static void binary_tile(const rml_call *c, size_t tile, binary_row *row)
{
    size_t from, to;
    chunk_of(c, tile, &from, &to);
    const float *a = c->in[0], *b = c->in[1];
    float *out = c->out;
    if (rml_shape_equal(&c->shapes[0], &c->shapes[1])) {
        row(to - from, a + from, 1, b + from, 1, out + from);
        return;
    }
    rml_walk w;
    const rml_shape *shapes[2] = {&c->shapes[0], &c->shapes[1]};
    rml_walk_broadcast(&w, &c->shape, shapes, 2);
    uint32_t last = w.rank - 1;
    walk_at left = walk_from(&w, 0, from), right = walk_from(&w, 1, from);
    if (w.size[last] >= LANES) {
        for (size_t n; from < to; from += n) {
            n = walk_run(&w, &left, to - from);
            row(n, a + left.at, w.stride[0][last], b + right.at, w.stride[1][last], out + from);
            walk_on(&w, 0, &left, n);
            walk_on(&w, 1, &right, n);
        }
        return;
    }
    float x[WALK_BLOCK], y[WALK_BLOCK];
    for (size_t n; from < to; from += n) {
        n = to - from < WALK_BLOCK ? to - from : WALK_BLOCK;
        walk_copy(&w, 0, &left, a, n, x);
        walk_copy(&w, 1, &right, b, n, y);
        row(n, x, 1, y, 1, out + from);
    }
}

BINARY_KERNEL(add, v_add)
BINARY_KERNEL(sub, v_sub)
BINARY_KERNEL(mul, v_mul)
BINARY_KERNEL(div, v_div)
BINARY_KERNEL(gelu_backward, v_gelu_backward)

// ---- One input ---------------------------------------------------------------------------------

#define UNARY_KERNEL(name, expression)                                                             \
    static void kernel_##name(const rml_call *c, size_t tile, size_t worker)                       \
    {                                                                                              \
        (void)worker;                                                                              \
        size_t i, to;                                                                              \
        chunk_of(c, tile, &i, &to);                                                                \
        const float *in = c->in[0];                                                                \
        float *out = c->out;                                                                       \
        for (; i + LANES <= to; i += LANES) {                                                      \
            lanes x = v_load(in + i);                                                              \
            v_store(out + i, expression);                                                          \
        }                                                                                          \
        if (i < to) {                                                                              \
            lanes x = v_load_part(in + i, to - i);                                                 \
            v_store_part(out + i, expression, to - i);                                             \
        }                                                                                          \
    }

#define ABOVE(x) v_less(v_set(0.0f), x)
UNARY_KERNEL(neg, v_neg(x))
UNARY_KERNEL(exp, v_exp(x))
UNARY_KERNEL(log, v_log(x))
UNARY_KERNEL(abs, v_abs(x))
UNARY_KERNEL(sqrt, v_sqrt(x))
UNARY_KERNEL(tanh, v_tanh(x))
UNARY_KERNEL(gelu, v_gelu(x))
UNARY_KERNEL(relu, v_select(ABOVE(x), x, v_set(0.0f)))
UNARY_KERNEL(step, v_select(ABOVE(x), v_set(1.0f), v_set(0.0f)))
UNARY_KERNEL(sign, v_select(ABOVE(x), v_set(1.0f),
                            v_select(v_less(x, v_set(0.0f)), v_set(-1.0f), v_set(0.0f))))
UNARY_KERNEL(scale, v_mul(x, v_set((float)c->attributes[0])))

// GELU and, beside it, its slope.
static void kernel_gelu_slope(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    size_t i, to;
    chunk_of(c, tile, &i, &to);
    for (size_t part; i < to; i += part) {
        part = to - i < LANES ? to - i : LANES;
        lanes slope, y = v_gelu_with_slope(v_load_part((const float *)c->in[0] + i, part), &slope);
        v_store_part((float *)c->side + i, slope, part);
        v_store_part((float *)c->out + i, y, part);
    }
}

// To the nearest whole number, a half to the even one; |x| < 2^22.
static inline lanes v_nearest(lanes x)
{
    return v_sub(v_add(x, v_set(0x1.8p23f)), v_set(0x1.8p23f));
}

static inline lanes v_quantize(lanes x, float scale, float zero)
{
    lanes low = v_set(-zero), high = v_set((float)RML_QUANTISED_MOST - zero);
    lanes above = v_max(v_div(x, v_set(scale)), low);
    return v_nearest(v_select(v_less(above, high), above, high));
}
UNARY_KERNEL(quantize, v_quantize(x, (float)c->attributes[0], (float)c->attributes[1]))
