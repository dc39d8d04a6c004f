// Weights and checkpoints come from outside: the container must never read past its bytes.
#include "roadmill/train.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rml_error err = {0};
    size_t tensors;
    rml_status st = rml_weights_check((rml_bytes){data, size}, RML_STR("fuzz"), &tensors, &err);
    (void)st;
    return 0;
}
