// Intervals in steps, for an evaluation that asks hundreds: sums by unit, and the draws of the
// bootstrap, made once for as many units and seeds.
#ifndef ROADMILL_EVAL_UNIT_SUMS_H
#define ROADMILL_EVAL_UNIT_SUMS_H

#include "roadmill/eval.h"

#define RML_DRAWS 2000
#define RML_UNITS_MAX 16384

// Everything here is a ratio of sums: a mean (values over counts), a paired difference (a - b over
// counts), a relative one (a - b over b).
typedef struct rml_unit_sums {
    size_t units, seeds, samples;
    double *above, *below; // [seeds][units]
} rml_unit_sums;
// Which dense unit each sample belongs to; numbers from 0 in rising order of the ids.
rml_status rml_units_number(const uint32_t *unit, size_t n, rml_arena *arena, uint32_t *out,
                            size_t *units, rml_error *err) RML_CHECKED;
// b NULL: the mean of a. Samples that are NaN in a or b are left out. number[n] < units.
rml_status rml_unit_sums_make(const double *const *a, const double *const *b, size_t seeds,
                              size_t n, const uint32_t *number, size_t units, bool relative,
                              rml_arena *arena, rml_unit_sums *out, rml_error *err) RML_CHECKED;

// How often each unit and each seed stands in each draw. All-zero: none.
typedef struct rml_draws {
    size_t units, seeds;
    uint16_t *unit, *seed; // [RML_DRAWS][units], [RML_DRAWS][seeds]
} rml_draws;
// RML_ERR_LIMIT above RML_UNITS_MAX units.
rml_status rml_draws_make(size_t units, size_t seeds, uint64_t seed, rml_arena *arena,
                          rml_draws *out, rml_error *err) RML_CHECKED;

// draws may be NULL where fewer than ten units stand; it must have as many units and seeds. scratch
// [RML_DRAWS].
void rml_unit_sums_interval(const rml_unit_sums *s, const rml_draws *draws, double level,
                            double *scratch, rml_interval *out);
// Sums above by unit, mean over seeds; [units].
void rml_unit_sums_above(const rml_unit_sums *s, double *out);
double rml_unit_sums_smallest_change(const rml_unit_sums *s);

#endif
