// Protects: products in bfloat16. Every instruction set, and the kernels for tiles on tiles in
// plain C, give the bits of the rule written down once more here, at random shapes and at numbers
// of any size; gradients are near those of float64; leaves and threads change nothing.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/lanes_scalar.h"

#include "tiles_plain.h"

#include "cpu/body/all.h"
#include "graph/inside.h"
#include "roadmill/base/random.h"
#include "roadmill/math.h"

static const rml_variant plain_tiles = {"tiles", 0,          kernels,    squares,  add_into, adamw,
                                        probe,   muon_begin, muon_scale, muon_end, NULL};

enum { SIDE_MOST = 300 };

static float of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// The nearest number of 8 significant bits, by arithmetic instead of bits.
static float rounded(float x)
{
    if (!isfinite(x)) {
        return isnan(x) ? of_bits(0x7fc00000) : x;
    }
    int exponent;
    float fraction = frexpf(x, &exponent);
    return fabsf(x) < 0x1p-56f ? 0 : ldexpf(rintf(fraction * 256), exponent - 8);
}

// The rule: blocks of 32 depths, in each a chain over the even and one over the odd.
static float element(const float *x, size_t depth, const float *w, float bias)
{
    float sum = fabsf(bias) < 0x1p-90f ? 0 : bias;
    for (size_t k = 0; k < depth; k += 32) {
        float chain[2] = {0, 0};
        for (size_t i = k; i < depth && i < k + 32; i++) {
            chain[i % 2] = fmaf(rounded(x[i]), rounded(w[i]), chain[i % 2]);
        }
        sum += chain[0] + chain[1];
    }
    return sum;
}

typedef struct way {
    const char *name;
    rml_plan_options options;
} way;
static const way ways[] = {
    {"scalar", {.precision = RML_BF16, .scalar = true}},
    {"avx2", {.precision = RML_BF16, .cpu = RML_CPU_AVX2}},
    {"avx512", {.precision = RML_BF16, .cpu = RML_CPU_AVX2 | RML_CPU_AVX512}},
    {"this machine's", {.precision = RML_BF16}},
    {"tiles in plain C", {.precision = RML_BF16, .backend = &plain_tiles}},
};
enum { WAYS = sizeof ways / sizeof *ways };

static uint32_t below(uint64_t stream, uint64_t *next, uint32_t n)
{
    return (uint32_t)(rml_random_u64(51, stream, (*next)++) % n);
}

// Ordinary numbers, or of any exponent, or with no number among them.
static float draw(uint64_t stream, uint64_t *next, uint32_t kind)
{
    float x = (float)rml_random_normal(52, stream, (*next)++);
    if (kind == 0 || below(stream, next, 4) > 0) {
        return x;
    }
    if (kind == 2 && below(stream, next, 40) == 0) {
        return below(stream, next, 2) ? INFINITY : NAN;
    }
    return ldexpf(x, (int)below(stream, next, 200) - 149);
}

static bool same(const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool both_nan = isnan(a[i]) && isnan(b[i]);
        if (!both_nan && memcmp(&a[i], &b[i], sizeof a[i]) != 0) {
            return false;
        }
    }
    return true;
}

static void check_linear(uint64_t stream)
{
    static const uint32_t sizes[] = {1,  2,  3,  15, 16, 17,  31,  32,
                                     33, 48, 63, 64, 97, 130, 261, 300};
    static float want[SIDE_MOST * SIDE_MOST];
    uint64_t next = 0;
    uint32_t m = sizes[below(stream, &next, 15)], n = sizes[below(stream, &next, 14)];
    uint32_t depth = sizes[below(stream, &next, 16)], kind = below(stream, &next, 3);
    rml_graph *g;
    assert_int_equal(rml_graph_make(&g, NULL), RML_OK);
    rml_tensor x = rml_graph_input(g, "x", (rml_shape){2, {m, depth}});
    rml_tensor w = rml_graph_input(g, "w", (rml_shape){2, {n, depth}});
    rml_tensor b = below(stream, &next, 2) ? rml_graph_input(g, "b", (rml_shape){1, {n}}) : -1;
    rml_tensor y = rml_op_linear(g, x, w, b);
    uint64_t first = next;
    for (size_t i = 0; i < WAYS; i++) {
        rml_plan *plan;
        const rml_tensor inputs[] = {x, w, b};
        assert_int_equal(rml_plan_make(g, &y, 1, 0, &ways[i].options, &plan, NULL), RML_OK);
        next = first;
        for (size_t t = 0; t < 3; t++) {
            float *data = inputs[t] < 0 ? NULL : plan_data(plan, inputs[t]);
            for (size_t k = 0; data && k < rml_plan_elements(plan, inputs[t]); k++) {
                data[k] = draw(stream, &next, kind);
            }
        }
        const float *left = plan_data(plan, x), *right = plan_data(plan, w);
        const float *bias = b < 0 ? NULL : plan_data(plan, b);
        for (size_t r = 0; i == 0 && r < m; r++) {
            for (size_t c = 0; c < n; c++) {
                want[r * n + c] =
                    element(left + r * depth, depth, right + c * depth, bias ? bias[c] : 0);
            }
        }
        rml_plan_run(plan, NULL);
        if (!same(plan_data(plan, y), want, (size_t)m * n)) {
            fail_msg("%u x %u x %u, numbers of kind %u, %s: other bits than the rule's", m, depth,
                     n, kind, ways[i].name);
        }
        rml_plan_free(plan);
    }
    rml_graph_free(g);
}

static void test_the_rule(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 300; i++) {
        check_linear(i);
    }
}

// Two layers with a shared right side and one in batches: forward and backward.
static size_t layers(rml_graph *g, uint32_t batch, uint32_t rows, uint32_t depth, uint32_t columns,
                     rml_tensor outputs[4])
{
    rml_tensor x =
        rml_graph_parameter(g, "x", (rml_shape){3, {batch, rows, depth}}, RML_INIT_NORMAL, 1.0);
    rml_tensor w =
        rml_graph_parameter(g, "w", (rml_shape){2, {columns, depth}}, RML_INIT_NORMAL, 0.2);
    rml_tensor b = rml_graph_parameter(g, "b", (rml_shape){1, {columns}}, RML_INIT_NORMAL, 1.0);
    rml_tensor y = rml_op_gelu(g, rml_op_linear(g, x, w, b));
    rml_tensor z = rml_op_matmul(g, y, y, true);
    rml_tensor sum = rml_op_mul(g, z, z);
    for (uint32_t axis = 3; axis-- > 0;) {
        sum = rml_op_sum(g, sum, axis);
    }
    outputs[0] = z;
    assert_int_equal(rml_graph_gradient(g, sum, (rml_tensor[]){x, w, b}, 3, outputs + 1, NULL),
                     RML_OK);
    return 4;
}

static void check_near(const float *got, const double *want, size_t count)
{
    double off = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        off += (got[i] - want[i]) * (got[i] - want[i]);
        size += want[i] * want[i];
    }
    assert_true(sqrt(off) <= 0.02 * sqrt(size)); // eight bits, several products deep
}

static void test_gradients(void **state)
{
    (void)state;
    static const uint32_t shapes[][4] = {
        {1, 1, 1, 1}, {3, 5, 7, 9}, {5, 33, 40, 65}, {9, 64, 128, 130}, {66, 4, 33, 17}};
    rml_pool *pool;
    assert_int_equal(rml_pool_make(3, &pool, NULL), RML_OK);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        rml_graph *g;
        rml_tensor outputs[4];
        rml_plan *exact, *plans[WAYS];
        assert_int_equal(rml_graph_make(&g, NULL), RML_OK);
        size_t count = layers(g, shapes[s][0], shapes[s][1], shapes[s][2], shapes[s][3], outputs);
        assert_int_equal(rml_plan_make(g, outputs, count, 7,
                                       &(rml_plan_options){.precision = RML_F64}, &exact, NULL),
                         RML_OK);
        rml_plan_run(exact, NULL);
        for (size_t i = 0; i < WAYS; i++) {
            assert_int_equal(rml_plan_make(g, outputs, count, 7, &ways[i].options, &plans[i], NULL),
                             RML_OK);
            rml_plan_run(plans[i], ways[i].options.backend ? NULL : pool);
            for (size_t o = 0; o < count; o++) {
                size_t size = rml_plan_elements(exact, outputs[o]);
                const float *got = plan_data(plans[i], outputs[o]);
                check_near(got, plan_data(exact, outputs[o]), size);
                if (!same(got, plan_data(plans[0], outputs[o]), size)) {
                    fail_msg("shape %zu, output %zu: %s has other bits than %s", s, o, ways[i].name,
                             ways[0].name);
                }
            }
        }
        for (size_t i = 0; i < WAYS; i++) {
            rml_plan_free(plans[i]);
        }
        rml_plan_free(exact);
        rml_graph_free(g);
    }
    rml_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_rule),
        cmocka_unit_test(test_gradients),
    };
    return cmocka_run_group_tests_name("graph bf16", tests, NULL, NULL);
}
