// Evaluating runs or predictions, and mining with a run: what `roadmill eval` and `roadmill mine`
// do.
#include "roadmill/turn/judge.h"

#include <string.h>

#include "roadmill/base/json.h"

#define BATCH 32

static rml_status open_version(rml_home *home, rml_str text, rml_arena *arena, rml_dataset **out,
                               rml_error *err)
{
    rml_object_row row;
    RML_TRY(rml_catalog_get(home->catalog, "dataset", text, arena, &row, err));
    return rml_dataset_open(home->store, row.hash, out, err);
}

static rml_status open_run(rml_home *home, rml_str text, rml_arena *arena, rml_str *hash,
                           rml_runner **out, rml_error *err)
{
    rml_object_row row;
    RML_TRY(rml_catalog_get(home->catalog, "run", text, arena, &row, err));
    rml_str folder =
        rml_arena_printf(arena, "%s/runs/%.*s/model", home->store.data, RML_FMT(row.hash));
    if (folder.data == NULL) {
        return rml_fail_memory(err, home->store.len);
    }
    *hash = row.hash;
    return rml_runner_open(folder.data, BATCH, out, err);
}

// ---- Evaluating --------------------------------------------------------------------------------

// One of the models that are judged.
typedef struct judged {
    rml_str name, hash;
    const rml_str *runs;
    rml_forecast *futures, *ones; // one a run
    size_t seeds;
    bool single, has_probability;
} judged;

typedef struct judging {
    rml_home *home;
    const rml_judge_request *request;
    rml_eval_options options; // of the request, with the task of the runs
    rml_dataset *dataset;
    rml_pool *pool;
    rml_arena *arena;
    judged models[2];
    size_t count;
} judging;

// All runs that are judged together are of one task.
static rml_status join_task(judging *j, const rml_task *task, rml_error *err)
{
    if (j->options.task != NULL && j->options.task != task) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected runs of one task, found %s and %s", j->options.task->name,
                        task->name);
    }
    j->options.task = task;
    return RML_OK;
}

static rml_status predict(judging *j, judged *m, size_t seed, rml_error *err)
{
    rml_runner *runner = NULL;
    rml_split split = j->request->options.split;
    size_t n = rml_dataset_count(j->dataset, split);
    rml_str hash;
    RML_TRY(open_run(j->home, m->runs[seed], j->arena, &hash, &runner, err));
    bool single = rml_runner_model(runner)->one >= 0;
    m->hash = seed == 0 ? hash : m->hash;
    m->single = single && (seed == 0 || m->single);
    rml_status st = join_task(j, rml_runner_task(runner), err);
    st = st ? st : rml_runner_answers_make(runner, n, false, &m->futures[seed], err);
    st = st || !single ? st : rml_runner_answers_make(runner, n, true, &m->ones[seed], err);
    st = st ? st
            : rml_runner_predict(runner, j->dataset, split, j->pool, &m->futures[seed],
                                 single ? &m->ones[seed] : NULL, NULL, NULL, err);
    rml_runner_close(runner);
    return st;
}

static rml_status read_predictions(judging *j, judged *m, rml_error *err)
{
    const rml_judge_request *r = j->request;
    rml_hash hash;
    char hex[RML_HASH_TEXT];
    RML_TRY(rml_predictions_read(r->predictions, j->dataset, r->options.split, &m->futures[0],
                                 &m->has_probability, &hash, err));
    rml_hash_text(&hash, hex);
    m->hash = rml_arena_str(j->arena, rml_str_of(hex));
    rml_buffer body = {0};
    rml_json_writer w;
    rml_json_writer_init(&w, &body, err);
    rml_json_object(&w);
    rml_json_kv_str(&w, "file", rml_path_name(rml_str_of(r->predictions)));
    rml_json_kv_bool(&w, "has_probability", m->has_probability);
    rml_json_kv_i64(&w, "modes", m->futures[0].modes);
    rml_json_object_end(&w);
    rml_status st = rml_json_finish(&w);
    rml_object_row old, row = {RML_STR("predictions"), m->hash, r->name, rml_buffer_text(&body),
                               rml_clock_unix_ns()};
    // The same bytes under another file name are the same predictions.
    if (st == RML_OK && rml_catalog_get(j->home->catalog, "predictions", m->hash, j->arena, &old,
                                        NULL) == RML_ERR_MISSING) {
        st = rml_catalog_put(j->home->catalog, &row, err);
    }
    rml_buffer_reset(&body);
    return st;
}

// runs, or NULL: the request's predictions.
static rml_status add_model(judging *j, rml_str name, const rml_str *runs, size_t count,
                            rml_error *err)
{
    judged *m = &j->models[j->count++];
    *m = (judged){
        .name = name, .runs = runs, .seeds = runs != NULL ? count : 1, .has_probability = true};
    m->futures = RML_NEW_ARRAY(j->arena, rml_forecast, m->seeds);
    m->ones = RML_NEW_ARRAY(j->arena, rml_forecast, m->seeds);
    if (m->futures == NULL || m->ones == NULL) {
        return rml_fail_memory(err, m->seeds * sizeof *m->ones);
    }
    for (size_t i = 0; runs != NULL && i < count; i++) {
        RML_TRY(predict(j, m, i, err));
    }
    return runs != NULL ? RML_OK : read_predictions(j, m, err);
}

static rml_status judge(judging *j, const rml_progress *progress, rml_str *json, rml_hash *hash,
                        rml_error *err)
{
    const rml_judge_request *r = j->request;
    if (r->predictions != NULL && r->run_count > 0) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected runs or predictions, found both");
    }
    if (r->against_count > 0 && r->predictions == NULL && r->run_count == 0) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected runs or predictions to pair with those against, found none");
    }
    RML_TRY(open_version(j->home, r->version, j->arena, &j->dataset, err));
    rml_str name = r->name.len > 0 ? r->name : RML_STR("model");
    if (r->predictions != NULL || r->run_count > 0) {
        const rml_str *runs = r->predictions != NULL ? NULL : r->runs;
        RML_TRY(add_model(j, name, runs, r->run_count, err));
    }
    if (r->against_count > 0) {
        RML_TRY(add_model(j, RML_STR("against"), r->against, r->against_count, err));
    }
    // Without a run it is the task that such scenes are cut for.
    const rml_scene_cutter *cutter = rml_dataset_cutter(j->dataset);
    if (j->options.task == NULL && cutter != NULL) {
        j->options.task = rml_task_of_cutter(rml_str_of(cutter->name));
    }
    rml_eval_model models[2];
    for (size_t i = 0; i < j->count; i++) {
        const judged *m = &j->models[i];
        models[i] = (rml_eval_model){.name = m->name,
                                     .hash = m->hash,
                                     .futures = m->futures,
                                     .ones = m->single ? m->ones : NULL,
                                     .seeds = m->seeds,
                                     .has_probability = m->has_probability};
    }
    return rml_eval_run(j->home->lake, j->home->catalog, j->dataset, models, j->count, &j->options,
                        j->pool, progress, j->arena, json, hash, err);
}

rml_status rml_home_judge(rml_home *home, const rml_judge_request *request, rml_pool *pool,
                          const rml_progress *progress, rml_arena *arena, rml_str *json,
                          rml_hash *hash, rml_error *err)
{
    judging j = {.home = home, .request = request, .pool = pool, .arena = arena};
    j.options = request->options;
    rml_status st = judge(&j, progress, json, hash, err);
    for (size_t i = 0; i < j.count; i++) {
        judged *m = &j.models[i];
        for (size_t k = 0; m->futures != NULL && m->ones != NULL && k < m->seeds; k++) {
            rml_forecast_free(&m->futures[k]);
            rml_forecast_free(&m->ones[k]);
        }
    }
    rml_dataset_close(j.dataset);
    return st;
}

// ---- Mining ------------------------------------------------------------------------------------

typedef struct mining {
    rml_home *home;
    const rml_mine_request *request;
    rml_pool *pool;
    rml_arena *arena;
    rml_runner *runner;
    rml_dataset *dataset, *trained_on; // the same when the run was trained on it
    rml_str run;
    uint32_t *index; // [candidates] of the split's scenes
    rml_mine_scores scores;
} mining;

// The version that a run was trained on; the one mined when the catalog does not say.
static rml_status open_trained_on(mining *m, rml_error *err)
{
    rml_array edges = RML_ARRAY(rml_edge);
    rml_str version = rml_dataset_hash(m->dataset);
    rml_status st = rml_catalog_edges(m->home->catalog, m->run, true, m->arena, &edges, err);
    for (size_t i = 0; st == RML_OK && i < edges.count; i++) {
        const rml_edge *e = RML_AT(&edges, rml_edge, i);
        version = rml_str_equal(e->role, RML_STR("trained-on")) ? e->to : version;
    }
    rml_array_reset(&edges);
    return st ? st : rml_dataset_open(m->home->store, version, &m->trained_on, err);
}

// What the run says of all scenes of a split; futures and embeddings in the arena.
static rml_status embed(mining *m, const rml_dataset *d, rml_split split, rml_forecast *futures,
                        float **losses, float **embeddings, rml_error *err)
{
    const rml_model *c = rml_runner_model(m->runner);
    size_t n = rml_dataset_count(d, split);
    *losses = RML_NEW_ARRAY(m->arena, float, n + 1);
    *embeddings = RML_NEW_ARRAY(m->arena, float, n * c->width + 1);
    if (*losses == NULL || *embeddings == NULL) {
        return rml_fail_memory(err, n * c->width * sizeof(float));
    }
    RML_TRY(rml_runner_answers_make(m->runner, n, false, futures, err));
    return rml_runner_predict(m->runner, d, split, m->pool, futures, NULL, *losses, *embeddings,
                              err);
}

// Keeps the scenes that the run has not been trained on; arrays are moved up in place.
static rml_status narrow(mining *m, size_t n, uint32_t width, float *losses, float *embeddings,
                         float *disagreement, rml_error *err)
{
    uint32_t *units = RML_NEW_ARRAY(m->arena, uint32_t, n + 1);
    m->index = RML_NEW_ARRAY(m->arena, uint32_t, n + 1);
    if (units == NULL || m->index == NULL) {
        return rml_fail_memory(err, n * sizeof *units);
    }
    const rml_dataset_scene *scenes = rml_dataset_scenes(m->dataset, m->request->from);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        rml_split split;
        size_t index;
        if (rml_dataset_find(m->trained_on, rml_str_of(scenes[i].row.scene_id), &split, &index) &&
            split == RML_TRAIN) {
            continue;
        }
        m->index[kept] = (uint32_t)i;
        units[kept] = scenes[i].family;
        losses[kept] = losses[i];
        disagreement[kept] = disagreement[i];
        memmove(embeddings + kept * width, embeddings + i * width, width * sizeof(float));
        kept++;
    }
    m->scores = (rml_mine_scores){.count = kept,
                                  .loss = losses,
                                  .disagreement = disagreement,
                                  .embedding = embeddings,
                                  .width = width,
                                  .unit = units};
    return RML_OK;
}

static rml_status score(mining *m, rml_error *err)
{
    rml_forecast futures = {0}, unused = {0};
    float *losses, *embeddings, *known, *known_losses;
    uint32_t width = rml_runner_model(m->runner)->width;
    size_t n = rml_dataset_count(m->dataset, m->request->from);
    float *disagreement = RML_NEW_ARRAY(m->arena, float, n + 1);
    float *novelty = RML_NEW_ARRAY(m->arena, float, n + 1);
    if (disagreement == NULL || novelty == NULL) {
        return rml_fail_memory(err, n * sizeof(float));
    }
    rml_status st = embed(m, m->dataset, m->request->from, &futures, &losses, &embeddings, err);
    st = st ? st : embed(m, m->trained_on, RML_TRAIN, &unused, &known_losses, &known, err);
    if (st == RML_OK) {
        rml_mine_disagreement(&futures, disagreement);
        st = narrow(m, n, width, losses, embeddings, disagreement, err);
    }
    if (st == RML_OK) {
        rml_mine_novelty(embeddings, m->scores.count, known,
                         rml_dataset_count(m->trained_on, RML_TRAIN), width, m->pool, novelty);
        m->scores.novelty = novelty;
    }
    rml_forecast_free(&futures);
    rml_forecast_free(&unused);
    return st;
}

static rml_status mine(mining *m, rml_mined *out, rml_error *err)
{
    const rml_mine_request *r = m->request;
    if (r->from != RML_DEV && r->from != RML_TRAIN) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, "--from dev",
                        "expected to mine dev or train, found %s, which only judges",
                        rml_split_name(r->from));
    }
    RML_TRY(open_version(m->home, r->version, m->arena, &m->dataset, err));
    RML_TRY(open_run(m->home, r->run, m->arena, &m->run, &m->runner, err));
    RML_TRY(open_trained_on(m, err));
    RML_TRY(score(m, err));
    rml_mine_pick *picks = RML_NEW_ARRAY(m->arena, rml_mine_pick, r->options.budget + 1);
    rml_str *ids = RML_NEW_ARRAY(m->arena, rml_str, r->options.budget + 1);
    if (picks == NULL || ids == NULL) {
        return rml_fail_memory(err, r->options.budget * sizeof *picks);
    }
    RML_TRY(rml_mine_select(&m->scores, &r->options, m->pool, picks, &out->count, err));
    const rml_dataset_scene *scenes = rml_dataset_scenes(m->dataset, r->from);
    for (size_t i = 0; i < out->count; i++) {
        picks[i].index = m->index[picks[i].index];
        ids[i] = rml_arena_str(m->arena, rml_str_of(scenes[picks[i].index].row.scene_id));
    }
    out->candidates = m->scores.count;
    out->picks = picks;
    out->scene_ids = ids;
    rml_selection selection = {
        rml_dataset_hash(m->dataset), m->run, r->from, r->options, picks, out->count};
    return rml_selection_put(m->home->catalog, m->dataset, &selection, r->name, m->arena,
                             &out->selection, err);
}

rml_status rml_home_mine(rml_home *home, const rml_mine_request *request, rml_pool *pool,
                         rml_arena *arena, rml_mined *out, rml_error *err)
{
    *out = (rml_mined){0};
    mining m = {.home = home, .request = request, .pool = pool, .arena = arena};
    rml_status st = mine(&m, out, err);
    rml_runner_close(m.runner);
    rml_dataset_close(m.dataset);
    rml_dataset_close(m.trained_on);
    return st;
}
