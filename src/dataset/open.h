// Pieces of reading a version that verifying, comparing and exporting share.
#ifndef ROADMILL_DATASET_OPEN_H
#define ROADMILL_DATASET_OPEN_H

#include "roadmill/base/json.h"
#include "roadmill/dataset.h"

// The manifest, checked against its name. tree and folder live in the arena, text is the file.
rml_status rml_manifest_read(rml_str home, rml_str hash, rml_arena *arena, rml_buffer *text,
                             const rml_json **tree, rml_str *folder, rml_error *err) RML_CHECKED;
// scenes.parquet, its columns checked.
rml_status rml_scenes_read(rml_str folder, rml_arena *arena, rml_batch *out, rml_error *err)
    RML_CHECKED;
// The manifest of an open version.
const rml_json *rml_dataset_tree(const rml_dataset *d);

#endif
