// The optimiser's loops. Source: torch.optim.AdamW and torch.optim.Muon, the same formulas in the
// same order.

static float squares(const float *x, size_t count)
{
    lanes sum = v_set(0.0f);
    for (size_t i = 0; i < count; i += LANES) {
        lanes a = load_row(x, i, count);
        sum = v_add(sum, v_mul(a, a));
    }
    return v_sum(sum);
}

static void adamw(size_t count, const rml_adamw_rates *r, const float *gradient, float *parameter,
                  float *first, float *second)
{
    lanes clip = v_set((float)r->clip), keep = v_set((float)r->keep), size = v_set((float)r->size);
    lanes beta1 = v_set((float)(1.0 - r->beta1)), beta2 = v_set((float)r->beta2);
    lanes other2 = v_set((float)(1.0 - r->beta2)), epsilon = v_set((float)r->epsilon);
    lanes scale = v_set((float)r->second_scale);
    for (size_t i = 0; i < count; i += LANES) {
        lanes g = v_mul(load_row(gradient, i, count), clip);
        lanes m = load_row(first, i, count), v = load_row(second, i, count);
        m = v_add(m, v_mul(v_sub(g, m), beta1));
        v = v_add(v_mul(v, beta2), v_mul(v_mul(g, g), other2));
        lanes divisor = v_add(v_mul(v_sqrt(v), scale), epsilon);
        lanes p = v_mul(load_row(parameter, i, count), keep);
        p = v_sub(p, v_div(v_mul(m, size), divisor));
        store_row(parameter, p, i, count);
        store_row(first, m, i, count);
        store_row(second, v, i, count);
    }
}

// Where element i of a matrix stands in one that lies with its shorter side as rows.
static size_t laid(const rml_muon_rates *r, size_t i)
{
    return r->rows <= r->columns ? i : i % r->columns * r->rows + i / r->columns;
}

static void muon_begin(const rml_muon_rates *r, const float *gradient, float *momentum, float *x)
{
    for (size_t i = 0; i < (size_t)r->rows * r->columns; i++) {
        float g = gradient[i] * r->clip;
        momentum[i] += (g - momentum[i]) * r->take;
        x[laid(r, i)] = g + (momentum[i] - g) * r->keep;
    }
}

static void muon_scale(const rml_muon_rates *r, float *x)
{
    for (size_t i = 0; i < (size_t)r->rows * r->columns; i++) {
        x[i] *= r->over;
    }
}

static void muon_end(const rml_muon_rates *r, const float *update, float *parameter)
{
    for (size_t i = 0; i < (size_t)r->rows * r->columns; i++) {
        parameter[i] = parameter[i] * r->decay - update[laid(r, i)] * r->size;
    }
}
