// Metric and baselines of the time until an agent stands: rows of the tables.
#ifndef ROADMILL_EVAL_STANDS_H
#define ROADMILL_EVAL_STANDS_H

#include "roadmill/eval.h"

// |answer - truth| in seconds.
void rml_stands_error(const rml_truth *truth, const rml_forecast *f, uint32_t k, double miss_m,
                      double *out);
// It drives on through the horizon.
rml_status rml_stands_never(const char *name, const rml_split_arrays *train,
                            const rml_split_arrays *of, uint64_t seed, rml_pool *pool,
                            rml_forecast *out, rml_error *err) RML_CHECKED;
// The median time of the training scenes whose focus drives about as fast (ten bins of as many).
rml_status rml_stands_blind(const char *name, const rml_split_arrays *train,
                            const rml_split_arrays *of, uint64_t seed, rml_pool *pool,
                            rml_forecast *out, rml_error *err) RML_CHECKED;

#endif
