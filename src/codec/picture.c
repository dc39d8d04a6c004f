// Encoded pictures by their first and last bytes: JPEG and PNG here, video in picture_video.c.
#include "roadmill/codec/picture.h"

#include <string.h>

#include "picture_video.h"

static const uint8_t png_signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
static const uint8_t png_end[] = {'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};

// ROS's compressed_depth_image_transport puts a ConfigHeader (an int32, two floats) before the PNG.
enum { DEPTH_HEADER = 12 };

static uint32_t big16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t big32(const uint8_t *p)
{
    return big16(p) << 16 | big16(p + 2);
}

static bool begins(rml_bytes data, const uint8_t *with, size_t len)
{
    return data.len >= len && memcmp(data.data, with, len) == 0;
}

static rml_picture look_png(rml_bytes data)
{
    rml_picture p = {.codec = "png", .key = RML_KEY_YES};
    // Signature, then IHDR: length, name, width, height.
    if (data.len < 24 || memcmp(data.data + 12, "IHDR", 4) != 0) {
        p.fault = "expected IHDR as its first chunk";
        return p;
    }
    uint32_t width = big32(data.data + 16), height = big32(data.data + 20);
    if (width == 0 || height == 0 || width > INT32_MAX || height > INT32_MAX) {
        p.fault = "expected a width and height of 1 to 2147483647";
        return p;
    }
    p.width_px = width;
    p.height_px = height;
    if (memcmp(data.data + data.len - sizeof png_end, png_end, sizeof png_end) != 0) {
        p.fault = "expected IEND at its end, found none: it is cut";
    }
    return p;
}

// Markers without a length: RSTn and TEM.
static bool stands_alone(uint8_t marker)
{
    return (marker >= 0xd0 && marker <= 0xd7) || marker == 0x01;
}

// Start of frame: C0 to CF but DHT, JPG and DAC.
static bool starts_frame(uint8_t marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static rml_picture look_jpeg(rml_bytes data)
{
    rml_picture p = {.codec = "jpeg", .key = RML_KEY_YES};
    size_t at = 2;
    while (p.height_px == 0 && at + 4 <= data.len) {
        uint8_t marker = data.data[at + 1];
        if (data.data[at] != 0xff || marker == 0xda) {
            break;
        }
        if (marker == 0xff || stands_alone(marker)) {
            at += marker == 0xff ? 1 : 2;
            continue;
        }
        if (starts_frame(marker) && at + 9 <= data.len) {
            p.height_px = big16(data.data + at + 5);
            p.width_px = big16(data.data + at + 7);
        }
        at += 2 + big16(data.data + at + 2);
    }
    size_t end = data.len;
    while (end > 0 && data.data[end - 1] == 0) {
        end--; // some cameras fill up their packets
    }
    if (p.height_px == 0 || p.width_px == 0) {
        p.fault = "expected a start of frame before its scan, found none";
    } else if (end < 2 || data.data[end - 2] != 0xff || data.data[end - 1] != 0xd9) {
        p.fault = "expected EOI at its end, found none: it is cut";
    }
    return p;
}

// What the stated format names; NULL: nothing that is known here.
static const char *stated_codec(rml_str format)
{
    static const struct {
        const char *word, *codec;
    } words[] = {{"jpeg", "jpeg"}, {"jpg", "jpeg"},  {"png", "png"},  {"h264", "h264"},
                 {"avc", "h264"},  {"h265", "h265"}, {"hevc", "h265"}};
    char lower[64];
    rml_str text = {lower, format.len < sizeof lower ? format.len : sizeof lower};
    for (size_t i = 0; i < text.len; i++) {
        char c = format.data[i];
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (rml_str_find(text, rml_str_of(words[i].word)) < text.len) {
            return words[i].codec;
        }
    }
    return NULL;
}

rml_picture rml_picture_look(rml_bytes data, rml_str format)
{
    static const uint8_t jpeg_start[] = {0xff, 0xd8, 0xff};
    const char *stated = stated_codec(format);
    rml_picture p = {0};
    if (data.len >= DEPTH_HEADER && rml_str_find(format, RML_STR("compressedDepth")) < format.len) {
        data = rml_bytes_of(data.data + DEPTH_HEADER, data.len - DEPTH_HEADER);
        stated = "png";
    }
    if (begins(data, jpeg_start, sizeof jpeg_start)) {
        p = look_jpeg(data);
    } else if (begins(data, png_signature, sizeof png_signature)) {
        p = look_png(data);
    } else if (stated && strcmp(stated, "h264") == 0) {
        p = rml_picture_h264(data);
    } else if (stated && strcmp(stated, "h265") == 0) {
        p = rml_picture_h265(data);
    }
    if (stated && !p.fault && (!p.codec || strcmp(stated, p.codec) != 0)) {
        p.fault = "its bytes are not of the format that it states";
    }
    return p;
}
