// Where a recording's messages of a type lie in the lake, and the drive that a recording is of.
#ifndef ROADMILL_RECIPE_SIGNALS_H
#define ROADMILL_RECIPE_SIGNALS_H

#include "roadmill/base.h"
#include "roadmill/lake.h"

// The table and topic of a recording's messages of a type: the topic asked for, or the one with
// most messages (ties: the first by name). Both empty if it has none. Text in the arena.
rml_status rml_signals_find(rml_lake *lake, rml_arena *arena, rml_str recording_id, rml_str type,
                            rml_str topic, rml_str *table, rml_str *found, rml_error *err)
    RML_CHECKED;

// RML_ERR_MISSING if there is no such recording. Text in the arena.
rml_status rml_recording_drive(rml_lake *lake, rml_arena *arena, rml_str recording_id,
                               rml_str *drive_id, rml_error *err) RML_CHECKED;

#endif
