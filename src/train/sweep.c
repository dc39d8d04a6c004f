// train: a sweep on disk: its name, its journal of jobs, its trainings, its place in the catalog.
#include "roadmill/train/sweep.h"

#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "play.h"
#include "roadmill/codec.h"
#include "roadmill/store.h"
#include "space.h"

enum { JOURNAL_MAX = 64 << 20 };

typedef struct sweep {
    rml_str home, folder, journal;
    rml_catalog *catalog;
    const rml_dataset *dataset;
    const rml_sweep_config *config;
    const rml_progress *progress;
    rml_arena arena;
    rml_lock lock;
    rml_array known, jobs; // rml_sweep_job
    rml_buffer lines;      // of the journal
    size_t done;           // jobs, of about `most`
    size_t most;
    atomic_bool failed;
    rml_sweep_result *result;
} sweep;

// ---- Name --------------------------------------------------------------------------------------

static void write_name(const sweep *s, rml_json_writer *w)
{
    rml_json_object(w);
    rml_json_key(w, "config");
    rml_sweep_write(s->config, w);
    rml_json_kv_str(w, "dataset", rml_dataset_hash(s->dataset));
    rml_json_kv_str(w, "program", RML_STR(RML_VERSION));
    rml_json_object_end(w);
}

static rml_status sweep_name(sweep *s, rml_error *err)
{
    rml_buffer text = {0};
    rml_json_writer w;
    rml_hash hash;
    rml_json_writer_init(&w, &text, err);
    write_name(s, &w);
    rml_status st = rml_json_finish(&w);
    st = st ? st : rml_json_text_hash(rml_buffer_text(&text), &hash, err);
    if (st == RML_OK) {
        rml_hash_text(&hash, s->result->sweep);
    }
    rml_buffer_reset(&text);
    return st;
}

static rml_status sweep_paths(sweep *s, rml_error *err)
{
    const char *name = s->result->sweep;
    s->folder = rml_arena_printf(&s->arena, "%.*s/sweeps/%s", RML_FMT(s->home), name);
    s->journal = rml_arena_printf(&s->arena, "%.*s/sweeps/%s/jobs.jsonl", RML_FMT(s->home), name);
    bool made = s->folder.data && s->journal.data;
    return made ? RML_OK : rml_fail_memory(err, s->home.len);
}

// ---- Journal -----------------------------------------------------------------------------------

static rml_status journal_line(sweep *s, const rml_sweep_job *job, rml_error *err)
{
    rml_json_writer w;
    rml_json_writer_init(&w, &s->lines, err);
    rml_json_object(&w);
    rml_json_kv_f64(&w, "loss", job->loss);
    rml_json_kv_str(&w, "run", rml_str_of(job->run));
    rml_json_kv_i64(&w, "rung", job->rung);
    rml_json_kv_i64(&w, "trial", job->trial);
    rml_json_key(&w, "values");
    rml_sweep_write_values(s->config, job->values, &w);
    rml_json_object_end(&w);
    RML_TRY(rml_json_finish(&w));
    return rml_buffer_str(&s->lines, RML_STR("\n"), err);
}

static bool read_values(const sweep *s, const rml_json *line, double *values)
{
    const rml_json *object = rml_json_get(line, "values");
    for (size_t i = 0; i < s->config->axis_count; i++) {
        const rml_sweep_axis *a = &s->config->axes[i];
        const rml_json *v = object ? rml_json_get(object, a->name) : NULL;
        if (v == NULL) {
            return false;
        }
        values[i] = a->boolean ? v->boolean : v->number;
    }
    return true;
}

static rml_status journal_job(sweep *s, rml_str text, uint32_t number, rml_error *err)
{
    const rml_json *line;
    RML_TRY(rml_json_parse(&s->arena, text, s->journal, &line, err));
    rml_sweep_job *job = rml_array_push(&s->known, err);
    if (job == NULL) {
        return RML_ERR_MEMORY;
    }
    rml_str run = rml_json_get_str(line, "run", RML_STR(""));
    int64_t trial = rml_json_get_i64(line, "trial", -1), rung = rml_json_get_i64(line, "rung", -1);
    if (trial < 0 || trial > UINT32_MAX || rung < 0 || rung >= s->config->rungs ||
        run.len >= sizeof job->run || !read_values(s, line, job->values)) {
        return rml_fail(err, RML_ERR_DATA, rml_place_line(s->journal, number, 0),
                        "remove its folder to begin again",
                        "expected a job with trial, rung, run and values, found another line");
    }
    job->trial = (uint32_t)trial;
    job->rung = (uint32_t)rung;
    job->loss = rml_json_get_f64(line, "loss", INFINITY);
    memcpy(job->run, run.data, run.len);
    return RML_OK;
}

static rml_status journal_read(sweep *s, rml_error *err)
{
    rml_file_info there;
    RML_TRY(rml_store_stat(s->journal, &there, err));
    if (!there.exists) {
        return RML_OK;
    }
    RML_TRY(rml_store_get(s->journal, JOURNAL_MAX, &s->lines, err));
    rml_str line, rest = rml_buffer_text(&s->lines);
    for (uint32_t number = 1; rest.len > 0; number++) {
        rest = rml_str_cut(rest, '\n', &line);
        RML_TRY(journal_job(s, line, number, err));
    }
    return RML_OK;
}

// ---- Trainings ---------------------------------------------------------------------------------

static bool stop(void *context)
{
    sweep *s = context;
    return atomic_load(&s->failed) || rml_progress_stop(s->progress);
}

static rml_status train_until(sweep *s, rml_sweep_job *job, rml_train_result *r, rml_error *err)
{
    rml_train_config c;
    rml_catalog *catalog;
    rml_progress progress = {NULL, stop, s};
    rml_sweep_apply(s->config, job->values, &c);
    c.until = rml_sweep_steps(s->config, job->rung);
    RML_TRY(rml_catalog_open(rml_catalog_path(s->catalog), &catalog, err));
    rml_status st = rml_train_run(s->home, catalog, s->dataset, &c, NULL, &progress, r, err);
    rml_catalog_close(catalog);
    return st;
}

static rml_status train(void *context, rml_sweep_job *job, rml_error *err)
{
    sweep *s = context;
    rml_train_result r;
    rml_status st = train_until(s, job, &r, err);
    memcpy(job->run, r.run, sizeof job->run);
    if (st != RML_OK && r.diverged) {
        job->loss = INFINITY;
        return RML_OK;
    }
    RML_TRY(st);
    uint64_t until = rml_sweep_steps(s->config, job->rung);
    if (r.validated_at != until || !isfinite(r.loss_validation)) {
        return rml_fail(err, RML_ERR_DATA, (rml_place){0},
                        "it was trained by hand: remove its folder, or give the sweep's trainings "
                        "another seed",
                        "expected run %.12s to be validated at step %" PRIu64 ", found it at "
                        "%" PRIu64,
                        r.run, until, r.validated_at);
    }
    job->loss = r.loss_validation;
    return RML_OK;
}

static void failed(void *context)
{
    sweep *s = context;
    atomic_store(&s->failed, true);
}

static rml_status done(void *context, const rml_sweep_job *job, rml_error *err)
{
    sweep *s = context;
    RML_TRY(journal_line(s, job, err));
    RML_TRY(rml_store_put(s->journal, rml_buffer_bytes(&s->lines), err));
    s->done++;
    rml_progress_report(s->progress, "sweeping", (double)s->done,
                        (double)(s->done > s->most ? s->done : s->most), "jobs");
    return RML_OK;
}

// Jobs if the first results of each rung were its best.
static size_t most_jobs(const rml_sweep_config *c)
{
    size_t sum = 0, trials = c->trials;
    for (uint32_t rung = 0; rung < c->rungs; rung++) {
        sum += trials;
        trials /= c->eta;
    }
    return sum;
}

// ---- Result ------------------------------------------------------------------------------------

static rml_status collect(sweep *s, rml_error *err)
{
    rml_sweep_result *out = s->result;
    for (size_t i = 0; i < s->jobs.count; i++) {
        const rml_sweep_job *j = RML_AT(&s->jobs, rml_sweep_job, i);
        if (j->idle) {
            continue;
        }
        out->jobs++;
        if (j->trial == out->trials.count && rml_array_push(&out->trials, err) == NULL) {
            return RML_ERR_MEMORY;
        }
        rml_sweep_trial *t = RML_AT(&out->trials, rml_sweep_trial, j->trial);
        memcpy(t->values, j->values, sizeof t->values);
        memcpy(t->run, j->run, sizeof t->run);
        t->rung = j->rung;
        t->loss = j->loss;
    }
    const rml_sweep_trial *trials = out->trials.data;
    for (size_t i = 1; i < out->trials.count; i++) {
        const rml_sweep_trial *best = &trials[out->best];
        bool farther = trials[i].rung > best->rung;
        bool better = trials[i].rung == best->rung && trials[i].loss < best->loss;
        out->best = farther || better ? i : out->best;
    }
    return RML_OK;
}

static void write_trials(const sweep *s, rml_json_writer *w)
{
    rml_json_list(w);
    for (size_t i = 0; i < s->result->trials.count; i++) {
        const rml_sweep_trial *t = RML_AT(&s->result->trials, rml_sweep_trial, i);
        rml_json_object(w);
        rml_json_kv_f64(w, "loss", t->loss);
        rml_json_kv_str(w, "run", rml_str_of(t->run));
        rml_json_kv_i64(w, "steps", (int64_t)rml_sweep_steps(s->config, t->rung));
        rml_json_key(w, "values");
        rml_sweep_write_values(s->config, t->values, w);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
}

static rml_status catalog_put(sweep *s, rml_error *err)
{
    rml_buffer body = {0};
    rml_json_writer w;
    rml_str name = rml_str_of(s->result->sweep);
    rml_json_writer_init(&w, &body, err);
    rml_json_object(&w);
    rml_json_kv_i64(&w, "best", (int64_t)s->result->best);
    rml_json_key(&w, "config");
    rml_sweep_write(s->config, &w);
    rml_json_kv_str(&w, "dataset", rml_dataset_hash(s->dataset));
    rml_json_key(&w, "trials");
    write_trials(s, &w);
    rml_json_object_end(&w);
    rml_status st = rml_json_finish(&w);
    rml_object_row row = {.kind = RML_STR("sweep"), .hash = name, .body = rml_buffer_text(&body)};
    rml_edge version = {name, rml_dataset_hash(s->dataset), RML_STR("trained-on")};
    st = st ? st : rml_catalog_put(s->catalog, &row, err);
    st = st ? st : rml_catalog_link(s->catalog, &version, err);
    for (size_t i = 0; st == RML_OK && i < s->result->trials.count; i++) {
        const rml_sweep_trial *t = RML_AT(&s->result->trials, rml_sweep_trial, i);
        rml_edge trial = {name, rml_str_of(t->run), RML_STR("trial")};
        if (t->rung + 1 == s->config->rungs && isfinite(t->loss)) { // the others are no objects
            st = rml_catalog_link(s->catalog, &trial, err);
        }
    }
    rml_buffer_reset(&body);
    return st;
}

static rml_status sweep_run(sweep *s, size_t jobs, rml_error *err)
{
    if (rml_dataset_count(s->dataset, RML_VALIDATION) == 0) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0},
                        "dataset create with --share validation=0.1",
                        "expected a version with a validation split to compare trials on, found "
                        "none");
    }
    RML_TRY(sweep_name(s, err));
    RML_TRY(sweep_paths(s, err));
    rml_str lock = rml_arena_printf(&s->arena, "%s/lock", s->folder.data);
    RML_TRY(lock.data ? RML_OK : rml_fail_memory(err, 1));
    RML_TRY(rml_store_folder_make(s->folder, err));
    RML_TRY(rml_store_lock(&s->lock, lock, true, err));
    RML_TRY(journal_read(s, err));
    s->done = s->result->jobs_again = s->known.count;
    size_t window = s->config->window;
    size_t threads = jobs < 1 ? 1 : jobs > window ? window : jobs;
    rml_sweep_hooks hooks = {train, done, failed, s};
    RML_TRY(rml_sweep_play(s->config, &s->known, threads, &hooks, &s->jobs, err));
    RML_TRY(collect(s, err));
    return catalog_put(s, err);
}

rml_status rml_sweep_run(rml_str home, rml_catalog *catalog, const rml_dataset *dataset,
                         const rml_sweep_config *config, size_t jobs, const rml_progress *progress,
                         rml_sweep_result *out, rml_error *err)
{
    *out = (rml_sweep_result){.trials = RML_ARRAY(rml_sweep_trial)};
    sweep s = {.home = home,
               .catalog = catalog,
               .dataset = dataset,
               .config = config,
               .progress = progress,
               .known = RML_ARRAY(rml_sweep_job),
               .jobs = RML_ARRAY(rml_sweep_job),
               .most = most_jobs(config),
               .result = out};
    rml_status st = sweep_run(&s, jobs, err);
    rml_lock_drop(&s.lock);
    rml_array_reset(&s.known);
    rml_array_reset(&s.jobs);
    rml_buffer_reset(&s.lines);
    rml_arena_reset(&s.arena);
    return st;
}
