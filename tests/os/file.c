// Files are there whole or not at all; folders list in the order of bytes; paths cut as text.
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "roadmill/os.h"

static char folder[512];

static int make_folder(void **state)
{
    (void)state;
    const char *base = rml_env("TMPDIR");
    snprintf(folder, sizeof folder, "%s/roadmill-file-XXXXXX", base != NULL ? base : "/tmp");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    return rml_folder_remove(folder, NULL) != RML_OK;
}

static const char *in_folder(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static size_t names_in_folder(void)
{
    rml_arena arena = {0};
    rml_array names = RML_ARRAY(rml_str);
    assert_int_equal(rml_folder_list(folder, &arena, &names, NULL), RML_OK);
    size_t count = names.count;
    rml_array_reset(&names);
    rml_arena_reset(&arena);
    return count;
}

static void put_new_never_overwrites(void **state)
{
    (void)state;
    const char *path = in_folder("once");
    rml_error err = {0};
    assert_int_equal(rml_file_put_new(path, rml_bytes_of("first", 5), &err), RML_OK);
    assert_int_equal(rml_file_put_new(path, rml_bytes_of("second", 6), &err), RML_ERR_EXISTS);
    rml_buffer content = {0};
    assert_int_equal(rml_file_read(path, 100, &content, &err), RML_OK);
    assert_int_equal(content.len, 5);
    assert_memory_equal(content.data, "first", 5);
    assert_int_equal(rml_file_replace(path, rml_bytes_of("third", 5), &err), RML_OK);
    rml_buffer_clear(&content);
    assert_int_equal(rml_file_read(path, 100, &content, &err), RML_OK);
    assert_memory_equal(content.data, "third", 5);
    rml_buffer_clear(&content);
    assert_int_equal(rml_file_read(path, 4, &content, &err), RML_ERR_LIMIT);
    rml_buffer_reset(&content);
    assert_int_equal(names_in_folder(), 1);
    assert_int_equal(rml_file_remove(path, &err), RML_OK);
}

static void a_writer_without_commit_leaves_nothing(void **state)
{
    (void)state;
    rml_file_writer w;
    assert_int_equal(rml_file_writer_open(&w, in_folder("half"), NULL), RML_OK);
    for (int i = 0; i < 3000; i++) {
        char block[1000];
        memset(block, i & 255, sizeof block);
        assert_int_equal(rml_file_writer_write(&w, block, sizeof block, NULL), RML_OK);
    }
    assert_int_equal(w.size, 3000000);
    rml_file_writer_close(&w);
    assert_int_equal(names_in_folder(), 0);
}

static void a_missing_file_says_so(void **state)
{
    (void)state;
    rml_error err = {0};
    rml_map_file map;
    assert_int_equal(rml_map_file_open(&map, in_folder("none"), &err), RML_ERR_MISSING);
    assert_non_null(strstr(err.place, "none"));
    assert_int_equal(rml_map_file_open(&map, folder, &err), RML_ERR_IO);
    rml_map_file_close(&map);
}

static void paths(void **state)
{
    (void)state;
    static const struct {
        const char *path, *folder, *name;
    } cases[] = {
        {"a/b/c", "a/b", "c"}, {"c", ".", "c"}, {"/c", "/", "c"}, {"a/", "a", ""}, {"", ".", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rml_str path = rml_str_of(cases[i].path);
        assert_true(rml_str_equal(rml_path_folder(path), rml_str_of(cases[i].folder)));
        assert_true(rml_str_equal(rml_path_name(path), rml_str_of(cases[i].name)));
    }
}

static void a_clock_writes_utc(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1792569330000000000, "2026-10-21T07:55:30Z"},
        {1500000000, "1970-01-01T00:00:01.5Z"},
        {-1, "1969-12-31T23:59:59.999999999Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[40];
        rml_clock_text(cases[i].ns, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void a_lock_keeps_others_out(void **state)
{
    (void)state;
    rml_lock first, second;
    const char *path = in_folder("lock");
    assert_int_equal(rml_lock_take(&first, path, false, NULL), RML_OK);
    assert_int_equal(rml_lock_take(&second, path, false, NULL), RML_ERR_EXISTS);
    rml_lock_drop(&first);
    assert_int_equal(rml_lock_take(&second, path, false, NULL), RML_OK);
    rml_lock_drop(&second);
    assert_int_equal(rml_file_remove(path, NULL), RML_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_new_never_overwrites),
        cmocka_unit_test(a_writer_without_commit_leaves_nothing),
        cmocka_unit_test(a_missing_file_says_so),
        cmocka_unit_test(paths),
        cmocka_unit_test(a_clock_writes_utc),
        cmocka_unit_test(a_lock_keeps_others_out),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
