// Inside the room: formulas of one variable, as algebraic conversions of MDF hold them.
#ifndef RML_MESSAGE_FORMULA_H
#define RML_MESSAGE_FORMULA_H

#include "roadmill/base.h"

// text of X (or X1) with + - * / ^, brackets and the functions of ASAM GES: sin, cos, tan, asin,
// acos, atan, exp, log, log10, sqrt, abs, pow, round, floor, ceil. False if it does not follow that
// form or is nested more than 64 deep. NaN where a value is not defined.
bool rml_formula_check(rml_str text);
double rml_formula_value(rml_str text, double x);

#endif
