// train: the fields of a configuration, one table for YAML, JSON and the name of a run. Private.
#ifndef ROADMILL_TRAIN_CONFIG_H
#define ROADMILL_TRAIN_CONFIG_H

#include "roadmill/base/json.h"
#include "roadmill/base/yaml.h"
#include "roadmill/train.h"

// config.json of a model: the fields that decide the weights, and "int8", its quantisers.
RML_CHECKED rml_status rml_model_config_text(const rml_train_config *config, rml_buffer *out,
                                             rml_error *err);
// Reads it; members that are missing have their defaults. Quantisers lie in the arena.
RML_CHECKED rml_status rml_train_config_read(const rml_json *object, rml_str file, rml_arena *arena,
                                             rml_train_config *out, rml_error *err);
// The fields of a parsed map; without defaults.
RML_CHECKED rml_status rml_train_config_map(const rml_yaml *map, rml_train_config *out,
                                            rml_error *err);

// A field of that training by name that decides the weights, for settings that are searched; false:
// there is none.
typedef struct rml_train_field {
    bool whole, boolean;
    double low, high;
} rml_train_field;
bool rml_train_field_find(const rml_train_config *config, rml_str name, rml_train_field *out);
// Zero is zero here, not the default.
void rml_train_field_set(rml_train_config *config, rml_str name, double value);

#endif
