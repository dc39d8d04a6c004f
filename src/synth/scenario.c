// Writes a drive's traffic and its road as a CommonRoad scenario, format version 2020a: a lanelet
// for each lane and section of the road, a dynamic obstacle for each vehicle. Positions are rounded
// to 0.1 mm, so that the text stays short and is the same everywhere.
#include "fleet.h"

#include <math.h>

enum { SECTIONS = 3, SIGN_ID = 900, VEHICLE_ID = 1000 };
const char *const rml_synth_place_names[2] = {"ZAM_SynthLeft", "ZAM_SynthRight"};

// Text that grows; the first failure sticks.
typedef struct writer {
    rml_buffer *out;
    rml_error *err;
    rml_status status;
} writer;

static void text(writer *w, const char *value)
{
    if (!w->status) {
        w->status = rml_buffer_str(w->out, rml_str_of(value), w->err);
    }
}

static void number(writer *w, double value)
{
    char digits[RML_F64_TEXT];
    double rounded = round(value * 1e4) / 1e4;
    rml_format_f64(rounded == 0 ? 0 : rounded, digits); // no "-0"
    text(w, digits);
}

static void whole(writer *w, uint64_t value)
{
    if (!w->status) {
        w->status = rml_buffer_printf(w->out, w->err, "%llu", (unsigned long long)value);
    }
}

static void point(writer *w, double x, double y)
{
    text(w, "<point><x>");
    number(w, x);
    text(w, "</x><y>");
    number(w, y);
    text(w, "</y></point>");
}

static void exact(writer *w, const char *name, double value)
{
    text(w, "<");
    text(w, name);
    text(w, "><exact>");
    number(w, value);
    text(w, "</exact></");
    text(w, name);
    text(w, ">");
}

static void reference(writer *w, const char *name, uint64_t id, const char *rest)
{
    text(w, "<");
    text(w, name);
    text(w, " ref=\"");
    whole(w, id);
    text(w, rest);
}

static uint64_t lanelet_id(uint32_t section, uint32_t lane)
{
    return (section + 1) * 100 + lane + 1;
}

static void bound(writer *w, const synth_road *road, const char *name, double d, double from,
                  double to)
{
    size_t pieces = (size_t)ceil((to - from) / 5);
    text(w, "<");
    text(w, name);
    text(w, ">");
    for (size_t i = 0; i <= pieces; i++) {
        double s = from + (to - from) * (double)i / (double)pieces;
        synth_pose p = rml_synth_road_pose(road, s, d);
        point(w, p.x_m, p.y_m);
    }
    text(w, "</");
    text(w, name);
    text(w, ">\n");
}

static void lanelet(writer *w, const synth_road *road, uint32_t section, uint32_t lane)
{
    const double ends[SECTIONS + 1] = {0, road->arc_from_m, road->arc_to_m, road->length_m};
    double right = rml_synth_lane_middle(road, lane - 0.5),
           left = rml_synth_lane_middle(road, lane + 0.5);
    text(w, "<lanelet id=\"");
    whole(w, lanelet_id(section, lane));
    text(w, "\">\n");
    bound(w, road, "leftBound", left, ends[section], ends[section + 1]);
    bound(w, road, "rightBound", right, ends[section], ends[section + 1]);
    if (section > 0) {
        reference(w, "predecessor", lanelet_id(section - 1, lane), "\"/>\n");
    }
    if (section + 1 < SECTIONS) {
        reference(w, "successor", lanelet_id(section + 1, lane), "\"/>\n");
    }
    if (lane + 1 < road->lanes) {
        reference(w, "adjacentLeft", lanelet_id(section, lane + 1), "\" drivingDir=\"same\"/>\n");
    }
    if (lane > 0) {
        reference(w, "adjacentRight", lanelet_id(section, lane - 1), "\" drivingDir=\"same\"/>\n");
    }
    text(w, "<laneletType>urban</laneletType>\n");
    reference(w, "trafficSignRef", SIGN_ID, "\"/>\n</lanelet>\n");
}

static void state(writer *w, const char *name, const synth_sample *s)
{
    text(w, "<");
    text(w, name);
    text(w, "><position>");
    point(w, s->x_m, s->y_m);
    text(w, "</position>");
    exact(w, "orientation", s->yaw_rad);
    text(w, "<time><exact>");
    whole(w, s->step);
    text(w, "</exact></time>");
    exact(w, "velocity", s->speed_mps);
    text(w, "</");
    text(w, name);
    text(w, ">\n");
}

static void obstacle(writer *w, const synth_drive *drive, uint32_t index)
{
    const synth_vehicle *v = &drive->flow.vehicles[index];
    const synth_sample *samples = drive->samples.data;
    size_t written = 0;
    for (size_t i = 0; i < drive->samples.count; i++) {
        if (samples[i].vehicle != index) {
            continue;
        }
        if (written == 0) {
            text(w, "<dynamicObstacle id=\"");
            whole(w, (uint64_t)VEHICLE_ID + v->id);
            text(w, v->is_truck ? "\"><type>truck</type>" : "\"><type>car</type>");
            text(w, "<shape><rectangle><length>");
            number(w, v->length_m);
            text(w, "</length><width>");
            number(w, v->width_m);
            text(w, "</width></rectangle></shape>\n");
            state(w, "initialState", &samples[i]);
        } else {
            text(w, written == 1 ? "<trajectory>\n" : "");
            state(w, "state", &samples[i]);
        }
        written++;
    }
    text(w, written > 1 ? "</trajectory>\n" : "");
    text(w, written > 0 ? "</dynamicObstacle>\n" : "");
}

rml_status rml_synth_scenario_write(const synth_drive *drive, rml_buffer *out, rml_error *err)
{
    writer w = {out, err, RML_OK};
    const synth_road *road = &drive->flow.road;
    text(&w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<commonRoad benchmarkID=\"");
    text(&w, rml_synth_place_names[drive->place]);
    text(&w, "-");
    whole(&w, drive->index + 1);
    text(&w, "_1_T-1\" commonRoadVersion=\"2020a\" timeStepSize=\"0.1\" author=\"Roadmill\" "
             "affiliation=\"none\" source=\"roadmill synth (no recorded traffic)\" "
             "date=\"1970-01-01\">\n<location><geoNameId>-999</geoNameId>"
             "<gpsLatitude>48.14</gpsLatitude><gpsLongitude>11.58</gpsLongitude></location>\n"
             "<scenarioTags><simulated/><multi_lane/></scenarioTags>\n");
    for (uint32_t section = 0; section < SECTIONS; section++) {
        for (uint32_t lane = 0; lane < road->lanes; lane++) {
            lanelet(&w, road, section, lane);
        }
    }
    text(&w, "<trafficSign id=\"");
    whole(&w, SIGN_ID);
    text(&w, "\"><trafficSignElement><trafficSignID>274</trafficSignID><additionalValue>");
    number(&w, road->limit_mps);
    text(&w, "</additionalValue></trafficSignElement></trafficSign>\n");
    for (uint32_t i = 0; i < drive->flow.count; i++) {
        obstacle(&w, drive, i);
    }
    text(&w, "</commonRoad>\n");
    return w.status;
}
