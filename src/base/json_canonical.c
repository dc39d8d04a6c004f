// JSON, the canonical form of RFC 8785: members sorted by UTF-16 code units, numbers as ECMAScript
// writes them, no space.
#include "roadmill/base/json.h"

#include "json_quote.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// UTF-8 sorts by code point; UTF-16 puts the surrogates of U+10000 and above before U+E000. The
// first bytes that differ are lead bytes in that case, and only 0xee and 0xef have to move.
static int utf16_rank(char c)
{
    uint8_t byte = (uint8_t)c;
    return byte == 0xee || byte == 0xef ? byte + 0x100 : byte;
}

static int compare_members(const void *a, const void *b, void *context)
{
    (void)context;
    rml_str x = (*(const rml_json *const *)a)->key, y = (*(const rml_json *const *)b)->key;
    for (size_t i = 0; i < x.len && i < y.len; i++) {
        if (x.data[i] != y.data[i]) {
            return utf16_rank(x.data[i]) - utf16_rank(y.data[i]);
        }
    }
    return (x.len > y.len) - (x.len < y.len);
}

static rml_status write_number(const rml_json *value, rml_buffer *out, rml_error *err)
{
    if (!isfinite(value->number)) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected numbers that JSON can write, found %f", value->number);
    }
    char text[RML_F64_TEXT], digits[24];
    size_t len = rml_format_f64(value->number, text);
    // Two integers beyond 2^53 could share one double, and their things one name: of those that do
    // only the one that is written as its double is taken.
    int64_t exact = INT64_C(1) << 53;
    if (value->kind == RML_JSON_INT && (value->integer > exact || value->integer < -exact)) {
        snprintf(digits, sizeof digits, "%lld", (long long)value->integer);
        if (strcmp(digits, text) != 0) {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                            "expected integers beyond 2^53 as strings, found %s", digits);
        }
    }
    return rml_buffer_append(out, text, len, err);
}

static rml_status write_list(const rml_json *value, rml_buffer *out, rml_error *err)
{
    RML_TRY(rml_buffer_str(out, RML_STR("["), err));
    for (const rml_json *item = value->child; item; item = item->next) {
        if (item != value->child) {
            RML_TRY(rml_buffer_str(out, RML_STR(","), err));
        }
        RML_TRY(rml_json_canonical(item, out, err));
    }
    return rml_buffer_str(out, RML_STR("]"), err);
}

static rml_status write_members(const rml_array *members, rml_buffer *out, rml_error *err)
{
    RML_TRY(rml_buffer_str(out, RML_STR("{"), err));
    for (size_t i = 0; i < members->count; i++) {
        const rml_json *member = *RML_AT(members, const rml_json *, i);
        if (i > 0) {
            RML_TRY(rml_buffer_str(out, RML_STR(","), err));
        }
        RML_TRY(rml_json_quote(out, member->key, err));
        RML_TRY(rml_buffer_str(out, RML_STR(":"), err));
        RML_TRY(rml_json_canonical(member, out, err));
    }
    return rml_buffer_str(out, RML_STR("}"), err);
}

static rml_status write_object(const rml_json *value, rml_buffer *out, rml_error *err)
{
    rml_array members = RML_ARRAY(const rml_json *);
    rml_status st = RML_OK;
    for (const rml_json *member = value->child; member; member = member->next) {
        const rml_json **slot = rml_array_push(&members, err);
        if (!slot) {
            st = RML_ERR_MEMORY;
            goto done;
        }
        *slot = member;
    }
    st = rml_array_sort(&members, compare_members, NULL, err);
    if (st == RML_OK) {
        st = write_members(&members, out, err);
    }
done:
    rml_array_reset(&members);
    return st;
}

rml_status rml_json_canonical(const rml_json *value, rml_buffer *out, rml_error *err)
{
    switch (value->kind) {
    case RML_JSON_BOOL:
        return rml_buffer_str(out, value->boolean ? RML_STR("true") : RML_STR("false"), err);
    case RML_JSON_INT:
    case RML_JSON_NUMBER:
        return write_number(value, out, err);
    case RML_JSON_STRING:
        return rml_json_quote(out, value->string, err);
    case RML_JSON_ARRAY:
        return write_list(value, out, err);
    case RML_JSON_OBJECT:
        return write_object(value, out, err);
    default:
        return rml_buffer_str(out, RML_STR("null"), err);
    }
}
