// A vehicle's own way among others: from the axle to the centre of its box, from the times of its
// rows to those of a grid.
#ifndef ROADMILL_WORLD_EGO_H
#define ROADMILL_WORLD_EGO_H

#include "roadmill/world.h"

#ifdef __cplusplus
extern "C" {
#endif

// The time step of rows whose median distance is median_ns: 100 ms up to 105 ms, else the median to
// the next 10 ms. *interpolates: their states are to be put on a grid of that step; slower rows
// stay where they are, since a line between them would read too far ahead.
RML_API int64_t rml_ego_step(int64_t median_ns, bool *interpolates);
// Stamps of a grid from the first state of a track to its last, step_ns apart; int64_t items.
RML_API rml_status rml_ego_grid(const rml_track *track, int64_t step_ns, rml_array *times_ns,
                                rml_error *err) RML_CHECKED;
// The track at other times (rising), in the arena: the state of exactly that time, else linear
// between the one before and the one after, marked interpolated, if these are at most one and a
// half steps apart; else none. Angles the shorter way round. Nothing is extrapolated.
RML_API rml_status rml_track_at_times(const rml_track *track, const int64_t *times_ns, size_t count,
                                      int64_t step_ns, rml_arena *arena, rml_track *out,
                                      rml_error *err) RML_CHECKED;
// Moves states by so much along their recorded yaw, in place, and drops those without one; returns
// how many are left.
RML_API size_t rml_track_states_forward(rml_track_state *states, size_t count, double metres);

#ifdef __cplusplus
}
#endif
#endif
