// Protects the traffic: nobody drives through anybody, nobody drives backwards, people change lanes
// and brake, the same seed gives the same bytes; and the scenario that is written reads back as it
// was.
#include "fleet.h"
#include "roadmill/math.h"
#include "roadmill/scenario.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { VEHICLES = 24, CAPACITY = 96, STEPS = 1500 };

static double box_gap(const synth_vehicle *a, const synth_vehicle *b)
{
    return fabs(a->s_m - b->s_m) - (a->length_m + b->length_m) / 2;
}

static bool share_a_lane(const synth_vehicle *a, const synth_vehicle *b)
{
    return a->lane == b->lane;
}

static void nobody_drives_through_anybody(void **state)
{
    (void)state;
    size_t changes = 0, brakings = 0, entered = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        for (uint32_t lanes = 1; lanes <= 4; lanes++) {
            synth_vehicle vehicles[CAPACITY];
            synth_road road;
            synth_flow f;
            uint32_t count = lanes * 8;
            rml_synth_road_make(&road, seed, (uint32_t)seed % 2, lanes, 600);
            rml_synth_flow_init(&f, &road, seed, 0, vehicles, CAPACITY, count);
            assert_int_equal(f.count, count);
            for (size_t step = 0; step < STEPS; step++) {
                rml_synth_flow_step(&f);
                for (size_t i = 0; i < f.count; i++) {
                    const synth_vehicle *v = &vehicles[i];
                    assert_true(v->speed_mps >= 0 && v->speed_mps < 25);
                    assert_true(v->lane < lanes);
                    changes += v->change > 0 && v->change <= SYNTH_STEP_S / 3.4;
                    brakings += v->acceleration_mps2 < -2;
                    for (size_t k = 0; k < i && v->on_road; k++) {
                        if (vehicles[k].on_road && share_a_lane(v, &vehicles[k]) &&
                            box_gap(v, &vehicles[k]) <= 0) {
                            fail_msg(
                                "seed %d, %u lanes, step %zu: vehicles %u and %u overlap by %g m",
                                (int)seed, lanes, step, v->id, vehicles[k].id,
                                -box_gap(v, &vehicles[k]));
                        }
                    }
                }
            }
            entered += f.count - count;
        }
    }
    print_message("80 runs of 30 s: %zu lane changes, %zu steps of braking, %zu entered\n", changes,
                  brakings, entered);
    assert_true(changes > 100 && brakings > 100 && entered > 100);
}

static void the_road_is_smooth(void **state)
{
    (void)state;
    for (uint32_t place = 0; place < 2; place++) {
        synth_road road;
        rml_synth_road_make(&road, 7, place, 3, 600);
        synth_pose before = rml_synth_road_pose(&road, 0, 2);
        for (double s = 0.1; s < 600; s += 0.1) {
            synth_pose p = rml_synth_road_pose(&road, s, 2);
            double step = rml_f64_hypot(p.x_m - before.x_m, p.y_m - before.y_m);
            assert_true(step > 0.09 && step < 0.11);
            double along = rml_f64_atan2(p.y_m - before.y_m, p.x_m - before.x_m);
            assert_true(fabs(rml_angle_wrap(along - p.yaw_rad)) < 2e-3);
            before = p;
        }
        assert_true((road.curvature > 0) == (place == 0));
    }
}

static void drive_simulate(synth_drive *d, synth_vehicle *vehicles, uint64_t seed)
{
    rml_error err = {0};
    synth_road road;
    *d = (synth_drive){.seed = seed, .index = 3, .place = 1, .samples = RML_ARRAY(synth_sample)};
    rml_synth_road_make(&road, seed, 1, 3, 600);
    rml_synth_flow_init(&d->flow, &road, seed, 3, vehicles, CAPACITY, VEHICLES);
    for (uint32_t step = 0; step < 40; step++) {
        for (uint32_t i = 0; i < d->flow.count; i++) {
            synth_sample *s = rml_array_push(&d->samples, &err);
            synth_pose p = rml_synth_vehicle_pose(&road, &vehicles[i]);
            *s = (synth_sample){i, step, p.x_m, p.y_m, p.yaw_rad, vehicles[i].speed_mps};
        }
        for (size_t k = 0; k < SYNTH_STEPS_PER_SAMPLE; k++) {
            rml_synth_flow_step(&d->flow);
        }
    }
}

static void the_scenario_reads_back(void **state)
{
    (void)state;
    synth_vehicle vehicles[CAPACITY];
    synth_drive d;
    rml_buffer text = {0}, again = {0};
    rml_arena arena = {0};
    rml_traffic t;
    rml_error err = {0};
    drive_simulate(&d, vehicles, 5);
    assert_int_equal(rml_synth_scenario_write(&d, &text, &err), RML_OK);
    assert_int_equal(
        rml_commonroad_read(rml_buffer_bytes(&text), RML_STR("synth.xml"), &arena, &t, &err),
        RML_OK);
    assert_true(rml_str_equal(t.place_id, RML_STR("ZAM_SynthRight")));
    assert_int_equal(t.map_count, 9);
    assert_int_equal(t.reject_count, 0);
    assert_int_equal(t.states_in, d.samples.count);
    for (size_t i = 0; i < t.map_count; i++) {
        assert_true(fabs(t.map[i].speed_limit_mps - 13.8889) < 1e-9);
    }
    size_t compared = 0;
    for (size_t i = 0; i < t.track_count; i++) {
        for (size_t k = 0; k < t.tracks[i].count; k++) {
            const rml_track_state *found = &t.tracks[i].states[k];
            int64_t id = 0;
            assert_true(rml_parse_i64(t.tracks[i].track_id, &id));
            for (size_t n = 0; n < d.samples.count; n++) {
                const synth_sample *s = RML_AT(&d.samples, synth_sample, n);
                if (s->vehicle + 1001 == id && s->step * 100000000LL == found->t_ns) {
                    assert_true(fabs(s->x_m - found->x_m) <= 0.5001e-4);
                    assert_true(fabs(s->y_m - found->y_m) <= 0.5001e-4);
                    compared++;
                }
            }
        }
    }
    assert_int_equal(compared, d.samples.count);
    rml_array_reset(&d.samples);
    drive_simulate(&d, vehicles, 5);
    assert_int_equal(rml_synth_scenario_write(&d, &again, &err), RML_OK);
    assert_int_equal(text.len, again.len);
    assert_memory_equal(text.data, again.data, text.len);
    rml_array_reset(&d.samples);
    rml_buffer_clear(&again);
    drive_simulate(&d, vehicles, 6);
    assert_int_equal(rml_synth_scenario_write(&d, &again, &err), RML_OK);
    assert_true(text.len != again.len || memcmp(text.data, again.data, text.len) != 0);
    rml_array_reset(&d.samples);
    rml_buffer_reset(&text);
    rml_buffer_reset(&again);
    rml_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_drives_through_anybody),
        cmocka_unit_test(the_road_is_smooth),
        cmocka_unit_test(the_scenario_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
