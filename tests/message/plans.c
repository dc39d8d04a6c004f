// The plans of a recording's channels: compiled once, in any order; a failure is told each time.
#include "roadmill/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const rml_message_kind whole = {.message_encoding = {"cdr", 3},
                                       .schema_encoding = {"ros2msg", 7},
                                       .schema_name = {"a/msg/B", 7},
                                       .schema = {(const uint8_t *)"int32 x\n", 8}};

static void test_compiles_once(void **state)
{
    (void)state;
    rml_message_plans plans = {0};
    const rml_message_plan *first = NULL, *other = NULL, *again = NULL;
    rml_error err = {0};
    assert_int_equal(rml_message_plan_of(&plans, 7, &whole, RML_STR("/b"), &first, &err), RML_OK);
    assert_int_equal(rml_message_plan_of(&plans, 0, &whole, RML_STR("/a"), &other, &err), RML_OK);
    assert_int_equal(rml_message_plan_of(&plans, 7, &whole, RML_STR("/b"), &again, &err), RML_OK);
    assert_non_null(first);
    assert_ptr_equal(first, again);
    assert_ptr_not_equal(first, other);
    rml_message_plans_reset(&plans);
    rml_message_plans_reset(&plans);
}

static void test_tells_a_failure_again(void **state)
{
    (void)state;
    rml_message_plans plans = {0};
    const rml_message_plan *plan = NULL;
    rml_message_kind torn = whole;
    torn.schema = (rml_bytes){(const uint8_t *)"Missing x\n", 10};
    for (int i = 0; i < 2; i++) {
        rml_error err = {0};
        assert_int_equal(rml_message_plan_of(&plans, 3, &torn, RML_STR("/b"), &plan, &err),
                         RML_ERR_DATA);
        assert_null(plan);
        assert_int_equal(err.status, RML_ERR_DATA);
        assert_true(err.what[0] != 0);
    }
    assert_int_equal(rml_message_plan_of(&plans, 3, &torn, RML_STR("/b"), &plan, NULL),
                     RML_ERR_DATA);
    rml_message_plans_reset(&plans);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compiles_once),
        cmocka_unit_test(test_tells_a_failure_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
