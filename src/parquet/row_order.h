// The order of a table's rows, by the names and types of its columns.
//
// Source: docs/lake.md, "The digest of rows".
#ifndef ROADMILL_PARQUET_ROW_ORDER_H
#define ROADMILL_PARQUET_ROW_ORDER_H

#include "roadmill/base/column.h"

// Indexes of the schema's columns, each once: those of the group, those by which SQL can sort too,
// and the rest.
typedef struct rml_row_order {
    size_t *columns;
    size_t group, coarse, count; // where each kind ends
    size_t *by_name;             // all columns by name
} rml_row_order;
rml_status rml_row_order_of(rml_arena *arena, rml_schema schema, rml_row_order *out, rml_error *err)
    RML_CHECKED;

// A row: columns of the schema, and which.
typedef struct rml_row_at {
    const rml_column *columns;
    size_t row;
} rml_row_at;
// By the columns [from, to) of the order: null, then values; numbers by value, floats by their
// bits, texts and bytes by bytes, lists by elements and then length, structs by fields.
int rml_row_compare(const rml_row_order *o, size_t from, size_t to, rml_row_at a, rml_row_at b);

#endif
