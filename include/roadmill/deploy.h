// deploy: a graph with its weights leaves for the car as ONNX and as plain C99.
#ifndef ROADMILL_DEPLOY_H
#define ROADMILL_DEPLOY_H

#include "roadmill/model/task.h"

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

// ---- A model of any task ------------------------------------------------------------------------

// The signature of a model: those of its inputs that the plan reads to those of its outputs that it
// keeps, by their names. Borrows graph, plan and name.
typedef struct rml_model_signature {
    rml_tensor inputs[RML_MODEL_INPUTS_MAX], outputs[RML_MODEL_OUTPUTS_MAX];
    const char *input_names[RML_MODEL_INPUTS_MAX]; // of the scenes' tensors
    const char *names[RML_MODEL_OUTPUTS_MAX];
} rml_model_signature;
RML_API void rml_export_model(const rml_graph *graph, rml_plan *plan, const rml_model *model,
                              const char *name, rml_model_signature *signature, rml_export *out);

// Vectors: samples as rml_export_c takes them, or NULL: `vectors` inputs drawn from the seed
// (numbers normal, masks one in seven tokens left out).
typedef struct rml_deploy_options {
    uint32_t vectors; // at most 64
    uint64_t seed;
    const float *const *samples;
} rml_deploy_options;
// A row of the table of exports, which tasks name.
typedef struct rml_export_kind {
    const char *name, *about; // "onnx"
    rml_status (*write)(const rml_export *e, rml_tensor mask, const char *folder,
                        const rml_deploy_options *options, rml_error *err); // mask: -1 none
} rml_export_kind;
RML_API const rml_export_kind *rml_export_kinds(size_t *count);
// These forms of a model into a folder, by name (ended by NULL): "onnx" gives NAME.onnx; "c" gives
// NAME.c, NAME.h, NAME_bounds.json and NAME_test.c. A name that the table lacks is
// RML_ERR_ARGUMENT.
RML_API rml_status rml_deploy_model(const rml_graph *graph, rml_plan *plan, const rml_model *model,
                                    const char *const *kinds, const char *name, const char *folder,
                                    const rml_deploy_options *options, rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
