// A road of some lanes: straight, an arc, straight. Lane 0 is the rightmost; positions along the
// road (s) are measured on the reference line, the right edge of lane 0.
#ifndef ROADMILL_SYNTH_ROAD_H
#define ROADMILL_SYNTH_ROAD_H

#include "roadmill/base.h"

#define SYNTH_LANE_WIDTH_M 3.5

typedef struct synth_road {
    uint32_t lanes;
    double length_m;
    double arc_from_m, arc_to_m; // along the road
    double curvature;            // 1/m; positive turns left
    double heading_rad;          // at s = 0
    double limit_mps;            // on the straights
    double arc_speed_mps;        // comfortable in the arc
} synth_road;

typedef struct synth_pose {
    double x_m, y_m, yaw_rad;
} synth_pose;

// A road of a place; different places have different roads. lanes > 0, length_m > 200.
void rml_synth_road_make(synth_road *road, uint64_t seed, uint32_t place, uint32_t lanes,
                         double length_m);
// The point at (s, d), and the road's direction there.
synth_pose rml_synth_road_pose(const synth_road *road, double s, double d);
// Middle of a lane, as d; lane - 0.5 is its right edge.
double rml_synth_lane_middle(const synth_road *road, double lane);
// What a driver who looks ahead takes as the most that is comfortable at s: the limit, and before
// an arc a gentle braking curve (1.5 m/s2) towards its speed.
double rml_synth_road_speed(const synth_road *road, double s);

#endif
