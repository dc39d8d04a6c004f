// Walks nested columns by the names of their fields: what a query gave of a message whose
// definition is known by name only.
#ifndef ROADMILL_RECIPE_NESTED_H
#define ROADMILL_RECIPE_NESTED_H

#include "roadmill/base/column.h"

// A column with its field; both NULL where there is none of that name. A struct's children share
// its rows; a list's element has rows of its own (rml_column_get_list).
typedef struct rml_nested {
    const rml_field *field;
    const rml_column *column;
} rml_nested;

rml_nested rml_nested_column(const rml_batch *batch, size_t index);
// "base.position.x" within a struct. An empty path is the column itself, NULL is none.
rml_nested rml_nested_at(rml_nested from, const char *path);
rml_nested rml_nested_element(rml_nested list);

// A number; NaN where it is null, no number, or absent.
double rml_nested_f64(rml_nested from, size_t row);
// A name: a text itself, an integer in decimal, bytes in hexadecimal. Empty where it is null or
// absent. Written into text, of size bytes.
rml_str rml_nested_name(rml_nested from, size_t row, char *text, size_t size);
// The span of a list's row in its element; no items where it is null or absent.
void rml_nested_span(rml_nested list, size_t row, size_t *first, size_t *count);

#endif
