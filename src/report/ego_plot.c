// The picture of a drive's ego: its path seen from above and its speed over time, from the rows of
// `ego`. A hole in time is a hole in both lines.
#include <math.h>
#include <stdio.h>

#include "roadmill/draw.h"
#include "roadmill/lake/sql.h"
#include "roadmill/report.h"

#define WIDTH 1120.0
#define HEIGHT 900.0
#define SPEED_TOP 700.0 // below it the speed, above it the path
#define HEAD_HEIGHT 50.0
#define LEFT_WIDTH 60.0
#define RIGHT_WIDTH 20.0
#define FOOT_HEIGHT 40.0
#define MARGIN_PART 0.05
#define HOLE_S 5.0
#define TICKS_MAX 8
#define TIME_STEPS_PER_PX 2

static const char *const blue = "#0072B2", *const green = "#009E73", *const red = "#D55E00",
                         *const grey = "#8C8C8C";

typedef struct sample {
    double t_s, x_m, y_m, speed_mps; // t_s from the first; speed is NaN where the ego has none
} sample;

typedef struct picture {
    rml_svg svg;
    const sample *samples;
    size_t count;
    rml_point *points; // count, for the line being drawn
    double span_s, speed_max_mps;
} picture;

// ---- The rows ----------------------------------------------------------------------------------

static rml_status samples_load(rml_lake *lake, const rml_drive_report *report, rml_arena *arena,
                               rml_array *out, rml_error *err)
{
    rml_str drive = rml_sql_quote(arena, report->drive_id);
    // At most two rows for a pixel's width and recording: more cannot be seen.
    rml_str sql = rml_arena_printf(
        arena,
        "WITH e AS (SELECT t_ns, x_m, y_m, coalesce(sqrt(vx_mps * vx_mps + coalesce(vy_mps * "
        "vy_mps, 0)), 'nan') AS speed_mps FROM ego WHERE drive_id = %.*s), s AS (SELECT min(t_ns) "
        "AS first, greatest((max(t_ns) - min(t_ns)) // %d, 1) AS step FROM e) SELECT min((t_ns - "
        "first) / 1e9), arg_min(x_m, t_ns), arg_min(y_m, t_ns), arg_min(speed_mps, t_ns) FROM e, s "
        "GROUP BY (t_ns - first) // step ORDER BY 1",
        RML_FMT(drive), (int)(WIDTH * TIME_STEPS_PER_PX));
    if (drive.data == NULL || sql.data == NULL) {
        return rml_fail_memory(err, 512);
    }
    rml_rows *rows = NULL;
    const rml_batch *b;
    RML_TRY(rml_lake_sql(lake, sql, &rows, err));
    rml_status st;
    while ((st = rml_rows_next(rows, &b, err)) == RML_OK) {
        for (size_t i = 0; !st && i < b->count; i++) {
            sample s = {
                rml_column_get_f64(&b->columns[0], i), rml_column_get_f64(&b->columns[1], i),
                rml_column_get_f64(&b->columns[2], i), rml_column_get_f64(&b->columns[3], i)};
            sample *slot = rml_array_push(out, err);
            st = slot == NULL ? RML_ERR_MEMORY : RML_OK;
            if (slot != NULL) {
                *slot = s;
            }
        }
        if (st != RML_OK) {
            break;
        }
    }
    rml_rows_close(rows);
    return st == RML_END ? RML_OK : st;
}

// ---- The path ----------------------------------------------------------------------------------

static void line_draw(picture *p, rml_point (*point)(const picture *, const sample *),
                      const rml_style *style)
{
    size_t from = 0;
    for (size_t i = 0; i < p->count; i++) {
        p->points[i - from] = point(p, &p->samples[i]);
        bool ends = i + 1 == p->count || p->samples[i + 1].t_s - p->samples[i].t_s > HOLE_S;
        if (ends) {
            rml_svg_polyline(&p->svg, p->points, i + 1 - from, false, style);
            from = i + 1;
        }
    }
}

static rml_point point_on_ground(const picture *p, const sample *s)
{
    (void)p;
    return (rml_point){s->x_m, s->y_m};
}

// A scale bar of a round length near a fifth of the picture's width.
static void scale_bar(picture *p, double left_m, double bottom_m, double width_m)
{
    double ten = pow(10, floor(log10(width_m / 5)));
    double length_m = width_m / 5 >= 5 * ten ? 5 * ten : width_m / 5 >= 2 * ten ? 2 * ten : ten;
    const rml_point ends[2] = {{left_m, bottom_m}, {left_m + length_m, bottom_m}};
    rml_svg_polyline(&p->svg, ends, 2, false, &(rml_style){.width = 2});
    char text[32];
    snprintf(text, sizeof text, length_m >= 1000 ? "%.4g km" : "%.4g m",
             length_m >= 1000 ? length_m / 1000 : length_m);
    rml_svg_text(&p->svg, left_m, bottom_m + width_m * 0.008, 12, "start", NULL, rml_str_of(text));
}

static void path_draw(picture *p)
{
    double x0 = INFINITY, x1 = -INFINITY, y0 = INFINITY, y1 = -INFINITY;
    for (size_t i = 0; i < p->count; i++) {
        x0 = fmin(x0, p->samples[i].x_m), x1 = fmax(x1, p->samples[i].x_m);
        y0 = fmin(y0, p->samples[i].y_m), y1 = fmax(y1, p->samples[i].y_m);
    }
    double wide = fmax(fmax(x1 - x0, (y1 - y0) * WIDTH / (SPEED_TOP - HEAD_HEIGHT)), 1.0);
    double margin = MARGIN_PART * wide;
    // The inset reaches to the picture's foot; its lower part is left to the speed.
    double below = (y1 - y0 + 2 * margin) * (HEIGHT - SPEED_TOP) / (SPEED_TOP - HEAD_HEIGHT);
    rml_svg_inset(&p->svg, HEAD_HEIGHT);
    rml_svg_world(&p->svg, x0 - margin, y0 - margin - below, x1 + margin, y1 + margin);
    line_draw(p, point_on_ground, &(rml_style){.stroke = blue, .width = 2});
    const sample *first = &p->samples[0], *last = &p->samples[p->count - 1];
    rml_svg_circle(&p->svg, first->x_m, first->y_m, 5,
                   &(rml_style){.stroke = green, .fill = green});
    rml_svg_circle(&p->svg, last->x_m, last->y_m, 5, &(rml_style){.stroke = red, .fill = red});
    scale_bar(p, x0 - margin / 2, y0 - margin, x1 - x0 + 2 * margin);
    rml_svg_inset_end(&p->svg, HEAD_HEIGHT);
}

// ---- The speed ---------------------------------------------------------------------------------

static double speed_x(const picture *p, double t_s)
{
    return LEFT_WIDTH + t_s / p->span_s * (WIDTH - LEFT_WIDTH - RIGHT_WIDTH);
}

static double speed_y(const picture *p, double speed_mps)
{
    return FOOT_HEIGHT + speed_mps / p->speed_max_mps * (HEIGHT - SPEED_TOP - FOOT_HEIGHT - 20);
}

static rml_point point_of_speed(const picture *p, const sample *s)
{
    return (rml_point){speed_x(p, s->t_s), speed_y(p, s->speed_mps)};
}

// The least of 1, 2, 5 times a power of ten that divides a span into at most TICKS_MAX.
static double round_step(double span)
{
    double ten = pow(10, floor(log10(span / TICKS_MAX)));
    static const double heads[] = {1, 2, 5, 10};
    for (size_t i = 0; i < 3; i++) {
        if (span / (heads[i] * ten) <= TICKS_MAX) {
            return heads[i] * ten;
        }
    }
    return 10 * ten;
}

static bool states_speed(const picture *p)
{
    for (size_t i = 0; i < p->count; i++) {
        if (!isnan(p->samples[i].speed_mps)) {
            return true;
        }
    }
    return false;
}

static void speed_axes(picture *p)
{
    const rml_style line = {.stroke = grey, .width = 0.5, .opacity = 0.6};
    char text[32];
    double step = round_step(p->speed_max_mps);
    for (double v = 0; v <= p->speed_max_mps * (1 + 1e-9); v += step) {
        const rml_point ends[2] = {{LEFT_WIDTH, speed_y(p, v)},
                                   {WIDTH - RIGHT_WIDTH, speed_y(p, v)}};
        rml_svg_polyline(&p->svg, ends, 2, false, &line);
        snprintf(text, sizeof text, "%.4g", v);
        rml_svg_text(&p->svg, LEFT_WIDTH - 8, speed_y(p, v) - 4, 11, "end", NULL, rml_str_of(text));
    }
    step = round_step(p->span_s);
    for (double t_s = 0; t_s <= p->span_s * (1 + 1e-9); t_s += step) {
        snprintf(text, sizeof text, "%.6g s", t_s);
        rml_svg_text(&p->svg, speed_x(p, t_s), FOOT_HEIGHT - 18, 11, "middle", NULL,
                     rml_str_of(text));
    }
    rml_svg_text(&p->svg, LEFT_WIDTH, HEIGHT - SPEED_TOP - 12, 12, "start", grey,
                 states_speed(p) ? RML_STR("speed, m/s")
                                 : RML_STR("speed, m/s: the drive states none"));
}

static void speed_draw(picture *p)
{
    p->speed_max_mps = 1;
    for (size_t i = 0; i < p->count; i++) {
        p->speed_max_mps = fmax(p->speed_max_mps, p->samples[i].speed_mps);
    }
    p->span_s = fmax(p->samples[p->count - 1].t_s, 1e-9);
    speed_axes(p);
    line_draw(p, point_of_speed, &(rml_style){.stroke = blue, .width = 1.5});
}

// ---- The whole ---------------------------------------------------------------------------------

static void head_draw(picture *p, const rml_drive_report *r)
{
    double length_m = 0;
    for (size_t i = 1; i < p->count; i++) {
        const sample *a = &p->samples[i - 1], *b = &p->samples[i];
        length_m += b->t_s - a->t_s > HOLE_S ? 0 : hypot(b->x_m - a->x_m, b->y_m - a->y_m);
    }
    char text[256];
    snprintf(text, sizeof text, "Drive %.*s%s%.*s", RML_FMT(r->drive_id),
             r->vehicle.len > 0 ? ", " : "", RML_FMT(r->vehicle));
    rml_svg_text(&p->svg, 10, HEIGHT - 22, 15, "start", NULL, rml_str_of(text));
    snprintf(text, sizeof text, "%.4g km in %.5g s; green: begin, red: end", length_m / 1000,
             p->samples[p->count - 1].t_s);
    rml_svg_text(&p->svg, 10, HEIGHT - 40, 12, "start", grey, rml_str_of(text));
}

rml_status rml_drive_ego_plot(rml_lake *lake, const rml_drive_report *report, rml_arena *arena,
                              rml_buffer *out, rml_error *err)
{
    rml_array samples = RML_ARRAY(sample);
    rml_status st = samples_load(lake, report, arena, &samples, err);
    picture p = {.samples = samples.data, .count = samples.count};
    if (st == RML_OK && p.count == 0) {
        st = rml_fail(err, RML_ERR_MISSING, (rml_place){0},
                      "roadmill recipes lists which channels become ego; roadmill ingest --recipe "
                      "FILE takes others",
                      "drive %.*s: expected rows of ego, found none", RML_FMT(report->drive_id));
    }
    if (st == RML_OK) {
        p.points = RML_NEW_ARRAY(arena, rml_point, p.count);
        st = p.points == NULL ? rml_fail_memory(err, p.count * sizeof(rml_point)) : RML_OK;
    }
    if (st == RML_OK) {
        rml_svg_begin(&p.svg, out, WIDTH, HEIGHT, "Path and speed of a drive", err);
        path_draw(&p);
        speed_draw(&p);
        head_draw(&p, report);
        st = rml_svg_end(&p.svg);
    }
    rml_array_reset(&samples);
    return st;
}
