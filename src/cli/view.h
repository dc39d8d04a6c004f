// A document as text: paths into it, sentences and tables over it, by the view of a command.
#ifndef ROADMILL_CLI_VIEW_H
#define ROADMILL_CLI_VIEW_H

#include "roadmill/base/json.h"
#include "roadmill/command.h"

// Where text goes and how it is set there.
typedef struct rml_page {
    rml_buffer *out;
    rml_arena *arena;
    const rml_call *call; // whose options "$name" are
    bool terminal;        // short ids, numbers with separators, columns cut to fit; else all of it
    int columns;          // of the terminal
    size_t missing;       // fields of the view that the document lacks
} rml_page;

// A value of the document and what holds it.
typedef struct rml_scope {
    const rml_json *value;
    const struct rml_scope *outer;
} rml_scope;

// The whole document by the blocks of a view.
rml_status rml_page_render(rml_page *page, const rml_json *document, const rml_view *view,
                           rml_error *err) RML_CHECKED;

// ---- Values ------------------------------------------------------------------------------------

// The value at a path, or NULL. *lacks, if not NULL: the document has nothing there, not even null.
const rml_json *rml_scope_find(const rml_page *page, const rml_scope *scope, rml_str path,
                               bool *lacks);
bool rml_value_is_there(const rml_json *value); // not missing, null or empty
bool rml_value_is_true(const rml_json *value);  // there, not false, not 0
// A value as text of a kind (roadmill/command.h, "How its document reads"); NULL is "-".
rml_status rml_value_put(const rml_page *page, const rml_json *value, rml_str kind, rml_buffer *out,
                         rml_error *err) RML_CHECKED;

// ---- Sentences ---------------------------------------------------------------------------------

rml_status rml_sentence_put(rml_page *page, const rml_scope *scope, rml_str text, rml_buffer *out,
                            rml_error *err) RML_CHECKED;
bool rml_condition_holds(rml_page *page, const rml_scope *scope, rml_str text);
// A sentence, "path" or "path:kind", as one text in the arena.
rml_status rml_cell_text(rml_page *page, const rml_scope *scope, rml_str body, rml_str *out,
                         rml_error *err) RML_CHECKED;

// ---- Tables ------------------------------------------------------------------------------------

typedef struct rml_table_column {
    rml_str head, body;
    bool derived;     // the head is a name of the document: '_' is a blank
    bool right, wide; // set right; may be cut to fit a terminal
    int width;
} rml_table_column;

// The next of "head=body | head=body"; *spec gets what follows.
void rml_column_next(rml_str *spec, rml_table_column *out);
// Sets widths and sides from all cells (rml_str, row after row), heads included.
void rml_table_measure(const rml_page *page, rml_array *columns, const rml_array *cells);
rml_status rml_table_heads(const rml_page *page, const rml_array *columns, rml_error *err)
    RML_CHECKED;
rml_status rml_table_rows(const rml_page *page, const rml_array *columns, const rml_array *cells,
                          rml_error *err) RML_CHECKED;

#endif
