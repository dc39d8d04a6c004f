// Commands on scenes: build, show.
#include "call.h"
#include "roadmill/scene.h"
#include "roadmill/store.h"

// ---- build -------------------------------------------------------------------------------------

static const rml_option build_options[] = {
    {"history", .type = RML_OPTION_INT, .value = "N", .help = "samples up to and with now",
     .fallback = "20", .low = 2, .high = 256},
    {"future", .type = RML_OPTION_INT, .value = "N", .help = "samples to predict", .fallback = "30",
     .low = 1, .high = 512},
    {"stride", .type = RML_OPTION_INT, .value = "N",
     .help = "samples between two windows of a track", .fallback = "10", .low = 1, .high = 1 << 20},
    {0},
};
static const rml_view build_view[] = {
    {.line = "{scenes} scenes of {tracks} tracks in {recordings} recordings"},
    {0},
};

static rml_status run_build(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_scenes_result made;
    const rml_scene_spec spec = {.history = (uint32_t)rml_call_i64(call, "history"),
                                 .future = (uint32_t)rml_call_i64(call, "future"),
                                 .stride = (uint32_t)rml_call_i64(call, "stride")};
    RML_TRY(rml_call_home(call, false, &home, err));
    RML_TRY(rml_scenes_build(home->lake, &spec, &call->progress, &made, err));
    rml_json_writer *w = &call->writer;
    rml_json_object(w);
    rml_json_kv_i64(w, "recordings", (int64_t)made.recordings);
    rml_json_kv_i64(w, "tracks", (int64_t)made.tracks);
    rml_json_kv_i64(w, "scenes", (int64_t)made.scenes);
    rml_json_object_end(w);
    return RML_OK;
}

// ---- show --------------------------------------------------------------------------------------

static const rml_option show_options[] = {
    {"plot", .type = RML_OPTION_PATH, .value = "FILE",
     .help = "draw it from above as SVG, with its true future"},
    {0},
};
static const rml_option show_arguments[] = {
    {"SCENE", .type = RML_OPTION_TEXT, .help = "id of a scene, or the start of it",
     .required = true},
    {0},
};
static const rml_view show_view[] = {
    {.fields = "scene=scene_id:id | recording=recording_id:id | place=place_id | "
               "focus={class} {track_id} at {t0_ns:.1f*1e-9} s, {speed_mps:.2f} m/s | "
               "frame=({x_m:.2f} m, {y_m:.2f} m), {yaw_rad:.3f} rad | "
               "future={travelled_m:.2f} m, turns {turn_rad:.3f} rad | neighbours | "
               "drawn to=[{$plot}]"},
    {0},
};

static rml_status plot(const rml_scene_found *scene, const char *path, rml_arena *arena,
                       rml_error *err)
{
    rml_scene_spec spec = {.history = scene->row.history, .future = scene->row.future};
    rml_scene_spec_defaults(&spec);
    size_t steps = (size_t)spec.predict * spec.future;
    float *xy = RML_NEW_ARRAY(arena, float, 3 * steps);
    rml_cutter *cutter = NULL;
    rml_buffer svg = {0};
    if (xy == NULL) {
        return rml_fail_memory(err, 3 * steps * sizeof *xy);
    }
    RML_TRY(rml_cutter_make(&scene->traffic, &spec, &cutter, err));
    rml_cutter_future(cutter, scene->window, xy, xy + 2 * steps);
    const rml_scene_future truth = {"truth", "#000000", xy, NULL, 1};
    rml_status st =
        rml_scene_plot(cutter, scene->window, &truth, 1, 960, scene->row.scene_id, &svg, err);
    st = st ? st : rml_store_put(rml_str_of(path), rml_buffer_bytes(&svg), err);
    rml_buffer_reset(&svg);
    rml_cutter_free(cutter);
    return st;
}

static void write_scene(rml_json_writer *w, const rml_scene_row *row)
{
    rml_json_object(w);
    rml_json_kv_str(w, "scene_id", rml_str_of(row->scene_id));
    rml_json_kv_str(w, "recording_id", row->recording_id);
    rml_json_kv_str(w, "place_id", row->place_id);
    rml_json_kv_str(w, "track_id", row->track_id);
    rml_json_kv_ns(w, "t0_ns", row->t0_ns);
    rml_json_kv_i64(w, "history", row->history);
    rml_json_kv_i64(w, "future", row->future);
    rml_json_kv_f64(w, "x_m", row->map_from_scene.x_m);
    rml_json_kv_f64(w, "y_m", row->map_from_scene.y_m);
    rml_json_kv_f64(w, "yaw_rad", row->map_from_scene.yaw_rad);
    rml_json_kv_str(w, "class", rml_str_of(rml_agent_class_name(row->agent_class)));
    rml_json_kv_f64(w, "speed_mps", (double)row->speed_mps);
    rml_json_kv_f64(w, "travelled_m", (double)row->travelled_m);
    rml_json_kv_f64(w, "turn_rad", (double)row->turn_rad);
    rml_json_kv_i64(w, "neighbours", row->neighbours);
    rml_json_object_end(w);
}

static rml_status run_show(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_scene_found *scene = RML_NEW(&call->arena, rml_scene_found);
    const char *path = rml_call_path(call, "plot");
    if (scene == NULL) {
        return rml_fail_memory(err, sizeof *scene);
    }
    RML_TRY(rml_call_home(call, false, &home, err));
    RML_TRY(rml_scene_find(home->lake, rml_call_text(call, "SCENE"), &call->arena, scene, err));
    write_scene(&call->writer, &scene->row);
    return path != NULL ? plot(scene, path, &call->arena, err) : RML_OK;
}

const rml_command rml_scene_commands[] = {
    {
        .name = "scenes build",
        .summary = "cut the windows of all recordings into the table scenes",
        .example = "roadmill scenes build",
        .options = build_options,
        .view = build_view,
        .run = run_build,
    },
    {
        .name = "scenes show",
        .summary = "show a scene by its id or the start of it; draw it",
        .example = "roadmill scenes show 3f9a --plot scene.svg",
        .arguments = show_arguments,
        .options = show_options,
        .view = show_view,
        .run = run_show,
    },
    {0},
};
