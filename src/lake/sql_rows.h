// SQL's inside, for the lake: the connection and the errors.
#ifndef ROADMILL_LAKE_SQL_ROWS_H
#define ROADMILL_LAKE_SQL_ROWS_H

#include "roadmill/lake/sql.h"
#include "roadmill/store.h"

#include "duckdb.h"

struct rml_sql {
    rml_duckdb api;
    duckdb_handle database, connection;
    rml_arena arena;   // schemas of results: a batch may outlive its rows
    rml_array schemas; // rml_schema
    rml_store_copies copies;
};

// What DuckDB said as one line.
rml_status rml_sql_fail(rml_error *err, const char *message);

#endif
