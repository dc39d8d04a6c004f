// Text into words: names, numbers with units, signs. Comments run from # to the end of the line.
#include <math.h>
#include <string.h>

#include "roadmill/math.h"

#include "program.h"

static const struct {
    const char *name;
    rml_dimension dimension;
    double factor; // to the base unit
} units[] = {
    {"m", RML_DIM_LENGTH, 1},
    {"cm", RML_DIM_LENGTH, 0.01},
    {"km", RML_DIM_LENGTH, 1000},
    {"s", RML_DIM_TIME, 1},
    {"ms", RML_DIM_TIME, 0.001},
    {"min", RML_DIM_TIME, 60},
    {"m/s", RML_DIM_SPEED, 1},
    {"km/h", RML_DIM_SPEED, 1 / 3.6},
    {"mph", RML_DIM_SPEED, 0.44704},
    {"m/s^2", RML_DIM_ACCELERATION, 1},
    {"m/s\xc2\xb2", RML_DIM_ACCELERATION, 1},
    {"rad", RML_DIM_ANGLE, 1},
    {"deg", RML_DIM_ANGLE, RML_PI / 180},
    {"rad/s", RML_DIM_ANGULAR_RATE, 1},
    {"deg/s", RML_DIM_ANGULAR_RATE, RML_PI / 180},
};

const char *rml_dimension_name(rml_dimension d)
{
    static const char *const names[] = {
        "a length (m, km)",
        "a time (s, ms)",
        "a speed (m/s, km/h)",
        "an acceleration (m/s^2)",
        "an angle (deg, rad)",
        "an angular rate (deg/s, rad/s)",
        "a condition",
        "a class",
        "a lane",
    };
    return names[d];
}

typedef struct reader {
    rml_str text, file;
    size_t offset;
    uint32_t line;
    size_t line_start;
} reader;

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char peek(const reader *r, size_t ahead)
{
    return r->offset + ahead < r->text.len ? r->text.data[r->offset + ahead] : '\0';
}

static void skip_space(reader *r)
{
    for (;;) {
        char c = peek(r, 0);
        if (c == '#') {
            while (r->offset < r->text.len && peek(r, 0) != '\n') {
                r->offset++;
            }
        } else if (c == '\n') {
            r->offset++;
            r->line++;
            r->line_start = r->offset;
        } else if (c == ' ' || c == '\t' || c == '\r') {
            r->offset++;
        } else {
            return;
        }
    }
}

static rml_place here(const reader *r, size_t offset)
{
    return rml_place_line(r->file, r->line, (uint32_t)(offset - r->line_start) + 1);
}

// The longest run that may be a unit: letters, then /letters, then ^2 or the superscript.
static rml_str unit_text(const reader *r)
{
    size_t i = 0;
    while (is_letter(peek(r, i))) {
        i++;
    }
    if (i > 0 && peek(r, i) == '/' && is_letter(peek(r, i + 1))) {
        i++;
        while (is_letter(peek(r, i))) {
            i++;
        }
        if (peek(r, i) == '^' && is_digit(peek(r, i + 1))) {
            i += 2;
        } else if (peek(r, i) == '\xc2' && peek(r, i + 1) == '\xb2') {
            i += 2;
        }
    }
    return (rml_str){r->text.data + r->offset, i};
}

static rml_status read_unit(reader *r, rml_word *word, rml_error *err)
{
    while (peek(r, 0) == ' ') {
        r->offset++;
    }
    rml_str unit = unit_text(r);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (rml_str_equal(unit, rml_str_of(units[i].name))) {
            word->value *= units[i].factor;
            word->dimension = units[i].dimension;
            r->offset += unit.len;
            return RML_OK;
        }
    }
    rml_str found = unit.len > 0 ? unit : RML_STR("none");
    return rml_fail(err, RML_ERR_DATA, here(r, r->offset), NULL,
                    "expected a unit after %.*s (m, km, s, ms, m/s, km/h, m/s^2, deg, rad, deg/s), "
                    "found %.*s",
                    RML_FMT(word->text), RML_FMT(found));
}

static rml_status read_number(reader *r, rml_word *word, rml_error *err)
{
    size_t start = r->offset;
    r->offset += peek(r, 0) == '-';
    while (is_digit(peek(r, 0)) || peek(r, 0) == '.') {
        r->offset++;
    }
    char e = peek(r, 0);
    if ((e == 'e' || e == 'E') &&
        (is_digit(peek(r, 1)) ||
         ((peek(r, 1) == '-' || peek(r, 1) == '+') && is_digit(peek(r, 2))))) {
        r->offset += 2;
        while (is_digit(peek(r, 0))) {
            r->offset++;
        }
    }
    word->kind = RML_WORD_NUMBER;
    word->text = (rml_str){r->text.data + start, r->offset - start};
    if (!rml_parse_f64(word->text, &word->value) || !isfinite(word->value)) {
        return rml_fail(err, RML_ERR_DATA, here(r, start), NULL, "expected a number, found %.*s",
                        RML_FMT(word->text));
    }
    return read_unit(r, word, err);
}

static rml_status read_word(reader *r, rml_word *word, rml_error *err)
{
    static const char *const signs[] = {"<=", ">=", "==", "!=", "<", ">", "(", ")", ",", ":"};
    char c = peek(r, 0);
    *word = (rml_word){.line = r->line, .column = (uint32_t)(r->offset - r->line_start) + 1};
    if (r->offset == r->text.len) {
        return RML_OK;
    }
    if (is_letter(c)) {
        size_t len = 1;
        while (is_letter(peek(r, len)) || is_digit(peek(r, len))) {
            len++;
        }
        word->kind = RML_WORD_NAME;
        word->text = (rml_str){r->text.data + r->offset, len};
        r->offset += len;
        return RML_OK;
    }
    if (is_digit(c) || c == '.' || (c == '-' && (is_digit(peek(r, 1)) || peek(r, 1) == '.'))) {
        return read_number(r, word, err);
    }
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        rml_str sign = rml_str_of(signs[i]);
        rml_str left = {r->text.data + r->offset, r->text.len - r->offset};
        if (rml_str_starts(left, sign)) {
            word->kind = RML_WORD_SIGN;
            word->text = (rml_str){left.data, sign.len};
            r->offset += sign.len;
            return RML_OK;
        }
    }
    unsigned char byte = (unsigned char)c;
    return rml_fail(
        err, RML_ERR_DATA, here(r, r->offset), NULL,
        byte > 32 && byte < 127
            ? "expected a name, a number or one of ( ) , : < <= > >= == !=, found %c"
            : "expected a name, a number or one of ( ) , : < <= > >= == !=, found byte %d",
        byte);
}

rml_status rml_words_read(rml_str text, rml_str file, rml_array *words, rml_error *err)
{
    reader r = {.text = text, .file = file, .line = 1};
    if (text.len > RML_QUERY_TEXT_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, rml_place_file(file), NULL,
                        "expected a query of at most %d bytes, found %zu", RML_QUERY_TEXT_MAX,
                        text.len);
    }
    for (;;) {
        skip_space(&r);
        rml_word *word = rml_array_push(words, err);
        if (word == NULL) {
            return RML_ERR_MEMORY;
        }
        RML_TRY(read_word(&r, word, err));
        if (word->kind == RML_WORD_END) {
            return RML_OK;
        }
    }
}
