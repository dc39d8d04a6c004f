// The last step: what the page of the turn shows, gathered and handed to it.
#include <string.h>

#include "plan.h"

#include "roadmill/drive.h"
#include "roadmill/eval.h"
#include "roadmill/report.h"

// The dev split as a model sees it, and its worst scene.
typedef struct rml_worst {
    rml_split_arrays train, dev;
    rml_forecast model;
    size_t index; // in the dev split
    double error; // by the task's compared metric
} rml_worst;

static rml_status find_worst(rml_turn *t, const rml_dataset *d, rml_worst *out, rml_error *err)
{
    rml_str folder;
    rml_runner *runner = NULL;
    const rml_task *task = t->config->train.task;
    RML_TRY(rml_split_arrays_make(t->arena, d, task, RML_TRAIN, &out->train, err));
    RML_TRY(rml_split_arrays_make(t->arena, d, task, RML_DEV, &out->dev, err));
    RML_TRY(rml_turn_model_folder(t, rml_turn_text(t, RML_STEP_TRAIN, "run"), &folder, err));
    RML_TRY(rml_runner_open(folder.data, 32, &runner, err));
    rml_status st = rml_runner_answers_make(runner, out->dev.count, false, &out->model, err);
    if (!st) {
        st = rml_runner_predict(runner, d, RML_DEV, t->pool, &out->model, NULL, NULL, NULL, err);
    }
    rml_runner_close(runner);
    double *fde = RML_NEW_ARRAY(t->arena, double, out->dev.count);
    if (!st && fde == NULL) {
        st = rml_fail_memory(err, out->dev.count * sizeof *fde);
    }
    if (!st) {
        st = rml_split_metric(&out->dev, &out->model, task->compared, fde, err);
    }
    for (size_t i = 0; !st && i < out->dev.count; i++) {
        if (fde[i] > out->error) {
            out->error = fde[i];
            out->index = i;
        }
    }
    return st;
}

// A baseline's answer for the worst scene alone.
static rml_status baseline_future(rml_turn *t, const rml_worst *worst, const char *name,
                                  rml_forecast *out, rml_error *err)
{
    rml_eval_baseline baseline;
    if (!rml_eval_baseline_find(name, &baseline)) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected a baseline, found %s", name);
    }
    rml_split_arrays one = worst->dev;
    one.count = 1;
    one.history_xy += worst->index * one.history * 2;
    return baseline.answer(name, &worst->train, &one, 0, t->pool, out, err);
}

// Whether what is answered are positions, which can be drawn.
static bool is_future(const rml_worst *worst)
{
    return worst->model.axes == 2;
}

static rml_status say(rml_turn *t, const rml_worst *worst, rml_str *out, rml_error *err)
{
    const rml_metric *metric = rml_metric_find(t->config->train.task->compared);
    *out = is_future(worst)
               ? rml_arena_printf(t->arena, "the nearest of %u futures ends %.1f m from the truth.",
                                  worst->model.modes, worst->error)
               : rml_arena_printf(t->arena, "%s is %.2f %s.", metric->name, worst->error,
                                  metric->unit);
    return out->data ? RML_OK : rml_fail_memory(err, 64);
}

// The futures of the worst scene; the page has them while it is written.
static rml_status write_worst(rml_turn *t, const rml_dataset *d, const rml_worst *worst,
                              const rml_forecast *cv, const rml_forecast *blind,
                              rml_turn_results *results, rml_buffer *page, rml_error *err)
{
    const rml_scene_row *row = &rml_dataset_scenes(d, RML_DEV)[worst->index].row;
    rml_traffic traffic;
    rml_window window;
    RML_TRY(rml_traffic_load(t->home->lake, row->recording_id, t->arena, &traffic, err));
    RML_TRY(rml_scene_window(&traffic, row, &window, err));
    const rml_forecast *m = &worst->model;
    const rml_scene_future futures[] = {
        {"truth", "#000000", worst->dev.target_xy + worst->index * worst->dev.steps * 2, NULL, 1},
        {"constant velocity", "#999999", cv->xy, NULL, 1},
        {"best blind baseline", "#E69F00", blind->xy, blind->probability, blind->modes},
        {"model", "#0072B2", m->xy + worst->index * m->modes * m->steps * 2,
         m->probability + worst->index * m->modes, m->modes},
    };
    rml_str said;
    RML_TRY(say(t, worst, &said, err));
    const rml_worst_scene scene = {.traffic = &traffic,
                                   .spec = rml_dataset_scene_spec(d),
                                   .window = window,
                                   .scene_id = row->scene_id,
                                   .futures = futures,
                                   .future_count =
                                       is_future(worst) ? sizeof futures / sizeof *futures : 0,
                                   .said = said.data};
    results->worst = &scene;
    return rml_turn_page(results, t->arena, page, err);
}

static rml_status write_page(rml_turn *t, rml_turn_results *results, rml_buffer *page,
                             rml_error *err)
{
    rml_dataset *d = NULL;
    rml_worst worst = {0};
    rml_forecast cv = {0}, blind = {0};
    rml_str best = rml_arena_str(t->arena, results->evaluation->best_blind);
    RML_TRY(
        rml_dataset_open(t->home->store, rml_turn_text(t, RML_STEP_DATASET, "version"), &d, err));
    rml_status st = find_worst(t, d, &worst, err);
    if (!st && is_future(&worst)) {
        st = baseline_future(t, &worst, "cv_1", &cv, err);
        st = st ? st : baseline_future(t, &worst, best.data, &blind, err);
    }
    if (!st) {
        st = write_worst(t, d, &worst, &cv, &blind, results, page, err);
    }
    rml_forecast_free(&cv);
    rml_forecast_free(&blind);
    rml_forecast_free(&worst.model);
    rml_dataset_close(d);
    return st;
}

rml_status rml_step_report(rml_turn *t, rml_json_writer *w, rml_error *err)
{
    rml_object_row row;
    rml_str path;
    rml_buffer page = {0};
    rml_turn_results results = {.name = t->config->name,
                                .home = t->home->path,
                                .ingest = t->results[RML_STEP_INGEST],
                                .dataset = t->results[RML_STEP_DATASET],
                                .deploy = t->results[RML_STEP_DEPLOY],
                                .gate = t->results[RML_STEP_GATE],
                                .mine = t->results[RML_STEP_MINE],
                                .child = t->results[RML_STEP_CHILD]};
    RML_TRY(rml_catalog_get(t->home->catalog, "evaluation",
                            rml_turn_text(t, RML_STEP_EVALUATE, "evaluation"), t->arena, &row,
                            err));
    RML_TRY(rml_evidence_read(row.body, RML_STR("evaluation"), t->arena, &results.evaluation, err));
    path = rml_path_join(t->arena, t->home->path, RML_STR("report.html"));
    RML_TRY(path.data == NULL ? rml_fail_memory(err, t->home->path.len) : RML_OK);
    rml_status st = write_page(t, &results, &page, err);
    if (!st) {
        st = rml_file_replace(path.data, rml_buffer_bytes(&page), err);
    }
    rml_buffer_reset(&page);
    RML_TRY(st);
    rml_json_kv_str(w, "page", path);
    return RML_OK;
}
