// YAML: places, what is refused and where, typed reads.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "roadmill/base/yaml.h"

static const struct {
    const char *text, *want;
} refused[] = {
    {"a: 1\nb: 2\na: 3",
     "t.yaml:3:1: expected each key once, found \"a\" again; it stands in line 1"},
    {"a: &x 1", "t.yaml:1:4: expected each value written out, found an anchor"},
    {"a: *x", "t.yaml:1:4: expected each value written out, found an alias"},
    {"a: !!int 1", "t.yaml:1:4: expected values without a tag"},
    {"? [a]\n: b", "t.yaml:1:3: expected a key of plain text, found a list"},
    {"? {a: 1}\n: b", "t.yaml:1:3: expected a key of plain text, found a map"},
    {"--- a\n--- b", "t.yaml:2:1: expected one document, found a second one"},
    {"a: b: c", "t.yaml:1:5: expected YAML, found: mapping values"},
    {"a:\n\t- b", "expected YAML, found:"},
    {"a: [1, 2", "expected YAML, found:"},
    {"a: \"x", "expected YAML, found:"},
    {"a: \xff", "t.yaml: byte 3: expected YAML as UTF-8"},
};

static void refuses_surprises(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        rml_arena arena = {0};
        const rml_yaml *v;
        rml_error err = {0};
        char line[1000];
        assert_int_equal(
            rml_yaml_parse(&arena, rml_str_of(refused[i].text), RML_STR("t.yaml"), &v, &err),
            RML_ERR_DATA);
        rml_error_text(&err, line, sizeof line);
        if (!strstr(line, refused[i].want)) {
            fail_msg("expected %s, found %s", refused[i].want, line);
        }
        rml_arena_reset(&arena);
    }
}

static void limits_depth(void **state)
{
    (void)state;
    for (size_t depth = 63; depth <= 66; depth++) {
        char text[200];
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        rml_arena arena = {0};
        const rml_yaml *v;
        rml_status st = rml_yaml_parse(&arena, (rml_str){text, 2 * depth}, RML_STR("t"), &v, NULL);
        assert_int_equal(st, depth > 64 ? RML_ERR_LIMIT : RML_OK);
        rml_arena_reset(&arena);
    }
}

static const char settings[] = "# a comment\n"
                               "name: drive  # and another\n"
                               "speed: 12.5\n"
                               "count: -3\n"
                               "on: true\n"
                               "quoted: \"12\"\n"
                               "empty:\n"
                               "block: |\n"
                               "  two\n"
                               "  lines\n"
                               "list: [a, {b: c}]\n";

static void keeps_places(void **state)
{
    (void)state;
    rml_arena arena = {0};
    const rml_yaml *v;
    char file[] = "t.yaml";
    assert_int_equal(rml_yaml_parse(&arena, RML_STR(settings), rml_str_of(file), &v, NULL), RML_OK);
    file[0] = 'x'; // it has a copy
    const rml_yaml *speed = rml_yaml_get(v, "speed");
    assert_true(speed->at.line == 3 && speed->at.column == 8 && speed->key_at.column == 1);
    assert_true(rml_str_equal(speed->at.file, RML_STR("t.yaml")));
    assert_true(rml_str_equal(rml_yaml_get(v, "block")->text, RML_STR("two\nlines\n")));
    const rml_yaml *list = rml_yaml_get(v, "list");
    assert_true(list->kind == RML_YAML_LIST && list->count == 2);
    assert_true(rml_str_equal(rml_yaml_get(list->child->next, "b")->text, RML_STR("c")));
    assert_int_equal(v->count, 8);
    assert_true(rml_yaml_get(v, "quoted")->quoted && !rml_yaml_get(v, "name")->quoted);
    rml_arena_reset(&arena);
}

static void reads_types(void **state)
{
    (void)state;
    rml_arena arena = {0};
    const rml_yaml *v;
    rml_error err;
    assert_int_equal(rml_yaml_parse(&arena, RML_STR(settings), RML_STR("t.yaml"), &v, NULL),
                     RML_OK);
    rml_str text = RML_STR("before");
    double f = 1;
    int64_t i = 2;
    bool b = false;
    assert_int_equal(rml_yaml_get_str(v, "absent", &text, &err), RML_OK);
    assert_int_equal(rml_yaml_get_f64(NULL, "speed", &f, &err), RML_OK);
    assert_true(rml_str_equal(text, RML_STR("before")) && f == 1);
    assert_int_equal(rml_yaml_get_str(v, "name", &text, &err), RML_OK);
    assert_int_equal(rml_yaml_get_f64(v, "speed", &f, &err), RML_OK);
    assert_int_equal(rml_yaml_get_i64(v, "count", &i, &err), RML_OK);
    assert_int_equal(rml_yaml_get_bool(v, "on", &b, &err), RML_OK);
    assert_true(rml_str_equal(text, RML_STR("drive")) && f == 12.5 && i == -3 && b);
    assert_int_equal(rml_yaml_get_i64(v, "speed", &i, &err), RML_ERR_DATA);
    assert_string_equal(err.place, "t.yaml:3:8");
    assert_string_equal(err.what, "speed: expected a whole number, found 12.5");
    assert_int_equal(rml_yaml_get_f64(v, "quoted", &f, &err), RML_ERR_DATA);
    assert_string_equal(err.what, "quoted: expected a number, found \"12\"");
    assert_int_equal(rml_yaml_get_f64(v, "empty", &f, &err), RML_ERR_DATA);
    assert_string_equal(err.what, "empty: expected a number, found nothing");
    assert_int_equal(rml_yaml_get_bool(v, "name", &b, &err), RML_ERR_DATA);
    assert_int_equal(rml_yaml_get_str(v, "list", &text, &err), RML_ERR_DATA);
    assert_string_equal(err.what, "list: expected text, found a list");
    rml_arena_reset(&arena);
}

static void knows_its_keys(void **state)
{
    (void)state;
    static const char *const known[] = {"metric", "slice", "at_most"};
    rml_arena arena = {0};
    const rml_yaml *v;
    rml_error err;
    rml_str text = RML_STR("metric: x\natmost: 3\n");
    assert_int_equal(rml_yaml_parse(&arena, text, RML_STR("p"), &v, NULL), RML_OK);
    assert_int_equal(rml_yaml_only(v, known, 3, &err), RML_ERR_DATA);
    assert_string_equal(err.place, "p:2:1");
    assert_string_equal(err.what, "expected a known key (did you mean at_most?), found \"atmost\"");
    assert_int_equal(rml_yaml_only(NULL, known, 3, &err), RML_OK);
    assert_int_equal(rml_yaml_only(v->child, known, 3, &err), RML_ERR_DATA);
    rml_arena_reset(&arena);
    assert_int_equal(rml_yaml_parse(&arena, RML_STR("# nothing\n"), RML_STR("p"), &v, NULL),
                     RML_OK);
    assert_true(v->kind == RML_YAML_MAP && v->count == 0);
    assert_int_equal(rml_yaml_only(v, known, 3, &err), RML_OK);
    rml_arena_reset(&arena);
}

// Many keys go through a map; few are compared.
static void finds_duplicates_among_many(void **state)
{
    (void)state;
    rml_buffer text = {0};
    rml_arena arena = {0};
    const rml_yaml *v;
    rml_error err;
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(rml_buffer_printf(&text, NULL, "key%d: %d\n", i, i), RML_OK);
    }
    assert_int_equal(rml_yaml_parse(&arena, rml_buffer_text(&text), RML_STR("p"), &v, &err),
                     RML_OK);
    assert_int_equal(rml_buffer_printf(&text, NULL, "key17: 1\n"), RML_OK);
    assert_int_equal(rml_yaml_parse(&arena, rml_buffer_text(&text), RML_STR("p"), &v, &err),
                     RML_ERR_DATA);
    assert_string_equal(err.place, "p:5001:1");
    assert_non_null(strstr(err.what, "line 18"));
    rml_buffer_reset(&text);
    rml_arena_reset(&arena);
}

static void survives_failed_allocations(void **state)
{
    (void)state;
    rml_status st = RML_ERR_MEMORY;
    for (uint64_t after = 0; st != RML_OK; after++) {
        rml_arena arena = {0};
        const rml_yaml *v;
        rml_heap_fail_after(after);
        st = rml_yaml_parse(&arena, RML_STR(settings), RML_STR("t"), &v, NULL);
        rml_heap_fail_after(UINT64_MAX);
        assert_true(after < 100 && (st == RML_OK || st == RML_ERR_MEMORY));
        rml_arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_surprises),
        cmocka_unit_test(limits_depth),
        cmocka_unit_test(keeps_places),
        cmocka_unit_test(reads_types),
        cmocka_unit_test(knows_its_keys),
        cmocka_unit_test(finds_duplicates_among_many),
        cmocka_unit_test(survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
