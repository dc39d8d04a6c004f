// Views: sentences, tables and blocks over a document, in a pipe and on a terminal.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/os.h"
#include "view.h"

typedef struct page_case {
    const char *name, *document;
    const rml_view view[4];
    const char *pipe, *terminal; // NULL: as in a pipe
} page_case;

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const page_case cases[] = {
    {"sentence",
     "{\"scenes\":1234567,\"of\":{\"tracks\":2}}",
     {{.line = "{scenes} scenes of {of.tracks} tracks"}},
     "1234567 scenes of 2 tracks\n",
     "1,234,567 scenes of 2 tracks\n"},
    {"group",
     "{\"a\":null,\"b\":0,\"c\":\"x\"}",
     {{.line = "a[, {a}][, {b}][, {b?}{b} b][, {c}][[[{c}]]]"}},
     "a, 0, x[x]\n",
     NULL},
    {"conditions",
     "{\"a\":true,\"b\":\"w\"}",
     {{.line = "[{a?}yes][{a!}no] [{b=w?}w][{b=v?}v]"}, {.when = "{a!}"}, {.line = "never"}},
     "yes w\n",
     NULL},
    {"no line", "{\"a\":\"\"}", {{.line = "[{a}]"}, {.line = ""}}, "\n", NULL},
    {"id", "{\"id\":\"" HASH "\"}", {{.line = "{id:id}"}}, HASH "\n", "0123456789ab\n"},
    {"kinds",
     "{\"t\":\"1500000000\",\"p\":0.125,\"l\":[1,2],\"n\":null,\"b\":1536000}",
     {{.line = "{t:.1f*1e-9} {p:.1f*100} {l:x} {l:count} {n} {b:bytes}"}},
     "1.5 12.5 1x2 2 - 1536000 bytes\n",
     "1.5 12.5 1x2 2 - 1.5 MB\n"},
    {"difference",
     "{\"a\":\"1700000000000000007\",\"b\":\"1700000000000000000\"}",
     {{.line = "{a-b}"}},
     "7\n",
     NULL},
    {"table",
     "[{\"id\":\"a\",\"n\":5},{\"id\":\"bb\",\"n\":1000}]",
     {{.each = "", .table = "thing=id | n"}},
     "thing     n\na         5\nbb     1000\n",
     "thing      n\na          5\nbb     1,000\n"},
    {"no rows", "[]", {{.each = "", .table = "id | n"}}, "id  n\n", NULL},
    {"nested",
     "{\"m\":[{\"name\":\"x\",\"s\":[{\"name\":\"all\",\"v\":1}]}]}",
     {{.each = "m.s", .table = "model=^name | slice=name | v"}},
     "model  slice  v\nx      all    1\n",
     NULL},
    {"an element is not asked for what holds it",
     "{\"refused\":1,\"files\":[{\"path\":\"a\"},{\"path\":\"b\",\"refused\":\"why\"}]}",
     {{.each = "files", .line = "[{refused!}{path} of {^refused}][{path}: {refused}]"}},
     "a of 1\nb: why\n",
     NULL},
    {"star",
     "[{\"v\":{\"rate\":0.5,\"on\":true}}]",
     {{.each = "", .table = "v.*"}},
     "rate  on\n 0.5  yes\n",
     NULL},
    {"by name",
     "[{\"m\":[{\"name\":\"fde\",\"value\":2.5}]}]",
     {{.each = "", .table = "fde=m[fde].value:.2f | m.*={*.value:.1f}"}},
     " fde  fde\n2.50  2.5\n",
     NULL},
    {"where",
     "[{\"n\":1,\"k\":\"a\"},{\"n\":2,\"k\":\"b\"},{\"n\":3,\"k\":\"c\"}]",
     {{.each = "", .where = "{k=a?} or {k=c?}", .table = "n"}},
     "n\n1\n3\n",
     NULL},
    {"fields",
     "{\"a\":\"x\",\"b\":\"\",\"c\":7}",
     {{.fields = "first=a | second=b | third=c"}},
     "first  x\nthird  7\n",
     NULL},
    {"an id is a text, and stays whole",
     "[{\"id\":\"" HASH "\",\"a\":\"x1234567890123456789\"}]",
     {{.each = "", .table = "id:id | a"}},
     "id                                                                a\n" HASH
     "  x1234567890123456789\n",
     "id            a\n0123456789ab  x12345678901234…\n"},
    {"a wide column is cut on a terminal",
     "[{\"a\":\"x123456789012345678901234567890123456789\",\"b\":\"end\"}]",
     {{.each = "", .table = "a | b"}},
     "a                                         b\nx123456789012345678901234567890123456789  end\n",
     "a                          b\nx12345678901234567890123…  end\n"},
};

static void render(const char *document, const rml_view *view, bool terminal, rml_buffer *out,
                   size_t *missing)
{
    rml_arena arena = {0};
    rml_error err = {0};
    const rml_json *tree;
    assert_int_equal(rml_json_parse(&arena, rml_str_of(document), RML_STR("document"), &tree, &err),
                     RML_OK);
    rml_page page = {.out = out, .arena = &arena, .terminal = terminal, .columns = 30};
    assert_int_equal(rml_page_render(&page, tree, view, &err), RML_OK);
    *missing = page.missing;
    assert_int_equal(rml_buffer_append(out, "", 1, &err), RML_OK);
    rml_arena_reset(&arena);
}

static void views_read_as_they_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int terminal = 0; terminal < 2; terminal++) {
            rml_buffer out = {0};
            size_t missing;
            const char *want = terminal && cases[i].terminal ? cases[i].terminal : cases[i].pipe;
            render(cases[i].document, cases[i].view, terminal == 1, &out, &missing);
            if (strcmp((const char *)out.data, want) != 0) {
                print_error("%s (%s):\n%swanted:\n%s", cases[i].name,
                            terminal ? "terminal" : "pipe", (const char *)out.data, want);
            }
            assert_string_equal((const char *)out.data, want);
            assert_int_equal(missing, 0);
            rml_buffer_reset(&out);
        }
    }
}

static void what_the_document_lacks_is_counted(void **state)
{
    (void)state;
    static const rml_view view[] = {{.line = "{nothing} and {here}"}, {0}};
    rml_buffer out = {0};
    size_t missing;
    render("{\"here\":1}", view, false, &out, &missing);
    assert_string_equal((const char *)out.data, "- and 1\n");
    assert_int_equal(missing, 1);
    rml_buffer_reset(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_read_as_they_say),
        cmocka_unit_test(what_the_document_lacks_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
