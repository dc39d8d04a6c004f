// drive: the tables of driving in the lake (`tracks`, `maps`, `places`) and the traffic in them.
//
// A traffic (world.h) is written by whoever made it, an importer or a recipe, and read back here.
#ifndef ROADMILL_DRIVE_H
#define ROADMILL_DRIVE_H

#include "roadmill/lake.h"
#include "roadmill/world.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- Writing ------------------------------------------------------------------------------------

// A row of `tracks`: an agent at an instant, with what is the same in all rows of its track and of
// its traffic.
typedef struct rml_track_row {
    rml_str recording_id, drive_id, place_id, source;
    int64_t step_ns;
    rml_track track; // its states are elsewhere
    rml_track_state state;
} rml_track_row;
// A row of `maps`: an element of a place's map.
typedef struct rml_map_row {
    rml_str recording_id, place_id, source;
    rml_map_element element;
    bool has_left, has_right, has_valid_from; // the neighbours are known; so is the time
    int64_t valid_from_ns;
} rml_map_row;
// A row of `places`: the frame that tracks and maps are in.
typedef struct rml_place_row {
    rml_str place_id, recording_id, source;
    rml_place_origin origin;
} rml_place_row;
RML_API rml_schema rml_tracks_schema(void);
RML_API rml_schema rml_maps_schema(void);
RML_API rml_schema rml_places_schema(void);

// How many rows were appended: of tracks, of maps.
typedef struct rml_traffic_rows {
    uint64_t states, elements;
} rml_traffic_rows;
// Appends all of a traffic to the three tables of a transaction.
RML_API rml_status rml_traffic_append(rml_lake_txn *txn, const rml_traffic *traffic,
                                      rml_traffic_rows *out, rml_error *err) RML_CHECKED;

// ---- Reading ------------------------------------------------------------------------------------

// A recording's rows of `ego` are a track of its traffic (is_ego, of class unknown, named "ego";
// a further one begins where the frame of the rows changes), beside the tracks of its objects if
// they stand in the same frame, else is_apart. Where an object of `tracks` is the ego vehicle the
// rows are left aside: that object has a box, and stands at the instants of the others. With a size
// and the way from axle to centre in its rows (a recipe's `vehicle`) the track is that of the
// centre, as for every agent, at the rows that have a yaw; without, it is_point.
//
// Two clocks. Stored: its states are the rows, at their times. Grid: windows of scenes need equal
// steps, so that its states stand at the times of the other tracks, or, where it is alone and the
// median distance of its rows at most 105 ms, 100 ms apart from its first row on. A state is the
// row of exactly that time (measured), else linear between the row before and the one after
// (interpolated), which must be at most one and a half steps apart: a longer hole stays one,
// nothing is extrapolated. Slower rows that are alone stay as they are; step_ns is then their
// median distance to the next 10 ms. docs/scenes.md tells what a line between rows reads ahead.

// What the lake knows of one recording, on the grid. RML_ERR_MISSING if it has neither tracks nor
// ego rows.
RML_API rml_status rml_traffic_load(rml_lake *lake, rml_str recording_id, rml_arena *arena,
                                    rml_traffic *out, rml_error *err) RML_CHECKED;
// Several at once, in one query: traffics[count] in the order of ids. The way to load many.
RML_API rml_status rml_traffic_load_many(rml_lake *lake, const rml_str *recording_ids, size_t count,
                                         rml_arena *arena, rml_traffic *traffics, rml_error *err)
    RML_CHECKED;
// The same with the ego at its stored times; step_ns is the median distance of its rows where it is
// alone.
RML_API rml_status rml_traffic_load_stored(rml_lake *lake, const rml_str *recording_ids,
                                           size_t count, rml_arena *arena, rml_traffic *traffics,
                                           rml_error *err) RML_CHECKED;
// Each of these recordings in turn, several loaded at a time, on one of the two clocks:
// visit(context, index, traffic), with everything borrowed until it returns. Its first failure ends
// the walk. doing: for a stop, that says "stopped while DOING", and for the progress, which may be
// NULL.
typedef enum rml_traffic_clock { RML_TRAFFIC_ON_GRID, RML_TRAFFIC_AS_STORED } rml_traffic_clock;
typedef rml_status rml_traffic_visit(void *context, size_t index, const rml_traffic *traffic,
                                     rml_error *err);
RML_API rml_status rml_traffic_each(rml_lake *lake, const rml_str *recording_ids, size_t count,
                                    rml_traffic_clock clock, rml_traffic_visit *visit,
                                    void *context, const char *doing, const rml_progress *progress,
                                    rml_error *err) RML_CHECKED;
// recording_ids of all recordings with tracks or ego rows, sorted; rml_str items.
RML_API rml_status rml_traffic_list(rml_lake *lake, rml_arena *arena, rml_array *ids,
                                    rml_error *err) RML_CHECKED;

// How much there is to load of a recording, without loading it.
typedef struct rml_traffic_size {
    rml_str recording_id;
    uint64_t tracks, states; // stored; with the rows of `ego` where they are its ego
    bool is_point;           // its ego has no known size
} rml_traffic_size;
// Of all recordings of rml_traffic_list, in that order; rml_traffic_size items.
RML_API rml_status rml_traffic_sizes(rml_lake *lake, rml_arena *arena, rml_array *sizes,
                                     rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
