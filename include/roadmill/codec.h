// codec: compression, checksums and digests, each by the library made for it.
#ifndef ROADMILL_CODEC_H
#define ROADMILL_CODEC_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rml_codec {
    RML_CODEC_NONE,
    RML_CODEC_ZSTD,   // RFC 8878 frames
    RML_CODEC_LZ4,    // LZ4 frame format
    RML_CODEC_SNAPPY, // raw
    RML_CODEC_GZIP,   // RFC 1952
    RML_CODEC_ZLIB,   // RFC 1950
    RML_CODEC_BZIP2,
} rml_codec;
// "zstd", "none"...
RML_API const char *rml_codec_name(rml_codec codec);

// Memory of one compressor or decompressor, kept between calls; all-zero is a fresh one. One
// thread.
typedef struct rml_codec_context {
    void *state[4];
} rml_codec_context;
RML_API void rml_codec_context_reset(rml_codec_context *c);

// Decompresses exactly out_size bytes; another length is RML_ERR_DATA. file and offset are for the
// error alone.
RML_API rml_status rml_decompress(rml_codec_context *c, rml_codec codec, rml_bytes in, uint8_t *out,
                                  size_t out_size, rml_place at, rml_error *err) RML_CHECKED;
// Decompresses all of `in` of unknown size, at most `most` bytes, appended to out.
RML_API rml_status rml_decompress_all(rml_codec_context *c, rml_codec codec, rml_bytes in,
                                      size_t most, rml_buffer *out, rml_place at, rml_error *err)
    RML_CHECKED;
// Decompresses zstd frames of any size piece by piece: put gets what comes out, in order. Memory: a
// window of at most 128 MiB, by what the frame asks for.
RML_API rml_status rml_unzstd(rml_bytes in, rml_place at,
                              rml_status (*put)(void *context, rml_bytes piece, rml_error *err),
                              void *context, rml_error *err) RML_CHECKED;
// Appends the compressed form. level 0 is the library's default.
RML_API rml_status rml_compress(rml_codec_context *c, rml_codec codec, int level, rml_bytes in,
                                rml_buffer *out, rml_error *err) RML_CHECKED;

RML_API uint32_t rml_crc32(uint32_t crc, const void *data, size_t len); // IEEE 802.3; start with 0
// The CRC-32 of a and b one after the other, from their own: b is not read again.
RML_API uint32_t rml_crc32_join(uint32_t crc_a, uint32_t crc_b, uint64_t len_b);
RML_API uint32_t rml_crc32c(uint32_t crc, const void *data, size_t len); // Castagnoli; start with 0

// SHA-256 (FIPS 180-4), with the CPU's instructions where there are any.
RML_API rml_status rml_sha256(const void *data, size_t len, rml_hash *out) RML_CHECKED;
// MD5, for formats that name things by it; no proof against forgery.
RML_API rml_status rml_md5(const void *data, size_t len, uint8_t out[16]) RML_CHECKED;
typedef struct rml_sha256_state {
    void *handle;
} rml_sha256_state;
RML_API rml_status rml_sha256_begin(rml_sha256_state *s, rml_error *err) RML_CHECKED;
RML_API void rml_sha256_add(rml_sha256_state *s, const void *data, size_t len);
RML_API void rml_sha256_end(rml_sha256_state *s, rml_hash *out); // also frees
RML_API void rml_sha256_abort(rml_sha256_state *s);              // frees; all-zero does nothing

// The name of a JSON value: SHA-256 of its RFC 8785 form.
struct rml_json;
RML_API rml_status rml_json_hash(const struct rml_json *value, rml_hash *out, rml_error *err)
    RML_CHECKED;
// What a writer wrote, in its RFC 8785 form, appended to canonical, and its name (may be NULL).
struct rml_json_writer;
RML_API rml_status rml_json_seal(struct rml_json_writer *w, rml_buffer *canonical, rml_hash *hash,
                                 rml_error *err) RML_CHECKED;
// The same of a JSON text (parsed first).
RML_API rml_status rml_json_text_hash(rml_str text, rml_hash *out, rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
