// Numbers to text: the shortest digits that read back as the same number, laid out as ECMAScript
// 2023 does it (Number::toString, section 6.1.6.1.20), which RFC 8785 demands.
#include "roadmill/base.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "powers.h"

// digits d1 d2 ... dn, read as 0.d1d2...dn x 10^point.
typedef struct shortest {
    char digits[20];
    int count, point;
} shortest;

// digits x 10^exponent without trailing zeros.
static shortest to_text(uint64_t digits, int exponent)
{
    char reversed[20];
    shortest s = {0};
    while (digits % 10 == 0) {
        digits /= 10;
        exponent++;
    }
    for (; digits > 0; digits /= 10) {
        reversed[s.count++] = (char)('0' + digits % 10);
    }
    for (int i = 0; i < s.count; i++) {
        s.digits[i] = reversed[s.count - 1 - i];
    }
    s.point = s.count + exponent;
    return s;
}

// floor(g x c / 2^127) with a last bit that says whether anything was cut off.
static uint64_t round_to_odd(rml_power_of_ten g, uint64_t c)
{
    rml_u128 low = (rml_u128)g.low * c, high = (rml_u128)g.high * c + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

// c x 2^q, c > 0, to the shortest decimal in its rounding interval, the nearest of these:
// Giulietti, "The Schubfach way to render doubles", 2020. uneven: the number below lies half as far
// away as the one above.
static shortest find_shortest(uint64_t c, int q, bool uneven)
{
    if (q <= 0 && q > -53 && (c & ((UINT64_C(1) << -q) - 1)) == 0) {
        return to_text(c >> -q, 0);
    }
    // floor(log10(2^q)), or of 3/4 of it; floor(log2(10^-k)). >> of negative numbers is floor here.
    int k = (q * 1262611 - (uneven ? 524031 : 0)) >> 22;
    int h = q + ((-k * 1741647) >> 19) + 1;
    rml_power_of_ten g = rml_powers_of_ten[-k - RML_POWER_LOW];
    if (-k < 0 || -k > 55) {
        g.high += ++g.low == 0; // the power rounded up, where it is not exact
    }
    uint64_t odd = c & 1; // the ends of the interval belong to an even number
    uint64_t lower = round_to_odd(g, (4 * c - 2 + uneven) << h) + odd;
    uint64_t upper = round_to_odd(g, (4 * c + 2) << h) - odd;
    uint64_t value = round_to_odd(g, (4 * c) << h), s = value / 4, tens = s / 10;
    if (s >= 10) {
        bool below = lower <= 40 * tens, above = 40 * tens + 40 <= upper;
        if (below != above) {
            return to_text(tens + above, k + 1);
        }
    }
    bool below = lower <= 4 * s, above = 4 * s + 4 <= upper;
    if (below != above) {
        return to_text(s + above, k);
    }
    uint64_t middle = 4 * s + 2;
    return to_text(s + (value > middle || (value == middle && (s & 1))), k);
}

// ECMAScript's cases, in its order; k digits, n = point.
static size_t lay_out(const shortest *s, bool negative, char *text)
{
    int k = s->count, n = s->point;
    char *p = text;
    if (negative) {
        *p++ = '-';
    }
    if (k <= n && n <= 21) {
        memcpy(p, s->digits, (size_t)k);
        memset(p + k, '0', (size_t)(n - k));
        p += n;
    } else if (0 < n && n <= 21) {
        memcpy(p, s->digits, (size_t)n);
        p[n] = '.';
        memcpy(p + n + 1, s->digits + n, (size_t)(k - n));
        p += k + 1;
    } else if (-6 < n && n <= 0) {
        memcpy(p, "0.", 2);
        memset(p + 2, '0', (size_t)-n);
        memcpy(p + 2 - n, s->digits, (size_t)k);
        p += 2 - n + k;
    } else {
        *p++ = s->digits[0];
        if (k > 1) {
            *p++ = '.';
            memcpy(p, s->digits + 1, (size_t)(k - 1));
            p += k - 1;
        }
        p += snprintf(p, 8, "e%c%d", n > 0 ? '+' : '-', abs(n - 1));
    }
    *p = 0;
    return (size_t)(p - text);
}

// What needs no digits; 0 if value does.
static size_t format_name(double value, char text[RML_F64_TEXT])
{
    const char *name = isnan(value)   ? "NaN"
                       : isinf(value) ? value > 0 ? "Infinity" : "-Infinity"
                       : value == 0   ? "0"
                                      : "";
    memcpy(text, name, strlen(name) + 1);
    return strlen(name);
}

size_t rml_format_f64(double value, char text[RML_F64_TEXT])
{
    size_t len = format_name(value, text);
    if (len > 0) {
        return len;
    }
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int exponent = (int)(bits >> 52 & 0x7ff);
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    uint64_t c = exponent > 0 ? fraction | UINT64_C(1) << 52 : fraction;
    shortest s =
        find_shortest(c, (exponent > 0 ? exponent : 1) - 1075, fraction == 0 && exponent > 1);
    return lay_out(&s, value < 0, text);
}

size_t rml_format_f32(float value, char text[RML_F64_TEXT])
{
    size_t len = format_name((double)value, text);
    if (len > 0) {
        return len;
    }
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    int exponent = (int)(bits >> 23 & 0xff);
    uint32_t fraction = bits & ((1u << 23) - 1);
    uint32_t c = exponent > 0 ? fraction | 1u << 23 : fraction;
    shortest s =
        find_shortest(c, (exponent > 0 ? exponent : 1) - 150, fraction == 0 && exponent > 1);
    return lay_out(&s, value < 0, text);
}
