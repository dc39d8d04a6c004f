// The 64 features of a token. docs/scenes.md lists them by index; every number here is of the order
// of one, and reads positions up to now alone.
#include <math.h>

#include "cutter.h"

#define POSITION_M 20.0
#define SHAPE_M 10.0
#define SPEED_MPS 10.0
#define CHANGE_MPS 2.0
#define DISTANCE_M 50.0
#define PAST_STEPS 18
#define CORRIDOR_M 1.8 // half a lane: who is ahead in it leads
#define BESIDE_M 5.0   // a lane farther away is not the agent's

static float number(double v)
{
    return isnan(v) ? 0.0f : (float)v;
}

static double limit(double v, double most)
{
    return v > most ? most : v < -most ? -most : v;
}

static void put(float *out, rml_point2 p, double unit)
{
    out[0] = number(p.x_m / unit);
    out[1] = number(p.y_m / unit);
}

// [19..54]: velocity k steps ago less velocity now, k = 1..18; [18]: share of the past that is
// there.
static void put_past(const rml_cut *cut, size_t index, const rml_causal_state *now, float *out)
{
    const rml_cutter *c = cut->c;
    size_t track = cut->agents[index].item, history = c->spec.history, there = 0;
    for (size_t k = 0; k < history; k++) {
        size_t at = rml_cutter_at(c, track, cut->times_ns[history - 1 - k]);
        if (at == RML_NONE) {
            continue;
        }
        there++;
        const rml_causal_state *then = rml_cutter_state(c, track, at);
        // The oldest sample's velocity would read a position before the window.
        bool known = k >= 1 && k <= PAST_STEPS && k + 1 < history && !isnan(then->vx_mps);
        if (known && !isnan(now->vx_mps)) {
            put(out + 19 + 2 * (k - 1),
                rml_frame_turn(&cut->frame, then->vx_mps - now->vx_mps, then->vy_mps - now->vy_mps),
                CHANGE_MPS);
        }
    }
    out[18] = (float)there / (float)history;
}

// [57..60]: the nearest agent ahead in a corridor along the heading, among the tokens. A gap needs
// two boxes: a point has no leader and leads nobody.
static void put_leader(const rml_cut *cut, size_t index, const rml_causal_state *now, float *out)
{
    const rml_cutter *c = cut->c;
    double hx = rml_f64_cos(now->yaw_rad), hy = rml_f64_sin(now->yaw_rad);
    double nearest = INFINITY, leader_speed = 0, leader_length = 0;
    const rml_track *tracks = c->traffic->tracks;
    bool point = tracks[cut->agents[index].item].is_point;
    for (size_t i = 0; !point && i < cut->agent_count; i++) {
        const rml_causal_state *other =
            rml_cutter_state(c, cut->agents[i].item, cut->agents[i].state);
        double dx = other->x_m - now->x_m, dy = other->y_m - now->y_m;
        double along = dx * hx + dy * hy, across = dx * hy - dy * hx;
        bool leads = i != index && !tracks[cut->agents[i].item].is_point;
        if (leads && along > 0 && fabs(across) < CORRIDOR_M && along < nearest) {
            nearest = along;
            leader_speed = isnan(other->vx_mps) ? 0 : other->vx_mps * hx + other->vy_mps * hy;
            leader_length = tracks[cut->agents[i].item].length_m;
        }
    }
    if (!(nearest < INFINITY)) {
        return;
    }
    double own_length = tracks[cut->agents[index].item].length_m;
    double half =
        (isnan(own_length) ? 0 : own_length / 2) + (isnan(leader_length) ? 0 : leader_length / 2);
    double gap = fmax(nearest - half, 0), speed = isnan(now->speed_mps) ? 0 : now->speed_mps;
    out[57] = 1;
    out[58] = number(limit(gap / DISTANCE_M, 2));
    out[59] = number(limit((leader_speed - speed) / 5, 4));
    out[60] = number(limit(gap / fmax(speed, 1) / 5, 2));
}

// [61..63]: where it stands in its lane: of the pieces among the tokens the nearest one that does
// not run against its heading.
static void put_lane(const rml_cut *cut, const rml_causal_state *now, float *out)
{
    rml_beside best = {.distance_m = BESIDE_M};
    double hx = rml_f64_cos(now->yaw_rad), hy = rml_f64_sin(now->yaw_rad);
    bool found = false;
    for (size_t i = 0; i < cut->piece_count; i++) {
        const rml_piece *piece = &cut->c->pieces[cut->pieces[i].item];
        double dx = piece->middle.x_m - now->x_m, dy = piece->middle.y_m - now->y_m;
        double reach = piece->reach_m + best.distance_m;
        if (piece->element->kind != RML_MAP_LANE || dx * dx + dy * dy > reach * reach) {
            continue;
        }
        rml_beside b;
        rml_piece_beside(piece, (rml_point2){now->x_m, now->y_m}, &b);
        bool along = isnan(now->yaw_rad) || b.direction.x_m * hx + b.direction.y_m * hy > 0;
        if (along && b.distance_m < best.distance_m) {
            best = b;
            found = true;
        }
    }
    if (found) {
        out[61] = number(best.lateral_m / 5);
        out[62] = number(best.direction.x_m * hy - best.direction.y_m * hx);
        out[63] = 1;
    }
}

void rml_agent_features(const rml_cut *cut, size_t index, float *out)
{
    static const rml_agent_class classes[] = {RML_AGENT_CAR,     RML_AGENT_TRUCK,
                                              RML_AGENT_BUS,     RML_AGENT_MOTORCYCLE,
                                              RML_AGENT_BICYCLE, RML_AGENT_PEDESTRIAN};
    const rml_near *agent = &cut->agents[index];
    const rml_track *track = &cut->c->traffic->tracks[agent->item];
    const rml_causal_state *now = rml_cutter_state(cut->c, agent->item, agent->state);
    out[0] = 1;
    out[1] = index == 0;
    put(out + 3, rml_frame_point(&cut->frame, now->x_m, now->y_m), POSITION_M);
    if (!isnan(now->yaw_rad)) {
        put(out + 5,
            rml_frame_turn(&cut->frame, rml_f64_cos(now->yaw_rad), rml_f64_sin(now->yaw_rad)), 1);
    }
    put(out + 7, rml_frame_turn(&cut->frame, now->vx_mps, now->vy_mps), SPEED_MPS);
    out[9] = number(now->speed_mps / SPEED_MPS);
    out[10] = number(track->length_m / 10);
    out[11] = number(track->width_m / 5);
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        out[12 + i] = track->agent_class == classes[i];
    }
    put_past(cut, index, now, out);
    out[55] = number(agent->distance_m / DISTANCE_M);
    out[56] = now->speed_mps < 0.5;
    if (!isnan(now->yaw_rad)) {
        put_leader(cut, index, now, out);
    }
    put_lane(cut, now, out);
}

// [55..62]: how the focus stands to the piece.
static void put_beside(const rml_cut *cut, const rml_piece *piece, float *out)
{
    const rml_frame *f = &cut->frame;
    rml_beside b;
    rml_piece_beside(piece, (rml_point2){f->pose.x_m, f->pose.y_m}, &b);
    rml_point2 direction = rml_frame_turn(f, b.direction.x_m, b.direction.y_m);
    bool on = b.inside && fabs(b.lateral_m) < piece->width_m / 2 && direction.x_m > 0.5;
    out[55] = number(b.distance_m / DISTANCE_M);
    out[56] = on;
    put(out + 57, rml_frame_point(f, b.nearest.x_m, b.nearest.y_m), POSITION_M);
    out[59] = number(limit(b.lateral_m / 5, 4));
    put(out + 60, direction, 1);
    out[62] = number(limit((piece->length_m - b.along_m + piece->lane_left_m) / DISTANCE_M, 2));
}

void rml_map_features(const rml_cut *cut, size_t index, float *out)
{
    const rml_piece *piece = &cut->c->pieces[cut->pieces[index].item];
    const rml_map_element *e = piece->element;
    const rml_frame *f = &cut->frame;
    rml_point2 first = piece->points[0], last = piece->points[RML_PIECE_POINTS - 1];
    rml_point2 chord = rml_frame_turn(f, last.x_m - first.x_m, last.y_m - first.y_m);
    double length = sqrt(chord.x_m * chord.x_m + chord.y_m * chord.y_m);
    out[2] = 1;
    put(out + 3, rml_frame_point(f, piece->middle.x_m, piece->middle.y_m), POSITION_M);
    if (length > 0) {
        put(out + 5, chord, length);
    }
    put(out + 7, chord, POSITION_M);
    out[9] = number(e->speed_limit_mps / SPEED_MPS);
    out[10] = number(piece->length_m / 10);
    out[11] = number(piece->width_m / 5);
    out[12] = e->kind == RML_MAP_LANE;
    out[13] = e->kind == RML_MAP_CROSSWALK;
    out[14] = e->left_id.len > 0 && e->left_same;
    out[15] = e->right_id.len > 0 && e->right_same;
    out[16] = e->left_id.len > 0 && !e->left_same;
    out[17] = e->right_id.len > 0 && !e->right_same;
    out[18] = e->next_count > 1;
    for (size_t i = 0; i < RML_PIECE_POINTS; i++) {
        put(out + 19 + 2 * i,
            rml_frame_turn(f, piece->points[i].x_m - piece->middle.x_m,
                           piece->points[i].y_m - piece->middle.y_m),
            SHAPE_M);
    }
    out[39] = e->next_count == 0;
    out[40] = e->previous_count > 1;
    put_beside(cut, piece, out);
}
