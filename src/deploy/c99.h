// A plain C99 file in the making, and the table of ops that go into it.
#ifndef RML_DEPLOY_C99_H
#define RML_DEPLOY_C99_H

#include "export.h"

// Functions that the written file may need; each is written once, and only if it is used.
typedef enum rml_c99_helper {
    RML_C99_BITS = 1,
    RML_C99_EXP = 2,
    RML_C99_LOG = 4,
    RML_C99_TANH = 8,
    RML_C99_EXP_DOWN = 16,
    RML_C99_LANES = 32,
    RML_C99_PRODUCT = 64,
    RML_C99_NORM = 128,
    RML_C99_SOFTMAX = 256,
    RML_C99_LOG_SOFTMAX = 512,
    RML_C99_ATTENTION = 1024,
    RML_C99_BATCH = 2048,
    RML_C99_COPY = 4096,
    RML_C99_SOFTMAX_ROWS = 8192,
    RML_C99_PANELS = 16384,
    RML_C99_QUANTIZE = 32768,
    RML_C99_INT8 = 65536,
    RML_C99_EXP_LANES = 131072,
    RML_C99_GELU = 262144,
    RML_C99_HEADS = 524288,
    RML_C99_PAIRS = 1048576,
    RML_C99_NEAREST = 2097152,
    RML_C99_EXP_NEAR = 4194304,
} rml_c99_helper;

typedef struct rml_c99_text {
    rml_c99_helper helper;
    unsigned needs; // helpers that it calls
    const char *text;
} rml_c99_text;
extern const rml_c99_text rml_c99_texts[];
extern const size_t rml_c99_text_count;

// Where a tensor of the graph lives in the written file.
typedef struct rml_c99_place {
    rml_tensor root;    // shares its memory
    size_t last;        // of a root: the last node that reads it
    size_t at;          // of a root: first float in the memory
    bool plain, panels; // of a weight: how it is read, row by row or in panels of 16 columns
    bool int8; // of a weight: as bytes, row by row, with rows of zeros up to a multiple of 4
} rml_c99_place;

typedef struct rml_c99 {
    const rml_export *e;
    rml_arena arena;
    rml_buffer weights, functions, calls; // in int8; of nodes; the body of run
    unsigned helpers;
    size_t row;          // floats of scratch for one row
    size_t bytes, block; // whole numbers of scratch: the input of a layer in int8; four columns
    rml_tensor bytes_of; // the quantize whose numbers stand in the scratch, -1 at first
    rml_c99_place *places;
    size_t values; // floats of memory
    size_t weights_bytes;
    rml_status status;
    rml_error error;
} rml_c99;

typedef struct rml_c99_row {
    const char *op;
    void (*write)(rml_c99 *c, const rml_node *n);
} rml_c99_row;
extern const rml_c99_row rml_c99_rows[];
extern const size_t rml_c99_row_count;

// Appends to a buffer of c; the first failure sticks.
void rml_c99_print(rml_c99 *c, rml_buffer *to, const char *format, ...) RML_PRINTF(3, 4);
// The expression for a tensor's memory, from an element on; and from its first.
const char *rml_c99_at(rml_c99 *c, rml_tensor t, size_t offset);
const char *rml_c99_name(rml_c99 *c, rml_tensor t);
// The name of a linear layer's weight [columns, depth] in panels.
const char *rml_c99_panels(rml_c99 *c, rml_tensor weight);
// A linear layer in int8: the call, and what it needs.
void rml_c99_int8(rml_c99 *c, const rml_int8_layer *layer);
// An identifier made of a graph's name, with a prefix.
const char *rml_c99_identifier(rml_c99 *c, const char *prefix, const char *name);

#endif
