// The table of ops. An op is one row: its name, shape rule, reference in float64, gradient as ops,
// and kernels in float32. A new op is one row in ops/ and one line in ops.c; tests walk the table.
#ifndef RML_GRAPH_OP_H
#define RML_GRAPH_OP_H

#include "roadmill/graph.h"

#define RML_OP_INPUTS_MAX 16
#define RML_OP_ATTRIBUTES_MAX 8
#define RML_CHUNK 4096     // elements of a tile of an elementwise op
#define RML_TREE_LEVELS 32 // a binary tree of 2^32 leaves

// One op of a plan, ready to run: kernels read nothing else.
typedef struct rml_call {
    const rml_op *op;
    size_t input_count;
    const rml_shape *shapes; // of the inputs
    rml_shape shape;         // of the output
    const double *attributes;
    void *const *in; // NULL where an optional input is left out; float, or double in a reference
    void *out;
    void *side; // of a fused op: what its backward op will read
    // A product's epilogue (fuse.c): adds, multiplies, in the output's shape, or NULL; then GELU.
    void *plus, *times;
    bool gelu;
    void *work;    // op->work bytes, kept between the phases of one call
    void *scratch; // op->scratch bytes for each worker
    size_t scratch_size;
    bool bf16; // products round their factors to bfloat16
} rml_call;

typedef void rml_kernel(const rml_call *c, size_t tile, size_t worker);

// Every instruction set gives every kernel (cpu/kernels_*.c); rows name them by these.
typedef enum rml_kernel_id {
    RML_KERNEL_NONE,
    RML_KERNEL_ADD,
    RML_KERNEL_SUB,
    RML_KERNEL_MUL,
    RML_KERNEL_DIV,
    RML_KERNEL_NEG,
    RML_KERNEL_EXP,
    RML_KERNEL_LOG,
    RML_KERNEL_ABS,
    RML_KERNEL_SQRT,
    RML_KERNEL_TANH,
    RML_KERNEL_GELU,
    RML_KERNEL_GELU_BACKWARD,
    RML_KERNEL_GELU_SLOPE,
    RML_KERNEL_RELU,
    RML_KERNEL_STEP,
    RML_KERNEL_SIGN,
    RML_KERNEL_SCALE,
    RML_KERNEL_QUANTIZE,
    RML_KERNEL_PACK,
    RML_KERNEL_PRODUCT,
    RML_KERNEL_BATCH_PRODUCT,
    RML_KERNEL_JOIN_GROUPS,
    RML_KERNEL_NORM,
    RML_KERNEL_NORM_BACKWARD,
    RML_KERNEL_NORM_LEAVES,
    RML_KERNEL_TREE,
    RML_KERNEL_SUM_LEAVES,
    RML_KERNEL_SUM_AXIS,
    RML_KERNEL_MAX,
    RML_KERNEL_MAX_BACKWARD,
    RML_KERNEL_SOFTMAX,
    RML_KERNEL_SOFTMAX_BACKWARD,
    RML_KERNEL_LOG_SOFTMAX,
    RML_KERNEL_LOG_SOFTMAX_BACKWARD,
    RML_KERNEL_ATTENTION,
    RML_KERNEL_ATTENTION_BACKWARD,
    RML_KERNEL_COPY,
    RML_KERNEL_PLACE,
    RML_KERNEL_CONCAT,
    RML_KERNEL_ARGMIN,
    RML_KERNEL_NEAREST,
    RML_KERNEL_PICK,
    RML_KERNEL_PICK_BACKWARD,
    RML_KERNEL_COUNT,
} rml_kernel_id;

// The numbers of one optimiser step, ready for its kernel.
typedef struct rml_adamw_rates {
    double keep, beta1, beta2, size, epsilon, second_scale, clip;
} rml_adamw_rates;

// The numbers of Muon's step of one matrix.
typedef struct rml_muon_rates {
    uint32_t rows, columns;
    float clip, keep, take;  // of the gradient, of the momentum
    float over, decay, size; // one over the norm; of the parameter, of the update
} rml_muon_rates;

// Memory that plans lie in. Where the host cannot read it, it goes through these and the kernels
// alone.
typedef struct rml_memory {
    void *(*take)(size_t size); // all zero, at a line of cache; NULL: there is none left
    void (*give)(void *memory); // what was taken, or NULL
    void (*put)(void *to, const void *from_host, size_t size);
    void (*get)(void *to_host, const void *from, size_t size);
    void (*copy)(void *to, const void *from, size_t size); // both lie in it
    void (*zero)(void *to, size_t size);
} rml_memory;
extern const rml_memory rml_memory_host;

// An instruction set: one text of kernels (cpu/body), compiled for it; or another backend. All
// pointers to numbers that these take lie in its memory.
typedef struct rml_variant {
    const char *name;
    unsigned needs;             // RML_CPU_*
    rml_kernel *const *kernels; // by rml_kernel_id
    float (*squares)(const float *x, size_t count);
    void (*add)(size_t count, const float *a, const float *b, float *out); // out may be a
    void (*adamw)(size_t count, const rml_adamw_rates *r, const float *gradient, float *parameter,
                  float *first, float *second);
    // FLOP that it did, in registers alone; out is the host's.
    size_t (*probe)(size_t rounds, float *out);
    // A matrix with its shorter side as rows: the momentum goes on, x is what is made orthogonal;
    // x over its norm; the parameter's step by what came of x.
    void (*muon_begin)(const rml_muon_rates *r, const float *gradient, float *momentum, float *x);
    void (*muon_scale)(const rml_muon_rates *r, float *x);
    void (*muon_end)(const rml_muon_rates *r, const float *update, float *parameter);
    const rml_memory *memory; // NULL: the host's
} rml_variant;
// Slowest first; the last one whose needs are met runs. All return the same bits.
extern const rml_variant *const rml_variants[];
extern const size_t rml_variant_count;

typedef size_t rml_measure(const rml_call *c);

// A phase of an op: a kernel over numbered tiles. The number of tiles depends on shapes alone.
typedef struct rml_phase {
    rml_kernel_id kernel;
    rml_measure *tiles;
} rml_phase;

struct rml_op {
    const char *name;
    const char *attributes; // their names, in order
    unsigned inputs_min, inputs_max;
    // Sets *out, or gives what does not fit ("expected ...").
    const char *(*shape)(const rml_shape *in, size_t count, const double *attributes,
                         rml_shape *out);
    void (*reference)(const rml_call *c); // float64
    // Appends dx[i] for each input; what it leaves at -1 gets no gradient. NULL: nothing flows.
    void (*gradient)(rml_graph *g, rml_node n, rml_tensor dy, rml_tensor *dx);
    rml_phase phases[2]; // float32
    rml_measure *work, *scratch;
    rml_measure *flop;
    // The output is bytes of input 0 from this element on.
    bool view;
    rml_measure *view_from;
    bool backward; // made by gradients alone: never exported
    bool in_place; // the output may take the place of an input of the same shape
};

extern const rml_op *const rml_ops[];
extern const size_t rml_op_count;

// ---- For rows ----------------------------------------------------------------------------------

// Appends an op; inputs that are -1 are left out. -1 after a failure.
rml_tensor rml_graph_append(rml_graph *g, const rml_op *op, const rml_tensor *inputs, size_t count,
                            const double *attributes, size_t attribute_count);
// Leaves a fault in the graph, as a failed op does.
rml_tensor rml_graph_refuse(rml_graph *g, const char *op, const char *what);
// Sums x down to shape: what a broadcast forward is backward.
rml_tensor rml_graph_sum_to(rml_graph *g, rml_tensor x, rml_shape shape);
rml_tensor rml_graph_broadcast(rml_graph *g, rml_tensor x, rml_shape shape);

static inline size_t rml_shape_count(const rml_shape *s)
{
    size_t count = 1;
    for (uint32_t i = 0; i < s->rank; i++) {
        count *= s->size[i];
    }
    return count;
}

// Product of the sizes of axes [from, to).
static inline size_t rml_shape_span(const rml_shape *s, uint32_t from, uint32_t to)
{
    size_t count = 1;
    for (uint32_t i = from; i < to; i++) {
        count *= s->size[i];
    }
    return count;
}

// "32x64x128", or "scalar".
#define RML_SHAPE_TEXT 64
void rml_shape_text(const rml_shape *shape, char text[RML_SHAPE_TEXT]);
bool rml_shape_equal(const rml_shape *a, const rml_shape *b);
const char *rml_shape_as_first(const rml_shape *in, size_t count, const double *attributes,
                               rml_shape *out);

static inline size_t rml_ceil(size_t count, size_t by)
{
    return (count + by - 1) / by;
}

size_t rml_tiles_chunks(const rml_call *c); // of RML_CHUNK elements of the output
#define RML_TILE_LINES 16
size_t rml_tiles_rows(const rml_call *c); // of RML_TILE_LINES rows of the first input
size_t rml_tiles_one(const rml_call *c);

// A strided walk over the output, for kernels that read broadcast or permuted inputs: the output's
// axes joined where all inputs allow it, in order; the last one is the inner loop.
typedef struct rml_walk {
    uint32_t rank;
    size_t size[RML_RANK_MAX];
    size_t stride[2][RML_RANK_MAX];
    size_t start[2];
} rml_walk;
void rml_walk_broadcast(rml_walk *w, const rml_shape *out, const rml_shape *const *in, int count);
void rml_walk_join(rml_walk *w, int count);
// The walk of an op that moves elements (transpose, slice, broadcast).
void rml_walk_copy(rml_walk *w, const rml_call *c);

// ---- Products ----------------------------------------------------------------------------------

#define RML_PANEL 16          // columns of a packed panel: the lanes of a vector
#define RML_TILE_ROWS 96      // rows of a product in a tile
#define RML_BATCH_ROWS 192    // rows of a product over a batch in a tile
#define RML_BATCH_COLUMNS 128 // its columns
#define RML_DEPTH_BLOCK 256   // depth of a packed block
#define RML_PACK_GAP 16       // floats between packed pieces, so that they fall on different sets

// left[rows, depth] x right[depth, columns], `batch` of them; where the right one is shared, its
// batch is 1 and all rows are one product.
typedef struct rml_product {
    size_t batch, rows, depth, columns;
    bool right_transposed; // right is [columns, depth] in memory
    size_t right_step;     // elements between products' rights, 0 if shared
    size_t panels;
    size_t tile_rows, row_tiles, column_tiles, panels_per_tile;
} rml_product;
void rml_product_of(const rml_call *c, rml_product *p);
// Whether one tile alone reads each panel: it packs them itself, where they stay in its cache, and
// no phase waits for them. With work, which a frozen plan gives, they are packed there.
bool rml_product_packs_near(const rml_call *c);

// left[samples, rows, m]' x right[samples, rows, n]: sums over rows inside leaves, leaves in a
// tree.
typedef struct rml_batch_product {
    size_t samples, rows, m, n;
    size_t leaves, leaves_in_group, groups; // a group is a whole subtree, in one tile
    size_t levels;                          // of the tree of a group
    size_t tile_m, tile_n, m_tiles, n_tiles;
} rml_batch_product;
// Floats of the packed block of a tile: panels of the right side, then in bfloat16 rows of the left
// one, which is otherwise read in place.
#define RML_BATCH_RIGHT                                                                            \
    (RML_BATCH_COLUMNS / RML_PANEL * (RML_DEPTH_BLOCK * RML_PANEL + RML_PACK_GAP))
static inline size_t rml_batch_packed(const rml_call *c)
{
    return RML_BATCH_RIGHT + (c->bf16 ? RML_BATCH_ROWS * RML_DEPTH_BLOCK : 0);
}
void rml_batch_product_of(const rml_call *c, rml_batch_product *p);

// Levels of the binary tree over so many leaves: buffers that adding them one by one needs.
size_t rml_tree_levels(size_t leaves);

// ---- Attention ---------------------------------------------------------------------------------

#define RML_PAIR_FEATURES_MAX 16
// Inputs: q, k, v, mask, features of pairs, their weights, dy. Tokens and head size padded to
// panels.
typedef struct rml_attention {
    size_t batch, tokens, width, heads, head;
    size_t features;    // of a pair, 0: there are none
    bool mask_of_pairs; // [keys, queries], else [keys]
    size_t tokens_padded, head_padded;
} rml_attention;
void rml_attention_of(const rml_call *c, rml_attention *a);

#endif
