// Attention of one head of one sample, forward and backward; the matrix lives in a worker's
// scratch. Backward computes it again.

typedef struct head_data {
    rml_attention a;
    size_t at;         // of this head in q, k, v
    const float *keep; // [tokens] or NULL
    float scale;
    size_t tokens_step; // floats of a row of the matrix
    float *packed[4];
    float *p, *dp; // [tokens_padded, tokens_step]
} head_data;

static head_data head_of(const rml_call *c, size_t tile, size_t worker)
{
    head_data h = {0};
    rml_attention_of(c, &h.a);
    size_t sample = tile / h.a.heads, head = tile % h.a.heads;
    h.at = sample * h.a.tokens * h.a.width + head * h.a.head;
    const float *keep = c->in[3];
    h.keep = keep ? keep + sample * h.a.tokens : NULL;
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

static void probabilities(const head_data *h, const float *q, const float *k)
{
    pack_tokens_as_columns(h, k, h->packed[0]);
    tokens_by_tokens(h, q, h->packed[0], h->p);
    for (size_t r = 0; r < h->a.tokens; r++) {
        float *row = h->p + r * h->tokens_step;
        softmax_row(row, h->keep, h->scale, h->a.tokens, row);
    }
}

static void kernel_attention(const rml_call *c, size_t tile, size_t worker)
{
    head_data h = head_of(c, tile, worker);
    const float *q = (const float *)c->in[0] + h.at, *k = (const float *)c->in[1] + h.at;
    probabilities(&h, q, k);
    pack_tokens_as_rows(&h, (const float *)c->in[2] + h.at, h.packed[1]);
    tokens_by_head(&h, (left_side){h.p, h.tokens_step, 1}, h.packed[1], (float *)c->out + h.at);
}

static void kernel_attention_backward(const rml_call *c, size_t tile, size_t worker)
{
    head_data h = head_of(c, tile, worker);
    const float *q = (const float *)c->in[0] + h.at, *k = (const float *)c->in[1] + h.at;
    const float *v = (const float *)c->in[2] + h.at, *dy = (const float *)c->in[4] + h.at;
    size_t count = h.a.batch * h.a.tokens * h.a.width;
    float *dq = (float *)c->out + h.at, *dk = dq + count, *dv = dk + count;
    probabilities(&h, q, k);
    pack_tokens_as_rows(&h, dy, h.packed[1]);
    left_side across = {h.p, 1, h.tokens_step};
    tokens_by_head(&h, across, h.packed[1], dv);
    pack_tokens_as_columns(&h, v, h.packed[0]);
    tokens_by_tokens(&h, dy, h.packed[0], h.dp);
    lanes scale = v_set(h.scale);
    for (size_t r = 0; r < h.a.tokens; r++) {
        float *p = h.p + r * h.tokens_step, *dp = h.dp + r * h.tokens_step;
        size_t n = h.a.tokens;
        lanes dot = v_set(row_dot(p, dp, n));
        for (size_t i = 0; i < n; i += LANES) {
            lanes ds = v_mul(load_row(p, i, n), v_sub(load_row(dp, i, n), dot));
            store_row(dp, v_mul(ds, scale), i, n);
        }
    }
    pack_tokens_as_rows(&h, k, h.packed[2]);
    tokens_by_head(&h, (left_side){h.dp, h.tokens_step, 1}, h.packed[2], dq);
    pack_tokens_as_rows(&h, q, h.packed[3]);
    tokens_by_head(&h, (left_side){h.dp, 1, h.tokens_step}, h.packed[3], dk);
}
