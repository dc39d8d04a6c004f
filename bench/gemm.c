// Matrix products of the engine as share of the peak of fused multiply-adds, probed just before
// each sample. A row is one op in a plan of its own. Weights are packed once before it, as in
// inference; the gradient of weights packs both of its sides in every run.
//
// usage: gemm [THREADS [peers|forward|inputs|weights]]
#define _GNU_SOURCE // setenv
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "gemm_peers.h"
#include "ops/rows.h"
#include "peak.h"
#include "roadmill/graph.h"

#define SAMPLES 15

static void fill(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        x[i] = (float)((i * 2654435761u >> 8) % 17) / 16.0f - 0.5f;
    }
}

// forward: x [m, k] with weight [n, k]. inputs: dy [m, k] with weight [k, n]. weights: dy' x.
static rml_tensor build(rml_graph *g, int kind, uint32_t m, uint32_t n, uint32_t k)
{
    if (kind == 0) {
        rml_tensor x = rml_graph_input(g, "x", (rml_shape){2, {m, k}});
        rml_tensor w = rml_graph_parameter(g, "w", (rml_shape){2, {n, k}}, RML_INIT_UNIFORM, 0.5);
        return rml_op_linear(g, x, w, -1);
    }
    if (kind == 1) {
        rml_tensor x = rml_graph_input(g, "x", (rml_shape){2, {m, k}});
        rml_tensor w = rml_graph_parameter(g, "w", (rml_shape){2, {k, n}}, RML_INIT_UNIFORM, 0.5);
        return rml_op_matmul(g, x, w, false);
    }
    // The gradient of a weight [n, k] over m rows, 64 to a sample.
    rml_tensor x = rml_graph_input(g, "x", (rml_shape){3, {m / 64, 64, k}});
    rml_tensor dy = rml_graph_input(g, "dy", (rml_shape){3, {m / 64, 64, n}});
    return rml_graph_append(g, &rml_row_batch_product, (rml_tensor[]){dy, x}, 2, NULL, 0);
}

static const char *const kinds[] = {"forward", "inputs", "weights"};

static void run(int kind, uint32_t m, uint32_t n, uint32_t k, rml_pool *pool)
{
    rml_graph *g;
    rml_plan *plan;
    rml_error err = {0};
    if (rml_graph_make(&g, &err) != RML_OK) {
        return;
    }
    rml_tensor y = build(g, kind, m, n, k);
    if (rml_plan_make(g, &y, 1, 1, NULL, &plan, &err) != RML_OK ||
        rml_plan_freeze(plan, pool, &err) != RML_OK) {
        printf("%s\n", err.what);
        rml_graph_free(g);
        return;
    }
    static const char *const names[] = {"x", "dy"};
    for (int i = 0; i < 2; i++) {
        rml_tensor t = rml_graph_find(g, names[i]);
        if (t >= 0) {
            size_t count = rml_plan_elements(plan, t);
            float *values = malloc(count * sizeof *values);
            if (values == NULL) {
                abort();
            }
            fill(values, count);
            if (rml_plan_put(plan, rml_plan_whole(plan, t), values, NULL) != RML_OK) {
                abort();
            }
            free(values);
        }
    }
    double flop = 2.0 * m * n * k, share[SAMPLES], rate[SAMPLES];
    size_t calls = (size_t)(4e8 / flop) + 1, threads = rml_pool_threads(pool);
    rml_plan_run(plan, pool);
    for (int s = 0; s < SAMPLES; s++) {
        double peak = peak_gflops();
        int64_t start = rml_clock_monotonic_ns();
        for (size_t i = 0; i < calls; i++) {
            rml_plan_run(plan, pool);
        }
        rate[s] = flop * (double)calls / (double)(rml_clock_monotonic_ns() - start);
        share[s] = peak > 0 ? rate[s] / (peak * (double)threads) : 0;
    }
    qsort(rate, SAMPLES, sizeof *rate, rml_bench_by_value);
    qsort(share, SAMPLES, sizeof *share, rml_bench_by_value);
    char name[64];
    double median = share[SAMPLES / 2];
    snprintf(name, sizeof name, "gemm_f32_%s_m%u_n%u_k%u_t%zu", kinds[kind], m, n, k, threads);
    rml_bench_line(name, rate[SAMPLES / 2], "GFLOP/s", "peak of now",
                   median > 0 ? rate[SAMPLES / 2] / median : 0.0, median);
    rml_plan_free(plan);
    rml_graph_free(g);
}

// One sample of a peer's product y = x w' in GFLOP/s.
typedef struct peer_work {
    const gemm_peers *peers;
    int m, n, k;
    float *x, *w, *packed, *y;
} peer_work;

static void mkl_product(const peer_work *p)
{
    p->peers->mkl_compute(CBLAS_ROWS, CBLAS_PLAIN, CBLAS_PACKED, p->m, p->n, p->k, p->x, p->k,
                          p->packed, p->k, 0, p->y, p->n);
}

static void dnnl_product(const peer_work *p)
{
    p->peers->dnnl_sgemm('N', 'T', p->m, p->n, p->k, 1, p->x, p->k, p->w, p->k, 0, p->y, p->n);
}

static double sample(void (*product)(const peer_work *), const peer_work *p)
{
    double flop = 2.0 * p->m * p->n * p->k;
    size_t calls = (size_t)(4e8 / flop) + 1;
    int64_t start = rml_clock_monotonic_ns();
    for (size_t i = 0; i < calls; i++) {
        product(p);
    }
    return flop * (double)calls / (double)(rml_clock_monotonic_ns() - start);
}

static void peer_line(const char *peer, void (*product)(const peer_work *), const peer_work *p,
                      rml_plan *plan, rml_pool *pool)
{
    double flop = 2.0 * p->m * p->n * p->k, own[SAMPLES], other[SAMPLES], ratio[SAMPLES];
    size_t calls = (size_t)(4e8 / flop) + 1;
    product(p);
    for (int s = 0; s < SAMPLES; s++) {
        int64_t start = rml_clock_monotonic_ns();
        for (size_t i = 0; i < calls; i++) {
            rml_plan_run(plan, pool);
        }
        own[s] = flop * (double)calls / (double)(rml_clock_monotonic_ns() - start);
        other[s] = sample(product, p);
        ratio[s] = own[s] / other[s];
    }
    qsort(ratio, SAMPLES, sizeof *ratio, rml_bench_by_value);
    qsort(own, SAMPLES, sizeof *own, rml_bench_by_value);
    qsort(other, SAMPLES, sizeof *other, rml_bench_by_value);
    char name[64];
    snprintf(name, sizeof name, "gemm_f32_m%d_n%d_k%d_t%zu", p->m, p->n, p->k,
             rml_pool_threads(pool));
    rml_bench_line(name, own[SAMPLES / 2], "GFLOP/s", peer, other[SAMPLES / 2], ratio[SAMPLES / 2]);
}

// The forward product against the libraries that are here, by turns in the same run.
static void run_peers(const gemm_peers *peers, uint32_t m, uint32_t n, uint32_t k, rml_pool *pool)
{
    rml_graph *g;
    rml_plan *plan;
    peer_work p = {peers, (int)m, (int)n, (int)k, NULL, NULL, NULL, NULL};
    if (rml_graph_make(&g, NULL) != RML_OK) {
        return;
    }
    rml_tensor y = build(g, 0, m, n, k);
    if (rml_plan_make(g, &y, 1, 1, NULL, &plan, NULL) == RML_OK &&
        rml_plan_freeze(plan, pool, NULL) == RML_OK) {
        rml_tensor x = rml_graph_find(g, "x"), w = rml_graph_find(g, "w");
        p.x = aligned_alloc(64, (size_t)m * k * sizeof(float));
        p.w = aligned_alloc(64, (size_t)n * k * sizeof(float));
        p.y = aligned_alloc(64, (size_t)m * n * sizeof(float));
        if (p.x == NULL || p.w == NULL) {
            abort();
        }
        fill(p.x, (size_t)m * k);
        if (rml_plan_put(plan, rml_plan_whole(plan, x), p.x, NULL) != RML_OK ||
            rml_plan_get(plan, rml_plan_whole(plan, w), p.w, NULL) != RML_OK) {
            abort();
        }
        if (peers->mkl_compute != NULL && p.y != NULL) {
            size_t size = peers->mkl_size(CBLAS_B, p.m, p.n, p.k);
            p.packed = aligned_alloc(64, (size + 63) / 64 * 64);
            peers->mkl_pack(CBLAS_ROWS, CBLAS_B, CBLAS_TURNED, p.m, p.n, p.k, 1, p.w, p.k,
                            p.packed);
            peer_line("MKL, packed", mkl_product, &p, plan, pool);
        }
        if (peers->dnnl_sgemm != NULL && p.y != NULL) {
            peer_line("oneDNN sgemm", dnnl_product, &p, plan, pool);
        }
        free(p.packed);
        free(p.x);
        free(p.w);
        free(p.y);
        rml_plan_free(plan);
    }
    rml_graph_free(g);
}

int main(int argc, char **argv)
{
    size_t threads = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    rml_pool *pool = NULL;
    if (threads > 1 && rml_pool_make(threads, &pool, NULL) != RML_OK) {
        return 1;
    }
    static const uint32_t rows[] = {64, 512, 2048};
    static const uint32_t shapes[][2] = {{128, 128}, {512, 128}, {128, 512}, {128, 64}, {360, 128}};
    gemm_peers peers = gemm_peers_open(threads);
    for (size_t r = 0; r < 3 && (argc < 3 || strcmp(argv[2], "peers") == 0); r++) {
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            run_peers(&peers, rows[r], shapes[s][0], shapes[s][1], pool);
        }
    }
    for (int kind = 0; kind < 3; kind++) {
        for (size_t r = 0; r < 3 && (argc < 3 || strcmp(argv[2], kinds[kind]) == 0); r++) {
            for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
                run(kind, rows[r], shapes[s][0], shapes[s][1], pool);
            }
        }
    }
    rml_pool_free(pool);
    return 0;
}
