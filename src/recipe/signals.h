// Where a recording's messages of a type lie in the lake, and the drive that a recording is of.
#ifndef ROADMILL_RECIPE_SIGNALS_H
#define ROADMILL_RECIPE_SIGNALS_H

#include "roadmill/base.h"
#include "roadmill/lake.h"

// Which topic of a type: the one of this name, else the one with most messages (ties: the first by
// name) whose name, in lower case, holds none of these words.
typedef struct rml_signals_topic {
    rml_str name; // empty: any
    const rml_str *without;
    size_t without_count;
} rml_signals_topic;

// The table and topic of a recording's messages of a type; a ROS type in either spelling, that of
// ROS 1 or of ROS 2. Both empty if it has none. Text in the arena.
rml_status rml_signals_find(rml_lake *lake, rml_arena *arena, rml_str recording_id, rml_str type,
                            const rml_signals_topic *topic, rml_str *table, rml_str *found,
                            rml_error *err) RML_CHECKED;

// RML_ERR_MISSING if there is no such recording. Text in the arena.
rml_status rml_recording_drive(rml_lake *lake, rml_arena *arena, rml_str recording_id,
                               rml_str *drive_id, rml_error *err) RML_CHECKED;

#endif
