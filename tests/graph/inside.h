// Where a tensor's numbers lie in a plan of this machine, for tests of the room itself.
#ifndef RML_TESTS_GRAPH_INSIDE_H
#define RML_TESTS_GRAPH_INSIDE_H

#include "plan.h"

static inline void *plan_data(rml_plan *plan, rml_tensor t)
{
    return rml_plan_keeps(plan, t) ? plan->data[t] : NULL;
}

#endif
