// SQLite behind the catalog: opening, statements kept prepared, transactions.
#include "database.h"

#include "roadmill/os.h"

#include <string.h>

enum { BUSY_MS = 20000 };

rml_place rml_catalog_place(const rml_catalog *c)
{
    return rml_place_file(rml_str_of(c->path));
}

rml_status rml_database_fail(rml_catalog *c, int code, rml_error *err)
{
    rml_status status;
    const char *remedy = NULL;
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return rml_fail_memory(err, 0);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        status = RML_ERR_IO;
        remedy = "run the command again when the other one is done";
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        status = RML_ERR_DATA;
        break;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
        status = RML_ERR_CONFLICT;
        break;
    default:
        status = RML_ERR_IO;
    }
    return rml_fail(err, status, rml_catalog_place(c), remedy,
                    "expected the catalog to take the call, found: %s",
                    c->db ? sqlite3_errmsg(c->db) : sqlite3_errstr(code));
}

rml_status rml_sql_start(rml_catalog *c, rml_sql which, sqlite3_stmt **out, rml_error *err)
{
    sqlite3_stmt **kept = &c->statements[which];
    if (!*kept) {
        int code = sqlite3_prepare_v3(c->db, rml_sql_texts[which], -1, SQLITE_PREPARE_PERSISTENT,
                                      kept, NULL);
        if (code != SQLITE_OK) {
            return rml_database_fail(c, code, err);
        }
    }
    *out = *kept;
    return RML_OK;
}

rml_status rml_sql_step(rml_catalog *c, sqlite3_stmt *s, rml_error *err)
{
    int code = sqlite3_step(s);
    return code == SQLITE_ROW    ? RML_OK
           : code == SQLITE_DONE ? RML_END
                                 : rml_database_fail(c, code, err);
}

void rml_sql_end(sqlite3_stmt *s)
{
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
}

rml_status rml_database_run(rml_catalog *c, sqlite3_stmt *s, rml_error *err)
{
    rml_status st = rml_sql_step(c, s, err);
    rml_sql_end(s);
    return st == RML_END ? RML_OK : st;
}

void rml_sql_bind(sqlite3_stmt *s, int index, rml_str text)
{
    // An empty view may have no address, which SQLite would take for NULL.
    sqlite3_bind_text64(s, index, text.data ? text.data : "", text.len, SQLITE_STATIC, SQLITE_UTF8);
}

rml_str rml_sql_view(sqlite3_stmt *s, int column)
{
    const char *text = (const char *)sqlite3_column_text(s, column);
    return (rml_str){text ? text : "", (size_t)sqlite3_column_bytes(s, column)};
}

rml_status rml_sql_text(sqlite3_stmt *s, int column, rml_arena *arena, rml_str *out, rml_error *err)
{
    *out = rml_arena_str(arena, rml_sql_view(s, column));
    return out->data ? RML_OK : rml_fail_memory(err, rml_sql_view(s, column).len);
}

// ---- Transactions ------------------------------------------------------------------------------

static rml_status run(rml_catalog *c, rml_sql which, rml_error *err)
{
    sqlite3_stmt *s = NULL;
    RML_TRY(rml_sql_start(c, which, &s, err));
    return rml_database_run(c, s, err);
}

rml_status rml_catalog_begin(rml_catalog *c, rml_error *err)
{
    if (c->open) {
        return rml_fail(err, RML_ERR_ARGUMENT, rml_catalog_place(c), NULL,
                        "expected one transaction at a time, found one open");
    }
    RML_TRY(run(c, RML_SQL_BEGIN, err));
    c->open = true;
    c->torn = false;
    return RML_OK;
}

void rml_catalog_abort(rml_catalog *c)
{
    // SQLite may have rolled back by itself (disk full, I/O error).
    if (c->open && !sqlite3_get_autocommit(c->db)) {
        rml_status ignored = run(c, RML_SQL_ROLLBACK, NULL);
        (void)ignored;
    }
    c->open = false;
}

rml_status rml_catalog_commit(rml_catalog *c, rml_error *err)
{
    if (!c->open || c->torn) {
        rml_status st = rml_fail(err, RML_ERR_ARGUMENT, rml_catalog_place(c), NULL,
                                 "expected a whole transaction to commit, found %s",
                                 c->open ? "one with a change that failed" : "none");
        rml_catalog_abort(c);
        return st;
    }
    rml_status st = run(c, RML_SQL_COMMIT, err);
    if (st != RML_OK) {
        rml_catalog_abort(c);
    }
    c->open = false;
    return st;
}

rml_status rml_change_enter(rml_catalog *c, bool *own, rml_error *err)
{
    *own = !c->open;
    return *own ? rml_catalog_begin(c, err) : RML_OK;
}

rml_status rml_change_leave(rml_catalog *c, bool own, rml_status status, rml_error *err)
{
    if (own && status == RML_OK) {
        return rml_catalog_commit(c, err);
    }
    if (own) {
        rml_catalog_abort(c);
    }
    c->torn = c->torn || status != RML_OK;
    return status;
}

// ---- Opening -----------------------------------------------------------------------------------

static rml_status execute(rml_catalog *c, const char *sql, rml_error *err)
{
    int code = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? RML_OK : rml_database_fail(c, code, err);
}

static rml_status read_format(rml_catalog *c, int *out, rml_error *err)
{
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(c->db, "PRAGMA user_version", -1, &s, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(s);
    }
    *out = code == SQLITE_ROW ? sqlite3_column_int(s, 0) : 0;
    sqlite3_finalize(s);
    return code == SQLITE_ROW ? RML_OK : rml_database_fail(c, code, err);
}

static rml_status prepare_file(rml_catalog *c, rml_error *err)
{
    int format;
    // FULL: an entry of the audit chain that was reported is on the disk.
    RML_TRY(execute(c, "PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;", err));
    RML_TRY(read_format(c, &format, err));
    if (format > RML_CATALOG_FORMAT) {
        return rml_fail(err, RML_ERR_UNSUPPORTED, rml_catalog_place(c),
                        "use the program that wrote it, or a newer one",
                        "expected a catalog of format %d at most, found %d", RML_CATALOG_FORMAT,
                        format);
    }
    if (format == RML_CATALOG_FORMAT) {
        return RML_OK;
    }
    RML_TRY(execute(c, "PRAGMA journal_mode = WAL;", err));
    RML_TRY(rml_catalog_begin(c, err));
    rml_status st = execute(c, rml_sql_schema, err);
    if (st == RML_OK) {
        st = execute(c, "PRAGMA user_version = 1;", err);
    }
    return rml_change_leave(c, true, st, err);
}

// SQLite does not wait when two programs turn a new file to WAL at once: one of them is told that
// it is locked.
static rml_status prepare_patiently(rml_catalog *c, rml_error *err)
{
    int64_t end_ns = rml_clock_monotonic_ns() + BUSY_MS * INT64_C(1000000);
    for (;;) {
        rml_status st = prepare_file(c, err);
        if (st != RML_ERR_IO || (sqlite3_errcode(c->db) & 0xff) != SQLITE_BUSY ||
            rml_clock_monotonic_ns() > end_ns) {
            return st;
        }
        sqlite3_sleep(5);
    }
}

rml_status rml_catalog_open(rml_str path, rml_catalog **out, rml_error *err)
{
    size_t size;
    rml_catalog *c = rml_heap_make(sizeof *c);
    char *copy = c && rml_size_add(path.len, 1, &size) ? rml_heap_make(size) : NULL;
    if (!copy) {
        rml_heap_free(c);
        return rml_fail_memory(err, sizeof *c);
    }
    memcpy(copy, path.data, path.len);
    c->path = copy;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(c->path, &c->db, flags, NULL);
    rml_status st = code == SQLITE_OK ? RML_OK : rml_database_fail(c, code, err);
    if (st == RML_OK) {
        sqlite3_busy_timeout(c->db, BUSY_MS);
        st = prepare_patiently(c, err);
    }
    if (st != RML_OK) {
        rml_catalog_close(c);
        return st;
    }
    *out = c;
    return RML_OK;
}

rml_str rml_catalog_path(const rml_catalog *c)
{
    return rml_str_of(c->path);
}

void rml_catalog_close(rml_catalog *c)
{
    if (!c) {
        return;
    }
    rml_catalog_abort(c);
    for (size_t i = 0; i < RML_SQL_COUNT; i++) {
        sqlite3_finalize(c->statements[i]);
    }
    sqlite3_close(c->db);
    rml_heap_free(c->path);
    rml_heap_free(c);
}
