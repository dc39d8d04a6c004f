// A cursor over little-endian records: a parser reads like the schema of its record.
#include "roadmill/base.h"

bool rml_take(rml_cursor *c, size_t len, rml_bytes *out)
{
    if (c->left.len < len) {
        return false;
    }
    *out = (rml_bytes){c->left.data, len};
    if (len > 0) {
        c->left.data += len;
        c->left.len -= len;
    }
    return true;
}

bool rml_take_u8(rml_cursor *c, uint8_t *out)
{
    rml_bytes b;
    if (!rml_take(c, 1, &b)) {
        return false;
    }
    *out = b.data[0];
    return true;
}

bool rml_take_u16(rml_cursor *c, uint16_t *out)
{
    rml_bytes b;
    if (!rml_take(c, 2, &b)) {
        return false;
    }
    *out = rml_load_u16(b.data);
    return true;
}

bool rml_take_u32(rml_cursor *c, uint32_t *out)
{
    rml_bytes b;
    if (!rml_take(c, 4, &b)) {
        return false;
    }
    *out = rml_load_u32(b.data);
    return true;
}

bool rml_take_u64(rml_cursor *c, uint64_t *out)
{
    rml_bytes b;
    if (!rml_take(c, 8, &b)) {
        return false;
    }
    *out = rml_load_u64(b.data);
    return true;
}

bool rml_take_str32(rml_cursor *c, rml_str *out)
{
    rml_cursor start = *c;
    uint32_t len;
    rml_bytes b;
    if (!(rml_take_u32(c, &len) && rml_take(c, len, &b))) {
        *c = start;
        return false;
    }
    *out = rml_str_of_bytes(b);
    return true;
}
