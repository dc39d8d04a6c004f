// Views of text and bytes. UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing
// above U+10FFFF.
#include "roadmill/base.h"

#include <string.h>

rml_str rml_str_of(const char *text)
{
    return text ? (rml_str){text, strlen(text)} : (rml_str){0};
}

bool rml_str_equal(rml_str a, rml_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

int rml_str_compare(rml_str a, rml_str b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared > 0 ? memcmp(a.data, b.data, shared) : 0;
    if (order != 0) {
        return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

bool rml_str_starts(rml_str text, rml_str prefix)
{
    return text.len >= prefix.len &&
           (prefix.len == 0 || memcmp(text.data, prefix.data, prefix.len) == 0);
}

bool rml_str_ends(rml_str text, rml_str suffix)
{
    return text.len >= suffix.len && (suffix.len == 0 || memcmp(text.data + text.len - suffix.len,
                                                                suffix.data, suffix.len) == 0);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

rml_str rml_str_trim(rml_str text)
{
    while (text.len > 0 && is_space(text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && is_space(text.data[text.len - 1])) {
        text.len--;
    }
    return text;
}

size_t rml_str_find(rml_str text, rml_str needle)
{
    if (needle.len == 0) {
        return 0;
    }
    size_t offset = 0;
    while (text.len - offset >= needle.len) {
        const char *hit =
            memchr(text.data + offset, needle.data[0], text.len - offset - needle.len + 1);
        if (!hit) {
            break;
        }
        offset = (size_t)(hit - text.data);
        if (memcmp(hit, needle.data, needle.len) == 0) {
            return offset;
        }
        offset++;
    }
    return text.len;
}

rml_str rml_str_cut(rml_str text, char at, rml_str *head)
{
    const char *hit = text.len > 0 ? memchr(text.data, at, text.len) : NULL;
    if (!hit) {
        *head = text;
        return (rml_str){0};
    }
    size_t len = (size_t)(hit - text.data);
    *head = (rml_str){text.data, len};
    return (rml_str){hit + 1, text.len - len - 1};
}

rml_bytes rml_bytes_of(const void *data, size_t len)
{
    return (rml_bytes){data, len};
}

rml_bytes rml_bytes_of_str(rml_str text)
{
    return (rml_bytes){(const uint8_t *)text.data, text.len};
}

rml_str rml_str_of_bytes(rml_bytes bytes)
{
    return (rml_str){(const char *)bytes.data, bytes.len};
}

// Length of the sequence at p, 0 if it is not one. RFC 3629, section 4.
static size_t utf8_sequence(const uint8_t *p, size_t left)
{
    uint8_t lead = p[0];
    if (lead < 0x80) {
        return 1;
    }
    size_t len = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || left < len) {
        return 0;
    }
    // The second byte carries the bounds that rule out overlong forms, surrogates and the rest.
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return len;
}

bool rml_utf8_valid(rml_str text)
{
    const uint8_t *p = (const uint8_t *)text.data;
    size_t i = 0;
    while (i < text.len) {
        if (text.len - i >= 8) {
            uint64_t eight;
            memcpy(&eight, p + i, 8);
            if ((eight & 0x8080808080808080u) == 0) {
                i += 8;
                continue;
            }
        }
        size_t len = utf8_sequence(p + i, text.len - i);
        if (len == 0) {
            return false;
        }
        i += len;
    }
    return true;
}
