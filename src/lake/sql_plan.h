// How the vectors of a result become columns: one node for each type of DuckDB that is met.
#ifndef ROADMILL_LAKE_SQL_PLAN_H
#define ROADMILL_LAKE_SQL_PLAN_H

#include "roadmill/base/column.h"

#include "duckdb.h"

typedef struct rml_sql_plan {
    int type;       // of DuckDB
    int storage;    // DECIMAL and ENUM: the type of the numbers
    unsigned scale; // DECIMAL: digits after the point
    uint64_t array_size;
    rml_str *names; // ENUM
    size_t name_count;
    bool empty; // a STRUCT that stands for one without fields
    struct rml_sql_plan *children;
    size_t child_count;
} rml_sql_plan;

// Type and plan of a logical type; RML_ERR_UNSUPPORTED names one that has no column type.
rml_status rml_sql_plan_make(const rml_duckdb *api, duckdb_handle type, rml_str name,
                             rml_arena *arena, rml_sql_plan *plan, rml_field *field, rml_error *err)
    RML_CHECKED;
// Appends values [from, from + count) of a vector.
rml_status rml_sql_plan_append(const rml_duckdb *api, const rml_sql_plan *plan,
                               duckdb_handle vector, uint64_t from, uint64_t count, rml_column *out,
                               rml_error *err) RML_CHECKED;

#endif
