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

rml_schema rml_scene_table(void)
{
    static const rml_field fields[] = {
        {.name = {"scene_id", 8}, .type = RML_TYPE_STRING},
        {.name = {"recording_id", 12}, .type = RML_TYPE_STRING},
        {.name = {"drive_id", 8}, .type = RML_TYPE_STRING},
        {.name = {"place_id", 8}, .type = RML_TYPE_STRING},
        {.name = {"track_id", 8}, .type = RML_TYPE_STRING},
        {.name = {"t0_ns", 5}, .type = RML_TYPE_I64},
        {.name = {"step_ns", 7}, .type = RML_TYPE_I64},
        {.name = {"history", 7}, .type = RML_TYPE_I64},
        {.name = {"future", 6}, .type = RML_TYPE_I64},
        {.name = {"x_m", 3}, .type = RML_TYPE_F64},
        {.name = {"y_m", 3}, .type = RML_TYPE_F64},
        {.name = {"yaw_rad", 7}, .type = RML_TYPE_F64},
        {.name = {"class", 5}, .type = RML_TYPE_STRING},
        {.name = {"speed_mps", 9}, .type = RML_TYPE_F32, .nullable = true},
        {.name = {"travelled_m", 11}, .type = RML_TYPE_F32},
        {.name = {"turn_rad", 8}, .type = RML_TYPE_F32},
        {.name = {"neighbours", 10}, .type = RML_TYPE_I64},
    };
    return (rml_schema){fields, sizeof fields / sizeof *fields};
}

rml_status rml_scene_append(rml_batch *batch, const rml_scene_row *row, rml_error *err)
{
    rml_column *c = batch->columns;
    RML_TRY(rml_column_str(c++, rml_str_of(row->scene_id), err));
    RML_TRY(rml_column_str(c++, row->recording_id, err));
    RML_TRY(rml_column_str(c++, row->drive_id, err));
    RML_TRY(rml_column_str(c++, row->place_id, err));
    RML_TRY(rml_column_str(c++, row->track_id, err));
    RML_TRY(rml_column_i64(c++, row->t0_ns, err));
    RML_TRY(rml_column_i64(c++, row->step_ns, err));
    RML_TRY(rml_column_i64(c++, row->history, err));
    RML_TRY(rml_column_i64(c++, row->future, err));
    RML_TRY(rml_column_f64(c++, row->map_from_scene.x_m, err));
    RML_TRY(rml_column_f64(c++, row->map_from_scene.y_m, err));
    RML_TRY(rml_column_f64(c++, row->map_from_scene.yaw_rad, err));
    RML_TRY(rml_column_str(c++, rml_str_of(rml_agent_class_name(row->agent_class)), err));
    RML_TRY(isnan(row->speed_mps) ? rml_column_null(c, err)
                                  : rml_column_f64(c, (double)row->speed_mps, err));
    c++;
    RML_TRY(rml_column_f64(c++, (double)row->travelled_m, err));
    RML_TRY(rml_column_f64(c++, (double)row->turn_rad, err));
    RML_TRY(rml_column_i64(c++, row->neighbours, err));
    return rml_batch_row_end(batch, err);
}
