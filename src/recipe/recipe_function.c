// The functions of the recipe language; one row is one function.
//
// Quaternions are (x, y, z, w) and turn the sensor's axes into the world's (REP 103, REP 105).
#include "recipe.h"

#include "roadmill/math.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// WGS 84, NIMA TR8350.2, table 3.1 and 3.3.
static const double SEMI_MAJOR_M = 6378137.0;
static const double FLATTENING = 1.0 / 298.257223563;

typedef struct fixed {
    double x, y, z;
} fixed;

static double radians(double degrees)
{
    return degrees * (RML_PI / 180);
}

// Geodetic to earth-centred, earth-fixed (TR8350.2, equation 4-14).
static fixed earth_fixed(rml_geodetic g)
{
    double squared = FLATTENING * (2 - FLATTENING);
    double s = rml_f64_sin(radians(g.latitude_deg)), c = rml_f64_cos(radians(g.latitude_deg));
    double normal = SEMI_MAJOR_M / sqrt(1 - squared * s * s);
    return (fixed){
        (normal + g.height_m) * c * rml_f64_cos(radians(g.longitude_deg)),
        (normal + g.height_m) * c * rml_f64_sin(radians(g.longitude_deg)),
        (normal * (1 - squared) + g.height_m) * s,
    };
}

rml_enu rml_enu_of(rml_geodetic origin, rml_geodetic position)
{
    fixed o = earth_fixed(origin), p = earth_fixed(position);
    double dx = p.x - o.x, dy = p.y - o.y, dz = p.z - o.z;
    double sp = rml_f64_sin(radians(origin.latitude_deg));
    double cp = rml_f64_cos(radians(origin.latitude_deg));
    double sl = rml_f64_sin(radians(origin.longitude_deg));
    double cl = rml_f64_cos(radians(origin.longitude_deg));
    return (rml_enu){
        -sl * dx + cl * dy,
        -sp * cl * dx - sp * sl * dy + cp * dz,
        cp * cl * dx + cp * sl * dy + sp * dz,
    };
}

static double same(const double *in)
{
    return in[0];
}

// A quaternion of no length turns nothing: it is missing (drivers fill in zeros).
static bool quaternion_is_missing(const double *q)
{
    double squared = q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3];
    return !(squared > 0.5 && squared < 2);
}

double rml_recipe_yaw(const double *q)
{
    if (quaternion_is_missing(q)) {
        return NAN;
    }
    double x = q[0], y = q[1], z = q[2], w = q[3];
    return rml_f64_atan2(2 * (w * z + x * y), w * w + x * x - y * y - z * z);
}

static double roll(const double *q)
{
    if (quaternion_is_missing(q)) {
        return NAN;
    }
    double x = q[0], y = q[1], z = q[2], w = q[3];
    return rml_f64_atan2(2 * (w * x + y * z), w * w - x * x - y * y + z * z);
}

// asin(s) as atan2(s, sqrt(1 - s^2)), which is defined at the poles despite rounding.
static double pitch(const double *q)
{
    if (quaternion_is_missing(q)) {
        return NAN;
    }
    double squared = q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3];
    double s = 2 * (q[3] * q[1] - q[2] * q[0]) / squared;
    double c = 1 - s * s;
    return rml_f64_atan2(s, c > 0 ? sqrt(c) : 0);
}

// The vertical part of a vector in the sensor's axes: third row of the rotation times the vector.
// It does not depend on how the sensor is mounted.
static double vertical(const double *in)
{
    const double *v = in, *q = in + 3;
    if (quaternion_is_missing(q)) {
        return NAN;
    }
    double x = q[0], y = q[1], z = q[2], w = q[3];
    double squared = x * x + y * y + z * z + w * w;
    return (2 * (x * z - w * y) * v[0] + 2 * (y * z + w * x) * v[1] +
            (w * w - x * x - y * y + z * z) * v[2]) /
           squared;
}

// A vector of the ground's frame along and across a direction.
static double forward(const double *in)
{
    return in[0] * rml_f64_cos(in[2]) + in[1] * rml_f64_sin(in[2]);
}

static double leftward(const double *in)
{
    return in[1] * rml_f64_cos(in[2]) - in[0] * rml_f64_sin(in[2]);
}

// Where the rear axle of a box lies, seen from above: x or y, yaw, and the way to it in its axes.
static double rear_x(const double *in)
{
    return in[0] + in[2] * rml_f64_cos(in[1]) - in[3] * rml_f64_sin(in[1]);
}

static double rear_y(const double *in)
{
    return in[0] + in[2] * rml_f64_sin(in[1]) + in[3] * rml_f64_cos(in[1]);
}

// Where a sample lies: of latitude, longitude and height, or (flat) of the first two alone.
static rml_enu sample_enu(const double *in, size_t i, const rml_geodetic *origin)
{
    return rml_enu_of(*origin, (rml_geodetic){in[i * 3], in[i * 3 + 1], in[i * 3 + 2]});
}

static rml_enu flat_enu(const double *in, size_t i, const rml_geodetic *origin)
{
    const rml_geodetic ground = {origin->latitude_deg, origin->longitude_deg, 0};
    return rml_enu_of(ground, (rml_geodetic){in[i * 2], in[i * 2 + 1], 0});
}

typedef rml_enu (*locate)(const double *in, size_t i, const rml_geodetic *origin);

// Direction of travel, looking back only: from the last sample that lies at least 0.5 m away, held
// while standing. Half a metre is above the noise from one fix to the next, not above its error.
static void course_by(locate at, const double *in, size_t count, const rml_geodetic *origin,
                      double *out)
{
    double direction = NAN;
    rml_enu from = {NAN, NAN, NAN};
    for (size_t i = 0; i < count; i++) {
        rml_enu here = at(in, i, origin);
        double dx = here.east_m - from.east_m, dy = here.north_m - from.north_m;
        if (isnan(from.east_m)) {
            from = here;
        } else if (dx * dx + dy * dy >= 0.25) {
            direction = rml_f64_atan2(dy, dx);
            from = here;
        }
        out[i] = direction;
    }
}

// Speed over ground by the backward difference; missing at the first sample.
static void speed_by(locate at, const double *in, const int64_t *times_ns, size_t count,
                     const rml_geodetic *origin, double *out)
{
    rml_enu before = {NAN, NAN, NAN};
    for (size_t i = 0; i < count; i++) {
        rml_enu here = at(in, i, origin);
        int64_t step_ns = i > 0 ? times_ns[i] - times_ns[i - 1] : 0;
        out[i] = step_ns > 0
                     ? rml_f64_hypot(here.east_m - before.east_m, here.north_m - before.north_m) /
                           ((double)step_ns / 1e9)
                     : NAN;
        before = here;
    }
}

// The series of a row of the table: a component of the position, or what follows from positions.
#define SERIES(name, expression)                                                                   \
    static void name(const double *in, const int64_t *times_ns, size_t count,                      \
                     const rml_geodetic *origin, double *out)                                      \
    {                                                                                              \
        (void)times_ns;                                                                            \
        expression;                                                                                \
    }
#define EACH(at, component)                                                                        \
    for (size_t i = 0; i < count; i++) {                                                           \
        out[i] = at(in, i, origin).component;                                                      \
    }
SERIES(east, EACH(sample_enu, east_m))
SERIES(north, EACH(sample_enu, north_m))
SERIES(up, EACH(sample_enu, up_m))
SERIES(course, course_by(sample_enu, in, count, origin, out))
SERIES(speed, speed_by(sample_enu, in, times_ns, count, origin, out))
SERIES(flat_east, EACH(flat_enu, east_m))
SERIES(flat_north, EACH(flat_enu, north_m))
SERIES(flat_course, course_by(flat_enu, in, count, origin, out))
SERIES(flat_speed, speed_by(flat_enu, in, times_ns, count, origin, out))

#define QUATERNION                                                                                 \
    {                                                                                              \
        "x", "y", "z", "w"                                                                         \
    }
#define FIX                                                                                        \
    {                                                                                              \
        "latitude", "longitude", "altitude", NULL                                                  \
    }
static const recipe_function functions[] = {
    // name      arguments, components              channel  angle  value, series
    {"", 1, {{""}}, false, false, same, NULL},
    {"yaw", 1, {QUATERNION}, false, true, rml_recipe_yaw, NULL},
    {"roll", 1, {QUATERNION}, false, true, roll, NULL},
    {"pitch", 1, {QUATERNION}, false, false, pitch, NULL},
    {"vertical", 2, {{"x", "y", "z", NULL}, QUATERNION}, false, false, vertical, NULL},
    {"forward", 2, {{"x", "y", NULL}, {""}}, false, false, forward, NULL},
    {"leftward", 2, {{"x", "y", NULL}, {""}}, false, false, leftward, NULL},
    {"rear_x", 1, {{"x", "yaw", "rear_x", "rear_y"}}, true, false, rear_x, NULL},
    {"rear_y", 1, {{"y", "yaw", "rear_x", "rear_y"}}, true, false, rear_y, NULL},
    {"east", 1, {FIX}, true, false, NULL, east},
    {"north", 1, {FIX}, true, false, NULL, north},
    {"up", 1, {FIX}, true, false, NULL, up},
    {"course", 1, {FIX}, true, true, NULL, course},
    {"speed", 1, {FIX}, true, false, NULL, speed},
    // Of two fields: latitude and longitude in degrees.
    {"east_of", 2, {{""}, {""}}, false, false, NULL, flat_east},
    {"north_of", 2, {{""}, {""}}, false, false, NULL, flat_north},
    {"course_of", 2, {{""}, {""}}, false, true, NULL, flat_course},
    {"speed_of", 2, {{""}, {""}}, false, false, NULL, flat_speed},
};
enum { FUNCTION_COUNT = sizeof functions / sizeof functions[0] };

const recipe_function *rml_recipe_function_find(rml_str name)
{
    for (size_t i = 0; i < FUNCTION_COUNT; i++) {
        if (rml_str_equal(name, rml_str_of(functions[i].name))) {
            return &functions[i];
        }
    }
    return NULL;
}

size_t rml_recipe_function_inputs(const recipe_function *f)
{
    size_t inputs = 0;
    for (size_t a = 0; a < f->arguments; a++) {
        for (size_t i = 0; i < 4 && f->components[a][i]; i++) {
            inputs++;
        }
    }
    return inputs;
}

size_t rml_recipe_function_names(char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 1; i < FUNCTION_COUNT && used < size; i++) {
        int wrote =
            snprintf(text + used, size - used, "%s%s", i > 1 ? ", " : "", functions[i].name);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    return used;
}
