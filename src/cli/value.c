// Values of a document: found by a path, said in a kind.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roadmill/os.h"
#include "view.h"

enum { SHORT_ID = 12, BAR = 24 };

// ---- Paths -------------------------------------------------------------------------------------

// A member by name, an element by number or by its "name"; NULL if there is none.
static const rml_json *step(const rml_json *value, rml_str name)
{
    int64_t index;
    bool numbered = rml_parse_i64(name, &index);
    for (const rml_json *v = value ? value->child : NULL; v != NULL; v = v->next) {
        bool found = value->kind == RML_JSON_OBJECT ? rml_str_equal(v->key, name)
                     : numbered                     ? index-- == 0
                                : rml_str_equal(rml_json_get_str(v, "name", (rml_str){0}), name);
        if (found) {
            return v;
        }
    }
    return NULL;
}

// "$plot": an option of the call, as a value.
static const rml_json *option_of(const rml_page *page, rml_str name)
{
    rml_json *made = RML_NEW(page->arena, rml_json);
    rml_str copy = rml_arena_str(page->arena, name);
    if (made == NULL || copy.data == NULL || page->call == NULL) {
        return NULL;
    }
    rml_str home = rml_call_home_path(page->call);
    bool of_home = rml_str_equal(name, RML_STR("home")) && home.len > 0;
    made->string = of_home ? home : rml_call_value(page->call, copy.data);
    made->kind = made->string.len > 0 ? RML_JSON_STRING : RML_JSON_BOOL;
    made->boolean = true;
    return made->string.data != NULL ? made : NULL;
}

// The next name of a path; '.' and '[' part names.
static rml_str path_next(rml_str *path)
{
    size_t len = 0;
    while (len < path->len && path->data[len] != '.' && path->data[len] != '[') {
        len++;
    }
    rml_str name = {path->data, len};
    size_t skip = len < path->len ? len + 1 : len;
    if (len < path->len && path->data[len] == '.' && skip < path->len && path->data[skip] == '[') {
        skip++;
    }
    *path = (rml_str){path->data + skip, path->len - skip};
    name.len -= name.len > 0 && name.data[name.len - 1] == ']';
    return name;
}

// A whole number, or a text that is one, as times are.
static bool integer_of(const rml_json *v, int64_t *out)
{
    bool is_int = v != NULL && v->kind == RML_JSON_INT;
    *out = is_int ? v->integer : 0;
    return is_int || (v != NULL && v->kind == RML_JSON_STRING && rml_parse_i64(v->string, out));
}

// "end_ns-start_ns"; NULL where one of both is missing.
static const rml_json *difference(const rml_page *page, const rml_scope *scope, rml_str path,
                                  bool *lacks)
{
    rml_str first, second = rml_str_cut(path, '-', &first);
    bool lacks_second;
    int64_t a, b;
    const rml_json *from = rml_scope_find(page, scope, first, lacks);
    const rml_json *less = rml_scope_find(page, scope, second, &lacks_second);
    *lacks = *lacks || lacks_second;
    rml_json *made = RML_NEW(page->arena, rml_json);
    if (made == NULL || !integer_of(from, &a) || !integer_of(less, &b)) {
        return NULL;
    }
    made->kind = RML_JSON_INT;
    made->integer = (int64_t)((uint64_t)a - (uint64_t)b);
    made->number = (double)made->integer;
    return made;
}

const rml_json *rml_scope_find(const rml_page *page, const rml_scope *scope, rml_str path,
                               bool *lacks)
{
    bool none;
    lacks = lacks != NULL ? lacks : &none;
    *lacks = false;
    if (path.len > 0 && path.data[0] == '$') {
        return option_of(page, (rml_str){path.data + 1, path.len - 1});
    }
    if (rml_str_find(path, RML_STR("-")) < path.len) {
        return difference(page, scope, path, lacks);
    }
    for (; path.len > 0 && path.data[0] == '^' && scope->outer != NULL; scope = scope->outer) {
        path = (rml_str){path.data + 1, path.len - 1};
    }
    if (path.len == 0 || rml_str_equal(path, RML_STR("."))) {
        return scope->value;
    }
    if (rml_str_equal(path, RML_STR("@"))) {
        rml_json *name = RML_NEW(page->arena, rml_json);
        *(name != NULL ? name : &(rml_json){0}) =
            (rml_json){.kind = RML_JSON_STRING, .string = scope->value->key};
        return name;
    }
    rml_str first = path_next(&path);
    const rml_json *at = step(scope->value, first);
    while (at != NULL && path.len > 0) {
        at = step(at, path_next(&path));
    }
    *lacks = at == NULL;
    return at;
}

bool rml_value_is_there(const rml_json *v)
{
    bool empty = v == NULL || v->kind == RML_JSON_NULL ||
                 (v->kind == RML_JSON_STRING && v->string.len == 0) ||
                 (v->kind >= RML_JSON_ARRAY && v->count == 0);
    return !empty;
}

bool rml_value_is_true(const rml_json *v)
{
    bool nought =
        v != NULL && ((v->kind == RML_JSON_BOOL && !v->boolean) ||
                      ((v->kind == RML_JSON_INT || v->kind == RML_JSON_NUMBER) && v->number == 0));
    return rml_value_is_there(v) && !nought;
}

// ---- Kinds -------------------------------------------------------------------------------------

// A number, or a text that is one (times are texts); NaN if it is none.
static double number_of(const rml_json *v)
{
    double value = NAN;
    if (v->kind == RML_JSON_INT || v->kind == RML_JSON_NUMBER) {
        return v->number;
    }
    return v->kind == RML_JSON_STRING && rml_parse_f64(v->string, &value) ? value : NAN;
}

// Thousands parted on a terminal: 1,234,567.
static rml_status put_int(const rml_page *page, int64_t value, rml_buffer *out, rml_error *err)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRId64, value);
    for (int i = 0; i < len; i++) {
        bool parts = page->terminal && i > 0 && (len - i) % 3 == 0 && digits[i - 1] != '-';
        RML_TRY(rml_buffer_printf(out, err, "%s%c", parts ? "," : "", digits[i]));
    }
    return RML_OK;
}

// ".3f*1e-9", "+.2f": a format of printf that was checked letter by letter, and a factor.
static rml_status put_number(double value, rml_str kind, rml_buffer *out, rml_error *err)
{
    rml_str format, factor = rml_str_cut(kind, '*', &format);
    double by = 1;
    char text[16] = "%";
    for (size_t i = 0; i < format.len && i < 8; i++) {
        text[i + 1] = strchr("+.0123456789efg", format.data[i]) != NULL ? format.data[i] : '0';
    }
    if (isnan(value)) {
        return rml_buffer_str(out, RML_STR("-"), err);
    }
    if (factor.len > 0 && !rml_parse_f64(factor, &by)) {
        by = 1;
    }
    char said[400];
    int len = snprintf(said, sizeof said, text, value * by);
    return rml_buffer_append(out, said, len > 0 ? (size_t)len : 0, err);
}

// Exact in a pipe, short on a terminal.
static rml_status put_bytes(const rml_page *page, double bytes, rml_buffer *out, rml_error *err)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    size_t unit = 0;
    if (!page->terminal) {
        return rml_buffer_printf(out, err, "%.0f bytes", bytes);
    }
    while (bytes >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        bytes /= 1000;
        unit++;
    }
    return rml_buffer_printf(out, err, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

static rml_status put_time(const rml_page *page, const rml_json *v, rml_buffer *out, rml_error *err)
{
    char text[40];
    int64_t ns = v->integer;
    if (v->kind == RML_JSON_STRING && !rml_parse_i64(v->string, &ns)) {
        return rml_buffer_str(out, v->string, err);
    }
    rml_clock_text(ns, text);
    rml_str whole = rml_str_of(text);
    if (page->terminal && whole.len > 19) {
        text[10] = ' ';
        whole.len = 19;
    }
    return rml_buffer_str(out, whole, err);
}

static rml_status put_bar(double share, rml_buffer *out, rml_error *err)
{
    int length = share > 0 ? (int)(fmin(share, 1) * BAR + 0.5) : 0;
    return rml_buffer_printf(out, err, "%.*s", length, "########################");
}

static rml_status put_list(const rml_page *page, const rml_json *v, const char *between,
                           rml_buffer *out, rml_error *err)
{
    for (const rml_json *e = v->child; e != NULL; e = e->next) {
        RML_TRY(rml_value_put(page, e, (rml_str){0}, out, err));
        RML_TRY(e->next != NULL ? rml_buffer_str(out, rml_str_of(between), err) : RML_OK);
    }
    return RML_OK;
}

static rml_status put_json(const rml_json *v, bool pretty, rml_buffer *out, rml_error *err)
{
    rml_json_writer w;
    rml_json_writer_init(&w, out, err);
    w.pretty = pretty;
    rml_json_value(&w, v);
    return rml_json_finish(&w);
}

// As its type says it.
static rml_status put_plain(const rml_page *page, const rml_json *v, rml_buffer *out,
                            rml_error *err)
{
    switch (v->kind) {
    case RML_JSON_NULL:
        return rml_buffer_str(out, RML_STR("-"), err);
    case RML_JSON_BOOL:
        return rml_buffer_str(out, v->boolean ? RML_STR("yes") : RML_STR("no"), err);
    case RML_JSON_INT:
        return put_int(page, v->integer, out, err);
    case RML_JSON_NUMBER:
        return put_number(v->number, RML_STR(".4g"), out, err);
    case RML_JSON_STRING:
        return rml_buffer_str(out, v->string, err);
    case RML_JSON_ARRAY:
        return put_list(page, v, ", ", out, err);
    default:
        return put_json(v, false, out, err);
    }
}

rml_status rml_value_put(const rml_page *page, const rml_json *v, rml_str kind, rml_buffer *out,
                         rml_error *err)
{
    if (v == NULL || v->kind == RML_JSON_NULL) {
        return rml_buffer_str(out, RML_STR("-"), err);
    }
    if (kind.len > 0 && strchr("+.", kind.data[0]) != NULL) {
        return put_number(number_of(v), kind, out, err);
    }
    if (rml_str_equal(kind, RML_STR("id")) && v->kind == RML_JSON_STRING) {
        bool whole = !page->terminal || v->string.len <= SHORT_ID;
        return rml_buffer_append(out, v->string.data, whole ? v->string.len : SHORT_ID, err);
    }
    if (rml_str_equal(kind, RML_STR("bytes"))) {
        return put_bytes(page, number_of(v), out, err);
    }
    if (rml_str_equal(kind, RML_STR("time"))) {
        return put_time(page, v, out, err);
    }
    if (rml_str_equal(kind, RML_STR("count"))) {
        return put_int(page, (int64_t)v->count, out, err);
    }
    if (rml_str_equal(kind, RML_STR("x"))) {
        return put_list(page, v, "x", out, err);
    }
    if (rml_str_equal(kind, RML_STR("words")) && v->kind == RML_JSON_STRING) {
        for (size_t i = 0; i < v->string.len; i++) {
            char c = v->string.data[i] == '_' ? ' ' : v->string.data[i];
            RML_TRY(rml_buffer_append(out, &c, 1, err));
        }
        return RML_OK;
    }
    if (rml_str_equal(kind, RML_STR("indent"))) {
        return rml_buffer_printf(out, err, "%*s", (int)(2 * v->integer), "");
    }
    if (rml_str_equal(kind, RML_STR("bar"))) {
        return put_bar(number_of(v), out, err);
    }
    if (rml_str_equal(kind, RML_STR("json"))) {
        return put_json(v, true, out, err);
    }
    if (rml_str_equal(kind, RML_STR("yes"))) {
        return rml_buffer_str(out, rml_value_is_true(v) ? RML_STR("yes") : RML_STR("-"), err);
    }
    return put_plain(page, v, out, err);
}
