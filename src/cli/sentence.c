// Sentences over a document: "{scenes} scenes of {tracks} tracks[; {left_out?}{left_out} left
// out]".
#include "view.h"

typedef struct sentence {
    rml_page *page;
    const rml_scope *scope;
    rml_str text;
    size_t at;
    rml_buffer *out;
} sentence;

// What a pair of braces holds: a field, or a condition.
typedef struct field {
    rml_str path, kind, word;
    bool is_condition, wants, compares;
} field;

static field field_of(rml_str inner)
{
    field f = {0};
    char last = inner.len > 0 ? inner.data[inner.len - 1] : '\0';
    if (last == '?' || last == '!') {
        f.is_condition = true;
        f.wants = last == '?';
        inner.len--;
        f.word = rml_str_cut(inner, '=', &f.path);
        f.compares = f.path.len < inner.len;
    } else {
        f.kind = rml_str_cut(inner, ':', &f.path);
    }
    return f;
}

static bool condition(const sentence *s, const field *f)
{
    const rml_json *v = rml_scope_find(s->page, s->scope, f->path, NULL);
    bool is = f->compares
                  ? v != NULL && v->kind == RML_JSON_STRING && rml_str_equal(v->string, f->word)
                  : rml_value_is_true(v);
    return is == f->wants;
}

// Says what is in braces; *there becomes false where it is missing, or does not hold.
static rml_status say_field(sentence *s, bool in_group, bool *there, rml_error *err)
{
    rml_str rest = {s->text.data + s->at, s->text.len - s->at}, inner;
    (void)rml_str_cut(rest, '}', &inner);
    s->at += inner.len + 1;
    field f = field_of(inner);
    if (f.is_condition) {
        *there = *there && condition(s, &f);
        return RML_OK;
    }
    bool lacks;
    const rml_json *v = rml_scope_find(s->page, s->scope, f.path, &lacks);
    *there = *there && rml_value_is_there(v);
    s->page->missing += lacks && !in_group;
    return rml_value_put(s->page, v, f.kind, s->out, err);
}

// To the end of the text, or of the group.
static rml_status say(sentence *s, bool in_group, bool *there, rml_error *err)
{
    while (s->at < s->text.len) {
        char c = s->text.data[s->at++];
        bool doubled = s->at < s->text.len && s->text.data[s->at] == c;
        if (c == '{') {
            RML_TRY(say_field(s, in_group, there, err));
        } else if ((c == '[' || c == ']') && doubled) {
            s->at++;
            RML_TRY(rml_buffer_append(s->out, &c, 1, err));
        } else if (c == '[') {
            size_t before = s->out->len;
            bool all = true;
            RML_TRY(say(s, true, &all, err));
            s->out->len = all ? s->out->len : before;
        } else if (c == ']' && in_group) {
            return RML_OK;
        } else {
            RML_TRY(rml_buffer_append(s->out, &c, 1, err));
        }
    }
    return RML_OK;
}

rml_status rml_sentence_put(rml_page *page, const rml_scope *scope, rml_str text, rml_buffer *out,
                            rml_error *err)
{
    sentence s = {page, scope, text, 0, out};
    bool there = true;
    return say(&s, false, &there, err);
}

bool rml_condition_holds(rml_page *page, const rml_scope *scope, rml_str text)
{
    const rml_str between = RML_STR(" or ");
    rml_buffer none = {0};
    bool holds = false;
    while (!holds && text.len > 0) {
        size_t end = rml_str_find(text, between);
        sentence s = {page, scope, {text.data, end}, 0, &none};
        size_t skip = end < text.len ? end + between.len : end;
        text = (rml_str){text.data + skip, text.len - skip};
        holds = true;
        holds = say(&s, true, &holds, NULL) == RML_OK && holds;
    }
    rml_buffer_reset(&none);
    return holds;
}

rml_status rml_cell_text(rml_page *page, const rml_scope *scope, rml_str body, rml_str *out,
                         rml_error *err)
{
    rml_buffer text = {0};
    rml_status st;
    if (rml_str_find(body, RML_STR("{")) < body.len) {
        st = rml_sentence_put(page, scope, body, &text, err);
    } else {
        rml_str path, kind = rml_str_cut(body, ':', &path);
        bool lacks;
        const rml_json *v = rml_scope_find(page, scope, path, &lacks);
        page->missing += lacks;
        st = rml_value_put(page, v, kind, &text, err);
    }
    for (size_t i = 0; i < text.len; i++) {
        text.data[i] = text.data[i] < ' ' ? ' ' : text.data[i]; // a cell has one line
    }
    *out = rml_arena_str(page->arena, rml_buffer_text(&text));
    rml_buffer_reset(&text);
    return st == RML_OK && out->data == NULL ? rml_fail_memory(err, body.len) : st;
}
