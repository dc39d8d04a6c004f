// A traffic as measures see it: causal states, headings, lanes. Made once per run.
#ifndef ROADMILL_WORLD_VIEW_H
#define ROADMILL_WORLD_VIEW_H

#include "roadmill/world.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RML_NO_LANE (-1)

typedef struct rml_lane {
    const rml_map_element *element;
    double x_min, y_min, x_max, y_max;
    int32_t left, right;             // of the same direction; RML_NO_LANE
    uint32_t next_first, next_count; // into nexts
} rml_lane;

// What a view is made of beside causal states. Centres: what a point (rml_track.is_point) lacks.
enum { RML_READS_LANES = 1, RML_READS_BOXES = 2, RML_READS_CENTRES = 4 };

// An agent's state: of a track, the index-th.
typedef struct rml_at {
    uint32_t track, index;
} rml_at;

typedef struct rml_world {
    const rml_traffic *traffic;
    int64_t step_ns;
    rml_arena arena;
    size_t *first; // [tracks] into states
    rml_causal_state *states;
    rml_point2 *headings; // unit vectors; NaN where the heading is not known
    int32_t *lanes;       // of each state; NULL if the query reads none
    rml_lane *all_lanes;
    size_t lane_count;
    int32_t *nexts;
} rml_world;

// The view of a traffic, which is borrowed; reads: RML_READS_* bits. RML_ERR_MEMORY.
RML_API rml_status rml_world_make(const rml_traffic *traffic, unsigned reads, rml_world *out,
                                  rml_error *err) RML_CHECKED;
RML_API void rml_world_reset(rml_world *w);

static inline const rml_causal_state *rml_state_at(const rml_world *w, rml_at a)
{
    return &w->states[w->first[a.track] + a.index];
}
static inline rml_point2 rml_heading_at(const rml_world *w, rml_at a)
{
    return w->headings[w->first[a.track] + a.index];
}
static inline int32_t rml_lane_at(const rml_world *w, rml_at a)
{
    return w->lanes[w->first[a.track] + a.index];
}
static inline const rml_track *rml_track_at(const rml_world *w, rml_at a)
{
    return &w->traffic->tracks[a.track];
}
// Equal, or one leads into the other.
RML_API bool rml_lanes_same(const rml_world *w, int32_t a, int32_t b);
// b lies beside a, or beside what a leads into; same direction.
RML_API bool rml_lanes_beside(const rml_world *w, int32_t a, int32_t b);

// A box on the ground: centre, heading, half sizes.
typedef struct rml_box {
    rml_point2 centre, heading;
    double half_length, half_width;
} rml_box;
// Least distance of two boxes; 0 when they overlap.
RML_API double rml_box_gap(const rml_box *a, const rml_box *b);
// First time at which they touch when b moves at this velocity seen from a; +inf: never.
RML_API double rml_box_touch(const rml_box *a, const rml_box *b, double vx, double vy);

#ifdef __cplusplus
}
#endif
#endif
