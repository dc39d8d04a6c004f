// drive: columns become driving. `ego`, `tracks`, `places`, `maps`; recipes from channels to ego;
// importers of scenario formats; one clock.
//
// Units as everywhere: metres, radians, seconds in names, int64 nanoseconds for times; yaw counter-
// clockwise from +x. Reference points: ego at the ground under the rear axle's middle, agents at
// the centre of their box. What is missing is NaN in memory and null in tables.
#ifndef ROADMILL_DRIVE_H
#define ROADMILL_DRIVE_H

#include "roadmill/base.h"
#include "roadmill/table.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rml_agent_class {
    RML_AGENT_UNKNOWN,
    RML_AGENT_CAR,
    RML_AGENT_TRUCK,
    RML_AGENT_BUS,
    RML_AGENT_MOTORCYCLE,
    RML_AGENT_BICYCLE,
    RML_AGENT_PEDESTRIAN,
    RML_AGENT_STATIC,
} rml_agent_class;
RML_API const char *rml_agent_class_name(rml_agent_class c); // "car"
RML_API bool rml_agent_class_parse(rml_str text, rml_agent_class *out);

typedef enum rml_track_mark {
    RML_TRACK_MEASURED,
    RML_TRACK_COASTED,
    RML_TRACK_INTERPOLATED,
    RML_TRACK_OCCLUDED,
} rml_track_mark;
RML_API const char *rml_track_mark_name(rml_track_mark mark); // "measured"

// recorded_*: as the source says; may read the future (see rml_track.causality) and is no input.
typedef struct rml_track_state {
    int64_t t_ns;
    double x_m, y_m, z_m;                        // z: NaN if the source is flat
    double recorded_yaw_rad, recorded_speed_mps; // NaN if the source has none
    rml_track_mark mark;
} rml_track_state;

typedef enum rml_causality {
    RML_CAUSALITY_UNKNOWN,
    RML_CAUSALITY_ONLINE,
    RML_CAUSALITY_OFFLINE
} rml_causality;
RML_API const char *rml_causality_name(rml_causality causality); // "offline"

typedef struct rml_track {
    rml_str track_id;
    rml_agent_class agent_class;
    rml_str source_class; // as the source calls it: "priorityVehicle"
    rml_causality causality;
    double length_m, width_m; // NaN if unknown
    bool is_ego;
    const rml_track_state *states; // rising t_ns
    size_t count;
} rml_track;

typedef struct rml_point2 {
    double x_m, y_m;
} rml_point2;
typedef struct rml_polyline {
    const rml_point2 *points;
    size_t count;
    const double *z_m; // [count]; NULL if the source is flat
} rml_polyline;

typedef enum rml_map_kind {
    RML_MAP_LANE,
    RML_MAP_CROSSWALK,
    RML_MAP_BOUNDARY,
    RML_MAP_AREA
} rml_map_kind;
RML_API const char *rml_map_kind_name(rml_map_kind kind); // "lane"

// A lane, or another element of a map. Neighbours are ids, empty where there is none. A crosswalk
// has its two edges as left and right; an area has its ring as left. Ids are unique within a kind.
typedef struct rml_map_element {
    rml_str id;
    rml_map_kind kind;
    rml_str type;             // as the source calls it: "urban", "VEHICLE", "crosswalk"
    rml_polyline left, right; // bounds, in driving direction
    rml_polyline centre;      // as given, or the middle of the bounds point by point
    rml_str left_id, right_id;
    bool left_same, right_same; // the neighbour drives the same way
    const rml_str *next, *previous;
    size_t next_count, previous_count;
    double speed_limit_mps; // NaN if unknown
} rml_map_element;

// Where a place's frame has its origin, as far as the source says. NaN and empty: not stated.
typedef struct rml_place_origin {
    double latitude_deg, longitude_deg, height_m;
    rml_str datum;     // "WGS84"
    rml_str reference; // the source's own text, such as a PROJ string
} rml_place_origin;

// A state of the source that is no row, and why.
typedef struct rml_traffic_reject {
    rml_str track_id;
    uint64_t offset; // line of the file, or row of the table
    rml_str reason;
} rml_traffic_reject;

// What a source holds besides tracks and map and is not kept: "planningProblem", 1.
typedef struct rml_traffic_ignored {
    rml_str name;
    uint64_t count;
} rml_traffic_ignored;

// One recorded piece of traffic with its map: what importers give and what scenes are cut from.
// Lives in an arena.
typedef struct rml_traffic {
    rml_str recording_id, drive_id, source; // source: "commonroad", "argoverse2", "synth"
    rml_str place_id;                       // "USA_US101"
    rml_str licence;
    rml_str uri;
    int64_t step_ns;         // of the recorded time grid
    const rml_track *tracks; // sorted by track_id
    size_t track_count;
    const rml_map_element *map; // sorted by id
    size_t map_count;
    rml_place_origin origin;
    // From an importer only, empty after a load: states_in = states of all tracks + reject_count.
    rml_str name;          // as the source calls it: "USA_US101-10_1_T-1"
    rml_str stated_source; // what the file says of where it comes from
    rml_str map_uri;       // the file of the map, if it is another one
    uint64_t states_in;
    const rml_traffic_reject *rejects;
    size_t reject_count;
    const rml_traffic_ignored *ignored;
    size_t ignored_count;
} rml_traffic;

// ---- Importers ---------------------------------------------------------------------------------

// A row per scenario format; recognise looks at the first bytes and the name.
typedef struct rml_importer {
    const char *format; // "commonroad", "argoverse2"
    bool (*recognise)(rml_str path, rml_bytes head);
    rml_status (*read)(rml_str path, rml_arena *arena, rml_traffic *out, rml_error *err);
} rml_importer;
RML_API const rml_importer *rml_importers(size_t *count);
// CommonRoad 2020a from memory (for fuzzing too). Sets all but recording_id, drive_id, licence.
RML_API rml_status rml_commonroad_read(rml_bytes document, rml_str file, rml_arena *arena,
                                       rml_traffic *out, rml_error *err) RML_CHECKED;

typedef struct rml_import_options {
    rml_str licence, purpose, region;
    // Called when all rows are written and none is visible yet; NULL: none. Whoever ingests side by
    // side waits in it for the turn of this one. A failure leaves nothing visible.
    rml_status (*before_commit)(void *context, rml_error *err);
    void *before_commit_context;
} rml_import_options;
typedef struct rml_import_result {
    char recording_id[65];
    char drive_id[65];
    bool already;
    uint64_t bytes, states_in, rows, rejects; // states_in = rows + rejects
    uint64_t map_rows, tracks;
} rml_import_result;
// One scenario file into `tracks`, `maps`, `places`, `drives`, `rejects`, `recordings`. A file that
// is refused (its name and the reason in err) leaves nothing. One that is in the lake by its bytes
// is `already` and counts nothing. options may be NULL.
RML_API rml_status rml_import_scenario(rml_lake *lake, rml_str path,
                                       const rml_import_options *options, rml_import_result *out,
                                       rml_error *err) RML_CHECKED;

// What the lake knows of one recording. RML_ERR_MISSING if it has no tracks.
RML_API rml_status rml_traffic_load(rml_lake *lake, rml_str recording_id, rml_arena *arena,
                                    rml_traffic *out, rml_error *err) RML_CHECKED;
// Several at once, in one query: traffics[count] in the order of ids. The way to load many.
RML_API rml_status rml_traffic_load_many(rml_lake *lake, const rml_str *recording_ids, size_t count,
                                         rml_arena *arena, rml_traffic *traffics, rml_error *err)
    RML_CHECKED;
// recording_ids of all recordings with tracks, sorted; rml_str items.
RML_API rml_status rml_traffic_list(rml_lake *lake, rml_arena *arena, rml_array *ids,
                                    rml_error *err) RML_CHECKED;

// Position now, velocity and yaw by backward differences alone (never the next step): yaw from the
// last step longer than 1 mm, held while standing; NaN velocity before the second state.
typedef struct rml_causal_state {
    double x_m, y_m, vx_mps, vy_mps, speed_mps, yaw_rad;
} rml_causal_state;
RML_API void rml_track_causal(const rml_track *track, rml_causal_state *out); // [track->count]

// ---- Messages that list objects become `tracks` and `maps` --------------------------------------

// What was made of which topic; type and topic are empty if the recording has none of the kind.
typedef struct rml_tracks_result {
    rml_str type, topic;
    uint64_t states_in, rows, rejects; // states_in = rows + rejects, which are in `track_rejects`
    uint64_t tracks, map_rows;
} rml_tracks_result;
// The objects of one topic of a recording that is in the lake: ASAM OSI (GroundTruth, SensorView,
// with lanes and boundaries), Autoware's TrackedObjects, vision_msgs' Detection3DArray with ids.
// topic: empty is the one with most messages of the first of these types; one that is asked for and
// not there is RML_ERR_MISSING. Replaces what was made before. docs/recipes.md tells what is read
// where. Text in the arena.
RML_API rml_status rml_tracks_make(rml_lake *lake, rml_str recording_id, rml_str topic,
                                   rml_arena *arena, rml_tracks_result *out, rml_error *err)
    RML_CHECKED;

// ---- One clock ---------------------------------------------------------------------------------

typedef enum rml_clock_policy {
    RML_CLOCK_LATEST,
    RML_CLOCK_NEAREST,
    RML_CLOCK_LINEAR
} rml_clock_policy;
// The value of a channel at t: index of the sample (LATEST, NEAREST), or of the left one with its
// weight (LINEAR). No extrapolation: false outside tolerance. times[count] rise. difference_ns is
// sample time minus t (LINEAR: of the nearer one).
typedef struct rml_clock_pick {
    size_t index;
    double weight; // of index + 1; 0 unless LINEAR
    int64_t difference_ns;
} rml_clock_pick;
RML_API bool rml_clock_at(const int64_t *times_ns, size_t count, int64_t t_ns,
                          rml_clock_policy policy, int64_t tolerance_ns, rml_clock_pick *out);

// ---- Recipes: channels of a drive become `ego` -------------------------------------------------

typedef struct rml_recipe rml_recipe;
// YAML; errors with line and column. See docs/recipes.md for the fields.
RML_API rml_status rml_recipe_parse(rml_str text, rml_str file, rml_recipe **out, rml_error *err)
    RML_CHECKED;
RML_API void rml_recipe_free(rml_recipe *r);
RML_API rml_str rml_recipe_name(const rml_recipe *r); // as it says itself; lives with it
// The built-in ones in the order in which they are tried; NULL behind the last.
RML_API const char *rml_recipe_builtin_name(size_t index);
// A built-in one by name: YAML text, empty if there is none.
RML_API rml_str rml_recipe_builtin(rml_str name);
// The first built-in recipe whose channels the recording has; its name, empty if none fits.
RML_API rml_status rml_recipe_pick(rml_lake *lake, rml_str recording_id, rml_str *name,
                                   rml_error *err) RML_CHECKED;
typedef struct rml_ego_result {
    uint64_t rows, rejects, inputs; // inputs = rows + rejects: instants of the driving channel
    rml_hash recipe;
} rml_ego_result;
// Makes the `ego` rows of a recording (replacing those of another recipe).
RML_API rml_status rml_ego_make(rml_lake *lake, rml_str recording_id, const rml_recipe *recipe,
                                rml_ego_result *out, rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
