// Muon: the momentum of a weight matrix, made orthogonal by five Newton-Schulz steps, is its
// update. The steps are a small graph for each shape, on the engine's own products.
//
// Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024
// (coefficients, Nesterov momentum); Liu et al., arXiv:2502.16982 (the factor 0.2 sqrt(max(m, n)),
// so that AdamW's learning rate and decay fit). The order of a step is that of torch.optim.Muon.
#include "muon.h"

#include <math.h>

#include "plan.h"

enum { ITERATIONS = 5 };
static const double A = 3.4445, B = -4.7750, C = 2.0315, TINY = 1e-7;

typedef struct shape_plan {
    uint32_t rows, columns; // rows <= columns
    rml_graph *graph;
    rml_plan *plan;
    rml_tensor x, out;
} shape_plan;

struct rml_muon {
    rml_plan *plan;
    const rml_tensor *parameters;
    size_t count;
    double momentum;
    bool *is_matrix; // by parameter: it is stepped here
    size_t *plan_of; // by parameter
    size_t workers;
    shape_plan *plans; // [workers][count], of each one for each shape
    size_t plan_count; // shapes
};

static rml_tensor iteration(rml_graph *g, rml_tensor x)
{
    rml_tensor gram = rml_op_matmul(g, x, x, true);
    rml_tensor square = rml_op_matmul(g, gram, gram, false);
    rml_tensor mix = rml_op_add(g, rml_op_scale(g, gram, B), rml_op_scale(g, square, C));
    return rml_op_add(g, rml_op_scale(g, x, A), rml_op_matmul(g, mix, x, false));
}

static rml_status shape_plan_make(shape_plan *p, const rml_variant *backend, rml_error *err)
{
    RML_TRY(rml_graph_make(&p->graph, err));
    rml_shape shape = {2, {p->rows, p->columns}};
    p->x = rml_graph_input(p->graph, "momentum", shape);
    p->out = p->x;
    for (int i = 0; i < ITERATIONS; i++) {
        p->out = iteration(p->graph, p->out);
    }
    RML_TRY(rml_graph_status(p->graph, err));
    rml_plan_options options = {.backend = backend};
    return rml_plan_make(p->graph, &p->out, 1, 0, &options, &p->plan, err);
}

static rml_status take_shape(rml_muon *m, size_t parameter, const rml_shape *shape, rml_error *err)
{
    uint32_t rows = shape->size[0], columns = shape->size[1];
    shape_plan want = {.rows = rows < columns ? rows : columns,
                       .columns = rows < columns ? columns : rows};
    m->is_matrix[parameter] = true;
    for (size_t i = 0; i < m->plan_count; i++) {
        if (m->plans[i].rows == want.rows && m->plans[i].columns == want.columns) {
            m->plan_of[parameter] = i;
            return RML_OK;
        }
    }
    m->plan_of[parameter] = m->plan_count;
    for (size_t w = 0; w < m->workers; w++) {
        shape_plan *p = &m->plans[w * m->count + m->plan_count];
        *p = want;
        RML_TRY(shape_plan_make(p, m->plan->variant, err));
    }
    m->plan_count++;
    return RML_OK;
}

rml_status rml_muon_make(rml_plan *plan, const rml_tensor *parameters, const bool *matrices,
                         size_t count, double momentum, size_t threads, rml_muon **out,
                         rml_error *err)
{
    rml_muon *m = rml_heap_make(sizeof *m);
    *out = NULL;
    if (m == NULL) {
        return rml_fail_memory(err, sizeof *m);
    }
    *m = (rml_muon){.plan = plan,
                    .parameters = parameters,
                    .count = count,
                    .momentum = momentum,
                    .workers = threads};
    m->is_matrix = rml_heap_make(count * sizeof *m->is_matrix);
    m->plan_of = rml_heap_make(count * sizeof *m->plan_of);
    m->plans = rml_heap_make(threads * count * sizeof *m->plans);
    bool room = m->is_matrix && m->plan_of && m->plans;
    rml_status st = room ? RML_OK : rml_fail_memory(err, threads * count * sizeof *m->plans);
    for (size_t i = 0; st == RML_OK && i < count; i++) {
        const rml_shape *shape = &rml_graph_tensor(plan->graph, parameters[i])->shape;
        if (matrices[i] && shape->rank == 2 && !plan->f64) {
            st = take_shape(m, i, shape, err);
        }
    }
    if (st != RML_OK) {
        rml_muon_free(m);
        return st;
    }
    *out = m;
    return RML_OK;
}

void rml_muon_free(rml_muon *m)
{
    if (m == NULL) {
        return;
    }
    for (size_t i = 0; m->plans != NULL && i < m->workers * m->count; i++) {
        rml_plan_free(m->plans[i].plan);
        rml_graph_free(m->plans[i].graph);
    }
    rml_heap_free(m->plans);
    rml_heap_free(m->plan_of);
    rml_heap_free(m->is_matrix);
    rml_heap_free(m);
}

bool rml_muon_steps(const rml_muon *m, size_t parameter)
{
    return m != NULL && m->is_matrix[parameter];
}

void rml_muon_step(rml_muon *m, size_t parameter, const float *gradient, double clip,
                   const rml_adamw *options, size_t worker)
{
    rml_tensor t = m->parameters[parameter];
    const rml_shape *shape = &rml_graph_tensor(m->plan->graph, t)->shape;
    uint32_t rows = shape->size[0], columns = shape->size[1];
    size_t count = (size_t)rows * columns;
    shape_plan *p = &m->plans[worker * m->count + m->plan_of[parameter]];
    const rml_variant *variant = m->plan->variant;
    rml_muon_rates rates = {.rows = rows,
                            .columns = columns,
                            .clip = (float)clip,
                            .keep = (float)m->momentum,
                            .take = (float)(1.0 - m->momentum)};
    float *x = p->plan->data[p->x];
    variant->muon_begin(&rates, gradient, m->plan->moment[0][t], x);
    double squares = 0;
    for (size_t from = 0; from < count; from += RML_NORM_BLOCK) {
        size_t left = count - from;
        squares += variant->squares(x + from, left < RML_NORM_BLOCK ? left : RML_NORM_BLOCK);
    }
    double norm = sqrt(squares);
    rates.over = (float)(1.0 / (norm > TINY ? norm : TINY));
    variant->muon_scale(&rates, x);
    rml_plan_run(p->plan, NULL);
    double size = options->learning_rate * 0.2 * sqrt((double)(rows > columns ? rows : columns));
    rates.size = (float)size;
    rates.decay = (float)(1.0 - options->learning_rate * options->weight_decay);
    variant->muon_end(&rates, p->plan->data[p->out], m->plan->data[t]);
}
