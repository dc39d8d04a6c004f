// draw: SVG pictures and HTML pages as text. No scripts, no fonts or files from elsewhere: a page
// opens from a disk without a network. Colours work on white, on dark and for the colour-blind
// (Okabe-Ito). Black means the text colour of the page around a picture; on its own it is black.
//
// Everything is appended to a buffer; the first failure sticks and is given by end. One thread per
// picture. Numbers have at most two decimals, whatever the locale: the same input, the same bytes.
#ifndef ROADMILL_DRAW_H
#define ROADMILL_DRAW_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

// A point of a picture, in its own units; y goes down.
typedef struct rml_point {
    double x, y;
} rml_point;

// How a shape looks. All-zero: a thin black line, no filling.
typedef struct rml_style {
    const char *stroke; // CSS colour; NULL is black, "none" is none
    const char *fill;   // NULL is none
    double width;       // of the line, in picture units; 0 is 1
    double opacity;     // 0 is 1
    const char *dash;   // "4 2", NULL is solid
} rml_style;

typedef struct rml_svg {
    rml_buffer *out;
    rml_error *err;
    rml_status status;
    double width, height; // of the picture
    // World to picture: x' = (x - left) * scale, y' = height - (y - bottom) * scale
    double left, bottom, scale;
} rml_svg;

// A picture of width x height CSS pixels. Screen readers read the title.
RML_API void rml_svg_begin(rml_svg *s, rml_buffer *out, double width, double height,
                           const char *title, rml_error *err);
// Until inset_end: a picture inside the picture, below `top` pixels and as high as what is left;
// what is drawn reaches not beyond it.
RML_API void rml_svg_inset(rml_svg *s, double top);
RML_API void rml_svg_inset_end(rml_svg *s, double top);
// From here on coordinates are metres: the box fits inside with equal scales, y up.
RML_API void rml_svg_world(rml_svg *s, double x_min, double y_min, double x_max, double y_max);
RML_API void rml_svg_polyline(rml_svg *s, const rml_point *points, size_t count, bool closed,
                              const rml_style *style);
// A box of length x width metres around a pose.
RML_API void rml_svg_box(rml_svg *s, double x, double y, double yaw_rad, double length,
                         double width, const rml_style *style);
RML_API void rml_svg_circle(rml_svg *s, double x, double y, double radius_px,
                            const rml_style *style);
RML_API void rml_svg_text(rml_svg *s, double x, double y, double size_px, const char *anchor,
                          const char *colour, rml_str text); // anchor: start, middle, end
RML_API rml_status rml_svg_end(rml_svg *s) RML_CHECKED;

// A chart of lines over x: axes with round ticks, a legend, gaps at NaN.
typedef struct rml_series {
    const char *label;
    const double *x, *y;
    const double *low, *high; // a band around y; may be NULL
    size_t count;
    const char *colour; // NULL: the next of the palette
} rml_series;
typedef struct rml_chart {
    const char *title, *x_label, *y_label;
    double width, height; // 0: 640 x 320
    bool bars;            // a row per item: a bar from zero, its band as whisker; x is not read
} rml_chart;
RML_API rml_status rml_chart_draw(const rml_chart *chart, const rml_series *series, size_t count,
                                  rml_buffer *out, rml_error *err) RML_CHECKED;
RML_API const char *rml_palette(size_t index);

// A page. Text is escaped; *_raw takes HTML or SVG as it is.
typedef struct rml_html {
    rml_buffer *out;
    rml_error *err;
    rml_status status;
} rml_html;
RML_API void rml_html_begin(rml_html *h, rml_buffer *out, const char *title, rml_error *err);
RML_API void rml_html_heading(rml_html *h, int level, rml_str text);
RML_API void rml_html_paragraph(rml_html *h, rml_str text);
RML_API void rml_html_code(rml_html *h, rml_str text); // a block to copy
RML_API void rml_html_raw(rml_html *h, rml_str html);
RML_API void rml_html_escape(rml_html *h, rml_str text); // text inside something raw
RML_API void rml_html_table_begin(rml_html *h, const char *const *heads, size_t count);
// Cells that start with a digit, sign or dot are set right. class_name may be NULL, "pass", "fail",
// "undecided", "best".
RML_API void rml_html_row(rml_html *h, const rml_str *cells, size_t count, const char *class_name);
RML_API void rml_html_table_end(rml_html *h);
RML_API rml_status rml_html_end(rml_html *h) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
