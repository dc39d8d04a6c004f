// Plain C99: one file and one header, no heap, no recursion, loops with fixed bounds, fmaf and
// sqrtf as all that it takes from libm; and a program with vectors that checks itself.
#include "c99.h"

#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "roadmill/store.h"

#define PER_LINE 6

static rml_status failed(const rml_c99 *c, rml_error *err)
{
    if (c->status != RML_OK && err != NULL) {
        *err = c->error;
    }
    return c->status;
}

// ---- Names and places --------------------------------------------------------------------------

const char *rml_c99_identifier(rml_c99 *c, const char *prefix, const char *name)
{
    rml_str text = rml_arena_printf(&c->arena, "%s%s", prefix, name);
    if (text.data == NULL) {
        c->status = c->status != RML_OK ? c->status : rml_fail_memory(&c->error, 0);
        return "";
    }
    char *out = (char *)(uintptr_t)text.data; // the arena's own copy
    for (size_t i = 0; i < text.len; i++) {
        bool good = (out[i] >= 'a' && out[i] <= 'z') || (out[i] >= 'A' && out[i] <= 'Z') ||
                    (i > 0 && out[i] >= '0' && out[i] <= '9');
        out[i] = good ? out[i] : '_';
    }
    return out;
}

const char *rml_c99_panels(rml_c99 *c, rml_tensor weight)
{
    c->places[weight].panels = true;
    char name[32];
    snprintf(name, sizeof name, "panels_%d", (int)weight);
    return rml_c99_identifier(c, "", name);
}

static rml_tensor root_of(const rml_c99 *c, rml_tensor t)
{
    while (c->places[t].root != t) {
        t = c->places[t].root;
    }
    return t;
}

const char *rml_c99_at(rml_c99 *c, rml_tensor t, size_t offset)
{
    rml_tensor root = root_of(c, t);
    rml_tensor_role role = rml_graph_role(c->e->graph, root);
    rml_str name;
    c->places[root].plain |= role != RML_ROLE_INPUT;
    if (role == RML_ROLE_VALUE) {
        name = rml_arena_printf(&c->arena, "&memory->values[%zu]", c->places[root].at + offset);
    } else {
        const char *array = role == RML_ROLE_INPUT
                                ? rml_c99_identifier(c, "in_", rml_graph_name(c->e->graph, root))
                                : rml_arena_printf(&c->arena, "weight_%d", (int)root).data;
        name = offset == 0 ? rml_str_of(array)
                           : rml_arena_printf(&c->arena, "&%s[%zu]", array, offset);
    }
    if (name.data == NULL) {
        c->status = c->status != RML_OK ? c->status : rml_fail_memory(&c->error, 0);
        return "";
    }
    return name.data;
}

const char *rml_c99_name(rml_c99 *c, rml_tensor t)
{
    return rml_c99_at(c, t, 0);
}

static size_t count_of(const rml_c99 *c, rml_tensor t)
{
    rml_shape s = rml_graph_shape(c->e->graph, t);
    size_t count = 1;
    for (uint32_t i = 0; i < s.rank; i++) {
        count *= s.size[i];
    }
    return count;
}

typedef struct block {
    size_t from, size, last;
} block;

// First gap among the live blocks, which stand by their start.
static size_t take(rml_c99 *c, block *blocks, size_t *count, size_t size, size_t last)
{
    size_t at = 0, i = 0;
    while (i < *count && blocks[i].from - at < size) {
        at = blocks[i].from + blocks[i].size;
        i++;
    }
    memmove(blocks + i + 1, blocks + i, (*count - i) * sizeof *blocks);
    blocks[i] = (block){at, size, last};
    ++*count;
    c->values = at + size > c->values ? at + size : c->values;
    return at;
}

static void lay_out(rml_c99 *c, const rml_array *nodes, block *blocks)
{
    size_t live = 0;
    for (size_t i = 0; i < nodes->count; i++) {
        rml_tensor t = RML_AT(nodes, rml_node, i)->output;
        size_t kept = 0;
        for (size_t b = 0; b < live; b++) {
            if (blocks[b].last >= i) {
                blocks[kept++] = blocks[b];
            }
        }
        live = kept;
        if (c->places[t].root == t) {
            c->places[t].at = take(c, blocks, &live, count_of(c, t), c->places[t].last);
        }
    }
}

// The bytes of layers in int8 are made where they are needed; such a layer writes its result in
// one.
static bool is_view_for_int8(const rml_export *e, const rml_array *nodes, size_t at)
{
    rml_int8_layer layer;
    for (size_t back = 1; back <= 2 && back <= at; back++) {
        if (rml_export_int8(e, nodes, at - back, &layer) && layer.nodes > back) {
            return true;
        }
    }
    return rml_export_int8_bytes(e, nodes, at);
}

static rml_status make_places(rml_c99 *c, const rml_array *nodes, rml_error *err)
{
    size_t tensors = 1;
    for (size_t i = 0; i < nodes->count; i++) {
        const rml_node *n = RML_AT(nodes, rml_node, i);
        size_t most = (size_t)n->output + 1;
        for (size_t k = 0; k < n->input_count; k++) {
            size_t next = n->inputs[k] < 0 ? 0 : (size_t)n->inputs[k] + 1;
            most = next > most ? next : most;
        }
        tensors = most > tensors ? most : tensors;
    }
    for (size_t i = 0; i < c->e->output_count; i++) {
        size_t next = (size_t)c->e->outputs[i] + 1;
        tensors = next > tensors ? next : tensors;
    }
    c->places = RML_NEW_ARRAY(&c->arena, rml_c99_place, tensors);
    block *blocks = RML_NEW_ARRAY(&c->arena, block, nodes->count + 1);
    if (c->places == NULL || blocks == NULL) {
        return rml_fail_memory(err, tensors * sizeof *c->places);
    }
    for (size_t i = 0; i < tensors; i++) {
        c->places[i].root = (rml_tensor)i;
    }
    for (size_t i = 0; i < nodes->count; i++) {
        const rml_node *n = RML_AT(nodes, rml_node, i);
        bool view = strcmp(n->op, "reshape") == 0 || strcmp(n->op, "stop_gradient") == 0 ||
                    is_view_for_int8(c->e, nodes, i);
        c->places[n->output].root = view ? n->inputs[0] : n->output;
        c->places[n->output].last = i;
        for (size_t k = 0; k < n->input_count; k++) {
            if (n->inputs[k] >= 0) {
                c->places[root_of(c, n->inputs[k])].last = i;
            }
        }
    }
    for (size_t i = 0; i < c->e->output_count; i++) {
        c->places[root_of(c, c->e->outputs[i])].last = SIZE_MAX;
    }
    lay_out(c, nodes, blocks);
    return RML_OK;
}

// ---- Numbers -----------------------------------------------------------------------------------

// A float32 as a hexadecimal literal of C99: exact, whatever the locale.
static size_t float_text(float value, char text[24])
{
    static const char digits[] = "0123456789abcdef";
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t fraction = (bits & 0x7fffffu) << 1;
    int exponent = (int)(bits >> 23 & 0xff) - 127;
    char *to = text;
    if (bits >> 31) {
        *to++ = '-';
    }
    if ((bits & 0x7fffffffu) == 0) {
        memcpy(to, "0.0f", 4);
        return (size_t)(to + 4 - text);
    }
    bool subnormal = exponent == -127;
    memcpy(to, subnormal ? "0x0." : "0x1.", 4);
    to += 4;
    for (int shift = 20; shift >= 0; shift -= 4) {
        *to++ = digits[fraction >> shift & 0xf];
    }
    exponent = subnormal ? -126 : exponent;
    *to++ = 'p';
    *to++ = exponent < 0 ? '-' : '+';
    exponent = exponent < 0 ? -exponent : exponent;
    *to++ = (char)('0' + exponent / 100);
    *to++ = (char)('0' + exponent / 10 % 10);
    *to++ = (char)('0' + exponent % 10);
    *to++ = 'f';
    return (size_t)(to - text);
}

static void print_floats(rml_c99 *c, rml_buffer *to, const float *values, size_t count)
{
    for (size_t i = 0; i < count && c->status == RML_OK; i++) {
        char text[32];
        if (!(values[i] - values[i] == 0.0f)) {
            c->status = rml_fail(&c->error, RML_ERR_DATA, (rml_place){0}, NULL,
                                 "expected finite weights, found one that is not");
            return;
        }
        size_t len = i % PER_LINE == 0 ? 4 : 1;
        memcpy(text, "    ", len);
        len += float_text(values[i], text + len);
        text[len++] = ',';
        if (i % PER_LINE == PER_LINE - 1 || i + 1 == count) {
            text[len++] = '\n';
        }
        c->status = rml_buffer_append(to, text, len, &c->error);
    }
}

static void print_array(rml_c99 *c, rml_buffer *to, const char *name, const float *values,
                        size_t count)
{
    rml_c99_print(c, to, "static const float %s[%zu] = {\n", name, count);
    print_floats(c, to, values, count);
    rml_c99_print(c, to, "};\n\n");
}

// All numbers of a tensor; NULL after a fault.
static const float *values_of(rml_c99 *c, rml_tensor t)
{
    float *values = NULL;
    if (c->status == RML_OK) {
        c->status = rml_export_values(c->e, t, &c->arena, &values, &c->error);
    }
    return c->status == RML_OK ? values : NULL;
}

static void print_tensor(rml_c99 *c, rml_buffer *to, const char *name, rml_tensor t)
{
    const float *values = values_of(c, t);
    if (values != NULL) {
        print_array(c, to, name, values, rml_plan_elements(c->e->plan, t));
    }
}

static void print_panels(rml_c99 *c, rml_buffer *to, rml_tensor weight)
{
    rml_shape s = rml_graph_shape(c->e->graph, weight);
    const float *values = values_of(c, weight);
    size_t depth = s.size[1], panels = (s.size[0] + 15) / 16;
    float *packed = RML_NEW_ARRAY(&c->arena, float, panels *depth * 16);
    if (packed == NULL) {
        c->status = c->status != RML_OK ? c->status : rml_fail_memory(&c->error, depth);
    }
    if (packed == NULL || values == NULL) {
        return;
    }
    memset(packed, 0, panels * depth * 16 * sizeof *packed);
    for (size_t j = 0; j < s.size[0]; j++) {
        for (size_t k = 0; k < depth; k++) {
            packed[(j / 16 * depth + k) * 16 + j % 16] = values[j * depth + k];
        }
    }
    print_array(c, to, rml_c99_panels(c, weight), packed, panels * depth * 16);
}

// ---- The files ---------------------------------------------------------------------------------

static const char *input_name(rml_c99 *c, size_t i)
{
    return rml_c99_identifier(c, "in_", rml_graph_name(c->e->graph, c->e->inputs[i]));
}

static const char *output_name(rml_c99 *c, size_t i)
{
    return rml_c99_identifier(c, "out_", c->e->output_names[i]);
}

static void print_signature(rml_c99 *c, rml_buffer *to, const char *end)
{
    rml_c99_print(c, to, "void %s_run(%s_memory *memory", c->e->name, c->e->name);
    for (size_t i = 0; i < c->e->input_count; i++) {
        rml_c99_print(c, to, ", const float *%s", input_name(c, i));
    }
    for (size_t i = 0; i < c->e->output_count; i++) {
        rml_c99_print(c, to, ",\n    float *%s", output_name(c, i));
    }
    rml_c99_print(c, to, ")%s\n", end);
}

static void print_shape(rml_c99 *c, rml_buffer *to, const char *name, rml_tensor t)
{
    rml_shape s = rml_graph_shape(c->e->graph, t);
    rml_c99_print(c, to, "   %s", name);
    for (uint32_t i = 0; i < s.rank; i++) {
        rml_c99_print(c, to, "[%u]", s.size[i]);
    }
    rml_c99_print(c, to, "\n");
}

static void print_header(rml_c99 *c, rml_buffer *to)
{
    const char *name = c->e->name;
    rml_c99_print(c, to,
                  "/* Made by roadmill " RML_VERSION
                  ": do not change by hand. Plain C99, no heap, no "
                  "recursion.\n   Row-major arrays of float:\n");
    for (size_t i = 0; i < c->e->input_count; i++) {
        print_shape(c, to, input_name(c, i), c->e->inputs[i]);
    }
    for (size_t i = 0; i < c->e->output_count; i++) {
        print_shape(c, to, output_name(c, i), c->e->outputs[i]);
    }
    rml_c99_print(c, to,
                  "   One memory for each call that runs at the same time; its content needs no "
                  "care. */\n#ifndef %s_h\n#define %s_h\n\n%s",
                  name, name, c->bytes > 0 ? "#include <stdint.h>\n\n" : "");
    for (size_t i = 0; i < c->e->input_count; i++) {
        rml_c99_print(c, to, "#define %s_%s_size %zu\n", name, input_name(c, i),
                      count_of(c, c->e->inputs[i]));
    }
    for (size_t i = 0; i < c->e->output_count; i++) {
        rml_c99_print(c, to, "#define %s_%s_size %zu\n", name, output_name(c, i),
                      count_of(c, c->e->outputs[i]));
    }
    rml_c99_print(c, to,
                  "\ntypedef struct %s_memory {\n    float values[%zu];\n    float row[%zu];\n",
                  name, c->values > 0 ? c->values : 1, c->row > 0 ? c->row : 1);
    if (c->bytes > 0) {
        rml_c99_print(c, to, "    int16_t bytes[%zu];\n    int16_t block[%zu];\n", c->bytes,
                      c->block);
    }
    rml_c99_print(c, to, "} %s_memory;\n\n", name);
    print_signature(c, to, ";");
    rml_c99_print(c, to, "\n#endif\n");
}

// Helpers that are needed, and those that they need.
static void print_helpers(rml_c99 *c, rml_buffer *to)
{
    for (size_t i = rml_c99_text_count; i-- > 0;) { // each needs only earlier ones
        if (c->helpers & rml_c99_texts[i].helper) {
            c->helpers |= rml_c99_texts[i].needs;
        }
    }
    for (size_t i = 0; i < rml_c99_text_count && c->status == RML_OK; i++) {
        if (c->helpers & rml_c99_texts[i].helper) {
            c->status = rml_buffer_str(to, rml_str_of(rml_c99_texts[i].text), &c->error);
            rml_c99_print(c, to, "\n");
        }
    }
}

static void print_source(rml_c99 *c, const rml_export_leaves *leaves, rml_buffer *to)
{
    rml_c99_print(
        c, to,
        "/* Made by roadmill " RML_VERSION ": see %s.h. */\n#include \"%s.h\"\n\n"
        "#include <math.h>\n#include <stddef.h>\n#include <stdint.h>\n\n"
        "/* With a fused multiply-add in hardware all is the engine's to the last bit. The "
        "compiler must\n   not fuse others: -std=c99 or -ffp-contract=off. */\n"
        "#if defined(__clang__)\n#pragma STDC FP_CONTRACT OFF\n#endif\n"
        "#if defined(FP_FAST_FMAF) || defined(__FMA__) || defined(__ARM_FEATURE_FMA)\n"
        "#define FMA(a, b, c) fmaf(a, b, c)\n#else\n"
        "#define FMA(a, b, c) ((a) * (b) + (c))\n#endif\n\n",
        c->e->name, c->e->name);
    for (size_t i = 0; i < leaves->count; i++) {
        rml_tensor t = leaves->tensors[i];
        const char *own = rml_graph_name(c->e->graph, t);
        own = own[0] ? own : "a constant";
        if (c->places[t].panels) {
            rml_shape s = rml_graph_shape(c->e->graph, t);
            rml_c99_print(c, to, "/* %s [%u, %u] in panels of 16 columns */\n", own, s.size[0],
                          s.size[1]);
            print_panels(c, to, t);
            c->weights_bytes += (s.size[0] + 15) / 16 * 16 * s.size[1] * sizeof(float);
        }
        if (c->places[t].plain) {
            rml_c99_print(c, to, "/* %s */\n", own);
            print_tensor(c, to, rml_c99_name(c, t), t);
            c->weights_bytes += count_of(c, t) * sizeof(float);
        }
    }
    if (c->status == RML_OK) {
        c->status = rml_buffer_str(to, rml_buffer_text(&c->weights), &c->error);
    }
    print_helpers(c, to);
    if (c->status == RML_OK) {
        c->status = rml_buffer_str(to, rml_buffer_text(&c->functions), &c->error);
    }
    print_signature(c, to, "\n{");
    for (size_t i = 0; i < c->e->input_count; i++) {
        rml_c99_print(c, to, "    (void)%s;\n", input_name(c, i));
    }
    rml_c99_print(c, to, "    (void)memory;\n");
    if (c->status == RML_OK) {
        c->status = rml_buffer_str(to, rml_buffer_text(&c->calls), &c->error);
    }
    rml_c99_print(c, to, "}\n");
}

// Where products are rounded before they are added, a byte may fall to the other side of its edge.
static const char int8_tolerance[] =
    "#if defined(FP_FAST_FMAF) || defined(__FMA__) || defined(__ARM_FEATURE_FMA)\n"
    "#define TOLERANCE 1e-5f\n#else\n#define TOLERANCE 5e-2f\n#endif\n\n";

// A program that runs the vectors: prints the worst error, fails above 1e-5 of 1 + |expected|.
static void print_test(rml_c99 *c, const float *const *samples, size_t count, rml_pool *pool,
                       rml_buffer *to)
{
    const rml_export *e = c->e;
    rml_c99_print(c, to,
                  "/* Made by roadmill " RML_VERSION ": runs %s on %zu vectors. */\n#include "
                  "\"%s.h\"\n\n#include <stdio.h>\n\n",
                  e->name, count, e->name);
    rml_buffer body = {0};
    for (size_t s = 0; s < count && c->status == RML_OK; s++) {
        for (size_t i = 0; i < e->input_count; i++) {
            size_t size = count_of(c, e->inputs[i]);
            const float *x = samples[s * e->input_count + i];
            rml_plan_slice whole = rml_plan_whole(e->plan, e->inputs[i]);
            c->status = c->status ? c->status : rml_plan_put(e->plan, whole, x, &c->error);
            const char *name = rml_arena_printf(&c->arena, "sample_%zu_%zu", s, i).data;
            print_array(c, to, name ? name : "", x, size);
        }
        rml_plan_run(e->plan, pool);
        rml_c99_print(c, &body, "    %s_run(&memory", e->name);
        for (size_t i = 0; i < e->input_count; i++) {
            rml_c99_print(c, &body, ", sample_%zu_%zu", s, i);
        }
        for (size_t i = 0; i < e->output_count; i++) {
            rml_c99_print(c, &body, ", %s", output_name(c, i));
        }
        rml_c99_print(c, &body, ");\n");
        for (size_t i = 0; i < e->output_count; i++) {
            size_t size = count_of(c, e->outputs[i]);
            const char *name = rml_arena_printf(&c->arena, "expected_%zu_%zu", s, i).data;
            print_tensor(c, to, name ? name : "", e->outputs[i]);
            rml_c99_print(c, &body, "    compare(%zu, %s, expected_%zu_%zu);\n", size,
                          output_name(c, i), s, i);
        }
    }
    rml_c99_print(c, to, "static %s_memory memory;\n", e->name);
    for (size_t i = 0; i < e->output_count; i++) {
        rml_c99_print(c, to, "static float %s[%zu];\n", output_name(c, i),
                      count_of(c, e->outputs[i]));
    }
    rml_c99_print(
        c, to,
        "static float worst;\n\n%sstatic void compare(int n, const float *got, const float *want)\n"
        "{\n    int i;\n    for (i = 0; i < n; i++) {\n"
        "        float apart = got[i] > want[i] ? got[i] - want[i] : want[i] - got[i];\n"
        "        apart /= 1.0f + (want[i] < 0.0f ? -want[i] : want[i]);\n"
        "        worst = apart <= worst ? worst : apart; /* a NaN stays */\n    }\n}\n\n"
        "int main(void)\n{\n",
        c->bytes > 0 ? int8_tolerance : "#define TOLERANCE 1e-5f\n\n");
    if (c->status == RML_OK) {
        c->status = rml_buffer_str(to, rml_buffer_text(&body), &c->error);
    }
    rml_c99_print(
        c, to,
        "    printf(\"%zu vectors, worst error %%g of 1 + |expected|\\n\", (double)worst);\n"
        "    return worst <= TOLERANCE ? 0 : 1;\n}\n",
        count);
    rml_buffer_reset(&body);
}

// The weights of a layer as bytes, before the functions.
static void print_int8(rml_c99 *c, const rml_int8_layer *layer)
{
    rml_tensor weight = layer->linear->inputs[1];
    rml_shape s = rml_graph_shape(c->e->graph, weight);
    size_t rows = (s.size[0] + 3) / 4 * 4, count = rows * s.size[1];
    int8_t *values = RML_NEW_ARRAY(&c->arena, int8_t, count);
    if (values == NULL) {
        c->status = c->status != RML_OK ? c->status : rml_fail_memory(&c->error, count);
        return;
    }
    memset(values, 0, count);
    if (c->status == RML_OK) {
        c->status = rml_export_int8_weights(c->e, layer, false, values, &c->error);
    }
    rml_c99_print(c, &c->weights,
                  "/* %s [%u, %u] as bytes */\nstatic const int8_t bytes_%d[%zu] = {",
                  rml_graph_name(c->e->graph, weight), s.size[0], s.size[1], (int)weight, count);
    for (size_t i = 0; i < count; i++) {
        rml_c99_print(c, &c->weights, i % 16 == 0 ? "\n    %d," : " %d,", values[i]);
    }
    rml_c99_print(c, &c->weights, "\n};\n\n");
    c->weights_bytes += count;
}

static void write_nodes(rml_c99 *c, const rml_array *nodes)
{
    for (size_t i = 0; i < nodes->count && c->status == RML_OK; i++) {
        const rml_node *n = RML_AT(nodes, rml_node, i);
        rml_int8_layer layer;
        if (rml_export_int8_bytes(c->e, nodes, i)) {
            continue;
        }
        if (rml_export_int8(c->e, nodes, i, &layer)) {
            rml_c99_int8(c, &layer);
            print_int8(c, &layer);
            i += layer.nodes - 1;
            continue;
        }
        size_t row = 0;
        while (row < rml_c99_row_count && strcmp(rml_c99_rows[row].op, n->op) != 0) {
            row++;
        }
        if (row == rml_c99_row_count) {
            c->status = rml_fail(&c->error, RML_ERR_UNSUPPORTED, (rml_place){0}, NULL,
                                 "expected ops with a row in plain C, found %s", n->op);
            return;
        }
        rml_c99_rows[row].write(c, n);
    }
    for (size_t i = 0; i < c->e->output_count; i++) {
        c->helpers |= RML_C99_COPY;
        rml_c99_print(c, &c->calls, "    copy(%zu, %s, %s);\n", count_of(c, c->e->outputs[i]),
                      rml_c99_name(c, c->e->outputs[i]), output_name(c, i));
    }
}

static bool is_identifier(const char *name)
{
    for (size_t i = 0; name[i] != '\0'; i++) {
        bool letter = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z');
        if (!letter && !(i > 0 && (name[i] == '_' || (name[i] >= '0' && name[i] <= '9')))) {
            return false;
        }
    }
    return name[0] != '\0';
}

static rml_status put(rml_c99 *c, const char *folder, const char *end, const rml_buffer *text,
                      rml_error *err)
{
    RML_TRY(failed(c, err));
    rml_str name = rml_arena_printf(&c->arena, "%s%s", c->e->name, end);
    rml_str path = rml_path_join(&c->arena, rml_str_of(folder), name);
    return path.data == NULL ? rml_fail_memory(err, name.len)
                             : rml_store_put(path, rml_buffer_bytes(text), err);
}

static rml_status put_bounds(rml_c99 *c, const char *folder, const rml_array *nodes, rml_error *err)
{
    size_t floats = (c->values > 0 ? c->values : 1) + (c->row > 0 ? c->row : 1);
    rml_c99_sizes sizes = {floats * sizeof(float) + (c->bytes + c->block) * sizeof(int16_t),
                           c->weights_bytes};
    rml_buffer text = {0};
    rml_status st = rml_bounds_write(c->e, nodes, &sizes, &text, err);
    st = st ? st : put(c, folder, "_bounds.json", &text, err);
    rml_buffer_reset(&text);
    return st;
}

rml_status rml_export_c(const rml_export *e, const char *folder, const float *const *samples,
                        size_t sample_count, rml_error *err)
{
    if (!is_identifier(e->name)) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected a C identifier as name, found \"%s\"", e->name);
    }
    rml_c99 c = {.e = e, .bytes_of = -1};
    rml_array nodes = {0};
    rml_export_leaves leaves = {0};
    rml_buffer source = {0}, header = {0}, test = {0};
    rml_status st = rml_export_walk(e, &c.arena, &nodes, &leaves, err);
    st = st != RML_OK ? st : make_places(&c, &nodes, err);
    st = st != RML_OK ? st : rml_store_folder_make(rml_str_of(folder), err);
    if (st != RML_OK) {
        goto done;
    }
    write_nodes(&c, &nodes);
    print_header(&c, &header);
    print_source(&c, &leaves, &source);
    print_test(&c, samples, sample_count, NULL, &test);
    st = put(&c, folder, ".h", &header, err);
    st = st != RML_OK ? st : put(&c, folder, ".c", &source, err);
    st = st != RML_OK ? st : put(&c, folder, "_test.c", &test, err);
    st = st != RML_OK ? st : put_bounds(&c, folder, &nodes, err);
done:
    rml_buffer_reset(&source);
    rml_buffer_reset(&header);
    rml_buffer_reset(&test);
    rml_buffer_reset(&c.weights);
    rml_buffer_reset(&c.functions);
    rml_buffer_reset(&c.calls);
    rml_array_reset(&nodes);
    rml_arena_reset(&c.arena);
    return st;
}
