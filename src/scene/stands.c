// The cutter of "stands": agents and map as tokens, the focus' past, and how long until it stands.
#include "cutter.h"

#include <math.h>
#include <string.h>

#define STANDS_MPS 0.5 // slower is standing, as the slice "moving" has it
#define ALIKE_S 0.05f

enum { FEATURES, VALID, HISTORY, STANDS, COUNT };

static size_t layout(const rml_scene_spec *s, rml_tensor_info *info)
{
    const rml_tensor_info all[COUNT] = {
        [FEATURES] = {.name = "features",
                      .rank = 2,
                      .shape = {s->agents + s->map, RML_SCENE_FEATURES}},
        [VALID] = {.name = "token_valid",
                   .rank = 1,
                   .shape = {s->agents + s->map},
                   .element = RML_ELEMENT_U8},
        [HISTORY] = {.name = "history",
                     .rank = 3,
                     .shape = {s->predict, s->history, 2},
                     .unit = "m"},
        [STANDS] = {.name = "stands_s", .rank = 1, .shape = {1}, .future = true, .unit = "s"},
    };
    memcpy(info, all, sizeof all);
    return COUNT;
}

// 0 if it stands now, the whole horizon if it does not stand within it.
static float until_it_stands(const rml_cut *cut)
{
    const rml_cutter *c = cut->c;
    const rml_near *focus = &cut->agents[0];
    const rml_track *track = &c->traffic->tracks[focus->item];
    const rml_track_state *s = &track->states[focus->state];
    double step_s = (double)rml_scene_step(c->traffic) * 1e-9;
    double speed = rml_cutter_state(c, focus->item, focus->state)->speed_mps;
    if (speed < STANDS_MPS) { // a missing speed is not known to stand
        return 0;
    }
    for (size_t k = 1; k <= c->spec.future && focus->state + k < track->count; k++) {
        double apart_s = (double)(s[k].t_ns - s[k - 1].t_ns) * 1e-9;
        double dx = s[k].x_m - s[k - 1].x_m, dy = s[k].y_m - s[k - 1].y_m;
        if (sqrt(dx * dx + dy * dy) < STANDS_MPS * apart_s) {
            return (float)((double)k * step_s);
        }
    }
    return (float)(c->spec.future * step_s);
}

static void cut(const rml_cutter *c, rml_window window, const rml_tensor_slot *out)
{
    rml_cut scene;
    float valid[RML_AGENTS_MOST + RML_MAP_MOST];
    float position[2 * RML_AGENTS_MOST], velocity[2 * RML_AGENTS_MOST];
    rml_cut_begin(&scene, c, window);
    rml_cut_tokens(&scene, out[FEATURES].data, valid);
    for (size_t i = 0; i < (size_t)c->spec.agents + c->spec.map; i++) {
        ((uint8_t *)out[VALID].data)[i] = valid[i] > 0;
    }
    rml_cut_past(&scene, out[HISTORY].data, position, velocity);
    *(float *)out[STANDS].data = until_it_stands(&scene);
}

static void mirror(const rml_scene_spec *s, const rml_tensor_slot *scene)
{
    rml_mirror_tokens(s, scene[FEATURES].data);
    rml_mirror_points(scene[HISTORY].data, (size_t)s->predict * s->history);
}

static float where(const rml_scene_spec *s, const rml_tensor_view *scene)
{
    (void)s;
    return *(const float *)scene[HISTORY].data; // x where its past begins
}

static bool alike(const rml_scene_spec *s, const rml_tensor_view *a, const rml_tensor_view *b)
{
    const uint8_t *there[] = {a[VALID].data, b[VALID].data};
    const float *stands[] = {a[STANDS].data, b[STANDS].data};
    float valid[2][2] = {{1, there[0][s->agents > 1]}, {1, there[1][s->agents > 1]}};
    return fabsf(*stands[0] - *stands[1]) <= ALIKE_S &&
           rml_alike_past(s, (const float *[]){a[FEATURES].data, b[FEATURES].data},
                          (const float *[]){valid[0], valid[1]},
                          (const float *[]){a[HISTORY].data, b[HISTORY].data});
}

const rml_scene_cutter rml_cutter_stands = {
    .name = "stands",
    .about = "agents and map as tokens; how long until the focus stands",
    .layout = layout,
    .cut = cut,
    .mirror = mirror,
    .where = where,
    .alike = alike,
};
