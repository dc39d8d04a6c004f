// One file into the lake: it goes to the room that knows its kind, and a recording's ego rows and
// tracks follow it.
#include "source_file.h"

#include "roadmill/log.h"
#include "roadmill/scenario.h"
#include "roadmill/store.h"

#define HEAD_SIZE 4096

// Files become visible one after the other, none behind one that ended the whole.
static rml_status wait_for_turn(void *context, rml_error *err)
{
    rml_source_file *f = context;
    rml_turnstile_enter(f->commits, f->number);
    return !atomic_load(f->failed) ? RML_OK
                                   : rml_fail(err, RML_ERR_STOPPED, rml_place_file(f->event.path),
                                              "run the same command again to go on",
                                              "stopped because of a file before this one");
}

// The ego rows of a recording by the recipe given, or by the first built-in one that fits; that
// none fits is no failure.
static rml_status make_ego(rml_source_file *f, rml_error *err)
{
    const rml_recipe *given = f->options->recipe;
    rml_source_event *event = &f->event;
    rml_recipe *picked = NULL;
    if (given != NULL) {
        event->recipe = rml_recipe_name(given);
    } else {
        RML_TRY(rml_recipe_pick(f->lake, event->recording_id, &event->recipe, err));
        if (event->recipe.len == 0) {
            return rml_ego_missing(f->lake, event->recording_id, f->arena, &event->no_ego, err);
        }
        RML_TRY(rml_recipe_parse(rml_recipe_builtin(event->recipe), event->recipe, &picked, err));
    }
    rml_ego_result made;
    rml_status st =
        rml_ego_make(f->lake, event->recording_id, given != NULL ? given : picked, &made, err);
    rml_recipe_free(picked);
    RML_TRY(st);
    event->sums.ego_inputs = made.inputs;
    event->sums.ego_rows = made.rows;
    event->sums.ego_rejects = made.rejects;
    return rml_ego_missing(f->lake, event->recording_id, f->arena, &event->no_ego, err);
}

// Tracks and map of a recording whose messages list objects; that none do is no failure.
static rml_status make_tracks(rml_source_file *f, rml_error *err)
{
    rml_source_event *event = &f->event;
    rml_tracks_result made;
    rml_arena arena = {0};
    rml_status st =
        rml_tracks_make(f->lake, event->recording_id, f->options->tracks_topic, &arena, &made, err);
    event->tracks_type = made.type;
    event->tracks_topic = rml_arena_str(f->arena, made.topic);
    rml_arena_reset(&arena);
    RML_TRY(st);
    event->sums.states = made.states_in;
    event->sums.state_rows = made.rows;
    event->sums.state_rejects = made.rejects;
    event->sums.tracks = made.tracks;
    event->sums.map_rows = made.map_rows;
    return RML_OK;
}

static rml_status identify(rml_source_file *f, bool already, const char *recording_id,
                           rml_error *err)
{
    f->event.already = already;
    f->event.recording_id = rml_arena_str(f->arena, rml_str_of(recording_id));
    return f->event.recording_id.data != NULL ? RML_OK : rml_fail_memory(err, RML_HASH_TEXT);
}

static rml_status ingest_recording(rml_source_file *f, rml_error *err)
{
    const rml_source_options *o = f->options;
    const rml_ingest_options options = {.vehicle = o->vehicle,
                                        .drive_id = o->drive_id,
                                        .licence = o->licence,
                                        .purpose = o->purpose,
                                        .region = o->region,
                                        .dbc = o->dbc,
                                        .dbc_count = o->dbc_count,
                                        .threads = f->threads,
                                        .before_commit = wait_for_turn,
                                        .before_commit_context = f};
    rml_source_event *event = &f->event;
    rml_ingest_result made;
    event->format = RML_STR("recording");
    rml_status st = rml_ingest_recording(f->lake, event->path, &options, f->progress, &made, err);
    if (st == RML_ERR_CONFLICT) {
        // A recording before this one has meanwhile defined a type otherwise. Its definition is
        // known now, and none can come in between: this is the turn.
        st = rml_ingest_recording(f->lake, event->path, &options, f->progress, &made, err);
    }
    RML_TRY(st);
    rml_turnstile_leave(f->commits, f->number); // what follows changes no table of messages
    event->sums = (rml_source_sums){.files = 1,
                                    .already = made.already,
                                    .bytes = made.bytes,
                                    .bytes_lost = made.bytes_lost,
                                    .messages = made.messages,
                                    .rows = made.rows,
                                    .blobs = made.blobs,
                                    .message_rejects = made.rejects,
                                    .can_signals = made.can_signals};
    RML_TRY(identify(f, made.already, made.recording_id, err));
    RML_TRY(make_ego(f, err));
    return make_tracks(f, err);
}

static rml_status import_scenario(rml_source_file *f, const rml_importer *importer, rml_error *err)
{
    const rml_source_options *o = f->options;
    const rml_import_options options = {.licence = o->licence,
                                        .purpose = o->purpose,
                                        .region = o->region,
                                        .before_commit = wait_for_turn,
                                        .before_commit_context = f};
    rml_source_event *event = &f->event;
    rml_import_result made;
    event->format = rml_str_of(importer->format);
    RML_TRY(rml_import_scenario(f->lake, event->path, &options, &made, err));
    event->sums = (rml_source_sums){.files = 1,
                                    .already = made.already,
                                    .bytes = made.bytes,
                                    .states = made.states_in,
                                    .state_rows = made.rows,
                                    .state_rejects = made.rejects,
                                    .tracks = made.tracks,
                                    .map_rows = made.map_rows};
    return identify(f, made.already, made.recording_id, err);
}

static const rml_importer *importer_of(rml_str path, rml_bytes head)
{
    size_t count;
    const rml_importer *importers = rml_importers(&count);
    for (size_t i = 0; i < count; i++) {
        if (importers[i].recognise(path, head)) {
            return &importers[i];
        }
    }
    return NULL;
}

static rml_status ingest_by_kind(rml_source_file *f, bool *known, rml_error *err)
{
    rml_object object;
    RML_TRY(rml_log_folder_recognised(f->event.path, known, err));
    if (*known) {
        return ingest_recording(f, err);
    }
    RML_TRY(rml_object_open(&object, f->event.path, err));
    rml_bytes head = object.bytes;
    head.len = head.len < HEAD_SIZE ? head.len : HEAD_SIZE;
    bool recording = rml_log_recognised(head);
    const rml_importer *importer = recording ? NULL : importer_of(f->event.path, head);
    rml_object_close(&object);
    *known = recording || importer != NULL;
    if (recording) {
        return ingest_recording(f, err);
    }
    return importer != NULL ? import_scenario(f, importer, err) : RML_OK;
}

bool rml_source_fault_is_of_file(rml_status st)
{
    return rml_status_is_of_data(st) || st == RML_ERR_ARGUMENT || st == RML_ERR_MISSING;
}

rml_status rml_source_file_ingest(rml_source_file *f, bool *known, rml_error *err)
{
    bool stop = rml_progress_stop(f->progress) || atomic_load(f->failed);
    *known = false;
    rml_status st =
        stop ? rml_fail(err, RML_ERR_STOPPED, rml_place_file(f->event.path),
                        "run the same command again to go on", "stopped before this file")
             : ingest_by_kind(f, known, err);
    if (st != RML_OK && !rml_source_fault_is_of_file(st)) {
        atomic_store(f->failed, true);
    }
    rml_turnstile_leave(f->commits, f->number);
    return st;
}
