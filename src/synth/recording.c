// The ego's sensors as an MCAP recording of ROS 2 messages (CDR): wheel odometry that drifts, an
// inertial sensor with bias and noise, satellite positions with noise; each with its rate and
// delay.
//
// A message's header says when it was measured, its log time when it arrived. Faults are planted
// here and counted as they happen.
#include "fill.h"
#include "fleet.h"

#include "roadmill/base/random.h"
#include "roadmill/log/mcap.h"
#include "roadmill/math.h"
#include "roadmill/message.h"

#include <math.h>
#include <string.h>

// One row is one sensor.
typedef enum sensor_kind { ODOMETRY, INERTIAL, POSITION, SENSORS } sensor_kind;
static const struct {
    const char *topic, *type;
    uint32_t every;              // steps of 20 ms
    int64_t delay_ns, jitter_ns; // from measuring to logging
} sensors[SENSORS] = {
    [ODOMETRY] = {"/odom", "nav_msgs/msg/Odometry", 2, 5000000, 2000000},
    [INERTIAL] = {"/imu", "sensor_msgs/msg/Imu", 1, 2000000, 1000000},
    [POSITION] = {"/fix", "sensor_msgs/msg/NavSatFix", 10, 80000000, 20000000},
};

static const int64_t EPOCH_NS = 1767225600000000000; // 2026-01-01, an hour between drives
static const double REAR_AXLE_M = 1.4;               // behind the middle of the box
static const double ORIGIN_LATITUDE_DEG = 48.14, ORIGIN_LONGITUDE_DEG = 11.58;
static const double ORIGIN_HEIGHT_M = 520;

// The truth at a step, of the point under the rear axle.
typedef struct truth {
    double x, y, yaw, speed, yaw_rate, acceleration;
} truth;

typedef struct pending {
    int64_t log_ns, sensor_ns;
    uint32_t sensor, sequence;
    size_t offset, len; // of its bytes
} pending;

typedef struct recorder {
    const synth_drive *drive;
    synth_fault *fault;
    rml_message_plan *plans[SENSORS];
    rml_batch batches[SENSORS];
    rml_buffer bytes;
    rml_array pending;
    uint32_t sequence[SENSORS];
    // Dead reckoning of the wheels.
    double odometry_x, odometry_y, odometry_yaw;
    // What a stuck sensor keeps saying.
    double stuck_rate, stuck_acceleration;
    bool stuck;
} recorder;

static double noise(const recorder *r, uint32_t kind, uint64_t index, double sigma)
{
    uint64_t stream = ((uint64_t)r->drive->index << 32) | (900000 + kind);
    return sigma * rml_random_normal(r->drive->seed, stream, index);
}

static truth truth_at(const synth_drive *drive, size_t step)
{
    const synth_ego *ego = drive->ego.data;
    size_t before = step > 0 ? step - 1 : 0, after = step > 0 ? step : 1;
    const synth_ego *here = &ego[step];
    double turned = rml_angle_wrap(ego[after].pose.yaw_rad - ego[before].pose.yaw_rad);
    return (truth){
        .x = here->pose.x_m - REAR_AXLE_M * rml_f64_cos(here->pose.yaw_rad),
        .y = here->pose.y_m - REAR_AXLE_M * rml_f64_sin(here->pose.yaw_rad),
        .yaw = here->pose.yaw_rad,
        .speed = here->speed_mps,
        .yaw_rate = turned / SYNTH_STEP_S,
        .acceleration = (ego[after].speed_mps - ego[before].speed_mps) / SYNTH_STEP_S,
    };
}

static rml_status odometry_fill(recorder *r, const truth *t, size_t step, int64_t stamp_ns,
                                rml_error *err)
{
    static double pose_covariance[36], twist_covariance[36];
    double speed = t->speed * 1.01 + noise(r, ODOMETRY, step * 2, 0.03);
    double rate = t->yaw_rate + 0.002 + noise(r, ODOMETRY, step * 2 + 1, 0.003);
    double seconds = sensors[ODOMETRY].every * SYNTH_STEP_S;
    double direction = r->odometry_yaw + rate * seconds / 2;
    r->odometry_x += speed * seconds * rml_f64_cos(direction);
    r->odometry_y += speed * seconds * rml_f64_sin(direction);
    r->odometry_yaw = rml_angle_wrap(r->odometry_yaw + rate * seconds);
    const synth_value values[] = {
        {.path = "header.stamp", .integer = stamp_ns},
        {.path = "header.frame_id", .text = "odom"},
        {.path = "child_frame_id", .text = "base_link"},
        {.path = "pose.pose.position.x", .number = r->odometry_x},
        {.path = "pose.pose.position.y", .number = r->odometry_y},
        {.path = "pose.pose.orientation.z", .number = rml_f64_sin(r->odometry_yaw / 2)},
        {.path = "pose.pose.orientation.w", .number = rml_f64_cos(r->odometry_yaw / 2)},
        {.path = "pose.covariance", .list = pose_covariance, .list_count = 36},
        {.path = "twist.twist.linear.x", .number = speed},
        {.path = "twist.twist.angular.z", .number = rate},
        {.path = "twist.covariance", .list = twist_covariance, .list_count = 36},
    };
    return rml_synth_fill(r->batches[ODOMETRY].schema, r->batches[ODOMETRY].columns, values,
                          sizeof values / sizeof values[0], err);
}

static rml_status inertial_fill(recorder *r, const truth *t, size_t step, int64_t stamp_ns,
                                rml_error *err)
{
    static const double covariance[9] = {1e-4, 0, 0, 0, 1e-4, 0, 0, 0, 1e-4};
    double rate = t->yaw_rate - 0.001 + noise(r, INERTIAL, step * 3, 0.002);
    double acceleration = t->acceleration + 0.02 + noise(r, INERTIAL, step * 3 + 1, 0.05);
    if (r->stuck) {
        rate = r->stuck_rate;
        acceleration = r->stuck_acceleration;
    }
    r->stuck_rate = rate;
    r->stuck_acceleration = acceleration;
    double sideways = r->stuck ? 0 : t->speed * t->yaw_rate;
    const synth_value values[] = {
        {.path = "header.stamp", .integer = stamp_ns},
        {.path = "header.frame_id", .text = "imu_link"},
        {.path = "orientation.z", .number = rml_f64_sin(t->yaw / 2)},
        {.path = "orientation.w", .number = rml_f64_cos(t->yaw / 2)},
        {.path = "orientation_covariance", .list = covariance, .list_count = 9},
        {.path = "angular_velocity.z", .number = rate},
        {.path = "angular_velocity_covariance", .list = covariance, .list_count = 9},
        {.path = "linear_acceleration.x", .number = acceleration},
        {.path = "linear_acceleration.y", .number = sideways},
        {.path = "linear_acceleration.z", .number = 9.81},
        {.path = "linear_acceleration_covariance", .list = covariance, .list_count = 9},
    };
    return rml_synth_fill(r->batches[INERTIAL].schema, r->batches[INERTIAL].columns, values,
                          sizeof values / sizeof values[0], err);
}

// Metres to degrees by the radii of curvature at the origin (WGS 84): a centimetre off at 600 m,
// far below the noise.
static rml_status position_fill(recorder *r, const truth *t, size_t step, int64_t stamp_ns,
                                rml_error *err)
{
    static const double covariance[9] = {0.25, 0, 0, 0, 0.25, 0, 0, 0, 1};
    const double a = 6378137.0, e2 = 6.69437999014e-3, degree = RML_PI / 180;
    double s = rml_f64_sin(ORIGIN_LATITUDE_DEG * degree);
    double w = sqrt(1 - e2 * s * s);
    double meridian = a * (1 - e2) / (w * w * w) + ORIGIN_HEIGHT_M;
    double parallel = (a / w + ORIGIN_HEIGHT_M) * rml_f64_cos(ORIGIN_LATITUDE_DEG * degree);
    double east = t->x + noise(r, POSITION, step * 3, 0.5);
    double north = t->y + noise(r, POSITION, step * 3 + 1, 0.5);
    const synth_value values[] = {
        {.path = "header.stamp", .integer = stamp_ns},
        {.path = "header.frame_id", .text = "gnss"},
        {.path = "status.service", .integer = 1},
        {.path = "latitude", .number = ORIGIN_LATITUDE_DEG + north / meridian / degree},
        {.path = "longitude", .number = ORIGIN_LONGITUDE_DEG + east / parallel / degree},
        {.path = "altitude", .number = ORIGIN_HEIGHT_M + noise(r, POSITION, step * 3 + 2, 1)},
        {.path = "position_covariance", .list = covariance, .list_count = 9},
        {.path = "position_covariance_type", .integer = 2},
    };
    return rml_synth_fill(r->batches[POSITION].schema, r->batches[POSITION].columns, values,
                          sizeof values / sizeof values[0], err);
}

static rml_status (*const fills[SENSORS])(recorder *r, const truth *t, size_t step,
                                          int64_t stamp_ns, rml_error *err) = {
    [ODOMETRY] = odometry_fill,
    [INERTIAL] = inertial_fill,
    [POSITION] = position_fill,
};

static bool fault_is(const recorder *r, const char *kind, sensor_kind sensor, int64_t sensor_ns)
{
    return r->fault->kind && strcmp(r->fault->kind, kind) == 0 &&
           strcmp(r->fault->channel, sensors[sensor].topic) == 0 &&
           sensor_ns >= r->fault->from_ns && sensor_ns < r->fault->to_ns;
}

// Measures one sensor at one step and keeps the message until all are sorted by arrival.
static rml_status measure(recorder *r, sensor_kind sensor, const truth *t, size_t step,
                          rml_error *err)
{
    int64_t sensor_ns = EPOCH_NS + (int64_t)r->drive->index * 3600000000000 +
                        (int64_t)step * (int64_t)(SYNTH_STEP_S * 1e9 + 0.5);
    uint64_t stream = ((uint64_t)r->drive->index << 32) | (800000u + sensor);
    int64_t jitter =
        (int64_t)(rml_random_f64(r->drive->seed, stream, step) * (double)sensors[sensor].jitter_ns);
    bool jump = fault_is(r, "clock_jump", sensor, sensor_ns);
    bool gap = fault_is(r, "gap", sensor, sensor_ns), cut = fault_is(r, "cut", sensor, sensor_ns);
    r->stuck = fault_is(r, "stuck", sensor, sensor_ns);
    r->fault->messages += jump || gap || cut || r->stuck;
    rml_batch_clear(&r->batches[sensor]);
    RML_TRY(fills[sensor](r, t, step, sensor_ns + (jump ? 500000000 : 0), err));
    uint32_t sequence = r->sequence[sensor]++;
    if (gap) {
        return RML_OK;
    }
    pending *p = rml_array_push(&r->pending, err);
    if (!p) {
        return RML_ERR_MEMORY;
    }
    *p = (pending){.log_ns = sensor_ns + sensors[sensor].delay_ns + jitter,
                   .sensor_ns = sensor_ns,
                   .sensor = sensor,
                   .sequence = sequence,
                   .offset = r->bytes.len};
    RML_TRY(rml_message_encode(r->plans[sensor], r->batches[sensor].columns, 0, &r->bytes, err));
    p->len = (r->bytes.len - p->offset) / (cut ? 2 : 1);
    return RML_OK;
}

static int by_arrival(const void *a, const void *b, void *context)
{
    (void)context;
    const pending *left = a, *right = b;
    return (left->log_ns > right->log_ns) - (left->log_ns < right->log_ns);
}

static rml_status file_write(recorder *r, rml_mcap_writer *w, rml_error *err)
{
    uint16_t channels[SENSORS];
    for (size_t i = 0; i < SENSORS; i++) {
        uint16_t schema;
        rml_str type = rml_str_of(sensors[i].type);
        RML_TRY(rml_mcap_writer_schema(w, type, RML_STR("ros2msg"),
                                       rml_bytes_of_str(rml_message_builtin(type)), &schema, err));
        RML_TRY(rml_mcap_writer_channel(w, schema, rml_str_of(sensors[i].topic), RML_STR("cdr"),
                                        &channels[i], err));
    }
    RML_TRY(rml_array_sort(&r->pending, by_arrival, NULL, err));
    for (size_t i = 0; i < r->pending.count; i++) {
        const pending *p = RML_AT(&r->pending, pending, i);
        RML_TRY(rml_mcap_writer_message(w, channels[p->sensor], p->sequence, p->log_ns, p->log_ns,
                                        rml_bytes_of(r->bytes.data + p->offset, p->len), err));
    }
    return rml_mcap_writer_finish(w, err);
}

static rml_status record(recorder *r, const char *path, rml_error *err)
{
    for (size_t i = 0; i < SENSORS; i++) {
        rml_str type = rml_str_of(sensors[i].type);
        RML_TRY(rml_message_compile_ros2(type, rml_message_builtin(type), type, &r->plans[i], err));
        RML_TRY(rml_batch_init(&r->batches[i], rml_message_schema(r->plans[i]), err));
    }
    for (size_t step = 0; step < r->drive->ego.count; step++) {
        truth t = truth_at(r->drive, step);
        for (size_t i = 0; i < SENSORS; i++) {
            if (step % sensors[i].every == 0) {
                RML_TRY(measure(r, (sensor_kind)i, &t, step, err));
            }
        }
    }
    const rml_mcap_writer_options options = {.profile = RML_STR("ros2"),
                                             .library = RML_STR("roadmill synth")};
    rml_mcap_writer *w = NULL;
    RML_TRY(rml_mcap_writer_open(path, &options, &w, err));
    rml_status st = file_write(r, w, err);
    rml_mcap_writer_close(w);
    return st;
}

// Faults are stated as seconds after the start; here they become times of the sensor's clock.
static void fault_place(recorder *r)
{
    int64_t start = EPOCH_NS + (int64_t)r->drive->index * 3600000000000;
    r->fault->from_ns += start;
    r->fault->to_ns += start;
}

rml_status rml_synth_recording_write(const synth_drive *drive, const char *path, synth_fault *fault,
                                     uint64_t *messages, rml_error *err)
{
    recorder r = {.drive = drive, .fault = fault, .pending = RML_ARRAY(pending)};
    fault_place(&r);
    rml_status st = drive->ego.count < 2 ? RML_OK : record(&r, path, err);
    *messages = r.pending.count;
    for (size_t i = 0; i < SENSORS; i++) {
        rml_batch_reset(&r.batches[i]);
        rml_message_plan_free(r.plans[i]);
    }
    rml_buffer_reset(&r.bytes);
    rml_array_reset(&r.pending);
    return st;
}
