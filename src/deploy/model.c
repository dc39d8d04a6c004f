// The signature of a task's model, and the table of forms in which it leaves.
#include <string.h>

#include "roadmill/base/random.h"
#include "roadmill/deploy.h"
#include "roadmill/math.h"
#include "roadmill/store.h"

#define VECTORS_MAX 64
#define KEPT_SHARE (6.0 / 7.0)

void rml_export_model(const rml_graph *graph, rml_plan *plan, const rml_model *model,
                      const char *name, rml_model_signature *signature, rml_export *out)
{
    size_t inputs = 0, outputs = 0;
    *signature = (rml_model_signature){.inputs = {0}};
    for (size_t i = 0; i < model->input_count; i++) {
        if (rml_plan_keeps(plan, model->inputs[i].tensor)) {
            signature->inputs[inputs] = model->inputs[i].tensor;
            signature->input_names[inputs++] = model->inputs[i].name;
        }
    }
    for (size_t i = 0; i < model->output_count; i++) {
        if (rml_plan_keeps(plan, model->outputs[i].tensor)) {
            signature->outputs[outputs] = model->outputs[i].tensor;
            signature->names[outputs++] = model->outputs[i].name;
        }
    }
    *out = (rml_export){.graph = graph,
                        .plan = plan,
                        .inputs = signature->inputs,
                        .input_count = inputs,
                        .outputs = signature->outputs,
                        .output_names = signature->names,
                        .output_count = outputs,
                        .name = name};
}

// ---- Forms -------------------------------------------------------------------------------------

static rml_status write_onnx(const rml_export *e, rml_tensor mask, const char *folder,
                             const rml_deploy_options *options, rml_error *err)
{
    (void)mask;
    (void)options;
    rml_arena arena = {0};
    rml_str path = rml_arena_printf(&arena, "%s/%s.onnx", folder, e->name);
    rml_status st = path.data ? rml_export_onnx(e, path.data, err) : rml_fail_memory(err, 0);
    rml_arena_reset(&arena);
    return st;
}

static size_t count_of(const rml_graph *g, rml_tensor t)
{
    rml_shape shape = rml_graph_shape(g, t);
    size_t count = 1;
    for (uint32_t i = 0; i < shape.rank; i++) {
        count *= shape.size[i];
    }
    return count;
}

static rml_status draw(const rml_export *e, rml_tensor mask, const rml_deploy_options *options,
                       rml_arena *arena, const float **samples, rml_error *err)
{
    for (size_t i = 0; i < options->vectors * e->input_count; i++) {
        rml_tensor t = e->inputs[i % e->input_count];
        size_t count = count_of(e->graph, t);
        float *x = RML_NEW_ARRAY(arena, float, count);
        if (x == NULL) {
            return rml_fail_memory(err, count * sizeof *x);
        }
        for (size_t k = 0; k < count; k++) {
            x[k] = (float)(t == mask ? k == 0 || rml_random_f64(options->seed, i, k) < KEPT_SHARE
                                     : rml_random_normal(options->seed, i, k));
        }
        samples[i] = x;
    }
    return RML_OK;
}

static rml_status write_c(const rml_export *e, rml_tensor mask, const char *folder,
                          const rml_deploy_options *options, rml_error *err)
{
    const float *drawn[VECTORS_MAX * RML_MODEL_INPUTS_MAX];
    const float *const *samples = options->samples ? options->samples : drawn;
    rml_arena arena = {0};
    rml_status st = options->samples ? RML_OK : draw(e, mask, options, &arena, drawn, err);
    st = st ? st : rml_export_c(e, folder, samples, options->vectors, err);
    rml_arena_reset(&arena);
    return st;
}

static const rml_export_kind kinds[] = {
    {"onnx", "ONNX", write_onnx},
    {"c", "plain C99 with its test vectors", write_c},
};

const rml_export_kind *rml_export_kinds(size_t *count)
{
    *count = sizeof kinds / sizeof *kinds;
    return kinds;
}

static const rml_export_kind *kind_of(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

rml_status rml_deploy_model(const rml_graph *graph, rml_plan *plan, const rml_model *model,
                            const char *const *names, const char *name, const char *folder,
                            const rml_deploy_options *options, rml_error *err)
{
    if (options->vectors > VECTORS_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, NULL,
                        "expected at most %d vectors, found %u", VECTORS_MAX, options->vectors);
    }
    rml_model_signature signature;
    rml_export e;
    rml_export_model(graph, plan, model, name, &signature, &e);
    RML_TRY(rml_store_folder_make(rml_str_of(folder), err));
    for (size_t i = 0; names[i] != NULL; i++) {
        const rml_export_kind *kind = kind_of(names[i]);
        if (kind == NULL) {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                            "expected an export (onnx, c), found \"%s\"", names[i]);
        }
        RML_TRY(kind->write(&e, model->dropped, folder, options, err));
    }
    return RML_OK;
}
