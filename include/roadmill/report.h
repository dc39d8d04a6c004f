// report: pages and pictures of results. It is handed results and computes none.
//
// The report of a drive: what its recordings hold and lack, channel by channel, from the ledgers
// that ingest kept; and its picture, in which a hole is seen at a glance. The page of a turn.
#ifndef ROADMILL_REPORT_H
#define ROADMILL_REPORT_H

#include "roadmill/base/json.h"
#include "roadmill/evidence.h"
#include "roadmill/lake.h"
#include "roadmill/scene.h"

#ifdef __cplusplus
extern "C" {
#endif

// A stretch of log time.
typedef struct rml_drive_span {
    int64_t from_ns, to_ns;
} rml_drive_span;

// Messages in [from_ns, from_ns + width_ns).
typedef struct rml_drive_bin {
    int64_t from_ns, width_ns;
    uint64_t messages;
} rml_drive_bin;

// A channel of one recording.
typedef struct rml_drive_channel {
    size_t recording; // index into recordings
    rml_str topic, type, sensor_clock;
    uint64_t messages, gap_count, sequence_drops, duplicates, out_of_order;
    int64_t first_ns, last_ns, period_ns, gap_ns_max;
    double latency_s_mean, drift_ppm; // NaN where it has no sensor times
    const rml_drive_span *gaps;       // the longest, longest first
    size_t gaps_kept;
    const rml_drive_bin *bins; // rising, those without messages left out
    size_t bin_count;
} rml_drive_channel;

// A recording of the drive, as the lake tells it.
typedef struct rml_drive_recording {
    rml_str recording_id, uri, format, completeness, findings;
    uint64_t messages, bytes, bytes_lost;
} rml_drive_recording;

// Lives in an arena.
typedef struct rml_drive_report {
    rml_str drive_id, vehicle;
    const rml_drive_recording *recordings; // by start
    size_t recording_count;
    const rml_drive_channel *channels; // by topic, then start
    size_t channel_count;
    // Of the channels that share the clock of most messages; false: there are none.
    bool has_span;
    int64_t start_ns, end_ns;
} rml_drive_report;

// prefix: of the drive's id; RML_ERR_MISSING or RML_ERR_ARGUMENT unless it is that of one drive.
RML_API rml_status rml_drive_report_load(rml_lake *lake, rml_str prefix, rml_arena *arena,
                                         rml_drive_report *out, rml_error *err) RML_CHECKED;
// An SVG appended to out: a row per topic over log time; a bar where messages come at their period,
// darker where they come more often, red where they stay away for five periods.
RML_API rml_status rml_drive_report_plot(const rml_drive_report *report, rml_buffer *out,
                                         rml_error *err) RML_CHECKED;

// An SVG appended to out: the path from above and the speed over time, from the rows of `ego`;
// RML_ERR_MISSING if the drive has none.
RML_API rml_status rml_drive_ego_plot(rml_lake *lake, const rml_drive_report *report,
                                      rml_arena *arena, rml_buffer *out, rml_error *err)
    RML_CHECKED;

// ---- The page of a turn ------------------------------------------------------------------------

// The situation in which a model was farthest from the truth, with what others foresaw there. All
// is borrowed.
typedef struct rml_worst_scene {
    const rml_traffic *traffic;
    const rml_scene_spec *spec;
    rml_window window;
    const char *scene_id;
    const rml_scene_future *futures; // in the scene's frame
    size_t future_count;
    const char *said; // how far the model was off, in a sentence
} rml_worst_scene;

// What the steps of a turn made, as docs/turn.md tells their documents. All is borrowed.
typedef struct rml_turn_results {
    rml_str name; // of the model
    rml_str home; // its path
    const rml_json *ingest, *dataset, *deploy, *gate, *mine, *child;
    const rml_evaluation *evaluation;
    const rml_worst_scene *worst;
} rml_turn_results;
// An HTML page appended to out, whole in itself.
RML_API rml_status rml_turn_page(const rml_turn_results *results, rml_arena *arena, rml_buffer *out,
                                 rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
