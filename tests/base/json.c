// JSON: RFC 8259 by the letter, RFC 8785 by its examples, round trips, failing allocations.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "roadmill/base/json.h"
#include "roadmill/base/random.h"

// Texts and what the error must hold; NULL: no error.
static const struct {
    const char *text, *want;
} texts[] = {
    {"{}", NULL},
    {" [ 1 , 2 ] \n", NULL},
    {"null", NULL},
    {"-0", NULL},
    {"1e5", NULL},
    {"1E+5", NULL},
    {"-1.5e-3", NULL},
    {"\"\\u00e9\\ud83d\\ude00\\n\"", NULL},
    {"\"\"", NULL},
    {"{\"a\":{\"b\":[[]]}}", NULL},
    {"", "byte 0: expected a value, found the end"},
    {"  ", "byte 2: expected a value, found the end"},
    {"[1,]", "byte 3: expected a value, found ']'"},
    {"[1 2]", "byte 3: expected ',' or ']', found '2'"},
    {"[", "byte 1: expected a value, found the end"},
    {"[1", "byte 2: expected ',' or ']', found the end"},
    {"{\"a\"}", "byte 4: expected ':' after the key, found '}'"},
    {"{\"a\":1,}", "byte 7: expected a key in quotes, found '}'"},
    {"{a:1}", "byte 1: expected a key in quotes, found 'a'"},
    {"{\"a\":1 \"b\":2}", "byte 7: expected ',' or '}'"},
    {"{\"a\":1,\"b\":2,\"a\":3}", "expected each key once, found \"a\" again"},
    {"01", "byte 0: expected a number"},
    {"-", "byte 0: expected a number"},
    {"-a", "byte 0: expected a number"},
    {"1.", "byte 0: expected a number"},
    {"1.e5", "byte 0: expected a number"},
    {"1e", "byte 0: expected a number"},
    {".5", "byte 0: expected a value, found '.'"},
    {"+1", "byte 0: expected a value, found '+'"},
    {"-01", "byte 0: expected a number"},
    {"1e400", "within the range of a double, found 1e400"},
    {"NaN", "expected a value, found 'N'"},
    {"tru", "expected a value, found 't'"},
    {"1 1", "byte 2: expected the end of the text, found '1'"},
    {"\"abc", "byte 4: expected '\"' at the end of the string, found the end"},
    {"\"a\nb\"", "byte 2: expected control characters in strings to be escaped, found byte 0x0a"},
    {"\"\\x\"", "byte 2: expected one of"},
    {"\"\\u12g4\"", "byte 5: expected four hexadecimal digits"},
    {"\"\\ud800\"", "byte 1: expected a pair of surrogates, found \\ud800"},
    {"\"\\ud800\\u0041\"", "expected a pair of surrogates"},
    {"\"\\udc00\"", "expected a pair of surrogates"},
    {"\"\xff\"", "byte 0: expected a string of UTF-8"},
    {"\"12345678\xed\xa0\x80\"", "expected a string of UTF-8"},
    {"\xef\xbb\xbf{}", "expected a value, found byte 0xef"},
    {"/* c */ 1", "expected a value, found '/'"},
    {"'a'", "expected a value, found '''"},
};

static void follows_the_grammar(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        rml_arena arena = {0};
        const rml_json *value;
        rml_error err = {0};
        char line[800];
        rml_status st =
            rml_json_parse(&arena, rml_str_of(texts[i].text), RML_STR("t"), &value, &err);
        rml_error_text(&err, line, sizeof line);
        if ((st == RML_OK) != (texts[i].want == NULL) ||
            (texts[i].want && !strstr(line, texts[i].want))) {
            fail_msg("%s: expected %s, found %s", texts[i].text,
                     texts[i].want ? texts[i].want : "no error", line);
        }
        rml_arena_reset(&arena);
    }
}

static void limits_depth(void **state)
{
    (void)state;
    for (size_t depth = RML_JSON_DEPTH_MAX - 1; depth <= RML_JSON_DEPTH_MAX + 1; depth++) {
        char text[2 * RML_JSON_DEPTH_MAX + 8];
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        rml_arena arena = {0};
        const rml_json *value;
        rml_status st =
            rml_json_parse(&arena, (rml_str){text, 2 * depth}, RML_STR("t"), &value, NULL);
        assert_int_equal(st, depth > RML_JSON_DEPTH_MAX ? RML_ERR_LIMIT : RML_OK);
        rml_arena_reset(&arena);
    }
}

static void keeps_integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        rml_json_kind kind;
        int64_t integer;
        double number;
    } cases[] = {
        {"9223372036854775807", RML_JSON_INT, INT64_MAX, 9223372036854775807.0},
        {"-9223372036854775808", RML_JSON_INT, INT64_MIN, -9223372036854775808.0},
        {"9223372036854775808", RML_JSON_NUMBER, 0, 9223372036854775808.0},
        {"10000000000000000000000", RML_JSON_NUMBER, 0, 1e22},
        {"9007199254740993", RML_JSON_INT, 9007199254740993, 9007199254740992.0},
        {"1.0", RML_JSON_NUMBER, 0, 1},
        {"1e2", RML_JSON_NUMBER, 0, 100},
        {"-0", RML_JSON_INT, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rml_arena arena = {0};
        const rml_json *v;
        assert_int_equal(rml_json_parse(&arena, rml_str_of(cases[i].text), RML_STR("t"), &v, NULL),
                         RML_OK);
        assert_true(v->kind == cases[i].kind && v->integer == cases[i].integer &&
                    v->number == cases[i].number);
        rml_arena_reset(&arena);
    }
}

static void pulls_and_skips(void **state)
{
    (void)state;
    rml_json_reader r;
    rml_json_reader_init(&r, RML_STR("{\"skip\":[1,{\"x\":[]},\"\\n\"],\"a\\tb\":true,\"n\":-2.5}"),
                         RML_STR("t"));
    rml_json_event e;
    assert_int_equal(rml_json_next(&r, &e, NULL), RML_OK);
    assert_int_equal(e, RML_JSON_EVENT_OBJECT_BEGIN);
    assert_int_equal(rml_json_next(&r, &e, NULL), RML_OK);
    assert_true(e == RML_JSON_EVENT_KEY && rml_str_equal(r.string, RML_STR("skip")));
    assert_int_equal(rml_json_next(&r, &e, NULL), RML_OK);
    assert_int_equal(rml_json_skip(&r, e, NULL), RML_OK);
    assert_int_equal(rml_json_next(&r, &e, NULL), RML_OK);
    assert_true(e == RML_JSON_EVENT_KEY && rml_str_equal(r.string, RML_STR("a\tb")));
    assert_int_equal(rml_json_next(&r, &e, NULL), RML_OK);
    assert_true(e == RML_JSON_EVENT_BOOL && r.boolean);
    assert_int_equal(rml_json_skip(&r, e, NULL), RML_OK); // nothing for a scalar
    assert_int_equal(rml_json_next(&r, &e, NULL), RML_OK);
    assert_int_equal(rml_json_next(&r, &e, NULL), RML_OK);
    assert_true(e == RML_JSON_EVENT_NUMBER && r.number == -2.5 && r.at == 42);
    assert_int_equal(rml_json_next(&r, &e, NULL), RML_OK);
    assert_int_equal(e, RML_JSON_EVENT_OBJECT_END);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rml_json_next(&r, &e, NULL), RML_OK);
        assert_int_equal(e, RML_JSON_EVENT_END);
    }
    rml_json_reader_reset(&r);
}

static void gets_members(void **state)
{
    (void)state;
    rml_arena arena = {0};
    const rml_json *v;
    rml_str text = RML_STR("{\"s\":\"x\",\"i\":3,\"f\":2.5,\"b\":true,\"ns\":\"-7\",\"n\":null}");
    assert_int_equal(rml_json_parse(&arena, text, RML_STR("t"), &v, NULL), RML_OK);
    assert_true(rml_str_equal(rml_json_get_str(v, "s", RML_STR("")), RML_STR("x")));
    assert_true(rml_str_equal(rml_json_get_str(v, "i", RML_STR("no")), RML_STR("no")));
    assert_int_equal(rml_json_get_i64(v, "i", 0), 3);
    assert_int_equal(rml_json_get_i64(v, "ns", 0), -7);
    assert_int_equal(rml_json_get_i64(v, "f", 9), 9);
    assert_true(rml_json_get_f64(v, "f", 0) == 2.5 && rml_json_get_f64(v, "i", 0) == 3);
    assert_true(isnan(rml_json_get_f64(v, "n", NAN)));
    assert_true(rml_json_get_bool(v, "b", false) && !rml_json_get_bool(v, "i", false));
    assert_null(rml_json_get(NULL, "s"));
    assert_null(rml_json_get(rml_json_get(v, "s"), "s"));
    assert_int_equal(v->count, 6);
    rml_arena_reset(&arena);
}

// The canonical form of text; fails the test if it cannot be made.
static rml_str canonical(rml_arena *arena, rml_str text)
{
    const rml_json *v;
    rml_buffer out = {0};
    rml_error err = {0};
    assert_int_equal(rml_json_parse(arena, text, RML_STR("t"), &v, &err), RML_OK);
    assert_int_equal(rml_json_canonical(v, &out, &err), RML_OK);
    rml_str copy = rml_arena_str(arena, rml_buffer_text(&out));
    rml_buffer_reset(&out);
    return copy;
}

// RFC 8785: sections 3.2.2 and 3.2.3; the others are corners of its rules.
static const struct {
    const char *text, *want;
} canonicals[] = {
    {"{\"numbers\": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],"
     "\"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\","
     "\"literals\": [null, true, false]}",
     "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
     "\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"},
    {"{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew Letter Dalet "
     "With "
     "Dagesh\",\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":\"Control\","
     "\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}",
     "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"ö\":\"Latin Small "
     "Letter "
     "O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\xef\xac\xb3\":"
     "\"Hebrew Letter Dalet With Dagesh\"}"},
    {"[-0, -0.0, 0e9, 1.0, 100e-2]", "[0,0,0,1,1]"},
    {"[56.0, {\"d\":true,\"10\":null,\"1\":[]}]", "[56,{\"1\":[],\"10\":null,\"d\":true}]"},
    {"9007199254740994", "9007199254740994"},
    {"9223372033709551616.0", "9223372033709552000"},
    {"9223372033709552000", "9223372033709552000"},
    {"{\"\":1,\"a\":2,\"aa\":3,\"A\":4}", "{\"\":1,\"A\":4,\"a\":2,\"aa\":3}"},
    {"\"\\b\\t\\n\\f\\r\\u001f\\u007f\"", "\"\\b\\t\\n\\f\\r\\u001f\x7f\""},
};

static void makes_the_canonical_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof canonicals / sizeof *canonicals; i++) {
        rml_arena arena = {0};
        rml_str form = canonical(&arena, rml_str_of(canonicals[i].text));
        assert_string_equal(form.data, canonicals[i].want);
        assert_true(rml_str_equal(canonical(&arena, form), form));
        rml_arena_reset(&arena);
    }
}

static void refuses_to_merge_integers(void **state)
{
    (void)state;
    static const char *const cases[] = {"9007199254740993", "-9007199254740993",
                                        "9223372033709551616", "9223372036854775807"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rml_arena arena = {0};
        rml_buffer out = {0};
        const rml_json *v;
        assert_int_equal(rml_json_parse(&arena, rml_str_of(cases[i]), RML_STR("t"), &v, NULL),
                         RML_OK);
        assert_int_equal(rml_json_canonical(v, &out, NULL), RML_ERR_ARGUMENT);
        rml_buffer_reset(&out);
        rml_arena_reset(&arena);
    }
}

// ---- Random values: written, read, written again ------------------------------------------------

typedef struct random_state {
    uint64_t seed, next;
} random_state;

static uint64_t draw(random_state *r, uint64_t below)
{
    return rml_random_below(r->seed, 0, r->next++, below);
}

static void write_random(rml_json_writer *w, random_state *r, uint32_t depth)
{
    static const char *const keys[] = {"a", "b\"", "€", "\\", "long key that is not short", "\n"};
    uint64_t kind = draw(r, depth < 6 ? 9 : 6);
    double v;
    uint64_t bits = rml_random_u64(r->seed, 1, r->next++);
    memcpy(&v, &bits, sizeof v);
    switch (kind) {
    case 0:
        rml_json_null(w);
        break;
    case 1:
        rml_json_bool(w, draw(r, 2));
        break;
    case 2:
        rml_json_i64(w, (int64_t)bits >> draw(r, 60));
        break;
    case 3:
        rml_json_f64(w, v);
        break;
    case 4:
        rml_json_ns(w, (int64_t)bits);
        break;
    case 5:
        rml_json_str(w, rml_str_of(keys[draw(r, 6)]));
        break;
    case 6:
        rml_json_list(w);
        for (uint64_t n = draw(r, 5); n > 0; n--) {
            write_random(w, r, depth + 1);
        }
        rml_json_list_end(w);
        break;
    default:
        rml_json_object(w);
        for (uint64_t i = 0, n = draw(r, 7); i < n && i < 6; i++) {
            rml_json_key(w, keys[i]);
            write_random(w, r, depth + 1);
        }
        rml_json_object_end(w);
    }
}

static void survives_round_trips(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        rml_arena arena = {0};
        rml_buffer first = {0}, second = {0};
        rml_error err = {0};
        rml_json_writer w;
        random_state r = {seed, 0};
        rml_json_writer_init(&w, &first, &err);
        w.pretty = seed % 2;
        write_random(&w, &r, 0);
        assert_int_equal(rml_json_finish(&w), RML_OK);
        const rml_json *v;
        assert_int_equal(rml_json_parse(&arena, rml_buffer_text(&first), RML_STR("t"), &v, &err),
                         RML_OK);
        rml_json_writer_init(&w, &second, &err);
        w.pretty = seed % 2;
        rml_json_value(&w, v);
        assert_int_equal(rml_json_finish(&w), RML_OK);
        assert_true(rml_str_equal(rml_buffer_text(&first), rml_buffer_text(&second)));
        rml_buffer_reset(&first);
        rml_buffer_reset(&second);
        rml_arena_reset(&arena);
    }
}

static void writes_any_bytes(void **state)
{
    (void)state;
    rml_buffer out = {0};
    rml_json_writer w;
    rml_json_writer_init(&w, &out, NULL);
    rml_json_list(&w);
    rml_json_str(&w, (rml_str){"a\0\x1f\xff\xe2\x82\xac\xe2\x82", 9});
    rml_json_str(&w, (rml_str){0});
    rml_json_f64(&w, INFINITY);
    rml_json_list_end(&w);
    assert_int_equal(rml_json_finish(&w), RML_OK);
    rml_str want = RML_STR("[\"a\\u0000\\u001f\xef\xbf\xbd€\xef\xbf\xbd\xef\xbf\xbd\",\"\",null]");
    assert_true(rml_str_equal(rml_buffer_text(&out), want));
    rml_buffer_reset(&out);
    rml_json_writer_init(&w, &out, NULL);
    for (int i = 0; i <= RML_JSON_DEPTH_MAX; i++) {
        rml_json_list(&w);
    }
    assert_int_equal(rml_json_finish(&w), RML_ERR_LIMIT);
    rml_buffer_reset(&out);
}

// Every cut of a text is an error or a value, and every failing allocation is told.
static void survives_cuts_and_failed_allocations(void **state)
{
    (void)state;
    rml_str text =
        RML_STR("{\"a\":[1,2.5,\"x\\ny\",{\"b\":null}],\"long\":\"\\u20ac and so on\",\"c\":[1,"
                "2,3],\"d1\":1,\"d2\":1,\"d3\":1,\"d4\":1,\"d5\":1,\"d6\":1,\"d7\":1,\"d8\":1,"
                "\"d9\":1,\"e1\":1,\"e2\":1,\"e3\":1,\"e4\":1,\"e5\":1,\"e6\":1}");
    for (size_t len = 0; len < text.len; len++) {
        rml_arena arena = {0};
        const rml_json *v;
        assert_int_equal(rml_json_parse(&arena, (rml_str){text.data, len}, RML_STR("t"), &v, NULL),
                         RML_ERR_DATA);
        rml_arena_reset(&arena);
    }
    rml_status st = RML_ERR_MEMORY;
    for (uint64_t after = 0; st != RML_OK; after++) {
        assert_true(after < 1000);
        rml_arena arena = {0};
        rml_buffer out = {0};
        const rml_json *v;
        rml_heap_fail_after(after);
        st = rml_json_parse(&arena, text, RML_STR("t"), &v, NULL);
        st = st ? st : rml_json_canonical(v, &out, NULL);
        rml_heap_fail_after(UINT64_MAX);
        assert_true(st == RML_OK || st == RML_ERR_MEMORY);
        rml_buffer_reset(&out);
        rml_arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_grammar),
        cmocka_unit_test(limits_depth),
        cmocka_unit_test(keeps_integers),
        cmocka_unit_test(pulls_and_skips),
        cmocka_unit_test(gets_members),
        cmocka_unit_test(makes_the_canonical_form),
        cmocka_unit_test(refuses_to_merge_integers),
        cmocka_unit_test(survives_round_trips),
        cmocka_unit_test(writes_any_bytes),
        cmocka_unit_test(survives_cuts_and_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
