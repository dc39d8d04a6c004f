// Patterns of steps that are cheaper together. They change no bit: the same numbers are computed in
// the same order, but not written down and read again in between, or not computed twice.
#include <string.h>

#include "ops/rows.h"
#include "plan.h"

// ---- Epilogues ---------------------------------------------------------------------------------

// A product and what alone reads its output.
static const struct epilogue {
    const rml_op *product, *behind;
    const char *name;
} epilogues[] = {
    {&rml_row_linear, &rml_row_gelu, "linear+gelu"},
    {&rml_row_linear, &rml_row_add, "linear+add"},
    {&rml_row_matmul, &rml_row_add, "matmul+add"},
    {&rml_row_matmul, &rml_row_gelu_backward, "matmul+gelu_backward"},
};

static bool is_output(const rml_plan *plan, rml_tensor root)
{
    for (size_t i = 0; i < plan->output_count; i++) {
        if (plan->outputs[i] >= 0 && plan->roots[plan->outputs[i]] == root) {
            return true;
        }
    }
    return false;
}

static bool reads(const rml_plan *plan, const rml_step *step, rml_tensor value)
{
    bool found = step->plus >= 0 && plan->roots[step->plus] == value;
    for (size_t k = 0; k < step->node->input_count; k++) {
        rml_tensor t = step->node->inputs[k];
        found = found || (t >= 0 && plan->roots[t] == value);
    }
    return found;
}

// The one step that reads what a step puts out; 0: there is another number. `behind` is its op.
// Behind a GELU one gradient may read it too: that takes the slope in its place (share_slope).
static size_t only_reader(const rml_plan *plan, size_t index, const rml_op *behind)
{
    rml_tensor value = plan->steps[index].output;
    size_t found = 0, readers = 0, slopes = 0;
    for (size_t i = index + 1; i < plan->step_count; i++) {
        const rml_node_data *n = plan->steps[i].node;
        if (!reads(plan, &plan->steps[i], value)) {
            continue;
        }
        if (behind == &rml_row_gelu && n->op == &rml_row_gelu_backward && n->inputs[0] == value &&
            plan->roots[n->inputs[1]] != value) {
            slopes++;
        } else {
            readers++;
            found = i;
        }
    }
    return readers == 1 && slopes <= 1 && plan->steps[found].node->op == behind ? found : 0;
}

static bool is_there_before(const rml_plan *plan, size_t step, rml_tensor t)
{
    for (size_t i = step; i < plan->step_count; i++) {
        if (plan->steps[i].output == plan->roots[t]) {
            return false;
        }
    }
    return true;
}

// The other input of an addition of two tensors of one shape; -1: it is none.
static rml_tensor addend(const rml_plan *plan, const rml_node_data *n, rml_tensor value)
{
    const rml_shape *shape = &rml_graph_tensor(plan->graph, value)->shape;
    rml_tensor other = n->inputs[0] == value ? n->inputs[1] : n->inputs[0];
    bool whole = n->inputs[0] != n->inputs[1] && (n->inputs[0] == value || n->inputs[1] == value) &&
                 rml_shape_equal(&rml_graph_tensor(plan->graph, other)->shape, shape);
    return whole ? other : -1;
}

static bool makes_gelu_of(const rml_step *step, rml_tensor input)
{
    return step->node->op == &rml_row_gelu ? step->node->inputs[0] == input
                                           : step->call.gelu && step->node->output == input;
}

// The input of the GELU whose gradient n is, where n takes the whole of `value` for dy and a step
// before puts that GELU's slope down for it alone; else -1.
static rml_tensor slope_for(const rml_plan *plan, size_t index, const rml_node_data *n,
                            rml_tensor value)
{
    const rml_graph *g = plan->graph;
    rml_tensor input = n->inputs[0];
    size_t gradients = 0;
    bool made = false;
    for (size_t i = 0; i < plan->step_count; i++) {
        const rml_node_data *other = plan->steps[i].node;
        gradients += other->op == &rml_row_gelu_backward && other->inputs[0] == input;
        made = made || (i < index && makes_gelu_of(&plan->steps[i], input));
    }
    bool whole = plan->roots[n->inputs[1]] == value && plan->roots[input] != value &&
                 rml_shape_count(&rml_graph_tensor(g, value)->shape) ==
                     rml_shape_count(&rml_graph_tensor(g, n->output)->shape);
    return made && gradients == 1 && whole ? input : -1;
}

static void take_behind(rml_plan *plan, size_t index, const struct epilogue *e)
{
    rml_step *step = &plan->steps[index];
    size_t behind = is_output(plan, step->output) ? 0 : only_reader(plan, index, e->behind);
    if (behind == 0) {
        return;
    }
    const rml_node_data *n = plan->steps[behind].node;
    if (e->behind == &rml_row_gelu) {
        step->call.gelu = n->inputs[0] == step->output;
        if (!step->call.gelu) { // it reads a view
            return;
        }
    } else if (e->behind == &rml_row_gelu_backward) {
        step->slope_of = slope_for(plan, index, n, step->output);
        if (step->slope_of < 0) {
            return;
        }
    } else {
        rml_tensor plus = addend(plan, n, step->output);
        if (plus < 0 || !is_there_before(plan, index, plus)) {
            return;
        }
        step->plus = plus;
    }
    step->name = e->name;
    step->output = n->output;
    plan->step_count--;
    memmove(plan->steps + behind, plan->steps + behind + 1,
            (plan->step_count - behind) * sizeof *plan->steps);
}

// ---- GELU and its slope ------------------------------------------------------------------------

// The slope shares the exponential with GELU and takes the place of the input: backward is a
// multiplication, of its own or in the epilogue of the product before it.
static void share_slope(rml_plan *plan, size_t index)
{
    rml_step *back = &plan->steps[index];
    bool joined = back->slope_of >= 0;
    rml_tensor input = joined ? back->slope_of : back->node->inputs[0];
    for (size_t i = 0; i < index; i++) {
        rml_step *step = &plan->steps[i];
        if (step->side_last == 0 && makes_gelu_of(step, input)) {
            step->fused = step->call.gelu ? RML_KERNEL_NONE : RML_KERNEL_GELU_SLOPE;
            step->side_last = index;
            back->fused = joined ? RML_KERNEL_NONE : RML_KERNEL_MUL;
            back->side_from = i + 1;
            return;
        }
    }
}

void rml_plan_fuse(rml_plan *plan)
{
    if (plan->f64) {
        return;
    }
    for (size_t i = 0; i < plan->step_count; i++) {
        for (size_t k = 0; k < sizeof epilogues / sizeof *epilogues; k++) {
            const rml_step *step = &plan->steps[i];
            if (step->output == step->node->output && step->node->op == epilogues[k].product) {
                take_behind(plan, i, &epilogues[k]);
            }
        }
    }
    for (size_t i = 0; i < plan->step_count; i++) {
        if (plan->steps[i].node->op == &rml_row_gelu_backward || plan->steps[i].slope_of >= 0) {
            share_slope(plan, i);
        }
    }
}
