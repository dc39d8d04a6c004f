// deploy: a graph with its weights leaves for the car as ONNX and as plain C99.
#ifndef ROADMILL_DEPLOY_H
#define ROADMILL_DEPLOY_H

#include "roadmill/graph.h"

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
// 1 + |expected|.
RML_API rml_status rml_export_c(const rml_export *e, const char *folder,
                                const float *const *samples, size_t sample_count, rml_error *err)
    RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
