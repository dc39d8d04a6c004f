// Conditions on the fields of messages: a recursive descent into a tree, and its value for a row.
#include "roadmill/message/where.h"

#include <math.h>
#include <string.h>

#define DEPTH_MAX 64

typedef enum compare { EQUAL, UNEQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL } compare;
static const struct {
    const char *text;
    compare op;
} operators[] = {{"==", EQUAL},         {"!=", UNEQUAL}, {"<=", LESS_EQUAL},
                 {">=", GREATER_EQUAL}, {"<", LESS},     {">", GREATER}};

typedef enum node_kind { NODE_AND, NODE_OR, NODE_COMPARE } node_kind;
typedef struct node {
    node_kind kind;
    const struct node *left, *right; // AND, OR
    compare op;
    rml_str field, text; // text: data NULL where the value is a number
    double number;
    int64_t integer;
    bool exact; // integer holds the number
} node;

struct rml_message_where {
    rml_arena arena;
    const node *root;
};

// ---- Parsing -----------------------------------------------------------------------------------

typedef struct parser {
    rml_arena *arena;
    rml_str text;
    size_t at;
    int depth;
    rml_error *err;
} parser;

static rml_status expected(const parser *p, const char *what)
{
    rml_str rest = {p->text.data + p->at, p->text.len - p->at};
    int shown = rest.len < 20 ? (int)rest.len : 20;
    return rml_fail(p->err, RML_ERR_ARGUMENT,
                    rml_place_line(RML_STR("condition"), 1, (uint32_t)p->at + 1), NULL,
                    "expected %s, found \"%.*s\"", what, shown, rest.data);
}

static void skip_spaces(parser *p)
{
    while (p->at < p->text.len && (p->text.data[p->at] == ' ' || p->text.data[p->at] == '\t')) {
        p->at++;
    }
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
}

// A run of letters, digits, "_" and "."; empty if there is none.
static rml_str peek_word(parser *p)
{
    skip_spaces(p);
    size_t end = p->at;
    while (end < p->text.len && is_word(p->text.data[end])) {
        end++;
    }
    return (rml_str){p->text.data + p->at, end - p->at};
}

static bool take_word(parser *p, const char *word)
{
    if (!rml_str_equal(peek_word(p), rml_str_of(word))) {
        return false;
    }
    p->at += strlen(word);
    return true;
}

static bool take_char(parser *p, char c)
{
    skip_spaces(p);
    if (p->at == p->text.len || p->text.data[p->at] != c) {
        return false;
    }
    p->at++;
    return true;
}

static rml_status take_operator(parser *p, compare *out)
{
    skip_spaces(p);
    rml_str rest = {p->text.data + p->at, p->text.len - p->at};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (rml_str_starts(rest, rml_str_of(operators[i].text))) {
            p->at += strlen(operators[i].text);
            *out = operators[i].op;
            return RML_OK;
        }
    }
    return expected(p, "one of == != < <= > >=");
}

static rml_status take_text(parser *p, char quote, node *out)
{
    size_t from = p->at;
    while (p->at < p->text.len && p->text.data[p->at] != quote) {
        p->at++;
    }
    out->text = (rml_str){p->text.data + from, p->at - from};
    return take_char(p, quote) ? RML_OK : expected(p, "a quote at the end of the text");
}

static rml_status take_value(parser *p, node *out)
{
    if (take_char(p, '\'')) {
        return take_text(p, '\'', out);
    }
    if (take_char(p, '"')) {
        return take_text(p, '"', out);
    }
    bool truth = take_word(p, "true");
    if (truth || take_word(p, "false")) {
        *out = (node){.kind = out->kind,
                      .op = out->op,
                      .field = out->field,
                      .number = truth,
                      .integer = truth,
                      .exact = true};
        return RML_OK;
    }
    size_t end = p->at;
    while (end < p->text.len &&
           (is_word(p->text.data[end]) || p->text.data[end] == '-' || p->text.data[end] == '+')) {
        end++;
    }
    rml_str number = {p->text.data + p->at, end - p->at};
    if (number.len == 0 || !rml_parse_f64(number, &out->number)) {
        return expected(p, "a number, true, false or a text in quotes");
    }
    out->exact = rml_parse_i64(number, &out->integer);
    p->at = end;
    return RML_OK;
}

static rml_status parse_any(parser *p, const node **out);

static rml_status parse_term(parser *p, const node **out)
{
    if (take_char(p, '(')) {
        if (++p->depth > DEPTH_MAX) {
            return expected(p, "at most 64 brackets within each other");
        }
        RML_TRY(parse_any(p, out));
        p->depth--;
        return take_char(p, ')') ? RML_OK : expected(p, "\")\"");
    }
    rml_str field = peek_word(p);
    if (field.len == 0 || rml_str_equal(field, RML_STR("and")) ||
        rml_str_equal(field, RML_STR("or"))) {
        return expected(p, "a field");
    }
    node *made = RML_NEW(p->arena, node);
    if (made == NULL) {
        return rml_fail_memory(p->err, sizeof *made);
    }
    p->at += field.len;
    *made = (node){.kind = NODE_COMPARE, .field = field};
    RML_TRY(take_operator(p, &made->op));
    *out = made;
    return take_value(p, made);
}

// Terms joined by one word; those of the other kind are what `next` reads.
static rml_status parse_joined(parser *p, const char *word, node_kind kind,
                               rml_status (*next)(parser *, const node **), const node **out)
{
    RML_TRY(next(p, out));
    while (take_word(p, word)) {
        node *made = RML_NEW(p->arena, node);
        if (made == NULL) {
            return rml_fail_memory(p->err, sizeof *made);
        }
        *made = (node){.kind = kind, .left = *out};
        RML_TRY(next(p, &made->right));
        *out = made;
    }
    return RML_OK;
}

static rml_status parse_all(parser *p, const node **out)
{
    return parse_joined(p, "and", NODE_AND, parse_term, out);
}

static rml_status parse_any(parser *p, const node **out)
{
    return parse_joined(p, "or", NODE_OR, parse_all, out);
}

rml_status rml_message_where_parse(rml_str text, rml_message_where **out, rml_error *err)
{
    rml_message_where *w = rml_heap_make(sizeof *w);
    if (w == NULL) {
        return rml_fail_memory(err, sizeof *w);
    }
    parser p = {.arena = &w->arena, .text = rml_arena_str(&w->arena, text), .err = err};
    rml_status st = p.text.data == NULL ? rml_fail_memory(err, text.len) : parse_any(&p, &w->root);
    if (st == RML_OK) {
        skip_spaces(&p);
        st = p.at == p.text.len ? RML_OK : expected(&p, "\"and\", \"or\" or the end");
    }
    if (st) {
        rml_message_where_free(w);
        return st;
    }
    *out = w;
    return RML_OK;
}

void rml_message_where_free(rml_message_where *w)
{
    if (w != NULL) {
        rml_arena_reset(&w->arena);
        rml_heap_free(w);
    }
}

// ---- For a row ---------------------------------------------------------------------------------

// The column of a field; NULL if there is none, or no value on the way to it.
static const rml_column *column_of(rml_str path, rml_schema schema, const rml_column *columns,
                                   size_t row)
{
    rml_str left = path, name;
    for (;;) {
        left = rml_str_cut(left, '.', &name);
        size_t i = 0;
        while (i < schema.count && !rml_str_equal(schema.fields[i].name, name)) {
            i++;
        }
        if (i == schema.count || rml_column_is_null(&columns[i], row)) {
            return NULL;
        }
        if (left.len == 0) {
            return &columns[i];
        }
        if (schema.fields[i].type != RML_TYPE_STRUCT) {
            return NULL;
        }
        schema = (rml_schema){schema.fields[i].children, schema.fields[i].child_count};
        columns = columns[i].children;
    }
}

static bool stands(compare op, int order)
{
    switch (op) {
    case EQUAL:
        return order == 0;
    case UNEQUAL:
        return order != 0;
    case LESS:
        return order < 0;
    case LESS_EQUAL:
        return order <= 0;
    case GREATER:
        return order > 0;
    default:
        return order >= 0;
    }
}

static bool compare_holds(const node *n, const rml_column *c, size_t row)
{
    if (c->type == RML_TYPE_STRING) {
        rml_str value = rml_column_get_str(c, row);
        return n->text.data != NULL && stands(n->op, rml_str_compare(value, n->text));
    }
    if (n->text.data != NULL || c->type > RML_TYPE_F64) {
        return false;
    }
    if (n->exact && c->type <= RML_TYPE_I64) {
        int64_t value = rml_column_get_i64(c, row);
        return stands(n->op, (value > n->integer) - (value < n->integer));
    }
    double value = rml_column_get_f64(c, row);
    return !isnan(value) && !isnan(n->number) &&
           stands(n->op, (value > n->number) - (value < n->number));
}

static bool holds(const node *n, rml_schema schema, const rml_column *columns, size_t row)
{
    if (n->kind == NODE_AND) {
        return holds(n->left, schema, columns, row) && holds(n->right, schema, columns, row);
    }
    if (n->kind == NODE_OR) {
        return holds(n->left, schema, columns, row) || holds(n->right, schema, columns, row);
    }
    const rml_column *c = column_of(n->field, schema, columns, row);
    return c != NULL && compare_holds(n, c, row);
}

bool rml_message_where_holds(const rml_message_where *w, rml_schema schema,
                             const rml_column *columns, size_t row)
{
    return holds(w->root, schema, columns, row);
}
