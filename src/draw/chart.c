// Charts: lines over x with bands, and horizontal bars with whiskers. Ticks are 1, 2 or 5 times a
// power of ten.
#include "roadmill/draw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "number.h"

#define TEXT_PX 12.0
#define TICKS_ABOUT 6

typedef struct axis {
    double low, high, step;
    int decimals;
} axis;

// Covers [low, high] with round ticks.
static axis round_axis(double low, double high)
{
    if (!(low < high)) {
        double around = isfinite(low) ? fabs(low) : 0;
        low = isfinite(low) ? low - (around > 0 ? around / 2 : 1) : 0;
        high = low + (around > 0 ? around : 2);
    }
    double rough = (high - low) / TICKS_ABOUT, power = 1;
    int decimals = 0;
    while (power * 10 <= rough && power < 1e15) {
        power *= 10;
    }
    while (power > rough && decimals < 6) {
        power /= 10;
        decimals++;
    }
    double step = rough <= power * 1   ? power
                  : rough <= power * 2 ? power * 2
                  : rough <= power * 5 ? power * 5
                                       : power * 10;
    decimals = step >= power * 10 && decimals > 0 ? decimals - 1 : decimals;
    return (axis){floor(low / step) * step, ceil(high / step) * step, step, decimals};
}

static double widen(double value, double *low, double *high)
{
    if (isfinite(value)) {
        *low = fmin(*low, value);
        *high = fmax(*high, value);
    }
    return value;
}

// The text's width in a proportional sans font, roughly.
static double text_width(const char *text, double size_px)
{
    return 0.56 * size_px * (double)strlen(text);
}

static const char *colour_of(const rml_series *series, size_t index)
{
    return series->colour ? series->colour : rml_palette(index);
}

static const rml_style grid_style = {.stroke = "#000", .opacity = 0.12};
static const rml_style axis_style = {.stroke = "#000", .opacity = 0.45};

typedef struct plot {
    rml_svg svg;
    const rml_chart *chart;
    const rml_series *series;
    size_t count;
    double left, right, top, bottom; // of the plot's area, from the picture's edges
    axis x, y;
} plot;

static double at_x(const plot *p, double v)
{
    return p->left + (v - p->x.low) / (p->x.high - p->x.low) * (p->svg.width - p->left - p->right);
}

static double at_y(const plot *p, double v)
{
    return p->bottom +
           (v - p->y.low) / (p->y.high - p->y.low) * (p->svg.height - p->top - p->bottom);
}

static void line(plot *p, double x1, double y1, double x2, double y2, const rml_style *style)
{
    const rml_point points[] = {{x1, y1}, {x2, y2}};
    rml_svg_polyline(&p->svg, points, 2, false, style);
}

static void draw_titles(plot *p)
{
    double height = p->svg.height;
    if (p->chart->title != NULL) {
        rml_svg_text(&p->svg, 8, height - 18, 14, "start", NULL, rml_str_of(p->chart->title));
    }
    if (p->chart->x_label != NULL) {
        rml_svg_text(&p->svg, (p->left + p->svg.width - p->right) / 2, 6, TEXT_PX, "middle", NULL,
                     rml_str_of(p->chart->x_label));
    }
}

static void draw_x_ticks(plot *p)
{
    char text[RML_FIXED_TEXT];
    double top = p->svg.height - p->top;
    for (int i = 0; i <= 20 && p->x.low + i * p->x.step <= p->x.high + p->x.step / 100; i++) {
        double v = p->x.low + i * p->x.step, x = at_x(p, v);
        rml_fixed(v, p->x.decimals, text);
        line(p, x, p->bottom, x, top, fabs(v) < p->x.step / 2 ? &axis_style : &grid_style);
        rml_svg_text(&p->svg, x, p->bottom - 16, TEXT_PX, "middle", NULL, rml_str_of(text));
    }
}

// ---- Lines -------------------------------------------------------------------------------------

static void measure_lines(plot *p)
{
    double x_low = INFINITY, x_high = -INFINITY, y_low = INFINITY, y_high = -INFINITY;
    for (size_t s = 0; s < p->count; s++) {
        for (size_t i = 0; i < p->series[s].count; i++) {
            widen(p->series[s].x[i], &x_low, &x_high);
            widen(p->series[s].y[i], &y_low, &y_high);
            if (p->series[s].low != NULL && p->series[s].high != NULL) {
                widen(p->series[s].low[i], &y_low, &y_high);
                widen(p->series[s].high[i], &y_low, &y_high);
            }
        }
    }
    p->x = round_axis(x_low, x_high);
    if (x_low < x_high) { // lines reach from edge to edge
        p->x.low = x_low;
        p->x.high = x_high;
        p->x =
            (axis){ceil(x_low / p->x.step - 1e-9) * p->x.step, p->x.high, p->x.step, p->x.decimals};
        p->x.low = p->x.low - x_low < 1e-9 * (x_high - x_low) ? p->x.low : p->x.low - p->x.step;
    }
    p->y = round_axis(y_low, y_high);
}

// Stretches of a band where both edges are known.
static void draw_band(plot *p, const rml_series *series, const char *colour)
{
    const rml_style style = {.stroke = "none", .fill = colour, .opacity = 0.18};
    rml_array outline = RML_ARRAY(rml_point);
    size_t i = 0;
    while (i < series->count && p->svg.status == RML_OK) {
        size_t first = i;
        while (i < series->count && isfinite(series->low[i]) && isfinite(series->high[i])) {
            i++;
        }
        size_t count = i - first;
        rml_point *points = count > 1 ? rml_array_push_many(&outline, 2 * count, p->svg.err) : NULL;
        if (count > 1 && points == NULL) {
            p->svg.status = RML_ERR_MEMORY;
        } else if (count > 1) {
            for (size_t k = 0; k < count; k++) {
                double x = at_x(p, series->x[first + k]);
                points[k] = (rml_point){x, at_y(p, series->low[first + k])};
                points[2 * count - 1 - k] = (rml_point){x, at_y(p, series->high[first + k])};
            }
            rml_svg_polyline(&p->svg, points, 2 * count, true, &style);
        }
        rml_array_clear(&outline);
        i += count == 0;
    }
    rml_array_reset(&outline);
}

static void draw_line(plot *p, const rml_series *series, const char *colour)
{
    const rml_style style = {.stroke = colour, .width = 2};
    const rml_style dot = {.stroke = "none", .fill = colour};
    rml_array points = RML_ARRAY(rml_point);
    rml_point *all = series->count ? rml_array_push_many(&points, series->count, p->svg.err) : NULL;
    if (series->count > 0 && all == NULL) {
        p->svg.status = RML_ERR_MEMORY;
    }
    for (size_t i = 0; all != NULL && i < series->count; i++) {
        all[i] = (rml_point){at_x(p, series->x[i]), at_y(p, series->y[i])};
        bool alone = (i == 0 || !isfinite(series->y[i - 1])) &&
                     (i + 1 == series->count || !isfinite(series->y[i + 1]));
        if (alone || series->count <= 12) { // few points are shown as such
            rml_svg_circle(&p->svg, all[i].x, all[i].y, 3, &dot);
        }
    }
    if (all != NULL) {
        rml_svg_polyline(&p->svg, all, series->count, false, &style);
    }
    rml_array_reset(&points);
}

// One line of coloured dots and names under the title.
static void draw_legend(plot *p)
{
    double x = p->left;
    for (size_t s = 0; s < p->count; s++) {
        const char *label = p->series[s].label ? p->series[s].label : "";
        const rml_style dot = {.stroke = "none", .fill = colour_of(&p->series[s], s)};
        double y = p->svg.height - p->top + 12;
        rml_svg_circle(&p->svg, x + 4, y + 4, 4, &dot);
        rml_svg_text(&p->svg, x + 12, y, TEXT_PX, "start", NULL, rml_str_of(label));
        x += 30 + text_width(label, TEXT_PX);
    }
}

static void draw_lines(plot *p)
{
    char text[RML_FIXED_TEXT];
    measure_lines(p);
    rml_fixed(p->y.high, p->y.decimals, text);
    double wide = text_width(text, TEXT_PX);
    rml_fixed(p->y.low, p->y.decimals, text);
    p->left = 14 + fmax(wide, text_width(text, TEXT_PX));
    p->right = 18;
    p->bottom = p->chart->x_label ? 42 : 26;
    p->top = (p->chart->title ? 30 : 8) + 24 + (p->chart->y_label ? 14 : 0);
    draw_titles(p);
    if (p->chart->y_label != NULL) {
        rml_svg_text(&p->svg, 8, p->svg.height - p->top + 28 - (p->count > 1 ? 0 : 18), TEXT_PX,
                     "start", NULL, rml_str_of(p->chart->y_label));
    }
    draw_x_ticks(p);
    for (int i = 0; i <= 20 && p->y.low + i * p->y.step <= p->y.high + p->y.step / 100; i++) {
        double v = p->y.low + i * p->y.step, y = at_y(p, v);
        rml_fixed(v, p->y.decimals, text);
        line(p, p->left, y, p->svg.width - p->right, y,
             fabs(v) < p->y.step / 2 ? &axis_style : &grid_style);
        rml_svg_text(&p->svg, p->left - 6, y - 4, TEXT_PX, "end", NULL, rml_str_of(text));
    }
    for (size_t s = 0; s < p->count; s++) {
        if (p->series[s].low != NULL && p->series[s].high != NULL) {
            draw_band(p, &p->series[s], colour_of(&p->series[s], s));
        }
    }
    for (size_t s = 0; s < p->count; s++) {
        draw_line(p, &p->series[s], colour_of(&p->series[s], s));
    }
    if (p->count > 1) {
        draw_legend(p);
    }
}

// ---- Bars --------------------------------------------------------------------------------------

static void draw_bar(plot *p, const rml_series *series, size_t index, const char *colour, double y,
                     double thick)
{
    double value = series->y[index];
    char text[RML_FIXED_TEXT];
    if (!isfinite(value)) {
        rml_svg_text(&p->svg, at_x(p, 0) + 6, y - 4, TEXT_PX, "start", NULL, RML_STR("not known"));
        return;
    }
    double zero = at_x(p, 0), end = at_x(p, value);
    const rml_style fill = {.stroke = "none", .fill = colour, .opacity = 0.85};
    rml_svg_box(&p->svg, (zero + end) / 2, y, 0, fabs(end - zero), thick, &fill);
    double outer = end;
    if (series->low != NULL && series->high != NULL && isfinite(series->low[index]) &&
        isfinite(series->high[index])) {
        const rml_style whisker = {.width = 1.5};
        double low = at_x(p, series->low[index]), high = at_x(p, series->high[index]);
        line(p, low, y, high, y, &whisker);
        line(p, low, y - 4, low, y + 4, &whisker);
        line(p, high, y - 4, high, y + 4, &whisker);
        outer = value < 0 ? fmin(low, end) : fmax(high, end);
    }
    rml_fixed(value, p->x.decimals + 1 > 6 ? 6 : p->x.decimals + 1, text);
    rml_svg_text(&p->svg, value < 0 ? outer - 6 : outer + 6, y - 4, TEXT_PX,
                 value < 0 ? "end" : "start", NULL, rml_str_of(text));
}

static void draw_bars(plot *p)
{
    double low = 0, high = 0, label = 0;
    size_t bars = 0;
    for (size_t s = 0; s < p->count; s++) {
        const rml_series *series = &p->series[s];
        label = fmax(label, text_width(series->label ? series->label : "", TEXT_PX));
        bars += series->count;
        for (size_t i = 0; i < series->count; i++) {
            widen(series->y[i], &low, &high);
            widen(series->low ? series->low[i] : NAN, &low, &high);
            widen(series->high ? series->high[i] : NAN, &low, &high);
        }
    }
    p->x = round_axis(low, high);
    p->left = fmin(18 + label, p->svg.width / 2) + (low < 0 ? 40 : 0);
    p->right = high > 0 ? 56 : 18;
    p->bottom = p->chart->x_label || p->chart->y_label ? 42 : 26;
    p->top = p->chart->title ? 34 : 10;
    draw_titles(p);
    if (p->chart->x_label == NULL && p->chart->y_label != NULL) { // values run along x
        rml_svg_text(&p->svg, (p->left + p->svg.width - p->right) / 2, 6, TEXT_PX, "middle", NULL,
                     rml_str_of(p->chart->y_label));
    }
    draw_x_ticks(p);
    double room = (p->svg.height - p->top - p->bottom) / (double)(bars ? bars : 1);
    size_t row = 0;
    for (size_t s = 0; s < p->count; s++) {
        for (size_t i = 0; i < p->series[s].count; i++, row++) {
            double y = p->svg.height - p->top - room * ((double)row + 0.5);
            if (i == 0) {
                const char *name = p->series[s].label ? p->series[s].label : "";
                rml_svg_text(&p->svg, 8, y - 4, TEXT_PX, "start", NULL, rml_str_of(name));
            }
            draw_bar(p, &p->series[s], i, colour_of(&p->series[s], s), y, fmin(room * 0.62, 26));
        }
    }
}

rml_status rml_chart_draw(const rml_chart *chart, const rml_series *series, size_t count,
                          rml_buffer *out, rml_error *err)
{
    plot p = {.chart = chart, .series = series, .count = count};
    rml_svg_begin(&p.svg, out, chart->width > 0 ? chart->width : 640,
                  chart->height > 0 ? chart->height : 320, chart->title ? chart->title : "", err);
    if (chart->bars) {
        draw_bars(&p);
    } else {
        draw_lines(&p);
    }
    return rml_svg_end(&p.svg);
}
