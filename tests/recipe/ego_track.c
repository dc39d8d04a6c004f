// Protects the ego rows of a recording as a track of its traffic: on both clocks, with and without
// a size, once beside objects.
#include "poses.h"

#define ALONE                                                                                      \
    "recipe: alone\ndriver: pose\nframe: pose.frame\nchannels:\n  pose: {type: test/msg/Pose}\n"   \
    "ego:\n  x_m: pose.position.x\n  y_m: pose.position.y\n"

// Rows each 40 ms, at 5 m/s along x.
static rml_lake *moving(const char *name, const char *recipe)
{
    message rows[26];
    for (int i = 0; i < 26; i++) {
        rows[i] = (message){"/a", 1000 + 40 * i, 1000 + 40 * i, 0.2 * i, 3, 1};
    }
    rml_lake *lake = lake_make(name, rows, 26, NULL, 0);
    rml_ego_result out;
    rml_error err = {0};
    must(make(lake, recipe, &out, &err), &err);
    assert_true(out.rows == 26 && out.rejects == 0);
    return lake;
}

static void rows_are_a_track_on_two_clocks(void **state)
{
    (void)state;
    rml_lake *lake = moving("track", ALONE);
    rml_error err = {0};
    rml_arena arena = {0};
    rml_array ids = RML_ARRAY(rml_str), sizes = RML_ARRAY(rml_traffic_size);
    rml_traffic grid, stored;
    rml_str id = rml_str_of(ID);
    must(rml_traffic_list(lake, &arena, &ids, &err), &err);
    assert_true(ids.count == 1 && rml_str_equal(*RML_AT(&ids, rml_str, 0), id));
    must(rml_traffic_sizes(lake, &arena, &sizes, &err), &err);
    const rml_traffic_size *size = RML_AT(&sizes, rml_traffic_size, 0);
    assert_true(sizes.count == 1 && size->tracks == 1 && size->states == 26 && size->is_point);
    must(rml_traffic_load(lake, id, &arena, &grid, &err), &err);
    must(rml_traffic_load_stored(lake, &id, 1, &arena, &stored, &err), &err);
    assert_true(grid.step_ns == 100 * MS && stored.step_ns == 40 * MS && grid.ego_of_rows);
    assert_true(rml_str_equal(grid.source, RML_STR("ego")));
    assert_true(rml_str_equal(grid.drive_id, RML_STR("d1")));
    assert_true(grid.track_count == 1 && stored.track_count == 1);
    const rml_track *g = &grid.tracks[0], *s = &stored.tracks[0];
    assert_true(g->is_ego && g->is_point && !g->is_apart && isnan(g->length_m));
    assert_true(rml_str_equal(g->track_id, RML_STR("ego")));
    assert_true(g->count == 11 && s->count == 26);
    for (size_t i = 0; i < s->count; i++) {
        assert_true(s->states[i].t_ns == (1000 + 40 * (int64_t)i) * MS);
        assert_true(s->states[i].x_m == 0.2 * (double)i);
        assert_int_equal(s->states[i].mark, RML_TRACK_MEASURED);
    }
    for (size_t i = 0; i < g->count; i++) {
        assert_true(g->states[i].t_ns == (1000 + 100 * (int64_t)i) * MS);
        assert_true(fabs(g->states[i].x_m - 0.5 * (double)i) < 1e-12);
        assert_int_equal(g->states[i].mark, i % 2 ? RML_TRACK_INTERPOLATED : RML_TRACK_MEASURED);
    }
    rml_array_reset(&ids);
    rml_array_reset(&sizes);
    rml_arena_reset(&arena);
    rml_lake_close(lake);
}

// With a size the track is that of the centre: 1.5 m ahead of the axle, where the yaw is known.
static void with_a_size_it_has_a_box(void **state)
{
    (void)state;
    rml_lake *lake =
        moving("sized", ALONE "  yaw_rad: pose.quality\nvehicle: {length_m: 4, width_m: 2, "
                              "axle_to_centre_m: 1.5}\n");
    rml_error err = {0};
    rml_arena arena = {0};
    rml_traffic stored;
    rml_array sizes = RML_ARRAY(rml_traffic_size);
    rml_str id = rml_str_of(ID);
    must(rml_traffic_load_stored(lake, &id, 1, &arena, &stored, &err), &err);
    must(rml_traffic_sizes(lake, &arena, &sizes, &err), &err);
    assert_false(RML_AT(&sizes, rml_traffic_size, 0)->is_point);
    const rml_track *t = &stored.tracks[0];
    assert_true(t->count == 26 && !t->is_point && t->length_m == 4 && t->width_m == 2);
    for (size_t i = 0; i < t->count; i++) { // the yaw is 1 rad
        assert_true(fabs(t->states[i].x_m - 0.2 * (double)i - 1.5 * cos(1.0)) < 1e-12);
        assert_true(fabs(t->states[i].y_m - 3 - 1.5 * sin(1.0)) < 1e-12);
    }
    rml_array_reset(&sizes);
    rml_arena_reset(&arena);
    rml_lake_close(lake);
}

// Objects of the recording at 1000, 1100, ... ms; frame: of their positions.
static void add_object(rml_lake *lake, const char *name, bool is_ego, const char *frame)
{
    rml_error err = {0};
    rml_lake_txn *txn = NULL;
    rml_traffic_rows rows;
    rml_track_state states[9];
    for (int i = 0; i < 9; i++) {
        states[i] = (rml_track_state){
            .t_ns = (1000 + 100 * i) * MS, .x_m = 20, .y_m = i, .recorded_yaw_rad = NAN};
    }
    const rml_track track = {.track_id = rml_str_of(name),
                             .length_m = 4,
                             .width_m = 2,
                             .is_ego = is_ego,
                             .states = states,
                             .count = 9};
    const rml_traffic traffic = {.recording_id = rml_str_of(ID),
                                 .drive_id = RML_STR("d1"),
                                 .source = RML_STR("vision_msgs"),
                                 .place_id = RML_STR("there"),
                                 .step_ns = 100 * MS,
                                 .tracks = &track,
                                 .track_count = 1,
                                 .origin = {NAN, NAN, NAN, {0}, rml_str_of(frame)}};
    must(rml_lake_begin(lake, rml_str_of(ID), &txn, &err), &err);
    must(rml_traffic_append(txn, &traffic, &rows, &err), &err);
    must(rml_lake_commit(txn, NULL, NULL, &err), &err);
    rml_lake_txn_close(txn);
}

static void beside_objects_there_is_one_ego(void **state)
{
    (void)state;
    static const struct {
        const char *lake, *name, *frame;
        bool is_ego;
        size_t tracks;
        bool is_apart;
    } cases[] = {
        {"beside", "7", "map", false, 2, false},
        {"slash", "7", "/map", false, 2, false},
        {"frames", "7", "odom", false, 2, true},
        {"host", "7", "map", true, 1, false}, // the object has a box: it is the ego
        {"taken", "ego", "map", false, 2, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rml_lake *lake = moving(cases[i].lake, ALONE);
        rml_error err = {0};
        rml_arena arena = {0};
        rml_traffic t, stored;
        rml_str id = rml_str_of(ID);
        rml_array sizes = RML_ARRAY(rml_traffic_size);
        add_object(lake, cases[i].name, cases[i].is_ego, cases[i].frame);
        must(rml_traffic_load(lake, id, &arena, &t, &err), &err);
        must(rml_traffic_load_stored(lake, &id, 1, &arena, &stored, &err), &err);
        must(rml_traffic_sizes(lake, &arena, &sizes, &err), &err);
        assert_int_equal(t.track_count, cases[i].tracks);
        assert_int_equal(RML_AT(&sizes, rml_traffic_size, 0)->tracks, cases[i].tracks);
        assert_int_equal(RML_AT(&sizes, rml_traffic_size, 0)->is_point, !cases[i].is_ego);
        assert_true(rml_str_equal(t.place_id, RML_STR("there")) && t.step_ns == 100 * MS);
        assert_true(t.ego_of_rows == !cases[i].is_ego);
        size_t egos = 0;
        for (size_t k = 0; k < t.track_count; k++) {
            const rml_track *track = &t.tracks[k];
            assert_true(k == 0 || rml_str_compare(t.tracks[k - 1].track_id, track->track_id) < 0);
            egos += track->is_ego;
            if (track->is_ego && !cases[i].is_ego) {
                // At the times of the objects alone, though its rows go on.
                assert_true(track->is_point && track->count == 9);
                assert_int_equal(track->is_apart, cases[i].is_apart);
                assert_true(stored.tracks[k].count == 26);
            }
        }
        assert_int_equal(egos, 1);
        rml_array_reset(&sizes);
        rml_arena_reset(&arena);
        rml_lake_close(lake);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_a_track_on_two_clocks),
        cmocka_unit_test(with_a_size_it_has_a_box),
        cmocka_unit_test(beside_objects_there_is_one_ego),
    };
    RUN_WITH_FOLDER("drive_ego_track", tests);
}
