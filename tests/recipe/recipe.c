// Protects the recipe language: errors with line and column, a hash of what is said alone, and the
// functions by cases computed by hand.
#include "recipe.h"
#include "types.h"

#include "roadmill/math.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD                                                                                       \
    "recipe: a\ndriver: odom\nframe: odom.header.frame_id\nchannels:\n"                            \
    "  odom: {type: nav_msgs/msg/Odometry}\n  imu: {type: sensor_msgs/msg/Imu}\n"

static const struct {
    const char *name, *text, *error;
} refused[] = {
    {"no map", "- a\n", "r.yaml:1:1: expected a recipe as a map, found a list"},
    {"misspelt key", "recipe: a\nchanels: {}\n", "r.yaml:2:1: "},
    {"driver missing", "recipe: a\nchannels: {odom: {type: t}}\n",
     "r.yaml:1:1: expected the key \"driver\", found none"},
    {"driver unknown", "recipe: a\ndriver: gps\nchannels: {odom: {type: t}}\n",
     "r.yaml:2:9: expected the driver to be a channel of this recipe, found \"gps\""},
    {"time", "recipe: a\ntime: wall\n",
     "r.yaml:2:7: expected time to be sensor, publish or log, found \"wall\""},
    {"policy", "recipe: a\ndriver: o\nchannels:\n  o: {type: t, policy: cubic}\n",
     "r.yaml:4:24: expected policy to be latest, nearest or linear, found \"cubic\""},
    {"tolerance", "recipe: a\ndriver: o\nchannels:\n  o:\n    type: t\n    tolerance_ms: -1\n",
     "r.yaml:6:19: expected a tolerance between 0 and 3600000 ms, found -1"},
    {"keep without bound", "recipe: a\nchannels:\n  o: {type: t, keep: [{field: a}]}\n",
     "r.yaml:3:23: expected at_least or at_most in a condition, found neither"},
    {"no x", HEAD "ego: {y_m: odom.y}\n", "r.yaml:7:6: expected the key \"x_m\", found none"},
    {"column unknown", HEAD "ego: {x_metre: odom.y}\n", "r.yaml:7:7: "},
    {"channel unknown", HEAD "ego:\n  x_m: gps.x\n",
     "r.yaml:8:8: expected a channel of this recipe before the first dot, found \"gps\""},
    {"function unknown", HEAD "ego:\n  x_m: sin(odom.x)\n",
     "r.yaml:8:8: expected a function among yaw, roll, pitch, vertical, forward, leftward, "
     "rear_x, rear_y, east, north, up, course, speed, east_of, north_of, course_of, speed_of, "
     "found \"sin\""},
    {"no end", HEAD "ego:\n  x_m: yaw(odom.x\n", "r.yaml:8:18: expected \")\" at the end"},
    {"two channels", HEAD "ego:\n  x_m: vertical(odom.a, imu.b)\n",
     "r.yaml:8:25: expected both arguments from one channel, found \"odom\" and \"imu\""},
    {"too many", HEAD "ego:\n  x_m: yaw(odom.a, odom.b)\n",
     "r.yaml:8:20: expected 1 argument(s) for yaw, found more"},
    {"too few", HEAD "ego:\n  x_m: vertical(odom.a)\n",
     "r.yaml:8:8: expected 2 arguments for vertical, found 1"},
    {"field for a channel", HEAD "ego:\n  x_m: east(odom.a)\n",
     "r.yaml:8:13: expected east(CHANNEL) without a field, found \"odom.a\""},
    {"no field", HEAD "ego:\n  x_m: odom\n",
     "r.yaml:8:8: expected a field as names with dots between, found \"\""},
    {"odd field", HEAD "ego:\n  x_m: odom.a;drop\n",
     "r.yaml:8:8: expected a field as names with dots between, found \"a;drop\""},
    {"size of nothing", HEAD "vehicle: {length_m: 0}\nego: {}\n",
     "r.yaml:7:21: expected length_m of the vehicle, above 0 and below 100 m, found 0"},
    {"size in part", HEAD "vehicle: {length_m: 4.5, width_m: 1.8}\nego: {}\n",
     "r.yaml:7:10: expected axle_to_centre_m of the vehicle, within 100 m, found none"},
    {"topic words", HEAD "  a: {type: t, topic_without: goal}\nego: {}\n",
     "r.yaml:7:31: expected \"topic_without\" as a list of words"},
    {"frame of another",
     "recipe: a\ndriver: o\nframe: p.x\nchannels:\n  o: {type: t}\n  p: {type: t}\n",
     "r.yaml:3:8: expected the frame from the driver \"o\", found \"p\""},
};

static void errors_say_where(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        rml_recipe *r;
        rml_error err = {0};
        char text[1024];
        print_message("%s\n", refused[i].name);
        assert_int_not_equal(
            rml_recipe_parse(rml_str_of(refused[i].text), RML_STR("r.yaml"), &r, &err), RML_OK);
        assert_null(r);
        rml_error_text(&err, text, sizeof text);
        if (!rml_str_starts(rml_str_of(text), rml_str_of(refused[i].error))) {
            fail_msg("expected %s, found %s", refused[i].error, text);
        }
    }
}

static rml_hash hash_of(const char *text)
{
    rml_recipe *r;
    rml_error err = {0};
    if (rml_recipe_parse(rml_str_of(text), RML_STR("r.yaml"), &r, &err)) {
        fail_msg("%s: %s", err.place, err.what);
    }
    rml_hash hash = r->hash;
    rml_recipe_free(r);
    return hash;
}

static void the_hash_is_of_what_is_said(void **state)
{
    (void)state;
    rml_hash one = hash_of(HEAD "ego:\n  x_m: odom.a\n  y_m: yaw(odom.b)\n");
    rml_hash same = hash_of("# a comment\n" HEAD "ego: {y_m: yaw( odom.b ), x_m: odom.a}\n");
    rml_hash other = hash_of(HEAD "ego:\n  x_m: odom.a\n  y_m: pitch(odom.b)\n");
    rml_hash time = hash_of(HEAD "time: log\nego:\n  x_m: odom.a\n  y_m: yaw(odom.b)\n");
    assert_true(rml_hash_equal(&one, &same));
    assert_false(rml_hash_equal(&one, &other));
    assert_false(rml_hash_equal(&one, &time));
}

static void builtins_parse(void **state)
{
    (void)state;
    size_t count = 0;
    for (const char *name; (name = rml_recipe_builtin_name(count)) != NULL; count++) {
        rml_str text = rml_recipe_builtin(rml_str_of(name));
        rml_recipe *r;
        rml_error err = {0};
        assert_int_equal(rml_recipe_parse(text, rml_str_of(name), &r, &err), RML_OK);
        assert_true(rml_str_equal(r->name, rml_str_of(name)));
        rml_recipe_free(r);
    }
    assert_int_equal(count, 6);
    assert_int_equal(rml_recipe_builtin(RML_STR("none")).len, 0);
}

static void types_go_by_several_names(void **state)
{
    (void)state;
    static const struct {
        const char *type, *twin;
    } twins[] = {
        {"nav_msgs/msg/Odometry", "nav_msgs/Odometry"},
        {"nav_msgs/Odometry", "nav_msgs/msg/Odometry"},
        {"foxglove.LocationFix", ""},
        {"can/gnss_pos", ""},
        {"a/srv/B", ""},
    };
    static const struct {
        const char *of, *is, *field, *want;
    } fields[] = {
        {"sensor_msgs/msg/NavSatFix", "foxglove.LocationFix", "latitude", "latitude"},
        {"sensor_msgs/msg/NavSatFix", "foxglove.LocationFix", "status.status", ""},
        {"sensor_msgs/msg/NavSatFix", "foxglove.LocationFix", "header.frame_id", "frame_id"},
        {"geometry_msgs/msg/PoseStamped", "geometry_msgs/msg/PoseWithCovarianceStamped",
         "pose.position.x", "pose.pose.position.x"},
        {"geometry_msgs/msg/PoseStamped", "geometry_msgs/msg/PoseWithCovarianceStamped", "poser",
         "poser"},
    };
    rml_arena arena = {0};
    for (size_t i = 0; i < sizeof twins / sizeof *twins; i++) {
        rml_str twin = rml_type_ros_twin(rml_str_of(twins[i].type), &arena);
        assert_true(rml_str_equal(twin, rml_str_of(twins[i].twin)));
    }
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const type_alias *alias = NULL;
        for (size_t k = 0; (alias = rml_type_alias(rml_str_of(fields[i].of), k)) != NULL; k++) {
            if (strcmp(alias->is, fields[i].is) == 0) {
                break;
            }
        }
        assert_non_null(alias);
        rml_str found;
        assert_int_equal(
            rml_type_alias_field(alias, rml_str_of(fields[i].field), &arena, &found, NULL), RML_OK);
        assert_true(rml_str_equal(found, rml_str_of(fields[i].want)));
    }
    assert_null(rml_type_alias(RML_STR("nav_msgs/msg/Odometry"), 0));
    rml_arena_reset(&arena);
}

static void no_memory_is_an_error(void **state)
{
    (void)state;
    rml_str text = rml_recipe_builtin(RML_STR("gnss_imu"));
    for (uint64_t after = 0;; after++) {
        rml_recipe *r;
        rml_error err = {0};
        rml_heap_fail_after(after);
        rml_status st = rml_recipe_parse(text, RML_STR("r.yaml"), &r, &err);
        rml_heap_fail_after(UINT64_MAX);
        rml_recipe_free(r);
        if (st == RML_OK) {
            break;
        }
    }
}

static void quaternions_by_hand(void **state)
{
    (void)state;
    const double h = sqrt(0.5);
    static const struct {
        const char *function;
        int axis; // of a quarter turn: 0 x, 1 y, 2 z; 3 none
        double want;
    } cases[] = {
        {"yaw", 2, RML_PI / 2},  {"yaw", 0, 0},  {"yaw", 3, 0},
        {"roll", 0, RML_PI / 2}, {"roll", 2, 0}, {"pitch", 1, RML_PI / 2},
        {"pitch", 2, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double q[4] = {0, 0, 0, cases[i].axis == 3 ? 1 : h};
        if (cases[i].axis < 3) {
            q[cases[i].axis] = h;
        }
        const recipe_function *f = rml_recipe_function_find(rml_str_of(cases[i].function));
        assert_true(fabs(f->value(q) - cases[i].want) < 1e-7);
        const double zeros[4] = {0};
        assert_true(isnan(f->value(zeros)));
    }
    // A sensor turned by a quarter about x: its y axis points up, so what it feels about y is the
    // vertical rate.
    const double turned[7] = {0.1, 0.7, 0.2, h, 0, 0, h};
    assert_true(fabs(rml_recipe_function_find(RML_STR("vertical"))->value(turned) - 0.7) < 1e-12);
}

// At the equator by hand: a micro-degree is a (1 - e^2) pi / 180e6 to the north, a pi / 180e6 to
// the east. In Boston from mpmath 1.3 with 50 digits, by way of the parametric latitude.
static void positions_by_hand(void **state)
{
    (void)state;
    rml_geodetic equator = {0, 0, 0};
    rml_enu north = rml_enu_of(equator, (rml_geodetic){1e-6, 0, 0});
    rml_enu east = rml_enu_of(equator, (rml_geodetic){0, 1e-6, 0});
    rml_enu up = rml_enu_of(equator, (rml_geodetic){0, 0, 12.5});
    assert_true(fabs(north.north_m - 0.110574275821594) < 1e-9 && fabs(north.east_m) < 1e-9);
    assert_true(fabs(east.east_m - 0.111319490793274) < 1e-9 && fabs(east.north_m) < 1e-9);
    assert_true(fabs(up.up_m - 12.5) < 1e-9);
    rml_enu boston = rml_enu_of((rml_geodetic){42.375812, -71.147394667, 7.3},
                                (rml_geodetic){42.3801, -71.1402, 9.1});
    assert_true(fabs(boston.east_m - 592.523952649971407) < 1e-7);
    assert_true(fabs(boston.north_m - 476.3394873636855) < 1e-7);
    assert_true(fabs(boston.up_m - 1.75469392227545667) < 1e-7);
}

static void course_and_speed_look_back(void **state)
{
    (void)state;
    const double fixes[4 * 3] = {0, 0, 0, 0, 1e-5, 0, 0, 1e-5, 0, 1e-5, 1e-5, 0};
    const int64_t times[4] = {0, 1000000000, 2000000000, 2500000000};
    const rml_geodetic origin = {0, 0, 0};
    double out[4];
    rml_recipe_function_find(RML_STR("course"))->series(fixes, times, 4, &origin, out);
    assert_true(isnan(out[0]) && fabs(out[1]) < 1e-6 && out[2] == out[1]);
    assert_true(fabs(out[3] - RML_PI / 2) < 1e-6);
    rml_recipe_function_find(RML_STR("speed"))->series(fixes, times, 4, &origin, out);
    assert_true(isnan(out[0]) && fabs(out[1] - 1.1131949) < 1e-6 && out[2] == 0);
    assert_true(fabs(out[3] - 2 * 1.1057428) < 1e-5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_say_where),      cmocka_unit_test(the_hash_is_of_what_is_said),
        cmocka_unit_test(builtins_parse),        cmocka_unit_test(types_go_by_several_names),
        cmocka_unit_test(no_memory_is_an_error), cmocka_unit_test(quaternions_by_hand),
        cmocka_unit_test(positions_by_hand),     cmocka_unit_test(course_and_speed_look_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
