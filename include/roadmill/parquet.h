// parquet: Parquet files, written by us and read by anybody, and the digest of their rows.
//
// Source: Apache Parquet format 2.10 (Thrift compact protocol, Dremel levels for nested columns).
// Written: data page V1, PLAIN, RLE_DICTIONARY for strings that repeat, DELTA_BINARY_PACKED for
// integers; zstd; statistics without NaN; column and offset index. That is what Spark 3.3 and later
// read with default settings.
#ifndef ROADMILL_PARQUET_H
#define ROADMILL_PARQUET_H

#include "roadmill/base.h"
#include "roadmill/base/column.h"

#ifdef __cplusplus
extern "C" {
#endif

// A struct without fields, which Parquet cannot hold, gets this one, always null.
#define RML_EMPTY_FIELD "_empty"

typedef struct rml_parquet_options {
    size_t row_group_rows; // 0: 1 Mi
    int zstd_level;        // 0: 1
    bool uncompressed;
    bool split_floats; // BYTE_STREAM_SPLIT: smaller, but not for every reader (docs/lake.md)
    struct rml_rows_digest *digest; // parquet/rows.h: gets the rows, whose order it may change
} rml_parquet_options;

typedef struct rml_parquet_writer rml_parquet_writer;
// path: a URI too. Written beside it; visible after commit.
RML_API rml_status rml_parquet_open(const char *path, rml_schema schema,
                                    const rml_parquet_options *options, rml_parquet_writer **out,
                                    rml_error *err) RML_CHECKED;
RML_API rml_status rml_parquet_write(rml_parquet_writer *w, const rml_batch *batch, rml_error *err)
    RML_CHECKED;
typedef struct rml_parquet_result {
    uint64_t rows, bytes;
    rml_hash digest; // of all rows, as rml_batch_digest of their concatenation; zero where the
                     // options have another
    rml_hash sha256; // of the file's bytes
} rml_parquet_result;
RML_API rml_status rml_parquet_commit(rml_parquet_writer *w, rml_parquet_result *out,
                                      rml_error *err) RML_CHECKED;
RML_API void rml_parquet_close(rml_parquet_writer *w);

// A whole batch as one file.
RML_API rml_status rml_parquet_save(const char *path, const rml_batch *batch,
                                    const rml_parquet_options *options, rml_parquet_result *out,
                                    rml_error *err) RML_CHECKED;

// ---- For a lake: many writers at once, files named by their content
// -------------------------------

// Rows [from, from + count) of columns that fit the schema.
RML_API rml_status rml_parquet_write_rows(rml_parquet_writer *w, const rml_column *columns,
                                          size_t from, size_t count, rml_error *err) RML_CHECKED;
// Bytes held in memory for the rows that are not written yet.
RML_API size_t rml_parquet_weight(const rml_parquet_writer *w);
// Ends the row group.
RML_API rml_status rml_parquet_flush(rml_parquet_writer *w, rml_error *err) RML_CHECKED;
// Writes the footer and gives the result; the file gets its name by rml_parquet_publish, which
// takes one that is there already for the same.
RML_API rml_status rml_parquet_finish(rml_parquet_writer *w, rml_parquet_result *out,
                                      rml_error *err) RML_CHECKED;
RML_API rml_status rml_parquet_publish(rml_parquet_writer *w, const char *path, rml_error *err)
    RML_CHECKED;
// Statistics as Delta's log has them: {"numRecords":..,"minValues":{..},...}.
RML_API rml_status rml_parquet_delta_stats(const rml_parquet_writer *w, rml_buffer *out,
                                           rml_error *err) RML_CHECKED;

// ---- The digest of rows
// --------------------------------------------------------------------------

// The digest of rows: SHA-256 of the columns' values in order, before any encoding.
RML_API rml_status rml_batch_digest(const rml_batch *batch, rml_hash *out, rml_error *err)
    RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
