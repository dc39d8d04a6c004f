// Protects: sharded tensors come back as they were; what has not changed is linked, not written; a
// file that its name does not fit, a foreign name and a missing tensor are told by file.
#define _DEFAULT_SOURCE 1 // mkdtemp

#include "shards.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { TENSORS = 5, FLOATS = 700000 }; // 2.8 MB each: one a file

typedef struct fixture {
    char folder[64];
    rml_safetensor list[TENSORS];
    float *data[TENSORS];
    rml_members members;
} fixture;

static int setup(void **state)
{
    static const char *const names[TENSORS] = {"a", "b", "c", "d", "e"};
    fixture *f = calloc(1, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/shards-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    for (size_t i = 0; i < TENSORS; i++) {
        f->data[i] = malloc(FLOATS * sizeof(float));
        for (size_t k = 0; k < FLOATS; k++) {
            f->data[i][k] = (float)(k * (i + 1)) * 0.25f;
        }
        f->list[i] = (rml_safetensor){
            .name = rml_str_of(names[i]), .shape = {2, {FLOATS / 100, 100}}, .count = FLOATS};
    }
    f->members = (rml_members){.list = f->list, .data = f->data, .count = TENSORS};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    assert_int_equal(rml_folder_remove(f->folder, NULL), RML_OK);
    for (size_t i = 0; i < TENSORS; i++) {
        free(f->data[i]);
    }
    free(f);
    return 0;
}

static rml_str put(fixture *f, const char *name, rml_str before, char path[128], uint64_t *bytes)
{
    snprintf(path, 128, "%s/%s", f->folder, name);
    assert_int_equal(rml_folder_make(path, NULL), RML_OK);
    *bytes = 0;
    assert_int_equal(rml_shards_write(rml_str_of(path), before, "weights", &f->members,
                                      (const float *const *)f->data, bytes, NULL),
                     RML_OK);
    return rml_str_of(path);
}

static void test_only_changes_are_written(void **state)
{
    fixture *f = *state;
    char a[128], b[128], c[128];
    uint64_t first, second, third, one = FLOATS * sizeof(float);
    rml_str one_folder = put(f, "one", (rml_str){0}, a, &first);
    assert_true(first > TENSORS * one && first < TENSORS * (one + 200));
    rml_str two_folder = put(f, "two", one_folder, b, &second);
    assert_int_equal(second, 0);
    f->data[3][17] += 1;
    rml_str three_folder = put(f, "three", two_folder, c, &third);
    assert_true(third > one && third < one + 200);
    // The copies stand by themselves: the first folder may go.
    assert_int_equal(rml_folder_remove(a, NULL), RML_OK);
    float kept = f->data[3][17];
    for (size_t i = 0; i < TENSORS; i++) {
        f->data[i][17] = -1;
    }
    assert_int_equal(rml_shards_read(three_folder, "weights", &f->members, NULL), RML_OK);
    assert_true(f->data[3][17] == kept && f->data[0][17] == 17 * 0.25f);
    assert_int_equal(rml_shards_read(two_folder, "weights", &f->members, NULL), RML_OK);
    assert_true(f->data[3][17] == kept - 1);
}

static void test_damage_is_told(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *name, *from, *to; // in the index
        const char *what;
    } cases[] = {
        {"another file's name", NULL, NULL, "the bytes that its name is the SHA-256 of"},
        {"a path", "\"a\":\"", "\"a\":\"../", "a file named by its SHA-256"},
        {"no such tensor", "\"b\":", "\"x\":", "expected tensor \"b\", found none"},
        {"one tensor less", "\"a\":", "\"b\":", "expected each key once"},
        {"no map", "weight_map", "weight_mop", "a weight_map of all tensors"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char folder[128], path[200], name[16];
        uint64_t bytes;
        snprintf(name, sizeof name, "damage-%zu", i);
        rml_str at = put(f, name, (rml_str){0}, folder, &bytes);
        snprintf(path, sizeof path, "%s/weights.safetensors.index.json", folder);
        rml_buffer text = {0}, changed = {0};
        assert_int_equal(rml_file_read(path, 1 << 20, &text, NULL), RML_OK);
        assert_int_equal(rml_buffer_append(&text, "", 1, NULL), RML_OK);
        char *index = (char *)text.data, *found = strstr(index, "weight_map");
        if (cases[i].from != NULL) {
            found = strstr(index, cases[i].from);
            assert_non_null(found);
            assert_int_equal(rml_buffer_printf(&changed, NULL, "%.*s%s%s", (int)(found - index),
                                               index, cases[i].to, found + strlen(cases[i].from)),
                             RML_OK);
            assert_int_equal(rml_file_replace(path, rml_buffer_bytes(&changed), NULL), RML_OK);
        } else {
            char shard[300];
            snprintf(shard, sizeof shard, "%s/%.64s.safetensors", folder,
                     strstr(found, ".safetensors") - 64);
            FILE *file = fopen(shard, "r+b");
            assert_non_null(file);
            fseek(file, -1, SEEK_END);
            fputc('!', file);
            fclose(file);
        }
        rml_error err = {0};
        rml_status st = rml_shards_read(at, "weights", &f->members, &err);
        if (st != RML_ERR_DATA || strstr(err.what, cases[i].what) == NULL ||
            strstr(err.place, folder) == NULL) {
            fail_msg("%s: found %s at \"%s\": %s", cases[i].name, rml_status_name(st), err.place,
                     err.what);
        }
        rml_buffer_reset(&text);
        rml_buffer_reset(&changed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_only_changes_are_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage_is_told, setup, teardown),
    };
    return cmocka_run_group_tests_name("train shards", tests, NULL, NULL);
}
