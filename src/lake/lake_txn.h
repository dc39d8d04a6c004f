// A transaction's inside, shared by its files (lake_txn.c) and its commits (lake_commit.c).
#ifndef ROADMILL_LAKE_LAKE_TXN_H
#define ROADMILL_LAKE_LAKE_TXN_H

#include "lake.h"
#include "roadmill/parquet.h"
#include "roadmill/parquet/rows.h"

// What is appended to one table.
typedef struct rml_txn_entry {
    rml_str name, folder;
    rml_schema schema; // of all that was appended
    bool replace, touched;
    rml_parquet_writer *writer; // the file being written
    rml_schema writer_schema;
    uint64_t writer_rows;
    size_t weight; // bytes of rows that wait in the writer
    rml_rows_digest *digest;
    rml_array files; // rml_delta_file
    rml_map paths;   // of files
} rml_txn_entry;

struct rml_lake_txn {
    rml_lake *lake;
    rml_arena arena;
    rml_str owner, last;
    rml_array entries; // rml_txn_entry
};

// Ends an entry's files: each says what the owner's rows in the table are, and in how many files.
rml_status rml_txn_close_files(rml_lake_txn *txn, rml_txn_entry *e, rml_error *err) RML_CHECKED;
// Adds to *have what only `more` has. Names are one without regard to case.
rml_status rml_txn_merge_schema(rml_arena *arena, rml_str table, rml_schema *have, rml_schema more,
                                bool *changed, rml_error *err) RML_CHECKED;
// Takes the owner's rows out of files into which another program merged them: such a file goes, and
// one with its other rows comes (lake_carve.c). Appends to add (rml_delta_file) and remove
// (rml_str).
rml_status rml_txn_carve(rml_lake_txn *txn, const rml_txn_entry *e, const rml_delta *state,
                         rml_array *add, rml_array *remove, rml_error *err) RML_CHECKED;

#endif
