// The step that deploys: ONNX and plain C of the trained graph, with the weights as one registered
// bundle.
#include "plan.h"

#include "roadmill/deploy.h"
#include "roadmill/store.h"

#define VECTORS 8
// Inputs of the signature, in its order; indices in the layout of a scene.
enum { INPUT_FEATURES = 0, INPUT_VALID = 1, INPUT_POSITION = 3, INPUT_VELOCITY = 4, INPUTS = 4 };

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

// The inputs that the graph reads at all, with their place in a scene's layout.
typedef struct rml_signature {
    rml_tensor inputs[INPUTS];
    int layout[INPUTS];
    size_t count;
} rml_signature;

static rml_signature signature_of(rml_plan *plan, const rml_predictor *p)
{
    const rml_tensor inputs[INPUTS] = {p->features, p->token_valid, p->position, p->velocity};
    static const int layout[INPUTS] = {INPUT_FEATURES, INPUT_VALID, INPUT_POSITION, INPUT_VELOCITY};
    rml_signature s = {.count = 0};
    for (int i = 0; i < INPUTS; i++) {
        if (rml_plan_keeps(plan, inputs[i])) {
            s.inputs[s.count] = inputs[i];
            s.layout[s.count++] = layout[i];
        }
    }
    return s;
}

static rml_status write_exports(rml_turn *t, rml_runner *runner, const rml_dataset *d, rml_str to,
                                rml_error *err)
{
    rml_plan *plan;
    rml_predictor p;
    const rml_graph *graph = rml_runner_graph(runner, &plan, &p);
    rml_signature signature = signature_of(plan, &p);
    const rml_tensor outputs[] = {p.futures, p.probabilities, p.one};
    static const char *const names[] = {"futures", "probabilities", "one"};
    rml_export e = {.graph = graph,
                    .plan = plan,
                    .inputs = signature.inputs,
                    .input_count = signature.count,
                    .outputs = outputs,
                    .output_names = names,
                    .output_count = p.one >= 0 ? 3 : 2,
                    .name = "predictor"};
    rml_str onnx = rml_path_join(t->arena, to, RML_STR("predictor.onnx"));
    if (onnx.data == NULL) {
        return rml_fail_memory(err, to.len);
    }
    RML_TRY(rml_export_onnx(&e, onnx.data, err));
    const float *samples[VECTORS * INPUTS];
    size_t count = rml_dataset_count(d, RML_DEV);
    count = count < VECTORS ? count : VECTORS;
    for (size_t s = 0; s < count; s++) {
        const float *tensors[RML_SCENE_TENSORS];
        rml_dataset_sample(d, RML_DEV, s, tensors);
        for (size_t i = 0; i < signature.count; i++) {
            samples[s * signature.count + i] = tensors[signature.layout[i]];
        }
    }
    return rml_export_c(&e, to.data, samples, count, err);
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
    rml_status st = write_exports(t, runner, d, bundle, err);
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
