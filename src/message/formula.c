// Evaluates a formula by recursive descent, as it stands: conversions of this kind are rare and
// short.
#include "formula.h"

#include <math.h>

#include "roadmill/math.h"

#define DEPTH_MAX 64

typedef struct parser {
    const char *at, *end;
    double x;
    unsigned depth;
    bool failed;
} parser;

static double sum(parser *p);

static bool take(parser *p, char c)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t')) {
        p->at++;
    }
    if (p->at < p->end && *p->at == c) {
        p->at++;
        return true;
    }
    return false;
}

static double fail(parser *p)
{
    p->failed = true;
    p->at = p->end;
    return NAN;
}

static double number(parser *p)
{
    const char *from = p->at;
    while (p->at < p->end && ((*p->at >= '0' && *p->at <= '9') || *p->at == '.' ||
                              ((*p->at == 'e' || *p->at == 'E') && p->at > from) ||
                              ((*p->at == '-' || *p->at == '+') && p->at > from &&
                               (p->at[-1] == 'e' || p->at[-1] == 'E')))) {
        p->at++;
    }
    double value;
    return rml_parse_f64((rml_str){from, (size_t)(p->at - from)}, &value) ? value : fail(p);
}

static double power(double x, double y)
{
    if (x > 0) {
        return rml_f64_pow(x, y);
    }
    // A whole exponent of what is not above 0, by squaring.
    if (y != rint(y) || fabs(y) > 1024) {
        return x == 0 && y > 0 ? 0.0 : NAN;
    }
    double base = x, out = 1;
    for (int n = (int)fabs(y); n > 0; n >>= 1) {
        out = (n & 1) != 0 ? out * base : out;
        base *= base;
    }
    return y < 0 ? 1 / out : out;
}

static double arc_sine(double x)
{
    return rml_f64_atan2(x, sqrt(1 - x * x));
}

static double call(rml_str name, double a, double b)
{
    static const double ln10 = 2.302585092994046;
    static const char *const names[] = {"sin",  "cos", "tan",   "asin",  "acos",
                                        "atan", "exp", "log",   "log10", "sqrt",
                                        "abs",  "pow", "round", "floor", "ceil"};
    size_t i = 0;
    while (i < sizeof names / sizeof *names && !rml_str_equal(name, rml_str_of(names[i]))) {
        i++;
    }
    const double values[] = {rml_f64_sin(a),
                             rml_f64_cos(a),
                             rml_f64_sin(a) / rml_f64_cos(a),
                             arc_sine(a),
                             rml_f64_atan2(sqrt(1 - a * a), a),
                             rml_f64_atan2(a, 1),
                             rml_f64_exp(a),
                             rml_f64_log(a),
                             rml_f64_log(a) / ln10,
                             sqrt(a),
                             fabs(a),
                             power(a, b),
                             rint(a),
                             floor(a),
                             ceil(a)};
    return i < sizeof values / sizeof *values ? values[i] : NAN;
}

static double word(parser *p)
{
    const char *from = p->at;
    while (p->at < p->end &&
           ((*p->at >= 'a' && *p->at <= 'z') || (*p->at >= 'A' && *p->at <= 'Z') ||
            (*p->at >= '0' && *p->at <= '9'))) {
        p->at++;
    }
    rml_str name = {from, (size_t)(p->at - from)};
    if (rml_str_equal(name, RML_STR("X")) || rml_str_equal(name, RML_STR("x")) ||
        rml_str_equal(name, RML_STR("X1"))) {
        return p->x;
    }
    if (name.len == 0 || !take(p, '(')) {
        return fail(p);
    }
    double a = sum(p), b = 0;
    if (take(p, ',')) {
        b = sum(p);
    }
    return take(p, ')') ? call(name, a, b) : fail(p);
}

static double primary(parser *p)
{
    if (take(p, '(')) {
        double value = sum(p);
        return take(p, ')') ? value : fail(p);
    }
    if (p->at < p->end && ((*p->at >= '0' && *p->at <= '9') || *p->at == '.')) {
        return number(p);
    }
    return word(p);
}

static double unary(parser *p)
{
    if (++p->depth > DEPTH_MAX) {
        return fail(p);
    }
    double value;
    if (take(p, '-')) {
        value = -unary(p);
    } else if (take(p, '+')) {
        value = unary(p);
    } else {
        value = primary(p);
        if (take(p, '^')) {
            value = power(value, unary(p));
        }
    }
    p->depth--;
    return value;
}

static double product(parser *p)
{
    double value = unary(p);
    for (;;) {
        if (take(p, '*')) {
            value *= unary(p);
        } else if (take(p, '/')) {
            value /= unary(p);
        } else {
            return value;
        }
    }
}

static double sum(parser *p)
{
    double value = product(p);
    for (;;) {
        if (take(p, '+')) {
            value += product(p);
        } else if (take(p, '-')) {
            value -= product(p);
        } else {
            return value;
        }
    }
}

double rml_formula_value(rml_str text, double x)
{
    parser p = {.at = text.data, .end = text.data + text.len, .x = x};
    double value = sum(&p);
    (void)take(&p, ' ');
    return p.failed || p.at != p.end ? NAN : value;
}

bool rml_formula_check(rml_str text)
{
    parser p = {.at = text.data, .end = text.data + text.len, .x = 1};
    (void)sum(&p);
    (void)take(&p, ' ');
    return !p.failed && p.at == p.end;
}
