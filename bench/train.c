// The training step of the reference predictor (32 agents predicted, one loss over all) against
// those of PyTorch, eager and compiled, and JAX of the same network, one after the other in the
// same run, twice each; the best of them counts.
//
// The peers are bench/train_torch.py and train_jax.py by the Python of RML_PYTHON; the line tells
// where none is installed. Rows train_f32_bB_tT and train_bf16_bB_tT for batches of 32 and 1,
// train_f32_bB_memory of the largest resident sets of this program and PyTorch, eager. Usage:
//   train [BATCH]      both batches, or this one
//   train ranks        two processes against one
//   train rank BATCH   the median of this process alone, one thread; under mpirun one of several
//   train ops BATCH    a profile: the ops of one leaf of so many samples, one thread, by their
//   names
#define _DEFAULT_SOURCE 1 // popen, getrusage
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench.h"
#include "roadmill/model.h"

#define ROUNDS 2
#define REPEATS 15
enum { OPS_MOST = 1024, OP_RUNS = 200, BATCH_MOST = 65536 };

typedef struct step {
    rml_graph *g;
    rml_plan *plan; // of a leaf
    rml_predictor predictor;
    rml_leaves *leaves;
    const rml_tensor *parameters;
    rml_tensor gradients[512];
    size_t count;
    uint64_t taken;
    rml_ranks *ranks;
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
static rml_status fill(const step *s, rml_plan *plan, rml_tensor t, size_t first, bool mask,
                       rml_error *err)
{
    enum { PART = 4096 };
    float x[PART];
    size_t count = rml_plan_keeps(plan, t) ? count_of(s->g, t) : 0;
    uint32_t start = (uint32_t)(first * 2654435761u);
    for (size_t at = 0; at < count; at += PART) {
        rml_plan_slice to = {.tensor = t, .first = at};
        to.count = count - at < PART ? count - at : PART;
        for (size_t i = 0; i < to.count; i++) {
            float u = (float)((start + (uint32_t)(at + i) * 2246822519u) >> 8) * 0x1p-24f;
            x[i] = mask ? (float)(u < 0.8f || at + i == 0) : 4 * u - 2;
        }
        RML_TRY(rml_plan_put(plan, to, x, err));
    }
    return RML_OK;
}

static rml_status fill_leaf(void *context, rml_plan *plan, size_t first, size_t count,
                            rml_error *err)
{
    (void)count;
    const step *s = context;
    const rml_predictor *p = &s->predictor;
    RML_TRY(fill(s, plan, p->features, first, false, err));
    RML_TRY(fill(s, plan, p->token_valid, first, true, err));
    RML_TRY(fill(s, plan, p->position, first, false, err));
    RML_TRY(fill(s, plan, p->velocity, first, false, err));
    RML_TRY(fill(s, plan, p->target, first, false, err));
    return fill(s, plan, p->target_valid, first, true, err);
}

// batch: a multiple of RML_LEAF, or fewer.
static rml_status step_make(step *s, uint32_t batch, rml_precision precision, rml_error *err)
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
    memcpy(outputs, s->gradients, s->count * sizeof *outputs);
    outputs[s->count] = s->predictor.loss_sum;
    RML_TRY(rml_plan_make(s->g, outputs, s->count + 1, 1,
                          &(rml_plan_options){.precision = precision}, &s->plan, err));
    rml_leaves_setup setup = {.plan = s->plan,
                              .sums = outputs,
                              .sum_count = s->count + 1,
                              .whole = 1,
                              .samples = batch,
                              .threads = rml_thread_count(),
                              .ranks = s->ranks};
    return rml_leaves_make(&setup, &s->leaves, err);
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
        double norm;
        if (rml_leaves_adamw(s->leaves, s->parameters, s->count, &o, pool, &norm, NULL) != RML_OK) {
            return 0;
        }
        ms[i < 0 ? 0 : i] = 1e-6 * (double)(rml_clock_monotonic_ns() - start);
    }
    qsort(ms, REPEATS, sizeof *ms, rml_bench_by_value);
    return ms[REPEATS / 2];
}

static const struct {
    const char *program, *mode;
} peers[] = {
    {"train_torch.py", "eager"}, {"train_torch.py", "compiled"}, {"train_jax.py", "compiled"}};
enum { PEERS = sizeof peers / sizeof *peers };

// A peer's median, or 0; its name into peer.
static double peer_median_ms(size_t which, size_t threads, uint32_t batch, const char *type,
                             char peer[64])
{
    char command[1024], line[256] = "";
    double ms = 0;
    snprintf(command, sizeof command, "%s bench/%s %zu %u %d %s %s 2>/dev/null", rml_bench_python(),
             peers[which].program, threads, batch, REPEATS, peers[which].mode, type);
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

static void run(step *s, size_t threads, uint32_t batch, const char *type)
{
    rml_pool *pool = NULL;
    if (threads > 1 && rml_pool_make(threads, &pool, NULL) != RML_OK) {
        return;
    }
    double ours = 1e300, theirs = 1e300;
    char best[64] = "torch, jax: not installed";
    for (int i = 0; i < ROUNDS; i++) {
        double own = step_median_ms(s, pool);
        ours = own < ours ? own : ours;
        for (size_t k = 0; k < PEERS; k++) {
            char peer[64];
            double other = peer_median_ms(k, threads, batch, type, peer);
            if (other > 0 && other < theirs) {
                theirs = other;
                memcpy(best, peer, sizeof best);
            }
        }
    }
    bool known = theirs < 1e300; // otherwise zeros beside a peer that says so
    char name[48];
    snprintf(name, sizeof name, "train_%s_b%u_t%zu", type, batch, threads);
    rml_bench_line(name, ours, "ms", best, known ? theirs : 0, known ? theirs / ours : 0);
    rml_pool_free(pool);
}

static void step_free(step *s)
{
    rml_leaves_free(s->leaves);
    rml_plan_free(s->plan);
    rml_graph_free(s->g);
}

// One of several processes: the first prints its median.
static int run_rank(uint32_t batch)
{
    step s = {0};
    rml_error err = {0};
    rml_status st = rml_ranks_open(&s.ranks, &err);
    st = st ? st : step_make(&s, batch, RML_F32, &err);
    double ms = st == RML_OK ? step_median_ms(&s, NULL) : 0;
    if (rml_ranks_index(s.ranks) == 0) {
        printf("%.6g\n", ms);
    }
    if (st != RML_OK) {
        fprintf(stderr, "%s\n", err.what);
    }
    step_free(&s);
    rml_ranks_close(s.ranks, st != RML_OK);
    return st == RML_OK ? 0 : 1;
}

// Processes of one thread against one such process: samples a second, so the ratio is how many
// times as many.
static void run_ranks(const char *self, uint32_t batch, int ranks)
{
    double ms[2] = {1e300, 1e300};
    for (int i = 0; i < 2 * ROUNDS; i++) {
        char command[1024], line[64] = "";
        double once = 0;
        snprintf(
            command, sizeof command,
            "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun -n %d %s rank %u",
            i % 2 ? ranks : 1, self, batch);
        FILE *pipe = popen(command, "r");
        if (pipe == NULL || fgets(line, sizeof line, pipe) == NULL ||
            sscanf(line, "%lf", &once) != 1 || once <= 0) {
            fprintf(stderr, "train: no mpirun, or it failed: no row for %d processes\n", ranks);
            i = 2 * ROUNDS;
        } else {
            ms[i % 2] = once < ms[i % 2] ? once : ms[i % 2];
        }
        if (pipe != NULL) {
            pclose(pipe);
        }
    }
    if (ms[1] < 1e300) {
        char name[48];
        snprintf(name, sizeof name, "train_f32_b%u_p%d", batch, ranks);
        rml_bench_line(name, ms[1], "ms", "one process", ms[0], ms[0] / ms[1]);
    }
}

// The largest resident set of this program, up to two threads, against that of the largest child:
// PyTorch, eager, so far.
static void print_memory(uint32_t batch)
{
    struct rusage own, peer;
    char name[48];
    if (getrusage(RUSAGE_SELF, &own) != 0 || getrusage(RUSAGE_CHILDREN, &peer) != 0 ||
        peer.ru_maxrss < own.ru_maxrss) { // a shell alone: there was no peer
        return;
    }
    snprintf(name, sizeof name, "train_f32_b%u_memory", batch);
    rml_bench_line(name, (double)own.ru_maxrss / 1024, "MB", "torch", (double)peer.ru_maxrss / 1024,
                   (double)peer.ru_maxrss / (double)own.ru_maxrss);
}

static int run_type(uint32_t batch, rml_precision precision)
{
    bool rounded = precision == RML_BF16;
    size_t most = rml_thread_count() < 2 ? 1 : 2;
    step s = {0};
    rml_error err = {0};
    if (step_make(&s, batch, precision, &err) != RML_OK) {
        fprintf(stderr, "%s\n", err.what);
        return 1;
    }
    if (!rounded) { // the memory of both without the compilers
        char peer[64];
        step_median_ms(&s, NULL);
        peer_median_ms(0, 1, batch, "f32", peer);
        print_memory(batch);
    }
    for (size_t threads = 1; threads <= most; threads++) {
        run(&s, threads, batch, rounded ? "bf16" : "f32");
    }
    step_free(&s);
    return 0;
}

// Each op at the least of many runs, summed by name: what a loaded machine disturbs least.
static int run_ops(uint32_t batch)
{
    static rml_plan_row rows[OPS_MOST];
    step s = {0};
    rml_error err = {0};
    if (step_make(&s, batch, RML_F32, &err) != RML_OK) {
        fprintf(stderr, "%s\n", err.what);
        return 1;
    }
    size_t count = rml_plan_rows(s.plan, NULL);
    if (count > OPS_MOST) {
        fprintf(stderr, "train: expected at most %d ops, found %zu\n", OPS_MOST, count);
        return 1;
    }
    rml_plan_rows(s.plan, rows);
    rml_plan_measure(s.plan, NULL, OP_RUNS, rows);
    double all = 0;
    for (size_t i = 0; i < count; i++) {
        all += 1e6 * rows[i].seconds;
    }
    for (size_t i = 0; i < count; i++) {
        double same = 0;
        bool first = true;
        for (size_t k = 0; k < count; k++) {
            bool named = strcmp(rows[k].op, rows[i].op) == 0;
            same += named ? 1e6 * rows[k].seconds : 0;
            first = first && !(named && k < i);
        }
        if (first) {
            rml_bench_line(rows[i].op, same, "us", "all ops", all, same / all);
        }
    }
    step_free(&s);
    return 0;
}

static int run_batch(uint32_t batch)
{
    return run_type(batch, RML_F32) + run_type(batch, RML_BF16);
}

static int usage(void)
{
    fprintf(stderr, "train: expected [BATCH], ranks, rank BATCH or ops BATCH\n");
    return 2;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    unsigned long batch = strtoul(argv[argc - 1], NULL, 10); // 0: no number
    if (argc == 1) {
        run_ranks(argv[0], 32, 2);
        return run_batch(32) + run_batch(1);
    }
    if (argc == 2 && strcmp(word, "ranks") == 0) {
        run_ranks(argv[0], 32, 2);
        return 0;
    }
    if (batch == 0 || batch > BATCH_MOST || argc > 3) {
        return usage();
    }
    if (argc == 2) {
        return run_batch((uint32_t)batch);
    }
    return strcmp(word, "rank") == 0  ? run_rank((uint32_t)batch)
           : strcmp(word, "ops") == 0 ? run_ops((uint32_t)batch)
                                      : usage();
}
