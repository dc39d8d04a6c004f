// Metrics of forecasts: one number per sample. Formulas: docs/evaluation.md.
//
// The k most probable modes are judged; ties go to the mode that comes first. Probabilities are
// taken as stated, except in nll, where those of the k modes are scaled to sum to one.
#include <assert.h>
#include <math.h>
#include <string.h>

#include "roadmill/eval.h"
#include "roadmill/math.h"
#include "stands.h"

#define NLL_SIGMA_M 1.0 // of the isotropic Gaussian around each mode's end

// One sample, seen from a metric.
typedef struct sample {
    const float *truth, *valid;    // [steps, 2], [steps]
    const float *xy, *probability; // [modes, steps, 2], [modes]
    uint32_t steps, modes, k;
} sample;

static sample sample_of(const rml_truth *truth, const rml_forecast *f, size_t i, uint32_t k)
{
    size_t path = 2 * (size_t)truth->steps;
    return (sample){truth->xy + i * path,
                    truth->valid + i * truth->steps,
                    f->xy + i * f->modes * path,
                    f->probability + i * f->modes,
                    truth->steps,
                    f->modes,
                    k};
}

// Is mode m among the k most probable?
static bool is_chosen(const sample *s, uint32_t m)
{
    uint32_t before = 0;
    for (uint32_t other = 0; other < s->modes && before < s->k; other++) {
        float p = s->probability[other], own = s->probability[m];
        before += p > own || (p == own && other < m);
    }
    return before < s->k;
}

static double point_error(const sample *s, uint32_t mode, uint32_t step)
{
    const float *p = s->xy + 2 * ((size_t)mode * s->steps + step);
    double dx = (double)p[0] - (double)s->truth[2 * step];
    double dy = (double)p[1] - (double)s->truth[2 * step + 1];
    return sqrt(dx * dx + dy * dy);
}

// Mean over the valid steps; NaN without any.
static double ade_of(const sample *s, uint32_t mode)
{
    double sum = 0;
    size_t count = 0;
    for (uint32_t t = 0; t < s->steps; t++) {
        if (s->valid[t] > 0) {
            sum += point_error(s, mode, t);
            count++;
        }
    }
    return count > 0 ? sum / (double)count : NAN;
}

// At the last step; NaN where the truth is missing there.
static double fde_of(const sample *s, uint32_t mode)
{
    return s->valid[s->steps - 1] > 0 ? point_error(s, mode, s->steps - 1) : NAN;
}

// The smallest error of the chosen modes, and whose it is.
static double best_of(const sample *s, double (*error)(const sample *, uint32_t), uint32_t *mode)
{
    double best = NAN;
    for (uint32_t m = 0; m < s->modes; m++) {
        double e = is_chosen(s, m) ? error(s, m) : NAN;
        if (isnan(best) || e < best) {
            best = e;
            *mode = m;
        }
    }
    return best;
}

#define FOR_EACH_SAMPLE(truth, forecast, k, i, s)                                                  \
    assert((truth)->count == (forecast)->count && (truth)->steps == (forecast)->steps);            \
    for (size_t i = 0; i < (truth)->count; i++)                                                    \
        for (sample s = sample_of(truth, forecast, i, k), *once = &s; once != NULL; once = NULL)

static void min_ade(const rml_truth *truth, const rml_forecast *f, uint32_t k, double miss_m,
                    double *out)
{
    (void)miss_m;
    uint32_t mode = 0;
    FOR_EACH_SAMPLE(truth, f, k, i, s)
    {
        out[i] = best_of(&s, ade_of, &mode);
    }
}

static void min_fde(const rml_truth *truth, const rml_forecast *f, uint32_t k, double miss_m,
                    double *out)
{
    (void)miss_m;
    uint32_t mode = 0;
    FOR_EACH_SAMPLE(truth, f, k, i, s)
    {
        out[i] = best_of(&s, fde_of, &mode);
    }
}

static void miss_rate(const rml_truth *truth, const rml_forecast *f, uint32_t k, double miss_m,
                      double *out)
{
    min_fde(truth, f, k, miss_m, out);
    for (size_t i = 0; i < truth->count; i++) {
        out[i] = isnan(out[i]) ? NAN : out[i] > miss_m ? 1.0 : 0.0;
    }
}

static void brier_min_fde(const rml_truth *truth, const rml_forecast *f, uint32_t k, double miss_m,
                          double *out)
{
    (void)miss_m;
    FOR_EACH_SAMPLE(truth, f, k, i, s)
    {
        uint32_t mode = 0;
        double error = best_of(&s, fde_of, &mode);
        double doubt = 1.0 - (double)s.probability[mode];
        out[i] = error + doubt * doubt;
    }
}

static void nll(const rml_truth *truth, const rml_forecast *f, uint32_t k, double miss_m,
                double *out)
{
    (void)miss_m;
    const double scale = 1.0 / (2 * RML_PI * NLL_SIGMA_M * NLL_SIGMA_M);
    FOR_EACH_SAMPLE(truth, f, k, i, s)
    {
        uint32_t mode = 0;
        double sum = 0, total = 0, nearest = best_of(&s, fde_of, &mode);
        double least = nearest * nearest / (2 * NLL_SIGMA_M * NLL_SIGMA_M);
        for (uint32_t m = 0; m < s.modes; m++) {
            if (!is_chosen(&s, m)) {
                continue;
            }
            double e = fde_of(&s, m), p = (double)s.probability[m];
            // Relative to the nearest mode, so that far misses do not all become zero.
            sum += p * rml_f64_exp(least - e * e / (2 * NLL_SIGMA_M * NLL_SIGMA_M));
            total += p;
        }
        out[i] = least - rml_f64_log(sum / total * scale);
    }
}

// Differences of nll have no sensible ratio: it passes through zero.
static const rml_metric metrics[] = {
    {"min_ade_1", "m", 1, false, true, min_ade},
    {"min_ade_6", "m", 6, false, true, min_ade},
    {"min_fde_1", "m", 1, false, true, min_fde},
    {"min_fde_6", "m", 6, false, true, min_fde},
    {"miss_rate_1", "share", 1, false, true, miss_rate},
    {"miss_rate_6", "share", 6, false, true, miss_rate},
    {"brier_min_fde_1", "m", 1, true, true, brier_min_fde},
    {"brier_min_fde_6", "m", 6, true, true, brier_min_fde},
    {"nll_1", "nat", 1, true, false, nll},
    {"nll_6", "nat", 6, true, false, nll},
    {"stands_error", "s", 1, false, true, rml_stands_error},
};

const rml_metric *rml_metrics(size_t *count)
{
    *count = sizeof metrics / sizeof metrics[0];
    return metrics;
}

const rml_metric *rml_metric_find(const char *name)
{
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        if (strcmp(metrics[i].name, name) == 0) {
            return &metrics[i];
        }
    }
    return NULL;
}

double rml_calibration(const rml_truth *truth, const rml_forecast *f, double bins_confidence[10],
                       double bins_accuracy[10])
{
    double confidence[10] = {0}, hits[10] = {0}, error = 0;
    size_t count[10] = {0}, total = 0;
    FOR_EACH_SAMPLE(truth, f, 1, i, s)
    {
        uint32_t top = 0, best = 0;
        if (isnan(best_of(&s, fde_of, &top))) {
            continue;
        }
        s.k = s.modes;
        (void)best_of(&s, fde_of, &best);
        double p = (double)s.probability[top];
        int bin = p >= 1 ? 9 : p <= 0 ? 0 : (int)(p * 10);
        confidence[bin] += p;
        hits[bin] += top == best;
        count[bin]++;
        total++;
    }
    for (int b = 0; b < 10; b++) {
        double n = (double)count[b];
        confidence[b] = count[b] > 0 ? confidence[b] / n : NAN;
        hits[b] = count[b] > 0 ? hits[b] / n : NAN;
        error += count[b] > 0 ? n / (double)total * fabs(confidence[b] - hits[b]) : 0;
        if (bins_confidence != NULL && bins_accuracy != NULL) {
            bins_confidence[b] = confidence[b];
            bins_accuracy[b] = hits[b];
        }
    }
    return total > 0 ? error : NAN;
}
