// Parquet files, written by us and read by anybody.
//
// Source: Apache Parquet format 2.10 (Thrift compact protocol, Dremel levels for nested columns).
// Written: data page V1, PLAIN, RLE_DICTIONARY for strings that repeat, DELTA_BINARY_PACKED for
// integers, BYTE_STREAM_SPLIT for floats; zstd; statistics without NaN; column and offset index.
#ifndef ROADMILL_TABLE_PARQUET_H
#define ROADMILL_TABLE_PARQUET_H

#include "roadmill/base.h"
#include "roadmill/base/column.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rml_parquet_options {
    size_t row_group_rows; // 0: 1 Mi
    int zstd_level;        // 0: 1
    bool uncompressed;
} rml_parquet_options;

typedef struct rml_parquet_writer rml_parquet_writer;
// Beside the target; visible after close_commit.
RML_API rml_status rml_parquet_open(const char *path, rml_schema schema,
                                    const rml_parquet_options *options, rml_parquet_writer **out,
                                    rml_error *err) RML_CHECKED;
RML_API rml_status rml_parquet_write(rml_parquet_writer *w, const rml_batch *batch, rml_error *err)
    RML_CHECKED;
typedef struct rml_parquet_result {
    uint64_t rows, bytes;
    rml_hash digest; // of all rows, as rml_batch_digest of their concatenation
} rml_parquet_result;
RML_API rml_status rml_parquet_commit(rml_parquet_writer *w, rml_parquet_result *out,
                                      rml_error *err) RML_CHECKED;
RML_API void rml_parquet_close(rml_parquet_writer *w);

// A whole batch as one file.
RML_API rml_status rml_parquet_save(const char *path, const rml_batch *batch,
                                    const rml_parquet_options *options, rml_parquet_result *out,
                                    rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
