// Conversions of MDF channels: raw values into physical ones and texts.
#include "conversion.h"

#include <math.h>

#include "formula.h"

#define DEPTH_MAX 8

// ---- Compiling ---------------------------------------------------------------------------------

// How many values and references a type has, for n entries: values = a n + b, references = c n + d.
static const struct {
    unsigned char values, more_values, references, more_references;
} shapes[] = {
    [RML_CC_IDENTITY] = {0, 0, 0, 0},           [RML_CC_LINEAR] = {0, 2, 0, 0},
    [RML_CC_RATIONAL] = {0, 6, 0, 0},           [RML_CC_ALGEBRAIC] = {0, 0, 0, 1},
    [RML_CC_TABLE_INTERPOLATED] = {2, 0, 0, 0}, [RML_CC_TABLE] = {2, 0, 0, 0},
    [RML_CC_RANGE_TO_VALUE] = {3, 1, 0, 0},     [RML_CC_VALUE_TO_TEXT] = {1, 0, 1, 1},
    [RML_CC_RANGE_TO_TEXT] = {2, 0, 1, 1},      [RML_CC_TEXT_TO_VALUE] = {1, 1, 1, 0},
    [RML_CC_TEXT_TO_TEXT] = {0, 0, 2, 1},       [RML_CC_BIT_FIELD] = {1, 0, 1, 0},
};

static bool has_shape(const rml_conversion *c)
{
    size_t values = shapes[c->type].values, references = shapes[c->type].references;
    size_t v = c->value_count, r = c->reference_count;
    size_t more_v = shapes[c->type].more_values, more_r = shapes[c->type].more_references;
    if (values == 0 && references == 0) {
        return v >= more_v && r >= more_r;
    }
    if (v < more_v || r < more_r) {
        return false;
    }
    size_t n = values > 0 ? (v - more_v) / values : (r - more_r) / references;
    return n * values + more_v == v && (references == 0 || n * references + more_r == r) &&
           (n > 0 || c->type >= RML_CC_VALUE_TO_TEXT);
}

static rml_status compile(const rml_json *from, rml_place at, rml_arena *arena, unsigned depth,
                          const rml_conversion **out, rml_error *err);

static rml_status take_values(const rml_json *list, rml_arena *arena, rml_conversion *c,
                              rml_error *err)
{
    double *values = RML_NEW_ARRAY(arena, double, list->count + 1);
    uint64_t *masks = RML_NEW_ARRAY(arena, uint64_t, list->count + 1);
    if (values == NULL || masks == NULL) {
        return rml_fail_memory(err, list->count * sizeof *values);
    }
    for (const rml_json *v = list->child; v != NULL; v = v->next) {
        int64_t integer = 0;
        (void)rml_parse_i64(v->string, &integer);
        bool is_number = v->kind == RML_JSON_INT || v->kind == RML_JSON_NUMBER;
        values[c->value_count] = is_number ? v->number : NAN;
        masks[c->value_count++] = (uint64_t)integer;
    }
    c->values = values;
    c->masks = masks;
    return RML_OK;
}

static rml_status take_references(const rml_json *list, rml_place at, rml_arena *arena,
                                  unsigned depth, rml_conversion *c, rml_error *err)
{
    struct rml_conversion_reference *references =
        RML_NEW_ARRAY(arena, struct rml_conversion_reference, list->count + 1);
    if (references == NULL) {
        return rml_fail_memory(err, list->count * sizeof *references);
    }
    c->references = references;
    for (const rml_json *v = list->child; v != NULL; v = v->next) {
        struct rml_conversion_reference *r = &references[c->reference_count++];
        if (v->kind == RML_JSON_STRING) {
            r->text = v->string;
        } else if (v->kind == RML_JSON_OBJECT) {
            RML_TRY(compile(v, at, arena, depth + 1, &r->conversion, err));
        }
    }
    return RML_OK;
}

static rml_status compile(const rml_json *from, rml_place at, rml_arena *arena, unsigned depth,
                          const rml_conversion **out, rml_error *err)
{
    rml_conversion *c = RML_NEW(arena, rml_conversion);
    const rml_json *values = rml_json_get(from, "values");
    const rml_json *references = rml_json_get(from, "references");
    int64_t type = rml_json_get_i64(from, "type", -1);
    if (c == NULL) {
        return rml_fail_memory(err, sizeof *c);
    }
    if (type < 0 || type > RML_CC_BIT_FIELD || depth > DEPTH_MAX) {
        return rml_fail(err, RML_ERR_DATA, at, NULL,
                        "expected a conversion of type 0 to %d, nested at most %d deep, found type "
                        "%lld",
                        RML_CC_BIT_FIELD, DEPTH_MAX, (long long)type);
    }
    c->type = (rml_conversion_type)type;
    RML_TRY(values == NULL ? RML_OK : take_values(values, arena, c, err));
    RML_TRY(references == NULL ? RML_OK : take_references(references, at, arena, depth, c, err));
    if (!has_shape(c)) {
        return rml_fail(
            err, RML_ERR_DATA, at, NULL,
            "expected values and references of a conversion of type %lld, found %zu and "
            "%zu",
            (long long)type, c->value_count, c->reference_count);
    }
    if (c->type == RML_CC_ALGEBRAIC && !rml_formula_check(c->references[0].text)) {
        return rml_fail(err, RML_ERR_DATA, at, NULL, "expected a formula of X, found \"%.*s\"",
                        RML_FMT(c->references[0].text));
    }
    *out = c;
    return RML_OK;
}

rml_status rml_conversion_compile(const rml_json *from, rml_place at, rml_arena *arena,
                                  const rml_conversion **out, rml_error *err)
{
    return compile(from, at, arena, 0, out, err);
}

// ---- Numbers -----------------------------------------------------------------------------------

bool rml_conversion_gives_text(const rml_conversion *c)
{
    return c->type == RML_CC_VALUE_TO_TEXT || c->type == RML_CC_RANGE_TO_TEXT ||
           c->type == RML_CC_BIT_FIELD;
}

static double rational(const double *p, double x)
{
    return (p[0] * x * x + p[1] * x + p[2]) / (p[3] * x * x + p[4] * x + p[5]);
}

// Pairs of key and value, keys rising. Outside of them the value of the nearest end.
static double table(const rml_conversion *c, double x, bool interpolated)
{
    const double *v = c->values;
    size_t n = c->value_count / 2;
    if (isnan(x)) {
        return x;
    }
    if (x <= v[0]) {
        return v[1];
    }
    for (size_t i = 1; i < n; i++) {
        double low = v[2 * i - 2], high = v[2 * i];
        if (x > high) {
            continue;
        }
        if (x == high) {
            return v[2 * i + 1];
        }
        if (interpolated) {
            double part = (x - low) / (high - low);
            return v[2 * i - 1] + part * (v[2 * i + 1] - v[2 * i - 1]);
        }
        return x - low > high - x ? v[2 * i + 1] : v[2 * i - 1];
    }
    return v[2 * n - 1];
}

// Integers lie in [low, high], real numbers in [low, high).
static bool in_range(double x, double low, double high, bool is_float)
{
    return x >= low && (is_float ? x < high : x <= high);
}

static double range_to_value(const rml_conversion *c, double x, bool is_float)
{
    size_t n = c->value_count / 3;
    for (size_t i = 0; i < n; i++) {
        if (in_range(x, c->values[3 * i], c->values[3 * i + 1], is_float)) {
            return c->values[3 * i + 2];
        }
    }
    return c->values[3 * n];
}

// The reference that a table of texts picks.
static const struct rml_conversion_reference *pick(const rml_conversion *c, double x, bool is_float)
{
    size_t n = c->reference_count - 1;
    for (size_t i = 0; i < n; i++) {
        bool here = c->type == RML_CC_VALUE_TO_TEXT
                        ? x == c->values[i]
                        : in_range(x, c->values[2 * i], c->values[2 * i + 1], is_float);
        if (here) {
            return &c->references[i];
        }
    }
    return &c->references[n];
}

double rml_conversion_number(const rml_conversion *c, double x, bool is_float)
{
    switch (c->type) {
    case RML_CC_IDENTITY:
        return x;
    case RML_CC_LINEAR:
        return c->values[0] + c->values[1] * x;
    case RML_CC_RATIONAL:
        return rational(c->values, x);
    case RML_CC_ALGEBRAIC:
        return rml_formula_value(c->references[0].text, x);
    case RML_CC_TABLE_INTERPOLATED:
    case RML_CC_TABLE:
        return table(c, x, c->type == RML_CC_TABLE_INTERPOLATED);
    case RML_CC_RANGE_TO_VALUE:
        return range_to_value(c, x, is_float);
    case RML_CC_VALUE_TO_TEXT:
    case RML_CC_RANGE_TO_TEXT: {
        const struct rml_conversion_reference *r = pick(c, x, is_float);
        return r->conversion != NULL ? rml_conversion_number(r->conversion, x, is_float) : NAN;
    }
    case RML_CC_TEXT_TO_VALUE:
    case RML_CC_TEXT_TO_TEXT:
    case RML_CC_BIT_FIELD:
        return NAN;
    }
    return NAN;
}

// ---- Texts -------------------------------------------------------------------------------------

static rml_status put_number(double value, rml_buffer *out, rml_error *err)
{
    char text[RML_F64_TEXT];
    return rml_buffer_append(out, text, rml_format_f64(value, text), err);
}

// The texts of all parts of a bit field, joined by "|".
static rml_status bit_field(const rml_conversion *c, uint64_t bits, rml_buffer *out, rml_error *err)
{
    const char *between = "";
    for (size_t i = 0; i < c->reference_count; i++) {
        const rml_conversion *part = c->references[i].conversion;
        size_t before = out->len;
        if (part == NULL) {
            continue;
        }
        uint64_t masked = bits & c->masks[i];
        RML_TRY(rml_buffer_str(out, rml_str_of(between), err));
        size_t from = out->len;
        RML_TRY(rml_conversion_text(part, (double)masked, masked, false, out, err));
        if (out->len == from) {
            out->len = before;
        } else {
            between = "|";
        }
    }
    return RML_OK;
}

rml_status rml_conversion_text(const rml_conversion *c, double x, uint64_t bits, bool is_float,
                               rml_buffer *out, rml_error *err)
{
    if (c->type == RML_CC_BIT_FIELD) {
        return bit_field(c, bits, out, err);
    }
    if (!rml_conversion_gives_text(c)) {
        return put_number(rml_conversion_number(c, x, is_float), out, err);
    }
    const struct rml_conversion_reference *r = pick(c, x, is_float);
    return r->conversion != NULL ? rml_conversion_text(r->conversion, x, bits, is_float, out, err)
                                 : rml_buffer_str(out, r->text, err);
}

double rml_conversion_of_text(const rml_conversion *c, rml_str text)
{
    for (size_t i = 0; i < c->reference_count; i++) {
        if (rml_str_equal(c->references[i].text, text)) {
            return c->values[i];
        }
    }
    return c->values[c->reference_count];
}

rml_str rml_conversion_text_of_text(const rml_conversion *c, rml_str text)
{
    size_t n = c->reference_count / 2;
    for (size_t i = 0; i < n; i++) {
        if (rml_str_equal(c->references[2 * i].text, text)) {
            return c->references[2 * i + 1].text;
        }
    }
    rml_str otherwise = c->references[2 * n].text;
    return otherwise.data == NULL ? text : otherwise;
}
