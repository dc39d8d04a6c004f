// Compression by the libraries made for it: one row a codec. Every decompressor is told how much it
// may give, so a small input cannot fill the memory.
#include <bzlib.h>
#include <libdeflate.h>
#include <limits.h>
#include <lz4frame.h>
#include <snappy-c.h>
#include <string.h>
#include <zstd.h>

#include "roadmill/codec.h"

// Slots of rml_codec_context.
enum { SLOT_ZSTD_IN, SLOT_ZSTD_OUT, SLOT_LZ4, SLOT_DEFLATE };

typedef struct rml_codec_row {
    const char *name;
    // Decompresses into out[size], *made bytes; false: malformed, or more than size.
    bool (*expand)(rml_codec_context *c, rml_bytes in, uint8_t *out, size_t size, size_t *made);
    size_t (*bound)(size_t len);
    bool (*shrink)(rml_codec_context *c, int level, rml_bytes in, uint8_t *out, size_t size,
                   size_t *made);
} rml_codec_row;

static bool none_expand(rml_codec_context *c, rml_bytes in, uint8_t *out, size_t size, size_t *made)
{
    (void)c;
    if (in.len > size) {
        return false;
    }
    if (in.len > 0) {
        memcpy(out, in.data, in.len);
    }
    *made = in.len;
    return true;
}

static size_t none_bound(size_t len)
{
    return len;
}

static bool none_shrink(rml_codec_context *c, int level, rml_bytes in, uint8_t *out, size_t size,
                        size_t *made)
{
    (void)level;
    return none_expand(c, in, out, size, made);
}

static bool zstd_expand(rml_codec_context *c, rml_bytes in, uint8_t *out, size_t size, size_t *made)
{
    if (c->state[SLOT_ZSTD_IN] == NULL) {
        c->state[SLOT_ZSTD_IN] = ZSTD_createDCtx();
    }
    if (c->state[SLOT_ZSTD_IN] == NULL) {
        return false;
    }
    *made = ZSTD_decompressDCtx(c->state[SLOT_ZSTD_IN], out, size, in.data, in.len);
    return !ZSTD_isError(*made);
}

static bool zstd_shrink(rml_codec_context *c, int level, rml_bytes in, uint8_t *out, size_t size,
                        size_t *made)
{
    if (c->state[SLOT_ZSTD_OUT] == NULL) {
        c->state[SLOT_ZSTD_OUT] = ZSTD_createCCtx();
    }
    if (c->state[SLOT_ZSTD_OUT] == NULL) {
        return false;
    }
    *made = ZSTD_compressCCtx(c->state[SLOT_ZSTD_OUT], out, size, in.data, in.len,
                              level == 0 ? ZSTD_CLEVEL_DEFAULT : level);
    return !ZSTD_isError(*made);
}

// Frames may follow each other; all of them are read.
static bool lz4_expand(rml_codec_context *c, rml_bytes in, uint8_t *out, size_t size, size_t *made)
{
    LZ4F_dctx *context = c->state[SLOT_LZ4];
    if (context == NULL && LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION))) {
        return false;
    }
    c->state[SLOT_LZ4] = context;
    LZ4F_resetDecompressionContext(context);
    size_t from = 0, to = 0, hint = in.len == 0 ? 0 : 1;
    while (from < in.len) {
        size_t used = in.len - from, got = size - to;
        hint = LZ4F_decompress(context, out + to, &got, in.data + from, &used, NULL);
        if (LZ4F_isError(hint) || (used == 0 && got == 0)) {
            return false;
        }
        from += used;
        to += got;
    }
    *made = to;
    return hint == 0;
}

static size_t lz4_bound(size_t len)
{
    return LZ4F_compressFrameBound(len, NULL);
}

static bool lz4_shrink(rml_codec_context *c, int level, rml_bytes in, uint8_t *out, size_t size,
                       size_t *made)
{
    (void)c;
    LZ4F_preferences_t preferences = {.compressionLevel = level};
    preferences.frameInfo.contentSize = in.len;
    *made = LZ4F_compressFrame(out, size, in.data, in.len, &preferences);
    return !LZ4F_isError(*made);
}

static bool snappy_expand(rml_codec_context *c, rml_bytes in, uint8_t *out, size_t size,
                          size_t *made)
{
    (void)c;
    *made = size;
    return snappy_uncompress((const char *)in.data, in.len, (char *)out, made) == SNAPPY_OK;
}

static bool snappy_shrink(rml_codec_context *c, int level, rml_bytes in, uint8_t *out, size_t size,
                          size_t *made)
{
    (void)c;
    (void)level;
    *made = size;
    return snappy_compress((const char *)in.data, in.len, (char *)out, made) == SNAPPY_OK;
}

typedef enum libdeflate_result (*rml_inflate)(struct libdeflate_decompressor *, const void *,
                                              size_t, void *, size_t, size_t *);

static bool inflate_by(rml_inflate inflate, rml_codec_context *c, rml_bytes in, uint8_t *out,
                       size_t size, size_t *made)
{
    if (c->state[SLOT_DEFLATE] == NULL) {
        c->state[SLOT_DEFLATE] = libdeflate_alloc_decompressor();
    }
    return c->state[SLOT_DEFLATE] != NULL &&
           inflate(c->state[SLOT_DEFLATE], in.data, in.len, out, size, made) == LIBDEFLATE_SUCCESS;
}

static bool gzip_expand(rml_codec_context *c, rml_bytes in, uint8_t *out, size_t size, size_t *made)
{
    return inflate_by(libdeflate_gzip_decompress, c, in, out, size, made);
}

static bool zlib_expand(rml_codec_context *c, rml_bytes in, uint8_t *out, size_t size, size_t *made)
{
    return inflate_by(libdeflate_zlib_decompress, c, in, out, size, made);
}

static size_t deflate_bound(size_t len)
{
    return libdeflate_gzip_compress_bound(NULL, len);
}

typedef size_t (*rml_deflate)(struct libdeflate_compressor *, const void *, size_t, void *, size_t);

static bool deflate_by(rml_deflate deflate, int level, rml_bytes in, uint8_t *out, size_t size,
                       size_t *made)
{
    struct libdeflate_compressor *d = libdeflate_alloc_compressor(level == 0 ? 6 : level);
    if (d == NULL) {
        return false;
    }
    *made = deflate(d, in.data, in.len, out, size);
    libdeflate_free_compressor(d);
    return *made > 0;
}

static bool gzip_shrink(rml_codec_context *c, int level, rml_bytes in, uint8_t *out, size_t size,
                        size_t *made)
{
    (void)c;
    return deflate_by(libdeflate_gzip_compress, level, in, out, size, made);
}

static bool zlib_shrink(rml_codec_context *c, int level, rml_bytes in, uint8_t *out, size_t size,
                        size_t *made)
{
    (void)c;
    return deflate_by(libdeflate_zlib_compress, level, in, out, size, made);
}

static bool bzip2_expand(rml_codec_context *c, rml_bytes in, uint8_t *out, size_t size,
                         size_t *made)
{
    (void)c;
    unsigned len = size > UINT_MAX ? UINT_MAX : (unsigned)size;
    if (in.len > UINT_MAX ||
        BZ2_bzBuffToBuffDecompress((char *)out, &len, (char *)(uintptr_t)in.data, (unsigned)in.len,
                                   0, 0) != BZ_OK) {
        return false;
    }
    *made = len;
    return true;
}

// Source: the manual of bzip2, "BZ2_bzBuffToBuffCompress": 1 % and 600 bytes more.
static size_t bzip2_bound(size_t len)
{
    return len + len / 100 + 600;
}

static bool bzip2_shrink(rml_codec_context *c, int level, rml_bytes in, uint8_t *out, size_t size,
                         size_t *made)
{
    (void)c;
    unsigned len = size > UINT_MAX ? UINT_MAX : (unsigned)size;
    if (in.len > UINT_MAX ||
        BZ2_bzBuffToBuffCompress((char *)out, &len, (char *)(uintptr_t)in.data, (unsigned)in.len,
                                 level == 0 ? 9 : level, 0, 0) != BZ_OK) {
        return false;
    }
    *made = len;
    return true;
}

static const rml_codec_row rows[] = {
    [RML_CODEC_NONE] = {"none", none_expand, none_bound, none_shrink},
    [RML_CODEC_ZSTD] = {"zstd", zstd_expand, ZSTD_compressBound, zstd_shrink},
    [RML_CODEC_LZ4] = {"lz4", lz4_expand, lz4_bound, lz4_shrink},
    [RML_CODEC_SNAPPY] = {"snappy", snappy_expand, snappy_max_compressed_length, snappy_shrink},
    [RML_CODEC_GZIP] = {"gzip", gzip_expand, deflate_bound, gzip_shrink},
    [RML_CODEC_ZLIB] = {"zlib", zlib_expand, deflate_bound, zlib_shrink},
    [RML_CODEC_BZIP2] = {"bzip2", bzip2_expand, bzip2_bound, bzip2_shrink},
};

const char *rml_codec_name(rml_codec codec)
{
    return rows[codec].name;
}

void rml_codec_context_reset(rml_codec_context *c)
{
    ZSTD_freeDCtx(c->state[SLOT_ZSTD_IN]);
    ZSTD_freeCCtx(c->state[SLOT_ZSTD_OUT]);
    LZ4F_freeDecompressionContext(c->state[SLOT_LZ4]);
    libdeflate_free_decompressor(c->state[SLOT_DEFLATE]);
    *c = (rml_codec_context){0};
}

rml_status rml_decompress(rml_codec_context *c, rml_codec codec, rml_bytes in, uint8_t *out,
                          size_t out_size, rml_place at, rml_error *err)
{
    uint8_t nothing;
    size_t made = 0;
    if (!rows[codec].expand(c, in, out_size == 0 ? &nothing : out, out_size, &made)) {
        return rml_fail(err, RML_ERR_DATA, at, NULL,
                        "expected %zu bytes of %s that give %zu, found bytes that do not", in.len,
                        rows[codec].name, out_size);
    }
    if (made != out_size) {
        return rml_fail(err, RML_ERR_DATA, at, NULL, "expected %s to give %zu bytes, found %zu",
                        rows[codec].name, out_size, made);
    }
    return RML_OK;
}

rml_status rml_decompress_all(rml_codec_context *c, rml_codec codec, rml_bytes in, size_t most,
                              rml_buffer *out, rml_place at, rml_error *err)
{
    size_t size = in.len < most / 4 ? in.len * 4 + 64 : most;
    for (;;) {
        RML_TRY(rml_buffer_reserve(out, size, err));
        size_t made = 0;
        if (rows[codec].expand(c, in, out->data + out->len, size, &made)) {
            out->len += made;
            return RML_OK;
        }
        if (size >= most) {
            return rml_fail(err, RML_ERR_DATA, at, NULL,
                            "expected %zu bytes of %s that give at most %zu, found other bytes",
                            in.len, rows[codec].name, most);
        }
        size = size < most / 4 ? size * 4 : most;
    }
}

static rml_status unzstd(ZSTD_DStream *stream, rml_buffer *piece, rml_bytes in, rml_place at,
                         rml_status (*put)(void *context, rml_bytes piece, rml_error *err),
                         void *context, rml_error *err)
{
    ZSTD_inBuffer from = {in.data, in.len, 0};
    size_t left = 1;
    while (from.pos < from.size || left != 0) {
        ZSTD_outBuffer to = {piece->data, piece->capacity, 0};
        size_t before = from.pos;
        left = ZSTD_decompressStream(stream, &to, &from);
        if (ZSTD_isError(left) || (to.pos == 0 && from.pos == before)) {
            return rml_fail(err, RML_ERR_DATA, at, NULL,
                            "expected zstd frames, found at byte %zu of them: %s", from.pos,
                            ZSTD_isError(left) ? ZSTD_getErrorName(left) : "an end that is cut");
        }
        RML_TRY(put(context, rml_bytes_of(piece->data, to.pos), err));
    }
    return RML_OK;
}

rml_status rml_unzstd(rml_bytes in, rml_place at,
                      rml_status (*put)(void *context, rml_bytes piece, rml_error *err),
                      void *context, rml_error *err)
{
    rml_buffer piece = {0};
    ZSTD_DStream *stream = ZSTD_createDStream();
    rml_status st = stream == NULL ? rml_fail_memory(err, ZSTD_DStreamOutSize())
                                   : rml_buffer_reserve(&piece, ZSTD_DStreamOutSize(), err);
    if (st == RML_OK) {
        st = unzstd(stream, &piece, in, at, put, context, err);
    }
    ZSTD_freeDStream(stream);
    rml_buffer_reset(&piece);
    return st;
}

rml_status rml_compress(rml_codec_context *c, rml_codec codec, int level, rml_bytes in,
                        rml_buffer *out, rml_error *err)
{
    size_t size = rows[codec].bound(in.len), made = 0;
    RML_TRY(rml_buffer_reserve(out, size == 0 ? 1 : size, err));
    if (!rows[codec].shrink(c, level, in, out->data + out->len, out->capacity - out->len, &made)) {
        return rml_fail(err, RML_ERR_MEMORY, (rml_place){0}, NULL,
                        "expected %s to compress %zu bytes, it gave none", rows[codec].name,
                        in.len);
    }
    out->len += made;
    return RML_OK;
}
