// Runs the steps of a turn in order. A step's key is the hash of all that goes into it; what it
// made stands in the catalog under that key, so a step whose inputs have not changed is not done
// again.
#include "plan.h"

#include "roadmill/codec.h"

static void inputs_none(const rml_turn *t, rml_json_writer *w)
{
    (void)t;
    (void)w;
}

static void inputs_dataset(const rml_turn *t, rml_json_writer *w)
{
    const rml_dataset_spec *d = &t->config->dataset;
    rml_json_kv_str(w, "name", d->name);
    rml_json_kv_str(w, "query", d->query);
    rml_json_kv_str(w, "cutter", rml_str_of(d->cutter->name));
    rml_json_kv_i64(w, "rule", d->rule);
    rml_json_kv_i64(w, "stride", d->scene.stride);
    rml_json_kv_bool(w, "keep_one", d->keep_one);
    rml_json_kv_i64(w, "seed", (int64_t)d->seed);
    rml_json_key(w, "splits");
    rml_json_list(w);
    for (int s = 0; s < RML_SPLITS; s++) {
        rml_json_list(w);
        rml_json_f64(w, d->share[s]);
        for (size_t i = 0; i < d->place_count[s]; i++) {
            rml_json_str(w, d->place[s][i]);
        }
        rml_json_list_end(w);
    }
    rml_json_list_end(w);
}

static void inputs_train(const rml_turn *t, rml_json_writer *w)
{
    rml_json_kv_i64(w, "seeds", t->config->seeds);
    rml_train_config_write(&t->config->train, true, w);
}

static void inputs_evaluate(const rml_turn *t, rml_json_writer *w)
{
    for (size_t i = 0; i < t->config->slice_count; i++) {
        rml_str name = rml_arena_str(t->arena, t->config->slices[i].name);
        rml_json_kv_str(w, name.data, t->config->slices[i].query);
    }
}

static void inputs_gate(const rml_turn *t, rml_json_writer *w)
{
    rml_json_kv_str(w, "policy", t->config->policy);
    rml_json_key(w, "approvals");
    rml_json_list(w);
    for (size_t i = 0; i < t->approval_count; i++) {
        rml_json_str(w, t->approvals[i].role);
        rml_json_str(w, t->approvals[i].person);
    }
    rml_json_list_end(w);
}

static void inputs_mine(const rml_turn *t, rml_json_writer *w)
{
    const rml_mine_options *o = &t->config->mine;
    rml_json_kv_i64(w, "budget", (int64_t)o->budget);
    rml_json_kv_i64(w, "per_family", (int64_t)o->per_unit_max);
    rml_json_kv_f64(w, "loss", o->weight_loss);
    rml_json_kv_f64(w, "spread", o->weight_disagreement);
    rml_json_kv_f64(w, "novelty", o->weight_novelty);
    rml_json_kv_f64(w, "diversity", o->diversity);
    rml_json_kv_i64(w, "seeds", t->config->mine_seeds);
    rml_json_key(w, "compare"); // whose "loss" is another
    rml_json_object(w);
    rml_train_config_write(&t->config->compare, true, w);
    rml_json_object_end(w);
}

static const rml_turn_step steps[RML_STEP_COUNT] = {
    [RML_STEP_INGEST] = {"ingest", true, inputs_none, 0, rml_step_ingest},
    [RML_STEP_DATASET] = {"dataset", false, inputs_dataset, RML_STEP_BIT(RML_STEP_INGEST),
                          rml_step_dataset},
    [RML_STEP_TRAIN] = {"train", false, inputs_train, RML_STEP_BIT(RML_STEP_DATASET),
                        rml_step_train},
    [RML_STEP_EVALUATE] = {"evaluate", false, inputs_evaluate,
                           RML_STEP_BIT(RML_STEP_DATASET) | RML_STEP_BIT(RML_STEP_TRAIN),
                           rml_step_evaluate},
    [RML_STEP_DEPLOY] = {"deploy", false, inputs_none, RML_STEP_BIT(RML_STEP_TRAIN),
                         rml_step_deploy},
    [RML_STEP_GATE] = {"gate", false, inputs_gate,
                       RML_STEP_BIT(RML_STEP_DATASET) | RML_STEP_BIT(RML_STEP_EVALUATE) |
                           RML_STEP_BIT(RML_STEP_DEPLOY),
                       rml_step_gate},
    [RML_STEP_MINE] = {"mine", false, inputs_mine,
                       RML_STEP_BIT(RML_STEP_DATASET) | RML_STEP_BIT(RML_STEP_TRAIN),
                       rml_step_mine},
    [RML_STEP_CHILD] = {"child", false, inputs_none,
                        RML_STEP_BIT(RML_STEP_DATASET) | RML_STEP_BIT(RML_STEP_TRAIN) |
                            RML_STEP_BIT(RML_STEP_MINE),
                        rml_step_child},
    [RML_STEP_REPORT] = {"report", true, inputs_none, RML_STEP_BIT(RML_STEP_REPORT) - 1,
                         rml_step_report},
};

rml_str rml_turn_text(const rml_turn *t, rml_turn_step_id step, const char *key)
{
    return rml_json_get_str(t->results[step], key, (rml_str){0});
}

rml_status rml_turn_path(const rml_turn *t, const char *a, const char *b, const char *c,
                         rml_str *out, rml_error *err)
{
    const char *parts[] = {a, b, c};
    *out = t->home->store;
    for (size_t i = 0; i < 3 && parts[i] != NULL; i++) {
        *out = rml_path_join(t->arena, *out, rml_str_of(parts[i]));
        if (out->data == NULL) {
            return rml_fail_memory(err, t->home->store.len);
        }
    }
    return RML_OK;
}

rml_status rml_turn_model_folder(const rml_turn *t, rml_str run, rml_str *out, rml_error *err)
{
    rml_str name = rml_arena_str(t->arena, run);
    return name.data == NULL ? rml_fail_memory(err, run.len)
                             : rml_turn_path(t, "runs", name.data, "model", out, err);
}

static rml_status key_of(const rml_turn *t, const rml_turn_step *step, rml_str *key, rml_error *err)
{
    rml_buffer text = {0};
    rml_json_writer w;
    rml_json_writer_init(&w, &text, err);
    rml_json_object(&w);
    rml_json_kv_str(&w, "step", rml_str_of(step->name));
    rml_json_kv_str(&w, "program", RML_STR(RML_VERSION));
    rml_json_key(&w, "inputs");
    rml_json_object(&w);
    step->inputs(t, &w);
    rml_json_object_end(&w);
    rml_json_key(&w, "results");
    rml_json_list(&w);
    for (int i = 0; i < RML_STEP_COUNT; i++) {
        if (step->needs & RML_STEP_BIT(i)) {
            rml_json_value(&w, t->results[i]);
        }
    }
    rml_json_list_end(&w);
    rml_json_object_end(&w);
    rml_hash hash = {0};
    rml_status st = rml_json_finish(&w);
    if (!st) {
        st = rml_json_text_hash(rml_buffer_text(&text), &hash, err);
    }
    rml_buffer_reset(&text);
    char name[RML_HASH_TEXT];
    rml_hash_text(&hash, name);
    *key = rml_arena_printf(t->arena, "turn/%s/%s", step->name, name);
    return st ? st : key->data == NULL ? rml_fail_memory(err, sizeof name) : RML_OK;
}

static rml_status do_step(rml_turn *t, const rml_turn_step *step, rml_str key, rml_str *result,
                          rml_error *err)
{
    rml_buffer text = {0};
    rml_json_writer w;
    rml_json_writer_init(&w, &text, err);
    rml_json_object(&w);
    rml_status st = step->run(t, &w, err);
    if (!st) {
        rml_json_object_end(&w);
        st = rml_json_finish(&w);
    }
    if (!st) {
        *result = rml_arena_str(t->arena, rml_buffer_text(&text));
        st = result->data == NULL ? rml_fail_memory(err, text.len) : RML_OK;
    }
    rml_buffer_reset(&text);
    if (st || step->always) {
        return st;
    }
    RML_TRY(rml_catalog_begin(t->home->catalog, err));
    st = rml_catalog_value_set(t->home->catalog, key, *result, err);
    if (!st) {
        st = rml_audit_add(t->home->catalog, RML_STR("roadmill turn"), rml_str_of(step->name), key,
                           *result, err);
    }
    if (st) {
        rml_catalog_abort(t->home->catalog);
        return st;
    }
    return rml_catalog_commit(t->home->catalog, err);
}

static rml_status take_step(rml_turn *t, rml_turn_step_id id, rml_error *err)
{
    const rml_turn_step *step = &steps[id];
    rml_turn_step_result *done = &t->out->steps[id];
    int64_t start_ns = rml_clock_monotonic_ns();
    rml_str key = {0};
    done->name = rml_str_of(step->name);
    RML_TRY(key_of(t, step, &key, err));
    rml_status st =
        step->always ? RML_ERR_MISSING
                     : rml_catalog_value_get(t->home->catalog, key, t->arena, &done->result, err);
    done->done_before = st == RML_OK;
    if (st == RML_ERR_MISSING) {
        if (rml_progress_stop(t->progress)) {
            return rml_fail(err, RML_ERR_STOPPED, (rml_place){0},
                            "run the same command again to go on", "stopped before step %s",
                            step->name);
        }
        st = do_step(t, step, key, &done->result, err);
    }
    RML_TRY(st);
    done->seconds = (double)(rml_clock_monotonic_ns() - start_ns) * 1e-9;
    t->out->step_count = (size_t)id + 1;
    return rml_json_parse(t->arena, done->result, done->name, &t->results[id], err);
}

static void copy_hash(char to[65], rml_str hash)
{
    size_t len = hash.len < 64 ? hash.len : 64;
    for (size_t i = 0; i < len; i++) {
        to[i] = hash.data[i];
    }
    to[len] = '\0';
}

rml_status rml_turn_run(rml_home *home, const rml_turn_config *config, const rml_str *sources,
                        size_t source_count, const rml_source_options *options,
                        const rml_approval *approvals, size_t approval_count, rml_pool *pool,
                        const rml_progress *progress, rml_arena *arena, rml_turn_result *out,
                        rml_error *err)
{
    *out = (rml_turn_result){0};
    rml_turn t = {.home = home,
                  .config = config,
                  .sources = sources,
                  .source_count = source_count,
                  .options = options,
                  .approvals = approvals,
                  .approval_count = approval_count,
                  .pool = pool,
                  .progress = progress,
                  .arena = arena,
                  .out = out};
    for (int id = 0; id < RML_STEP_COUNT; id++) {
        RML_TRY(take_step(&t, (rml_turn_step_id)id, err));
    }
    rml_str verdict = rml_turn_text(&t, RML_STEP_GATE, "verdict");
    out->verdict = rml_str_equal(verdict, RML_STR("pass"))   ? RML_PASS
                   : rml_str_equal(verdict, RML_STR("fail")) ? RML_FAIL
                                                             : RML_UNDECIDED;
    out->reason = rml_turn_text(&t, RML_STEP_GATE, "reason");
    out->report = rml_turn_text(&t, RML_STEP_REPORT, "page");
    copy_hash(out->version, rml_turn_text(&t, RML_STEP_DATASET, "version"));
    copy_hash(out->child, rml_turn_text(&t, RML_STEP_CHILD, "version"));
    copy_hash(out->run, rml_turn_text(&t, RML_STEP_TRAIN, "run"));
    copy_hash(out->model, rml_turn_text(&t, RML_STEP_DEPLOY, "model"));
    return RML_OK;
}
