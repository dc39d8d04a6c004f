// Protects the fleet: the same seed gives the same bytes, another seed others; the recordings
// decode message by message but for what was planted; each planted fault is in the list and in the
// file.
#include "roadmill/base/json.h"
#include "roadmill/log.h"
#include "roadmill/message.h"
#include "roadmill/os.h"
#include "roadmill/synth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char folder[1024];

static void must(rml_status st, const rml_error *err)
{
    if (st) {
        char text[1024];
        rml_error_text(err, text, sizeof text);
        fail_msg("%s", text);
    }
}

static const char *path_of(const char *fleet, const char *file)
{
    static char path[2][2048];
    static int which;
    which = !which;
    snprintf(path[which], sizeof path[which], "%s/%s%s%s", folder, fleet, file[0] ? "/" : "", file);
    return path[which];
}

static rml_synth_result make(const char *fleet, uint64_t seed, bool faults)
{
    const rml_synth_options options = {
        .seed = seed, .drives = 4, .vehicles = 12, .duration_s = 12, .faults = faults};
    rml_synth_result result;
    rml_error err = {0};
    must(rml_synth_fleet(path_of(fleet, ""), &options, NULL, &result, &err), &err);
    assert_true(result.recordings == 4 && result.scenarios == 4);
    assert_int_equal(result.faults, faults ? 4 : 0);
    return result;
}

static void read(const char *fleet, const char *file, rml_buffer *out)
{
    rml_error err = {0};
    rml_buffer_clear(out);
    must(rml_file_read(path_of(fleet, file), (size_t)64 << 20, out, &err), &err);
}

static const char *const files[] = {"scenarios/drive_0000.xml",   "scenarios/drive_0003.xml",
                                    "recordings/drive_0000.mcap", "recordings/drive_0001.mcap",
                                    "recordings/drive_0003.mcap", "faults.json"};

static void same_seed_same_bytes(void **state)
{
    (void)state;
    rml_buffer one = {0}, two = {0}, other = {0};
    make("one", 7, true);
    make("two", 7, true);
    make("other", 8, true);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        read("one", files[i], &one);
        read("two", files[i], &two);
        read("other", files[i], &other);
        assert_true(one.len > 100 && one.len == two.len);
        assert_memory_equal(one.data, two.data, one.len);
        assert_true(one.len != other.len || memcmp(one.data, other.data, one.len) != 0);
    }
    rml_buffer_reset(&one);
    rml_buffer_reset(&two);
    rml_buffer_reset(&other);
}

typedef struct count {
    uint64_t messages, bad;
    int64_t gap_ns_max; // of sensor time
} count;

static void count_messages(const char *fleet, int drive, const char *topic, count *out)
{
    char file[64];
    rml_log *log = NULL;
    rml_error err = {0};
    rml_log_message m;
    rml_message_plan *plan = NULL;
    rml_batch batch = {0};
    int64_t last = 0;
    snprintf(file, sizeof file, "recordings/drive_%04d.mcap", drive);
    rml_str wanted = rml_str_of(topic);
    const rml_log_options options = {.topics = &wanted, .topic_count = 1};
    must(rml_log_open(rml_str_of(path_of(fleet, file)), &options, &log, &err), &err);
    *out = (count){0};
    rml_status st;
    while ((st = rml_log_next(log, &m, &err)) == RML_OK) {
        size_t channels;
        const rml_log_channel *c = &rml_log_channels(log, &channels)[m.channel];
        if (!plan) {
            const rml_message_kind kind = rml_log_channel_kind(c);
            must(rml_message_compile(&kind, wanted, &plan, &err), &err);
            must(rml_batch_init(&batch, rml_message_schema(plan), &err), &err);
        }
        int64_t sensor_ns = 0;
        assert_true(rml_message_sensor_ns(plan, m.data, &sensor_ns));
        assert_true(m.log_ns > sensor_ns - 500000000);
        out->messages++;
        out->gap_ns_max =
            last && sensor_ns - last > out->gap_ns_max ? sensor_ns - last : out->gap_ns_max;
        last = sensor_ns;
        out->bad +=
            rml_message_decode(plan, m.data, rml_place_file(wanted), batch.columns, NULL) != 0;
    }
    assert_int_equal(st, RML_END);
    rml_batch_reset(&batch);
    rml_message_plan_free(plan);
    rml_log_close(log);
}

static void faults_are_where_the_list_says(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *channel;
        uint64_t messages; // touched
    } want[] = {{"gap", "/odom", 38},
                {"clock_jump", "/odom", 25},
                {"stuck", "/imu", 100},
                {"cut", "/fix", 1}};
    rml_buffer text = {0};
    rml_arena arena = {0};
    const rml_json *root;
    rml_error err = {0};
    make("faulty", 3, true);
    make("sound", 3, false);
    read("faulty", "faults.json", &text);
    must(rml_json_parse(&arena, rml_buffer_text(&text), RML_STR("faults.json"), &root, &err), &err);
    const rml_json *list = rml_json_get(root, "faults");
    assert_int_equal(list->count, 4);
    int drive = 0;
    for (const rml_json *f = list->child; f; f = f->next, drive++) {
        count with, without;
        rml_str kind = rml_json_get_str(f, "kind", RML_STR(""));
        assert_true(rml_str_equal(kind, rml_str_of(want[drive].kind)));
        assert_int_equal(rml_json_get_i64(f, "messages", -1), want[drive].messages);
        count_messages("faulty", drive, want[drive].channel, &with);
        count_messages("sound", drive, want[drive].channel, &without);
        print_message("%s: %d of %d messages, %d do not decode, longest step %d ms\n",
                      want[drive].kind, (int)with.messages, (int)without.messages, (int)with.bad,
                      (int)(with.gap_ns_max / 1000000));
        bool gap = drive == 0, jump = drive == 1, cut = drive == 3;
        assert_int_equal(without.messages - with.messages, gap ? want[0].messages : 0);
        assert_int_equal(with.bad, cut ? 1 : 0);
        assert_int_equal(without.bad, 0);
        assert_int_equal(with.gap_ns_max > without.gap_ns_max, gap || jump);
    }
    rml_buffer_reset(&text);
    rml_arena_reset(&arena);
}

static void options_have_bounds(void **state)
{
    (void)state;
    static const struct {
        rml_synth_options options;
        const char *what;
    } cases[] = {
        {{.lanes = 7}, "expected 1 to 6 lanes, found 7"},
        {{.road_m = 100}, "expected a road of 250 to 5000 m, found 100"},
        {{.duration_s = -1}, "expected a duration of 1 to 600 s, found -1"},
        {{.vehicles = 64}, "expected at most 63 vehicles on 600 m of 3 lanes, found 64"},
        {{.drives = 10000}, "expected at most 9999 drives, found 10000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rml_synth_result result;
        rml_error err = {0};
        assert_int_equal(
            rml_synth_fleet(path_of("bad", ""), &cases[i].options, NULL, &result, &err),
            RML_ERR_ARGUMENT);
        assert_string_equal(err.what, cases[i].what);
        assert_false(rml_file_exists(path_of("bad", "")));
    }
}

int main(void)
{
    rml_error err = {0};
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/synth_fleet.%lld", tmp ? tmp : "/tmp",
             (long long)rml_clock_unix_ns());
    if (rml_folder_make(folder, &err)) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_bytes),
        cmocka_unit_test(faults_are_where_the_list_says),
        cmocka_unit_test(options_have_bounds),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return rml_folder_remove(folder, &err) ? 1 : failed;
}
