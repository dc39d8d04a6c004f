// Sources into the lake: folders become a list of files, files are taken side by side, what became
// of each is told in the order of the list, and every sum is checked for conservation.
#include <assert.h>

#include "roadmill/log.h"
#include "roadmill/store.h"

#include "source_file.h"

typedef struct source_path {
    rml_str path;
    bool named; // by the user, not found in a folder
} source_path;

// What one worker has for itself.
typedef struct source_worker {
    rml_lake *lake;
    rml_arena arena;
} source_worker;

typedef struct source_walk {
    rml_lake *lake;
    rml_arena arena;
    const rml_source_options *options;
    void (*tell)(void *context, const rml_source_event *event);
    void *context;
    const rml_progress *progress;
    rml_source_sums *sums;
    rml_array paths; // source_path
    source_worker *workers;
    size_t jobs;
    rml_progress stop_only; // for files side by side: only files that are done are reported
    rml_turnstile *commits, *tells;
    atomic_bool failed;
    rml_status st; // of the first file that ended the whole; written in the turn to tell
    rml_error *err;
} source_walk;

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

// ---- The list of files -------------------------------------------------------------------------

static rml_status list_add(source_walk *w, rml_str path, bool named, rml_error *err)
{
    source_path *item = rml_array_push(&w->paths, err);
    if (item == NULL) {
        return RML_ERR_MEMORY;
    }
    *item = (source_path){path, named};
    return RML_OK;
}

static rml_status list_source(source_walk *w, rml_str given, rml_error *err)
{
    rml_arena *arena = &w->arena;
    rml_array found = RML_ARRAY(rml_str);
    rml_file_info info;
    rml_str source = rml_arena_str(arena, given), bag = {0};
    rml_status st =
        source.data == NULL ? rml_fail_memory(err, given.len) : rml_store_stat(source, &info, err);
    st = st ? st : rml_store_walk(source, arena, &found, err);
    for (size_t i = 0; !st && i < found.count; i++) {
        rml_str path = *RML_AT(&found, rml_str, i), folder = rml_path_folder(path);
        bool of_bag = false;
        st = info.is_folder ? rml_log_folder_recognised(folder, &of_bag, err) : RML_OK;
        // The folder of a bag is one recording, however many files it has.
        if (!st && !of_bag) {
            st = list_add(w, path, !info.is_folder, err);
        } else if (!st && !rml_str_equal(bag, folder)) {
            st = list_add(w, folder, true, err);
            bag = folder;
        }
    }
    rml_array_reset(&found);
    return st;
}

// ---- One file ----------------------------------------------------------------------------------

// In the turn of this file.
static void tell_file(source_walk *w, rml_source_event *event, rml_status st, bool known,
                      const rml_error *fault)
{
    if (w->st != RML_OK) {
        return;
    }
    if (st != RML_OK && !rml_source_fault_is_of_file(st)) {
        w->st = st;
        if (w->err != NULL) {
            *w->err = *fault;
        }
        return;
    }
    if (st != RML_OK) {
        event->sums = (rml_source_sums){.files = 1, .refused = 1};
        event->refused = fault;
    } else if (!known) {
        return;
    }
    add_sums(w->sums, &event->sums);
    if (w->tell != NULL) {
        w->tell(w->context, event);
    }
}

static void take_file(void *context, size_t number, size_t worker)
{
    source_walk *w = context;
    const source_path *item = RML_AT(&w->paths, source_path, number);
    source_worker *own = &w->workers[worker];
    bool alone = w->jobs == 1;
    size_t threads = w->options->threads / w->jobs;
    rml_source_file f = {.lake = own->lake,
                         .arena = &own->arena,
                         .options = w->options,
                         .threads = threads > 0 ? threads : 1,
                         .progress = alone ? w->progress : &w->stop_only,
                         .commits = w->commits,
                         .number = number,
                         .failed = &w->failed,
                         .event = {.path = item->path}};
    rml_error fault = {0};
    bool known = false;
    rml_status st = rml_source_file_ingest(&f, &known, &fault);
    if (st == RML_OK && !known && item->named) {
        st = rml_fail(&fault, RML_ERR_UNSUPPORTED, rml_place_file(item->path), NULL,
                      "expected a recording (MCAP, ROS bag, ROS 2 bag, MDF), CommonRoad XML or an "
                      "Argoverse 2 scenario, found none of them");
    }
    rml_turnstile_enter(w->tells, number);
    tell_file(w, &f.event, st, known, &fault);
    rml_progress_report(w->progress, "ingest", (double)(number + 1), (double)w->paths.count,
                        "files");
    rml_turnstile_leave(w->tells, number);
    rml_arena_reset(&own->arena);
}

// ---- All ---------------------------------------------------------------------------------------

// Each worker reads and writes the lake by a handle of its own; the first takes the home's.
static rml_status open_workers(source_walk *w, rml_error *err)
{
    w->workers = rml_heap_make(w->jobs * sizeof *w->workers);
    if (w->workers == NULL) {
        return rml_fail_memory(err, w->jobs * sizeof *w->workers);
    }
    w->workers[0].lake = w->lake;
    for (size_t i = 1; i < w->jobs; i++) {
        RML_TRY(rml_lake_open(rml_lake_folder(w->lake), &w->workers[i].lake, err));
    }
    RML_TRY(rml_turnstile_make(&w->commits, err));
    return rml_turnstile_make(&w->tells, err);
}

static void close_workers(source_walk *w)
{
    for (size_t i = 0; w->workers != NULL && i < w->jobs; i++) {
        rml_lake_close(i == 0 ? NULL : w->workers[i].lake);
        rml_arena_reset(&w->workers[i].arena);
    }
    rml_heap_free(w->workers);
    rml_turnstile_free(w->commits);
    rml_turnstile_free(w->tells);
}

static rml_status take_all(source_walk *w, rml_error *err)
{
    rml_pool *pool = NULL;
    RML_TRY(open_workers(w, err));
    RML_TRY(rml_pool_make(w->jobs, &pool, err));
    rml_pool_run(pool, w->paths.count, take_file, w);
    rml_pool_free(pool);
    return w->st;
}

rml_status rml_ingest_sources(rml_lake *lake, const rml_str *sources, size_t count,
                              const rml_source_options *options,
                              void (*tell)(void *context, const rml_source_event *event),
                              void *context, const rml_progress *progress, rml_source_sums *out,
                              rml_error *err)
{
    static const rml_source_options none = {0};
    *out = (rml_source_sums){0};
    source_walk w = {.lake = lake,
                     .options = options != NULL ? options : &none,
                     .tell = tell,
                     .context = context,
                     .progress = progress,
                     .sums = out,
                     .paths = RML_ARRAY(source_path),
                     .err = err};
    if (progress != NULL) {
        w.stop_only = (rml_progress){.stop = progress->stop, .context = progress->context};
    }
    rml_status st = RML_OK;
    for (size_t i = 0; !st && i < count; i++) {
        st = list_source(&w, sources[i], err);
    }
    w.jobs = w.options->jobs < w.paths.count ? w.options->jobs : w.paths.count;
    w.jobs = w.jobs > 0 ? w.jobs : 1;
    st = st ? st : take_all(&w, err);
    close_workers(&w);
    rml_array_reset(&w.paths);
    rml_arena_reset(&w.arena);
    return st;
}
