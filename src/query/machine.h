// Runs a plan for one binding of the actors at a time: vectors over the instants of the first one.
#ifndef ROADMILL_QUERY_MACHINE_H
#define ROADMILL_QUERY_MACHINE_H

#include "program.h"

#define RML_ABSENT UINT32_MAX

typedef struct rml_machine {
    const rml_query *q;
    const rml_world *w;
    size_t n, room; // instants of the first actor; what the vectors can hold
    const rml_track_state *instants;
    uint32_t *index; // [slots][room] the state of the actor in a slot, or RML_ABSENT
    uint32_t track[RML_QUERY_SLOTS];
    uint32_t bound[RML_QUERY_SLOTS]; // tracks that are taken
    size_t bound_count;
    double *numbers; // [levels][room]
    int8_t *truths;  // [levels][room]
    uint8_t *masks;  // [masks][room] where the answer can still change
    double *score;   // [room]
    int8_t *joined;  // [room] truth of the clauses so far
    uint32_t *since; // [room] where the first clause of a match held
    uint8_t *causes; // [room] bits: 1 << rml_unknown_cause met there; NULL: no track has one
    size_t level, mask, clause;
    uint64_t work;
} rml_machine;

rml_status rml_machine_make(rml_machine *m, const rml_query *q, const rml_world *w, rml_error *err)
    RML_CHECKED;
void rml_machine_reset(rml_machine *m);
// Binds the first actor: its states become the instants.
void rml_machine_focus(rml_machine *m, uint32_t track);
// Binds another; false if the two are never there together.
bool rml_machine_bind(rml_machine *m, uint32_t slot, uint32_t track);
void rml_machine_unbind(rml_machine *m);
bool rml_machine_is_bound(const rml_machine *m, uint32_t track);
// Leaves joined, since and score. Where not all actors are there it is unknown.
void rml_machine_run(rml_machine *m, const uint8_t *present);
// Vectors of the stack: the top, or so many below it; and the mask at hand.
static inline int8_t *rml_truth_at(rml_machine *m, size_t below)
{
    return m->truths + (m->level - 1 - below) * m->room;
}
static inline uint8_t *rml_mask_now(rml_machine *m)
{
    return m->masks + m->mask * m->room;
}
// The end of HOLD: the top becomes true in runs of at least ns of what is true, unknown in longer
// runs that what is unknown may make.
void rml_machine_hold(rml_machine *m, int64_t ns);
// The end of a clause, taken from the stack: it holds now, those before held at most ns ago.
void rml_machine_then(rml_machine *m, int64_t ns);
// What an ego of rows lacks for a step, as bits 1 << rml_unknown_cause; 0: nothing.
uint8_t rml_step_causes(const rml_machine *m, const rml_step *s);
// The end of an instant: the next stored stamp, or one step later where that is missing.
int64_t rml_instant_end(const rml_machine *m, size_t i);

#endif
