// scene: situations. Windows of agents and map around a focus agent, cut in one pass, and the
// tensors that a model sees.
//
// Causal by construction: everything but the target uses states up to now alone (what a state
// between two rows of `ego` knows of the row after, docs/scenes.md tells). The frame of a scene is
// the focus agent's at t0: origin at its position, +x along its last step longer than 1 mm
// (rml_track_causal). Coordinates are divided by nothing: metres. Float32, computed in double.
#ifndef ROADMILL_SCENE_H
#define ROADMILL_SCENE_H

#include "roadmill/base/tensor.h"
#include "roadmill/drive.h"
#include "roadmill/math.h"

#ifdef __cplusplus
extern "C" {
#endif

// All-zero means the values in brackets, those of the reference predictor.
typedef struct rml_scene_spec {
    uint32_t history;             // [20] samples up to and with now
    uint32_t future;              // [30]
    uint32_t stride;              // [10] samples between windows of one track
    uint32_t agents;              // [32] tokens, the focus first, then by distance
    uint32_t map;                 // [32] tokens, lane pieces by distance
    uint32_t predict;             // [1] agents with targets
    double radius_m;              // [80]
    bool leak_central_difference; // for tests: plants velocities that read the next step
} rml_scene_spec;
RML_API void rml_scene_spec_defaults(rml_scene_spec *spec); // fills zeros
#define RML_SCENE_FEATURES 64

// Index of a window: which track of a traffic, and its sample that is now.
typedef struct rml_window {
    uint32_t track;
    uint32_t now; // index into the track's states
} rml_window;
// All windows: starts at a track's samples 0, stride, ... while start + history + future <= count,
// every agent that is not static, standing ones too, with no gap in time inside (steps within a
// tenth of step_ns). rml_window items.
RML_API rml_status rml_scene_windows(const rml_traffic *traffic, const rml_scene_spec *spec,
                                     rml_array *windows, rml_error *err) RML_CHECKED;

// A cutter holds what a traffic needs once (causal states, lane pieces). Borrows traffic.
typedef struct rml_cutter rml_cutter;
RML_API rml_status rml_cutter_make(const rml_traffic *traffic, const rml_scene_spec *spec,
                                   rml_cutter **out, rml_error *err) RML_CHECKED;
RML_API void rml_cutter_free(rml_cutter *c);
// Where the agents to predict go: [predict, future, 2] in metres, in the scene's frame, and
// [predict, future] 1 or 0; zero where nothing is.
RML_API void rml_cutter_future(const rml_cutter *c, rml_window window, float *xy, float *valid);

// ---- Tensors -----------------------------------------------------------------------------------

#define RML_SCENE_ALIKE_M 0.01f // paths of scenes that are alike are nowhere farther apart

// A row of the table of cutters: how a scene becomes tensors. Specs are filled in; tensors of a
// scene stand in the order of layout, whose names others use.
typedef struct rml_scene_cutter {
    const char *name, *about;
    // Gives how many, at most RML_TENSORS_MAX.
    size_t (*layout)(const rml_scene_spec *spec, rml_tensor_info *info);
    // Writes every value of every tensor (zero where nothing is). Pure, allocates nothing; several
    // threads may cut at once.
    void (*cut)(const rml_cutter *c, rml_window window, const rml_tensor_slot *out);
    // The same scene with left and right changed, in place: as if the traffic and the map had been
    // mirrored at the x axis of its frame. NULL: this cutter's scenes cannot be mirrored.
    void (*mirror)(const rml_scene_spec *spec, const rml_tensor_slot *scene);
    // For the leak check: whether two scenes are near-duplicates, and a length in metres that such
    // ones share within RML_SCENE_ALIKE_M.
    float (*where)(const rml_scene_spec *spec, const rml_tensor_view *scene);
    bool (*alike)(const rml_scene_spec *spec, const rml_tensor_view *a, const rml_tensor_view *b);
} rml_scene_cutter;
// All; the first is the one of versions that name none.
RML_API size_t rml_scene_cutters(const rml_scene_cutter *const **out);
RML_API const rml_scene_cutter *rml_scene_cutter_find(rml_str name); // NULL: none of that name
// What it gives with that spec (zeros are filled in); the count.
RML_API size_t rml_scene_layout(const rml_scene_cutter *cutter, const rml_scene_spec *spec,
                                rml_tensor_info info[RML_TENSORS_MAX]);

// ---- Rows --------------------------------------------------------------------------------------

// What identifies and describes a scene; a row of `scenes`.
typedef struct rml_scene_row {
    char scene_id[65]; // SHA-256 over recording_id, track_id, t0_ns and the spec
    rml_str recording_id, drive_id, place_id, track_id;
    int64_t t0_ns;
    rml_pose2 map_from_scene;
    rml_agent_class agent_class;
    float speed_mps;     // now, causal
    float travelled_m;   // path length of the future, for slices; no input
    float turn_rad;      // change of direction over the future, for slices; no input
    uint32_t neighbours; // agents within radius
    int64_t step_ns;     // of the time grid
    uint32_t history, future;
} rml_scene_row;
RML_API rml_status rml_cutter_row(const rml_cutter *c, rml_window window, rml_scene_row *out,
                                  rml_error *err) RML_CHECKED;
// The window that a row names in its traffic; RML_ERR_MISSING if the traffic has no such state.
RML_API rml_status rml_scene_window(const rml_traffic *traffic, const rml_scene_row *row,
                                    rml_window *out, rml_error *err) RML_CHECKED;
RML_API rml_schema rml_scene_table(void); // `scenes`; a row is an rml_scene_row

// ---- Over a lake -------------------------------------------------------------------------------

// Cuts the windows of all recordings into rows of `scenes`, in the place of the earlier ones of the
// same spec. One transaction.
typedef struct rml_scenes_result {
    uint64_t recordings, tracks, scenes;
} rml_scenes_result;
RML_API rml_status rml_scenes_build(rml_lake *lake, const rml_scene_spec *spec,
                                    const rml_progress *progress, rml_scenes_result *out,
                                    rml_error *err) RML_CHECKED;
// The row whose scene_id starts with `prefix` (one only, else RML_ERR_CONFLICT; none is
// RML_ERR_MISSING), its traffic and window. All live in the arena.
typedef struct rml_scene_found {
    rml_scene_row row;
    rml_traffic traffic;
    rml_window window;
} rml_scene_found;
RML_API rml_status rml_scene_find(rml_lake *lake, rml_str prefix, rml_arena *arena,
                                  rml_scene_found *out, rml_error *err) RML_CHECKED;

// A picture from above: map, agents at now with their past, the focus' truth and any number of
// predicted futures.
typedef struct rml_scene_future {
    const char *label, *colour;
    const float *xy;          // [modes, future, 2] in the scene's frame; a NaN is a gap
    const float *probability; // [modes] or NULL
    uint32_t modes;
} rml_scene_future;
RML_API rml_status rml_scene_plot(const rml_cutter *c, rml_window window,
                                  const rml_scene_future *futures, size_t count, double width_px,
                                  const char *title, rml_buffer *svg, rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
