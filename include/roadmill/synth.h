// synth: a fleet made by procedure. A multi-lane road with IDM traffic and lane changes, an ego
// with sensors that have noise and delay, planted faults; written as MCAP recordings (CDR) and as
// CommonRoad scenarios of the same traffic. Same seed, same bytes.
//
// Sources: Treiber, Hennecke, Helbing, Phys. Rev. E 62 (2000) 1805 (IDM); Kesting, Treiber,
// Helbing, TRR 1999 (2007) 86 (MOBIL lane changes).
#ifndef ROADMILL_SYNTH_H
#define ROADMILL_SYNTH_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

// All-zero means the values in brackets.
typedef struct rml_synth_options {
    uint64_t seed;
    uint32_t drives;   // [8]
    uint32_t lanes;    // [3]
    uint32_t vehicles; // [24]
    double duration_s; // [20]
    double road_m;     // [600]
    bool faults;       // plant them: a gap, a clock jump, a stuck sensor, a cut message
} rml_synth_options;
typedef struct rml_synth_result {
    uint64_t recordings, scenarios, messages, faults, bytes;
} rml_synth_result;
// folder/recordings/drive_NNNN.mcap, folder/scenarios/drive_NNNN.xml, folder/faults.json (what was
// planted where).
RML_API rml_status rml_synth_fleet(const char *folder, const rml_synth_options *options,
                                   const rml_progress *progress, rml_synth_result *out,
                                   rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
