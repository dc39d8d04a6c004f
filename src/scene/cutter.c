// The cutter: what a traffic needs once, who is near, and the tensors of one window.
#include <math.h>
#include <string.h>

#include "roadmill/base/json.h"
#include "roadmill/codec.h"

#include "cutter.h"

// ---- Make --------------------------------------------------------------------------------------

// What must never happen, for tests of the leak check: velocities as central differences.
static void plant_leak(const rml_track *track, rml_causal_state *states)
{
    for (size_t i = 1; i + 1 < track->count; i++) {
        const rml_track_state *a = &track->states[i - 1], *b = &track->states[i + 1];
        double seconds = (double)(b->t_ns - a->t_ns) / 1e9;
        double vx = (b->x_m - a->x_m) / seconds, vy = (b->y_m - a->y_m) / seconds;
        states[i].vx_mps = vx;
        states[i].vy_mps = vy;
        states[i].speed_mps = sqrt(vx * vx + vy * vy);
    }
}

static rml_status make_states(rml_cutter *c, rml_error *err)
{
    const rml_traffic *traffic = c->traffic;
    size_t count = 0;
    c->first = RML_NEW_ARRAY(&c->arena, size_t, traffic->track_count + 1);
    if (c->first == NULL) {
        return rml_fail_memory(err, (traffic->track_count + 1) * sizeof(size_t));
    }
    for (size_t i = 0; i < traffic->track_count; i++) {
        c->first[i] = count;
        count += traffic->tracks[i].count;
    }
    c->states = RML_NEW_ARRAY(&c->arena, rml_causal_state, count + 1);
    if (c->states == NULL) {
        return rml_fail_memory(err, (count + 1) * sizeof(rml_causal_state));
    }
    for (size_t i = 0; i < traffic->track_count; i++) {
        rml_track_causal(&traffic->tracks[i], c->states + c->first[i]);
        if (c->spec.leak_central_difference) {
            plant_leak(&traffic->tracks[i], c->states + c->first[i]);
        }
    }
    return RML_OK;
}

// Keys in order, so that this is the canonical form (RFC 8785).
static rml_status write_spec(rml_cutter *c, rml_error *err)
{
    rml_buffer text = {0};
    rml_json_writer w;
    const rml_scene_spec *s = &c->spec;
    rml_json_writer_init(&w, &text, err);
    rml_json_object(&w);
    rml_json_kv_i64(&w, "agents", s->agents);
    rml_json_kv_i64(&w, "future", s->future);
    rml_json_kv_i64(&w, "history", s->history);
    rml_json_kv_bool(&w, "leak_central_difference", s->leak_central_difference);
    rml_json_kv_i64(&w, "map", s->map);
    rml_json_kv_i64(&w, "predict", s->predict);
    rml_json_kv_f64(&w, "radius_m", s->radius_m);
    rml_json_kv_i64(&w, "stride", s->stride);
    rml_json_object_end(&w);
    rml_status st = rml_json_finish(&w);
    if (st == RML_OK) {
        c->spec_json = rml_arena_str(&c->arena, rml_buffer_text(&text));
        st = c->spec_json.data ? RML_OK : rml_fail_memory(err, text.len);
    }
    rml_buffer_reset(&text);
    return st;
}

rml_status rml_cutter_make(const rml_traffic *traffic, const rml_scene_spec *spec, rml_cutter **out,
                           rml_error *err)
{
    rml_scene_spec filled = *spec;
    rml_scene_spec_defaults(&filled);
    RML_TRY(rml_scene_spec_check(&filled, err));
    rml_cutter *c = rml_heap_make(sizeof *c);
    if (c == NULL) {
        return rml_fail_memory(err, sizeof *c);
    }
    c->traffic = traffic;
    c->spec = filled;
    rml_status st = make_states(c, err);
    st = st ? st : rml_pieces_make(c, err);
    st = st ? st : write_spec(c, err);
    if (st) {
        rml_cutter_free(c);
        c = NULL;
    }
    *out = c;
    return st;
}

void rml_cutter_free(rml_cutter *c)
{
    if (c != NULL) {
        rml_arena_reset(&c->arena);
        rml_heap_free(c);
    }
}

// ---- Who is near -------------------------------------------------------------------------------

size_t rml_cutter_at(const rml_cutter *c, size_t track, int64_t t_ns)
{
    const rml_track *t = &c->traffic->tracks[track];
    int64_t step_ns = rml_scene_step(c->traffic);
    if (t->count == 0 || t->states[0].t_ns > t_ns ||
        t->states[t->count - 1].t_ns <= t_ns - step_ns) {
        return RML_NONE;
    }
    size_t low = 0, high = t->count; // states[low].t_ns <= t_ns < states[high].t_ns
    // On a regular grid the first guess is right.
    uint64_t guess = (uint64_t)(t_ns - t->states[0].t_ns) / (uint64_t)step_ns;
    if (guess < t->count && t->states[guess].t_ns <= t_ns) {
        low = (size_t)guess;
        high = low + 1 < t->count && t->states[low + 1].t_ns > t_ns ? low + 1 : high;
    }
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (t->states[middle].t_ns <= t_ns) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return t->states[low].t_ns > t_ns - step_ns ? low : RML_NONE;
}

const rml_causal_state *rml_cutter_state(const rml_cutter *c, size_t track, size_t index)
{
    return &c->states[c->first[track] + index];
}

// Keeps the nearest `most`, sorted; items come in rising order, so an equal one goes behind.
static void keep(rml_near *near, size_t *count, size_t most, rml_near one)
{
    if (*count == most) {
        if (most == 0 || !(one.distance_m < near[most - 1].distance_m)) {
            return;
        }
        (*count)--;
    }
    size_t i = (*count)++;
    while (i > 0 && near[i - 1].distance_m > one.distance_m) {
        near[i] = near[i - 1];
        i--;
    }
    near[i] = one;
}

size_t rml_near_agents(const rml_cutter *c, rml_window window, rml_near *out, size_t most,
                       size_t *all)
{
    const rml_causal_state *focus = rml_cutter_state(c, window.track, window.now);
    int64_t t_ns = c->traffic->tracks[window.track].states[window.now].t_ns;
    size_t count = 0;
    out[0] = (rml_near){0, window.track, window.now};
    *all = 0;
    for (size_t i = 0; i < c->traffic->track_count; i++) {
        bool apart = c->traffic->tracks[i].is_apart != c->traffic->tracks[window.track].is_apart;
        size_t state = i == window.track || apart ? RML_NONE : rml_cutter_at(c, i, t_ns);
        if (state == RML_NONE) {
            continue;
        }
        const rml_causal_state *other = rml_cutter_state(c, i, state);
        double dx = other->x_m - focus->x_m, dy = other->y_m - focus->y_m;
        double distance = sqrt(dx * dx + dy * dy);
        if (distance <= c->spec.radius_m) {
            (*all)++;
            keep(out + 1, &count, most - 1, (rml_near){distance, i, state});
        }
    }
    return count + 1;
}

size_t rml_near_pieces(const rml_cutter *c, rml_point2 at, rml_near *out, size_t most)
{
    size_t count = 0;
    for (size_t i = 0; i < c->piece_count; i++) {
        const rml_piece *p = &c->pieces[i];
        double dx = p->middle.x_m - at.x_m, dy = p->middle.y_m - at.y_m;
        double reach =
            p->reach_m + (count == most && most > 0 ? out[most - 1].distance_m : c->spec.radius_m);
        if (dx * dx + dy * dy > reach * reach) {
            continue;
        }
        rml_beside beside;
        rml_piece_beside(p, at, &beside);
        if (beside.distance_m <= c->spec.radius_m) {
            keep(out, &count, most, (rml_near){beside.distance_m, i, 0});
        }
    }
    return count;
}

// ---- Frames ------------------------------------------------------------------------------------

rml_pose2 rml_cutter_frame(const rml_cutter *c, rml_window window)
{
    const rml_causal_state *s = rml_cutter_state(c, window.track, window.now);
    rml_pose2 frame = {s->x_m, s->y_m, s->yaw_rad};
    bool apart = c->traffic->tracks[window.track].is_apart;
    if (isnan(frame.yaw_rad)) {
        rml_near nearest;
        rml_point2 at = {s->x_m, s->y_m};
        frame.yaw_rad = 0;
        if (!apart && rml_near_pieces(c, at, &nearest, 1) > 0 && nearest.distance_m <= 10) {
            rml_beside beside;
            rml_piece_beside(&c->pieces[nearest.item], at, &beside);
            frame.yaw_rad = rml_f64_atan2(beside.direction.y_m, beside.direction.x_m);
        }
    }
    return frame;
}

rml_frame rml_frame_of(rml_pose2 pose)
{
    return (rml_frame){pose, rml_f64_cos(pose.yaw_rad), rml_f64_sin(pose.yaw_rad)};
}

rml_point2 rml_frame_turn(const rml_frame *f, double dx, double dy)
{
    return (rml_point2){f->cos_yaw * dx + f->sin_yaw * dy, f->cos_yaw * dy - f->sin_yaw * dx};
}

rml_point2 rml_frame_point(const rml_frame *f, double x, double y)
{
    return rml_frame_turn(f, x - f->pose.x_m, y - f->pose.y_m);
}

// ---- Cut ---------------------------------------------------------------------------------------

void rml_cut_begin(rml_cut *cut, const rml_cutter *c, rml_window window)
{
    const rml_scene_spec *s = &c->spec;
    const rml_track *focus = &c->traffic->tracks[window.track];
    rml_pose2 pose = rml_cutter_frame(c, window);
    size_t all;
    cut->c = c;
    cut->frame = rml_frame_of(pose);
    cut->agent_count = rml_near_agents(c, window, cut->agents, s->agents, &all);
    cut->piece_count =
        focus->is_apart // where it is on the map is unknown
            ? 0
            : rml_near_pieces(c, (rml_point2){pose.x_m, pose.y_m}, cut->pieces, s->map);
    for (size_t k = 0; k < s->history; k++) {
        // A window starts at or after the track's first sample; a caller's own may not.
        size_t back = s->history - 1 - k;
        cut->times_ns[k] = window.now >= back ? focus->states[window.now - back].t_ns : INT64_MIN;
    }
}

static void put_point(float *out, rml_point2 p)
{
    out[0] = (float)p.x_m;
    out[1] = (float)p.y_m;
}

void rml_cut_tokens(const rml_cut *cut, float *features, float *valid)
{
    const rml_scene_spec *s = &cut->c->spec;
    size_t tokens = (size_t)s->agents + s->map;
    memset(features, 0, tokens * RML_SCENE_FEATURES * sizeof(float));
    memset(valid, 0, tokens * sizeof(float));
    for (size_t i = 0; i < cut->agent_count; i++) {
        rml_agent_features(cut, i, features + i * RML_SCENE_FEATURES);
        valid[i] = 1;
    }
    for (size_t i = 0; i < cut->piece_count; i++) {
        rml_map_features(cut, i, features + (s->agents + i) * RML_SCENE_FEATURES);
        valid[s->agents + i] = 1;
    }
}

static size_t predicted(const rml_cut *cut)
{
    size_t most = cut->c->spec.predict;
    return most < cut->agent_count ? most : cut->agent_count;
}

void rml_cut_past(const rml_cut *cut, float *history, float *position, float *velocity)
{
    const rml_cutter *c = cut->c;
    size_t steps = c->spec.history;
    memset(history, 0, c->spec.predict * steps * 2 * sizeof(float));
    memset(position, 0, (size_t)c->spec.predict * 2 * sizeof(float));
    memset(velocity, 0, (size_t)c->spec.predict * 2 * sizeof(float));
    for (size_t i = 0; i < predicted(cut); i++) {
        const rml_near *agent = &cut->agents[i];
        const rml_track_state *states = c->traffic->tracks[agent->item].states;
        const rml_causal_state *now = rml_cutter_state(c, agent->item, agent->state);
        put_point(position + 2 * i, rml_frame_point(&cut->frame, now->x_m, now->y_m));
        if (!isnan(now->vx_mps)) {
            put_point(velocity + 2 * i, rml_frame_turn(&cut->frame, now->vx_mps, now->vy_mps));
        }
        for (size_t k = 0; k < steps; k++) {
            size_t at = rml_cutter_at(c, agent->item, cut->times_ns[k]);
            if (at != RML_NONE) {
                put_point(history + 2 * (i * steps + k),
                          rml_frame_point(&cut->frame, states[at].x_m, states[at].y_m));
            }
        }
    }
}

void rml_cut_future(const rml_cut *cut, float *target, float *valid)
{
    const rml_cutter *c = cut->c;
    size_t future = c->spec.future;
    memset(target, 0, c->spec.predict * future * 2 * sizeof(float));
    memset(valid, 0, c->spec.predict * future * sizeof(float));
    const rml_near *focus = &cut->agents[0];
    const rml_track *clock = &c->traffic->tracks[focus->item];
    for (size_t i = 0; i < predicted(cut); i++) {
        const rml_near *agent = &cut->agents[i];
        const rml_track_state *states = c->traffic->tracks[agent->item].states;
        for (size_t k = 0; k < future && focus->state + 1 + k < clock->count; k++) {
            size_t at = rml_cutter_at(c, agent->item, clock->states[focus->state + 1 + k].t_ns);
            if (at != RML_NONE && at > agent->state) {
                put_point(target + 2 * (i * future + k),
                          rml_frame_point(&cut->frame, states[at].x_m, states[at].y_m));
                valid[i * future + k] = 1;
            }
        }
    }
}

void rml_cutter_future(const rml_cutter *c, rml_window window, float *xy, float *valid)
{
    rml_cut cut;
    rml_cut_begin(&cut, c, window);
    rml_cut_future(&cut, xy, valid);
}
