// Two boxes on the ground: how far apart, and when they touch at constant velocity.
//
// Source: the separating axis theorem for convex shapes, for moving ones as in Ericson, "Real-Time
// Collision Detection" (2005), 5.5.8: along each axis the overlap is an interval of time; they
// touch from the latest beginning to the earliest end.
#include <math.h>

#include "world.h"

static void corners(const rml_box *b, rml_point2 out[4])
{
    static const double signs[4][2] = {{1, 1}, {1, -1}, {-1, -1}, {-1, 1}};
    for (int i = 0; i < 4; i++) {
        double along = signs[i][0] * b->half_length, across = signs[i][1] * b->half_width;
        out[i].x_m = b->centre.x_m + b->heading.x_m * along - b->heading.y_m * across;
        out[i].y_m = b->centre.y_m + b->heading.y_m * along + b->heading.x_m * across;
    }
}

// Half the extent of a box along a unit vector.
static double reach(const rml_box *b, rml_point2 axis)
{
    double along = b->heading.x_m * axis.x_m + b->heading.y_m * axis.y_m;
    double across = b->heading.x_m * axis.y_m - b->heading.y_m * axis.x_m;
    return b->half_length * fabs(along) + b->half_width * fabs(across);
}

static void axes_of(const rml_box *a, const rml_box *b, rml_point2 out[4])
{
    out[0] = a->heading;
    out[1] = (rml_point2){-a->heading.y_m, a->heading.x_m};
    out[2] = b->heading;
    out[3] = (rml_point2){-b->heading.y_m, b->heading.x_m};
}

static double point_to_segment(rml_point2 p, rml_point2 a, rml_point2 b)
{
    double dx = b.x_m - a.x_m, dy = b.y_m - a.y_m, square = dx * dx + dy * dy;
    double t = square > 0 ? ((p.x_m - a.x_m) * dx + (p.y_m - a.y_m) * dy) / square : 0;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    double ex = a.x_m + t * dx - p.x_m, ey = a.y_m + t * dy - p.y_m;
    return ex * ex + ey * ey;
}

double rml_box_gap(const rml_box *a, const rml_box *b)
{
    rml_point2 axes[4], of_a[4], of_b[4];
    double dx = b->centre.x_m - a->centre.x_m, dy = b->centre.y_m - a->centre.y_m;
    bool apart = false;
    axes_of(a, b, axes);
    for (int i = 0; i < 4 && !apart; i++) {
        apart = fabs(dx * axes[i].x_m + dy * axes[i].y_m) > reach(a, axes[i]) + reach(b, axes[i]);
    }
    if (!apart) {
        return 0;
    }
    corners(a, of_a);
    corners(b, of_b);
    double least = INFINITY;
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 4; k++) {
            least = fmin(least, point_to_segment(of_a[i], of_b[k], of_b[(k + 1) % 4]));
            least = fmin(least, point_to_segment(of_b[i], of_a[k], of_a[(k + 1) % 4]));
        }
    }
    return sqrt(least);
}

double rml_box_touch(const rml_box *a, const rml_box *b, double vx, double vy)
{
    rml_point2 axes[4];
    double dx = b->centre.x_m - a->centre.x_m, dy = b->centre.y_m - a->centre.y_m;
    double from = 0, to = INFINITY;
    axes_of(a, b, axes);
    for (int i = 0; i < 4; i++) {
        double apart = dx * axes[i].x_m + dy * axes[i].y_m;
        double speed = vx * axes[i].x_m + vy * axes[i].y_m;
        double room = reach(a, axes[i]) + reach(b, axes[i]);
        if (speed == 0) {
            to = fabs(apart) <= room ? to : -INFINITY;
        } else {
            double one = (-room - apart) / speed, other = (room - apart) / speed;
            from = fmax(from, fmin(one, other));
            to = fmin(to, fmax(one, other));
        }
    }
    return from <= to ? from : INFINITY;
}
