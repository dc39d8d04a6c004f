// train: the space of a sweep: its file, and axes between their numbers and [0, 1]. Private.
#ifndef ROADMILL_TRAIN_SPACE_H
#define ROADMILL_TRAIN_SPACE_H

#include "config.h"
#include "roadmill/train/sweep.h"

// Where a number stands on its axis: 0 at low, 1 at high; of choices the index.
double rml_axis_position(const rml_sweep_axis *a, double value);
// The number at a position in [0, 1]; not for choices.
double rml_axis_value(const rml_sweep_axis *a, double position);
// The training of a trial.
void rml_sweep_apply(const rml_sweep_config *c, const double *values, rml_train_config *out);
// The settings as a member object of an open object: what the name of a sweep is made from.
void rml_sweep_write(const rml_sweep_config *c, rml_json_writer *w);
// The values of a trial as an object, booleans as such.
void rml_sweep_write_values(const rml_sweep_config *c, const double *values, rml_json_writer *w);

#endif
