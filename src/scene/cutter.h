// Inside of a cutter: the causal states of all tracks in a row, and the map as short pieces.
#ifndef ROADMILL_SCENE_CUTTER_H
#define ROADMILL_SCENE_CUTTER_H

#include "roadmill/scene.h"

#define RML_PIECE_POINTS 10
#define RML_PIECE_LENGTH_M 30.0 // longest; a lane is cut into equal pieces

// A stretch of a lane's centre line, resampled to equal steps.
typedef struct rml_piece {
    rml_point2 points[RML_PIECE_POINTS];
    rml_point2 middle; // of the box around the points
    double reach_m;    // no point is farther from the middle
    double length_m, width_m;
    double lane_left_m; // from the end of this piece to the end of the lane
    const rml_map_element *element;
} rml_piece;

// Where a point lies beside a piece.
typedef struct rml_beside {
    double distance_m;
    rml_point2 nearest, direction; // direction: unit vector along the piece there
    double lateral_m;              // positive: the point is left of the piece
    double along_m;                // from the start of the piece
    bool inside;                   // between the ends, not beyond one
} rml_beside;

struct rml_cutter {
    const rml_traffic *traffic;
    rml_scene_spec spec;
    rml_arena arena;
    size_t *first;            // [tracks] into states
    rml_causal_state *states; // of all tracks
    rml_piece *pieces;
    size_t piece_count;
    rml_str spec_json; // canonical
};

#define RML_NONE SIZE_MAX

rml_status rml_pieces_make(rml_cutter *c, rml_error *err) RML_CHECKED;
void rml_piece_beside(const rml_piece *piece, rml_point2 at, rml_beside *out);

// Checks the ranges of a filled spec.
rml_status rml_scene_spec_check(const rml_scene_spec *spec, rml_error *err) RML_CHECKED;
int64_t rml_scene_step(const rml_traffic *traffic);

// The track's state at t: the last one at or before it and less than one step old. RML_NONE: the
// track is not there. Never looks past t.
size_t rml_cutter_at(const rml_cutter *c, size_t track, int64_t t_ns);
const rml_causal_state *rml_cutter_state(const rml_cutter *c, size_t track, size_t index);
// The scene's frame. Where the focus has never moved: along the nearest lane within 10 m, else 0.
rml_pose2 rml_cutter_frame(const rml_cutter *c, rml_window window);

// What a cut is made of. Nearest first; ties go to the lower index.
typedef struct rml_near {
    double distance_m;
    size_t item;  // track or piece
    size_t state; // of a track: its state now
} rml_near;
// Agents there now within the radius, the focus first; count <= most. all: of any number.
size_t rml_near_agents(const rml_cutter *c, rml_window window, rml_near *out, size_t most,
                       size_t *all);
size_t rml_near_pieces(const rml_cutter *c, rml_point2 at, rml_near *out, size_t most);

// One frame, its unit vectors once.
typedef struct rml_frame {
    rml_pose2 pose;
    double cos_yaw, sin_yaw;
} rml_frame;
rml_frame rml_frame_of(rml_pose2 pose);
rml_point2 rml_frame_turn(const rml_frame *f, double dx, double dy); // a vector into the frame
rml_point2 rml_frame_point(const rml_frame *f, double x, double y);

#define RML_AGENTS_MOST 256
#define RML_MAP_MOST 512

// One scene on its way into tensors: who and what is near. What is missing stays zero.
typedef struct rml_cut {
    const rml_cutter *c;
    rml_frame frame;
    int64_t times_ns[256]; // of the history
    rml_near agents[RML_AGENTS_MOST], pieces[RML_MAP_MOST];
    size_t agent_count, piece_count;
} rml_cut;
void rml_cut_begin(rml_cut *cut, const rml_cutter *c, rml_window window);
// T = agents + map, P = predict; every float is written.
void rml_cut_tokens(const rml_cut *cut, float *features, float *valid); // [T, 64] [T]
void rml_cut_past(const rml_cut *cut, float *history, float *position, float *velocity);
void rml_cut_future(const rml_cut *cut, float *target, float *valid); // [P, future, 2] [P, future]

// Token features, docs/scenes.md. out[RML_SCENE_FEATURES] is zero before.
void rml_agent_features(const rml_cut *cut, size_t index, float *out);
void rml_map_features(const rml_cut *cut, size_t index, float *out);

// ---- Shared by cutters -------------------------------------------------------------------------

// Left for right: token features; points.
void rml_mirror_tokens(const rml_scene_spec *spec, float *features);
void rml_mirror_points(float *xy, size_t count);
// Two scenes show the same tokens and past, with somebody beside the focus: an empty road at a
// steady speed looks the same twice by right.
bool rml_alike_past(const rml_scene_spec *spec, const float *features[2], const float *valid[2],
                    const float *history[2]);
bool rml_alike_points(const float *a, const float *b, size_t count);

// The rows of the table.
extern const rml_scene_cutter rml_cutter_agents_map, rml_cutter_stands;

#endif
