// SQL by DuckDB, loaded with dlopen when first needed; it also reads any Parquet of others.
//
// Found in this order: ROADMILL_DUCKDB (a path), beside the program, ../lib, the system's library.
// Extensions are never loaded or fetched. Results come in the order that the query states.
#ifndef ROADMILL_LAKE_SQL_H
#define ROADMILL_LAKE_SQL_H

#include "roadmill/lake.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rml_sql rml_sql;
RML_API rml_status rml_sql_open(rml_sql **out, rml_error *err) RML_CHECKED; // in memory
RML_API void rml_sql_close(rml_sql *sql);
// A statement without an answer; one with rows, which the caller closes. RML_ERR_ARGUMENT where the
// text is wrong, with the engine's words.
RML_API rml_status rml_sql_run(rml_sql *sql, rml_str text, rml_error *err) RML_CHECKED;
RML_API rml_status rml_sql_query(rml_sql *sql, rml_str text, rml_rows **out, rml_error *err)
    RML_CHECKED;
// Any Parquet file as rows, by path or URI; one without a local path is fetched and kept until the
// handle is closed.
RML_API rml_status rml_sql_read_parquet(rml_sql *sql, const char *path, rml_rows **out,
                                        rml_error *err) RML_CHECKED;
// text as an SQL literal with its quotes, in the arena.
RML_API rml_str rml_sql_quote(rml_arena *arena, rml_str text);

#ifdef __cplusplus
}
#endif
#endif
