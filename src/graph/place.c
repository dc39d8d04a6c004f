// Outputs of a plan in memory of the caller's. The sums of leaves begin where the last op of each
// gradient ends, so a leaf writes them where they are summed.
#include <stdlib.h>
#include <string.h>

#include "plan.h"

static int by_root(const void *a, const void *b)
{
    const rml_slot *x = a, *y = b;
    return (x->root > y->root) - (x->root < y->root);
}

static void add(rml_plan *plan, const bool *wanted, rml_tensor t, void **at)
{
    rml_tensor root = t < 0 ? -1 : plan->roots[t];
    if (root >= 0 && wanted[root]) {
        size_t offset = (size_t)((uint8_t *)*at - (uint8_t *)plan->data[root]);
        plan->slots[plan->slot_count++] = (rml_slot){root, offset, *at, at};
    }
}

rml_status rml_plan_list_slots(rml_plan *plan, rml_error *err)
{
    size_t room = plan->tensor_count;
    for (size_t i = 0; i < plan->step_count; i++) {
        room += plan->steps[i].call.input_count + 2;
    }
    bool *wanted = RML_NEW_ARRAY(&plan->arena, bool, plan->tensor_count + 1);
    plan->slots = RML_NEW_ARRAY(&plan->arena, rml_slot, room + 1);
    if (wanted == NULL || plan->slots == NULL) {
        return rml_fail_memory(err, room * sizeof *plan->slots);
    }
    for (size_t i = 0; i < plan->output_count; i++) {
        if (plan->outputs[i] >= 0) {
            wanted[plan->roots[plan->outputs[i]]] = true;
        }
    }
    for (size_t i = 0; i < plan->step_count; i++) {
        rml_step *step = &plan->steps[i];
        for (size_t k = rml_step_first_input(step); k < step->call.input_count; k++) {
            add(plan, wanted, step->node->inputs[k], &step->in[k]);
        }
        add(plan, wanted, step->output, &step->call.out);
        add(plan, wanted, step->plus, &step->call.plus);
    }
    for (size_t i = 0; i < plan->tensor_count; i++) {
        add(plan, wanted, (rml_tensor)i, &plan->data[i]);
    }
    qsort(plan->slots, plan->slot_count, sizeof *plan->slots, by_root);
    return RML_OK;
}

bool rml_plan_can_place(const rml_plan *plan, const rml_tensor *outputs, size_t count, size_t index)
{
    rml_tensor output = outputs[index], root = plan->roots[output];
    bool own = rml_graph_tensor(plan->graph, root)->role == RML_ROLE_VALUE &&
               rml_plan_elements(plan, root) == rml_plan_elements(plan, output);
    for (size_t i = 0; own && i < count; i++) {
        own = i == index || plan->roots[outputs[i]] != root;
    }
    return own;
}

void rml_plan_place(rml_plan *plan, rml_tensor output, float *to)
{
    rml_slot key = {.root = plan->roots[output]};
    rml_slot *slot = bsearch(&key, plan->slots, plan->slot_count, sizeof *plan->slots, by_root);
    while (slot > plan->slots && slot[-1].root == key.root) {
        slot--;
    }
    for (; slot < plan->slots + plan->slot_count && slot->root == key.root; slot++) {
        *slot->at = to != NULL ? (uint8_t *)to + slot->offset : slot->own;
    }
}
