// What the enums of this room are called in tables and files; each table serves both ways.
#include "roadmill/world.h"

static const char *const classes[] = {
    [RML_AGENT_UNKNOWN] = "unknown",       [RML_AGENT_CAR] = "car",
    [RML_AGENT_TRUCK] = "truck",           [RML_AGENT_BUS] = "bus",
    [RML_AGENT_MOTORCYCLE] = "motorcycle", [RML_AGENT_BICYCLE] = "bicycle",
    [RML_AGENT_PEDESTRIAN] = "pedestrian", [RML_AGENT_STATIC] = "static",
};
static const char *const marks[] = {
    [RML_TRACK_MEASURED] = "measured",
    [RML_TRACK_COASTED] = "coasted",
    [RML_TRACK_INTERPOLATED] = "interpolated",
    [RML_TRACK_OCCLUDED] = "occluded",
};
static const char *const causalities[] = {
    [RML_CAUSALITY_UNKNOWN] = "unknown",
    [RML_CAUSALITY_ONLINE] = "online",
    [RML_CAUSALITY_OFFLINE] = "offline",
};
static const char *const kinds[] = {
    [RML_MAP_LANE] = "lane",
    [RML_MAP_CROSSWALK] = "crosswalk",
    [RML_MAP_BOUNDARY] = "boundary",
    [RML_MAP_AREA] = "area",
};

#define NAMES(texts)                                                                               \
    {                                                                                              \
        texts, sizeof(texts) / sizeof((texts)[0])                                                  \
    }
const rml_names rml_agent_classes = NAMES(classes);
const rml_names rml_track_marks = NAMES(marks);
const rml_names rml_causalities = NAMES(causalities);
const rml_names rml_map_kinds = NAMES(kinds);

const char *rml_agent_class_name(rml_agent_class c)
{
    return rml_names_text(&rml_agent_classes, (size_t)c);
}

bool rml_agent_class_parse(rml_str text, rml_agent_class *out)
{
    size_t value = 0;
    bool found = rml_names_find(&rml_agent_classes, text, &value);
    *out = found ? (rml_agent_class)value : *out;
    return found;
}

const char *rml_track_mark_name(rml_track_mark mark)
{
    return rml_names_text(&rml_track_marks, (size_t)mark);
}

bool rml_track_mark_parse(rml_str text, rml_track_mark *out)
{
    size_t value = 0;
    bool found = rml_names_find(&rml_track_marks, text, &value);
    *out = found ? (rml_track_mark)value : *out;
    return found;
}

const char *rml_causality_name(rml_causality causality)
{
    return rml_names_text(&rml_causalities, (size_t)causality);
}

bool rml_causality_parse(rml_str text, rml_causality *out)
{
    size_t value = 0;
    bool found = rml_names_find(&rml_causalities, text, &value);
    *out = found ? (rml_causality)value : *out;
    return found;
}

const char *rml_map_kind_name(rml_map_kind kind)
{
    return rml_names_text(&rml_map_kinds, (size_t)kind);
}

bool rml_map_kind_parse(rml_str text, rml_map_kind *out)
{
    size_t value = 0;
    bool found = rml_names_find(&rml_map_kinds, text, &value);
    *out = found ? (rml_map_kind)value : *out;
    return found;
}
