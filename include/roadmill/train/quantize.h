// train: a trained run becomes one whose linear layers compute in int8: post-training quantisation.
//
// Inputs of layers become unsigned bytes by one scale and zero each, weights become whole numbers
// from -127 to 127 by a scale for each column; norms, attention, GELU and sums stay float32. Scales
// are those with the least squared error over calibration scenes of the train split. Before it,
// channels are equalised where that changes nothing else: between a norm and the layers behind it,
// and from a value projection through attention; after it, biases are corrected for the mean error
// of the weights. Sources: Nagel et al., "Data-free quantization through weight equalization and
// bias correction", ICCV 2019; Xiao et al., "SmoothQuant", ICML 2023, equation 4, for channels
// behind a norm; Jacob et al., CVPR 2018, for scales and zeros.
#ifndef ROADMILL_TRAIN_QUANTIZE_H
#define ROADMILL_TRAIN_QUANTIZE_H

#include "roadmill/train.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rml_quantize_options {
    uint32_t samples;        // [512] calibration scenes
    bool all;                // the layers before and behind the blocks too: they lose most
    const char *const *keep; // layers that stay float32, by name or its beginning
    size_t keep_count;
    bool no_equalise, no_correct;
} rml_quantize_options;

// What became of a linear layer.
typedef struct rml_quantized_layer {
    char name[64]; // "blocks.0.query"
    bool int8, equalised, corrected;
    double low, high; // of its input over the calibration scenes
    double scale;     // of the input's bytes
    uint32_t zero;
    double input_error, weight_error; // root of the mean squared error over that of the values
} rml_quantized_layer;
// What became of a parameter.
typedef struct rml_quantized_tensor {
    const char *name; // of the result's arena
    const char *type; // "int8", "float32"
    const char *why;  // of those that stay float32
    size_t elements;
} rml_quantized_tensor;
typedef struct rml_quantize_result {
    char run[65], weights[65]; // the new run; SHA-256 of its weights.safetensors
    rml_array layers;          // rml_quantized_layer
    rml_array tensors;         // rml_quantized_tensor
    double loss_validation, loss_validation_before; // NaN without a validation split
    rml_arena arena;
} rml_quantize_result;
// run: whole hash of a run that is done. The new run stands beside it, in the catalog too, with an
// edge "quantized-from" to it: it evaluates, registers and exports like any other. Same run,
// version and options: same bytes. The caller frees the result.
RML_API rml_status rml_train_quantize(rml_str home, rml_catalog *catalog, rml_str run,
                                      const rml_dataset *dataset,
                                      const rml_quantize_options *options, rml_pool *pool,
                                      rml_quantize_result *out, rml_error *err) RML_CHECKED;
RML_API void rml_quantize_result_free(rml_quantize_result *r);

#ifdef __cplusplus
}
#endif
#endif
