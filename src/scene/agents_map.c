// The cutter of the predictor: agents and map as tokens, the past and the future of the agents to
// predict.
#include "cutter.h"

enum { FEATURES, VALID, HISTORY, POSITION, VELOCITY, TARGET, TARGET_VALID, COUNT };

static size_t layout(const rml_scene_spec *s, rml_tensor_info *info)
{
    const rml_tensor_info all[COUNT] = {
        [FEATURES] = {.name = "features",
                      .rank = 2,
                      .shape = {s->agents + s->map, RML_SCENE_FEATURES}},
        [VALID] = {.name = "token_valid", .rank = 1, .shape = {s->agents + s->map}},
        [HISTORY] = {.name = "history",
                     .rank = 3,
                     .shape = {s->predict, s->history, 2},
                     .unit = "m"},
        [POSITION] = {.name = "position", .rank = 2, .shape = {s->predict, 2}, .unit = "m"},
        [VELOCITY] = {.name = "velocity", .rank = 2, .shape = {s->predict, 2}, .unit = "m/s"},
        [TARGET] = {.name = "target",
                    .rank = 3,
                    .shape = {s->predict, s->future, 2},
                    .future = true,
                    .unit = "m"},
        [TARGET_VALID] = {.name = "target_valid",
                          .rank = 2,
                          .shape = {s->predict, s->future},
                          .future = true},
    };
    for (size_t i = 0; i < COUNT; i++) {
        info[i] = all[i];
    }
    return COUNT;
}

static void cut(const rml_cutter *c, rml_window window, const rml_tensor_slot *out)
{
    rml_cut scene;
    rml_cut_begin(&scene, c, window);
    rml_cut_tokens(&scene, out[FEATURES].data, out[VALID].data);
    rml_cut_past(&scene, out[HISTORY].data, out[POSITION].data, out[VELOCITY].data);
    rml_cut_future(&scene, out[TARGET].data, out[TARGET_VALID].data);
}

static void mirror(const rml_scene_spec *s, const rml_tensor_slot *scene)
{
    rml_mirror_tokens(s, scene[FEATURES].data);
    rml_mirror_points(scene[HISTORY].data, (size_t)s->predict * s->history);
    rml_mirror_points(scene[POSITION].data, s->predict);
    rml_mirror_points(scene[VELOCITY].data, s->predict);
    rml_mirror_points(scene[TARGET].data, (size_t)s->predict * s->future);
}

static float where(const rml_scene_spec *s, const rml_tensor_view *scene)
{
    return ((const float *)scene[TARGET].data)[2 * (s->future - 1)];
}

static bool alike(const rml_scene_spec *s, const rml_tensor_view *a, const rml_tensor_view *b)
{
    return rml_alike_points(a[TARGET].data, b[TARGET].data, s->future) &&
           rml_alike_past(s, (const float *[]){a[FEATURES].data, b[FEATURES].data},
                          (const float *[]){a[VALID].data, b[VALID].data},
                          (const float *[]){a[HISTORY].data, b[HISTORY].data});
}

const rml_scene_cutter rml_cutter_agents_map = {
    .name = "agents_map",
    .about = "agents and map as tokens; past and future of the agents to predict",
    .layout = layout,
    .cut = cut,
    .mirror = mirror,
    .where = where,
    .alike = alike,
};
