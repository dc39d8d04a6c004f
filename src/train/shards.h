// train: tensors in several safetensors files named by their content, with an index as Hugging
// Face's (docs/training.md). Private.
#ifndef ROADMILL_TRAIN_SHARDS_H
#define ROADMILL_TRAIN_SHARDS_H

#include "weights.h"

// Writes folder/STEM.safetensors.index.json and the files it names, SHA256.safetensors; folder is a
// local path. One that `before` (a local path, or data NULL) has too is linked, not written. data:
// of the members, instead of where the members say. bytes: adds what was written (may be NULL).
RML_CHECKED rml_status rml_shards_write(rml_str folder, rml_str before, const char *stem,
                                        const rml_members *members, const float *const *data,
                                        uint64_t *bytes, rml_error *err);
// Into where the members say. Untrusted: names, hashes, shapes, and that each member is there once.
RML_CHECKED rml_status rml_shards_read(rml_str folder, const char *stem, const rml_members *members,
                                       rml_error *err);

#endif
