// The road's geometry; see road.h.
#include "road.h"

#include "roadmill/base/random.h"
#include "roadmill/math.h"

#include <math.h>

enum { STREAM_ROAD = 1 };
static const double COMFORT_LATERAL_MPS2 = 2.0;
static const double COMFORT_BRAKING_MPS2 = 1.5;

static double between(uint64_t seed, uint64_t stream, uint64_t index, double low, double high)
{
    return low + (high - low) * rml_random_f64(seed, stream, index);
}

void rml_synth_road_make(synth_road *road, uint64_t seed, uint32_t place, uint32_t lanes,
                         double length_m)
{
    uint64_t stream = ((uint64_t)STREAM_ROAD << 32) | place;
    double radius = between(seed, stream, 0, 55, 90);
    double angle = between(seed, stream, 1, 1.0, 1.5);
    double arc = radius * angle < length_m / 2 ? radius * angle : length_m / 2;
    double before = (length_m - arc) * between(seed, stream, 2, 0.4, 0.6);
    *road = (synth_road){
        .lanes = lanes,
        .length_m = length_m,
        .arc_from_m = before,
        .arc_to_m = before + arc,
        .curvature = (place % 2 == 0 ? 1 : -1) / radius,
        .heading_rad = between(seed, stream, 3, -0.5, 0.5),
        .limit_mps = 50 / 3.6,
        .arc_speed_mps = sqrt(COMFORT_LATERAL_MPS2 * radius),
    };
}

synth_pose rml_synth_road_pose(const synth_road *road, double s, double d)
{
    double h0 = road->heading_rad, k = road->curvature;
    double first = s < road->arc_from_m ? s : road->arc_from_m;
    double inside = s - road->arc_from_m;
    double arc = road->arc_to_m - road->arc_from_m;
    inside = inside < 0 ? 0 : (inside > arc ? arc : inside);
    double last = s > road->arc_to_m ? s - road->arc_to_m : 0;
    double h1 = h0 + k * inside;
    double s0 = rml_f64_sin(h0), c0 = rml_f64_cos(h0), s1 = rml_f64_sin(h1), c1 = rml_f64_cos(h1);
    double x = first * c0 + (s1 - s0) / k + last * c1;
    double y = first * s0 - (c1 - c0) / k + last * s1;
    return (synth_pose){x - d * s1, y + d * c1, h1};
}

double rml_synth_lane_middle(const synth_road *road, double lane)
{
    return (lane + 0.5 - road->lanes / 2.0) * SYNTH_LANE_WIDTH_M;
}

double rml_synth_road_speed(const synth_road *road, double s)
{
    if (s > road->arc_to_m) {
        return road->limit_mps;
    }
    double ahead = s < road->arc_from_m ? road->arc_from_m - s : 0;
    double arc = road->arc_speed_mps;
    double speed = sqrt(arc * arc + 2 * COMFORT_BRAKING_MPS2 * ahead);
    return speed < road->limit_mps ? speed : road->limit_mps;
}
