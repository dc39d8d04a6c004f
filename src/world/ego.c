// Rows of a vehicle's own positions become a track among others: see world/ego.h.
#include "roadmill/world/ego.h"

#include <math.h>

#include "roadmill/math.h"

#define STEP_NS 100000000 // what recorded traffic has, and recorders of vehicles exceed
#define STEP_MEDIAN_MAX 105000000
#define STEP_ROUND 10000000

int64_t rml_ego_step(int64_t median_ns, bool *interpolates)
{
    *interpolates = median_ns <= STEP_MEDIAN_MAX;
    return median_ns <= STEP_MEDIAN_MAX ? STEP_NS
                                        : (median_ns + STEP_ROUND / 2) / STEP_ROUND * STEP_ROUND;
}

static rml_status time_add(rml_array *times_ns, int64_t t_ns, rml_error *err)
{
    int64_t *time = rml_array_push(times_ns, err);
    if (time == NULL) {
        return RML_ERR_MEMORY;
    }
    *time = t_ns;
    return RML_OK;
}

// A hole is passed over: its grid instants have no state anyway, however long it lasts.
rml_status rml_ego_grid(const rml_track *track, int64_t step_ns, rml_array *times_ns,
                        rml_error *err)
{
    for (size_t i = 0; i < track->count; i++) {
        int64_t first_ns = track->states[0].t_ns, t_ns = track->states[i].t_ns;
        int64_t after_ns = i + 1 < track->count ? track->states[i + 1].t_ns : t_ns + 1;
        int64_t at_ns = first_ns + (t_ns - first_ns + step_ns - 1) / step_ns * step_ns;
        bool hole = after_ns - t_ns > step_ns + step_ns / 2;
        for (; at_ns < (hole ? t_ns + 1 : after_ns); at_ns += step_ns) {
            RML_TRY(time_add(times_ns, at_ns, err));
        }
    }
    return RML_OK;
}

static double between(double left, double right, double weight)
{
    return left + (right - left) * weight;
}

static rml_track_state state_between(const rml_track_state *left, const rml_track_state *right,
                                     double weight, int64_t t_ns)
{
    double turn = rml_angle_wrap(right->recorded_yaw_rad - left->recorded_yaw_rad);
    return (rml_track_state){
        .t_ns = t_ns,
        .x_m = between(left->x_m, right->x_m, weight),
        .y_m = between(left->y_m, right->y_m, weight),
        .z_m = between(left->z_m, right->z_m, weight),
        .recorded_yaw_rad = rml_angle_wrap(left->recorded_yaw_rad + turn * weight),
        .recorded_speed_mps = between(left->recorded_speed_mps, right->recorded_speed_mps, weight),
        .mark = RML_TRACK_INTERPOLATED,
    };
}

rml_status rml_track_at_times(const rml_track *track, const int64_t *times_ns, size_t count,
                              int64_t step_ns, rml_arena *arena, rml_track *out, rml_error *err)
{
    const rml_track_state *s = track->states;
    int64_t apart_max = step_ns + step_ns / 2;
    int64_t *own = RML_NEW_ARRAY(arena, int64_t, track->count + 1);
    rml_track_state *states = RML_NEW_ARRAY(arena, rml_track_state, count + 1);
    if (own == NULL || states == NULL) {
        return rml_fail_memory(err, (count + 1) * sizeof *states);
    }
    for (size_t i = 0; i < track->count; i++) {
        own[i] = s[i].t_ns;
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        rml_clock_pick pick;
        if (!rml_clock_at(own, track->count, times_ns[i], RML_CLOCK_LINEAR, apart_max, &pick)) {
            continue;
        }
        size_t at = pick.index;
        if (pick.weight == 0) {
            states[kept++] = s[at];
        } else if (own[at + 1] - own[at] <= apart_max) {
            states[kept++] = state_between(&s[at], &s[at + 1], pick.weight, times_ns[i]);
        }
    }
    *out = *track;
    out->states = states;
    out->count = kept;
    return RML_OK;
}

size_t rml_track_states_forward(rml_track_state *states, size_t count, double metres)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        rml_track_state s = states[i];
        if (isnan(s.recorded_yaw_rad)) {
            continue;
        }
        s.x_m += metres * rml_f64_cos(s.recorded_yaw_rad);
        s.y_m += metres * rml_f64_sin(s.recorded_yaw_rad);
        states[kept++] = s;
    }
    return kept;
}
