// A scene from above: lanes, agents with their past, the focus, and futures.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "roadmill/draw.h"

#include "cutter.h"

#define MARGIN_M 12.0
#define SPAN_M_MIN 40.0
#define STRIP_PX 26.0

typedef struct picture {
    const rml_cutter *c;
    rml_window window;
    rml_frame frame;
    int64_t now_ns;
    rml_svg svg;
    rml_point points[4096];
    double x_min, y_min, x_max, y_max;
} picture;

static void cover(picture *p, double x, double y)
{
    if (isfinite(x) && isfinite(y)) {
        p->x_min = fmin(p->x_min, x);
        p->x_max = fmax(p->x_max, x);
        p->y_min = fmin(p->y_min, y);
        p->y_max = fmax(p->y_max, y);
    }
}

// The focus' past and all futures, and room around them.
static void frame_view(picture *p, const rml_scene_future *futures, size_t count)
{
    const rml_track *track = &p->c->traffic->tracks[p->window.track];
    size_t history = p->c->spec.history;
    cover(p, 0, 0);
    for (size_t k = 0; k < history && k <= p->window.now; k++) {
        const rml_track_state *s = &track->states[p->window.now - k];
        rml_point2 at = rml_frame_point(&p->frame, s->x_m, s->y_m);
        cover(p, at.x_m, at.y_m);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < (size_t)futures[i].modes * p->c->spec.future; k++) {
            cover(p, (double)futures[i].xy[2 * k], (double)futures[i].xy[2 * k + 1]);
        }
    }
    double x = (p->x_min + p->x_max) / 2, y = (p->y_min + p->y_max) / 2;
    double wide = fmax(p->x_max - p->x_min + 2 * MARGIN_M, SPAN_M_MIN);
    double high = fmax(p->y_max - p->y_min + 2 * MARGIN_M, wide * 0.45);
    wide = fmax(wide, high / 0.75);
    p->x_min = x - wide / 2;
    p->x_max = x + wide / 2;
    p->y_min = y - high / 2;
    p->y_max = y + high / 2;
}

static size_t map_points(picture *p, rml_polyline line, size_t from, bool backwards)
{
    size_t most = sizeof p->points / sizeof *p->points;
    for (size_t i = 0; i < line.count && from < most; i++) {
        rml_point2 m = line.points[backwards ? line.count - 1 - i : i];
        rml_point2 at = rml_frame_point(&p->frame, m.x_m, m.y_m);
        p->points[from++] = (rml_point){at.x_m, at.y_m};
    }
    return from;
}

static bool in_view(const picture *p, size_t count)
{
    double x_min = INFINITY, x_max = -INFINITY, y_min = INFINITY, y_max = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        x_min = fmin(x_min, p->points[i].x);
        x_max = fmax(x_max, p->points[i].x);
        y_min = fmin(y_min, p->points[i].y);
        y_max = fmax(y_max, p->points[i].y);
    }
    return x_min <= p->x_max && x_max >= p->x_min && y_min <= p->y_max && y_max >= p->y_min;
}

static void draw_map(picture *p)
{
    static const rml_style surface = {.stroke = "none", .fill = "#8c8f96", .opacity = 0.22};
    static const rml_style crossing = {.stroke = "none", .fill = "#8c8f96", .opacity = 0.30};
    static const rml_style bound = {.stroke = "#8c8f96", .width = 1, .opacity = 0.7};
    static const rml_style middle = {
        .stroke = "#8c8f96", .width = 1, .opacity = 0.45, .dash = "1 6"};
    for (size_t i = 0; i < p->c->traffic->map_count; i++) {
        const rml_map_element *e = &p->c->traffic->map[i];
        bool lane = e->kind == RML_MAP_LANE;
        size_t count = map_points(p, e->right, map_points(p, e->left, 0, false), true);
        if (count >= 3 && in_view(p, count) && (lane || e->kind == RML_MAP_CROSSWALK)) {
            rml_svg_polyline(&p->svg, p->points, count, true, lane ? &surface : &crossing);
            rml_svg_polyline(&p->svg, p->points, map_points(p, e->left, 0, false), false, &bound);
            rml_svg_polyline(&p->svg, p->points, map_points(p, e->right, 0, false), false, &bound);
        }
        count = map_points(p, e->centre, 0, false);
        if (lane && count >= 2 && in_view(p, count)) {
            rml_svg_polyline(&p->svg, p->points, count, false, &middle);
        }
    }
}

static void draw_agent(picture *p, size_t track, size_t state, bool focus)
{
    const rml_track *t = &p->c->traffic->tracks[track];
    const rml_causal_state *now = rml_cutter_state(p->c, track, state);
    const char *colour = focus ? "#0072B2" : "#000";
    size_t count = 0, most = p->c->spec.history;
    for (size_t k = 0; k < most && k <= state; k++) {
        rml_point2 past =
            rml_frame_point(&p->frame, t->states[state - k].x_m, t->states[state - k].y_m);
        p->points[count++] = (rml_point){past.x_m, past.y_m};
    }
    rml_style trail = {.stroke = colour, .width = focus ? 3 : 1.5, .opacity = focus ? 0.8 : 0.4};
    rml_svg_polyline(&p->svg, p->points, count, false, &trail);
    rml_style box = {.stroke = focus ? colour : "#000",
                     .fill = focus ? colour : "#8c8f96",
                     .width = 1,
                     .opacity = focus ? 1 : 0.75};
    rml_point2 at = rml_frame_point(&p->frame, now->x_m, now->y_m);
    double yaw = isnan(now->yaw_rad) ? 0 : now->yaw_rad - p->frame.pose.yaw_rad;
    rml_svg_box(&p->svg, at.x_m, at.y_m, yaw, isnan(t->length_m) ? 1 : t->length_m,
                isnan(t->width_m) ? 1 : t->width_m, &box);
}

static void draw_agents(picture *p)
{
    for (size_t i = 0; i < p->c->traffic->track_count; i++) {
        size_t state = i == p->window.track ? RML_NONE : rml_cutter_at(p->c, i, p->now_ns);
        if (state != RML_NONE) {
            draw_agent(p, i, state, false);
        }
    }
    draw_agent(p, p->window.track, p->window.now, true);
}

static void draw_future(picture *p, const rml_scene_future *f)
{
    uint32_t steps = p->c->spec.future;
    float most = 0;
    for (uint32_t m = 0; f->probability != NULL && m < f->modes; m++) {
        most = f->probability[m] > most ? f->probability[m] : most;
    }
    for (uint32_t m = 0; m < f->modes; m++) {
        const float *xy = f->xy + (size_t)m * steps * 2;
        p->points[0] = (rml_point){0, 0};
        for (uint32_t k = 0; k < steps; k++) {
            p->points[k + 1] = (rml_point){(double)xy[2 * k], (double)xy[2 * k + 1]};
        }
        double share = f->probability != NULL && most > 0 ? (double)(f->probability[m] / most) : 1;
        const rml_style line = {.stroke = f->colour, .width = 2.5, .opacity = 0.3 + 0.7 * share};
        const rml_style end = {.stroke = "none", .fill = f->colour, .opacity = 0.3 + 0.7 * share};
        rml_svg_polyline(&p->svg, p->points, (size_t)steps + 1, false, &line);
        rml_svg_circle(&p->svg, p->points[steps].x, p->points[steps].y, 4, &end);
    }
}

static double nice_length(double most)
{
    static const double lengths[] = {100, 50, 20, 10, 5, 2, 1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        if (lengths[i] <= most) {
            return lengths[i];
        }
    }
    return 1;
}

// In a strip above the view: what the lines are, from the left; the scale, at the right.
static void draw_legend(picture *p, double px_per_m, const rml_scene_future *futures, size_t count)
{
    rml_svg *s = &p->svg;
    double x = 4, y = s->height - 12;
    for (size_t i = 0; i < count; i++) {
        const rml_style line = {.stroke = futures[i].colour, .width = 3};
        const rml_point points[] = {{x, y}, {x + 18, y}};
        rml_svg_polyline(s, points, 2, false, &line);
        rml_svg_text(s, x + 24, y - 4, 12, "start", NULL, rml_str_of(futures[i].label));
        x += 44 + 6.5 * (double)strlen(futures[i].label);
    }
    const rml_style bar = {.width = 2};
    double length = nice_length(s->width / px_per_m / 6), right = s->width - 4;
    const rml_point ends[] = {{right - length * px_per_m, y}, {right, y}};
    char text[32];
    snprintf(text, sizeof text, "%.0f m", length);
    rml_svg_polyline(s, ends, 2, false, &bar);
    rml_svg_text(s, right - length * px_per_m - 6, y - 4, 12, "end", NULL, rml_str_of(text));
}

rml_status rml_scene_plot(const rml_cutter *c, rml_window window, const rml_scene_future *futures,
                          size_t count, double width_px, const char *title, rml_buffer *svg,
                          rml_error *err)
{
    picture *p = rml_heap_make(sizeof *p);
    if (p == NULL) {
        return rml_fail_memory(err, sizeof *p);
    }
    p->c = c;
    p->window = window;
    p->frame = rml_frame_of(rml_cutter_frame(c, window));
    p->now_ns = c->traffic->tracks[window.track].states[window.now].t_ns;
    frame_view(p, futures, count);
    double aspect = (p->y_max - p->y_min) / (p->x_max - p->x_min);
    rml_svg_begin(&p->svg, svg, width_px, width_px * aspect + STRIP_PX, title, err);
    rml_svg_inset(&p->svg, STRIP_PX);
    rml_svg_world(&p->svg, p->x_min, p->y_min, p->x_max, p->y_max);
    draw_map(p);
    draw_agents(p);
    for (size_t i = 0; i < count; i++) {
        draw_future(p, &futures[count - 1 - i]); // the first on top
    }
    double px_per_m = p->svg.scale;
    rml_svg_inset_end(&p->svg, STRIP_PX);
    draw_legend(p, px_per_m, futures, count);
    rml_status st = rml_svg_end(&p->svg);
    rml_heap_free(p);
    return st;
}
