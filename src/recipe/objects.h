// Message types that list objects, as a table: where in a message they stand, and what they are.
#ifndef ROADMILL_RECIPE_OBJECTS_H
#define ROADMILL_RECIPE_OBJECTS_H

#include "nested.h"
#include "roadmill/recipe.h"
#include "roadmill/world/builder.h"

// What an object is: its class here, and as the source calls it (static text, or of the column).
typedef struct object_class {
    rml_agent_class agent_class;
    rml_str source_class;
} object_class;

// Paths are fields within an object, as rml_nested_at takes them; NULL: the type has no such thing.
typedef struct object_source {
    const char *type;   // "osi3.SensorView"
    const char *source; // what `tracks` calls it: "osi"
    // SQL over the signals table.
    const char *objects; // the list
    const char *host;    // the id of the vehicle that records
    const char *frame;   // the frame of the positions; NULL: the one world frame of the source
    const char *id, *x, *y, *z;
    const char *yaw, *quaternion; // one of both; quaternion: a struct of x, y, z, w
    const char *vx, *vy;
    const char *length, *width;
    object_class (*classify)(rml_nested object, size_t row);
    // SQL of what makes a map: lanes, boundaries and the projection's text.
    const char *lanes, *boundaries, *reference;
} object_source;

const object_source *rml_object_sources(size_t *count);

// ASAM OSI: lanes and boundaries of all rows of a query of (lanes, boundaries, reference) into the
// builder; an element of several messages counts once, as the first of them has it. reference: the
// first that is told, in the builder's arena.
rml_status rml_osi_map_read(rml_rows *rows, rml_traffic_builder *builder, rml_str *reference,
                            rml_error *err) RML_CHECKED;

#endif
