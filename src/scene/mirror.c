// scene: left for right. Which features change sign follows docs/scenes.md.
#include "cutter.h"

static void negate(float *x, size_t index)
{
    x[index] = 0.0f - x[index]; // 0 stays +0
}

static void swap(float *x, size_t a, size_t b)
{
    float kept = x[a];
    x[a] = x[b];
    x[b] = kept;
}

// y of position, heading and velocity; y of the past's velocities; where it stands in its lane.
static void mirror_agent(float *x)
{
    static const uint8_t single[] = {4, 6, 8, 61, 62};
    for (size_t i = 0; i < sizeof single; i++) {
        negate(x, single[i]);
    }
    for (size_t i = 20; i < 55; i += 2) {
        negate(x, i);
    }
}

// y of middle, direction and chord; y of its points; where the focus stands beside it; neighbours.
static void mirror_map(float *x)
{
    static const uint8_t single[] = {4, 6, 8, 58, 59, 61};
    for (size_t i = 0; i < sizeof single; i++) {
        negate(x, single[i]);
    }
    for (size_t i = 20; i < 39; i += 2) {
        negate(x, i);
    }
    swap(x, 14, 15);
    swap(x, 16, 17);
}

void rml_mirror_points(float *xy, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        negate(xy, 2 * i + 1);
    }
}

void rml_mirror_tokens(const rml_scene_spec *spec, float *features)
{
    for (size_t t = 0; t < spec->agents; t++) {
        mirror_agent(features + t * RML_SCENE_FEATURES);
    }
    for (size_t t = 0; t < spec->map; t++) {
        mirror_map(features + (spec->agents + t) * RML_SCENE_FEATURES);
    }
}
