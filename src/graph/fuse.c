// Patterns of steps that are cheaper together. They change no bit: what is put down in passing is
// what would be computed again.
#include "ops/rows.h"
#include "plan.h"

static const rml_fusion fusions[] = {
    // GELU's slope shares its error function with GELU, and takes the place of the input.
    {&rml_row_gelu, &rml_row_gelu_backward, RML_KERNEL_GELU_SLOPE, RML_KERNEL_MUL},
};

static const rml_fusion *fusion_of(const rml_op *backward)
{
    for (size_t i = 0; i < sizeof fusions / sizeof *fusions; i++) {
        if (fusions[i].backward == backward) {
            return &fusions[i];
        }
    }
    return NULL;
}

void rml_plan_fuse(rml_plan *plan)
{
    for (size_t i = 0; i < plan->step_count && !plan->f64; i++) {
        rml_step *back = &plan->steps[i];
        const rml_fusion *f = fusion_of(back->node->op);
        for (size_t k = 0; f != NULL && k < i; k++) {
            rml_step *step = &plan->steps[k];
            if (step->node->op == f->forward && step->fusion == NULL &&
                step->node->inputs[0] == back->node->inputs[0]) {
                step->fusion = back->fusion = f;
                step->side_last = i;
                back->side_from = k + 1;
                break;
            }
        }
    }
}
