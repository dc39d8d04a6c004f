// Muon's step of one matrix, beside AdamW's of all other parameters.
#ifndef RML_GRAPH_MUON_H
#define RML_GRAPH_MUON_H

#include "graph.h"

bool rml_muon_steps(const rml_muon *m, size_t parameter); // m may be NULL
// gradient: of the whole matrix. Its first moment is the momentum; the second stays as it is.
// Matrices of other parameters may be stepped at once by other workers.
void rml_muon_step(rml_muon *m, size_t parameter, const float *gradient, double clip,
                   const rml_adamw *options, size_t worker);

#endif
