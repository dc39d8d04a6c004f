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

// The one step that reads a value, but for what only needs a GELU's slope; 0: another number.
static size_t only_reader(const rml_plan *plan, size_t from, rml_tensor value)
{
    size_t found = 0;
    for (size_t i = from; i < plan->step_count; i++) {
        const rml_node_data *n = plan->steps[i].node;
        bool slope = n->op == &rml_row_gelu_backward;
        for (size_t k = slope ? 1 : 0; k < n->input_count; k++) {
            if (n->inputs[k] >= 0 && plan->roots[n->inputs[k]] == value) {
                if (found != 0) {
                    return 0;
                }
                found = i;
            }
        }
        if (plan->steps[i].plus >= 0 && plan->roots[plan->steps[i].plus] == value) {
            return 0;
        }
    }
    return found;
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

static void take_behind(rml_plan *plan, size_t index, const struct epilogue *e)
{
    rml_step *step = &plan->steps[index];
    size_t behind = only_reader(plan, index + 1, step->output);
    const rml_node_data *n = behind > 0 ? plan->steps[behind].node : NULL;
    if (n == NULL || n->op != e->behind || is_output(plan, step->output)) {
        return;
    }
    if (e->behind == &rml_row_gelu) {
        step->call.gelu = n->inputs[0] == step->output;
        if (!step->call.gelu) { // it reads a view
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

// The slope shares the error function with GELU and takes the place of the input: backward is one
// product.
static void share_slope(rml_plan *plan, size_t index)
{
    rml_step *back = &plan->steps[index];
    for (size_t i = 0; i < index; i++) {
        rml_step *step = &plan->steps[i];
        bool alone = step->node->op == &rml_row_gelu;
        rml_tensor input = alone ? step->node->inputs[0] : step->node->output;
        if ((alone || step->call.gelu) && step->side_last == 0 && input == back->node->inputs[0]) {
            step->fused = alone ? RML_KERNEL_GELU_SLOPE : RML_KERNEL_NONE;
            step->side_last = index;
            back->fused = RML_KERNEL_MUL;
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
        if (plan->steps[i].node->op == &rml_row_gelu_backward) {
            share_slope(plan, i);
        }
    }
}
