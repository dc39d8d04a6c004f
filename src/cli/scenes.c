// Commands on scenes: build, show.
#include "command.h"

#include "roadmill/scene.h"

static const rml_option build_options[] = {
    {"--history", "N", "samples up to and with now (default: 20)"},
    {"--future", "N", "samples to predict (default: 30)"},
    {"--stride", "N", "samples between two windows of a track (default: 10)"},
};

static rml_status run_build(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_scenes_result made;
    int64_t history = 20, future = 30, stride = 10;
    RML_TRY(rml_cli_i64(cli, "--history", 2, 256, &history, err));
    RML_TRY(rml_cli_i64(cli, "--future", 1, 512, &future, err));
    RML_TRY(rml_cli_i64(cli, "--stride", 1, 1 << 20, &stride, err));
    const rml_scene_spec spec = {
        .history = (uint32_t)history, .future = (uint32_t)future, .stride = (uint32_t)stride};
    RML_TRY(rml_cli_home(cli, false, &home, err));
    RML_TRY(rml_scenes_build(home->lake, &spec, &cli->progress, &made, err));
    if (cli->json) {
        rml_json_object(&cli->writer);
        rml_json_kv_i64(&cli->writer, "recordings", (int64_t)made.recordings);
        rml_json_kv_i64(&cli->writer, "tracks", (int64_t)made.tracks);
        rml_json_kv_i64(&cli->writer, "scenes", (int64_t)made.scenes);
        rml_json_object_end(&cli->writer);
    }
    rml_cli_print(cli, "%llu scenes of %llu tracks in %llu recordings\n",
                  (unsigned long long)made.scenes, (unsigned long long)made.tracks,
                  (unsigned long long)made.recordings);
    return RML_OK;
}

static const rml_option show_options[] = {
    {"--plot", "FILE", "draw it from above as SVG, with its true future"},
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

static void print_scene(rml_cli *cli, const rml_scene_row *row)
{
    const char *class_name = rml_agent_class_name(row->agent_class);
    if (cli->json) {
        rml_json_writer *w = &cli->writer;
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
        rml_json_kv_str(w, "class", rml_str_of(class_name));
        rml_json_kv_f64(w, "speed_mps", (double)row->speed_mps);
        rml_json_kv_f64(w, "travelled_m", (double)row->travelled_m);
        rml_json_kv_f64(w, "turn_rad", (double)row->turn_rad);
        rml_json_kv_i64(w, "neighbours", row->neighbours);
        rml_json_object_end(w);
        return;
    }
    rml_cli_print(cli, "scene      %s\n", row->scene_id);
    rml_cli_print(cli, "recording  %.*s\n", RML_FMT(row->recording_id));
    rml_cli_print(cli, "place      %.*s\n", RML_FMT(row->place_id));
    rml_cli_print(cli, "focus      %s %.*s at %.1f s, %.2f m/s\n", class_name,
                  RML_FMT(row->track_id), (double)row->t0_ns / 1e9, (double)row->speed_mps);
    rml_cli_print(cli, "frame      (%.2f m, %.2f m), %.3f rad\n", row->map_from_scene.x_m,
                  row->map_from_scene.y_m, row->map_from_scene.yaw_rad);
    rml_cli_print(cli, "future     %.2f m, turns %.3f rad\n", (double)row->travelled_m,
                  (double)row->turn_rad);
    rml_cli_print(cli, "neighbours %u\n", row->neighbours);
}

static rml_status run_show(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_scene_found *scene = RML_NEW(&cli->arena, rml_scene_found);
    const char *path = rml_cli_value(cli, "--plot");
    if (scene == NULL) {
        return rml_fail_memory(err, sizeof *scene);
    }
    RML_TRY(rml_cli_home(cli, false, &home, err));
    RML_TRY(rml_scene_find(home->lake, rml_str_of(cli->arguments[0]), &cli->arena, scene, err));
    print_scene(cli, &scene->row);
    if (path != NULL) {
        RML_TRY(plot(scene, path, &cli->arena, err));
        rml_cli_print(cli, "drawn to   %s\n", path);
    }
    return RML_OK;
}

static const rml_command commands[] = {
    {
        .name = "scenes build",
        .arguments = "",
        .summary = "cut the windows of all recordings into the table scenes",
        .example = "roadmill scenes build",
        .options = build_options,
        .option_count = sizeof build_options / sizeof *build_options,
        .run = run_build,
    },
    {
        .name = "scenes show",
        .arguments = "SCENE",
        .summary = "show a scene by its id or the start of it; draw it",
        .example = "roadmill scenes show 3f9a --plot scene.svg",
        .arguments_min = 1,
        .arguments_max = 1,
        .options = show_options,
        .option_count = sizeof show_options / sizeof *show_options,
        .run = run_show,
    },
};

const rml_command_group rml_scene_commands = {commands, sizeof commands / sizeof *commands};
