// Protects: a mirrored scene is the scene of mirrored traffic on a mirrored map.
#include "roadmill/scene.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { CARS = 4, STATES = 60, POINTS = 6, LANES = 2 };

typedef struct world {
    rml_track_state states[CARS][STATES];
    rml_track tracks[CARS];
    rml_point2 points[LANES][3][POINTS];
    rml_map_element lanes[LANES];
    rml_traffic traffic;
} world;

// side 1, or -1 for the mirror image.
static void world_make(world *w, double side)
{
    memset(w, 0, sizeof *w);
    static const char *const ids[] = {"1", "2", "3", "4"};
    for (int car = 0; car < CARS; car++) {
        for (int i = 0; i < STATES; i++) {
            double s = 12.0 * car + 0.8 * i, y = 1.5 * (car % 2) + 0.002 * (s - 10) * (s - 10);
            w->states[car][i] = (rml_track_state){.t_ns = (int64_t)i * 100000000,
                                                  .x_m = s,
                                                  .y_m = side * y,
                                                  .recorded_yaw_rad = NAN,
                                                  .recorded_speed_mps = NAN};
        }
        w->tracks[car] = (rml_track){.track_id = rml_str_of(ids[car]),
                                     .agent_class = RML_AGENT_CAR,
                                     .length_m = 4.5,
                                     .width_m = 1.8,
                                     .states = w->states[car],
                                     .count = STATES};
    }
    for (int lane = 0; lane < LANES; lane++) {
        for (int p = 0; p < POINTS; p++) {
            double x = 12.0 * p, y = 3.5 * lane + 0.002 * (x - 10) * (x - 10);
            for (int line = 0; line < 3; line++) { // left, right, centre
                double offset = line == 0 ? 1.75 : line == 1 ? -1.75 : 0;
                w->points[lane][line][p] = (rml_point2){x, side * (y + side * offset)};
            }
        }
        const char *above = lane == 0 ? "b" : "", *below = lane == 1 ? "a" : "";
        w->lanes[lane] = (rml_map_element){
            .id = lane == 0 ? RML_STR("a") : RML_STR("b"),
            .kind = RML_MAP_LANE,
            .left = {w->points[lane][0], POINTS, NULL},
            .right = {w->points[lane][1], POINTS, NULL},
            .centre = {w->points[lane][2], POINTS, NULL},
            .left_id = rml_str_of(side > 0 ? above : below),
            .right_id = rml_str_of(side > 0 ? below : above),
            .left_same = (side > 0) == (lane == 0),
            .right_same = (side > 0) == (lane == 1),
            .speed_limit_mps = NAN,
        };
    }
    w->traffic = (rml_traffic){.recording_id = RML_STR("r"),
                               .step_ns = 100000000,
                               .tracks = w->tracks,
                               .track_count = CARS,
                               .map = w->lanes,
                               .map_count = LANES};
}

enum { AGENTS = 4, MAP = 6, TOKENS = AGENTS + MAP, HISTORY = 20, FUTURE = 30 };
typedef struct tensors {
    float features[TOKENS * RML_SCENE_FEATURES], token_valid[TOKENS], history[HISTORY * 2];
    float position[2], velocity[2], target[FUTURE * 2], target_valid[FUTURE];
} tensors;

static const rml_scene_cutter *slots_of(tensors *t, rml_tensor_slot slots[7])
{
    void *const all[] = {t->features, t->token_valid, t->history,     t->position,
                         t->velocity, t->target,      t->target_valid};
    for (size_t i = 0; i < 7; i++) {
        slots[i] = (rml_tensor_slot){.data = all[i]};
    }
    return rml_scene_cutter_find(RML_STR("agents_map"));
}

static void cut(const world *w, const rml_scene_spec *spec, uint32_t track, tensors *out)
{
    rml_cutter *c;
    rml_tensor_slot v[7];
    const rml_scene_cutter *kind = slots_of(out, v);
    assert_int_equal(rml_cutter_make(&w->traffic, spec, &c, NULL), RML_OK);
    kind->cut(c, (rml_window){track, HISTORY - 1}, v);
    rml_cutter_free(c);
}

static void assert_near(const char *what, const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!(fabsf(a[i] - b[i]) <= 1e-4f)) {
            fail_msg("%s[%zu] (feature %zu): mirrored %g, cut from the mirror image %g", what, i,
                     i % RML_SCENE_FEATURES, (double)a[i], (double)b[i]);
        }
    }
}

static void test_mirror(void **state)
{
    (void)state;
    static world plain, image;
    static tensors a, b;
    rml_scene_spec spec = {.agents = AGENTS, .map = MAP};
    rml_scene_spec_defaults(&spec);
    world_make(&plain, 1);
    world_make(&image, -1);
    for (uint32_t track = 0; track < CARS; track++) {
        cut(&plain, &spec, track, &a);
        cut(&image, &spec, track, &b);
        assert_true(fabsf(a.target[FUTURE * 2 - 1]) > 0.1f); // it does turn
        rml_tensor_slot v[7];
        slots_of(&a, v)->mirror(&spec, v);
        assert_near("features", a.features, b.features, TOKENS * RML_SCENE_FEATURES);
        assert_near("token_valid", a.token_valid, b.token_valid, TOKENS);
        assert_near("history", a.history, b.history, HISTORY * 2);
        assert_near("velocity", a.velocity, b.velocity, 2);
        assert_near("target", a.target, b.target, FUTURE * 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mirror)};
    return cmocka_run_group_tests_name("mirror", tests, NULL, NULL);
}
