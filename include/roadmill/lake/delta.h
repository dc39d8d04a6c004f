// A Delta table: its log, read with checkpoints and time travel, written by put-if-absent.
//
// Source: Delta transaction log protocol, reader version 1 and writer version 2. A table that asks
// for more (column mapping, deletion vectors) is RML_ERR_UNSUPPORTED and names the feature.
#ifndef ROADMILL_LAKE_DELTA_H
#define ROADMILL_LAKE_DELTA_H

#include "roadmill/base.h"
#include "roadmill/base/column.h"

#ifdef __cplusplus
extern "C" {
#endif

// A value of a partition column: text as Delta writes it, or null.
typedef struct rml_delta_value {
    rml_str name, text;
    bool null;
} rml_delta_value;

typedef struct rml_delta_file {
    rml_str path; // relative to the table, or absolute; percent-decoded
    uint64_t size, rows;
    rml_str owner;    // tags.owner, empty if the writer was not Roadmill
    rml_hash rows_of; // tags.rows: the digest of all rows of the owner in the table
    uint64_t parts;   // tags.files: in how many files they lie; 0: there are no such tags
    rml_hash sha256;  // tags.sha256 of the file's bytes
    bool has_sha256;  // false: the log does not tell
    rml_str digest;   // tags.digest: what versions up to 0.1 of the format kept, as text
    bool rearranged;  // dataChange false: rows that were in the table before
    rml_str last;     // tags.last: the file counts once that table has one of the same owner
    rml_str stats;    // JSON, may be empty
    const rml_delta_value *partition;
    size_t partition_count;
} rml_delta_file;

// A state of a table. Owns itself through its arena; all-zero is closed.
typedef struct rml_delta {
    rml_arena arena;
    rml_str folder;
    int64_t version;
    rml_schema schema;
    rml_str schema_text; // schemaString
    bool exact;          // the schema holds only types that we write
    bool writable;       // writer version 2 at most, not partitioned
    bool append_only;
    const rml_delta_file *files; // live, sorted by path
    size_t file_count;
    rml_str table_id;
} rml_delta;
// version -1: the latest. RML_ERR_MISSING if there is no table, or no such version any more.
RML_API rml_status rml_delta_open(rml_delta *d, rml_str folder, int64_t version, rml_error *err)
    RML_CHECKED;
// The state after the actions of a log that is given as text, one JSON object a line.
RML_API rml_status rml_delta_replay(rml_delta *d, rml_str log, rml_error *err) RML_CHECKED;
RML_API void rml_delta_close(rml_delta *d);

typedef struct rml_delta_commit {
    rml_schema schema; // with count: the table is made, or its metadata changed, by this commit
    const rml_delta_file *add;
    size_t add_count;
    const rml_str *remove; // paths as in rml_delta_file
    size_t remove_count;
    rml_str owner;    // txn.appId
    rml_str table_id; // of the state that was read; empty for a new table
    const char *operation;
} rml_delta_commit;
// Writes version read_version + 1 (-1: the table is new). RML_ERR_EXISTS: somebody was faster; read
// again and retry.
RML_API rml_status rml_delta_write(rml_str folder, int64_t read_version,
                                   const rml_delta_commit *commit, rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
