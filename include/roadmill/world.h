// world: agents, boxes, lanes, maps and time, wherever they come from; no lake.
//
// world/builder.h collects a traffic piece by piece; world/ego.h makes a vehicle's own rows a track
// of it; world/view.h is a traffic as measures see it.
//
// Units as everywhere: metres, radians, seconds in names, int64 nanoseconds for times; yaw counter-
// clockwise from +x. Reference points: ego at the ground under the rear axle's middle, agents at
// the centre of their box. What is missing is NaN in memory and null in tables.
#ifndef ROADMILL_WORLD_H
#define ROADMILL_WORLD_H

#include "roadmill/base/row.h"

#ifdef __cplusplus
extern "C" {
#endif

// What an agent is, and its name in tables.
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
// parse: false for a text that is none of the names.
RML_API extern const rml_names rml_agent_classes;
RML_API const char *rml_agent_class_name(rml_agent_class c); // "car"
RML_API bool rml_agent_class_parse(rml_str text, rml_agent_class *out);

// How a state came about, and its name in tables.
typedef enum rml_track_mark {
    RML_TRACK_MEASURED,
    RML_TRACK_COASTED,
    RML_TRACK_INTERPOLATED,
    RML_TRACK_OCCLUDED,
} rml_track_mark;
// parse: false for a text that is none of the names.
RML_API extern const rml_names rml_track_marks;
RML_API const char *rml_track_mark_name(rml_track_mark mark); // "measured"
RML_API bool rml_track_mark_parse(rml_str text, rml_track_mark *out);

// recorded_*: as the source says; may read the future (see rml_track.causality) and is no input.
typedef struct rml_track_state {
    int64_t t_ns;
    double x_m, y_m, z_m;                        // z: NaN if the source is flat
    double recorded_yaw_rad, recorded_speed_mps; // NaN if the source has none
    rml_track_mark mark;
} rml_track_state;

// Whether a track was made without looking ahead, and its name in tables.
typedef enum rml_causality {
    RML_CAUSALITY_UNKNOWN,
    RML_CAUSALITY_ONLINE,
    RML_CAUSALITY_OFFLINE
} rml_causality;
// parse: false for a text that is none of the names.
RML_API extern const rml_names rml_causalities;
RML_API const char *rml_causality_name(rml_causality causality); // "offline"
RML_API bool rml_causality_parse(rml_str text, rml_causality *out);

typedef struct rml_track {
    rml_str track_id;
    rml_agent_class agent_class;
    rml_str source_class; // as the source calls it: "priorityVehicle"
    rml_causality causality;
    double length_m, width_m; // NaN if unknown
    bool is_ego;
    const rml_track_state *states; // rising t_ns
    size_t count;
    // Its positions are those of the ground under the rear axle's middle, and neither its size nor
    // the way from there to the centre of its box is known: what needs a centre or a box is
    // unknown.
    bool is_point;
    // Its positions are in another frame than those of the other tracks and the map: where it is
    // among them is unknown.
    bool is_apart;
} rml_track;

// In a map frame.
typedef struct rml_point2 {
    double x_m, y_m;
} rml_point2;
typedef struct rml_polyline {
    const rml_point2 *points;
    size_t count;
    const double *z_m; // [count]; NULL if the source is flat
} rml_polyline;

// What an element of a map is, and its name in tables.
typedef enum rml_map_kind {
    RML_MAP_LANE,
    RML_MAP_CROSSWALK,
    RML_MAP_BOUNDARY,
    RML_MAP_AREA
} rml_map_kind;
// parse: false for a text that is none of the names.
RML_API extern const rml_names rml_map_kinds;
RML_API const char *rml_map_kind_name(rml_map_kind kind); // "lane"
RML_API bool rml_map_kind_parse(rml_str text, rml_map_kind *out);

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
    bool ego_of_rows;        // its ego is made of rows of `ego`; false: of `tracks`, or none
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

// ---- Causal states ------------------------------------------------------------------------------

// Position now, velocity and yaw by backward differences alone (never the next step): yaw from the
// last step longer than 1 mm, held while standing; NaN velocity before the second state.
typedef struct rml_causal_state {
    double x_m, y_m, vx_mps, vy_mps, speed_mps, yaw_rad;
} rml_causal_state;
RML_API void rml_track_causal(const rml_track *track, rml_causal_state *out); // [track->count]

// ---- One clock ----------------------------------------------------------------------------------

// Which sample stands for an instant: the last before it, the nearest, or both sides by weight.
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
// The median distance of times (int64_t items, in any order; the array is used up); 0 for fewer
// than two different ones.
RML_API rml_status rml_clock_step(rml_array *times_ns, int64_t *out_ns, rml_error *err) RML_CHECKED;
// The stamps of all tracks, rising, each once; int64_t items.
RML_API rml_status rml_traffic_times(const rml_traffic *traffic, rml_array *times_ns,
                                     rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
