// The measures, one row each; docs/query.md has every formula with its source. All read positions
// up to now. NaN, or RML_UNKNOWN, where something is missing.
#include <math.h>

#include "roadmill/math.h"

#include "program.h"

#define LAG_NS 500000000   // of accelerations
#define TURN_NS 1000000000 // of turning

// The track's state so long ago: the last at or before, less than one step off.
static bool ago(const rml_world *w, rml_at a, int64_t lag_ns, rml_at *out)
{
    const rml_track_state *states = rml_track_at(w, a)->states;
    int64_t t_ns = states[a.index].t_ns - lag_ns;
    uint32_t i = a.index;
    while (i > 0 && states[i].t_ns > t_ns) {
        i--;
    }
    *out = (rml_at){a.track, i};
    return states[i].t_ns <= t_ns && states[i].t_ns > t_ns - w->step_ns;
}

static double seconds_between(const rml_world *w, rml_at a, rml_at b)
{
    const rml_track_state *states = rml_track_at(w, a)->states;
    return (double)(states[b.index].t_ns - states[a.index].t_ns) / 1e9;
}

// ---- Of one ------------------------------------------------------------------------------------

static double speed(const rml_world *w, rml_at a, rml_at b, double limit)
{
    (void)b;
    (void)limit;
    return rml_state_at(w, a)->speed_mps;
}

static double acceleration(const rml_world *w, rml_at a, rml_at b, double limit)
{
    (void)b;
    (void)limit;
    rml_at then;
    if (!ago(w, a, LAG_NS, &then)) {
        return NAN;
    }
    return (rml_state_at(w, a)->speed_mps - rml_state_at(w, then)->speed_mps) /
           seconds_between(w, then, a);
}

static double yaw_change(const rml_world *w, rml_at a, int64_t lag_ns, double *seconds)
{
    rml_at then;
    if (!ago(w, a, lag_ns, &then)) {
        return NAN;
    }
    *seconds = seconds_between(w, then, a);
    double change = rml_state_at(w, a)->yaw_rad - rml_state_at(w, then)->yaw_rad;
    return isnan(change) ? NAN : rml_angle_wrap(change);
}

static double yaw_rate(const rml_world *w, rml_at a, rml_at b, double limit)
{
    (void)b;
    (void)limit;
    double seconds = 1;
    double change = yaw_change(w, a, LAG_NS, &seconds);
    return change / seconds;
}

static int hard_braking(const rml_world *w, rml_at a, rml_at b, double limit)
{
    double value = acceleration(w, a, b, limit);
    return isnan(value) ? RML_UNKNOWN : value <= -limit ? RML_TRUE : RML_FALSE;
}

static int standing(const rml_world *w, rml_at a, rml_at b, double limit)
{
    double value = speed(w, a, b, limit);
    return isnan(value) ? RML_UNKNOWN : value < limit ? RML_TRUE : RML_FALSE;
}

static int turning(const rml_world *w, rml_at a, rml_at b, double limit)
{
    (void)b;
    double seconds, now = rml_state_at(w, a)->speed_mps;
    double change = yaw_change(w, a, TURN_NS, &seconds);
    if (isnan(now)) {
        return RML_UNKNOWN;
    }
    if (now < 1) { // headings of what hardly moves say nothing
        return RML_FALSE;
    }
    return isnan(change) ? RML_UNKNOWN : fabs(change) >= limit ? RML_TRUE : RML_FALSE;
}

int rml_changes_lane(const rml_world *w, rml_at a)
{
    const rml_track *track = rml_track_at(w, a);
    if (a.index == 0 ||
        track->states[a.index].t_ns - track->states[a.index - 1].t_ns > w->step_ns * 3 / 2) {
        return RML_UNKNOWN;
    }
    int32_t now = rml_lane_at(w, a), before = rml_lane_at(w, (rml_at){a.track, a.index - 1});
    if (now == RML_NO_LANE || before == RML_NO_LANE) {
        return RML_UNKNOWN;
    }
    return now != before && rml_lanes_beside(w, before, now) ? RML_TRUE : RML_FALSE;
}

// ---- Of two ------------------------------------------------------------------------------------

static rml_box box_of(const rml_world *w, rml_at a)
{
    const rml_causal_state *s = rml_state_at(w, a);
    const rml_track *track = rml_track_at(w, a);
    return (rml_box){
        {s->x_m, s->y_m}, rml_heading_at(w, a), track->length_m / 2, track->width_m / 2};
}

static bool box_known(const rml_box *b)
{
    return isfinite(b->centre.x_m) && isfinite(b->centre.y_m) && isfinite(b->heading.x_m) &&
           isfinite(b->half_length) && isfinite(b->half_width);
}

static double distance(const rml_world *w, rml_at a, rml_at b, double limit)
{
    (void)limit;
    const rml_causal_state *p = rml_state_at(w, a), *q = rml_state_at(w, b);
    return rml_f64_hypot(q->x_m - p->x_m, q->y_m - p->y_m);
}

static double gap(const rml_world *w, rml_at a, rml_at b, double limit)
{
    (void)limit;
    rml_box p = box_of(w, a), q = box_of(w, b);
    return box_known(&p) && box_known(&q) ? rml_box_gap(&p, &q) : NAN;
}

// b's centre in a's axes: forward and left.
static rml_point2 seen_from(const rml_world *w, rml_at a, rml_at b)
{
    const rml_causal_state *p = rml_state_at(w, a), *q = rml_state_at(w, b);
    rml_point2 h = rml_heading_at(w, a);
    double dx = q->x_m - p->x_m, dy = q->y_m - p->y_m;
    return (rml_point2){dx * h.x_m + dy * h.y_m, dy * h.x_m - dx * h.y_m};
}

static double headway(const rml_world *w, rml_at a, rml_at b, double limit)
{
    double apart = gap(w, a, b, limit), v = rml_state_at(w, a)->speed_mps;
    if (isnan(apart) || isnan(v)) {
        return NAN;
    }
    rml_point2 other = seen_from(w, a, b);
    double corridor = (rml_track_at(w, a)->width_m + rml_track_at(w, b)->width_m) / 2;
    return other.x_m > 0 && fabs(other.y_m) < corridor && v > 0 ? apart / v : INFINITY;
}

static double ttc(const rml_world *w, rml_at a, rml_at b, double limit)
{
    (void)limit;
    rml_box p = box_of(w, a), q = box_of(w, b);
    const rml_causal_state *s = rml_state_at(w, a), *t = rml_state_at(w, b);
    double vx = t->vx_mps - s->vx_mps, vy = t->vy_mps - s->vy_mps;
    return box_known(&p) && box_known(&q) && isfinite(vx) && isfinite(vy)
               ? rml_box_touch(&p, &q, vx, vy)
               : NAN;
}

static int near(const rml_world *w, rml_at a, rml_at b, double limit)
{
    double apart = gap(w, a, b, limit);
    return isnan(apart) ? RML_UNKNOWN : apart < limit ? RML_TRUE : RML_FALSE;
}

static int ahead(const rml_world *w, rml_at a, rml_at b, double limit)
{
    (void)limit;
    double along = seen_from(w, a, b).x_m;
    return isnan(along) ? RML_UNKNOWN : along > 0 ? RML_TRUE : RML_FALSE;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int same_lane(const rml_world *w, rml_at a, rml_at b)
{
    int32_t p = rml_lane_at(w, a), q = rml_lane_at(w, b);
    return p == RML_NO_LANE || q == RML_NO_LANE ? RML_UNKNOWN
           : rml_lanes_same(w, p, q)            ? RML_TRUE
                                                : RML_FALSE;
}

// In b's lane behind it, within `limit` seconds of way or 5 m.
static int following(const rml_world *w, rml_at a, rml_at b, double limit)
{
    double apart = gap(w, a, b, limit), v = rml_state_at(w, a)->speed_mps;
    int close = isnan(apart) || isnan(v)       ? RML_UNKNOWN
                : apart < fmax(limit * v, 5.0) ? RML_TRUE
                                               : RML_FALSE;
    return least(close, least(ahead(w, a, b, limit), same_lane(w, a, b)));
}

static int cut_in(const rml_world *w, rml_at a, rml_at b, double limit)
{
    int changes = least(rml_changes_lane(w, b), same_lane(w, b, a));
    return changes == RML_FALSE
               ? RML_FALSE
               : least(changes, least(ahead(w, a, b, limit), near(w, a, b, limit)));
}

const rml_measure rml_measures[] = {
    // name, actors, result, limit, reads, meaning
    {"speed", 1, RML_DIM_SPEED, false, 0, 0, 0, "length of the last step over its time", speed,
     NULL},
    {"acceleration", 1, RML_DIM_ACCELERATION, false, 0, 0, 0, "change of speed over the last 0.5 s",
     acceleration, NULL},
    {"yaw_rate", 1, RML_DIM_ANGULAR_RATE, false, 0, 0, 0, "change of heading over the last 0.5 s",
     yaw_rate, NULL},
    {"distance", 2, RML_DIM_LENGTH, false, 0, 0, RML_READS_CENTRES, "centre to centre", distance,
     NULL},
    {"gap", 2, RML_DIM_LENGTH, false, 0, 0, RML_READS_BOXES, "box to box, 0 when they overlap", gap,
     NULL},
    {"headway", 2, RML_DIM_TIME, false, 0, 0, RML_READS_BOXES,
     "gap over the first one's speed while the second is ahead in its corridor, else infinite",
     headway, NULL},
    {"ttc", 2, RML_DIM_TIME, false, 0, 0, RML_READS_BOXES,
     "time until the boxes touch at constant velocity, infinite if never", ttc, NULL},
    {"hard_braking", 1, RML_DIM_TRUTH, true, RML_DIM_ACCELERATION, 3.4, 0,
     "acceleration at most minus the limit", NULL, hard_braking},
    {"standing", 1, RML_DIM_TRUTH, true, RML_DIM_SPEED, 0.5, 0, "speed below the limit", NULL,
     standing},
    {"turning", 1, RML_DIM_TRUTH, true, RML_DIM_ANGLE, 10 * RML_PI / 180, 0,
     "heading changed by at least the limit over the last second, at 1 m/s or more", NULL, turning},
    {"near", 2, RML_DIM_TRUTH, true, RML_DIM_LENGTH, 10, RML_READS_BOXES, "gap below the limit",
     NULL, near},
    {"ahead", 2, RML_DIM_TRUTH, false, 0, 0, RML_READS_CENTRES,
     "the second is before the first one's centre", NULL, ahead},
    {"following", 2, RML_DIM_TRUTH, true, RML_DIM_TIME, 3, RML_READS_BOXES | RML_READS_LANES,
     "the second is ahead in the same lane, within the limit of the first one's way or 5 m", NULL,
     following},
    {"cut_in", 2, RML_DIM_TRUTH, true, RML_DIM_LENGTH, 30, RML_READS_BOXES | RML_READS_LANES,
     "the second changes into the first one's lane, ahead and nearer than the limit", NULL, cut_in},
};
const size_t rml_measure_count = sizeof rml_measures / sizeof *rml_measures;
