// Protects: the predictor, its loss and ten steps of AdamW against PyTorch (numbers made by
// tools/golden_predictor.py), in float64 and float32; the same bits on any number of threads and
// any instruction set; that masked tokens and other samples change nothing.
#include "roadmill/model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "predictor_golden.h"

enum {
    BATCH = 8,
    AGENTS = 3,
    MAP = 2,
    TOKENS = AGENTS + MAP,
    FEATURES = 6,
    MODES = 3,
    STEPS = 4,
    PREDICT = 2,
    PARAMETERS_MAX = 64,
    ROUNDS = 10
};

static const rml_predictor_config small = {.agents = AGENTS,
                                           .map = MAP,
                                           .features = FEATURES,
                                           .width = 8,
                                           .blocks = 2,
                                           .heads = 2,
                                           .hidden = 16,
                                           .modes = MODES,
                                           .steps = STEPS,
                                           .predict = PREDICT};

// As fill() of the script: number `index` (from 0) of a stream.
static double fill(unsigned stream, size_t index)
{
    uint64_t bits =
        ((uint64_t)(index + 1) * 2654435761u + (uint64_t)stream * 40503 * 65537) & UINT32_MAX;
    bits = ((bits ^ bits >> 15) * 2246822519u) & UINT32_MAX;
    return (double)(bits >> 8) / 16777216.0 - 0.5;
}

typedef struct training {
    rml_graph *g;
    rml_plan *plan;
    rml_predictor p;
    rml_tensor parameters[PARAMETERS_MAX], gradients[PARAMETERS_MAX];
    size_t count;
    rml_precision precision;
} training;

static void set(const training *t, rml_tensor tensor, size_t index, double value)
{
    rml_plan_slice to = {.tensor = tensor, .first = index, .count = 1};
    float rounded = (float)value;
    const void *from = t->precision == RML_F64 ? (const void *)&value : &rounded;
    assert_int_equal(rml_plan_put(t->plan, to, from, NULL), RML_OK);
}

static double get(const training *t, rml_tensor tensor, size_t index)
{
    rml_plan_slice from = {.tensor = tensor, .first = index, .count = 1};
    double value = 0;
    float rounded = 0;
    void *to = t->precision == RML_F64 ? (void *)&value : &rounded;
    assert_int_equal(rml_plan_get(t->plan, from, to, NULL), RML_OK);
    return t->precision == RML_F64 ? value : (double)rounded;
}

static void batch_set(const training *t)
{
    for (size_t i = 0; i < rml_plan_elements(t->plan, t->p.features); i++) {
        set(t, t->p.features, i, 2 * fill(101, i));
    }
    for (size_t i = 0; i < BATCH * TOKENS; i++) {
        set(t, t->p.token_valid, i, i % TOKENS == 0 || fill(102, i) > -0.25);
    }
    for (size_t i = 0; i < BATCH * PREDICT * 2; i++) {
        set(t, t->p.position, i, 2 * fill(103, i));
        set(t, t->p.velocity, i, 20 * fill(104, i));
    }
    for (size_t i = 0; i < BATCH * PREDICT * STEPS * 2; i++) {
        set(t, t->p.target, i, 8 * fill(105, i));
    }
    for (size_t i = 0; i < BATCH * PREDICT * STEPS; i++) {
        set(t, t->p.target_valid, i, fill(106, i) > -0.4);
    }
}

static void training_open(training *t, const rml_predictor_config *config, rml_precision precision,
                          unsigned cpu, bool scalar)
{
    rml_error err = {0};
    *t = (training){.precision = precision};
    assert_int_equal(rml_graph_make(&t->g, &err), RML_OK);
    if (rml_predictor_build(t->g, config, BATCH, BATCH, &t->p, &err) != RML_OK) {
        fail_msg("%s", err.what);
    }
    const rml_tensor *parameters;
    t->count = rml_graph_parameters(t->g, &parameters);
    assert_true(t->count <= PARAMETERS_MAX);
    memcpy(t->parameters, parameters, t->count * sizeof *parameters);
    if (rml_graph_gradient(t->g, t->p.loss, t->parameters, t->count, t->gradients, &err)) {
        fail_msg("%s", err.what);
    }
    rml_tensor outputs[PARAMETERS_MAX + 3];
    memcpy(outputs, t->gradients, t->count * sizeof *outputs);
    outputs[t->count] = t->p.loss;
    outputs[t->count + 1] = t->p.futures;
    outputs[t->count + 2] = t->p.probabilities;
    rml_plan_options options = {.precision = precision, .cpu = cpu, .scalar = scalar};
    if (rml_plan_make(t->g, outputs, t->count + 3, 1, &options, &t->plan, &err) != RML_OK) {
        fail_msg("%s", err.what);
    }
    batch_set(t);
}

static void training_close(training *t)
{
    rml_plan_free(t->plan);
    rml_graph_free(t->g);
}

static void step(training *t, uint64_t number, rml_pool *pool)
{
    rml_plan_run(t->plan, pool);
    rml_adamw options = {0.01, 0.9, 0.999, 1e-8, 0.05, 5, number};
    rml_plan_adamw(t->plan, t->parameters, t->gradients, t->count, &options, pool);
}

static void start_weights(const training *t, const golden_tensor *golden, size_t count)
{
    assert_int_equal(t->count, count);
    for (size_t i = 0; i < count; i++) {
        rml_tensor tensor = rml_graph_find(t->g, golden[i].name);
        assert_true(tensor >= 0);
        bool norm =
            strstr(golden[i].name, "norm1.weight") || strstr(golden[i].name, "norm2.weight");
        for (size_t k = 0; k < golden[i].count; k++) {
            set(t, tensor, k, fill(golden[i].stream, k) + (norm ? 1 : 0));
        }
    }
}

static void compare(const training *t, const golden_tensor *golden, size_t count, double most,
                    const char *name)
{
    double worst = 0;
    for (size_t i = 0; i < count; i++) {
        rml_tensor tensor = rml_graph_find(t->g, golden[i].name);
        double square = 0, off = 0;
        for (size_t k = 0; k < golden[i].count; k++) {
            double d = get(t, tensor, k) - golden[i].values[k];
            off += d * d;
            square += golden[i].values[k] * golden[i].values[k];
        }
        double relative = sqrt(off / square);
        worst = fmax(worst, relative);
        if (!(relative <= most)) {
            fail_msg("%s: %s: expected |dw|/|w| <= %g, found %g", name, golden[i].name, most,
                     relative);
        }
    }
    print_message("%s: worst |dw|/|w| %.3g\n", name, worst);
}

static rml_predictor_config plain_config(void)
{
    rml_predictor_config plain = small;
    plain.no_pin = plain.no_single = true;
    plain.winner_end = plain.distance = plain.relax = -1;
    plain.laplace = 1;
    return plain;
}

static rml_predictor_config posed_config(void)
{
    rml_predictor_config posed = small;
    posed.features = 9;
    posed.pose_bias = true;
    posed.nearest = 3;
    return posed;
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void test_as_pytorch(void **state)
{
    (void)state;
    const struct {
        const char *name;
        rml_predictor_config config;
        rml_precision precision;
        const double *losses;
        const golden_tensor *weights;
        size_t count;
        double loss_most, weight_most;
    } cases[] = {
        {"plain float64", plain_config(), RML_F64, plain_losses, plain_weights,
         COUNT(plain_weights), 1e-9, 1e-9},
        {"recipe float64", small, RML_F64, recipe_losses, recipe_weights, COUNT(recipe_weights),
         1e-9, 1e-9},
        {"posed float64", posed_config(), RML_F64, posed_losses, posed_weights,
         COUNT(posed_weights), 1e-9, 1e-9},
        {"posed float32", posed_config(), RML_F32, posed_losses, posed_weights,
         COUNT(posed_weights), 1e-5, 1e-4},
        {"plain float32", plain_config(), RML_F32, plain_losses, plain_weights,
         COUNT(plain_weights), 1e-5, 1e-4},
        {"recipe float32", small, RML_F32, recipe_losses, recipe_weights, COUNT(recipe_weights),
         1e-5, 1e-4},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        training t;
        training_open(&t, &cases[i].config, cases[i].precision, 0, false);
        start_weights(&t, cases[i].weights, cases[i].count);
        for (size_t round = 0; round <= ROUNDS; round++) {
            rml_plan_run(t.plan, NULL);
            double loss = get(&t, t.p.loss, 0), want = cases[i].losses[round];
            if (!(fabs(loss - want) <= cases[i].loss_most * fabs(want))) {
                fail_msg("%s: loss after %zu steps: expected %.12g, found %.12g", cases[i].name,
                         round, want, loss);
            }
            if (round < ROUNDS) {
                step(&t, round + 1, NULL);
            }
        }
        compare(&t, cases[i].weights, cases[i].count, cases[i].weight_most, cases[i].name);
        training_close(&t);
    }
}

// Two trainings of 200 steps in float32 end with the same bits.
static void assert_same_bits(const rml_predictor_config *config, unsigned cpu, bool scalar,
                             rml_pool *pool, const char *what)
{
    training one, other;
    training_open(&one, config, RML_F32, 0, false);
    training_open(&other, config, RML_F32, cpu, scalar);
    for (uint64_t i = 1; i <= 200; i++) {
        step(&one, i, NULL);
        step(&other, i, pool);
    }
    for (size_t i = 0; i < one.count; i++) {
        rml_shape shape = rml_graph_shape(one.g, one.parameters[i]);
        size_t count = 1;
        for (uint32_t axis = 0; axis < shape.rank; axis++) {
            count *= shape.size[axis];
        }
        for (size_t k = 0; k < count; k++) {
            double a = get(&one, one.parameters[i], k), b = get(&other, other.parameters[i], k);
            if (memcmp(&a, &b, sizeof a) != 0) {
                fail_msg("%s: %s differs", what, rml_graph_name(one.g, one.parameters[i]));
            }
        }
    }
    training_close(&one);
    training_close(&other);
}

static void test_same_bits(void **state)
{
    (void)state;
    rml_pool *pool;
    assert_int_equal(rml_pool_make(2, &pool, NULL), RML_OK);
    const rml_predictor_config posed = posed_config(), *const configs[] = {&small, &posed};
    for (size_t i = 0; i < COUNT(configs); i++) {
        assert_same_bits(configs[i], 0, false, pool, "two threads");
        assert_same_bits(configs[i], 0, true, NULL, "scalar kernels");
        if (rml_cpu_features() & RML_CPU_AVX2) {
            assert_same_bits(configs[i], RML_CPU_AVX2, false, NULL, "AVX2 alone");
        }
    }
    rml_pool_free(pool);
}

static void test_masked_tokens_change_nothing(void **state)
{
    (void)state;
    training t;
    training_open(&t, &small, RML_F32, 0, false);
    enum { SIZE = PREDICT * MODES * STEPS * 2 };
    float before[SIZE], after[SIZE];
    rml_plan_slice futures = {.tensor = t.p.futures, .count = SIZE}; // of the first sample
    for (size_t token = 1; token < TOKENS; token++) {
        set(&t, t.p.token_valid, token, token < PREDICT);
    }
    rml_plan_run(t.plan, NULL);
    assert_int_equal(rml_plan_get(t.plan, futures, before, NULL), RML_OK);
    for (size_t i = PREDICT * FEATURES; i < TOKENS * FEATURES; i++) {
        set(&t, t.p.features, i, 1e3); // of masked tokens
    }
    for (size_t i = TOKENS * FEATURES; i < BATCH * TOKENS * FEATURES; i++) {
        set(&t, t.p.features, i, -3); // of other samples
    }
    rml_plan_run(t.plan, NULL);
    assert_int_equal(rml_plan_get(t.plan, futures, after, NULL), RML_OK);
    assert_memory_equal(before, after, sizeof before);
    set(&t, t.p.features, 0, 9); // of the first agent
    rml_plan_run(t.plan, NULL);
    assert_int_equal(rml_plan_get(t.plan, futures, after, NULL), RML_OK);
    assert_memory_not_equal(before, after, sizeof before);
    training_close(&t);
}

// The first future is constant velocity, exactly; probabilities add up.
static void test_pinned_future(void **state)
{
    (void)state;
    training t;
    training_open(&t, &small, RML_F64, 0, false);
    rml_plan_run(t.plan, NULL);
    for (size_t agent = 0; agent < BATCH * PREDICT; agent++) {
        double sum = 0;
        for (size_t k = 0; k < MODES; k++) {
            sum += get(&t, t.p.probabilities, agent * MODES + k);
        }
        assert_true(fabs(sum - 1) < 1e-12);
        for (size_t s = 0; s < STEPS; s++) {
            for (size_t k = 0; k < 2; k++) {
                double want = get(&t, t.p.position, agent * 2 + k) +
                              get(&t, t.p.velocity, agent * 2 + k) * 0.1 * (double)(s + 1);
                double found = get(&t, t.p.futures, (agent * MODES * STEPS + s) * 2 + k);
                assert_true(fabs(found - want) < 1e-12);
            }
        }
    }
    training_close(&t);
}

static void test_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        rml_predictor_config config;
        uint32_t batch;
    } cases[] = {
        {"heads do not divide the width", {.width = 30, .heads = 4}, 4},
        {"more predicted than agents", {.agents = 2, .predict = 3}, 4},
        {"no batch", {0}, 0},
        {"a share above 1", {.relax = 1.5}, 4},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rml_graph *g;
        rml_predictor p;
        rml_error err = {0};
        assert_int_equal(rml_graph_make(&g, NULL), RML_OK);
        rml_status st =
            rml_predictor_build(g, &cases[i].config, cases[i].batch, cases[i].batch, &p, &err);
        if (st != RML_ERR_ARGUMENT || err.what[0] == '\0') {
            fail_msg("%s: found status %s", cases[i].name, rml_status_name(st));
        }
        rml_graph_free(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_pytorch),
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_masked_tokens_change_nothing),
        cmocka_unit_test(test_pinned_future),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests_name("predictor", tests, NULL, NULL);
}
