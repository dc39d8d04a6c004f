// train: the linear layers of a model and what stands at their inputs over calibration scenes,
// for quantisation. Private.
#ifndef RML_TRAIN_CALIBRATE_H
#define RML_TRAIN_CALIBRATE_H

#include "learner.h"
#include "roadmill/train/quantize.h"

enum { RML_RANGE_BINS = 2048 };

typedef struct rml_observed {
    rml_quantized_layer account;
    rml_tensor weight, bias, input; // bias -1 without; of the engine's graph
    uint32_t columns, depth;
    float *most;  // [depth] largest magnitude of the input
    double *mean; // [depth] of the input
    uint64_t rows;
    uint64_t bins[RML_RANGE_BINS]; // of the input, from low to high
} rml_observed;

typedef struct rml_calibration {
    rml_engine *engine;
    rml_plan *plan; // keeps the inputs of layers; with the engine's parameters
    const rml_dataset *dataset;
    rml_feed feed;
    uint32_t samples;
    rml_pool *pool;
    rml_arena arena;
    rml_array nodes;  // rml_node
    rml_array layers; // rml_observed
    float *seen;      // the largest of the layers' inputs, after a run
    float *valid;     // tokens that are there
    float **values;   // by tensor: the engine's parameters while they are equalised
} rml_calibration;

RML_CHECKED rml_status rml_calibration_make(rml_calibration *c, rml_engine *engine,
                                            const rml_dataset *dataset, uint32_t samples,
                                            rml_pool *pool, rml_error *err);
void rml_calibration_free(rml_calibration *c);
// Runs the calibration scenes: most, mean, low and high of every layer; and again, with these, its
// bins.
RML_CHECKED rml_status rml_calibration_ranges(rml_calibration *c, rml_error *err);
RML_CHECKED rml_status rml_calibration_bins(rml_calibration *c, rml_error *err);
// Scales channels so that inputs and weights share the spread evenly, where the function that the
// model computes stays the same.
RML_CHECKED rml_status rml_calibration_equalise(rml_calibration *c, rml_error *err);
// Scale and zero of a layer's input with the least squared error over its bins.
void rml_calibration_choose(rml_observed *layer);

#endif
