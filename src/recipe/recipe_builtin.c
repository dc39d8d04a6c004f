// The recipes that come with the program. They make no assumption about mounting: what depends on
// it is taken only where the samples themselves show that the sensor stands level.
#include "recipe.h"

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

// CSS Electronics CANmod.gps by its own DBC: a GNSS receiver with frames of its own on the bus.
static const char canmod_gps[] = "recipe: canmod_gps\n"
                                 "time: log\n"
                                 "driver: position\n"
                                 "frame: enu\n"
                                 "channels:\n"
                                 "  position:\n"
                                 "    type: can/gnss_pos\n"
                                 "    keep:\n"
                                 "      - {field: PositionValid, at_least: 1}\n"
                                 "  speed:\n"
                                 "    type: can/gnss_speed\n"
                                 "    policy: nearest\n"
                                 "    tolerance_ms: 500\n"
                                 "    required: false\n"
                                 "    keep:\n"
                                 "      - {field: SpeedValid, at_least: 1}\n"
                                 "ego:\n"
                                 "  x_m: east_of(position.Latitude, position.Longitude)\n"
                                 "  y_m: north_of(position.Latitude, position.Longitude)\n"
                                 "  yaw_rad: course_of(position.Latitude, position.Longitude)\n"
                                 "  vx_mps: speed.Speed\n";

// The host vehicle of ASAM OSI's ground truth.
static const char osi[] = "recipe: osi\n"
                          "time: sensor\n"
                          "driver: host\n"
                          "frame: osi\n"
                          "channels:\n"
                          "  host: {type: osi/host}\n"
                          "ego:\n"
                          "  x_m: rear_x(host)\n"
                          "  y_m: rear_y(host)\n"
                          "  z_m: host.z\n"
                          "  roll_rad: host.roll\n"
                          "  pitch_rad: host.pitch\n"
                          "  yaw_rad: host.yaw\n"
                          "  vx_mps: forward(host.velocity, host.yaw)\n"
                          "  vy_mps: leftward(host.velocity, host.yaw)\n"
                          "  yaw_rate_radps: host.yaw_rate\n"
                          "  ax_mps2: forward(host.acceleration, host.yaw)\n"
                          "  ay_mps2: leftward(host.acceleration, host.yaw)\n";

// The base of a robot in its tree of frames.
static const char tf[] = "recipe: tf\n"
                         "time: sensor\n"
                         "driver: base\n"
                         "frame: base.frame\n"
                         "channels:\n"
                         "  base: {type: tf/base}\n"
                         "ego:\n"
                         "  x_m: base.translation.x\n"
                         "  y_m: base.translation.y\n"
                         "  z_m: base.translation.z\n"
                         "  roll_rad: roll(base.rotation)\n"
                         "  pitch_rad: pitch(base.rotation)\n"
                         "  yaw_rad: yaw(base.rotation)\n";

// A pose in a frame that stands still. A goal is a pose too, but of nothing that is there; what a
// pose is of is not said, so it comes last.
static const char pose[] =
    "recipe: pose\n"
    "time: sensor\n"
    "driver: pose\n"
    "frame: pose.header.frame_id\n"
    "frame_stands: true\n"
    "channels:\n"
    "  pose:\n"
    "    type: geometry_msgs/msg/PoseStamped\n"
    "    topic_without: [goal, target, initial, plan, waypoint, cmd, command]\n"
    "  imu:\n"
    "    type: sensor_msgs/msg/Imu\n"
    "    policy: nearest\n"
    "    tolerance_ms: 50\n"
    "    required: false\n"
    "ego:\n"
    "  x_m: pose.pose.position.x\n"
    "  y_m: pose.pose.position.y\n"
    "  z_m: pose.pose.position.z\n"
    "  roll_rad: roll(pose.pose.orientation)\n"
    "  pitch_rad: pitch(pose.pose.orientation)\n"
    "  yaw_rad: yaw(pose.pose.orientation)\n"
    "  yaw_rate_radps: vertical(imu.angular_velocity, imu.orientation)\n";

// In the order in which they are tried.
static const struct {
    const char *name, *text;
} builtins[] = {{"odometry", odometry},
                {"gnss_imu", gnss_imu},
                {"canmod_gps", canmod_gps},
                {"osi", osi},
                {"tf", tf},
                {"pose", pose}};
static const size_t builtin_count = sizeof builtins / sizeof *builtins;

const char *rml_recipe_builtin_name(size_t index)
{
    return index < builtin_count ? builtins[index].name : NULL;
}

rml_str rml_recipe_builtin(rml_str name)
{
    for (size_t i = 0; i < builtin_count; i++) {
        if (rml_str_equal(name, rml_str_of(builtins[i].name))) {
            return rml_str_of(builtins[i].text);
        }
    }
    return (rml_str){0};
}
