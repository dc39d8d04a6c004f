// Rows of `ego` as tracks of the traffics that are loaded.
#ifndef ROADMILL_DRIVE_EGO_TRACK_H
#define ROADMILL_DRIVE_EGO_TRACK_H

#include "roadmill/drive.h"

// Adds to each traffic the tracks of its ego rows, unless an object of it is the ego vehicle;
// index: recording_id -> place in traffics. on_grid: at the times of a grid, else at those of the
// rows. Everything lives in the arena.
rml_status rml_ego_tracks_join(rml_lake *lake, const rml_str *ids, size_t count,
                               const rml_map *index, bool on_grid, rml_arena *arena,
                               rml_traffic *traffics, rml_error *err) RML_CHECKED;

// What size a vehicle has in the rows of `ego`: its columns, or NULLs where the table, made before
// they were there, has none.
rml_status rml_ego_size_columns(rml_lake *lake, const char **columns, rml_error *err) RML_CHECKED;

#endif
