// AdamW over all parameters in one pass, after one pass for the norm of all gradients.
//
// Source: Loshchilov and Hutter, ICLR 2019; the formula and its order as torch.optim.AdamW,
// clipping as torch.nn.utils.clip_grad_norm_. The norm adds blocks of RML_NORM_BLOCK in ascending
// order.
#include <math.h>

#include "plan.h"
#include "roadmill/math.h"

typedef struct optimiser {
    rml_plan *plan;
    const rml_tensor *parameters, *gradients;
    rml_adamw_rates rates;
} optimiser;

typedef struct block {
    size_t parameter, from, count;
} block;

// The tile's block: parameters one after another, cut into blocks.
static block block_of(const optimiser *o, size_t tile)
{
    for (size_t i = 0;; i++) {
        const rml_tensor_data *t = rml_graph_tensor(o->plan->graph, o->parameters[i]);
        size_t count = rml_shape_count(&t->shape), blocks = rml_ceil(count, RML_NORM_BLOCK);
        if (tile < blocks) {
            size_t from = tile * RML_NORM_BLOCK;
            return (block){i, from, count - from < RML_NORM_BLOCK ? count - from : RML_NORM_BLOCK};
        }
        tile -= blocks;
    }
}

static void norm_tile(void *context, size_t tile, size_t worker)
{
    (void)worker;
    const optimiser *o = context;
    block b = block_of(o, tile);
    const void *gradient = o->plan->data[o->gradients[b.parameter]];
    double sum = 0.0;
    if (o->plan->f64) {
        for (size_t i = b.from; i < b.from + b.count; i++) {
            sum += ((const double *)gradient)[i] * ((const double *)gradient)[i];
        }
    } else {
        sum = o->plan->variant->squares((const float *)gradient + b.from, b.count);
    }
    o->plan->norms[tile] = sum;
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
    block b = block_of(o, tile);
    rml_tensor p = o->parameters[b.parameter], g = o->gradients[b.parameter];
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

double rml_plan_adamw(rml_plan *plan, const rml_tensor *parameters, const rml_tensor *gradients,
                      size_t count, const rml_adamw *options, rml_pool *pool)
{
    optimiser o = {.plan = plan, .parameters = parameters, .gradients = gradients};
    size_t tiles = 0;
    for (size_t i = 0; i < count; i++) {
        const rml_tensor_data *t = rml_graph_tensor(plan->graph, parameters[i]);
        tiles += rml_ceil(rml_shape_count(&t->shape), RML_NORM_BLOCK);
    }
    rml_pool_run(pool, tiles, norm_tile, &o);
    double sum = 0.0;
    for (size_t i = 0; i < tiles; i++) {
        sum += plan->norms[i];
    }
    double norm = sqrt(sum), step = (double)options->step;
    if (!isfinite(norm)) {
        return norm;
    }
    double clip = options->clip_norm > 0.0 ? options->clip_norm / (norm + 1e-6) : 1.0;
    double correct1 = 1.0 - rml_f64_pow(options->beta1, step);
    double correct2 = 1.0 - rml_f64_pow(options->beta2, step);
    o.rates = (rml_adamw_rates){
        .keep = 1.0 - options->learning_rate * options->weight_decay,
        .beta1 = options->beta1,
        .beta2 = options->beta2,
        .size = options->learning_rate / correct1,
        .epsilon = options->epsilon,
        .second_scale = 1.0 / sqrt(correct2),
        .clip = clip < 1.0 ? clip : 1.0,
    };
    rml_pool_run(pool, tiles, step_tile, &o);
    return norm;
}
