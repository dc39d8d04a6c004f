// The command that fills the lake: `ingest`.

#include "call.h"
#include "can_signals.h"
#include "roadmill/ingest/sources.h"
#include "roadmill/recipe.h"

#define RECIPE_BYTES_MAX ((size_t)1 << 20)

static const rml_option arguments[] = {
    {"SOURCE", .type = RML_OPTION_PATH, .help = "a file, or a folder of files", .required = true,
     .repeated = true},
    {0},
};
static const rml_option options[] = {
    {"vehicle", .type = RML_OPTION_TEXT, .value = "NAME", .help = "the vehicle that recorded",
     .otherwise = "not stated"},
    {"drive", .type = RML_OPTION_TEXT, .value = "ID",
     .help = "the drive that the recordings belong to", .otherwise = "by vehicle and start"},
    {"licence", .type = RML_OPTION_TEXT, .value = "NAME",
     .help = "licence of the data, as you state it", .otherwise = "not stated"},
    {"purpose", .type = RML_OPTION_TEXT, .value = "NAME",
     .help = "purpose that the data may be used for"},
    {"region", .type = RML_OPTION_TEXT, .value = "NAME", .help = "region of the data"},
    {"dbc", .type = RML_OPTION_PATH, .value = "FILE",
     .help = "decode CAN frames by this DBC into signals_can", .repeated = true},
    {"recipe", .type = RML_OPTION_PATH, .value = "FILE",
     .help = "how channels become ego (docs/recipes.md)", .otherwise = "a built-in that fits"},
    {"tracks", .type = RML_OPTION_TEXT, .value = "TOPIC",
     .help = "the topic whose objects become tracks", .otherwise = "the one with most messages"},
    {"jobs", .type = RML_OPTION_INT, .value = "N",
     .help = "files side by side, 250 MB of memory each",
     .otherwise = "processors, at most the files", .low = 1, .high = 256},
    {0},
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

// A file that was read, or refused.
static void tell(void *context, const rml_source_event *e)
{
    rml_call *call = context;
    rml_json_writer *w = &call->writer;
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
    rml_json_kv_bool(w, "recipe_builtin", rml_recipe_builtin(e->recipe).len > 0);
    if (e->refused != NULL) {
        char text[1200];
        rml_error_text(e->refused, text, sizeof text);
        rml_json_kv_str(w, "refused", rml_str_of(text));
    }
    rml_json_object_end(w);
}

static void finish(rml_call *call, const rml_source_sums *s)
{
    rml_json_writer *w = &call->writer;
    call->lossy = s->refused > 0 || s->bytes_lost > 0;
    rml_json_list_end(w);
    rml_json_kv_i64(w, "count", (int64_t)s->files);
    rml_json_kv_i64(w, "already", (int64_t)s->already);
    rml_json_kv_i64(w, "refused", (int64_t)s->refused);
    write_sums(w, s);
    rml_json_kv_i64(w, "new", (int64_t)(s->files - s->already - s->refused));
    rml_json_object_end(w);
}

static rml_status recipe_read(rml_call *call, rml_recipe **out, rml_error *err)
{
    rml_str text = {0}, path = rml_call_text(call, "recipe");
    RML_TRY(rml_call_read(call, "recipe", RECIPE_BYTES_MAX, &text, err));
    return path.len > 0 ? rml_recipe_parse(text, path, out, err) : RML_OK;
}

static rml_status ingest(rml_call *call, const rml_recipe *recipe, const can_signals *can,
                         rml_error *err)
{
    rml_home *home;
    rml_source_sums sums;
    rml_str *sources;
    size_t count, jobs = (size_t)rml_call_i64(call, "jobs");
    RML_TRY(rml_call_home(call, true, &home, err));
    RML_TRY(rml_call_list(call, "SOURCE", &sources, &count, err));
    const rml_source_options source = {.vehicle = rml_call_text(call, "vehicle"),
                                       .drive_id = rml_call_text(call, "drive"),
                                       .licence = rml_call_text(call, "licence"),
                                       .purpose = rml_call_text(call, "purpose"),
                                       .region = rml_call_text(call, "region"),
                                       .recipe = recipe,
                                       .tracks_topic = rml_call_text(call, "tracks"),
                                       .dbc = (const rml_dbc *const *)can->files,
                                       .dbc_count = can->count,
                                       .threads = rml_pool_threads(call->pool),
                                       .jobs = jobs > 0 ? jobs : rml_pool_threads(call->pool)};
    rml_json_object(&call->writer);
    rml_json_key(&call->writer, "files");
    rml_json_list(&call->writer);
    RML_TRY(rml_ingest_sources(home->lake, sources, count, &source, tell, call, &call->progress,
                               &sums, err));
    finish(call, &sums);
    return RML_OK;
}

static rml_status run_ingest(rml_call *call, rml_error *err)
{
    rml_recipe *recipe = NULL;
    can_signals can;
    RML_TRY(recipe_read(call, &recipe, err));
    rml_status st = rml_can_signals_open(&can, call, err);
    st = st ? st : ingest(call, recipe, &can, err);
    rml_can_signals_close(&can);
    rml_recipe_free(recipe);
    return st;
}

#define INDENT "          "

static const rml_view view[] = {
    {.each = "files",
     .line =
         "[refused   {refused}][{refused!}{already?}already   {recording_id:id}  {path}]"
         "[{refused!}{already!}ingested  {recording_id:id}  {path}]"
         "[\n" INDENT
         "{bytes_lost?}{bytes_lost} bytes could not be read; roadmill log info tells where]"
         "[\n" INDENT
         "{messages?}{messages} messages = {rows} rows + {blobs} blobs + {message_rejects} rejects]"
         "[\n" INDENT "{can_signals?}{can_signals} values of CAN signals by DBC]"
         "[\n" INDENT
         "{states?}{states} states = {state_rows} rows + {state_rejects} rejects; {tracks} tracks, "
         "{map_rows} map elements][ of the objects on {tracks_topic}]"
         "[\n" INDENT
         "ego by recipe {recipe}: {ego_inputs} instants = {ego_rows} rows + {ego_rejects} rejects]"
         "[{recipe_builtin?}; roadmill recipes show {recipe}][\n" INDENT "no ego: {no_ego}]"},
    {.line =
         "\n{count} files: {new} new, {already} already there, {refused} refused; {bytes:bytes}"},
    {.line = "next: roadmill lake tables --home {$home}"},
    {0},
};

const rml_command rml_ingest_commands[] = {
    {
        .name = "ingest",
        .summary = "bring recordings and scenario files (files or folders) into the lake",
        .example = "roadmill ingest --vehicle husky --licence BSD-3-Clause drive_0412.mcap",
        .arguments = arguments,
        .options = options,
        .view = view,
        .run = run_ingest,
    },
    {0},
};
