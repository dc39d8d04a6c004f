// Numbers to text: the shortest digits that read back as the same number, laid out as ECMAScript
// 2023 does it (Number::toString, section 6.1.6.1.20), which RFC 8785 demands.
#include "roadmill/base.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// digits d1 d2 ... dn, read as 0.d1d2...dn x 10^point.
typedef struct shortest {
    char digits[20];
    int count, point;
} shortest;

static shortest digits_of(double value, int precision)
{
    char text[40];
    shortest s = {0};
    snprintf(text, sizeof text, "%.*e", precision - 1, value);
    char *e = strchr(text, 'e');
    for (const char *p = text; p < e; p++) {
        if (*p >= '0' && *p <= '9') { // whatever the locale has for a point is passed over
            s.digits[s.count++] = *p;
        }
    }
    while (s.count > 1 && s.digits[s.count - 1] == '0') {
        s.count--;
    }
    s.point = (int)strtol(e + 1, NULL, 10) + 1;
    return s;
}

static bool reads_back(const shortest *s, double value, bool single)
{
    char text[40];
    int len = snprintf(text, sizeof text, "%.*se%d", s->count, s->digits, s->point - s->count);
    double back;
    return rml_parse_f64((rml_str){text, (size_t)len}, &back) &&
           (single ? (float)back == (float)value : back == value);
}

// One up in the last digit.
static void step_up(shortest *s)
{
    int i = s->count - 1;
    while (i >= 0 && s->digits[i] == '9') {
        s->digits[i--] = '0';
    }
    if (i < 0) {
        s->digits[0] = '1';
        s->point++;
    } else {
        s->digits[i]++;
    }
    while (s->count > 1 && s->digits[s->count - 1] == '0') {
        s->count--;
    }
}

// value is positive and finite.
static shortest find_shortest(double value, bool single)
{
    int most = single ? 9 : 17;
    for (int precision = 1; precision < most; precision++) {
        shortest s = digits_of(value, precision);
        if (reads_back(&s, value, single)) {
            return s;
        }
        // Below a power of two numbers lie twice as dense as above it: the nearest decimal may miss
        // where the next one up does not.
        step_up(&s);
        if (reads_back(&s, value, single)) {
            return s;
        }
    }
    return digits_of(value, most);
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

static size_t format(double value, bool single, char text[RML_F64_TEXT])
{
    const char *name = isnan(value)   ? "NaN"
                       : isinf(value) ? value > 0 ? "Infinity" : "-Infinity"
                       : value == 0   ? "0"
                                      : NULL;
    if (name) {
        memcpy(text, name, strlen(name) + 1);
        return strlen(name);
    }
    shortest s = find_shortest(fabs(value), single);
    return lay_out(&s, value < 0, text);
}

size_t rml_format_f64(double value, char text[RML_F64_TEXT])
{
    return format(value, false, text);
}

size_t rml_format_f32(float value, char text[RML_F64_TEXT])
{
    return format((double)value, true, text);
}
