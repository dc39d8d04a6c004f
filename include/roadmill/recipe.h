// recipe: what a recording's messages say becomes driving: `ego` by recipes, `tracks` and `maps` by
// the types that list objects.
#ifndef ROADMILL_RECIPE_H
#define ROADMILL_RECIPE_H

#include "roadmill/drive.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- Recipes: channels become `ego` -------------------------------------------------------------

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
// Why a recording has no ego rows, in words for a person: what channels it has, and what the
// nearest built-in recipe lacks; or that all its instants were rejects. Empty if it has some, or is
// no recording of messages. In the arena.
RML_API rml_status rml_ego_missing(rml_lake *lake, rml_str recording_id, rml_arena *arena,
                                   rml_str *why, rml_error *err) RML_CHECKED;
typedef struct rml_ego_result {
    uint64_t rows, rejects, inputs; // inputs = rows + rejects: instants of the driving channel
    rml_hash recipe;
} rml_ego_result;
// Makes the `ego` rows of a recording (replacing those of another recipe).
RML_API rml_status rml_ego_make(rml_lake *lake, rml_str recording_id, const rml_recipe *recipe,
                                rml_ego_result *out, rml_error *err) RML_CHECKED;

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

#ifdef __cplusplus
}
#endif
#endif
