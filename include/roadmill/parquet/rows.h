// The order of a table's rows, and the digest of rows that does not depend on how they lie in
// files: docs/lake.md, "The digest of rows".
//
// Rows are told apart by groups (recording_id, and channel or bus where there is one) and stand in
// a group by its order: names of times and ids first, then every other integer and text by name,
// then what is left by name. The digest is over the groups, each with its columns by name; a column
// of nulls is one that is not there.
#ifndef ROADMILL_PARQUET_ROWS_H
#define ROADMILL_PARQUET_ROWS_H

#include "roadmill/base.h"
#include "roadmill/base/column.h"

#ifdef __cplusplus
extern "C" {
#endif

// Appends the terms of an SQL ORDER BY (nulls first, texts by their bytes) that brings rows into
// their order, but for rows that differ in nothing but floats, bytes and nested columns.
RML_API rml_status rml_rows_order_by(rml_schema schema, rml_buffer *out, rml_error *err)
    RML_CHECKED;
// Where the rows at the end begin that the order above leaves open with each other: they must be
// sorted together with those that follow. 0 where all of them are so.
RML_API rml_status rml_rows_open_end(const rml_batch *rows, size_t *out, rml_error *err)
    RML_CHECKED;

// The digest of rows that come part by part. Memory: for each of at most 1 Mi groups 300 bytes and
// its name; what hashes, for the groups in use, below 16 MiB. Threads: one at a time.
typedef struct rml_rows_digest rml_rows_digest;
RML_API rml_status rml_rows_digest_make(rml_rows_digest **out, rml_error *err) RML_CHECKED;
// Rows whose group ends in the part before or goes on in the next one must follow its order over
// the parts; within a part they are brought into it, which moves them in `rows`.
RML_API rml_status rml_rows_digest_add(rml_rows_digest *d, rml_batch *rows, rml_error *err)
    RML_CHECKED;
// ordered false: rows came out of order over parts, or of too many groups at once, and there is no
// digest: read them in order and add them again. Either way d is empty afterwards.
RML_API rml_status rml_rows_digest_end(rml_rows_digest *d, bool *ordered, rml_hash *out,
                                       rml_error *err) RML_CHECKED;
RML_API void rml_rows_digest_free(rml_rows_digest *d);

#ifdef __cplusplus
}
#endif
#endif
