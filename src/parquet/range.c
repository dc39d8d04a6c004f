// Statistics of a column's values.
#include "range.h"

#include <math.h>
#include <string.h>

static void take_int(rml_range *r, int64_t v)
{
    r->low.i = r->known && r->low.i <= v ? r->low.i : v;
    r->high.i = r->known && r->high.i >= v ? r->high.i : v;
    r->known = true;
}

static void take_u64(rml_range *r, uint64_t v)
{
    r->low.u = r->known && r->low.u <= v ? r->low.u : v;
    r->high.u = r->known && r->high.u >= v ? r->high.u : v;
    r->known = true;
}

static void take_float(rml_range *r, double v)
{
    if (isnan(v)) {
        r->unbounded = true;
        return;
    }
    r->low.f = r->known && r->low.f <= v ? r->low.f : v;
    r->high.f = r->known && r->high.f >= v ? r->high.f : v;
    r->known = true;
}

// Cuts at the start of a UTF-8 character.
static size_t cut_text(rml_str text)
{
    size_t len = text.len;
    if (len > RML_RANGE_TEXT) {
        len = RML_RANGE_TEXT;
        while (len > 0 && ((uint8_t)text.data[len] & 0xC0) == 0x80) {
            len--;
        }
    }
    return len;
}

static void take_low_text(rml_range *r, rml_str v)
{
    rml_str low = {r->low_text, r->low_size};
    if (!r->known || rml_str_compare(v, low) < 0) {
        r->low_size = (uint8_t)cut_text(v);
        memcpy(r->low_text, v.data, r->low_size);
    }
}

// A cut text is smaller than the whole one: its last ASCII character goes up by one.
static void take_high_text(rml_range *r, rml_str v)
{
    rml_str high = {r->high_text, r->high_size};
    if (r->known && rml_str_compare(v, high) <= 0) {
        return;
    }
    size_t len = cut_text(v);
    memcpy(r->high_text, v.data, len);
    if (len < v.len) {
        while (len > 0 && ((uint8_t)r->high_text[len - 1] & 0x80 || r->high_text[len - 1] == 0x7f ||
                           r->high_text[len - 1] == 0x7e)) {
            len--;
        }
        if (len == 0) {
            r->unbounded = true;
            return;
        }
        r->high_text[len - 1]++;
    }
    r->high_size = (uint8_t)len;
}

static void take_text(rml_range *r, rml_str v)
{
    if (v.len > 0) {
        take_low_text(r, v);
        take_high_text(r, v);
    } else {
        r->low_size = 0;
        r->high_size = r->known ? r->high_size : 0;
    }
    r->known = true;
}

static void take(rml_range *r, const rml_column *c, size_t slot)
{
    switch (c->type) {
    case RML_TYPE_U64: {
        uint64_t v;
        memcpy(&v, c->values.data + slot * 8, 8);
        take_u64(r, v);
        break;
    }
    case RML_TYPE_F32: {
        float v;
        memcpy(&v, c->values.data + slot * 4, 4);
        take_float(r, (double)v);
        break;
    }
    case RML_TYPE_F64: {
        double v;
        memcpy(&v, c->values.data + slot * 8, 8);
        take_float(r, v);
        break;
    }
    case RML_TYPE_STRING:
        take_text(r, rml_column_get_str(c, slot));
        break;
    default:
        take_int(r, rml_column_get_i64(c, slot));
        break;
    }
}

// The hot case: 8-byte integers and doubles that lie in a row.
static void take_dense_i64(rml_range *r, const int64_t *v, size_t count)
{
    int64_t low = v[0], high = v[0];
    for (size_t i = 1; i < count; i++) {
        low = v[i] < low ? v[i] : low;
        high = v[i] > high ? v[i] : high;
    }
    take_int(r, low);
    take_int(r, high);
}

static void take_dense_f64(rml_range *r, const double *v, size_t count)
{
    double low = v[0], high = v[0];
    bool nan = false;
    for (size_t i = 0; i < count; i++) {
        nan |= v[i] != v[i];
        low = v[i] < low ? v[i] : low;
        high = v[i] > high ? v[i] : high;
    }
    take_float(r, nan ? NAN : low);
    take_float(r, nan ? NAN : high);
}

void rml_range_add(rml_range *r, const rml_column *c, size_t first, const uint64_t *slots,
                   size_t count)
{
    if (count == 0 || r->unbounded) {
        return;
    }
    if (c->type == RML_TYPE_BINARY) {
        r->unbounded = true;
    } else if (slots == NULL && c->type == RML_TYPE_I64) {
        take_dense_i64(r, (const int64_t *)(const void *)c->values.data + first, count);
    } else if (slots == NULL && c->type == RML_TYPE_F64) {
        take_dense_f64(r, (const double *)(const void *)c->values.data + first, count);
    } else {
        for (size_t i = 0; i < count; i++) {
            take(r, c, slots != NULL ? (size_t)slots[i] : first + i);
        }
    }
}

void rml_range_merge(rml_range *r, const rml_range *other, rml_type type)
{
    r->nulls += other->nulls;
    r->unbounded = r->unbounded || other->unbounded;
    if (!other->known || r->unbounded) {
        return;
    }
    if (type == RML_TYPE_STRING) {
        take_low_text(r, (rml_str){other->low_text, other->low_size});
        take_high_text(r, (rml_str){other->high_text, other->high_size});
        r->known = true;
    } else if (type == RML_TYPE_U64) {
        take_u64(r, other->low.u);
        take_u64(r, other->high.u);
    } else if (type == RML_TYPE_F32 || type == RML_TYPE_F64) {
        take_float(r, other->low.f);
        take_float(r, other->high.f);
    } else {
        take_int(r, other->low.i);
        take_int(r, other->high.i);
    }
}

void rml_decimal_save(uint8_t out[RML_DECIMAL_SIZE], uint64_t value)
{
    out[0] = 0;
    for (size_t i = 1; i < RML_DECIMAL_SIZE; i++) {
        out[i] = (uint8_t)(value >> (8 * (RML_DECIMAL_SIZE - 1 - i)));
    }
}

// Readers must not conclude from a bound of +0 that there is no -0: the low zero is negative.
static double bound_float(double v, bool high)
{
    return v == 0.0 ? (high ? 0.0 : -0.0) : v;
}

size_t rml_range_bytes(const rml_range *r, rml_type type, bool high, uint8_t *out)
{
    const rml_bound *b = high ? &r->high : &r->low;
    switch (type) {
    case RML_TYPE_BOOL:
        out[0] = b->i != 0;
        return 1;
    case RML_TYPE_I8:
    case RML_TYPE_I16:
    case RML_TYPE_I32:
        rml_save_u32(out, (uint32_t)b->i);
        return 4;
    case RML_TYPE_U64:
        rml_decimal_save(out, b->u);
        return RML_DECIMAL_SIZE;
    case RML_TYPE_F32: {
        float v = (float)bound_float(b->f, high);
        uint32_t bits;
        memcpy(&bits, &v, 4);
        rml_save_u32(out, bits);
        return 4;
    }
    case RML_TYPE_F64: {
        double v = bound_float(b->f, high);
        uint64_t bits;
        memcpy(&bits, &v, 8);
        rml_save_u64(out, bits);
        return 8;
    }
    case RML_TYPE_STRING: {
        size_t len = high ? r->high_size : r->low_size;
        memcpy(out, high ? r->high_text : r->low_text, len);
        return len;
    }
    default:
        rml_save_u64(out, (uint64_t)b->i);
        return 8;
    }
}
