// The digest of rows: the same for any cut into batches, row groups and files' encodings.
//
// Source: docs/lake.md, "The digest of rows".
#ifndef ROADMILL_PARQUET_DIGEST_H
#define ROADMILL_PARQUET_DIGEST_H

#include "roadmill/base/column.h"

// Rows are added in order; end gives the digest. All-zero is closed.
typedef struct rml_digest {
    rml_arena arena;
    struct rml_digest_node *columns;
    size_t count;
} rml_digest;

// Borrows the schema until close.
rml_status rml_digest_begin(rml_digest *d, rml_schema schema, rml_error *err) RML_CHECKED;
rml_status rml_digest_add(rml_digest *d, const rml_column *columns, size_t from, size_t count,
                          rml_error *err) RML_CHECKED;
rml_status rml_digest_end(rml_digest *d, rml_hash *out, rml_error *err) RML_CHECKED;
// The same over the columns in the order of the indexes (NULL: as they stand, all of them), without
// those that hold nothing but nulls.
rml_status rml_digest_end_by(rml_digest *d, const size_t *order, rml_hash *out, rml_error *err)
    RML_CHECKED;
// Nodes of a schema's tree: each may hold the states of three hashes.
size_t rml_digest_nodes(rml_schema schema);
void rml_digest_close(rml_digest *d);

#endif
