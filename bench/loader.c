// The loader, shuffled, in the page cache, by one thread and by two: against a memcpy of the same
// samples in the same order from one block of memory (its floor), and against PyTorch's DataLoader.
//
// The peer is bench/loader_torch.py by the Python of RML_TORCH_PYTHON or RML_PYTHON, with no worker
// and with two. Rows loader_tT with each.
#define _POSIX_C_SOURCE 200809L // popen
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "roadmill/base/random.h"
#include "roadmill/synth.h"
#include "roadmill/turn.h"

#define BATCH 32
#define SECONDS 2.0

static void must(rml_status st, const rml_error *err)
{
    if (st != RML_OK) {
        fprintf(stderr, "loader: %s: %s\n", err->place, err->what);
        exit(1);
    }
}

// A version over a made fleet, in a folder that the caller removes.
static rml_dataset *make_version(const char *folder, rml_pool *pool)
{
    rml_error err = {0};
    char home_path[600], fleet[600];
    rml_home home;
    rml_source_sums sums;
    rml_synth_result synth;
    rml_dataset_result made;
    rml_dataset *d = NULL;
    snprintf(home_path, sizeof home_path, "%s/home", folder);
    snprintf(fleet, sizeof fleet, "%s/fleet", folder);
    const rml_synth_options options = {.seed = 1};
    must(rml_synth_fleet(fleet, &options, NULL, &synth, &err), &err);
    must(rml_home_init(home_path, &err), &err);
    must(rml_home_open(&home, home_path, false, &err), &err);
    rml_str source = rml_str_of(fleet);
    must(rml_ingest_sources(home.lake, &source, 1, NULL, NULL, NULL, NULL, &sums, &err), &err);
    rml_dataset_spec spec = {.name = RML_STR("bench"), .rule = RML_SPLIT_RECORDING};
    spec.share[RML_TRAIN] = 1;
    spec.scene.stride = 5;
    spec.scene.map = 240; // about 71,680 bytes a sample
    must(rml_dataset_create(home.path, home.lake, home.catalog, &spec, pool, NULL, &made, &err),
         &err);
    must(rml_dataset_open(home.path, rml_str_of(made.hash), &d, &err), &err);
    rml_home_close(&home);
    return d;
}

typedef struct batch_memory {
    rml_tensor_slot tensors[RML_TENSORS_MAX];
    size_t count;
    size_t floats; // of one sample
} batch_memory;

static batch_memory make_memory(const rml_dataset *d)
{
    batch_memory m = {0};
    const rml_tensor_info *info;
    m.count = rml_dataset_tensors(d, &info);
    for (size_t i = 0; i < m.count; i++) {
        size_t row, size;
        if (!rml_tensor_info_size(&info[i], &row, &size)) {
            exit(1);
        }
        m.tensors[i].data = rml_heap_make(size * BATCH);
        m.floats += size / sizeof(float);
    }
    return m;
}

static double loader_rate(const rml_dataset *d, const batch_memory *m, rml_pool *pool)
{
    rml_loader loader = {.dataset = d, .split = RML_TRAIN, .seed = 1};
    int64_t start = rml_clock_monotonic_ns();
    double seconds = 0;
    while (seconds < SECONDS) {
        rml_loader_next(&loader, pool, BATCH, m->tensors);
        seconds = (double)(rml_clock_monotonic_ns() - start) * 1e-9;
    }
    return (double)loader.position / seconds;
}

typedef struct copying {
    const float *block;
    float *batch;
    size_t count, floats;
    uint64_t position;
} copying;

static void copy_one(void *context, size_t tile, size_t worker)
{
    (void)worker;
    const copying *c = context;
    uint64_t position = c->position + tile;
    size_t item = (size_t)rml_permute(position / c->count, c->count, position % c->count);
    memcpy(c->batch + tile * c->floats, c->block + item * c->floats, c->floats * sizeof(float));
}

static double floor_rate(size_t count, size_t floats, rml_pool *pool)
{
    float *block = rml_heap_make(count * floats * sizeof(float));
    float *batch = rml_heap_make(BATCH * floats * sizeof(float));
    if (block == NULL || batch == NULL) {
        fprintf(stderr, "loader: no memory for the floor\n");
        exit(1);
    }
    memset(block, 1, count * floats * sizeof(float));
    int64_t start = rml_clock_monotonic_ns();
    double seconds = 0;
    copying c = {block, batch, count, floats, 0};
    while (seconds < SECONDS) {
        rml_pool_run(pool, BATCH, copy_one, &c);
        c.position += BATCH;
        seconds = (double)(rml_clock_monotonic_ns() - start) * 1e-9;
    }
    rml_heap_free(block);
    rml_heap_free(batch);
    return (double)c.position / seconds;
}

static void ask_torch(const char *name, const char *folder, size_t count, size_t floats,
                      size_t workers, double ours)
{
    char command[1400], line[256] = "", peer[128];
    double rate = 0;
    snprintf(command, sizeof command, "%s %s/loader_torch.py %zu %zu %s %zu 2>/dev/null",
             rml_bench_python(), RML_BENCH_FOLDER, floats, count, folder, workers);
    FILE *pipe = popen(command, "r");
    if (pipe != NULL && fgets(line, sizeof line, pipe) != NULL &&
        sscanf(line, "{\"peer\": \"%127[^\"]\", \"rate\": %lf", peer, &rate) == 2) {
        rml_bench_line(name, ours, "samples/s", peer, rate, ours / rate);
    }
    if (pipe != NULL) {
        pclose(pipe);
    }
}

static void run(const rml_dataset *d, const char *folder, size_t threads)
{
    char name[32];
    rml_error err = {0};
    rml_pool *pool = NULL;
    must(rml_pool_make(threads, &pool, &err), &err);
    batch_memory m = make_memory(d);
    size_t count = rml_dataset_count(d, RML_TRAIN);
    double ours = loader_rate(d, &m, pool), floor = floor_rate(count, m.floats, pool);
    snprintf(name, sizeof name, "loader_t%zu", threads);
    rml_bench_line(name, ours, "samples/s", "memcpy in the same order", floor, ours / floor);
    ask_torch(name, folder, count, m.floats, threads == 1 ? 0 : threads, ours);
    for (size_t i = 0; i < m.count; i++) {
        rml_heap_free(m.tensors[i].data);
    }
    rml_pool_free(pool);
}

int main(void)
{
    char folder[512];
    const char *base = rml_env("TMPDIR");
    snprintf(folder, sizeof folder, "%s/roadmill-bench-%lld", base != NULL ? base : "/tmp",
             (long long)rml_clock_unix_ns());
    rml_error err = {0};
    rml_pool *pool = NULL;
    must(rml_pool_make(1, &pool, &err), &err);
    must(rml_folder_make(folder, &err), &err);
    rml_dataset *d = make_version(folder, pool);
    for (size_t threads = 1; threads <= 2 && threads <= rml_thread_count(); threads++) {
        run(d, folder, threads);
    }
    rml_dataset_close(d);
    rml_pool_free(pool);
    must(rml_folder_remove(folder, &err), &err);
    return 0;
}
