// ingest: files and folders of any known kind into the lake, several side by side: recordings with
// their ego and objects, scenario files.
#ifndef ROADMILL_INGEST_SOURCES_H
#define ROADMILL_INGEST_SOURCES_H

#include "roadmill/ingest.h"
#include "roadmill/recipe.h"

#ifdef __cplusplus
extern "C" {
#endif

// Sums over sources. Conservation, asserted: messages = rows + blobs + message_rejects,
// states = state_rows + state_rejects, ego_inputs = ego_rows + ego_rejects.
typedef struct rml_source_sums {
    uint64_t files, already, refused, bytes;
    uint64_t bytes_lost; // of damaged recordings
    uint64_t messages, rows, blobs, message_rejects;
    uint64_t can_signals; // rows of signals_can, beside the rows of their frames
    uint64_t states, state_rows, state_rejects, tracks, map_rows;
    uint64_t ego_inputs, ego_rows, ego_rejects;
} rml_source_sums;
typedef struct rml_source_options {
    rml_str vehicle, drive_id, licence, purpose, region; // empty: not stated
    const rml_recipe *recipe;  // of the ego rows; NULL: the first built-in one that fits
    rml_str tracks_topic;      // whose objects become tracks; empty: see rml_tracks_make
    const rml_dbc *const *dbc; // decode CAN frames into signals_can
    size_t dbc_count;
    size_t threads; // that may read recordings, all together; 0 is 1
    size_t jobs;    // files side by side, about 250 MiB of memory each; 0 is 1
} rml_source_options;
// What became of one file, told in the order of names as it happens, from any thread but from one
// at a time. Its texts are borrowed for the call.
typedef struct rml_source_event {
    rml_str path;
    rml_str recording_id, format;
    rml_str recipe;                    // of the ego rows; empty if none fits
    rml_str no_ego;                    // why a recording has none, in words; else empty
    rml_str tracks_type, tracks_topic; // of the messages whose objects became tracks; or empty
    bool already;
    rml_source_sums sums; // of this file
    const rml_error *refused;
} rml_source_event;
// A file or a folder (walked in the order of names): recordings, scenario files; files of no known
// kind are passed over in a folder and refused when named. A refused file stops nothing. Recordings
// become visible in that order too, so the tables are the same at any number of jobs.
RML_API rml_status rml_ingest_sources(rml_lake *lake, const rml_str *sources, size_t count,
                                      const rml_source_options *options,
                                      void (*tell)(void *context, const rml_source_event *event),
                                      void *context, const rml_progress *progress,
                                      rml_source_sums *out, rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
