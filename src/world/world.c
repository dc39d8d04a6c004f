// Causal states, headings, and the lane of each state.
#include "roadmill/world/view.h"

#include <math.h>
#include <string.h>

#include "roadmill/math.h"

static rml_status make_states(rml_world *w, size_t *total, rml_error *err)
{
    const rml_traffic *t = w->traffic;
    size_t count = 0;
    w->first = RML_NEW_ARRAY(&w->arena, size_t, t->track_count + 1);
    if (w->first == NULL) {
        return rml_fail_memory(err, (t->track_count + 1) * sizeof(size_t));
    }
    for (size_t i = 0; i < t->track_count; i++) {
        w->first[i] = count;
        count += t->tracks[i].count;
    }
    w->states = RML_NEW_ARRAY(&w->arena, rml_causal_state, count + 1);
    w->headings = RML_NEW_ARRAY(&w->arena, rml_point2, count + 1);
    if (w->states == NULL || w->headings == NULL) {
        return rml_fail_memory(err, (count + 1) * sizeof(rml_causal_state));
    }
    for (size_t i = 0; i < t->track_count; i++) {
        rml_track_causal(&t->tracks[i], w->states + w->first[i]);
    }
    for (size_t i = 0; i < count; i++) {
        double yaw = w->states[i].yaw_rad;
        // Held while standing: the same yaw has the same vector.
        bool held = i > 0 && w->states[i - 1].yaw_rad == yaw;
        w->headings[i] =
            held ? w->headings[i - 1] : (rml_point2){rml_f64_cos(yaw), rml_f64_sin(yaw)};
    }
    *total = count;
    return RML_OK;
}

// ---- Lanes -------------------------------------------------------------------------------------

static int32_t lane_of_id(const rml_map *ids, rml_str id)
{
    uint64_t index;
    return id.len > 0 && rml_map_get(ids, id, &index) ? (int32_t)index : RML_NO_LANE;
}

static void bound(rml_lane *lane, rml_polyline line)
{
    for (size_t i = 0; i < line.count; i++) {
        lane->x_min = fmin(lane->x_min, line.points[i].x_m);
        lane->x_max = fmax(lane->x_max, line.points[i].x_m);
        lane->y_min = fmin(lane->y_min, line.points[i].y_m);
        lane->y_max = fmax(lane->y_max, line.points[i].y_m);
    }
}

static void link_lanes(rml_world *w, const rml_map *ids)
{
    uint32_t next = 0;
    for (size_t i = 0; i < w->lane_count; i++) {
        rml_lane *lane = &w->all_lanes[i];
        const rml_map_element *e = lane->element;
        lane->left = e->left_same ? lane_of_id(ids, e->left_id) : RML_NO_LANE;
        lane->right = e->right_same ? lane_of_id(ids, e->right_id) : RML_NO_LANE;
        lane->next_first = next;
        for (size_t k = 0; k < e->next_count; k++) {
            int32_t to = lane_of_id(ids, e->next[k]);
            if (to != RML_NO_LANE) {
                w->nexts[next++] = to;
            }
        }
        lane->next_count = next - lane->next_first;
        lane->x_min = lane->y_min = INFINITY;
        lane->x_max = lane->y_max = -INFINITY;
        bound(lane, e->left);
        bound(lane, e->right);
    }
}

static rml_status make_lanes(rml_world *w, rml_error *err)
{
    const rml_traffic *t = w->traffic;
    rml_map ids = {0};
    size_t next_count = 0, count = 0;
    rml_status st = RML_OK;
    for (size_t i = 0; i < t->map_count; i++) {
        count += t->map[i].kind == RML_MAP_LANE;
        next_count += t->map[i].kind == RML_MAP_LANE ? t->map[i].next_count : 0;
    }
    w->all_lanes = RML_NEW_ARRAY(&w->arena, rml_lane, count + 1);
    w->nexts = RML_NEW_ARRAY(&w->arena, int32_t, next_count + 1);
    if (w->all_lanes == NULL || w->nexts == NULL) {
        return rml_fail_memory(err, (count + 1) * sizeof(rml_lane));
    }
    for (size_t i = 0; st == RML_OK && i < t->map_count; i++) {
        if (t->map[i].kind == RML_MAP_LANE) {
            w->all_lanes[w->lane_count].element = &t->map[i];
            st = rml_map_put(&ids, t->map[i].id, w->lane_count++, err);
        }
    }
    if (st == RML_OK) {
        link_lanes(w, &ids);
    }
    rml_map_reset(&ids);
    return st;
}

// Crossings of a ray towards +x with one bound; the polygon is left forwards, right backwards.
static bool crosses(rml_point2 a, rml_point2 b, double x, double y)
{
    return (a.y_m > y) != (b.y_m > y) &&
           x < (b.x_m - a.x_m) * (y - a.y_m) / (b.y_m - a.y_m) + a.x_m;
}

static bool line_crosses(rml_polyline line, double x, double y)
{
    bool odd = false;
    for (size_t i = 1; i < line.count; i++) {
        odd ^= crosses(line.points[i - 1], line.points[i], x, y);
    }
    return odd;
}

static bool inside(const rml_lane *lane, double x, double y)
{
    rml_polyline l = lane->element->left, r = lane->element->right;
    if (x < lane->x_min || x > lane->x_max || y < lane->y_min || y > lane->y_max || l.count < 2 ||
        r.count < 2) {
        return false;
    }
    return line_crosses(l, x, y) ^ line_crosses(r, x, y) ^
           crosses(l.points[l.count - 1], r.points[r.count - 1], x, y) ^
           crosses(r.points[0], l.points[0], x, y);
}

// Cosine between a heading and the lane near a point: the segment of the left bound whose start is
// nearest.
static double along_lane(const rml_lane *lane, double x, double y, rml_point2 heading)
{
    rml_polyline line = lane->element->left;
    double best = INFINITY, cosine = 0;
    for (size_t i = 0; i + 1 < line.count; i++) {
        double dx = line.points[i].x_m - x, dy = line.points[i].y_m - y;
        double away = dx * dx + dy * dy;
        double ex = line.points[i + 1].x_m - line.points[i].x_m;
        double ey = line.points[i + 1].y_m - line.points[i].y_m;
        double length = sqrt(ex * ex + ey * ey);
        if (away < best && length > 0) {
            best = away;
            cosine = (ex * heading.x_m + ey * heading.y_m) / length;
        }
    }
    return cosine;
}

// The lane before while it still holds the point, else the one that runs most along the heading;
// without a heading the first.
static int32_t find_lane(const rml_world *w, const rml_causal_state *s, rml_point2 heading,
                         int32_t before)
{
    if (before != RML_NO_LANE && inside(&w->all_lanes[before], s->x_m, s->y_m)) {
        return before;
    }
    int32_t found = RML_NO_LANE;
    double best = -INFINITY;
    for (size_t i = 0; i < w->lane_count; i++) {
        if (!inside(&w->all_lanes[i], s->x_m, s->y_m)) {
            continue;
        }
        double along =
            isnan(heading.x_m) ? 0 : along_lane(&w->all_lanes[i], s->x_m, s->y_m, heading);
        if (along > best) {
            best = along;
            found = (int32_t)i;
        }
    }
    return found;
}

static rml_status assign_lanes(rml_world *w, size_t total, rml_error *err)
{
    w->lanes = RML_NEW_ARRAY(&w->arena, int32_t, total + 1);
    if (w->lanes == NULL) {
        return rml_fail_memory(err, (total + 1) * sizeof(int32_t));
    }
    for (size_t i = 0; i < w->traffic->track_count; i++) {
        int32_t before = RML_NO_LANE;
        for (size_t k = 0; k < w->traffic->tracks[i].count; k++) {
            size_t at = w->first[i] + k;
            before = w->traffic->tracks[i].is_apart // where it is on this map is unknown
                         ? RML_NO_LANE
                         : find_lane(w, &w->states[at], w->headings[at], before);
            w->lanes[at] = before;
        }
    }
    return RML_OK;
}

static bool leads(const rml_world *w, int32_t a, int32_t b)
{
    const rml_lane *lane = &w->all_lanes[a];
    for (uint32_t i = 0; i < lane->next_count; i++) {
        if (w->nexts[lane->next_first + i] == b) {
            return true;
        }
    }
    return false;
}

bool rml_lanes_same(const rml_world *w, int32_t a, int32_t b)
{
    return a == b || leads(w, a, b) || leads(w, b, a);
}

bool rml_lanes_beside(const rml_world *w, int32_t a, int32_t b)
{
    const rml_lane *lane = &w->all_lanes[a];
    if (lane->left == b || lane->right == b) {
        return true;
    }
    bool beside = (lane->left != RML_NO_LANE && leads(w, lane->left, b)) ||
                  (lane->right != RML_NO_LANE && leads(w, lane->right, b));
    for (uint32_t i = 0; i < lane->next_count && !beside; i++) {
        const rml_lane *next = &w->all_lanes[w->nexts[lane->next_first + i]];
        beside = next->left == b || next->right == b;
    }
    return beside && !leads(w, a, b);
}

rml_status rml_world_make(const rml_traffic *traffic, unsigned reads, rml_world *out,
                          rml_error *err)
{
    size_t total = 0;
    *out = (rml_world){.traffic = traffic,
                       .step_ns = traffic->step_ns > 0 ? traffic->step_ns : 100000000};
    rml_status st = make_states(out, &total, err);
    if (st == RML_OK && reads & RML_READS_LANES) {
        st = make_lanes(out, err);
        st = st ? st : assign_lanes(out, total, err);
    }
    if (st) {
        rml_world_reset(out);
    }
    return st;
}

void rml_world_reset(rml_world *w)
{
    rml_arena_reset(&w->arena);
    *w = (rml_world){0};
}
