// The row of "stands": the seconds until the focus agent stands, one number, from what stands in
// its own token alone.
#include "tasks.h"

#include <math.h>
#include <string.h>

typedef struct stands_config {
    uint32_t features, hidden, width;
} stands_config;
_Static_assert(sizeof(stands_config) <= sizeof((rml_model_config){0}.of), "room for its settings");

#define AT(member) offsetof(stands_config, member)
static const rml_setting settings[] = {
    {"features", RML_SETTING_U32, AT(features), 1, 4096, 64, false},
    {"hidden", RML_SETTING_U32, AT(hidden), 1, 16384, 64, false},
    {"width", RML_SETTING_U32, AT(width), 1, 4096, 32, false},
};

// The settings of this task lie in the room that all tasks share.
static stands_config of(const rml_model_config *config)
{
    stands_config own;
    memcpy(&own, &config->of, sizeof own);
    return own;
}

static rml_status fit(rml_model_config *config, const rml_scene_shape *scenes, rml_error *err)
{
    (void)err;
    stands_config own = of(config);
    own.features = scenes->features;
    memcpy(&config->of, &own, sizeof own);
    return RML_OK;
}

static rml_tensor layer(rml_graph *g, const char *weight, const char *bias, rml_tensor x,
                        uint32_t in, uint32_t out)
{
    double scale = 1 / sqrt((double)in);
    rml_tensor w =
        rml_graph_parameter(g, weight, (rml_shape){2, {out, in}}, RML_INIT_UNIFORM, scale);
    rml_tensor b = rml_graph_parameter(g, bias, (rml_shape){1, {out}}, RML_INIT_ZERO, 0);
    return rml_op_linear(g, x, w, b);
}

// Two hidden layers over the focus' features; the loss is the absolute error in seconds.
static rml_status build(rml_graph *g, const rml_model_config *config, uint32_t batch,
                        uint32_t loss_over, rml_model *out, rml_error *err)
{
    const stands_config own = of(config), *c = &own;
    rml_tensor features = rml_graph_input(g, "features", (rml_shape){3, {batch, 1, c->features}});
    rml_tensor x = rml_op_reshape(g, features, (rml_shape){2, {batch, c->features}});
    x = rml_op_gelu(g, layer(g, "first.weight", "first.bias", x, c->features, c->hidden));
    x = rml_op_gelu(g, layer(g, "second.weight", "second.bias", x, c->hidden, c->width));
    rml_tensor stands = layer(g, "stands.weight", "stands.bias", x, c->width, 1);
    *out = (rml_model){.inputs = {{"features", features, true}},
                       .input_count = 1,
                       .outputs = {{"stands_s", stands}},
                       .output_count = 1,
                       .agents = 1,
                       .noised = features,
                       .dropped = -1,
                       .modes = 1,
                       .steps = 1,
                       .axes = 1,
                       .answer = stands,
                       .probabilities = -1,
                       .one = -1,
                       .width = c->width,
                       .embedding = x,
                       .loss = -1,
                       .loss_sum = -1,
                       .sample_loss = -1};
    if (loss_over > 0) {
        rml_tensor truth = rml_graph_input(g, "stands_s", (rml_shape){2, {batch, 1}});
        out->targets[out->target_count++] = (rml_model_input){"stands_s", truth, false};
        out->sample_loss = rml_op_sum(g, rml_op_abs(g, rml_op_sub(g, stands, truth)), 1);
        out->loss_sum = rml_op_sum(g, out->sample_loss, 0);
        out->loss = rml_op_scale(g, out->loss_sum, 1.0 / loss_over);
    }
    return rml_graph_status(g, err);
}

// The answer starts at the mean.
static rml_status start(const rml_model_config *config, const rml_scene_shape *scenes,
                        const float *const *tensors, size_t count, uint64_t seed, rml_pool *pool,
                        float *values, rml_error *err)
{
    (void)config, (void)scenes, (void)seed, (void)pool, (void)err;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)tensors[0][i];
    }
    values[0] = (float)(sum / (double)count);
    return RML_OK;
}

static const char *const metrics[] = {"stands_error", NULL};
static const char *const baselines[] = {"stands_never", "stands_blind", NULL};
static const char *const exports[] = {"onnx", "c", NULL};
static const char *const start_tensors[] = {"stands_s", NULL};

const rml_task rml_task_stands = {
    .name = "stands",
    .about = "the seconds until an agent stands",
    .cutter = "stands",
    .truth = "stands_s",
    .metrics = metrics,
    .baselines = baselines,
    .exports = exports,
    .compared = "stands_error",
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
    .fit = fit,
    .build = build,
    .start_parameter = "stands.bias",
    .start_tensors = start_tensors,
    .start = start,
};
