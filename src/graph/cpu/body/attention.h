// Attention of one head of one sample, forward and backward; the matrix lives in a worker's
// scratch, keys down and queries across, so that sixteen rows of softmax stand in the lanes and
// none has to be summed across. Backward computes it again.

typedef struct head_data {
    rml_attention a;
    size_t at;                    // of this head in q, k, v
    const float *keep;            // [keys], or [keys][queries], or NULL
    const float *pairs, *weights; // [features][keys][queries] and [features], or NULL
    float scale;
    size_t tokens_step; // floats of a row of the matrix
    float *packed[4];
    float *p, *dp; // [keys: tokens_padded, queries: tokens_step]
} head_data;

static head_data head_of(const rml_call *c, size_t tile, size_t worker)
{
    head_data h = {0};
    rml_attention_of(c, &h.a);
    size_t sample = tile / h.a.heads, head = tile % h.a.heads;
    h.at = sample * h.a.tokens * h.a.width + head * h.a.head;
    size_t square = h.a.tokens * h.a.tokens;
    const float *keep = c->in[3];
    h.keep = keep ? keep + sample * (h.a.mask_of_pairs ? square : h.a.tokens) : NULL;
    if (h.a.features > 0) {
        h.pairs = (const float *)c->in[4] + sample * h.a.features * square;
        h.weights = (const float *)c->in[5] + head * h.a.features;
    }
    float root[LANES];
    v_store(root, v_sqrt(v_set((float)h.a.head)));
    h.scale = 1.0f / root[0];
    h.tokens_step = h.a.tokens_padded;
    float *scratch = (float *)((uint8_t *)c->scratch + worker * c->scratch_size);
    for (int i = 0; i < 4; i++) {
        h.packed[i] = scratch;
        scratch += h.a.tokens_padded * h.a.head_padded;
    }
    h.p = scratch;
    h.dp = scratch + h.a.tokens_padded * h.a.tokens_padded;
    return h;
}

// Packs [tokens, head] as the right side of a product over the head (its rows become columns).
static void pack_tokens_as_columns(const head_data *h, const float *x, float *packed)
{
    pack_panels(h->a.head, h->a.tokens, x, 1, h->a.width, packed, h->a.head * LANES);
}

// Packs [tokens, head] as the right side of a product over the tokens.
static void pack_tokens_as_rows(const head_data *h, const float *x, float *packed)
{
    pack_panels(h->a.tokens, h->a.head, x, h->a.width, 1, packed, h->a.tokens * LANES);
}

// out[tokens, tokens_padded] = x[tokens, head] times packed columns.
static void tokens_by_tokens(const head_data *h, const float *x, const float *packed, float *out)
{
    panels_product(
        h->a.tokens, h->a.head, (left_side){x, h->a.width, 1},
        (right_side){packed, h->a.head * LANES},
        (result_side){.data = out, .row_step = h->tokens_step, .columns = h->a.tokens_padded});
}

// out[tokens, head] = a[tokens, tokens] times packed rows.
static void tokens_by_head(const head_data *h, left_side a, const float *packed, float *out)
{
    panels_product(h->a.tokens, h->a.tokens, a, (right_side){packed, h->a.tokens * LANES},
                   (result_side){.data = out, .row_step = h->a.width, .columns = h->a.head});
}

// Sums of sixteen rows that stand side by side, each with the lanes and the tree of a row's sum.
static lanes sums_side_by_side(lanes lane[LANES])
{
    for (size_t half = LANES / 2; half > 0; half /= 2) {
        for (size_t i = 0; i < half; i++) {
            lane[i] = v_add(lane[i], lane[i + half]);
        }
    }
    return lane[0];
}

// Sixteen queries of a matrix [keys][queries] without padding; zero behind the last.
static inline lanes load_queries(const head_data *h, const float *matrix, size_t key, size_t query)
{
    size_t left = h->a.tokens - query;
    const float *at = matrix + key * h->a.tokens + query;
    return left >= LANES ? v_load(at) : v_load_part(at, left);
}

// Whether no query reads a key.
static inline bool left_out(const head_data *h, size_t key)
{
    return h->keep != NULL && !h->a.mask_of_pairs && h->keep[key] == 0.0f;
}

// x where a query reads the key, else `otherwise`.
static inline lanes where_kept(const head_data *h, size_t key, size_t query, lanes x,
                               lanes otherwise)
{
    if (h->keep == NULL || !h->a.mask_of_pairs) {
        return x;
    }
    lanes keep = load_queries(h, h->keep, key, query);
    return v_select(v_unequal(keep, v_set(0.0f)), x, otherwise);
}

// The score of sixteen queries, and the bias of each pair on top.
static inline lanes score_side_by_side(const head_data *h, const float *p, size_t key, size_t query)
{
    lanes score = v_mul(v_load(p + key * h->tokens_step), v_set(h->scale));
    for (size_t r = 0; r < h->a.features; r++) {
        lanes pair = load_queries(h, h->pairs + r * h->a.tokens * h->a.tokens, key, query);
        score = v_fma(v_set(h->weights[r]), pair, score);
    }
    return score;
}

enum { TOPS = 4 }; // chains of maxima side by side, so that none waits for the one before it

// The largest score of sixteen queries from `query` on. Where pairs add to it, p is made the score.
static lanes top_side_by_side(const head_data *h, float *p, size_t query)
{
    lanes top[TOPS];
    for (size_t i = 0; i < TOPS; i++) {
        top[i] = v_set(LOWEST);
    }
    for (size_t k = 0; k < h->a.tokens; k++) {
        if (left_out(h, k)) {
            continue;
        }
        lanes score = score_side_by_side(h, p, k, query), *highest = &top[k % TOPS];
        if (h->a.features > 0) {
            v_store(p + k * h->tokens_step, score);
        }
        *highest = where_kept(h, k, query, v_max(score, *highest), *highest);
    }
    return v_max(v_max(top[0], top[1]), v_max(top[2], top[3]));
}

// softmax_row for sixteen queries from `query` on, at p. `of` is copied: a store of lanes might
// change what a pointer leads to.
static void softmax_side_by_side(const head_data *of, float *p, size_t query)
{
    const head_data h = *of;
    lanes zero = v_set(0.0f), down = v_neg(top_side_by_side(&h, p, query)), lane[LANES];
    for (size_t i = 0; i < LANES; i++) {
        lane[i] = zero;
    }
    lanes scale = v_set(h.a.features > 0 ? 1.0f : h.scale);
    for (size_t k = 0; k < h.a.tokens; k++) {
        float *at = p + k * h.tokens_step;
        lanes e = zero;
        if (!left_out(&h, k)) {
            e = v_exp_down(v_fma(v_load(at), scale, down));
            e = where_kept(&h, k, query, e, zero);
            lane[k % LANES] = v_add(lane[k % LANES], e);
        }
        v_store(at, e);
    }
    lanes total = sums_side_by_side(lane);
    lanes inverse = v_select(v_less(zero, total), v_div(v_set(1.0f), total), total);
    for (size_t k = 0; k < h.a.tokens; k++) {
        float *at = p + k * h.tokens_step;
        v_store(at, v_mul(v_load(at), inverse));
    }
}

static void probabilities(const head_data *h, const float *q, const float *k)
{
    pack_tokens_as_columns(h, q, h->packed[0]);
    tokens_by_tokens(h, k, h->packed[0], h->p);
    for (size_t query = 0; query < h->a.tokens; query += LANES) {
        softmax_side_by_side(h, h->p + query, query);
    }
}

static void kernel_attention(const rml_call *c, size_t tile, size_t worker)
{
    head_data h = head_of(c, tile, worker);
    const float *q = (const float *)c->in[0] + h.at, *k = (const float *)c->in[1] + h.at;
    probabilities(&h, q, k);
    pack_tokens_as_rows(&h, (const float *)c->in[2] + h.at, h.packed[1]);
    tokens_by_head(&h, (left_side){h.p, 1, h.tokens_step}, h.packed[1], (float *)c->out + h.at);
}

// Of the sixteen queries at p and dp: dp becomes the gradient by the products; what each feature's
// weight gets is added to by_feature.
static void softmax_backward_side_by_side(const head_data *of, const float *p, float *dp,
                                          size_t query, lanes *by_feature)
{
    const head_data h = *of;
    lanes scale = v_set(h.scale), lane[LANES];
    for (size_t i = 0; i < LANES; i++) {
        lane[i] = v_set(0.0f);
    }
    for (size_t k = 0; k < h.a.tokens; k++) {
        size_t at = k * h.tokens_step;
        lanes product = v_mul(v_load(p + at), v_load(dp + at));
        lane[k % LANES] = v_add(lane[k % LANES], product);
    }
    lanes dot = sums_side_by_side(lane);
    for (size_t k = 0; k < h.a.tokens; k++) {
        size_t at = k * h.tokens_step;
        lanes ds = v_mul(v_load(p + at), v_sub(v_load(dp + at), dot));
        for (size_t r = 0; r < h.a.features; r++) {
            lanes pair = load_queries(&h, h.pairs + r * h.a.tokens * h.a.tokens, k, query);
            by_feature[r] = v_fma(ds, pair, by_feature[r]);
        }
        v_store(dp + at, v_mul(ds, scale));
    }
}

static void kernel_attention_backward(const rml_call *c, size_t tile, size_t worker)
{
    head_data h = head_of(c, tile, worker);
    const float *q = (const float *)c->in[0] + h.at, *k = (const float *)c->in[1] + h.at;
    const float *v = (const float *)c->in[2] + h.at, *dy = (const float *)c->in[6] + h.at;
    size_t count = h.a.batch * h.a.tokens * h.a.width;
    float *dq = (float *)c->out + h.at, *dk = dq + count, *dv = dk + count;
    probabilities(&h, q, k);
    pack_tokens_as_rows(&h, dy, h.packed[1]);
    tokens_by_head(&h, (left_side){h.p, h.tokens_step, 1}, h.packed[1], dv);
    pack_tokens_as_columns(&h, dy, h.packed[0]);
    tokens_by_tokens(&h, v, h.packed[0], h.dp);
    lanes by_feature[RML_PAIR_FEATURES_MAX];
    for (size_t r = 0; r < h.a.features; r++) {
        by_feature[r] = v_set(0.0f);
    }
    for (size_t query = 0; query < h.a.tokens; query += LANES) {
        softmax_backward_side_by_side(&h, h.p + query, h.dp + query, query, by_feature);
    }
    for (size_t r = 0; r < h.a.features; r++) {
        ((float *)c->out)[3 * count + tile * h.a.features + r] = v_sum(by_feature[r]);
    }
    pack_tokens_as_rows(&h, k, h.packed[2]);
    tokens_by_head(&h, (left_side){h.dp, 1, h.tokens_step}, h.packed[2], dq);
    pack_tokens_as_rows(&h, q, h.packed[3]);
    tokens_by_head(&h, (left_side){h.dp, h.tokens_step, 1}, h.packed[3], dk);
}
