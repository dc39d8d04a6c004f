// Kernels that move elements: strided copies, places in zeros, concat, choices.

static void kernel_copy(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    size_t from, to;
    chunk_of(c, tile, &from, &to);
    rml_walk w;
    rml_walk_copy(&w, c);
    walk_at at = walk_from(&w, 0, from);
    walk_copy(&w, 0, &at, c->in[0], to - from, (float *)c->out + from);
}

static void kernel_place(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    uint32_t axis = (uint32_t)c->attributes[0];
    size_t inner = rml_shape_span(&c->shape, axis + 1, c->shape.rank);
    size_t part = c->shapes[0].size[axis] * inner, whole = c->shape.size[axis] * inner;
    size_t before = (size_t)c->attributes[1] * inner;
    float *out = (float *)c->out + tile * whole;
    memset(out, 0, before * sizeof *out);
    memcpy(out + before, (const float *)c->in[0] + tile * part, part * sizeof *out);
    memset(out + before + part, 0, (whole - before - part) * sizeof *out);
}

static void kernel_concat(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    uint32_t axis = (uint32_t)c->attributes[0];
    size_t inner = rml_shape_span(&c->shape, axis + 1, c->shape.rank);
    float *out = (float *)c->out + tile * c->shape.size[axis] * inner;
    for (size_t i = 0; i < c->input_count; i++) {
        size_t part = c->shapes[i].size[axis] * inner;
        memcpy(out, (const float *)c->in[i] + tile * part, part * sizeof *out);
        out += part;
    }
}

static void kernel_argmin(const rml_call *c, size_t tile, size_t worker)
{
    (void)tile;
    (void)worker;
    size_t n = c->shapes[0].size[c->shapes[0].rank - 1], rows = rml_shape_count(&c->shape);
    for (size_t r = 0; r < rows; r++) {
        const float *x = (const float *)c->in[0] + r * n;
        size_t best = 0;
        for (size_t i = 1; i < n; i++) {
            best = x[i] < x[best] ? i : best;
        }
        ((float *)c->out)[r] = (float)best;
    }
}

static void nearest_row(const float *x, size_t n, float count, float *out)
{
    for (size_t i = 0; i < n; i += LANES) {
        size_t part = n - i < LANES ? n - i : LANES;
        lanes own = v_load_part(x + i, part), smaller = v_set(0.0f);
        for (size_t k = 0; k < n; k++) {
            lanes one = v_select(v_less(v_set(x[k]), own), v_set(1.0f), v_set(0.0f));
            smaller = v_add(smaller, one);
        }
        lanes_mask kept = v_less(smaller, v_set(count));
        v_store_part(out + i, v_select(kept, v_set(1.0f), v_set(0.0f)), part);
    }
}

static void kernel_nearest(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    size_t n, from, to;
    rows_of(c, tile, &n, &from, &to);
    for (size_t r = from; r < to; r++) {
        nearest_row((const float *)c->in[0] + r * n, n, (float)c->attributes[0],
                    (float *)c->out + r * n);
    }
}

static size_t pick_at(float index, size_t count)
{
    size_t at = index > 0.0f ? (size_t)index : 0;
    return at < count ? at : count - 1;
}

static void kernel_pick(const rml_call *c, size_t tile, size_t worker)
{
    (void)tile;
    (void)worker;
    uint32_t axis = (uint32_t)c->attributes[0];
    const rml_shape *x = &c->shapes[0];
    size_t outer = rml_shape_span(x, 0, axis), inner = rml_shape_span(x, axis + 1, x->rank);
    for (size_t o = 0; o < outer; o++) {
        size_t at = o * x->size[axis] + pick_at(((const float *)c->in[1])[o], x->size[axis]);
        memcpy((float *)c->out + o * inner, (const float *)c->in[0] + at * inner,
               inner * sizeof(float));
    }
}

static void kernel_pick_backward(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    uint32_t axis = (uint32_t)c->attributes[0];
    size_t outer = rml_shape_span(&c->shape, 0, axis), size = c->shape.size[axis];
    size_t inner = rml_shape_span(&c->shape, axis + 1, c->shape.rank);
    size_t to = tile * 64 + 64 < outer ? tile * 64 + 64 : outer;
    for (size_t o = tile * 64; o < to; o++) {
        float *out = (float *)c->out + o * size * inner;
        memset(out, 0, size * inner * sizeof *out);
        memcpy(out + pick_at(((const float *)c->in[0])[o], size) * inner,
               (const float *)c->in[1] + o * inner, inner * sizeof *out);
    }
}
