// Words, strings and signs of a DBC file.
#include <string.h>

#include "dbc.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void step(rml_dbc_lexer *l)
{
    if (l->text.data[l->at++] == '\n') {
        l->line++;
        l->line_at = l->at;
    }
}

// White space, and comments as in C++, which are no part of the format and stand in files all the
// same.
static void skip_space(rml_dbc_lexer *l)
{
    for (;;) {
        while (l->at < l->text.len && is_space(l->text.data[l->at])) {
            step(l);
        }
        if (l->text.len - l->at < 2 || l->text.data[l->at] != '/' ||
            l->text.data[l->at + 1] != '/') {
            return;
        }
        while (l->at < l->text.len && l->text.data[l->at] != '\n') {
            step(l);
        }
    }
}

static bool is_sign(char c)
{
    return strchr(":;,|@()[]+-\"", c) != NULL;
}

// A string ends at a quote that no backslash stands before.
static rml_status take_string(rml_dbc_lexer *l, rml_dbc_token *out)
{
    step(l);
    size_t from = l->at;
    while (l->at < l->text.len && l->text.data[l->at] != '"') {
        if (l->text.data[l->at] == '\\' && l->at + 1 < l->text.len) {
            step(l);
        }
        step(l);
    }
    if (l->at == l->text.len) {
        return rml_fail(l->err, RML_ERR_DATA, rml_place_line(l->file, out->line, out->column), NULL,
                        "expected the end of a string, found the end of the file");
    }
    *out = (rml_dbc_token){
        RML_DBC_STRING, {l->text.data + from, l->at - from}, out->line, out->column};
    step(l);
    return RML_OK;
}

// A minus or plus belongs to a number that follows it at once, unless it is the sign of a signal.
static bool is_number_sign(const rml_dbc_lexer *l)
{
    char c = l->text.data[l->at];
    if ((c != '-' && c != '+') || l->at + 1 >= l->text.len) {
        return false;
    }
    char next = l->text.data[l->at + 1];
    return (next >= '0' && next <= '9') || next == '.';
}

rml_status rml_dbc_next(rml_dbc_lexer *l, rml_dbc_token *out)
{
    skip_space(l);
    *out = (rml_dbc_token){
        .line = l->line, .column = (uint32_t)(l->at - l->line_at) + 1, .kind = RML_DBC_END};
    if (l->at == l->text.len) {
        return RML_OK;
    }
    char c = l->text.data[l->at];
    if (c == '"') {
        return take_string(l, out);
    }
    size_t from = l->at;
    if (is_sign(c) && !is_number_sign(l)) {
        l->at++;
        out->kind = RML_DBC_SIGN;
        out->text = (rml_str){l->text.data + from, 1};
        return RML_OK;
    }
    l->at++;
    while (l->at < l->text.len) {
        char here = l->text.data[l->at], before = l->text.data[l->at - 1];
        // "1e-05": a sign within a number.
        bool exponent = (here == '-' || here == '+') && (before == 'e' || before == 'E') &&
                        ((c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.');
        if (is_space(here) || (is_sign(here) && !exponent)) {
            break;
        }
        l->at++;
    }
    out->kind = RML_DBC_WORD;
    out->text = (rml_str){l->text.data + from, l->at - from};
    return RML_OK;
}
