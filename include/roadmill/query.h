// query: the language over situations. docs/query.md settles its meaning and is
// its manual. A program compiles once to a flat plan and then runs over any number of traffics.
//
// Half-open intervals on stored time stamps; three-valued logic, a missing value makes *unknown*,
// which is counted and never matches. Bounded: program text 64 KiB, plan 4,096 steps, actors per
// recording 4,096, 2e10 steps times instants a recording; explain states what a query costs.
#ifndef ROADMILL_QUERY_H
#define ROADMILL_QUERY_H

#include "roadmill/drive.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rml_query rml_query;
// A query from its text; file names it in errors, RML_ERR_DATA with line and column. The caller
// frees it.
RML_API rml_status rml_query_compile(rml_str text, rml_str file, rml_query **out, rml_error *err)
    RML_CHECKED;
RML_API void rml_query_free(rml_query *q);
RML_API void rml_query_hash(const rml_query *q, rml_hash *out); // of its meaning, not its layout

// An answer: [start_ns, end_ns) and the actors, as indices into traffic->tracks.
#define RML_QUERY_ACTORS_MAX 4
typedef struct rml_match {
    int64_t start_ns, end_ns;
    uint32_t actor_count;
    uint32_t actors[RML_QUERY_ACTORS_MAX];
    double score; // the tightest value of what was compared, see docs/query.md; NaN if none
} rml_match;
// Why something is unknown, where it is a recording's ego that lacks it (rml_track.is_point,
// is_apart).
typedef enum rml_unknown_cause {
    RML_UNKNOWN_EGO_SIZE,
    RML_UNKNOWN_EGO_FRAME,
    RML_UNKNOWN_CAUSES
} rml_unknown_cause;
RML_API const char *rml_unknown_cause_name(rml_unknown_cause cause); // "ego_has_no_known_size"
RML_API const char *rml_unknown_cause_text(rml_unknown_cause cause); // "ego has no known size"
typedef struct rml_query_count {
    uint64_t matches, unknown, evaluated; // actor-instants
    // Of the unknown ones, those where something that was asked for met this; may be both.
    uint64_t because[RML_UNKNOWN_CAUSES];
} rml_query_count;
// Appends rml_match items, sorted by start and actors, and adds to the counts (NULL: not counted).
// Thread-safe: any number of threads may run one query over different traffics.
RML_API rml_status rml_query_run(const rml_query *q, const rml_traffic *traffic, rml_array *matches,
                                 rml_query_count *count, rml_error *err) RML_CHECKED;
// The plan and what will be read, in words.
RML_API rml_status rml_query_explain(const rml_query *q, rml_buffer *out, rml_error *err)
    RML_CHECKED;
// Is the instant t inside a match whose first actor is this track? For slices of an evaluation.
RML_API bool rml_query_covers(const rml_array *matches, uint32_t track, int64_t t_ns);

// ---- Over a lake -------------------------------------------------------------------------------

// What a query would touch there, before it runs.
typedef struct rml_query_price {
    uint64_t recordings, tracks, states;
    uint64_t points; // recordings whose ego has no known size
    double steps;    // at most: plan steps times instants, over all bindings of actors
} rml_query_price;
RML_API rml_status rml_query_price_of(rml_lake *lake, const rml_query *q, rml_query_price *out,
                                      rml_error *err) RML_CHECKED;

// All that is left at zero: every recording, nothing saved, nobody told.
typedef struct rml_find_options {
    rml_str text; // the query as it was written
    bool save;    // its matches become rows of `events`, in the place of its earlier ones
    // Told of each recording with matches, in the order of recording_ids; everything is borrowed
    // until it returns. A failure ends the search.
    rml_status (*tell)(void *context, const rml_traffic *traffic, const rml_match *matches,
                       size_t count, rml_error *err);
    void *context;
    const rml_progress *progress;
} rml_find_options;
typedef struct rml_find_result {
    uint64_t recordings;
    rml_query_count count;
} rml_find_result;
RML_API rml_status rml_query_find(rml_lake *lake, const rml_query *q,
                                  const rml_find_options *options, rml_find_result *out,
                                  rml_error *err) RML_CHECKED;
// A picture from above at the start of a match: the first actor is the focus; the ways of all
// actors until its end.
RML_API rml_status rml_match_plot(const rml_query *q, const rml_traffic *traffic,
                                  const rml_match *match, double width_px, rml_buffer *svg,
                                  rml_error *err) RML_CHECKED;

// The actors of a query, in the order in which they are declared.
RML_API size_t rml_query_actor_count(const rml_query *q);
RML_API rml_str rml_query_actor_name(const rml_query *q, size_t index); // borrowed

RML_API rml_schema rml_event_table(void); // of `events`
// A row; text is the query as it was written.
RML_API rml_status rml_event_append(rml_batch *batch, const rml_query *q, rml_str text,
                                    const rml_traffic *traffic, const rml_match *match,
                                    rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
