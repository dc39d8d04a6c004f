// model: the reference predictor (docs/training.md). Tokens (agents, then map) through pre-norm
// transformer blocks; K futures and a single one as residuals on causal constant velocity.
//
// Blocks: Xiong et al., "On layer normalization in the transformer architecture", ICML 2020. Keys
// have no bias: softmax takes it out again. Winner takes all: Lee et al., NIPS 2016, relaxed as
// Rupprecht et al., ICCV 2017.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pose.h"

static const double NORM_EPSILON = 1e-5;
// Under the root of a distance, m^2: its slope stays finite where a future meets the truth.
static const double DISTANCE_FLOOR_M2 = 1e-6;

typedef struct builder {
    rml_graph *g;
    const rml_predictor_config *config;
    uint32_t batch, loss_over, tokens;
    rml_tensor shares, floor; // of distances: what a step counts, what stands under the root
    rml_tensor quantised_from, quantised; // the newest input of a layer in int8, and its bytes
    const rml_quantiser *quantiser;
} builder;

static rml_shape shape_of(uint32_t rank, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e)
{
    return (rml_shape){rank, {a, b, c, d, e}};
}

// Defaults stand; what is negative is off.
static void config_resolve(rml_predictor_config *c)
{
    double *const numbers[] = {&c->winner_end, &c->distance, &c->relax, &c->laplace,
                               &c->feature_most};
    rml_predictor_defaults(c);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (*numbers[i] < 0) {
            *numbers[i] = 0;
        }
    }
}

// ---- Parts -------------------------------------------------------------------------------------

static rml_tensor constant_fill(builder *b, const char *name, rml_shape shape, const double *values)
{
    return rml_graph_constant(b->g, name, shape, values);
}

static rml_tensor constant_number(builder *b, const char *name, double value)
{
    return constant_fill(b, name, shape_of(1, 1, 0, 0, 0, 0), &value);
}

static const rml_quantiser *quantiser_of(const builder *b, const char *name)
{
    for (size_t i = 0; i < b->config->quantiser_count; i++) {
        if (strcmp(b->config->quantisers[i].layer, name) == 0) {
            return &b->config->quantisers[i];
        }
    }
    return NULL;
}

// y = (bytes of x) (whole weights) * scale + bias. Layers that read the same x share its bytes.
static rml_tensor linear_int8(builder *b, const char *name, const rml_quantiser *quantiser,
                              rml_tensor x, rml_tensor weight, rml_tensor bias)
{
    bool same = b->quantised_from == x && b->quantiser != NULL &&
                b->quantiser->scale == quantiser->scale && b->quantiser->zero == quantiser->zero;
    if (!same) {
        b->quantised = rml_op_quantize(b->g, x, quantiser->scale, quantiser->zero);
        b->quantised_from = x;
        b->quantiser = quantiser;
    }
    char text[96];
    snprintf(text, sizeof text, "%s.scale", name);
    uint32_t out = rml_graph_shape(b->g, weight).size[0];
    rml_tensor scale =
        rml_graph_parameter(b->g, text, shape_of(1, out, 0, 0, 0, 0), RML_INIT_ONE, 0);
    rml_tensor sums = rml_op_linear(b->g, b->quantised, weight, -1);
    rml_tensor y = rml_op_mul(b->g, sums, scale);
    return bias >= 0 ? rml_op_add(b->g, y, bias) : y;
}

// As torch.nn.Linear starts: uniform within 1 / sqrt(inputs), times `gain`.
static rml_tensor linear(builder *b, const char *name, rml_tensor x, uint32_t in, uint32_t out,
                         double gain, bool with_bias)
{
    char text[96];
    double scale = 1 / sqrt((double)in);
    rml_init init = gain > 0 ? RML_INIT_UNIFORM : RML_INIT_ZERO;
    snprintf(text, sizeof text, "%s.weight", name);
    rml_tensor weight =
        rml_graph_parameter(b->g, text, shape_of(2, out, in, 0, 0, 0), init, scale * gain);
    rml_tensor bias = -1;
    if (with_bias) {
        snprintf(text, sizeof text, "%s.bias", name);
        bias = rml_graph_parameter(b->g, text, shape_of(1, out, 0, 0, 0, 0), init, scale);
    }
    const rml_quantiser *quantiser = quantiser_of(b, name);
    return quantiser != NULL ? linear_int8(b, name, quantiser, x, weight, bias)
                             : rml_op_linear(b->g, x, weight, bias);
}

static rml_tensor norm(builder *b, const char *name, rml_tensor x)
{
    char text[96];
    rml_shape shape = shape_of(1, b->config->width, 0, 0, 0, 0);
    snprintf(text, sizeof text, "%s.weight", name);
    rml_tensor gain = rml_graph_parameter(b->g, text, shape, RML_INIT_ONE, 1);
    snprintf(text, sizeof text, "%s.bias", name);
    rml_tensor bias = rml_graph_parameter(b->g, text, shape, RML_INIT_ZERO, 0);
    return rml_op_layer_norm(b->g, x, gain, bias, NORM_EPSILON);
}

// The weights of the bias start at zero: attention begins without it.
static rml_tensor attend(builder *b, uint32_t index, rml_tensor q, rml_tensor k, rml_tensor v,
                         const rml_pose_pairs *pairs)
{
    uint32_t heads = b->config->heads;
    if (pairs->features < 0) {
        return rml_op_attention(b->g, q, k, v, pairs->keep, heads);
    }
    char name[48];
    snprintf(name, sizeof name, "blocks.%u.pose", index);
    rml_shape shape = shape_of(2, heads, RML_POSE_FEATURES, 0, 0, 0);
    rml_tensor weights = rml_graph_parameter(b->g, name, shape, RML_INIT_ZERO, 0);
    return rml_op_attention_pairs(b->g, q, k, v, pairs->keep, pairs->features, weights, heads);
}

static rml_tensor block(builder *b, uint32_t index, rml_tensor x, const rml_pose_pairs *pairs)
{
    static const char *const parts[] = {"norm1", "query", "key", "value",
                                        "out",   "norm2", "up",  "down"};
    enum { NORM1, QUERY, KEY, VALUE, OUT, NORM2, UP, DOWN, PARTS };
    char name[PARTS][48];
    for (int i = 0; i < PARTS; i++) {
        snprintf(name[i], sizeof name[i], "blocks.%u.%s", index, parts[i]);
    }
    uint32_t d = b->config->width, hidden = b->config->hidden;
    rml_tensor n = norm(b, name[NORM1], x);
    rml_tensor q = linear(b, name[QUERY], n, d, d, 1, true);
    rml_tensor k = linear(b, name[KEY], n, d, d, 1, false);
    rml_tensor v = linear(b, name[VALUE], n, d, d, 1, true);
    rml_tensor attended = attend(b, index, q, k, v, pairs);
    if (index + 1 == b->config->blocks) { // nobody reads the other tokens of the last block
        attended = rml_op_slice(b->g, attended, 1, 0, b->config->predict);
        x = rml_op_slice(b->g, x, 1, 0, b->config->predict);
    }
    x = rml_op_add(b->g, x, linear(b, name[OUT], attended, d, d, 1, true));
    rml_tensor up = linear(b, name[UP], norm(b, name[NORM2], x), d, hidden, 1, true);
    return rml_op_add(b->g, x, linear(b, name[DOWN], rml_op_gelu(b->g, up), hidden, d, 1, true));
}

// To [-most, most], by what is above on either side.
static rml_tensor limited(builder *b, rml_tensor x)
{
    double most = b->config->feature_most;
    if (!(most > 0)) {
        return x;
    }
    rml_graph *g = b->g;
    rml_tensor bound = constant_number(b, "feature_most", most);
    rml_tensor above = rml_op_relu(g, rml_op_sub(g, x, bound));
    rml_tensor below = rml_op_relu(g, rml_op_sub(g, rml_op_neg(g, x), bound));
    return rml_op_add(g, rml_op_sub(g, x, above), below);
}

// Causal constant velocity: [batch, predict, 1, steps, 2].
static rml_tensor straight_on(builder *b, const rml_predictor *p, rml_arena *arena)
{
    const rml_predictor_config *c = b->config;
    double *seconds = RML_NEW_ARRAY(arena, double, c->steps);
    if (!seconds) {
        return -1;
    }
    for (uint32_t t = 0; t < c->steps; t++) {
        seconds[t] = (t + 1) * c->dt_s;
    }
    rml_tensor times = constant_fill(b, "seconds", shape_of(2, c->steps, 1, 0, 0, 0), seconds);
    rml_shape one = shape_of(5, b->batch, c->predict, 1, 1, 2);
    rml_tensor velocity = rml_op_reshape(b->g, p->velocity, one);
    rml_tensor position = rml_op_reshape(b->g, p->position, one);
    return rml_op_add(b->g, rml_op_mul(b->g, velocity, times), position);
}

static void heads(builder *b, rml_tensor x, rml_predictor *p, rml_arena *arena)
{
    const rml_predictor_config *c = b->config;
    rml_graph *g = b->g;
    rml_tensor base = straight_on(b, p, arena);
    uint32_t numbers = c->modes * c->steps * 2;
    rml_shape shape = shape_of(5, b->batch, c->predict, c->modes, c->steps, 2);
    rml_tensor residual = linear(b, "futures", x, c->width, numbers, 0.1, true);
    residual = rml_op_reshape(g, residual, shape);
    if (!c->no_pin) {
        double *keep = RML_NEW_ARRAY(arena, double, c->modes);
        for (uint32_t k = 0; keep && k < c->modes; k++) {
            keep[k] = k > 0;
        }
        rml_shape modes = shape_of(3, c->modes, 1, 1, 0, 0);
        residual = rml_op_mul(g, residual, keep ? constant_fill(b, "pinned", modes, keep) : -1);
    }
    p->futures = rml_op_add(g, residual, base);
    p->logits = linear(b, "logits", x, c->width, c->modes, 1, true);
    p->probabilities = rml_op_softmax(g, p->logits, -1);
    p->one = -1;
    if (!c->no_single) {
        rml_tensor one = linear(b, "one", x, c->width, c->steps * 2, 0, true);
        rml_shape flat = shape_of(4, b->batch, c->predict, c->steps, 2, 0);
        p->one = rml_op_add(g, rml_op_reshape(g, one, flat), rml_op_reshape(g, base, flat));
    }
}

// ---- Loss --------------------------------------------------------------------------------------

// |x - target| in each coordinate under a Laplace distribution per step, summed over the path:
// [batch, predict, steps, 2] -> [batch, predict].
static rml_tensor laplace(builder *b, const char *name, rml_tensor x, const rml_predictor *p)
{
    const rml_predictor_config *c = b->config;
    rml_graph *g = b->g;
    rml_shape shape = shape_of(2, c->steps, 2, 0, 0, 0);
    rml_tensor scale = rml_graph_parameter(g, name, shape, RML_INIT_ZERO, 0);
    rml_tensor off = rml_op_abs(g, rml_op_sub(g, x, p->target));
    rml_tensor nll = rml_op_add(g, rml_op_mul(g, off, rml_op_exp(g, rml_op_neg(g, scale))), scale);
    rml_shape steps = shape_of(4, b->batch, c->predict, c->steps, 1, 0);
    rml_tensor valid = rml_op_reshape(g, p->target_valid, steps);
    rml_tensor sum = rml_op_sum(g, rml_op_sum(g, rml_op_mul(g, nll, valid), 3), 2);
    return c->laplace == 1 ? sum : rml_op_scale(g, sum, c->laplace);
}

// The distance of each of n futures by which the winner is chosen:
// [batch, predict, n, steps, 2] -> [batch, predict, n].
static rml_tensor distances(builder *b, rml_tensor futures, const rml_predictor *p)
{
    const rml_predictor_config *c = b->config;
    rml_graph *g = b->g;
    rml_shape target = shape_of(5, b->batch, c->predict, 1, c->steps, 2);
    rml_tensor off = rml_op_sub(g, futures, rml_op_reshape(g, p->target, target));
    rml_tensor square = rml_op_sum(g, rml_op_mul(g, off, off), 4);
    rml_tensor distance = rml_op_sqrt(g, rml_op_add(g, square, b->floor));
    rml_shape steps = shape_of(4, b->batch, c->predict, 1, c->steps, 0);
    rml_tensor weight = rml_op_mul(g, rml_op_reshape(g, p->target_valid, steps), b->shares);
    return rml_op_sum(g, rml_op_mul(g, distance, weight), 3);
}

// What each step counts in such a distance.
static rml_tensor step_shares(builder *b, rml_arena *arena)
{
    const rml_predictor_config *c = b->config;
    double *share = RML_NEW_ARRAY(arena, double, c->steps);
    for (uint32_t t = 0; share && t < c->steps; t++) {
        share[t] = (1 - c->winner_end) / c->steps + (t + 1 == c->steps ? c->winner_end : 0);
    }
    return share ? constant_fill(b, "shares", shape_of(1, c->steps, 0, 0, 0, 0), share) : -1;
}

// The mean over the predicted agents that are there, then over the samples.
static void mean_over_agents(builder *b, rml_tensor agent_loss, rml_predictor *p)
{
    rml_graph *g = b->g;
    rml_tensor there = rml_op_slice(g, p->token_valid, 1, 0, b->config->predict);
    rml_tensor sum = rml_op_sum(g, rml_op_mul(g, agent_loss, there), 1);
    p->sample_loss = rml_op_div(g, sum, rml_op_sum(g, there, 1));
    p->loss_sum = rml_op_sum(g, p->sample_loss, 0);
    p->loss = rml_op_scale(g, p->loss_sum, 1.0 / b->loss_over);
}

// The single mode's part of the loss: [batch, predict].
static rml_tensor loss_of_one(builder *b, const rml_predictor *p)
{
    const rml_predictor_config *c = b->config;
    rml_tensor loss = laplace(b, "one_log_scale", p->one, p);
    if (c->distance > 0) {
        rml_shape single = shape_of(5, b->batch, c->predict, 1, c->steps, 2);
        rml_tensor off = distances(b, rml_op_reshape(b->g, p->one, single), p);
        rml_tensor flat = rml_op_reshape(b->g, off, shape_of(2, b->batch, c->predict, 0, 0, 0));
        loss = rml_op_add(b->g, loss, rml_op_scale(b->g, flat, c->distance));
    }
    return loss;
}

static void losses(builder *b, rml_predictor *p, rml_arena *arena)
{
    const rml_predictor_config *c = b->config;
    rml_graph *g = b->g;
    b->shares = step_shares(b, arena);
    b->floor = constant_number(b, "distance_floor", DISTANCE_FLOOR_M2);
    rml_tensor distance = distances(b, p->futures, p);
    rml_tensor winner = rml_op_argmin(g, rml_op_stop_gradient(g, distance));
    rml_tensor best = rml_op_pick(g, p->futures, winner, 2);
    rml_tensor likely = rml_op_pick(g, rml_op_log_softmax(g, p->logits), winner, 2);
    rml_tensor loss = rml_op_sub(g, laplace(b, "log_scale", best, p), likely);
    if (c->distance > 0) {
        rml_tensor nearest = rml_op_pick(g, distance, winner, 2);
        loss = rml_op_add(g, loss, rml_op_scale(g, nearest, c->distance * (1 - c->relax)));
        if (c->relax > 0) {
            rml_tensor all = rml_op_mean(g, distance, 2);
            loss = rml_op_add(g, loss, rml_op_scale(g, all, c->distance * c->relax));
        }
    }
    if (!c->no_single) {
        loss = rml_op_add(g, loss, loss_of_one(b, p));
    }
    mean_over_agents(b, loss, p);
}

// ---- The whole ---------------------------------------------------------------------------------

static rml_status config_check(const rml_predictor_config *c, uint32_t batch, rml_error *err)
{
    bool fits = c->heads > 0 && c->width % c->heads == 0 && c->predict <= c->agents && batch > 0 &&
                c->winner_end <= 1 && c->relax <= 1 &&
                ((!c->pose_bias && c->nearest == 0) || c->features > RML_POSE_FEATURE_LAST);
    return fits ? RML_OK
                : rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                           "expected a width that the heads divide, predict <= agents, a batch, "
                           "shares of at most 1 and a scene's features, found width %u, heads %u, "
                           "predict %u, agents "
                           "%u, batch %u, winner_end %g, relax %g",
                           c->width, c->heads, c->predict, c->agents, batch, c->winner_end,
                           c->relax);
}

rml_status rml_predictor_build(rml_graph *g, const rml_predictor_config *config, uint32_t batch,
                               uint32_t loss_over, rml_predictor *out, rml_error *err)
{
    rml_predictor_config c = *config;
    config_resolve(&c);
    RML_TRY(config_check(&c, batch, err));
    rml_arena arena = {0};
    builder b = {.g = g,
                 .config = &c,
                 .batch = batch,
                 .loss_over = loss_over,
                 .tokens = c.agents + c.map,
                 .shares = -1,
                 .floor = -1};
    rml_predictor p = {
        .target = -1, .target_valid = -1, .loss = -1, .loss_sum = -1, .sample_loss = -1};
    p.features = rml_graph_input(g, "features", shape_of(3, batch, b.tokens, c.features, 0, 0));
    p.token_valid = rml_graph_input(g, "token_valid", shape_of(2, batch, b.tokens, 0, 0, 0));
    p.position = rml_graph_input(g, "position", shape_of(3, batch, c.predict, 2, 0, 0));
    p.velocity = rml_graph_input(g, "velocity", shape_of(3, batch, c.predict, 2, 0, 0));

    rml_tensor x = linear(&b, "embed", limited(&b, p.features), c.features, c.width, 1, true);
    rml_pose_pairs pairs = rml_pose_pairs_build(g, &c, batch, p.features, p.token_valid);
    for (uint32_t i = 0; i < c.blocks; i++) {
        x = block(&b, i, x, &pairs);
    }
    if (c.blocks == 0) {
        x = rml_op_slice(g, x, 1, 0, c.predict);
    }
    x = norm(&b, "norm", x);
    p.embedding =
        rml_op_reshape(g, rml_op_slice(g, x, 1, 0, 1), shape_of(2, batch, c.width, 0, 0, 0));
    heads(&b, x, &p, &arena);
    if (loss_over > 0) {
        rml_shape target = shape_of(4, batch, c.predict, c.steps, 2, 0);
        p.target = rml_graph_input(g, "target", target);
        p.target_valid =
            rml_graph_input(g, "target_valid", shape_of(3, batch, c.predict, c.steps, 0, 0));
        losses(&b, &p, &arena);
    }
    rml_arena_reset(&arena);
    RML_TRY(rml_graph_status(g, err));
    *out = p;
    return RML_OK;
}
