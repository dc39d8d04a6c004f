// Shards of dataset versions are untrusted: any bytes give an error or a shard whose every tensor
// lies inside the bytes.
#include <stdlib.h>
#include <string.h>

#include "roadmill/dataset/shard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rml_scene_spec spec = {.history = 2, .future = 2, .agents = 1, .map = 1};
    rml_tensor_info info[RML_SCENE_TENSORS];
    rml_scene_spec_defaults(&spec);
    rml_scene_layout(&spec, info);
    uint8_t *copy = rml_heap_make(size + 1); // aligned, and its end is guarded
    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, data, size);
    for (int known = 0; known < 2; known++) {
        rml_shard shard;
        rml_error err;
        if (rml_shard_parse(rml_bytes_of(copy, size), RML_STR("fuzz"), known ? info : NULL, &shard,
                            &err) != RML_OK) {
            continue;
        }
        float sum = 0;
        for (uint32_t scene = 0; scene < shard.scenes; scene++) {
            for (int t = 0; t < RML_SCENE_TENSORS; t++) {
                const float *first = shard.data + scene * shard.stride + shard.offset[t];
                sum += shard.offset[t] < shard.stride ? *first : 0;
            }
        }
        if (sum == 12345.678f) {
            abort(); // keeps the reads
        }
    }
    rml_heap_free(copy);
    return 0;
}
