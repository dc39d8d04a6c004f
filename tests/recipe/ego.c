// Protects the making of `ego`: each row's values by stated policy, its difference to each source,
// and instants = rows + rejects. Signals are written by hand, so every number can be followed.
#include "roadmill/lake/recordings.h"
#include "roadmill/os.h"
#include "roadmill/recipe.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000LL

static const char ID[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
static char folder[1024];

static const rml_field value_fields[] = {RML_FIELD("x", RML_TYPE_F64, RML_NULLABLE),
                                         RML_FIELD("y", RML_TYPE_F64, RML_NULLABLE)};
static const rml_field pose_fields[] = {
    RML_FIELD("recording_id", RML_TYPE_STRING, RML_REQUIRED),
    RML_FIELD("channel", RML_TYPE_STRING, RML_REQUIRED),
    RML_FIELD("sequence", RML_TYPE_I64, RML_NULLABLE),
    RML_FIELD("sensor_ns", RML_TYPE_I64, RML_NULLABLE),
    RML_FIELD("publish_ns", RML_TYPE_I64, RML_NULLABLE),
    RML_FIELD("log_ns", RML_TYPE_I64, RML_REQUIRED),
    RML_FIELD("frame", RML_TYPE_STRING, RML_NULLABLE),
    RML_FIELD("quality", RML_TYPE_I32, RML_NULLABLE),
    RML_FIELD("position", RML_TYPE_STRUCT, RML_NULLABLE, .children = value_fields,
              .child_count = 2),
};
static const rml_schema pose_schema = {pose_fields, 9};

static void must(rml_status st, const rml_error *err)
{
    if (st) {
        char text[1024];
        rml_error_text(err, text, sizeof text);
        fail_msg("%s", text);
    }
}

// A message: sensor_ms < 0 is a message without a time of its own.
typedef struct message {
    const char *topic;
    int64_t log_ms, sensor_ms;
    double x, y;
    int quality;
} message;

static void message_append(rml_batch *b, const message *m, int64_t sequence)
{
    rml_error err = {0};
    rml_column *c = b->columns;
    must(rml_column_str(&c[0], rml_str_of(ID), &err), &err);
    must(rml_column_str(&c[1], rml_str_of(m->topic), &err), &err);
    must(rml_column_i64(&c[2], sequence, &err), &err);
    must(m->sensor_ms < 0 ? rml_column_null(&c[3], &err)
                          : rml_column_i64(&c[3], m->sensor_ms * MS, &err),
         &err);
    must(rml_column_i64(&c[4], m->log_ms * MS, &err), &err);
    must(rml_column_i64(&c[5], m->log_ms * MS, &err), &err);
    must(rml_column_str(&c[6], RML_STR("map"), &err), &err);
    must(rml_column_i64(&c[7], m->quality, &err), &err);
    must(isnan(m->x) ? rml_column_null(&c[8].children[0], &err)
                     : rml_column_f64(&c[8].children[0], m->x, &err),
         &err);
    must(rml_column_f64(&c[8].children[1], m->y, &err), &err);
    must(rml_column_struct_end(&c[8], &err), &err);
    must(rml_batch_row_end(b, &err), &err);
}

static rml_lake *lake_make(const char *name, const message *poses, size_t pose_count,
                           const message *turns, size_t turn_count)
{
    char path[1200];
    rml_error err = {0};
    rml_lake *lake = NULL;
    rml_lake_txn *txn = NULL;
    rml_batch batch = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    must(rml_lake_open(rml_str_of(path), &lake, &err), &err);
    must(rml_lake_begin(lake, rml_str_of(ID), &txn, &err), &err);
    must(rml_batch_init(&batch, pose_schema, &err), &err);
    for (size_t i = 0; i < pose_count; i++) {
        message_append(&batch, &poses[i], (int64_t)i);
    }
    must(rml_lake_append(txn, "signals_test_msg_pose", &batch, &err), &err);
    rml_batch_clear(&batch);
    for (size_t i = 0; i < turn_count; i++) {
        message_append(&batch, &turns[i], (int64_t)i);
    }
    if (turn_count > 0) {
        must(rml_lake_append(txn, "signals_test_msg_turn", &batch, &err), &err);
    }
    rml_batch_reset(&batch);
    must(rml_batch_init(&batch, rml_recordings_schema(), &err), &err);
    const rml_recording_row row = {.recording_id = rml_str_of(ID),
                                   .drive_id = RML_STR("d1"),
                                   .uri = RML_STR("by hand"),
                                   .format = RML_STR("mcap"),
                                   .completeness = RML_STR("whole")};
    must(rml_row_append(&batch, &row, &err), &err);
    must(rml_lake_commit(txn, "recordings", &batch, &err), &err);
    rml_lake_txn_close(txn);
    rml_batch_reset(&batch);
    return lake;
}

static rml_status make(rml_lake *lake, const char *text, rml_ego_result *out, rml_error *err)
{
    rml_recipe *recipe = NULL;
    must(rml_recipe_parse(rml_str_of(text), RML_STR("r.yaml"), &recipe, err), err);
    rml_status st = rml_ego_make(lake, rml_str_of(ID), recipe, out, err);
    rml_recipe_free(recipe);
    return st;
}

static void rows_of(rml_lake *lake, const char *sql, rml_batch *out)
{
    rml_error err = {0};
    rml_rows *rows = NULL;
    must(rml_lake_sql(lake, rml_str_of(sql), &rows, &err), &err);
    must(rml_rows_all(rows, 1000, out, &err), &err);
    rml_rows_close(rows);
}

static const message poses[] = {
    {"/a", 5, 0, 1, 10, 1},       // turn: no sample before it
    {"/a", 105, 100, 2, 20, 1},   // between 90 and 130: 0.25 of the way, the left one is nearer
    {"/a", 205, 200, 3, 30, 0},   // quality too low
    {"/a", 305, 300, NAN, 40, 1}, // no position
    {"/a", 405, -1, 5, 50, 1},    // no time of its own
    {"/a", 505, 130, 6, 60, 1},   // exactly on a sample of turn
    {"/a", 605, 120, 7, 70, 1},   // its time goes backwards
    {"/b", 100, 100, 9, 90, 1},   // of another topic, with fewer messages
};
static const message turns[] = {
    {"/t", 91, 90, 1.0, 3.0, 0},
    {"/t", 131, 130, 3.0, -3.0, 0},
    {"/t", 180, 170, 5.0, 0, 0},
};

#define RECIPE(turn)                                                                               \
    "recipe: test\ndriver: pose\nframe: pose.frame\nchannels:\n  pose: {type: test/msg/Pose, "     \
    "keep: [{field: quality, at_least: 1}]}\n  turn: {type: test/msg/Turn, " turn                  \
    "}\nego:\n  x_m: pose.position.x\n  y_m: pose.position.y\n  vx_mps: turn.position.x\n"

static void values_by_hand(void **state)
{
    (void)state;
    rml_lake *lake = lake_make("linear", poses, 8, turns, 3);
    rml_ego_result out;
    rml_error err = {0};
    rml_batch rows = {0};
    must(make(lake, RECIPE("policy: linear, tolerance_ms: 40"), &out, &err), &err);
    assert_true(out.inputs == 7 && out.rows == 2 && out.rejects == 5);
    rows_of(
        lake,
        "SELECT t_ns, x_m, y_m, vx_mps, vy_mps, frame, drive_id, sources[1].difference_ns, "
        "sources[2].difference_ns, sources[2].channel, sources[2].topic, recipe FROM ego ORDER BY "
        "t_ns",
        &rows);
    assert_int_equal(rows.count, 2);
    const rml_column *c = rows.columns;
    assert_int_equal(rml_column_get_i64(&c[0], 0), 100 * MS);
    assert_true(rml_column_get_f64(&c[1], 0) == 2 && rml_column_get_f64(&c[2], 0) == 20);
    assert_true(rml_column_get_f64(&c[3], 0) == 1.5);
    assert_true(rml_column_is_null(&c[4], 0));
    assert_true(rml_str_equal(rml_column_get_str(&c[5], 0), RML_STR("map")));
    assert_true(rml_str_equal(rml_column_get_str(&c[6], 0), RML_STR("d1")));
    assert_int_equal(rml_column_get_i64(&c[7], 0), 0);
    assert_int_equal(rml_column_get_i64(&c[8], 0), -10 * MS);
    assert_true(rml_str_equal(rml_column_get_str(&c[9], 0), RML_STR("turn")));
    assert_true(rml_str_equal(rml_column_get_str(&c[10], 0), RML_STR("/t")));
    char hash[RML_HASH_TEXT];
    rml_hash_text(&out.recipe, hash);
    assert_true(rml_str_equal(rml_column_get_str(&c[11], 0), rml_str_of(hash)));
    assert_int_equal(rml_column_get_i64(&c[0], 1), 130 * MS);
    assert_true(rml_column_get_f64(&c[3], 1) == 3 && rml_column_get_i64(&c[8], 1) == 0);
    rml_batch_reset(&rows);
    rml_lake_close(lake);
}

static void every_reject_has_its_reason(void **state)
{
    (void)state;
    static const struct {
        int64_t instant;
        const char *channel, *reason;
    } want[] = {
        {0, "turn", "no sample by \"linear\" within 40 ms"},
        {2, "pose", "its quality does not meet the recipe's condition"},
        {3, "turn", "no sample by \"linear\" within 40 ms"},
        {4, "pose", "the message has no sensor time"},
        {6, "pose", "its time does not come after that of the row before"},
    };
    rml_lake *lake = lake_make("rejects", poses, 8, turns, 3);
    rml_ego_result out;
    rml_error err = {0};
    rml_batch rows = {0};
    must(make(lake, RECIPE("policy: linear, tolerance_ms: 40"), &out, &err), &err);
    rows_of(lake, "SELECT \"offset\", channel, reason, stage FROM ego_rejects ORDER BY 1, 3",
            &rows);
    assert_int_equal(rows.count, sizeof want / sizeof want[0]);
    for (size_t i = 0; i < rows.count; i++) {
        print_message("%.*s\n", RML_FMT(rml_column_get_str(&rows.columns[2], i)));
    }
    for (size_t i = 0; i < rows.count; i++) {
        assert_int_equal(rml_column_get_i64(&rows.columns[0], i), want[i].instant);
        assert_true(
            rml_str_equal(rml_column_get_str(&rows.columns[1], i), rml_str_of(want[i].channel)));
        assert_true(
            rml_str_equal(rml_column_get_str(&rows.columns[2], i), rml_str_of(want[i].reason)));
        assert_true(rml_str_equal(rml_column_get_str(&rows.columns[3], i), RML_STR("ego")));
    }
    rml_batch_reset(&rows);
    rml_lake_close(lake);
}

static void a_channel_that_may_be_missing(void **state)
{
    (void)state;
    rml_lake *lake = lake_make("optional", poses, 8, turns, 0);
    rml_ego_result out;
    rml_error err = {0};
    rml_batch rows = {0};
    must(make(lake, RECIPE("required: false, tolerance_ms: 50"), &out, &err), &err);
    assert_true(out.inputs == 7 && out.rows == 3 && out.rejects == 4);
    rows_of(lake, "SELECT vx_mps, sources[2].difference_ns, sources[2].topic FROM ego", &rows);
    for (size_t i = 0; i < rows.count; i++) {
        assert_true(rml_column_is_null(&rows.columns[0], i));
        assert_true(rml_column_is_null(&rows.columns[1], i));
        assert_true(rml_column_is_null(&rows.columns[2], i));
    }
    rml_batch_reset(&rows);
    assert_int_equal(make(lake, RECIPE("tolerance_ms: 50"), &out, &err), RML_ERR_MISSING);
    assert_string_equal(err.place, "r.yaml:6:16");
    assert_string_equal(err.what,
                        "expected a channel of test/msg/Turn in the recording, found none");
    rml_lake_close(lake);
}

// Made again by another recipe: its rows replace those of the first, and the first brings them
// back.
static void another_recipe_replaces(void **state)
{
    (void)state;
    rml_lake *lake = lake_make("again", poses, 8, turns, 3);
    rml_ego_result first, second, third;
    rml_error err = {0};
    rml_lake_table before, between, after;
    must(make(lake, RECIPE("policy: linear, tolerance_ms: 40"), &first, &err), &err);
    must(rml_lake_table_get(lake, "ego", &before, &err), &err);
    must(make(lake, RECIPE("policy: nearest, tolerance_ms: 1000"), &second, &err), &err);
    assert_true(second.rows == 3 && second.inputs == 7 && second.rejects == 4);
    assert_false(rml_hash_equal(&first.recipe, &second.recipe));
    must(rml_lake_table_get(lake, "ego", &between, &err), &err);
    assert_true(between.rows == 3 && !rml_hash_equal(&before.state, &between.state));
    must(make(lake, RECIPE("policy: linear, tolerance_ms: 40"), &third, &err), &err);
    must(rml_lake_table_get(lake, "ego", &after, &err), &err);
    assert_true(rml_hash_equal(&before.state, &after.state) && after.rows == 2);
    rml_lake_close(lake);
}

static void fields_are_checked_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *recipe, *place, *what;
    } cases[] = {
        {"recipe: a\ndriver: p\nframe: f\nchannels: {p: {type: test/msg/Pose}}\nego:\n  x_m: "
         "p.position.x\n"
         "  y_m: p.position.z\n",
         "r.yaml:7:8",
         "expected a field of test/msg/Pose that is a number, found no field \"position.z\""},
        {"recipe: a\ndriver: p\nframe: f\nchannels: {p: {type: test/msg/Pose}}\nego:\n  x_m: "
         "p.position\n"
         "  y_m: p.position.y\n",
         "r.yaml:6:8",
         "expected a field of test/msg/Pose that is a number, found the compound \"position\""},
        {"recipe: a\ndriver: p\nframe: p.quality\nchannels: {p: {type: test/msg/Pose}}\nego:\n"
         "  x_m: p.position.x\n  y_m: p.position.y\n",
         "r.yaml:3:8", "expected a field of test/msg/Pose that is a text, found \"quality\""},
        {"recipe: a\ndriver: p\nframe: f\nchannels: {p: {type: test/msg/Pose, topic: /c}}\nego:\n"
         "  x_m: p.position.x\n  y_m: p.position.y\n",
         "r.yaml:4:22", "expected a channel of test/msg/Pose on /c in the recording, found none"},
    };
    rml_lake *lake = lake_make("fields", poses, 8, turns, 3);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rml_ego_result out;
        rml_error err = {0};
        assert_int_not_equal(make(lake, cases[i].recipe, &out, &err), RML_OK);
        assert_string_equal(err.place, cases[i].place);
        assert_string_equal(err.what, cases[i].what);
    }
    rml_ego_result out;
    rml_error err = {0};
    must(make(lake,
              "recipe: a\ndriver: p\nframe: f.f\nchannels: {p: {type: test/msg/Pose, topic: "
              "/b}}\nego:\n"
              "  x_m: p.position.x\n  y_m: p.position.y\n",
              &out, &err),
         &err);
    assert_true(out.rows == 1 && out.inputs == 1);
    rml_lake_close(lake);
}

// ---- Ego rows as a track of the traffic ---------------------------------------------------------

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
    rml_error err = {0};
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/drive_ego.%lld", tmp ? tmp : "/tmp",
             (long long)rml_clock_unix_ns());
    if (rml_folder_make(folder, &err)) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_by_hand),
        cmocka_unit_test(every_reject_has_its_reason),
        cmocka_unit_test(a_channel_that_may_be_missing),
        cmocka_unit_test(another_recipe_replaces),
        cmocka_unit_test(fields_are_checked_with_their_place),
        cmocka_unit_test(rows_are_a_track_on_two_clocks),
        cmocka_unit_test(with_a_size_it_has_a_box),
        cmocka_unit_test(beside_objects_there_is_one_ego),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return rml_folder_remove(folder, &err) ? 1 : failed;
}
