// One recording with every fate of a message: a row, a reference, a reject with its reason. The sum
// holds, a reference gives the bytes back, and doing it again changes nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/codec.h"
#include "roadmill/ingest.h"
#include "roadmill/log/mcap.h"
#include "roadmill/message.h"
#include "roadmill/os.h"
#include "roadmill/store.h"

#define OK(call) assert_ok((call), &err, __LINE__)
#define EACH 5
#define LARGE 5000

static void assert_ok(rml_status st, const rml_error *err, int line)
{
    if (st != RML_OK) {
        fail_msg("line %d: %s: %s: %s", line, rml_status_name(st), err->place, err->what);
    }
}

static const struct {
    const char *topic, *type, *schema_encoding, *schema, *encoding;
    size_t size;       // of each message: so many bytes behind a header of CDR
    const char *stage; // of the rejects; NULL: rows or blobs
    uint64_t rows, blobs;
} channels[] = {
    {"/good", "t/msg/Good", "ros2msg", "float64 x\n", "cdr", 8, NULL, EACH, 0},
    {"/short", "t/msg/Good", "ros2msg", "float64 x\n", "cdr", 7, "decode", 0, 0},
    {"/image", "sensor_msgs/msg/Image", "ros2msg", "uint8[] data\n", "cdr", 4, NULL, 0, EACH},
    {"/bad", "t/msg/Bad", "ros2msg", "Missing x\n", "cdr", 8, "schema", 0, 0},
    {"/small", "t.Json", "jsonschema", "{}", "cbor", 8, "decode", 0, 0},
    {"/large", "t.Json", "jsonschema", "{}", "cbor", LARGE, NULL, 0, EACH},
    {"/other", "t/msg/Other", "ros2msg", "uint8 channel\n", "cdr", 1, NULL, EACH, 0},
};
#define CHANNELS (sizeof channels / sizeof *channels)

static void make(const char *path)
{
    rml_error err = {0};
    rml_mcap_writer *w;
    uint16_t schema, channel[CHANNELS];
    uint8_t data[LARGE + 4] = {0, 1, 0, 0};
    memset(data + 8, 7, sizeof data - 8);
    OK(rml_mcap_writer_open(path, NULL, &w, &err));
    for (size_t i = 0; i < CHANNELS; i++) {
        OK(rml_mcap_writer_schema(w, rml_str_of(channels[i].type),
                                  rml_str_of(channels[i].schema_encoding),
                                  rml_bytes_of_str(rml_str_of(channels[i].schema)), &schema, &err));
        OK(rml_mcap_writer_channel(w, schema, rml_str_of(channels[i].topic),
                                   rml_str_of(channels[i].encoding), &channel[i], &err));
    }
    for (uint32_t n = 0; n < EACH; n++) {
        for (size_t i = 0; i < CHANNELS; i++) {
            data[sizeof data - 1] = (uint8_t)n;
            OK(rml_mcap_writer_message(w, channel[i], n + 1, 1700000000000000000 + n, 5,
                                       rml_bytes_of(data, channels[i].size + 4), &err));
        }
    }
    OK(rml_mcap_writer_finish(w, &err));
    rml_mcap_writer_close(w);
}

static int64_t number(rml_lake *lake, const char *sql)
{
    rml_error err = {0};
    rml_rows *rows;
    rml_batch batch = {0};
    OK(rml_lake_sql(lake, rml_str_of(sql), &rows, &err));
    OK(rml_rows_all(rows, 10, &batch, &err));
    assert_int_equal(batch.count, 1);
    int64_t out = rml_column_get_i64(&batch.columns[0], 0);
    rml_batch_reset(&batch);
    rml_rows_close(rows);
    return out;
}

// Follows every reference: read, decompress, cut out, compare the CRC.
static void check_blobs(rml_lake *lake)
{
    rml_error err = {0};
    rml_rows *rows;
    rml_batch b = {0};
    OK(rml_lake_sql(lake,
                    RML_STR("SELECT uri, \"offset\", length, codec, inner_offset, inner_length, "
                            "crc32c FROM blobs ORDER BY channel, log_ns"),
                    &rows, &err));
    OK(rml_rows_all(rows, 100, &b, &err));
    assert_int_equal(b.count, 2 * EACH);
    for (size_t i = 0; i < b.count; i++) {
        rml_object object;
        rml_bytes range;
        rml_codec_context codec = {0};
        rml_buffer out = {0};
        rml_str uri = rml_column_get_str(&b.columns[0], i);
        OK(rml_object_open(&object, uri, &err));
        OK(rml_object_range(&object, uri, (uint64_t)rml_column_get_i64(&b.columns[1], i),
                            (size_t)rml_column_get_i64(&b.columns[2], i), &range, &err));
        assert_true(rml_str_equal(rml_column_get_str(&b.columns[3], i), RML_STR("zstd")));
        OK(rml_decompress_all(&codec, RML_CODEC_ZSTD, range, (size_t)1 << 24, &out, (rml_place){0},
                              &err));
        size_t at = (size_t)rml_column_get_i64(&b.columns[4], i);
        size_t len = (size_t)rml_column_get_i64(&b.columns[5], i);
        assert_true(at + len <= out.len);
        assert_int_equal(rml_crc32c(0, out.data + at, len), rml_column_get_i64(&b.columns[6], i));
        rml_codec_context_reset(&codec);
        rml_buffer_reset(&out);
        rml_object_close(&object);
    }
    rml_batch_reset(&b);
    rml_rows_close(rows);
}

static void every_fate(void **state)
{
    (void)state;
    rml_error err = {0};
    rml_arena arena = {0};
    const char *temporary = rml_env("TMPDIR");
    rml_str folder =
        rml_arena_printf(&arena, "%s/ingest_test_%lld", temporary == NULL ? "/tmp" : temporary,
                         (long long)rml_clock_monotonic_ns());
    rml_str path = rml_path_join(&arena, folder, RML_STR("r.mcap"));
    rml_lake *lake;
    OK(rml_folder_make(folder.data, &err));
    make(path.data);
    OK(rml_lake_open(rml_path_join(&arena, folder, RML_STR("lake")), &lake, &err));
    rml_ingest_result made;
    OK(rml_ingest_recording(lake, path, NULL, NULL, &made, &err));
    assert_int_equal(made.messages, CHANNELS * EACH);
    assert_int_equal(made.messages, made.rows + made.blobs + made.rejects);
    uint64_t rows = 0, blobs = 0;
    for (size_t i = 0; i < CHANNELS; i++) {
        rows += channels[i].rows;
        blobs += channels[i].blobs;
    }
    assert_int_equal(made.rows, rows);
    assert_int_equal(made.blobs, blobs);
    assert_true(made.complete && !made.already);
    assert_int_equal(number(lake, "SELECT count(*) FROM signals_t_msg_good"), EACH);
    assert_int_equal(number(lake, "SELECT sum(message_channel) FROM signals_t_msg_other"), 0);
    for (size_t i = 0; i < CHANNELS; i++) {
        rml_str sql = rml_arena_printf(
            &arena,
            "SELECT count(*) FROM rejects WHERE channel = '%s' AND stage = '%s' AND "
            "length(reason) > 10",
            channels[i].topic, channels[i].stage == NULL ? "" : channels[i].stage);
        assert_int_equal(number(lake, sql.data), channels[i].stage == NULL ? 0 : EACH);
        sql = rml_arena_printf(&arena, "SELECT count(*) FROM blobs WHERE channel = '%s'",
                               channels[i].topic);
        assert_int_equal(number(lake, sql.data), channels[i].blobs);
    }
    check_blobs(lake);
    OK(rml_ingest_recording(lake, path, NULL, NULL, &made, &err));
    assert_true(made.already);
    assert_int_equal(number(lake, "SELECT count(*) FROM recordings"), 1);
    rml_lake_close(lake);
    OK(rml_folder_remove(folder.data, &err));
    rml_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_fate)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
