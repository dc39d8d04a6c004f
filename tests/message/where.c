// Conditions on fields: what they say of one message, and where a text that is none goes wrong.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/message.h"
#include "roadmill/message/where.h"

static const char schema[] =
    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"number\"},"
    "\"t\":{\"type\":\"string\"},\"on\":{\"type\":\"boolean\"},\"none\":{\"type\":\"number\"},"
    "\"l\":{\"type\":\"array\",\"items\":{\"type\":\"number\"}},\"p\":{\"type\":\"object\","
    "\"properties\":{\"x\":{\"type\":\"number\"},\"q\":{\"type\":\"object\",\"properties\":{\"y\":"
    "{\"type\":\"integer\"}}}}}}}";
static const char message[] =
    "{\"a\":9007199254740993,\"b\":1.5,\"t\":\"it's\",\"on\":true,\"l\":[1],\"p\":{\"x\":-2,\"q\":"
    "{\"y\":7}}}";

static const struct {
    const char *text;
    bool holds;
} cases[] = {
    {"a == 9007199254740993", true},
    {"a == 9007199254740992", false},
    {"a > 9007199254740992", true},
    {"b == 1.5", true},
    {"b != 1.5", false},
    {"b<2 and b>=1.5", true},
    {"b > 2 or p.x < 0", true},
    {"b > 2 and p.x < 0 or on == true", true},
    {"b > 2 and (p.x < 0 or on == true)", false},
    {"on == false", false},
    {"on != false", true},
    {"t == \"it's\"", true},
    {"t > 'it'", true},
    {"t == 1", false},
    {"b == '1.5'", false},
    {"p.q.y <= 7", true},
    {"p.x == -2e0", true},
    {"none == 0", false},
    {"none != 0", false},
    {"missing != 0", false},
    {"p.q == 7", false},
    {"p.q.y.z == 7", false},
    {"l == 1", false},
    {"b == nan or b != nan", false},
    {"  ( ( a > 0 ) )  ", true},
};

static void each_case(void **state)
{
    (void)state;
    rml_error err = {0};
    rml_message_plan *plan;
    rml_batch batch;
    const rml_message_kind kind = {RML_STR("json"), RML_STR("jsonschema"), RML_STR("T"),
                                   rml_bytes_of(schema, sizeof schema - 1)};
    assert_int_equal(rml_message_compile(&kind, RML_STR("test"), &plan, &err), RML_OK);
    assert_int_equal(rml_batch_init(&batch, rml_message_schema(plan), &err), RML_OK);
    assert_int_equal(rml_message_decode(plan, rml_bytes_of(message, sizeof message - 1),
                                        (rml_place){0}, batch.columns, &err),
                     RML_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rml_message_where *w;
        if (rml_message_where_parse(rml_str_of(cases[i].text), &w, &err) != RML_OK) {
            fail_msg("%s: %s: %s", cases[i].text, err.place, err.what);
        }
        if (rml_message_where_holds(w, batch.schema, batch.columns, 0) != cases[i].holds) {
            fail_msg("%s: expected %d", cases[i].text, cases[i].holds);
        }
        rml_message_where_free(w);
    }
    rml_batch_reset(&batch);
    rml_message_plan_free(plan);
}

static void errors_say_where(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"", "condition:1:1"},
        {"a", "condition:1:2"},
        {"a = 1", "condition:1:3"},
        {"a == ", "condition:1:6"},
        {"a == 'x", "condition:1:8"},
        {"(a == 1", "condition:1:8"},
        {"a == 1 b == 2", "condition:1:8"},
        {"a == 1 and", "condition:1:11"},
        {"and == 1", "condition:1:1"},
        {"a == x", "condition:1:6"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rml_message_where *w = NULL;
        rml_error err = {0};
        assert_int_equal(rml_message_where_parse(rml_str_of(bad[i][0]), &w, &err),
                         RML_ERR_ARGUMENT);
        assert_string_equal(err.place, bad[i][1]);
    }
    char deep[200];
    memset(deep, '(', sizeof deep);
    rml_message_where *w = NULL;
    assert_int_equal(rml_message_where_parse((rml_str){deep, sizeof deep}, &w, NULL),
                     RML_ERR_ARGUMENT);
}

static void no_memory_is_an_error(void **state)
{
    (void)state;
    for (uint64_t after = 0;; after++) {
        rml_message_where *w = NULL;
        rml_heap_fail_after(after);
        rml_status st = rml_message_where_parse(RML_STR("a == 1 and b > 2"), &w, NULL);
        rml_heap_fail_after(UINT64_MAX);
        rml_message_where_free(w);
        if (st == RML_OK) {
            break;
        }
        assert_int_equal(st, RML_ERR_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_case),
                                       cmocka_unit_test(errors_say_where),
                                       cmocka_unit_test(no_memory_is_an_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
