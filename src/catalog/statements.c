// Every statement that the catalog runs, and its tables.
#include "database.h"

const char rml_sql_schema[] =
    "CREATE TABLE IF NOT EXISTS objects(hash TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT "
    "NULL, body TEXT NOT NULL, created_ns INTEGER NOT NULL) STRICT;"
    "CREATE INDEX IF NOT EXISTS objects_by_kind ON objects(kind, created_ns);"
    // One thing may be made again under another name.
    "CREATE TABLE IF NOT EXISTS names(kind TEXT NOT NULL, name TEXT NOT NULL, hash TEXT NOT NULL, "
    "created_ns INTEGER NOT NULL, PRIMARY KEY(kind, name, hash)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS names_by_name ON names(name, created_ns);"
    "CREATE TABLE IF NOT EXISTS edges(made TEXT NOT NULL, source TEXT NOT NULL, role TEXT NOT "
    "NULL, PRIMARY KEY(made, role, source)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS edges_by_source ON edges(source, role, made);"
    "CREATE TABLE IF NOT EXISTS aliases(alias TEXT PRIMARY KEY, hash TEXT NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS settings(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS counters(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS audit(sequence INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, "
    "actor TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, details TEXT NOT NULL, "
    "previous TEXT NOT NULL, hash TEXT NOT NULL) STRICT;"
    // The last entry once more, so that a chain that was cut is too short for it.
    "CREATE TABLE IF NOT EXISTS audit_head(one INTEGER PRIMARY KEY CHECK(one = 1), sequence "
    "INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;";

#define OBJECT_COLUMNS "o.kind, o.hash, o.name, o.body, o.created_ns"

const char *const rml_sql_texts[RML_SQL_COUNT] = {
    [RML_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [RML_SQL_COMMIT] = "COMMIT",
    [RML_SQL_ROLLBACK] = "ROLLBACK",
    [RML_SQL_OBJECT_ADD] =
        "INSERT INTO objects(kind, hash, name, body, created_ns) VALUES(?1, ?2, ?3, ?4, ?5)",
    [RML_SQL_OBJECT_OF] = "SELECT " OBJECT_COLUMNS " FROM objects o WHERE o.hash = ?1",
    [RML_SQL_OBJECT_LIST] = "SELECT " OBJECT_COLUMNS " FROM objects o WHERE ?1 IS NULL OR o.kind = "
                            "?1 ORDER BY o.created_ns, o.rowid",
    [RML_SQL_OBJECT_BY_PREFIX] = "SELECT " OBJECT_COLUMNS " FROM objects o WHERE o.hash >= ?2 AND "
                                 "o.hash < ?2 || 'g' AND (?1 IS NULL OR o.kind = ?1) ORDER BY "
                                 "o.hash LIMIT 2",
    [RML_SQL_OBJECT_BY_NAME] = "SELECT o.kind, o.hash, n.name, o.body, o.created_ns FROM names n "
                               "JOIN objects o ON o.hash = n.hash WHERE n.name = ?2 AND (?1 IS "
                               "NULL OR n.kind = ?1) ORDER BY n.created_ns DESC, o.rowid DESC "
                               "LIMIT 1",
    [RML_SQL_NAME_ADD] = "INSERT INTO names(kind, name, hash, created_ns) VALUES(?1, ?2, ?3, ?4) "
                         "ON CONFLICT DO UPDATE SET created_ns = excluded.created_ns",
    [RML_SQL_EDGE_ADD] =
        "INSERT INTO edges(made, source, role) VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING",
    [RML_SQL_EDGES_UP] =
        "SELECT made, source, role FROM edges WHERE made = ?1 ORDER BY role, source",
    [RML_SQL_EDGES_DOWN] =
        "SELECT made, source, role FROM edges WHERE source = ?1 ORDER BY role, made",
    [RML_SQL_ALIAS_SET] = "INSERT INTO aliases(alias, hash) VALUES(?1, ?2) ON CONFLICT DO UPDATE "
                          "SET hash = excluded.hash",
    [RML_SQL_ALIAS_GET] = "SELECT hash FROM aliases WHERE alias = ?1",
    [RML_SQL_ALIAS_LIST] = "SELECT alias, hash FROM aliases ORDER BY alias",
    [RML_SQL_VALUE_SET] = "INSERT INTO settings(key, value) VALUES(?1, ?2) ON CONFLICT DO UPDATE "
                          "SET value = excluded.value",
    [RML_SQL_VALUE_GET] = "SELECT value FROM settings WHERE key = ?1",
    [RML_SQL_COUNTER_SET] = "INSERT INTO counters(key, value) VALUES(?1, ?2) ON CONFLICT DO UPDATE "
                            "SET value = excluded.value",
    [RML_SQL_COUNTER_GET] = "SELECT value FROM counters WHERE key = ?1",
    [RML_SQL_COUNTER_LIST] = "SELECT key, value FROM counters ORDER BY key",
    [RML_SQL_AUDIT_ADD] = "INSERT INTO audit(sequence, time_ns, actor, action, subject, details, "
                          "previous, hash) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [RML_SQL_AUDIT_LIST] = "SELECT sequence, time_ns, actor, action, subject, details, previous, "
                           "hash FROM audit ORDER BY sequence",
    [RML_SQL_HEAD_GET] = "SELECT sequence, hash FROM audit_head",
    [RML_SQL_HEAD_SET] = "INSERT INTO audit_head(one, sequence, hash) VALUES(1, ?1, ?2) ON "
                         "CONFLICT DO UPDATE SET sequence = excluded.sequence, hash = "
                         "excluded.hash",
};
