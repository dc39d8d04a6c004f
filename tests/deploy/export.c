// Protects: every op that leaves has a row in ONNX and in C; faults of exports. As
// `deploy_export write FOLDER COUNT` it writes two models (one of every op, a small predictor) in
// both forms with raw inputs and outputs of COUNT samples, for tests/interop/test_deploy.py.
#include "roadmill/deploy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c99.h"
#include "onnx.h"
#include "roadmill/base/random.h"
#include "roadmill/math.h"
#include "roadmill/model.h"
#include "roadmill/os.h"

#define INPUTS_MAX 4
#define OUTPUTS_MAX 16
#define VECTORS 8

typedef struct model {
    rml_graph *g;
    rml_plan *plan;
    rml_tensor inputs[INPUTS_MAX], outputs[OUTPUTS_MAX];
    size_t input_count, output_count;
    const char *names[OUTPUTS_MAX];
    rml_export e;
} model;

static void finish(model *m, const char *name)
{
    rml_error err = {0};
    if (rml_plan_make(m->g, m->outputs, m->output_count, 5, NULL, &m->plan, &err) != RML_OK) {
        fprintf(stderr, "%s\n", err.what);
        abort();
    }
    m->e = (rml_export){.graph = m->g,
                        .plan = m->plan,
                        .inputs = m->inputs,
                        .input_count = m->input_count,
                        .outputs = m->outputs,
                        .output_names = m->names,
                        .output_count = m->output_count,
                        .name = name};
}

static void output(model *m, const char *name, rml_tensor t)
{
    m->names[m->output_count] = name;
    m->outputs[m->output_count++] = t;
}

static rml_shape shape3(uint32_t a, uint32_t b, uint32_t c)
{
    return (rml_shape){3, {a, b, c}};
}

static rml_tensor parameter(model *m, const char *name, rml_shape shape)
{
    return rml_graph_parameter(m->g, name, shape, RML_INIT_NORMAL, 0.3);
}

// Every op that has rows, in shapes without powers of two.
static void build_every_op(model *m)
{
    *m = (model){0};
    assert_int_equal(rml_graph_make(&m->g, NULL), RML_OK);
    rml_graph *g = m->g;
    rml_tensor x = rml_graph_input(g, "x", shape3(2, 7, 12));
    rml_tensor valid = rml_graph_input(g, "valid", (rml_shape){2, {2, 7}});
    m->inputs[0] = x;
    m->inputs[1] = valid;
    m->input_count = 2;
    rml_tensor w = parameter(m, "w", (rml_shape){2, {12, 12}});
    rml_tensor b = parameter(m, "b", (rml_shape){1, {12}});
    rml_tensor h = rml_op_linear(g, x, w, b);
    h = rml_op_layer_norm(g, rml_op_gelu(g, h), parameter(m, "gain", (rml_shape){1, {12}}), b,
                          1e-5);
    rml_tensor a = rml_op_attention(g, h, rml_op_linear(g, h, w, -1), x, valid, 3);
    a = rml_op_add(g, a, rml_op_attention(g, x, h, x, -1, 2));
    output(m, "attended", a);
    // Keys of each query's own, by how near they are; then a bias of the pair as well.
    rml_tensor small = rml_op_tanh(g, h), far = rml_op_matmul(g, small, small, true); // [2, 7, 7]
    rml_tensor near = rml_op_nearest(g, far, 3);
    rml_tensor pairs = rml_op_reshape(g, rml_op_tanh(g, far), (rml_shape){4, {2, 1, 7, 7}});
    rml_tensor two[2] = {pairs, rml_op_scale(g, pairs, -0.4)};
    pairs = rml_op_concat(g, two, 2, 1);
    rml_tensor weights = parameter(m, "pose", (rml_shape){2, {4, 2}});
    rml_tensor posed = rml_op_attention_pairs(g, small, h, x, near, pairs, weights, 4);
    posed = rml_op_add(g, posed, rml_op_attention_pairs(g, h, small, x, valid, pairs, weights, 4));
    output(m, "posed", rml_op_add(g, posed, rml_op_attention(g, small, h, x, near, 2)));
    rml_tensor scores = rml_op_matmul(g, a, h, true); // [2, 7, 7]
    rml_tensor keep = rml_op_reshape(g, valid, shape3(2, 1, 7));
    rml_tensor p = rml_op_matmul(g, rml_op_softmax(g, scores, keep), x, false);
    p = rml_op_sub(g, p, rml_op_matmul(g, rml_op_softmax(g, h, -1), w, false));
    output(m, "mixed", rml_op_mul(g, rml_op_tanh(g, p), rml_op_relu(g, rml_op_neg(g, x))));
    rml_tensor root = rml_op_sqrt(g, rml_op_abs(g, rml_op_scale(g, x, 1.7)));
    double one = 1;
    rml_tensor above = rml_op_add(g, root, rml_graph_constant(g, "", (rml_shape){0}, &one));
    output(m, "ratio", rml_op_div(g, rml_op_log(g, above), rml_op_exp(g, rml_op_tanh(g, x))));
    const uint32_t order[RML_RANK_MAX] = {2, 0, 1};
    rml_tensor parts[2] = {rml_op_slice(g, rml_op_transpose(g, h, order), 0, 3, 5),
                           rml_op_transpose(g, x, order)};
    output(m, "moved", rml_op_concat(g, parts, 2, 0));
    rml_tensor sums = rml_op_add(g, rml_op_sum(g, x, 1), rml_op_max(g, h, 1));
    sums = rml_op_add(g, sums, rml_op_mean(g, rml_op_sum(g, x, 1), 0));
    output(m, "sums", sums);
    rml_tensor bytes = rml_op_quantize(g, x, 0.03, 120);
    rml_tensor whole = parameter(m, "int8.weight", (rml_shape){2, {5, 12}});
    rml_tensor back = rml_op_mul(g, rml_op_linear(g, bytes, whole, -1),
                                 parameter(m, "int8.scale", (rml_shape){1, {5}}));
    rml_tensor layer = rml_op_add(g, back, parameter(m, "int8.bias", (rml_shape){1, {5}}));
    output(m, "int8", layer);
    output(m, "stepped", rml_op_quantize(g, x, 0.03, 120));
    rml_tensor logits = rml_op_log_softmax(g, rml_op_stop_gradient(g, h));
    output(m, "picked", rml_op_pick(g, p, rml_op_argmin(g, rml_op_max(g, logits, 2)), 1));
    rml_tensor first = rml_op_sum(g, rml_op_sum(g, logits, 2), 1);
    output(m, "total", rml_op_sum(g, first, 0));
}

static const char *const layers[] = {
    "embed",         "blocks.0.query", "blocks.0.key",  "blocks.0.value",
    "blocks.0.out",  "blocks.0.up",    "blocks.0.down", "blocks.1.query",
    "blocks.1.key",  "blocks.1.value", "blocks.1.out",  "blocks.1.up",
    "blocks.1.down", "futures",        "logits",        "one",
};
enum { LAYERS = sizeof layers / sizeof *layers };

// A tensor's numbers, to be changed and given back, or freed.
static float *take(const model *m, rml_tensor t)
{
    float *values = malloc(rml_plan_elements(m->plan, t) * sizeof *values);
    assert_int_equal(rml_plan_get(m->plan, rml_plan_whole(m->plan, t), values, NULL), RML_OK);
    return values;
}

static void give(const model *m, rml_tensor t, float *values)
{
    assert_int_equal(rml_plan_put(m->plan, rml_plan_whole(m->plan, t), values, NULL), RML_OK);
    free(values);
}

// Whole weights and a scale for each column that keeps the sums near one.
static void fill_int8(model *m)
{
    const rml_tensor *parameters;
    size_t count = rml_graph_parameters(m->g, &parameters);
    for (size_t i = 0; i < count; i++) {
        rml_shape s = rml_graph_shape(m->g, parameters[i]);
        const char *name = rml_graph_name(m->g, parameters[i]);
        float *values = take(m, parameters[i]);
        if (strstr(name, ".scale") != NULL) {
            for (size_t j = 0; j < s.size[0]; j++) {
                values[j] = (float)(1e-3 / (100 + (double)j));
            }
        } else if (s.rank == 2 && strcmp(name, "w") != 0 && strstr(name, "pose") == NULL) {
            for (size_t k = 0; k < (size_t)s.size[0] * s.size[1]; k++) {
                values[k] = (float)rml_random_below(5, i, k, 255) - 127;
            }
        }
        give(m, parameters[i], values);
    }
}

// Weights of the bias start at zero, where nothing would be seen of it.
static void fill_pose(model *m)
{
    for (int block = 0; block < 2; block++) {
        char name[32];
        snprintf(name, sizeof name, "blocks.%d.pose", block);
        rml_tensor t = rml_graph_find(m->g, name);
        float *values = take(m, t);
        for (size_t i = 0; i < rml_plan_elements(m->plan, t); i++) {
            values[i] = (float)rml_random_normal(6, (uint64_t)block, i);
        }
        give(m, t, values);
    }
}

typedef enum predictor_kind { PLAIN, INT8, POSED } predictor_kind;

static void build_predictor(model *m, predictor_kind kind)
{
    static const char *const names[] = {"predictor", "predictor_int8", "predictor_posed"};
    *m = (model){0};
    rml_quantiser quantisers[LAYERS];
    for (size_t i = 0; i < LAYERS; i++) {
        snprintf(quantisers[i].layer, sizeof quantisers[i].layer, "%s", layers[i]);
        quantisers[i].scale = 0.02;
        quantisers[i].zero = strstr(layers[i], "down") != NULL ? 9 : 128;
    }
    rml_predictor_config config = {.agents = 6,
                                   .map = 5,
                                   .features = 24,
                                   .width = 48,
                                   .blocks = 2,
                                   .heads = 4,
                                   .hidden = 80,
                                   .modes = 3,
                                   .steps = 10,
                                   .predict = 2,
                                   .pose_bias = kind == POSED,
                                   .nearest = kind == POSED ? 4 : 0,
                                   .quantisers = kind == INT8 ? quantisers : NULL,
                                   .quantiser_count = kind == INT8 ? LAYERS : 0};
    rml_predictor p;
    assert_int_equal(rml_graph_make(&m->g, NULL), RML_OK);
    rml_predictor_defaults(&config);
    assert_int_equal(rml_predictor_build(m->g, &config, 1, 0, &p, NULL), RML_OK);
    const rml_tensor inputs[] = {p.features, p.token_valid, p.position, p.velocity};
    memcpy(m->inputs, inputs, sizeof inputs);
    m->input_count = 4;
    output(m, "futures", p.futures);
    output(m, "logits", p.logits);
    output(m, "probabilities", p.probabilities);
    output(m, "one", p.one);
    finish(m, names[kind]);
    if (kind == INT8) {
        fill_int8(m);
    } else if (kind == POSED) {
        fill_pose(m);
    }
}

static void model_free(model *m)
{
    rml_plan_free(m->plan);
    rml_graph_free(m->g);
}

// ---- Tests -------------------------------------------------------------------------------------

static bool in_onnx(const char *op)
{
    for (size_t i = 0; i < rml_onnx_row_count; i++) {
        if (strcmp(rml_onnx_rows[i].op, op) == 0) {
            return true;
        }
    }
    return false;
}

static bool in_c(const char *op)
{
    for (size_t i = 0; i < rml_c99_row_count; i++) {
        if (strcmp(rml_c99_rows[i].op, op) == 0) {
            return true;
        }
    }
    return false;
}

static void test_every_op_leaves(void **state)
{
    (void)state;
    model m;
    build_every_op(&m);
    rml_arena arena = {0};
    rml_array nodes;
    assert_int_equal(rml_graph_status(m.g, NULL), RML_OK);
    assert_int_equal(rml_graph_nodes(m.g, m.outputs, m.output_count, &arena, &nodes, NULL), RML_OK);
    bool backward;
    const char *op;
    for (size_t i = 0; (op = rml_op_name(i, &backward)) != NULL; i++) {
        bool used = false;
        for (size_t k = 0; k < nodes.count; k++) {
            used = used || strcmp(RML_AT(&nodes, rml_node, k)->op, op) == 0;
        }
        if (!backward && !(in_onnx(op) && in_c(op) && used)) {
            print_error("op %s: ONNX row %d, C row %d, in the test's graph %d\n", op, in_onnx(op),
                        in_c(op), used);
            fail();
        }
    }
    rml_array_reset(&nodes);
    rml_arena_reset(&arena);
    rml_graph_free(m.g);
}

static void test_faults(void **state)
{
    (void)state;
    model m;
    rml_error err = {0};
    build_every_op(&m);
    finish(&m, "two words");
    assert_int_equal(rml_export_c(&m.e, "nowhere", NULL, 0, &err), RML_ERR_ARGUMENT);
    m.e.name = "model";
    m.e.input_count = 1;
    assert_int_equal(rml_export_onnx(&m.e, "nowhere.onnx", &err), RML_ERR_ARGUMENT);
    assert_non_null(strstr(err.what, "valid"));
    m.e.input_count = 2;
    m.outputs[0] = rml_op_exp(m.g, m.outputs[0]); // not in the plan
    assert_int_equal(rml_export_c(&m.e, "nowhere", NULL, 0, &err), RML_ERR_ARGUMENT);
    assert_non_null(strstr(err.what, "attended"));
    model_free(&m);
}

// ---- Writing for the interop test --------------------------------------------------------------

static size_t count_of(const model *m, rml_tensor t)
{
    rml_shape s = rml_graph_shape(m->g, t);
    size_t count = 1;
    for (uint32_t i = 0; i < s.rank; i++) {
        count *= s.size[i];
    }
    return count;
}

static void sample_fill(const model *m, size_t i, uint64_t sample, float *x)
{
    bool mask = strstr(rml_graph_name(m->g, m->inputs[i]), "valid") != NULL;
    for (size_t k = 0; k < count_of(m, m->inputs[i]); k++) {
        double u = rml_random_f64(sample, i, k);
        x[k] = (float)(mask ? u < 0.7 || k == 0 : rml_random_normal(sample, i, k));
    }
}

// Raw float32, sample by sample: all inputs, then all outputs.
static int write_model(model *m, const char *folder, size_t count)
{
    rml_error err = {0};
    char path[4096];
    float *samples[VECTORS * INPUTS_MAX];
    for (size_t i = 0; i < VECTORS * m->input_count; i++) {
        size_t input = i % m->input_count;
        samples[i] = malloc(count_of(m, m->inputs[input]) * sizeof(float));
        sample_fill(m, input, i / m->input_count, samples[i]);
    }
    snprintf(path, sizeof path, "%s/%s.onnx", folder, m->e.name);
    if (rml_export_c(&m->e, folder, (const float *const *)samples, VECTORS, &err) != RML_OK ||
        rml_export_onnx(&m->e, path, &err) != RML_OK) {
        fprintf(stderr, "%s\n", err.what);
        return 1;
    }
    snprintf(path, sizeof path, "%s/%s.samples", folder, m->e.name);
    FILE *file = fopen(path, "wb");
    for (uint64_t s = 0; file != NULL && s < count; s++) {
        for (size_t i = 0; i < m->input_count; i++) {
            float *x = take(m, m->inputs[i]);
            sample_fill(m, i, s, x);
            fwrite(x, sizeof *x, count_of(m, m->inputs[i]), file);
            give(m, m->inputs[i], x);
        }
        rml_plan_run(m->plan, NULL);
        for (size_t i = 0; i < m->output_count; i++) {
            float *y = take(m, m->outputs[i]);
            fwrite(y, sizeof *y, count_of(m, m->outputs[i]), file);
            free(y);
        }
    }
    for (size_t i = 0; i < VECTORS * m->input_count; i++) {
        free(samples[i]);
    }
    return file == NULL || fclose(file) != 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "write") == 0) {
        size_t count = strtoul(argv[3], NULL, 10);
        model m;
        build_every_op(&m);
        finish(&m, "every_op");
        fill_int8(&m);
        int failed = write_model(&m, argv[2], count);
        model_free(&m);
        for (predictor_kind kind = PLAIN; kind <= POSED; kind++) {
            build_predictor(&m, kind);
            failed |= write_model(&m, argv[2], count);
            model_free(&m);
        }
        return failed;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_op_leaves),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
