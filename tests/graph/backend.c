// Protects: a backend is only a column, and may have memory of its own. The one here records what
// it is given, in pages that the host can neither read nor write but through its kernels and doors:
// whoever else follows a pointer into a plan ends the test. It gets every op in order, every tile
// once, nothing else writes what the ops put out; and what it trains has the scalar column's bits.
#define _GNU_SOURCE // MAP_ANONYMOUS
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "op.h"
#include "roadmill/base/random.h"

enum { CALLS_MAX = 4096, PAGE = 4096, OWN_BYTES = 64 << 20 };

// What the backend saw: a call's op, the memory it puts out and the tile.
static struct {
    const char *op[CALLS_MAX];
    const void *out[CALLS_MAX];
    size_t tile[CALLS_MAX];
    size_t count, gelu;
} seen;

// ---- Its memory --------------------------------------------------------------------------------

static struct {
    uint8_t *pages;
    size_t used, live; // bytes; blocks that were taken and not given back
} own;

static void allow(int access)
{
    assert_int_equal(mprotect(own.pages, own.used, access), 0);
}

static void *own_take(size_t size)
{
    if (own.pages == NULL) {
        own.pages = mmap(NULL, OWN_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(own.pages != MAP_FAILED);
    }
    size_t at = own.used;
    own.used += (size + PAGE - 1) / PAGE * PAGE;
    assert_true(own.used <= OWN_BYTES);
    own.live++;
    return own.pages + at;
}

static void own_give(void *memory)
{
    own.live -= memory != NULL;
}

static void own_copy(void *to, const void *from, size_t size)
{
    allow(PROT_READ | PROT_WRITE);
    memcpy(to, from, size);
    allow(PROT_NONE);
}

static void own_zero(void *to, size_t size)
{
    allow(PROT_READ | PROT_WRITE);
    memset(to, 0, size);
    allow(PROT_NONE);
}

static const rml_memory own_memory = {own_take, own_give, own_copy, own_copy, own_copy, own_zero};

static void own_close(void)
{
    assert_int_equal(own.live, 0);
    assert_int_equal(munmap(own.pages, OWN_BYTES), 0);
    own.pages = NULL;
    own.used = 0;
}

// ---- Its column --------------------------------------------------------------------------------

static bool computes; // else it records alone

static void run(rml_kernel_id id, const rml_call *c, size_t tile, size_t worker)
{
    if (!computes) {
        assert_true(seen.count < CALLS_MAX);
        seen.op[seen.count] = c->op->name;
        seen.out[seen.count] = c->out;
        seen.tile[seen.count] = tile;
    }
    seen.count++;
    seen.gelu += c->gelu;
    if (computes) {
        allow(PROT_READ | PROT_WRITE);
        rml_variants[0]->kernels[id](c, tile, worker);
        allow(PROT_NONE);
    }
}

// A kernel is not told its id, so there is a function for each.
#define KERNEL(n)                                                                                  \
    static void kernel_##n(const rml_call *c, size_t tile, size_t worker)                          \
    {                                                                                              \
        run((rml_kernel_id)0##n, c, tile, worker);                                                 \
    }
#define EIGHT(X, n) X(n##0) X(n##1) X(n##2) X(n##3) X(n##4) X(n##5) X(n##6) X(n##7)
#define ALL(X) EIGHT(X, 0) EIGHT(X, 1) EIGHT(X, 2) EIGHT(X, 3) EIGHT(X, 4) EIGHT(X, 5) // octal
ALL(KERNEL)
#define NAME(n) kernel_##n,
static rml_kernel *const own_kernels[] = {ALL(NAME)};
_Static_assert(RML_KERNEL_COUNT <= sizeof own_kernels / sizeof *own_kernels, "one for each id");

static float own_squares(const float *x, size_t count)
{
    allow(PROT_READ);
    float sum = rml_variants[0]->squares(x, count);
    allow(PROT_NONE);
    return sum;
}

static void own_add(size_t count, const float *a, const float *b, float *out)
{
    allow(PROT_READ | PROT_WRITE);
    rml_variants[0]->add(count, a, b, out);
    allow(PROT_NONE);
}

static void own_adamw(size_t count, const rml_adamw_rates *r, const float *gradient,
                      float *parameter, float *first, float *second)
{
    allow(PROT_READ | PROT_WRITE);
    rml_variants[0]->adamw(count, r, gradient, parameter, first, second);
    allow(PROT_NONE);
}

static void own_muon_begin(const rml_muon_rates *r, const float *gradient, float *momentum,
                           float *x)
{
    allow(PROT_READ | PROT_WRITE);
    rml_variants[0]->muon_begin(r, gradient, momentum, x);
    allow(PROT_NONE);
}

static void own_muon_scale(const rml_muon_rates *r, float *x)
{
    allow(PROT_READ | PROT_WRITE);
    rml_variants[0]->muon_scale(r, x);
    allow(PROT_NONE);
}

static void own_muon_end(const rml_muon_rates *r, const float *update, float *parameter)
{
    allow(PROT_READ | PROT_WRITE);
    rml_variants[0]->muon_end(r, update, parameter);
    allow(PROT_NONE);
}

static rml_variant recording(bool compute)
{
    rml_variant v = {"recording", 0,    own_kernels,    own_squares,    own_add,
                     own_adamw,   NULL, own_muon_begin, own_muon_scale, own_muon_end,
                     &own_memory};
    v.probe = rml_variants[0]->probe; // of the host's memory
    computes = compute;
    memset(&seen, 0, sizeof seen);
    return v;
}

// A row may be of several ops done together, "linear+gelu": the first one's kernel is called.
static bool begins(const char *row, const char *op)
{
    size_t length = strlen(op);
    return strncmp(row, op, length) == 0 && (row[length] == '\0' || row[length] == '+');
}

static void test_a_plan_is_recorded(void **state)
{
    (void)state;
    rml_graph *g;
    rml_plan *plan;
    rml_variant backend = recording(false);
    assert_int_equal(rml_graph_make(&g, NULL), RML_OK);
    rml_tensor x = rml_graph_input(g, "x", (rml_shape){2, {40, 64}});
    rml_tensor w = rml_graph_parameter(g, "w", (rml_shape){2, {96, 64}}, RML_INIT_ONE, 0);
    rml_tensor y = rml_op_softmax(g, rml_op_gelu(g, rml_op_linear(g, x, w, -1)), -1);
    rml_tensor loss = rml_op_sum(g, rml_op_sum(g, rml_op_mul(g, y, y), 1), 0);
    rml_tensor outputs[2] = {y};
    assert_int_equal(rml_graph_gradient(g, loss, &w, 1, &outputs[1], NULL), RML_OK);
    assert_int_equal(
        rml_plan_make(g, outputs, 2, 0, &(rml_plan_options){.backend = &backend}, &plan, NULL),
        RML_OK);
    assert_string_equal(rml_plan_roofline(plan).kernels, "recording");
    rml_plan_run(plan, NULL);
    rml_plan_row rows[64];
    size_t count = rml_plan_rows(plan, NULL), at = 0, together = 0;
    assert_true(count >= 6 && count <= 64);
    rml_plan_rows(plan, rows);
    for (size_t i = 0; i < count; i++) {
        const void *out = seen.out[at];
        for (; at < seen.count && seen.out[at] == out && begins(rows[i].op, seen.op[at]); at++) {
            // Tiles of a phase come in order; a second phase begins with tile 0 again.
            bool follows = seen.tile[at] == 0 || seen.tile[at] == seen.tile[at - 1] + 1;
            assert_true(follows);
        }
        assert_true(begins(rows[i].op, seen.op[at - 1]));
        together += strcmp(rows[i].op, "linear+gelu") == 0;
    }
    assert_int_equal(at, seen.count);
    assert_int_equal(together, 1);
    assert_true(seen.gelu > 0); // and is told so
    float out[40 * 96];
    assert_int_equal(rml_plan_get(plan, rml_plan_whole(plan, y), out, NULL), RML_OK);
    for (size_t i = 0; i < 40 * 96; i++) {
        assert_true(out[i] == 0);
    }
    rml_plan_free(plan);
    rml_graph_free(g);
    own_close();
}

// ---- Training through the doors ----------------------------------------------------------------

enum { SAMPLES = 42, ROWS = 3, WIDTH = 20, HIDDEN = 24, PARAMETERS = 5, STEPS = 4, NUMBERS = 4096 };

// A layer with its norm, GELU and softmax; a matrix that Muon may step; a plan for whole leaves and
// one for the rest behind them.
typedef struct net {
    rml_graph *g;
    rml_plan *plan;
    rml_tensor x, parameters[PARAMETERS], sums[PARAMETERS + 1];
} net;

static void net_make(net *n, uint32_t samples, const rml_plan_options *options)
{
    assert_int_equal(rml_graph_make(&n->g, NULL), RML_OK);
    rml_graph *g = n->g;
    rml_tensor *p = n->parameters;
    n->x = rml_graph_input(g, "x", (rml_shape){3, {samples, ROWS, WIDTH}});
    p[0] = rml_graph_parameter(g, "w", (rml_shape){2, {HIDDEN, WIDTH}}, RML_INIT_NORMAL, 0.5);
    p[1] = rml_graph_parameter(g, "b", (rml_shape){1, {HIDDEN}}, RML_INIT_UNIFORM, 0.5);
    p[2] = rml_graph_parameter(g, "gain", (rml_shape){1, {HIDDEN}}, RML_INIT_ONE, 0);
    p[3] = rml_graph_parameter(g, "bias", (rml_shape){1, {HIDDEN}}, RML_INIT_ZERO, 0);
    p[4] = rml_graph_parameter(g, "v", (rml_shape){2, {WIDTH, HIDDEN}}, RML_INIT_NORMAL, 0.5);
    rml_tensor y = rml_op_linear(g, n->x, p[0], p[1]);
    y = rml_op_gelu(g, rml_op_layer_norm(g, y, p[2], p[3], 1e-5));
    y = rml_op_softmax(g, rml_op_linear(g, y, p[4], -1), -1);
    y = rml_op_sum(g, rml_op_sum(g, rml_op_mul(g, y, n->x), 2), 1);
    rml_tensor loss = n->sums[PARAMETERS] = rml_op_sum(g, rml_op_mul(g, y, y), 0);
    assert_int_equal(rml_graph_gradient(g, loss, p, PARAMETERS, n->sums, NULL), RML_OK);
    assert_int_equal(rml_plan_make(g, n->sums, PARAMETERS + 1, 3, options, &n->plan, NULL), RML_OK);
}

static rml_status fill(void *context, rml_plan *plan, size_t first, size_t count, rml_error *err)
{
    float row[ROWS * WIDTH];
    for (size_t i = 0; i < count; i++) {
        rml_plan_slice to = {.tensor = *(const rml_tensor *)context,
                             .first = i * ROWS * WIDTH,
                             .count = ROWS * WIDTH};
        for (size_t k = 0; k < to.count; k++) {
            row[k] = (float)(4 * rml_random_f64(5, first + i, k) - 2);
        }
        RML_TRY(rml_plan_put(plan, to, row, err));
    }
    return RML_OK;
}

// Every number that a training leaves: losses, norms, then parameters and moments.
typedef struct trained {
    float numbers[NUMBERS];
    size_t count;
} trained;

static void take(trained *t, const rml_plan *plan, rml_plan_slice from)
{
    assert_true(t->count + from.count <= NUMBERS);
    assert_int_equal(rml_plan_get(plan, from, t->numbers + t->count, NULL), RML_OK);
    t->count += from.count;
}

static void train(const rml_variant *backend, bool with_muon, trained *out)
{
    net whole, rest;
    rml_plan_options options = {.backend = backend};
    net_make(&whole, RML_LEAF, &options);
    options.parameters_of = whole.plan;
    net_make(&rest, SAMPLES % RML_LEAF, &options);
    rml_leaves *leaves;
    rml_muon *muon = NULL;
    const bool matrices[PARAMETERS] = {true, false, false, false, true};
    assert_int_equal(
        rml_muon_make(whole.plan, whole.parameters, matrices, PARAMETERS, 0.95, 1, &muon, NULL),
        RML_OK);
    rml_leaves_setup setup = {.plan = whole.plan,
                              .rest = rest.plan,
                              .sums = whole.sums,
                              .rest_sums = rest.sums,
                              .sum_count = PARAMETERS + 1,
                              .samples = SAMPLES,
                              .threads = 1,
                              .muon = with_muon ? muon : NULL};
    assert_int_equal(rml_leaves_make(&setup, &leaves, NULL), RML_OK);
    *out = (trained){.count = 0};
    for (uint64_t step = 1; step <= STEPS; step++) {
        rml_adamw options_of = {0.01, 0.9, 0.999, 1e-8, 0.01, 1, step};
        double norm;
        assert_int_equal(rml_leaves_run(leaves, NULL, fill, &whole.x, NULL), RML_OK);
        assert_int_equal(
            rml_leaves_adamw(leaves, whole.parameters, PARAMETERS, &options_of, NULL, &norm, NULL),
            RML_OK);
        take(out, whole.plan, rml_plan_whole(whole.plan, whole.sums[PARAMETERS]));
        out->numbers[out->count++] = (float)norm;
    }
    for (size_t i = 0; i < PARAMETERS; i++) {
        for (int role = RML_PLAN_VALUE; role <= RML_PLAN_SECOND_MOMENT; role++) {
            rml_plan_slice from = rml_plan_whole(whole.plan, whole.parameters[i]);
            from.role = (rml_plan_role)role;
            take(out, whole.plan, from);
        }
    }
    assert_null(rml_plan_first_not_finite(whole.plan));
    rml_plan_row rows[64];
    rml_plan_measure(whole.plan, NULL, 1, rows);
    rml_leaves_free(leaves);
    rml_muon_free(muon);
    rml_plan_free(rest.plan);
    rml_plan_free(whole.plan);
    rml_graph_free(rest.g);
    rml_graph_free(whole.g);
}

static void test_it_trains_to_the_same_bits(void **state)
{
    (void)state;
    static trained want, got;
    for (int muon = 0; muon < 2; muon++) {
        train(rml_variants[0], muon == 1, &want);
        rml_variant backend = recording(true);
        train(&backend, muon == 1, &got);
        assert_true(seen.count > 100); // it was the one that ran
        assert_int_equal(got.count, want.count);
        assert_memory_equal(got.numbers, want.numbers, want.count * sizeof *want.numbers);
        assert_true(want.numbers[0] != want.numbers[2 * STEPS - 2]); // and it learned something
        own_close();
    }
}

// float64 runs references, which are the host's; parameters are of one memory.
static void test_what_does_not_fit_is_refused(void **state)
{
    (void)state;
    rml_graph *g;
    rml_plan *plan, *other = NULL;
    rml_error err = {0};
    rml_variant backend = recording(true);
    assert_int_equal(rml_graph_make(&g, NULL), RML_OK);
    rml_tensor p = rml_graph_parameter(g, "p", (rml_shape){1, {8}}, RML_INIT_ONE, 0);
    rml_tensor y = rml_op_exp(g, p);
    rml_plan_options options = {.precision = RML_F64, .backend = &backend};
    assert_int_equal(rml_plan_make(g, &y, 1, 0, &options, &other, &err), RML_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.what, "\"recording\""));
    options.precision = RML_F32;
    assert_int_equal(rml_plan_make(g, &y, 1, 0, &options, &plan, NULL), RML_OK);
    options = (rml_plan_options){.parameters_of = plan};
    assert_int_equal(rml_plan_make(g, &y, 1, 0, &options, &other, &err), RML_ERR_ARGUMENT);
    assert_null(other);
    rml_plan_free(plan);
    rml_graph_free(g);
    own_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plan_is_recorded),
        cmocka_unit_test(test_it_trains_to_the_same_bits),
        cmocka_unit_test(test_what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests_name("graph backend", tests, NULL, NULL);
}
