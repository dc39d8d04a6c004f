// Protects: pictures and pages are well-formed whatever text and numbers go in, and the same bytes
// for the same input.
#include "roadmill/draw.h"
#include "roadmill/base/xml.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "number.h"

static bool contains(const rml_buffer *b, const char *text)
{
    rml_str all = rml_buffer_text(b);
    return rml_str_find(all, rml_str_of(text)) < all.len;
}

static void numbers_of_pictures(void **state)
{
    (void)state;
    static const struct {
        double value;
        int decimals; // -1: a coordinate
        const char *want;
    } cases[] = {
        {0, -1, "0"},
        {-0.001, -1, "0"},
        {1.5, -1, "1.5"},
        {1.005e3, -1, "1005"},
        {-12.346, -1, "-12.35"},
        {NAN, -1, "0"},
        {1e300, -1, "1000000000000"},
        {0.1 + 0.2, 1, "0.3"},
        {2, 3, "2.000"},
        {-0.04, 1, "0.0"},
        {99.96, 1, "100.0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[RML_FIXED_TEXT];
        if (cases[i].decimals < 0) {
            rml_coordinate(cases[i].value, text);
        } else {
            rml_fixed(cases[i].value, cases[i].decimals, text);
        }
        assert_string_equal(text, cases[i].want);
    }
}

static void draw_all(rml_buffer *out)
{
    const rml_point line[] = {{0, 0}, {1, 1}, {NAN, 2}, {3, 3}, {4, INFINITY}};
    const double x[] = {0, 1, 2, 3}, y[] = {1, NAN, 3, -2}, low[] = {0, NAN, 2, -3},
                 high[] = {2, NAN, 4, 0};
    const rml_series series[] = {{"a <b>", x, y, low, high, 4, NULL},
                                 {"c & d", x, y, NULL, NULL, 4, "#123456"}};
    rml_svg s;
    rml_svg_begin(&s, out, 200, 100, "\"quoted\" <title> & 'more'", NULL);
    rml_svg_inset(&s, 20);
    rml_svg_world(&s, 0, 0, 10, 10);
    rml_svg_polyline(&s, line, 5, false, NULL);
    rml_svg_box(&s, 5, 5, 1, 4, 2, &(rml_style){.stroke = "#000", .fill = "red"});
    rml_svg_circle(&s, NAN, 1, 3, NULL);
    rml_svg_inset_end(&s, 20);
    rml_svg_text(&s, 5, 5, 12, "middle", NULL, RML_STR("<&>"));
    assert_int_equal(rml_svg_end(&s), RML_OK);
    for (int bars = 0; bars < 2; bars++) {
        rml_chart chart = {.title = "t", .x_label = "x", .y_label = "y", .bars = bars == 1};
        assert_int_equal(rml_chart_draw(&chart, series, 2, out, NULL), RML_OK);
        assert_int_equal(rml_chart_draw(&chart, series, 0, out, NULL), RML_OK);
    }
}

static void pictures_are_well_formed(void **state)
{
    (void)state;
    rml_buffer one = {0}, two = {0}, whole = {0};
    draw_all(&one);
    draw_all(&two);
    assert_true(rml_str_equal(rml_buffer_text(&one), rml_buffer_text(&two)));
    assert_false(contains(&one, "nan") || contains(&one, "inf"));
    assert_true(contains(&one, "stroke=\"currentColor\"")); // black follows the page
    assert_int_equal(rml_buffer_printf(&whole, NULL, "<r>%.*s</r>", RML_FMT(rml_buffer_text(&one))),
                     RML_OK);
    rml_error err = {0};
    const rml_xml_handlers nobody = {0};
    if (rml_xml_walk(rml_buffer_bytes(&whole), RML_STR("svg"), &nobody, NULL, &err)) {
        print_error("%s %s\n", err.place, err.what);
    }
    assert_int_equal(err.status, RML_OK);
    rml_buffer_reset(&one);
    rml_buffer_reset(&two);
    rml_buffer_reset(&whole);
}

static void pages_escape_and_stand_alone(void **state)
{
    (void)state;
    rml_buffer out = {0};
    rml_html h;
    const char *const heads[] = {"a", "b"};
    const rml_str cells[] = {RML_STR("<script>"), RML_STR("-1.5")};
    rml_html_begin(&h, &out, "a & b", NULL);
    rml_html_heading(&h, 9, RML_STR("<h>"));
    rml_html_paragraph(&h, RML_STR("<p>"));
    rml_html_code(&h, RML_STR("a < b"));
    rml_html_table_begin(&h, heads, 2);
    rml_html_row(&h, cells, 2, "best");
    const rml_str units[] = {RML_STR("1.0 [-2, 3] MB"), RML_STR("1, at most 20 are allowed")};
    rml_html_row(&h, units, 2, NULL);
    rml_html_table_end(&h);
    assert_int_equal(rml_html_end(&h), RML_OK);
    assert_true(contains(&out, "<title>a &amp; b</title>") && contains(&out, "<h6>&lt;h&gt;"));
    assert_true(contains(&out, "<td>&lt;script&gt;</td><td class=\"n\">-1.5</td>"));
    assert_true(contains(&out, "<td class=\"n\">1.0 [-2, 3] MB</td><td>1, at most"));
    assert_false(contains(&out, "<script") || contains(&out, "http:") || contains(&out, "https:"));
    rml_buffer_reset(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_pictures),
        cmocka_unit_test(pictures_are_well_formed),
        cmocka_unit_test(pages_escape_and_stand_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
