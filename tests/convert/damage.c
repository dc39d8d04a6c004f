// Damaged recordings of each container: cut at many lengths, with bits flipped, in the first 4 KiB
// at every byte. Each is recovered into an MCAP: an error, or an account that adds up and an output
// that reads back. RML_DAMAGE=N: so many random flips for each file (100), and every cut; ./run
// soak asks for thousands, also of real recordings.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/base/random.h"
#include "roadmill/convert.h"
#include "roadmill/os.h"

#define HEAD ((size_t)4096)
#define CUTS 40
#define HEAD_STEP 37
#define CUT_STEP_SOAK 997

static const char *const seeds[] = {
    "fuzz/corpus/log/none.bag",    "fuzz/corpus/log/lz4.bag",        "fuzz/corpus/log/bz2.bag",
    "fuzz/corpus/log/none.mcap",   "fuzz/corpus/log/zstd.mcap",      "fuzz/corpus/log/none.mf4",
    "fuzz/corpus/log/deflate.mf4", "fuzz/corpus/log/transposed.mf4", "fuzz/corpus/log/small.db3",
    "fuzz/corpus/log/small.mdf",
};
static const char *const real[] = {
    "logs/mcap-schemas/osi/disappearingVehicle.mcap",
    "logs/mf4-blocks/openatfx-mdf/compressed_data/datalist/Vector_DataList_Deflate.mf4",
    "logs/ros2-bags/rosbags-rs/test_bag_sqlite3/test_bag_sqlite3.db3",
    "logs/mf4-blocks/mdf4-rs/29-bit-wwh-obd.MF4",
};

typedef struct work {
    rml_arena arena;
    rml_str folder, in, out;
    size_t recovered, refused;
} work;

static void begin(work *w, const char *name)
{
    rml_error err = {0};
    *w = (work){0};
    assert_int_equal(rml_folder_temporary(&w->arena, &w->folder, &err), RML_OK);
    w->in = rml_path_join(&w->arena, w->folder, rml_path_name(rml_str_of(name)));
    w->out = rml_path_join(&w->arena, w->folder, RML_STR("out.mcap"));
}

static void end(work *w, const char *name)
{
    rml_error err = {0};
    print_message("%s: %zu recovered, %zu refused\n", name, w->recovered, w->refused);
    assert_int_equal(rml_folder_remove(w->folder.data, &err), RML_OK);
    rml_arena_reset(&w->arena);
}

static void recover(work *w, rml_bytes damaged, const char *name, size_t at)
{
    rml_error err = {0};
    rml_arena arena = {0};
    rml_convert_account a = {0};
    const rml_convert_options options = {.read = {.memory_max = (size_t)16 << 20}};
    assert_int_equal(rml_file_replace(w->in.data, damaged, &err), RML_OK);
    rml_status st = rml_convert(&w->in, 1, w->out.data, &options, NULL, &arena, &a, &err);
    if (st == RML_OK) {
        uint64_t kept = 0, in = 0;
        for (size_t i = 0; i < a.channel_count; i++) {
            kept += a.channels[i].kept;
            in += a.channels[i].in;
        }
        if (a.bytes_in != damaged.len || a.bytes_kept + a.bytes_lost != a.bytes_in ||
            a.messages_in != a.messages_kept + a.messages_left_out + a.messages_failed ||
            kept != a.messages_kept || in != a.messages_in || !a.verified) {
            fail_msg("%s, damaged at %zu: the account does not add up", name, at);
        }
        w->recovered++;
    } else {
        assert_true(err.what[0] != 0);
        w->refused++;
    }
    rml_arena_reset(&arena);
}

static void damage(const char *path, bool soak, size_t flips)
{
    rml_error err = {0};
    rml_buffer file = {0};
    work w;
    begin(&w, path);
    if (rml_file_read(path, (size_t)1 << 26, &file, &err) != RML_OK) {
        fail_msg("%s: %s", path, err.what);
    }
    size_t step = soak ? CUT_STEP_SOAK : file.len / CUTS + 1;
    for (size_t len = 0; len < file.len; len += step) {
        recover(&w, rml_bytes_of(file.data, len), path, len);
    }
    for (size_t at = 0; at < file.len && at < HEAD; at += soak ? 1 : HEAD_STEP) {
        file.data[at] ^= (uint8_t)(1 << at % 8);
        recover(&w, rml_buffer_bytes(&file), path, at);
        file.data[at] ^= (uint8_t)(1 << at % 8);
    }
    for (uint64_t i = 0; i < flips; i++) {
        size_t at = (size_t)rml_random_below(11, i, 0, file.len);
        uint8_t bit = (uint8_t)(1 << rml_random_below(11, i, 1, 8));
        file.data[at] ^= bit;
        recover(&w, rml_buffer_bytes(&file), path, at);
        file.data[at] ^= bit;
    }
    rml_buffer_reset(&file);
    end(&w, path);
}

static void every_container(void **state)
{
    (void)state;
    const char *count = rml_env("RML_DAMAGE"), *data = rml_env("RML_DATA");
    size_t flips = count == NULL ? 60 : strtoul(count, NULL, 10);
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        damage(seeds[i], count != NULL, flips);
    }
    for (size_t i = 0; count != NULL && data != NULL && i < sizeof real / sizeof *real; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", data, real[i]);
        damage(path, true, flips);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_container)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
