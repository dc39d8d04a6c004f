// Protects: the same calls mean the same for local files and for objects without paths, rename or
// link; whoever loses a conditional put is told; a folder appears whole or not, with a fault at any
// operation, and doing it again completes it; a scheme that nobody knows is refused by name.
#define _GNU_SOURCE // mkdtemp, strndup
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/memory.h"

static char folder[400];
static const char *roots[2]; // a local folder, objects

static int setup(void **state)
{
    (void)state;
    const char *base = rml_env("TMPDIR");
    snprintf(folder, sizeof folder, "%s/roadmill-store-XXXXXX", base != NULL ? base : "/tmp");
    roots[0] = mkdtemp(folder);
    roots[1] = "mem://bucket/prefix";
    return roots[0] == NULL || rml_store_add(&memory_scheme, NULL) != RML_OK;
}

static int teardown(void **state)
{
    (void)state;
    memory_clear();
    return rml_folder_remove(folder, NULL) != RML_OK;
}

// ROOT/name, in one of a few places that are used in turn.
static rml_str at(int root, const char *name)
{
    static char texts[8][600];
    static size_t next;
    char *text = texts[next++ % 8];
    snprintf(text, sizeof texts[0], "%s/%s", roots[root], name);
    return rml_str_of(text);
}

static rml_bytes bytes(const char *text)
{
    return rml_bytes_of(text, strlen(text));
}

static void assert_holds(rml_str uri, const char *want)
{
    rml_buffer b = {0};
    rml_error err = {0};
    if (rml_store_get(uri, 1 << 20, &b, &err) != RML_OK) {
        fail_msg("%s: %s", err.place, err.what);
    }
    assert_true(rml_str_equal(rml_buffer_text(&b), rml_str_of(want)));
    rml_buffer_reset(&b);
}

// The names of a list joined by spaces, without the root of full ones.
static void assert_names(int root, const rml_array *names, const char *want)
{
    char text[2000] = "";
    size_t skip = strlen(roots[root]) + 1;
    for (size_t i = 0; i < names->count; i++) {
        rml_str n = *RML_AT(names, rml_str, i);
        if (rml_str_starts(n, rml_str_of(roots[root]))) {
            n = (rml_str){n.data + skip, n.len - skip};
        }
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.*s", i > 0 ? " " : "",
                 RML_FMT(n));
    }
    assert_string_equal(text, want);
}

static void assert_listed(int root, const char *name, bool deep, const char *want)
{
    rml_arena arena = {0};
    rml_array names = RML_ARRAY(rml_str);
    rml_status st = deep ? rml_store_walk(at(root, name), &arena, &names, NULL)
                         : rml_store_list(at(root, name), &arena, &names, NULL);
    assert_int_equal(st, RML_OK);
    assert_names(root, &names, want);
    rml_array_reset(&names);
    rml_arena_reset(&arena);
}

static void objects_are_put_whole(void **state)
{
    (void)state;
    for (int root = 0; root < 2; root++) {
        rml_buffer b = {0};
        rml_error err = {0};
        rml_file_info info;
        rml_str uri = at(root, "a");
        assert_int_equal(rml_store_get(uri, 10, &b, &err), RML_ERR_MISSING);
        assert_non_null(strstr(err.place, "/a"));
        assert_int_equal(rml_store_put_new(uri, bytes("first"), NULL), RML_OK);
        assert_int_equal(rml_store_put_new(uri, bytes("second"), NULL), RML_ERR_EXISTS);
        assert_holds(uri, "first");
        assert_int_equal(rml_store_get(uri, 4, &b, NULL), RML_ERR_LIMIT);
        assert_int_equal(rml_store_put(uri, bytes("other bytes"), NULL), RML_OK);
        assert_holds(uri, "other bytes");
        assert_int_equal(rml_store_stat(uri, &info, NULL), RML_OK);
        assert_true(info.exists && !info.is_folder && info.size == 11);
        assert_int_equal(rml_store_put(uri, bytes(""), NULL), RML_OK);
        assert_holds(uri, "");
        assert_int_equal(rml_store_remove(uri, NULL), RML_OK);
        assert_int_equal(rml_store_stat(uri, &info, NULL), RML_OK);
        assert_false(info.exists);
        rml_buffer_reset(&b);
    }
}

static void ranges_are_read(void **state)
{
    (void)state;
    size_t size = ((size_t)17 << 20) + 3; // above two pieces of a fetch
    uint8_t *data = malloc(size);
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    }
    for (int root = 0; root < 2; root++) {
        rml_object o;
        rml_bytes range;
        rml_str uri = at(root, "large");
        assert_int_equal(rml_store_put(uri, rml_bytes_of(data, size), NULL), RML_OK);
        assert_int_equal(rml_object_open(&o, uri, NULL), RML_OK);
        assert_int_equal(o.bytes.len, size);
        assert_memory_equal(o.bytes.data, data, size);
        rml_object_release(&o, 0, size);
        assert_int_equal(rml_object_range(&o, uri, 9 << 20, 5, &range, NULL), RML_OK);
        assert_memory_equal(range.data, data + (9 << 20), 5);
        assert_int_equal(rml_object_range(&o, uri, size - 1, 2, &range, NULL), RML_ERR_DATA);
        rml_object_close(&o);
        assert_int_equal(rml_object_open(&o, at(root, "none"), NULL), RML_ERR_MISSING);
        assert_int_equal(rml_store_remove(uri, NULL), RML_OK);
    }
    free(data);
}

static void folders_are_listed(void **state)
{
    (void)state;
    static const char *const names[] = {"l/b", "l/a", "l/d/x", "l/d/e/y", "lo"};
    for (int root = 0; root < 2; root++) {
        rml_arena arena = {0};
        rml_array none = RML_ARRAY(rml_str);
        rml_file_info info;
        assert_int_equal(rml_store_folder_make(at(root, "l/d/e"), NULL), RML_OK);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            assert_int_equal(rml_store_put(at(root, names[i]), bytes("x"), NULL), RML_OK);
        }
        assert_listed(root, "l", false, "a b d");
        assert_listed(root, "l", true, "l/a l/b l/d/e/y l/d/x");
        assert_listed(root, "lo", true, "lo");
        assert_listed(root, "none", false, "");
        assert_int_equal(rml_store_walk(at(root, "none"), &arena, &none, NULL), RML_ERR_MISSING);
        assert_int_equal(rml_store_stat(at(root, "l/d"), &info, NULL), RML_OK);
        assert_true(info.exists && info.is_folder);
        assert_int_equal(rml_store_folder_remove(at(root, "l"), NULL), RML_OK);
        assert_int_equal(rml_store_folder_remove(at(root, "l"), NULL), RML_OK);
        assert_listed(root, "l", false, "");
        assert_holds(at(root, "lo"), "x");
        assert_int_equal(rml_store_remove(at(root, "lo"), NULL), RML_OK);
        rml_array_reset(&none);
        rml_arena_reset(&arena);
    }
}

static void writers_commit(void **state)
{
    (void)state;
    for (int root = 0; root < 2; root++) {
        rml_store_writer w = {0};
        rml_file_info info;
        rml_store_writer_close(&w); // not open
        assert_int_equal(rml_store_writer_open(&w, at(root, "w"), NULL), RML_OK);
        assert_int_equal(rml_store_writer_write(&w, "0123456789", 10, NULL), RML_OK);
        assert_int_equal(rml_store_writer_patch(&w, 2, "xy", 2, NULL), RML_OK);
        assert_int_equal(w.size, 10);
        assert_int_equal(rml_store_stat(at(root, "w"), &info, NULL), RML_OK);
        assert_false(info.exists);
        assert_int_equal(rml_store_writer_rename(&w, at(root, "v"), NULL), RML_OK);
        assert_true(rml_str_equal(rml_store_writer_uri(&w), at(root, "v")));
        assert_int_equal(rml_store_writer_commit(&w, false, NULL), RML_OK);
        assert_holds(at(root, "v"), "01xy456789");
        // One that is there is kept, or written over if asked for.
        assert_int_equal(rml_store_writer_open(&w, at(root, "v"), NULL), RML_OK);
        assert_int_equal(rml_store_writer_write(&w, "new", 3, NULL), RML_OK);
        assert_int_equal(rml_store_writer_commit(&w, false, NULL), RML_ERR_EXISTS);
        rml_store_writer_close(&w);
        assert_holds(at(root, "v"), "01xy456789");
        assert_int_equal(rml_store_writer_open(&w, at(root, "v"), NULL), RML_OK);
        assert_int_equal(rml_store_writer_write(&w, "new", 3, NULL), RML_OK);
        assert_int_equal(rml_store_writer_commit(&w, true, NULL), RML_OK);
        assert_holds(at(root, "v"), "new");
        assert_int_equal(rml_store_writer_open(&w, at(root, "left"), NULL), RML_OK);
        rml_store_writer_close(&w);
        assert_listed(root, "", false, "v");
        assert_int_equal(rml_store_remove(at(root, "v"), NULL), RML_OK);
    }
}

static rml_status make_folder(int root, const char *name, const char *b, rml_error *err)
{
    rml_store_folder f = {0};
    RML_TRY(rml_store_folder_begin(&f, at(root, ".making"), err));
    char path[700];
    snprintf(path, sizeof path, "%s/d", f.path.data);
    rml_status st = rml_folder_make(path, err);
    snprintf(path, sizeof path, "%s/a", f.path.data);
    st = st ? st : rml_file_replace(path, bytes("one"), err);
    snprintf(path, sizeof path, "%s/d/b", f.path.data);
    st = st ? st : rml_file_replace(path, bytes(b), err);
    st = st ? st : rml_store_folder_commit(&f, at(root, name), err);
    rml_store_folder_close(&f);
    return st;
}

static bool has_folder(int root, const char *name)
{
    bool has = false;
    assert_int_equal(rml_store_folder_has(at(root, name), &has, NULL), RML_OK);
    return has;
}

static void folders_appear_whole(void **state)
{
    (void)state;
    for (int root = 0; root < 2; root++) {
        assert_false(has_folder(root, "whole"));
        assert_int_equal(make_folder(root, "whole", "two", NULL), RML_OK);
        assert_true(has_folder(root, "whole"));
        assert_listed(root, "whole", true, "whole/a whole/d/b");
        assert_listed(root, "whole", false, "a d");
        assert_listed(root, "", false, "whole");
        assert_int_equal(make_folder(root, "whole", "three", NULL), RML_ERR_EXISTS);
        assert_holds(at(root, "whole/d/b"), "two");
        assert_int_equal(rml_store_folder_remove(at(root, "whole"), NULL), RML_OK);
        assert_false(has_folder(root, "whole"));
        assert_listed(root, "", false, "");
    }
}

// What lies below a name without belonging there, from a killed attempt, is no part of it; other
// bytes under a name of its own are a conflict that is told.
static void half_folders_are_not_mixed(void **state)
{
    (void)state;
    assert_int_equal(rml_store_put(at(1, "f/stray"), bytes("x"), NULL), RML_OK);
    assert_int_equal(rml_store_put(at(1, "f/a"), bytes("one"), NULL), RML_OK);
    assert_false(has_folder(1, "f"));
    assert_int_equal(make_folder(1, "f", "two", NULL), RML_OK);
    assert_listed(1, "f", true, "f/a f/d/b");
    assert_int_equal(rml_store_put(at(1, "g/a"), bytes("of another"), NULL), RML_OK);
    assert_int_equal(make_folder(1, "g", "two", NULL), RML_ERR_CONFLICT);
    assert_false(has_folder(1, "g"));
    assert_int_equal(rml_store_folder_remove(at(1, "f"), NULL), RML_OK);
    assert_int_equal(rml_store_folder_remove(at(1, "g"), NULL), RML_OK);
    assert_int_equal(memory.count, 0);
}

static void faults_leave_before_or_after(void **state)
{
    (void)state;
    for (int fault = 0; fault < MEMORY_FAULTS; fault++) {
        bool failed = true;
        for (uint64_t n = 1; failed; n++) {
            memory_fail(n, (memory_fault)fault);
            rml_status st = make_folder(1, "f", "two", NULL);
            failed = st != RML_OK;
            memory_fail(0, MEMORY_REFUSES);
            assert_true(!failed || st == RML_ERR_IO);
            assert_true(failed || has_folder(1, "f"));
            if (has_folder(1, "f")) {
                assert_listed(1, "f", true, "f/a f/d/b");
            } else {
                assert_int_equal(make_folder(1, "f", "two", NULL), RML_OK);
            }
            assert_holds(at(1, "f/d/b"), "two");
            // The same while it is taken away.
            memory_fail(n, (memory_fault)fault);
            rml_status removed = rml_store_folder_remove(at(1, "f"), NULL);
            memory_fail(0, MEMORY_REFUSES);
            if (removed != RML_OK && has_folder(1, "f")) {
                assert_listed(1, "f", true, "f/a f/d/b");
                assert_holds(at(1, "f/d/b"), "two");
            }
            assert_int_equal(rml_store_folder_remove(at(1, "f"), NULL), RML_OK);
            assert_int_equal(memory.count, 0);
            failed = failed || removed != RML_OK;
            assert_true(n < 100);
        }
    }
}

static void copies_are_made_once(void **state)
{
    (void)state;
    for (int root = 0; root < 2; root++) {
        rml_store_copies c = {0};
        rml_str first, again, other;
        assert_int_equal(rml_store_put(at(root, "c.parquet"), bytes("content"), NULL), RML_OK);
        assert_int_equal(rml_store_put(at(root, "d.parquet"), bytes("d"), NULL), RML_OK);
        assert_int_equal(rml_store_copy(&c, at(root, "c.parquet"), &first, NULL), RML_OK);
        uint64_t operations = memory.operations;
        assert_int_equal(rml_store_copy(&c, at(root, "c.parquet"), &again, NULL), RML_OK);
        assert_int_equal(memory.operations, operations);
        assert_ptr_equal(first.data, again.data);
        assert_int_equal(rml_store_copy(&c, at(root, "d.parquet"), &other, NULL), RML_OK);
        assert_true(rml_str_ends(first, RML_STR("c.parquet")));
        assert_holds(first, "content");
        assert_holds(other, "d");
        assert_int_equal(root == 0, rml_str_equal(first, at(root, "c.parquet")));
        assert_int_equal(rml_store_copy(&c, at(root, "none"), &other, NULL),
                         root == 0 ? RML_OK : RML_ERR_MISSING);
        char kept[700];
        snprintf(kept, sizeof kept, "%.*s", RML_FMT(first));
        rml_store_copies_close(&c);
        assert_int_equal(rml_file_exists(kept), root == 0);
        assert_int_equal(rml_store_remove(at(root, "c.parquet"), NULL), RML_OK);
        assert_int_equal(rml_store_remove(at(root, "d.parquet"), NULL), RML_OK);
    }
}

static void locks_hold(void **state)
{
    (void)state;
    for (int root = 0; root < 2; root++) {
        rml_lock a, b;
        assert_int_equal(rml_store_lock(&a, at(root, "lock"), false, NULL), RML_OK);
        assert_int_equal(rml_store_lock(&b, at(root, "lock"), false, NULL), RML_ERR_EXISTS);
        assert_int_equal(rml_store_lock(&b, at(root, "lock2"), false, NULL), RML_OK);
        rml_lock_drop(&b);
        rml_lock_drop(&a);
        assert_int_equal(rml_store_lock(&a, at(root, "lock"), false, NULL), RML_OK);
        rml_lock_drop(&a);
    }
    assert_int_equal(rml_store_remove(at(0, "lock"), NULL), RML_OK);
    assert_int_equal(rml_store_remove(at(0, "lock2"), NULL), RML_OK);
}

static void schemes_are_known_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        rml_status status;
        const char *path, *what; // the local one; what an error says
    } cases[] = {
        {"a", RML_OK, "a", NULL},
        {"a:b/c", RML_OK, "a:b/c", NULL},
        {"C:/x", RML_OK, "C:/x", NULL},
        {"dir/x://y", RML_OK, "dir/x://y", NULL},
        {"1x://y", RML_OK, "1x://y", NULL},
        {"://y", RML_OK, "://y", NULL},
        {"file:///tmp/x", RML_OK, "/tmp/x", NULL},
        {"file:x", RML_OK, "file:x", NULL},
        {"file://host/x", RML_ERR_ARGUMENT, NULL, "file:///absolute/path"},
        {"file://", RML_ERR_ARGUMENT, NULL, "file:///absolute/path"},
        {"", RML_ERR_ARGUMENT, NULL, "found an empty one"},
        {"s3://bucket/x", RML_ERR_UNSUPPORTED, NULL, "(file, mem), found \"s3\", which none knows"},
        {"h+t-t.p1://x", RML_ERR_UNSUPPORTED, NULL, "found \"h+t-t.p1\""},
        {"mem://x", RML_ERR_UNSUPPORTED, NULL, "an object of scheme mem"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rml_arena arena = {0};
        rml_error err = {0};
        rml_str path = {0};
        rml_status st = rml_store_path(rml_str_of(cases[i].uri), &arena, &path, &err);
        if (st != cases[i].status) {
            fail_msg("%s: %s: %s", cases[i].uri, rml_status_name(st), err.what);
        }
        if (st == RML_OK) {
            assert_string_equal(path.data, cases[i].path);
        } else if (strstr(err.what, cases[i].what) == NULL) {
            fail_msg("%s: %s", cases[i].uri, err.what);
        }
        assert_int_equal(rml_store_is_local(rml_str_of(cases[i].uri)),
                         cases[i].status != RML_ERR_UNSUPPORTED);
        rml_arena_reset(&arena);
    }
    assert_int_equal(rml_store_add(&memory_scheme, NULL), RML_ERR_EXISTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_put_whole),
        cmocka_unit_test(ranges_are_read),
        cmocka_unit_test(folders_are_listed),
        cmocka_unit_test(writers_commit),
        cmocka_unit_test(folders_appear_whole),
        cmocka_unit_test(half_folders_are_not_mixed),
        cmocka_unit_test(faults_leave_before_or_after),
        cmocka_unit_test(copies_are_made_once),
        cmocka_unit_test(locks_hold),
        cmocka_unit_test(schemes_are_known_by_name),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
