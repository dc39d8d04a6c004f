// Along a walk (op.h) of one input: runs of its last axis, one after the other.

#define WALK_BLOCK 256 // elements of an input that are laid out at a time where runs are short

// Where a walk stands: the coordinates of the next element of the output and where the input has
// it.
typedef struct walk_at {
    size_t index[RML_RANK_MAX], at;
} walk_at;

static walk_at walk_from(const rml_walk *w, int input, size_t element)
{
    walk_at p = {.at = w->start[input]};
    for (uint32_t i = w->rank; i-- > 0; element /= w->size[i]) {
        p.index[i] = element % w->size[i];
        p.at += p.index[i] * w->stride[input][i];
    }
    return p;
}

// What is left of the run, at most so many elements.
static inline size_t walk_run(const rml_walk *w, const walk_at *p, size_t most)
{
    size_t left = w->size[w->rank - 1] - p->index[w->rank - 1];
    return left < most ? left : most;
}

// Over n elements of the same run.
static inline void walk_on(const rml_walk *w, int input, walk_at *p, size_t n)
{
    const size_t *stride = w->stride[input];
    uint32_t i = w->rank - 1;
    p->index[i] += n;
    p->at += n * stride[i];
    for (; i > 0 && p->index[i] == w->size[i]; i--) {
        p->at += stride[i - 1] - p->index[i] * stride[i];
        p->index[i] = 0;
        p->index[i - 1]++;
    }
}

// Runs of two: coordinates.
static void walk_pairs(size_t runs, const float *in, size_t down, size_t step, float *out)
{
    for (size_t r = 0; r < runs; r++) {
        out[2 * r] = in[r * down];
        out[2 * r + 1] = in[r * down + step];
    }
}

// The next n elements as they stand in the output.
static void walk_copy(const rml_walk *w, int input, walk_at *p, const float *in, size_t n,
                      float *out)
{
    uint32_t last = w->rank - 1;
    size_t step = w->stride[input][last];
    for (size_t part; n > 0; n -= part, out += part) {
        if (last > 0 && w->size[last] == 2 && p->index[last] == 0 && n >= 2) {
            size_t runs = w->size[last - 1] - p->index[last - 1];
            runs = runs < n / 2 ? runs : n / 2;
            walk_pairs(runs, in + p->at, w->stride[input][last - 1], step, out);
            part = 2 * runs;
            p->index[last - 1] += runs - 1;
            p->at += (runs - 1) * w->stride[input][last - 1];
            walk_on(w, input, p, 2);
            continue;
        }
        part = walk_run(w, p, n);
        if (step == 1 && part >= LANES) {
            memcpy(out, in + p->at, part * sizeof *out);
        } else {
            for (size_t i = 0; i < part; i++) {
                out[i] = in[p->at + i * step];
            }
        }
        walk_on(w, input, p, part);
    }
}
