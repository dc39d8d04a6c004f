// Intervals by units: cluster bootstrap, t, undecided; sign-flip test; the smallest change.
//
// Sources: cluster bootstrap, Efron and Tibshirani, "An Introduction to the Bootstrap", 1993; its
// percentiles widened for few units, Hesterberg, "What Teachers Should Know About the Bootstrap",
// The American Statistician 69 (2015), section 4.3 (expanded percentile interval): at ten units
// plain percentiles cover 90 %, not 95 %. Crossed with seeds: Owen, "The pigeonhole bootstrap",
// Annals of Applied Statistics 1 (2007). Below ten units the jackknife over units, which for units
// of one size is the t interval over their means: Efron and Tibshirani, chapter 11.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "roadmill/base/random.h"
#include "roadmill/math.h"
#include "unit_sums.h"

#define BOOTSTRAP_UNITS_MIN 10
#define UNITS_MIN 3
#define FLIPS 9999
#define FLIP_UNITS_EXACT 16
#define STREAM_SEEDS 0x53454544 // "SEED"
#define STREAM_FLIPS 0x464c4950 // "FLIP"

// ---- Sums --------------------------------------------------------------------------------------

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

rml_status rml_units_number(const uint32_t *unit, size_t n, rml_arena *arena, uint32_t *out,
                            size_t *units, rml_error *err)
{
    uint32_t *ids = RML_NEW_ARRAY(arena, uint32_t, n + 1);
    if (ids == NULL) {
        return rml_fail_memory(err, n * sizeof *ids);
    }
    *units = 0;
    if (n == 0) {
        return RML_OK;
    }
    memcpy(ids, unit, n * sizeof *ids);
    qsort(ids, n, sizeof *ids, compare_u32);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || ids[i] != ids[*units - 1]) {
            ids[(*units)++] = ids[i];
        }
    }
    for (size_t i = 0; i < n; i++) {
        const uint32_t *at = bsearch(&unit[i], ids, *units, sizeof *ids, compare_u32);
        out[i] = (uint32_t)(at - ids);
    }
    return RML_OK;
}

rml_status rml_unit_sums_make(const double *const *a, const double *const *b, size_t seeds,
                              size_t n, const uint32_t *number, size_t units, bool relative,
                              rml_arena *arena, rml_unit_sums *out, rml_error *err)
{
    *out = (rml_unit_sums){.seeds = seeds, .units = units};
    out->above = RML_NEW_ARRAY(arena, double, seeds *units + 1);
    out->below = RML_NEW_ARRAY(arena, double, seeds *units + 1);
    double *met = RML_NEW_ARRAY(arena, double, units + 1);
    if (out->above == NULL || out->below == NULL || met == NULL) {
        return rml_fail_memory(err, seeds * units * sizeof(double));
    }
    for (size_t s = 0; s < seeds; s++) {
        for (size_t i = 0; i < n; i++) {
            double value = b != NULL ? a[s][i] - b[s][i] : a[s][i];
            if (isnan(value)) {
                continue;
            }
            out->above[s * units + number[i]] += value;
            out->below[s * units + number[i]] += relative ? b[s][i] : 1.0;
            met[number[i]] += 1;
            out->samples += s == 0;
        }
    }
    // Units without any sample are no units: the others move up.
    size_t kept = 0;
    for (size_t u = 0; u < units; u++) {
        for (size_t s = 0; met[u] > 0 && s < seeds; s++) {
            out->above[s * units + kept] = out->above[s * units + u];
            out->below[s * units + kept] = out->below[s * units + u];
        }
        kept += met[u] > 0;
    }
    for (size_t s = 1; s < seeds; s++) {
        memmove(out->above + s * kept, out->above + s * units, kept * sizeof(double));
        memmove(out->below + s * kept, out->below + s * units, kept * sizeof(double));
    }
    out->units = kept;
    return RML_OK;
}

static double ratio_of(const rml_unit_sums *s)
{
    double above = 0, below = 0;
    for (size_t i = 0; i < s->seeds * s->units; i++) {
        above += s->above[i];
        below += s->below[i];
    }
    return above / below;
}

void rml_unit_sums_above(const rml_unit_sums *s, double *out)
{
    for (size_t u = 0; u < s->units; u++) {
        out[u] = 0;
        for (size_t k = 0; k < s->seeds; k++) {
            out[u] += s->above[k * s->units + u] / (double)s->seeds;
        }
    }
}

// The squared standard error of the ratio: part of the units (jackknife, one unit left out at a
// time) and part of the seeds.
static void variances(const rml_unit_sums *s, double *of_units, double *of_seeds)
{
    double above = 0, below = 0, middle = 0, squares = 0, spread = 0, mean = 0;
    for (size_t i = 0; i < s->seeds * s->units; i++) {
        above += s->above[i];
        below += s->below[i];
    }
    for (int pass = 0; pass < 2; pass++) {
        for (size_t u = 0; u < s->units; u++) {
            double a = above, b = below;
            for (size_t k = 0; k < s->seeds; k++) {
                a -= s->above[k * s->units + u];
                b -= s->below[k * s->units + u];
            }
            double rest = a / b - middle;
            if (pass == 0) {
                mean += a / b / (double)s->units;
            } else {
                squares += rest * rest;
            }
        }
        middle = mean;
    }
    *of_units = squares * (double)(s->units - 1) / (double)s->units;
    mean = 0;
    *of_seeds = 0;
    if (s->seeds < 2) {
        return;
    }
    for (int pass = 0; pass < 2; pass++) {
        for (size_t k = 0; k < s->seeds; k++) {
            double a = 0, b = 0;
            for (size_t u = 0; u < s->units; u++) {
                a += s->above[k * s->units + u];
                b += s->below[k * s->units + u];
            }
            if (pass == 0) {
                mean += a / b / (double)s->seeds;
            } else {
                spread += (a / b - mean) * (a / b - mean);
            }
        }
    }
    *of_seeds = spread / (double)(s->seeds * (s->seeds - 1));
}

// Both parts, and the degrees of freedom by Welch and Satterthwaite.
static double standard_error(const rml_unit_sums *s, double *degrees)
{
    double units, seeds;
    variances(s, &units, &seeds);
    double sum = units + seeds;
    double lost = units * units / (double)(s->units - 1) +
                  (s->seeds > 1 ? seeds * seeds / (double)(s->seeds - 1) : 0);
    *degrees = lost > 0 ? sum * sum / lost : (double)(s->units - 1);
    return sqrt(sum);
}

// ---- Bootstrap ---------------------------------------------------------------------------------

rml_status rml_draws_make(size_t units, size_t seeds, uint64_t seed, rml_arena *arena,
                          rml_draws *out, rml_error *err)
{
    if (units > RML_UNITS_MAX || seeds > RML_UNITS_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, NULL,
                        "expected at most %d units and seeds, found %zu and %zu", RML_UNITS_MAX,
                        units, seeds);
    }
    *out = (rml_draws){.units = units, .seeds = seeds};
    out->unit = RML_NEW_ARRAY(arena, uint16_t, RML_DRAWS * units + 1);
    out->seed = RML_NEW_ARRAY(arena, uint16_t, RML_DRAWS * seeds + 1);
    if (out->unit == NULL || out->seed == NULL) {
        return rml_fail_memory(err, RML_DRAWS * units * sizeof(uint16_t));
    }
    for (size_t d = 0; d < RML_DRAWS; d++) {
        for (size_t i = 0; i < units; i++) {
            out->unit[d * units + rml_random_below(seed, d, i, units)]++;
        }
        for (size_t i = 0; i < seeds; i++) {
            out->seed[d * seeds + rml_random_below(seed, STREAM_SEEDS + d, i, seeds)]++;
        }
    }
    return RML_OK;
}

static int compare_f64(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double percentile(const double *sorted, size_t n, double p)
{
    double at = p * (double)(n + 1) - 1;
    if (at <= 0) {
        return sorted[0];
    }
    size_t left = (size_t)at;
    return left + 1 >= n ? sorted[n - 1]
                         : sorted[left] + (at - (double)left) * (sorted[left + 1] - sorted[left]);
}

static void bootstrap(const rml_unit_sums *s, const rml_draws *draws, double level, double *ratios,
                      rml_interval *out)
{
    for (size_t d = 0; d < RML_DRAWS; d++) {
        double above = 0, below = 0;
        for (size_t k = 0; k < s->seeds; k++) {
            double weight = draws->seed[d * s->seeds + k];
            if (weight == 0) {
                continue;
            }
            double a = 0, b = 0;
            for (size_t u = 0; u < s->units; u++) {
                a += (double)draws->unit[d * s->units + u] * s->above[k * s->units + u];
                b += (double)draws->unit[d * s->units + u] * s->below[k * s->units + u];
            }
            above += weight * a;
            below += weight * b;
        }
        ratios[d] = above / below;
    }
    qsort(ratios, RML_DRAWS, sizeof *ratios, compare_f64);
    // n resampled units vary by (n - 1) / n of what they should; a handful of seeds by much less,
    // so with seeds the widening is measured: standard error against the spread of the draws.
    double degrees, mean = 0, squares = 0, n = (double)s->units;
    double error = standard_error(s, &degrees);
    for (size_t d = 0; d < RML_DRAWS; d++) {
        mean += ratios[d] / RML_DRAWS;
    }
    for (size_t d = 0; d < RML_DRAWS; d++) {
        squares += (ratios[d] - mean) * (ratios[d] - mean) / RML_DRAWS;
    }
    double widening = s->seeds > 1 && squares > 0 ? error / sqrt(squares) : sqrt(n / (n - 1));
    double tail = rml_normal_cdf(-rml_student_quantile((1 + level) / 2, degrees) * widening);
    out->low = percentile(ratios, RML_DRAWS, tail);
    out->high = percentile(ratios, RML_DRAWS, 1 - tail);
}

void rml_unit_sums_interval(const rml_unit_sums *s, const rml_draws *draws, double level,
                            double *scratch, rml_interval *out)
{
    *out = (rml_interval){.estimate = ratio_of(s),
                          .low = NAN,
                          .high = NAN,
                          .samples = s->samples,
                          .units = s->units,
                          .method = "undecided"};
    if (s->units < UNITS_MIN || !isfinite(out->estimate)) {
        return;
    }
    if (s->units >= BOOTSTRAP_UNITS_MIN && draws != NULL && draws->units == s->units) {
        bootstrap(s, draws, level, scratch, out);
        out->method = "cluster bootstrap";
        return;
    }
    double degrees;
    double error = standard_error(s, &degrees);
    double t = rml_student_quantile((1 + level) / 2, degrees);
    out->low = out->estimate - t * error;
    out->high = out->estimate + t * error;
    out->method = "t";
}

static rml_status interval(const double *const *a, const double *const *b, size_t seeds, size_t n,
                           const uint32_t *unit, bool relative, double level, uint64_t seed,
                           rml_interval *out, rml_error *err)
{
    rml_arena arena = {0};
    rml_unit_sums sums;
    rml_draws draws = {0};
    size_t units = 0;
    uint32_t *number = RML_NEW_ARRAY(&arena, uint32_t, n + 1);
    double *scratch = RML_NEW_ARRAY(&arena, double, RML_DRAWS);
    rml_status st = number && scratch ? RML_OK : rml_fail_memory(err, n * sizeof *number);
    st = st ? st : rml_units_number(unit, n, &arena, number, &units, err);
    st = st ? st : rml_unit_sums_make(a, b, seeds, n, number, units, relative, &arena, &sums, err);
    if (st == RML_OK && sums.units >= BOOTSTRAP_UNITS_MIN) {
        st = rml_draws_make(sums.units, seeds, seed, &arena, &draws, err);
    }
    if (st == RML_OK) {
        rml_unit_sums_interval(&sums, &draws, level, scratch, out);
    }
    rml_arena_reset(&arena);
    return st;
}

rml_status rml_interval_mean(const double *const *values, size_t seeds, size_t n,
                             const uint32_t *unit, double level, uint64_t seed, rml_interval *out,
                             rml_error *err)
{
    return interval(values, NULL, seeds, n, unit, false, level, seed, out, err);
}

rml_status rml_interval_paired(const double *const *a, const double *const *b, size_t seeds,
                               size_t n, const uint32_t *unit, bool relative, double level,
                               uint64_t seed, rml_interval *out, rml_error *err)
{
    return interval(a, b, seeds, n, unit, relative, level, seed, out, err);
}

// ---- Tests -------------------------------------------------------------------------------------

double rml_sign_flip(const double *unit_difference, size_t units, uint64_t seed)
{
    double seen = 0, size = 0;
    for (size_t u = 0; u < units; u++) {
        seen += unit_difference[u];
        size += fabs(unit_difference[u]);
    }
    if (units == 0 || isnan(seen)) {
        return NAN;
    }
    // Sums of the same numbers in another order differ by rounding; ties count as extreme.
    double bar = fabs(seen) - 1e-12 * size;
    bool exact = units <= FLIP_UNITS_EXACT;
    uint64_t flips = exact ? (uint64_t)1 << units : FLIPS, extreme = 0;
    for (uint64_t flip = 0; flip < flips; flip++) {
        double sum = 0;
        uint64_t signs = flip;
        for (size_t u = 0; u < units; u++) {
            if (!exact && u % 64 == 0) {
                signs = rml_random_u64(seed, STREAM_FLIPS + flip, u / 64);
            }
            sum += signs >> (u % 64) & 1 ? -unit_difference[u] : unit_difference[u];
        }
        extreme += fabs(sum) >= bar;
    }
    return exact ? (double)extreme / (double)flips
                 : (double)(extreme + 1) / (double)(flips + 1); // the data are one of the flips
}

double rml_unit_sums_smallest_change(const rml_unit_sums *s)
{
    if (s->units < UNITS_MIN) {
        return NAN;
    }
    double degrees;
    double error = standard_error(s, &degrees);
    return (rml_student_quantile(0.975, degrees) + rml_student_quantile(0.8, degrees)) * error;
}

double rml_smallest_change(const double *a, const double *b, size_t n, const uint32_t *unit)
{
    rml_arena arena = {0};
    rml_unit_sums sums;
    size_t units = 0;
    double change = NAN;
    uint32_t *number = RML_NEW_ARRAY(&arena, uint32_t, n + 1);
    if (number != NULL && rml_units_number(unit, n, &arena, number, &units, NULL) == RML_OK &&
        rml_unit_sums_make(&a, &b, 1, n, number, units, true, &arena, &sums, NULL) == RML_OK) {
        change = rml_unit_sums_smallest_change(&sums);
    }
    rml_arena_reset(&arena);
    return change;
}
