// The heads of video frames in byte streams with start codes (annex B of H.264 and H.265).
#ifndef ROADMILL_CODEC_PICTURE_VIDEO_H
#define ROADMILL_CODEC_PICTURE_VIDEO_H

#include "roadmill/codec/picture.h"

rml_picture rml_picture_h264(rml_bytes data);
rml_picture rml_picture_h265(rml_bytes data);

#endif
