// What the importers of scenario formats share: collecting tracks, map elements, rejects and what
// is passed over, then handing them out as one rml_traffic, sorted by id.
#ifndef ROADMILL_WORLD_BUILDER_H
#define ROADMILL_WORLD_BUILDER_H

#include "roadmill/world.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rml_traffic_builder {
    rml_arena *arena; // holds what is handed out
    rml_array states; // rml_track_state of the track at hand
    rml_array tracks, elements, rejects, ignored;
    rml_map track_ids, element_ids, ignored_names;
    uint64_t states_in;
} rml_traffic_builder;

// An empty builder; texts and the traffic live in the arena.
RML_API void rml_traffic_builder_init(rml_traffic_builder *b, rml_arena *arena);
RML_API void rml_traffic_builder_reset(rml_traffic_builder *b);

// A state of the track at hand. One that does not come after the state before becomes a reject.
RML_API rml_status rml_traffic_builder_state(rml_traffic_builder *b, const rml_track_state *state,
                                             rml_str track_id, uint64_t offset, rml_error *err)
    RML_CHECKED;
// A state of the source that is no row. track_id is copied, reason is static text.
RML_API rml_status rml_traffic_builder_reject(rml_traffic_builder *b, rml_str track_id,
                                              uint64_t offset, const char *reason, rml_error *err)
    RML_CHECKED;
// Ends the track at hand: gives it the states collected, unless there are none. Texts are copied; a
// track_id that is there already is RML_ERR_DATA.
RML_API rml_status rml_traffic_builder_track(rml_traffic_builder *b, rml_track track, rml_place at,
                                             rml_error *err) RML_CHECKED;
// Everything in the element is copied, except polylines and lists, which lie in the arena already.
// A centre without points becomes the middle of the bounds.
RML_API rml_status rml_traffic_builder_element(rml_traffic_builder *b, rml_map_element element,
                                               rml_place at, rml_error *err) RML_CHECKED;
RML_API rml_status rml_traffic_builder_ignore(rml_traffic_builder *b, rml_str name, rml_error *err)
    RML_CHECKED;
// Sorts, copies into the arena and sets the lists and counts of out.
RML_API rml_status rml_traffic_builder_finish(rml_traffic_builder *b, rml_traffic *out,
                                              rml_error *err) RML_CHECKED;

// A copy of count items of an array in the arena; NULL (err filled) when there is no memory.
RML_API rml_status rml_copy_array(rml_arena *arena, const rml_array *from, const void **out,
                                  rml_error *err) RML_CHECKED;
RML_API rml_status rml_copy_str(rml_arena *arena, rml_str from, rml_str *out, rml_error *err)
    RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
