// The step that deploys: ONNX and plain C of the trained graph, with the weights as one registered
// bundle.
#include "plan.h"

#include "roadmill/deploy.h"
#include "roadmill/store.h"

#define VECTORS 8

static rml_status copy_file(const rml_turn *t, rml_str from, rml_str to, const char *name,
                            rml_error *err)
{
    rml_buffer content = {0};
    rml_str source = rml_path_join(t->arena, from, rml_str_of(name));
    rml_str target = rml_path_join(t->arena, to, rml_str_of(name));
    if (source.data == NULL || target.data == NULL) {
        return rml_fail_memory(err, from.len);
    }
    rml_status st = rml_store_get(source, (size_t)1 << 30, &content, err);
    if (!st) {
        st = rml_store_put(target, rml_buffer_bytes(&content), err);
    }
    rml_buffer_reset(&content);
    return st;
}

static rml_status write_exports(rml_runner *runner, const rml_dataset *d, rml_str to,
                                rml_error *err)
{
    rml_plan *plan;
    const rml_graph *graph = rml_runner_graph(runner, &plan);
    const rml_model *model = rml_runner_model(runner);
    const rml_task *task = rml_runner_task(runner);
    rml_model_signature signature;
    rml_export e;
    rml_export_model(graph, plan, model, task->name, &signature, &e);
    // The inputs of a plan of one scene, as it takes them from scenes of the version.
    rml_arena arena = {0};
    const float *samples[VECTORS * RML_MODEL_INPUTS_MAX];
    size_t count = rml_dataset_count(d, RML_DEV);
    count = count < VECTORS ? count : VECTORS;
    rml_status st = RML_OK;
    for (size_t s = 0; st == RML_OK && s < count; s++) {
        st = rml_runner_inputs(runner, d, RML_DEV, s, signature.inputs, e.input_count, &arena,
                               &samples[s * e.input_count], err);
    }
    const rml_deploy_options options = {.vectors = (uint32_t)count, .samples = samples};
    st = st ? st
            : rml_deploy_model(graph, plan, model, task->exports, task->name, to.data, &options,
                               err);
    rml_arena_reset(&arena);
    return st;
}

static rml_status make_bundle(rml_turn *t, rml_str run, const rml_dataset *d, rml_str bundle,
                              rml_error *err)
{
    rml_str folder;
    rml_runner *runner = NULL;
    RML_TRY(rml_turn_model_folder(t, run, &folder, err));
    RML_TRY(copy_file(t, folder, bundle, "config.json", err));
    RML_TRY(copy_file(t, folder, bundle, "weights.safetensors", err));
    RML_TRY(rml_runner_open(folder.data, 1, &runner, err));
    rml_status st = write_exports(runner, d, bundle, err);
    rml_runner_close(runner);
    return st;
}

rml_status rml_step_deploy(rml_turn *t, rml_json_writer *w, rml_error *err)
{
    rml_str run = rml_turn_text(t, RML_STEP_TRAIN, "run");
    rml_str beside, hash;
    rml_store_folder bundle;
    uint32_t number;
    rml_dataset *d = NULL;
    RML_TRY(rml_turn_path(t, "models", ".bundle-in-making", NULL, &beside, err));
    RML_TRY(
        rml_dataset_open(t->home->store, rml_turn_text(t, RML_STEP_DATASET, "version"), &d, err));
    rml_status st = rml_store_folder_begin(&bundle, beside, err);
    st = st ? st : make_bundle(t, run, d, bundle.path, err);
    rml_dataset_close(d);
    st = st ? st
            : rml_model_register(t->home->store, t->home->catalog, t->config->name,
                                 bundle.path.data, run, t->arena, &hash, &number, err);
    rml_store_folder_close(&bundle);
    RML_TRY(st);
    rml_str folder = rml_arena_printf(t->arena, "models/%.*s/%u", RML_FMT(t->config->name), number);
    rml_json_kv_str(w, "model", hash);
    rml_json_kv_i64(w, "number", number);
    rml_json_kv_str(w, "folder", folder);
    return RML_OK;
}
