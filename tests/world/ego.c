// Protects the grid of a vehicle's own rows: a row of exactly that time is taken as it is, between
// two near rows lies a line, a hole stays a hole, nothing is extrapolated.
#include "roadmill/world/ego.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000LL

static rml_track_state row_at(int64_t t_ms)
{
    double t = (double)t_ms / 1000;
    return (rml_track_state){.t_ns = t_ms * MS,
                             .x_m = 10 * t,
                             .y_m = -2 * t,
                             .z_m = NAN,
                             .recorded_yaw_rad = 3.1 + t, // passes pi
                             .recorded_speed_mps = 10.2};
}

static void steps_of_a_grid(void **state)
{
    (void)state;
    static const struct {
        int64_t median_ns, step_ns;
        bool interpolates;
    } cases[] = {
        {0, 100 * MS, true},          {1 * MS, 100 * MS, true},      {40 * MS, 100 * MS, true},
        {99080956, 100 * MS, true},   {105 * MS, 100 * MS, true},    {106 * MS, 110 * MS, false},
        {200400000, 200 * MS, false}, {997100000, 1000 * MS, false}, {1010900000, 1010 * MS, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool interpolates;
        assert_int_equal(rml_ego_step(cases[i].median_ns, &interpolates), cases[i].step_ns);
        assert_int_equal(interpolates, cases[i].interpolates);
    }
}

// 25 Hz from 1000 ms on; rows 1440 to 1600 are missing, then one alone in a long hole.
static void rows_onto_a_grid(void **state)
{
    (void)state;
    rml_track_state rows[32];
    size_t count = 0;
    for (int64_t t = 1000; t <= 1400; t += 40) {
        rows[count++] = row_at(t);
    }
    rows[count++] = row_at(1640);
    rows[count++] = row_at(9000);
    static const struct {
        int64_t t_ms;
        rml_track_mark mark;
    } want[] = {{1000, RML_TRACK_MEASURED}, {1100, RML_TRACK_INTERPOLATED},
                {1200, RML_TRACK_MEASURED}, {1300, RML_TRACK_INTERPOLATED},
                {1400, RML_TRACK_MEASURED}, {9000, RML_TRACK_MEASURED}};
    rml_track track = {.states = rows, .count = count}, out;
    rml_array times = RML_ARRAY(int64_t);
    rml_arena arena = {0};
    assert_int_equal(rml_ego_grid(&track, 100 * MS, &times, NULL), RML_OK);
    assert_true(times.count < 12); // none for each step of the hole
    assert_int_equal(
        rml_track_at_times(&track, times.data, times.count, 100 * MS, &arena, &out, NULL), RML_OK);
    assert_int_equal(out.count, sizeof want / sizeof *want);
    for (size_t i = 0; i < out.count; i++) {
        rml_track_state truth = row_at(want[i].t_ms), s = out.states[i];
        assert_int_equal(s.t_ns, want[i].t_ms * MS);
        assert_int_equal(s.mark, want[i].mark);
        assert_true(fabs(s.x_m - truth.x_m) < 1e-9 && fabs(s.y_m - truth.y_m) < 1e-9);
        assert_true(isnan(s.z_m) && s.recorded_speed_mps == 10.2);
        double turn = s.recorded_yaw_rad - truth.recorded_yaw_rad;
        assert_true(fabs(turn - 6.283185307179586 * round(turn / 6.283185307179586)) < 1e-9);
    }
    rml_array_reset(&times);
    rml_arena_reset(&arena);
}

// At the times of others, in any phase: nothing before the first row nor behind the last.
static void nothing_is_extrapolated(void **state)
{
    (void)state;
    const rml_track_state rows[] = {row_at(1000), row_at(1100), row_at(1250), row_at(1410)};
    const int64_t times[] = {999 * MS, 1050 * MS, 1249 * MS, 1300 * MS, 1410 * MS, 1411 * MS};
    rml_track track = {.states = rows, .count = 4}, out;
    rml_arena arena = {0};
    assert_int_equal(rml_track_at_times(&track, times, 6, 100 * MS, &arena, &out, NULL), RML_OK);
    assert_int_equal(out.count, 3); // the last two rows are more than one and a half steps apart
    assert_int_equal(out.states[0].t_ns, 1050 * MS);
    assert_int_equal(out.states[1].t_ns, 1249 * MS);
    assert_int_equal(out.states[2].t_ns, 1410 * MS);
    rml_arena_reset(&arena);
}

static void from_the_axle_to_the_centre(void **state)
{
    (void)state;
    rml_track_state rows[] = {row_at(0), row_at(100), row_at(200)};
    rows[0].recorded_yaw_rad = 0;
    rows[1].recorded_yaw_rad = NAN;
    rows[2].recorded_yaw_rad = 1.5707963267948966;
    assert_int_equal(rml_track_states_forward(rows, 3, 1.5), 2);
    assert_true(rows[0].x_m == 1.5 && rows[0].y_m == 0);
    assert_true(fabs(rows[1].x_m - 2) < 1e-9 && fabs(rows[1].y_m - 1.1) < 1e-9);
}

static void medians_and_stamps(void **state)
{
    (void)state;
    const int64_t stamps[] = {50, 10, 30, 20, 10};
    rml_array times = RML_ARRAY(int64_t);
    int64_t step;
    memcpy(rml_array_push_many(&times, 5, NULL), stamps, sizeof stamps);
    assert_int_equal(rml_clock_step(&times, &step, NULL), RML_OK);
    assert_int_equal(step, 10); // of 10, 10, 20
    rml_array_clear(&times);
    assert_int_equal(rml_clock_step(&times, &step, NULL), RML_OK);
    assert_int_equal(step, 0);
    const rml_track_state a[] = {row_at(1), row_at(3)}, b[] = {row_at(2), row_at(3)};
    const rml_track tracks[] = {{.states = a, .count = 2}, {.states = b, .count = 2}, {.count = 0}};
    const rml_traffic traffic = {.tracks = tracks, .track_count = 3};
    rml_array_clear(&times);
    assert_int_equal(rml_traffic_times(&traffic, &times, NULL), RML_OK);
    assert_int_equal(times.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(*RML_AT(&times, int64_t, i), (int64_t)(i + 1) * MS);
    }
    rml_array_reset(&times);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_of_a_grid),         cmocka_unit_test(rows_onto_a_grid),
        cmocka_unit_test(nothing_is_extrapolated), cmocka_unit_test(from_the_axle_to_the_centre),
        cmocka_unit_test(medians_and_stamps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
