// Numbers from text, independent of the locale.
#include "number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "powers.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool parse_magnitude(rml_str digits, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (!is_digit(digits.data[i])) {
            return false;
        }
        uint64_t digit = (uint64_t)(digits.data[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return digits.len > 0;
}

bool rml_parse_u64(rml_str text, uint64_t *out)
{
    if (text.len > 1 && text.data[0] == '+') {
        text = (rml_str){text.data + 1, text.len - 1};
    }
    return parse_magnitude(text, out);
}

bool rml_parse_i64(rml_str text, int64_t *out)
{
    bool negative = text.len > 0 && text.data[0] == '-';
    if (text.len > 1 && (negative || text.data[0] == '+')) {
        text = (rml_str){text.data + 1, text.len - 1};
    }
    uint64_t magnitude;
    if (!parse_magnitude(text, &magnitude) ||
        magnitude > (uint64_t)INT64_MAX + (negative ? 1u : 0u)) {
        return false;
    }
    *out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

const char *rml_decimal_scan(const char *p, const char *end, rml_decimal *out)
{
    rml_decimal d = {.exact = true};
    if (p < end && (*p == '-' || *p == '+')) {
        d.negative = *p++ == '-';
    }
    size_t count = 0, significant = 0;
    for (; p < end; p++) {
        if (*p == '.' && !d.fraction) {
            d.fraction = true;
            continue;
        }
        if (!is_digit(*p)) {
            break;
        }
        count++;
        significant += significant > 0 || *p != '0';
        if (significant <= 19) {
            d.digits = d.digits * 10 + (uint64_t)(*p - '0');
            d.exponent -= d.fraction;
        } else {
            d.exact = d.exact && *p == '0';
            d.exponent += !d.fraction;
        }
    }
    if (count == 0) {
        return NULL;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        d.fraction = true;
        p++;
        bool down = p < end && *p == '-';
        p += p < end && (*p == '-' || *p == '+');
        if (p == end || !is_digit(*p)) {
            return NULL;
        }
        int64_t exponent = 0;
        for (; p < end && is_digit(*p); p++) {
            // Far beyond what any double holds it may stop counting.
            exponent = exponent < 1000000000 ? exponent * 10 + (*p - '0') : exponent;
        }
        d.exponent += down ? -exponent : exponent;
    }
    *out = d;
    return p;
}

// strtod reads the decimal point of the locale, which printf tells without a lock.
static bool parse_slowly(rml_str text, double *out)
{
    char small[128], point[8];
    char *copy = text.len < sizeof small ? small : rml_heap_make(text.len + sizeof point);
    if (!copy) {
        return false;
    }
    snprintf(point, sizeof point, "%.1f", 0.0);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        copy[len++] = text.data[i] == '.' ? point[1] : text.data[i];
    }
    copy[len] = 0;
    *out = strtod(copy, NULL);
    if (copy != small) {
        rml_heap_free(copy);
    }
    return true;
}

static bool parse_name(rml_str text, double *out)
{
    static const struct {
        rml_str name;
        double value;
    } names[] = {
        {{"nan", 3}, NAN},
        {{"inf", 3}, INFINITY},
        {{"infinity", 8}, INFINITY},
    };
    bool negative = text.len > 0 && text.data[0] == '-';
    if (text.len > 0 && (negative || text.data[0] == '+')) {
        text = (rml_str){text.data + 1, text.len - 1};
    }
    char lower[8];
    if (text.len > sizeof lower) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (rml_str_equal((rml_str){lower, text.len}, names[i].name)) {
            *out = negative ? -names[i].value : names[i].value;
            return true;
        }
    }
    return false;
}

// w x 10^q with w > 0 to the nearest double: Lemire, "Number parsing at a gigabyte per second",
// 2021, with the proof of Mushtak and Lemire, 2022, that no case needs more bits. Gives the bits
// of a positive double.
static uint64_t nearest(uint64_t w, int64_t q)
{
    const uint64_t infinite = UINT64_C(0x7ff) << 52, hidden = UINT64_C(1) << 52;
    if (q < RML_POWER_LOW) {
        return 0;
    }
    if (q > 308) {
        return infinite;
    }
    rml_power_of_ten power = rml_powers_of_ten[q - RML_POWER_LOW];
    power.low += q < 0 && q >= -27; // there the reciprocal is rounded up
    int zeros = rml_leading_zeros(w);
    w <<= zeros;
    rml_u128 first = (rml_u128)w * power.high;
    if ((uint64_t)(first >> 64 & 0x1ff) == 0x1ff) {
        first += (uint64_t)((rml_u128)w * power.low >> 64);
    }
    uint64_t high = (uint64_t)(first >> 64), low = (uint64_t)first;
    int upper = (int)(high >> 63), shift = upper + 64 - 52 - 3;
    uint64_t mantissa = high >> shift;
    int64_t exponent = ((217706 * q) >> 16) + 63 + upper - zeros + 1023;
    if (exponent <= 0) {
        if (exponent < -62) {
            return 0;
        }
        mantissa >>= 1 - exponent;
        mantissa += mantissa & 1;
        return mantissa >> 1; // one that grew to 2^52 is the smallest normal by itself
    }
    // Half way between two doubles, exactly: to the even one.
    if (low <= 1 && q >= -4 && q <= 23 && (mantissa & 3) == 1 && mantissa << shift == high) {
        mantissa &= ~UINT64_C(1);
    }
    mantissa += mantissa & 1;
    mantissa >>= 1;
    if (mantissa >= 2 * hidden) {
        mantissa = hidden;
        exponent++;
    }
    return exponent >= 0x7ff ? infinite : (uint64_t)exponent << 52 | (mantissa & ~hidden);
}

bool rml_decimal_f64(const rml_decimal *d, rml_str text, double *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    double value = 0;
    if (d->exact && d->digits <= UINT64_C(1) << 53 && d->exponent >= -22 && d->exponent <= 22) {
        // Clinger 1990: digits and power are both exact doubles, so one operation rounds once.
        value = (double)d->digits;
        value = d->exponent < 0 ? value / powers[-d->exponent] : value * powers[d->exponent];
    } else if (d->digits > 0) {
        uint64_t bits = nearest(d->digits, d->exponent);
        // What 19 digits leave open decides only if the next number up rounds elsewhere.
        if (!d->exact && nearest(d->digits + 1, d->exponent) != bits) {
            return parse_slowly(text, out);
        }
        memcpy(&value, &bits, sizeof value);
    }
    *out = d->negative ? -value : value;
    return true;
}

bool rml_parse_f64(rml_str text, double *out)
{
    rml_decimal d;
    if (text.len == 0) {
        return false; // and no arithmetic on a pointer that may be none
    }
    const char *end = text.data + text.len;
    return rml_decimal_scan(text.data, end, &d) == end ? rml_decimal_f64(&d, text, out)
                                                       : parse_name(text, out);
}
