// Definitions of common ROS 2 packages, in our own words: what synth writes and examples use. Each
// text is complete, with the types that it needs after lines of "=".
#include "roadmill/message.h"

#define SEPARATOR                                                                                  \
    "================================================================================\nMSG: "

#define TIME                                                                                       \
    SEPARATOR "builtin_interfaces/Time\n"                                                          \
              "int32 sec\nuint32 nanosec\n"
#define HEADER                                                                                     \
    SEPARATOR "std_msgs/Header\n"                                                                  \
              "builtin_interfaces/Time stamp\nstring frame_id\n" TIME
#define VECTOR3                                                                                    \
    SEPARATOR "geometry_msgs/Vector3\n"                                                            \
              "float64 x\nfloat64 y\nfloat64 z\n"
#define POINT                                                                                      \
    SEPARATOR "geometry_msgs/Point\n"                                                              \
              "float64 x\nfloat64 y\nfloat64 z\n"
#define QUATERNION                                                                                 \
    SEPARATOR "geometry_msgs/Quaternion\n"                                                         \
              "float64 x 0\nfloat64 y 0\nfloat64 z 0\nfloat64 w 1\n"
#define POSE                                                                                       \
    SEPARATOR "geometry_msgs/Pose\n"                                                               \
              "Point position\nQuaternion orientation\n" POINT QUATERNION
#define TWIST                                                                                      \
    SEPARATOR "geometry_msgs/Twist\n"                                                              \
              "Vector3 linear\nVector3 angular\n" VECTOR3

static const struct {
    const char *name, *text;
} builtins[] = {
    {"std_msgs/msg/Header", "builtin_interfaces/Time stamp\nstring frame_id\n" TIME},
    {"std_msgs/msg/String", "string data\n"},
    {"std_msgs/msg/Float64", "float64 data\n"},
    {"geometry_msgs/msg/Vector3", "float64 x\nfloat64 y\nfloat64 z\n"},
    {"geometry_msgs/msg/Quaternion", "float64 x 0\nfloat64 y 0\nfloat64 z 0\nfloat64 w 1\n"},
    {"geometry_msgs/msg/PoseStamped",
     "std_msgs/Header header\ngeometry_msgs/Pose pose\n" HEADER POSE},
    {"geometry_msgs/msg/TwistStamped",
     "std_msgs/Header header\ngeometry_msgs/Twist twist\n" HEADER TWIST},
    {"sensor_msgs/msg/Imu",
     "std_msgs/Header header\n"
     "geometry_msgs/Quaternion orientation\n"
     "float64[9] orientation_covariance\n"
     "geometry_msgs/Vector3 angular_velocity\n"
     "float64[9] angular_velocity_covariance\n"
     "geometry_msgs/Vector3 linear_acceleration\n"
     "float64[9] linear_acceleration_covariance\n" HEADER QUATERNION VECTOR3},
    {"sensor_msgs/msg/NavSatFix",
     "std_msgs/Header header\n"
     "NavSatStatus status\n"
     "float64 latitude\nfloat64 longitude\nfloat64 altitude\n"
     "float64[9] position_covariance\n"
     "uint8 COVARIANCE_TYPE_UNKNOWN=0\n"
     "uint8 COVARIANCE_TYPE_APPROXIMATED=1\n"
     "uint8 COVARIANCE_TYPE_DIAGONAL_KNOWN=2\n"
     "uint8 COVARIANCE_TYPE_KNOWN=3\n"
     "uint8 position_covariance_type\n" HEADER SEPARATOR "sensor_msgs/NavSatStatus\n"
     "int8 STATUS_NO_FIX=-1\nint8 STATUS_FIX=0\nint8 STATUS_SBAS_FIX=1\nint8 STATUS_GBAS_FIX=2\n"
     "int8 status\n"
     "uint16 SERVICE_GPS=1\nuint16 SERVICE_GLONASS=2\n"
     "uint16 SERVICE_COMPASS=4\nuint16 SERVICE_GALILEO=8\n"
     "uint16 service\n"},
    {"sensor_msgs/msg/CompressedImage",
     "std_msgs/Header header\nstring format\nuint8[] data\n" HEADER},
    {"nav_msgs/msg/Odometry",
     "std_msgs/Header header\n"
     "string child_frame_id\n"
     "geometry_msgs/PoseWithCovariance pose\n"
     "geometry_msgs/TwistWithCovariance twist\n" HEADER SEPARATOR
     "geometry_msgs/PoseWithCovariance\n"
     "Pose pose\nfloat64[36] covariance\n" POSE SEPARATOR "geometry_msgs/TwistWithCovariance\n"
     "Twist twist\nfloat64[36] covariance\n" TWIST},
};

rml_str rml_message_builtin(rml_str name)
{
    for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++) {
        if (rml_str_equal(name, rml_str_of(builtins[i].name))) {
            return rml_str_of(builtins[i].text);
        }
    }
    return (rml_str){0};
}
