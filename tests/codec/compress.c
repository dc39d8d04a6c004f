// Every codec: what it wrote it reads, a wrong size or a flipped byte is told, nothing overruns.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/base/random.h"
#include "roadmill/codec.h"

static const rml_codec codecs[] = {RML_CODEC_NONE, RML_CODEC_ZSTD, RML_CODEC_LZ4,  RML_CODEC_SNAPPY,
                                   RML_CODEC_GZIP, RML_CODEC_ZLIB, RML_CODEC_BZIP2};
static const size_t sizes[] = {1, 2, 63, 1000, 100000};

static void fill(uint8_t *data, size_t size, uint64_t seed)
{
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)(rml_random_u64(seed, 0, i / 7) & 15);
    }
}

static void round_trip(void **state)
{
    (void)state;
    static uint8_t in[100000], out[100001];
    for (size_t c = 0; c < sizeof codecs / sizeof *codecs; c++) {
        rml_codec_context context = {0};
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            fill(in, sizes[s], s);
            rml_buffer packed = {0}, all = {0};
            rml_place at = rml_place_byte(RML_STR("f"), 7);
            assert_int_equal(
                rml_compress(&context, codecs[c], 0, rml_bytes_of(in, sizes[s]), &packed, NULL),
                RML_OK);
            rml_bytes bytes = rml_buffer_bytes(&packed);
            assert_int_equal(rml_decompress(&context, codecs[c], bytes, out, sizes[s], at, NULL),
                             RML_OK);
            assert_memory_equal(in, out, sizes[s]);
            assert_int_equal(
                rml_decompress_all(&context, codecs[c], bytes, sizes[s] + 5, &all, at, NULL),
                RML_OK);
            assert_int_equal(all.len, sizes[s]);
            assert_memory_equal(all.data, in, sizes[s]);
            rml_error err = {0};
            assert_int_equal(
                rml_decompress(&context, codecs[c], bytes, out, sizes[s] - 1, at, &err),
                RML_ERR_DATA);
            assert_non_null(strstr(err.place, "byte 7"));
            assert_int_equal(
                rml_decompress(&context, codecs[c], bytes, out, sizes[s] + 1, at, &err),
                RML_ERR_DATA);
            rml_buffer_reset(&packed);
            rml_buffer_reset(&all);
        }
        rml_codec_context_reset(&context);
    }
}

// Any change of the packed bytes gives an error or some bytes, never a crash or an overrun.
static void damage(void **state)
{
    (void)state;
    static uint8_t in[3000], out[3000];
    fill(in, sizeof in, 9);
    for (size_t c = 0; c < sizeof codecs / sizeof *codecs; c++) {
        rml_codec_context context = {0};
        rml_buffer packed = {0};
        assert_int_equal(
            rml_compress(&context, codecs[c], 0, rml_bytes_of(in, sizeof in), &packed, NULL),
            RML_OK);
        for (uint64_t i = 0; i < 500; i++) {
            size_t at = (size_t)rml_random_below(1, c, i, packed.len);
            uint8_t kept = packed.data[at];
            packed.data[at] ^= (uint8_t)(1 + rml_random_below(2, c, i, 255));
            size_t len = (size_t)rml_random_below(3, c, i, packed.len + 1);
            rml_status st = rml_decompress(&context, codecs[c], rml_bytes_of(packed.data, len), out,
                                           sizeof out, (rml_place){0}, NULL);
            assert_true(st == RML_OK || st == RML_ERR_DATA);
            packed.data[at] = kept;
        }
        rml_buffer_reset(&packed);
        rml_codec_context_reset(&context);
    }
}

// Check values of the CRC catalogue ("123456789") and of FIPS 180-4 ("abc").
static void known_answers(void **state)
{
    (void)state;
    assert_int_equal(rml_crc32(0, "123456789", 9), 0xCBF43926);
    assert_int_equal(rml_crc32(rml_crc32(0, "1234", 4), "56789", 5), 0xCBF43926);
    assert_int_equal(rml_crc32_join(rml_crc32(0, "1234", 4), rml_crc32(0, "56789", 5), 5),
                     0xCBF43926);
    assert_int_equal(rml_crc32_join(0xCBF43926, 0, 0), 0xCBF43926);
    assert_int_equal(rml_crc32c(0, "123456789", 9), 0xE3069283);
    assert_int_equal(rml_crc32c(rml_crc32c(0, "1234", 4), "56789", 5), 0xE3069283);
    rml_hash hash;
    char text[RML_HASH_TEXT];
    assert_int_equal(rml_sha256("abc", 3, &hash), RML_OK);
    rml_hash_text(&hash, text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    rml_sha256_state s;
    assert_int_equal(rml_sha256_begin(&s, NULL), RML_OK);
    rml_sha256_add(&s, "a", 1);
    rml_sha256_add(&s, "bc", 2);
    rml_hash again;
    rml_sha256_end(&s, &again);
    assert_true(rml_hash_equal(&hash, &again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(damage),
        cmocka_unit_test(known_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
