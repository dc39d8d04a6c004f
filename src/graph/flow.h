// A plan on several threads without a wait at each op: a step begins as soon as those are done
// whose values it reads and those that still need the memory it writes. What is computed does not
// depend on the order, for tiles write apart and each is computed by one worker.
#ifndef RML_GRAPH_FLOW_H
#define RML_GRAPH_FLOW_H

#include "graph.h"

// One for each step, each in lines of its own: workers write to neighbours at the same time.
typedef struct rml_flow_step rml_flow_step;

// What each step of a plan waits for. Its pointers are set.
rml_status rml_flow_make(rml_plan *plan, rml_error *err) RML_CHECKED;
// Runs all steps. Not from two threads at once.
void rml_flow_run(rml_plan *plan, rml_pool *pool);
void rml_flow_free(rml_flow_step *flow);

#endif
