// The step that mines: the batch that the trained model asks for, and what such batches are worth.
#include "plan.h"

static void write_gain(rml_json_writer *w, const char *key, const rml_gain *g)
{
    rml_json_key(w, key);
    rml_json_object(w);
    rml_json_kv_f64(w, "relative", g->estimate);
    rml_json_kv_f64(w, "low", g->low);
    rml_json_kv_f64(w, "high", g->high);
    rml_json_kv_i64(w, "families", (int64_t)g->families);
    rml_json_kv_i64(w, "scenes", (int64_t)g->samples);
    rml_json_kv_i64(w, "seeds", g->seeds);
    rml_json_kv_i64(w, "claims", g->false_alarms);
    rml_json_object_end(w);
}

static void write_picks(rml_json_writer *w, const rml_dataset *d, const rml_batch_picks *picks)
{
    const rml_dataset_scene *scenes = rml_dataset_scenes(d, RML_DEV);
    rml_json_key(w, "picks");
    rml_json_list(w);
    for (size_t i = 0; i < picks->count; i++) {
        const rml_mine_pick *p = &picks->picks[i];
        rml_json_object(w);
        rml_json_kv_str(w, "scene_id", rml_str_of(scenes[p->index].row.scene_id));
        rml_json_kv_f64(w, "score", p->score);
        rml_json_kv_str(w, "reason", rml_str_of(p->reason));
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
}

static rml_status choose_batch(rml_turn *t, const rml_dataset *d, rml_json_writer *w,
                               rml_error *err)
{
    rml_str folder;
    rml_runner *model = NULL;
    RML_TRY(rml_turn_model_folder(t, rml_turn_text(t, RML_STEP_TRAIN, "run"), &folder, err));
    RML_TRY(rml_runner_open(folder.data, 32, &model, err));
    rml_batch_picks picks;
    rml_status st =
        rml_batch_choose(model, d, RML_ARM_MINED, &t->config->mine, 0, t->arena, &picks, err);
    rml_runner_close(model);
    RML_TRY(st);
    write_picks(w, d, &picks);
    return RML_OK;
}

rml_status rml_step_mine(rml_turn *t, rml_json_writer *w, rml_error *err)
{
    rml_dataset *d = NULL;
    rml_gain_report gain;
    RML_TRY(
        rml_dataset_open(t->home->store, rml_turn_text(t, RML_STEP_DATASET, "version"), &d, err));
    rml_status st = choose_batch(t, d, w, err);
    if (!st) {
        const rml_gain_setup setup = {.compare = t->config->compare,
                                      .mine = t->config->mine,
                                      .seeds = t->config->mine_seeds,
                                      .pool = t->pool,
                                      .progress = t->progress};
        st = rml_gain_measure(&setup, d, t->arena, &gain, err);
    }
    rml_dataset_close(d);
    RML_TRY(st);
    rml_json_kv_i64(w, "budget", (int64_t)gain.budget);
    rml_json_kv_i64(w, "train_before", (int64_t)gain.train_before);
    rml_json_kv_f64(w, "base_m", gain.base_m);
    rml_json_kv_f64(w, "mined_m", gain.mined_m);
    rml_json_kv_f64(w, "random_m", gain.random_m);
    rml_json_kv_f64(w, "control_m", gain.control_m);
    write_gain(w, "gain", &gain.mined);
    write_gain(w, "control", &gain.control);
    return RML_OK;
}
