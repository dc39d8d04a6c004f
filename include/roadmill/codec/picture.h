// What the bytes of an encoded picture say about themselves without being decoded: codec, size, and
// whether decoding can begin with it.
//
// Sources: JPEG ISO/IEC 10918-1 annex B; PNG (W3C, third edition) sections 5 and 11; H.264 (ITU-T
// 08/2021) 7.3.2.1.1 and annex B; H.265 (ITU-T 09/2023) 7.3.2.2 and annex B.
#ifndef ROADMILL_CODEC_PICTURE_H
#define ROADMILL_CODEC_PICTURE_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rml_key_frame {
    RML_KEY_UNKNOWN,
    RML_KEY_NO,  // needs frames before it
    RML_KEY_YES, // decoding can begin here: every JPEG and PNG; H.264: it has an IDR slice; H.265:
                 // an IRAP slice (IDR, CRA, BLA)
} rml_key_frame;

typedef struct rml_picture {
    const char *codec; // "jpeg", "png", "h264", "h265"; NULL: none of these
    rml_key_frame key;
    uint32_t width_px, height_px; // as shown, cropping done; 0: not told (a frame without its SPS)
    const char *fault;            // why it is not whole or not what it states; NULL: none seen
} rml_picture;

// format: as the message states it ("jpeg", "bgr8; jpeg compressed bgr8", "16UC1; compressedDepth",
// "h264"); JPEG and PNG are known by their first bytes whatever it says, video by format and start
// codes (annex B). Never reads behind data; allocates nothing.
RML_API rml_picture rml_picture_look(rml_bytes data, rml_str format);

#ifdef __cplusplus
}
#endif
#endif
