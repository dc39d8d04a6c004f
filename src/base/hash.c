// Names by hash: 64 lower-case hexadecimal digits.
#include "roadmill/base.h"

#include <string.h>

void rml_hash_text(const rml_hash *hash, char text[RML_HASH_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof hash->bytes; i++) {
        text[2 * i] = digits[hash->bytes[i] >> 4];
        text[2 * i + 1] = digits[hash->bytes[i] & 15];
    }
    text[RML_HASH_TEXT - 1] = 0;
}

static int digit_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool rml_hash_parse(rml_str text, rml_hash *out)
{
    rml_hash hash;
    if (text.len != 2 * sizeof hash.bytes) {
        return false;
    }
    for (size_t i = 0; i < sizeof hash.bytes; i++) {
        int high = digit_value(text.data[2 * i]), low = digit_value(text.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        hash.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *out = hash;
    return true;
}

bool rml_hash_equal(const rml_hash *a, const rml_hash *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
