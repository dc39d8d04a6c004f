// What a simulated drive leaves behind, and how it becomes files.
#ifndef ROADMILL_SYNTH_FLEET_H
#define ROADMILL_SYNTH_FLEET_H

#include "flow.h"
#include "roadmill/synth.h"

// A vehicle at one of the instants of the traffic's grid (0.1 s).
typedef struct synth_sample {
    uint32_t vehicle; // index into the flow's vehicles
    uint32_t step;
    double x_m, y_m, yaw_rad, speed_mps;
} synth_sample;
enum { SYNTH_STEPS_PER_SAMPLE = 5 };

// The ego at one step of the simulation: middle of its box.
typedef struct synth_ego {
    synth_pose pose;
    double speed_mps;
} synth_ego;

typedef struct synth_drive {
    uint64_t seed;
    uint32_t index, place;
    synth_flow flow;
    rml_array samples; // synth_sample, by vehicle within a step
    rml_array ego;     // synth_ego, one a step
} synth_drive;

// What is planted into the recording of a drive; kind NULL is nothing.
typedef struct synth_fault {
    const char *kind; // "gap", "clock_jump", "stuck", "cut"
    const char *channel, *about;
    int64_t from_ns, to_ns; // sensor time
    uint64_t messages;      // that it touched
} synth_fault;

extern const char *const rml_synth_place_names[2];

// scenario.c: the drive's traffic and map as CommonRoad 2020a.
rml_status rml_synth_scenario_write(const synth_drive *drive, rml_buffer *out, rml_error *err)
    RML_CHECKED;
// recording.c: the ego's sensors as an MCAP file. fault: in its kind, out what it touched.
rml_status rml_synth_recording_write(const synth_drive *drive, const char *path, synth_fault *fault,
                                     uint64_t *messages, rml_error *err) RML_CHECKED;

#endif
