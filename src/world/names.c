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

#define COUNT(names) (sizeof(names) / sizeof((names)[0]))

static const char *name_of(const char *const *names, size_t count, size_t value)
{
    return value < count ? names[value] : "unknown";
}

static bool value_of(const char *const *names, size_t count, rml_str text, size_t *out)
{
    for (size_t i = 0; i < count; i++) {
        if (rml_str_equal(text, rml_str_of(names[i]))) {
            *out = i;
            return true;
        }
    }
    return false;
}

const char *rml_agent_class_name(rml_agent_class c)
{
    return name_of(classes, COUNT(classes), (size_t)c);
}

bool rml_agent_class_parse(rml_str text, rml_agent_class *out)
{
    size_t value = 0;
    bool found = value_of(classes, COUNT(classes), text, &value);
    *out = found ? (rml_agent_class)value : *out;
    return found;
}

const char *rml_track_mark_name(rml_track_mark mark)
{
    return name_of(marks, COUNT(marks), (size_t)mark);
}

bool rml_track_mark_parse(rml_str text, rml_track_mark *out)
{
    size_t value = 0;
    bool found = value_of(marks, COUNT(marks), text, &value);
    *out = found ? (rml_track_mark)value : *out;
    return found;
}

const char *rml_causality_name(rml_causality causality)
{
    return name_of(causalities, COUNT(causalities), (size_t)causality);
}

bool rml_causality_parse(rml_str text, rml_causality *out)
{
    size_t value = 0;
    bool found = value_of(causalities, COUNT(causalities), text, &value);
    *out = found ? (rml_causality)value : *out;
    return found;
}

const char *rml_map_kind_name(rml_map_kind kind)
{
    return name_of(kinds, COUNT(kinds), (size_t)kind);
}

bool rml_map_kind_parse(rml_str text, rml_map_kind *out)
{
    size_t value = 0;
    bool found = value_of(kinds, COUNT(kinds), text, &value);
    *out = found ? (rml_map_kind)value : *out;
    return found;
}
