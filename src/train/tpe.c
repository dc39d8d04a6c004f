// The tree-structured Parzen estimator with joint kernels.
#include "tpe.h"

#include <math.h>

#include "roadmill/base/random.h"
#include "roadmill/math.h"
#include "space.h"

enum { CANDIDATES = 24, ATTEMPTS = 1000 };
static const double GOOD_SHARE = 0.1;

// Random numbers of one trial, one after the other.
typedef struct draws {
    uint64_t seed, trial, used;
} draws;

static double draw(draws *d)
{
    return rml_random_f64(d->seed, d->trial, d->used++);
}

// Kernels at the results seen, and last the prior's in the middle.
typedef struct mixture {
    const rml_sweep_config *config;
    const rml_tpe_seen *seen;
    size_t count;
} mixture;

// How far the farther of the two neighbours is away; at an end of the row the only one.
static double neighbour_width(const rml_tpe_seen *seen, size_t count, size_t at, size_t axis)
{
    double here = seen[at].position[axis], below = -INFINITY, above = INFINITY;
    for (size_t i = 0; i < count; i++) {
        double there = seen[i].position[axis];
        if (there < here || (there == here && i < at)) {
            below = there > below ? there : below;
        } else if (i != at) {
            above = there < above ? there : above;
        }
    }
    double down = isfinite(below) ? here - below : isfinite(above) ? 0 : here;
    double up = isfinite(above) ? above - here : isfinite(below) ? 0 : 1 - here;
    double least = 1 / fmin(100, (double)count + 2);
    return fmin(1, fmax(least, fmax(down, up)));
}

static mixture mixture_of(const rml_sweep_config *c, rml_tpe_seen *seen, size_t count)
{
    for (size_t axis = 0; axis < c->axis_count; axis++) {
        for (size_t i = 0; i < count; i++) {
            seen[i].position[axis] = rml_axis_position(&c->axes[axis], seen[i].values[axis]);
        }
        bool choice = c->axes[axis].kind == RML_AXIS_CHOICE;
        for (size_t i = 0; i < count; i++) {
            seen[i].width[axis] = choice ? 0 : neighbour_width(seen, count, i, axis);
        }
    }
    return (mixture){c, seen, count};
}

// Probability that a kernel gives its own choice rather than one drawn evenly from all.
static double own_share(const mixture *m, bool prior, size_t choices)
{
    double spread = (double)choices / (double)(m->count + 1);
    return prior ? 0 : 1 / (1 + spread);
}

static double kernel_log_density(const mixture *m, size_t kernel, const double *values)
{
    bool prior = kernel == m->count;
    double sum = 0;
    for (size_t i = 0; i < m->config->axis_count; i++) {
        const rml_sweep_axis *a = &m->config->axes[i];
        double centre = prior ? 0.5 : m->seen[kernel].position[i];
        double width = prior ? 1 : m->seen[kernel].width[i];
        double at = rml_axis_position(a, values[i]);
        if (a->kind == RML_AXIS_CHOICE) {
            double own = own_share(m, prior, a->choice_count);
            double even = (1 - own) / (double)a->choice_count;
            sum += rml_f64_log(at == centre ? own + even : even);
            continue;
        }
        double inside = rml_normal_cdf((1 - centre) / width) - rml_normal_cdf(-centre / width);
        double z = (at - centre) / width;
        sum -= 0.5 * z * z + rml_f64_log(width * inside);
    }
    return sum;
}

static double log_density(const mixture *m, const double *values)
{
    double most = -INFINITY, sum = 0;
    for (size_t k = 0; k <= m->count; k++) {
        double density = kernel_log_density(m, k, values);
        most = density > most ? density : most;
    }
    for (size_t k = 0; k <= m->count; k++) {
        sum += rml_f64_exp(kernel_log_density(m, k, values) - most);
    }
    return most + rml_f64_log(sum / (double)(m->count + 1));
}

static double draw_choice(const rml_sweep_axis *a, draws *d)
{
    return a->choices[(size_t)(draw(d) * (double)a->choice_count)];
}

static void sample(const mixture *m, draws *d, double *values)
{
    size_t kernel = (size_t)(draw(d) * (double)(m->count + 1));
    bool prior = kernel == m->count;
    for (size_t i = 0; i < m->config->axis_count; i++) {
        const rml_sweep_axis *a = &m->config->axes[i];
        if (a->kind == RML_AXIS_CHOICE) {
            bool own = draw(d) < own_share(m, prior, a->choice_count);
            values[i] = own ? m->seen[kernel].values[i] : draw_choice(a, d);
            continue;
        }
        double centre = prior ? 0.5 : m->seen[kernel].position[i];
        double width = prior ? 1 : m->seen[kernel].width[i];
        double low = rml_normal_cdf(-centre / width), high = rml_normal_cdf((1 - centre) / width);
        double p = low + (high - low) * draw(d);
        double at = p > 0 && p < 1 ? centre + width * rml_normal_quantile(p) : centre;
        values[i] = rml_axis_value(a, at < 0 ? 0 : at > 1 ? 1 : at);
    }
}

static void sample_evenly(const rml_sweep_config *c, draws *d, double *values)
{
    for (size_t i = 0; i < c->axis_count; i++) {
        const rml_sweep_axis *a = &c->axes[i];
        values[i] = a->kind == RML_AXIS_CHOICE ? draw_choice(a, d) : rml_axis_value(a, draw(d));
    }
}

static bool is_new(const rml_sweep_config *c, const double *before, uint32_t trials,
                   const double *values)
{
    for (uint32_t t = 0; t < trials; t++) {
        size_t same = 0;
        while (same < c->axis_count && before[t * c->axis_count + same] == values[same]) {
            same++;
        }
        if (same == c->axis_count) {
            return false;
        }
    }
    return true;
}

static bool propose_evenly(const rml_sweep_config *c, const double *before, uint32_t trial,
                           draws *d, double *values)
{
    for (size_t i = 0; i < ATTEMPTS; i++) {
        sample_evenly(c, d, values);
        if (is_new(c, before, trial, values)) {
            return true;
        }
    }
    return false;
}

bool rml_tpe_propose(const rml_sweep_config *c, rml_tpe_seen *seen, size_t count,
                     const double *before, uint32_t trial, double *values)
{
    draws d = {c->seed, trial, 0};
    if (count < 2) {
        return propose_evenly(c, before, trial, &d, values);
    }
    size_t best = (size_t)ceil(GOOD_SHARE * (double)count);
    mixture good = mixture_of(c, seen, best), bad = mixture_of(c, seen + best, count - best);
    double most = -INFINITY;
    for (size_t i = 0; i < CANDIDATES; i++) {
        double candidate[RML_SWEEP_AXES];
        sample(&good, &d, candidate);
        double score = log_density(&good, candidate) - log_density(&bad, candidate);
        if (score > most && is_new(c, before, trial, candidate)) {
            most = score;
            for (size_t k = 0; k < c->axis_count; k++) {
                values[k] = candidate[k];
            }
        }
    }
    return most > -INFINITY || propose_evenly(c, before, trial, &d, values);
}
