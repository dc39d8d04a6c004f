// train: a curve as a TensorBoard event file. Private.
#ifndef ROADMILL_TRAIN_EVENTS_H
#define ROADMILL_TRAIN_EVENTS_H

#include "roadmill/base.h"

// All points of a curve (curve.csv with its head) as scalars named like its columns, appended to
// out. A point has no clock in a curve, so its wall time is 0. A longer curve's bytes begin with
// those of a shorter one. Source: TensorFlow's TFRecord framing, event.proto and summary.proto.
RML_CHECKED rml_status rml_events_write(rml_str curve, rml_buffer *out, rml_error *err);

#endif
