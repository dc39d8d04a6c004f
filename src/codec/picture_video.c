// H.264 and H.265 frames: which kinds of NAL units they hold, and the size in a sequence parameter
// set. Names of fields are those of the standards' syntax tables.
#include "picture_video.h"

#include <limits.h>

// ---- NAL units ---------------------------------------------------------------------------------

// The next unit behind a start code (00 00 01), without it and without the zeros at its end; false
// at the end of data.
static bool unit_next(rml_bytes data, size_t *at, rml_bytes *out)
{
    size_t i = *at;
    while (i + 3 <= data.len &&
           !(data.data[i] == 0 && data.data[i + 1] == 0 && data.data[i + 2] == 1)) {
        // A code cannot begin at any of the three bytes if the last of them is greater than 1.
        i += data.data[i + 2] > 1 ? 3 : 1;
    }
    if (i + 3 > data.len) {
        return false;
    }
    size_t first = i + 3, end = first;
    while (end + 3 <= data.len &&
           !(data.data[end] == 0 && data.data[end + 1] == 0 && data.data[end + 2] <= 1)) {
        end += data.data[end + 2] > 1 ? 3 : 1;
    }
    end = end + 3 > data.len ? data.len : end;
    *at = end;
    *out = rml_bytes_of(data.data + first, end - first);
    return true;
}

// ---- Bits of a unit ----------------------------------------------------------------------------

typedef struct bits {
    rml_bytes data;
    size_t at;      // of the byte
    unsigned used;  // bits of it
    unsigned zeros; // zero bytes just before it: 00 00 03 is 00 00
    bool over;      // read behind the end
} bits;

static void byte_next(bits *b)
{
    b->zeros = b->data.data[b->at] == 0 ? b->zeros + 1 : 0;
    b->at++;
    b->used = 0;
    if (b->zeros >= 2 && b->at < b->data.len && b->data.data[b->at] == 3) {
        b->at++;
        b->zeros = 0;
    }
}

static uint32_t bit(bits *b)
{
    if (b->at >= b->data.len) {
        b->over = true;
        return 0;
    }
    uint32_t value = b->data.data[b->at] >> (7 - b->used) & 1;
    if (++b->used == 8) {
        byte_next(b);
    }
    return value;
}

static uint32_t u(bits *b, unsigned count)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        value = value << 1 | bit(b);
    }
    return value;
}

static void skip(bits *b, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        (void)bit(b);
    }
}

// Unsigned Exp-Golomb code (9.1).
static uint32_t ue(bits *b)
{
    unsigned zeros = 0;
    while (!b->over && zeros < 32 && bit(b) == 0) {
        zeros++;
    }
    if (zeros >= 32) {
        b->over = true;
        return 0;
    }
    return (uint32_t)(((uint64_t)1 << zeros) - 1) + u(b, zeros);
}

static int64_t se(bits *b)
{
    uint32_t code = ue(b);
    return code % 2 ? (int64_t)(code / 2) + 1 : -(int64_t)(code / 2);
}

// width and height less what is cropped, or nothing where that makes no sense.
static void size_set(rml_picture *p, const bits *b, uint64_t width, uint64_t height,
                     uint64_t crop_width, uint64_t crop_height)
{
    bool sound = !b->over && crop_width < width && crop_height < height && width <= INT32_MAX &&
                 height <= INT32_MAX;
    if (sound) {
        p->width_px = (uint32_t)(width - crop_width);
        p->height_px = (uint32_t)(height - crop_height);
    } else if (!p->fault) {
        p->fault = "its sequence parameter set is cut or makes no sense";
    }
}

// Chroma samples are half as dense: 4:2:0 both ways, 4:2:2 along a row.
static uint32_t sub_width(uint32_t chroma_format_idc)
{
    return chroma_format_idc == 1 || chroma_format_idc == 2 ? 2 : 1;
}

static uint32_t sub_height(uint32_t chroma_format_idc)
{
    return chroma_format_idc == 1 ? 2 : 1;
}

// ---- H.264 -------------------------------------------------------------------------------------

static bool has_chroma_format(uint32_t profile_idc)
{
    static const uint8_t profiles[] = {100, 110, 122, 244, 44,  83, 86,
                                       118, 128, 138, 139, 134, 135};
    for (size_t i = 0; i < sizeof profiles; i++) {
        if (profiles[i] == profile_idc) {
            return true;
        }
    }
    return false;
}

static void scaling_list_skip(bits *b, unsigned size)
{
    int64_t last = 8, next = 8;
    for (unsigned i = 0; i < size && !b->over; i++) {
        if (next != 0) {
            next = (last + se(b) + 256) % 256;
        }
        last = next == 0 ? last : next;
    }
}

// Behind chroma_format_idc: bit depths and scaling lists.
static void high_profile_skip(bits *b, uint32_t chroma_format_idc)
{
    (void)ue(b);
    (void)ue(b);
    skip(b, 1);
    if (!bit(b)) {
        return;
    }
    for (unsigned i = 0; i < (chroma_format_idc == 3 ? 12U : 8U) && !b->over; i++) {
        if (bit(b)) {
            scaling_list_skip(b, i < 6 ? 16 : 64);
        }
    }
}

static void picture_order_skip(bits *b)
{
    uint32_t pic_order_cnt_type = ue(b);
    if (pic_order_cnt_type == 0) {
        (void)ue(b);
    } else if (pic_order_cnt_type == 1) {
        skip(b, 1);
        (void)se(b);
        (void)se(b);
        uint32_t cycle = ue(b);
        for (uint32_t i = 0; i < cycle && i < 256 && !b->over; i++) {
            (void)se(b);
        }
    }
}

static void h264_size(rml_bytes unit, rml_picture *p)
{
    bits b = {.data = unit, .at = 1};
    uint32_t profile_idc = u(&b, 8), chroma_format_idc = 1;
    bool separate = false;
    skip(&b, 16); // constraint flags, level_idc
    (void)ue(&b); // seq_parameter_set_id
    if (has_chroma_format(profile_idc)) {
        chroma_format_idc = ue(&b);
        separate = chroma_format_idc == 3 && bit(&b);
        high_profile_skip(&b, chroma_format_idc);
    }
    (void)ue(&b); // log2_max_frame_num_minus4
    picture_order_skip(&b);
    (void)ue(&b); // max_num_ref_frames
    skip(&b, 1);  // gaps_in_frame_num_value_allowed_flag
    uint64_t width = ((uint64_t)ue(&b) + 1) * 16, map_units = (uint64_t)ue(&b) + 1;
    uint32_t frame_mbs_only_flag = bit(&b);
    uint64_t height = map_units * 16 * (2 - frame_mbs_only_flag);
    skip(&b, frame_mbs_only_flag ? 1 : 2); // mb_adaptive_frame_field, direct_8x8_inference
    uint64_t crop_width = 0, crop_height = 0;
    if (bit(&b)) {
        uint32_t chroma_array_type = separate ? 0 : chroma_format_idc;
        crop_width = ((uint64_t)ue(&b) + ue(&b)) * sub_width(chroma_array_type);
        crop_height =
            ((uint64_t)ue(&b) + ue(&b)) * sub_height(chroma_array_type) * (2 - frame_mbs_only_flag);
    }
    size_set(p, &b, width, height, crop_width, crop_height);
}

// ---- H.265 -------------------------------------------------------------------------------------

static void profile_tier_level_skip(bits *b, uint32_t sub_layers)
{
    enum { PROFILE_BITS = 88, LEVEL_BITS = 8 };
    uint32_t profiles = 0, levels = 0;
    skip(b, PROFILE_BITS + LEVEL_BITS);
    for (uint32_t i = 0; i < sub_layers; i++) {
        profiles |= bit(b) << i;
        levels |= bit(b) << i;
    }
    if (sub_layers > 0) {
        skip(b, 2 * (8 - sub_layers));
    }
    for (uint32_t i = 0; i < sub_layers; i++) {
        skip(b, profiles >> i & 1 ? PROFILE_BITS : 0);
        skip(b, levels >> i & 1 ? LEVEL_BITS : 0);
    }
}

static void h265_size(rml_bytes unit, rml_picture *p)
{
    bits b = {.data = unit, .at = 2};
    skip(&b, 4); // sps_video_parameter_set_id
    uint32_t sub_layers = u(&b, 3);
    skip(&b, 1); // sps_temporal_id_nesting_flag
    profile_tier_level_skip(&b, sub_layers);
    (void)ue(&b); // sps_seq_parameter_set_id
    uint32_t chroma_format_idc = ue(&b);
    bool separate = chroma_format_idc == 3 && bit(&b);
    uint64_t width = ue(&b), height = ue(&b), crop_width = 0, crop_height = 0;
    if (bit(&b)) {
        uint32_t chroma_array_type = separate ? 0 : chroma_format_idc;
        crop_width = ((uint64_t)ue(&b) + ue(&b)) * sub_width(chroma_array_type);
        crop_height = ((uint64_t)ue(&b) + ue(&b)) * sub_height(chroma_array_type);
    }
    size_set(p, &b, width, height, crop_width, crop_height);
}

// ---- What both have in common ------------------------------------------------------------------

// Kinds of NAL units: slices that need frames before them, slices that need none, and the set of
// parameters that tells the size.
typedef struct video {
    const char *codec;
    size_t head;    // bytes before a unit's own
    unsigned shift; // of the kind in the first of them
    uint8_t mask;
    uint8_t key_first, key_last, slice_first, slice_last, parameters;
    void (*size)(rml_bytes unit, rml_picture *p);
} video;

static rml_picture look(rml_bytes data, const video *v)
{
    rml_picture p = {0};
    rml_bytes unit;
    for (size_t at = 0; unit_next(data, &at, &unit);) {
        uint8_t first = unit.len >= v->head ? unit.data[0] : 0x80;
        unsigned kind = (unsigned)first >> v->shift & v->mask;
        p.codec = v->codec;
        if (first & 0x80) {
            p.fault = "expected NAL units, found one whose first bit is set";
            return p;
        }
        if (kind >= v->key_first && kind <= v->key_last) {
            p.key = RML_KEY_YES;
        } else if (kind >= v->slice_first && kind <= v->slice_last && p.key == RML_KEY_UNKNOWN) {
            p.key = RML_KEY_NO;
        } else if (kind == v->parameters) {
            v->size(unit, &p);
        }
    }
    return p;
}

// 7.4.1: IDR 5; slice 1, partition A 2; sequence parameter set 7.
rml_picture rml_picture_h264(rml_bytes data)
{
    static const video h264 = {"h264", 1, 0, 0x1f, 5, 5, 1, 2, 7, h264_size};
    return look(data, &h264);
}

// 7.4.2.2: IRAP 16 to 23; other slices 0 to 31; sequence parameter set 33.
rml_picture rml_picture_h265(rml_bytes data)
{
    static const video h265 = {"h265", 2, 1, 0x3f, 16, 23, 0, 31, 33, h265_size};
    return look(data, &h265);
}
