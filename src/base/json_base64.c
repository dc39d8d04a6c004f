// Bytes as a JSON string: base64 with padding (RFC 4648 section 4).
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
