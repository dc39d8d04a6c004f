// MCAP: its records one by one, and its writer. Source: MCAP specification, version 0
// (mcap.dev/spec); section names in comments are those of that page.
#ifndef ROADMILL_LOG_MCAP_H
#define ROADMILL_LOG_MCAP_H

#include "roadmill/log.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- Records -----------------------------------------------------------------------------------

// Kinds of records, MCAP specification, "Records".
typedef enum rml_mcap_opcode {
    RML_MCAP_HEADER = 0x01,
    RML_MCAP_FOOTER = 0x02,
    RML_MCAP_SCHEMA = 0x03,
    RML_MCAP_CHANNEL = 0x04,
    RML_MCAP_MESSAGE = 0x05,
    RML_MCAP_CHUNK = 0x06,
    RML_MCAP_MESSAGE_INDEX = 0x07,
    RML_MCAP_CHUNK_INDEX = 0x08,
    RML_MCAP_ATTACHMENT = 0x09,
    RML_MCAP_ATTACHMENT_INDEX = 0x0A,
    RML_MCAP_STATISTICS = 0x0B,
    RML_MCAP_METADATA = 0x0C,
    RML_MCAP_METADATA_INDEX = 0x0D,
    RML_MCAP_SUMMARY_OFFSET = 0x0E,
    RML_MCAP_DATA_END = 0x0F,
} rml_mcap_opcode;

// Bodies as they stand in the file. Text and bytes borrow from it (or from the chunk that was
// decompressed). Maps and lists stay raw, checked for their form: walk them with rml_mcap_pairs_*.
typedef struct rml_mcap_header {
    rml_str profile, library;
} rml_mcap_header;
typedef struct rml_mcap_footer {
    uint64_t summary_start, summary_offset_start;
    uint32_t summary_crc;
} rml_mcap_footer;
typedef struct rml_mcap_schema {
    uint16_t id;
    rml_str name, encoding;
    rml_bytes data;
} rml_mcap_schema;
typedef struct rml_mcap_channel {
    uint16_t id, schema_id;
    rml_str topic, message_encoding;
    rml_bytes metadata; // text pairs
} rml_mcap_channel;
typedef struct rml_mcap_message {
    uint16_t channel_id;
    uint32_t sequence;
    uint64_t log_ns, publish_ns;
    rml_bytes data;
} rml_mcap_message;
typedef struct rml_mcap_chunk {
    uint64_t start_ns, end_ns, uncompressed_size;
    uint32_t uncompressed_crc;
    rml_str compression; // "", "lz4", "zstd"
    rml_bytes records;   // as stored
} rml_mcap_chunk;
typedef struct rml_mcap_message_index {
    uint16_t channel_id;
    rml_bytes entries; // pairs of u64: log time, offset in the chunk's records
} rml_mcap_message_index;
typedef struct rml_mcap_chunk_index {
    uint64_t start_ns, end_ns, chunk_offset, chunk_length;
    rml_bytes message_index_offsets; // pairs of u16 and u64: channel, offset
    uint64_t message_index_length;
    rml_str compression;
    uint64_t compressed_size, uncompressed_size;
} rml_mcap_chunk_index;
typedef struct rml_mcap_attachment {
    uint64_t log_ns, create_ns;
    rml_str name, media_type;
    rml_bytes data;
    uint32_t crc;
    rml_bytes checked; // what the CRC is over
} rml_mcap_attachment;
typedef struct rml_mcap_attachment_index {
    uint64_t offset, length, log_ns, create_ns, data_size;
    rml_str name, media_type;
} rml_mcap_attachment_index;
typedef struct rml_mcap_statistics {
    uint64_t message_count;
    uint16_t schema_count;
    uint32_t channel_count, attachment_count, metadata_count, chunk_count;
    uint64_t start_ns, end_ns;
    rml_bytes channel_message_counts; // pairs of u16 and u64
} rml_mcap_statistics;
typedef struct rml_mcap_metadata {
    rml_str name;
    rml_bytes pairs; // text pairs
} rml_mcap_metadata;
typedef struct rml_mcap_metadata_index {
    uint64_t offset, length;
    rml_str name;
} rml_mcap_metadata_index;
typedef struct rml_mcap_summary_offset {
    uint8_t group_opcode;
    uint64_t group_start, group_length;
} rml_mcap_summary_offset;
typedef struct rml_mcap_data_end {
    uint32_t data_section_crc;
} rml_mcap_data_end;

typedef struct rml_mcap_record {
    uint8_t opcode;
    uint64_t offset;        // in the file: of this record, or of the chunk that holds it
    bool in_chunk;          // it stands inside a chunk, body at offset_in_chunk of its records
    size_t offset_in_chunk; // of the body
    rml_bytes body;
    union {
        rml_mcap_header header;
        rml_mcap_footer footer;
        rml_mcap_schema schema;
        rml_mcap_channel channel;
        rml_mcap_message message;
        rml_mcap_chunk chunk;
        rml_mcap_message_index message_index;
        rml_mcap_chunk_index chunk_index;
        rml_mcap_attachment attachment;
        rml_mcap_attachment_index attachment_index;
        rml_mcap_statistics statistics;
        rml_mcap_metadata metadata;
        rml_mcap_metadata_index metadata_index;
        rml_mcap_summary_offset summary_offset;
        rml_mcap_data_end data_end;
    } as;
} rml_mcap_record;

// Reads a body by its opcode. RML_ERR_UNSUPPORTED for an opcode that the specification does not
// name (a reader skips those). Bytes after the known fields are skipped, as the specification asks.
RML_API rml_status rml_mcap_record_parse(uint8_t opcode, rml_bytes body, rml_place at,
                                         rml_mcap_record *out, rml_error *err) RML_CHECKED;
// Walks a raw map or list; false when it is over.
RML_API bool rml_mcap_pairs_text(rml_bytes *left, rml_str *key, rml_str *value);
RML_API bool rml_mcap_pairs_u16(rml_bytes *left, uint16_t *key, uint64_t *value);
RML_API bool rml_mcap_pairs_u64(rml_bytes *left, uint64_t *key, uint64_t *value);

// ---- Reader: every record of a file, front to back ---------------------------------------------

typedef struct rml_mcap_reader_options {
    bool whole_chunks; // give chunks as records, do not open them
    bool skip_crc;
    size_t threads;    // that may open chunks; 0 is 1: the caller alone
    size_t memory_max; // of one decompressed chunk; 0: 256 MiB
} rml_mcap_reader_options;

// Chunks are opened and their records given one by one; opcodes that are not known are skipped.
// RML_ERR_DATA tells damage after all that stands before it; the next call goes on behind it: with
// the record after a bad chunk, and after a torn frame with the next chunk of the index if there is
// one. RML_END at the end. A record borrows until the next call.
typedef struct rml_mcap_reader rml_mcap_reader;
RML_API rml_status rml_mcap_reader_open(rml_str uri, const rml_mcap_reader_options *options,
                                        rml_mcap_reader **out, rml_error *err) RML_CHECKED;
// The same over bytes of the caller; name is for errors.
RML_API rml_status rml_mcap_reader_over(rml_bytes file, rml_str name,
                                        const rml_mcap_reader_options *options,
                                        rml_mcap_reader **out, rml_error *err) RML_CHECKED;
RML_API rml_status rml_mcap_reader_next(rml_mcap_reader *r, rml_mcap_record *out, rml_error *err)
    RML_CHECKED;
// Bytes of the file so far that could not be read.
RML_API uint64_t rml_mcap_reader_lost(const rml_mcap_reader *r);
RML_API void rml_mcap_reader_close(rml_mcap_reader *r);

// ---- Writer ------------------------------------------------------------------------------------

// Of the chunks that are written.
typedef enum rml_mcap_compression {
    RML_MCAP_ZSTD = 0,
    RML_MCAP_LZ4,
    RML_MCAP_NONE
} rml_mcap_compression;

typedef struct rml_mcap_writer_options {
    rml_str profile, library;
    rml_mcap_compression compression;
    size_t chunk_size; // 0: 1 MiB
    // Parts that the specification leaves to the writer; all-zero writes all of them.
    bool no_chunks, no_message_index, no_chunk_index, no_attachment_index, no_metadata_index;
    bool no_statistics, no_summary_schemas, no_summary_channels, no_summary_offsets;
    bool no_data_crc;          // the sum over the whole data section, which recorders seldom write
    uint16_t first_channel_id; // channels count from here on
} rml_mcap_writer_options;

// Writes chunks, message indexes, a summary with statistics, every CRC. Appends to a file that
// becomes visible when finished; path "-" is standard output. Same calls, same bytes.
typedef struct rml_mcap_writer rml_mcap_writer;
RML_API rml_status rml_mcap_writer_open(const char *path, const rml_mcap_writer_options *options,
                                        rml_mcap_writer **out, rml_error *err) RML_CHECKED;
RML_API rml_status rml_mcap_writer_schema(rml_mcap_writer *w, rml_str name, rml_str encoding,
                                          rml_bytes data, uint16_t *id, rml_error *err) RML_CHECKED;
RML_API rml_status rml_mcap_writer_channel(rml_mcap_writer *w, uint16_t schema_id, rml_str topic,
                                           rml_str message_encoding, uint16_t *id, rml_error *err)
    RML_CHECKED;
RML_API rml_status rml_mcap_writer_message(rml_mcap_writer *w, uint16_t channel_id,
                                           uint32_t sequence, int64_t log_ns, int64_t publish_ns,
                                           rml_bytes data, rml_error *err) RML_CHECKED;
// What stands beside a channel, before its first message; replaces what was given before.
RML_API rml_status rml_mcap_writer_channel_pairs(rml_mcap_writer *w, uint16_t channel_id,
                                                 const rml_log_pair *pairs, size_t count,
                                                 rml_error *err) RML_CHECKED;
// Attachments and metadata stand outside of chunks, where they come.
RML_API rml_status rml_mcap_writer_attachment(rml_mcap_writer *w, rml_str name, rml_str media_type,
                                              int64_t log_ns, int64_t create_ns, rml_bytes data,
                                              rml_error *err) RML_CHECKED;
RML_API rml_status rml_mcap_writer_metadata(rml_mcap_writer *w, rml_str name,
                                            const rml_log_pair *pairs, size_t count, rml_error *err)
    RML_CHECKED;
RML_API rml_status rml_mcap_writer_finish(rml_mcap_writer *w, rml_error *err) RML_CHECKED;
RML_API void rml_mcap_writer_close(rml_mcap_writer *w);

#ifdef __cplusplus
}
#endif
#endif
