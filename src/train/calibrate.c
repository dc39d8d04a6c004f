// What stands at the inputs of linear layers, and the equalising of their channels.
#include "calibrate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SHRINKS = 20 };               // ranges that are tried, from the whole down to a half
static const double SCALE_MOST = 16; // of a channel

// ---- Layers ------------------------------------------------------------------------------------

static bool is_op(const rml_node *n, const char *op)
{
    return n != NULL && strcmp(n->op, op) == 0;
}

static const rml_node *maker_of(const rml_calibration *c, rml_tensor t)
{
    for (size_t i = 0; i < c->nodes.count; i++) {
        const rml_node *n = RML_AT(&c->nodes, rml_node, i);
        if (n->output == t) {
            return n;
        }
    }
    return NULL;
}

static rml_status add_layer(rml_calibration *c, const rml_node *n, rml_error *err)
{
    const rml_graph *g = c->engine->graph;
    rml_str name = rml_str_of(rml_graph_name(g, n->inputs[1]));
    rml_shape shape = rml_graph_shape(g, n->inputs[1]);
    rml_observed *o = rml_array_push(&c->layers, err);
    if (o == NULL) {
        return RML_ERR_MEMORY;
    }
    o->weight = n->inputs[1];
    o->bias = n->input_count > 2 ? n->inputs[2] : -1;
    o->input = n->inputs[0];
    o->columns = shape.size[0];
    o->depth = shape.size[1];
    o->most = RML_NEW_ARRAY(&c->arena, float, o->depth);
    o->mean = RML_NEW_ARRAY(&c->arena, double, o->depth);
    size_t len = name.len - strlen(".weight");
    snprintf(o->account.name, sizeof o->account.name, "%.*s", (int)len, name.data);
    return o->most && o->mean ? RML_OK : rml_fail_memory(err, o->depth * sizeof *o->mean);
}

static rml_status find_layers(rml_calibration *c, rml_error *err)
{
    const rml_model *m = &c->engine->model;
    const rml_tensor answers[] = {m->answer, m->probabilities, m->one};
    rml_tensor outputs[3];
    size_t count = 0;
    for (size_t i = 0; i < 3; i++) {
        if (answers[i] >= 0) {
            outputs[count++] = answers[i];
        }
    }
    RML_TRY(rml_graph_nodes(c->engine->graph, outputs, count, &c->arena, &c->nodes, err));
    for (size_t i = 0; i < c->nodes.count; i++) {
        const rml_node *n = RML_AT(&c->nodes, rml_node, i);
        if (is_op(n, "linear") &&
            rml_graph_role(c->engine->graph, n->inputs[1]) == RML_ROLE_PARAMETER) {
            RML_TRY(add_layer(c, n, err));
        }
    }
    return RML_OK;
}

rml_status rml_calibration_make(rml_calibration *c, rml_engine *engine, const rml_dataset *dataset,
                                uint32_t samples, rml_pool *pool, rml_error *err)
{
    *c = (rml_calibration){.engine = engine,
                           .dataset = dataset,
                           .samples = samples,
                           .pool = pool,
                           .nodes = RML_ARRAY(rml_node),
                           .layers = RML_ARRAY(rml_observed)};
    RML_TRY(rml_feed_find(engine, dataset, &c->feed, err));
    RML_TRY(find_layers(c, err));
    rml_tensor *inputs = RML_NEW_ARRAY(&c->arena, rml_tensor, c->layers.count + 1);
    if (inputs == NULL) {
        return rml_fail_memory(err, c->layers.count * sizeof *inputs);
    }
    for (size_t i = 0; i < c->layers.count; i++) {
        inputs[i] = RML_AT(&c->layers, rml_observed, i)->input;
    }
    rml_plan_options options = {.precision = RML_F32, .parameters_of = engine->plan};
    RML_TRY(rml_plan_make(engine->graph, inputs, c->layers.count, 0, &options, &c->plan, err));
    size_t most = 0;
    for (size_t i = 0; i < c->layers.count; i++) {
        size_t size = rml_plan_elements(c->plan, inputs[i]);
        most = size > most ? size : most;
    }
    rml_tensor mask = engine->model.dropped;
    size_t tokens = mask >= 0 ? rml_plan_elements(c->plan, mask) : 1;
    c->seen = RML_NEW_ARRAY(&c->arena, float, most + 1);
    c->valid = RML_NEW_ARRAY(&c->arena, float, tokens);
    return c->seen && c->valid ? RML_OK : rml_fail_memory(err, (most + tokens) * sizeof(float));
}

void rml_calibration_free(rml_calibration *c)
{
    rml_plan_free(c->plan);
    rml_array_reset(&c->nodes);
    rml_array_reset(&c->layers);
    rml_arena_reset(&c->arena);
}

// ---- Observing ---------------------------------------------------------------------------------

typedef void observe_row(rml_observed *o, const float *x);

static void row_range(rml_observed *o, const float *x)
{
    for (uint32_t k = 0; k < o->depth; k++) {
        o->most[k] = fmaxf(o->most[k], fabsf(x[k]));
        o->mean[k] += (double)x[k];
        o->account.low = fmin(o->account.low, (double)x[k]);
        o->account.high = fmax(o->account.high, (double)x[k]);
    }
    o->rows++;
}

static void row_bins(rml_observed *o, const float *x)
{
    double low = o->account.low, width = (o->account.high - low) / RML_RANGE_BINS;
    for (uint32_t k = 0; k < o->depth; k++) {
        double at = width > 0 ? ((double)x[k] - low) / width : 0;
        o->bins[at < RML_RANGE_BINS - 1 ? (size_t)at : RML_RANGE_BINS - 1]++;
    }
}

// Rows of tokens that are there; a tensor of fewer rows has predicted agents alone.
static rml_status observe_layer(const rml_calibration *c, rml_observed *o, size_t scenes,
                                observe_row *observe, rml_error *err)
{
    const rml_engine *e = c->engine;
    RML_TRY(rml_plan_get(c->plan, rml_plan_whole(c->plan, o->input), c->seen, err));
    size_t tokens = e->model.agents + e->model.map;
    size_t rows = rml_plan_elements(c->plan, o->input) / o->depth / e->batch;
    for (size_t row = 0; row < scenes * rows; row++) {
        if (rows != tokens || e->model.dropped < 0 || c->valid[row] > 0) {
            observe(o, c->seen + row * o->depth);
        }
    }
    return RML_OK;
}

static rml_status observe(rml_calibration *c, observe_row *one, rml_error *err)
{
    rml_engine *e = c->engine;
    size_t count = rml_dataset_count(c->dataset, RML_TRAIN);
    size_t samples = c->samples < count ? c->samples : count;
    for (size_t from = 0; from < samples; from += e->batch) {
        size_t scenes = samples - from < e->batch ? samples - from : e->batch;
        for (size_t i = 0; i < scenes; i++) {
            rml_tensor_view tensors[RML_TENSORS_MAX];
            size_t scene = (from + i) * count / samples; // spread over the split
            rml_dataset_sample(c->dataset, RML_TRAIN, scene, tensors);
            RML_TRY(rml_engine_put(e, c->plan, &c->feed, (uint32_t)i, tensors, err));
        }
        rml_plan_run(c->plan, c->pool);
        if (e->model.dropped >= 0) {
            rml_plan_slice valid = rml_plan_whole(c->plan, e->model.dropped);
            RML_TRY(rml_plan_get(c->plan, valid, c->valid, err));
        }
        for (size_t i = 0; i < c->layers.count; i++) {
            RML_TRY(observe_layer(c, RML_AT(&c->layers, rml_observed, i), scenes, one, err));
        }
    }
    return RML_OK;
}

rml_status rml_calibration_ranges(rml_calibration *c, rml_error *err)
{
    for (size_t i = 0; i < c->layers.count; i++) {
        rml_observed *o = RML_AT(&c->layers, rml_observed, i);
        memset(o->most, 0, o->depth * sizeof *o->most);
        memset(o->mean, 0, o->depth * sizeof *o->mean);
        o->account.low = o->account.high = 0;
        o->rows = 0;
    }
    RML_TRY(observe(c, row_range, err));
    for (size_t i = 0; i < c->layers.count; i++) {
        rml_observed *o = RML_AT(&c->layers, rml_observed, i);
        for (uint32_t k = 0; k < o->depth && o->rows > 0; k++) {
            o->mean[k] /= (double)o->rows;
        }
    }
    return RML_OK;
}

rml_status rml_calibration_bins(rml_calibration *c, rml_error *err)
{
    return observe(c, row_bins, err);
}

// ---- Equalising --------------------------------------------------------------------------------

static float *data_of(const rml_calibration *c, rml_tensor t)
{
    return c->values[t];
}

// The engine's parameters, to be read and written here.
static rml_status take_values(rml_calibration *c, rml_error *err)
{
    const rml_tensor *parameters;
    const rml_plan *plan = c->engine->plan;
    size_t count = rml_graph_parameters(c->engine->graph, &parameters), most = 0;
    for (size_t i = 0; i < count; i++) {
        most = (size_t)parameters[i] + 1 > most ? (size_t)parameters[i] + 1 : most;
    }
    c->values = RML_NEW_ARRAY(&c->arena, float *, most + 1);
    for (size_t i = 0; c->values != NULL && i < count; i++) {
        size_t size = rml_plan_elements(plan, parameters[i]);
        float *to = c->values[parameters[i]] = RML_NEW_ARRAY(&c->arena, float, size);
        if (to == NULL) {
            return rml_fail_memory(err, size * sizeof *to);
        }
        RML_TRY(rml_plan_get(plan, rml_plan_whole(plan, parameters[i]), to, err));
    }
    return c->values != NULL ? RML_OK : rml_fail_memory(err, most * sizeof *c->values);
}

static rml_status give_values(const rml_calibration *c, rml_error *err)
{
    const rml_tensor *parameters;
    rml_plan *plan = c->engine->plan;
    size_t count = rml_graph_parameters(c->engine->graph, &parameters);
    for (size_t i = 0; i < count; i++) {
        rml_plan_slice whole = rml_plan_whole(plan, parameters[i]);
        RML_TRY(rml_plan_put(plan, whole, c->values[parameters[i]], err));
    }
    return RML_OK;
}

// Whether all that reads a tensor are layers that are found.
static bool is_read_by_layers(const rml_calibration *c, rml_tensor t)
{
    for (size_t i = 0; i < c->nodes.count; i++) {
        const rml_node *n = RML_AT(&c->nodes, rml_node, i);
        for (size_t k = 0; k < n->input_count; k++) {
            if (n->inputs[k] == t && !(k == 0 && is_op(n, "linear"))) {
                return false;
            }
        }
    }
    return true;
}

// By how much channel k of all layers that read t is to be divided: root of the input's spread over
// the weights' (SmoothQuant, equation 4 with one half).
static double channel_scale(const rml_calibration *c, rml_tensor t, uint32_t k)
{
    double input = 0, weight = 0;
    for (size_t i = 0; i < c->layers.count; i++) {
        const rml_observed *o = RML_AT(&c->layers, rml_observed, i);
        if (o->input != t) {
            continue;
        }
        input = fmax(input, (double)o->most[k]);
        for (uint32_t j = 0; j < o->columns; j++) {
            weight = fmax(weight, fabs((double)data_of(c, o->weight)[j * o->depth + k]));
        }
    }
    double scale = input > 0 && weight > 0 ? sqrt(input / weight) : 1;
    return fmin(SCALE_MOST, fmax(1 / SCALE_MOST, scale));
}

static void scale_readers(rml_calibration *c, rml_tensor t, uint32_t k, float scale)
{
    for (size_t i = 0; i < c->layers.count; i++) {
        rml_observed *o = RML_AT(&c->layers, rml_observed, i);
        for (uint32_t j = 0; o->input == t && j < o->columns; j++) {
            data_of(c, o->weight)[j * o->depth + k] *= scale;
            o->account.equalised = true;
        }
    }
}

static const rml_observed *layer_of(const rml_calibration *c, const rml_node *linear)
{
    for (size_t i = 0; i < c->layers.count; i++) {
        const rml_observed *o = RML_AT(&c->layers, rml_observed, i);
        if (o->weight == linear->inputs[1]) {
            return o;
        }
    }
    return NULL;
}

// The rows of what makes t: a norm's gain and bias, or those of the value projection that attention
// mixes over tokens alone.
static void divide_maker(const rml_calibration *c, const rml_node *maker, uint32_t k, float scale)
{
    if (is_op(maker, "layer_norm")) {
        data_of(c, maker->inputs[1])[k] /= scale;
        data_of(c, maker->inputs[2])[k] /= scale;
        return;
    }
    const rml_node *value = maker_of(c, maker->inputs[2]);
    const rml_observed *o = layer_of(c, value);
    for (uint32_t i = 0; i < o->depth; i++) {
        data_of(c, o->weight)[k * o->depth + i] /= scale;
    }
    if (o->bias >= 0) {
        data_of(c, o->bias)[k] /= scale;
    }
}

static bool can_divide(const rml_calibration *c, const rml_node *maker)
{
    if (is_op(maker, "layer_norm")) {
        return rml_graph_role(c->engine->graph, maker->inputs[1]) == RML_ROLE_PARAMETER &&
               rml_graph_role(c->engine->graph, maker->inputs[2]) == RML_ROLE_PARAMETER;
    }
    if (!is_op(maker, "attention")) {
        return false;
    }
    const rml_node *value = maker_of(c, maker->inputs[2]);
    return is_op(value, "linear") && layer_of(c, value) != NULL;
}

rml_status rml_calibration_equalise(rml_calibration *c, rml_error *err)
{
    RML_TRY(take_values(c, err));
    for (size_t i = 0; i < c->layers.count; i++) {
        const rml_observed *o = RML_AT(&c->layers, rml_observed, i);
        const rml_node *maker = maker_of(c, o->input);
        if (o->account.equalised || !can_divide(c, maker) || !is_read_by_layers(c, o->input)) {
            continue;
        }
        for (uint32_t k = 0; k < o->depth; k++) {
            float scale = (float)channel_scale(c, o->input, k);
            divide_maker(c, maker, k, scale);
            scale_readers(c, o->input, k, scale);
        }
    }
    return give_values(c, err);
}

// ---- The range of bytes ------------------------------------------------------------------------

static double range_error(const rml_observed *o, double scale, double zero)
{
    double low = o->account.low, width = (o->account.high - low) / RML_RANGE_BINS, sum = 0;
    for (size_t i = 0; i < RML_RANGE_BINS; i++) {
        double x = low + ((double)i + 0.5) * width;
        double whole = fmin(RML_QUANTISED_MOST - zero, fmax(-zero, nearbyint(x / scale)));
        double apart = x - whole * scale;
        sum += (double)o->bins[i] * apart * apart;
    }
    return sum;
}

void rml_calibration_choose(rml_observed *o)
{
    double low = o->account.low, high = o->account.high, best = INFINITY, squares = 0;
    double width = (high - low) / RML_RANGE_BINS;
    o->account.scale = 1;
    for (size_t i = 0; i < RML_RANGE_BINS; i++) {
        double x = low + ((double)i + 0.5) * width;
        squares += (double)o->bins[i] * x * x;
    }
    for (int s = 0; s < SHRINKS && high > low; s++) {
        double share = 1 - 0.5 * s / SHRINKS;
        double scale = (double)(float)((high - low) * share / RML_QUANTISED_MOST);
        double zero = fmin(RML_QUANTISED_MOST, fmax(0, nearbyint(-low * share / scale)));
        double error = range_error(o, scale, zero);
        if (error < best) {
            best = error;
            o->account.scale = scale;
            o->account.zero = (uint32_t)zero;
        }
    }
    o->account.input_error = squares > 0 ? sqrt(best / squares) : 0;
}
