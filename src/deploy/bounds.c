// Bounds of an emitted file, counted from the graph: its loops have fixed ends and no branch that
// leaves work out, so every call does the same operations.
//
// Cycles are those of a core that overlaps nothing: an operation waits for two loads from the first
// cache, takes its latency, stores, and pays the loop around it. The latencies are above those that
// Fog's instruction tables (2024) and Arm's optimisation guides give for cores of cars.
#include "bounds.h"

#include <string.h>

typedef struct operations {
    double multiply_add, simple, divide, square_root; // simple: add, multiply, compare, move
} operations;

enum { MULTIPLY_ADD = 5, SIMPLE = 4, DIVIDE = 30, SQUARE_ROOT = 30, LOAD = 5, STORE = 1, LOOP = 4 };
enum { STACK_BYTES = 8192, CALL_DEPTH = 6 };

static double cycles_of(const operations *o)
{
    double around = 2 * LOAD + STORE + LOOP;
    return o->multiply_add * (MULTIPLY_ADD + around) + o->simple * (SIMPLE + around) +
           o->divide * (DIVIDE + around) + o->square_root * (SQUARE_ROOT + around);
}

static void add(operations *to, const operations *each, double times)
{
    to->multiply_add += each->multiply_add * times;
    to->simple += each->simple * times;
    to->divide += each->divide * times;
    to->square_root += each->square_root * times;
}

// ---- One element -------------------------------------------------------------------------------

static const operations one_step = {.simple = 1};

// Elementwise ops, and those that touch each element of the larger side a few times.
static const struct {
    const char *op;
    operations each;
} elements[] = {
    {"add", {.simple = 1}},
    {"sub", {.simple = 1}},
    {"mul", {.simple = 1}},
    {"div", {.divide = 1}},
    {"neg", {.simple = 1}},
    {"abs", {.simple = 2}},
    {"relu", {.simple = 2}},
    {"scale", {.simple = 1}},
    {"quantize", {.simple = 8, .divide = 1}},
    {"sqrt", {.square_root = 1}},
    {"exp", {.multiply_add = 8, .simple = 36}},
    {"log", {.multiply_add = 8, .simple = 36}},
    {"tanh", {.multiply_add = 14, .simple = 72, .divide = 1}},
    {"gelu", {.multiply_add = 21, .simple = 50}},
    {"layer_norm", {.simple = 16}},
    {"softmax", {.multiply_add = 9, .simple = 44}},
    {"log_softmax", {.multiply_add = 8, .simple = 44}},
    {"sum", {.simple = 3}},
    {"sum_batch", {.simple = 4}},
    {"max", {.simple = 3}},
    {"broadcast", {.simple = 1}},
    {"transpose", {.simple = 1}},
    {"slice", {.simple = 1}},
    {"concat", {.simple = 1}},
    {"argmin", {.simple = 4}},
    {"pick", {.simple = 4}},
    {"reshape", {.simple = 0}},
    {"stop_gradient", {.simple = 0}},
};

static double count_of(const rml_export *e, rml_tensor t)
{
    rml_shape s = rml_graph_shape(e->graph, t);
    double count = 1;
    for (uint32_t i = 0; i < s.rank; i++) {
        count *= s.size[i];
    }
    return count;
}

static double up_to(double count, double step)
{
    double whole = (double)(size_t)((count + step - 1) / step);
    return whole * step;
}

// Elements of the output or the first input, whichever are more; rows end with a tree of sums.
static void count_elements(const rml_export *e, const rml_node *n, operations *out)
{
    rml_shape s = rml_graph_shape(e->graph, n->inputs[0]);
    double most = count_of(e, n->output), in = count_of(e, n->inputs[0]);
    most = strcmp(n->op, "gelu") == 0 ? up_to(most, 16) : most; // and what is left over
    double rows = s.rank > 0 ? in / s.size[s.rank - 1] : 1;
    const operations row = {.simple = 48, .divide = 3, .square_root = 1};
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
        if (strcmp(elements[i].op, n->op) == 0) {
            add(out, &elements[i].each, most > in ? most : in);
            bool sums = strstr(n->op, "soft") != NULL || strcmp(n->op, "layer_norm") == 0 ||
                        strcmp(n->op, "sum") == 0;
            add(out, &row, sums ? rows : 0);
        }
    }
}

// ---- Products ----------------------------------------------------------------------------------

// Panels of 16 columns, four rows at a time, as c99_text.c has them.
static void count_linear(const rml_export *e, const rml_node *n, operations *out)
{
    rml_shape w = rml_graph_shape(e->graph, n->inputs[1]);
    double depth = w.size[1], columns = w.size[0], rows = count_of(e, n->inputs[0]) / depth;
    out->multiply_add += up_to(rows, 4) * depth * up_to(columns, 16);
    add(out, &one_step, 2 * up_to(rows, 4) * up_to(columns, 16));
}

static void count_int8(const rml_export *e, const rml_int8_layer *layer, operations *out)
{
    rml_shape w = rml_graph_shape(e->graph, layer->linear->inputs[1]);
    double depth = w.size[1], columns = up_to(w.size[0], 4);
    double rows = count_of(e, layer->linear->inputs[0]) / depth;
    const operations bytes = {.simple = 8, .divide = 1};
    out->multiply_add += rows * depth * columns;
    add(out, &one_step, depth * columns + 4 * rows * columns);
    add(out, &bytes, rows * depth); // though layers that read the same share them
}

static void count_matmul(const rml_export *e, const rml_node *n, operations *out)
{
    rml_shape a = rml_graph_shape(e->graph, n->inputs[0]);
    out->multiply_add += count_of(e, n->output) * a.size[a.rank - 1];
    add(out, &one_step, count_of(e, n->output));
}

static void count_attention(const rml_export *e, const rml_node *n, operations *out)
{
    rml_shape s = rml_graph_shape(e->graph, n->inputs[0]);
    double samples = s.size[0], tokens = s.size[1], width = s.size[2], heads = n->attributes[0];
    double head = up_to(width / heads, 16), pairs = samples * heads * tokens * tokens;
    double rows = samples * heads * up_to(tokens, 4);
    const operations score = {.multiply_add = 9, .simple = 48};
    out->multiply_add += rows * (up_to(tokens, 16) * (width / heads) + tokens * head);
    add(out, &score, pairs);
    const operations row = {.simple = 4 * head + 64, .divide = 1};
    add(out, &row, samples * heads * tokens);
    if (n->input_count > 4 && n->inputs[4] >= 0) {
        out->multiply_add += pairs * rml_graph_shape(e->graph, n->inputs[4]).size[1];
    }
    const operations own = {.simple = 6}; // a row of its own, for bias or mask
    add(out, &own, n->input_count > 3 ? pairs : 0);
}

static void count_nearest(const rml_export *e, const rml_node *n, operations *out)
{
    rml_shape x = rml_graph_shape(e->graph, n->inputs[0]);
    const operations compared = {.simple = 3};
    add(out, &compared, count_of(e, n->output) * (x.size[x.rank - 1] + 1.0));
}

// ---- The object --------------------------------------------------------------------------------

static void count_node(const rml_export *e, const rml_array *nodes, size_t *at, operations *out)
{
    const rml_node *n = RML_AT(nodes, rml_node, *at);
    rml_int8_layer layer;
    if (rml_export_int8_bytes(e, nodes, *at)) {
        return; // counted with its layers
    }
    if (rml_export_int8(e, nodes, *at, &layer)) {
        count_int8(e, &layer, out);
        *at += layer.nodes - 1;
    } else if (strcmp(n->op, "linear") == 0) {
        count_linear(e, n, out);
    } else if (strcmp(n->op, "matmul") == 0) {
        count_matmul(e, n, out);
    } else if (strcmp(n->op, "attention") == 0) {
        count_attention(e, n, out);
    } else if (strcmp(n->op, "nearest") == 0) {
        count_nearest(e, n, out);
    } else {
        count_elements(e, n, out);
    }
}

static void write_operations(rml_json_writer *w, const operations *o)
{
    rml_json_kv_f64(w, "multiply_add", o->multiply_add);
    rml_json_kv_f64(w, "simple", o->simple);
    rml_json_kv_f64(w, "divide", o->divide);
    rml_json_kv_f64(w, "square_root", o->square_root);
}

static void write_assumptions(rml_json_writer *w)
{
    static const struct {
        const char *name;
        int cycles;
    } rows[] = {
        {"multiply_add", MULTIPLY_ADD},
        {"simple", SIMPLE},
        {"divide", DIVIDE},
        {"square_root", SQUARE_ROOT},
        {"load", LOAD},
        {"store", STORE},
        {"loop", LOOP},
    };
    rml_json_key(w, "cycles_each");
    rml_json_object(w);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rml_json_kv_i64(w, rows[i].name, rows[i].cycles);
    }
    rml_json_object_end(w);
}

rml_status rml_bounds_write(const rml_export *e, const rml_array *nodes, const rml_c99_sizes *sizes,
                            rml_buffer *out, rml_error *err)
{
    operations total = {0};
    rml_json_writer w;
    rml_json_writer_init(&w, out, err);
    rml_json_object(&w);
    rml_json_kv_str(&w, "name", rml_str_of(e->name));
    rml_json_kv_str(&w, "program", RML_STR("roadmill " RML_VERSION));
    rml_json_kv_i64(&w, "memory_bytes", (int64_t)sizes->memory_bytes);
    rml_json_kv_i64(&w, "weights_bytes", (int64_t)sizes->weights_bytes);
    rml_json_kv_i64(&w, "stack_bytes", STACK_BYTES);
    rml_json_kv_i64(&w, "call_depth", CALL_DEPTH);
    rml_json_key(&w, "calls");
    rml_json_list(&w);
    for (size_t i = 0; i < nodes->count; i++) {
        const rml_node *n = RML_AT(nodes, rml_node, i);
        operations o = {0};
        count_node(e, nodes, &i, &o);
        add(&total, &o, 1);
        if (cycles_of(&o) > 0) {
            rml_json_object(&w);
            rml_json_kv_str(&w, "op", rml_str_of(n->op));
            write_operations(&w, &o);
            rml_json_kv_f64(&w, "cycles", cycles_of(&o));
            rml_json_object_end(&w);
        }
    }
    for (size_t i = 0; i < e->output_count; i++) {
        add(&total, &one_step, count_of(e, e->outputs[i])); // copied to the caller
    }
    rml_json_list_end(&w);
    rml_json_key(&w, "operations");
    rml_json_object(&w);
    write_operations(&w, &total);
    rml_json_object_end(&w);
    write_assumptions(&w);
    rml_json_kv_f64(&w, "cycles", cycles_of(&total));
    rml_json_object_end(&w);
    RML_TRY(rml_json_finish(&w));
    return rml_buffer_str(out, RML_STR("\n"), err);
}
