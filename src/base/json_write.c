// JSON, the writer: commas, escapes and indentation by itself; the first failure sticks.
#include "roadmill/base/json.h"

#include "json_quote.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

// What stands for a byte in a string: NULL for itself.
static const char *escape_of(uint8_t c)
{
    static const char *const controls[] = {
        "\\u0000", "\\u0001", "\\u0002", "\\u0003", "\\u0004", "\\u0005", "\\u0006", "\\u0007",
        "\\b",     "\\t",     "\\n",     "\\u000b", "\\f",     "\\r",     "\\u000e", "\\u000f",
        "\\u0010", "\\u0011", "\\u0012", "\\u0013", "\\u0014", "\\u0015", "\\u0016", "\\u0017",
        "\\u0018", "\\u0019", "\\u001a", "\\u001b", "\\u001c", "\\u001d", "\\u001e", "\\u001f",
    };
    return c < ' ' ? controls[c] : c == '"' ? "\\\"" : c == '\\' ? "\\\\" : NULL;
}

// Length of the valid UTF-8 sequence at the start of text, 0 if there is none.
static size_t sequence_at(rml_str text)
{
    for (size_t len = 2; len <= 4 && len <= text.len; len++) {
        if (rml_utf8_valid((rml_str){text.data, len})) {
            return len;
        }
    }
    return 0;
}

rml_status rml_json_quote(rml_buffer *out, rml_str text, rml_error *err)
{
    RML_TRY(rml_buffer_reserve(out, text.len < SIZE_MAX - 2 ? text.len + 2 : text.len, err));
    RML_TRY(rml_buffer_str(out, RML_STR("\""), err));
    bool valid = rml_utf8_valid(text);
    size_t start = 0;
    for (size_t i = 0; i < text.len;) {
        uint8_t c = (uint8_t)text.data[i];
        const char *instead = escape_of(c);
        if (c >= 0x80 && !valid) {
            size_t len = sequence_at((rml_str){text.data + i, text.len - i});
            if (len > 0) {
                i += len;
                continue;
            }
            instead = "\xef\xbf\xbd";
        }
        i++;
        if (instead) {
            RML_TRY(rml_buffer_append(out, text.data + start, i - 1 - start, err));
            RML_TRY(rml_buffer_str(out, rml_str_of(instead), err));
            start = i;
        }
    }
    RML_TRY(
        rml_buffer_append(out, text.len > start ? text.data + start : NULL, text.len - start, err));
    return rml_buffer_str(out, RML_STR("\""), err);
}

void rml_json_writer_init(rml_json_writer *w, rml_buffer *out, rml_error *err)
{
    *w = (rml_json_writer){.out = out, .err = err};
}

static void put(rml_json_writer *w, rml_str text)
{
    if (w->status == RML_OK) {
        w->status = rml_buffer_str(w->out, text, w->err);
    }
}

static void new_line(rml_json_writer *w)
{
    if (!w->pretty) {
        return;
    }
    put(w, RML_STR("\n"));
    for (uint32_t i = 0; i < w->depth; i++) {
        put(w, RML_STR("  "));
    }
}

// Before any value or key: the comma and the line that it needs.
static void begin_item(rml_json_writer *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->depth == 0) {
        return;
    }
    uint8_t *has_items = &w->has_items[w->depth - 1];
    if (*has_items) {
        put(w, RML_STR(","));
    }
    *has_items = 1;
    new_line(w);
}

static void open_container(rml_json_writer *w, rml_str bracket)
{
    if (w->status != RML_OK) {
        return;
    }
    if (w->depth == RML_JSON_DEPTH_MAX) {
        w->status =
            rml_fail(w->err, RML_ERR_LIMIT, (rml_place){0}, NULL,
                     "expected at most %d levels of JSON to write, found more", RML_JSON_DEPTH_MAX);
        return;
    }
    begin_item(w);
    put(w, bracket);
    w->has_items[w->depth++] = 0;
}

static void close_container(rml_json_writer *w, rml_str bracket)
{
    if (w->status != RML_OK) {
        return;
    }
    assert(w->depth > 0 && !w->after_key);
    w->depth--;
    if (w->has_items[w->depth]) {
        new_line(w);
    }
    put(w, bracket);
}

void rml_json_object(rml_json_writer *w)
{
    open_container(w, RML_STR("{"));
}

void rml_json_object_end(rml_json_writer *w)
{
    close_container(w, RML_STR("}"));
}

void rml_json_list(rml_json_writer *w)
{
    open_container(w, RML_STR("["));
}

void rml_json_list_end(rml_json_writer *w)
{
    close_container(w, RML_STR("]"));
}

static void write_key(rml_json_writer *w, rml_str key)
{
    begin_item(w);
    if (w->status == RML_OK) {
        w->status = rml_json_quote(w->out, key, w->err);
    }
    put(w, w->pretty ? RML_STR(": ") : RML_STR(":"));
    w->after_key = true;
}

void rml_json_key(rml_json_writer *w, const char *key)
{
    write_key(w, rml_str_of(key));
}

void rml_json_str(rml_json_writer *w, rml_str text)
{
    begin_item(w);
    if (w->status == RML_OK) {
        w->status = rml_json_quote(w->out, text, w->err);
    }
}

void rml_json_i64(rml_json_writer *w, int64_t value)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%lld", (long long)value);
    begin_item(w);
    put(w, (rml_str){text, (size_t)len});
}

void rml_json_ns(rml_json_writer *w, int64_t value)
{
    char text[24];
    int len = snprintf(text, sizeof text, "\"%lld\"", (long long)value);
    begin_item(w);
    put(w, (rml_str){text, (size_t)len});
}

void rml_json_f64(rml_json_writer *w, double value)
{
    char text[RML_F64_TEXT] = "null";
    size_t len = isfinite(value) ? rml_format_f64(value, text) : 4;
    begin_item(w);
    put(w, (rml_str){text, len});
}

void rml_json_bool(rml_json_writer *w, bool value)
{
    begin_item(w);
    put(w, value ? RML_STR("true") : RML_STR("false"));
}

void rml_json_null(rml_json_writer *w)
{
    begin_item(w);
    put(w, RML_STR("null"));
}

static void write_children(rml_json_writer *w, const rml_json *value)
{
    for (const rml_json *child = value->child; child && w->status == RML_OK; child = child->next) {
        if (value->kind == RML_JSON_OBJECT) {
            write_key(w, child->key);
        }
        rml_json_value(w, child);
    }
}

void rml_json_value(rml_json_writer *w, const rml_json *value)
{
    switch (value->kind) {
    case RML_JSON_NULL:
        rml_json_null(w);
        break;
    case RML_JSON_BOOL:
        rml_json_bool(w, value->boolean);
        break;
    case RML_JSON_INT:
        rml_json_i64(w, value->integer);
        break;
    case RML_JSON_NUMBER:
        rml_json_f64(w, value->number);
        break;
    case RML_JSON_STRING:
        rml_json_str(w, value->string);
        break;
    case RML_JSON_ARRAY:
        rml_json_list(w);
        write_children(w, value);
        rml_json_list_end(w);
        break;
    case RML_JSON_OBJECT:
        rml_json_object(w);
        write_children(w, value);
        rml_json_object_end(w);
        break;
    }
}

void rml_json_kv_str(rml_json_writer *w, const char *key, rml_str text)
{
    rml_json_key(w, key);
    rml_json_str(w, text);
}

void rml_json_kv_i64(rml_json_writer *w, const char *key, int64_t value)
{
    rml_json_key(w, key);
    rml_json_i64(w, value);
}

void rml_json_kv_ns(rml_json_writer *w, const char *key, int64_t value)
{
    rml_json_key(w, key);
    rml_json_ns(w, value);
}

void rml_json_kv_f64(rml_json_writer *w, const char *key, double value)
{
    rml_json_key(w, key);
    rml_json_f64(w, value);
}

void rml_json_kv_bool(rml_json_writer *w, const char *key, bool value)
{
    rml_json_key(w, key);
    rml_json_bool(w, value);
}

rml_status rml_json_finish(rml_json_writer *w)
{
    assert(w->status != RML_OK || (w->depth == 0 && !w->after_key));
    return w->status;
}
