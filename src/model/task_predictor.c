// The row of the predictor: K futures of the focus agent.
#include "tasks.h"

#include <math.h>
#include <string.h>

#define AT(member) offsetof(rml_predictor_config, member)
static const rml_setting settings[] = {
    {"agents", RML_SETTING_U32, AT(agents), 1, 1024, 32, false},
    {"blocks", RML_SETTING_U32, AT(blocks), 1, 64, 4, false},
    {"distance", RML_SETTING_F64, AT(distance), -1, 1e6, 1, false},
    {"dt_s", RML_SETTING_F64, AT(dt_s), 1e-3, 10, 0.1, false},
    {"feature_most", RML_SETTING_F64, AT(feature_most), -1, 1e9, 0, false},
    {"features", RML_SETTING_U32, AT(features), 1, 4096, 64, false},
    {"heads", RML_SETTING_U32, AT(heads), 1, 64, 8, false},
    {"hidden", RML_SETTING_U32, AT(hidden), 1, 16384, 512, false},
    {"laplace", RML_SETTING_F64, AT(laplace), -1, 1e6, 0.03, false},
    {"map", RML_SETTING_U32, AT(map), 1, 1024, 32, false},
    {"modes", RML_SETTING_U32, AT(modes), 1, 64, 6, false},
    {"nearest", RML_SETTING_U32, AT(nearest), 0, 2048, 0, false},
    {"no_pin", RML_SETTING_BOOL, AT(no_pin), 0, 0, 0, false},
    {"no_single", RML_SETTING_BOOL, AT(no_single), 0, 0, 0, false},
    {"pose_bias", RML_SETTING_BOOL, AT(pose_bias), 0, 0, 0, false},
    {"predict", RML_SETTING_U32, AT(predict), 1, 1024, 1, false},
    {"relax", RML_SETTING_F64, AT(relax), -1, 1, 0.01, false},
    {"steps_ahead", RML_SETTING_U32, AT(steps), 1, 1024, 30, false},
    {"width", RML_SETTING_U32, AT(width), 1, 4096, 128, false},
    {"winner_end", RML_SETTING_F64, AT(winner_end), -1, 1, 1, false},
};
enum { SETTINGS = sizeof settings / sizeof *settings };

void rml_predictor_defaults(rml_predictor_config *config)
{
    const rml_settings part = {settings, SETTINGS, config};
    rml_settings_defaults(&part, 1);
}

void rml_predictor_model(const rml_predictor *p, const rml_predictor_config *config, rml_model *out)
{
    rml_predictor_config c = *config;
    rml_predictor_defaults(&c);
    *out = (rml_model){
        .inputs = {{"features", p->features, true},
                   {"token_valid", p->token_valid, true},
                   {"position", p->position, false},
                   {"velocity", p->velocity, false}},
        .input_count = 4,
        .targets = {{"target", p->target, false}, {"target_valid", p->target_valid, false}},
        .target_count = p->target >= 0 ? 2 : 0,
        .outputs = {{"futures", p->futures},
                    {"logits", p->logits},
                    {"probabilities", p->probabilities},
                    {"one", p->one}},
        .output_count = p->one >= 0 ? 4 : 3,
        .agents = c.agents,
        .map = c.map,
        .future = c.steps,
        .noised = p->features,
        .dropped = p->token_valid,
        .kept = c.predict,
        .modes = c.modes,
        .steps = c.steps,
        .axes = 2,
        .answer = p->futures,
        .probabilities = p->probabilities,
        .one = p->one,
        .width = c.width,
        .embedding = p->embedding,
        .loss = p->loss,
        .loss_sum = p->loss_sum,
        .sample_loss = p->sample_loss,
    };
}

static rml_status fit(rml_model_config *config, const rml_scene_shape *scenes, rml_error *err)
{
    rml_predictor_config *c = &config->of.predictor;
    c->agents = c->agents && c->agents < scenes->agents ? c->agents : scenes->agents;
    c->map = c->map && c->map < scenes->map ? c->map : scenes->map;
    c->features = scenes->features;
    c->steps = scenes->future;
    c->predict = c->predict ? c->predict : 1;
    c->dt_s = scenes->dt_s;
    if (c->predict > scenes->predict) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected to predict at most %u agents, as the version does, found %u",
                        scenes->predict, c->predict);
    }
    return RML_OK;
}

static rml_status build(rml_graph *g, const rml_model_config *config, uint32_t batch,
                        uint32_t loss_over, rml_model *out, rml_error *err)
{
    rml_predictor p;
    rml_predictor_config c = config->of.predictor;
    c.quantisers = config->quantisers;
    c.quantiser_count = config->quantiser_count;
    RML_TRY(rml_predictor_build(g, &c, batch, loss_over, &p, err));
    rml_predictor_model(&p, &c, out);
    return RML_OK;
}

// ---- Start -------------------------------------------------------------------------------------

static const rml_baseline_kind *residual_kind(void)
{
    size_t count;
    const rml_baseline_kind *kinds = rml_baseline_kinds(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(kinds[i].name, "blind_cv_unscaled_end") == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

// The smallest first: it is the pinned one.
static void order_residuals(const rml_predictor_config *c, const double *residuals, float *bias)
{
    size_t path = (size_t)c->steps * 2;
    uint32_t least = 0;
    double least_size = INFINITY;
    for (uint32_t k = 0; k < c->modes; k++) {
        double size = 0;
        for (size_t i = 0; i < path; i++) {
            size += residuals[k * path + i] * residuals[k * path + i];
        }
        if (size < least_size) {
            least = k;
            least_size = size;
        }
    }
    for (uint32_t k = 0; k < c->modes; k++) {
        uint32_t from = k == 0 ? least : k <= least ? k - 1 : k;
        for (size_t i = 0; i < path; i++) {
            bias[k * path + i] = (float)residuals[from * path + i];
        }
    }
}

// The futures start as the blind baseline's residuals, so that no future begins far from all data
// and is never taken.
static rml_status start(const rml_model_config *config, const rml_scene_shape *scenes,
                        const float *const *tensors, size_t count, uint64_t seed, rml_pool *pool,
                        float *values, rml_error *err)
{
    const rml_predictor_config *c = &config->of.predictor;
    rml_pasts pasts = {count, scenes->history, c->steps, c->dt_s, tensors[0], tensors[1]};
    rml_baseline *b = NULL;
    RML_TRY(rml_baseline_fit(residual_kind(), &pasts, c->modes, seed, pool, &b, err));
    order_residuals(c, rml_baseline_residuals(b), values);
    rml_baseline_free(b);
    return RML_OK;
}

// ---- The row -----------------------------------------------------------------------------------

static const char *const metrics[] = {
    "min_ade_1",       "min_ade_6",       "min_fde_1", "min_fde_6", "miss_rate_1", "miss_rate_6",
    "brier_min_fde_1", "brier_min_fde_6", "nll_1",     "nll_6",     NULL,
};
static const char *const baselines[] = {
    "cv_1",
    "cv_5",
    "cv_19",
    "ctra",
    "blind_cv_unscaled_path",
    "blind_cv_unscaled_end",
    "blind_cv_speed1_path",
    "blind_cv_speed1_end",
    "blind_cv_speed5_path",
    "blind_cv_speed5_end",
    "blind_ridge_unscaled_path",
    "blind_ridge_unscaled_end",
    "blind_ridge_speed1_path",
    "blind_ridge_speed1_end",
    "blind_ridge_speed5_path",
    "blind_ridge_speed5_end",
    NULL,
};
static const char *const exports[] = {"onnx", "c", NULL};
static const char *const start_tensors[] = {"history", "target", NULL};

const rml_task rml_task_predictor = {
    .name = "predictor",
    .about = "the futures of an agent, with probabilities",
    .cutter = "agents_map",
    .truth = "target",
    .truth_valid = "target_valid",
    .metrics = metrics,
    .baselines = baselines,
    .exports = exports,
    .compared = "min_fde_6",
    .settings = settings,
    .setting_count = SETTINGS,
    .fit = fit,
    .build = build,
    .start_parameter = "futures.bias",
    .start_tensors = start_tensors,
    .start = start,
};
