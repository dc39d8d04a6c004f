// Intelligent driver model and lane changes.
//
// Sources: Treiber, Hennecke, Helbing, Phys. Rev. E 62 (2000) 1805, equations 3 and 4 (IDM);
// Kesting, Treiber, Helbing, TRR 1999 (2007) 86, equations 2 and 3 (MOBIL, symmetric rules).
#include "flow.h"

#include "roadmill/base/random.h"
#include "roadmill/math.h"

#include <math.h>

static const double CHANGE_S = 3.5;          // how long a lane change takes
static const double CHANGE_LEAVES = 0.6;     // part of it after which the old lane is free
static const double SAFE_BRAKING_MPS2 = 3.0; // MOBIL: what a new follower may be asked to brake
static const double THRESHOLD_MPS2 = 0.15;   // MOBIL: advantage below which nobody changes
static const double NO_LEADER_M = 1e6;
static const double BRAKING_MAX_MPS2 = 8.0;

static double draw(const synth_flow *f, uint32_t vehicle, uint64_t index, double low, double high)
{
    uint64_t stream = ((uint64_t)f->drive << 32) | ((uint64_t)vehicle + 1000);
    return low + (high - low) * rml_random_f64(f->seed, stream, index);
}

static void vehicle_make(const synth_flow *f, synth_vehicle *v, uint32_t id, double s,
                         uint32_t lane)
{
    bool truck = id != 1 && draw(f, id, 0, 0, 1) < 0.15;
    *v = (synth_vehicle){
        .id = id,
        .is_truck = truck,
        .on_road = true,
        .length_m = truck ? draw(f, id, 1, 7, 9) : draw(f, id, 1, 4, 5),
        .width_m = truck ? 2.5 : draw(f, id, 2, 1.7, 2.0),
        .desired_mps = truck ? draw(f, id, 3, 8, 11) : draw(f, id, 3, 10, 18),
        .time_gap_s = draw(f, id, 4, 0.9, 1.8),
        .jam_gap_m = draw(f, id, 5, 2, 3),
        .accelerate_mps2 = truck ? 0.8 : draw(f, id, 6, 1.0, 2.2),
        .brake_mps2 = draw(f, id, 7, 1.5, 2.5),
        .politeness = draw(f, id, 8, 0, 0.4),
        .s_m = s,
        .lane = lane,
        .lane_before = lane,
        .change = 1,
        .rest_s = draw(f, id, 9, 0, 4),
    };
    v->speed_mps = 0.8 * fmin(v->desired_mps, rml_synth_road_speed(&f->road, s));
    double now = rml_synth_flow_time_s(f);
    if (draw(f, id, 10, 0, 1) < 0.3) {
        v->slow_from_s = now + draw(f, id, 11, 2, 14);
        v->slow_to_s = v->slow_from_s + draw(f, id, 12, 2, 5);
        v->slow_mps = draw(f, id, 13, 0, 4);
    }
}

double rml_synth_flow_time_s(const synth_flow *f)
{
    return (double)f->steps * SYNTH_STEP_S;
}

void rml_synth_flow_init(synth_flow *f, const synth_road *road, uint64_t seed, uint32_t drive,
                         synth_vehicle *vehicles, size_t capacity, size_t count)
{
    *f = (synth_flow){
        .road = *road, .seed = seed, .drive = drive, .vehicles = vehicles, .capacity = capacity};
    size_t rows = (count + road->lanes - 1) / road->lanes;
    double spacing = (road->length_m - 60) / (double)(rows ? rows : 1);
    for (size_t i = 0; i < count && i < capacity; i++) {
        uint32_t lane = (uint32_t)(i % road->lanes);
        size_t row = i / road->lanes;
        // The ego is the first: it starts at the beginning, so that it sees the whole road.
        double s =
            15 + spacing * (double)row + draw(f, (uint32_t)i + 1, 20, 0, fmax(0, spacing - 18));
        vehicle_make(f, &vehicles[i], (uint32_t)i + 1, s, lane);
        f->count++;
    }
}

// A vehicle stands in its lane, and in the one it leaves until most of it has left.
static bool occupies(const synth_vehicle *v, uint32_t lane)
{
    return v->on_road && (v->lane == lane || (v->lane_before == lane && v->change < CHANGE_LEAVES));
}

typedef struct neighbours {
    const synth_vehicle *leader, *follower; // NULL if there is none
} neighbours;

static neighbours neighbours_find(const synth_flow *f, const synth_vehicle *me, uint32_t lane)
{
    neighbours n = {NULL, NULL};
    for (size_t i = 0; i < f->count; i++) {
        const synth_vehicle *v = &f->vehicles[i];
        if (v == me || !occupies(v, lane)) {
            continue;
        }
        bool ahead = v->s_m > me->s_m || (v->s_m == me->s_m && v->id > me->id);
        if (ahead && (!n.leader || v->s_m < n.leader->s_m)) {
            n.leader = v;
        }
        if (!ahead && (!n.follower || v->s_m > n.follower->s_m)) {
            n.follower = v;
        }
    }
    return n;
}

static double gap_m(const synth_vehicle *leader, const synth_vehicle *follower)
{
    return leader ? leader->s_m - follower->s_m - (leader->length_m + follower->length_m) / 2
                  : NO_LEADER_M;
}

static double idm(const synth_flow *f, const synth_vehicle *v, const synth_vehicle *leader)
{
    double now = rml_synth_flow_time_s(f);
    double wish = fmin(v->desired_mps, rml_synth_road_speed(&f->road, v->s_m));
    if (now >= v->slow_from_s && now < v->slow_to_s) {
        wish = fmin(wish, v->slow_mps);
    }
    wish = fmax(wish, 0.1);
    double ratio = v->speed_mps / wish;
    double free_road = 1 - ratio * ratio * ratio * ratio;
    double gap = fmax(gap_m(leader, v), 0.1);
    double closing = leader ? v->speed_mps - leader->speed_mps : 0;
    double dynamic = v->speed_mps * v->time_gap_s +
                     v->speed_mps * closing / (2 * sqrt(v->accelerate_mps2 * v->brake_mps2));
    double wanted = v->jam_gap_m + fmax(0, dynamic);
    double interaction = leader ? (wanted / gap) * (wanted / gap) : 0;
    double a = v->accelerate_mps2 * (free_road - interaction);
    // Wishing to be slower is no emergency: only a leader is braked for hard.
    double floor = interaction > 1 ? -BRAKING_MAX_MPS2 : -2 * v->brake_mps2;
    return fmax(a, floor);
}

// MOBIL's advantage of changing to a lane; below the threshold (or unsafe) it is not worth it.
static double advantage(const synth_flow *f, const synth_vehicle *v, uint32_t lane)
{
    neighbours now = neighbours_find(f, v, v->lane), then = neighbours_find(f, v, lane);
    double room = 0.5 * v->jam_gap_m;
    if (gap_m(then.leader, v) < room || (then.follower && gap_m(v, then.follower) < room)) {
        return -INFINITY;
    }
    double mine = idm(f, v, then.leader) - idm(f, v, now.leader);
    double others = 0;
    if (then.follower) {
        double after = idm(f, then.follower, v);
        if (after < -SAFE_BRAKING_MPS2) {
            return -INFINITY;
        }
        others += after - idm(f, then.follower, then.leader);
    }
    if (now.follower) {
        others += idm(f, now.follower, now.leader) - idm(f, now.follower, v);
    }
    return mine + v->politeness * others;
}

static void consider_change(synth_flow *f, synth_vehicle *v)
{
    uint32_t best = v->lane;
    double most = THRESHOLD_MPS2;
    for (int side = -1; side <= 1; side += 2) {
        int64_t lane = (int64_t)v->lane + side;
        if (lane < 0 || lane >= (int64_t)f->road.lanes) {
            continue;
        }
        double value = advantage(f, v, (uint32_t)lane);
        if (value > most) {
            most = value;
            best = (uint32_t)lane;
        }
    }
    v->rest_s = 0.5;
    if (best != v->lane) {
        v->lane_before = v->lane;
        v->lane = best;
        v->change = 0;
        v->rest_s = CHANGE_S + 2;
    }
}

// A new vehicle enters behind the last one of the emptiest lane, if there is room.
static void enter(synth_flow *f)
{
    if (f->count == f->capacity) {
        return;
    }
    double best = 30;
    uint32_t lane = f->road.lanes;
    double speed = 0;
    for (uint32_t l = 0; l < f->road.lanes; l++) {
        double nearest = NO_LEADER_M, its_speed = f->road.limit_mps;
        for (size_t i = 0; i < f->count; i++) {
            const synth_vehicle *v = &f->vehicles[i];
            if (occupies(v, l) && v->s_m - v->length_m / 2 < nearest) {
                nearest = v->s_m - v->length_m / 2;
                its_speed = v->speed_mps;
            }
        }
        if (nearest > best) {
            best = nearest;
            lane = l;
            speed = its_speed;
        }
    }
    if (lane < f->road.lanes) {
        synth_vehicle *v = &f->vehicles[f->count];
        vehicle_make(f, v, (uint32_t)f->count + 1, 6, lane);
        v->speed_mps = fmin(v->speed_mps, speed);
        f->count++;
    }
}

static double sideways_pace(double speed_mps)
{
    return speed_mps < 2 ? speed_mps / 2 : 1;
}

void rml_synth_flow_step(synth_flow *f)
{
    size_t left = 0;
    for (size_t i = 0; i < f->count; i++) { // all decide on the same state
        synth_vehicle *v = &f->vehicles[i];
        if (!v->on_road) {
            left++;
            continue;
        }
        double a = idm(f, v, neighbours_find(f, v, v->lane).leader);
        if (v->change < CHANGE_LEAVES) {
            a = fmin(a, idm(f, v, neighbours_find(f, v, v->lane_before).leader));
        }
        v->acceleration_mps2 = a;
    }
    for (size_t i = 0; i < f->count; i++) {
        synth_vehicle *v = &f->vehicles[i];
        if (!v->on_road) {
            continue;
        }
        double before = v->speed_mps;
        v->speed_mps = fmax(0, before + v->acceleration_mps2 * SYNTH_STEP_S);
        v->acceleration_mps2 = (v->speed_mps - before) / SYNTH_STEP_S;
        v->s_m += (before + v->speed_mps) / 2 * SYNTH_STEP_S;
        // Wheels do not slide sideways: below 2 m/s a change slows down with the vehicle.
        v->change = fmin(1, v->change + SYNTH_STEP_S / CHANGE_S * sideways_pace(v->speed_mps));
        v->rest_s -= SYNTH_STEP_S;
        v->on_road = v->s_m + v->length_m / 2 < f->road.length_m;
    }
    f->steps++;
    for (size_t i = 0; i < f->count; i++) { // one after the other: two must not take one gap
        synth_vehicle *v = &f->vehicles[i];
        if (v->on_road && v->change >= 1 && v->rest_s <= 0) {
            consider_change(f, v);
        }
    }
    if (left > 0 && f->steps % 10 == 0) {
        enter(f);
    }
}

synth_pose rml_synth_vehicle_pose(const synth_road *road, const synth_vehicle *v)
{
    // 3u^2 - 2u^3: no sideways speed at both ends.
    double u = v->change;
    double from = rml_synth_lane_middle(road, v->lane_before),
           to = rml_synth_lane_middle(road, v->lane);
    double d = from + (to - from) * u * u * (3 - 2 * u);
    double sideways = (to - from) * 6 * u * (1 - u) / CHANGE_S * sideways_pace(v->speed_mps);
    synth_pose pose = rml_synth_road_pose(road, v->s_m, d);
    // Along a line at d the way is longer or shorter than the reference line by 1 - k d.
    bool arc = v->s_m >= road->arc_from_m && v->s_m < road->arc_to_m;
    double ahead = v->speed_mps * (arc ? 1 - road->curvature * d : 1);
    if (ahead > 0.1) {
        pose.yaw_rad = rml_angle_wrap(pose.yaw_rad + rml_f64_atan2(sideways, ahead));
    }
    return pose;
}
