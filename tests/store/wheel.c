// Protects: a home whose lake, versions, runs and models are objects without paths, renames or
// locks goes from recordings to a promoted model, with the names by hash that a local home gets;
// with a fault at any operation of a step what is there is the state before it or after it, and
// doing the step again completes it; latency changes nothing.
#define _GNU_SOURCE // mkdtemp, strndup
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/home.h"
#include "roadmill/ingest/sources.h"
#include "roadmill/registry.h"
#include "roadmill/synth.h"
#include "roadmill/train.h"
#include "store/memory.h"

#define FLEET "mem://bucket/fleet"
#define RECORDING FLEET "/recordings/drive_0000.mcap"
#define TEXT 4000
#define GATE "7777777777777777777777777777777777777777777777777777777777777777"

// A home and what the steps so far made in it.
typedef struct wheel {
    char folder[500];
    const char *store; // of its settings; NULL: it is local
    char version[RML_HASH_TEXT], run[RML_HASH_TEXT];
} wheel;

static char scratch[400];

static void must(rml_status st, const rml_error *err, const char *what)
{
    if (st != RML_OK) {
        fail_msg("%s: %s: %s", what, err->place, err->what);
    }
}

#define MUST(call)                                                                                 \
    do {                                                                                           \
        rml_error error_ = {0}, *err = &error_;                                                    \
        must((call), err, #call);                                                                  \
    } while (0)

// ---- Steps: each gives the names of what it made ------------------------------------------------

// A folder of files, or one file with what is derived from it.
static rml_status ingest(rml_home *h, const char *source, char *made, rml_error *err)
{
    rml_source_sums sums;
    rml_str from = rml_str_of(source);
    RML_TRY(rml_ingest_sources(h->lake, &from, 1, NULL, NULL, NULL, NULL, &sums, err));
    snprintf(made, TEXT, "%d", (int)sums.files);
    return RML_OK;
}

static rml_status ingest_scenarios(wheel *w, rml_home *h, char *made, rml_error *err)
{
    (void)w;
    return ingest(h, FLEET "/scenarios", made, err);
}

static rml_status ingest_recording(wheel *w, rml_home *h, char *made, rml_error *err)
{
    (void)w;
    rml_ingest_result result;
    RML_TRY(rml_ingest_recording(h->lake, RML_STR(RECORDING), NULL, NULL, &result, err));
    snprintf(made, TEXT, "%s", result.recording_id);
    return RML_OK;
}

static rml_status derive_ego(wheel *w, rml_home *h, char *made, rml_error *err)
{
    (void)w;
    return ingest(h, RECORDING, made, err);
}

static rml_status create_version(wheel *w, rml_home *h, char *made, rml_error *err)
{
    rml_dataset_spec spec = {.name = RML_STR("made"),
                             .rule = RML_SPLIT_RECORDING,
                             .share = {0.6, 0.4, 0, 0, 0},
                             .scene = {.stride = 5, .agents = 4, .map = 4}};
    rml_dataset_result result;
    RML_TRY(rml_dataset_create(h->store, h->lake, h->catalog, &spec, NULL, NULL, &result, err));
    snprintf(w->version, sizeof w->version, "%s", result.hash);
    snprintf(made, TEXT, "%s", result.hash);
    return RML_OK;
}

static rml_status train(wheel *w, rml_home *h, char *made, rml_error *err)
{
    rml_dataset *d;
    rml_train_result result;
    rml_train_config c = {.model.of.predictor = {.width = 8, .blocks = 1, .heads = 1, .hidden = 8},
                          .batch = 4,
                          .steps = 40,
                          .checkpoint_every = 20,
                          .seed = 5};
    RML_TRY(rml_dataset_open_samples(h->store, rml_str_of(w->version), &d, err));
    rml_status st = rml_train_run(h->store, h->catalog, d, &c, NULL, NULL, &result, err);
    rml_dataset_close(d);
    snprintf(w->run, sizeof w->run, "%s", result.run);
    snprintf(made, TEXT, "%s %s", result.run, result.weights);
    return st;
}

static rml_status register_model(wheel *w, rml_home *h, char *made, rml_error *err)
{
    rml_arena arena = {0};
    rml_str hash;
    uint32_t number = 0;
    rml_str bundle = rml_arena_printf(&arena, "%.*s/runs/%s/model", RML_FMT(h->store), w->run);
    rml_status st = rml_model_register(h->store, h->catalog, RML_STR("m"), bundle.data,
                                       rml_str_of(w->run), &arena, &hash, &number, err);
    if (st == RML_OK) {
        snprintf(made, TEXT, "%.*s %u", RML_FMT(hash), number);
    }
    rml_arena_reset(&arena);
    return st;
}

static rml_status promote(wheel *w, rml_home *h, char *made, rml_error *err)
{
    (void)w;
    rml_arena arena = {0};
    rml_object_row model;
    RML_TRY(rml_model_find(h->catalog, RML_STR("m"), &arena, &model, err));
    rml_str body =
        rml_arena_printf(&arena, "{\"model\":\"%.*s\",\"verdict\":\"pass\"}", RML_FMT(model.hash));
    rml_object_row gate = {RML_STR("gate"), rml_str_of(GATE), model.hash, body, 0};
    rml_status st = rml_catalog_put(h->catalog, &gate, err);
    st = st ? st
            : rml_model_promote(h->catalog, RML_STR("m"), RML_STR("m@production"), RML_STR("j.doe"),
                                err);
    st = st ? st : rml_model_find(h->catalog, RML_STR("m@production"), &arena, &model, err);
    snprintf(made, TEXT, "%.*s", st ? 0 : (int)model.hash.len, st ? "" : model.hash.data);
    rml_arena_reset(&arena);
    return st;
}

// every: of how many operations one has its fault, unless RML_FAULTS=all (in `./run soak`); no
// multiple of three, so that the kinds of faults take turns.
static const struct {
    const char *name;
    rml_status (*run)(wheel *w, rml_home *h, char *made, rml_error *err);
    uint64_t every;
} steps[] = {
    {"ingest scenarios", ingest_scenarios, 0},
    {"ingest a recording", ingest_recording, 1},
    {"derive ego", derive_ego, 20},
    {"create a version", create_version, 11},
    {"train", train, 4},
    {"register", register_model, 1},
    {"promote", promote, 0}, // the catalog's alone
};
#define STEPS (sizeof steps / sizeof *steps)

// A step with handles of its own, as a command has.
static rml_status run_step(wheel *w, size_t step, char *made, rml_error *err)
{
    rml_home h;
    made[0] = '\0';
    RML_TRY(rml_home_open(&h, w->folder, false, err));
    rml_status st = steps[step].run(w, &h, made, err);
    rml_home_close(&h);
    return st;
}

// ---- What is there -----------------------------------------------------------------------------

// Tables with the digests of their rows, and folders that are whole: checked, then told by name.
static void tell_lake(rml_home *h, rml_arena *arena, char *text)
{
    rml_array tables = RML_ARRAY(rml_lake_table);
    MUST(rml_lake_tables(h->lake, arena, &tables, err));
    for (size_t i = 0; i < tables.count; i++) {
        const rml_lake_table *t = RML_AT(&tables, rml_lake_table, i);
        char state[RML_HASH_TEXT];
        rml_hash_text(&t->state, state);
        size_t len = strlen(text);
        snprintf(text + len, t->rows > 0 ? TEXT - len : 1, "%.*s %.12s\n", RML_FMT(t->name), state);
    }
    rml_array_reset(&tables);
}

static void tell_folder(rml_home *h, const char *below, rml_arena *arena, char *text)
{
    rml_array names = RML_ARRAY(rml_str);
    rml_str folder = rml_path_join(arena, h->store, rml_str_of(below));
    MUST(rml_store_list(folder, arena, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        rml_str name = *RML_AT(&names, rml_str, i);
        rml_str path = rml_path_join(arena, folder, name);
        bool whole = false;
        MUST(rml_store_folder_has(path, &whole, err));
        if (whole && strcmp(below, "versions") == 0) {
            MUST(rml_dataset_verify(h->store, name, err));
        } else if (whole && strcmp(below, "models/m") == 0) {
            rml_runner *runner;
            MUST(rml_runner_open(path.data, 1, &runner, err));
            rml_runner_close(runner);
        }
        size_t len = strlen(text);
        snprintf(text + len, whole ? TEXT - len : 1, "%s %.*s\n", below, RML_FMT(name));
    }
    rml_array_reset(&names);
}

static void tell(wheel *w, char *text)
{
    rml_home h;
    rml_arena arena = {0};
    text[0] = '\0';
    MUST(rml_home_open(&h, w->folder, false, err));
    tell_lake(&h, &arena, text);
    tell_folder(&h, "versions", &arena, text);
    if (w->run[0] != '\0') {
        rml_str run = rml_arena_printf(&arena, "%.*s/runs/%s/model", RML_FMT(h.store), w->run);
        bool whole;
        MUST(rml_store_folder_has(run, &whole, err));
        size_t len = strlen(text);
        snprintf(text + len, whole ? TEXT - len : 1, "run %s\n", w->run);
    }
    tell_folder(&h, "models/m", &arena, text);
    rml_arena_reset(&arena);
    rml_home_close(&h);
}

// ---- Homes -------------------------------------------------------------------------------------

static void home_make(wheel *w, const char *name, const char *store)
{
    *w = (wheel){.store = store};
    snprintf(w->folder, sizeof w->folder, "%s/%s", scratch, name);
    MUST(rml_home_init(w->folder, err));
    if (store != NULL) {
        char path[600], text[600];
        snprintf(path, sizeof path, "%s/roadmill.yaml", w->folder);
        snprintf(text, sizeof text, "store: %s\n", store);
        MUST(rml_file_replace(path, rml_bytes_of(text, strlen(text)), err));
    }
}

static void file_copy(const char *folder, const char *from, const char *to)
{
    char source[600], target[600];
    rml_buffer content = {0};
    snprintf(source, sizeof source, "%s/%s", folder, from);
    snprintf(target, sizeof target, "%s/%s", folder, to);
    MUST(rml_file_read(source, 1 << 28, &content, err));
    MUST(rml_file_replace(target, rml_buffer_bytes(&content), err));
    rml_buffer_reset(&content);
}

static int setup(void **state)
{
    (void)state;
    // In memory where there is such a folder: hundreds of homes are made and synced.
    const char *base = rml_file_exists("/dev/shm") ? "/dev/shm" : rml_env("TMPDIR");
    snprintf(scratch, sizeof scratch, "%s/roadmill-wheel-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(scratch));
    assert_int_equal(setenv("ROADMILL_TMP", scratch, 1), 0);
    MUST(rml_store_add(&memory_scheme, err));
    rml_synth_options options = {.seed = 3, .drives = 3, .vehicles = 6, .duration_s = 7};
    rml_synth_result made;
    MUST(rml_synth_fleet(FLEET, &options, NULL, &made, err));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    memory_clear();
    return rml_folder_remove(scratch, NULL) != RML_OK;
}

// ---- Tests -------------------------------------------------------------------------------------

static void objects_are_named_as_files_are(void **state)
{
    (void)state;
    wheel local, remote;
    char a[TEXT], b[TEXT];
    home_make(&local, "local", NULL);
    home_make(&remote, "remote", "mem://bucket/home");
    for (size_t s = 0; s < STEPS; s++) {
        MUST(run_step(&local, s, a, err));
        memory.latency_ns = 200000;
        MUST(run_step(&remote, s, b, err));
        memory.latency_ns = 0;
        assert_string_equal(a, b);
        tell(&local, a);
        tell(&remote, b);
        assert_string_equal(a, b);
    }
    char path[600];
    static const char *const empty[] = {"lake", "versions", "runs", "models"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        rml_arena arena = {0};
        rml_array names = RML_ARRAY(rml_str);
        snprintf(path, sizeof path, "%s/%s", remote.folder, empty[i]);
        MUST(rml_folder_list(path, &arena, &names, err));
        assert_int_equal(names.count, 0);
        rml_array_reset(&names);
        rml_arena_reset(&arena);
    }
}

// One fault at operation n of a step, from the state before it; false when the step has fewer.
static bool fault_at(wheel *w, size_t step, uint64_t n, memory_fault fault, const char *before,
                     const char *after, const char *want)
{
    char made[TEXT], now[TEXT];
    rml_error found = {0};
    memory_fail(n, fault);
    rml_status st = run_step(w, step, made, &found);
    bool reached = memory.operations >= memory.fault_at;
    memory_fail(0, MEMORY_REFUSES);
    if (reached && st != RML_OK && st != RML_ERR_IO) {
        fail_msg("%s: fault %d at operation %d: %s: %s: %s", steps[step].name, fault, (int)n,
                 rml_status_name(st), found.place, found.what);
    }
    tell(w, now);
    if (strcmp(now, before) != 0 && strcmp(now, after) != 0) {
        fail_msg("%s: fault %d at operation %d: expected the state before\n%s or after\n%s, found\n"
                 "%s",
                 steps[step].name, fault, (int)n, before, after, now);
    }
    MUST(run_step(w, step, made, err));
    tell(w, now);
    assert_string_equal(now, after);
    assert_string_equal(made, want);
    return reached;
}

static void faults_leave_before_or_after(void **state)
{
    (void)state;
    wheel w;
    char before[TEXT], after[TEXT], made[TEXT];
    const char *asked = rml_env("RML_FAULTS");
    bool all = asked != NULL && strcmp(asked, "all") == 0;
    home_make(&w, "faulty", "mem://bucket/faulty");
    MUST(run_step(&w, 0, made, err));
    for (size_t step = 1; step + 1 < STEPS; step++) {
        memory_store kept = {0}, done = {0};
        tell(&w, before);
        file_copy(w.folder, "catalog.db", "catalog.kept");
        memory_copy(&memory, &kept);
        uint64_t operations = memory.operations;
        MUST(run_step(&w, step, made, err));
        operations = memory.operations - operations;
        tell(&w, after);
        file_copy(w.folder, "catalog.db", "catalog.done");
        memory_copy(&memory, &done);
        assert_true(operations > 0);
        for (uint64_t n = 1, reached = 1; reached != 0; n += all ? 1 : steps[step].every) {
            for (int fault = 0; fault < MEMORY_FAULTS; fault++) {
                if (all || n % MEMORY_FAULTS == (uint64_t)fault) {
                    memory_clear();
                    memory_copy(&kept, &memory);
                    file_copy(w.folder, "catalog.kept", "catalog.db");
                    reached = fault_at(&w, step, n, (memory_fault)fault, before, after, made);
                }
            }
        }
        memory_clear();
        memory_copy(&done, &memory);
        file_copy(w.folder, "catalog.done", "catalog.db");
        memory_drop(&kept);
        memory_drop(&done);
        print_message("%s: %d operations\n", steps[step].name, (int)operations);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_named_as_files_are),
        cmocka_unit_test(faults_leave_before_or_after),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
