// A recipe's channel as found in a recording: which table and topic, and its samples as numbers.
#ifndef ROADMILL_RECIPE_EGO_CHANNEL_H
#define ROADMILL_RECIPE_EGO_CHANNEL_H

#include "recipe.h"
#include "types.h"

enum { EGO_SAMPLES_MAX = 50000000 };

typedef struct ego_source {
    rml_str table; // "signals_..."; empty: the recording has no such channel
    bool is_query; // table is a query in brackets: signals of a CAN frame side by side
    rml_str topic;
    const type_alias *alias; // its type is another one that stands for the channel's; or NULL
} ego_source;

// The topic asked for, or the one with most messages (ties: the first by name).
rml_status rml_ego_source_find(rml_lake *lake, rml_arena *arena, rml_str recording_id,
                               const recipe_channel *channel, ego_source *out, rml_error *err)
    RML_CHECKED;

// A sample that is passed over, and why.
typedef struct ego_drop {
    uint64_t index; // number of the message, in the order of reading
    enum { EGO_DROP_NO_TIME, EGO_DROP_CONDITION } why;
    size_t condition; // of the channel's `keep`
} ego_drop;

// Samples of one channel. Those that its conditions pass over are out of `times` and `values`, and
// told in `dropped`.
typedef struct ego_samples {
    rml_array times;                   // int64_t
    rml_array values[RML_EGO_COLUMNS]; // double; filled where the recipe takes it from here
    rml_array frames;                  // rml_str, of the driver if its frame is a field
    rml_array arrivals; // uint64_t: number of the message, in the order of reading; of the driver
    rml_array dropped;  // ego_drop
    uint64_t read;      // times.count + dropped.count
} ego_samples;

// is_driver: in order of arrival, with the frame; otherwise sorted by time. origin: given if its
// latitude is a number, else set to the first fix that a function of positions meets.
rml_status rml_ego_samples_load(rml_lake *lake, rml_arena *arena, rml_str recording_id,
                                const rml_recipe *recipe, size_t channel, const ego_source *source,
                                rml_geodetic *origin, ego_samples *out, rml_error *err) RML_CHECKED;
void rml_ego_samples_reset(ego_samples *s);

#endif
