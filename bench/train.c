// The training step of the reference predictor (32 agents predicted, one loss over all) against
// PyTorch's of the same network, one after the other in the same run, twice each.
//
// The peer is bench/train_torch.py by the Python of RML_TORCH_PYTHON or RML_PYTHON; without torch
// there the line has no peer. Rows train_f32_bB_tT for batches of 32 and 1; usage: train [BATCH]
#define _POSIX_C_SOURCE 200809L // popen
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "roadmill/model.h"

#define ROUNDS 2
#define REPEATS 15

typedef struct step {
    rml_graph *g;
    rml_plan *plan; // of a leaf
    rml_predictor predictor;
    rml_leaves *leaves;
    const rml_tensor *parameters;
    rml_tensor gradients[512];
    size_t count;
    uint64_t taken;
} step;

static size_t count_of(const rml_graph *g, rml_tensor t)
{
    rml_shape shape = rml_graph_shape(g, t);
    size_t count = 1;
    for (uint32_t i = 0; i < shape.rank; i++) {
        count *= shape.size[i];
    }
    return count;
}

// Made-up scenes: as many numbers as a real one, once for each sample of a batch.
static void fill(const step *s, rml_plan *plan, rml_tensor t, size_t first, bool mask)
{
    float *x = rml_plan_data(plan, t);
    size_t count = count_of(s->g, t);
    uint32_t start = (uint32_t)(first * 2654435761u);
    for (size_t i = 0; x != NULL && i < count; i++) {
        float u = (float)((start + (uint32_t)i * 2246822519u) >> 8) * 0x1p-24f;
        x[i] = mask ? (float)(u < 0.8f || i == 0) : 4 * u - 2;
    }
}

static void fill_leaf(void *context, rml_plan *plan, size_t first, size_t count)
{
    (void)count;
    const step *s = context;
    const rml_predictor *p = &s->predictor;
    fill(s, plan, p->features, first, false);
    fill(s, plan, p->token_valid, first, true);
    fill(s, plan, p->position, first, false);
    fill(s, plan, p->velocity, first, false);
    fill(s, plan, p->target, first, false);
    fill(s, plan, p->target_valid, first, true);
}

// batch: a multiple of RML_LEAF, or fewer.
static rml_status step_make(step *s, uint32_t batch, rml_error *err)
{
    rml_predictor_config config = {.predict = 32, .no_single = true};
    uint32_t leaf = batch < RML_LEAF ? batch : RML_LEAF;
    rml_tensor outputs[513];
    rml_predictor_defaults(&config);
    RML_TRY(rml_graph_make(&s->g, err));
    RML_TRY(rml_predictor_build(s->g, &config, leaf, batch, &s->predictor, err));
    s->count = rml_graph_parameters(s->g, &s->parameters);
    RML_TRY(
        rml_graph_gradient(s->g, s->predictor.loss, s->parameters, s->count, s->gradients, err));
    s->count = rml_graph_parameters(s->g, &s->parameters);
    outputs[0] = s->predictor.loss_sum;
    memcpy(outputs + 1, s->gradients, s->count * sizeof *outputs);
    RML_TRY(rml_plan_make(s->g, outputs, s->count + 1, 1, NULL, &s->plan, err));
    return rml_leaves_make(s->plan, NULL, outputs, NULL, s->count + 1, batch, rml_thread_count(),
                           &s->leaves, err);
}

static double step_median_ms(step *s, rml_pool *pool)
{
    double ms[REPEATS];
    for (int i = -2; i < REPEATS; i++) {
        int64_t start = rml_clock_monotonic_ns();
        if (rml_leaves_run(s->leaves, pool, fill_leaf, s, NULL) != RML_OK) {
            return 0;
        }
        rml_adamw o = {1e-3, 0.9, 0.999, 1e-8, 0.01, 1, ++s->taken};
        rml_plan_adamw(s->plan, s->parameters, s->gradients, s->count, &o, pool);
        ms[i < 0 ? 0 : i] = 1e-6 * (double)(rml_clock_monotonic_ns() - start);
    }
    qsort(ms, REPEATS, sizeof *ms, rml_bench_by_value);
    return ms[REPEATS / 2];
}

// The peer's median, or 0; its name into peer.
static double torch_median_ms(size_t threads, uint32_t batch, char peer[64])
{
    char command[1024], line[256] = "";
    double ms = 0;
    snprintf(command, sizeof command, "%s bench/train_torch.py %zu %u %d 2>/dev/null",
             rml_bench_python(), threads, batch, REPEATS);
    FILE *pipe = popen(command, "r");
    if (pipe == NULL) {
        return 0;
    }
    if (fgets(line, sizeof line, pipe) == NULL ||
        sscanf(line, "{\"peer\": \"%63[^\"]\", \"ms\": %lf", peer, &ms) != 2) {
        ms = 0;
    }
    pclose(pipe);
    return ms;
}

static void run(step *s, size_t threads, uint32_t batch)
{
    rml_pool *pool = NULL;
    if (threads > 1 && rml_pool_make(threads, &pool, NULL) != RML_OK) {
        return;
    }
    double ours = 1e300, theirs = 1e300;
    char peer[64] = "torch: not installed";
    for (int i = 0; i < ROUNDS; i++) {
        double own = step_median_ms(s, pool), other = torch_median_ms(threads, batch, peer);
        ours = own < ours ? own : ours;
        theirs = other > 0 && other < theirs ? other : theirs;
    }
    bool known = theirs < 1e300; // otherwise zeros beside a peer that says so
    char name[48];
    snprintf(name, sizeof name, "train_f32_b%u_t%zu", batch, threads);
    rml_bench_line(name, ours, "ms", peer, known ? theirs : 0, known ? theirs / ours : 0);
    rml_pool_free(pool);
}

static int run_batch(uint32_t batch)
{
    step s = {0};
    rml_error err = {0};
    if (step_make(&s, batch, &err) != RML_OK) {
        fprintf(stderr, "%s\n", err.what);
        return 1;
    }
    for (size_t threads = 1; threads <= 2 && threads <= rml_thread_count(); threads++) {
        run(&s, threads, batch);
    }
    rml_leaves_free(s.leaves);
    rml_plan_free(s.plan);
    rml_graph_free(s.g);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return run_batch((uint32_t)strtoul(argv[1], NULL, 10));
    }
    return run_batch(32) + run_batch(1);
}
