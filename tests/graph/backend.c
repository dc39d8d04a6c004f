// Protects: a backend is only a column. One that records instead of computing, given to a plan,
// gets every op in order, every tile once, and nothing else writes what the ops put out.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "op.h"

enum { CALLS_MAX = 4096 };

// What the backend saw: a call's op, the memory it puts out and the tile.
static struct {
    const char *op[CALLS_MAX];
    const void *out[CALLS_MAX];
    size_t tile[CALLS_MAX];
    size_t count, gelu;
} seen;

static void record(const rml_call *c, size_t tile, size_t worker)
{
    (void)worker;
    assert_true(seen.count < CALLS_MAX);
    seen.op[seen.count] = c->op->name;
    seen.out[seen.count] = c->out;
    seen.tile[seen.count++] = tile;
    seen.gelu += c->gelu;
}

static rml_variant recording(rml_kernel *kernels[RML_KERNEL_COUNT])
{
    for (size_t i = 0; i < RML_KERNEL_COUNT; i++) {
        kernels[i] = record;
    }
    rml_variant v = *rml_variants[0];
    v.name = "recording";
    v.kernels = kernels;
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
    rml_kernel *kernels[RML_KERNEL_COUNT];
    rml_variant backend = recording(kernels);
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
    const float *out = rml_plan_data(plan, y);
    for (size_t i = 0; i < 40 * 96; i++) {
        assert_true(out[i] == 0);
    }
    rml_plan_free(plan);
    rml_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plan_is_recorded),
    };
    return cmocka_run_group_tests_name("graph backend", tests, NULL, NULL);
}
