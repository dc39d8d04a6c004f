// A row of `scenes`: what identifies and describes a situation.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "roadmill/base/json.h"
#include "roadmill/codec.h"

#include "cutter.h"

// The name of a scene: SHA-256 of its canonical JSON (RFC 8785), keys in order.
static rml_status name_scene(const rml_cutter *c, const rml_scene_row *row, char out[65],
                             rml_error *err)
{
    rml_buffer text = {0};
    rml_json_writer w;
    rml_hash hash;
    rml_json_writer_init(&w, &text, err);
    rml_json_object(&w);
    rml_json_kv_str(&w, "recording_id", row->recording_id);
    rml_json_kv_str(&w, "spec", c->spec_json);
    rml_json_kv_ns(&w, "t0_ns", row->t0_ns);
    rml_json_kv_str(&w, "track_id", row->track_id);
    rml_json_object_end(&w);
    rml_status st = rml_json_finish(&w);
    st = st ? st : rml_sha256(text.data, text.len, &hash);
    if (st == RML_OK) {
        rml_hash_text(&hash, out);
    }
    rml_buffer_reset(&text);
    return st;
}

// Path length of the future, and the sum of changes of direction between chords of at least 1 m.
static void describe_future(const rml_cutter *c, rml_window window, rml_scene_row *out)
{
    const rml_track *track = &c->traffic->tracks[window.track];
    const rml_track_state *s = track->states;
    double travelled = 0, turn = 0, heading = NAN;
    size_t anchor = window.now;
    for (size_t i = window.now + 1; i < track->count && i <= window.now + c->spec.future; i++) {
        travelled += rml_f64_hypot(s[i].x_m - s[i - 1].x_m, s[i].y_m - s[i - 1].y_m);
        double dx = s[i].x_m - s[anchor].x_m, dy = s[i].y_m - s[anchor].y_m;
        if (dx * dx + dy * dy >= 1) {
            double next = rml_f64_atan2(dy, dx);
            turn += isnan(heading) ? 0 : rml_angle_wrap(next - heading);
            heading = next;
            anchor = i;
        }
    }
    out->travelled_m = (float)travelled;
    out->turn_rad = (float)turn;
}

rml_status rml_cutter_row(const rml_cutter *c, rml_window window, rml_scene_row *out,
                          rml_error *err)
{
    const rml_traffic *traffic = c->traffic;
    const rml_track *track = &traffic->tracks[window.track];
    const rml_causal_state *now = rml_cutter_state(c, window.track, window.now);
    rml_near self;
    size_t neighbours = 0;
    rml_near_agents(c, window, &self, 1, &neighbours);
    *out = (rml_scene_row){
        .recording_id = traffic->recording_id,
        .drive_id = traffic->drive_id,
        .place_id = traffic->place_id,
        .track_id = track->track_id,
        .t0_ns = track->states[window.now].t_ns,
        .map_from_scene = rml_cutter_frame(c, window),
        .agent_class = track->agent_class,
        .speed_mps = (float)now->speed_mps,
        .neighbours = (uint32_t)neighbours,
        .step_ns = rml_scene_step(traffic),
        .history = c->spec.history,
        .future = c->spec.future,
    };
    describe_future(c, window, out);
    return name_scene(c, out, out->scene_id, err);
}

rml_status rml_scene_window(const rml_traffic *traffic, const rml_scene_row *row, rml_window *out,
                            rml_error *err)
{
    for (uint32_t i = 0; i < traffic->track_count; i++) {
        const rml_track *track = &traffic->tracks[i];
        bool same = rml_str_equal(track->track_id, row->track_id);
        for (uint32_t k = 0; same && k < track->count; k++) {
            if (track->states[k].t_ns == row->t0_ns) {
                *out = (rml_window){i, k};
                return RML_OK;
            }
        }
    }
    return rml_fail(err, RML_ERR_MISSING, rml_place_file(traffic->recording_id),
                    "roadmill scenes build cuts the scenes of the lake as it is",
                    "expected track %.*s at %lld ns, found none", RML_FMT(row->track_id),
                    (long long)row->t0_ns);
}

static const rml_field fields[] = {
    RML_COLUMN(rml_scene_row, scene_id, ID, RML_REQUIRED),
    RML_COLUMN(rml_scene_row, recording_id, STR, RML_REQUIRED),
    RML_COLUMN(rml_scene_row, drive_id, STR, RML_REQUIRED),
    RML_COLUMN(rml_scene_row, place_id, STR, RML_REQUIRED),
    RML_COLUMN(rml_scene_row, track_id, STR, RML_REQUIRED),
    RML_COLUMN(rml_scene_row, t0_ns, I64, RML_REQUIRED),
    RML_COLUMN(rml_scene_row, step_ns, I64, RML_REQUIRED),
    RML_COLUMN(rml_scene_row, history, U32, RML_REQUIRED),
    RML_COLUMN(rml_scene_row, future, U32, RML_REQUIRED),
    RML_COLUMN_AS("x_m", rml_scene_row, map_from_scene.x_m, F64, RML_REQUIRED),
    RML_COLUMN_AS("y_m", rml_scene_row, map_from_scene.y_m, F64, RML_REQUIRED),
    RML_COLUMN_AS("yaw_rad", rml_scene_row, map_from_scene.yaw_rad, F64, RML_REQUIRED),
    RML_COLUMN_AS("class", rml_scene_row, agent_class, NAME, RML_REQUIRED,
                  RML_NAMED(rml_agent_classes)),
    RML_COLUMN(rml_scene_row, speed_mps, F32, RML_NULLABLE),
    RML_COLUMN(rml_scene_row, travelled_m, F32, RML_REQUIRED),
    RML_COLUMN(rml_scene_row, turn_rad, F32, RML_REQUIRED),
    RML_COLUMN(rml_scene_row, neighbours, U32, RML_REQUIRED),
};

rml_schema rml_scene_table(void)
{
    return (rml_schema)RML_TABLE(fields);
}
