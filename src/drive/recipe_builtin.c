// The recipes that come with the program. They make no assumption about mounting: what depends on
// it is taken only where the samples themselves show that the sensor stands level.
#include "recipe.h"

const char *const recipe_builtin_names[] = {"odometry", "gnss_imu"};
const size_t recipe_builtin_count = sizeof recipe_builtin_names / sizeof recipe_builtin_names[0];

static const char odometry[] = "recipe: odometry\n"
                               "time: sensor\n"
                               "driver: odom\n"
                               "frame: odom.header.frame_id\n"
                               "channels:\n"
                               "  odom: {type: nav_msgs/msg/Odometry}\n"
                               "  imu:\n"
                               "    type: sensor_msgs/msg/Imu\n"
                               "    policy: nearest\n"
                               "    tolerance_ms: 50\n"
                               "    required: false\n"
                               "    keep:\n"
                               "      - {field: linear_acceleration.z, at_least: 7, at_most: 13}\n"
                               "      - {field: linear_acceleration.x, at_least: -6, at_most: 6}\n"
                               "      - {field: linear_acceleration.y, at_least: -6, at_most: 6}\n"
                               "ego:\n"
                               "  x_m: odom.pose.pose.position.x\n"
                               "  y_m: odom.pose.pose.position.y\n"
                               "  z_m: odom.pose.pose.position.z\n"
                               "  roll_rad: roll(odom.pose.pose.orientation)\n"
                               "  pitch_rad: pitch(odom.pose.pose.orientation)\n"
                               "  yaw_rad: yaw(odom.pose.pose.orientation)\n"
                               "  vx_mps: odom.twist.twist.linear.x\n"
                               "  vy_mps: odom.twist.twist.linear.y\n"
                               "  yaw_rate_radps: odom.twist.twist.angular.z\n"
                               "  ax_mps2: imu.linear_acceleration.x\n"
                               "  ay_mps2: imu.linear_acceleration.y\n";

static const char gnss_imu[] =
    "recipe: gnss_imu\n"
    "time: sensor\n"
    "driver: fix\n"
    "frame: enu\n"
    "channels:\n"
    "  fix:\n"
    "    type: sensor_msgs/msg/NavSatFix\n"
    "    keep:\n"
    "      - {field: status.status, at_least: 0}\n"
    "  imu:\n"
    "    type: sensor_msgs/msg/Imu\n"
    "    policy: nearest\n"
    "    tolerance_ms: 50\n"
    "    required: false\n"
    "ego:\n"
    "  x_m: east(fix)\n"
    "  y_m: north(fix)\n"
    "  z_m: up(fix)\n"
    "  yaw_rad: course(fix)\n"
    "  vx_mps: speed(fix)\n"
    "  yaw_rate_radps: vertical(imu.angular_velocity, imu.orientation)\n";

static const char *const texts[] = {odometry, gnss_imu};
_Static_assert(sizeof texts / sizeof texts[0] ==
                   sizeof recipe_builtin_names / sizeof recipe_builtin_names[0],
               "a text for each name");

rml_str rml_recipe_builtin(rml_str name)
{
    for (size_t i = 0; i < recipe_builtin_count; i++) {
        if (rml_str_equal(name, rml_str_of(recipe_builtin_names[i]))) {
            return rml_str_of(texts[i]);
        }
    }
    return (rml_str){0};
}
