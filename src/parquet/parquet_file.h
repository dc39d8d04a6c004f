// The parts of the Parquet writer that parquet.c (rows), parquet_chunk.c (pages) and
// parquet_footer.c (metadata) share.
#ifndef ROADMILL_PARQUET_PARQUET_FILE_H
#define ROADMILL_PARQUET_PARQUET_FILE_H

#include "roadmill/codec.h"
#include "roadmill/parquet.h"
#include "roadmill/store.h"

#include "digest.h"
#include "leaf.h"
#include "range.h"

// Parquet's numbers for what is written here (parquet.thrift).
enum {
    RML_PARQUET_BOOLEAN = 0,
    RML_PARQUET_INT32 = 1,
    RML_PARQUET_INT64 = 2,
    RML_PARQUET_FLOAT = 4,
    RML_PARQUET_DOUBLE = 5,
    RML_PARQUET_BYTE_ARRAY = 6,
    RML_PARQUET_FIXED = 7,

    RML_PARQUET_PLAIN = 0,
    RML_PARQUET_RLE = 3,
    RML_PARQUET_DELTA = 5,
    RML_PARQUET_DICTIONARY = 8,
    RML_PARQUET_SPLIT = 9,

    RML_PARQUET_UNCOMPRESSED = 0,
    RML_PARQUET_ZSTD = 6,
};

typedef struct rml_page {
    uint64_t offset;    // in the file
    uint32_t size;      // with its header, compressed
    uint64_t first_row; // in its row group
    uint64_t entries;
    rml_range range;
} rml_page;

typedef struct rml_chunk {
    uint64_t offset, dictionary_offset; // of the first data page; of the dictionary, 0: none
    uint64_t size, raw_size, entries;
    int encoding;      // of the values
    size_t first_page; // in the writer's pages
    size_t page_count;
    rml_range range;
    uint64_t column_index_offset, offset_index_offset;
    uint32_t column_index_size, offset_index_size;
} rml_chunk;

typedef struct rml_row_group {
    uint64_t rows, offset, size, raw_size;
} rml_row_group;

struct rml_parquet_writer {
    rml_arena arena;
    rml_schema schema;
    rml_array leaves; // rml_leaf
    rml_parquet_options options;
    rml_store_writer file;
    rml_batch pending;      // rows of the row group to come
    rml_digest digest;      // of the rows as they are written, unless the options have one
    rml_sha256_state bytes; // of the file
    rml_array groups;       // rml_row_group
    rml_array chunks;       // rml_chunk, leaves.count a group
    rml_array pages;        // rml_page
    rml_range *totals;      // of the whole file, one a leaf
    uint64_t rows, values;
    rml_codec_context codec;
    rml_shred shred;
    rml_buffer plain, packed, header, indexes; // scratch of a page
};

// What follows in the file.
rml_status rml_parquet_put(rml_parquet_writer *w, const void *data, size_t len, rml_error *err)
    RML_CHECKED;
// Encodes and writes one leaf of the pending rows; a new rml_chunk.
rml_status rml_parquet_chunk(rml_parquet_writer *w, size_t leaf, rml_error *err) RML_CHECKED;
// Writes indexes and footer after the last row group.
rml_status rml_parquet_footer(rml_parquet_writer *w, rml_error *err) RML_CHECKED;
int rml_parquet_physical(rml_type type);

#endif
