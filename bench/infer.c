// Inference of one scene by the reference predictor, all agents predicted, weights packed once:
// median, 99th percentile and worst of many runs, against ONNX Runtime on the model that the engine
// exports and PyTorch compiled and frozen, in the same run; and the emitted C against ONNX Runtime.
//
// Peers: bench/infer_peer.py by the Python of RML_TORCH_PYTHON or RML_PYTHON. Rows infer_f32_t1 and
// infer_f32_t2 with each peer, infer_p99_t1 (times the median) and the same of a loop in registers,
// infer_bf16_t1 with products in bfloat16 against ONNX Runtime in float32, infer_c_march and
// infer_c_O2; infer_c_int8: layers of the blocks in int8, against the emitted C in float32.
//
// usage: infer [RUNS]
#define _POSIX_C_SOURCE 200809L // popen
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "roadmill/deploy.h"
#include "roadmill/os.h"

#define PEER_CALLS 1000

typedef struct scene {
    rml_graph *g;
    rml_plan *plan;
    rml_predictor p;
    rml_predictor_config config;
} scene;

typedef struct peer {
    char name[96];
    double median_us, p99_us;
} peer;

static void must(rml_status st, const rml_error *err)
{
    if (st != RML_OK) {
        fprintf(stderr, "%s\n", err->what);
        exit(1);
    }
}

static void put_one(const scene *s, rml_tensor t, size_t at, float x)
{
    rml_plan_slice to = {.tensor = t, .first = at, .count = 1};
    if (rml_plan_put(s->plan, to, &x, NULL) != RML_OK) {
        abort();
    }
}

static void fill(const scene *s, rml_tensor t, float low, float high)
{
    rml_shape shape = rml_graph_shape(s->g, t);
    size_t count = 1;
    for (uint32_t i = 0; i < shape.rank; i++) {
        count *= shape.size[i];
    }
    for (size_t i = 0; i < count; i++) {
        float u = (float)(((uint32_t)i * 2246822519u + (uint32_t)t) >> 8) * 0x1p-24f;
        put_one(s, t, i, low == high ? (float)(u < 0.8f) : low + u * (high - low));
    }
}

// The layers of the blocks in int8, with weights that only take time.
static void whole_weights(scene *s, const rml_quantiser *quantisers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char name[96];
        snprintf(name, sizeof name, "%.63s.weight", quantisers[i].layer);
        rml_tensor t = rml_graph_find(s->g, name);
        for (size_t k = 0; k < rml_plan_elements(s->plan, t); k++) {
            put_one(s, t, k, (float)(k * 37 % 255) - 127);
        }
        snprintf(name, sizeof name, "%.63s.scale", quantisers[i].layer);
        t = rml_graph_find(s->g, name);
        for (size_t k = 0; k < rml_plan_elements(s->plan, t); k++) {
            put_one(s, t, k, 1e-5f);
        }
    }
}

static size_t block_layers(uint32_t blocks, rml_quantiser *out)
{
    static const char *const parts[] = {"query", "key", "value", "out", "up", "down"};
    size_t count = 0;
    for (uint32_t b = 0; b < blocks; b++) {
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            rml_quantiser *q = &out[count++];
            *q = (rml_quantiser){.scale = 0.03, .zero = 128};
            snprintf(q->layer, sizeof q->layer, "blocks.%u.%s", b, parts[i]);
        }
    }
    return count;
}

static void scene_make(scene *s, rml_precision precision, bool int8, rml_error *err)
{
    rml_predictor_config config = {.predict = 32, .no_single = true};
    rml_predictor_defaults(&config);
    rml_quantiser quantisers[64 * 6];
    if (int8) {
        config.quantisers = quantisers;
        config.quantiser_count = block_layers(config.blocks, quantisers);
    }
    must(rml_graph_make(&s->g, err), err);
    must(rml_predictor_build(s->g, &config, 1, 0, &s->p, err), err);
    s->config = config;
    const rml_tensor outputs[] = {s->p.futures, s->p.logits, s->p.probabilities};
    const rml_plan_options options = {.precision = precision};
    must(rml_plan_make(s->g, outputs, 3, 1, &options, &s->plan, err), err);
    whole_weights(s, quantisers, config.quantiser_count);
    fill(s, s->p.features, -2, 2);
    fill(s, s->p.position, -20, 20);
    fill(s, s->p.velocity, -10, 10);
    fill(s, s->p.token_valid, 1, 1);
}

// Sorted microseconds of `runs` runs.
static void time_runs(const scene *s, size_t threads, size_t runs, double *us)
{
    rml_pool *pool = NULL;
    rml_error err = {0};
    must(threads > 1 ? rml_pool_make(threads, &pool, &err) : RML_OK, &err);
    must(rml_plan_freeze(s->plan, pool, &err), &err);
    for (size_t i = 0; i < runs; i++) {
        int64_t start = rml_clock_monotonic_ns();
        rml_plan_run(s->plan, pool);
        us[i] = 1e-3 * (double)(rml_clock_monotonic_ns() - start);
    }
    qsort(us, runs, sizeof *us, rml_bench_by_value);
    rml_pool_free(pool);
}

static size_t ask_peers(size_t threads, const char *onnx, peer peers[4])
{
    char command[1024], line[512];
    snprintf(command, sizeof command, "%s %s/infer_peer.py %zu %s %d 2>/dev/null",
             rml_bench_python(), RML_BENCH_FOLDER, threads, onnx, PEER_CALLS);
    FILE *pipe = popen(command, "r");
    size_t count = 0;
    while (pipe != NULL && count < 4 && fgets(line, sizeof line, pipe) != NULL) {
        peer *p = &peers[count];
        count += sscanf(line, "{\"peer\": \"%95[^\"]\", \"median\": %lf, \"p99\": %lf", p->name,
                        &p->median_us, &p->p99_us) == 3;
    }
    if (pipe == NULL || pclose(pipe) != 0) {
        fprintf(stderr, "infer: not all peers ran; why: %s %s/infer_peer.py %zu %s %d\n",
                rml_bench_python(), RML_BENCH_FOLDER, threads, onnx, PEER_CALLS);
    }
    return count;
}

static const char driver[] =
    "#define _POSIX_C_SOURCE 200809L\n"
    "#include <stdio.h>\n#include <time.h>\n#include \"predictor.h\"\n"
    "static predictor_memory memory;\n"
    "static float a[predictor_in_features_size], b[predictor_in_token_valid_size],\n"
    "    c[predictor_in_position_size], d[predictor_in_velocity_size],\n"
    "    x[predictor_out_futures_size], y[predictor_out_logits_size],\n"
    "    z[predictor_out_probabilities_size];\n"
    "int main(void)\n{\n"
    "    double best = 1e300;\n"
    "    for (int i = 0; i < predictor_in_features_size; i++) a[i] = (float)(i % 41) * 0.1f - 2;\n"
    "    for (int i = 0; i < predictor_in_token_valid_size; i++) b[i] = i % 5 != 0;\n"
    "    for (int i = 0; i < 50; i++) {\n"
    "        struct timespec from, to;\n"
    "        clock_gettime(CLOCK_MONOTONIC, &from);\n"
    "        predictor_run(&memory, a, b, c, d, x, y, z);\n"
    "        clock_gettime(CLOCK_MONOTONIC, &to);\n"
    "        double us = 1e6 * (double)(to.tv_sec - from.tv_sec) + 1e-3 * (double)(to.tv_nsec - "
    "from.tv_nsec);\n"
    "        best = us < best ? us : best;\n"
    "    }\n"
    "    printf(\"%f\\n\", best);\n    return 0;\n}\n";

// The best of the emitted C, compiled with these options; 0 without a compiler.
static double time_emitted(const char *folder, const char *options)
{
    char command[2048], line[64] = "";
    snprintf(command, sizeof command,
             "cc -std=c99 %s -ffp-contract=off -I%s -o %s/time_c %s/time_c.c %s/predictor.c -lm && "
             "%s/time_c",
             options, folder, folder, folder, folder, folder);
    FILE *pipe = popen(command, "r");
    double us = pipe != NULL && fgets(line, sizeof line, pipe) != NULL ? strtod(line, NULL) : 0;
    if (pipe != NULL) {
        pclose(pipe);
    }
    return us;
}

static void deploy(const scene *s, const char *const *kinds, const char *folder, rml_error *err)
{
    const rml_deploy_options options = {.vectors = 1, .seed = 1};
    rml_model model;
    rml_predictor_model(&s->p, &s->config, &model);
    must(rml_deploy_model(s->g, s->plan, &model, kinds, "predictor", folder, &options, err), err);
}

static void time_int8(const char *folder, double float_us, rml_error *err)
{
    static scene s;
    scene_make(&s, RML_F32, true, err);
    deploy(&s, (const char *const[]){"c", NULL}, folder, err);
    double us = time_emitted(folder, "-O3 -march=native");
    if (us > 0 && float_us > 0) {
        rml_bench_line("infer_c_int8", us, "us", "emitted C, float32", float_us, float_us / us);
    }
    rml_plan_free(s.plan);
    rml_graph_free(s.g);
}

static double spin(size_t rounds)
{
    volatile double sink = 1;
    double x = sink;
    for (size_t i = 0; i < rounds; i++) {
        x = x * 0.999999 + 1e-6;
    }
    sink = x;
    return sink;
}

// What the machine does to a program of the same length that touches no memory: the 99th
// percentile that nobody can go below here.
static void time_floor(size_t runs, double *us, double median_us)
{
    enum { ROUNDS = 100000 };
    double least = 1e300;
    for (int i = 0; i < 50; i++) {
        int64_t start = rml_clock_monotonic_ns();
        spin(ROUNDS);
        double once = 1e-3 * (double)(rml_clock_monotonic_ns() - start);
        least = once < least ? once : least;
    }
    for (size_t i = 0; i < runs; i++) {
        int64_t start = rml_clock_monotonic_ns();
        spin((size_t)(ROUNDS * median_us / least));
        us[i] = 1e-3 * (double)(rml_clock_monotonic_ns() - start);
    }
    qsort(us, runs, sizeof *us, rml_bench_by_value);
    rml_bench_line("infer_p99_floor_t1", us[runs * 99 / 100], "us", "median", us[runs / 2],
                   us[runs / 2] / us[runs * 99 / 100]);
}

// Products in bfloat16: pays where the processor has tiles for them.
static void time_bf16(size_t runs, double *us, double runtime_us, rml_error *err)
{
    static scene s;
    scene_make(&s, RML_BF16, false, err);
    time_runs(&s, 1, runs, us);
    if (runtime_us > 0) {
        rml_bench_line("infer_bf16_t1", us[runs / 2], "us", "onnxruntime, float32", runtime_us,
                       runtime_us / us[runs / 2]);
    }
    rml_plan_free(s.plan);
    rml_graph_free(s.g);
}

int main(int argc, char **argv)
{
    static scene s;
    rml_error err = {0};
    rml_arena arena = {0};
    rml_str folder;
    size_t runs = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000;
    double *us = malloc(runs * sizeof *us);
    char onnx[512];
    if (us == NULL || runs == 0) {
        fprintf(stderr, "infer: expected [RUNS], a number above 0\n");
        return 2;
    }
    scene_make(&s, RML_F32, false, &err);
    must(rml_folder_temporary(&arena, &folder, &err), &err);
    deploy(&s, (const char *const[]){"onnx", "c", NULL}, folder.data, &err);
    snprintf(onnx, sizeof onnx, "%s/predictor.onnx", folder.data);
    rml_str path = rml_path_join(&arena, folder, RML_STR("time_c.c"));
    must(rml_file_replace(path.data, rml_bytes_of(driver, sizeof driver - 1), &err), &err);
    double runtime_us = 0;
    for (size_t threads = 1; threads <= 2 && threads <= rml_thread_count(); threads++) {
        peer peers[4];
        char name[32];
        time_runs(&s, threads, runs, us);
        double median = us[runs / 2];
        size_t count = ask_peers(threads, onnx, peers);
        snprintf(name, sizeof name, "infer_f32_t%zu", threads);
        for (size_t i = 0; i < count; i++) {
            rml_bench_line(name, median, "us", peers[i].name, peers[i].median_us,
                           peers[i].median_us / median);
        }
        if (threads == 1) {
            runtime_us = count > 0 ? peers[0].median_us : 0;
            rml_bench_line("infer_p99_t1", us[runs * 99 / 100], "us", "median", median,
                           median / us[runs * 99 / 100]);
            rml_bench_line("infer_worst_t1", us[runs - 1], "us", "median", median,
                           median / us[runs - 1]);
            time_floor(runs, us, median);
        }
    }
    time_bf16(runs, us, runtime_us, &err);
    static const char *const forms[][2] = {{"infer_c_march", "-O3 -march=native"},
                                           {"infer_c_O2", "-O2"}};
    double float_us[2] = {0, 0};
    for (size_t i = 0; i < 2; i++) {
        float_us[i] = time_emitted(folder.data, forms[i][1]);
        if (float_us[i] > 0 && runtime_us > 0) {
            rml_bench_line(forms[i][0], float_us[i], "us", "onnxruntime", runtime_us,
                           runtime_us / float_us[i]);
        }
    }
    time_int8(folder.data, float_us[0], &err);
    must(rml_folder_remove(folder.data, &err), &err);
    rml_arena_reset(&arena);
    rml_plan_free(s.plan);
    rml_graph_free(s.g);
    free(us);
    return 0;
}
