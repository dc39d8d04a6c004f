// The lake's inside, shared by writing (lake_txn.c) and reading (lake_read.c, lake_list.c).
#ifndef ROADMILL_LAKE_LAKE_H
#define ROADMILL_LAKE_LAKE_H

#include "roadmill/lake.h"
#include "roadmill/lake/delta.h"
#include "roadmill/lake/sql.h"
#include "roadmill/store/scheme.h"

#define RML_LAKE_NAME_MAX 128
#define RML_LAKE_ROOT "recordings" // the table whose rows make owners complete

struct rml_lake {
    rml_arena arena;
    rml_str folder;          // a plain path where there is one
    rml_sql *sql;            // opened when first needed
    rml_store_copies copies; // of data files without a local path, for SQL
    rml_map names;           // of tables that were read, to followers
    rml_array followers;     // struct rml_delta_follower *
};

// At most RML_LAKE_NAME_MAX characters of [a-z0-9_], a letter first.
rml_status rml_lake_check_name(const char *table, rml_error *err) RML_CHECKED;
// FOLDER/TABLE, terminated.
rml_status rml_lake_path(const rml_lake *lake, rml_str table, rml_arena *arena, rml_str *out,
                         rml_error *err) RML_CHECKED;
// Names of the tables that have a log and begin so, sorted; rml_str items.
rml_status rml_lake_names(const rml_lake *lake, rml_str beginning, rml_arena *arena,
                          rml_array *names, rml_error *err) RML_CHECKED;
// The present state of a table; borrows from the lake until the table is asked for again.
rml_status rml_lake_latest(rml_lake *lake, rml_str table, const rml_delta **out, rml_error *err)
    RML_CHECKED;

// Which files count: those without `last`, and those whose owner has a file in the table `last`.
typedef struct rml_lake_complete {
    rml_map tables;   // name to index in owners
    rml_array owners; // rml_map of owner
} rml_lake_complete;
rml_status rml_lake_is_complete(rml_lake *lake, rml_lake_complete *c, const rml_delta_file *file,
                                bool *out, rml_error *err) RML_CHECKED;
void rml_lake_complete_reset(rml_lake_complete *c);

// Which rows of files without an owner are wanted, as SQL conditions: of those that another program
// wrote, and of those that it only moved. Empty: all.
typedef struct rml_lake_where {
    rml_str written, moved;
} rml_lake_where;
// Appends the SELECT that gives the rows of files: indexes[count] of d->files, those without a
// local path from their copies.
rml_status rml_lake_select_text(rml_store_copies *copies, const rml_delta *d, const size_t *indexes,
                                size_t count, const rml_lake_where *where, rml_buffer *out,
                                rml_error *err) RML_CHECKED;

// lake->sql is open afterwards.
rml_status rml_lake_open_sql(rml_lake *lake, rml_error *err) RML_CHECKED;

// ---- Rows whose file does not say whose they are (lake_rows.c)

// The column that says whose a table's rows are, by the table's name; empty: none does.
rml_str rml_lake_owner_column(rml_str table, rml_schema schema);
// Adds the owners of rows of files: indexes[count] of d->files, by a column.
rml_status rml_lake_row_owners(rml_lake *lake, const rml_delta *d, rml_str column,
                               const size_t *indexes, size_t count, rml_map *owners, rml_error *err)
    RML_CHECKED;
// Adds the owners that have rows in a table, whoever wrote its files.
rml_status rml_lake_owners(rml_lake *lake, rml_str table, const rml_delta *d, rml_map *owners,
                           rml_error *err) RML_CHECKED;
// The digests of rows, read in their order: of each owner by a column, or of all as one (column
// empty).
typedef rml_status (*rml_lake_digest_fn)(void *context, rml_str owner, const rml_hash *digest,
                                         rml_error *err);
rml_status rml_lake_digest_rows(rml_lake *lake, rml_str select, rml_str column,
                                rml_lake_digest_fn tell, void *context, rml_error *err) RML_CHECKED;

// Of all rows as one; of no rows too.
rml_status rml_lake_digest_all(rml_lake *lake, rml_str select, rml_hash *out, rml_error *err)
    RML_CHECKED;

#endif
