// Pairs of tokens by their poses. Positions and headings stand among a token's features
// (docs/scenes.md); a key is seen from its query, as in Shi et al., "MTR", NeurIPS 2022, whose
// local attention also takes the nearest tokens alone.
#include "pose.h"

// Indices of a token's features; positions in units of 20 m.
enum { POSITION_X = 3, POSITION_Y, HEADING_COS, HEADING_SIN = RML_POSE_FEATURE_LAST };

typedef struct pairs {
    rml_graph *g;
    rml_shape square;    // [batch, keys, queries]
    rml_tensor key[4];   // x, y, cos, sin: [batch, tokens, 1]
    rml_tensor query[4]; // [batch, 1, tokens]
} pairs;
enum { X, Y, COS, SIN };

static rml_tensor number(pairs *p, double value)
{
    return rml_graph_constant(p->g, "", (rml_shape){0}, &value);
}

static rml_tensor product(pairs *p, rml_tensor a, rml_tensor b)
{
    return rml_op_mul(p->g, a, b);
}

// a b + c d, or a b - c d.
static rml_tensor cross(pairs *p, rml_tensor a, rml_tensor b, rml_tensor c, rml_tensor d,
                        bool minus)
{
    rml_tensor left = product(p, a, b), right = product(p, c, d);
    return minus ? rml_op_sub(p->g, left, right) : rml_op_add(p->g, left, right);
}

// exp(-rate x)
static rml_tensor fading(pairs *p, rml_tensor x, double rate)
{
    return rml_op_exp(p->g, rml_op_scale(p->g, x, -rate));
}

static void read_poses(pairs *p, uint32_t batch, uint32_t tokens, rml_tensor features)
{
    static const uint32_t columns[4] = {POSITION_X, POSITION_Y, HEADING_COS, HEADING_SIN};
    for (int i = 0; i < 4; i++) {
        p->key[i] = rml_op_slice(p->g, features, 2, columns[i], 1);
        p->query[i] = rml_op_reshape(p->g, p->key[i], (rml_shape){3, {batch, 1, tokens}});
    }
    p->square = (rml_shape){3, {batch, tokens, tokens}};
}

// Closeness, direction times closeness, relative heading, and two rings of distance.
static rml_tensor pair_features(pairs *p, rml_tensor dx, rml_tensor dy, rml_tensor square)
{
    rml_graph *g = p->g;
    const rml_tensor *k = p->key, *q = p->query;
    rml_tensor distance = rml_op_sqrt(g, rml_op_add(g, square, number(p, 1e-6)));
    rml_tensor beyond = rml_op_add(g, distance, number(p, 1));
    rml_tensor near = rml_op_div(g, number(p, 1), beyond);
    rml_tensor all[RML_POSE_FEATURES] = {
        near,
        product(p, cross(p, dx, q[COS], dy, q[SIN], false), near), // ahead of the query
        product(p, cross(p, dy, q[COS], dx, q[SIN], true), near),  // to its left
        cross(p, k[COS], q[COS], k[SIN], q[SIN], false),           // of the headings' difference:
        cross(p, k[SIN], q[COS], k[COS], q[SIN], true),            // cosine, sine
        fading(p, square, 8),                                      // within about 5 m
        fading(p, square, 0.5),                                    // within about 20 m
        rml_op_log(g, beyond),
    };
    rml_shape one = {4, {p->square.size[0], 1, p->square.size[1], p->square.size[2]}};
    for (int i = 0; i < RML_POSE_FEATURES; i++) {
        all[i] = rml_op_reshape(g, all[i], one);
    }
    return rml_op_concat(g, all, RML_POSE_FEATURES, 1);
}

// Of each query the nearest keys that are there.
static rml_tensor nearest_keys(pairs *p, rml_tensor square, rml_tensor mask, uint32_t count)
{
    rml_graph *g = p->g;
    rml_shape keys = {3, {p->square.size[0], p->square.size[1], 1}};
    const uint32_t swapped[RML_RANK_MAX] = {0, 2, 1};
    rml_tensor there = rml_op_reshape(g, mask, keys);
    rml_tensor gone = rml_op_scale(g, rml_op_sub(g, number(p, 1), there), 1e9);
    rml_tensor by_query = rml_op_transpose(g, rml_op_add(g, square, gone), swapped);
    rml_tensor among = rml_op_transpose(g, rml_op_nearest(g, by_query, count), swapped);
    return product(p, among, there);
}

rml_pose_pairs rml_pose_pairs_build(rml_graph *g, const rml_predictor_config *c, uint32_t batch,
                                    rml_tensor features, rml_tensor mask)
{
    rml_pose_pairs out = {-1, mask};
    if (!c->pose_bias && c->nearest == 0) {
        return out;
    }
    pairs p = {.g = g};
    read_poses(&p, batch, c->agents + c->map, features);
    rml_tensor dx = rml_op_sub(g, p.key[X], p.query[X]), dy = rml_op_sub(g, p.key[Y], p.query[Y]);
    rml_tensor square = cross(&p, dx, dx, dy, dy, false);
    if (c->pose_bias) {
        out.features = pair_features(&p, dx, dy, square);
    }
    if (c->nearest > 0) {
        out.keep = nearest_keys(&p, square, mask, c->nearest);
    }
    return out;
}
