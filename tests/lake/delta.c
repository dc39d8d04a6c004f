// The Delta log: what a log's actions leave, and which logs are refused and why.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/lake/delta.h"
#include "roadmill/os.h"

#define PROTOCOL "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"
#define SCHEMA(fields)                                                                             \
    "\"schemaString\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[" fields "]}\""
#define FIELD(name, type)                                                                          \
    "{\\\"name\\\":\\\"" name "\\\",\\\"type\\\":\\\"" type                                        \
    "\\\",\\\"nullable\\\":true,\\\"metadata\\\":{}}"
#define META                                                                                       \
    "{\"metaData\":{\"id\":\"x\"," SCHEMA(FIELD("a", "long")) ",\"partitionColumns\":[],"          \
                                                              "\"configuration\":{}}}\n"
#define ADD(path) "{\"add\":{\"path\":\"" path "\",\"partitionValues\":{},\"size\":1}}\n"
#define REMOVE(path) "{\"remove\":{\"path\":\"" path "\"}}\n"
#define VECTOR "\"deletionVector\":{\"storageType\":\"u\",\"pathOrInlineDv\":\"z\",\"offset\":1}"

static const struct {
    const char *name, *log;
    rml_status status;
    const char *want; // paths with spaces between, or a part of the error
} cases[] = {
    {"nothing in it", PROTOCOL META, RML_OK, ""},
    {"files", PROTOCOL META ADD("b") ADD("a"), RML_OK, "a b "},
    {"added and removed", PROTOCOL META ADD("a") ADD("b") REMOVE("a"), RML_OK, "b "},
    {"removed and added again", PROTOCOL META ADD("a") REMOVE("a") ADD("a"), RML_OK, "a "},
    {"removed only", PROTOCOL META REMOVE("a"), RML_OK, ""},
    {"added twice is once", PROTOCOL META ADD("a") ADD("a"), RML_OK, "a "},
    {"percent-encoded", PROTOCOL META ADD("x%3D1/b%20c%25"), RML_OK, "x=1/b c% "},
    {"a percent sign alone", PROTOCOL META ADD("50%"), RML_OK, "50% "},
    {"removed by another spelling", PROTOCOL META ADD("a%62") REMOVE("ab"), RML_OK, ""},
    {"absolute", PROTOCOL META ADD("file:/tmp/x"), RML_OK, "/tmp/x "},
    {"absolute with authority", PROTOCOL META ADD("file:///tmp/x"), RML_OK, "/tmp/x "},
    {"elsewhere", PROTOCOL META ADD("s3://bucket/x"), RML_ERR_UNSUPPORTED, "s3://bucket/x"},
    {"zero byte", PROTOCOL META ADD("a%00"), RML_ERR_DATA, "without zero bytes"},
    {"no path", PROTOCOL META "{\"add\":{\"size\":1}}", RML_ERR_DATA, "expected a path"},
    {"unknown actions", PROTOCOL META "{\"domainMetadata\":{\"domain\":\"d\"}}\n" ADD("a"), RML_OK,
     "a "},
    {"a vector makes another file",
     PROTOCOL META ADD("a") "{\"add\":{\"path\":\"a\",\"size\":1," VECTOR "}}\n" REMOVE("a"),
     RML_ERR_UNSUPPORTED, "deletionVectors"},
    {"a vector that is gone",
     PROTOCOL META "{\"add\":{\"path\":\"a\",\"size\":1," VECTOR
                   "}}\n{\"remove\":{\"path\":\"a\"," VECTOR "}}\n" ADD("b"),
     RML_OK, "b "},
    {"no protocol", META ADD("a"), RML_ERR_DATA, "found no protocol"},
    {"no metadata", PROTOCOL ADD("a"), RML_ERR_DATA, "found no metaData"},
    {"no schema", PROTOCOL "{\"metaData\":{\"id\":\"x\"}}\n", RML_ERR_DATA, "found none"},
    {"a schema comes later", PROTOCOL "{\"metaData\":{\"id\":\"x\"}}\n" META ADD("a"), RML_OK,
     "a "},
    {"column mapping by version",
     "{\"protocol\":{\"minReaderVersion\":2,\"minWriterVersion\":5}}\n"
     "{\"metaData\":{\"id\":\"x\"," SCHEMA(
         FIELD("a", "long")) ",\"configuration\":{"
                             "\"delta.columnMapping.mode\":\"name\"}}}\n",
     RML_ERR_UNSUPPORTED, "columnMapping"},
    {"reader version 2 without mapping",
     "{\"protocol\":{\"minReaderVersion\":2,\"minWriterVersion\":5}}\n" META ADD("a"), RML_OK,
     "a "},
    {"a feature that we lack",
     "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":["
     "\"timestampNtz\",\"typeWidening\"]}}\n" META,
     RML_ERR_UNSUPPORTED, "typeWidening"},
    {"features that change nothing",
     "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":["
     "\"timestampNtz\",\"v2Checkpoint\",\"deletionVectors\"]}}\n" META ADD("a"),
     RML_OK, "a "},
    {"a version of the future",
     "{\"protocol\":{\"minReaderVersion\":4,\"minWriterVersion\":9}}\n" META, RML_ERR_UNSUPPORTED,
     "found 4"},
    {"a type that we lack",
     PROTOCOL "{\"metaData\":{\"id\":\"x\"," SCHEMA(FIELD("a", "variant")) "}}\n",
     RML_ERR_UNSUPPORTED, "variant"},
    {"not JSON", PROTOCOL META "{\"add\"", RML_ERR_DATA, "byte"},
    {"no object", PROTOCOL META "[]", RML_ERR_DATA, "a JSON object"},
};

static void logs_are_replayed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rml_delta d;
        rml_error err = {0};
        rml_status st = rml_delta_replay(&d, rml_str_of(cases[i].log), &err);
        char text[1200] = "";
        if (st != RML_OK) {
            rml_error_text(&err, text, sizeof text);
        }
        if (st != cases[i].status) {
            fail_msg("%s: %s: %s", cases[i].name, rml_status_name(st), text);
        }
        for (size_t k = 0; k < d.file_count; k++) {
            strncat(text, d.files[k].path.data, sizeof text - strlen(text) - 2);
            strcat(text, " ");
        }
        bool fine =
            st == RML_OK ? strcmp(text, cases[i].want) == 0 : strstr(text, cases[i].want) != NULL;
        if (!fine) {
            fail_msg("%s: expected \"%s\", found \"%s\"", cases[i].name, cases[i].want, text);
        }
        rml_delta_close(&d);
    }
}

static void any_cut_of_a_log_is_an_error_or_shorter(void **state)
{
    (void)state;
    rml_str log = rml_str_of(PROTOCOL META ADD("a") ADD("b") REMOVE("a"));
    for (size_t len = 0; len <= log.len; len++) {
        rml_delta d;
        rml_error err = {0};
        if (rml_delta_replay(&d, (rml_str){log.data, len}, &err) == RML_OK) {
            assert_true(d.file_count <= 2);
        } else {
            assert_true(err.what[0] != '\0');
        }
        rml_delta_close(&d);
    }
}

static void a_version_is_written_once(void **state)
{
    (void)state;
    rml_error err = {0};
    rml_arena arena = {0};
    const char *temporary = getenv("TMPDIR");
    rml_str folder =
        rml_arena_printf(&arena, "%s/roadmill_test_delta", temporary ? temporary : "/tmp");
    if (rml_file_exists(folder.data)) {
        assert_int_equal(rml_folder_remove(folder.data, &err), RML_OK);
    }
    rml_field field = {.name = {"a", 1}, .type = RML_TYPE_I64};
    rml_delta_file file = {.path = RML_STR("a b/ü.parquet"), .size = 3, .owner = RML_STR("me")};
    rml_delta_commit commit = {
        .schema = {&field, 1}, .add = &file, .add_count = 1, .operation = "WRITE"};
    assert_int_equal(rml_delta_write(folder, -1, &commit, &err), RML_OK);
    assert_int_equal(rml_delta_write(folder, -1, &commit, &err), RML_ERR_EXISTS);
    rml_delta d;
    assert_int_equal(rml_delta_open(&d, folder, -1, &err), RML_OK);
    assert_int_equal(d.version, 0);
    assert_int_equal(d.file_count, 1);
    assert_string_equal(d.files[0].path.data, "a b/ü.parquet");
    rml_str path = d.files[0].path;
    rml_delta_commit removal = {.remove = &path, .remove_count = 1, .operation = "DELETE"};
    assert_int_equal(rml_delta_write(folder, 0, &removal, &err), RML_OK);
    rml_delta_close(&d);
    assert_int_equal(rml_delta_open(&d, folder, -1, &err), RML_OK);
    assert_int_equal(d.file_count, 0);
    rml_delta_close(&d);
    assert_int_equal(rml_delta_open(&d, folder, 0, &err), RML_OK);
    assert_int_equal(d.file_count, 1);
    rml_delta_close(&d);
    assert_int_equal(rml_delta_open(&d, folder, 2, &err), RML_ERR_MISSING);
    rml_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logs_are_replayed),
        cmocka_unit_test(any_cut_of_a_log_is_an_error_or_shorter),
        cmocka_unit_test(a_version_is_written_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
