// SVG 1.1 pictures. Black is written as currentColor: the text colour of the page around it, so a
// picture reads on a dark page too; on its own it is black.
#include "roadmill/draw.h"

#include <math.h>
#include <string.h>

#include "roadmill/math.h"

#include "number.h"

static void put(rml_svg *s, const char *text)
{
    if (s->status == RML_OK) {
        s->status = rml_buffer_str(s->out, rml_str_of(text), s->err);
    }
}

static void put_escaped(rml_svg *s, rml_str text)
{
    if (s->status == RML_OK) {
        s->status = rml_escape(s->out, text, s->err);
    }
}

static void put_number(rml_svg *s, double value)
{
    char text[RML_FIXED_TEXT];
    rml_coordinate(value, text);
    put(s, text);
}

// name="value"
static void put_attribute(rml_svg *s, const char *name, const char *value)
{
    put(s, " ");
    put(s, name);
    put(s, "=\"");
    put_escaped(s, rml_str_of(value));
    put(s, "\"");
}

static void put_attribute_number(rml_svg *s, const char *name, double value)
{
    put(s, " ");
    put(s, name);
    put(s, "=\"");
    put_number(s, value);
    put(s, "\"");
}

static const char *colour_of(const char *colour)
{
    bool black = colour == NULL || strcmp(colour, "black") == 0 || strcmp(colour, "#000") == 0 ||
                 strcmp(colour, "#000000") == 0;
    return black ? "currentColor" : colour;
}

static void put_style(rml_svg *s, const rml_style *style)
{
    static const rml_style plain = {0};
    const rml_style *look = style ? style : &plain;
    put_attribute(s, "fill", look->fill ? colour_of(look->fill) : "none");
    put_attribute(s, "stroke", colour_of(look->stroke));
    if (look->width > 0) {
        put_attribute_number(s, "stroke-width", look->width);
    }
    if (look->opacity > 0) {
        put_attribute_number(s, "opacity", look->opacity);
    }
    if (look->dash != NULL) {
        put_attribute(s, "stroke-dasharray", look->dash);
    }
}

static rml_point picture(const rml_svg *s, double x, double y)
{
    return (rml_point){(x - s->left) * s->scale, s->height - (y - s->bottom) * s->scale};
}

void rml_svg_begin(rml_svg *s, rml_buffer *out, double width, double height, const char *title,
                   rml_error *err)
{
    *s = (rml_svg){.out = out, .err = err, .width = width, .height = height, .scale = 1};
    put(s, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ");
    put_number(s, width);
    put(s, " ");
    put_number(s, height);
    put(s, "\"");
    put_attribute_number(s, "width", width);
    put_attribute_number(s, "height", height);
    put(s, " role=\"img\" style=\"max-width:100%;height:auto\" stroke-linejoin=\"round\" "
           "stroke-linecap=\"round\" "
           "font-family=\"system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,"
           "sans-serif\"><title>");
    put_escaped(s, rml_str_of(title));
    put(s, "</title>\n");
}

void rml_svg_inset(rml_svg *s, double top)
{
    s->height -= top;
    put(s, "<svg");
    put_attribute_number(s, "y", top);
    put_attribute_number(s, "width", s->width);
    put_attribute_number(s, "height", s->height);
    put(s, ">\n");
}

void rml_svg_inset_end(rml_svg *s, double top)
{
    put(s, "</svg>\n");
    s->height += top;
    s->left = s->bottom = 0;
    s->scale = 1;
}

void rml_svg_world(rml_svg *s, double x_min, double y_min, double x_max, double y_max)
{
    double wide = fmax(x_max - x_min, 1e-9), high = fmax(y_max - y_min, 1e-9);
    s->scale = fmin(s->width / wide, s->height / high);
    s->left = x_min - (s->width / s->scale - wide) / 2;
    s->bottom = y_min - (s->height / s->scale - high) / 2;
}

// A point that is not finite ends a stretch of the line; the next one begins another.
void rml_svg_polyline(rml_svg *s, const rml_point *points, size_t count, bool closed,
                      const rml_style *style)
{
    put(s, "<path d=\"");
    bool open = false, any = false;
    for (size_t i = 0; i < count; i++) {
        rml_point p = picture(s, points[i].x, points[i].y);
        if (!isfinite(p.x) || !isfinite(p.y)) {
            open = false;
            continue;
        }
        put(s, open ? "L" : "M");
        put_number(s, p.x);
        put(s, " ");
        put_number(s, p.y);
        open = any = true;
    }
    put(s, closed && any ? "Z\"" : "\"");
    put_style(s, style);
    put(s, "/>\n");
}

void rml_svg_box(rml_svg *s, double x, double y, double yaw_rad, double length, double width,
                 const rml_style *style)
{
    static const double corners[4][2] = {{1, 1}, {1, -1}, {-1, -1}, {-1, 1}};
    double c = rml_f64_cos(yaw_rad), n = rml_f64_sin(yaw_rad);
    rml_point points[4];
    for (int i = 0; i < 4; i++) {
        double along = corners[i][0] * length / 2, across = corners[i][1] * width / 2;
        points[i] = (rml_point){x + c * along - n * across, y + n * along + c * across};
    }
    rml_svg_polyline(s, points, 4, true, style);
}

void rml_svg_circle(rml_svg *s, double x, double y, double radius_px, const rml_style *style)
{
    rml_point p = picture(s, x, y);
    if (!isfinite(p.x) || !isfinite(p.y)) {
        return;
    }
    put(s, "<circle");
    put_attribute_number(s, "cx", p.x);
    put_attribute_number(s, "cy", p.y);
    put_attribute_number(s, "r", radius_px);
    put_style(s, style);
    put(s, "/>\n");
}

void rml_svg_text(rml_svg *s, double x, double y, double size_px, const char *anchor,
                  const char *colour, rml_str text)
{
    rml_point p = picture(s, x, y);
    if (!isfinite(p.x) || !isfinite(p.y)) {
        return;
    }
    put(s, "<text");
    put_attribute_number(s, "x", p.x);
    put_attribute_number(s, "y", p.y);
    put_attribute_number(s, "font-size", size_px);
    put_attribute(s, "text-anchor", anchor);
    put_attribute(s, "fill", colour_of(colour));
    put(s, ">");
    put_escaped(s, text);
    put(s, "</text>\n");
}

rml_status rml_svg_end(rml_svg *s)
{
    put(s, "</svg>\n");
    return s->status;
}

// Okabe and Ito, "Color Universal Design" (2008), without black and in an order that puts the ones
// with most contrast on white and on dark first.
const char *rml_palette(size_t index)
{
    static const char *const colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                          "#E69F00", "#56B4E9", "#8C8C8C"};
    return colours[index % (sizeof colours / sizeof *colours)];
}
