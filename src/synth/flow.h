// Traffic on a road: vehicles that follow (IDM) and change lanes (MOBIL), stepped in fixed time.
#ifndef ROADMILL_SYNTH_FLOW_H
#define ROADMILL_SYNTH_FLOW_H

#include "road.h"

#define SYNTH_STEP_S 0.02

typedef struct synth_vehicle {
    uint32_t id; // from 1; the ego is 1
    bool is_truck, on_road;
    double length_m, width_m;
    // IDM: desired speed, time gap, standstill gap, acceleration, comfortable braking.
    double desired_mps, time_gap_s, jam_gap_m, accelerate_mps2, brake_mps2;
    double politeness; // MOBIL
    // State. s is of the middle of the box.
    double s_m, speed_mps, acceleration_mps2;
    uint32_t lane, lane_before;
    double change; // 0 to 1 while changing from lane_before to lane; 1 when done
    double rest_s; // until it thinks of changing again
    double slow_from_s, slow_to_s, slow_mps; // an episode of slow driving, as behind a hazard
} synth_vehicle;

typedef struct synth_flow {
    synth_road road;
    uint64_t seed;
    uint32_t drive;
    synth_vehicle *vehicles; // [capacity], those that left included; in order of id
    size_t count, capacity;
    uint64_t steps;
} synth_flow;

// vehicles[capacity] is the caller's; count of them start spread over the road, others enter as
// these leave, until capacity is used up.
void rml_synth_flow_init(synth_flow *f, const synth_road *road, uint64_t seed, uint32_t drive,
                         synth_vehicle *vehicles, size_t capacity, size_t count);
void rml_synth_flow_step(synth_flow *f);
double rml_synth_flow_time_s(const synth_flow *f);

// The middle of a vehicle's box and its heading.
synth_pose rml_synth_vehicle_pose(const synth_road *road, const synth_vehicle *v);

#endif
