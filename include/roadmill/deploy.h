// deploy: a graph with its weights leaves for the car as ONNX and as plain C99.
#ifndef ROADMILL_DEPLOY_H
#define ROADMILL_DEPLOY_H

#include "roadmill/model.h"

#ifdef __cplusplus
extern "C" {
#endif

// What leaves: outputs of a graph with the parameter values of a plan (float32).
typedef struct rml_export {
    const rml_graph *graph;
    rml_plan *plan;
    const rml_tensor *inputs; // in the order of the signature
    size_t input_count;
    const rml_tensor *outputs;
    const char *const *output_names;
    size_t output_count;
    const char *name; // a C identifier
} rml_export;

// ONNX, opset 17, IR 8, static shapes. Source: onnx.proto3 of ONNX 1.12.
RML_API rml_status rml_export_onnx(const rml_export *e, const char *path, rml_error *err)
    RML_CHECKED;
// NAME.c and NAME.h in folder, and NAME_test.c with vectors: one file and one header, no heap, no
// recursion, bounded loops, fmaf and sqrtf as all that it takes from libm; compiles clean as
// -std=c99 -pedantic -Wall -Wextra -Wconversion -Werror. samples[s * input_count + i] is input i of
// vector s; the plan is run on them, and NAME_test exits with 1 where the error exceeds 1e-5 of
// 1 + |expected|. NAME_bounds.json states memory, stack, operations and cycles of a call
// (docs/deploy.md).
RML_API rml_status rml_export_c(const rml_export *e, const char *folder,
                                const float *const *samples, size_t sample_count, rml_error *err)
    RML_CHECKED;

// The signature of a predictor: features, token_valid, position and velocity to those of
// futures, logits, probabilities and one that the plan keeps. Borrows graph, plan and name.
typedef struct rml_predictor_signature {
    rml_tensor inputs[4], outputs[4];
    const char *names[4];
} rml_predictor_signature;
RML_API void rml_export_predictor(const rml_graph *graph, rml_plan *plan, const rml_predictor *p,
                                  const char *name, rml_predictor_signature *signature,
                                  rml_export *out);
// Both forms of it into a folder, or one: NAME.onnx, and NAME.c, NAME.h, NAME_bounds.json and
// NAME_test.c with `vectors` inputs drawn from the seed (numbers normal, masks one in seven tokens
// left out).
typedef struct rml_deploy_options {
    bool onnx, c;
    uint32_t vectors; // at most 64
    uint64_t seed;
} rml_deploy_options;
RML_API rml_status rml_deploy_predictor(const rml_graph *graph, rml_plan *plan,
                                        const rml_predictor *p, const char *name,
                                        const char *folder, const rml_deploy_options *options,
                                        rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
