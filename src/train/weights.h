// train: parameters and moments of a plan in safetensors files. Private.
#ifndef ROADMILL_TRAIN_WEIGHTS_H
#define ROADMILL_TRAIN_WEIGHTS_H

#include "roadmill/codec.h"
#include "roadmill/train.h"

// moments: those of the optimiser instead of the parameters. hash (may be NULL): of the file.
RML_CHECKED rml_status rml_state_save(const char *path, const rml_graph *g, rml_plan *plan,
                                      bool moments, rml_hash *hash, rml_error *err);
// The file must hold exactly the tensors of the plan.
RML_CHECKED rml_status rml_state_load(const char *path, const rml_graph *g, rml_plan *plan,
                                      bool moments, rml_error *err);

#endif
