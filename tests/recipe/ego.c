// Protects the making of `ego`: each row's values by stated policy, its difference to each source,
// and instants = rows + rejects. Signals are written by hand, so every number can be followed.
#include "poses.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_by_hand),
        cmocka_unit_test(every_reject_has_its_reason),
        cmocka_unit_test(a_channel_that_may_be_missing),
        cmocka_unit_test(another_recipe_replaces),
        cmocka_unit_test(fields_are_checked_with_their_place),
    };
    RUN_WITH_FOLDER("drive_ego", tests);
}
