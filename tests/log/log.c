// Logs over MCAP files that the writer made: the writer's bytes, order of log time within a bound
// of memory, filters, damage, and channels that come again.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/base/random.h"
#include "roadmill/codec.h"
#include "roadmill/log.h"
#include "roadmill/log/mcap.h"
#include "roadmill/os.h"

#define MESSAGES 4000
#define OVERLAP_NS 300000
#define OK(call) assert_ok((call), &err, __LINE__)

static void assert_ok(rml_status st, const rml_error *err, int line)
{
    if (st != RML_OK) {
        fail_msg("line %d: %s: %s: %s", line, rml_status_name(st), err->place, err->what);
    }
}

static int64_t time_of(uint64_t i)
{
    return 1000000 + (int64_t)i * 1000 + (int64_t)rml_random_below(3, 0, i, OVERLAP_NS);
}

// Chunks of a few messages whose times overlap many chunks around them.
static void make(const char *path, rml_mcap_compression compression)
{
    rml_error err = {0};
    rml_mcap_writer *w;
    uint16_t schema, channels[3];
    const rml_mcap_writer_options options = {.profile = RML_STR("p"),
                                             .library = RML_STR("l"),
                                             .compression = compression,
                                             .no_data_crc = compression == RML_MCAP_LZ4,
                                             .chunk_size = 2000};
    static const char *const topics[] = {"/a", "/b", "/c"};
    OK(rml_mcap_writer_open(path, &options, &w, &err));
    OK(rml_mcap_writer_schema(w, RML_STR("T"), RML_STR("e"), rml_bytes_of("xyz", 3), &schema,
                              &err));
    for (size_t i = 0; i < 3; i++) {
        OK(rml_mcap_writer_channel(w, i == 2 ? 0 : schema, rml_str_of(topics[i]), RML_STR("raw"),
                                   &channels[i], &err));
    }
    for (uint64_t i = 0; i < MESSAGES; i++) {
        uint8_t data[64];
        memset(data, (int)(i & 255), sizeof data);
        int64_t t = time_of(i);
        OK(rml_mcap_writer_message(w, channels[i % 3], (uint32_t)i, t, t - 1,
                                   rml_bytes_of(data, i % sizeof data), &err));
    }
    OK(rml_mcap_writer_finish(w, &err));
    rml_mcap_writer_close(w);
}

static const char *file_path(void)
{
    static char path[512];
    const char *folder = rml_env("TMPDIR");
    snprintf(path, sizeof path, "%s/log_test_%lld.mcap", folder == NULL ? "/tmp" : folder,
             (long long)rml_clock_monotonic_ns());
    return path;
}

static const rml_mcap_compression compressions[] = {RML_MCAP_NONE, RML_MCAP_LZ4, RML_MCAP_ZSTD};

static rml_buffer make_bytes(rml_mcap_compression compression)
{
    rml_error err = {0};
    rml_buffer bytes = {0};
    const char *path = file_path();
    make(path, compression);
    OK(rml_file_read(path, (size_t)1 << 24, &bytes, &err));
    OK(rml_file_remove(path, &err));
    return bytes;
}

static void same_calls_same_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        rml_buffer a = make_bytes(compressions[i]), b = make_bytes(compressions[i]);
        assert_int_equal(a.len, b.len);
        assert_memory_equal(a.data, b.data, a.len);
        rml_buffer_reset(&a);
        rml_buffer_reset(&b);
    }
}

// Reads all; checks order, content and that each message comes once.
static size_t read_all(rml_bytes file, const rml_log_options *options, rml_status *end)
{
    rml_error err = {0};
    rml_log *log;
    rml_log_message m;
    size_t count = 0;
    int64_t before = INT64_MIN;
    uint32_t sequence = 0;
    static uint8_t seen[MESSAGES];
    memset(seen, 0, sizeof seen);
    OK(rml_log_over(file, RML_STR("test"), options, &log, &err));
    while ((*end = rml_log_next(log, &m, &err)) == RML_OK) {
        assert_true(m.sequence < MESSAGES && !seen[m.sequence]);
        seen[m.sequence] = 1;
        assert_int_equal(m.log_ns, time_of(m.sequence));
        assert_int_equal(m.data.len, m.sequence % 64);
        assert_true(m.data.len == 0 || m.data.data[0] == (m.sequence & 255));
        if (options->order == RML_LOG_TIME_ORDER) {
            assert_true(m.log_ns > before || (m.log_ns == before && m.sequence > sequence));
        } else {
            assert_true(count == 0 || m.sequence > sequence);
        }
        before = m.log_ns;
        sequence = m.sequence;
        count++;
    }
    rml_log_close(log);
    return count;
}

static void every_order_gives_every_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        rml_buffer file = make_bytes(compressions[i]);
        const rml_log_options options[] = {
            {.order = RML_LOG_FILE_ORDER},
            {.stream = true},
            {.order = RML_LOG_TIME_ORDER},
            {.order = RML_LOG_FILE_ORDER, .threads = 4},
            {.order = RML_LOG_TIME_ORDER, .threads = 4},
            {.order = RML_LOG_TIME_ORDER, .threads = 3, .memory_max = 150000},
        };
        for (size_t k = 0; k < sizeof options / sizeof *options; k++) {
            rml_status end;
            assert_int_equal(read_all(rml_buffer_bytes(&file), &options[k], &end), MESSAGES);
            assert_int_equal(end, RML_END);
        }
        rml_buffer_reset(&file);
    }
}

// About 15 chunks overlap at any time; with room for few of them they are decompressed again.
static void order_of_time_keeps_its_memory(void **state)
{
    (void)state;
    rml_buffer file = make_bytes(RML_MCAP_ZSTD);
    rml_status end;
    rml_log_options options = {.order = RML_LOG_TIME_ORDER, .memory_max = 40000};
    assert_int_equal(read_all(rml_buffer_bytes(&file), &options, &end), MESSAGES);
    assert_int_equal(end, RML_END);
    options.memory_max = 1000; // less than one chunk: told, not kept quiet
    assert_true(read_all(rml_buffer_bytes(&file), &options, &end) < MESSAGES);
    assert_int_equal(end, RML_ERR_LIMIT);
    rml_buffer_reset(&file);
}

static void filters_leave_out_the_rest(void **state)
{
    (void)state;
    rml_buffer file = make_bytes(RML_MCAP_LZ4);
    const rml_str topics[] = {{"/b", 2}};
    for (int order = 0; order < 2; order++) {
        rml_log_options options = {.order = (rml_log_order)order,
                                   .start_ns = 2000000,
                                   .end_ns = 3000000,
                                   .topics = topics,
                                   .topic_count = 1};
        size_t expected = 0;
        for (uint64_t i = 0; i < MESSAGES; i++) {
            int64_t t = time_of(i);
            expected += i % 3 == 1 && t >= 2000000 && t < 3000000;
        }
        rml_status end;
        assert_true(expected > 100);
        assert_int_equal(read_all(rml_buffer_bytes(&file), &options, &end), expected);
        assert_int_equal(end, RML_END);
    }
    rml_buffer_reset(&file);
}

// Any cut: what lies before comes, one error, no crash; the error names the byte.
static void any_cut_gives_what_lies_before(void **state)
{
    (void)state;
    rml_buffer file = make_bytes(RML_MCAP_ZSTD);
    size_t least = 0;
    for (size_t size = 8; size < file.len; size += 977) {
        for (int order = 0; order < 2; order++) {
            const rml_log_options options = {.order = (rml_log_order)order};
            rml_status end;
            size_t count = read_all(rml_bytes_of(file.data, size), &options, &end);
            assert_int_equal(end, RML_ERR_DATA);
            assert_true(count >= least);
            least = order == 1 ? count : least;
        }
    }
    rml_buffer_reset(&file);
}

// A digest of all that a log gives: messages, faults, bytes lost.
static uint64_t digest_of(rml_bytes file, const rml_log_options *options, bool *told)
{
    rml_error err = {0};
    rml_log *log;
    rml_log_message m;
    rml_status st;
    uint64_t digest = 0;
    OK(rml_log_over(file, RML_STR("test"), options, &log, &err));
    while ((st = rml_log_next(log, &m, &err)) != RML_END) {
        *told |= st != RML_OK;
        digest = rml_random_u64(digest, (uint64_t)st, st == RML_OK ? m.sequence : 0);
        digest ^= st == RML_OK ? rml_crc32(0, m.data.data, m.data.len) + m.offset : 0;
    }
    digest = rml_random_u64(digest, 1, rml_log_bytes_lost(log));
    rml_log_close(log);
    return digest;
}

// Any flipped byte: an error, in any case no wrong message (read_all checks), and the same messages
// and faults however many threads read.
static void any_flip_is_found(void **state)
{
    (void)state;
    rml_buffer file = make_bytes(RML_MCAP_ZSTD);
    for (uint64_t i = 0; i < 300; i++) {
        size_t at = (size_t)rml_random_below(5, 0, i, file.len - 60) + 30;
        file.data[at] ^= 0x20;
        for (int order = 0; order < 2; order++) {
            const rml_log_options one = {.order = (rml_log_order)order};
            const rml_log_options four = {.order = (rml_log_order)order, .threads = 4};
            bool told = false;
            uint64_t digest = digest_of(rml_buffer_bytes(&file), &one, &told);
            assert_true(told || order == 1);
            assert_true(digest == digest_of(rml_buffer_bytes(&file), &four, &told));
        }
        file.data[at] ^= 0x20;
    }
    rml_buffer_reset(&file);
}

static void the_ledger_counts(void **state)
{
    (void)state;
    static const struct {
        uint32_t sequence;
        int64_t log_ns;
    } messages[] = {{1, 100}, {2, 200}, {2, 200}, {5, 900}, {6, 850}, {1, 1000}};
    rml_error err = {0};
    rml_arena arena = {0};
    rml_log_ledger ledger = {0};
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        const rml_log_message m = {.sequence = messages[i].sequence,
                                   .log_ns = messages[i].log_ns,
                                   .data = rml_bytes_of("abc", 3)};
        OK(rml_log_ledger_add(&ledger, &arena, &m, NULL, &err));
    }
    const rml_log_channel_ledger *c = &ledger.channels[0];
    assert_int_equal(c->messages, 6);
    assert_int_equal(c->bytes, 18);
    assert_int_equal(c->first_ns, 100);
    assert_int_equal(c->last_ns, 1000);
    assert_int_equal(c->gap_ns_max, 700);
    assert_int_equal(c->out_of_order, 1);
    assert_int_equal(c->sequence_drops, 2);
    assert_int_equal(c->duplicates, 1);
    rml_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_calls_same_bytes),
        cmocka_unit_test(every_order_gives_every_message),
        cmocka_unit_test(order_of_time_keeps_its_memory),
        cmocka_unit_test(filters_leave_out_the_rest),
        cmocka_unit_test(any_cut_gives_what_lies_before),
        cmocka_unit_test(any_flip_is_found),
        cmocka_unit_test(the_ledger_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
