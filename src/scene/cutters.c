// The table of cutters, and what several of them say of two scenes.
#include "cutter.h"

#include <math.h>

#define ALIKE_FEATURE 0.05f // any feature of the agents

static const rml_scene_cutter *const cutters[] = {
    &rml_cutter_agents_map,
    &rml_cutter_stands,
};

size_t rml_scene_cutters(const rml_scene_cutter *const **out)
{
    *out = cutters;
    return sizeof cutters / sizeof *cutters;
}

const rml_scene_cutter *rml_scene_cutter_find(rml_str name)
{
    for (size_t i = 0; i < sizeof cutters / sizeof *cutters; i++) {
        if (rml_str_equal(name, rml_str_of(cutters[i]->name))) {
            return cutters[i];
        }
    }
    return NULL;
}

size_t rml_scene_layout(const rml_scene_cutter *cutter, const rml_scene_spec *spec,
                        rml_tensor_info info[RML_TENSORS_MAX])
{
    rml_scene_spec filled = *spec;
    rml_scene_spec_defaults(&filled);
    return cutter->layout(&filled, info);
}

static bool close_by(const float *a, const float *b, size_t count, float most)
{
    for (size_t i = 0; i < count; i++) {
        if (!(fabsf(a[i] - b[i]) <= most)) {
            return false;
        }
    }
    return true;
}

bool rml_alike_points(const float *a, const float *b, size_t count)
{
    return close_by(a, b, 2 * count, RML_SCENE_ALIKE_M);
}

bool rml_alike_past(const rml_scene_spec *spec, const float *features[2], const float *valid[2],
                    const float *history[2])
{
    return spec->agents > 1 && valid[0][1] > 0 && valid[1][1] > 0 &&
           rml_alike_points(history[0], history[1], spec->history) &&
           close_by(features[0], features[1], (size_t)spec->agents * RML_SCENE_FEATURES,
                    ALIKE_FEATURE);
}
