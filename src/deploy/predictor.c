// The predictor's signature, and both forms of it in a folder.
#include <string.h>

#include "roadmill/base/random.h"
#include "roadmill/deploy.h"
#include "roadmill/math.h"
#include "roadmill/store.h"

#define VECTORS_MAX 64
#define INPUTS 4
#define KEPT_SHARE (6.0 / 7.0)

void rml_export_predictor(const rml_graph *graph, rml_plan *plan, const rml_predictor *p,
                          const char *name, rml_predictor_signature *signature, rml_export *out)
{
    const rml_tensor outputs[4] = {p->futures, p->logits, p->probabilities, p->one};
    static const char *const names[4] = {"futures", "logits", "probabilities", "one"};
    size_t count = 0;
    *signature = (rml_predictor_signature){
        .inputs = {p->features, p->token_valid, p->position, p->velocity}};
    for (size_t i = 0; i < 4; i++) {
        if (rml_plan_keeps(plan, outputs[i])) {
            signature->outputs[count] = outputs[i];
            signature->names[count++] = names[i];
        }
    }
    *out = (rml_export){.graph = graph,
                        .plan = plan,
                        .inputs = signature->inputs,
                        .input_count = INPUTS,
                        .outputs = signature->outputs,
                        .output_names = signature->names,
                        .output_count = count,
                        .name = name};
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

static rml_status export_c(const rml_export *e, const char *folder,
                           const rml_deploy_options *options, rml_arena *arena, rml_error *err)
{
    const float *samples[VECTORS_MAX * INPUTS];
    for (size_t i = 0; i < options->vectors * (size_t)INPUTS; i++) {
        rml_tensor t = e->inputs[i % INPUTS];
        bool mask = strcmp(rml_graph_name(e->graph, t), "token_valid") == 0;
        size_t count = count_of(e->graph, t);
        float *x = RML_NEW_ARRAY(arena, float, count);
        if (x == NULL) {
            return rml_fail_memory(err, count * sizeof *x);
        }
        for (size_t k = 0; k < count; k++) {
            x[k] = (float)(mask ? k == 0 || rml_random_f64(options->seed, i, k) < KEPT_SHARE
                                : rml_random_normal(options->seed, i, k));
        }
        samples[i] = x;
    }
    return rml_export_c(e, folder, samples, options->vectors, err);
}

rml_status rml_deploy_predictor(const rml_graph *graph, rml_plan *plan, const rml_predictor *p,
                                const char *name, const char *folder,
                                const rml_deploy_options *options, rml_error *err)
{
    if (options->vectors > VECTORS_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, NULL,
                        "expected at most %d vectors, found %u", VECTORS_MAX, options->vectors);
    }
    rml_arena arena = {0};
    rml_predictor_signature signature;
    rml_export e;
    rml_export_predictor(graph, plan, p, name, &signature, &e);
    rml_status st = rml_store_folder_make(rml_str_of(folder), err);
    if (st == RML_OK && options->onnx) {
        rml_str path = rml_arena_printf(&arena, "%s/%s.onnx", folder, name);
        st = path.data ? rml_export_onnx(&e, path.data, err) : rml_fail_memory(err, 0);
    }
    if (st == RML_OK && options->c) {
        st = export_c(&e, folder, options, &arena, err);
    }
    rml_arena_reset(&arena);
    return st;
}
