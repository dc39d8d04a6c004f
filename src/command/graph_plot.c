// A plan as a picture. The filled part of a bar is what the roofline asks for, the rest is what the
// op takes beyond it.
#include "graph_plot.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "roadmill/draw.h"

enum { WIDTH = 960, ROW = 17, HEAD = 70, FOOT = 14, LABELS = 250, NUMBERS = 300, TEXT = 11 };
static const char NEEDED[] = "#0072B2", BEYOND[] = "#E69F00";

double rml_roofline_share(const rml_plan_row *row, const rml_roofline *roof)
{
    double by_flop = (double)row->flop / roof->flop_per_s;
    double by_bytes = (double)row->bytes / roof->bytes_per_s;
    double least = by_flop > by_bytes ? by_flop : by_bytes;
    return row->seconds > 0 ? least / row->seconds : 0;
}

void rml_size_text(const rml_shape *shape, char text[80])
{
    size_t len = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < shape->rank && len < 64; i++) {
        len += (size_t)snprintf(text + len, 80 - len, "%s%" PRIu32, i ? "x" : "", shape->size[i]);
    }
}

static void bar(rml_svg *s, double from, double length, double y, const char *colour)
{
    const rml_style style = {.stroke = "none", .fill = colour};
    if (length > 0) {
        rml_svg_box(s, from + length / 2, y, 0, length, ROW - 5, &style);
    }
}

static void put_row(rml_svg *s, const rml_plan_row *r, const rml_roofline *roof, double most_s,
                    double y)
{
    char text[200], shape[80];
    double room = WIDTH - LABELS - NUMBERS, length = most_s > 0 ? r->seconds / most_s * room : 0;
    double share = fmin(1, rml_roofline_share(r, roof));
    double base = y - TEXT * 0.35;
    rml_size_text(&r->shape, shape);
    int len = snprintf(text, sizeof text, "%s %s", r->op, shape);
    rml_svg_text(s, LABELS - 8, base, TEXT, "end", NULL, (rml_str){text, (size_t)len});
    bar(s, LABELS, length * share, y, NEEDED);
    bar(s, LABELS + length * share, length * (1 - share), y, BEYOND);
    len = snprintf(text, sizeof text, "%.1f us, %.0f %%, %.2f MFLOP, %.0f kB, %zu tile%s",
                   1e6 * r->seconds, 100 * share, (double)r->flop / 1e6, (double)r->bytes / 1e3,
                   r->tiles, r->tiles == 1 ? "" : "s");
    rml_svg_text(s, LABELS + length + 8, base, TEXT, "start", NULL, (rml_str){text, (size_t)len});
}

static void put_head(rml_svg *s, const char *title, const rml_roofline *roof, double height)
{
    char text[200];
    rml_svg_text(s, 12, height - 20, 14, "start", NULL, rml_str_of(title));
    int len =
        snprintf(text, sizeof text, "one thread, kernels %s, peak %.1f GFLOP/s, copies %.1f GB/s",
                 roof->kernels, roof->flop_per_s / 1e9, roof->bytes_per_s / 1e9);
    rml_svg_text(s, 12, height - 36, TEXT, "start", NULL, (rml_str){text, (size_t)len});
    bar(s, LABELS, 12, height - HEAD + 14, NEEDED);
    rml_svg_text(s, LABELS + 18, height - HEAD + 10, TEXT, "start", NULL,
                 RML_STR("what arithmetic or bytes alone would take"));
    bar(s, LABELS + 300, 12, height - HEAD + 14, BEYOND);
    rml_svg_text(s, LABELS + 318, height - HEAD + 10, TEXT, "start", NULL, RML_STR("beyond that"));
}

rml_status rml_graph_plot(const char *title, const rml_plan_row *rows, size_t count,
                          const rml_roofline *roof, rml_buffer *out, rml_error *err)
{
    rml_svg s;
    double height = (double)(HEAD + FOOT + ROW * count), most_s = 0;
    for (size_t i = 0; i < count; i++) {
        most_s = fmax(most_s, rows[i].seconds);
    }
    rml_svg_begin(&s, out, WIDTH, height, title, err);
    rml_svg_world(&s, 0, 0, WIDTH, height); // a unit is a pixel, y up
    put_head(&s, title, roof, height);
    for (size_t i = 0; i < count; i++) {
        double y = height - HEAD - ((double)i + 0.5) * ROW;
        put_row(&s, &rows[i], roof, most_s, y);
    }
    return rml_svg_end(&s);
}
