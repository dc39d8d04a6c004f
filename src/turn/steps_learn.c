// Steps that learn and judge: trainings, the evaluation on the gate split, the gate's verdict.
#include "plan.h"

#include "roadmill/eval.h"

rml_status rml_step_train(rml_turn *t, rml_json_writer *w, rml_error *err)
{
    rml_dataset *d = NULL;
    RML_TRY(
        rml_dataset_open(t->home->store, rml_turn_text(t, RML_STEP_DATASET, "version"), &d, err));
    rml_status st = RML_OK;
    rml_train_result first = {0};
    rml_json_key(w, "runs");
    rml_json_list(w);
    for (uint32_t seed = 0; !st && seed < t->config->seeds; seed++) {
        rml_train_config config = t->config->train;
        config.seed += seed;
        rml_train_result run;
        st = rml_train_run(t->home->store, t->home->catalog, d, &config, t->pool, t->progress, &run,
                           err);
        if (!st) {
            rml_json_object(w);
            rml_json_kv_str(w, "run", rml_str_of(run.run));
            rml_json_kv_str(w, "weights", rml_str_of(run.weights));
            rml_json_kv_f64(w, "loss_first", run.loss_first);
            rml_json_kv_f64(w, "loss_last", run.loss_last);
            rml_json_kv_f64(w, "loss_validation", run.loss_validation);
            rml_json_object_end(w);
            first = seed == 0 ? run : first;
        }
    }
    rml_json_list_end(w);
    rml_json_kv_str(w, "run", rml_str_of(first.run));
    rml_json_kv_i64(w, "steps", (int64_t)first.steps);
    rml_dataset_close(d);
    return st;
}

typedef struct rml_seed_forecasts {
    rml_forecast *futures, *ones;
    size_t count;
    bool single; // the model has a head for K = 1
} rml_seed_forecasts;

static rml_status predict_run(rml_turn *t, const rml_dataset *d, rml_str run, rml_split split,
                              rml_forecast *futures, rml_forecast *one, bool *single,
                              rml_error *err)
{
    rml_str folder;
    rml_runner *runner = NULL;
    RML_TRY(rml_turn_model_folder(t, run, &folder, err));
    RML_TRY(rml_runner_open(folder.data, 32, &runner, err));
    size_t n = rml_dataset_count(d, split);
    *single = rml_runner_model(runner)->one >= 0;
    rml_status st = rml_runner_answers_make(runner, n, false, futures, err);
    if (!st && *single) {
        st = rml_runner_answers_make(runner, n, true, one, err);
    }
    if (!st) {
        st = rml_runner_predict(runner, d, split, t->pool, futures, *single ? one : NULL, NULL,
                                NULL, err);
    }
    rml_runner_close(runner);
    return st;
}

static rml_status predict_all(rml_turn *t, const rml_dataset *d, rml_split split,
                              rml_seed_forecasts *out, rml_error *err)
{
    const rml_json *runs = rml_json_get(t->results[RML_STEP_TRAIN], "runs");
    size_t count = runs == NULL ? 0 : runs->count;
    out->futures = RML_NEW_ARRAY(t->arena, rml_forecast, count);
    out->ones = RML_NEW_ARRAY(t->arena, rml_forecast, count);
    if (count > 0 && (out->futures == NULL || out->ones == NULL)) {
        return rml_fail_memory(err, count * sizeof *out->futures);
    }
    for (const rml_json *run = runs == NULL ? NULL : runs->child; run != NULL; run = run->next) {
        size_t i = out->count++;
        RML_TRY(predict_run(t, d, rml_json_get_str(run, "run", (rml_str){0}), split,
                            &out->futures[i], &out->ones[i], &out->single, err));
    }
    return RML_OK;
}

static void forecasts_free(rml_seed_forecasts *f)
{
    for (size_t i = 0; i < f->count; i++) {
        rml_forecast_free(&f->futures[i]);
        rml_forecast_free(&f->ones[i]);
    }
}

static rml_status evaluate(rml_turn *t, const rml_dataset *d, const rml_seed_forecasts *f,
                           rml_hash *hash, rml_error *err)
{
    rml_eval_model model = {.name = t->config->name,
                            .hash = rml_turn_text(t, RML_STEP_TRAIN, "run"),
                            .futures = f->futures,
                            .ones = f->single ? f->ones : NULL,
                            .seeds = f->count,
                            .has_probability = true};
    rml_eval_slice *slices = RML_NEW_ARRAY(t->arena, rml_eval_slice, t->config->slice_count + 1);
    if (slices == NULL) {
        return rml_fail_memory(err, sizeof *slices);
    }
    for (size_t i = 0; i < t->config->slice_count; i++) {
        slices[i] = (rml_eval_slice){t->config->slices[i].name, t->config->slices[i].query};
    }
    rml_eval_options options = {.task = t->config->train.task,
                                .split = RML_GATE,
                                .slices = slices,
                                .slice_count = t->config->slice_count};
    rml_str json;
    return rml_eval_run(t->home->lake, t->home->catalog, d, &model, 1, &options, t->pool,
                        t->progress, t->arena, &json, hash, err);
}

rml_status rml_step_evaluate(rml_turn *t, rml_json_writer *w, rml_error *err)
{
    rml_dataset *d = NULL;
    RML_TRY(
        rml_dataset_open(t->home->store, rml_turn_text(t, RML_STEP_DATASET, "version"), &d, err));
    rml_seed_forecasts f = {0};
    rml_hash hash = {0};
    rml_status st = predict_all(t, d, RML_GATE, &f, err);
    if (!st) {
        st = evaluate(t, d, &f, &hash, err);
    }
    forecasts_free(&f);
    rml_dataset_close(d);
    RML_TRY(st);
    char name[RML_HASH_TEXT];
    rml_hash_text(&hash, name);
    rml_json_kv_str(w, "evaluation", rml_str_of(name));
    return RML_OK;
}

static void write_conditions(rml_json_writer *w, const rml_gate_result *r)
{
    rml_json_key(w, "conditions");
    rml_json_list(w);
    for (size_t i = 0; i < r->condition_count; i++) {
        rml_json_object(w);
        rml_json_kv_str(w, "name", r->conditions[i].name);
        rml_json_kv_str(w, "verdict", rml_str_of(rml_verdict_name(r->conditions[i].verdict)));
        rml_json_kv_str(w, "reason", r->conditions[i].reason);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
}

rml_status rml_step_gate(rml_turn *t, rml_json_writer *w, rml_error *err)
{
    rml_catalog *catalog = t->home->catalog;
    rml_object_row evaluation, version;
    RML_TRY(rml_catalog_get(catalog, "evaluation",
                            rml_turn_text(t, RML_STEP_EVALUATE, "evaluation"), t->arena,
                            &evaluation, err));
    RML_TRY(rml_catalog_get(catalog, "dataset", rml_turn_text(t, RML_STEP_DATASET, "version"),
                            t->arena, &version, err));
    rml_buffer leaks = {0};
    rml_json_writer lw;
    rml_json_writer_init(&lw, &leaks, err);
    rml_json_value(&lw, rml_json_get(t->results[RML_STEP_DATASET], "leaks"));
    rml_status st = rml_json_finish(&lw);
    rml_gate_request request = {.policy = t->config->policy,
                                .policy_file = t->config->policy_file,
                                .evaluation = evaluation.body,
                                .manifest = version.body,
                                .leaks = rml_buffer_text(&leaks),
                                .model = rml_turn_text(t, RML_STEP_DEPLOY, "model"),
                                .approvals = t->approvals,
                                .approval_count = t->approval_count};
    rml_gate_result result;
    if (!st) {
        st = rml_gate_judge(catalog, &request, t->arena, &result, err);
    }
    rml_buffer_reset(&leaks);
    RML_TRY(st);
    rml_json_kv_str(w, "verdict", rml_str_of(rml_verdict_name(result.verdict)));
    rml_json_kv_str(w, "reason", result.reason);
    rml_json_kv_str(w, "gate", rml_str_of(result.hash));
    rml_json_kv_str(w, "deciding", result.deciding ? result.deciding->name : RML_STR(""));
    write_conditions(w, &result);
    return RML_OK;
}
