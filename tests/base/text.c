// Errors, views of text, whole numbers, records, hashes: tables of named cases.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/base.h"

static const struct {
    const char *name;
    rml_place at;
    const char *remedy, *want;
} errors[] = {
    {"nowhere", {.kind = RML_PLACE_FILE}, NULL, "expected 3"},
    {"file", {.file = {"a.yaml", 6}}, NULL, "a.yaml: expected 3"},
    {"byte",
     {.file = {"a", 1}, .kind = RML_PLACE_BYTE, .offset = 12},
     NULL,
     "a: byte 12: expected 3"},
    {"byte alone", {.kind = RML_PLACE_BYTE, .offset = 12}, "do x", "byte 12: expected 3; do x"},
    {"line", {.file = {"a", 1}, .kind = RML_PLACE_LINE, .line = 3}, NULL, "a:3: expected 3"},
    {"line and column",
     {.file = {"a", 1}, .kind = RML_PLACE_LINE, .line = 3, .column = 7},
     "do x",
     "a:3:7: expected 3; do x"},
};

static void tells_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        rml_error err;
        char text[200];
        assert_int_equal(
            rml_fail(&err, RML_ERR_DATA, errors[i].at, errors[i].remedy, "expected %d", 3),
            RML_ERR_DATA);
        // Code reads the numbers, never the text.
        assert_true(err.place_kind == errors[i].at.kind && err.offset == errors[i].at.offset);
        assert_true(err.line == errors[i].at.line && err.column == errors[i].at.column);
        assert_int_equal(rml_error_text(&err, text, sizeof text), strlen(errors[i].want));
        assert_string_equal(text, errors[i].want);
    }
    assert_int_equal(rml_fail(NULL, RML_ERR_IO, (rml_place){0}, NULL, "x"), RML_ERR_IO);
    assert_string_equal(rml_status_name(RML_ERR_LIMIT), "limit");
}

// A text that is too long ends before a character, never inside one.
static void cuts_long_errors(void **state)
{
    (void)state;
    char longer[2000];
    for (size_t start = 0; start < 4; start++) {
        memset(longer, 'x', sizeof longer);
        for (size_t i = start; i + 4 < sizeof longer; i += 3) {
            memcpy(longer + i, "€", 3);
        }
        longer[sizeof longer - 5] = 0;
        rml_error err;
        rml_place at = rml_place_file(rml_str_of(longer));
        rml_fail(&err, RML_ERR_DATA, at, longer, "%s", longer);
        assert_true(rml_utf8_valid(rml_str_of(err.what)));
        assert_true(rml_utf8_valid(rml_str_of(err.place)));
        assert_true(rml_utf8_valid(rml_str_of(err.remedy)));
        assert_true(strlen(err.what) > sizeof err.what - 5);
    }
}

static const struct {
    const char *text;
    bool valid;
} utf8[] = {
    {"", true},
    {"plain ascii, long enough", true},
    {"\xc2\x80", true},
    {"\xc1\xbf", false},
    {"\xe0\xa0\x80", true},
    {"\xe0\x9f\xbf", false},
    {"\xed\x9f\xbf", true},
    {"\xed\xa0\x80", false},
    {"\xf0\x90\x80\x80", true},
    {"\xf0\x8f\xbf\xbf", false},
    {"\xf4\x8f\xbf\xbf", true},
    {"\xf4\x90\x80\x80", false},
    {"\xf5\x80\x80\x80", false},
    {"\x80", false},
    {"abc\xe2\x82", false},
    {"12345678\xff", false},
    {"1234567\xe2\x82\xac", true},
    {"\xe2\x28\xa1", false},
};

static void checks_utf8(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof utf8 / sizeof *utf8; i++) {
        assert_int_equal(rml_utf8_valid(rml_str_of(utf8[i].text)), utf8[i].valid);
    }
}

static void views_text(void **state)
{
    (void)state;
    rml_str text = RML_STR("key=value=x"), head;
    rml_str tail = rml_str_cut(text, '=', &head);
    assert_true(rml_str_equal(head, RML_STR("key")) && rml_str_equal(tail, RML_STR("value=x")));
    tail = rml_str_cut(RML_STR("none"), '=', &head);
    assert_true(rml_str_equal(head, RML_STR("none")) && tail.data == NULL && tail.len == 0);
    tail = rml_str_cut(RML_STR("end="), '=', &head);
    assert_true(tail.data != NULL && tail.len == 0);
    assert_int_equal(rml_str_find(text, RML_STR("value")), 4);
    assert_int_equal(rml_str_find(text, RML_STR("x=")), text.len);
    assert_int_equal(rml_str_find(text, RML_STR("")), 0);
    assert_int_equal(rml_str_find((rml_str){0}, RML_STR("a")), 0);
    assert_true(rml_str_equal(rml_str_trim(RML_STR(" \t a b\r\n")), RML_STR("a b")));
    assert_int_equal(rml_str_trim(RML_STR("  ")).len, 0);
    assert_true(rml_str_starts(text, RML_STR("key")) && !rml_str_starts(text, RML_STR("ey")));
    assert_true(rml_str_ends(text, RML_STR("=x")) && !rml_str_ends(RML_STR("x"), RML_STR("=x")));
    assert_true(rml_str_compare(RML_STR("a"), RML_STR("ab")) < 0);
    assert_true(rml_str_compare(RML_STR("b"), RML_STR("ab")) > 0);
    assert_true(rml_str_compare((rml_str){0}, RML_STR("")) == 0);
    assert_int_equal(rml_str_of(NULL).len, 0);
}

static const struct {
    const char *text;
    bool is_i64, is_u64;
    int64_t i64;
    uint64_t u64;
} wholes[] = {
    {"0", true, true, 0, 0},
    {"-0", true, false, 0, 0},
    {"+7", true, true, 7, 7},
    {"9223372036854775807", true, true, INT64_MAX, INT64_MAX},
    {"9223372036854775808", false, true, 0, UINT64_C(1) << 63},
    {"-9223372036854775808", true, false, INT64_MIN, 0},
    {"-9223372036854775809", false, false, 0, 0},
    {"18446744073709551615", false, true, 0, UINT64_MAX},
    {"18446744073709551616", false, false, 0, 0},
    {"", false, false, 0, 0},
    {"-", false, false, 0, 0},
    {"+", false, false, 0, 0},
    {"--1", false, false, 0, 0},
    {"1 ", false, false, 0, 0},
    {"0x1", false, false, 0, 0},
    {"1.0", false, false, 0, 0},
    {"00012", true, true, 12, 12},
};

static void reads_whole_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) {
        int64_t a = 0;
        uint64_t b = 0;
        rml_str text = rml_str_of(wholes[i].text);
        assert_int_equal(rml_parse_i64(text, &a), wholes[i].is_i64);
        assert_int_equal(rml_parse_u64(text, &b), wholes[i].is_u64);
        assert_true(a == wholes[i].i64 && b == wholes[i].u64);
    }
}

static void takes_records(void **state)
{
    (void)state;
    static const uint8_t record[] = {1,  2,  3,  4,  5, 6, 7, 8, 9,   10, 11,
                                     12, 13, 14, 15, 2, 0, 0, 0, 'h', 'i'};
    for (size_t len = 0; len <= sizeof record; len++) {
        rml_cursor c = {{record, len}};
        uint8_t a = 0;
        uint16_t b = 0;
        uint32_t d = 0;
        uint64_t e = 0;
        rml_str text = {0};
        bool whole = rml_take_u8(&c, &a) && rml_take_u16(&c, &b) && rml_take_u32(&c, &d) &&
                     rml_take_u64(&c, &e) && rml_take_str32(&c, &text);
        assert_int_equal(whole, len == sizeof record);
        if (whole) {
            assert_true(a == 1 && b == 0x0302 && d == 0x07060504 && e == 0x0f0e0d0c0b0a0908);
            assert_true(rml_str_equal(text, RML_STR("hi")) && c.left.len == 0);
        }
        if (len > 15 && !whole) {
            assert_int_equal(c.left.len, len - 15); // a failed take takes nothing
        }
    }
}

static void names_hashes(void **state)
{
    (void)state;
    rml_hash hash, back;
    char text[RML_HASH_TEXT];
    for (size_t i = 0; i < 32; i++) {
        hash.bytes[i] = (uint8_t)(i * 11);
    }
    rml_hash_text(&hash, text);
    assert_int_equal(strlen(text), 64);
    assert_true(rml_hash_parse(rml_str_of(text), &back) && rml_hash_equal(&hash, &back));
    text[3] = 'A';
    assert_false(rml_hash_parse(rml_str_of(text), &back));
    assert_false(rml_hash_parse(rml_str_of("abc"), &back));
}

static void report(void *context, const char *what, double done, double total, const char *unit)
{
    (void)what, (void)done, (void)total, (void)unit;
    *(int *)context += 1;
}

static bool stop(void *context)
{
    return *(int *)context > 1;
}

static void reports_progress(void **state)
{
    (void)state;
    int calls = 0;
    rml_progress p = {report, stop, &calls};
    rml_progress_report(NULL, "x", 1, 2, "B");
    assert_false(rml_progress_stop(NULL));
    rml_progress silent = {0};
    rml_progress_report(&silent, "x", 1, 2, "B");
    assert_false(rml_progress_stop(&silent));
    rml_progress_report(&p, "x", 1, 2, "B");
    assert_false(rml_progress_stop(&p));
    rml_progress_report(&p, "x", 2, 2, "B");
    assert_true(rml_progress_stop(&p));
    assert_int_equal(calls, 2);
}

static void finds_the_name_that_was_meant(void **state)
{
    (void)state;
    static const char *const names[] = {"ingest", "find", "dataset create", "dataset list"};
    const size_t count = sizeof names / sizeof *names;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"ingst", "ingest"},
        {"ingst x", "ingest"},
        {"dataset lst", "dataset list"},
        {"fund", "find"},
        {"gate", NULL},
        {"", NULL},
        {"find", "find"},
        {"a very long word that no name can be near to, at all", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *found = rml_nearest_name(rml_str_of(cases[i].text), names, count);
        if (cases[i].want == NULL) {
            assert_null(found);
        } else {
            assert_non_null(found);
            assert_string_equal(found, cases[i].want);
        }
    }
    assert_null(rml_nearest_name(RML_STR("find"), names, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_errors),
        cmocka_unit_test(cuts_long_errors),
        cmocka_unit_test(checks_utf8),
        cmocka_unit_test(views_text),
        cmocka_unit_test(reads_whole_numbers),
        cmocka_unit_test(takes_records),
        cmocka_unit_test(names_hashes),
        cmocka_unit_test(reports_progress),
        cmocka_unit_test(finds_the_name_that_was_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
