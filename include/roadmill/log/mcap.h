// MCAP: its records one by one, and its writer. Source: MCAP specification, version 0.
#ifndef ROADMILL_LOG_MCAP_H
#define ROADMILL_LOG_MCAP_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rml_mcap_compression {
    RML_MCAP_ZSTD = 0,
    RML_MCAP_LZ4,
    RML_MCAP_NONE
} rml_mcap_compression;

typedef struct rml_mcap_writer_options {
    rml_str profile, library;
    rml_mcap_compression compression;
    size_t chunk_size; // 0: 1 MiB
} rml_mcap_writer_options;

// Writes chunks, message indexes, a summary with statistics, every CRC. Appends to a file that
// becomes visible when finished. Same calls, same bytes.
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
RML_API rml_status rml_mcap_writer_finish(rml_mcap_writer *w, rml_error *err) RML_CHECKED;
RML_API void rml_mcap_writer_close(rml_mcap_writer *w);

#ifdef __cplusplus
}
#endif
#endif
