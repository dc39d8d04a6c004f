// Two boxes on the ground: how far apart, and when they touch at constant velocity.
//
// Source: the separating axis theorem for convex shapes, for moving ones as in Ericson, "Real-Time
// Collision Detection" (2005), 5.5.8: along each axis the overlap is an interval of time; they
// touch from the latest beginning to the earliest end.
#include <math.h>

#include "roadmill/world/view.h"

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

// Squared distance of a point to a box; 0 inside.
static double point_to_box(rml_point2 p, const rml_box *b)
{
    double dx = p.x_m - b->centre.x_m, dy = p.y_m - b->centre.y_m;
    double along = fabs(dx * b->heading.x_m + dy * b->heading.y_m) - b->half_length;
    double across = fabs(dy * b->heading.x_m - dx * b->heading.y_m) - b->half_width;
    along = along > 0 ? along : 0;
    across = across > 0 ? across : 0;
    return along * along + across * across;
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
    // Of two convex shapes that are apart, a corner of one is nearest to the other.
    double least = INFINITY;
    for (int i = 0; i < 4; i++) {
        double there = point_to_box(of_a[i], b), back = point_to_box(of_b[i], a);
        least = there < least ? there : least;
        least = back < least ? back : least;
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
