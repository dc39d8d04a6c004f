// Protects: what is called causal never reads a later state, and holds its direction while
// standing.
#include "roadmill/world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void same_or_both_missing(double found, double want)
{
    if (isnan(want)) {
        assert_true(isnan(found));
    } else {
        assert_true(fabs(found - want) <= 1e-12);
    }
}

static void classes_have_names_both_ways(void **state)
{
    (void)state;
    for (int i = RML_AGENT_UNKNOWN; i <= RML_AGENT_STATIC; i++) {
        rml_agent_class back;
        assert_true(
            rml_agent_class_parse(rml_str_of(rml_agent_class_name((rml_agent_class)i)), &back));
        assert_int_equal(back, i);
    }
    rml_agent_class none = RML_AGENT_BUS;
    assert_false(rml_agent_class_parse(RML_STR("Car"), &none) || none != RML_AGENT_BUS);
    assert_string_equal(rml_agent_class_name((rml_agent_class)99), "unknown");
}

static void causal_states_by_hand(void **state)
{
    (void)state;
    // east 1 m, north 2 m in 0.2 s (a gap of one sample), standing, then a step below 1 mm
    const rml_track_state states[] = {
        {.t_ns = 0, .x_m = 0, .y_m = 0},
        {.t_ns = 100000000, .x_m = 1, .y_m = 0},
        {.t_ns = 300000000, .x_m = 1, .y_m = 2},
        {.t_ns = 400000000, .x_m = 1, .y_m = 2},
        {.t_ns = 500000000, .x_m = 0.9995, .y_m = 2},
    };
    static const struct {
        double vx, vy, speed, yaw;
    } want[] = {
        {NAN, NAN, NAN, NAN},
        {10, 0, 10, 0},
        {0, 10, 10, 1.5707963267948966},
        {0, 0, 0, 1.5707963267948966},
        {-0.005, 0, 0.005, 1.5707963267948966},
    };
    rml_track track = {.states = states, .count = 5};
    rml_causal_state out[5];
    rml_track_causal(&track, out);
    for (size_t i = 0; i < 5; i++) {
        assert_true(out[i].x_m == states[i].x_m && out[i].y_m == states[i].y_m);
        same_or_both_missing(out[i].vx_mps, want[i].vx);
        same_or_both_missing(out[i].vy_mps, want[i].vy);
        same_or_both_missing(out[i].speed_mps, want[i].speed);
        same_or_both_missing(out[i].yaw_rad, want[i].yaw);
    }
}

static void nothing_later_is_read(void **state)
{
    (void)state;
    rml_track_state states[20];
    rml_causal_state whole[20], cut[20];
    for (size_t i = 0; i < 20; i++) {
        states[i] = (rml_track_state){
            .t_ns = (int64_t)i * 100000000, .x_m = (double)(i * i) / 7, .y_m = (double)(i % 5) / 3};
    }
    rml_track track = {.states = states, .count = 20};
    rml_track_causal(&track, whole);
    for (size_t length = 1; length < 20; length++) {
        track.count = length;
        rml_track_causal(&track, cut);
        assert_memory_equal(cut, whole, length * sizeof cut[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_have_names_both_ways),
        cmocka_unit_test(causal_states_by_hand),
        cmocka_unit_test(nothing_later_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
