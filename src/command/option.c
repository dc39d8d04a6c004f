// Values of options and arguments by their row: what fits, what does not, and what help says.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "call.h"

// "--seed "; nothing for an argument.
static const char *lead(const rml_option *o, char text[64])
{
    bool argument = o->name[0] >= 'A' && o->name[0] <= 'Z';
    snprintf(text, 64, argument ? "%.0s" : "--%s ", o->name);
    return text;
}

// A text that is cut to its size.
typedef struct line {
    char *text;
    size_t size, len;
} line;

static void put(line *l, const char *format, ...) RML_PRINTF(2, 3);

static void put(line *l, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int len = vsnprintf(l->text + l->len, l->size - l->len, format, list);
    va_end(list);
    l->len += len > 0 ? (size_t)len : 0;
    l->len = l->len < l->size ? l->len : l->size - 1;
}

// "family, recording, place or time".
static void put_choices(line *l, const char *choices)
{
    rml_str one, rest = rml_str_cut(rml_str_of(choices), '|', &one);
    put(l, "%.*s", RML_FMT(one));
    while (rest.len > 0) {
        rest = rml_str_cut(rest, '|', &one);
        put(l, "%s%.*s", rest.len > 0 ? ", " : " or ", RML_FMT(one));
    }
}

static void put_number(line *l, double value)
{
    char text[RML_F64_TEXT];
    rml_format_f64(value, text);
    put(l, "%s", text);
}

// "2 to 256 s", "at least 1"; false where any number fits.
static bool put_range(line *l, const rml_option *o, const char *between, const char *unit)
{
    bool any = o->low == 0 && o->high == 0;
    if (any || (o->type != RML_OPTION_INT && o->type != RML_OPTION_FLOAT)) {
        return false;
    }
    if (o->high >= RML_OPTION_MOST) {
        put(l, "%s ", "at least");
        put_number(l, o->low);
    } else {
        put(l, "%s", between[0] != ' ' ? between : "");
        put_number(l, o->low);
        put(l, "%s", between[0] != ' ' ? " and " : between);
        put_number(l, o->high);
    }
    put(l, "%s%s", unit != NULL ? " " : "", unit != NULL ? unit : "");
    return true;
}

static rml_status fail_number(const rml_option *o, rml_str text, rml_error *err)
{
    char range[120] = "", name[64];
    line l = {range, sizeof range, 0};
    const char *what = o->type == RML_OPTION_INT ? "a whole number" : "a number";
    if (!put_range(&l, o, "between ", o->unit)) {
        put(&l, "%s", what);
    }
    return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL, "expected %s%s, found \"%.*s\"",
                    lead(o, name), range, RML_FMT(text));
}

static bool in_range(const rml_option *o, double value)
{
    return (o->low == 0 && o->high == 0) || (value >= o->low && value <= o->high);
}

enum { CHOICES_MOST = 16 };

// Which of the choices it is, or RML_ERR_ARGUMENT with the nearest.
static rml_status parse_choice(const rml_option *o, rml_str text, rml_given *out, rml_error *err)
{
    char copy[200], list[240], remedy[240] = "", name[64];
    const char *names[CHOICES_MOST];
    size_t count = 0;
    line said = {list, sizeof list, 0}, meant = {remedy, sizeof remedy, 0};
    snprintf(copy, sizeof copy, "%s", o->choices);
    for (char *at = copy; at != NULL && count < CHOICES_MOST; count++) {
        names[count] = at;
        at = strchr(at, '|');
        if (at != NULL) {
            *at++ = '\0';
        }
        if (rml_str_equal(text, rml_str_of(names[count]))) {
            out->integer = (int64_t)count;
            return RML_OK;
        }
    }
    const char *nearest = rml_nearest_name(text, names, count);
    if (nearest != NULL) {
        put(&meant, "did you mean %s?", nearest);
    }
    put_choices(&said, o->choices);
    return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, nearest ? remedy : NULL,
                    "expected %s%s, found \"%.*s\"", lead(o, name), list, RML_FMT(text));
}

rml_status rml_option_parse(const rml_option *o, rml_str text, rml_given *out, rml_error *err)
{
    rml_str left;
    *out = (rml_given){.option = o, .text = text};
    switch (o->type) {
    case RML_OPTION_FLAG:
        return text.len == 0 ? RML_OK
                             : rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                                        "expected --%s without a value, found \"%.*s\"", o->name,
                                        RML_FMT(text));
    case RML_OPTION_INT:
        out->number = rml_parse_i64(text, &out->integer) ? (double)out->integer : NAN;
        return isnan(out->number) || !in_range(o, out->number) ? fail_number(o, text, err) : RML_OK;
    case RML_OPTION_FLOAT:
        return !rml_parse_f64(text, &out->number) || isnan(out->number) || !in_range(o, out->number)
                   ? fail_number(o, text, err)
                   : RML_OK;
    case RML_OPTION_CHOICE:
        return parse_choice(o, text, out, err);
    case RML_OPTION_PAIR:
        return rml_str_cut(text, '=', &left).len > 0 && left.len > 0
                   ? RML_OK
                   : rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                              "expected --%s %s, found \"%.*s\"", o->name, o->value, RML_FMT(text));
    default:
        return RML_OK;
    }
}

void rml_option_help(const rml_option *o, char text[RML_OPTION_TEXT_SIZE])
{
    line l = {text, RML_OPTION_TEXT_SIZE, 0};
    text[0] = '\0';
    put(&l, "%s", o->help);
    size_t before = l.len;
    put(&l, " (");
    size_t open = l.len;
    if (o->type == RML_OPTION_CHOICE) {
        put_choices(&l, o->choices);
    } else {
        (void)put_range(&l, o, " to ", o->unit);
    }
    const char *between = l.len > open ? "; " : "";
    if (o->fallback != NULL || o->otherwise != NULL) {
        put(&l, "%sdefault: %s", between, o->fallback != NULL ? o->fallback : o->otherwise);
        between = "; ";
    }
    if (o->required) {
        put(&l, "%sneeded", between);
        between = "; ";
    }
    if (o->repeated) {
        put(&l, "%smay be repeated", between);
    }
    if (l.len == open) {
        text[before] = '\0';
    } else {
        put(&l, ")");
    }
}

void rml_command_usage(const rml_command *command, char text[RML_USAGE_TEXT])
{
    line l = {text, RML_USAGE_TEXT, 0};
    put(&l, "%s", command->name);
    for (const rml_option *a = command->arguments; a != NULL && a->name != NULL; a++) {
        put(&l, a->required ? " %s%s" : " [%s%s]", a->name, a->repeated ? "…" : "");
    }
}
