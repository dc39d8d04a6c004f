// Fills one row of a message's columns from a few named values; every other field becomes zero,
// empty or false, as a message that nobody filled in.
#ifndef ROADMILL_SYNTH_FILL_H
#define ROADMILL_SYNTH_FILL_H

#include "roadmill/base/column.h"

typedef struct synth_value {
    const char *path; // "pose.pose.position.x"
    double number;    // fields of numbers
    int64_t integer;  // fields of integers, times too
    const char *text;
    const double *list; // lists of numbers
    size_t list_count;
} synth_value;

rml_status rml_synth_fill(rml_schema schema, rml_column *columns, const synth_value *values,
                          size_t count, rml_error *err) RML_CHECKED;

#endif
