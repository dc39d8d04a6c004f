// The command that fills the lake: `ingest`.

#include "can_signals.h"
#include "command.h"
#include "roadmill/drive.h"

#define RECIPE_BYTES_MAX ((size_t)1 << 20)
#define JOBS_MAX 256

static const rml_option options[] = {
    {"--vehicle", "NAME", "the vehicle that recorded (default: not stated)"},
    {"--drive", "ID", "the drive that the recordings belong to (default: by vehicle and start)"},
    {"--licence", "NAME", "licence of the data, as you state it (default: not stated)"},
    {"--purpose", "NAME", "purpose that the data may be used for"},
    {"--region", "NAME", "region of the data"},
    {"--dbc", "FILE", "decode CAN frames by this DBC into signals_can; may be repeated"},
    {"--recipe", "FILE",
     "how channels become ego (docs/recipes.md; default: a built-in that fits)"},
    {"--tracks", "TOPIC",
     "the topic whose objects become tracks (default: the one with most messages)"},
    {"--jobs", "N",
     "files side by side, 250 MB of memory each (default: processors, at most the files)"},
};

static void write_sums(rml_json_writer *w, const rml_source_sums *s)
{
    rml_json_kv_i64(w, "bytes", (int64_t)s->bytes);
    rml_json_kv_i64(w, "bytes_lost", (int64_t)s->bytes_lost);
    rml_json_kv_i64(w, "messages", (int64_t)s->messages);
    rml_json_kv_i64(w, "rows", (int64_t)s->rows);
    rml_json_kv_i64(w, "blobs", (int64_t)s->blobs);
    rml_json_kv_i64(w, "message_rejects", (int64_t)s->message_rejects);
    rml_json_kv_i64(w, "can_signals", (int64_t)s->can_signals);
    rml_json_kv_i64(w, "states", (int64_t)s->states);
    rml_json_kv_i64(w, "state_rows", (int64_t)s->state_rows);
    rml_json_kv_i64(w, "state_rejects", (int64_t)s->state_rejects);
    rml_json_kv_i64(w, "tracks", (int64_t)s->tracks);
    rml_json_kv_i64(w, "map_rows", (int64_t)s->map_rows);
    rml_json_kv_i64(w, "ego_inputs", (int64_t)s->ego_inputs);
    rml_json_kv_i64(w, "ego_rows", (int64_t)s->ego_rows);
    rml_json_kv_i64(w, "ego_rejects", (int64_t)s->ego_rejects);
}

static void tell_json(rml_cli *cli, const rml_source_event *e)
{
    rml_json_writer *w = &cli->writer;
    rml_json_object(w);
    rml_json_kv_str(w, "path", e->path);
    rml_json_kv_str(w, "recording_id", e->recording_id);
    rml_json_kv_str(w, "format", e->format);
    rml_json_kv_bool(w, "already", e->already);
    rml_json_kv_str(w, "recipe", e->recipe);
    rml_json_kv_str(w, "no_ego", e->no_ego);
    rml_json_kv_str(w, "tracks_type", e->tracks_type);
    rml_json_kv_str(w, "tracks_topic", e->tracks_topic);
    write_sums(w, &e->sums);
    if (e->refused != NULL) {
        char text[1200];
        rml_error_text(e->refused, text, sizeof text);
        rml_json_kv_str(w, "refused", rml_str_of(text));
    }
    rml_json_object_end(w);
}

static void tell(void *context, const rml_source_event *e)
{
    rml_cli *cli = context;
    const rml_source_sums *s = &e->sums;
    if (cli->json) {
        tell_json(cli, e);
        return;
    }
    if (e->refused != NULL) {
        char text[1200];
        rml_error_text(e->refused, text, sizeof text);
        rml_cli_print(cli, "refused   %s\n", text);
    } else if (e->already) {
        rml_cli_print(cli, "already   %.12s  %.*s\n", e->recording_id.data, RML_FMT(e->path));
    } else {
        rml_cli_print(cli, "ingested  %.12s  %.*s\n", e->recording_id.data, RML_FMT(e->path));
    }
    if (s->bytes_lost > 0) {
        rml_cli_print(cli,
                      "          %llu bytes could not be read; roadmill log info tells where\n",
                      (unsigned long long)s->bytes_lost);
    }
    if (s->messages > 0) {
        rml_cli_print(cli, "          %llu messages = %llu rows + %llu blobs + %llu rejects\n",
                      (unsigned long long)s->messages, (unsigned long long)s->rows,
                      (unsigned long long)s->blobs, (unsigned long long)s->message_rejects);
    }
    if (s->can_signals > 0) {
        rml_cli_print(cli, "          %llu values of CAN signals by DBC\n",
                      (unsigned long long)s->can_signals);
    }
    if (s->states > 0 || e->tracks_type.len > 0) {
        rml_cli_print(cli,
                      "          %llu states = %llu rows + %llu rejects; %llu tracks, %llu map "
                      "elements%s%.*s\n",
                      (unsigned long long)s->states, (unsigned long long)s->state_rows,
                      (unsigned long long)s->state_rejects, (unsigned long long)s->tracks,
                      (unsigned long long)s->map_rows,
                      e->tracks_type.len > 0 ? " of the objects on " : "",
                      RML_FMT(e->tracks_topic));
    }
    if (e->recipe.len > 0) {
        rml_cli_print(
            cli, "          ego by recipe %.*s: %llu instants = %llu rows + %llu rejects%s%.*s\n",
            RML_FMT(e->recipe), (unsigned long long)s->ego_inputs, (unsigned long long)s->ego_rows,
            (unsigned long long)s->ego_rejects,
            rml_recipe_builtin(e->recipe).len > 0 ? "; roadmill recipes show " : "",
            RML_FMT(rml_recipe_builtin(e->recipe).len > 0 ? e->recipe : (rml_str){0}));
    }
    if (e->no_ego.len > 0) {
        rml_cli_print(cli, "          no ego: %.*s\n", RML_FMT(e->no_ego));
    }
}

static rml_str option_text(const rml_cli *cli, const char *option)
{
    return rml_str_of(rml_cli_value(cli, option));
}

static void finish(rml_cli *cli, const rml_home *home, const rml_source_sums *s)
{
    cli->exit_code = s->refused > 0 || s->bytes_lost > 0 ? 3 : 0;
    if (cli->json) {
        rml_json_list_end(&cli->writer);
        rml_json_kv_i64(&cli->writer, "count", (int64_t)s->files);
        rml_json_kv_i64(&cli->writer, "already", (int64_t)s->already);
        rml_json_kv_i64(&cli->writer, "refused", (int64_t)s->refused);
        write_sums(&cli->writer, s);
        rml_json_object_end(&cli->writer);
    }
    rml_cli_print(
        cli, "\n%llu files: %llu new, %llu already there, %llu refused; %.1f MB\n",
        (unsigned long long)s->files, (unsigned long long)(s->files - s->already - s->refused),
        (unsigned long long)s->already, (unsigned long long)s->refused, (double)s->bytes * 1e-6);
    rml_cli_print(cli, "next: roadmill lake tables --home %.*s\n", RML_FMT(home->path));
}

static rml_status recipe_read(rml_cli *cli, rml_recipe **out, rml_error *err)
{
    const char *path = rml_cli_value(cli, "--recipe");
    rml_buffer text = {0};
    if (path == NULL) {
        return RML_OK;
    }
    rml_status st = rml_store_get(rml_str_of(path), RECIPE_BYTES_MAX, &text, err);
    if (!st) {
        st = rml_recipe_parse(rml_buffer_text(&text), rml_str_of(path), out, err);
    }
    rml_buffer_reset(&text);
    return st;
}

static rml_status ingest(rml_cli *cli, const rml_recipe *recipe, const can_signals *can,
                         rml_error *err)
{
    rml_home *home;
    int64_t jobs = (int64_t)rml_pool_threads(cli->pool);
    RML_TRY(rml_cli_i64(cli, "--jobs", 1, JOBS_MAX, &jobs, err));
    RML_TRY(rml_cli_home(cli, true, &home, err));
    rml_source_options source = {.vehicle = option_text(cli, "--vehicle"),
                                 .drive_id = option_text(cli, "--drive"),
                                 .licence = option_text(cli, "--licence"),
                                 .purpose = option_text(cli, "--purpose"),
                                 .region = option_text(cli, "--region"),
                                 .recipe = recipe,
                                 .tracks_topic = option_text(cli, "--tracks"),
                                 .dbc = (const rml_dbc *const *)can->files,
                                 .dbc_count = can->count,
                                 .threads = rml_pool_threads(cli->pool),
                                 .jobs = (size_t)jobs};
    rml_str *sources = RML_NEW_ARRAY(&cli->arena, rml_str, cli->argument_count);
    if (sources == NULL) {
        return rml_fail_memory(err, cli->argument_count * sizeof *sources);
    }
    for (size_t i = 0; i < cli->argument_count; i++) {
        sources[i] = rml_str_of(cli->arguments[i]);
    }
    if (cli->json) {
        rml_json_object(&cli->writer);
        rml_json_key(&cli->writer, "files");
        rml_json_list(&cli->writer);
    }
    rml_source_sums sums;
    RML_TRY(rml_ingest_sources(home->lake, sources, cli->argument_count, &source, tell, cli,
                               &cli->progress, &sums, err));
    finish(cli, home, &sums);
    return RML_OK;
}

static rml_status run_ingest(rml_cli *cli, rml_error *err)
{
    rml_recipe *recipe = NULL;
    can_signals can;
    RML_TRY(recipe_read(cli, &recipe, err));
    rml_status st = can_signals_open(&can, cli, err);
    if (st == RML_OK) {
        st = ingest(cli, recipe, &can, err);
    }
    can_signals_close(&can);
    rml_recipe_free(recipe);
    return st;
}

static const rml_command commands[] = {
    {
        .name = "ingest",
        .arguments = "SOURCE…",
        .summary = "bring recordings and scenario files (files or folders) into the lake",
        .example = "roadmill ingest --vehicle husky --licence BSD-3-Clause drive_0412.mcap",
        .arguments_min = 1,
        .arguments_max = -1,
        .options = options,
        .option_count = sizeof options / sizeof *options,
        .run = run_ingest,
    },
};

const rml_command_group rml_ingest_commands = {commands, sizeof commands / sizeof *commands};
