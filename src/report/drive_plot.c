// The picture of a drive's channels over time.
#include <math.h>
#include <stdio.h>

#include "roadmill/draw.h"
#include "roadmill/os.h"
#include "roadmill/report.h"

#define WIDTH 1120.0
#define LABEL_WIDTH 300.0
#define RIGHT_WIDTH 150.0
#define ROW_HEIGHT 20.0
#define BAR_HEIGHT 12.0
#define HEAD_HEIGHT 58.0
#define FOOT_HEIGHT 34.0
#define ROWS_MAX 400
#define LABEL_CHARS 40
#define GAP_FACTOR 5
// A gap is drawn at least so wide that it is seen.
#define GAP_WIDTH_MIN 2.0

typedef struct plot {
    const rml_drive_report *report;
    rml_svg svg;
    double span_s; // from report->start_ns to end_ns
} plot;

static const char *const blue = "#0072B2", *const red = "#D55E00", *const grey = "#8C8C8C";

static double x_of(const plot *p, int64_t t_ns)
{
    double t_s = ((double)t_ns - (double)p->report->start_ns) * 1e-9;
    double part = fmin(fmax(t_s / p->span_s, 0.0), 1.0);
    return LABEL_WIDTH + part * (WIDTH - LABEL_WIDTH - RIGHT_WIDTH);
}

static void rectangle(plot *p, double x, double y, double width, double height,
                      const rml_style *style)
{
    const rml_point corners[4] = {{x, y}, {x + width, y}, {x + width, y + height}, {x, y + height}};
    rml_svg_polyline(&p->svg, corners, 4, true, style);
}

// ---- The axis ----------------------------------------------------------------------------------

// A round step (1, 2, 5 times a power of ten below a minute, then minutes, hours) so that at most
// eight ticks fit.
static double step_of(double span_s)
{
    static const double long_steps[] = {60,   120,  300,   600,   1200, 1800,
                                        3600, 7200, 14400, 28800, 86400};
    for (double ten = 1e-9; ten < 60; ten *= 10) {
        static const double heads[] = {1, 2, 5};
        for (size_t i = 0; i < 3; i++) {
            if (heads[i] * ten < 60 && span_s / (heads[i] * ten) <= 8) {
                return heads[i] * ten;
            }
        }
    }
    for (size_t i = 0; i < sizeof long_steps / sizeof *long_steps; i++) {
        if (span_s / long_steps[i] <= 8) {
            return long_steps[i];
        }
    }
    return span_s / 8;
}

static void tick_text(double t_s, double step_s, char *text, size_t size)
{
    if (step_s >= 60) {
        long minutes = lround(t_s / 60);
        if (minutes < 60) {
            snprintf(text, size, "%ld min", minutes);
        } else {
            snprintf(text, size, "%ld:%02ld h", minutes / 60, minutes % 60);
        }
    } else {
        snprintf(text, size, "%.4g s", t_s);
    }
}

static void draw_axis(plot *p, double bottom, double top)
{
    double step_s = step_of(p->span_s);
    const rml_style line = {.stroke = grey, .width = 0.5, .opacity = 0.6};
    for (double t_s = 0; t_s <= p->span_s * (1 + 1e-9); t_s += step_s) {
        char text[32];
        double x = x_of(p, p->report->start_ns + (int64_t)(t_s * 1e9));
        const rml_point ends[2] = {{x, bottom}, {x, top}};
        rml_svg_polyline(&p->svg, ends, 2, false, &line);
        tick_text(t_s, step_s, text, sizeof text);
        rml_svg_text(&p->svg, x, bottom - 14, 11, "middle", NULL, rml_str_of(text));
    }
}

// ---- A channel ---------------------------------------------------------------------------------

// Bars between the gaps: bins closer than five periods belong to one bar.
static void draw_bars(plot *p, const rml_drive_channel *c, double y)
{
    const rml_style style = {.stroke = "none", .fill = blue, .opacity = 0.45};
    double reach_ns = GAP_FACTOR * (double)c->period_ns;
    for (size_t i = 0; i < c->bin_count;) {
        size_t j = i;
        int64_t end_ns = c->bins[i].from_ns + c->bins[i].width_ns;
        while (j + 1 < c->bin_count && (double)(c->bins[j + 1].from_ns - end_ns) <= reach_ns) {
            j++;
            end_ns = c->bins[j].from_ns + c->bins[j].width_ns;
        }
        int64_t from_ns = c->bins[i].from_ns > c->first_ns ? c->bins[i].from_ns : c->first_ns;
        end_ns = end_ns < c->last_ns ? end_ns : c->last_ns;
        double x = x_of(p, from_ns), width = fmax(x_of(p, end_ns) - x, 1.0);
        rectangle(p, x, y, width, BAR_HEIGHT, &style);
        i = j + 1;
    }
}

// Darker where messages come more often than the average bin.
static void draw_density(plot *p, const rml_drive_channel *c, double y)
{
    double most = 0;
    for (size_t i = 0; i < c->bin_count; i++) {
        most = fmax(most, (double)c->bins[i].messages);
    }
    // Below some messages a bin the count says more about where bins begin than about the channel.
    if (most < 8) {
        return;
    }
    for (size_t i = 0; i < c->bin_count; i++) {
        const rml_drive_bin *b = &c->bins[i];
        const rml_style style = {
            .stroke = "none", .fill = blue, .opacity = 0.55 * (double)b->messages / most};
        double x = x_of(p, b->from_ns), end = x_of(p, b->from_ns + b->width_ns);
        rectangle(p, x, y, fmax(end - x, 0.5), BAR_HEIGHT, &style);
    }
}

static void draw_gaps(plot *p, const rml_drive_channel *c, double y)
{
    const rml_style style = {.stroke = red, .fill = "#FFF3EC", .width = 1.2};
    for (size_t i = 0; i < c->gaps_kept; i++) {
        double x = x_of(p, c->gaps[i].from_ns), width = x_of(p, c->gaps[i].to_ns) - x;
        if (width < GAP_WIDTH_MIN) {
            x -= (GAP_WIDTH_MIN - width) / 2;
            width = GAP_WIDTH_MIN;
        }
        rectangle(p, x, y, width, BAR_HEIGHT, &style);
        if (width > 36) {
            char text[32];
            snprintf(text, sizeof text, "%.3g s",
                     (double)(c->gaps[i].to_ns - c->gaps[i].from_ns) * 1e-9);
            rml_svg_text(&p->svg, x + width / 2, y + 2.5, 10, "middle", red, rml_str_of(text));
        }
    }
}

static bool is_on_axis(const plot *p, const rml_drive_channel *c)
{
    return c->messages > 0 && c->last_ns >= p->report->start_ns && c->first_ns <= p->report->end_ns;
}

// What stands to the right of a row: messages, rate, gaps, summed over the recordings.
static void draw_numbers(plot *p, const rml_drive_channel *c, size_t count, double y)
{
    uint64_t messages = 0, gaps = 0;
    double periods_s = 0;
    for (size_t i = 0; i < count; i++) {
        messages += c[i].messages;
        gaps += c[i].gap_count;
        periods_s += (double)(c[i].last_ns - c[i].first_ns) * 1e-9;
    }
    char text[96];
    double hertz = periods_s > 0 ? (double)(messages - count) / periods_s : 0;
    snprintf(text, sizeof text, "%llu", (unsigned long long)messages);
    rml_svg_text(&p->svg, WIDTH - 88, y + 2, 11, "end", NULL, rml_str_of(text));
    if (hertz > 0) {
        snprintf(text, sizeof text, "%.3g", hertz);
        rml_svg_text(&p->svg, WIDTH - 42, y + 2, 11, "end", NULL, rml_str_of(text));
    }
    if (gaps > 0) {
        snprintf(text, sizeof text, "%llu", (unsigned long long)gaps);
        rml_svg_text(&p->svg, WIDTH - 6, y + 2, 11, "end", red, rml_str_of(text));
    }
}

// All channels of one topic, from channel `first`; gives how many they are.
static size_t draw_topic(plot *p, size_t first, double y)
{
    const rml_drive_report *r = p->report;
    const rml_drive_channel *c = &r->channels[first];
    size_t count = 0;
    bool other_clock = false;
    while (first + count < r->channel_count && rml_str_equal(c[count].topic, c->topic)) {
        if (is_on_axis(p, &c[count])) {
            draw_bars(p, &c[count], y);
            draw_density(p, &c[count], y);
            draw_gaps(p, &c[count], y);
        } else if (c[count].messages > 0) {
            other_clock = true;
        }
        count++;
    }
    rml_str label = c->topic;
    if (label.len > LABEL_CHARS) { // its end tells topics apart
        label = (rml_str){label.data + label.len - LABEL_CHARS, LABEL_CHARS};
    }
    rml_svg_text(&p->svg, LABEL_WIDTH - 10, y + 2, 11, "end", NULL, label);
    if (other_clock) {
        rml_svg_text(&p->svg, LABEL_WIDTH + 6, y + 2, 10, "start", red,
                     RML_STR("its times follow another clock"));
    }
    draw_numbers(p, c, count, y);
    return count;
}

// ---- The whole ---------------------------------------------------------------------------------

static size_t topic_count(const rml_drive_report *r)
{
    size_t count = 0;
    for (size_t i = 0; i < r->channel_count; i++) {
        count += i == 0 || !rml_str_equal(r->channels[i].topic, r->channels[i - 1].topic);
    }
    return count;
}

static void draw_head(plot *p, double height)
{
    const rml_drive_report *r = p->report;
    char text[256], from[40] = "";
    if (r->has_span) {
        rml_clock_text(r->start_ns, from);
    }
    snprintf(text, sizeof text, "Drive %.*s%s%.*s", RML_FMT(r->drive_id),
             r->vehicle.len > 0 ? ", " : "", RML_FMT(r->vehicle));
    rml_svg_text(&p->svg, 10, height - 20, 15, "start", NULL, rml_str_of(text));
    snprintf(text, sizeof text, "%zu recording%s, %.1f s from %s", r->recording_count,
             r->recording_count == 1 ? "" : "s", p->span_s, from);
    rml_svg_text(&p->svg, 10, height - 38, 12, "start", grey, rml_str_of(text));
    rml_svg_text(&p->svg, WIDTH - 88, height - 44, 11, "end", grey, RML_STR("messages"));
    rml_svg_text(&p->svg, WIDTH - 42, height - 44, 11, "end", grey, RML_STR("Hz"));
    rml_svg_text(&p->svg, WIDTH - 6, height - 44, 11, "end", grey, RML_STR("gaps"));
}

rml_status rml_drive_report_plot(const rml_drive_report *report, rml_buffer *out, rml_error *err)
{
    size_t topics = topic_count(report);
    size_t rows = topics < ROWS_MAX ? topics : ROWS_MAX;
    double height = HEAD_HEIGHT + FOOT_HEIGHT + ROW_HEIGHT * (double)(rows + (rows < topics));
    plot p = {.report = report};
    p.span_s = fmax((double)(report->end_ns - report->start_ns) * 1e-9, 1e-9);
    rml_svg_begin(&p.svg, out, WIDTH, height, "Channels of a drive over time", err);
    draw_head(&p, height);
    if (report->has_span) {
        draw_axis(&p, FOOT_HEIGHT - 6, height - HEAD_HEIGHT);
    }
    double y = height - HEAD_HEIGHT - ROW_HEIGHT + (ROW_HEIGHT - BAR_HEIGHT) / 2;
    size_t at = 0;
    for (size_t row = 0; row < rows; row++, y -= ROW_HEIGHT) {
        at += draw_topic(&p, at, y);
    }
    if (rows < topics) {
        char text[64];
        snprintf(text, sizeof text, "and %zu more topics", topics - rows);
        rml_svg_text(&p.svg, LABEL_WIDTH - 10, y + 2, 11, "end", grey, rml_str_of(text));
    }
    return rml_svg_end(&p.svg);
}
