// The map as pieces: each lane's centre line cut into equal stretches of at most 30 m, each
// resampled to ten points.
#include <math.h>
#include <string.h>

#include "cutter.h"

#define PIECES_PER_LANE_MOST 1024

static double between(rml_point2 a, rml_point2 b)
{
    double dx = b.x_m - a.x_m, dy = b.y_m - a.y_m;
    return sqrt(dx * dx + dy * dy);
}

static double length_of(rml_polyline line)
{
    double sum = 0;
    for (size_t i = 1; i < line.count; i++) {
        sum += between(line.points[i - 1], line.points[i]);
    }
    return sum;
}

// The point at a distance along a line; *segment and *before (length up to that segment) move on
// from call to call, so that asking for rising distances walks the line once.
static rml_point2 point_at(rml_polyline line, double along_m, size_t *segment, double *before)
{
    for (;;) {
        rml_point2 a = line.points[*segment], b = line.points[*segment + 1];
        double step = between(a, b);
        bool last = *segment + 2 >= line.count;
        if (along_m <= *before + step || last) {
            double share = step > 0 ? (along_m - *before) / step : 0;
            share = share < 0 ? 0 : share > 1 ? 1 : share;
            return (rml_point2){a.x_m + share * (b.x_m - a.x_m), a.y_m + share * (b.y_m - a.y_m)};
        }
        *before += step;
        (*segment)++;
    }
}

static void bound(rml_piece *p)
{
    double x_min = INFINITY, x_max = -INFINITY, y_min = INFINITY, y_max = -INFINITY;
    for (size_t i = 0; i < RML_PIECE_POINTS; i++) {
        x_min = fmin(x_min, p->points[i].x_m);
        x_max = fmax(x_max, p->points[i].x_m);
        y_min = fmin(y_min, p->points[i].y_m);
        y_max = fmax(y_max, p->points[i].y_m);
    }
    p->middle = (rml_point2){(x_min + x_max) / 2, (y_min + y_max) / 2};
    p->reach_m = between((rml_point2){x_min, y_min}, (rml_point2){x_max, y_max}) / 2;
}

// Mean distance of the bounds at their ends.
static double width_of(const rml_map_element *e)
{
    if (e->left.count == 0 || e->right.count == 0) {
        return 0;
    }
    return (between(e->left.points[0], e->right.points[0]) +
            between(e->left.points[e->left.count - 1], e->right.points[e->right.count - 1])) /
           2;
}

static size_t pieces_of(const rml_map_element *e, double *length)
{
    if ((e->kind != RML_MAP_LANE && e->kind != RML_MAP_CROSSWALK) || e->centre.count < 2) {
        return 0;
    }
    *length = length_of(e->centre);
    if (!(*length > 0.01 && *length < 1e6)) {
        return 0;
    }
    double count = ceil(*length / RML_PIECE_LENGTH_M);
    return count > PIECES_PER_LANE_MOST ? PIECES_PER_LANE_MOST : (size_t)count;
}

static void cut_lane(const rml_map_element *e, double length, size_t count, rml_piece *out)
{
    size_t segment = 0;
    double before = 0, width = width_of(e);
    for (size_t k = 0; k < count; k++) {
        rml_piece *p = &out[k];
        p->element = e;
        p->length_m = length / (double)count;
        p->width_m = width;
        p->lane_left_m = p->length_m * (double)(count - 1 - k);
        for (size_t i = 0; i < RML_PIECE_POINTS; i++) {
            double share = (double)i / (RML_PIECE_POINTS - 1);
            // A walk goes forward only; the first point of a piece is the last one of that before.
            p->points[i] = k > 0 && i == 0 ? out[k - 1].points[RML_PIECE_POINTS - 1]
                                           : point_at(e->centre, p->length_m * ((double)k + share),
                                                      &segment, &before);
        }
        bound(p);
    }
}

rml_status rml_pieces_make(rml_cutter *c, rml_error *err)
{
    double length = 0;
    size_t count = 0;
    for (size_t i = 0; i < c->traffic->map_count; i++) {
        count += pieces_of(&c->traffic->map[i], &length);
    }
    if (count == 0) {
        return RML_OK;
    }
    c->pieces = RML_NEW_ARRAY(&c->arena, rml_piece, count);
    if (c->pieces == NULL) {
        return rml_fail_memory(err, count * sizeof(rml_piece));
    }
    for (size_t i = 0; i < c->traffic->map_count; i++) {
        size_t more = pieces_of(&c->traffic->map[i], &length);
        cut_lane(&c->traffic->map[i], length, more, c->pieces + c->piece_count);
        c->piece_count += more;
    }
    return RML_OK;
}

void rml_piece_beside(const rml_piece *piece, rml_point2 at, rml_beside *out)
{
    double best = INFINITY;
    size_t segment = 0;
    double share = 0;
    for (size_t i = 0; i + 1 < RML_PIECE_POINTS; i++) {
        rml_point2 a = piece->points[i], b = piece->points[i + 1];
        double dx = b.x_m - a.x_m, dy = b.y_m - a.y_m, square = dx * dx + dy * dy;
        double t = square > 0 ? ((at.x_m - a.x_m) * dx + (at.y_m - a.y_m) * dy) / square : 0;
        double inside = t < 0 ? 0 : t > 1 ? 1 : t;
        double ex = a.x_m + inside * dx - at.x_m, ey = a.y_m + inside * dy - at.y_m;
        double distance = ex * ex + ey * ey;
        if (distance < best) {
            best = distance;
            segment = i;
            share = t;
        }
    }
    rml_point2 a = piece->points[segment], b = piece->points[segment + 1];
    double dx = b.x_m - a.x_m, dy = b.y_m - a.y_m, step = sqrt(dx * dx + dy * dy);
    double inside = share < 0 ? 0 : share > 1 ? 1 : share;
    out->direction = step > 0 ? (rml_point2){dx / step, dy / step} : (rml_point2){1, 0};
    out->nearest = (rml_point2){a.x_m + inside * dx, a.y_m + inside * dy};
    out->distance_m = sqrt(best);
    out->lateral_m = out->direction.x_m * (at.y_m - out->nearest.y_m) -
                     out->direction.y_m * (at.x_m - out->nearest.x_m);
    out->along_m = piece->length_m * ((double)segment + inside) / (RML_PIECE_POINTS - 1);
    out->inside = !(segment == 0 && share < 0) && !(segment == RML_PIECE_POINTS - 2 && share > 1);
}
