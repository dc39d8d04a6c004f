// Heads of encoded pictures: parameter sets written by x264 and x265, JPEG and PNG by hand, each
// also cut at every byte and with every bit flipped, which must change nothing but the answer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/codec/picture.h"

enum { SIZE_MAX_HERE = 256 };

typedef struct sample {
    const char *format, *hex, *codec;
    rml_key_frame key;
    uint32_t width_px, height_px;
    const char *fault;
} sample;

#define CUT "expected EOI at its end, found none: it is cut"
static const sample samples[] = {
    // Baseline, 4:2:0; cropped on both sides; High 4:2:2; High 4:4:4; interlaced.
    {"h264", "000001674d400aeca23d080000030008000003014078912cb000000168ce0fc800000165888400e831",
     "h264", RML_KEY_YES, 64, 48, NULL},
    {"H264",
     "000001674d4016eca05217f11242000003000200000300501e2c5b2c00000168ce0fc800000165888400e831",
     "h264", RML_KEY_YES, 642, 362, NULL},
    {"avc1",
     "000001677a000dbcd94161fea3e1000003000100000300280f14299600000168ce0fc800000165888400e829",
     "h264", RML_KEY_YES, 350, 226, NULL},
    {"h264",
     "00000167f4000a919b28efc2108420000003002000000501e244b2c000000168ce0f192000000165888400e821",
     "h264", RML_KEY_YES, 97, 33, NULL},
    {"h264", "000001674d4015eca337e221000003000100000300281f14299600000168de0fc80000016588820b0ea1",
     "h264", RML_KEY_YES, 96, 68, NULL},
    {"h265",
     "00000140010c01ffff01600000030090000003000003003f95940900000142010101600000030090000003000003"
     "003fa005020171f2e595952930b9a020000003002000000302810000014401c073c1890000012801ac746099",
     "h265", RML_KEY_YES, 640, 360, NULL},
    {"hevc",
     "00000140010c01ffff0408000003009e0800000300001e9594090000014201010408000003009e0800000300001e"
     "9002440a38e8ecb2b2a52617340400000300040000030050200000014401c073183018900000012801ac759ab8",
     "h265", RML_KEY_YES, 131, 67, NULL},
    // A slice alone: no key frame, no size. Parameter sets alone: not even that.
    {"h264", "00000001419a24", "h264", RML_KEY_NO, 0, 0, NULL},
    {"h265", "000000010201d0", "h265", RML_KEY_NO, 0, 0, NULL},
    {"h264", "0000000168ce0fc8", "h264", RML_KEY_UNKNOWN, 0, 0, NULL},
    {"h264", "00000001e1", "h264", RML_KEY_UNKNOWN, 0, 0,
     "expected NAL units, found one whose first bit is set"},
    {"h264", "000000016742", "h264", RML_KEY_UNKNOWN, 0, 0,
     "its sequence parameter set is cut or makes no sense"},
    {"h264", "00000005650102030405", NULL, RML_KEY_UNKNOWN, 0, 0,
     "its bytes are not of the format that it states"},
    {"jpeg", "ffd8ffe000044a46ffc0000b080015002201011100ffd9", "jpeg", RML_KEY_YES, 34, 21, NULL},
    {"", "ffd8ffffe000044a46ffd0ffc2000b080015002201011100ffd9000000", "jpeg", RML_KEY_YES, 34, 21,
     NULL},
    {"jpeg", "ffd8ffe000044a46ffc0000b080015002201011100", "jpeg", RML_KEY_YES, 34, 21, CUT},
    {"jpeg", "ffd8ffda0000ffd9", "jpeg", RML_KEY_YES, 0, 0,
     "expected a start of frame before its scan, found none"},
    {"png",
     "89504e470d0a1a0a0000000d4948445200000022000000150802000000abcdef0100000000"
     "49454e44ae426082",
     "png", RML_KEY_YES, 34, 21, NULL},
    {"jpeg",
     "89504e470d0a1a0a0000000d4948445200000022000000150802000000abcdef0100000000"
     "49454e44ae426082",
     "png", RML_KEY_YES, 34, 21, "its bytes are not of the format that it states"},
    {"png", "89504e470d0a1a0a0000000d", "png", RML_KEY_YES, 0, 0,
     "expected IHDR as its first chunk"},
    {"png", "89504e470d0a1a0a0000000d49484452ffffffff000000150802000000abcdef01", "png",
     RML_KEY_YES, 0, 0, "expected a width and height of 1 to 2147483647"},
    {"webp", "52494646", NULL, RML_KEY_UNKNOWN, 0, 0, NULL},
    {"", "", NULL, RML_KEY_UNKNOWN, 0, 0, NULL},
};

// The bytes of a sample in memory of exactly their size, so that a sanitizer sees a step beyond.
static uint8_t *bytes_of(const char *hex, size_t *len)
{
    *len = strlen(hex) / 2;
    uint8_t *out = malloc(*len + (*len == 0));
    for (size_t i = 0; i < *len; i++) {
        unsigned value = 0;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &value), 1);
        out[i] = (uint8_t)value;
    }
    return out;
}

static void what_they_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const sample *s = &samples[i];
        size_t len;
        uint8_t *data = bytes_of(s->hex, &len);
        rml_picture p = rml_picture_look(rml_bytes_of(data, len), rml_str_of(s->format));
        const char *codec = p.codec ? p.codec : "none", *fault = p.fault ? p.fault : "none";
        assert_string_equal(codec, s->codec ? s->codec : "none");
        assert_int_equal(p.key, s->key);
        assert_int_equal(p.width_px, s->width_px);
        assert_int_equal(p.height_px, s->height_px);
        assert_string_equal(fault, s->fault ? s->fault : "none");
        free(data);
    }
}

static void never_beyond(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        size_t len;
        uint8_t *data = bytes_of(samples[i].hex, &len);
        assert_true(len < SIZE_MAX_HERE);
        for (size_t cut = 0; cut < len; cut++) {
            uint8_t *part = malloc(cut + (cut == 0));
            memcpy(part, data, cut);
            rml_picture p =
                rml_picture_look(rml_bytes_of(part, cut), rml_str_of(samples[i].format));
            assert_true(p.codec != NULL || p.width_px == 0);
            free(part);
        }
        for (size_t bit = 0; bit < len * 8; bit++) {
            data[bit / 8] ^= (uint8_t)(1U << bit % 8);
            rml_picture p =
                rml_picture_look(rml_bytes_of(data, len), rml_str_of(samples[i].format));
            assert_true(p.codec != NULL || p.width_px == 0);
            data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_they_say),
        cmocka_unit_test(never_beyond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
