// Walks the table of commands: what help, completion and the renderer read of it fits together.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "call.h"

static const rml_option none[] = {{0}};

static const rml_option *list_of(const rml_option *list)
{
    return list != NULL ? list : none;
}

static void every_command_tells_what_it_is(void **state)
{
    (void)state;
    const rml_command *c;
    for (size_t i = 0; (c = rml_command_at(i)) != NULL; i++) {
        char lead[100];
        snprintf(lead, sizeof lead, "roadmill %s", c->name);
        assert_true(c->summary != NULL && c->summary[0] != '\0' && c->run != NULL);
        assert_true(rml_str_starts(rml_str_of(c->example), rml_str_of(lead)));
        assert_ptr_equal(rml_command_find(rml_str_of(c->name)), c);
        assert_true(c->view != NULL || c->rows != NULL); // it can be read as text
    }
}

// A fallback is a value that could have been given, and is the one that a command reads.
static void every_fallback_fits_and_is_used(void **state)
{
    (void)state;
    const rml_command *c;
    size_t seen = 0;
    for (size_t i = 0; (c = rml_command_at(i)) != NULL; i++) {
        rml_call *call;
        assert_int_equal(rml_call_make(c, &call, NULL), RML_OK);
        const rml_option *const lists[] = {list_of(c->options), list_of(c->arguments)};
        for (size_t l = 0; l < 2; l++) {
            for (const rml_option *o = lists[l]; o->name != NULL; o++) {
                char help[RML_OPTION_TEXT_SIZE];
                rml_given given;
                rml_option_help(o, help);
                if (o->fallback == NULL) {
                    continue;
                }
                seen++;
                assert_int_equal(rml_option_parse(o, rml_str_of(o->fallback), &given, NULL),
                                 RML_OK);
                assert_non_null(strstr(help, o->fallback));
                assert_true(rml_str_equal(rml_call_value(call, o->name), rml_str_of(o->fallback)));
                assert_true(rml_call_i64(call, o->name) == given.integer);
            }
        }
        rml_call_free(call);
    }
    assert_true(seen > 20);
}

// Beyond a range, beside the choices: refused, with the bounds in the error.
static void values_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const rml_command *c;
    for (size_t i = 0; (c = rml_command_at(i)) != NULL; i++) {
        for (const rml_option *o = list_of(c->options); o->name != NULL; o++) {
            rml_given given;
            rml_error err = {0};
            bool number = o->type == RML_OPTION_INT || o->type == RML_OPTION_FLOAT;
            if (number || o->type == RML_OPTION_CHOICE || o->type == RML_OPTION_PAIR) {
                assert_int_equal(rml_option_parse(o, RML_STR("no such"), &given, &err),
                                 RML_ERR_ARGUMENT);
                assert_non_null(strstr(err.what, o->name));
            }
            if (number && o->high < RML_OPTION_MOST) {
                char above[64];
                snprintf(above, sizeof above, "%.0f", o->high + 1);
                assert_int_equal(rml_option_parse(o, rml_str_of(above), &given, &err),
                                 RML_ERR_ARGUMENT);
            }
            assert_true(o->type != RML_OPTION_CHOICE || o->choices != NULL);
            assert_true(o->type != RML_OPTION_NAME || o->kind != NULL);
        }
    }
}

// An option with its last letter gone is answered with the whole of it.
static void a_typo_gets_its_option(void **state)
{
    (void)state;
    const rml_command *c;
    for (size_t i = 0; (c = rml_command_at(i)) != NULL; i++) {
        for (const rml_option *o = list_of(c->options); o->name != NULL; o++) {
            rml_str cut = {o->name, strlen(o->name) - 1};
            if (cut.len < 3 || rml_command_option(c, cut) != NULL) {
                continue;
            }
            assert_non_null(rml_command_option_nearest(c, cut));
        }
    }
}

static void arguments_fill_their_places(void **state)
{
    (void)state;
    static const struct {
        const char *command, *words[3];
        size_t count;
        rml_status want;
    } cases[] = {
        {"init", {"a"}, 1, RML_OK},
        {"init", {0}, 0, RML_OK},
        {"init", {"a", "b"}, 2, RML_ERR_ARGUMENT},
        {"log cat", {"a", "b", "c"}, 3, RML_OK},
        {"log cat", {0}, 0, RML_ERR_ARGUMENT},
        {"dataset diff", {"a"}, 1, RML_ERR_ARGUMENT},
        {"dataset diff", {"a", "b"}, 2, RML_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rml_call *call;
        rml_error err = {0};
        const rml_command *c = rml_command_find(rml_str_of(cases[i].command));
        assert_int_equal(rml_call_make(c, &call, &err), RML_OK);
        assert_int_equal(rml_call_arguments(call, cases[i].words, cases[i].count, &err),
                         cases[i].want);
        rml_call_free(call);
    }
}

// A program calls a command as the command line does.
static void a_call_gives_a_document(void **state)
{
    (void)state;
    rml_call *call;
    rml_error err = {0};
    const rml_json *document;
    rml_arena arena = {0};
    assert_int_equal(rml_call_make(rml_command_find(RML_STR("recipes show")), &call, &err), RML_OK);
    assert_int_equal(rml_call_set(call, "NAME", RML_STR("odometry"), &err), RML_OK);
    assert_int_equal(rml_command_call(call, &err), RML_OK);
    assert_false(rml_call_streams(call));
    assert_int_equal(
        rml_json_parse(&arena, rml_call_document(call), RML_STR("document"), &document, &err),
        RML_OK);
    assert_true(
        rml_str_equal(rml_json_get_str(document, "name", (rml_str){0}), RML_STR("odometry")));
    rml_call_free(call);
    rml_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_tells_what_it_is),
        cmocka_unit_test(every_fallback_fits_and_is_used),
        cmocka_unit_test(values_that_do_not_fit_are_refused),
        cmocka_unit_test(a_typo_gets_its_option),
        cmocka_unit_test(arguments_fill_their_places),
        cmocka_unit_test(a_call_gives_a_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
