// Numbers in pictures: fixed decimals, the same text whatever the locale.
#ifndef ROADMILL_DRAW_NUMBER_H
#define ROADMILL_DRAW_NUMBER_H

#include "roadmill/base.h"

#define RML_FIXED_TEXT 40

// value with so many decimals (0 to 6), rounded half away from zero, trailing zeros kept; values
// beyond 1e12 are cut to it, NaN is "0".
void rml_fixed(double value, int decimals, char text[RML_FIXED_TEXT]);
// A picture's coordinate: two decimals, trailing zeros dropped.
void rml_coordinate(double value, char text[RML_FIXED_TEXT]);

// Appends text with the five characters that mean something in XML escaped.
rml_status rml_escape(rml_buffer *out, rml_str text, rml_error *err) RML_CHECKED;

#endif
