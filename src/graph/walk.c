// Shared by rows and kernels: how an output is walked when its inputs are broadcast or permuted.
#include "op.h"

// Joins axes that all inputs step through as one, so that the inner loop is long.
void rml_walk_join(rml_walk *w, int count)
{
    uint32_t rank = 0;
    for (uint32_t i = 0; i < w->rank; i++) {
        if (w->size[i] == 1) {
            continue;
        }
        bool joins = rank > 0;
        for (int k = 0; k < count && joins; k++) {
            joins = w->stride[k][rank - 1] == w->stride[k][i] * w->size[i];
        }
        uint32_t to = joins ? rank - 1 : rank++;
        w->size[to] = joins ? w->size[to] * w->size[i] : w->size[i];
        for (int k = 0; k < count; k++) {
            w->stride[k][to] = w->stride[k][i];
        }
    }
    if (rank == 0) {
        w->size[0] = 1;
        w->stride[0][0] = w->stride[1][0] = 0;
        rank = 1;
    }
    w->rank = rank;
}

void rml_walk_broadcast(rml_walk *w, const rml_shape *out, const rml_shape *const *in, int count)
{
    *w = (rml_walk){.rank = out->rank};
    for (uint32_t i = 0; i < out->rank; i++) {
        w->size[i] = out->size[i];
    }
    for (int k = 0; k < count; k++) {
        size_t stride = 1;
        for (uint32_t i = 0; i < in[k]->rank; i++) {
            uint32_t from = in[k]->rank - 1 - i, to = out->rank - 1 - i;
            w->stride[k][to] = in[k]->size[from] == 1 ? 0 : stride;
            stride *= in[k]->size[from];
        }
    }
    rml_walk_join(w, count);
}

size_t rml_tiles_rows(const rml_call *c)
{
    const rml_shape *x = &c->shapes[0];
    size_t columns = x->rank > 0 ? x->size[x->rank - 1] : 1;
    return rml_ceil(rml_shape_count(x) / columns, RML_TILE_LINES);
}

size_t rml_tiles_chunks(const rml_call *c)
{
    return rml_ceil(rml_shape_count(&c->shape), RML_CHUNK);
}

size_t rml_tiles_one(const rml_call *c)
{
    (void)c;
    return 1;
}

const char *rml_shape_as_first(const rml_shape *in, size_t count, const double *attributes,
                               rml_shape *out)
{
    (void)count;
    (void)attributes;
    *out = in[0];
    return NULL;
}

size_t rml_tree_levels(size_t leaves)
{
    size_t levels = 1;
    while (leaves > 0) {
        levels++;
        leaves >>= 1;
    }
    return levels;
}
