// Protects: versions from end to end on a small fleet: the same bytes at any number of threads,
// conservation of windows, one stream of samples for any number of readers, digests that notice a
// flipped byte, leaks that are named, children that keep what their parent holds out.
#include "roadmill/dataset.h"
#include "roadmill/scenario.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/base/random.h"
#include "roadmill/lake/sql.h"
#include "roadmill/synth.h"

#define DRIVES 8

static rml_arena memory;
static rml_str home;
static rml_lake *lake;
static rml_catalog *catalog;
static rml_error failure;

#define ASSERT_OK(call)                                                                            \
    do {                                                                                           \
        failure = (rml_error){0};                                                                  \
        if ((call) != RML_OK) {                                                                    \
            fail_msg("%s: %s: %s", #call, failure.place, failure.what);                            \
        }                                                                                          \
    } while (0)

static int make_home(void **state)
{
    (void)state;
    const char *scratch = rml_env("TMPDIR");
    rml_str name = rml_arena_printf(&memory, "%s/rml_dataset_%lld", scratch ? scratch : "/tmp",
                                    (long long)rml_clock_unix_ns());
    rml_synth_options fleet = {.seed = 1, .drives = DRIVES, .vehicles = 12, .duration_s = 12};
    rml_synth_result made;
    home = name;
    ASSERT_OK(rml_folder_make(home.data, &failure));
    rml_str source = rml_path_join(&memory, home, RML_STR("source"));
    ASSERT_OK(rml_synth_fleet(source.data, &fleet, NULL, &made, &failure));
    ASSERT_OK(rml_lake_open(rml_path_join(&memory, home, RML_STR("lake")), &lake, &failure));
    ASSERT_OK(
        rml_catalog_open(rml_path_join(&memory, home, RML_STR("catalog.db")), &catalog, &failure));
    rml_array files = RML_ARRAY(rml_str);
    rml_str scenarios = rml_path_join(&memory, source, RML_STR("scenarios"));
    ASSERT_OK(rml_folder_walk(scenarios.data, &memory, &files, &failure));
    for (size_t i = 0; i < files.count; i++) {
        rml_import_options options = {.licence = i % 2 ? RML_STR("CC-BY-4.0") : RML_STR("MIT"),
                                      .purpose = RML_STR("research")};
        rml_import_result result;
        ASSERT_OK(
            rml_import_scenario(lake, *RML_AT(&files, rml_str, i), &options, &result, &failure));
    }
    assert_int_equal(files.count, DRIVES);
    rml_array_reset(&files);
    return 0;
}

static int drop_home(void **state)
{
    (void)state;
    rml_lake_close(lake);
    rml_catalog_close(catalog);
    ASSERT_OK(rml_folder_remove(home.data, &failure));
    rml_arena_reset(&memory);
    return 0;
}

static rml_dataset_spec usual(void)
{
    return (rml_dataset_spec){.name = RML_STR("test"),
                              .seed = 1,
                              .share = {.4, .2, .2, .2, 0},
                              .scene = {.stride = 20, .agents = 8, .map = 4}};
}

static rml_dataset *make(const rml_dataset_spec *spec, size_t threads, rml_dataset_result *made)
{
    rml_pool *pool = NULL;
    rml_dataset *d = NULL;
    ASSERT_OK(rml_pool_make(threads, &pool, &failure));
    ASSERT_OK(rml_dataset_create(home, lake, catalog, spec, pool, NULL, made, &failure));
    rml_pool_free(pool);
    ASSERT_OK(rml_dataset_open(home, rml_str_of(made->hash), &d, &failure));
    return d;
}

static rml_str version_file(const char *hash, const char *name)
{
    return rml_arena_printf(&memory, "%s/versions/%s/%s", home.data, hash, name);
}

static void test_threads(void **state)
{
    (void)state;
    rml_dataset_spec spec = usual();
    rml_dataset_result first, other;
    rml_dataset_close(make(&spec, 1, &first));
    assert_false(first.already);
    for (size_t threads = 1; threads <= 4; threads++) {
        // Without the folder everything is cut again; its bytes are in its name.
        if (threads > 1) {
            ASSERT_OK(rml_folder_remove(version_file(first.hash, "").data, &failure));
        }
        rml_dataset_close(make(&spec, threads, &other));
        assert_string_equal(first.hash, other.hash);
        assert_int_equal(other.already, threads == 1);
    }
    ASSERT_OK(rml_dataset_verify(home, rml_str_of(first.hash), &failure));
}

static size_t tensor_of(const rml_dataset *d, const char *name)
{
    size_t at = SIZE_MAX;
    ASSERT_OK(rml_dataset_tensor_find(d, name, &at, &failure));
    return at;
}

static void test_contents(void **state)
{
    (void)state;
    rml_dataset_spec spec = usual();
    rml_dataset_result made;
    rml_dataset *d = make(&spec, 2, &made);
    uint64_t scenes = 0, windows = 0;
    assert_int_equal(made.windows_in, made.scenes + made.left_out);
    assert_int_equal(made.left_out, 0);
    assert_int_equal(made.recordings, DRIVES);
    rml_array ids = RML_ARRAY(rml_str);
    ASSERT_OK(rml_traffic_list(lake, &memory, &ids, &failure));
    const rml_tensor_info *info;
    size_t tensors = rml_dataset_tensors(d, &info);
    assert_int_equal(tensors, 7);
    for (int s = 0; s < RML_SPLITS; s++) {
        scenes += rml_dataset_count(d, (rml_split)s);
        assert_int_equal(rml_dataset_count(d, (rml_split)s), made.counts[s]);
    }
    assert_int_equal(scenes, made.scenes);
    for (size_t r = 0; r < ids.count; r++) {
        rml_arena arena = {0};
        rml_traffic traffic;
        rml_array found = RML_ARRAY(rml_window);
        rml_cutter *cutter = NULL;
        ASSERT_OK(rml_traffic_load(lake, *RML_AT(&ids, rml_str, r), &arena, &traffic, &failure));
        ASSERT_OK(rml_scene_windows(&traffic, rml_dataset_scene_spec(d), &found, &failure));
        ASSERT_OK(rml_cutter_make(&traffic, rml_dataset_scene_spec(d), &cutter, &failure));
        for (size_t i = 0; i < found.count; i++) {
            rml_scene_row row;
            rml_split split;
            size_t index;
            static float cut[7][12 * RML_SCENE_FEATURES];
            rml_tensor_view stored[7];
            rml_tensor_slot to[7];
            rml_window w = *RML_AT(&found, rml_window, i);
            ASSERT_OK(rml_cutter_row(cutter, w, &row, &failure));
            assert_true(rml_dataset_find(d, rml_str_of(row.scene_id), &split, &index));
            const rml_dataset_scene *scene = &rml_dataset_scenes(d, split)[index];
            assert_memory_equal(scene->row.scene_id, row.scene_id, 65);
            assert_true(scene->row.t0_ns == row.t0_ns && scene->row.speed_mps == row.speed_mps);
            assert_true(scene->row.map_from_scene.x_m == row.map_from_scene.x_m);
            assert_true(rml_str_equal(scene->row.recording_id, traffic.recording_id));
            for (size_t t = 0; t < tensors; t++) {
                to[t] = (rml_tensor_slot){.data = cut[t]};
            }
            rml_dataset_cutter(d)->cut(cutter, w, to);
            rml_dataset_sample(d, split, index, stored);
            for (size_t t = 0; t < tensors; t++) {
                size_t row_size, size;
                assert_true(rml_tensor_info_size(&info[t], &row_size, &size));
                assert_true(size <= sizeof cut[t]);
                assert_memory_equal(cut[t], stored[t].data, size);
            }
        }
        windows += found.count;
        rml_cutter_free(cutter);
        rml_array_reset(&found);
        rml_arena_reset(&arena);
    }
    assert_int_equal(windows, made.windows_in);
    assert_non_null(strstr(rml_dataset_manifest(d).data, "\"licence\":\"CC-BY-4.0\""));
    assert_non_null(strstr(rml_dataset_manifest(d).data, "\"purpose\":\"research\""));
    rml_array_reset(&ids);
    rml_dataset_close(d);
}

// ---- A cutter of somebody else's
// -----------------------------------------------------------------

enum { NEAR_MOST = 40 };

static size_t other_layout(const rml_scene_spec *spec, rml_tensor_info *info)
{
    info[0] = (rml_tensor_info){"t0_ns", 0, {0}, .element = RML_ELEMENT_I64, .unit = "ns"};
    info[1] = (rml_tensor_info){
        "near", 2, {NEAR_MOST, 2}, .element = RML_ELEMENT_U8, .ragged = true, .future = true};
    info[2] = (rml_tensor_info){"steps", 2, {1, spec->future}, .element = RML_ELEMENT_BF16};
    return 3;
}

static void other_cut(const rml_cutter *c, rml_window window, const rml_tensor_slot *out)
{
    rml_scene_row row;
    rml_status st = rml_cutter_row(c, window, &row, NULL);
    assert_int_equal(st, RML_OK);
    memcpy(out[0].data, &row.t0_ns, sizeof row.t0_ns);
    uint32_t now = (uint32_t)(row.t0_ns / 100000000);
    *out[1].rows = now % NEAR_MOST;
    for (uint32_t i = 0; i < 2 * *out[1].rows; i++) {
        ((uint8_t *)out[1].data)[i] = (uint8_t)(now + i);
    }
    for (uint32_t i = 0; i < 30; i++) {
        rml_save_u16((uint8_t *)out[2].data + (size_t)2 * i, 0x3f80); // 1
    }
}

// How many rows that cutter gave follows from the scene's time.
static void check_other(int64_t t0_ns, const uint8_t *near, uint32_t rows)
{
    uint32_t now = (uint32_t)(t0_ns / 100000000);
    assert_int_equal(rows, now % NEAR_MOST);
    for (uint32_t i = 0; i < 2 * rows; i++) {
        assert_int_equal(near[i], (uint8_t)(now + i));
    }
}

static void test_other_cutter(void **state)
{
    (void)state;
    static const rml_scene_cutter other = {
        .name = "of_the_tests", .layout = other_layout, .cut = other_cut};
    rml_dataset_spec spec = usual();
    rml_dataset_result made, plain;
    rml_dataset_close(make(&spec, 1, &plain));
    spec.cutter = &other;
    rml_dataset *d = make(&spec, 2, &made);
    assert_string_not_equal(made.hash, plain.hash);
    assert_int_equal(made.scenes, plain.scenes);
    const rml_tensor_info *info;
    assert_int_equal(rml_dataset_tensors(d, &info), 3);
    assert_string_equal(info[0].unit, "ns");
    assert_true(info[1].future && !info[2].future && info[2].unit == NULL);
    for (size_t i = 0; i < rml_dataset_count(d, RML_TRAIN); i++) {
        int64_t t0_ns;
        memcpy(&t0_ns, rml_dataset_tensor(d, RML_TRAIN, i, 0).data, sizeof t0_ns);
        assert_true(t0_ns == rml_dataset_scenes(d, RML_TRAIN)[i].row.t0_ns);
        rml_tensor_view near = rml_dataset_tensor(d, RML_TRAIN, i, tensor_of(d, "near"));
        check_other(t0_ns, near.data, near.rows);
    }
    // Through the loader: counts, and zeros behind them.
    enum { BATCH = 300 }; // more than a piece
    static int64_t times[BATCH];
    static uint8_t nears[BATCH][NEAR_MOST * 2];
    uint32_t rows[BATCH];
    rml_tensor_slot slots[RML_TENSORS_MAX] = {{times, NULL}, {nears, rows}};
    rml_loader l = {.dataset = d, .split = RML_TRAIN, .seed = 3};
    memset(nears, 0xff, sizeof nears);
    rml_loader_next(&l, NULL, BATCH, slots);
    for (size_t i = 0; i < BATCH; i++) {
        check_other(times[i], nears[i], rows[i]);
        for (size_t k = (size_t)2 * rows[i]; k < sizeof nears[i]; k++) {
            assert_int_equal(nears[i][k], 0);
        }
    }
    // Its name is in the manifest, but no table of this program has it.
    assert_non_null(strstr(rml_dataset_manifest(d).data, "\"cutter\":\"of_the_tests\""));
    assert_null(rml_dataset_cutter(d));
    ASSERT_OK(rml_dataset_verify(home, rml_str_of(made.hash), &failure));
    ASSERT_OK(
        rml_dataset_export(d, rml_arena_printf(&memory, "%s/other", home.data).data, &failure));
    rml_leak_report leaks;
    size_t at;
    assert_int_equal(rml_dataset_leaks(d, lake, &leaks, &failure), RML_ERR_ARGUMENT);
    assert_int_equal(rml_dataset_tensor_find(d, "target", &at, &failure), RML_ERR_MISSING);
    assert_non_null(strstr(failure.what, "found t0_ns, near, steps"));
    rml_tensor_info want = info[2];
    ASSERT_OK(rml_dataset_tensor_need(d, &want, &at, &failure));
    want.shape[1]++;
    assert_int_equal(rml_dataset_tensor_need(d, &want, &at, &failure), RML_ERR_ARGUMENT);
    // A child has its parent's cutter.
    rml_dataset_spec child = {.name = RML_STR("child"), .parent = rml_str_of(plain.hash)};
    child.cutter = &other;
    assert_int_equal(rml_dataset_create(home, lake, catalog, &child, NULL, NULL, &made, &failure),
                     RML_ERR_ARGUMENT);
    rml_dataset_close(d);
}

// ---- Order of samples --------------------------------------------------------------------------

static void test_order(void **state)
{
    (void)state;
    rml_hash version = {{1, 2, 3}};
    for (uint64_t count = 1; count < 70; count += 7) {
        for (uint64_t epoch = 0; epoch < 3; epoch++) {
            uint8_t seen[70] = {0};
            for (uint64_t p = 0; p < count; p++) {
                uint64_t item = rml_order_at(&version, 5, count, epoch * count + p);
                assert_true(item < count && !seen[item]++);
            }
        }
    }
    size_t same = 0;
    for (uint64_t p = 0; p < 1000; p++) {
        same += rml_order_at(&version, 5, 1000, p) == rml_order_at(&version, 5, 1000, 1000 + p);
    }
    assert_true(same < 20); // another epoch, another order
}

#define STREAM 3000

static void read_stream(const rml_dataset *d, uint32_t readers, uint64_t *items, float *firsts)
{
    // Each reader sees its own part; together they are the stream.
    size_t width = 2;
    for (uint32_t r = 0; r < readers; r++) {
        rml_loader l = {
            .dataset = d, .split = RML_TRAIN, .seed = 9, .reader = r, .readers = readers};
        rml_hash want = {{0}};
        for (uint64_t p = r; p < STREAM; p += readers) {
            float history[40 * 2], position[2];
            rml_tensor_slot tensors[RML_TENSORS_MAX] = {{0}};
            tensors[tensor_of(d, "history")].data = history;
            tensors[tensor_of(d, "position")].data = position;
            rml_loader_next(&l, NULL, 1, tensors);
            assert_int_equal(l.position, p + 1);
            firsts[width * p] = history[0];
            firsts[width * p + 1] = history[1];
            rml_order_add(&want, items[p]);
            assert_true(rml_hash_equal(&want, &l.order));
        }
    }
}

static void test_readers(void **state)
{
    (void)state;
    rml_dataset_spec spec = usual();
    rml_dataset_result made;
    rml_dataset *d = make(&spec, 2, &made);
    static uint64_t items[STREAM];
    static float one[2 * STREAM], several[2 * STREAM];
    static const uint32_t readers[] = {1, 2, 3, 7};
    rml_hash version;
    size_t n = rml_dataset_count(d, RML_TRAIN);
    assert_true(rml_hash_parse(rml_str_of(made.hash), &version));
    for (uint64_t p = 0; p < STREAM; p++) {
        items[p] = rml_order_at(&version, 9, n, p);
    }
    for (size_t k = 0; k < 4; k++) {
        memset(several, 0, sizeof several);
        read_stream(d, readers[k], items, k == 0 ? one : several);
        if (k > 0) {
            assert_memory_equal(one, several, sizeof one);
        }
    }
    // Resumed anywhere, at any number of readers, the rest of the stream is the same.
    rml_pool *pool = NULL;
    ASSERT_OK(rml_pool_make(2, &pool, &failure));
    for (uint64_t run = 0; run < 1000; run++) {
        uint64_t at = rml_random_below(4, run, 0, STREAM - 60);
        rml_loader l = {.dataset = d, .split = RML_TRAIN, .seed = 9, .position = at};
        l.readers = readers[run % 4];
        l.reader = (uint32_t)rml_random_below(4, run, 1, l.readers);
        float history[8 * 40];
        rml_tensor_slot tensors[RML_TENSORS_MAX] = {{0}};
        tensors[tensor_of(d, "history")].data = history;
        rml_loader_next(&l, pool, 8, tensors);
        uint64_t p = at;
        for (size_t i = 0; i < 8; i++, p++) {
            while (p % l.readers != l.reader) {
                p++;
            }
            assert_true(history[40 * i] == one[2 * p] && history[40 * i + 1] == one[2 * p + 1]);
        }
        assert_int_equal(l.position, p);
    }
    rml_pool_free(pool);
    rml_dataset_close(d);
}

// ---- Damage ------------------------------------------------------------------------------------

static void test_damage(void **state)
{
    (void)state;
    rml_dataset_spec spec = usual();
    rml_dataset_result made;
    rml_dataset_close(make(&spec, 2, &made));
    rml_str hash = rml_str_of(made.hash);
    static const char *const files[] = {"shard-00000.rms", "scenes.parquet", "manifest.json"};
    for (size_t f = 0; f < 3; f++) {
        rml_buffer whole = {0};
        rml_str path = version_file(made.hash, files[f]);
        ASSERT_OK(rml_file_read(path.data, 1 << 28, &whole, &failure));
        for (uint64_t run = 0; run < 8; run++) {
            size_t at = (size_t)rml_random_below(6, f, run, whole.len);
            whole.data[at] ^= 1;
            ASSERT_OK(rml_file_replace(path.data, rml_buffer_bytes(&whole), &failure));
            failure = (rml_error){0};
            rml_status st = rml_dataset_verify(home, hash, &failure);
            if (st == RML_OK && f != 1) {
                fail_msg("%s: a flipped bit at %zu was not noticed", files[f], at);
            }
            // A bit in the padding or statistics of Parquet changes no row; what is read is
            // checked.
            whole.data[at] ^= 1;
        }
        ASSERT_OK(rml_file_replace(path.data, rml_buffer_bytes(&whole), &failure));
        ASSERT_OK(rml_dataset_verify(home, hash, &failure));
        rml_buffer_reset(&whole);
    }
    rml_dataset *d = NULL;
    assert_int_equal(rml_dataset_open(home, RML_STR("0123"), &d, &failure), RML_ERR_ARGUMENT);
    char none[65];
    memset(none, '0', 64);
    none[64] = '\0';
    assert_int_equal(rml_dataset_open(home, rml_str_of(none), &d, &failure), RML_ERR_MISSING);
}

// ---- Leaks -------------------------------------------------------------------------------------

static void test_leaks(void **state)
{
    (void)state;
    rml_dataset_spec spec = usual();
    rml_dataset_result made;
    rml_leak_report report;
    rml_dataset *d = make(&spec, 2, &made);
    ASSERT_OK(rml_dataset_leaks(d, lake, &report, &failure));
    rml_dataset_close(d);
    if (!rml_leak_report_clean(&report)) {
        fail_msg("expected no leak, found %s", report.worst);
    }
    spec.scene.leak_central_difference = true;
    d = make(&spec, 2, &made);
    ASSERT_OK(rml_dataset_leaks(d, lake, &report, &failure));
    rml_dataset_close(d);
    assert_true(report.future_in_inputs);
    assert_non_null(strstr(report.worst, "future in inputs"));
    assert_int_equal(report.shared_recordings + report.shared_families, 0);
}

// ---- Children ----------------------------------------------------------------------------------

static void test_child(void **state)
{
    (void)state;
    rml_dataset_spec spec = usual();
    rml_dataset_result made, child_made;
    rml_dataset *d = make(&spec, 2, &made);
    size_t train = rml_dataset_count(d, RML_TRAIN), dev = rml_dataset_count(d, RML_DEV);
    const rml_dataset_scene *dev_scenes = rml_dataset_scenes(d, RML_DEV);
    rml_str *ids = RML_NEW_ARRAY(&memory, rml_str, train + 2);
    for (size_t i = 0; i < train / 2; i++) {
        ids[i] = rml_str_of(rml_dataset_scenes(d, RML_TRAIN)[i].row.scene_id);
    }
    ids[train / 2] = rml_str_of(dev_scenes[0].row.scene_id);
    rml_dataset_spec child = {.name = RML_STR("child"), .parent = rml_str_of(made.hash)};
    child.scene_ids = ids;
    child.scene_id_count = train / 2 + 1;
    rml_dataset *c = make(&child, 2, &child_made);
    uint64_t left_dev = 0;
    for (size_t i = 0; i < dev; i++) {
        left_dev += dev_scenes[i].family != dev_scenes[0].family;
    }
    assert_int_equal(child_made.counts[RML_TRAIN], train / 2 + 1);
    assert_int_equal(child_made.counts[RML_DEV], left_dev); // its family went with the pick
    assert_int_equal(child_made.counts[RML_GATE], made.counts[RML_GATE]);
    assert_int_equal(child_made.counts[RML_VALIDATION], made.counts[RML_VALIDATION]);
    assert_int_equal(child_made.windows_in, child_made.scenes + child_made.left_out);
    rml_leak_report report;
    ASSERT_OK(rml_dataset_leaks(c, lake, &report, &failure));
    assert_true(rml_leak_report_clean(&report));
    rml_dataset_difference diff;
    ASSERT_OK(rml_dataset_diff(d, c, &diff, &failure));
    assert_int_equal(diff.only_a[RML_TRAIN], train - train / 2);
    assert_int_equal(diff.moved, 1);
    assert_int_equal(diff.only_b[RML_TRAIN] + diff.only_b[RML_DEV], 0);
    rml_dataset_close(c);
    // What only judges is never trained on.
    ids[0] = rml_str_of(rml_dataset_scenes(d, RML_GATE)[0].row.scene_id);
    assert_int_equal(
        rml_dataset_create(home, lake, catalog, &child, NULL, NULL, &child_made, &failure),
        RML_ERR_CONFLICT);
    assert_non_null(strstr(failure.what, "in split gate of the parent"));
    ids[0] = RML_STR("no such scene");
    assert_int_equal(
        rml_dataset_create(home, lake, catalog, &child, NULL, NULL, &child_made, &failure),
        RML_ERR_MISSING);
    rml_dataset_close(d);
}

static void test_refusals(void **state)
{
    (void)state;
    rml_dataset_result made;
    rml_dataset_spec spec = usual();
    rml_str id = RML_STR("no such recording");
    spec.recordings = &id;
    spec.recording_count = 1;
    failure = (rml_error){0};
    assert_int_equal(rml_dataset_create(home, lake, catalog, &spec, NULL, NULL, &made, &failure),
                     RML_ERR_MISSING);
    spec = usual();
    spec.rule = RML_SPLIT_PLACE;
    rml_str place = RML_STR("nowhere");
    spec.place[RML_TRAIN] = &place;
    spec.place_count[RML_TRAIN] = 1;
    assert_int_equal(rml_dataset_create(home, lake, catalog, &spec, NULL, NULL, &made, &failure),
                     RML_ERR_MISSING);
    assert_non_null(strstr(failure.what, "by place"));
    assert_false(rml_file_exists(
        rml_arena_printf(&memory, "%s/versions/.making", home.data).data)); // nothing is left
}

static void test_export(void **state)
{
    (void)state;
    rml_dataset_spec spec = usual();
    rml_dataset_result made;
    rml_dataset *d = make(&spec, 2, &made);
    rml_str folder = rml_path_join(&memory, home, RML_STR("export"));
    ASSERT_OK(rml_dataset_export(d, folder.data, &failure));
    rml_sql *sql = NULL;
    rml_rows *rows = NULL;
    rml_batch batch = {0};
    ASSERT_OK(rml_sql_open(&sql, &failure));
    rml_str text = rml_arena_printf(
        &memory, "SELECT scene_id, target FROM read_parquet('%s/gate.parquet')", folder.data);
    ASSERT_OK(rml_sql_query(sql, text, &rows, &failure));
    ASSERT_OK(rml_rows_all(rows, 1 << 20, &batch, &failure));
    assert_int_equal(batch.count, made.counts[RML_GATE]);
    for (size_t i = 0; i < batch.count; i++) {
        size_t first, count;
        assert_true(rml_str_equal(rml_column_get_str(&batch.columns[0], i),
                                  rml_str_of(rml_dataset_scenes(d, RML_GATE)[i].row.scene_id)));
        rml_column_get_list(&batch.columns[1], i, &first, &count);
        assert_int_equal(count, 60);
        assert_memory_equal((float *)(void *)batch.columns[1].children[0].values.data + first,
                            rml_dataset_f32(d, RML_GATE, i, tensor_of(d, "target")),
                            60 * sizeof(float));
    }
    rml_batch_reset(&batch);
    rml_rows_close(rows);
    rml_sql_close(sql);
    rml_dataset_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),      cmocka_unit_test(test_contents),
        cmocka_unit_test(test_other_cutter), cmocka_unit_test(test_order),
        cmocka_unit_test(test_readers),      cmocka_unit_test(test_damage),
        cmocka_unit_test(test_leaks),        cmocka_unit_test(test_child),
        cmocka_unit_test(test_refusals),     cmocka_unit_test(test_export),
    };
    return cmocka_run_group_tests(tests, make_home, drop_home);
}
