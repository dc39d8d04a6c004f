// Base64 with padding (RFC 4648 section 4): bytes as a JSON string, and the way back.
#include "roadmill/base/json.h"

void rml_json_base64(rml_json_writer *w, rml_bytes bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    rml_buffer text = {0};
    if (w->status != RML_OK) {
        return;
    }
    w->status = rml_buffer_reserve(&text, bytes.len / 3 * 4 + 4, w->err);
    if (w->status != RML_OK) {
        return;
    }
    uint8_t *to = text.data;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t group = (uint32_t)bytes.data[i] << 16;
        group |= left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
        group |= left > 2 ? bytes.data[i + 2] : 0;
        *to++ = (uint8_t)digits[group >> 18];
        *to++ = (uint8_t)digits[group >> 12 & 63];
        *to++ = (uint8_t)(left > 1 ? digits[group >> 6 & 63] : '=');
        *to++ = (uint8_t)(left > 2 ? digits[group & 63] : '=');
    }
    text.len = (size_t)(to - text.data);
    rml_json_str(w, rml_buffer_text(&text));
    rml_buffer_reset(&text);
}

static int digit_of(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

static rml_status no_base64(rml_error *err)
{
    return rml_fail(err, RML_ERR_DATA, (rml_place){0}, NULL,
                    "expected base64 in groups of four characters, found something else");
}

rml_status rml_base64_append(rml_str text, rml_buffer *out, rml_error *err)
{
    if (text.len % 4 != 0) {
        return no_base64(err);
    }
    RML_TRY(rml_buffer_reserve(out, text.len / 4 * 3, err));
    for (size_t i = 0; i < text.len; i += 4) {
        bool last = i + 4 == text.len;
        size_t padding = !last || text.data[i + 3] != '=' ? 0 : text.data[i + 2] != '=' ? 1 : 2;
        uint32_t group = 0;
        for (size_t k = 0; k < 4; k++) {
            int digit = k >= 4 - padding ? 0 : digit_of(text.data[i + k]);
            if (digit < 0) {
                return no_base64(err);
            }
            group = group << 6 | (uint32_t)digit;
        }
        const uint8_t bytes[3] = {(uint8_t)(group >> 16), (uint8_t)(group >> 8), (uint8_t)group};
        RML_TRY(rml_buffer_append(out, bytes, 3 - padding, err));
    }
    return RML_OK;
}
