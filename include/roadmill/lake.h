// lake: columns (base/column.h) as Delta tables of Parquet files, SQL over all, one commit point.
//
// lake/delta.h keeps the log of a table, lake/sql.h asks DuckDB, lake/recordings.h writes the row
// that makes an owner complete, lake/upkeep.h keeps a lake small; this header is what most use.
//
// A data file belongs to one owner (a recording, by its id). A transaction appends the files of one
// owner to any number of tables and ends with the owner's row in `recordings`; readers join on
// that table, so a half-done owner does not exist and doing it again completes it. The same content
// is never appended twice: a file whose digest a table already lists for that owner is left as it
// is.
#ifndef ROADMILL_LAKE_H
#define ROADMILL_LAKE_H

#include "roadmill/base.h"
#include "roadmill/base/column.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rml_lake rml_lake;

// folder is HOME/lake or a URI; it is made when the first table is. Threads: one at a time; several
// processes may write the same lake. Data files without a local path that SQL reads are fetched
// once and kept, in a temporary folder, until the handle is closed.
RML_API rml_status rml_lake_open(rml_str folder, rml_lake **out, rml_error *err) RML_CHECKED;
RML_API void rml_lake_close(rml_lake *lake);
RML_API rml_str rml_lake_folder(const rml_lake *lake);

// ---- Writing -----------------------------------------------------------------------------------

typedef struct rml_lake_txn rml_lake_txn;

// owner: at most 64 characters of [0-9a-z_-]; the recording_id for what came from a recording.
RML_API rml_status rml_lake_begin(rml_lake *lake, rml_str owner, rml_lake_txn **out, rml_error *err)
    RML_CHECKED;
// Appends rows to a table, made with this schema if it is not there. Rows are buffered and written
// as data files of at most 128 Mi values or the memory budget; columns that the table lacks are
// added to it, a column whose type differs is RML_ERR_CONFLICT. The batch stays the caller's.
RML_API rml_status rml_lake_append(rml_lake_txn *txn, const char *table, const rml_batch *batch,
                                   rml_error *err) RML_CHECKED;
// Removes the owner's earlier files from a table when this transaction commits: what is appended
// replaces them (a derived table made again by another recipe).
RML_API rml_status rml_lake_replace(rml_lake_txn *txn, const char *table, rml_error *err)
    RML_CHECKED;
// Commits table by table in name order, then `last` (may be NULL) with its rows: `recordings` for
// an ingest. After a failure the transaction may be closed and begun again.
RML_API rml_status rml_lake_commit(rml_lake_txn *txn, const char *last, const rml_batch *last_rows,
                                   rml_error *err) RML_CHECKED;
RML_API void rml_lake_txn_close(rml_lake_txn *txn); // also without commit: nothing is visible

// ---- Reading -----------------------------------------------------------------------------------

// Rows of a table at its present version, of the owners that are complete (their row stands in
// `recordings`; tables without owner rows there, as `events`, are read whole).
typedef struct rml_lake_read {
    const char *table;
    const char *columns;   // SQL list, NULL is all
    const char *where;     // SQL condition, NULL is all
    const char *order;     // SQL order; needed for anything hashed
    const rml_str *owners; // only files of these owners; NULL is all
    size_t owner_count;
    int64_t version; // 0: the present one; n + 1 reads version n
} rml_lake_read;
struct rml_rows;
// A table that does not exist gives RML_ERR_MISSING.
RML_API rml_status rml_lake_select(rml_lake *lake, const rml_lake_read *read, struct rml_rows **out,
                                   rml_error *err) RML_CHECKED;
// SQL over all tables (as views of their complete rows).
RML_API rml_status rml_lake_sql(rml_lake *lake, rml_str sql, struct rml_rows **out, rml_error *err)
    RML_CHECKED;
// The same over the rows of one owner alone: files of others are not opened, so it takes no longer
// in a lake of many recordings.
RML_API rml_status rml_lake_sql_of(rml_lake *lake, rml_str owner, rml_str sql,
                                   struct rml_rows **out, rml_error *err) RML_CHECKED;

// Results come in batches. The batch borrows until the next call. RML_END after the last.
typedef struct rml_rows rml_rows;
RML_API rml_schema rml_rows_schema(const rml_rows *rows);
RML_API rml_status rml_rows_next(rml_rows *rows, const rml_batch **out, rml_error *err) RML_CHECKED;
// All that is left, as one batch that the caller resets; RML_ERR_LIMIT above most rows.
RML_API rml_status rml_rows_all(rml_rows *rows, size_t most, rml_batch *out, rml_error *err)
    RML_CHECKED;
RML_API void rml_rows_close(rml_rows *rows);

// ---- What there is -----------------------------------------------------------------------------

typedef struct rml_lake_table {
    rml_str name;
    int64_t version;
    uint64_t files, rows, bytes;
    rml_hash state; // SHA-256 over the sorted (owner, digest) pairs of its complete files
} rml_lake_table;
// All tables, by name, as rml_lake_table items in the arena; one of them, RML_ERR_MISSING.
RML_API rml_status rml_lake_tables(rml_lake *lake, rml_arena *arena, rml_array *tables,
                                   rml_error *err) RML_CHECKED;
RML_API rml_status rml_lake_table_get(rml_lake *lake, const char *table, rml_lake_table *out,
                                      rml_error *err) RML_CHECKED;
// Names of the tables that begin so and in which a complete owner has files, sorted; rml_str items.
// From the logs alone, without SQL.
RML_API rml_status rml_lake_owner_tables(rml_lake *lake, rml_str owner, rml_str beginning,
                                         rml_arena *arena, rml_array *names, rml_error *err)
    RML_CHECKED;
// True when the owner's row stands in `recordings`.
RML_API rml_status rml_lake_has(rml_lake *lake, rml_str owner, bool *out, rml_error *err)
    RML_CHECKED;

// One commit of a table; owner is empty where nobody owns its files.
typedef struct rml_lake_commit_info {
    int64_t version, time_ns;
    rml_str operation, owner;
    uint64_t files_added, files_removed, rows_added;
} rml_lake_commit_info;
// The commits of a table, oldest first, as rml_lake_commit_info items in the arena.
RML_API rml_status rml_lake_history(rml_lake *lake, const char *table, rml_arena *arena,
                                    rml_array *commits, rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
