// Protects the built-in recipes on a real recording (robot_localization, a Husky outdoors): every
// message becomes a row or a reject, values are those of the messages, and what two sensors say
// agrees.
#include "roadmill/ingest.h"
#include "roadmill/os.h"
#include "roadmill/recipe.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char folder[1024];
static rml_lake *lake;
static rml_ingest_result ingested;

static void must(rml_status st, const rml_error *err)
{
    if (st) {
        char text[1024];
        rml_error_text(err, text, sizeof text);
        fail_msg("%s", text);
    }
}

static int setup(void **state)
{
    (void)state;
    rml_error err = {0};
    char path[2048];
    const char *data = getenv("RML_DATA");
    if (!data) {
        return 0;
    }
    must(rml_lake_open(rml_str_of(folder), &lake, &err), &err);
    snprintf(path, sizeof path, "%s/logs/ros2-bags/derived/test1_mcap/test1_mcap.mcap", data);
    must(rml_ingest_recording(lake, rml_str_of(path), NULL, NULL, &ingested, &err), &err);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rml_lake_close(lake);
    return 0;
}

static void need_data(void)
{
    if (!lake) {
        print_message("skipped: no data\n");
        skip();
    }
}

static rml_ego_result make(const char *name)
{
    rml_error err = {0};
    rml_recipe *recipe = NULL;
    rml_ego_result out;
    must(rml_recipe_parse(rml_recipe_builtin(rml_str_of(name)), rml_str_of(name), &recipe, &err),
         &err);
    must(rml_ego_make(lake, rml_str_of(ingested.recording_id), recipe, &out, &err), &err);
    rml_recipe_free(recipe);
    assert_int_equal(out.inputs, out.rows + out.rejects);
    return out;
}

static double number(const char *sql)
{
    rml_error err = {0};
    rml_rows *rows = NULL;
    rml_batch batch = {0};
    must(rml_lake_sql(lake, rml_str_of(sql), &rows, &err), &err);
    must(rml_rows_all(rows, 1, &batch, &err), &err);
    double value = rml_column_get_f64(&batch.columns[0], 0);
    rml_batch_reset(&batch);
    rml_rows_close(rows);
    return value;
}

static void the_first_recipe_that_fits(void **state)
{
    (void)state;
    need_data();
    rml_str name;
    rml_error err = {0};
    must(rml_recipe_pick(lake, rml_str_of(ingested.recording_id), &name, &err), &err);
    assert_true(rml_str_equal(name, RML_STR("odometry")));
    must(rml_recipe_pick(lake, RML_STR("00"), &name, &err), &err);
    assert_int_equal(name.len, 0);
}

static void odometry(void **state)
{
    (void)state;
    need_data();
    rml_ego_result out = make("odometry");
    print_message("odometry: %d messages = %d rows + %d rejects\n", (int)out.inputs, (int)out.rows,
                  (int)out.rejects);
    assert_int_equal(out.inputs, 3952);
    assert_true(out.rows >= 3950);
    assert_true(
        number("SELECT count(*) FROM ego e JOIN signals_nav_msgs_msg_odometry o ON e.t_ns = "
               "o.sensor_ns AND e.x_m = o.pose.pose.position.x AND e.y_m = "
               "o.pose.pose.position.y AND e.vx_mps = o.twist.twist.linear.x WHERE frame = "
               "'odom' AND abs(abs(sin(e.yaw_rad / 2)) - abs(o.pose.pose.orientation.z)) < 1e-6") ==
        (double)out.rows);
    // The inertial sensor lies on its side: its axes are not those of the vehicle.
    assert_true(number("SELECT count(ax_mps2) FROM ego") == 0);
}

static void gnss_and_imu(void **state)
{
    (void)state;
    need_data();
    rml_ego_result out = make("gnss_imu");
    print_message("gnss_imu: %d messages = %d rows + %d rejects\n", (int)out.inputs, (int)out.rows,
                  (int)out.rejects);
    assert_int_equal(out.inputs, 989);
    assert_true(out.rows > 900);
    assert_true(number("SELECT latitude_deg FROM places") == 42.375812);
    // A degree of latitude is 111 km and some, here: north agrees with it to a millimetre a
    // hundred.
    assert_true(
        number("SELECT max(abs(e.y_m - (f.latitude - 42.375812) * 111077.9)) FROM ego e JOIN "
               "signals_sensor_msgs_msg_navsatfix f ON e.t_ns = f.sensor_ns") < 0.5);
    // The sensor lies on its side: what it feels about its y axis is the vertical rate (to the
    // vehicle's own tilt), and what the wheels say of turning agrees as well as skidding wheels do.
    double axis = number("SELECT corr(i.angular_velocity.y, e.yaw_rate_radps) FROM ego e JOIN "
                         "signals_sensor_msgs_msg_imu i ON i.sensor_ns = e.t_ns + "
                         "e.sources[2].difference_ns");
    double wheels =
        number("SELECT corr(o.twist.twist.angular.z, e.yaw_rate_radps) FROM ego e ASOF JOIN "
               "signals_nav_msgs_msg_odometry o ON e.t_ns >= o.sensor_ns");
    print_message("correlation of the vertical rate: sensor's y axis %.4f, wheels %.3f\n", axis,
                  wheels);
    assert_true(axis > 0.99 && wheels > 0.8);
    assert_true(number("SELECT count(*) FROM ego WHERE abs(sources[2].difference_ns) > 50000000") ==
                0);
}

int main(void)
{
    rml_error err = {0};
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/drive_ego_real.%lld", tmp ? tmp : "/tmp",
             (long long)rml_clock_unix_ns());
    if (rml_folder_make(folder, &err)) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_recipe_that_fits),
        cmocka_unit_test(odometry),
        cmocka_unit_test(gnss_and_imu),
    };
    int failed = cmocka_run_group_tests(tests, setup, teardown);
    return rml_folder_remove(folder, &err) ? 1 : failed;
}
