// What a scene is: spec and the rule of windows.
#include "roadmill/scene.h"

#include "cutter.h"

void rml_scene_spec_defaults(rml_scene_spec *spec)
{
    static const rml_scene_spec standard = {.history = 20,
                                            .future = 30,
                                            .stride = 10,
                                            .agents = 32,
                                            .map = 32,
                                            .predict = 1,
                                            .radius_m = 80};
    spec->history = spec->history ? spec->history : standard.history;
    spec->future = spec->future ? spec->future : standard.future;
    spec->stride = spec->stride ? spec->stride : standard.stride;
    spec->agents = spec->agents ? spec->agents : standard.agents;
    spec->map = spec->map ? spec->map : standard.map;
    spec->predict = spec->predict ? spec->predict : standard.predict;
    spec->radius_m = spec->radius_m != 0 ? spec->radius_m : standard.radius_m;
}

rml_status rml_scene_spec_check(const rml_scene_spec *spec, rml_error *err)
{
    const struct {
        const char *name;
        double value, low, high;
    } ranges[] = {
        {"history", spec->history, 2, 256},    {"future", spec->future, 1, 512},
        {"stride", spec->stride, 1, 1 << 20},  {"agents", spec->agents, 1, RML_AGENTS_MOST},
        {"map", spec->map, 0, RML_MAP_MOST},   {"predict", spec->predict, 1, spec->agents},
        {"radius_m", spec->radius_m, 1, 1000},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (!(ranges[i].value >= ranges[i].low && ranges[i].value <= ranges[i].high)) {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                            "scene: expected %s from %.0f to %.0f, found %.9g", ranges[i].name,
                            ranges[i].low, ranges[i].high, ranges[i].value);
        }
    }
    return RML_OK;
}

int64_t rml_scene_step(const rml_traffic *traffic)
{
    return traffic->step_ns > 0 ? traffic->step_ns : 100000000;
}

// Neighbouring samples are one step apart, give or take a tenth.
static bool has_gap(const rml_track *track, size_t first, size_t count, int64_t step_ns)
{
    for (size_t i = first + 1; i < first + count; i++) {
        int64_t apart = track->states[i].t_ns - track->states[i - 1].t_ns;
        if (apart < step_ns - step_ns / 10 || apart > step_ns + step_ns / 10) {
            return true;
        }
    }
    return false;
}

rml_status rml_scene_windows(const rml_traffic *traffic, const rml_scene_spec *spec,
                             rml_array *windows, rml_error *err)
{
    rml_scene_spec s = *spec;
    rml_scene_spec_defaults(&s);
    RML_TRY(rml_scene_spec_check(&s, err));
    int64_t step_ns = rml_scene_step(traffic);
    size_t whole = (size_t)s.history + s.future;
    for (size_t t = 0; t < traffic->track_count; t++) {
        const rml_track *track = &traffic->tracks[t];
        if (track->agent_class == RML_AGENT_STATIC) {
            continue;
        }
        for (size_t first = 0; first + whole <= track->count; first += s.stride) {
            if (has_gap(track, first, whole, step_ns)) {
                continue;
            }
            rml_window *w = rml_array_push(windows, err);
            if (w == NULL) {
                return RML_ERR_MEMORY;
            }
            *w = (rml_window){(uint32_t)t, (uint32_t)(first + s.history - 1)};
        }
    }
    return RML_OK;
}
