// Decimals as written, between the scanner of a format and the double that they mean.
#ifndef ROADMILL_BASE_NUMBER_H
#define ROADMILL_BASE_NUMBER_H

#include "roadmill/base.h"

// digits x 10^exponent; exact while no digit but zero had to be left out (19 fit).
typedef struct rml_decimal {
    bool negative, exact;
    bool fraction; // a point or an exponent was written
    uint64_t digits;
    int64_t exponent;
} rml_decimal;

// Reads an optional sign, digits with at most one point, an optional exponent. Gives where it ends,
// NULL if there is no digit where one must be.
const char *rml_decimal_scan(const char *p, const char *end, rml_decimal *out);

// The nearest double, ties to even; infinite beyond the range. text is what was scanned. False if
// there is no memory for a very long one.
bool rml_decimal_f64(const rml_decimal *d, rml_str text, double *out);

#endif
