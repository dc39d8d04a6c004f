// train: parameters and moments of a plan in safetensors files. Private.
#ifndef ROADMILL_TRAIN_WEIGHTS_H
#define ROADMILL_TRAIN_WEIGHTS_H

#include "roadmill/codec.h"
#include "roadmill/store.h"
#include "roadmill/train.h"

#include "safetensors.h"

// What files hold of a plan: each parameter, or its two moments under "first." and "second.".
typedef struct rml_members {
    rml_arena arena;
    rml_safetensor *list;
    float **data;       // by member, where they do not stand in a plan
    rml_plan *plan;     // NULL: they are at data
    rml_plan_slice *in; // of the plan, by member
    size_t count;
} rml_members;
RML_CHECKED rml_status rml_members_make(const rml_graph *g, rml_plan *plan, bool moments,
                                        rml_members *out, rml_error *err);
void rml_members_free(rml_members *m);
// All of a member's numbers, out to `to` or in from `from`.
RML_CHECKED rml_status rml_members_get(const rml_members *m, size_t i, float *to, rml_error *err);
RML_CHECKED rml_status rml_members_put(const rml_members *m, size_t i, const void *from,
                                       rml_error *err);
// Member i from the tensors of a file.
RML_CHECKED rml_status rml_members_take(const rml_members *m, size_t i, const rml_array *tensors,
                                        rml_str file, rml_error *err);

// hash (may be NULL): of the file.
RML_CHECKED rml_status rml_state_save(const char *path, const rml_graph *g, rml_plan *plan,
                                      rml_hash *hash, rml_error *err);
// The file must hold exactly the tensors of the plan.
RML_CHECKED rml_status rml_state_load(const char *path, const rml_graph *g, rml_plan *plan,
                                      rml_error *err);

#endif
