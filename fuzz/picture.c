// A byte for the stated format, then an encoded picture: looked at.
#include <stdlib.h>
#include <string.h>

#include "roadmill/codec/picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const formats[] = {"",     "jpeg", "png", "16UC1; compressedDepth",
                                          "h264", "h265", "x"};
    if (size == 0) {
        return 0;
    }
    const char *format = formats[data[0] % (sizeof formats / sizeof *formats)];
    rml_picture p = rml_picture_look(rml_bytes_of(data + 1, size - 1), rml_str_of(format));
    if ((p.codec == NULL && (p.width_px != 0 || p.key != RML_KEY_UNKNOWN)) ||
        p.width_px > INT32_MAX || p.height_px > INT32_MAX) {
        abort();
    }
    return 0;
}
