// The blocks of a view, one after the other.
#include "view.h"

#include <stdio.h>

// ---- Lists -------------------------------------------------------------------------------------

typedef struct each {
    rml_status (*say)(void *context, const rml_scope *scope, rml_error *err);
    void *context;
} each;

// Every element of a list, of the lists in the elements of a list, and so on: "models.slices".
static rml_status for_each(const rml_page *page, const rml_scope *scope, rml_str path,
                           const each *e, rml_error *err)
{
    rml_str first;
    path = rml_str_cut(path, '.', &first);
    const rml_json *list = rml_scope_find(page, scope, first, NULL);
    if (list != NULL && list->kind == RML_JSON_OBJECT && path.len > 0) {
        const rml_scope inner = {list, scope};
        return for_each(page, &inner, path, e, err);
    }
    for (const rml_json *v = list ? list->child : NULL; v != NULL; v = v->next) {
        const rml_scope inner = {v, scope};
        RML_TRY(path.len > 0 ? for_each(page, &inner, path, e, err)
                             : e->say(e->context, &inner, err));
    }
    return RML_OK;
}

// ---- Columns -----------------------------------------------------------------------------------

static rml_status push_column(rml_array *columns, rml_table_column column, rml_error *err)
{
    rml_table_column *place = rml_array_push(columns, err);
    if (place == NULL) {
        return RML_ERR_MEMORY;
    }
    *place = column;
    return RML_OK;
}

// A template whose '*' stands for a path; without one, the path itself.
static rml_str fill_star(rml_page *page, rml_str body, rml_str path, rml_str name, rml_error *err)
{
    rml_buffer text = {0};
    rml_status st = RML_OK;
    bool template = rml_str_find(body, RML_STR("{")) < body.len;
    for (size_t i = 0; st == RML_OK && i < (template ? body.len : 1); i++) {
        bool star = !template || (body.data[i] == '*' && body.data[i - 1] == '{');
        st = star ? rml_buffer_printf(&text, err, "%.*s.%.*s", RML_FMT(path), RML_FMT(name))
                  : rml_buffer_append(&text, &body.data[i], 1, err);
    }
    rml_str filled = st == RML_OK ? rml_arena_str(page->arena, rml_buffer_text(&text)) : body;
    rml_buffer_reset(&text);
    return filled;
}

// Columns for what a row has: "values.*" one for each member, named by it, or for each element of a
// list, by its "name"; "metrics.*={*.value:.3f}" the same with a sentence over each;
// "names=actors.*" one for each name in the list `names` of the document.
static rml_status push_star(rml_page *page, const rml_scope *row, rml_array *columns,
                            rml_table_column star, rml_error *err)
{
    bool named = rml_str_ends(star.body, RML_STR(".*")) && !star.derived;
    rml_str spec = named || star.derived ? star.body : star.head;
    rml_str path = {spec.data, spec.len - 2};
    const rml_scope *top = row;
    while (named && top->outer != NULL) {
        top = top->outer;
    }
    const rml_json *list = rml_scope_find(page, top, named ? star.head : path, NULL);
    size_t index = 0;
    for (const rml_json *v = list ? list->child : NULL; v != NULL; v = v->next, index++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", index);
        rml_str name = v->key.len > 0 ? v->key : rml_json_get_str(v, "name", v->string);
        rml_str at = named ? rml_str_of(number) : name;
        rml_table_column column = {.head = name, .body = fill_star(page, star.body, path, at, err)};
        RML_TRY(push_column(columns, column, err));
    }
    return RML_OK;
}

// first: a row, whose members a star stands for.
static rml_status columns_of(rml_page *page, const rml_scope *first, const char *spec,
                             rml_array *columns, rml_error *err)
{
    rml_str rest = rml_str_of(spec);
    while (rest.len > 0) {
        rml_table_column column;
        rml_column_next(&rest, &column);
        bool star =
            rml_str_ends(column.body, RML_STR(".*")) || rml_str_ends(column.head, RML_STR(".*"));
        RML_TRY(star ? push_star(page, first, columns, column, err)
                     : push_column(columns, column, err));
    }
    return RML_OK;
}

// ---- Blocks ------------------------------------------------------------------------------------

static rml_status say_line(rml_page *page, const rml_scope *scope, const char *line, rml_error *err)
{
    size_t before = page->out->len;
    RML_TRY(rml_sentence_put(page, scope, rml_str_of(line), page->out, err));
    // A line whose words all depend on what is not there is no line.
    bool empty = page->out->len == before && line[0] != '\0';
    return empty ? RML_OK : rml_buffer_str(page->out, RML_STR("\n"), err);
}

// A name and its value a line; what has no value is not named.
static rml_status say_fields(rml_page *page, const rml_scope *scope, const char *spec,
                             rml_error *err)
{
    rml_array columns = RML_ARRAY(rml_table_column), cells = RML_ARRAY(rml_str);
    rml_status st = columns_of(page, scope, spec, &columns, err);
    for (size_t i = 0; st == RML_OK && i < columns.count; i++) {
        const rml_table_column *c = RML_AT(&columns, rml_table_column, i);
        rml_str value;
        st = rml_cell_text(page, scope, c->body, &value, err);
        rml_str *pair = st == RML_OK && value.len > 0 ? rml_array_push_many(&cells, 2, err) : NULL;
        if (pair != NULL) {
            pair[0] = c->head;
            pair[1] = value;
        }
    }
    rml_array two = RML_ARRAY(rml_table_column);
    if (st == RML_OK && rml_array_push_many(&two, 2, err) == NULL) {
        st = RML_ERR_MEMORY;
    }
    if (st == RML_OK) {
        rml_page narrow = *page;
        narrow.terminal = false; // a value that is alone on its line is never cut
        rml_table_measure(&narrow, &two, &cells);
        RML_AT(&two, rml_table_column, 1)->right = false;
        st = rml_table_rows(&narrow, &two, &cells, err);
    }
    rml_array_reset(&two);
    rml_array_reset(&columns);
    rml_array_reset(&cells);
    return st;
}

typedef struct table {
    rml_page *page;
    const rml_view *view;
    rml_array columns, cells;
} table;

static rml_status say_row(void *context, const rml_scope *scope, rml_error *err)
{
    table *t = context;
    const char *where = t->view->where;
    if (where != NULL && !rml_condition_holds(t->page, scope, rml_str_of(where))) {
        return RML_OK;
    }
    if (t->columns.count == 0) {
        RML_TRY(columns_of(t->page, scope, t->view->table, &t->columns, err));
    }
    for (size_t i = 0; i < t->columns.count; i++) {
        rml_str text;
        RML_TRY(rml_cell_text(t->page, scope, RML_AT(&t->columns, rml_table_column, i)->body, &text,
                              err));
        rml_str *cell = rml_array_push(&t->cells, err);
        if (cell == NULL) {
            return RML_ERR_MEMORY;
        }
        *cell = text;
    }
    return RML_OK;
}

static rml_status say_table(rml_page *page, const rml_scope *scope, const rml_view *view,
                            rml_error *err)
{
    table t = {page, view, RML_ARRAY(rml_table_column), RML_ARRAY(rml_str)};
    const each rows = {say_row, &t};
    rml_status st = for_each(page, scope, rml_str_of(view->each), &rows, err);
    if (st == RML_OK && t.columns.count == 0) {
        st = columns_of(page, scope, view->table, &t.columns, err); // a list without rows has heads
    }
    if (st == RML_OK) {
        rml_table_measure(page, &t.columns, &t.cells);
        st = rml_table_heads(page, &t.columns, err);
    }
    st = st ? st : rml_table_rows(page, &t.columns, &t.cells, err);
    rml_array_reset(&t.columns);
    rml_array_reset(&t.cells);
    return st;
}

static rml_status say_value(rml_page *page, const rml_scope *scope, const char *path,
                            const char *kind, rml_error *err)
{
    bool lacks;
    const rml_json *v = rml_scope_find(page, scope, rml_str_of(path), &lacks);
    page->missing += lacks;
    if (!rml_value_is_there(v)) {
        return RML_OK;
    }
    RML_TRY(rml_value_put(page, v, rml_str_of(kind), page->out, err));
    bool ends = rml_str_ends(rml_buffer_text(page->out), RML_STR("\n"));
    return ends ? RML_OK : rml_buffer_str(page->out, RML_STR("\n"), err);
}

typedef struct block {
    rml_page *page;
    const rml_view *view;
} block;

static rml_status say_blocks(rml_page *page, const rml_scope *scope, const rml_view *view,
                             rml_error *err);

static rml_status say_block(void *context, const rml_scope *scope, rml_error *err)
{
    const block *b = context;
    const rml_view *view = b->view;
    if (view->each != NULL && view->when != NULL &&
        !rml_condition_holds(b->page, scope, rml_str_of(view->when))) {
        return RML_OK;
    }
    RML_TRY(view->line != NULL ? say_line(b->page, scope, view->line, err) : RML_OK);
    RML_TRY(view->fields != NULL ? say_fields(b->page, scope, view->fields, err) : RML_OK);
    RML_TRY(view->text != NULL ? say_value(b->page, scope, view->text, NULL, err) : RML_OK);
    RML_TRY(view->json != NULL ? say_value(b->page, scope, view->json, "json", err) : RML_OK);
    return say_blocks(b->page, scope, view->blocks, err);
}

static bool says(const rml_view *v)
{
    return v->line || v->fields || v->table || v->text || v->json || v->blocks;
}

static rml_status say_blocks(rml_page *page, const rml_scope *scope, const rml_view *view,
                             rml_error *err)
{
    for (; view != NULL && (says(view) || view->when != NULL); view++) {
        block b = {page, view};
        const each elements = {say_block, &b};
        // With each, a condition is of the element; of a table, or once, of what holds it.
        bool of_scope = view->when != NULL && (view->each == NULL || view->table != NULL);
        if (of_scope && !rml_condition_holds(page, scope, rml_str_of(view->when))) {
            if (!says(view)) {
                return RML_OK;
            }
            continue;
        }
        if (view->table != NULL) {
            RML_TRY(say_table(page, scope, view, err));
        } else if (view->each != NULL) {
            RML_TRY(for_each(page, scope, rml_str_of(view->each), &elements, err));
        } else {
            RML_TRY(say_block(&b, scope, err));
        }
    }
    return RML_OK;
}

rml_status rml_page_render(rml_page *page, const rml_json *document, const rml_view *view,
                           rml_error *err)
{
    const rml_scope root = {document, NULL};
    return say_blocks(page, &root, view, err);
}
