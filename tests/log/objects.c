// Protects: recordings are written to and read from a store of objects without local paths, in
// every container that we write, with the bytes that a local file gets; with a fault at any
// operation nothing half is left, and doing it again completes it.
#define _GNU_SOURCE // mkdtemp, strndup
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/log/writer.h"
#include "store/memory.h"

enum { MESSAGES = 50 };
static char folder[400];

static int setup(void **state)
{
    (void)state;
    const char *base = rml_env("TMPDIR");
    snprintf(folder, sizeof folder, "%s/roadmill-objects-XXXXXX", base != NULL ? base : "/tmp");
    return mkdtemp(folder) == NULL || rml_store_add(&memory_scheme, NULL) != RML_OK;
}

static int teardown(void **state)
{
    (void)state;
    memory_clear();
    return rml_folder_remove(folder, NULL) != RML_OK;
}

static const struct {
    const char *format, *encoding, *name;
} kinds[] = {{"mcap", "cdr", "a.mcap"}, {"bag", "ros1", "a.bag"}, {"ros2", "cdr", "a"}};
#define KINDS (sizeof kinds / sizeof *kinds)

static rml_status write_messages(rml_log_writer *w, const char *encoding, rml_error *err)
{
    rml_log_channel c = {.topic = RML_STR("/x"),
                         .schema_name = RML_STR("std_msgs/msg/UInt32"),
                         .schema_encoding = RML_STR("ros2msg"),
                         .schema = rml_bytes_of("uint32 data", 11),
                         .message_encoding = rml_str_of(encoding)};
    uint32_t id;
    RML_TRY(rml_log_writer_channel(w, &c, &id, err));
    for (uint32_t i = 0; i < MESSAGES; i++) {
        uint8_t data[8] = {0, 1, 0, 0};
        rml_save_u32(data + 4, i);
        rml_log_message m = {.log_ns = 1000 * (int64_t)i,
                             .publish_ns = 1000 * (int64_t)i,
                             .sequence = i,
                             .data = rml_bytes_of(data, sizeof data)};
        RML_TRY(rml_log_writer_message(w, id, &m, err));
    }
    return rml_log_writer_finish(w, err);
}

static rml_status write_log(size_t kind, const char *uri, rml_error *err)
{
    rml_log_writer_options options = {.format = kinds[kind].format};
    rml_log_writer *w;
    RML_TRY(rml_log_writer_open(uri, &options, &w, err));
    rml_status st = write_messages(w, kinds[kind].encoding, err);
    rml_log_writer_close(w);
    return st;
}

static rml_status read_log(const char *uri, uint32_t *count, rml_error *err)
{
    rml_log *log;
    rml_log_message m;
    *count = 0;
    RML_TRY(rml_log_open(rml_str_of(uri), NULL, &log, err));
    rml_status st;
    while ((st = rml_log_next(log, &m, err)) == RML_OK) {
        assert_int_equal(m.data.len, 8);
        assert_int_equal(rml_load_u32(m.data.data + 4), *count);
        ++*count;
    }
    rml_log_close(log);
    return st == RML_END ? RML_OK : st;
}

static void same_bytes_as_a_file(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        char local[600], object[600];
        uint32_t count;
        rml_arena arena = {0};
        rml_array names = RML_ARRAY(rml_str);
        snprintf(local, sizeof local, "%s/%s", folder, kinds[k].name);
        snprintf(object, sizeof object, "mem://bucket/%s", kinds[k].name);
        assert_int_equal(write_log(k, local, NULL), RML_OK);
        assert_int_equal(write_log(k, object, NULL), RML_OK);
        assert_int_equal(read_log(object, &count, NULL), RML_OK);
        assert_int_equal(count, MESSAGES);
        assert_int_equal(rml_store_walk(rml_str_of(local), &arena, &names, NULL), RML_OK);
        for (size_t i = 0; i < names.count; i++) {
            rml_str name = *RML_AT(&names, rml_str, i);
            rml_str other =
                rml_arena_printf(&arena, "mem://bucket/%s", name.data + strlen(folder) + 1);
            rml_object a, b;
            assert_int_equal(rml_object_open(&a, name, NULL), RML_OK);
            assert_int_equal(rml_object_open(&b, other, NULL), RML_OK);
            assert_int_equal(a.bytes.len, b.bytes.len);
            assert_memory_equal(a.bytes.data, b.bytes.data, a.bytes.len);
            rml_object_close(&a);
            rml_object_close(&b);
        }
        rml_array_reset(&names);
        rml_arena_reset(&arena);
    }
    memory_clear();
}

static void faults_leave_all_or_nothing(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        for (int fault = 0; fault < MEMORY_FAULTS; fault++) {
            char uri[600];
            uint32_t count;
            bool failed = true;
            snprintf(uri, sizeof uri, "mem://bucket/%s", kinds[k].name);
            for (uint64_t n = 1; failed; n++) {
                memory_clear();
                memory_fail(n, (memory_fault)fault);
                failed = write_log(k, uri, NULL) != RML_OK;
                memory_fail(0, MEMORY_REFUSES);
                bool whole = false;
                rml_file_info info;
                assert_int_equal(rml_store_stat(rml_str_of(uri), &info, NULL), RML_OK);
                assert_int_equal(rml_store_folder_has(rml_str_of(uri), &whole, NULL), RML_OK);
                bool there = info.exists && (!info.is_folder || whole);
                assert_true(failed || there);
                if (!there) {
                    assert_int_equal(rml_store_folder_remove(rml_str_of(uri), NULL), RML_OK);
                    assert_int_equal(write_log(k, uri, NULL), RML_OK);
                }
                assert_int_equal(read_log(uri, &count, NULL), RML_OK);
                assert_int_equal(count, MESSAGES);
                // Reading tells what it could not have.
                memory_fail(n, (memory_fault)fault);
                rml_status st = read_log(uri, &count, NULL);
                memory_fail(0, MEMORY_REFUSES);
                assert_true(st == RML_ERR_IO || (st == RML_OK && count == MESSAGES));
                failed = failed || st != RML_OK;
                assert_true(n < 100);
            }
        }
    }
}

static void unknown_schemes_are_refused(void **state)
{
    (void)state;
    rml_error err = {0};
    uint32_t count;
    assert_int_equal(read_log("s3://bucket/a.mcap", &count, &err), RML_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.what, "\"s3\""));
    for (size_t k = 0; k < KINDS; k++) {
        err = (rml_error){0};
        assert_int_equal(write_log(k, "s3://bucket/a", &err), RML_ERR_UNSUPPORTED);
        assert_string_equal(err.place, "s3://bucket/a");
    }
    assert_false(rml_file_exists("s3:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes_as_a_file),
        cmocka_unit_test(faults_leave_all_or_nothing),
        cmocka_unit_test(unknown_schemes_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
