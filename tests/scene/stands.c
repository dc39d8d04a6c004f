// Protects: the time until the focus stands, on motions whose answer is known, and that a mirrored
// scene keeps it.
#include "roadmill/scene.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { STATES = 60, NOW = 19 };
static rml_track_state states[STATES];

// Drives at 10 m/s and brakes from sample `from` on by `rate_mps2`.
static float cut(int from, double rate_mps2, float *features, float *history, uint8_t *valid)
{
    const rml_scene_cutter *kind = rml_scene_cutter_find(RML_STR("stands"));
    const rml_scene_spec spec = {.agents = 2, .map = 2};
    rml_track track = {.track_id = {"a", 1}, .states = states, .count = STATES};
    rml_traffic traffic = {.recording_id = {"r", 1}, .step_ns = 100000000, .tracks = &track};
    traffic.track_count = 1;
    double x = 0;
    for (int k = 0; k < STATES; k++) {
        double speed = 10 - fmax(0, k - from) * 0.1 * rate_mps2;
        x += k > 0 ? 0.1 * fmax(0, speed) : 0;
        states[k] = (rml_track_state){.t_ns = k * 100000000LL,
                                      .x_m = x,
                                      .y_m = 1,
                                      .recorded_speed_mps = NAN,
                                      .recorded_yaw_rad = NAN};
    }
    rml_cutter *c = NULL;
    float stands = -1;
    rml_tensor_slot out[] = {{features, NULL}, {valid, NULL}, {history, NULL}, {&stands, NULL}};
    assert_non_null(kind);
    assert_int_equal(rml_cutter_make(&traffic, &spec, &c, NULL), RML_OK);
    kind->cut(c, (rml_window){0, NOW}, out);
    rml_cutter_free(c);
    return stands;
}

static void time_until_it_stands(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int from;
        double rate_mps2, want_s;
    } cases[] = {
        {"drives on", 1000, 1, 3},
        {"stands already", 0, 8, 0},
        {"brakes now", NOW, 5, 2},             // 0.5 m/s at 1.9 s is not yet below
        {"brakes later", NOW + 10, 9.8, 2},    // 0.2 m/s a second after
        {"not within the horizon", NOW, 3, 3}, // 1 m/s at its end
    };
    float features[4 * RML_SCENE_FEATURES], history[20 * 2];
    uint8_t valid[4];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float found = cut(cases[i].from, cases[i].rate_mps2, features, history, valid);
        if (fabs((double)found - cases[i].want_s) > 1e-5) {
            fail_msg("%s: expected %g s, found %g", cases[i].name, cases[i].want_s, (double)found);
        }
        assert_true(valid[0] == 1 && valid[1] == 0 && history[2 * NOW] == 0);
    }
}

static void mirrored(void **state)
{
    (void)state;
    const rml_scene_cutter *kind = rml_scene_cutter_find(RML_STR("stands"));
    rml_scene_spec spec = {.agents = 2, .map = 2};
    float features[4 * RML_SCENE_FEATURES], history[20 * 2];
    uint8_t valid[4];
    float stands = cut(NOW, 5, features, history, valid), was = stands, left = 0.25f;
    rml_tensor_slot scene[] = {{features, NULL}, {valid, NULL}, {history, NULL}, {&stands, NULL}};
    rml_scene_spec_defaults(&spec);
    history[1] = left;
    kind->mirror(&spec, scene);
    assert_true(stands == was && history[1] == -left && valid[0] == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_until_it_stands),
        cmocka_unit_test(mirrored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
