// Protects: one and two threads give the same weights; a training that is stopped or killed goes on
// bit for bit; a run is done once; a runner answers as the training in memory does; damaged
// checkpoints and configurations are refused by name.
#define _DEFAULT_SOURCE 1 // mkdtemp, kill, usleep

#include "roadmill/train.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "roadmill/codec.h"
#include "roadmill/scenario.h"
#include "roadmill/turn.h"

enum { STATES = 120, CARS = 6, RECORDINGS = 3 };

typedef struct fixture {
    char folder[512];
    rml_home home;
    rml_dataset *dataset;
} fixture;

#define MUST(call)                                                                                 \
    do {                                                                                           \
        rml_error must_ = {0};                                                                     \
        rml_error *err = &must_;                                                                   \
        rml_status st_ = (call);                                                                   \
        if (st_ != RML_OK) {                                                                       \
            char text_[1200];                                                                      \
            rml_error_text(err, text_, sizeof text_);                                              \
            fail_msg("%s: %s", #call, text_);                                                      \
        }                                                                                          \
    } while (0)

// Cars behind each other on one lane, each with its own waves of speed.
static void scenario_write(const char *path, int number)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f,
            "<?xml version=\"1.0\"?>\n<commonRoad commonRoadVersion=\"2020a\" timeStepSize=\"0.1\" "
            "benchmarkID=\"TST_Made-%d_1_T-1\"><location><geoNameId>0</geoNameId>"
            "<gpsLatitude>0</gpsLatitude><gpsLongitude>0</gpsLongitude></location>"
            "<lanelet id=\"1\"><leftBound><point><x>0</x><y>2</y></point><point><x>900</x>"
            "<y>2</y></point></leftBound><rightBound><point><x>0</x><y>-2</y></point><point>"
            "<x>900</x><y>-2</y></point></rightBound><laneletType>urban</laneletType></lanelet>\n",
            number);
    for (int car = 0; car < CARS; car++) {
        double x = 20.0 * car;
        fprintf(f,
                "<dynamicObstacle id=\"%d\"><type>car</type><shape><rectangle><length>4.5</length>"
                "<width>1.8</width></rectangle></shape>",
                10 + car);
        for (int t = 0; t < STATES; t++) {
            double speed = 8 + 4 * sin(0.13 * t + car + 2.1 * number) + sin(0.4 * t * (1 + car));
            x += 0.1 * speed;
            const char *open = t == 0   ? "<initialState>"
                               : t == 1 ? "<trajectory><state>"
                                        : "<state>";
            fprintf(f,
                    "%s<position><point><x>%.4f</x><y>%.4f</y></point></position><orientation>"
                    "<exact>0</exact></orientation><time><exact>%d</exact></time><velocity><exact>"
                    "%.4f</exact></velocity>%s",
                    open, x, 0.1 * sin(0.2 * t + car), t, speed,
                    t == 0 ? "</initialState>" : "</state>");
        }
        fprintf(f, "</trajectory></dynamicObstacle>\n");
    }
    fprintf(f, "</commonRoad>\n");
    fclose(f);
}

static int setup(void **state)
{
    static fixture f;
    const char *base = getenv("TMPDIR");
    snprintf(f.folder, sizeof f.folder, "%s/train-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(f.folder));
    MUST(rml_home_open(&f.home, f.folder, true, err));
    for (int i = 0; i < RECORDINGS; i++) {
        char path[600];
        rml_import_result imported;
        snprintf(path, sizeof path, "%s/TST_Made-%d_1_T-1.xml", f.folder, i);
        scenario_write(path, i);
        MUST(rml_import_scenario(f.home.lake, rml_str_of(path), &(rml_import_options){0}, &imported,
                                 err));
    }
    rml_dataset_spec spec = {.name = RML_STR("made"),
                             .rule = RML_SPLIT_RECORDING,
                             .share = {0.6, 0.4, 0, 0, 0},
                             .scene = {.stride = 3, .agents = 6, .map = 4}};
    rml_dataset_result made;
    MUST(rml_dataset_create(f.home.path, f.home.lake, f.home.catalog, &spec, NULL, NULL, &made,
                            err));
    MUST(rml_dataset_open(f.home.path, rml_str_of(made.hash), &f.dataset, err));
    assert_true(made.counts[RML_TRAIN] > 0 && made.counts[RML_VALIDATION] > 0);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    rml_dataset_close(f->dataset);
    rml_home_close(&f->home);
    return rml_folder_remove(f->folder, NULL) == RML_OK ? 0 : 1;
}

static rml_train_config config_small(uint64_t steps)
{
    return (rml_train_config){
        .model.of.predictor = {.width = 16, .blocks = 2, .heads = 2, .hidden = 32},
        .batch = 8,
        .steps = steps,
        .checkpoint_every = 40,
        .seed = 5};
}

// A folder for runs of its own, so that a run is not found done.
static rml_str place(const fixture *f, const char *name, char text[640])
{
    snprintf(text, 640, "%s/%s", f->folder, name);
    return rml_str_of(text);
}

static void test_threads(void **state)
{
    fixture *f = *state;
    char a[640], b[640];
    rml_pool *pool;
    rml_train_result one, two;
    rml_train_config c = config_small(200);
    MUST(rml_pool_make(2, &pool, err));
    MUST(rml_train_run(place(f, "one", a), f->home.catalog, f->dataset, &c, NULL, NULL, &one, err));
    MUST(rml_train_run(place(f, "two", b), f->home.catalog, f->dataset, &c, pool, NULL, &two, err));
    rml_pool_free(pool);
    assert_string_equal(one.run, two.run);
    assert_string_equal(one.weights, two.weights);
    assert_true(one.loss_last < one.loss_first);
    assert_true(one.loss_validation == one.loss_validation); // not NaN
    c.seed = 6;
    MUST(rml_train_run(place(f, "one", a), f->home.catalog, f->dataset, &c, NULL, NULL, &two, err));
    assert_string_not_equal(one.run, two.run);
    assert_string_not_equal(one.weights, two.weights);
}

static void test_done_once(void **state)
{
    fixture *f = *state;
    char a[640];
    rml_train_result first, again;
    rml_train_config c = config_small(40);
    MUST(rml_train_run(place(f, "once", a), f->home.catalog, f->dataset, &c, NULL, NULL, &first,
                       err));
    MUST(rml_train_run(place(f, "once", a), f->home.catalog, f->dataset, &c, NULL, NULL, &again,
                       err));
    assert_false(first.already);
    assert_true(again.already);
    assert_string_equal(first.weights, again.weights);
    assert_memory_equal(&first.loss_first, &again.loss_first, 3 * sizeof(double));
}

static bool stop_now(void *context)
{
    (void)context;
    return true; // asked at each point of the curve
}

// Runs up to the first point of the curve, where it is asked to stop.
static rml_status run_to_stop(const fixture *f, rml_str home, const rml_train_config *c,
                              rml_train_result *out)
{
    rml_progress progress = {.stop = stop_now};
    return rml_train_run(home, f->home.catalog, f->dataset, c, NULL, &progress, out, NULL);
}

static void curve_of(const char *home, const char *run, rml_buffer *out)
{
    char path[900];
    snprintf(path, sizeof path, "%s/runs/%s/curve.csv", home, run);
    rml_buffer_clear(out);
    MUST(rml_file_read(path, 1 << 20, out, err));
}

static void stop_and_go_on(const fixture *f, const rml_train_config *given)
{
    char a[640], b[640];
    rml_train_result whole, pieces;
    rml_train_config c = *given;
    MUST(rml_train_run(place(f, "whole", a), f->home.catalog, f->dataset, &c, NULL, NULL, &whole,
                       err));
    rml_status st = RML_ERR_STOPPED;
    int rounds = 0;
    while (st == RML_ERR_STOPPED) {
        st = run_to_stop(f, place(f, "pieces", b), &c, &pieces);
        rounds++;
    }
    assert_int_equal(st, RML_OK);
    assert_true(rounds > 3);
    assert_true(pieces.resumed_at > 0);
    assert_string_equal(whole.weights, pieces.weights);
    rml_buffer curve = {0}, again = {0};
    curve_of(a, whole.run, &curve);
    curve_of(b, pieces.run, &again);
    char path[900];
    snprintf(path, sizeof path, "%s/runs/%s", b, pieces.run);
    assert_true(curve.len > 0 && again.len > 0);
    // The losses of both are the same; a stop adds no number.
    assert_int_equal(curve.len, again.len);
    assert_memory_equal(curve.data, again.data, curve.len);
    rml_buffer_reset(&curve);
    rml_buffer_reset(&again);
}

static void test_stop_and_go_on(void **state)
{
    rml_train_config c = config_small(120);
    stop_and_go_on(*state, &c);
}

// Muon's momentum and the average of the weights go on as well.
static void test_stop_and_go_on_with_muon(void **state)
{
    rml_train_config c = config_small(100);
    c.muon = true;
    c.ema = 0.9;
    stop_and_go_on(*state, &c);
}

// The model is the average: near the last weights, and another.
static void test_average(void **state)
{
    fixture *f = *state;
    char a[640];
    rml_train_result plain, mean;
    rml_train_config c = config_small(60);
    MUST(rml_train_run(place(f, "plain", a), f->home.catalog, f->dataset, &c, NULL, NULL, &plain,
                       err));
    c.ema = 0.8;
    MUST(rml_train_run(place(f, "mean", a), f->home.catalog, f->dataset, &c, NULL, NULL, &mean,
                       err));
    assert_string_not_equal(plain.weights, mean.weights);
    assert_true(plain.loss_last == mean.loss_last); // it learns as without
    assert_true(fabs(plain.loss_validation - mean.loss_validation) < 0.1 * plain.loss_validation);
    assert_true(plain.loss_validation != mean.loss_validation);
}

// The curves of float32 and bfloat16 side by side: near each other all the way, never the same; and
// bfloat16 too has one set of weights at any number of threads.
static void test_bfloat16(void **state)
{
    fixture *f = *state;
    char a[640], b[640];
    rml_pool *pool;
    rml_train_config c = config_small(200), rounded = c;
    rml_train_result plain, near, threads;
    rounded.bfloat16 = true;
    for (uint64_t until = 20; until <= 200; until += 60) {
        c.until = rounded.until = until;
        MUST(rml_train_run(place(f, "f32", a), f->home.catalog, f->dataset, &c, NULL, NULL, &plain,
                           err));
        MUST(rml_train_run(place(f, "bf16", a), f->home.catalog, f->dataset, &rounded, NULL, NULL,
                           &near, err));
        double losses[][2] = {{plain.loss_last, near.loss_last},
                              {plain.loss_validation, near.loss_validation}};
        for (size_t i = 0; i < 2; i++) {
            double off = fabs(losses[i][0] - losses[i][1]) / fabs(losses[i][0]);
            if (!(off > 0 && off < 0.03)) {
                fail_msg("step %d: loss %.9g in float32, %.9g in bfloat16", (int)until,
                         losses[i][0], losses[i][1]);
            }
        }
    }
    MUST(rml_pool_make(2, &pool, err));
    MUST(rml_train_run(place(f, "pool", b), f->home.catalog, f->dataset, &rounded, pool, NULL,
                       &threads, err));
    rml_pool_free(pool);
    assert_string_equal(near.weights, threads.weights);
    assert_string_not_equal(near.weights, plain.weights);
}

// kill -9 at some moment, several times; then to the end.
static void test_kill_and_go_on(void **state)
{
    fixture *f = *state;
    char a[640], b[640];
    rml_train_result whole, killed;
    rml_train_config c = config_small(160);
    c.checkpoint_every = 20;
    MUST(rml_train_run(place(f, "calm", a), f->home.catalog, f->dataset, &c, NULL, NULL, &whole,
                       err));
    for (int i = 0; i < 6; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            rml_catalog *catalog;
            char path[700];
            snprintf(path, sizeof path, "%s/catalog.db", f->folder);
            if (rml_catalog_open(rml_str_of(path), &catalog, NULL) == RML_OK) {
                rml_train_result r;
                rml_status st = rml_train_run(place(f, "killed", b), catalog, f->dataset, &c, NULL,
                                              NULL, &r, NULL);
                _exit(st == RML_OK ? 0 : 1);
            }
            _exit(2);
        }
        usleep((useconds_t)(20000 + 35000 * i));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    MUST(rml_train_run(place(f, "killed", b), f->home.catalog, f->dataset, &c, NULL, NULL, &killed,
                       err));
    assert_string_equal(whole.weights, killed.weights);
}

// Killed between the last checkpoint and all that comes after it: the curve beside it is old. The
// run ends as it would have, and what it says is the same when it is asked again.
static void test_killed_after_the_last_checkpoint(void **state)
{
    fixture *f = *state;
    char a[640], path[1000], old[1100];
    rml_train_result whole, ended, again;
    rml_train_config c = config_small(60);
    c.checkpoint_every = 20;
    c.seed = 9;
    MUST(rml_train_run(place(f, "last", a), f->home.catalog, f->dataset, &c, NULL, NULL, &whole,
                       err));
    snprintf(path, sizeof path, "%s/runs/%s/model", a, whole.run);
    MUST(rml_folder_remove(path, err));
    snprintf(old, sizeof old, "%s/runs/%s/curve.csv", a, whole.run);
    MUST(rml_file_replace(old, (rml_bytes){(const uint8_t *)"step,loss\n", 10}, err));
    MUST(rml_train_run(place(f, "last", a), f->home.catalog, f->dataset, &c, NULL, NULL, &ended,
                       err));
    assert_int_equal(ended.resumed_at, 60);
    MUST(rml_train_run(place(f, "last", a), f->home.catalog, f->dataset, &c, NULL, NULL, &again,
                       err));
    assert_true(again.already);
    assert_string_equal(whole.weights, ended.weights);
    assert_memory_equal(&whole.loss_first, &ended.loss_first, 3 * sizeof(double));
    assert_memory_equal(&whole.loss_first, &again.loss_first, 3 * sizeof(double));
}

// A training in memory on all train scenes is the run; its runner answers the same.
static void test_fit_is_the_run(void **state)
{
    fixture *f = *state;
    char a[640], folder[900];
    rml_train_result r;
    rml_train_config c = config_small(60);
    MUST(rml_train_run(place(f, "fit", a), f->home.catalog, f->dataset, &c, NULL, NULL, &r, err));
    snprintf(folder, sizeof folder, "%s/runs/%s/model", a, r.run);
    size_t count = rml_dataset_count(f->dataset, RML_TRAIN);
    rml_sample_ref *all = calloc(count, sizeof *all);
    for (size_t i = 0; i < count; i++) {
        all[i] = (rml_sample_ref){RML_TRAIN, (uint32_t)i};
    }
    rml_runner *fit, *opened;
    MUST(rml_train_fit(f->dataset, all, count, &c, 16, NULL, NULL, &fit, err));
    MUST(rml_runner_open(folder, 7, &opened, err)); // another batch: no difference
    size_t n = rml_dataset_count(f->dataset, RML_VALIDATION);
    rml_forecast futures[2], ones[2];
    float *losses[2], *embeddings[2];
    rml_runner *runners[2] = {fit, opened};
    for (int i = 0; i < 2; i++) {
        MUST(rml_forecast_make(&futures[i], n, 6, 30, err));
        MUST(rml_forecast_make(&ones[i], n, 1, 30, err));
        losses[i] = calloc(n, sizeof(float));
        embeddings[i] = calloc(n * 16, sizeof(float));
        MUST(rml_runner_predict(runners[i], f->dataset, RML_VALIDATION, NULL, &futures[i], &ones[i],
                                losses[i], embeddings[i], err));
    }
    assert_memory_equal(futures[0].xy, futures[1].xy, n * 6 * 60 * sizeof(float));
    assert_memory_equal(futures[0].probability, futures[1].probability, n * 6 * sizeof(float));
    assert_memory_equal(ones[0].xy, ones[1].xy, n * 60 * sizeof(float));
    assert_memory_equal(losses[0], losses[1], n * sizeof(float));
    assert_memory_equal(embeddings[0], embeddings[1], n * 16 * sizeof(float));
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)losses[0][i];
    }
    assert_true(fabs(sum / (double)n - r.loss_validation) < 1e-9);
    for (int i = 0; i < 2; i++) {
        rml_forecast_free(&futures[i]);
        rml_forecast_free(&ones[i]);
        free(losses[i]);
        free(embeddings[i]);
        rml_runner_close(runners[i]);
    }
    free(all);
}

// The path of the file that a checkpoint's index names first; the index itself.
static void first_shard(const char *checkpoint, rml_buffer *index, char path[1400], char name[80])
{
    char at[1300];
    snprintf(at, sizeof at, "%s/weights.safetensors.index.json", checkpoint);
    rml_buffer_clear(index);
    MUST(rml_file_read(at, 1 << 24, index, err));
    MUST(rml_buffer_append(index, "", 1, err));
    const char *map = strstr((char *)index->data, "weight_map");
    assert_non_null(map);
    const char *end = strstr(map, ".safetensors\"");
    assert_non_null(end);
    snprintf(name, 80, "%.64s.safetensors", end - 64);
    snprintf(path, 1400, "%s/%s", checkpoint, name);
    index->len--;
}

// Puts a weight into a checkpoint and names all by its content again.
static void poison(const char *checkpoint, float weight)
{
    rml_buffer index = {0}, content = {0};
    char path[1400], name[80], hex[RML_HASH_TEXT];
    first_shard(checkpoint, &index, path, name);
    MUST(rml_file_read(path, 1 << 24, &content, err));
    memcpy(content.data + content.len - sizeof weight, &weight, sizeof weight);
    rml_hash hash;
    assert_int_equal(rml_sha256(content.data, content.len, &hash), RML_OK);
    rml_hash_text(&hash, hex);
    for (char *at = (char *)index.data; (at = strstr(at, name)) != NULL; at++) {
        memcpy(at, hex, 64);
    }
    snprintf(path, sizeof path, "%s/%s.safetensors", checkpoint, hex);
    MUST(rml_file_replace(path, rml_buffer_bytes(&content), err));
    snprintf(path, sizeof path, "%s/weights.safetensors.index.json", checkpoint);
    MUST(rml_file_replace(path, rml_buffer_bytes(&index), err));
    rml_buffer_reset(&index);
    rml_buffer_reset(&content);
}

// A weight that is no number ends the run at once: step, op and samples are named, and the
// checkpoint stays as it was, so that the run goes on when the fault is gone.
static void test_weight_not_finite(void **state)
{
    fixture *f = *state;
    char a[640], path[1200];
    rml_train_result whole, r;
    rml_train_config c = config_small(60);
    MUST(rml_train_run(place(f, "sound", a), f->home.catalog, f->dataset, &c, NULL, NULL, &whole,
                       err));
    assert_int_equal(run_to_stop(f, place(f, "poisoned", a), &c, &r), RML_ERR_STOPPED);
    char checkpoint[1000];
    snprintf(checkpoint, sizeof checkpoint, "%s/runs/%s/checkpoint-0000000020", a, r.run);
    snprintf(path, sizeof path, "%s/weights.safetensors.index.json", checkpoint);
    rml_buffer sound = {0}, poisoned = {0}, after = {0};
    MUST(rml_file_read(path, 1 << 24, &sound, err));
    poison(checkpoint, NAN);
    MUST(rml_file_read(path, 1 << 24, &poisoned, err));
    rml_error error = {0};
    rml_status st = rml_train_run(place(f, "poisoned", a), f->home.catalog, f->dataset, &c, NULL,
                                  NULL, &r, &error);
    assert_int_equal(st, RML_ERR_DATA);
    assert_non_null(strstr(error.what, "finite loss, found none at step 21: op \""));
    assert_non_null(strstr(error.what, " first, in 8 of 8 samples, first in scene "));
    MUST(rml_file_read(path, 1 << 24, &after, err));
    assert_int_equal(after.len, poisoned.len);
    assert_memory_equal(after.data, poisoned.data, after.len);
    MUST(rml_file_replace(path, rml_buffer_bytes(&sound), err));
    MUST(rml_train_run(place(f, "poisoned", a), f->home.catalog, f->dataset, &c, NULL, NULL, &r,
                       err));
    assert_int_equal(r.resumed_at, 20);
    assert_string_equal(r.weights, whole.weights);
    rml_buffer_reset(&sound);
    rml_buffer_reset(&poisoned);
    rml_buffer_reset(&after);
}

// A feature that is no number, in one scene of a version: that scene is named, at the step that
// draws it.
static void test_scene_not_finite(void **state)
{
    fixture *f = *state;
    char a[640];
    rml_train_result r;
    rml_train_config c = config_small(60);
    rml_loader order = {.dataset = f->dataset, .split = RML_TRAIN, .seed = c.seed};
    rml_sample_ref bad = rml_loader_at(&order, 2 * 8 + 5); // of the third step
    size_t at;
    assert_int_equal(rml_dataset_tensor_find(f->dataset, "features", &at, NULL), RML_OK);
    const float *features = rml_dataset_f32(f->dataset, RML_TRAIN, bad.index, at);
    char *page = (char *)((uintptr_t)features & ~(uintptr_t)(sysconf(_SC_PAGESIZE) - 1));
    size_t len = (size_t)((const char *)(features + 1) - page);
    // The mapping becomes a private copy for the time of the fault: the file is not touched.
    assert_int_equal(mprotect(page, len, PROT_READ | PROT_WRITE), 0);
    float *feature = (float *)(uintptr_t)features, was = *feature;
    *feature = NAN;
    rml_error error = {0};
    rml_status st = rml_train_run(place(f, "bad-scene", a), f->home.catalog, f->dataset, &c, NULL,
                                  NULL, &r, &error);
    *feature = was;
    assert_int_equal(mprotect(page, len, PROT_READ), 0);
    assert_int_equal(st, RML_ERR_DATA);
    char scene[80];
    snprintf(scene, sizeof scene, "in 1 of 8 samples, first in scene %.12s",
             rml_dataset_scenes(f->dataset, RML_TRAIN)[bad.index].row.scene_id);
    assert_non_null(strstr(error.what, "found none at step 3: op \""));
    assert_non_null(strstr(error.what, scene));
}

// A loss that is finite and beyond hope ends the run with the scene named; the checkpoint stays.
static void test_exploding_loss(void **state)
{
    fixture *f = *state;
    char a[640], checkpoint[1000];
    rml_train_result r;
    rml_train_config c = config_small(80);
    c.seed = 7;
    assert_int_equal(run_to_stop(f, place(f, "exploding", a), &c, &r), RML_ERR_STOPPED);
    snprintf(checkpoint, sizeof checkpoint, "%s/runs/%s/checkpoint-0000000020", a, r.run);
    poison(checkpoint, 1e8f);
    c.checkpoint_every = 20;
    rml_error error = {0};
    rml_status st = rml_train_run(place(f, "exploding", a), f->home.catalog, f->dataset, &c, NULL,
                                  NULL, &r, &error);
    assert_int_equal(st, RML_ERR_DATA);
    assert_non_null(strstr(error.what, "expected a loss near that of the first steps ("));
    assert_non_null(strstr(error.what, " at step 40 "));
    assert_non_null(strstr(error.what, "largest in scene "));
    assert_true(rml_file_exists(checkpoint));
    snprintf(checkpoint, sizeof checkpoint, "%s/runs/%s/checkpoint-0000000040", a, r.run);
    assert_false(rml_file_exists(checkpoint));
}

static void damage(const char *path, size_t from_end)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, -(long)from_end, SEEK_END);
    fputc('!', file);
    fclose(file);
}

// What cannot be read is an error that names its file, never a silent fresh start.
static void test_damaged_checkpoint(void **state)
{
    fixture *f = *state;
    static const char *const files[] = {"state.json", "state.safetensors.index.json", NULL};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char a[640], checkpoint[1000], path[1400], name[80];
        rml_buffer index = {0};
        rml_train_result r;
        rml_train_config c = config_small(60);
        c.seed = 100 + i;
        assert_int_equal(run_to_stop(f, place(f, "damaged", a), &c, &r), RML_ERR_STOPPED);
        snprintf(checkpoint, sizeof checkpoint, "%s/runs/%s/checkpoint-0000000020", a, r.run);
        if (files[i] != NULL) {
            snprintf(name, sizeof name, "%s", files[i]);
            snprintf(path, sizeof path, "%s/%s", checkpoint, name);
        } else {
            first_shard(checkpoint, &index, path, name);
        }
        damage(path, 1);
        rml_error err = {0};
        rml_status st = rml_train_run(place(f, "damaged", a), f->home.catalog, f->dataset, &c, NULL,
                                      NULL, &r, &err);
        assert_int_equal(st, RML_ERR_DATA);
        assert_non_null(strstr(err.place, name));
        rml_buffer_reset(&index);
    }
}

static void test_config(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        rml_status status;
        const char *place;
    } cases[] = {
        {"fields", "width: 64\nsteps: 100\nlearning_rate: 2e-3\nno_mirror: true\n", RML_OK, ""},
        {"nothing", "{}\n", RML_OK, ""},
        {"unknown field", "width: 64\nwidht: 32\n", RML_ERR_ARGUMENT, "c.yaml:2:1"},
        {"a word for a number", "steps: many\n", RML_ERR_ARGUMENT, "c.yaml:1:8"},
        {"a fraction of a step", "steps: 1.5\n", RML_ERR_ARGUMENT, "c.yaml:1:8"},
        {"below the range", "batch: 0\n", RML_ERR_ARGUMENT, "c.yaml:1:8"},
        {"above the range", "drop_tokens: 1.5\n", RML_ERR_ARGUMENT, "c.yaml:1:14"},
        {"a list", "- 1\n", RML_ERR_ARGUMENT, "c.yaml:1:1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rml_train_config c;
        rml_error err = {0};
        rml_status st =
            rml_train_config_parse(rml_str_of(cases[i].text), RML_STR("c.yaml"), &c, &err);
        bool same = st == RML_OK
                        ? cases[i].status == RML_OK
                        : cases[i].status != RML_OK && strcmp(err.place, cases[i].place) == 0;
        if (!same) {
            fail_msg("%s: found %s at \"%s\": %s", cases[i].name, rml_status_name(st), err.place,
                     err.what);
        }
    }
    rml_train_config c;
    MUST(rml_train_config_parse(rml_str_of(cases[0].text), RML_STR("c.yaml"), &c, err));
    assert_int_equal(c.model.of.predictor.width, 64);
    assert_int_equal(c.steps, 100);
    assert_true(c.learning_rate == 2e-3 && c.no_mirror && !c.model.of.predictor.no_pin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_done_once),
        cmocka_unit_test(test_stop_and_go_on),
        cmocka_unit_test(test_stop_and_go_on_with_muon),
        cmocka_unit_test(test_average),
        cmocka_unit_test(test_bfloat16),
        cmocka_unit_test(test_kill_and_go_on),
        cmocka_unit_test(test_killed_after_the_last_checkpoint),
        cmocka_unit_test(test_fit_is_the_run),
        cmocka_unit_test(test_damaged_checkpoint),
        cmocka_unit_test(test_weight_not_finite),
        cmocka_unit_test(test_scene_not_finite),
        cmocka_unit_test(test_exploding_loss),
        cmocka_unit_test(test_config),
    };
    return cmocka_run_group_tests_name("run", tests, setup, teardown);
}
