// Sources into the lake: each file goes to the room that knows its kind, a recording's ego rows
// follow it, and every sum is checked for conservation.
#include <assert.h>

#include "roadmill/drive.h"
#include "roadmill/ingest.h"
#include "roadmill/log.h"
#include "roadmill/store.h"
#include "roadmill/turn.h"

#define HEAD_SIZE 4096

typedef struct rml_source_walk {
    rml_home *home;
    const rml_source_options *options;
    void (*tell)(void *context, const rml_source_event *event);
    void *context;
    const rml_progress *progress;
    rml_source_sums *sums;
} rml_source_walk;

static void add_sums(rml_source_sums *to, const rml_source_sums *from)
{
    to->files += from->files;
    to->already += from->already;
    to->refused += from->refused;
    to->bytes += from->bytes;
    to->bytes_lost += from->bytes_lost;
    to->messages += from->messages;
    to->rows += from->rows;
    to->blobs += from->blobs;
    to->message_rejects += from->message_rejects;
    to->can_signals += from->can_signals;
    to->states += from->states;
    to->state_rows += from->state_rows;
    to->state_rejects += from->state_rejects;
    to->tracks += from->tracks;
    to->map_rows += from->map_rows;
    to->ego_inputs += from->ego_inputs;
    to->ego_rows += from->ego_rows;
    to->ego_rejects += from->ego_rejects;
    assert(to->messages == to->rows + to->blobs + to->message_rejects);
    assert(to->states == to->state_rows + to->state_rejects);
    assert(to->ego_inputs == to->ego_rows + to->ego_rejects);
}

// The ego rows of a recording by the recipe given, or by the first built-in one that fits; that
// none fits is no failure.
static rml_status make_ego(rml_home *home, rml_str recording_id, const rml_recipe *given,
                           rml_source_event *event, rml_error *err)
{
    rml_recipe *picked = NULL;
    if (given != NULL) {
        event->recipe = rml_recipe_name(given);
    } else {
        RML_TRY(rml_recipe_pick(home->lake, recording_id, &event->recipe, err));
        if (event->recipe.len == 0) {
            return RML_OK;
        }
        RML_TRY(rml_recipe_parse(rml_recipe_builtin(event->recipe), event->recipe, &picked, err));
    }
    rml_ego_result made;
    rml_status st =
        rml_ego_make(home->lake, recording_id, given != NULL ? given : picked, &made, err);
    rml_recipe_free(picked);
    RML_TRY(st);
    event->sums.ego_inputs = made.inputs;
    event->sums.ego_rows = made.rows;
    event->sums.ego_rejects = made.rejects;
    return RML_OK;
}

// Tracks and map of a recording whose messages list objects; that none do is no failure.
static rml_status make_tracks(rml_home *home, rml_str recording_id, rml_str topic,
                              rml_source_event *event, rml_error *err)
{
    rml_tracks_result made;
    rml_arena arena = {0};
    rml_status st = rml_tracks_make(home->lake, recording_id, topic, &arena, &made, err);
    event->tracks_type = made.type;
    event->tracks_topic = rml_arena_str(&home->arena, made.topic);
    rml_arena_reset(&arena);
    RML_TRY(st);
    event->sums.states = made.states_in;
    event->sums.state_rows = made.rows;
    event->sums.state_rejects = made.rejects;
    event->sums.tracks = made.tracks;
    event->sums.map_rows = made.map_rows;
    return RML_OK;
}

static rml_status ingest_recording(rml_source_walk *w, rml_source_event *event, rml_error *err)
{
    const rml_source_options *o = w->options;
    rml_ingest_options options = {.vehicle = o->vehicle,
                                  .drive_id = o->drive_id,
                                  .licence = o->licence,
                                  .purpose = o->purpose,
                                  .region = o->region,
                                  .dbc = o->dbc,
                                  .dbc_count = o->dbc_count,
                                  .threads = o->threads};
    rml_ingest_result made;
    RML_TRY(rml_ingest_recording(w->home->lake, event->path, &options, w->progress, &made, err));
    event->sums = (rml_source_sums){.files = 1,
                                    .already = made.already,
                                    .bytes = made.bytes,
                                    .bytes_lost = made.bytes_lost,
                                    .messages = made.messages,
                                    .rows = made.rows,
                                    .blobs = made.blobs,
                                    .message_rejects = made.rejects,
                                    .can_signals = made.can_signals};
    event->already = made.already;
    event->recording_id = rml_arena_str(&w->home->arena, rml_str_of(made.recording_id));
    RML_TRY(make_ego(w->home, event->recording_id, o->recipe, event, err));
    return make_tracks(w->home, event->recording_id, o->tracks_topic, event, err);
}

static rml_status import_scenario(rml_source_walk *w, rml_source_event *event, rml_error *err)
{
    const rml_source_options *o = w->options;
    rml_import_options options = {
        .licence = o->licence, .purpose = o->purpose, .region = o->region};
    rml_import_result made;
    RML_TRY(rml_import_scenario(w->home->lake, event->path, &options, &made, err));
    event->sums = (rml_source_sums){.files = 1,
                                    .already = made.already,
                                    .bytes = made.bytes,
                                    .states = made.states_in,
                                    .state_rows = made.rows,
                                    .state_rejects = made.rejects,
                                    .tracks = made.tracks,
                                    .map_rows = made.map_rows};
    event->already = made.already;
    event->recording_id = rml_arena_str(&w->home->arena, rml_str_of(made.recording_id));
    return RML_OK;
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

// *known is false for a file of no known kind.
static rml_status ingest_file(rml_source_walk *w, rml_source_event *event, bool *known,
                              rml_error *err)
{
    rml_object object;
    if (rml_log_folder_recognised(event->path)) {
        *known = true;
        event->format = RML_STR("recording");
        return ingest_recording(w, event, err);
    }
    RML_TRY(rml_object_open(&object, event->path, err));
    rml_bytes head = object.bytes;
    head.len = head.len < HEAD_SIZE ? head.len : HEAD_SIZE;
    bool recording = rml_log_recognised(head);
    const rml_importer *importer = recording ? NULL : importer_of(event->path, head);
    rml_object_close(&object);
    *known = recording || importer != NULL;
    if (recording) {
        event->format = RML_STR("recording");
        return ingest_recording(w, event, err);
    }
    if (importer != NULL) {
        event->format = rml_str_of(importer->format);
        return import_scenario(w, event, err);
    }
    return RML_OK;
}

// Faults of one file do not stop the others; those of the machine or the lake do.
static bool is_of_the_file(rml_status st)
{
    return st == RML_ERR_DATA || st == RML_ERR_LIMIT || st == RML_ERR_UNSUPPORTED ||
           st == RML_ERR_ARGUMENT || st == RML_ERR_MISSING;
}

static rml_status take_file(rml_source_walk *w, rml_str path, bool named, rml_error *err)
{
    if (rml_progress_stop(w->progress)) {
        return rml_fail(err, RML_ERR_STOPPED, rml_place_file(path),
                        "run the same command again to go on", "stopped before this file");
    }
    rml_source_event event = {.path = path};
    rml_error fault = {0};
    bool known = false;
    rml_status st = ingest_file(w, &event, &known, &fault);
    if (st == RML_OK && !known && named) {
        st = rml_fail(&fault, RML_ERR_UNSUPPORTED, rml_place_file(path), NULL,
                      "expected a recording (MCAP, ROS bag, ROS 2 bag, MDF), CommonRoad XML or an "
                      "Argoverse 2 scenario, found none of them");
    }
    if (st != RML_OK && !is_of_the_file(st)) {
        if (err != NULL) {
            *err = fault;
        }
        return st;
    }
    if (st != RML_OK) {
        event.sums = (rml_source_sums){.files = 1, .refused = 1};
        event.refused = &fault;
    } else if (!known) {
        return RML_OK;
    }
    add_sums(w->sums, &event.sums);
    if (w->tell != NULL) {
        w->tell(w->context, &event);
    }
    return RML_OK;
}

rml_status rml_home_ingest(rml_home *home, const rml_str *sources, size_t count,
                           const rml_source_options *options,
                           void (*tell)(void *context, const rml_source_event *event),
                           void *context, const rml_progress *progress, rml_source_sums *out,
                           rml_error *err)
{
    *out = (rml_source_sums){0};
    rml_source_options none = {0};
    rml_source_walk w = {home, options != NULL ? options : &none, tell, context, progress, out};
    for (size_t i = 0; i < count; i++) {
        rml_array paths = RML_ARRAY(rml_str);
        rml_file_info info;
        rml_str source = rml_arena_str(&home->arena, sources[i]);
        rml_status st = source.data == NULL ? rml_fail_memory(err, sources[i].len)
                                            : rml_file_stat(source.data, &info, err);
        if (!st) {
            st = rml_folder_walk(source.data, &home->arena, &paths, err);
        }
        rml_str bag = {0};
        for (size_t p = 0; !st && p < paths.count; p++) {
            rml_str path = *RML_AT(&paths, rml_str, p), folder = rml_path_folder(path);
            // The folder of a bag is one recording, however many files it has.
            if (info.is_folder && rml_log_folder_recognised(folder)) {
                bool begun = rml_str_equal(bag, folder);
                bag = folder;
                path = folder;
                st = begun ? RML_OK : take_file(&w, path, true, err);
            } else {
                st = take_file(&w, path, !info.is_folder, err);
            }
            rml_progress_report(progress, "ingest", (double)(p + 1), (double)paths.count, "files");
        }
        rml_array_reset(&paths);
        RML_TRY(st);
    }
    return RML_OK;
}
