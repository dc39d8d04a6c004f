// scenario: scenario files and tables of others (CommonRoad, Argoverse 2) become traffic.
#ifndef ROADMILL_SCENARIO_H
#define ROADMILL_SCENARIO_H

#include "roadmill/drive.h"

#ifdef __cplusplus
extern "C" {
#endif

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

#ifdef __cplusplus
}
#endif
#endif
