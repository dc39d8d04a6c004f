// JSON, the pull parser: RFC 8259 by the letter. A string without escapes is borrowed from the
// text; a number is scanned once.
#include "roadmill/base/json.h"

#include "number.h"

#include <math.h>
#include <string.h>

// What may come next, per level; level 0 is the text itself.
enum { TEXT_VALUE, TEXT_OVER, ARRAY_FIRST, ARRAY_NEXT, OBJECT_FIRST, OBJECT_NEXT, OBJECT_VALUE };

void rml_json_reader_init(rml_json_reader *r, rml_str text, rml_str file)
{
    *r = (rml_json_reader){.text = text, .file = file, .stack = {TEXT_VALUE}};
}

void rml_json_reader_reset(rml_json_reader *r)
{
    rml_buffer_reset(&r->scratch);
    *r = (rml_json_reader){0};
}

// "expected X, found Y" where Y is what stands at the offset.
static rml_status fail_at(const rml_json_reader *r, size_t offset, const char *expected,
                          rml_error *err)
{
    rml_place at = rml_place_byte(r->file, offset);
    if (offset >= r->text.len) {
        return rml_fail(err, RML_ERR_DATA, at, NULL, "expected %s, found the end of the text",
                        expected);
    }
    uint8_t c = (uint8_t)r->text.data[offset];
    return c > ' ' && c < 0x7f
               ? rml_fail(err, RML_ERR_DATA, at, NULL, "expected %s, found '%c'", expected, c)
               : rml_fail(err, RML_ERR_DATA, at, NULL, "expected %s, found byte 0x%02x", expected,
                          c);
}

static void skip_space(rml_json_reader *r)
{
    const char *p = r->text.data + r->offset, *end = r->text.data + r->text.len;
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) {
        p++;
    }
    r->offset = (size_t)(p - r->text.data);
}

// ---- Strings -----------------------------------------------------------------------------------

// The offset of the first byte at or after `offset` that is a quote, a backslash or a control
// character; sets *plain to false where a byte is not ASCII. Eight bytes at a time: subtracting
// sets the top bit of a byte that was below the bound, if its top bit was clear.
static size_t scan_string(const rml_json_reader *r, size_t offset, bool *plain)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    const char *p = r->text.data;
    uint64_t high = 0;
    for (; r->text.len - offset >= 8; offset += 8) {
        uint64_t w;
        memcpy(&w, p + offset, 8);
        uint64_t quote = w ^ ones * '"', slash = w ^ ones * '\\';
        uint64_t hit = ((w - ones * ' ') | (quote - ones) | (slash - ones)) & tops;
        high |= w;
        if (hit & ~(w & tops)) {
            break;
        }
    }
    for (; offset < r->text.len; offset++) {
        uint8_t c = (uint8_t)p[offset];
        if (c == '"' || c == '\\' || c < ' ') {
            break;
        }
        high |= c;
    }
    *plain = *plain && (high & tops) == 0;
    return offset;
}

static rml_status read_hex4(rml_json_reader *r, uint32_t *out, rml_error *err)
{
    uint32_t value = 0;
    for (size_t i = 0; i < 4; i++, r->offset++) {
        char c = r->offset < r->text.len ? r->text.data[r->offset] : 0;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            return fail_at(r, r->offset, "four hexadecimal digits after \\u", err);
        }
        value = value << 4 | (uint32_t)digit;
    }
    *out = value;
    return RML_OK;
}

static size_t encode_utf8(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, c >>= 6) {
        out[i] = (char)(0x80 | (c & 0x3f));
    }
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(leads[len] | c);
    return len;
}

// After "\u". RFC 8259, section 7: a character beyond U+FFFF is a pair of surrogates.
static rml_status read_unicode(rml_json_reader *r, rml_error *err)
{
    size_t start = r->offset - 2;
    uint32_t c, low;
    RML_TRY(read_hex4(r, &c, err));
    if (c >= 0xd800 && c <= 0xdfff) {
        bool pair = c < 0xdc00 && r->text.len - r->offset >= 2 &&
                    memcmp(r->text.data + r->offset, "\\u", 2) == 0;
        if (pair) {
            r->offset += 2;
            RML_TRY(read_hex4(r, &low, err));
            pair = low >= 0xdc00 && low <= 0xdfff;
        }
        if (!pair) {
            return rml_fail(err, RML_ERR_DATA, rml_place_byte(r->file, start), NULL,
                            "expected a pair of surrogates, found \\u%04x alone", c);
        }
        c = 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
    }
    char utf8[4];
    size_t len = encode_utf8(c, utf8);
    return rml_buffer_append(&r->scratch, utf8, len, err);
}

// r->offset stands after a backslash.
static rml_status read_escape(rml_json_reader *r, rml_error *err)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = r->offset < r->text.len ? r->text.data[r->offset] : 0;
    if (c == 'u') {
        r->offset++;
        return read_unicode(r, err);
    }
    const char *name = c ? strchr(names, c) : NULL;
    if (!name) {
        return fail_at(r, r->offset, "one of \" \\ / b f n r t u after \\", err);
    }
    r->offset++;
    return rml_buffer_append(&r->scratch, &values[name - names], 1, err);
}

// r->offset stands at the opening quote; afterwards behind the closing one.
static rml_status read_string(rml_json_reader *r, rml_error *err)
{
    bool plain = true, escaped = false;
    size_t start = ++r->offset;
    rml_buffer_clear(&r->scratch);
    for (;;) {
        r->offset = scan_string(r, r->offset, &plain);
        if (r->offset >= r->text.len) {
            return fail_at(r, r->offset, "'\"' at the end of the string", err);
        }
        char c = r->text.data[r->offset];
        if (c != '"' && c != '\\') {
            return fail_at(r, r->offset, "control characters in strings to be escaped", err);
        }
        if (c == '"' && !escaped) {
            break;
        }
        RML_TRY(rml_buffer_append(&r->scratch, r->text.data + start, r->offset - start, err));
        r->offset++;
        if (c == '"') {
            break;
        }
        escaped = true;
        RML_TRY(read_escape(r, err));
        start = r->offset;
    }
    if (escaped) {
        r->string = r->scratch.len > 0 ? rml_buffer_text(&r->scratch) : RML_STR("");
    } else {
        r->string = (rml_str){r->text.data + start, r->offset - start};
        r->offset++;
    }
    if (!plain && !rml_utf8_valid(r->string)) {
        return rml_fail(err, RML_ERR_DATA, rml_place_byte(r->file, r->at), NULL,
                        "expected a string of UTF-8, found other bytes");
    }
    return RML_OK;
}

// ---- Other scalars -----------------------------------------------------------------------------

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// What the scanner of decimals takes and JSON does not: leading zeros, a point without a digit on
// either side.
static bool follows_grammar(const char *p, const char *end)
{
    p += *p == '-';
    if (!is_digit(*p) || (*p == '0' && end - p > 1 && is_digit(p[1]))) {
        return false;
    }
    const char *point = memchr(p, '.', (size_t)(end - p));
    return !point || (end - point > 1 && is_digit(point[1]));
}

static rml_status read_number(rml_json_reader *r, rml_json_event *event, rml_error *err)
{
    const char *p = r->text.data + r->offset, *limit = r->text.data + r->text.len;
    rml_decimal d;
    const char *end = rml_decimal_scan(p, limit, &d);
    if (!end || !follows_grammar(p, end)) {
        return fail_at(r, r->offset, "a number as JSON writes it", err);
    }
    rml_str text = {p, (size_t)(end - p)};
    r->offset += text.len;
    uint64_t most = (uint64_t)INT64_MAX + (d.negative ? 1u : 0u);
    if (!d.fraction && d.exact && d.exponent == 0 && d.digits <= most) {
        r->integer = d.negative ? (int64_t)(0 - d.digits) : (int64_t)d.digits;
        r->number = d.negative && d.digits == 0 ? -0.0 : (double)r->integer;
        *event = RML_JSON_EVENT_INT;
        return RML_OK;
    }
    if (!rml_decimal_f64(&d, text, &r->number)) {
        return rml_fail_memory(err, text.len);
    }
    if (isinf(r->number)) {
        return rml_fail(err, RML_ERR_DATA, rml_place_byte(r->file, r->at), NULL,
                        "expected a number within the range of a double, found %.*s",
                        text.len > 40 ? 40 : RML_FMT(text));
    }
    *event = RML_JSON_EVENT_NUMBER;
    return RML_OK;
}

static rml_status read_word(rml_json_reader *r, rml_json_event *event, rml_error *err)
{
    static const struct {
        rml_str word;
        rml_json_event event;
        bool value;
    } words[] = {
        {{"true", 4}, RML_JSON_EVENT_BOOL, true},
        {{"false", 5}, RML_JSON_EVENT_BOOL, false},
        {{"null", 4}, RML_JSON_EVENT_NULL, false},
    };
    rml_str left = {r->text.data + r->offset, r->text.len - r->offset};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (rml_str_starts(left, words[i].word)) {
            r->offset += words[i].word.len;
            r->boolean = words[i].value;
            *event = words[i].event;
            return RML_OK;
        }
    }
    return fail_at(r, r->offset, "a value", err);
}

// ---- Events ------------------------------------------------------------------------------------

static rml_status open_container(rml_json_reader *r, bool object, rml_json_event *event,
                                 rml_error *err)
{
    if (r->depth == RML_JSON_DEPTH_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, rml_place_byte(r->file, r->offset), NULL,
                        "expected at most %d levels of nesting, found more", RML_JSON_DEPTH_MAX);
    }
    r->offset++;
    r->stack[++r->depth] = object ? OBJECT_FIRST : ARRAY_FIRST;
    *event = object ? RML_JSON_EVENT_OBJECT_BEGIN : RML_JSON_EVENT_ARRAY_BEGIN;
    return RML_OK;
}

static rml_status read_value(rml_json_reader *r, rml_json_event *event, rml_error *err)
{
    r->at = r->offset;
    char c = r->offset < r->text.len ? r->text.data[r->offset] : 0;
    uint8_t *state = &r->stack[r->depth];
    *state = *state == TEXT_VALUE ? TEXT_OVER : *state == OBJECT_VALUE ? OBJECT_NEXT : ARRAY_NEXT;
    if (c == '"') {
        *event = RML_JSON_EVENT_STRING;
        return read_string(r, err);
    }
    if (c == '-' || is_digit(c)) {
        return read_number(r, event, err);
    }
    if (c == '{' || c == '[') {
        return open_container(r, c == '{', event, err);
    }
    return read_word(r, event, err);
}

static rml_status close_container(rml_json_reader *r, rml_json_event event, rml_json_event *out)
{
    r->at = r->offset++;
    r->depth--;
    *out = event;
    return RML_OK;
}

static rml_status read_key(rml_json_reader *r, rml_json_event *event, rml_error *err)
{
    if (r->offset >= r->text.len || r->text.data[r->offset] != '"') {
        return fail_at(r, r->offset, "a key in quotes", err);
    }
    r->at = r->offset;
    RML_TRY(read_string(r, err));
    skip_space(r);
    if (r->offset >= r->text.len || r->text.data[r->offset] != ':') {
        return fail_at(r, r->offset, "':' after the key", err);
    }
    r->offset++;
    r->stack[r->depth] = OBJECT_VALUE;
    *event = RML_JSON_EVENT_KEY;
    return RML_OK;
}

rml_status rml_json_next(rml_json_reader *r, rml_json_event *event, rml_error *err)
{
    skip_space(r);
    char c = r->offset < r->text.len ? r->text.data[r->offset] : 0;
    switch (r->stack[r->depth]) {
    case TEXT_OVER:
        r->at = r->offset;
        *event = RML_JSON_EVENT_END;
        return r->offset == r->text.len ? RML_OK
                                        : fail_at(r, r->offset, "the end of the text", err);
    case ARRAY_FIRST:
        return c == ']' ? close_container(r, RML_JSON_EVENT_ARRAY_END, event)
                        : read_value(r, event, err);
    case ARRAY_NEXT:
        if (c == ']') {
            return close_container(r, RML_JSON_EVENT_ARRAY_END, event);
        }
        if (c != ',') {
            return fail_at(r, r->offset, "',' or ']'", err);
        }
        r->offset++;
        skip_space(r);
        return read_value(r, event, err);
    case OBJECT_FIRST:
        return c == '}' ? close_container(r, RML_JSON_EVENT_OBJECT_END, event)
                        : read_key(r, event, err);
    case OBJECT_NEXT:
        if (c == '}') {
            return close_container(r, RML_JSON_EVENT_OBJECT_END, event);
        }
        if (c != ',') {
            return fail_at(r, r->offset, "',' or '}'", err);
        }
        r->offset++;
        skip_space(r);
        return read_key(r, event, err);
    default:
        return read_value(r, event, err);
    }
}

rml_status rml_json_skip(rml_json_reader *r, rml_json_event first, rml_error *err)
{
    if (first != RML_JSON_EVENT_OBJECT_BEGIN && first != RML_JSON_EVENT_ARRAY_BEGIN) {
        return RML_OK;
    }
    uint32_t outside = r->depth - 1;
    while (r->depth > outside) {
        rml_json_event event;
        RML_TRY(rml_json_next(r, &event, err));
    }
    return RML_OK;
}
