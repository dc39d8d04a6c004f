// Objects, edges, aliases, settings, counters, and transactions that happen whole or not at all.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scratch.h"

// 64 digits that begin as given.
static rml_str hash_of(rml_arena *arena, const char *start)
{
    return rml_arena_printf(arena, "%s%0*d", start, (int)(64 - strlen(start)), 0);
}

static rml_status put(rml_catalog *c, rml_arena *arena, const char *kind, const char *start,
                      const char *name, const char *body)
{
    rml_object_row row = {.kind = rml_str_of(kind),
                          .hash = hash_of(arena, start),
                          .name = rml_str_of(name),
                          .body = rml_str_of(body)};
    return rml_catalog_put(c, &row, NULL);
}

static void puts_and_gets(void **state)
{
    (void)state;
    rml_catalog *c = scratch_open("objects");
    rml_arena a = {0};
    rml_object_row row;
    rml_error err;
    assert_non_null(c);
    assert_int_equal(put(c, &a, "dataset", "abcd1", "first", "{}"), RML_OK);
    assert_int_equal(put(c, &a, "dataset", "abcd1", "first", "{}"), RML_OK);
    assert_int_equal(put(c, &a, "dataset", "abcd1", "first", "[]"), RML_ERR_CONFLICT);
    assert_int_equal(put(c, &a, "run", "abcd1", "", "{}"), RML_ERR_CONFLICT);
    assert_int_equal(put(c, &a, "dataset", "abcd2", "second", "{\"x\":1}"), RML_OK);
    assert_int_equal(put(c, &a, "run", "abce", "first", "{}"), RML_OK);
    rml_object_row bad = {.kind = RML_STR("run"), .hash = RML_STR("xyz")};
    assert_int_equal(rml_catalog_put(c, &bad, &err), RML_ERR_ARGUMENT);

    static const struct {
        const char *kind, *text;
        rml_status status;
        const char *start;
    } cases[] = {
        {"dataset", "first", RML_OK, "abcd1"},
        {"dataset", "abcd1", RML_OK, "abcd1"},
        {"dataset", "abcd2", RML_OK, "abcd2"},
        {"dataset", "abcd", RML_ERR_ARGUMENT, NULL},
        {"dataset", "abc", RML_ERR_MISSING, NULL},
        {"run", "abce", RML_OK, "abce"},
        {"run", "abcd1", RML_ERR_MISSING, NULL},
        {NULL, "abcd1", RML_OK, "abcd1"},
        {NULL, "abc", RML_ERR_MISSING, NULL},
        {"dataset", "third", RML_ERR_MISSING, NULL},
        {"dataset", "ABCD1", RML_ERR_MISSING, NULL},
        {"dataset", "", RML_ERR_MISSING, NULL},
        {"dataset", "abcd1%", RML_ERR_MISSING, NULL},
        {"dataset", "abcd' OR 1", RML_ERR_MISSING, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rml_status st =
            rml_catalog_get(c, cases[i].kind, rml_str_of(cases[i].text), &a, &row, &err);
        if (st != cases[i].status) {
            fail_msg("%s: found %s", cases[i].text, rml_status_name(st));
        }
        assert_true(st != RML_OK || rml_str_starts(row.hash, rml_str_of(cases[i].start)));
    }
    assert_int_equal(rml_catalog_get(c, "dataset", hash_of(&a, "abcd1"), &a, &row, &err), RML_OK);
    assert_true(row.created_ns > 0 && rml_str_equal(row.body, RML_STR("{}")));
    rml_arena_reset(&a);
    scratch_close(c);
}

// The newest of a name wins, also when an old thing is made again under it.
static void names_move_to_the_newest(void **state)
{
    (void)state;
    rml_catalog *c = scratch_open("objects");
    rml_arena a = {0};
    rml_object_row row;
    static const char *const puts[] = {"aaaa", "bbbb", "aaaa", "cccc"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(put(c, &a, "dataset", puts[i], "night", "{}"), RML_OK);
        assert_int_equal(rml_catalog_get(c, "dataset", RML_STR("night"), &a, &row, NULL), RML_OK);
        assert_true(rml_str_starts(row.hash, rml_str_of(puts[i])));
    }
    assert_int_equal(put(c, &a, "dataset", "bbbb", "day", "{}"), RML_OK); // a second name
    assert_int_equal(rml_catalog_get(c, "dataset", RML_STR("day"), &a, &row, NULL), RML_OK);
    assert_true(rml_str_starts(row.hash, RML_STR("bbbb")) &&
                rml_str_equal(row.name, RML_STR("day")));
    rml_array rows = RML_ARRAY(rml_object_row);
    assert_int_equal(rml_catalog_list(c, "dataset", &a, &rows, NULL), RML_OK);
    assert_int_equal(rows.count, 3);
    assert_true(rml_str_starts(RML_AT(&rows, rml_object_row, 0)->hash, RML_STR("aaaa")));
    rml_array_clear(&rows);
    assert_int_equal(rml_catalog_list(c, "run", &a, &rows, NULL), RML_OK);
    assert_int_equal(rows.count, 0);
    assert_int_equal(rml_catalog_list(c, NULL, &a, &rows, NULL), RML_OK);
    assert_int_equal(rows.count, 3);
    rml_array_reset(&rows);
    rml_arena_reset(&a);
    scratch_close(c);
}

static void links_once(void **state)
{
    (void)state;
    rml_catalog *c = scratch_open("objects");
    rml_arena a = {0};
    rml_array edges = RML_ARRAY(rml_edge);
    rml_edge links[] = {{RML_STR("m"), RML_STR("r"), RML_STR("run")},
                        {RML_STR("m"), RML_STR("b"), RML_STR("about")},
                        {RML_STR("m"), RML_STR("r"), RML_STR("run")},
                        {RML_STR("n"), RML_STR("r"), RML_STR("run")}};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(rml_catalog_link(c, &links[i], NULL), RML_OK);
    }
    assert_int_equal(rml_catalog_edges(c, RML_STR("m"), true, &a, &edges, NULL), RML_OK);
    assert_int_equal(edges.count, 2);
    assert_true(rml_str_equal(RML_AT(&edges, rml_edge, 0)->role, RML_STR("about")));
    assert_true(rml_str_equal(RML_AT(&edges, rml_edge, 1)->to, RML_STR("r")));
    rml_array_clear(&edges);
    assert_int_equal(rml_catalog_edges(c, RML_STR("r"), false, &a, &edges, NULL), RML_OK);
    assert_int_equal(edges.count, 2);
    assert_true(rml_str_equal(RML_AT(&edges, rml_edge, 1)->from, RML_STR("n")));
    rml_array_reset(&edges);
    rml_arena_reset(&a);
    scratch_close(c);
}

static void keeps_values(void **state)
{
    (void)state;
    rml_catalog *c = scratch_open("objects");
    rml_arena a = {0};
    rml_str value;
    int64_t n = 0;
    assert_int_equal(rml_catalog_value_get(c, RML_STR("k"), &a, &value, NULL), RML_ERR_MISSING);
    assert_int_equal(rml_catalog_value_set(c, RML_STR("k"), RML_STR("1"), NULL), RML_OK);
    assert_int_equal(rml_catalog_value_set(c, RML_STR("k"), (rml_str){"a\0b", 3}, NULL), RML_OK);
    assert_int_equal(rml_catalog_value_get(c, RML_STR("k"), &a, &value, NULL), RML_OK);
    assert_true(rml_str_equal(value, (rml_str){"a\0b", 3}));
    for (int64_t i = 1; i <= 3; i++) {
        assert_int_equal(rml_catalog_count(c, RML_STR("looks"), RML_STR("me"), &n, NULL), RML_OK);
        assert_int_equal(n, i);
    }
    assert_int_equal(rml_catalog_alias_get(c, RML_STR("m@p"), &a, &value, NULL), RML_ERR_MISSING);
    assert_int_equal(rml_catalog_alias_set(c, RML_STR("m@p"), RML_STR("h1"), RML_STR("me"),
                                           RML_STR("why \"not\""), NULL),
                     RML_OK);
    assert_int_equal(rml_catalog_alias_get(c, RML_STR("m@p"), &a, &value, NULL), RML_OK);
    assert_true(rml_str_equal(value, RML_STR("h1")));
    rml_array entries = RML_ARRAY(rml_audit_entry);
    assert_int_equal(rml_audit_list(c, &a, &entries, NULL), RML_OK);
    assert_int_equal(entries.count, 4);
    assert_true(
        rml_str_equal(RML_AT(&entries, rml_audit_entry, 3)->details,
                      RML_STR("{\"from\":\"\",\"reason\":\"why \\\"not\\\"\",\"to\":\"h1\"}")));
    assert_int_equal(rml_audit_verify(c, (rml_str){0}, NULL, NULL, NULL), RML_OK);
    rml_array_reset(&entries);
    rml_arena_reset(&a);
    scratch_close(c);
}

static void happens_whole_or_not_at_all(void **state)
{
    (void)state;
    rml_catalog *c = scratch_open("objects");
    rml_arena a = {0};
    rml_str value;
    rml_object_row row;
    int64_t count;
    assert_int_equal(rml_catalog_begin(c, NULL), RML_OK);
    assert_int_equal(rml_catalog_begin(c, NULL), RML_ERR_ARGUMENT);
    assert_int_equal(put(c, &a, "run", "aaaa", "x", "{}"), RML_OK);
    assert_int_equal(
        rml_catalog_alias_set(c, RML_STR("x@y"), RML_STR("h"), RML_STR("me"), RML_STR(""), NULL),
        RML_OK);
    rml_catalog_abort(c);
    assert_int_equal(rml_catalog_get(c, "run", RML_STR("x"), &a, &row, NULL), RML_ERR_MISSING);
    assert_int_equal(rml_catalog_alias_get(c, RML_STR("x@y"), &a, &value, NULL), RML_ERR_MISSING);

    // A change that failed inside spoils the transaction: commit refuses and undoes.
    assert_int_equal(rml_catalog_begin(c, NULL), RML_OK);
    assert_int_equal(put(c, &a, "run", "aaaa", "x", "{}"), RML_OK);
    assert_int_equal(put(c, &a, "run", "aaaa", "x", "[]"), RML_ERR_CONFLICT);
    assert_int_equal(rml_catalog_commit(c, NULL), RML_ERR_ARGUMENT);
    assert_int_equal(rml_catalog_get(c, "run", RML_STR("x"), &a, &row, NULL), RML_ERR_MISSING);
    assert_int_equal(rml_catalog_commit(c, NULL), RML_ERR_ARGUMENT);

    // What was not committed when the program ended is not there; what was, is.
    assert_int_equal(put(c, &a, "run", "bbbb", "y", "{}"), RML_OK);
    assert_int_equal(rml_catalog_begin(c, NULL), RML_OK);
    assert_int_equal(put(c, &a, "run", "cccc", "z", "{}"), RML_OK);
    rml_catalog_close(c);
    assert_int_equal(rml_catalog_open(rml_str_of(scratch_path), &c, NULL), RML_OK);
    assert_int_equal(rml_catalog_get(c, "run", RML_STR("y"), &a, &row, NULL), RML_OK);
    assert_int_equal(rml_catalog_get(c, "run", RML_STR("z"), &a, &row, NULL), RML_ERR_MISSING);
    assert_int_equal(rml_audit_verify(c, (rml_str){0}, NULL, &count, NULL), RML_OK);
    assert_int_equal(count, 0);
    rml_arena_reset(&a);
    scratch_close(c);
}

static void refuses_other_files(void **state)
{
    (void)state;
    rml_catalog *c = scratch_open("objects");
    rml_error err;
    rml_catalog_close(c);
    scratch_remove();
    rml_bytes text = rml_bytes_of("this is no database, but it is long enough to look like one....."
                                  "....................................................",
                                  116);
    assert_int_equal(rml_file_replace(scratch_path, text, NULL), RML_OK);
    assert_int_equal(rml_catalog_open(rml_str_of(scratch_path), &c, &err), RML_ERR_DATA);
    assert_non_null(strstr(err.place, "roadmill-objects.db"));
    assert_int_equal(rml_catalog_open(RML_STR("/nowhere/at/all.db"), &c, &err), RML_ERR_IO);
    scratch_remove();
}

static void survives_failed_allocations(void **state)
{
    (void)state;
    rml_catalog *c = scratch_open("objects");
    rml_status st = RML_ERR_MEMORY;
    for (uint64_t after = 0; st != RML_OK; after++) {
        rml_arena a = {0};
        rml_array rows = RML_ARRAY(rml_object_row);
        rml_str hash = RML_STR("dddd0000000000000000000000000000000000000000000000000000000000dd");
        rml_object_row row = {RML_STR("run"), hash, RML_STR("n"), RML_STR("{}"), 0};
        rml_heap_fail_after(after);
        st = rml_catalog_put(c, &row, NULL);
        st = st ? st
                : rml_catalog_alias_set(c, RML_STR("n@x"), hash, RML_STR("me"), RML_STR("r"), NULL);
        st = st ? st : rml_catalog_list(c, NULL, &a, &rows, NULL);
        rml_heap_fail_after(UINT64_MAX);
        if (after >= 500 || (st != RML_OK && st != RML_ERR_MEMORY)) {
            fail_msg("allocation %d: found %s", (int)after, rml_status_name(st));
        }
        assert_int_equal(rml_audit_verify(c, (rml_str){0}, NULL, NULL, NULL), RML_OK);
        rml_array_reset(&rows);
        rml_arena_reset(&a);
    }
    st = RML_ERR_MEMORY;
    for (uint64_t after = 0; st != RML_OK; after++) {
        rml_heap_fail_after(after);
        st = rml_audit_verify(c, (rml_str){0}, NULL, NULL, NULL);
        rml_heap_fail_after(UINT64_MAX);
        assert_true(st == RML_OK || st == RML_ERR_MEMORY);
    }
    scratch_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_and_gets),
        cmocka_unit_test(names_move_to_the_newest),
        cmocka_unit_test(links_once),
        cmocka_unit_test(keeps_values),
        cmocka_unit_test(happens_whole_or_not_at_all),
        cmocka_unit_test(refuses_other_files),
        cmocka_unit_test(survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
