// train: the folder of a model, config.json and weights.safetensors, as an engine. Private.
#ifndef RML_TRAIN_MODEL_H
#define RML_TRAIN_MODEL_H

#include "learner.h"

// The first line of a run's curve.csv.
#define RML_CURVE_HEAD "step,loss,validation_loss,learning_rate,gradient_norm\n"

// kept: for what the configuration points to. On failure out is empty.
RML_CHECKED rml_status rml_model_open(rml_str folder, uint32_t batch, rml_arena *kept,
                                      rml_engine *out, rml_error *err);
// RUN/model of the engine, as a whole or not at all. weights: SHA-256 of its file.
RML_CHECKED rml_status rml_model_save(rml_str run, const rml_engine *e, char weights[65],
                                      rml_error *err);

#endif
