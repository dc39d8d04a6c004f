// turn: the whole loop as one resumable plan of steps.
//
// A step's key is the hash of all that goes into it; what it made is kept in the catalog under that
// key, so a step whose inputs have not changed is not done again, and a kill loses at most the step
// that ran.
#ifndef ROADMILL_TURN_H
#define ROADMILL_TURN_H

#include "roadmill/catalog.h"
#include "roadmill/dataset.h"
#include "roadmill/mine.h"
#include "roadmill/os.h"
#include "roadmill/registry.h"
#include "roadmill/table.h"
#include "roadmill/train.h"

#include "roadmill/message/can.h"

#ifdef __cplusplus
extern "C" {
#endif

// HOME: settings, catalog, lake, versions, runs, models.
typedef struct rml_home {
    rml_str path; // terminated
    rml_lake *lake;
    rml_catalog *catalog;
    rml_arena arena;
} rml_home;
// Makes a home; RML_OK if it is one already.
RML_API rml_status rml_home_init(const char *path, rml_error *err) RML_CHECKED;
// path NULL: ROADMILL_HOME, else upwards from the working folder; make: init ./roadmill if none.
RML_API rml_status rml_home_open(rml_home *home, const char *path, bool make, rml_error *err)
    RML_CHECKED;
RML_API void rml_home_close(rml_home *home);

// ---- Sources into the lake ---------------------------------------------------------------------

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
struct rml_recipe; // drive.h
typedef struct rml_source_options {
    rml_str vehicle, drive_id, licence, purpose, region; // empty: not stated
    const struct rml_recipe *recipe; // of the ego rows; NULL: the first built-in one that fits
    rml_str tracks_topic;            // whose objects become tracks; empty: see rml_tracks_make
    const rml_dbc *const *dbc;       // decode CAN frames into signals_can
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
    rml_str tracks_type, tracks_topic; // of the messages whose objects became tracks; or empty
    bool already;
    rml_source_sums sums; // of this file
    const rml_error *refused;
} rml_source_event;
// A file or a folder (walked in the order of names): recordings, scenario files; files of no known
// kind are passed over in a folder and refused when named. A refused file stops nothing. Recordings
// become visible in that order too, so the tables are the same at any number of jobs.
RML_API rml_status rml_home_ingest(rml_home *home, const rml_str *sources, size_t count,
                                   const rml_source_options *options,
                                   void (*tell)(void *context, const rml_source_event *event),
                                   void *context, const rml_progress *progress,
                                   rml_source_sums *out, rml_error *err) RML_CHECKED;

// ---- The wheel ---------------------------------------------------------------------------------

// One turn, as docs/turn.md tells its YAML. Borrows its texts from the arena it was parsed into.
typedef struct rml_turn_slice {
    rml_str name, query;
} rml_turn_slice;
typedef struct rml_turn_config {
    rml_str name; // of the version and the model
    rml_dataset_spec dataset;
    rml_train_config train;
    uint32_t seeds;              // trainings of the judged model
    rml_str policy, policy_file; // gate policy: YAML and its name
    const rml_turn_slice *slices;
    size_t slice_count;
    rml_mine_options mine;    // the budget of a batch and how its scenes are chosen
    uint32_t mine_seeds;      // repetitions of the comparison with random batches
    rml_train_config compare; // the small trainings of that comparison
} rml_turn_config;
RML_API rml_status rml_turn_config_parse(rml_str text, rml_str file, rml_arena *arena,
                                         rml_turn_config *out, rml_error *err) RML_CHECKED;
RML_API rml_str rml_turn_config_builtin(void); // the default, as YAML

typedef struct rml_turn_step_result {
    rml_str name;     // "ingest", "dataset", ...
    bool done_before; // its inputs had not changed
    double seconds;
    rml_str result; // JSON
} rml_turn_step_result;
#define RML_TURN_STEPS_MAX 16
typedef struct rml_turn_result {
    rml_turn_step_result steps[RML_TURN_STEPS_MAX];
    size_t step_count;
    rml_verdict verdict;
    rml_str reason;
    rml_str report; // path of the page
    char version[65], child[65], run[65], model[65];
} rml_turn_result;
// All steps in order. Stopped by a signal or killed, the same call goes on from there.
RML_API rml_status rml_turn_run(rml_home *home, const rml_turn_config *config,
                                const rml_str *sources, size_t source_count,
                                const rml_source_options *options, const rml_approval *approvals,
                                size_t approval_count, rml_pool *pool, const rml_progress *progress,
                                rml_arena *arena, rml_turn_result *out, rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
