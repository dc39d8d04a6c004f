// HTML pages: one file, no scripts, nothing from elsewhere; light or dark as the reader's system
// is.
#include "roadmill/draw.h"

#include <stdio.h>
#include <string.h>

#include "number.h"

static const char style[] =
    ":root{color-scheme:light dark;--page:#fbfbfa;--card:#fff;--ink:#1b1d22;--soft:#5d6370;"
    "--line:#e3e4e8;--code:#f3f4f6;--link:#0060a8;--pass:#00694e;--fail:#a33b00;--open:#5b5b66;"
    "--best:#eef6fc}"
    "@media(prefers-color-scheme:dark){:root{--page:#14161a;--card:#1c1f25;--ink:#e8eaee;"
    "--soft:#a2a9b6;--line:#31353d;--code:#23272e;--link:#7cc0ff;--pass:#37c79a;--fail:#ff9566;"
    "--open:#a8a8b8;--best:#1b2c3b}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"
    "'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;-webkit-text-size-adjust:100%}"
    "main{max-width:1180px;margin:0 auto;padding:28px 22px 64px}"
    "h1{font-size:30px;line-height:1.2;letter-spacing:-.02em;margin:0 0 18px}"
    "h2{font-size:20px;line-height:1.3;letter-spacing:-.01em;margin:28px 0 10px}"
    "h3{font-size:16px;margin:20px 0 6px}"
    "p{margin:0 0 12px;max-width:75ch}a{color:var(--link)}"
    "section{background:var(--card);border:1px solid var(--line);border-radius:10px;"
    "padding:18px 20px;margin:0 0 18px}"
    "section>h2:first-child{margin-top:0}section>:last-child{margin-bottom:0}"
    ".table{overflow-x:auto;margin:0 0 14px}"
    "table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}"
    "th{text-align:left;font-weight:600;color:var(--soft);white-space:nowrap}"
    "th,td{padding:6px 12px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}"
    "th:last-child,td:last-child{padding-right:0}"
    "td.n,th.n{text-align:right;white-space:nowrap}"
    "tr:last-child td{border-bottom:0}"
    // a head stands over its numbers
    "table:has(tbody td.n:nth-child(1)) th:nth-child(1),"
    "table:has(tbody td.n:nth-child(2)) th:nth-child(2),"
    "table:has(tbody td.n:nth-child(3)) th:nth-child(3),"
    "table:has(tbody td.n:nth-child(4)) th:nth-child(4),"
    "table:has(tbody td.n:nth-child(5)) th:nth-child(5),"
    "table:has(tbody td.n:nth-child(6)) th:nth-child(6),"
    "table:has(tbody td.n:nth-child(7)) th:nth-child(7),"
    "table:has(tbody td.n:nth-child(8)) th:nth-child(8),"
    "table:has(tbody td.n:nth-child(9)) th:nth-child(9),"
    "table:has(tbody td.n:nth-child(10)) th:nth-child(10),"
    "table:has(tbody td.n:nth-child(11)) th:nth-child(11),"
    "table:has(tbody td.n:nth-child(12)) th:nth-child(12){text-align:right}"
    "tr.best td{background:var(--best);font-weight:600}"
    "tr.pass td:first-child::before{content:'\\2713\\00a0';color:var(--pass);font-weight:700}"
    "tr.fail td:first-child::before{content:'\\2717\\00a0';color:var(--fail);font-weight:700}"
    "tr.undecided td:first-child::before{content:'?\\00a0';color:var(--open);font-weight:700}"
    "pre{background:var(--code);border-radius:8px;padding:12px 14px;overflow-x:auto;margin:0 0 "
    "14px;"
    "font:13.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}"
    "svg{display:block;margin:0 0 12px}"
    "@media(max-width:640px){main{padding:18px 14px 40px}h1{font-size:24px}"
    "section{padding:14px}}"
    "@media print{body{background:#fff}section{break-inside:avoid}}";

static void put(rml_html *h, const char *text)
{
    if (h->status == RML_OK) {
        h->status = rml_buffer_str(h->out, rml_str_of(text), h->err);
    }
}

void rml_html_raw(rml_html *h, rml_str html)
{
    if (h->status == RML_OK && html.len > 0) {
        h->status = rml_buffer_str(h->out, html, h->err);
    }
}

void rml_html_escape(rml_html *h, rml_str text)
{
    if (h->status == RML_OK) {
        h->status = rml_escape(h->out, text, h->err);
    }
}

void rml_html_begin(rml_html *h, rml_buffer *out, const char *title, rml_error *err)
{
    *h = (rml_html){.out = out, .err = err};
    put(h, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>");
    rml_html_escape(h, rml_str_of(title));
    put(h, "</title>\n<style>");
    put(h, style);
    put(h, "</style>\n</head>\n<body>\n<main>\n");
}

static void put_in(rml_html *h, const char *open, rml_str text, const char *close)
{
    put(h, open);
    rml_html_escape(h, text);
    put(h, close);
}

void rml_html_heading(rml_html *h, int level, rml_str text)
{
    int bounded = level < 1 ? 1 : level > 6 ? 6 : level;
    char open[8], close[8];
    snprintf(open, sizeof open, "<h%d>", bounded);
    snprintf(close, sizeof close, "</h%d>\n", bounded);
    put_in(h, open, text, close);
}

void rml_html_paragraph(rml_html *h, rml_str text)
{
    put_in(h, "<p>", text, "</p>\n");
}

void rml_html_code(rml_html *h, rml_str text)
{
    put_in(h, "<pre><code>", text, "</code></pre>\n");
}

void rml_html_table_begin(rml_html *h, const char *const *heads, size_t count)
{
    put(h, "<div class=\"table\"><table>\n<thead><tr>");
    for (size_t i = 0; i < count; i++) {
        put_in(h, "<th scope=\"col\">", rml_str_of(heads[i]), "</th>");
    }
    put(h, "</tr></thead>\n<tbody>\n");
}

// With its interval and at most one word, its unit: a sentence may begin with a number, too.
static bool is_number(rml_str cell)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    size_t words = 0;
    bool within = false;
    for (size_t i = 0; i < cell.len; i++) {
        bool letter = cell.data[i] != '\0' && strchr(letters, cell.data[i]) != NULL;
        words += letter && !within;
        within = letter;
    }
    return cell.len > 0 && words <= 1 && cell.data[0] != '\0' &&
           strchr("0123456789+-.", cell.data[0]) != NULL;
}

void rml_html_row(rml_html *h, const rml_str *cells, size_t count, const char *class_name)
{
    put(h, "<tr");
    if (class_name != NULL && *class_name != '\0') {
        put_in(h, " class=\"", rml_str_of(class_name), "\"");
    }
    put(h, ">");
    for (size_t i = 0; i < count; i++) {
        put_in(h, is_number(cells[i]) ? "<td class=\"n\">" : "<td>", cells[i], "</td>");
    }
    put(h, "</tr>\n");
}

void rml_html_table_end(rml_html *h)
{
    put(h, "</tbody></table></div>\n");
}

rml_status rml_html_end(rml_html *h)
{
    put(h, "</main>\n</body>\n</html>\n");
    return h->status;
}
