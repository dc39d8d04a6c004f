// AdamW over all parameters in one pass, after one pass for the norm of all gradients.
//
// Source: Loshchilov and Hutter, ICLR 2019; the formula and its order as torch.optim.AdamW,
// clipping as torch.nn.utils.clip_grad_norm_. The norm adds blocks of RML_NORM_BLOCK in ascending
// order.
#include <math.h>

#include "muon.h"
#include "plan.h"
#include "roadmill/math.h"

typedef struct optimiser {
    rml_plan *plan;
    const rml_tensor *parameters, *gradients;
    rml_adamw_rates rates;
    rml_muon *muon;
    const rml_adamw *options;
    size_t first, end; // blocks of this process's share
} optimiser;

static void norm_tile(void *context, size_t tile, size_t worker)
{
    (void)worker;
    const optimiser *o = context;
    rml_block b = rml_block_at(o->plan->graph, o->parameters, o->first + tile);
    const void *gradient = o->plan->data[o->gradients[b.tensor]];
    double sum = 0.0;
    if (o->plan->f64) {
        for (size_t i = b.from; i < b.from + b.count; i++) {
            sum += ((const double *)gradient)[i] * ((const double *)gradient)[i];
        }
    } else {
        sum = o->plan->variant->squares((const float *)gradient + b.from, b.count);
    }
    o->plan->norms[o->first + tile] = sum;
}

static void adamw_f64(const rml_adamw_rates *r, size_t count, const double *gradient,
                      double *parameter, double *first, double *second)
{
    for (size_t i = 0; i < count; i++) {
        double g = gradient[i] * r->clip;
        first[i] += (g - first[i]) * (1.0 - r->beta1);
        second[i] = second[i] * r->beta2 + g * g * (1.0 - r->beta2);
        double divisor = sqrt(second[i]) * r->second_scale + r->epsilon;
        parameter[i] = parameter[i] * r->keep - first[i] * r->size / divisor;
    }
}

static void step_tile(void *context, size_t tile, size_t worker)
{
    (void)worker;
    const optimiser *o = context;
    rml_plan *plan = o->plan;
    rml_block b = rml_block_at(plan->graph, o->parameters, o->first + tile);
    if (rml_muon_steps(o->muon, b.tensor)) {
        return;
    }
    rml_tensor p = o->parameters[b.tensor], g = o->gradients[b.tensor];
    if (plan->f64) {
        adamw_f64(&o->rates, b.count, (const double *)plan->data[g] + b.from,
                  (double *)plan->data[p] + b.from, (double *)plan->moment[0][p] + b.from,
                  (double *)plan->moment[1][p] + b.from);
    } else {
        plan->variant->adamw(b.count, &o->rates, (const float *)plan->data[g] + b.from,
                             (float *)plan->data[p] + b.from, (float *)plan->moment[0][p] + b.from,
                             (float *)plan->moment[1][p] + b.from);
    }
}

static rml_adamw_rates rates_of(const rml_adamw *options, double norm)
{
    double step = (double)options->step;
    double clip = options->clip_norm > 0.0 ? options->clip_norm / (norm + 1e-6) : 1.0;
    double correct1 = 1.0 - rml_f64_pow(options->beta1, step);
    double correct2 = 1.0 - rml_f64_pow(options->beta2, step);
    return (rml_adamw_rates){
        .keep = 1.0 - options->learning_rate * options->weight_decay,
        .beta1 = options->beta1,
        .beta2 = options->beta2,
        .size = options->learning_rate / correct1,
        .epsilon = options->epsilon,
        .second_scale = 1.0 / sqrt(correct2),
        .clip = clip < 1.0 ? clip : 1.0,
    };
}

// A matrix whose first block lies in this process's share, as a whole: the products of its steps
// are too small to be shared out.
static void step_matrix(void *context, size_t parameter, size_t worker)
{
    const optimiser *o = context;
    size_t first = rml_block_count(o->plan->graph, o->parameters, parameter);
    if (first >= o->first && first < o->end && rml_muon_steps(o->muon, parameter)) {
        rml_muon_step(o->muon, parameter, o->plan->data[o->gradients[parameter]], o->rates.clip,
                      o->options, worker);
    }
}

rml_status rml_plan_adamw_share(rml_plan *plan, const rml_tensor *parameters,
                                const rml_tensor *gradients, size_t count, const rml_adamw *options,
                                rml_muon *muon, rml_shares *shares, rml_pool *pool, double *norm,
                                rml_error *err)
{
    size_t blocks = rml_block_count(plan->graph, parameters, count);
    size_t first = rml_shares_first(shares, shares->rank);
    size_t end = rml_shares_first(shares, shares->rank + 1);
    first = first < blocks ? first : blocks;
    end = end < blocks ? end : blocks;
    optimiser o = {.plan = plan,
                   .parameters = parameters,
                   .gradients = gradients,
                   .muon = muon,
                   .options = options,
                   .first = first,
                   .end = end};
    rml_pool_run(pool, end - first, norm_tile, &o);
    RML_TRY(rml_shares_spread_numbers(shares, plan->norms, blocks, err));
    double sum = 0.0;
    for (size_t i = 0; i < blocks; i++) {
        sum += plan->norms[i];
    }
    *norm = sqrt(sum);
    if (isfinite(*norm)) {
        o.rates = rates_of(options, *norm);
        rml_pool_run(pool, end - first, step_tile, &o);
        if (muon != NULL) {
            rml_pool_run(pool, count, step_matrix, &o);
        }
    }
    return RML_OK;
}

double rml_plan_adamw(rml_plan *plan, const rml_tensor *parameters, const rml_tensor *gradients,
                      size_t count, const rml_adamw *options, rml_pool *pool)
{
    double norm = NAN;
    rml_shares all = {.rank_count = 1, .graph = plan->graph, .tensors = parameters};
    all.blocks = rml_block_count(plan->graph, parameters, count);
    rml_status st = rml_plan_adamw_share(plan, parameters, gradients, count, options, NULL, &all,
                                         pool, &norm, NULL);
    return st == RML_OK ? norm : NAN;
}
