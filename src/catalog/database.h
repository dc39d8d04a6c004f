// The database behind the catalog: its statements, transactions and errors.
#ifndef ROADMILL_CATALOG_DATABASE_H
#define ROADMILL_CATALOG_DATABASE_H

#include "roadmill/catalog.h"

#include <sqlite3.h>

// Every statement of the room; its text stands in statements.c.
typedef enum rml_sql {
    RML_SQL_BEGIN,
    RML_SQL_COMMIT,
    RML_SQL_ROLLBACK,
    RML_SQL_OBJECT_ADD,
    RML_SQL_OBJECT_OF,
    RML_SQL_OBJECT_LIST,
    RML_SQL_OBJECT_BY_PREFIX,
    RML_SQL_OBJECT_BY_NAME,
    RML_SQL_NAME_ADD,
    RML_SQL_EDGE_ADD,
    RML_SQL_EDGES_UP,
    RML_SQL_EDGES_DOWN,
    RML_SQL_ALIAS_SET,
    RML_SQL_ALIAS_GET,
    RML_SQL_ALIAS_LIST,
    RML_SQL_VALUE_SET,
    RML_SQL_VALUE_GET,
    RML_SQL_COUNTER_SET,
    RML_SQL_COUNTER_GET,
    RML_SQL_COUNTER_LIST,
    RML_SQL_AUDIT_ADD,
    RML_SQL_AUDIT_LIST,
    RML_SQL_HEAD_GET,
    RML_SQL_HEAD_SET,
    RML_SQL_COUNT,
} rml_sql;
extern const char *const rml_sql_texts[RML_SQL_COUNT];
extern const char rml_sql_schema[];
enum { RML_CATALOG_FORMAT = 1 };

struct rml_catalog {
    sqlite3 *db;
    char *path; // as it was opened
    bool open;  // between begin and commit
    bool torn;  // a change within that failed: commit would keep half of it
    sqlite3_stmt *statements[RML_SQL_COUNT];
};

// A statement that is ready to be bound; reset it with rml_sql_end.
rml_status rml_sql_start(rml_catalog *c, rml_sql which, sqlite3_stmt **out, rml_error *err)
    RML_CHECKED;
// RML_OK with a row, RML_END without one.
rml_status rml_sql_step(rml_catalog *c, sqlite3_stmt *s, rml_error *err) RML_CHECKED;
// Runs a statement that gives no rows, and ends it.
rml_status rml_database_run(rml_catalog *c, sqlite3_stmt *s, rml_error *err) RML_CHECKED;
void rml_sql_end(sqlite3_stmt *s);
void rml_sql_bind(sqlite3_stmt *s, int index, rml_str text); // borrows until the end
rml_status rml_sql_text(sqlite3_stmt *s, int column, rml_arena *arena, rml_str *out, rml_error *err)
    RML_CHECKED;
rml_str rml_sql_view(sqlite3_stmt *s, int column); // borrows until the next step
rml_status rml_database_fail(rml_catalog *c, int code, rml_error *err);
// The place of errors: the catalog's file.
rml_place rml_catalog_place(const rml_catalog *c);

// A change of several statements: joins the caller's transaction, or is its own. leave keeps it if
// status is RML_OK and undoes it otherwise, and gives the status.
rml_status rml_change_enter(rml_catalog *c, bool *own, rml_error *err) RML_CHECKED;
rml_status rml_change_leave(rml_catalog *c, bool own, rml_status status, rml_error *err)
    RML_CHECKED;

#endif
