// XML: handlers in order with places, text gathered per element, what is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "roadmill/base/xml.h"

// Writes what the handlers hear.
typedef struct heard {
    rml_buffer text;
    int stop_at; // the begin that fails; 0: none
} heard;

static rml_status begin(void *context, const rml_xml_element *e, rml_error *err)
{
    heard *h = context;
    if (h->stop_at > 0 && --h->stop_at == 0) {
        return rml_fail(err, RML_ERR_CONFLICT, e->at, NULL, "expected another element");
    }
    rml_str id = rml_xml_attribute_get(e, "id");
    return rml_buffer_printf(&h->text, err, "<%.*s%s%.*s %u:%u>", RML_FMT(e->name),
                             id.data ? " id=" : "", RML_FMT(id), e->at.line, e->at.column);
}

static rml_status end(void *context, rml_str name, rml_str text, rml_place at, rml_error *err)
{
    (void)at;
    heard *h = context;
    return rml_buffer_printf(&h->text, err, "[%.*s]</%.*s>", RML_FMT(text), RML_FMT(name));
}

static const rml_xml_handlers handlers = {begin, end};

static rml_status walk(heard *h, const char *text, rml_error *err)
{
    return rml_xml_walk(rml_bytes_of(text, strlen(text)), RML_STR("t.xml"), &handlers, h, err);
}

static const struct {
    const char *text, *want;
} walked[] = {
    {"<a/>", "<a 1:1>[]</a>"},
    {"<?xml version=\"1.0\"?>\n<a id='1'>\n  <b id=''/>\n</a>",
     "<a id=1 2:1><b id= 3:3>[]</b>[]</a>"},
    {"<a> one <b>two</b> three </a>", "<a 1:1><b 1:9>[two]</b>[one  three]</a>"},
    {"<a>&lt;&amp;&#8364;<![CDATA[<x>]]></a>", "<a 1:1>[<&€<x>]</a>"},
    {"<a><!-- no --><?pi no?>x</a>", "<a 1:1>[x]</a>"},
};

static void walks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof walked / sizeof *walked; i++) {
        heard h = {0};
        assert_int_equal(walk(&h, walked[i].text, NULL), RML_OK);
        assert_true(rml_str_equal(rml_buffer_text(&h.text), rml_str_of(walked[i].want)));
        rml_buffer_reset(&h.text);
    }
}

static const struct {
    const char *text;
    rml_status status;
    const char *want;
} refused[] = {
    {"", RML_ERR_DATA, "t.xml:1:1: expected XML, found: no element found"},
    {"<a><b></a>", RML_ERR_DATA, "t.xml:1:9: expected XML, found: mismatched tag"},
    {"<a>&foo;</a>", RML_ERR_DATA, "undefined entity"},
    {"<a", RML_ERR_DATA, "expected XML, found:"},
    {"<a/><b/>", RML_ERR_DATA, "junk after document element"},
    {"<a x='1' x='2'/>", RML_ERR_DATA, "duplicate attribute"},
    {"<!DOCTYPE a><a/>", RML_ERR_UNSUPPORTED, "expected a document without a document type"},
    {"<!DOCTYPE a [<!ENTITY b 'bb'>]><a>&b;</a>", RML_ERR_UNSUPPORTED, "remove the <!DOCTYPE"},
    {"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", RML_ERR_UNSUPPORTED, "t.xml:1:"},
};

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        heard h = {0};
        rml_error err = {0};
        char line[1000];
        assert_int_equal(walk(&h, refused[i].text, &err), refused[i].status);
        rml_error_text(&err, line, sizeof line);
        if (!strstr(line, refused[i].want)) {
            fail_msg("expected %s, found %s", refused[i].want, line);
        }
        rml_buffer_reset(&h.text);
    }
}

static void limits_depth(void **state)
{
    (void)state;
    for (int depth = 64; depth <= 65; depth++) {
        char text[600] = "";
        for (int i = 0; i < 2 * depth; i++) {
            strcat(text, i < depth ? "<a>" : "</a>");
        }
        heard h = {0};
        assert_int_equal(walk(&h, text, NULL), depth > 64 ? RML_ERR_LIMIT : RML_OK);
        rml_buffer_reset(&h.text);
    }
}

static void hands_up_what_handlers_say(void **state)
{
    (void)state;
    heard h = {.stop_at = 2};
    rml_error err;
    assert_int_equal(walk(&h, "<a><b/><c/></a>", &err), RML_ERR_CONFLICT);
    assert_string_equal(err.place, "t.xml:1:4");
    assert_true(rml_str_equal(rml_buffer_text(&h.text), RML_STR("<a 1:1>")));
    rml_buffer_reset(&h.text);
    static const rml_xml_handlers none = {NULL, NULL};
    assert_int_equal(rml_xml_walk(rml_bytes_of("<a/>", 4), RML_STR("t"), &none, NULL, NULL),
                     RML_OK);
}

// A document larger than one part is fed in several.
static void reads_large_documents(void **state)
{
    (void)state;
    rml_buffer text = {0};
    heard h = {0};
    assert_int_equal(rml_buffer_str(&text, RML_STR("<a>"), NULL), RML_OK);
    for (int i = 0; i < 300000; i++) {
        assert_int_equal(rml_buffer_printf(&text, NULL, "%07d,", i), RML_OK);
    }
    assert_int_equal(rml_buffer_str(&text, RML_STR("</a>"), NULL), RML_OK);
    assert_int_equal(rml_xml_walk(rml_buffer_bytes(&text), RML_STR("t"), &handlers, &h, NULL),
                     RML_OK);
    assert_int_equal(h.text.len, 7 + 2 + 2400000 + 4);
    rml_buffer_reset(&text);
    rml_buffer_reset(&h.text);
}

static void survives_failed_allocations(void **state)
{
    (void)state;
    rml_status st = RML_ERR_MEMORY;
    for (uint64_t after = 0; st != RML_OK; after++) {
        heard h = {0};
        rml_heap_fail_after(after);
        st = walk(&h, "<a id='1'><b x='1' y='2' z='3'>text</b>more</a>", NULL);
        rml_heap_fail_after(UINT64_MAX);
        assert_true(after < 1000 && (st == RML_OK || st == RML_ERR_MEMORY));
        rml_buffer_reset(&h.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks),
        cmocka_unit_test(refuses),
        cmocka_unit_test(limits_depth),
        cmocka_unit_test(hands_up_what_handlers_say),
        cmocka_unit_test(reads_large_documents),
        cmocka_unit_test(survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
