// Reading and writing floating point: correctly rounded both ways, in any locale.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "roadmill/base.h"
#include "roadmill/base/random.h"

// RFC 8785, appendix B, and ECMAScript's borders between its notations.
static const struct {
    uint64_t bits;
    const char *want;
} written[] = {
    {0x0000000000000000, "0"},
    {0x8000000000000000, "0"},
    {0x0000000000000001, "5e-324"},
    {0x8000000000000001, "-5e-324"},
    {0x7fefffffffffffff, "1.7976931348623157e+308"},
    {0xffefffffffffffff, "-1.7976931348623157e+308"},
    {0x4340000000000000, "9007199254740992"},
    {0xc340000000000000, "-9007199254740992"},
    {0x4430000000000000, "295147905179352830000"},
    {0x7fffffffffffffff, "NaN"},
    {0x7ff0000000000000, "Infinity"},
    {0xfff0000000000000, "-Infinity"},
    {0x44b52d02c7e14af5, "9.999999999999997e+22"},
    {0x44b52d02c7e14af6, "1e+23"},
    {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
    {0x444b1ae4d6e2ef4e, "999999999999999700000"},
    {0x444b1ae4d6e2ef4f, "999999999999999900000"},
    {0x444b1ae4d6e2ef50, "1e+21"},
    {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
    {0x3eb0c6f7a0b5ed8d, "0.000001"},
    {0x41b3de4355555553, "333333333.3333332"},
    {0x41b3de4355555554, "333333333.33333325"},
    {0x41b3de4355555555, "333333333.3333333"},
    {0x41b3de4355555556, "333333333.3333334"},
    {0x41b3de4355555557, "333333333.33333343"},
    {0xbecbf647612f3696, "-0.0000033333333333333333"},
    {0x43143ff3c1cb0959, "1424953923781206.2"},
    {0x3d30000000000000, "5.684341886080802e-14"}, // 2^-44: the nearest of 16 digits misses
    {0x3fb999999999999a, "0.1"},
    {0x4024000000000000, "10"},
    {0x0010000000000000, "2.2250738585072014e-308"},
    {0x000fffffffffffff, "2.225073858507201e-308"},
};

static double of_bits(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static void writes_as_ecmascript(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        char text[RML_F64_TEXT];
        double v = of_bits(written[i].bits);
        size_t len = rml_format_f64(v, text);
        assert_string_equal(text, written[i].want);
        assert_int_equal(len, strlen(text));
        double back;
        assert_true(rml_parse_f64((rml_str){text, len}, &back));
        assert_true(v != v ? back != back : v == back);
    }
}

static void writes_single(void **state)
{
    (void)state;
    static const struct {
        float v;
        const char *want;
    } cases[] = {{0.1f, "0.1"},
                 {16777216.0f, "16777216"},
                 {3.4028235e38f, "3.4028235e+38"},
                 {1e-45f, "1e-45"},
                 {0.3333333432674408f, "0.33333334"},
                 {-0.0f, "0"},
                 {1.17549435e-38f, "1.1754944e-38"},
                 {9.8607613e-32f, "9.8607613e-32"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[RML_F64_TEXT];
        rml_format_f32(cases[i].v, text);
        assert_string_equal(text, cases[i].want);
    }
}

static const char *const not_numbers[] = {"",   "-",   ".",   "e5",   "1e",   "1e+", "1.2.3", " 1",
                                          "1 ", "0x1", "1,5", "nanx", "infi", "--1", "1e5.5"};

static void refuses_other_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof not_numbers / sizeof *not_numbers; i++) {
        double v;
        assert_false(rml_parse_f64(rml_str_of(not_numbers[i]), &v));
    }
    double v;
    assert_false(rml_parse_f64((rml_str){0}, &v));
    assert_true(rml_parse_f64(RML_STR("-Infinity"), &v) && v == -INFINITY);
    assert_true(rml_parse_f64(RML_STR("NaN"), &v) && v != v);
    assert_true(rml_parse_f64(RML_STR("-0"), &v) && v == 0 && signbit(v));
    assert_true(rml_parse_f64(RML_STR("1e999999999999"), &v) && v == INFINITY);
    assert_true(rml_parse_f64(RML_STR("0e999999999999"), &v) && v == 0);
    assert_true(rml_parse_f64(RML_STR("1e-999999999999"), &v) && v == 0);
    assert_true(rml_parse_f64(RML_STR(".5"), &v) && v == 0.5);
    assert_true(rml_parse_f64(RML_STR("5."), &v) && v == 5);
}

// strtod of the C library is the oracle: correctly rounded, slower.
static void check_parse(const char *text)
{
    double v = -1, want = strtod(text, NULL);
    assert_true(rml_parse_f64(rml_str_of(text), &v));
    if (memcmp(&v, &want, sizeof v) != 0) {
        fail_msg("%s: expected %a, found %a", text, want, v);
    }
}

// Half way between two doubles, and a digit beside it; subnormals; the ends of the range.
static const char *const hard[] = {
    "9007199254740993",
    "9007199254740992.999999999999999999999999999999",
    "9007199254740993.000000000000000000000000000000000000001",
    "2.2250738585072011e-308",
    "2.2250738585072012e-308",
    "4.9406564584124654e-324",
    "2.4703282292062327e-324",
    "2.4703282292062328e-324",
    "1.7976931348623158e308",
    "1.7976931348623159e308",
    "179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977"
    "587207096330286416692887910946555547851940402630657488671505820681908902000708383676273854845"
    "817711531764475730270069855571366959622842914819860834936475292719074168444365510704342711559"
    "699508093042880177904174497791.9999",
    "1e23",
    "8.5e22",
    "123456789012345678901234567890",
    "0.000000000000000000000000000001",
    "6.631236846766476e-316",
    "3.2378839133029012895883524125015321748630094e-319",
    "6929495644600919.5",
    "3.518437208883201171875e13",
    "1.00000005960464477550",
};

static void reads_correctly_rounded(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hard / sizeof *hard; i++) {
        check_parse(hard[i]);
    }
    for (uint64_t i = 0; i < 200000; i++) {
        char text[80];
        uint64_t a = rml_random_u64(1, 0, i), b = rml_random_u64(1, 1, i);
        double v = of_bits(a);
        if (isfinite(v)) {
            snprintf(text, sizeof text, "%.17g", v);
            check_parse(text);
        }
        snprintf(text, sizeof text, "%llue%d", (unsigned long long)a, (int)(b % 700) - 360);
        check_parse(text);
        snprintf(text, sizeof text, "%llu%llue%d", (unsigned long long)a, (unsigned long long)b,
                 (int)(b % 700) - 370);
        check_parse(text);
        snprintf(text, sizeof text, "%llu.%llu", (unsigned long long)(a >> (b % 60)),
                 (unsigned long long)b);
        check_parse(text);
    }
}

static int count_digits(const char *text)
{
    int count = 0, zeros = 0;
    for (const char *p = text; *p && *p != 'e'; p++) {
        if (*p >= '0' && *p <= '9' && (count > 0 || *p != '0')) {
            count++;
            zeros = *p == '0' ? zeros + 1 : 0;
        }
    }
    return count - zeros;
}

// What is written reads back, and with one digit fewer nothing does.
static void writes_shortest(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 200000; i++) {
        // Every other one a power of two or a neighbour of it, where intervals are lopsided.
        uint64_t bits = i % 2 ? rml_random_u64(2, 0, i) : (i / 6 % 2046 + 1) << 52;
        bits = i % 2 ? bits : bits + i % 3 - 1;
        double v = fabs(of_bits(bits));
        if (!isfinite(v) || v == 0) {
            continue;
        }
        char text[RML_F64_TEXT], fewer[40];
        rml_format_f64(v, text);
        assert_true(strtod(text, NULL) == v);
        int digits = count_digits(text);
        snprintf(fewer, sizeof fewer, "%.*e", digits > 1 ? digits - 2 : 0, v);
        if (digits > 1 && strtod(fewer, NULL) == v) {
            fail_msg("expected %s, found %s", fewer, text);
        }
        float single = (float)v;
        if (isfinite(single) && single != 0) {
            rml_format_f32(single, text);
            assert_true(strtof(text, NULL) == single);
        }
    }
}

static void ignores_the_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"};
    bool set = false;
    for (size_t i = 0; i < sizeof names / sizeof *names && !set; i++) {
        set = setlocale(LC_ALL, names[i]) != NULL;
    }
    if (!set) {
        print_message("skipped: no locale with a decimal comma\n");
        skip();
    }
    double v;
    char text[RML_F64_TEXT];
    assert_true(rml_parse_f64(RML_STR("1.5"), &v) && v == 1.5);
    assert_true(rml_parse_f64(RML_STR("9007199254740992.99999999999999999999999"), &v));
    assert_true(v == 9007199254740992.0 || v == 9007199254740994.0);
    rml_format_f64(0.1, text);
    assert_string_equal(text, "0.1");
    setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_as_ecmascript), cmocka_unit_test(writes_single),
        cmocka_unit_test(refuses_other_text),   cmocka_unit_test(reads_correctly_rounded),
        cmocka_unit_test(writes_shortest),      cmocka_unit_test(ignores_the_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
